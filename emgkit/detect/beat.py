"""Chains of events that keep a beat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Chain", "best_chain", "tolerance"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

SHORTEST, LONGEST = 0.006, 4.0  # s between pulses
SAMPLES, SECONDS = 1.5, 4e-4  # how far a pulse may lie off the beat: samples, or s, whichever is more
SHARE = 0.06  # and of the interval at most; three quarters of a sample in any case
MISSING = 4  # beats without an event before a chain ends
ABSENCE = 0.7  # of an event: what a beat without an event costs
PER_OCTAVE, FOLLOWED = 5, 6  # intervals that are looked at, and that chains are built for
PARTS = (2, 3)  # of the best interval, tried as well: every other pulse may look different between two samples
MORE = 1.4  # times the score with the whole interval: responses half an interval later add little
MOST_EVENTS = 4000  # for the choice of intervals
CLOCK = 0.012  # relative, largest error of a stimulator's clock
STRENGTH = 0.2  # what an e-fold in height adds to the worth of an event
LIKE = 3.0  # ratio of heights up to which two events may be neighbours for the choice of an interval
FEWEST, SHORT = 5, 3.5  # events in all, and worth of one part without a pause


@dataclass(frozen=True, eq=False)
class Chain:
    """Events that follow each other by whole beats, with pauses.

    Parameters
    ----------
    members : ndarray of int, shape (members,)
        Which events.
    train : ndarray of int, shape (members,)
        Part of the chain without a pause that a member belongs to.
    beats : ndarray, shape (members,)
        Number of the beat within the part.
    period : float
        s.
    score : float
        Worth of the members, less what the beats without one cost.
    """

    members: Index
    train: Index
    beats: Array
    period: float
    score: float


def best_chain(times: Array, height: Array, fs: float, rate: float | None = None) -> Chain | None:
    """Find the interval that most events keep, one event per beat.

    For every candidate interval, events are linked to earlier ones at whole intervals; of chains that overlap in time
    only the best counts. That way neither half the rate nor a common multiple of two stimulators' intervals can win.

    Parameters
    ----------
    times, height : ndarray, shape (events,)
        s, and how large the events are.
    fs : float
        Hz.
    rate : float, optional
        Nominal rate, Hz; the interval may differ by 1.2 %.

    Returns
    -------
    Chain or None
        None if no five events keep a beat.
    """
    if times.size < FEWEST:
        return None
    worth = 1 + STRENGTH * np.log(np.maximum(height / np.median(height), 0.1))
    periods = _candidates(times, height, fs, rate)
    best = _best(times, height, worth, periods, fs)
    if best is None or rate is not None:
        return best
    parts = [best.period / count for count in PARTS if best.period / count >= SHORTEST]
    finer = _best(times, height, worth, parts, fs)
    return finer if finer is not None and finer.score > MORE * best.score else best


def _best(times: Array, height: Array, worth: Array, periods: list[float], fs: float) -> Chain | None:
    chains = [_chain(times, height, worth, period, fs) for period in periods]
    return max((chain for chain in chains if chain is not None), key=lambda chain: chain.score, default=None)


def tolerance(period: float, fs: float) -> float:
    """How far an event may lie off the beat, s."""
    return max(min(max(SAMPLES / fs, SECONDS), SHARE * period), 0.75 / fs)


def _candidates(times: Array, height: Array, fs: float, rate: float | None) -> list[float]:
    """Intervals that occur more often than others like them, by the most beats that they could explain."""
    if times.size > MOST_EVENTS:
        kept = np.sort(np.argsort(-height, kind="stable")[:MOST_EVENTS])
        times, height = times[kept], height[kept]
    low, high = (SHORTEST, LONGEST) if rate is None else ((1 - CLOCK) / rate, (1 + CLOCK) / rate)
    width = max(0.5 / fs, 1.5e-4)
    counts = _gaps(times, height, width)
    smooth = np.convolve(counts, np.ones(5), mode="same")
    excess = smooth - np.convolve(counts, np.ones(201), mode="same") * (5 / 201)
    found: list[float] = []
    edges = np.append(np.arange(np.log2(low), np.log2(high), 1.0), np.log2(high))
    for begin, end in zip(2 ** edges[:-1], 2 ** edges[1:], strict=True):
        band = excess[int(begin / width) : int(end / width) + 2].copy()
        for _ in range(PER_OCTAVE):
            top = int(np.argmax(band))
            if band[top] < 3:
                break
            part = slice(max(top + int(begin / width) - 2, 0), top + int(begin / width) + 3)
            found.append(float(np.average(np.arange(counts.size)[part] + 0.5, weights=counts[part] + 1e-9)) * width)
            band[max(top - 6, 0) : top + 7] = 0
    bound = [_beats_at_most(times, height, period, tolerance(period, fs)) for period in found]
    return [found[row] for row in np.argsort(-np.array(bound), kind="stable")[:FOLLOWED]]


def _gaps(times: Array, height: Array, width: float) -> Array:
    """Histogram of the intervals between all events of like height."""
    counts = np.zeros(int(LONGEST / width) + 2)
    size = np.log(height)
    for lag in range(1, times.size):
        gap = times[lag:] - times[:-lag]
        near = gap < LONGEST
        if not near.any():
            break
        near &= np.abs(size[lag:] - size[:-lag]) < np.log(LIKE)
        counts += np.bincount((gap[near] / width).astype(np.int64), minlength=counts.size)
    return counts


def _beats_at_most(times: Array, height: Array, period: float, tolerated: float) -> int:
    """Count the periods in which an event has neighbours one period before and after."""
    size = np.log(height)
    both = np.ones(times.size, dtype=bool)
    for sign in (-1, 1):
        one = np.zeros(times.size, dtype=bool)
        wanted = times + sign * period
        right = np.searchsorted(times, wanted)
        for place in (right - 1, right):
            inside = np.clip(place, 0, times.size - 1)
            near = np.abs(times[inside] - wanted) <= tolerated
            one |= near & (np.abs(size[inside] - size) < np.log(LIKE))
        both &= one
    return int(np.unique(np.floor(times[both] / period)).size)


def _chain(times: Array, height: Array, worth: Array, period: float, fs: float) -> Chain | None:
    found = None
    for _ in range(2):  # the period gets finer as the chain gets longer
        found = _parts(times, worth, _links(times, height, period, tolerance(period, fs)))
        if found is None:
            return None
        members, train, beats, score = found
        period = _period(times[members], train, beats, period)
    return None if found is None else Chain(members, train, beats, period, score)


def _links(times: Array, height: Array, period: float, tolerated: float) -> Index:
    """For every event the one that is 1, 2, ... periods earlier, or -1, shape (beats, events)."""
    out = np.full((MISSING + 1, times.size), -1, dtype=np.int64)
    size = np.log(height)
    for row in range(MISSING + 1):
        wanted = times - (row + 1) * period
        right = np.searchsorted(times, wanted)
        cost = np.full(times.size, np.inf)
        for place in (right - 1, right, right + 1):
            inside = np.clip(place, 0, times.size - 1)
            off = np.abs(times[inside] - wanted)
            near = (off <= tolerated) & (place == inside)
            total = np.where(near, off / tolerated + np.abs(size - size[inside]), np.inf)
            out[row] = np.where(total < cost, inside, out[row])
            cost = np.minimum(total, cost)
    return out


def _parts(times: Array, worth: Array, links: Index) -> tuple[Index, Index, Array, float] | None:
    """Build the best chain to every event; of chains that overlap in time keep the best."""
    total, place, link = worth.tolist(), [0] * times.size, [-1] * times.size
    own = worth.tolist()
    for event, options in enumerate(links.T.tolist()):
        for step, earlier in enumerate(options):
            if earlier >= 0 and total[earlier] - ABSENCE * step > total[event] - own[event]:
                total[event] = own[event] + total[earlier] - ABSENCE * step
                link[event], place[event] = earlier, place[earlier] + step + 1
    chosen = _apart(times, np.array(total), link)
    members = np.array([event for chain in chosen for event in chain], dtype=np.int64)
    if members.size < FEWEST:
        return None
    train = np.repeat(np.arange(len(chosen)), [len(chain) for chain in chosen]).astype(np.int64)
    beats = np.array([place[event] - place[chain[0]] for chain in chosen for event in chain], dtype=float)
    before = [total[link[chain[0]]] if link[chain[0]] >= 0 else 0.0 for chain in chosen]
    return members, train, beats, sum(total[chain[-1]] for chain in chosen) - sum(before)


def _apart(times: Array, total: Array, link: list[int]) -> list[list[int]]:
    """Take the best chains that do not overlap in time."""
    taken = np.zeros(times.size, dtype=bool)
    spans: list[tuple[float, float]] = []
    chosen: list[list[int]] = []
    for end in np.argsort(-total, kind="stable"):
        if total[end] < SHORT:
            break
        if taken[end]:
            continue
        chain = [int(end)]
        while link[chain[-1]] >= 0 and not taken[link[chain[-1]]]:
            chain.append(link[chain[-1]])
        chain.reverse()
        taken[chain] = True
        if len(chain) < 3 or any(times[chain[0]] < high and times[end] > low for low, high in spans):
            continue
        spans.append((float(times[chain[0]]), float(times[end])))
        chosen.append(chain)
    return sorted(chosen, key=lambda chain: chain[0])


def _period(times: Array, train: Index, beats: Array, period: float) -> float:
    """Fit one slope to all parts."""
    top = bottom = 0.0
    for number in np.unique(train):
        own = train == number
        count = beats[own] - beats[own].mean()
        top += float(count @ times[own])
        bottom += float(count @ count)
    return top / bottom if bottom > 0 else period
