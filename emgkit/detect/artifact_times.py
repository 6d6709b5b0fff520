"""From the samples of the pulses to their leading edges, with all channels that show the artifact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.alignment import Alignment, align
from emgkit.detect.clock import count_beats
from emgkit.detect.edge import leading_edge

__all__ = ["artifact_times"]

Array = NDArray[np.float64]

MOST_CHANNELS = 4  # that the times are taken from: the best ones hold nearly all there is
WORTH = 0.1  # of the best channel's artifact over its surroundings
ABOUT = 0.0015  # s about a pulse, where the artifact is large


def artifact_times(
    signal: Array, rough: Array, train: NDArray[np.int64], regular: bool, fs: float
) -> tuple[Array, Alignment]:
    """Find the leading edges of pulses whose sample is known.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V; missing samples NaN.
    rough : ndarray, shape (pulses,)
        s from the first sample, right to about half a sample.
    train : ndarray of int, shape (pulses,)
    regular : bool
        Whether the pulses of a train keep a beat.
    fs : float
        Hz.

    Returns
    -------
    onsets : ndarray, shape (pulses,)
        Leading edges, s from the first sample.
    alignment : Alignment
    """
    chosen = _filled(signal[_best_channels(signal, rough, fs)])
    beats = count_beats(rough, train) if regular else None
    alignment = align(chosen, rough, train, beats, fs)
    return alignment.times + leading_edge(chosen, alignment.fit), alignment


def _best_channels(signal: Array, rough: Array, fs: float) -> NDArray[np.int64]:
    """Channels with the largest artifact over what is between the pulses, at most four."""
    reach = max(round(ABOUT * fs), 2)
    near = np.clip(np.round(rough * fs).astype(np.int64)[:, np.newaxis] + np.arange(-reach, reach + 1), 2, None)
    near = np.minimum(near, signal.shape[1] - 1)
    ratios = np.empty(len(signal))
    for number, row in enumerate(signal):
        bend = np.abs(row[2:] - 2 * row[1:-1] + row[:-2])
        usual = float(np.nanmedian(bend)) if np.isfinite(bend).any() else np.inf
        peaks = np.nan_to_num(bend)[near - 2].max(axis=1)
        ratios[number] = float(np.median(peaks)) / max(usual, 1e-30)
    best = np.argsort(-ratios, kind="stable")[:MOST_CHANNELS]
    return np.sort(best[ratios[best] >= WORTH * ratios[best[0]]])


def _filled(signal: Array) -> Array:
    """Bridge missing samples with lines."""
    out = signal.copy()
    for row in out:
        known = np.isfinite(row)
        if not known.all():
            row[~known] = np.interp(np.flatnonzero(~known), np.flatnonzero(known), row[known]) if known.any() else 0.0
    return out
