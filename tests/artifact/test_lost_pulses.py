"""Pulses that a list lacks on its beat, found by what follows the others: also where strong EMG hides them."""

import numpy as np
import pytest
from scipy import signal as ss

import emgkit as ek
from emgkit.artifact.artifacts_left import ListedPulses
from emgkit.artifact.lost_pulses import empty_beats, lost_pulses

DURATION = 10.0


def response(since, size, m_wave, late):
    """A brief artifact, and an M-wave 9 ms after the pulse, or later by so many s."""
    brief = np.exp(-(((since - 4e-4) / 2.5e-4) ** 2)) - np.exp(-(((since - 9e-4) / 2.5e-4) ** 2))
    place = (since - 9e-3 - late) / 2e-3
    return size * brief - m_wave * place * np.exp(-(place**2)) * (since > 0)


def recorded(onsets, seed, *, fs=2000.0, size=3e-4, m_wave=2e-4, level=2e-4, channels=2, late=0.0):
    """Give the recording, and its EMG alone, V."""
    rng = np.random.default_rng(seed)
    times = np.arange(int(DURATION * fs)) / fs
    band = ss.butter(2, [30, min(400, 0.45 * fs)], "band", fs=fs, output="sos")
    emg = ss.sosfilt(band, rng.standard_normal((channels, times.size + 1000)), axis=1)[:, 1000:]
    emg *= (4e-6 + level * ((times > 1) & (times < 9))) / emg.std(axis=1, keepdims=True)
    total = emg.copy()
    for onset in onsets:
        near = slice(max(int((onset - 0.002) * fs), 0), int((onset + 0.03) * fs))
        total[:, near] += np.outer([1.0, -0.6][:channels], response(times[near] - onset, size, m_wave, late))
    return total, emg


def lacking(onsets, seed, share=0.1):
    """Give a list without some pulses at random, the first and the last one kept, and those that it lacks."""
    rng = np.random.default_rng(seed)
    lost = 1 + rng.permutation(onsets.size - 2)[: round(share * onsets.size)]
    return np.delete(onsets, lost), np.sort(onsets[lost])


def train(rate, seed, jitter=0.0):
    rng = np.random.default_rng(seed)
    every = np.arange(rng.uniform(0.5, 0.55), 9.5, 1 / rate)
    return np.sort(every + jitter * rng.standard_normal(every.size))


@pytest.mark.parametrize("seed", range(6))
def test_pulses_that_strong_emg_hides_are_found(seed):
    """Artifacts of 1.5 SD of the EMG: nothing is sharp, so that none of these was known."""
    every = train([12.3, 17.9, 24.7, 33.1, 39.7, 47.3][seed], seed)
    signal, _ = recorded(every, seed)
    given, lost = lacking(every, seed)
    assert ListedPulses(signal, 2000.0, given).unclaimed().size < 0.2 * lost.size
    found = lost_pulses(ListedPulses(signal, 2000.0, given))
    assert found.size > 0.8 * lost.size
    assert np.abs(found[:, np.newaxis] - lost).min(axis=1).max() < 1e-9


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_found_where_the_stimulator_left_pulses_out(seed):
    every = train([12.3, 17.9, 24.7, 33.1, 39.7, 47.3][seed], seed, jitter=2e-5)
    given, lost = lacking(every, seed, 0.15)
    for size, level in ((3e-4, 2e-4), (5e-3, 6e-5), (2e-2, 2e-4)):
        signal, _ = recorded(given, seed, size=size, level=level)
        assert empty_beats(given).size > lost.size
        assert lost_pulses(ListedPulses(signal, 2000.0, given)).size == 0


def test_pulses_are_found_among_beats_that_are_empty():
    """Of the gaps of one list some are the stimulator's."""
    for seed in range(4):
        every = train(29.3, seed)
        came, _ = lacking(every, seed, 0.1)
        given, lost = lacking(came, 10 + seed, 0.1)
        signal, _ = recorded(came, seed, size=2e-3, level=1e-4)
        np.testing.assert_allclose(lost_pulses(ListedPulses(signal, 2000.0, given)), lost, atol=5e-5)


