"""What is sharp in a recording: one trace over all channels in which artifacts stand out of EMG and mains."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

__all__ = ["Events", "bridged", "sharp_channels", "sharp_events", "sharp_trace", "smooth_events"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

LAG = 2.5e-4  # s, of the second difference
SPREAD = 0.5  # s, stretches over which the usual size of the trace is taken
QUARTER = 0.3186  # SD of a normal distribution up to which a quarter of its absolute values lie
THREE_QUARTERS = 1.1503  # and up to which three quarters lie
FLOOR = 0.3  # of the median stretch: the quietest stretch counts as no quieter
STILL = 1e-6  # of the largest value: where most samples are equal, nothing is quieter
DEAD_TIME = 0.003  # s: an artifact and its ringing are one event
CENTRE = 0.0015  # s about an event
MOST_CHANNELS = 8
SMOOTH, FEWEST = (
    0.3,
    40,
)  # of the usual roughness, below which an event is no artifact, if so many others are; unverified
ABOUT = -0.001, 0.0015  # s about an event, in which its roughness is looked at
TAIL = 2000  # the 1/2000 largest values tell how far a channel's artifacts stand out


@dataclass(frozen=True, eq=False)
class Events:
    """Sharp events.

    Parameters
    ----------
    index : ndarray of int, shape (events,)
        Sample at which the trace is largest.
    height : ndarray, shape (events,)
        The trace there: multiples of its usual size.
    place : ndarray, shape (events,)
        Centre of what is sharp about it, in samples: it does not jump from lobe to lobe of an artifact.
    """

    index: Index
    height: Array
    place: Array

    def __len__(self) -> int:
        return int(self.index.size)

    def keep(self, mask: NDArray[np.bool_]) -> Events:
        """Keep some events."""
        return Events(self.index[mask], self.height[mask], self.place[mask])


def bridged(signal: Array) -> Array:
    """Bridge missing samples with lines."""
    out = signal.copy()
    for row in out:
        known = np.isfinite(row)
        if not known.all():
            row[~known] = np.interp(np.flatnonzero(~known), np.flatnonzero(known), row[known]) if known.any() else 0.0
    return out


def sharp_channels(signal: Array, fs: float) -> Index:
    """Choose the channels whose sharpest events stand out most, at most eight."""
    out = np.array([_prominence(_bend(row, fs)) for row in signal])
    best = np.argsort(-out, kind="stable")[:MOST_CHANNELS]
    return np.sort(best[out[best] > 0])


def sharp_trace(signal: Array, fs: float) -> Array:
    """Root of the mean square over the channels of their second differences, each in units of its usual size.

    An artifact is sharp; EMG, M-waves and mains are smooth. The usual size is a robust one over half a second, so
    that a burst of EMG stands out no more than rest does.
    """
    total = np.zeros(signal.shape[1])
    for row in signal:
        bend = np.abs(_bend(row, fs))
        total += (bend / _usual(bend, fs)) ** 2
    return np.sqrt(total / max(len(signal), 1))


def sharp_events(trace: Array, fs: float, level: float, dead_time: float = DEAD_TIME) -> Events:
    """Find the local maxima of a trace above a level, at least a dead time apart."""
    width = 2 * max(int(dead_time * fs), 1) + 1
    index = np.flatnonzero((trace >= level) & (trace == maximum_filter1d(trace, width)))
    index = index[np.insert(np.diff(index) > width // 2, 0, True)] if index.size else index
    index = index.astype(np.int64)
    near = np.arange(-max(round(CENTRE * fs), 1), max(round(CENTRE * fs), 1) + 1)
    about = trace[np.clip(index[:, np.newaxis] + near, 0, trace.size - 1)] ** 2
    return Events(index, trace[index], index + (about * near).sum(axis=1) / np.maximum(about.sum(axis=1), 1e-300))


def smooth_events(signal: Array, index: Index, fs: float) -> NDArray[np.bool_]:
    """Mark events that are far smoother than those that bend the most: M-waves beside small artifacts.

    The roughness is the power of the second differences over that of the first ones.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V.
    index : ndarray of int, shape (events,)
        Samples.
    fs : float
        Hz.
    """
    nothing = np.zeros(index.size, dtype=bool)
    if index.size < FEWEST:
        return nothing
    reach = np.arange(round(ABOUT[0] * fs), round(ABOUT[1] * fs) + 3)
    near = np.clip(index[:, np.newaxis] + reach, 0, signal.shape[1] - 1)
    steps = np.diff(signal[:, near], axis=2)
    bends = (np.diff(steps, axis=2) ** 2).sum(axis=(0, 2))
    rough = bends / np.maximum((steps**2).sum(axis=(0, 2)), 1e-300)
    usual = float(np.median(rough[bends >= np.quantile(bends, 0.75)]))
    smooth = np.asarray(rough < SMOOTH * usual)
    return smooth if (~smooth).sum() >= FEWEST else nothing


def _bend(row: Array, fs: float) -> Array:
    lag = max(1, round(fs * LAG))
    out = np.zeros(row.size)
    if row.size > 2 * lag:
        out[lag:-lag] = 2 * row[lag:-lag] - row[: -2 * lag] - row[2 * lag :]
    return out


def _usual(size: Array, fs: float) -> Array:
    """Robust SD over stretches of half a second, from the lowest quarter, at least a part of the median one."""
    count = max(size.size // max(int(SPREAD * fs), 16), 1)
    length, longer = divmod(size.size, count)
    lengths = np.where(np.arange(count) < longer, length + 1, length)
    first, others = np.split(size, [longer * (length + 1)])
    pieces = first.reshape(-1, length + 1), others.reshape(-1, length)
    quarters = [np.quantile(piece, [0.25, 0.75], axis=1) for piece in pieces if piece.size]
    low, high = np.concatenate(quarters, axis=1)
    spread = np.where(low > 0, low / QUARTER, high / THREE_QUARTERS)  # at rest a coarse converter gives equal samples
    floor = max(FLOOR * float(np.median(spread)), STILL * float(size.max()), 1e-300)
    return np.repeat(np.maximum(spread, floor), lengths)


def _prominence(bend: Array) -> float:
    size = np.abs(bend)
    usual = float(np.median(size))
    if not usual:
        return float(size.max() > 0)
    place = size.size - max(size.size // TAIL, 1)
    return float(np.partition(size, place)[place]) / usual
