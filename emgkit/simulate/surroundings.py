"""What else is in a recording: electrode noise, mains, heart, movement, electrode pops, a neighbouring muscle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range
from emgkit.simulate.front_end import FrontEnd
from emgkit.simulate.kinds import check_kinds

Array = NDArray[np.floating[Any]]

# V, a hundred times and more what is usual: above it stand values in mV or µV; by definition
MOST = {"noise": 0.005, "ecg": 0.02, "movement": 0.1, "mains_amplitude": 0.1, "pop_size": 0.1}


@dataclass(frozen=True)
class Surroundings:
    """Noise and interference as they enter the amplifier, V: its filters weaken all of it.

    Defaults without a citation are plausible and unverified.

    Parameters
    ----------
    noise : float
        RMS of the white noise of electrode and amplifier between 0 and ``fs / 2``, before the filters. Its one-sided
        density, with the 1/f part, is ``noise**2 / (fs / 2) * (1 + flicker / max(f, 0.5 Hz))`` V²/Hz: it depends on
        the sampling rate. To keep a density, change the noise with the square root of the rate.
    flicker : float
        Frequency below which 1/f noise exceeds the white noise, Hz.
    mains : float
        Mains frequency, Hz.
    mains_amplitude : float
        Amplitude of its fundamental; the third and fifth harmonic come with 0.3 and 0.15 of it. Each is 0.6 ... 1.4
        times as large in a channel, by chance.
    ecg : float
        Height of the heart's R wave, 20 to 300 µV over the trunk; in a channel 0.5 ... 1 times as large, by chance.
    heart_rate : float
        Beats per minute.
    movement : float
        RMS of movement artifact, 0.5 to 15 Hz, where the force of the muscle below changes most.
    pops : float
        Electrode pops per minute.
    pop_size : float
        Their height.
    neighbour : float
        Share of the next channel's voluntary EMG that is seen, delayed.
    """

    noise: float = 2e-6
    flicker: float = 20.0
    mains: float = 50.02
    mains_amplitude: float = 10e-6
    ecg: float = 0.0
    heart_rate: float = 70.0
    movement: float = 0.0
    pops: float = 0.0
    pop_size: float = 500e-6
    neighbour: float = 0.0

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        in_range("mains", self.mains, 45.0, 65.0, "Hz")
        in_range("flicker", self.flicker, 0.0, 200.0, "Hz")
        in_range("heart_rate", self.heart_rate, 20.0, 240.0, "1/min")
        in_range("pops", self.pops, 0.0, 600.0, "1/min")
        in_range("neighbour", self.neighbour, 0.0, 0.5)
        for name, most in MOST.items():
            in_range(name, getattr(self, name), 0.0, most, "V")


def noise_density(frequencies: Array, around: Surroundings, front_end: FrontEnd) -> Array:
    """One-sided power spectral density of the electrode noise before the filters, V²/Hz."""
    white = around.noise**2 / (front_end.fs / 2)
    return np.asarray(white * (1 + around.flicker / np.maximum(frequencies, 0.5)))


def noise_spectrum(frequencies: Array, around: Surroundings, front_end: FrontEnd) -> Array:
    """Give the same behind the filters."""
    return noise_density(frequencies, around, front_end) * front_end.power_gain(frequencies)
