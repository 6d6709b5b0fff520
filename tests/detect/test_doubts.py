"""Where pulses cannot be told, detection says so."""

import warnings

import numpy as np
import pytest

import emgkit as ek
from emgkit.benchmark.cases import CASES


@pytest.mark.parametrize("seed", [301, 302, 303])
def test_pulses_of_a_blanked_artifact_are_said_to_be_late(seed):
    made = CASES["hardware_blanking"].make(np.random.default_rng(seed))
    with pytest.warns(ek.EmgkitWarning, match=r"ms of equal samples: the amplifier blanks the artifact"):
        ek.detect_pulses(made.recording)


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
