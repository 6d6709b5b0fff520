"""M-waves of the same beat are not taken for pulses."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.benchmark.cases import CASES


@pytest.mark.parametrize("seed", [1000, 1007, 1011, 1020])
def test_m_waves_larger_than_the_artifact_are_no_pulses(seed):
    made = CASES["missing_extra"].make(np.random.default_rng(seed))
    found = ek.detect_pulses(made.recording)
    true = np.array(made.pulses.onsets)
    false = np.abs(found.onsets[:, np.newaxis] - true).min(axis=1) > 1e-3
    assert false.sum() <= 3, f"{false.sum()} of {len(found)} are no pulses; there are {true.size}"
    assert len(found) > 0.94 * true.size


@pytest.mark.parametrize("seed", [2, 5])
def test_m_waves_a_tenth_as_bent_as_the_artifact_are_no_pulses(seed):
    """Found as pulses of 60 Hz before, so that no voluntary EMG was left."""
    made = CASES["periodic_exact"].make(np.random.default_rng(seed))
    found = ek.detect_pulses(made.recording)
    true = np.array(made.pulses.onsets)
    false = np.abs(found.onsets[:, np.newaxis] - true).min(axis=1) > 1e-3
    assert false.sum() <= 3, f"{false.sum()} of {len(found)} are no pulses; there are {true.size}"
    assert len(found) > 0.99 * true.size


@pytest.mark.parametrize("rate", [30.53, 40.4, 50.0])
def test_pulses_at_two_places_between_samples_all_stay(rate):
    """At these rates every other pulse falls half a sample away from the one before, and looks smaller."""
    made = ek.simulate.tiny(rng=np.random.default_rng(3), duration=6.0, rate=rate, clock_error=0.0)
    found = ek.detect_pulses(made.recording)
    assert abs(len(found) - len(made.pulses)) <= 2
