"""How much of the EMG passes the amplifier just after a pulse, told by what EMG before the pulse predicts of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.base import first_samples

__all__ = ["BEFORE", "PassingFrames", "gain_after_pulse", "passing_frames", "power_after_pulse"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

RATE = 2500.0  # Hz: faster recordings are averaged to about this rate, which holds all of surface EMG
BEFORE, AFTER = 10, 6  # bins before the pulse that predict, and after it that are predicted
MORE = 20  # bins further before the pulse, at most, at which the prediction is learned
LONGEST = 0.1  # s after the pulse that are looked at
CLEAR = 0.018  # s that are left out after the pulse before: its response varies, too
USUAL = 0.7  # quantile of the time since the pulse before: the first ones of doublets are enough
FEWEST = 60  # pulses: the courses below take two dozen degrees of freedom
PULSES_PER_KNOT = 40  # of the slow course of the artifact
PLACES = 12  # knots of its course over the place of the pulse between the samples
NEIGHBOURS = 5  # pulses over which the level of the EMG is averaged
RIDGE = 1e-4  # of the power, added where prediction is learned
TURNS = 4  # of the fit: the fifth changes nothing any more in simulations
MOST = 2000  # pulses: more tell nothing new and take time


@dataclass(frozen=True, eq=False)
class PassingFrames:
    """What varies from pulse to pulse around the pulses of one stimulator in one channel.

    Parameters
    ----------
    values : ndarray, shape (pulses, bins)
        In units of its RMS before the pulse. The first bin after the pulse is number ``start``.
    start : int
        Bins before the pulse.
    size : int
        Samples per bin.
    level : ndarray, shape (pulses,)
        Power before the pulse, averaged over neighbouring pulses.
    """

    values: Array
    start: int
    size: int
    level: Array


def passing_frames(
    row: Array, valid: NDArray[np.bool_], fs: float, onsets: Array, every: Array
) -> PassingFrames | None:
    """Cut out what varies from pulse to pulse, before the pulses and up to the next.

    Parameters
    ----------
    row, valid : ndarray, shape (samples,)
        Signal, V, and which of its samples count.
    fs : float
        Hz.
    onsets : ndarray, shape (pulses,)
        Of one stimulator, s since the first sample.
    every : ndarray
        Of all stimulators, s.

    Returns
    -------
    PassingFrames or None
        None where fewer than 60 pulses have enough room before them and all samples valid.

    Notes
    -----
    From each sample is taken what is a smooth function of the pulse number and of the place of the pulse between the
    samples: artifact and response, whatever they are, without what they vary at random from pulse to pulse. Nothing is
    fitted to a single pulse, which would take EMG along where the artifact is steep.
    """
    if onsets.size < FEWEST:
        return None
    size = max(1, round(fs / RATE))
    first = first_samples(onsets, fs)
    before, after = _room(first, np.unique(first_samples(every, fs)))
    clear = int(CLEAR * fs)
    room = (float(np.quantile(before, USUAL)) - clear) // size - BEFORE - AFTER
    if room < 0:
        return None
    start = BEFORE + AFTER + int(min(room, MORE))
    stop = max(AFTER, int((min(float(np.quantile(after, 1 - USUAL)) - 1, LONGEST * fs)) // size))
    places = first[:, np.newaxis] + np.arange(-start * size, stop * size)
    inside = (before >= start * size + clear) & (after > stop * size) & (places[:, 0] >= 0) & (places[:, -1] < row.size)
    first, onsets, places = first[inside], onsets[inside], places[inside]
    known = np.flatnonzero((valid & np.isfinite(row))[places].all(axis=1))
    if known.size < FEWEST:
        return None
    known = known[np.linspace(0, known.size - 1, min(known.size, MOST)).astype(np.int64)]
    cut = row[places[known]].reshape(known.size, start + stop, size).mean(axis=2)
    courses = _courses(first[known] - onsets[known] * fs)
    rest = cut - courses @ (courses.T @ cut)
    rms = float(rest[:, :start].std())
    if rms <= 1e-9 * float(np.abs(cut).max()):
        return None
    rest = rest / rms
    return PassingFrames(rest, start, size, _averaged((rest[:, :start] ** 2).mean(axis=1)) + 1e-9)


def gain_after_pulse(frames: PassingFrames, earlier: int = 0, count: int = AFTER) -> tuple[Array, Array]:
    """Tell which share of the EMG's amplitude passes in the bins after a pulse.

    Parameters
    ----------
    frames : PassingFrames
        What varies from pulse to pulse.
    earlier : int, default 0
        Bins by which the pulse is taken to come earlier than it did, for comparison.
    count : int
        Bins after it, at most `AFTER`.

    Returns
    -------
    gain : ndarray, shape (count,)
        1 where everything passes, 0 where nothing does.
    covariance : ndarray, shape (count, count)
        Of its error.

    Notes
    -----
    EMG has a spectrum that falls from about 100 Hz, so that a millisecond of it is well predicted by the samples
    before. The prediction is learned between pulses, just before each, and the EMG after a pulse is regressed on it.
    What is added there and has nothing to do with EMG (jitter of the artifact, M-waves that vary) makes the error
    larger and the gain neither larger nor smaller; a silent period does not begin before its M-wave. All bins are
    fitted together by generalised least squares (Zellner 1962, J Am Stat Assoc 57:348): the covariance is that of the
    prediction error between pulses, times the level of the EMG, plus what the pulses add. The error is that of White
    (1980, Econometrica 48:817) over pulses.
    """
    values, level, start = frames.values, frames.level, frames.start
    weighted = values / np.sqrt(level)[:, np.newaxis]
    offsets = range(0, start - BEFORE - AFTER + 1, 2)
    known = np.concatenate([weighted[:, at : at + BEFORE] for at in offsets])
    later = np.concatenate([weighted[:, at + BEFORE : at + BEFORE + count] for at in offsets])
    gram = known.T @ known + RIDGE * len(known) * np.eye(BEFORE)
    predictor = np.linalg.solve(gram, known.T @ later)
    error = later - known @ predictor
    at = start - earlier
    predicted = values[:, at - BEFORE : at] @ predictor
    return _regressed(
        predicted, values[:, at : at + count], level, error.T @ error / len(error) + RIDGE * np.eye(count)
    )


def power_after_pulse(frames: PassingFrames, begin: int, share: float, width: int) -> tuple[Array, Array]:
    """Tell the power that passes from a bin after the pulse on, over that before the pulse.

    Parameters
    ----------
    frames : PassingFrames
        What varies from pulse to pulse.
    begin : int
        First bin.
    share : float
        Share of the pulses that is looked at: those around which there is the least power.
    width : int
        Bins that are averaged.

    Returns
    -------
    ratio, error : ndarray, shape (bins from the first one on,)
        1 where everything passes; standard error.
    """
    before = (frames.values[:, : frames.start] ** 2).mean(axis=1)
    nearby = _averaged(before, hollow=True)  # by its own power a pulse would be chosen because that happened to be low
    chosen = nearby <= np.quantile(nearby, share)
    square, before = frames.values[chosen, frames.start + begin :] ** 2, before[chosen, np.newaxis]
    kernel = np.ones(min(width, square.shape[1]))
    square = np.stack([np.convolve(one, kernel, "same") for one in square])
    square = square / np.convolve(np.ones(square.shape[1]), kernel, "same")
    ratio = square.sum(axis=0) / before.sum()
    return ratio, np.sqrt(((square - ratio * before) ** 2).sum(axis=0)) / before.sum()


def _averaged(power: Array, *, hollow: bool = False) -> Array:
    """Average over neighbouring pulses, with or without the pulse itself."""
    kernel = np.ones(NEIGHBOURS)
    kernel[NEIGHBOURS // 2] = 0.0 if hollow else 1.0
    return np.convolve(power, kernel, "same") / np.convolve(np.ones(power.size), kernel, "same")


def _room(first: Indices, every: Indices) -> tuple[Indices, Indices]:
    """Count the samples since the pulse before and until the next one, of any stimulator; very many for none."""
    far = np.iinfo(np.int64).max // 4
    padded = np.concatenate([[-far], every, [far]])
    at = np.searchsorted(every, first) + 1
    return first - padded[at - 1], padded[at + 1] - first


def _courses(place: Array) -> Array:
    """Orthonormal courses of an artifact over the pulse number and the place between the samples, (pulses, courses)."""
    number, place = np.linspace(-1.0, 1.0, place.size), 2 * place - 1
    slow, between = _splines(number, max(2, place.size // PULSES_PER_KNOT)), _splines(place, PLACES)
    both = np.stack([place, place * number, place * number**2, place**2 * number], axis=1)
    left, size, _ = np.linalg.svd(np.concatenate([slow, between, both], axis=1), full_matrices=False)
    return np.asarray(left[:, size > 1e-3 * size[0]])


def _splines(at: Array, knots: int) -> Array:
    from scipy.interpolate import BSpline

    places = np.concatenate([[-1.0] * 3, np.linspace(-1.0, 1.0, knots), [1.0] * 3])
    return np.asarray(BSpline.design_matrix(np.clip(at, -1.0, 1.0 - 1e-9), places, 3).toarray())


def _regressed(predicted: Array, values: Array, level: Array, error: Array) -> tuple[Array, Array]:
    """Gain of every column on its prediction, and its covariance, where pulses add a covariance of their own.

    In the axes in which both covariances are diagonal every pulse has weights instead of a matrix.
    """
    from scipy.linalg import eigh

    gain, weight = np.ones(values.shape[1]), 1 / (level + np.median(level))
    weight /= weight.sum()
    for _ in range(TURNS):
        off = values - gain * predicted
        added = (off * weight[:, np.newaxis]).T @ off - (weight @ level) * error
        size, axes = eigh(added, error)
        weights = 1 / (level[:, np.newaxis] + np.maximum(size, 0.0))
        matrix = np.zeros_like(error)
        for number, axis in enumerate(axes.T):
            matrix += np.outer(axis, axis) * ((predicted * weights[:, number, np.newaxis]).T @ predicted)
        gain = np.linalg.solve(matrix, (predicted * (values @ axes * weights @ axes.T)).sum(axis=0))
    slopes = predicted * ((values - gain * predicted) @ axes * weights @ axes.T)
    bread = np.linalg.inv(matrix)
    return gain, bread @ (slopes.T @ slopes) @ bread
