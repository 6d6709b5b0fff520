"""Amplitude and phase of mains lines: as steady as the signal says."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.artifact.interference import Mains

__all__ = ["Lines", "fit_lines", "no_lines", "render_lines"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Courses = NDArray[np.complex128]  # cosine + i sine

PIECE = 0.5  # s, in which amplitude and phase are taken as constant
WANDERS = np.concatenate([[0.0], 10.0 ** np.arange(-6, 1.1, 0.5)])  # per piece, of a piece's variance; all are tried
UNKNOWN = 1e7  # of a piece's variance: that of the first amplitude
FEWEST = 4  # samples per amplitude of a piece
CHUNK = 1 << 15  # samples


@dataclass(frozen=True, eq=False)
class Lines(FrozenValue):
    """Courses of lines of one fundamental.

    Parameters
    ----------
    amplitudes : (pieces, channels, 2 × orders) V
        Of the cosines and the sines at the pieces' centres; phases refer to the signal's first sample.
    variance : (channels,) V²
        Mean error variance of the sum of the lines.
    """

    amplitudes: Array
    variance: Array


def no_lines(channels: int) -> Lines:
    """Give the courses of no lines."""
    return Lines(np.zeros((1, channels, 0)), np.zeros(channels))


def line_basis(times: Array, frequency: float, orders: tuple[int, ...]) -> Array:
    """Cosines and sines of the lines, shape (samples, 2 × lines)."""
    angle = 2 * np.pi * frequency * np.outer(times, np.array(orders, dtype=float))
    return np.concatenate([np.cos(angle), np.sin(angle)], axis=1)


def fit_lines(signal: Array, known: Mask, fs: float, mains: Mains, orders: tuple[int, ...]) -> Lines:
    """Fit amplitude and phase of the lines: a random walk, whose step the signal tells.

    Every half second gives cosine and sine amplitudes by least squares, with a constant beside them. Of each line and
    channel they are smoothed (Rauch, Tung and Striebel 1965, AIAA J 3:1445) as a random walk in noise; the walk is the
    mean over a grid of steps, each as likely as the pieces say, and the noise is what it does not explain. Quiet
    pieces count more, with the inverse of the power in them. A line that is hardly larger than its error is
    shrunk by the share of its power that the error explains. Steady lines of `Mains` may not wander for themselves:
    they keep the phase of the fundamental, and their size.

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
    """
    if not orders:
        return no_lines(len(signal))
    found, weight = _pieces(signal, known, fs, mains, orders)
    steady = np.isin(orders, mains.steady)
    smooth, variance = _smoothed(found, weight, steady)
    if steady.any() and 1 in orders and not steady[orders.index(1)]:
        turns = _phase(smooth[:, :, orders.index(1)])[:, np.newaxis, np.newaxis] ** np.array(orders)[steady]
        held, variance[:, steady] = _smoothed(found[:, :, steady] / turns, weight[:, :, steady], steady[steady])
        smooth[:, :, steady] = held * turns
    power = np.average(np.abs(smooth) ** 2, axis=0)
    share = np.maximum(1 - 2 * variance / np.maximum(power, 1e-300), 0.0)
    smooth = smooth * share
    amplitudes = np.concatenate([smooth.real, smooth.imag], axis=2)
    return Lines(amplitudes, (share * variance).sum(axis=1))


def _edges(count: int, fs: float) -> NDArray[np.int64]:
    return np.round(np.linspace(0, count, max(int(count / (PIECE * fs)), 1) + 1)).astype(np.int64)


def _pieces(signal: Array, known: Mask, fs: float, mains: Mains, orders: tuple[int, ...]) -> tuple[Courses, Array]:
    """Give the amplitudes of every piece, (pieces, channels, orders) V, and their weights."""
    edges, number = _edges(signal.shape[1], fs), len(orders)
    found = np.zeros((edges.size - 1, len(signal), number), dtype=complex)
    weight = np.zeros(found.shape)
    power = np.full(found.shape[:2], np.inf)
    for piece in range(edges.size - 1):
        part = slice(edges[piece], edges[piece + 1])
        basis = line_basis(np.arange(part.start, part.stop) / fs, mains.frequency, orders)
        basis = np.column_stack([basis, np.ones(len(basis))])
        inverses: dict[bytes, Array] = {}  # channels mostly miss the same samples
        for channel, (row, ok) in enumerate(zip(signal[:, part], known[:, part], strict=True)):
            if np.count_nonzero(ok) < FEWEST * basis.shape[1]:
                continue
            mask = ok.tobytes()
            if mask not in inverses:
                inverses[mask] = _inverse(basis[ok])
            coefficients = inverses[mask] @ (basis[ok].T @ row[ok])
            found[piece, channel] = coefficients[:number] + 1j * coefficients[number:-1]
            weight[piece, channel] = 1 / np.diag(inverses[mask])[:-1].reshape(2, number).mean(axis=0)
            power[piece, channel] = row[ok].var()
    return found, weight * _quietness(power)[..., np.newaxis]


def _inverse(basis: Array) -> Array:
    normal = basis.T @ basis
    normal[np.diag_indices_from(normal)] += 1e-9 * len(basis)
    return np.asarray(np.linalg.inv(normal))


def _quietness(power: Array) -> Array:
    """Inverse power over that of the quietest tenth, at most 1, of pieces, (pieces, channels)."""
    out = np.ones_like(power)
    for channel, row in enumerate(power.T):
        finite = row[np.isfinite(row) & (row > 0)]
        floor = float(np.quantile(finite, 0.1)) if finite.size else 1.0
        out[:, channel] = np.minimum(floor / np.maximum(row, floor), 1.0)
    return out


def _phase(fundamental: Courses) -> NDArray[np.complex128]:
    """Phase of the fundamental in the channel where it is largest, as numbers of size 1, (pieces,)."""
    course = fundamental[:, int(np.argmax((np.abs(fundamental) ** 2).mean(axis=0)))]
    size = np.abs(course)
    return np.asarray(np.where(size > 0, course, 1.0) / np.where(size > 0, size, 1.0), dtype=complex)


def _smoothed(found: Courses, weight: Array, steady: Mask) -> tuple[Courses, Array]:
    """Smooth the courses with every step, as likely as it is; mean variance per amplitude, (channels, orders) V²."""
    seen = weight > 0
    usual = _median_of_seen(weight)
    steps = np.broadcast_to(WANDERS[:, np.newaxis, np.newaxis], (WANDERS.size, *usual.shape))
    means, variances, misfit, spread = _filtered(found[:, np.newaxis], (weight / usual)[:, np.newaxis], steps)
    numbers = np.maximum(2 * (seen.sum(axis=0) - 1), 1)  # the first piece tells where the walk starts
    noise = misfit / numbers
    cost = 0.5 * numbers * np.log(np.maximum(noise, 1e-300)) + spread
    cost[1:, :, steady] = np.inf
    chance = np.exp(cost.min(axis=0) - cost)
    chance /= chance.sum(axis=0)
    for piece in range(len(means) - 2, -1, -1):
        ahead = variances[piece] + steps
        gain = variances[piece] / ahead
        means[piece] += gain * (means[piece + 1] - means[piece])
        variances[piece] += gain**2 * (variances[piece + 1] - ahead)
    mean = (chance * means).sum(axis=1)
    between = 0.5 * np.abs(means - mean[:, np.newaxis]) ** 2
    return mean, (chance * (noise * variances + between)).sum(axis=1).mean(axis=0)


def _median_of_seen(weight: Array) -> Array:
    flat = weight.reshape(len(weight), -1).T
    return np.array([np.median(one[one > 0]) if one.any() else 1.0 for one in flat]).reshape(weight.shape[1:])


def _filtered(found: Courses, relative: Array, step: Array) -> tuple[Courses, Array, Array, Array]:
    """Run the Kalman filter of random walks in noise of variance 1 / relative.

    Returns
    -------
    means, variances : ndarray, shape (pieces, steps, channels, orders)
        After each piece.
    misfit, spread : ndarray, shape (steps, channels, orders)
        Squared innovations over their variances, and the sum of the variances' logarithms.
    """
    means = np.zeros((len(found), *step.shape), dtype=complex)
    variances = np.zeros(means.shape)
    misfit, spread = np.zeros(step.shape), np.zeros(step.shape)
    begun = np.zeros(found.shape[1:], dtype=bool)
    mean, variance = np.zeros(step.shape, dtype=complex), np.full(step.shape, UNKNOWN)
    for piece, (value, weight) in enumerate(zip(found, relative, strict=True)):
        seen = weight > 0
        variance = variance + step
        own = 1 / np.where(seen, weight, 1.0)
        total = variance + own
        off = value - mean
        misfit += np.where(seen & begun, np.abs(off) ** 2 / total, 0.0)
        spread += np.where(seen & begun, np.log(total), 0.0)
        gain = np.where(seen, variance / total, 0.0)
        mean = mean + gain * off
        variance = np.where(seen, gain * own, variance)  # 1 - gain may round to 0, and then nothing moves it any more
        begun |= seen
        means[piece], variances[piece] = mean, variance
    return means, variances, misfit, spread


def render_lines(lines: Lines, fs: float, count: int, mains: Mains, orders: tuple[int, ...]) -> Array:
    """Render the lines, linear in time between the centres of the pieces, V, (channels, samples)."""
    amplitudes = lines.amplitudes
    out = np.zeros((amplitudes.shape[1], count))
    if not orders:
        return out
    edges = _edges(count, fs)
    centres = (edges[:-1] + edges[1:]) / 2
    for low in range(0, count, CHUNK):
        place = np.arange(low, min(low + CHUNK, count))
        basis = line_basis(place / fs, mains.frequency, orders)
        below = np.clip(np.searchsorted(centres, place) - 1, 0, max(centres.size - 2, 0))
        above = np.minimum(below + 1, centres.size - 1)
        share = np.clip((place - centres[below]) / np.maximum(centres[above] - centres[below], 1.0), 0.0, 1.0)
        for channel in range(out.shape[0]):
            first, second = amplitudes[below, channel], amplitudes[above, channel]
            out[channel, place] = np.einsum("nl,nl->n", basis, first + share[:, np.newaxis] * (second - first))
    return out
