"""Currents that are given do no harm: a doublet at the foot of every ramp tells little of what so small ones evoke."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.benchmark.cases import CASES


def scored(made, pulses):
    """SNR of the voluntary part during stimulation, dB, (channels,), and the separation."""
    separation = ek.separate(made.recording, pulses)
    onsets, target = made.truth.onsets, made.truth.voluntary + made.truth.noise
    times = np.arange(target.shape[1]) / made.recording.fs
    inside = (times > onsets[0]) & (times < onsets[-1] + 0.05)
    error = (separation.voluntary.signal - target)[:, inside]
    return 10 * np.log10((target[:, inside] ** 2).sum(axis=1) / (error**2).sum(axis=1)), separation


@pytest.mark.parametrize("seed", [pytest.param(1, marks=pytest.mark.slow), 81])
def test_ramps_that_begin_with_a_doublet_are_separated_with_their_currents(seed):
    """Responses grew against each other, and a moving template was taken instead: -5 to -11 dB."""
    planning, playing = np.random.default_rng(seed).spawn(2)
    made = ek.simulate.simulate(CASES["intermittent"].plan(planning), rng=playing, features=False)
    without, _ = scored(made, ek.Pulses(made.truth.onsets))
    with_current, separation = scored(made, ek.Pulses(made.truth.onsets, current=made.pulses.current))
    assert separation.method.name == "phase_spline"
    assert (with_current > without - 1).all(), (with_current, without)
    assert any("current given" in message for message in separation.messages)
