"""Pulses of several stimulators that were given as those of one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.interleaved import interleaved_trains
from emgkit.pulses import Pulses

__all__ = ["said_of_stimulators"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

BESIDE = 0.004  # s: pulses with another so close are not compared
WINDOWS = (-0.0005, 0.002), (0.002, 0.004)  # s after a pulse, of the artifact and of what follows it
FEWEST = 8  # pulses of each train
APART = 8.0  # standard errors between the means of the extremes of two trains


def said_of_stimulators(signal: Array, fs: float, pulses: Pulses, *, refused: bool = False) -> tuple[str, ...]:
    """Say that pulses lie on regular trains of their own, whose artifacts or responses differ, if they do.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V; NaN where nothing was measured.
    fs : float
        Hz.
    pulses : Pulses
        Times since the first sample.
    refused : bool
        Whether their responses could not be told apart: then trains whose artifacts look the same are spoken of, too.
    """
    onsets = np.array(pulses.onsets)
    if np.unique(pulses.stimulator).size > 1:
        return ()
    trains = interleaved_trains(onsets)
    if not trains:
        return ()
    differ = all(_differ(signal, fs, onsets, trains[0], other) for other in trains[1:])
    if not differ and not refused:
        return ()
    rates = " and ".join(f"{1 / np.median(np.diff(onsets[one])):.3g}" for one in trains)
    how = " that differ in their artifacts" if differ else ""
    return (
        f"These pulses are {len(trains)} regular trains of {rates} Hz{how}, as of {len(trains)} stimulators, but are "
        "given as those of one, which costs decibels: give the stimulator of every "
        "pulse, Pulses(..., stimulator=...), or let detect_pulses find them from the artifact.",
    )


def _differ(signal: Array, fs: float, onsets: Array, one: Indices, other: Indices) -> bool:
    gaps = np.diff(onsets, prepend=-np.inf, append=np.inf)
    clear = np.minimum(gaps[:-1], gaps[1:]) > BESIDE
    first, second = one[clear[one]], other[clear[other]]
    if min(first.size, second.size) < FEWEST:
        return False
    for start, stop in WINDOWS:
        mine, theirs = (_extremes(signal, fs, onsets[own], start, stop) for own in (first, second))
        spread = mine.var(axis=0, ddof=1) / len(mine) + theirs.var(axis=0, ddof=1) / len(theirs)
        apart = np.abs(mine.mean(axis=0) - theirs.mean(axis=0))
        if (apart > APART * np.sqrt(spread)).any():
            return True
    return False


def _extremes(signal: Array, fs: float, onsets: Array, start: float, stop: float) -> Array:
    """Largest and smallest value of every channel after every pulse, (pulses, 2 × channels) V."""
    rows = []
    for onset in onsets:
        part = signal[:, max(int((onset + start) * fs), 0) : max(int((onset + stop) * fs), 0) + 1]
        if part.size and np.isfinite(part).all():
            rows.append(np.concatenate([part.max(axis=1), part.min(axis=1)]))
    return np.array(rows) if len(rows) > 1 else np.zeros((2, 2 * len(signal)))
