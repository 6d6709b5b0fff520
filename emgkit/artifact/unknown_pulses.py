"""Pulses that a method was not told of: their artifacts stay in the voluntary part, sharper than any EMG."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.artifacts_left import KNOWN
from emgkit.artifact.base import since_and_until
from emgkit.detect.sharp import sharp_events, sharp_trace

__all__ = ["unknown_share"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SHARP = 60.0  # of the usual size of second differences: action potentials are smoother; unverified
FEWEST = 10  # events: fewer are pops of an electrode
BEFORE, AFTER = 0.001, 0.004  # s about an event that count as its own


def unknown_share(row: Array, inside: Mask, fs: float, onsets: Array) -> float:
    """Share of the power that lies about sharp events away from all known pulses.

    Parameters
    ----------
    row : ndarray, shape (samples,)
        Voluntary part, V.
    inside : ndarray of bool, shape (samples,)
        Samples that count.
    fs : float
        Hz.
    onsets : ndarray, shape (pulses,)
        Known pulses, s from the first sample.
    """
    if not inside.any():
        return 0.0
    events = sharp_events(sharp_trace(row[np.newaxis], fs), fs, SHARP)
    away = np.minimum(*since_and_until(events.index / fs, onsets)) > KNOWN
    reach = np.arange(-round(BEFORE * fs), round(AFTER * fs) + 1)
    about = np.clip(events.index[:, np.newaxis] + reach, 0, row.size - 1)
    kept = about[away & inside[about].all(axis=1)]
    if len(kept) < FEWEST:
        return 0.0
    near = np.zeros(row.size, dtype=bool)
    near[kept.ravel()] = True
    square = row[inside] ** 2
    return float(square[near[inside]].sum() / max(float(square.sum()), 1e-300))
