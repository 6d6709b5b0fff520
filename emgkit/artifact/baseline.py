"""The slow baseline of DC-coupled recordings: offset and drift that are no EMG."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["baseline_levels", "render_baseline", "slow_drift"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BIN, FINE_BIN = 0.5, 0.25  # s, over which a level is taken: for the part, and for the fit of the response
FAR = 5.0  # typical deflections: a baseline that goes farther is the amplifier's, one nearer may be the response's own


def slow_drift(signal: Array, known: Mask, fs: float) -> Array:
    """Follow the level in quarter seconds, V, (channels, samples): what moves slower than about 1 Hz."""
    levels, centres = _levels(signal, known, fs, FINE_BIN)
    return _interpolate(levels, centres, signal.shape[1])


def baseline_levels(signal: Array, usable: Mask, fs: float) -> Array:
    """Find the level of every half second where the response is over, V, (channels, bins); 0 for AC-coupled channels.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        As measured, V; missing samples hold any finite value.
    usable : ndarray of bool, shape (channels, samples)
        Samples before the pulses, where the response is over, and stretches without pulses.
    fs : float
        Hz.
    """
    levels, centres = _levels(signal, usable, fs, BIN)
    drift = _interpolate(levels, centres, signal.shape[1])
    for row, ok in enumerate(usable):
        typical = float(np.median(np.abs(signal[row] - drift[row]))) if ok.any() else 0.0
        if float(np.abs(levels[row]).max()) <= FAR * typical:
            levels[row] = 0.0
    return levels


def render_baseline(levels: Array, fs: float, count: int) -> Array:
    """Render the baseline, V, (channels, samples)."""
    return _interpolate(levels, _centres(count, fs, BIN)[0], count)


def _centres(count: int, fs: float, width: float) -> tuple[Array, list[NDArray[np.int64]]]:
    pieces = np.array_split(np.arange(count), max(int(count / (width * fs)), 1))
    return np.array([piece.mean() for piece in pieces]), pieces


def _levels(signal: Array, known: Mask, fs: float, width: float) -> tuple[Array, Array]:
    centres, pieces = _centres(signal.shape[1], fs, width)
    levels = np.zeros((signal.shape[0], centres.size))
    for channel, row in enumerate(signal):
        cuts = [row[part][known[channel, part]] for part in pieces]
        found = np.array([np.median(cut) if cut.size else np.nan for cut in cuts])
        fine = np.isfinite(found)
        levels[channel] = np.interp(centres, centres[fine], found[fine]) if fine.any() else 0.0
    return levels, centres


def _interpolate(levels: Array, centres: Array, count: int) -> Array:
    from scipy.interpolate import CubicSpline

    times = np.clip(np.arange(count), centres[0], centres[-1])
    if centres.size < 4:
        return np.stack([np.interp(times, centres, row) for row in levels])
    return np.asarray(CubicSpline(centres, levels, axis=1, bc_type="natural")(times))
