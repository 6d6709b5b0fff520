"""What the simulator does not know it does not state, and what it cannot make it refuses."""

import numpy as np
import pytest

from emgkit.errors import ParameterError
from emgkit.simulate import nmes_fatigue, tiny

ALONE = {"duration": 12.0, "profile": ((0.0, 0.6),), "channel_names": ("VL",), "units": 40, "fibres_per_unit": 2}


@pytest.mark.parametrize(("reach", "missing", "known"), [(1.0, 0.02, False), (1.0, 0.0, True), (0.6, 0.02, True)])
def test_what_passes_in_gaps_alone_is_not_stated(reach, missing, known):
    """Where nothing passes between pulses all units begin anew in a gap, and add up: 20 to 30 % were missing."""
    truth = nmes_fatigue(rng=np.random.default_rng(0), reach=reach, missing=missing, **ALONE).truth
    rms = truth.at("rms", np.linspace(3.0, 9.0, 13))[:, 0]
    assert np.isfinite(rms).all() == known


def test_silence_has_no_frequency():
    truth = tiny(rng=np.random.default_rng(1), noise=0.0, effort=0.0, bursts=0).truth
    assert (truth.features["rms"] == 0).all()
    assert np.isnan(truth.features["mdf"]).all()
    assert np.isnan(truth.features["mnf"]).all()


def test_whole_numbers_beyond_float_are_refused_in_one_line():
    with pytest.raises(ParameterError, match="rate must be finite"):
        tiny(rng=np.random.default_rng(1), rate=10**400)


def test_generators_that_have_no_seed_are_refused():
    with pytest.raises(ParameterError, match="rng must be made from a seed"):
        tiny(rng=np.random.Generator(np.random.Philox(key=3)))


def test_pulses_are_shorter_than_the_intervals_of_a_fast_clock():
    shape = {"shape": "asymmetrical", "width": 3.02e-3, "gap": 0.0, "jitter": 0.0}
    assert len(tiny(rng=np.random.default_rng(1), **shape).pulses)
    with pytest.raises(ParameterError, match="longer than the interval"):
        tiny(rng=np.random.default_rng(1), clock_error=20_000.0, **shape)


def test_one_seed_makes_one_recording():
    first, second = (tiny(rng=np.random.default_rng(5)).recording.signal for _ in range(2))
    assert np.array_equal(first, second)
