"""Pulses that are given after or before their artifacts."""

import warnings

import numpy as np
import pytest

import emgkit as ek
from emgkit.benchmark.cases import CASES
from emgkit.detect.late import lateness


@pytest.mark.parametrize("name", ["typical", "rate80_lifelike", "rate_1926", "hardware_blanking", "sham", "mains_40uV"])
def test_pulses_are_as_late_or_early_as_their_artifacts_say(name):
    made = CASES[name].make(np.random.default_rng(7))
    onsets, seen = np.array(made.truth.onsets), name not in {"hardware_blanking", "sham"}  # nothing is sharp there
    for late in (-0.004, -0.001, 0.0, 0.0014, 0.003):
        told = lateness(made.recording.signal, made.recording.fs, onsets + late)
        assert told == pytest.approx(late * seen, abs=0.0007)
        assert bool(told) is (seen and bool(late))


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_right_times_are_neither_late_nor_early(name):
    for seed in range(100, 110):
        made = CASES[name].make(np.random.default_rng(seed))
        for number in np.unique(made.pulses.stimulator):
            onsets = np.array(made.pulses.onsets)[made.pulses.stimulator == number]
            assert lateness(made.recording.signal, made.recording.fs, onsets, far=True) == 0.0


@pytest.mark.parametrize(
    ("source", "late", "said"),
    [
        ("schedule", 0.003, "3 ms after"),
        pytest.param("trigger", 0.003, "3 ms after", marks=pytest.mark.slow),
        pytest.param("trigger", 0.001, "1 ms after", marks=pytest.mark.slow),
        ("trigger", -0.005, "5 ms before"),
        pytest.param("schedule", -0.02, "20 ms before", marks=pytest.mark.slow),
    ],
)
def test_late_and_early_pulses_are_put_right_and_that_is_said(source, late, said):
    """RMS was off by 7 to 263 % (late) and 81 % (early); the artifact passed for the M-wave, and was graded good."""
    made = CASES["typical"].make(np.random.default_rng(8))
    exact = ek.Pulses(np.array(made.truth.onsets), time_source=source)
    apart = [ek.separate(made.recording, one) for one in (exact, exact.shift(late).crop(0.0, made.recording.duration))]
    assert f"The pulses came {said} their artifacts, which gave the real times" in apart[1].why
    first, second = (one.voluntary.signal for one in apart)
    assert np.std(first - second) < 0.1 * np.std(first)


@pytest.mark.parametrize(
    ("late", "said"), [(0.003, "before the pulses: they may be late"), (-0.003, "after the pulses: they may be early")]
)
def test_other_methods_say_that_pulses_may_be_late_or_early(late, said):
    made = CASES["typical"].make(np.random.default_rng(8))
    off = ek.Pulses(np.array(made.truth.onsets) + late).crop(0.0, made.recording.duration)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert said in ek.separate(made.recording, off, "blanking").why


def test_few_pulses_that_are_early_are_said_to_be():
    made = CASES["few_pulses"].make(np.random.default_rng(8))
    right = ek.Pulses(np.array(made.truth.onsets))
    assert "may be early" not in ek.separate(made.recording, right).why
    apart = ek.separate(made.recording, right.shift(-0.004))
    assert apart.method.name == "tail_fit"
    assert "What is sharpest comes 3.5 ms after the pulses: they may be early (refine_pulses)." in apart.why


@pytest.mark.parametrize("end", [0.016, 0.023, 0.028])
def test_the_end_of_a_smooth_response_is_no_artifact(end):
    """Without noise anything stands out."""
    onsets, time = 1.0 + np.arange(200) / 30.1, np.arange(18_000) / 2000
    since = time - onsets[np.clip(np.searchsorted(onsets, time, side="right") - 1, 0, None)]
    place = np.clip((since - 0.003) / (end - 0.003), 0, 1)
    signal = 2e-3 * np.sin(2 * np.pi * place) * np.sin(np.pi * place) ** 2
    signal += 1e-7 * np.random.default_rng(0).standard_normal(time.size)
    assert lateness(signal[np.newaxis], 2000.0, onsets) == 0.0


