"""Pulses that are given after their artifacts."""

import warnings

import numpy as np
import pytest

import emgkit as ek
from emgkit.benchmark.cases import CASES
from emgkit.detect.late import lateness


@pytest.mark.parametrize("name", ["typical", "rate80_lifelike", "rate_1926", "hardware_blanking", "sham", "mains_40uV"])
@pytest.mark.parametrize("late", [-0.001, 0.0, 0.001, 0.003])
def test_only_what_comes_before_pulses_makes_them_late(name, late):
    made = CASES[name].make(np.random.default_rng(7))
    told = lateness(made.recording.signal, made.recording.fs, np.array(made.truth.onsets) + late)
    seen = late > 0.002 and name not in {"hardware_blanking", "sham"}  # nothing is sharp there
    assert told == pytest.approx(late * seen, abs=0.001)


@pytest.mark.parametrize("source", ["schedule", "trigger"])
def test_late_pulses_are_put_right_and_that_is_said(source):
    """3 ms late, RMS was off by 7 to 263 %, graded good in part."""
    made = CASES["typical"].make(np.random.default_rng(8))
    exact = ek.Pulses(np.array(made.truth.onsets), time_source=source)
    apart = [ek.separate(made.recording, one) for one in (exact, exact.shift(0.003).crop(0.0, made.recording.duration))]
    assert "ms after their artifacts, which gave the real times" in apart[1].why
    first, second = (one.voluntary.signal for one in apart)
    assert np.std(first - second) < 0.1 * np.std(first)


def test_other_methods_say_that_pulses_may_be_late():
    made = CASES["typical"].make(np.random.default_rng(8))
    late = ek.Pulses(np.array(made.truth.onsets) + 0.003).crop(0.0, made.recording.duration)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert "ms before the pulses: they may be late" in ek.separate(made.recording, late, "blanking").why


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
