"""The simplest methods of the field, written for comparison only: integer frames, no refinement of times.

Each is a function of (signal, fs, onsets) and its own settings that gives the cleaned signal. All but `two_exponential`
take away whatever repeats, artifact and evoked response together.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import combinations
from types import MappingProxyType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import TimingError

__all__ = ["SIMPLE", "frame_comb", "gram_schmidt", "moving_mean", "two_exponential"]

Array = NDArray[np.float64]

TIME_CONSTANTS = tuple(float(tau) for tau in np.geomspace(0.3e-3, 0.1, 10))  # s
LONGEST_FRAME = 0.1  # s, of the tail fit


def _frames(signal: Array, fs: float, onsets: Array) -> tuple[NDArray[np.int64], int]:
    """First samples of the frames, one per pulse, and their common length: up to the next pulse."""
    if onsets.size < 3:
        raise TimingError(f"frames need at least 3 pulses, got {onsets.size}.")
    first = np.ceil(onsets * fs - 1e-9).astype(np.int64)
    length = max(int(np.quantile(np.diff(first), 0.05)), 1)
    return first[(first >= 0) & (first + length <= signal.shape[1])], length


def _cut(signal: Array, first: NDArray[np.int64], length: int) -> Array:
    return signal[:, first[:, np.newaxis] + np.arange(length)]


def _put(signal: Array, first: NDArray[np.int64], frames: Array) -> Array:
    out = signal.copy()
    out[:, first[:, np.newaxis] + np.arange(frames.shape[2])] = frames
    return out


def moving_mean(signal: Array, fs: float, onsets: Array, neighbours: int = 30) -> Array:
    """Subtract from every frame the mean of its neighbours, half before and half after it, without itself.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V.
    fs : float
        Hz.
    onsets : ndarray, shape (pulses,)
        s.
    neighbours : int
        Frames averaged.

    Returns
    -------
    ndarray, shape (channels, samples)
        V.
    """
    first, length = _frames(signal, fs, onsets)
    frames = _cut(signal, first, length)
    width = min(neighbours + 1, first.size)
    start = np.clip(np.arange(first.size) - width // 2, 0, first.size - width)
    total = np.concatenate([np.zeros_like(frames[:, :1]), np.cumsum(frames, axis=1)], axis=1)
    others = (total[:, start + width] - total[:, start] - frames) / max(width - 1, 1)
    return _put(signal, first, frames - others)


def frame_comb(signal: Array, fs: float, onsets: Array, taps: int = 1) -> Array:
    """Subtract the mean of the frames before: the comb filter of constant-rate stimulation.

    One tap adds as much voluntary EMG as there was (0 dB); ``taps`` of them add 1/taps.

    Parameters
    ----------
    signal, fs, onsets
        See `moving_mean`.
    taps : int
        Frames before that are averaged.
    """
    first, length = _frames(signal, fs, onsets)
    frames = _cut(signal, first, length)
    total = np.concatenate([np.zeros_like(frames[:, :1]), np.cumsum(frames, axis=1)], axis=1)
    count = np.minimum(np.arange(first.size), taps)
    before = total[:, np.arange(first.size)] - total[:, np.arange(first.size) - count]
    return _put(signal, first, frames - before / np.maximum(count, 1)[:, np.newaxis])


def gram_schmidt(signal: Array, fs: float, onsets: Array, order: int = 6) -> Array:
    """Subtract from every frame its projection on the frames before (Gram–Schmidt prediction error filter).

    Every frame has weights of its own, so that it removes part of the voluntary EMG with the response.

    Parameters
    ----------
    signal, fs, onsets
        See `moving_mean`.
    order : int
        Frames before that predict.
    """
    first, length = _frames(signal, fs, onsets)
    frames = _cut(signal, first, length)
    left = frames.copy()
    for number in range(1, first.size):
        basis, _ = np.linalg.qr(np.swapaxes(frames[:, max(number - order, 0) : number], 1, 2))
        row = frames[:, number, :, np.newaxis]
        left[:, number] = (row - basis @ (np.swapaxes(basis, 1, 2) @ row))[..., 0]
    return _put(signal, first, left)


def two_exponential(
    signal: Array, fs: float, onsets: Array, start: float = 0.0015, stop: float = 0.004, late: float = 0.025
) -> Array:
    """Subtract from every frame two exponentials and a constant, fitted where there is no M-wave.

    The time constants are those that fit the mean frame best; amplitudes are fitted frame by frame. What comes before
    the first window becomes zero.

    Parameters
    ----------
    signal, fs, onsets
        See `moving_mean`.
    start, stop : float
        First window, s after the pulse.
    late : float
        Begin of the second window, which reaches to the next pulse, s after the pulse.
    """
    first, length = _frames(signal, fs, onsets)
    length = min(length, int(LONGEST_FRAME * fs))
    frames = _cut(signal, first, length)
    time = (first - onsets[: first.size] * fs).mean() / fs + np.arange(length) / fs
    inside = ((time >= start) & (time < stop)) | (time >= late)
    if inside.sum() < 5:
        raise TimingError(f"two_exponential has {int(inside.sum())} samples to fit, 5 are needed.")
    mean = frames.mean(axis=1, keepdims=True)
    left = frames - _exponentials(frames, time, inside, _time_constants(mean, time, inside))
    left[..., time < start] = 0.0
    return _put(signal, first, left)


def _time_constants(mean: Array, time: Array, inside: NDArray[np.bool_]) -> tuple[float, float]:
    """Fit the time constants to the mean frames of all channels: the best pair of a grid, then downhill from there."""
    from scipy.optimize import minimize

    def misfit(logs: Array) -> float:
        pair = float(np.exp(logs[0])), float(np.exp(logs[1]))
        return float(((mean - _exponentials(mean, time, inside, pair))[..., inside] ** 2).sum())

    pairs = np.log(np.array(list(combinations(TIME_CONSTANTS, 2))))
    begin = min(pairs, key=misfit)
    found = minimize(misfit, begin, method="Nelder-Mead", options={"maxiter": 200}).x
    return float(np.exp(found[0])), float(np.exp(found[1]))


def _exponentials(frames: Array, time: Array, inside: NDArray[np.bool_], pair: tuple[float, float]) -> Array:
    basis = np.stack([np.exp(-time / pair[0]), np.exp(-time / pair[1]), np.ones_like(time)])
    weights = frames[..., inside] @ np.linalg.pinv(basis[:, inside])
    return np.asarray(weights @ basis)


SIMPLE: Mapping[str, Callable[..., Array]] = MappingProxyType(
    {
        "moving_mean": moving_mean,
        "frame_comb": frame_comb,
        "gram_schmidt": gram_schmidt,
        "two_exponential": two_exponential,
    }
)


def settings_of(name: str) -> tuple[dict[str, Any], ...]:
    """Give the settings that are tried, the default first."""
    return _GRIDS[name]


_GRIDS: Mapping[str, tuple[dict[str, Any], ...]] = {
    "moving_mean": tuple({"neighbours": count} for count in (30, 10, 60, 120, 600)),
    "frame_comb": tuple({"taps": count} for count in (1, 3, 10, 30, 100)),
    "gram_schmidt": tuple({"order": order} for order in (6, 2, 4, 12)),
    "two_exponential": (
        {},
        *(
            {"start": start, "stop": stop, "late": late}
            for start in (0.001, 0.002)
            for stop in (0.0035, 0.0045, 0.006)
            for late in (0.022, 0.028, 1.0)
        ),
    ),
}