def test_pulses_of_labelled_stimulators_keep_their_labels_where_they_are_late():
    """One list without labels was made of them, and refused."""
    made = CASES["two_stimulators"].make(np.random.default_rng(1000))
    late = made.pulses.shift(0.003).crop(0.0, made.recording.duration)
    apart = ek.separate(made.recording, late)
    assert np.array_equal(np.bincount(apart.pulses.stimulator), np.bincount(late.stimulator))
    assert "The pulses of stimulator 0 came 2.5 ms after their artifacts" in apart.why


@pytest.mark.parametrize(("beside", "told"), [(0.2, 0.004), (0.5, 0.0)])
@pytest.mark.parametrize(("size", "seen"), [(1e-3, True), (4e-6, False)])
def test_what_comes_before_must_be_three_times_as_sharp_and_stand_out_of_noise(beside, told, size, seen):
    rng, onsets = np.random.default_rng(4), np.arange(200, 20_000, 70)
    signal = 1e-6 * rng.standard_normal(21_000)
    signal[onsets - 8] += size
    signal[onsets] += beside * size
    assert lateness(signal[np.newaxis], 2000.0, onsets / 2000) == pytest.approx(told * seen, abs=0.0006)


@pytest.mark.parametrize(
    ("change", "told"),
    [("none", -0.003), ("held", 0.0), ("weaker pulses at the given times", 0.0), ("smooth", 0.0), ("faint", 0.0)],
)
def test_pulses_are_early_only_where_nothing_but_an_artifact_follows(change, told):
    rng, onsets, fs = np.random.default_rng(5), np.arange(400, 40_000, 150), 4000.0
    signal = 1e-6 * rng.standard_normal(42_000)
    size = 2e-6 if change == "faint" else 1e-3
    if change == "smooth":  # an M-wave of 100 Hz
        phase = np.arange(60)
        for onset in onsets:
            signal[onset + 12 : onset + 72] += 20 * size * np.sin(np.pi * phase / 60) ** 2 * np.sin(np.pi * phase / 20)
    else:
        signal[onsets + 12] += size
        signal[onsets + 13] -= size
    if change == "weaker pulses at the given times":
        signal[onsets] += 0.1 * size
    if change == "held":
        for onset in onsets:
            signal[onset - 2 : onset + 12] = signal[onset - 3]
    found = lateness(signal[np.newaxis], fs, onsets / fs, far=True)
    assert found == pytest.approx(told, abs=0.0006)
    assert bool(found) is bool(told)


@pytest.mark.parametrize("fs", [250.0, 500.0, 925.0, 999.0])
@pytest.mark.parametrize("late", [-0.008, -0.003, -0.002, -0.001, 0.0, 0.004])
def test_slow_recordings_are_looked_at_too(fs, late):
    """Between -1 ms and the pulse there is no sample: an error was raised."""
    rng, onsets = np.random.default_rng(6), 0.5 + np.arange(40) / 7.0
    signal = 1e-6 * rng.standard_normal(round(7 * fs))
    signal[np.round(onsets * fs).astype(int)] += 1e-3
    for far in (False, True):
        told = lateness(signal[np.newaxis], fs, onsets + late, far=far)
        assert told == 0.0 or told == pytest.approx(late, abs=3.1 / fs)
        assert late or not told


@pytest.mark.parametrize("early", [30, 340, 495])
def test_early_pulses_may_end_with_the_recording(early):
    """What comes within 2 ms of the last artifact may lie beyond the end: an error was raised."""
    rng, fs, onsets = np.random.default_rng(7), 10_000.0, np.arange(1000, 21_000, 1000)
    signal = 1e-6 * rng.standard_normal(onsets[-1] + 600)
    signal[onsets + early] += 1e-3
    for beyond in range(0, 60, 3):
        cut = signal[: onsets[-1] + early + beyond + 1]
        assert lateness(cut[np.newaxis], fs, onsets / fs, far=True) == pytest.approx(-early / fs, abs=0.0006)
