"""Mains and its harmonics, found by their sharp lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["USUAL", "Mains", "find_mains", "near_harmonic", "steady_orders"]

Array = NDArray[np.float64]
Rates = float | tuple[float, ...]

NOMINAL = (50.0, 60.0)  # Hz
DEVIATION = 0.2  # Hz, largest deviation of a grid from its nominal frequency that is looked for
HIGHEST = 0.42  # of the sampling rate
MOST_LINES = 12
USUAL = (1, 2, 3, 5)  # orders that are commonly large: of others alone no line is taken for mains
SPARED = 0.6  # Hz about the harmonics of the stimulation: what varies from pulse to pulse spreads so far
SHARP = 6.0  # medians of the power around it: from there on a bin speaks for a line
ALONE = 60.0  # medians: what fits miss of a response is no noise, and stands out of it by more than chance; unverified
ASYMMETRIC = 0.25  # of that: as many times what is mirrored at a harmonic of the stimulation
BESIDE = 6.0  # medians, at the orders of a fundamental that is known: 2 % of noise is larger, and shrunk by the fit
TOO_CLOSE = 0.25  # Hz from a harmonic of the stimulation: a line that may wander is no longer told from it
RESOLVED = 1.5  # cycles between line and harmonic over the recording, from which a steady line is
AROUND = 5.0  # Hz about a line, its neighbourhood


@dataclass(frozen=True, eq=False)
class Mains:
    """Lines of the mains.

    Parameters
    ----------
    frequency : float
        Of the fundamental, Hz; NaN if there is no mains.
    orders : tuple of int
        Harmonics that stand out of their neighbourhood.
    steady : tuple of int
        Those of them so close to a harmonic of the stimulation that only their steadiness tells them from it.
    """

    frequency: float
    orders: tuple[int, ...]
    steady: tuple[int, ...] = ()


def find_mains(signal: Array, known: NDArray[np.bool_], fs: float, spared: Rates | None = None) -> Mains:
    """Find the fundamental and the harmonics that stand out.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V, without artifact; missing samples hold any finite value.
    known : ndarray of bool, shape (channels, samples)
        False where a sample is missing or blanked.
    fs : float
        Sampling rate, Hz.
    spared : float or tuple of float, optional
        Pulse rates, Hz: lines that lie on their harmonics are not looked at.
    """
    from scipy.fft import next_fast_len, rfft

    count = signal.shape[1]
    if count / fs < 2.0:
        return Mains(float("nan"), ())
    taper = np.hanning(count)
    size = next_fast_len(4 * count, real=True)
    power = np.zeros(size // 2 + 1)
    for row, ok in zip(signal, known, strict=True):
        mean = float((row * ok).sum()) / max(int(ok.sum()), 1)
        spectrum = np.abs(rfft(np.where(ok, row - mean, 0.0) * taper, size)) ** 2
        power += spectrum / max(float(np.median(spectrum)), 1e-300)
    found = _Spectrum(power, fs / size, 4 * fs / count, fs, spared)
    best = max((_best_fundamental(found, nominal) for nominal in NOMINAL), key=lambda pair: pair[1])
    return _refined(found, best[0])


@dataclass(frozen=True, eq=False)
class _Spectrum:
    """Power at multiples of ``grid`` (a quarter of the resolution), lines as wide as ``width``, all in Hz."""

    power: Array
    grid: float
    width: float
    fs: float
    spared: Rates | None

    def ratio(self, order: int, fundamentals: Array, beyond: float = 1.0) -> Array:
        """Power over the median around it, at an order of fundamentals that lie close together.

        The power is that of a tapered signal, padded to four times its length: it is smooth between the points of
        its grid, so that lines are found finer than these lie. What is mirrored counts ``beyond`` times.
        """
        from scipy.interpolate import CubicSpline

        centre = order * float(fundamentals.mean())
        reach = AROUND + order * float(np.ptp(fundamentals)) / 2
        low = max(int((centre - reach) / self.grid), 1)
        places = np.arange(low, min(int((centre + reach) / self.grid) + 2, self.power.size))
        around = places[np.abs(places * self.grid - centre) > self.width]
        floor = max(float(np.median(self.power[around])), beyond * self._mirrored(centre), 1e-300)
        return np.asarray(CubicSpline(places, self.power[places])(order * fundamentals / self.grid)) / floor

    def _mirrored(self, frequency: float) -> float:
        """Largest power as far on the other side of a harmonic of the stimulation that is near.

        A response that changes over the pulses spreads to both sides of its harmonics, a line lies on one.
        """
        if self.spared is None or not near_harmonic(frequency, self.spared, SPARED):
            return 0.0
        nearest = min((_harmonic(frequency, rate) for rate in _each(self.spared)), key=lambda one: abs(frequency - one))
        centre = (2 * nearest - frequency) / self.grid
        places = slice(max(int(centre) - 4, 0), int(centre) + 6)  # one cycle over the recording to either side
        return float(self.power[places].max(initial=0.0))

    @property
    def resolved(self) -> float:
        """Hz from a harmonic of the stimulation, from which a steady line is told from it."""
        return RESOLVED * self.width / 4

    @property
    def near(self) -> float:
        """Hz from a harmonic of the stimulation, within which a line says nothing of the fundamental."""
        return min(max(2 * self.resolved, TOO_CLOSE), SPARED)


def _orders(frequency: float, fs: float, spared: Rates | None, reach: float) -> list[int]:
    orders = range(1, min(MOST_LINES, int(HIGHEST * fs / frequency)) + 1)
    return [order for order in orders if spared is None or not near_harmonic(order * frequency, spared, reach)]


def near_harmonic(frequency: float, rates: Rates, reach: float) -> bool:
    """Tell whether a frequency lies within ``reach`` of a harmonic of a pulse rate, or of one of several, all in Hz."""
    return any(abs(frequency - _harmonic(frequency, rate)) <= reach for rate in _each(rates))


def _each(rates: Rates) -> tuple[float, ...]:
    every = rates if isinstance(rates, tuple) else (rates,)
    return tuple(rate for rate in every if rate > 0)  # not so of a single pulse


def _harmonic(frequency: float, rate: float) -> float:
    """Harmonic of a rate that is nearest."""
    return rate * max(round(frequency / rate), 1)


def _best_fundamental(spectrum: _Spectrum, nominal: float) -> tuple[float, float]:
    trials = np.arange(nominal - DEVIATION, nominal + DEVIATION, spectrum.grid / 8)
    score = np.zeros(trials.size)
    for order in _orders(nominal, spectrum.fs, spectrum.spared, spectrum.near):
        score += np.log1p(np.maximum(spectrum.ratio(order, trials, ASYMMETRIC) - SHARP, 0.0))
    best = int(np.argmax(score))
    return float(trials[best]), float(score[best])


def _refined(spectrum: _Spectrum, frequency: float) -> Mains:
    """Give the most likely fundamental near one that was found, and the orders that stand out at it.

    The likelihood of a line grows with the exponential of its power over that of the noise, so that lines count by
    their power. Only orders that stand out for themselves tell the frequency: a high one that is none would move it.
    """
    for _ in range(2):
        orders = _standing_out(spectrum, frequency, ALONE, spectrum.near, ASYMMETRIC)
        if not orders:
            return Mains(float("nan"), ())
        steps = 32 * max(orders)  # of the grid, for 4 bins of it: as far as the coarse search may be off
        trials: Array = frequency + 4 * spectrum.grid * np.arange(-steps, steps + 1) / steps
        power = np.sum([spectrum.ratio(order, trials) for order in orders], axis=0)
        frequency = float(trials[np.argmax(power)])
    orders = _standing_out(spectrum, frequency, BESIDE, min(spectrum.resolved, SPARED))
    if not set(orders) & set(USUAL):
        return Mains(float("nan"), ())
    return Mains(frequency, orders, steady_orders(frequency, orders, spectrum.spared))


def steady_orders(frequency: float, orders: tuple[int, ...], rate: Rates | None) -> tuple[int, ...]:
    """Orders within a quarter of a hertz of a harmonic of the stimulation."""
    if rate is None:
        return ()
    return tuple(order for order in orders if near_harmonic(order * frequency, rate, TOO_CLOSE))


def _standing_out(
    spectrum: _Spectrum, frequency: float, least: float, reach: float, beyond: float = 1.0
) -> tuple[int, ...]:
    here = np.array([frequency])
    orders = _orders(frequency, spectrum.fs, spectrum.spared, reach)
    return tuple(order for order in orders if spectrum.ratio(order, here, beyond)[0] >= least)
