"""Process values behind the features, in closed form: what intervals of measured means must hold."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.evoked import SUPERNORMAL, SUPERNORMAL_UNTIL
from emgkit.simulate.fatigue import FibreState
from emgkit.simulate.front_end import FINE, FrontEnd
from emgkit.simulate.muscle import Muscle

Array = NDArray[np.floating[Any]]

BAND = (20.0, 450.0)  # Hz, of voluntary mdf and mnf; by definition
WINDOW = (0.002, 0.030)  # s after the pulse, of evoked features; by definition
ZERO_PADDED = 1 << 13  # samples at FINE, steps of 2.4 Hz in spectra that bend over 36 Hz; numerical
LEAST_CHANCE = 1e-4  # of a unit that counts; numerical
SHOWN = 0.035  # s after the pulse; numerical
BEFORE = 0.25  # s, responses so long before still count, their ends and what they left in the high-pass; numerical


def expected_response(
    muscle: Muscle,
    front_end: FrontEnd,
    state: FibreState,
    time: float,
    chance: Array,
    interval: float,
) -> Array:
    """Compute what pulses at ``time`` in steady trains are expected to show, V, on the templates' grid.

    ``chance``, of shape (…, units), is that of every unit to be excited. The ends of the responses to the pulses before
    lie under it. Shape (…, channels, samples), from the pulse on.
    """
    unit = np.flatnonzero(chance.reshape(-1, chance.shape[-1]).max(axis=0, initial=0.0) > LEAST_CHANCE)
    each = _each(muscle, state, time, unit, interval < SUPERNORMAL_UNTIL)
    once = (chance[..., np.newaxis, np.newaxis, unit] @ each)[..., 0, :]
    return front_end.high(_train(once, interval), FINE)[..., -int(SHOWN * FINE) :]


def _each(muscle: Muscle, state: FibreState, time: float, unit: NDArray[np.int64], soon: bool) -> Array:
    """Render what a pulse evokes of every unit, before the high-pass, V, (channels, units, samples)."""
    velocity, amplitude, growth = state.at(np.full(unit.size, time), unit)
    speed = velocity * (1 + SUPERNORMAL if soon else 1.0)
    begins = muscle.pool.latency[unit]
    slowest = muscle.templates.duration / float(speed.min(initial=1.0))
    length = int((float(begins.max(initial=0.0)) + slowest) * FINE) + 2
    times = begins + np.arange(unit.size) * length / FINE  # one after the other, so that they stay apart
    rows = muscle.templates.render(times, unit, speed, amplitude, FINE, unit.size * length, growth)
    return rows.reshape(len(rows), unit.size, length)


def _train(once: Array, interval: float) -> Array:
    """Add up equal responses that follow each other, (…, samples), until SHOWN after the last pulse."""
    earlier = min(int(BEFORE / max(interval, 1 / FINE)), 12)
    begins = np.round(np.arange(earlier + 1) * interval * FINE).astype(np.int64)
    total = np.zeros((*once.shape[:-1], int(begins[-1]) + int(SHOWN * FINE)))
    for begin in begins:
        part = once[..., : total.shape[-1] - begin]
        total[..., begin : begin + part.shape[-1]] += part
    return total


def evoked_values(response: Array, fs: float) -> dict[str, Array]:
    """Features of responses without noise, of shape (…, samples): vpp V, area V·s, m_wave_mdf and m_wave_mnf Hz."""
    low, high = (round(edge * fs) for edge in WINDOW)
    wave = response[..., low:high]
    frequencies = np.fft.rfftfreq(ZERO_PADDED, 1 / fs)
    spectral = [_centres(row, frequencies) for row in wave.reshape(-1, wave.shape[-1])]
    mdf, mnf = np.array(spectral).reshape(-1, 2).T.reshape(2, *wave.shape[:-1])
    return {
        "vpp": np.ptp(wave, axis=-1),
        "area": np.abs(wave).sum(axis=-1) / fs,
        "m_wave_mdf": mdf,
        "m_wave_mnf": mnf,
    }


def _centres(wave: Array, frequencies: Array) -> tuple[float, float]:
    """Median and mean frequency of one response, Hz; without a response there is no spectrum."""
    energy = np.abs(np.fft.rfft(wave, ZERO_PADDED)) ** 2
    total = float(energy.sum())
    return (median_frequency(frequencies, energy), float(energy @ frequencies) / total) if total else (np.nan, np.nan)


def median_frequency(frequencies: Array, power: Array) -> float:
    """Frequency that halves the power, linear between bins, Hz."""
    total = np.concatenate([[0.0], np.cumsum(0.5 * (power[1:] + power[:-1]))])
    return float(np.interp(0.5 * total[-1], total, frequencies))


def voluntary_values(spectrum: Array, frequencies: Array) -> dict[str, Array]:
    """Features of a process from its spectrum, per channel: rms V, mdf and mnf Hz."""
    step = frequencies[1] - frequencies[0]
    band = (frequencies >= BAND[0]) & (frequencies <= BAND[1])
    inside = spectrum[:, band]
    silent = inside.sum(axis=1) <= 0
    return {
        "rms": np.sqrt(spectrum.sum(axis=1) * step),
        "mdf": np.where(silent, np.nan, [median_frequency(frequencies[band], row) for row in inside]),
        "mnf": np.where(
            silent, np.nan, (inside * frequencies[band]).sum(axis=1) / np.maximum(inside.sum(axis=1), 1e-300)
        ),
    }
