"""Mains and its harmonics, found by their sharp lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Mains", "find_mains", "near_harmonic", "steady_orders"]

Array = NDArray[np.float64]

NOMINAL = (50.0, 60.0)  # Hz
DEVIATION = 0.2  # Hz, largest deviation of a grid from its nominal frequency that is looked for
HIGHEST = 0.42  # of the sampling rate
MOST_LINES = 12
SPARED = 0.6  # Hz about the harmonics of the stimulation: what varies from pulse to pulse spreads so far
SHARP = 6.0  # medians of the power around it: from there on a bin speaks for a line
ALONE = 60.0  # medians: what fits miss of a response is no noise, and stands out of it by more than chance; unverified
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


def find_mains(signal: Array, known: NDArray[np.bool_], fs: float, spared: float | None = None) -> Mains:
    """Find the fundamental and the harmonics that stand out.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V, without artifact; missing samples hold any finite value.
    known : ndarray of bool, shape (channels, samples)
        False where a sample is missing or blanked.
    fs : float
        Sampling rate, Hz.
    spared : float, optional
        Pulse rate, Hz: lines that lie on its harmonics are not looked at.
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
    spared: float | None

    def ratio(self, order: int, fundamentals: Array) -> Array:
        """Power over the median around it, at an order of fundamentals that lie close together.

        The power is that of a tapered signal, padded to four times its length: it is smooth between the points of
        its grid, so that lines are found finer than these lie.
        """
        from scipy.interpolate import CubicSpline

        centre = order * float(fundamentals.mean())
        reach = AROUND + order * float(np.ptp(fundamentals)) / 2
        low = max(int((centre - reach) / self.grid), 1)
        places = np.arange(low, min(int((centre + reach) / self.grid) + 2, self.power.size))
        around = places[np.abs(places * self.grid - centre) > self.width]
        floor = max(float(np.median(self.power[around])), self._mirrored(centre), 1e-300)
        return np.asarray(CubicSpline(places, self.power[places])(order * fundamentals / self.grid)) / floor

    def _mirrored(self, frequency: float) -> float:
        """Largest power as far on the other side of a harmonic of the stimulation that is near.

        A response that changes over the pulses spreads to both sides of its harmonics, a line lies on one.
        """
        if self.spared is None or not near_harmonic(frequency, self.spared, SPARED):
            return 0.0
        centre = (2 * self.spared * max(round(frequency / self.spared), 1) - frequency) / self.grid
        places = slice(max(int(centre) - 4, 0), int(centre) + 6)  # one cycle over the recording to either side
        return float(self.power[places].max(initial=0.0))

    @property
    def resolved(self) -> float:
        """Hz from a harmonic of the stimulation, from which a steady line is told from it."""
        return RESOLVED * self.width / 4


def _orders(frequency: float, fs: float, spared: float | None, reach: float = SPARED) -> list[int]:
    orders = range(1, min(MOST_LINES, int(HIGHEST * fs / frequency)) + 1)
    return [order for order in orders if spared is None or not near_harmonic(order * frequency, spared, reach)]


def near_harmonic(frequency: float, rate: float, reach: float) -> bool:
    """Tell whether a frequency lies within ``reach`` of a harmonic of the pulse rate, all in Hz."""
    if not rate > 0:  # as of a single pulse
        return False
    return abs(frequency - rate * max(round(frequency / rate), 1)) <= reach


def _best_fundamental(spectrum: _Spectrum, nominal: float) -> tuple[float, float]:
    trials = np.arange(nominal - DEVIATION, nominal + DEVIATION, spectrum.grid / 8)
    score = np.zeros(trials.size)
    for order in _orders(nominal, spectrum.fs, spectrum.spared):
        score += np.log1p(np.maximum(spectrum.ratio(order, trials) - SHARP, 0.0))
    best = int(np.argmax(score))
    return float(trials[best]), float(score[best])


def _refined(spectrum: _Spectrum, frequency: float) -> Mains:
    """Give the most likely fundamental near one that was found, and the orders that stand out at it.

    The likelihood of a line grows with the exponential of its power over that of the noise, so that lines count by
    their power. Only orders that stand out for themselves tell the frequency: a high one that is none would move it.
    """
    for _ in range(2):
        orders = _standing_out(spectrum, frequency, ALONE)
        if not orders:
            return Mains(float("nan"), ())
        steps = 32 * max(orders)  # of the grid, for 4 bins of it: as far as the coarse search may be off
        trials: Array = frequency + 4 * spectrum.grid * np.arange(-steps, steps + 1) / steps
        power = np.sum([spectrum.ratio(order, trials) for order in orders], axis=0)
        frequency = float(trials[np.argmax(power)])
    orders = _standing_out(spectrum, frequency, BESIDE, min(spectrum.resolved, SPARED))
    return Mains(frequency, orders, steady_orders(frequency, orders, spectrum.spared))


def steady_orders(frequency: float, orders: tuple[int, ...], rate: float | None) -> tuple[int, ...]:
    """Orders within a quarter of a hertz of a harmonic of the stimulation."""
    if rate is None:
        return ()
    return tuple(order for order in orders if near_harmonic(order * frequency, rate, TOO_CLOSE))


def _standing_out(spectrum: _Spectrum, frequency: float, least: float, reach: float = SPARED) -> tuple[int, ...]:
    here = np.array([frequency])
    orders = _orders(frequency, spectrum.fs, spectrum.spared, reach)
    return tuple(order for order in orders if spectrum.ratio(order, here)[0] >= least)
