"""Mains that lies on the stimulation's harmonics and that too little without pulses tells from the response."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.spline_lines import hidden_power
from emgkit.simulate import Effort, Session, Stimulator, Surroundings, simulate

FS = 2000.0
LINE = 6e-5  # V


def separated(seed, rate):
    """A train after a second without pulses, and a line in step with it; its parts and the size of the M-wave, V."""
    stimulator = Stimulator(rate=rate, stimulation=(1.0, 12.0), clock_error=0.0)
    still = (Effort(bursts=0),)
    lines = Surroundings(mains=2 * rate, mains_amplitude=LINE)
    session = Session(
        duration=12.0,
        channel_names=("VL",),
        stimulators=(stimulator,),
        surroundings=lines,
        efforts_of=still,
    )
    made = simulate(session, rng=np.random.default_rng(seed), features=False)
    return ek.separate(made.recording, made.pulses, "phase_spline"), np.ptp(made.truth.evoked)


@pytest.mark.parametrize("apart", [0.0, 0.5], ids=["in step", "out of step"])
def test_the_power_is_that_of_the_line_in_all_stretches(apart):
    times = np.arange(int(12 * FS)) / FS
    wave = LINE * np.cos(2 * np.pi * (50.0 * times + apart * (times > 6)))
    pulses, known = ek.Pulses(np.arange(1.0, 11.0, 0.04)), np.ones((1, times.size), dtype=bool)
    assert hidden_power(wave[np.newaxis], known, FS, pulses, [50.0]) == pytest.approx([LINE**2 / 2], rel=1e-3)
    noise = 2e-6 * np.random.default_rng(0).standard_normal((1, times.size))
    assert hidden_power(noise, known, FS, pulses, [50.0])[0] < 1e-13
    covered = ek.Pulses(np.arange(0.02, 12.0, 0.04))
    assert hidden_power(wave[np.newaxis], known, FS, covered, [50.0]) == pytest.approx([0.0])


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("rate", [pytest.param(25.0, marks=pytest.mark.slow), 30.0])
def test_the_errors_know_of_mains_that_may_be_in_the_response(rate, seed):
    parts, size = separated(seed, rate)
    assert any("if there is any" in message for message in parts.parts.messages)
    error = np.median(parts.standard_error("evoked"))
    assert error > LINE / np.sqrt(2), error
    assert parts.grades["m_wave_size"][0].error > LINE / size
