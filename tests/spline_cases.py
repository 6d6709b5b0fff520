"""Voluntary EMG of known effort for the tests of `PhaseSpline`, and its power about pulses."""

import numpy as np
from scipy.signal import butter, sosfilt

from emgkit.artifact.spline_piece import pulse_power

FS = 2000.0


def emg(count, seed, effort):
    """Noise of 20 to 200 Hz whose size follows an effort."""
    noise = sosfilt(
        butter(2, [20, 200], "bandpass", fs=FS, output="sos"), np.random.default_rng(seed).normal(size=count)
    )
    return effort * noise / noise.std()


def power_of(design, row):
    return pulse_power(design, row[design.samples], np.ones(design.samples.size), 0.025)


def effort_of(count):
    return np.where(np.arange(count) % 8000 < 4000, 40e-6, 3e-6)
