"""Electrode and amplifier noise with a known spectrum, and mains."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.front_end import FrontEnd

Array = NDArray[np.floating[Any]]

FLICKER_CORNER = 20.0  # Hz, below which 1/f noise exceeds the white noise; unverified
HARMONICS = {1: 1.0, 3: 0.3, 5: 0.15}  # of mains, relative amplitudes; unverified
WANDER = 0.02  # rad per √s, random walk of the mains phase


def noise_spectrum(frequencies: Array, level: float, front_end: FrontEnd) -> Array:
    """One-sided power spectral density of the noise, V²/Hz; ``level`` is the RMS of its white part up to fs/2."""
    white = level**2 / (front_end.fs / 2)
    safe = np.maximum(frequencies, 0.5)
    return white * (1 + FLICKER_CORNER / safe) * front_end.power_gain(frequencies)


def draw_noise(shape: tuple[int, int], level: float, front_end: FrontEnd, *, rng: np.random.Generator) -> Array:
    """Draw Gaussian noise with that spectrum, V, shape (channels, samples)."""
    channels, count = shape
    frequencies = np.fft.rfftfreq(count, 1 / front_end.fs)
    scale = np.sqrt(noise_spectrum(frequencies, level, front_end) * front_end.fs * count / 4)
    draws = rng.standard_normal((2, channels, frequencies.size))
    return np.asarray(np.fft.irfft((draws[0] + 1j * draws[1]) * scale, count))


def draw_mains(shape: tuple[int, int], frequency: float, level: float, fs: float, *, rng: np.random.Generator) -> Array:
    """Draw mains with harmonics and a phase that wanders slowly, V; ``level`` is the fundamental's amplitude."""
    channels, count = shape
    walk = np.cumsum(rng.standard_normal(count)) * WANDER / np.sqrt(fs)
    phase = 2 * np.pi * frequency * np.arange(count) / fs + walk
    out = np.zeros(shape)
    for order, share in HARMONICS.items():
        if order * frequency < 0.45 * fs:
            start = rng.uniform(0, 2 * np.pi, (channels, 1))
            gain = rng.uniform(0.6, 1.4, (channels, 1))
            out += level * share * gain * np.cos(order * phase + start)
    return out
