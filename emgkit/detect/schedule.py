"""Find the pulses of a schedule, or of a trigger, among those that were found in a recording."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["CLOCK", "Matched", "beats_off", "match_schedule", "match_trigger"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

CLOCK = 0.012  # relative, largest error of a stimulator's clock
NEAR = 0.0015  # s: a found pulse at a scheduled time
LATE, LATE_PULSES = 0.3, 3  # s, pulses, by which a train may begin earlier or later than scheduled
MOST_SCALES = 1500
LATENCY = 0.1  # s, between a trigger and its pulse
USUAL = 0.8  # of the most frequent delay
WIDTH = 0.002  # s, of the histogram of delays
FEWEST_OFF = 3  # pulses too many at one end and too few at the other: fewer may be a stimulator that began late
NEXT = 1.5  # usual intervals, within which a pulse goes on with a train


@dataclass(frozen=True, eq=False)
class Matched:
    """Where scheduled pulses are expected, and which found pulse is each.

    Parameters
    ----------
    expected : ndarray, shape (scheduled,)
        s.
    which : ndarray of int, shape (scheduled,)
        Found pulse, or -1.
    """

    expected: Array
    which: Index

    @property
    def count(self) -> int:
        """Number of pulses that were found."""
        return int((self.which >= 0).sum())


def match_schedule(scheduled: Array, train: Index, found: Array, scale: float | None) -> Matched:
    """Stretch and shift every train of a schedule to where the found pulses are.

    Parameters
    ----------
    scheduled : ndarray, shape (scheduled,)
        s.
    train : ndarray of int, shape (scheduled,)
    found : ndarray, shape (found,)
        s, increasing.
    scale : float, optional
        Ratio of the true interval to the scheduled one; None tries clocks that are off by up to 1.2 %.
    """
    expected, which = np.empty(scheduled.size), np.full(scheduled.size, -1, dtype=np.int64)
    slip = 0.0
    for number in np.unique(train):
        own = np.flatnonzero(train == number)
        start, factor = _best_line(scheduled[own], found, slip, scale)
        expected[own] = start + factor * (scheduled[own] - scheduled[own][0])
        which[own], expected[own] = _nearest(expected[own], scheduled[own], found)
        slip = float(expected[own][0] - scheduled[own][0])
    return Matched(expected, which)


def _best_line(scheduled: Array, found: Array, slip: float, scale: float | None) -> tuple[float, float]:
    """Start and stretch of a train with which most of its pulses are found; the smallest shift of those."""
    since = scheduled - scheduled[0]
    gap = float(np.median(np.diff(scheduled))) if scheduled.size > 1 else LATE
    reach = max(LATE, LATE_PULSES * gap)
    starts = found[np.abs(found - scheduled[0]) <= reach]
    starts = np.unique(np.concatenate([starts, [scheduled[0], scheduled[0] + slip]]))
    best, line = -np.inf, (scheduled[0] + slip, scale or 1.0)
    for factor in [scale] if scale is not None else _scales(float(since[-1])):
        expected = starts[:, np.newaxis] + factor * since
        count = (_distance(expected, found) <= NEAR).sum(axis=1)
        shift = np.minimum(np.abs(starts - scheduled[0]), np.abs(starts - scheduled[0] - slip))
        worth = count - 0.1 * shift / reach - 0.1 * abs(factor - 1) / CLOCK
        top = int(np.argmax(worth))
        if worth[top] > best:
            best, line = float(worth[top]), (float(starts[top]), float(factor))
    return line


def _scales(span: float) -> Array:
    count = int(np.clip(2 * CLOCK * span / NEAR, 1, MOST_SCALES)) // 2 * 2 + 1
    return np.linspace(1 - CLOCK, 1 + CLOCK, count)


def _distance(times: Array, found: Array) -> Array:
    """Distance to the nearest found pulse, s."""
    if not found.size:
        return np.full(times.shape, np.inf)
    right = np.clip(np.searchsorted(found, times), 1, max(found.size - 1, 1))
    before, after = found[right - 1], found[np.minimum(right, found.size - 1)]
    return np.asarray(np.minimum(np.abs(times - before), np.abs(times - after)))


def _nearest(expected: Array, scheduled: Array, found: Array) -> tuple[Index, Array]:
    """Pair expected with found pulses, and bend the line to the pairs."""
    which = np.full(expected.size, -1, dtype=np.int64)
    for _ in range(2):
        which = _pairs(expected, found, NEAR)
        paired = which >= 0
        if paired.sum() < 2:
            return which, expected
        line = np.polynomial.Polynomial.fit(scheduled[paired], found[which[paired]], 1)
        expected = line(scheduled)
    return which, expected


def _pairs(expected: Array, found: Array, reach: float) -> Index:
    """Index of the nearest found pulse within reach, each used once; -1 for none."""
    which = np.full(expected.size, -1, dtype=np.int64)
    if not found.size:
        return which
    right = np.clip(np.searchsorted(found, expected), 1, max(found.size - 1, 1))
    left = right - 1
    right = np.minimum(right, found.size - 1)
    near = np.where(np.abs(found[left] - expected) <= np.abs(found[right] - expected), left, right)
    off = np.abs(found[near] - expected)
    order = np.argsort(off, kind="stable")
    _, first = np.unique(near[order], return_index=True)
    used = order[first]
    used = used[off[used] <= reach]
    which[used] = near[used]
    return which


def beats_off(onsets: Array, there: NDArray[np.bool_], more: Array) -> int:
    """Count the beats by which a schedule lies beside the pulses; 0 where it does not.

    On a steady beat a schedule fits at every beat. It lies off where its pulses at one end are not there, and as many
    as three or more that it lacks go on with the train at the other.

    Parameters
    ----------
    onsets : ndarray, shape (scheduled,)
        Where the scheduled pulses are, or would be, s.
    there : ndarray of bool, shape (scheduled,)
    more : ndarray, shape (found,)
        Pulses that are not scheduled, s, increasing.

    Returns
    -------
    int
        Pulses that are lacking before the first one; negative for those after the last one.
    """
    kept = np.flatnonzero(there)
    if kept.size < 2:
        return 0
    reach = NEXT * float(np.median(np.diff(onsets)))
    first, last = onsets[kept[0]], onsets[kept[-1]]
    before, after = _going_on(first - more[more < first][::-1], reach), _going_on(more[more > last] - last, reach)
    early, late = min(before, onsets.size - 1 - int(kept[-1])), min(after, int(kept[0]))
    return early if early >= FEWEST_OFF else -late if late >= FEWEST_OFF else 0


def _going_on(since: Array, reach: float) -> int:
    """Count the pulses that follow one another within reach, from 0 s on."""
    gaps = np.diff(since, prepend=0.0) > reach
    return int(np.argmax(gaps)) if gaps.any() else since.size


def match_trigger(triggers: Array, found: Array) -> Matched:
    """Pair triggers with found pulses at the delay that is most usual, up to 0.1 s either way.

    The delay may jitter by a quarter of the interval between triggers.
    """
    gap = float(np.median(np.diff(triggers))) if triggers.size > 1 else 2 * LATENCY
    delays = _delays(triggers, found)
    if not delays.size:
        return Matched(triggers, np.full(triggers.size, -1, dtype=np.int64))
    edges = np.arange(-LATENCY, LATENCY + WIDTH, WIDTH / 4)
    counts = np.convolve(np.histogram(delays, edges)[0], np.hanning(19), mode="same")
    centre = (edges[:-1] + edges[1:]) / 2
    often = counts >= USUAL * counts.max()  # a regular train fits after every whole interval
    nearest = float(centre[often][np.argmin(np.abs(centre[often]))])
    about = np.abs(centre - nearest) <= 2 * WIDTH
    usual = float(centre[about][np.argmax(counts[about])])
    for reach in (4 * WIDTH, gap / 4):
        which = _pairs(triggers + usual, found, min(max(reach, WIDTH), LATENCY))
        paired = which >= 0
        if paired.any():
            usual = float(np.median(found[which[paired]] - triggers[paired]))
    return Matched(triggers + usual, _pairs(triggers + usual, found, min(max(gap / 4, WIDTH), LATENCY)))


def _delays(triggers: Array, found: Array) -> Array:
    """Give all differences between found pulses and triggers that are short enough."""
    low, high = np.searchsorted(found, triggers - LATENCY), np.searchsorted(found, triggers + LATENCY)
    out = [found[begin:end] - time for time, begin, end in zip(triggers, low, high, strict=True)]
    return np.concatenate(out) if out else np.zeros(0)
