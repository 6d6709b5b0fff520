"""Mains and its harmonics: found by their sharp lines, followed in amplitude and phase."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Mains", "find_mains", "fit_lines", "line_basis", "render_lines"]

Array = NDArray[np.float64]

NOMINAL = (50.0, 60.0)  # Hz
DEVIATION = 0.2  # Hz, largest deviation of a grid from its nominal frequency that is looked for
HIGHEST = 0.42  # of the sampling rate
MOST_LINES = 12
SPARED = 0.6  # Hz about the harmonics of the stimulation: what varies from pulse to pulse spreads so far
SHARP = 6.0  # medians of the power around it: from there on a bin speaks for a line
ALONE = 30.0  # medians: 1e-9 of the bins of noise (2 to the power of -30) are larger
BESIDE = 15.0  # medians: 0.1 % of the orders of a fundamental that is known are larger, where they are noise
AROUND = 5.0  # Hz about a line, its neighbourhood
WINDOW = 8.0  # s, over which a line's amplitude and phase are taken as constant


@dataclass(frozen=True, eq=False)
class Mains:
    """Lines of the mains.

    Parameters
    ----------
    frequency : float
        Of the fundamental, Hz; NaN if there is no mains.
    orders : tuple of int
        Harmonics that stand out of their neighbourhood.
    """

    frequency: float
    orders: tuple[int, ...]


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
        floor = max(float(np.median(self.power[around])), 1e-300)
        return np.asarray(CubicSpline(places, self.power[places])(order * fundamentals / self.grid)) / floor


def _orders(frequency: float, fs: float, spared: float | None) -> list[int]:
    orders = range(1, min(MOST_LINES, int(HIGHEST * fs / frequency)) + 1)
    return [order for order in orders if spared is None or not near_harmonic(order * frequency, spared, SPARED)]


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
    return Mains(frequency, _standing_out(spectrum, frequency, BESIDE))


def _standing_out(spectrum: _Spectrum, frequency: float, least: float) -> tuple[int, ...]:
    here = np.array([frequency])
    orders = _orders(frequency, spectrum.fs, spectrum.spared)
    return tuple(order for order in orders if spectrum.ratio(order, here)[0] >= least)


def line_basis(times: Array, frequency: float, orders: tuple[int, ...]) -> Array:
    """Cosines and sines of the lines, shape (samples, 2 × lines)."""
    angle = 2 * np.pi * frequency * np.outer(times, np.array(orders, dtype=float))
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)


def fit_lines(signal: Array, known: NDArray[np.bool_], fs: float, mains: Mains, orders: tuple[int, ...]) -> Array:
    """Fit amplitude and phase of the lines in windows of 8 s that overlap by half, with a slow drift beside them.

    Quiet stretches count more: samples are weighted with the inverse of the power around them.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V.
    known : ndarray of bool, shape (channels, samples)
        Samples that count.
    fs : float
        Sampling rate, Hz.
    mains : Mains
        The fundamental.
    orders : tuple of int
        Harmonics to fit.

    Returns
    -------
    ndarray, shape (windows, channels, 2 × lines)
        Cosine and sine amplitudes at the windows' centres, V; phases refer to the signal's first sample.
    """
    count = signal.shape[1]
    width = min(int(WINDOW * fs), count)
    centres = window_centres(count, width)
    weights = known * np.stack([_quietness(row, ok, fs) for row, ok in zip(signal, known, strict=True)])
    out = np.zeros((centres.size, signal.shape[0], 2 * len(orders)))
    for number, centre in enumerate(centres):
        low = int(np.clip(centre - width // 2, 0, count - width))
        part = slice(low, low + width)
        lines = line_basis(np.arange(low, low + width) / fs, mains.frequency, orders)
        place = np.linspace(-1, 1, width)
        drift = np.polynomial.legendre.legvander(place, 8)
        basis = np.concatenate([lines, drift], axis=1)
        bell = np.hanning(width + 2)[1:-1]
        for channel in range(signal.shape[0]):
            out[number, channel] = _weighted(basis, signal[channel, part], bell * weights[channel, part])[
                : lines.shape[1]
            ]
    return out


def _quietness(row: Array, known: NDArray[np.bool_], fs: float) -> Array:
    """Inverse power in quarter seconds over that of the quietest tenth, at most 1, shape (samples,)."""
    pieces = np.array_split(np.arange(row.size), max(int(row.size / (0.25 * fs)), 1))
    power = np.array([row[piece][known[piece]].var() if known[piece].any() else np.inf for piece in pieces])
    finite = power[np.isfinite(power) & (power > 0)]
    floor = float(np.quantile(finite, 0.1)) if finite.size else 1.0
    return np.repeat(np.minimum(floor / np.maximum(power, floor), 1.0), [piece.size for piece in pieces])


def window_centres(count: int, width: int) -> Array:
    """Centres of windows, in samples, half a window apart."""
    if count <= width:
        return np.array([count / 2])
    return np.linspace(width / 2, count - width / 2, max(round(2 * (count - width) / width), 1) + 1)


def _weighted(basis: Array, row: Array, weight: Array) -> Array:
    if np.count_nonzero(weight > 1e-3) < 4 * basis.shape[1]:
        return np.zeros(basis.shape[1])
    level = np.average(row, weights=weight)
    weighted = basis * weight[:, np.newaxis]
    normal = weighted.T @ basis
    normal[np.diag_indices_from(normal)] += 1e-9 * np.trace(normal) / len(normal)
    return np.asarray(np.linalg.solve(normal, weighted.T @ (row - level)))


def render_lines(amplitudes: Array, fs: float, count: int, mains: Mains, orders: tuple[int, ...]) -> Array:
    """Render the lines from amplitudes (windows, channels, 2 × lines), linear in time between windows."""
    out = np.zeros((amplitudes.shape[1], count))
    if not orders:
        return out
    centres = window_centres(count, min(int(WINDOW * fs), count))
    chunk = 1 << 15
    for low in range(0, count, chunk):
        place = np.arange(low, min(low + chunk, count))
        basis = line_basis(place / fs, mains.frequency, orders)
        weights = _hats(place.astype(float), centres)
        for channel in range(out.shape[0]):
            out[channel, place] = np.einsum("nl,nl->n", basis, weights @ amplitudes[:, channel])
    return out


def _hats(place: Array, centres: Array) -> Array:
    weights = np.zeros((place.size, centres.size))
    if centres.size == 1:
        weights[:] = 1.0
        return weights
    below = np.clip(np.searchsorted(centres, place) - 1, 0, centres.size - 2)
    share = np.clip((place - centres[below]) / (centres[below + 1] - centres[below]), 0.0, 1.0)
    weights[np.arange(place.size), below] = 1 - share
    weights[np.arange(place.size), below + 1] = share
    return weights
