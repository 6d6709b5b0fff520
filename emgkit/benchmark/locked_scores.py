"""What is still locked to the pulses in an output, and what of the M-wave leaks into its amplitude."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.benchmark.masked import FEWEST, mean_over
from emgkit.benchmark.scene import Scene
from emgkit.benchmark.scored import Undefined

__all__ = ["leak", "locked_power", "residue", "residue_power", "residue_rms"]

Array = NDArray[np.floating[Any]]

WINDOW = 1.0  # s, over which amplitudes are taken
Z90 = 1.6449
SMALLEST_CHANGE = 0.01  # relative SD of the M-wave's size, below which nothing can be said of a leak
M_WINDOW = (2e-3, 30e-3)  # s after the pulse, for the size of the M-wave


def locked_power(x: Array, first: NDArray[np.int64], length: int) -> float:
    """Power that is locked to pulses, V²: mean product of the mean of the odd and that of the even pulses.

    Parameters
    ----------
    x : ndarray, shape (channels, samples)
        V.
    first : ndarray of int, shape (pulses,)
        First sample of every frame.
    length : int
        Samples of a frame.
    """
    frames = x[:, first[:, np.newaxis] + np.arange(length)]
    odd, even = frames[:, 1::2].mean(axis=1), frames[:, ::2].mean(axis=1)
    return float(np.mean((odd - odd.mean(axis=1, keepdims=True)) * (even - even.mean(axis=1, keepdims=True))))


def _frames(scene: Scene) -> tuple[NDArray[np.int64], int]:
    """First samples of the frames of the first stimulator, and their length."""
    onsets = scene.onsets[scene.stimulator == scene.stimulator[0]] if scene.onsets.size else scene.onsets
    if onsets.size < 20:
        raise Undefined("fewer than 20 pulses")
    length = max(int(min(float(np.quantile(np.diff(onsets), 0.05)), 0.1) * scene.fs), 1)
    first = np.ceil(onsets * scene.fs - 1e-6).astype(np.int64)
    return first[(first >= 0) & (first + length <= scene.recorded.shape[1])], length


def residue_power(scene: Scene, given: Array) -> float:
    """Power of what is still locked to the pulses, cross-validated, V²."""
    return locked_power(given, *_frames(scene))


def residue(scene: Scene, power: float) -> float:
    """Pulse-locked power of an output over that of the recording, dB."""
    before = scene.known("locked power", lambda: residue_power(scene, scene.recorded))
    if before <= 0:
        raise Undefined("nothing is locked to the pulses")
    return float(10 * np.log10(max(power / before, 1e-9)))


def residue_rms(power: float) -> float:
    """RMS of what is still locked to the pulses, V."""
    return float(np.sqrt(max(power, 0.0)))


def leak(scene: Scene, given: Array) -> tuple[float, float]:
    """Leak slope, V RMS per V of M-wave: slope over 1 s windows of the output's RMS, minus the target's, on Vpp.

    The target's own RMS is taken off, because with the M-wave the antidromic block changes true voluntary EMG too.

    Returns
    -------
    slope, half : float
        Mean over channels, and half of its 90 % interval from the scatter around the line (windows independent).
    """
    size, excess = _windows(scene, given)
    slopes, errors = [], []
    for x, y in zip(size, excess, strict=True):
        spread = x - x.mean()
        slope = float(spread @ y / (spread @ spread))
        left = y - y.mean() - slope * spread
        slopes.append(slope)
        errors.append(float(left @ left / max(x.size - 2, 1) / (spread @ spread)))
    return float(np.mean(slopes)), float(Z90 * np.sqrt(np.sum(errors)) / len(errors))


def _windows(scene: Scene, given: Array) -> tuple[Array, Array]:
    low, high = (round(edge * scene.fs) for edge in M_WINDOW)
    first = np.ceil(scene.onsets * scene.fs).astype(np.int64)
    first = first[first + high <= scene.recorded.shape[1]]
    if first.size < 20:
        raise Undefined("fewer than 20 pulses")
    vpp = scene.known("vpp", lambda: np.ptp(scene.evoked[:, first[:, np.newaxis] + np.arange(low, high)], axis=2))
    if (vpp.std(axis=1) < SMALLEST_CHANGE * np.maximum(vpp.mean(axis=1), 1e-9)).any():
        raise Undefined("the M-wave does not change")
    count = round(WINDOW * scene.fs)
    rows = []
    for begin in range(int(first[0]), int(first[-1]) - count, count):
        inside, part = (first >= begin) & (first < begin + count), slice(begin, begin + count)
        ok = scene.usable[:, part]
        if inside.sum() < 3 or (ok.sum(axis=1) < FEWEST).any():
            continue
        usual = scene.known(f"level {begin}", partial(_level, scene.target[:, part], ok))
        rows.append((vpp[:, inside].mean(axis=1), _level(given[:, part], ok) - usual))
    if len(rows) < 6:
        raise Undefined("fewer than six windows of 1 s")
    size, excess = (np.stack(column, axis=1) for column in zip(*rows, strict=True))
    if (size.std(axis=1) < SMALLEST_CHANGE * np.maximum(size.mean(axis=1), 1e-9)).any():
        raise Undefined("the M-wave does not change")
    return size, excess


def _level(x: Array, mask: NDArray[np.bool_]) -> Array:
    return np.asarray(np.sqrt(mean_over(x**2, mask)))