def test_hidden_pulses_are_told_from_beats_that_are_empty():
    right = wrong = lost_ones = empty = 0
    for seed in range(6):
        every = train(29.3, seed)
        came, never = lacking(every, seed, 0.1)
        given, lost = lacking(came, 10 + seed, 0.1)
        signal, _ = recorded(came, seed)
        found = lost_pulses(ListedPulses(signal, 2000.0, given))
        there = np.abs(found[:, np.newaxis] - lost).min(axis=1, initial=1.0) < 1e-4
        right, wrong = right + int(there.sum()), wrong + int((~there).sum())
        lost_ones, empty = lost_ones + lost.size, empty + never.size
    assert right > 0.75 * lost_ones
    assert wrong < 0.05 * empty


def test_responses_alone_and_times_given_late_tell_as_well():
    for seed in range(4):
        every = train(22.3, seed)
        given, lost = lacking(every, seed)
        signal, _ = recorded(every, seed, size=0.0, m_wave=5e-4, level=1e-4, late=0.012)
        assert lost_pulses(ListedPulses(signal, 2000.0, given)).size > 0.8 * lost.size
        signal, _ = recorded(every, seed, size=4e-4, m_wave=0.0, level=1e-4)
        assert lost_pulses(ListedPulses(signal, 2000.0, given + 0.0012)).size > 0.8 * lost.size


def test_beats_are_known_of_trains_whose_rate_grows():
    every = 0.5 + np.cumsum(1 / np.linspace(20, 28, 500))
    given, lost = lacking(every, 2)
    beats = empty_beats(given)
    assert np.mean(np.abs(beats[:, np.newaxis] - lost).min(axis=0) < 1e-3) > 0.9


def test_the_last_response_of_a_fast_train_is_no_pulse():
    every = train(80.0, 1)
    for late in (0.001, 0.003, 0.005):
        signal, _ = recorded(every, 1, size=3e-4, m_wave=3e-3, level=5e-6, late=late)
        assert lost_pulses(ListedPulses(signal, 2000.0, every)).size == 0
    assert empty_beats(every).size == 0
    assert empty_beats(train(45.0, 1)).size > 0


def test_pauses_doublets_and_varying_intervals_hold_none():
    rng = np.random.default_rng(3)
    bursts = np.concatenate([np.arange(begin, begin + 1.0, 1 / 25) for begin in (0.5, 2.3, 4.1, 5.9, 7.7)])
    doublets = np.sort(np.concatenate([train(20.0, 1), train(20.0, 1) + 0.006]))
    varying = 0.5 + np.cumsum(rng.uniform(0.02, 0.08, 170))
    every = 0.5 + np.arange(180) / 20
    pairs = np.sort(np.concatenate([every, every + np.round(0.0018 + 2e-5 * rng.standard_normal(180), 5)]))
    for onsets in (bursts, doublets, pairs, varying[varying < 9.4]):
        for level in (4e-5, 3e-4):
            signal, _ = recorded(onsets, 3, size=1e-3, level=level)
            assert lost_pulses(ListedPulses(signal, 2000.0, onsets)).size == 0
    assert empty_beats(varying).size == 0
    even = np.sort(np.concatenate([every, every + 0.002]))
    assert empty_beats(np.delete(even, slice(61, 70))).size == 0  # medians turn to the other interval there


def test_artifacts_that_look_different_between_two_samples_are_found():
    """At 1000 Hz they are briefer than a sample, and pulses creep from place to place."""
    for seed, rate in enumerate((17.66, 24.97, 33.37)):
        every = train(rate, seed)
        signal, _ = recorded(every, seed, fs=1000.0, size=5e-3, m_wave=0.0, level=2e-5)
        given = np.delete(every, np.arange(40, 60))
        found = lost_pulses(ListedPulses(signal, 1000.0, given))
        assert found.size >= 17  # of some the samples show nothing
        assert np.abs(found[:, np.newaxis] - every[40:60]).min(axis=1).max() < 1e-9


def test_long_runs_and_those_at_the_ends_are_found():
    for seed in range(4):
        every = train(30.1, seed, jitter=2e-5)
        signal, _ = recorded(every, seed, size=2e-3, level=3e-5)
        given = np.delete(every, np.arange(80, 180))[2:-3]
        found = lost_pulses(ListedPulses(signal, 2000.0, given))
        lost = np.setdiff1d(every, given)
        assert found.size == lost.size
        assert np.abs(found - lost).max() < 5e-4


