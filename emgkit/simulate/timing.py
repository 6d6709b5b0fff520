"""When the pulses of a train come, and whom they excite, as the voluntary firing of a muscle meets them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.evoked import Stimuli
from emgkit.simulate.firing import FINEST, rate_after
from emgkit.simulate.pool import Pool
from emgkit.simulate.spikes import GRID

Array = NDArray[np.floating[Any]]

SLOWEST_TRAIN = 2.5  # s between the pulses of a train; slower ones take hardly anything: 1 % of the RMS; numerical
AROUND = 2.5  # s on either side of a time that its values stand for; numerical
PATTERNS = 12  # pulses of which whom they excite is averaged; numerical
CHANCES = np.array([0.0, 0.02, *np.linspace(0.1, 0.9, 9), 0.98, 1.0])  # others are rounded to these; numerical
READY_STEP = 0.05  # rates this close are one; numerical
UNEVEN = 0.1  # of an interval, by which pulses may be early or late; numerical
MISSING = 0.05  # share of the pulses of a train that may be missing, or come when they should not; numerical
LEAPS = 2  # of the chance of a unit, as at the ramps of a train; numerical


@dataclass(frozen=True, eq=False)
class Beat:
    """The pulses around a time.

    Parameters
    ----------
    period : float
        s.
    chance : (patterns, units) that a pulse excites each unit
    share : (patterns,) of the time
    ready : (patterns, units) rate that pulses leave alone over that of a unit that no pulse excited before
    """

    period: float
    chance: Array
    share: Array
    ready: Array

    @property
    def steps(self) -> int:
        """Steps of a period on the grid of the time after a pulse."""
        return max(round(self.period * FINEST), 2)

    def same(self, other: Beat) -> bool:
        """Whether other pulses do the same."""
        mine, theirs = ((one.chance, one.share, one.ready) for one in (self, other))
        return self.period == other.period and all(map(np.array_equal, mine, theirs))


def in_trains(onsets: Array, train: NDArray[np.int64], times: Array) -> NDArray[np.bool_]:
    """Whether times, s, lie between two pulses of a train."""
    inside = np.zeros(times.size, dtype=np.bool_)
    for number in np.unique(train):
        own = onsets[train == number]
        near = np.flatnonzero(np.diff(own) < SLOWEST_TRAIN)
        if near.size:
            last = np.searchsorted(own, times, side="right") - 1
            inside |= np.isin(last, near)
    return inside


def readiness(pool: Pool, drive: Array, onsets: Array, chance: Array, conduction: float) -> Array:
    """Rate of every unit between pulses that do not excite it, over that without stimulation, (pulses, units).

    As in ramps: the last pulse that excited the unit has reset its interval, which goes on with the drive alone.
    """
    ready, place = np.ones(chance.shape), np.arange(onsets.size)
    grid = np.arange(drive.size + 1) / GRID
    middle = 0.5 * (onsets + np.append(onsets[1:], onsets[-1:]))
    hits = chance > 0.5
    for unit in np.flatnonzero(hits.any(axis=0) & ~hits.all(axis=0)).tolist():
        intervals = np.concatenate([[0.0], np.cumsum(pool.rate(unit, drive)) / GRID])
        last = np.maximum.accumulate(np.where(hits[:, unit], place, -1))
        since = np.interp(middle, grid, intervals) - np.interp(onsets[last] + conduction, grid, intervals)
        ready[:, unit] = np.where(hits[:, unit] | (last < 0), 1.0, rate_after(since, 1.0))
    return np.round(ready / READY_STEP) * READY_STEP


def beat_at(
    stimuli: Stimuli,
    units: tuple[Array, Array],
    train: NDArray[np.int64],
    time: float,
    conduction: float,
    *,
    all_reached: bool = False,
) -> Beat | None:
    """Give the pulses that stand for a time: those of the nearest train, 2.5 s on either side.

    ``units`` are the chances of those that fire to be excited, and their readiness, (pulses, units). None where no
    pulse decides alone what becomes of the spikes after it: the pulses that excite who fires come at uneven intervals
    (doublets, trains of two stimulators, many missing ones), and leave gaps in which spikes pass. Where nearly all that
    fire are reached (``all_reached``) and nothing passes but in gaps, a single missing pulse does: they begin anew
    together, and their potentials add up.
    """
    (chance, ready), felt = units, np.flatnonzero(stimuli.current > 0)
    if not felt.size or not chance[felt].any():
        return Beat(1.0, np.zeros((1, chance.shape[1])), np.ones(1), np.ones((1, chance.shape[1])))
    onsets = stimuli.onsets
    nearest = felt[np.argmin(np.abs(onsets[felt] - time))]
    own = felt[train[felt] == train[nearest]]
    middle = np.clip(time, onsets[own[0]], onsets[own[-1]])
    own = own[np.abs(onsets[own] - middle) <= AROUND]
    others = np.flatnonzero(chance.any(axis=1) & (onsets >= onsets[own[0]]) & (onsets <= onsets[own[-1]]))
    gaps = np.diff(onsets[np.union1d(own, others)])
    period = float(f"{np.median(gaps):.4g}") if gaps.size else SLOWEST_TRAIN
    near = CHANCES[np.searchsorted(0.5 * (CHANCES[1:] + CHANCES[:-1]), chance[own])]
    if gaps.size and gaps.max() <= 2 * conduction and np.isin(near, (0.0, 1.0)).all() and (near == near[0]).all():
        return Beat(period, near[:1], np.ones(1), np.ones((1, chance.shape[1])))
    lost = _missing(gaps, period)
    if all_reached and lost and period <= 2 * conduction:
        return None
    if lost is None or (np.abs(np.diff(near, axis=0)) > 0.5).sum(axis=0).max(initial=0) > LEAPS:
        return None
    some = np.unique(np.linspace(0, own.size - 1, PATTERNS).astype(np.int64))
    rows, count = np.unique(np.hstack([near[some] * (1 - lost), ready[own[some]]]), axis=0, return_counts=True)
    return Beat(period, rows[:, : chance.shape[1]], count / count.sum(), rows[:, chance.shape[1] :])


def _missing(gaps: Array, period: float) -> float | None:
    """Share of the pulses that are missing between others at even intervals; None if they are not even."""
    count = np.round(gaps / period)
    uneven = (np.abs(gaps - count * period) > UNEVEN * period) | (count < 1)
    lost = 1 - (gaps.size + 1) / max(float(count.sum()) + 1, 1.0)
    if uneven.sum() > MISSING * gaps.size or lost > MISSING:
        return None
    return max(float(lost), 0.0)
