"""Lists of two stimulators that were rounded to samples, or come late or early: their pulses keep their labels."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.pulses_repaired import repaired
from emgkit.benchmark.cases import CASES


@pytest.fixture(scope="module")
def made():
    return CASES["two_stimulators"].make(np.random.default_rng(1000))


def test_rounded_times_of_each_stimulator_go_back_to_its_clock(made):
    fs, pulses = made.recording.fs, made.pulses
    rounded = np.round(pulses.onsets * fs) / fs
    given = ek.Pulses(rounded, stimulator=pulses.stimulator)
    found, said = repaired(made.recording, given, ek.PhaseSpline())
    assert "were rounded to samples" in said
    assert np.array_equal(found.stimulator, pulses.stimulator)
    error = found.onsets - pulses.onsets
    for number in (0, 1):
        own = error[pulses.stimulator == number]
        assert own.std() < 0.04 / fs, own.std() * fs  # rounding alone has 0.29
        assert abs(own.mean()) < 0.2 / fs, own.mean() * fs
    assert repaired(made.recording, given, ek.MovingTemplate()) == (given, "")


@pytest.mark.parametrize("late", [(0.003, 0.003), (0.0, 0.004), (-0.003, 0.0)])
def test_each_stimulator_is_put_right_by_as_much_as_it_is_late_or_early(made, late):
    pulses = made.pulses
    delay = np.array(late)[pulses.stimulator]
    order = np.argsort(pulses.onsets + delay)
    given = ek.Pulses((pulses.onsets + delay)[order], stimulator=pulses.stimulator[order])
    found, said = repaired(made.recording, given, ek.PhaseSpline())
    for number, amount in enumerate(late):
        assert (f"stimulator {number} came" in said) is (amount != 0)
        error = found.onsets[found.stimulator == number] - pulses.onsets[pulses.stimulator == number]
        assert np.abs(error).max() < 1e-3, error
    assert len(found) == len(pulses)
    same, said = repaired(made.recording, given, ek.MovingTemplate())
    assert same is given
    assert ("may be early" if min(late) < 0 else "may be late") in said


def test_right_times_stay_as_they_are(made):
    assert repaired(made.recording, made.pulses, ek.PhaseSpline()) == (made.pulses, "")
