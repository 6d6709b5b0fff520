"""What the times of the pulses, and their current, say beforehand of how the response may change."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emgkit.pulses import Pulses

__all__ = [
    "FEWEST_SOON",
    "LONGEST",
    "curves_in",
    "gaps_before",
    "groups_of_gaps",
    "interval_courses",
    "is_regular",
    "mean_interval",
    "recovery_courses",
    "repetition_rate",
    "runs_on",
    "usual_interval",
    "varying_current",
]

Array = NDArray[np.float64]

LONGEST = 0.1  # s: support of a response unless the next pulse comes sooner
IRREGULAR = 0.02  # relative: intervals that differ more cannot be taken as one period
SHORT_TRAIN = 5  # pulses in a train, on average: fewer are doublets and their kin
MOSTLY = 0.7  # of the intervals must be one period
RECOVERY = (0.0, 0.003, 0.008, 0.015)  # s between excitations: refractory, late, supernormal; unverified
FEWEST_SOON = 10  # pulses
APART, WIDEST = 0.0007, 0.004  # s between gaps of two groups, and within which gaps are those of one group
STILL = 0.0002  # s: gaps that change less have no courses of their change
PIECE, WIDE_PIECE = 0.0006, 0.0015  # s of change per course, in groups and where gaps are spread wide; unverified
PAUSE = 3.0  # usual intervals of a stimulator: a pulse or two that do not come are no end; unverified
SOON, RARE = 0.018, 0.04  # s, and share of the pulses: rare pulses so soon after another have a response of their own
NEXT = 0.2  # relative: intervals that differ more hold a pause, or a pulse that did not come
RUNS_ON = 0.027  # s: a response may last into the next one where that comes sooner
LEAST_SPREAD, CURVED = 5e-6, 5e-5  # s, spread of intervals from which responses move under the next, and bend there
MOST_LONGER, BENDS = 0.001, 3e-5  # s, and spread from which a response is looked at so much longer
FARTHEST = 3.0  # times the spread, to which intervals count
FEWEST_REPEATED = 10  # pulses, from which a pattern is told
MOST_IN_GROUP, REPEATS = 5, 0.95  # pulses, and share of what the best number explains, from which fewer do
CURRENT_VARIES = 0.02  # relative SD of the current from which it is a course of its own


def usual_interval(pulses: Pulses) -> float:
    """Usual interval within trains, s; among irregular pulses one that few are shorter than."""
    within = pulses.intervals[np.diff(pulses.train) == 0]
    if not within.size:
        return LONGEST
    return float(np.median(within) if is_regular(pulses) else np.quantile(within, 0.05))


def is_regular(pulses: Pulses) -> bool:
    """Tell whether most intervals within trains are alike, and trains so long that responses repeat in them."""
    within = pulses.intervals[np.diff(pulses.train) == 0]
    if within.size and _in_short_trains(pulses):
        return False
    usual = float(np.median(within)) if within.size else 1.0
    return bool(not within.size or (np.abs(within - usual) <= IRREGULAR * usual).mean() > MOSTLY)


def mean_interval(pulses: Pulses) -> float:
    """Usual interval of the pulses of all stimulators together, s: one over the sum of their rates.

    That of doublets and their kin is the mean, pauses cut.
    """
    own = [np.diff(pulses.onsets[pulses.stimulator == number]) for number in np.unique(pulses.stimulator)]
    usual = [_mean_within(gaps) if _in_short_trains(pulses) else float(np.median(gaps)) for gaps in own if gaps.size]
    rate = sum(1 / interval for interval in usual)
    return 1 / rate if rate > 0 else LONGEST


def repetition_rate(pulses: Pulses) -> float:
    """Rate at which the pattern of the pulses repeats itself, Hz: that of groups where pulses come in groups.

    The harmonics of the response lie at its multiples. That is the usual rate where pulses of several stimulators come,
    or no pattern repeats.
    """
    if np.unique(pulses.stimulator).size > 1:
        return pulses.rate
    shares, periods = np.zeros(MOST_IN_GROUP), np.full(MOST_IN_GROUP, np.nan)
    for place in range(min(MOST_IN_GROUP, len(pulses) - FEWEST_REPEATED)):
        spans = pulses.onsets[place + 1 :] - pulses.onsets[: -place - 1]
        periods[place] = np.median(spans)
        shares[place] = np.mean(np.abs(spans - periods[place]) <= IRREGULAR * periods[place])
    place = int(np.argmax(shares >= REPEATS * shares.max()))
    return 1 / float(periods[place]) if shares[place] > MOSTLY and place else pulses.rate


def _mean_within(intervals: Array) -> float:
    return float(np.minimum(intervals, LONGEST).mean())


def _in_short_trains(pulses: Pulses) -> bool:
    return len(pulses) < SHORT_TRAIN * np.unique(pulses.train).size


def varying_current(pulses: Pulses) -> Array | None:
    """Give the size of the current over its mean, (pulses,), where it is known and varies; its sign is polarity."""
    if pulses.current is None or not np.isfinite(pulses.current).all():
        return None
    current = np.abs(pulses.current)
    mean = float(current.mean())
    if mean <= 0 or float(current.std()) < CURRENT_VARIES * mean:
        return None
    return current / mean


def interval_courses(onsets: Array, interval: float) -> list[Array]:
    """Courses of what the last interval was longer or shorter than usual, of a regular train.

    Where a response runs on under the next one, the samples after every pulse hold both. The mean holds their sum at
    the usual interval; where intervals jitter, the end of the earlier response stands earlier or later.
    """
    off, near, spread = _deviations(onsets, interval)
    if spread < LEAST_SPREAD:
        return []
    place = np.clip(off / (FARTHEST * spread), -1.0, 1.0)
    bend = np.where(near, place**2 - float(np.mean(place[near] ** 2)), 0.0)
    return [place, bend] if spread > CURVED else [place]


def runs_on(onsets: Array, interval: float) -> float:
    """How much longer than usual the intervals of a fast train that jitters are, s: until then a response is seen."""
    spread = _deviations(onsets, interval)[2]
    return min(FARTHEST * spread, MOST_LONGER) if spread > BENDS else 0.0


def _deviations(onsets: Array, interval: float) -> tuple[Array, NDArray[np.bool_], float]:
    """Deviations of the intervals before the pulses, s, which ones there are, and their spread; 0 in slow trains."""
    gaps = np.diff(onsets, prepend=-np.inf)
    near = np.abs(gaps - interval) <= NEXT * interval
    if interval > RUNS_ON or near.sum() < SHORT_TRAIN:
        return np.zeros(onsets.size), near, 0.0
    off = np.where(near, gaps - float(np.mean(gaps[near])), 0.0)
    return off, near, float(np.sqrt(np.mean(off[near] ** 2)))


def gaps_before(own: Array, every: Array) -> Array:
    """Time from the last pulse of any stimulator to every own one, s; infinite for the first."""
    times = np.concatenate([[-np.inf], every])
    return np.asarray(own - times[np.searchsorted(every, own, side="left")])


def recovery_courses(own: Array, every: Array, step: float | None = None, others: float | None = None) -> list[Array]:
    """Courses of pulses soon after or before another one, of any stimulator, and of the last ones beside others.

    The gap at which responses come back is that of `RECOVERY`, unless another ``step`` was found, s, and another one
    for the responses of ``others``, which follow the gaps after the own pulses.

    Axons are refractory, and volleys meet, so that responses so close do not add up. The gaps of regular stimulators
    gather in groups, within which a response follows the gap smoothly as the clocks drift apart. What a stimulator's
    last pulse leaves is seen alone, after hundreds that were seen beside the other's.
    """
    since, times = gaps_before(own, every), np.append(every, np.inf)
    until = times[np.searchsorted(every, own, side="right")] - own
    soon = np.flatnonzero(since < min(SOON, 0.8 * float(np.median(since))))
    alone = list(soon) if soon.size < RARE * own.size else []
    if every.size > own.size:
        alone += list(_last_ones(own))
    single = [(np.arange(own.size) == pulse).astype(float) for pulse in alone]
    return single + _gap_courses(since, step) + _gap_courses(until, others)


def _last_ones(own: Array) -> NDArray[np.int64]:
    """Pulses after which their stimulator pauses."""
    gaps = np.diff(own, append=np.inf)
    return np.flatnonzero(gaps > PAUSE * float(np.median(gaps)))


def groups_of_gaps(gaps: Array) -> list[NDArray[np.int64]]:
    """Give the numbers of gaps, shortest first, of every group that lies apart from the others."""
    order = np.argsort(gaps, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(gaps[order]) > APART) + 1)


def _gap_courses(gaps: Array, step: float | None) -> list[Array]:
    """Courses over the pulses that follow their gap, s, to another one, where that is short."""
    edges = RECOVERY if step is None else (RECOVERY[0], step, *RECOVERY[2:])
    courses = []
    for group in groups_of_gaps(gaps):
        mine = gaps[group]
        if mine.min() >= RECOVERY[-1]:
            continue
        curves = [((mine >= low) & (mine < high)).astype(float) for low, high in pairwise(edges)]
        curves += list(curves_in(mine))
        for curve in curves:
            course = np.zeros(gaps.size)
            course[group] = curve
            number = np.count_nonzero(course)
            if FEWEST_SOON <= number <= gaps.size - FEWEST_SOON:
                courses.append(course)
    return courses


def curves_in(gaps: Array) -> Array:
    """Polynomials over the gaps of a group, (courses, pulses); of a wide group over the short ones."""
    wide = float(np.ptp(gaps)) > WIDEST
    near = gaps < RECOVERY[-1] if wide else np.ones(gaps.size, dtype=bool)
    width, piece = float(np.ptp(gaps[near])), WIDE_PIECE if wide else PIECE
    number = int(np.ceil(width / piece)) if width > STILL else 0
    place = 2 * (gaps - gaps[near].min()) / max(width, STILL) - 1
    return np.where(near, np.polynomial.legendre.legvander(np.clip(place, -1, 1), number).T, 0.0)
