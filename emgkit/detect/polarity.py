"""Artifacts that turn over from pulse to pulse, as the stimulator reverses its polarity, put upright."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import median_filter

from emgkit.detect.sharp import Events, sharp_events, sharp_trace

__all__ = ["upright"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEVEL = 8.0  # of the trace's usual size, from which events are looked at
LARGE = 0.3  # of the height that a tenth of the events exceed: the others may be EMG
HALF, LEAST_HALF = 0.0015, 4  # s about an event that are compared, and at least so many samples
TAKEN = 4  # times as many are cut, to move them between samples
EXPLAINED, MOSTLY = 0.6, 0.75  # share of an event that the leading one explains, and of the events of which it must
COMMON, FEWEST = 0.2, 5  # share of the less usual sign, and events, from which artifacts turn over
TOLD = 0.3  # share that must be explained of an event, so that its sign is believed
SPREAD = 1.5  # of the quartiles of their sizes over those about them, at most
NEIGHBOURS = 15  # events about one, of which it must be like the usual size
HOLD = 0.003  # s about an event over which its sign holds


def upright(signal: Array, fs: float) -> Array:
    """Turn the signal over about every artifact of the less usual sign, if artifacts come in both.

    Between artifacts the sign changes slowly, so that nothing sharp comes of it. The very same signal where all
    artifacts are of one sign, or too few of them alike.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V, without missing samples.
    fs : float
        Hz.
    """
    events = sharp_events(sharp_trace(signal, fs), fs, LEVEL)
    if len(events) < 2 * FEWEST:
        return signal
    large = events.height >= LARGE * np.quantile(events.height, 0.9)
    sizes, share = _sizes(signal, events, large, fs)
    clear = large & (share > EXPLAINED)
    if clear.sum() < MOSTLY * large.sum() or not _turning(sizes[clear]):
        return signal
    told = share > TOLD
    signs = np.sign(sizes[told]) * np.sign(np.sign(sizes[told]).sum() or 1.0)
    return np.asarray(_levelled(signal) * _turns(events.index[told] / fs, signs, signal.shape[1], fs))


def _turning(sizes: Array) -> bool:
    """Tell whether sizes are of both signs and otherwise alike those about them: steps of blanked EMG are of any size.

    Ramps, and places that creep between two samples, change the size slowly.
    """
    fewer = min(int((sizes > 0).sum()), int((sizes < 0).sum()))
    usual = median_filter(np.abs(sizes), NEIGHBOURS, mode="nearest")
    low, high = np.quantile(np.abs(sizes) / np.maximum(usual, 1e-300), [0.25, 0.75])
    return bool(fewer >= max(COMMON * sizes.size, FEWEST) and high <= SPREAD * low)


def _levelled(signal: Array) -> Array:
    return np.asarray(signal - np.median(signal, axis=1, keepdims=True))


def _sizes(signal: Array, events: Events, large: Mask, fs: float) -> tuple[Array, Array]:
    """Size of every event along what is common to the large ones, and the share of it that this explains."""
    half = max(round(HALF * fs), LEAST_HALF)
    wide = TAKEN * half
    index = np.clip(events.index[:, np.newaxis] + np.arange(-wide, wide), 0, signal.shape[1] - 1)
    taper = np.hanning(2 * wide + 2)[1:-1]
    turn = np.exp(2j * np.pi * np.fft.rfftfreq(2 * wide) * (events.place - events.index)[:, np.newaxis])
    pieces = []
    for row in signal:
        seen = row[index]
        moved = np.fft.irfft(np.fft.rfft((seen - seen.mean(axis=1, keepdims=True)) * taper) * turn, 2 * wide)
        bends = np.diff(moved[:, wide - half : wide + half + 1], axis=1)
        pieces.append(bends / max(float(np.sqrt((bends**2).mean())), 1e-300))
    together = np.concatenate(pieces, axis=1)
    _, vectors = np.linalg.eigh(together[large].T @ together[large])
    score = together @ vectors[:, -1]
    share = score**2 / np.maximum((together**2).sum(axis=1), 1e-300)
    return np.asarray(score), share


def _turns(times: Array, signs: Array, count: int, fs: float) -> Array:
    """Give the sign at every sample: that of an event about it, and a line between two of them, (samples,)."""
    gaps = np.diff(times)
    before = np.minimum(HOLD, 0.45 * np.append(np.inf, gaps))
    after = np.minimum(HOLD, 0.45 * np.append(gaps, np.inf))
    places = np.stack([times - before, times + after], axis=1).ravel()
    return np.interp(np.arange(count) / fs, places, np.repeat(signs, 2))
