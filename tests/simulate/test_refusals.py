"""What the simulator refuses, in one line, and what it accepts at the edges of its ranges."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.simulate import SCENARIOS, FrontEnd, tiny


@pytest.mark.parametrize("rng", [1, None, np.random.RandomState(1)])
def test_a_source_of_chance_that_is_none_is_refused(rng):
    with pytest.raises(ek.ParameterError, match="rng must be a numpy"):
        tiny(rng=rng)


def test_recoveries_faster_than_the_first_stage_is_computed_are_refused():
    with pytest.raises(ek.ParameterError, match="rail_recovery must be 0 or at least"):
        FrontEnd(rail_recovery=1e-6)


@pytest.mark.parametrize("bits", [8, 12, 16])
def test_a_converter_stays_within_its_range_and_codes(bits):
    codes = np.unique(FrontEnd(bits=bits, full_scale=1e-3).convert(np.linspace(-2e-3, 2e-3, 2**18 + 1)))
    assert codes.size <= 2**bits
    assert np.abs(codes).max() <= 1e-3
    assert np.ptp(np.diff(codes)) < 1e-12


def test_tails_may_be_as_long_as_stated():
    assert np.isfinite(tiny(rng=np.random.default_rng(1), taus=[2.0], shares=[0.5]).recording.signal).all()


@pytest.mark.parametrize(
    ("name", "changes", "words"),
    [
        ("hybrid_fes", {"bursts": 2}, "bursts has no effect in hybrid_fes, where profile stands instead of it"),
        ("hybrid_fes", {"effort": 0.9}, "effort has no effect in hybrid_fes"),
        ("hybrid_fes", {"rise": 0.1}, "rise has no effect in hybrid_fes"),
        ("hybrid_fes", {"contractions": ((1.0, 2.0),)}, "profile stands instead of contractions"),
        ("foot_drop", {"bursts": 2}, "bursts has no effect in foot_drop, where contractions stands"),
        ("foot_drop", {"on": 1.0, "off": 1.0}, "trains stand instead of stimulation, on and off"),
        ("recovery", {"stimulation": (1.0, 9.0)}, "trains stand instead of stimulation, on and off"),
        ("tiny", {"trains": ((0.5, 2.5),), "on": 0.5, "off": 0.5}, "trains stand instead of"),
        ("tiny", {"intervals": (0.1, 0.1), "rate": 20.0}, "rate has no effect in tiny, where intervals stands"),
        (
            "tiny",
            {"packet_loss": 0.2, "packet": 1.0},
            "packet must be at most 0.3 s, so that the recording has at least",
        ),
    ],
)
def test_what_would_have_no_effect_is_refused(name, changes, words):
    with pytest.raises(ek.ParameterError, match=words) as refused:
        SCENARIOS[name](rng=np.random.default_rng(1), **changes)
    assert "\n" not in str(refused.value)


def test_what_stands_instead_may_be_given_up():
    few = {"units": 3, "fibres_per_unit": 1, "duration": 40.0}
    made = SCENARIOS["hybrid_fes"](rng=np.random.default_rng(1), profile=None, bursts=2, effort=0.3, **few)
    assert [mark.label for mark in made.recording.marks].count("voluntary") == 2
    assert made.truth.drive.max() < 0.5
    made = SCENARIOS["tiny"](rng=np.random.default_rng(1), trains=((0.5, 1.5),), on=None, off=None, bursts=0)
    assert made.truth.onsets.max() < 1.5
    lost = SCENARIOS["tiny"](rng=np.random.default_rng(1), packet_loss=0.5, packet=0.3).truth.condition == 4
    assert lost.any()
