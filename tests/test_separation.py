"""Parts add up; what a method cannot tell is an error that names the methods that can."""

import pickle
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import emgkit as ek

SIGNAL = np.random.default_rng(2).normal(size=(2, 400)) * 1e-4
ARTIFACT, EVOKED, MAINS = (np.random.default_rng(seed).normal(size=(2, 400)) * 1e-4 for seed in (3, 4, 5))


@dataclass(frozen=True)
class Invented:
    name: ClassVar[str] = "invented"
    before: float = 0.001


def full(lost=None):
    components = {"artifact": ARTIFACT, "evoked": lambda: EVOKED, "interference": MAINS}
    parts = ek.Parts(components, "voluntary", lost, 0.002, (-0.001, 0.03), {"evoked": ARTIFACT}, {"snr": [1.0, 2.0]})
    return ek.Separation(ek.Recording(SIGNAL, 2000), ek.Pulses([0.1]), Invented(), parts, "for the test")


def test_the_parts_add_up_to_the_recording():
    parts = full()
    total = parts.artifact.signal + parts.evoked.signal + parts.voluntary.signal + parts.interference.signal
    assert total == pytest.approx(SIGNAL, abs=1e-15)
    assert parts.clean.signal == pytest.approx(parts.evoked.signal + parts.voluntary.signal, abs=1e-15)


def test_a_part_says_by_whom_it_was_made_and_what_may_be_missing():
    step = full().clean.history[-1]
    expected = {"method": "invented", "before": 0.001, "part": "clean", "evoked_lost_until": 0.002}
    assert step.parameters == expected
    assert full().voluntary.history[-1].parameters["evoked_lost_until"] == "inf"


def test_invented_samples_are_not_valid():
    lost = np.zeros((2, 400), bool)
    lost[0, 10:20] = True
    assert np.array_equal(full(lost).clean.valid, ~lost)


def test_a_part_that_cannot_be_given_names_those_who_can():
    parts = ek.Parts({"artifact": ARTIFACT}, "clean", None, 0.002, (0.0, 0.01))
    givers = {"voluntary": ("phase_spline", "moving_template")}
    separation = ek.Separation(ek.Recording(SIGNAL, 2000), ek.Pulses([0.1]), Invented(), parts, givers=givers)
    assert separation.names == ("artifact", "clean")
    with pytest.raises(ek.PartError, match=r"invented cannot tell 'voluntary'.*phase_spline, moving_template"):
        _ = separation.voluntary
    with pytest.raises(ek.PartError, match="did you mean 'clean'"):
        separation.part("cleaned")
    with pytest.raises(ek.PartError, match="no standard error"):
        separation.standard_error("clean")


def test_standard_errors_and_quality_are_read_only():
    assert np.array_equal(full().standard_error("evoked"), ARTIFACT)
    assert not full().quality["snr"].flags.writeable
    assert "snr" in repr(full())


def test_a_method_that_gives_an_unknown_part_is_refused():
    with pytest.raises(ek.ParameterError, match="component 'artefact'"):
        ek.Parts({"artefact": ARTIFACT}, "clean", None, 0.0, (0.0, 0.01))
    with pytest.raises(ek.ParameterError, match="residual"):
        ek.Parts({"artifact": ARTIFACT}, "rest", None, 0.0, (0.0, 0.01))


def test_parts_of_arrays_survive_pickling():
    parts = ek.Parts({"artifact": ARTIFACT}, "clean", None, 0.002, (0.0, 0.01))
    back = pickle.loads(pickle.dumps(parts))
    assert not back.components["artifact"].flags.writeable


def test_what_keeps_the_evoked_response_carries_the_errors_of_every_separation_on_its_own_clock():
    shared = ek.SharedError([0.1], [0.0, 0.05], np.full((2, 2), 1e-5))
    parts = ek.Parts(
        {"artifact": ARTIFACT, "evoked": EVOKED}, "voluntary", None, 0.0, (0.0, 0.03), shared_errors=(shared,)
    )
    recording = ek.Recording(SIGNAL, 2000, start=3.0)
    once = ek.Separation(recording, ek.Pulses([3.1]), Invented(), parts)
    assert once.artifact.shared_errors == once.voluntary.shared_errors == ()
    for part in (once.clean, once.evoked):
        assert [one.onsets.tolist() for one in part.shared_errors] == [[3.1]]
    twice = ek.Separation(once.clean, ek.Pulses([3.1]), Invented(), parts).clean
    stated = ek.cut_m_waves(twice, ek.Pulses([3.1]), (0.002, 0.04)).shared_error
    np.testing.assert_allclose(stated, np.sqrt(2) * 1e-5)
    again = pickle.loads(pickle.dumps(twice))
    assert not again.shared_errors[0].error.flags.writeable
