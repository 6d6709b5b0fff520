"""What the simulator refuses, in one line, and what it accepts at the edges of its ranges."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.simulate import FrontEnd, tiny


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