def test_a_ramp_is_judged_by_the_pulses_about_each_beat():
    for seed in range(4):
        every = train(25.1, seed)
        signal, emg = recorded(every, seed, size=5e-3, m_wave=0.0, level=1e-5)
        ramp = np.interp(np.arange(20000) / 2000.0, [0.5, 9.5], [0.05, 1.0])
        given, lost = lacking(every, seed)
        np.testing.assert_allclose(
            lost_pulses(ListedPulses(emg + ramp * (signal - emg), 2000.0, given)), lost, atol=1e-9
        )


def test_a_short_list_tells_nothing():
    every = train(20.0, 1)[:20]
    signal, _ = recorded(every, 1, size=5e-3, level=1e-5)
    assert lost_pulses(ListedPulses(signal, 2000.0, np.delete(every, 7))).size == 0


@pytest.mark.parametrize("seed", range(4))
def test_separate_puts_them_in(seed):
    """They stayed in the voluntary part, which was 7 to 9 % too large."""
    every = train([33.1, 39.7, 44.9, 47.3][seed], seed)
    signal, emg = recorded(every, seed, size=1e-3, m_wave=1e-3, level=2e-4)
    given, lost = lacking(every, seed, 0.2)
    separation = ek.separate(ek.Recording(signal, 2000.0), ek.Pulses(given))
    assert len(separation.pulses) > every.size - 0.05 * lost.size
    assert np.abs(separation.pulses.onsets[:, np.newaxis] - every).min(axis=1).max() < 1e-4
    assert any("put in" in message and "between" in message for message in separation.messages)
    ratio = np.sqrt((separation.voluntary.signal**2).mean(axis=1) / (emg**2).mean(axis=1))
    assert np.abs(ratio - 1).max() < 0.015


def test_those_that_are_not_put_in_are_told_of():
    every = train(33.1, 2)
    signal, _ = recorded(every, 2, size=1e-3, m_wave=1e-3)
    given, _ = lacking(every, 2, 0.2)
    current = np.linspace(0.02, 0.021, given.size)  # nobody knows theirs
    separation = ek.separate(ek.Recording(signal, 2000.0), ek.Pulses(given, current=current), "blanking")
    assert len(separation.pulses) == given.size
    assert any("between the pulses given" in message for message in separation.messages)
    assert {one.grade for one in separation.grades["voluntary_amplitude"]} <= {"with care", "reject"}


@pytest.mark.parametrize("parts", [pytest.param(2, marks=pytest.mark.slow), 3])
def test_a_list_of_every_second_or_third_pulse_is_completed(parts):
    """The others stood in its responses, at one lag after each of its pulses, and nothing was said."""
    for seed in range(3):
        every = train([31.0, 42.3, 24.7][seed], seed, jitter=2e-5)
        every = every[: 1 + parts * ((every.size - 1) // parts)]
        for size, level in ((5e-3, 6e-5), (2e-3, 2e-4)):
            signal, _ = recorded(every, seed, size=size, level=level)
            found = lost_pulses(ListedPulses(signal, 2000.0, every[::parts]))
            due = np.delete(every, np.arange(0, every.size, parts))
            assert found.size > 0.97 * due.size
            assert np.abs(found[:, np.newaxis] - due).min(axis=1).max() < 2e-4
    parted = ek.separate(ek.Recording(signal, 2000.0), ek.Pulses(every[::parts]), "phase_spline")
    assert len(parted.pulses) == every.size
    assert any("does not hold all of their train" in one for one in parted.messages)


@pytest.mark.parametrize("parts", [2, 3])
def test_what_comes_between_and_is_another_is_none_of_the_list(parts):
    """A second stimulator in turns with the first, at another site; or a late response that is like the M-wave."""
    for seed in range(4):
        every = train([31.0, 42.3, 24.7, 47.0][seed], seed)
        own, others = every[::parts], np.delete(every, np.arange(0, every.size, parts))
        signal, _ = recorded(own, seed, size=5e-3, m_wave=2e-3)
        more, alone = recorded(others, seed, size=4e-3, m_wave=2e-3)
        reflex, no_reflex = recorded(others, seed, size=0.0, m_wave=2e-3)
        second = signal + (more - alone) * np.array([[0.4], [1.4]])
        for one in (signal, second, signal + reflex - no_reflex):
            assert lost_pulses(ListedPulses(one, 2000.0, own)).size == 0
