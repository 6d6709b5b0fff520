"""Spectrum of the voluntary EMG of a muscle, in closed form: during trains, and without stimulation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from emgkit.simulate.effort import Effort
from emgkit.simulate.fatigue import FibreState
from emgkit.simulate.firing import free_density, locked_density
from emgkit.simulate.pool import Pool
from emgkit.simulate.templates import Templates
from emgkit.simulate.timing import Beat
from emgkit.simulate.twitch import drive_for

Array = NDArray[np.floating[Any]]

LEVELS = 25  # of a drive that fluctuates, equally probable; numerical
RATE_STEP = 0.25  # Hz, rates this close have one spectrum; numerical
PADDED = 8  # lengths of an action potential in its Fourier transform; numerical
MIDDLE = 0.012  # s after its beginning, about the middle of an action potential; numerical

NO_BEAT = Beat(1.0, np.zeros((1, 1)), np.ones(1), np.ones((1, 1)))  # no pulse excites anybody


def strongest_rates(effort: Effort, span: tuple[float, float], duration: float, pool: Pool) -> Array:
    """Give rates at the strongest effort, Hz, (levels, units): equally probable levels of a drive that fluctuates."""
    drive = effort.drive(span, duration).max(initial=0.0)
    if effort.quantity == "force":
        drive = drive_for(pool, np.array([drive]))[0]
    if not effort.common_drive:
        return np.asarray(pool.rates(np.array([drive])).T)
    score = ndtri((np.arange(LEVELS) + 0.5) / LEVELS)
    levels = np.clip(drive * (1 + effort.common_drive * score / score.std()), 0.0, 1.0)
    return np.asarray(pool.rates(levels).T)


@dataclass(frozen=True, eq=False)
class _Weights:
    """How units contribute: each by itself, and together.

    Parameters
    ----------
    own : (units, frequencies) two-sided density of what is independent between units, Hz
    together : (patterns, units, lines) Fourier coefficients of their mean courses, Hz
    share : (patterns,)
    lines : (lines,) Hz
    """

    own: Array
    together: Array
    share: Array
    lines: Array


class VoluntarySpectrum:
    """One-sided power spectral density of a muscle's voluntary EMG as it fatigues.

    Campbell's theorem: each unit gives the spectral density of its spike train times its energy spectrum. Between the
    pulses of a train all units that are excited begin anew with every pulse: the mean course of their rates adds up as
    amplitudes do. A drive that fluctuates slowly gives the mean of the densities over its levels.

    Parameters
    ----------
    templates : Templates
        Action potentials.
    latency : ndarray, shape (units,)
        From the site of stimulation to the end-plates, s.
    rates : ndarray, shape (levels, units)
        Of the units by themselves, Hz, at equally probable levels of the drive.
    conduction : float
        Between spinal cord and site, s.
    frequencies : ndarray
        Evenly spaced, Hz.
    """

    def __init__(
        self, templates: Templates, latency: Array, rates: Array, conduction: float, frequencies: Array
    ) -> None:
        self._units = rates.shape[1]
        self.active = np.flatnonzero((rates > 0).any(axis=0))
        self._latency, self._rates = latency[self.active], RATE_STEP * np.round(rates[:, self.active] / RATE_STEP)
        self._conduction, self._frequencies = conduction, frequencies
        size = 1 << int(np.ceil(np.log2(PADDED * templates.values.shape[-1])))
        grid = np.fft.rfftfreq(size, 1 / templates.fs)
        self._grid = grid[grid <= 2 * frequencies[-1]]
        turned = np.exp(2j * np.pi * self._grid * MIDDLE) / templates.fs
        self._base = np.fft.rfft(templates.values[self.active], size)[..., : self._grid.size] * turned
        self._more = [
            None if more is None else np.fft.rfft(more[self.active], size)[..., : self._grid.size] * turned
            for more in templates.growth
        ]
        self._known: dict[tuple[float, float, float], tuple[Array, Array]] = {}
        self._last = NO_BEAT, self._weights(NO_BEAT)

    def at(self, state: FibreState, time: float, beat: Beat) -> Array:
        """Give the density at a time, V²/Hz, (channels, frequencies)."""
        if not beat.same(self._last[0]):
            self._last = beat, self._weights(beat)
        weights = self._last[1]
        out = self._density(self._read(state, time, self._frequencies), weights.own)
        if not weights.lines.size:
            return out
        waves = self._read(state, time, weights.lines)
        waves = waves * np.exp(-2j * np.pi * weights.lines * self._latency[:, np.newaxis])[:, np.newaxis]
        together = np.einsum("pul,ucl->pcl", weights.together, waves)
        return out + self._spread(np.tensordot(weights.share, np.abs(together) ** 2, 1), weights.lines)

    def _density(self, waves: Array, own: Array) -> Array:
        return np.asarray(2 * np.einsum("uf,ucf->cf", own, np.abs(waves) ** 2))

    def _spread(self, power: Array, lines: Array) -> Array:
        """Make a one-sided density of the powers of lines: each goes to the two nearest frequencies."""
        step = self._frequencies[1] - self._frequencies[0]
        place = np.clip((lines - self._frequencies[0]) / step, 0.0, self._frequencies.size - 1.000001)
        below = place.astype(np.int64)
        out = np.zeros((len(power), self._frequencies.size))
        for index, share in ((below, 1 - place + below), (below + 1, place - below)):
            out += [np.bincount(index, 2 * own * share / step, minlength=out.shape[1]) for own in power]
        return out

    def _read(self, state: FibreState, time: float, frequencies: Array) -> Array:
        """Fourier transforms of the action potentials at a time, V·s, (units, channels, frequencies)."""
        velocity, amplitude, growth = state.at(np.full(self.active.size, time), self.active)
        wave = self._base
        for share, more in zip(growth, self._more, strict=True):
            wave = wave if more is None else wave + share[:, np.newaxis, np.newaxis] * more
        out = np.zeros((*wave.shape[:2], frequencies.size), dtype=complex)
        for number, (speed, share) in enumerate(zip(velocity, amplitude, strict=True)):
            back = np.exp(-2j * np.pi * frequencies / speed * MIDDLE) * share / speed
            for channel in range(wave.shape[1]):
                out[number, channel] = back * np.interp(frequencies / speed, self._grid, wave[number, channel])
        return out

    def _weights(self, beat: Beat) -> _Weights:
        chance = np.broadcast_to(beat.chance, (len(beat.chance), self._units))[:, self.active]
        ready = np.broadcast_to(beat.ready, (len(beat.ready), self._units))[:, self.active]
        count = min(int(self._frequencies[-1] * beat.period), beat.steps // 2) if chance.any() else 0
        share = np.tile(beat.share, len(self._rates)) / len(self._rates)
        own: Array = np.zeros((self.active.size, self._frequencies.size))
        together = np.zeros((share.size, self.active.size, count), dtype=complex)
        for unit in range(self.active.size):
            both = np.add.outer(self._rates[:, unit], 1j * chance[:, unit]).ravel()
            different, place = np.unique(both, return_inverse=True)
            firing = [self._firing(float(one.real), float(one.imag), beat.period) for one in different]
            own[unit] = np.bincount(place, share * np.tile(ready[:, unit], len(self._rates))) @ np.stack(
                [density for density, _ in firing]
            )
            if count:
                courses = np.zeros((different.size, count), dtype=complex)
                for row, (_, course) in zip(courses, firing, strict=True):
                    row[: course.size - 1] = course[1 : count + 1]
                together[:, unit] = courses[place]
        return _Weights(own, together, share, np.arange(1, count + 1) / beat.period)

    def _firing(self, rate: float, chance: float, period: float) -> tuple[Array, Array]:
        """Density and mean course of a unit, once for all that fire at its rate and are excited as often."""
        key = (rate, chance, period if chance and rate else 0.0)
        if key not in self._known:
            if chance and rate:
                self._known[key] = locked_density(rate, chance, period, self._conduction, self._frequencies)
            else:
                self._known[key] = free_density(np.array([rate]), self._frequencies)[0], np.zeros(1, dtype=complex)
        return self._known[key]
