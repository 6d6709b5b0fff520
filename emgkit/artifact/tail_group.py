"""Pulses of one kind for `TailFit`: their mean response, its error, how it is split, and every pulse's own parts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.split_tail import split_tail
from emgkit.artifact.tail_agreement import agreeing
from emgkit.artifact.tail_found import TailSplit
from emgkit.artifact.tail_prior import HighPass
from emgkit.artifact.tail_sweeps import autocovariance, cut_sweeps, moving_means
from emgkit.errors import TimingError

__all__ = ["FrontEndKnowledge", "TailGroup", "fit_group"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

LONGEST, STEADY_LONGEST = 0.25, 0.1  # s, of a sweep
BASELINE = (0.010, 0.002)  # s before a pulse, whose mean is its baseline when nothing else is near
SHORTEST = 0.0085  # s after a pulse, in human time
ROUNDED = 1e-6  # s: what the rounding of times may take from an interval
LONELY = 0.08  # s without a pulse before, from which that baseline may be used
LEAST_STEADY = 10  # pulses
UNSTEADY = 0.02  # of the interval
ENOUGH = 5  # pulses whose differences tell the noise
SETTLED = 0.004  # s after a pulse, from which the differences count as noise
FLOOR = 1e-9  # of the largest sample: least noise


@dataclass(frozen=True)
class FrontEndKnowledge:
    """What is known of the amplifier: corner and order of the high-pass, or probabilities."""

    high_pass: float | None
    high_pass_order: int | None
    amplifiers: Mapping[HighPass, float]


@dataclass(frozen=True, eq=False)
class TailGroup:
    """The split of one kind of pulses.

    Parameters
    ----------
    pulses : (pulses,) numbers of the pulses
    split : TailSplit of the mean
    tail, evoked : (pulses, channels, times) V
    error : (channels, times) V, standard error of one pulse's evoked response
    """

    pulses: Indices
    split: TailSplit
    tail: Array
    evoked: Array
    error: Array

    @property
    def times(self) -> Array:
        """Times since the pulse, s."""
        return self.split.times


def fit_group(
    signal: Array,
    fs: float,
    onsets: Array,
    pulses: Indices,
    free: Mask,
    known: FrontEndKnowledge,
    neighbours: int,
    before: float,
    stretch: float,
) -> TailGroup:
    """Split the responses to some of the pulses.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V.
    fs : float
        Hz.
    onsets : ndarray
        Of all pulses, s.
    pulses : ndarray of int
        Those that are alike.
    free : ndarray of bool, shape (samples,)
        Samples that hold noise only.
    known : FrontEndKnowledge
        The amplifier.
    neighbours : int
        Pulses averaged about each.
    before : float
        The artifact may begin so long before a pulse, s.
    stretch : float
        The responses are so many times shorter than those of human muscles through the skin.
    """
    gaps = np.diff(np.append(onsets, onsets[-1] + LONGEST + before))[pulses] - before
    interval = _steady_interval(onsets[pulses])
    reach = min(LONGEST, float(np.quantile(gaps, 0.05 if pulses.size > 20 else 0.0)))
    reach = min(reach, (signal.shape[1] - 1) / fs - float(onsets[pulses[0]]))
    if reach < SHORTEST / stretch - ROUNDED:
        raise TimingError(
            f"tail_fit needs {SHORTEST / stretch * 1e3:.3g} ms after a pulse, got {reach * 1e3:.3g} ms; for the "
            "shorter responses of small animals raise stretch (4 for a mouse)."
        )
    sweeps = cut_sweeps(signal, fs, onsets[pulses], reach)
    values = sweeps.values - _baselines(signal, fs, onsets, pulses)[:, :, np.newaxis]
    values[np.broadcast_to((sweeps.times > gaps[:, np.newaxis])[:, np.newaxis], values.shape)] = np.nan
    width = min(neighbours, pulses.size)
    local = moving_means(values, width)
    single = _noise(signal, free, values - local, sweeps.times, pulses.size, width)
    mean = moving_means(values, pulses.size)[0]
    split = agreeing(_split(sweeps.times, mean, _toeplitz(single / pulses.size), fs, interval, known, stretch))
    usable = np.asarray(np.isfinite(local[:, :, split.used]).all(axis=(1, 2)))[:, np.newaxis, np.newaxis]
    filled = np.where(np.isfinite(local), local, 0.0)
    tail = np.where(usable, split.tail_of(filled), split.tail)
    evoked = np.where(usable, split.evoked_of(filled), split.evoked)
    error = _error(split, single, values - local, pulses.size, width)
    return TailGroup(pulses, split, tail, evoked, error)


def _split(
    times: Array,
    mean: Array,
    covariance: Array,
    fs: float,
    interval: float | None,
    known: FrontEndKnowledge,
    stretch: float,
) -> TailSplit:
    """Split the mean in a time in which the response is as long as a human one."""
    corner = None if known.high_pass is None else known.high_pass / stretch
    found = split_tail(
        times * stretch,
        mean,
        covariance,
        fs=fs / stretch,
        interval=None if interval is None else interval * stretch,
        high_pass=corner,
        high_pass_order=known.high_pass_order,
        amplifiers={replace(one, corner=one.corner / stretch): share for one, share in known.amplifiers.items()},
    )
    return replace(
        found,
        times=times,
        onset=found.onset / stretch,
        start=found.start / stretch,
        clear=found.clear / stretch,
        high_pass=replace(found.high_pass, corner=found.high_pass.corner * stretch),
    )


def _steady_interval(onsets: Array) -> float | None:
    intervals = np.diff(onsets)
    if intervals.size < LEAST_STEADY - 1:
        return None
    middle = float(np.median(intervals))
    spread = np.abs(intervals - middle)
    return middle if float(np.quantile(spread, 0.9)) < UNSTEADY * middle and middle < STEADY_LONGEST else None


def _baselines(signal: Array, fs: float, onsets: Array, pulses: Indices) -> Array:
    """Level before every pulse that nothing else is near, V, (pulses, channels); else the median of the recording."""
    level = np.nan_to_num(
        np.nanmedian(np.where(np.asarray(np.isfinite(signal).any(axis=1))[:, np.newaxis], signal, 0.0), axis=1)
    )
    out = np.broadcast_to(level, (pulses.size, signal.shape[0])).copy()
    for number, pulse in enumerate(pulses):
        low, high = (int(np.ceil((onsets[pulse] - part) * fs)) for part in BASELINE)
        if low < 0 or (pulse > 0 and onsets[pulse] - onsets[pulse - 1] < LONELY):
            continue
        piece = signal[:, low:high]
        if np.isfinite(piece).all() and piece.size:
            out[number] = piece.mean(axis=1)
    return out


def _noise(signal: Array, free: Mask, rest: Array, times: Array, count: int, width: int) -> Array:
    """Autocovariance of the noise in one sweep, V², (channels, times)."""
    found = autocovariance(signal, free, times.size)
    if count >= ENOUGH:
        late = rest[:, :, times > SETTLED]
        joined = late.transpose(1, 0, 2).reshape(rest.shape[1], -1)
        between = autocovariance(np.nan_to_num(joined), np.asarray(np.isfinite(joined).all(axis=0)), times.size)
        between *= width / max(width - 1, 1)
        larger = ~(found[:, 0] >= between[:, 0]) & np.isfinite(between[:, 0])
        found[larger] = between[larger]
    size = np.nanmax(np.abs(np.where(np.isfinite(signal), signal, 0.0)), axis=1)
    late = np.zeros(times.size)
    late[0] = 1.0
    unknown = ~np.isfinite(found[:, 0])
    found[unknown] = np.outer((1e-2 * size[unknown]) ** 2, late)
    return found + np.outer(np.maximum((FLOOR * size) ** 2, 1e-24), late)


def _toeplitz(rows: Array) -> Array:
    lag = np.abs(np.arange(rows.shape[1])[:, np.newaxis] - np.arange(rows.shape[1]))
    return np.asarray(rows[:, lag])


def _error(split: TailSplit, single: Array, rest: Array, count: int, width: int) -> Array:
    """Error of one pulse's response: of the split, of the local mean, and of how the pulses differ."""
    noise = _toeplitz(single)[:, split.used[:, np.newaxis], split.used]
    through = np.einsum("rtu,ruv,rtv->rt", split.weights, noise, split.weights)
    total = split.evoked_error**2 + through * (1 / width - 1 / count)
    if count >= ENOUGH:
        known = np.isfinite(rest)
        spread = np.where(known, rest, 0.0) ** 2
        variance = spread.sum(axis=0) / np.maximum(known.sum(axis=0) * (1 - 1 / width), 1)
        there = np.abs(split.evoked) > 1e-2 * np.abs(split.evoked).max(axis=1, keepdims=True)
        total += np.where(there, np.maximum(variance - single[:, :1], 0.0), 0.0)
    return np.asarray(np.sqrt(np.maximum(total, 0.0)))
