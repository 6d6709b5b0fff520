"""Stimulators that reverse their polarity: the artifact turns over, the M-wave does not."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.signal import butter, lfilter, sosfiltfilt

import emgkit as ek
from emgkit.artifact.spline_polarity import find_polarity, stated_polarity
from emgkit.artifact.spline_time import make_segments
from emgkit.artifact.spline_turned import earlier_polarities, segment_courses
from emgkit.artifact.tail_fit import _with_polarity
from emgkit.artifact.tail_sweeps import alike

FS, RATE, LENGTH = 2000.0, 30.0, 8.0
PATTERNS = {
    "alternating": lambda n, rng: 1.0 - 2.0 * (np.arange(n) % 2),
    "pairs": lambda n, rng: 1.0 - 2.0 * (np.arange(n) // 2 % 2),
    "tens": lambda n, rng: 1.0 - 2.0 * (np.arange(n) // 10 % 2),
    "random": lambda n, rng: rng.choice([-1.0, 1.0], n),
    "half-way": lambda n, rng: np.where(np.arange(n) < n // 2, 1.0, -1.0),
}


def made(seed, pattern=None, *, current=None, tail=0.3, mirror=1.0, m_wave=1.0, later=0.0, artifact=5e-3, effort=1e-4):
    """Make a recording whose artifact has the sign of the pattern; the other polarity may differ.

    ``mirror`` is the size of the artifact of negative pulses, ``m_wave`` that of their M-wave, which comes ``later``.
    """
    rng = np.random.default_rng(seed)
    onsets = 0.5 + np.arange(round((LENGTH - 1) * RATE)) / RATE
    onsets += 15e-6 * rng.standard_normal(onsets.size)
    signs = np.ones(onsets.size) if pattern is None else PATTERNS[pattern](onsets.size, rng)
    size = np.ones(onsets.size) if current is None else current(onsets)
    count = round(LENGTH * FS)
    parts = {name: np.zeros(count) for name in ("artifact", "evoked")}
    fine = 16
    for onset, sign, one in zip(onsets, signs, size, strict=True):
        first = int((onset - 0.002) * FS)
        since = np.arange(first * fine, (first + round(0.06 * FS)) * fine) / (FS * fine) - onset
        other = sign < 0
        edge = np.exp(-0.5 * ((since - 0.4e-3) / 0.25e-3) ** 2)
        slow = np.where(since >= 0, tail * np.exp(-since / 5e-3) * -np.expm1(-np.maximum(since, 0) / 0.5e-3), 0.0)
        place = (since - 0.009 - later * other) / 0.0022
        wave = 2e-3 * (m_wave if other else 1.0) * -place * np.exp(0.5 - 0.5 * place**2) * min(one, 1.0) ** 2
        parts["artifact"][first : first + round(0.06 * FS)] += (
            artifact * sign * one * (mirror if other else 1.0) * (edge + slow)
        )[::fine]
        parts["evoked"][first : first + round(0.06 * FS)] += wave[::fine]
    pass_ = butter(1, 10, "highpass", fs=FS)
    parts = {name: lfilter(*pass_, part) for name, part in parts.items()}
    band = butter(2, [20, 450], "bandpass", fs=FS, output="sos")
    emg = sosfiltfilt(band, rng.standard_normal(count))
    parts["voluntary"] = effort * emg / emg.std() + 2e-6 * rng.standard_normal(count)
    recording = ek.Recording(sum(parts.values())[np.newaxis], fs=FS)
    return recording, ek.Pulses(onsets, time_source="trigger"), parts, signs


def scores(separation, parts, onsets):
    """SNR of the voluntary part beyond 3 ms after the pulses, dB, and NRMSE of the mean M-wave of 3 to 25 ms, %."""
    place = (np.round(onsets * FS).astype(int)[:, np.newaxis] + np.arange(6, 50))[2:-2]
    since = np.arange(parts["voluntary"].size) / FS
    since -= onsets[np.clip(np.searchsorted(onsets, since, side="right") - 1, 0, None)]
    usable = (since > 3e-3) & (since < 0.05)
    wrong = (separation.voluntary.signal[0] - parts["voluntary"])[usable]
    snr = 10 * np.log10((parts["voluntary"][usable] ** 2).sum() / (wrong**2).sum())
    mean, true = (x[place].mean(axis=0) for x in (separation.evoked.signal[0], parts["evoked"]))
    return snr, 100 * np.sqrt(((mean - true) ** 2).sum() / (true**2).sum())


@cache
def scored(seed, pattern):
    recording, pulses, parts, _ = made(seed, pattern)
    return scores(ek.separate(recording, pulses, "phase_spline"), parts, pulses.onsets)


@pytest.mark.parametrize(
    "pattern",
    ["alternating", "random", *(pytest.param(one, marks=pytest.mark.slow) for one in ("pairs", "tens", "half-way"))],
)
def test_recordings_of_both_polarities_come_apart_as_well_as_others(pattern):
    """The M-wave comes out better, as the tail under it turns over; two responses cost up to 3 dB of the averages."""
    plain, found = (np.array([scored(seed, one) for seed in range(3)]) for one in (None, pattern))
    lost = plain[:, 0] - found[:, 0]
    said = f"dB lost: {np.round(lost, 2)}; M-wave %: {np.round(found[:, 1], 2)}, else {np.round(plain[:, 1], 2)}"
    assert np.median(lost) < 10 * np.log10(2) + 1.0, said
    assert lost.max() < 10 * np.log10(2) + 2.5, said
    assert (found[:, 1] < plain[:, 1]).all(), said
    assert found[:, 1].max() < 1.5, said


@pytest.mark.parametrize("pattern", [pytest.param("alternating", marks=pytest.mark.slow), "random"])
def test_m_waves_may_differ_between_the_polarities(pattern):
    """5 % smaller and 0.3 ms later with an artifact that is 5 % smaller: the M-waves of either polarity are right."""
    errors = []
    for seed in range(3):
        recording, pulses, parts, signs = made(seed, pattern, mirror=0.95, m_wave=0.95, later=3e-4)
        found = ek.separate(recording, pulses, "phase_spline").evoked.signal[0]
        place = np.round(pulses.onsets * FS).astype(int)[:, np.newaxis] + np.arange(6, 50)
        of_both = [[x[place[signs == side][2:-2]].mean(axis=0) for x in (found, parts["evoked"])] for side in (1, -1)]
        differ = np.linalg.norm(of_both[0][1] - of_both[1][1]) / np.linalg.norm(of_both[0][1])
        assert differ > 0.15, "else the test says nothing"
        errors += [100 * np.linalg.norm(one - true) / np.linalg.norm(true) for one, true in of_both]
    assert np.median(errors) < 2.0, np.round(errors, 2)
    assert max(errors) < 3.0, np.round(errors, 2)


@pytest.mark.parametrize("pattern", PATTERNS)
def test_the_polarity_of_every_pulse_is_found_in_its_artifact(pattern):
    for seed in range(5):
        recording, pulses, _, signs = made(seed, pattern, tail=0.1)
        found = find_polarity(np.array(recording.signal), FS, pulses)
        assert found is not None, seed
        assert abs((found * signs).sum()) == signs.size, seed


@pytest.mark.parametrize("size", [0.0, 2e-5, 1e-4, 5e-3])
def test_no_polarity_is_found_where_there_is_none(size):
    """Neither on EMG alone, nor on artifacts of any size, nor on those whose size changes by ramps or levels."""
    ramps = (
        lambda t: np.ones(t.size),
        lambda t: np.clip(np.abs(np.mod(t, 4.0) - 2.0), 0.0, 1.0),
        lambda t: np.random.default_rng(3).choice([0.3, 1.0], t.size),
    )
    for seed in range(4):
        for ramp in ramps:
            recording, pulses, _, _ = made(seed, artifact=size, current=ramp)
            assert find_polarity(np.array(recording.signal), FS, pulses) is None, (seed, size)


def test_two_stimulators_of_one_polarity_each_have_none():
    for seed in range(4):
        one, pulses, parts, _ = made(seed)
        rng = np.random.default_rng(seed)
        onsets = np.arange(0.51, 7.4, 1 / 20) + 15e-6 * rng.standard_normal(138)
        other = np.zeros(parts["artifact"].size)
        for onset in onsets:
            first = int((onset - 0.002) * FS)
            since = np.arange(first, first + 120) / FS - onset
            other[first : first + 120] -= 4e-3 * np.exp(-0.5 * ((since - 0.4e-3) / 0.25e-3) ** 2)
        order = np.argsort(np.concatenate([pulses.onsets, onsets]))
        both = ek.Pulses(
            np.concatenate([pulses.onsets, onsets])[order],
            stimulator=np.repeat([0, 1], [len(pulses), onsets.size])[order],
            train=np.repeat([0, 1], [len(pulses), onsets.size])[order],
        )
        assert find_polarity(np.array(one.signal) + other, FS, both) is None, seed


def test_a_signed_current_tells_the_polarity_where_no_artifact_does():
    recording, pulses, _, signs = made(1, "random", artifact=1e-5)
    assert find_polarity(np.array(recording.signal), FS, pulses) is None
    signed = replace(pulses, current=0.02 * signs)
    assert np.array_equal(find_polarity(np.array(recording.signal), FS, signed), signs)
    assert np.array_equal(stated_polarity(signed), signs)
    assert stated_polarity(replace(pulses, current=0.02 * np.ones(len(pulses)))) is None


def test_what_stands_and_what_turns_over_are_told_apart_in_the_courses():
    """A course that is even in polarity has no odd part, whatever the other courses, and the other way round."""
    rng = np.random.default_rng(0)
    onsets, train = np.arange(200) / 30, np.repeat([0, 1], 100)
    for pattern in PATTERNS.values():
        polarity = pattern(200, rng)
        turning = [polarity, *earlier_polarities(polarity, train, 2)]
        made_ = segment_courses(onsets, train, [], 2, np.ones(200), turning)
        assert len(make_segments(onsets)) == 1
        assert np.allclose(made_.smooth.T @ made_.smooth, 200 * np.eye(made_.smooth.shape[1]), atol=1e-6)
        assert np.allclose(made_.nulls.T @ made_.smooth, 0.0, atol=1e-6)
        for even, odd in ((np.ones(200), 0 * polarity), (0 * polarity, polarity), (np.ones(200), 3 * polarity)):
            weights = made_.smooth.T @ (even + odd) / 200
            assert np.allclose(made_.smooth @ weights, even + odd, atol=1e-6)
            assert np.allclose(made_.upright @ weights, even, atol=1e-6)


@pytest.mark.parametrize("name", ["moving_template", "template_pca", "comb", "causal_spline"])
def test_methods_that_know_no_polarity_say_so(name):
    for pattern, said in ((None, False), ("alternating", True)):
        recording, pulses, _, _ = made(2, pattern)
        messages = ek.separate(recording, pulses, name).messages
        assert any("other polarity" in one for one in messages) == said, (pattern, messages)


def test_tail_fit_groups_pulses_by_the_polarity_of_their_artifacts():
    """With and without a signed current the groups are the same, for few pulses too."""
    for seed in (0, 2, 4):
        recording, pulses, _, signs = made(seed, "random")
        few = np.arange(len(pulses)) < 20
        told = _with_polarity(np.array(recording.signal), FS, pulses.select(few))
        stated = replace(pulses.select(few), current=signs[few])
        assert {tuple(one) for one in alike(told)} == {tuple(one) for one in alike(stated)}, seed
        assert _with_polarity(np.array(recording.signal), FS, stated) is stated


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_a_tail_that_turns_over_is_taken_away_without_any_m_wave(seed):
    _, pulses, parts, _ = made(seed, "alternating")
    recording = ek.Recording((parts["artifact"] + parts["voluntary"])[np.newaxis], fs=FS)
    parts["evoked"] = np.zeros(parts["artifact"].size)
    found = ek.separate(recording, pulses, "phase_spline")
    late = np.round(pulses.onsets * FS).astype(int)[:, np.newaxis] + np.arange(6, 60)
    left = (found.voluntary.signal[0] - parts["voluntary"])[late]
    assert np.sqrt((left**2).mean()) < 0.2 * np.std(parts["voluntary"])
    assert not found.evoked.signal.any()
