"""Where pulses cannot be told, detection says so."""

import warnings

import numpy as np
import pytest

import emgkit as ek
from emgkit.benchmark.cases import CASES
from emgkit.benchmark.voluntary_cases import plan_of, voluntary


@pytest.mark.parametrize("seed", [301, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (302, 303))])
def test_pulses_of_a_blanked_artifact_are_said_to_be_late(seed):
    made = CASES["hardware_blanking"].make(np.random.default_rng(seed))
    with pytest.warns(ek.EmgkitWarning, match=r"ms of equal samples: the amplifier blanks the artifact"):
        ek.detect_pulses(made.recording)


def test_given_pulses_of_a_blanked_artifact_are_said_to_be_late():
    made = CASES["hardware_blanking"].make(np.random.default_rng(301))
    with pytest.warns(ek.EmgkitWarning, match=r"ms of equal samples: the amplifier blanks the artifact"):
        ek.refine_pulses(made.recording, ek.Pulses(np.array(made.truth.onsets)))


@pytest.mark.parametrize("seed", [301, 302])
def test_nothing_is_said_of_a_coarse_converter_and_a_flat_line(seed):
    """Rest has equal samples too, but not at one time after every pulse."""
    rng = np.random.default_rng(seed)
    signal = rng.normal(0, 0.6e-6, 24000)
    onsets = np.round(1000 + 66.7 * np.arange(300)).astype(int)
    signal[onsets] += 500e-6
    signal[onsets + 1] -= 400e-6
    coarse = np.round(signal / 1e-6) * 1e-6
    flat = np.where(np.abs(signal) > 100e-6, signal, 0.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for one in (coarse, flat):
            assert len(ek.detect_pulses(ek.Recording(one, 2000.0))) == 300


@pytest.mark.parametrize("seed", [104])
def test_pulses_of_two_stimulators_that_hide_each_other_are_told_of(seed):
    made = CASES["two_stimulators"].make(np.random.default_rng(seed))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = ek.detect_pulses(made.recording)
    assert len(found) >= 0.98 * len(made.pulses) or any("hide each other" in str(one.message) for one in said)


def at_1000_hz(seed):
    """40 Hz at 1000 Hz: the place between two samples hardly moves, so that a brief artifact may be hidden for long."""
    case = voluntary("forty", "40 Hz, 1000 Hz sampling.", plan=plan_of(rate=40.0, fs=1000.0))
    made = case.make(np.random.default_rng(seed))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = ek.detect_pulses(made.recording)
    true = np.array(made.pulses.onsets)
    late = found.onsets - true[np.maximum(np.searchsorted(true, found.onsets + 1e-3) - 1, 0)]
    told = any("M-waves may have been taken for the artifact" in str(one.message) for one in said)
    return float(np.median(late)), told


@pytest.mark.parametrize(
    "seed",
    [
        1001,  # at its artifacts
        1014,  # at its M-waves
        *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1003, 1004, 1006, 1009, 1010, 1018)),
    ],
)
def test_a_train_at_its_m_waves_is_told_of_and_one_at_its_artifacts_is_not(seed):
    late, said = at_1000_hz(seed)
    assert said == (late > 2e-3), f"{late * 1e3:.1f} ms late"


@pytest.mark.parametrize(
    "seed",
    [
        1003,  # they stay
        1010,  # they are moved
        *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1004, 1009, 1014, 1018)),
    ],
)
def test_given_pulses_that_are_moved_to_m_waves_are_told_of(seed):
    """The times that are given are right: nothing but what comes before the found ones tells that these are not."""
    case = voluntary("forty", "40 Hz, 1000 Hz sampling.", plan=plan_of(rate=40.0, fs=1000.0))
    made = case.make(np.random.default_rng(seed))
    true = np.array(made.pulses.onsets)
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        found = ek.refine_pulses(made.recording, ek.Pulses(true)).onsets
    off = float(np.median(found[np.abs(found[:, np.newaxis] - true).argmin(axis=0)] - true))
    told = any("M-waves may have been taken for the artifact" in str(one.message) for one in said)
    assert told == (abs(off) > 2e-3), f"{off * 1e3:.1f} ms off"


@pytest.mark.parametrize(("late", "said"), [(0.0, False), (0.0006, True)])
def test_channels_in_which_the_stimulus_begins_at_other_times_are_told_of(late, said):
    """What runs on under the artifact of one channel hides its edge; here the artifact itself is late."""
    rng = np.random.default_rng(5)
    time = np.arange(40_000) / 4000.0
    onsets = 0.1003 + 0.02003 * np.arange(480)
    signal = 1e-6 * rng.standard_normal((2, time.size))
    for row, gain in enumerate((3e-3, -2.5e-3)):
        came = onsets[np.maximum(np.searchsorted(onsets, time - row * late, side="right") - 1, 0)] + row * late
        since = np.maximum(time - came, 0) / 3e-4
        signal[row] += gain * since * np.exp(1 - since)
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        assert len(ek.detect_pulses(ek.Recording(signal, 4000.0))) == 480
    assert any("seems to begin" in str(one.message) for one in told) == said
