"""Sweeps after the pulses on one grid of times since the pulse, which pulses are alike, and the noise in them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, PPoly

from emgkit.pulses import Pulses

__all__ = ["Sweeps", "alike", "autocovariance", "cut_sweeps", "free_of_pulses", "moving_means", "power_beside_slow"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

SAME_CURRENT = 0.02  # relative
NOISE_LENGTH = 0.6  # s, looked at beside the pulses for noise
BEFORE = 2e-3  # s before a pulse that may already hold its artifact
PIECE = 1 << 15  # samples, in which products are taken
LEAST_NOISE = 40  # samples
SLOW = 2e-3, 5e-3, 15e-3, 50e-3  # s, time constants of what tails are close to
ON_SAMPLE = 1e-6  # samples: what rounding may move a time


@dataclass(frozen=True, eq=False)
class Sweeps:
    """What was recorded after every pulse.

    Parameters
    ----------
    times : (times,) s since the pulse
    values : (pulses, channels, times) V, NaN where samples are missing or beyond the next pulse
    """

    times: Array
    values: Array


def cut_sweeps(signal: Array, fs: float, onsets: Array, reach: float) -> Sweeps:
    """Interpolate the samples after every pulse to whole sample intervals since the pulse.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V.
    fs : float
        Hz.
    onsets : ndarray, shape (pulses,)
        s.
    reach : float
        Length of the sweeps, s.
    """
    count = int(np.floor(reach * fs + ON_SAMPLE))
    times = np.arange(1, count + 1) / fs
    values = np.full((onsets.size, signal.shape[0], count), np.nan)
    whole: dict[int, list[tuple[int, Array, Array]]] = {}  # by length: number, places and samples
    for number, onset in enumerate(onsets):
        first = int(np.ceil(onset * fs - ON_SAMPLE))
        piece = signal[:, first : first + count + 2]
        shift = first - onset * fs
        inside = int(np.floor(piece.shape[1] - 1 + shift + ON_SAMPLE))
        if inside < 4:
            continue
        places = np.arange(1, min(inside, count) + 1) - shift
        if np.isfinite(piece).all():  # as a rule
            whole.setdefault(piece.shape[1], []).append((number, places, piece))
            continue
        for channel, row in enumerate(piece):
            values[number, channel, : places.size] = _interpolated(row, places)
    for length, alike in whole.items():
        splines = CubicSpline(np.arange(length), np.stack([piece for _, _, piece in alike]), axis=2)
        for own, (number, places, _) in enumerate(alike):
            one = PPoly.construct_fast(splines.c[:, :, own], splines.x)
            values[number, :, : places.size] = one(places).T
    return Sweeps(times, values)


def _interpolated(row: Array, places: Array) -> Array:
    known = np.isfinite(row)
    if np.count_nonzero(known) < 4:
        return np.full(places.size, np.nan)
    index = np.flatnonzero(known)
    found = CubicSpline(index, row[known])(np.clip(places, index[0], index[-1]))
    near = known[np.clip(np.floor(places + ON_SAMPLE).astype(int), 0, row.size - 1)]
    near &= known[np.clip(np.ceil(places - ON_SAMPLE).astype(int), 0, row.size - 1)]
    return np.where(near, found, np.nan)


def alike(pulses: Pulses) -> list[Indices]:
    """Group the pulses of one stimulator and one current, where it is known."""
    current = np.zeros(len(pulses)) if pulses.current is None else np.nan_to_num(pulses.current, nan=-1.0)
    groups = []
    for stimulator in np.unique(pulses.stimulator):
        own = np.flatnonzero(pulses.stimulator == stimulator)
        order = own[np.argsort(current[own], kind="stable")]
        level = current[order]
        steps = np.flatnonzero(np.diff(level) > SAME_CURRENT * np.maximum(np.abs(level[1:]), 1e-12)) + 1
        groups += [np.sort(part) for part in np.split(order, steps)]
    return groups


def free_of_pulses(signal: Array, fs: float, pulses: Pulses, after: float) -> Mask:
    """Mark samples far from the pulses and not constant in every channel, near enough to speak for them, (samples,)."""
    count = signal.shape[1]
    times, edge = np.arange(count) / fs, ON_SAMPLE / fs
    place = np.searchsorted(pulses.onsets, times + edge)
    last = np.concatenate([[-np.inf], pulses.onsets])[place]
    following = np.concatenate([pulses.onsets, [np.inf]])[place]
    since, until = times - last, following - times
    quiet = (since > after + edge) & (until > BEFORE + edge)
    near = (since < after + NOISE_LENGTH - edge) | (until < BEFORE + NOISE_LENGTH - edge)
    moving = np.zeros(count, dtype=bool)
    with np.errstate(invalid="ignore"):
        moving[1:] = (np.diff(signal, axis=1) != 0).any(axis=0)
    return np.asarray(quiet & near & moving & np.isfinite(signal).all(axis=0))


def autocovariance(signal: Array, usable: Mask, lags: int) -> Array:
    """Autocovariance of the usable samples up to so many lags, tapered to zero, V², (channels, lags).

    Channels without enough usable samples have NaN.
    """
    out = np.full((signal.shape[0], lags), np.nan)
    total = np.count_nonzero(usable)
    if total < LEAST_NOISE:
        return out
    for channel, row in enumerate(signal):
        held = np.where(usable, row, 0.0)
        held = np.where(usable, held - held.sum() / total, 0.0)
        out[channel] = _products(held, lags) / total
    return np.asarray(out * np.linspace(1, 0, lags))


def _products(row: Array, lags: int) -> Array:
    """Sum products of a row with itself so many samples later, piece by piece."""
    width = max(PIECE, 4 * lags)
    size, out = 2 * (width + lags), np.zeros(lags)
    for low in range(0, row.size, width):
        own, both = row[low : low + width], row[low : low + width + lags]
        product = np.conj(np.fft.rfft(own, size)) * np.fft.rfft(both, size)
        out += np.fft.irfft(product, size)[:lags]
    return out


def moving_means(values: Array, width: int) -> Array:
    """Mean over so many neighbouring sweeps about each, all if there are fewer, the same shape."""
    count = len(values)
    width = min(width, count)
    known = np.isfinite(values)
    zero = np.zeros((1, *values.shape[1:]))
    total = np.concatenate([zero, np.cumsum(np.where(known, values, 0.0), axis=0)])
    number = np.concatenate([zero, np.cumsum(known, axis=0)])
    start = np.clip(np.arange(count) - width // 2, 0, count - width)
    with np.errstate(invalid="ignore"):
        return np.asarray((total[start + width] - total[start]) / (number[start + width] - number[start]))


def power_beside_slow(times: Array, waves: Array, degree: int = 0) -> Array:
    """Power that slow exponentials and a polynomial do not explain, V², (rows,).

    Parameters
    ----------
    times : ndarray, shape (times,)
        s.
    waves : ndarray, shape (rows, times)
        V.
    degree : int, default 0
        Of the polynomial: a high-pass of second order swings once.
    """
    slow = np.exp(-times[:, np.newaxis] / np.array(SLOW))
    slow = np.concatenate([slow, np.polynomial.legendre.legvander(times / max(times[-1], 1e-9), degree)], axis=1)
    left = waves.T - slow @ np.linalg.lstsq(slow, waves.T, rcond=None)[0]
    return np.asarray((left**2).mean(axis=0))
