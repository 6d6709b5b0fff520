"""Trains are found whole, and what follows every pulse is no pulse: recordings of the benchmark that were not used."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.benchmark.cases import CASES


def found(name, seed):
    """Give the detected and the true pulses, and how many are false and missed."""
    made = CASES[name].make(np.random.default_rng(seed))
    pulses, true = ek.detect_pulses(made.recording), np.array(made.pulses.onsets)
    apart = np.abs(pulses.onsets[:, np.newaxis] - true)
    return pulses, true, int((apart.min(axis=1) > 1e-3).sum()), int((apart.min(axis=0) > 1e-3).sum())


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        ("variation_23", 112),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in [("variation_23", 113), ("second_order", 103)]),
        ("jitter15_estimated", 103),
    ],
)
def test_m_waves_as_long_after_every_pulse_are_no_pulses_off_the_beat(name, seed):
    pulses, true, false, missed = found(name, seed)
    assert false <= 1, f"{false} of {len(pulses)} are no pulses; there are {true.size}"
    assert missed <= 1, f"{missed} of {true.size} were not found"


def test_pulses_off_the_beat_are_found_beside_responses():
    lost, count = [], 0
    for seed in (112, 117, 118, 119):
        made = CASES["missing_extra"].make(np.random.default_rng(seed))
        onsets, true = ek.detect_pulses(made.recording).onsets, np.array(made.pulses.onsets)
        beat = np.mod((true - true[0]) * made.pulses.rate, 1)
        extra = true[np.abs(beat - np.round(beat)) > 0.1]
        count += extra.size
        lost.append(int((np.abs(extra[:, np.newaxis] - onsets).min(axis=1) > 1e-3).sum()))
    assert count > 30
    assert sum(lost) <= 0.1 * count, f"{sum(lost)} of {count} lost, at worst {max(lost)}, median {np.median(lost)}"


@pytest.mark.parametrize(
    ("name", "seed"),
    [
        *(pytest.param("rate80_overlap", seed, marks=pytest.mark.slow) for seed in (109, 110)),
        ("rate80_lifelike", 107),
    ],
)
def test_trains_that_creep_through_the_places_between_samples_have_no_gaps(name, seed):
    """At some of these places a sharp artifact is nearly gone; 50 to 100 pulses in a row were lost there."""
    pulses, true, false, missed = found(name, seed)
    assert false <= 1, f"{false} of {len(pulses)} are no pulses; there are {true.size}"
    assert missed <= 1, f"{missed} of {true.size} were not found"


@pytest.mark.parametrize("seed", [101, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (103, 117))])
def test_m_waves_as_sharp_as_the_artifact_at_1000_hz_make_no_beat_of_their_own(seed):
    """They had been taken for pulses of 60 Hz, and those at another lag for those of a second stimulator."""
    pulses, true, false, missed = found("rate_1000", seed)
    assert np.unique(pulses.stimulator).size == 1
    assert false <= 1, f"{false} of {len(pulses)} are no pulses; there are {true.size}"
    assert missed <= 1, f"{missed} of {true.size} were not found"


@pytest.mark.parametrize("seed", [1004, pytest.param(1014, marks=pytest.mark.slow)])
def test_a_train_is_not_found_at_its_m_waves_where_the_artifact_hides_between_samples(seed):
    """All 570 pulses had come 12 ms late: the M-waves kept the better beat, and were nearly as sharp."""
    _, true, false, missed = found("rate_1000", seed)
    assert false == 0
    assert missed == 0, f"{missed} of {true.size} were not found"


@pytest.mark.filterwarnings("ignore:.*hide each other")  # within a ms some still do, and that is said
@pytest.mark.parametrize(
    ("name", "seed"),
    [
        # the other's pulses follow every second one at one lag
        *(pytest.param("two_stimulators", seed, marks=pytest.mark.slow) for seed in (102, 116)),
        # every second pulse comes within a ms of the other's
        ("evoked_two_stimulators", 102),
        pytest.param("evoked_two_stimulators", 117, marks=pytest.mark.slow),
    ],
)
def test_pulses_of_another_stimulator_at_one_lag_are_found(name, seed):
    pulses, true, false, missed = found(name, seed)
    assert np.unique(pulses.stimulator).size == 2
    assert false <= 1, f"{false} of {len(pulses)} are no pulses; there are {true.size}"
    assert missed <= 3, f"{missed} of {true.size} were not found"
