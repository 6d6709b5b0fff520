"""Two or three regular trains in one list of pulses, as of stimulators that were not labelled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["interleaved_trains"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

PAUSE = 0.5  # s, between stretches of stimulation; the longest one is looked at
FEWEST, MOST = 40, 400  # pulses of it
OWN, OWN_SHARE = 15, 0.15  # pulses of every train, and of all
SHORTEST, LONGEST = 0.008, 0.25  # s, periods of trains
BEGIN, AHEAD = 6, 8  # pulses from which periods are tried, and pulses until their next beat
NEAR = 0.9e-3  # s from its beat, at most: times may be rounded to samples
PRESENT = 0.95  # of the beats of a train, and of the pulses that several trains explain
ALONE = 0.9  # of the pulses on one beat: a train with extra pulses
SAME = 0.01  # relative difference of periods: doublets and N-lets are trains of one period
WANDER = 1.5e-3  # s, least deviation of the lag between trains: those that keep it are N-lets too
MOST_TRAINS = 3
LEARNED = 0.1  # of a beat's error goes into the period


def interleaved_trains(onsets: Array) -> list[Indices]:
    """Find regular trains of different periods that explain all pulses, and that no single train does.

    Doublets, N-lets, bursts, extra and missing pulses are none: their trains have one period, or keep one lag.

    Parameters
    ----------
    onsets : ndarray, shape (pulses,)
        s, increasing.

    Returns
    -------
    list of ndarray of int
        Pulses of every train, of the longest stretch without a pause (at most 400 pulses); empty if there is one
        train, or none.
    """
    stretch = max(np.split(np.arange(onsets.size), np.flatnonzero(np.diff(onsets) > PAUSE) + 1), key=len)[:MOST]
    if stretch.size < FEWEST:
        return []
    times, left = onsets[stretch], np.arange(stretch.size)
    found: list[Indices] = []
    while left.size > (1 - PRESENT) * stretch.size:
        if len(found) == MOST_TRAINS:
            return []
        own = _longest(times[left], np.delete(times, left))
        if own.size < max(OWN, OWN_SHARE * stretch.size) or own.size > ALONE * stretch.size:
            return []
        found.append(left[own])
        left = np.delete(left, own)
    periods = [float(np.median(np.diff(times[one]))) for one in found]
    pairs = [(one, other) for one in range(len(found)) for other in range(one)]
    for one, other in pairs:
        if abs(periods[one] / periods[other] - 1) < SAME or _keep_lag(times[found[one]], times[found[other]]):
            return []
    return [stretch[one] for one in found]


def _longest(times: Array, taken: Array) -> Indices:
    """Pulses of the train with most of them, of which hardly a beat is absent; taken pulses may hide beats."""
    best = np.zeros(0, dtype=np.int64)
    for first in range(min(BEGIN, times.size - 1)):
        for second in range(first + 1, min(first + 1 + AHEAD, times.size)):
            period = float(times[second] - times[first])
            if SHORTEST <= period <= LONGEST:
                own, beats = _followed(times, taken, first, period)
                if own.size > best.size and own.size >= PRESENT * beats:
                    best = own
            if best.size > ALONE * times.size:
                return best
    return best


def _followed(times: Array, taken: Array, first: int, period: float) -> tuple[Indices, int]:
    """Follow a beat from a pulse on; pulses that lie on it, and the number of beats from the first pulse of all."""
    own, beats, due = [first], 1, float(times[first]) + period
    while due <= times[-1] + NEAR:
        nearest = _nearest(times, due)
        off = float(times[nearest]) - due
        if abs(off) <= NEAR and nearest > own[-1]:
            own.append(nearest)
            beats += 1
            due += off
            period += LEARNED * off
        elif not taken.size or abs(taken[_nearest(taken, due)] - due) > NEAR:
            beats += 1
        due += period
    return np.array(own, dtype=np.int64), beats + int((times[first] - times[0]) / period)


def _nearest(times: Array, time: float) -> int:
    place = int(np.searchsorted(times, time))
    return min((one for one in (place - 1, place) if 0 <= one < times.size), key=lambda one: abs(times[one] - time))


def _keep_lag(one: Array, other: Array) -> bool:
    """Tell whether the pulses of the slower train keep their lags to the faster one's."""
    slow, fast = (one, other) if one.size < other.size else (other, one)
    lags = slow - fast[np.clip(np.searchsorted(fast, slow + NEAR) - 1, 0, fast.size - 1)]
    return bool(np.percentile(lags, 90) - np.percentile(lags, 10) < WANDER)
