"""Process values behind the features, in closed form: what intervals of measured means must hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from emgkit.simulate.fatigue import FibreState
from emgkit.simulate.pool import THRESHOLD_SPREAD, Pool
from emgkit.simulate.spikes import INTERVAL_SPREAD
from emgkit.simulate.templates import Templates

Array = NDArray[np.floating[Any]]

BAND = (20.0, 450.0)  # Hz, of voluntary mdf and mnf
WINDOW = (0.002, 0.030)  # s after the pulse, of evoked features
ZERO_PADDED = 1 << 15
RESPONSES = 3  # a response and the ends of those before it


def expected_response(
    pool: Pool,
    templates: Templates,
    state: FibreState,
    time: float,
    current: float,
    width: float,
    drift: float,
    interval: float,
) -> Array:
    """Compute what a pulse at ``time`` in a steady train is expected to show, V, on the templates' grid.

    The ends of the responses to the two pulses before lie under it. Shape (channels, samples), from the pulse on.
    """
    limit = pool.thresholds_at(width) * drift
    chance = ndtr((current / limit - 1) / THRESHOLD_SPREAD)
    unit = np.flatnonzero(chance > 1e-4)
    velocity, amplitude = state.at(np.full(unit.size, time), unit)
    begins = (pool.latency[unit] - np.arange(RESPONSES)[:, np.newaxis] * interval).ravel()
    stretch, scale = np.tile(velocity, RESPONSES), np.tile(amplitude * chance[unit], RESPONSES)
    count = int(0.035 * templates.fs)
    return templates.render(begins, np.tile(unit, RESPONSES), stretch, scale, templates.fs, count)


def evoked_values(response: Array, fs: float) -> dict[str, Array]:
    """Features of a response without noise, per channel: vpp V, area V·s, m_wave_mdf and m_wave_mnf Hz."""
    low, high = (round(edge * fs) for edge in WINDOW)
    wave = response[:, low:high]
    energy = np.abs(np.fft.rfft(wave, ZERO_PADDED)) ** 2
    frequencies = np.fft.rfftfreq(ZERO_PADDED, 1 / fs)
    return {
        "vpp": np.ptp(wave, axis=1),
        "area": np.abs(wave).sum(axis=1) / fs,
        "m_wave_mdf": np.array([median_frequency(frequencies, row) for row in energy]),
        "m_wave_mnf": (energy * frequencies).sum(axis=1) / energy.sum(axis=1),
    }


def median_frequency(frequencies: Array, power: Array) -> float:
    """Frequency that halves the power, linear between bins, Hz."""
    total = np.concatenate([[0.0], np.cumsum(0.5 * (power[1:] + power[:-1]))])
    return float(np.interp(0.5 * total[-1], total, frequencies))


def voluntary_spectrum(
    templates: Templates, rates: Array, kept: Array, state: FibreState, time: float, frequencies: Array
) -> Array:
    """One-sided power spectral density of the voluntary EMG, V²/Hz, shape (channels, frequencies).

    Campbell's theorem for independent renewal trains: each unit gives its rate times its energy spectrum times the
    factor of its interval statistics (Gaussian, coefficient of variation 0.2); random loss of a share of the spikes
    moves that factor towards one.
    """
    unit = np.flatnonzero(rates > 0)
    velocity, amplitude = state.at(np.full(unit.size, time), unit)
    out = np.zeros((templates.values.shape[1], frequencies.size))
    for number, speed, size in zip(unit, velocity, amplitude, strict=True):
        spectra = templates.spectrum(int(number), frequencies / speed) * (size / speed)
        rate, share = rates[number], kept[number]
        phi = np.exp(-2j * np.pi * frequencies / rate - (2 * np.pi * frequencies * INTERVAL_SPREAD / rate) ** 2 / 2)
        factor = np.real((1 + phi) / np.where(np.abs(1 - phi) < 1e-9, 1e-9, 1 - phi))
        out += 2 * rate * share * ((1 - share) + share * factor) * np.abs(spectra) ** 2
    return out


def voluntary_values(spectrum: Array, frequencies: Array) -> dict[str, Array]:
    """Features of a process from its spectrum, per channel: rms V, mdf and mnf Hz."""
    step = frequencies[1] - frequencies[0]
    band = (frequencies >= BAND[0]) & (frequencies <= BAND[1])
    inside = spectrum[:, band]
    return {
        "rms": np.sqrt(spectrum.sum(axis=1) * step),
        "mdf": np.array([median_frequency(frequencies[band], row) for row in inside]),
        "mnf": (inside * frequencies[band]).sum(axis=1) / inside.sum(axis=1),
    }
