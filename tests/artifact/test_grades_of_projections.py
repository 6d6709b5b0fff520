"""What methods take of the voluntary EMG lowers its grades: projections most."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.grading import graded
from emgkit.artifact.m_wave_evidence import MWaveEvidence
from emgkit.artifact.voluntary_evidence import VoluntaryEvidence

FS = 2000.0
CLEAN = {"power": 1e-9, "early": 0.0, "response": 0.0, "misses": 0.0, "lines": 0.0, "noise": 0.005, "slow": 0.005}
VOLUNTARY = VoluntaryEvidence(**CLEAN, chance=0.005, compared=True, lost=0.0)
M_WAVE = MWaveEvidence(2e-3, 0.005, 0.01, 0.01, 0.0, 0.0, 0.0, True, 40, 45, (2e-3, 25e-3))


def grades_of(effective=100.0, **more):
    found = graded(VOLUNTARY, M_WAVE, effective, 100.0, keeps=False, **more)
    return {use: one.grade for use, one in found.items()}


def test_what_a_method_takes_of_the_emg_lowers_the_grades_of_voluntary_emg():
    """A gain of 0.95 takes a tenth of the power; averaging over forty pulses a fortieth, which is no news."""
    assert grades_of(gain=np.sqrt(1 - 1 / 40), effective=40.0)["voluntary_amplitude"] == "good"
    assert grades_of(gain=1.05)["voluntary_amplitude"] == "good"
    for gain, wanted in ((0.95, "with care"), (0.7, "reject")):
        found = grades_of(gain=gain, effective=40.0)
        assert (found["voluntary_amplitude"], found["voluntary_spectrum"]) == (wanted, wanted), gain
        assert found["m_wave_size"] == "good"
    once, twice = (
        graded(VOLUNTARY, None, 100.0, 100.0, keeps=False, followed=0.1, gain=gain) for gain in (1.0, 0.9487)
    )
    assert once["voluntary_amplitude"].error == pytest.approx(twice["voluntary_amplitude"].error, abs=0.006)


def test_projections_that_eat_emg_are_not_graded_good(clean_emg):
    signal = clean_emg(0, duration=12.0)
    pulses = ek.Pulses(1.0 + np.arange(300) / 29.98)
    for method in (ek.TemplatePCA(rank=ek.FixedRank(6)), ek.LinearPrediction(), ek.LinearPrediction(divide_out=True)):
        found = ek.separate(ek.Recording(signal, FS), pulses, method)
        assert {one.grade for one in found.grades["voluntary_spectrum"]} != {"good"}, method


@pytest.mark.parametrize(("gain", "least", "most"), [(0.9, 0.06, 0.16), (0.83, 0.16, 0.31)])
def test_the_error_is_what_was_measured_of_amplitudes_after_dividing(gain, least, most):
    """In 32 channels amplitudes by `template_pca` were 6 to 11 %, in 24 by `linear_prediction` 16 to 31 % too large."""
    error = graded(VOLUNTARY, None, np.inf, 100.0, keeps=False, gain=gain)["voluntary_amplitude"].error
    assert least < error < most
