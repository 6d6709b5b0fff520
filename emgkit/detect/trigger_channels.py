"""Channels of the signal that hold a trigger: they are no EMG."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.trigger import read_trigger
from emgkit.errors import NoPulsesError
from emgkit.recording import Recording
from emgkit.step import Step
from emgkit.traces import Trace

__all__ = ["set_apart", "trigger_rows", "without_triggers"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FEWEST = 3  # pulses
HIGH = 0.5  # V: half of what the lowest logic gives, and more than electrode amplifiers pass on (some 0.3 V)
LEVEL = 0.05  # of the height, by which samples may be off either level: noise, hum and droop of an analog input
APART = 0.8  # of the height, by which the levels differ: those of a biphasic artifact do not
WAY = 1  # samples on either side of an edge that an input filter makes of it
PLATEAU = 3  # samples of an analog pulse: briefer ones are as artifacts are


def trigger_rows(signal: Array, fs: float) -> Mask:
    """Tell which channels hold a trigger, shape (channels,).

    Such a channel rests at one level and shows pulses of another one, and nothing else: it has two values only, which
    EMG never has, or the pulses are flat for three samples and higher than 0.5 V, which electrode amplifiers do not
    reach.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V; missing samples NaN.
    fs : float
        Hz.
    """
    return np.array([_is_trigger(row[np.isfinite(row)], fs) for row in signal], dtype=bool)


def set_apart(recording: Recording, name: str | None) -> Recording:
    """Make a channel of the signal that was named as the trigger a trace beside it, with its name.

    Parameters
    ----------
    recording : Recording
    name : str or None
        The trigger. Where it is no channel of the signal, or the only one, all stays as it is.
    """
    if name is None or name in recording.aux or name not in recording.channel_names or recording.n_channels == 1:
        return recording
    row = recording.channel_names.index(name)
    trace = Trace(recording.signal[row], recording.fs, "V", start=recording.start)
    rest = recording.pick([one for one in recording.channel_names if one != name])
    history = (*recording.history, Step("set_apart", {"trigger": name}))
    return replace(rest, aux={**recording.aux, name: trace}, history=history)


def without_triggers(recording: Recording) -> Recording:
    """Leave out channels that hold a trigger; the very same recording where there are none, or no others.

    Parameters
    ----------
    recording : Recording
    """
    found = trigger_rows(recording.signal, recording.fs)
    if not found.any() or found.all():
        return recording
    return recording.pick([name for name, out in zip(recording.channel_names, found, strict=True) if not out])


def _is_trigger(row: Array, fs: float) -> bool:
    if row.size < 2 or row.min() == row.max():
        return False
    digital = bool((row == row.min()).sum() + (row == row.max()).sum() == row.size)
    if not digital and np.ptp(row) < HIGH:
        return False
    try:
        found = read_trigger(row, fs)
    except NoPulsesError:
        return False
    return found.times.size >= FEWEST and (digital or _has_two_levels(row))


def _has_two_levels(row: Array) -> bool:
    """Whether all samples lie at one of two levels, but those about an edge."""
    low, high = float(row.min()), float(row.max())
    above = row > (low + high) / 2
    if not above.any() or above.all():
        return False
    upper, lower = float(np.median(row[above])), float(np.median(row[~above]))
    if upper - lower < APART * (high - low):
        return False
    levels = np.where(above, upper, lower)
    off = np.abs(row - levels) > LEVEL * (high - low)
    edge = np.flatnonzero(np.diff(above))
    near = np.zeros(row.size, dtype=bool)
    near[np.clip(edge[:, np.newaxis] + np.arange(1 - WAY, 1 + WAY), 0, row.size - 1)] = True
    runs = np.diff(np.flatnonzero(np.diff(above, prepend=~above[0], append=~above[-1])))
    rarer = runs[int(above[0]) :: 2] if above.mean() > 0.5 else runs[int(not above[0]) :: 2]
    return not bool((off & ~near).any()) and float(np.median(rarer)) >= PLATEAU
