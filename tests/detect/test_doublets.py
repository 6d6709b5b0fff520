"""Pulses that follow every pulse at the same lag are found: doublets, short trains, stimulators of one rate."""

import warnings

import numpy as np
import pytest

import emgkit as ek
from emgkit.detect.clock import fit_clock

FS = 2000.0
BEATS = 1.0123 + 0.2003 * np.arange(30)


def recording(onsets, seed, fs=FS, sign=None):
    """Give artifacts of 5 mV with a tail, M-waves of 2 mV and 0.1 mV of noise at given onsets, s."""
    rng = np.random.default_rng(seed)
    time = np.arange(round((onsets.max() + 1) * fs)) / fs
    signal = rng.normal(0, 2e-6, time.size) + 1e-4 * np.convolve(rng.normal(0, 0.4, time.size), np.ones(6), "same")
    for onset, size in zip(onsets, np.ones(onsets.size) if sign is None else sign, strict=True):
        near = (time > onset - 0.002) & (time < onset + 0.06)
        since = time[near] - onset
        signal[near] += size * 5e-3 * np.exp(-(((since - 5e-4) / 4.2e-4) ** 2))
        signal[near] += size * 2.5e-4 * np.exp(-since / 0.004) * (since > 0)
        signal[near] += 2e-3 * (since - 0.010) / 0.003 * np.exp(-0.5 * ((since - 0.010) / 0.003) ** 2)
    return ek.Recording(signal, fs)


def missed_and_false(onsets, pulses):
    apart = np.abs(pulses.onsets[:, np.newaxis] - onsets)
    return int((apart.min(axis=0) > 1e-3).sum()), int((apart.min(axis=1) > 1e-3).sum())


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("gap", [0.005, 0.010, 0.020])
def test_both_pulses_of_doublets_are_found(gap, seed):
    onsets = np.sort(np.concatenate([BEATS, BEATS + gap]))
    pulses = ek.detect_pulses(recording(onsets, seed))
    assert missed_and_false(onsets, pulses) == (0, 0)
    assert abs(pulses.clock.rate * 0.2003 - 1) < 1e-4, "the clock is that of the doublets"
    second = int((pulses.stimulator == 0).sum()) - BEATS.size  # or they are those of another stimulator
    assert second in (0, BEATS.size)
    assert (pulses.clock.missing.size, pulses.clock.extra.size) == (0, second), "the second of two is extra"


@pytest.mark.parametrize("seed", range(3))
def test_m_waves_after_single_pulses_stay_responses(seed):
    assert missed_and_false(BEATS, ek.detect_pulses(recording(BEATS, seed))) == (0, 0)


@pytest.mark.parametrize("seed", range(2))
@pytest.mark.parametrize(("count", "gap", "pause"), [(3, 1 / 30, 1.0007), (5, 0.005, 0.5007), (2, 0.02, 0.5)])
def test_every_pulse_of_short_trains_is_found(count, gap, pause, seed):
    onsets = (1 + pause * np.arange(12)[:, np.newaxis] + gap * np.arange(count)).ravel()
    assert missed_and_false(onsets, ek.detect_pulses(recording(onsets, seed))) == (0, 0)


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("every", "gap"), [(1, 0.004), (2, 0.003)])
def test_a_second_stimulator_on_the_same_beat_is_found(every, gap, seed):
    first = 1 + np.arange(100) / 40.007 * (3 - every)
    onsets = np.sort(np.concatenate([first, first[::every] + gap]))
    assert missed_and_false(onsets, ek.detect_pulses(recording(onsets, seed))) == (0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_irregular_pulses_are_neither_missing_nor_extra(seed):
    rng = np.random.default_rng(seed)
    onsets = 1 + np.cumsum(rng.uniform(0.03, 0.12, 60))
    pulses = ek.detect_pulses(recording(onsets, seed))
    assert missed_and_false(onsets, pulses) == (0, 0)
    assert (pulses.clock.missing.size, pulses.clock.extra.size) == (0, 0)
    assert "no clock" in pulses.clock.model
    clock = fit_clock(onsets, np.zeros(onsets.size, dtype=np.int64))
    assert (clock.missing.size, clock.extra.size) == (0, 0)


@pytest.mark.parametrize("seed", range(3))
def test_pulses_of_the_other_sign_are_found_or_told_of(seed):
    onsets = np.sort(np.concatenate([BEATS, BEATS + 0.010]))
    made = recording(onsets, seed, sign=np.tile([1.0, -1.0], BEATS.size))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        missed, false = missed_and_false(onsets, ek.detect_pulses(made))
    told = [int(str(one.message).split()[0]) for one in said if "as sharp as the artifact" in str(one.message)]
    assert false == 0
    assert 0.8 * missed <= sum(told) <= missed, f"{missed} missed, {told} told of"  # weaker ones are not counted
