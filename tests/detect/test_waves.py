"""M-waves of the same beat are not taken for pulses."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.benchmark.cases import CASES


@pytest.mark.parametrize(
    ("name", "seed", "least"),
    [
        ("missing_extra", 1000, 0.94),  # M-waves larger than the artifact
        *(pytest.param("missing_extra", seed, 0.94, marks=pytest.mark.slow) for seed in (1007, 1011, 1020)),
        ("periodic_exact", 2, 0.99),  # a tenth as bent; found as pulses of 60 Hz before
        pytest.param("periodic_exact", 5, 0.99, marks=pytest.mark.slow),
    ],
)
def test_m_waves_are_no_pulses(name, seed, least):
    made = CASES[name].make(np.random.default_rng(seed))
    found = ek.detect_pulses(made.recording)
    true = np.array(made.pulses.onsets)
    false = np.abs(found.onsets[:, np.newaxis] - true).min(axis=1) > 1e-3
    assert false.sum() <= 3, f"{false.sum()} of {len(found)} are no pulses; there are {true.size}"
    assert len(found) > least * true.size


@pytest.mark.parametrize("rate", [30.53, 40.4, 50.0])
def test_pulses_at_two_places_between_samples_all_stay(rate):
    """At these rates every other pulse falls half a sample away from the one before, and looks smaller."""
    made = ek.simulate.tiny(rng=np.random.default_rng(3), duration=6.0, rate=rate, clock_error=0.0)
    found = ek.detect_pulses(made.recording)
    assert abs(len(found) - len(made.pulses)) <= 2
