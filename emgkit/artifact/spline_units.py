"""Doublets and their kin: pulses that always come as a group, whose responses are fitted as the response of the group.

Where every pulse is followed by another at the same lag, the responses of the first and the second add up to the same
sum at every group, so that no regression tells them apart; what they leave when the sum is taken away needs no such
split. The group counts as one stimulus: time since its first pulse runs on until a later pulse, and is set right at
each, so that every artifact stands at its own place between samples although lags vary.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_pulse_times import LONGEST
from emgkit.pulses import Pulses

__all__ = ["Later", "Units", "find_units", "merged", "with_later"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]

FEWEST = 8  # groups
MOSTLY = 0.8  # of the groups must be whole
LONGEST_LAG = 0.020  # s between pulses of a group: later ones find the response over; unverified
APART = 1.4  # times the longest lag within groups, at least, from a group's last pulse to the next group
CLOSEST, CLOSEST_PAIR = 0.007, 0.004  # s between pulses of a group, and of two, up to which no response can be told
WITHIN = 0.3  # of the intervals are within groups, at least
STEADY = 0.0005  # s: 95 % of the lags lie as near to the median
STRAY = 0.0015  # s from its usual lag, from which a pulse is none of a group
STILL = 5e-6  # s: lags that vary less need no courses of their change


@dataclass(frozen=True, eq=False)
class Later(FrozenValue):
    """Later pulses of every group.

    Parameters
    ----------
    onsets : (groups, later) s; of a pulse that did not come, when it was due
    lags : (later,) usual times after the first pulse, s
    missing : (groups, later) bool, pulses that did not come
    before : float
        s before a pulse, at which its artifact may begin.
    """

    onsets: Array
    lags: Array
    missing: Mask
    before: float

    def phases(self, times: Array, phase: Array, group: Indices) -> Array:
        """Give the times since the first pulse of the group as they would be had every pulse come at its usual lag."""
        out = phase.copy()
        for number, lag in enumerate(self.lags):
            since = times - self.onsets[group, number]
            begun = since >= -self.before
            out[begun] = lag + since[begun]
        return out

    def moved(self, shift: Array, number: int) -> Later:
        """Move one of the later pulses of every group by so many s."""
        onsets = self.onsets.copy()
        onsets[:, number] += np.where(self.missing[:, number], 0.0, shift)
        return replace(self, onsets=onsets)

    def courses(self, first: Array) -> list[Array]:
        """Courses over the groups: by how much lags differ, and pulses that did not come, each (groups,)."""
        out = []
        for number, lag in enumerate(self.lags):
            change = np.where(self.missing[:, number], 0.0, self.onsets[:, number] - first - lag)
            if change.std() > STILL:
                out.append(change / change.std())
            absent = self.missing[:, number]
            out += [absent.astype(float)] if absent.any() else []
        return out


@dataclass(frozen=True, eq=False)
class Units(FrozenValue):
    """Pulses of one stimulator as groups.

    Parameters
    ----------
    leaders : Pulses
        First pulses.
    later : Later
    """

    leaders: Pulses
    later: Later


def with_later(first: Array, later: Later) -> Array:
    """Onsets of all pulses of groups, s."""
    return np.sort(np.concatenate([first, later.onsets[~later.missing]]))


def merged(first: Pulses, later: Later) -> Pulses:
    """Give first and later pulses as one list; train, current and width of later ones are those of the pulse before."""
    onsets = np.concatenate([first.onsets, later.onsets[~later.missing]])
    order = np.argsort(onsets, kind="stable")
    source = np.searchsorted(first.onsets, onsets[order], side="right") - 1
    kept = np.flatnonzero(np.diff(onsets[order], prepend=-np.inf) > 0)
    places = np.clip(source, 0, None)[kept]
    return replace(
        first,
        onsets=onsets[order][kept],
        train=first.train[places],
        stimulator=first.stimulator[places],
        current=None if first.current is None else first.current[places],
        width=None if first.width is None else first.width[places],
        errors=None,
    )


def find_units(pulses: Pulses, before: float) -> Units | None:
    """Give the groups in which nearly all pulses of one stimulator come, at lags that hardly vary; None if they do not.

    None, too, where the response to a group is over before the next one and its pulses are few and not close: there the
    responses to single pulses are told apart as those of any irregular train.

    Parameters
    ----------
    pulses : Pulses
        s from the first sample.
    before : float
        s before a pulse, at which its artifact may begin.
    """
    if np.unique(pulses.stimulator).size > 1 or len(pulses) < 2 * FEWEST:
        return None
    gaps = np.diff(pulses.onsets)
    longest = _longest_within(gaps)
    if longest is None:
        return None
    first = np.flatnonzero(np.insert(gaps > longest, 0, True))
    sizes = np.diff(np.append(first, len(pulses)))
    number = int(np.bincount(sizes).argmax())
    whole = first[sizes == number]
    if number < 2 or whole.size < max(MOSTLY * first.size, FEWEST):
        return None
    interval = float(np.median(np.minimum(np.diff(pulses.onsets[first]), LONGEST)))
    closest = CLOSEST if number > 2 else CLOSEST_PAIR
    if interval >= LONGEST and float(np.median(gaps[gaps <= longest])) >= closest:
        return None
    since = pulses.onsets[whole[:, np.newaxis] + np.arange(1, number)] - pulses.onsets[whole][:, np.newaxis]
    lags = np.median(since, axis=0)
    if np.quantile(np.abs(since - lags), 0.95) > STEADY:
        return None
    return _grouped(pulses, first, lags, before)


def _grouped(pulses: Pulses, first: Indices, lags: Array, before: float) -> Units:
    """Give every later pulse its place in its group; what comes at no such place is a group of its own."""
    since = pulses.onsets - pulses.onsets[first][np.searchsorted(first, np.arange(len(pulses)), side="right") - 1]
    place = np.abs(since[:, np.newaxis] - lags).argmin(axis=1)
    fits = np.abs(since - lags[place]) < STRAY
    fits[first] = False
    leads = np.flatnonzero(~fits)
    group = np.searchsorted(leads, np.arange(len(pulses)), side="right") - 1
    leaders = pulses.select(leads)
    later, missing = leaders.onsets[:, np.newaxis] + lags, np.ones((leads.size, lags.size), dtype=bool)
    later[group[fits], place[fits]], missing[group[fits], place[fits]] = pulses.onsets[fits], False
    trains = Pulses(leaders.onsets).train if leaders.n_trains * FEWEST > len(leaders) else leaders.train
    return Units(replace(leaders, train=trains), Later(later, lags, missing, before))


def _longest_within(gaps: Array) -> float | None:
    """Longest interval within groups, s: the widest step in the order of the intervals comes after it."""
    order = np.sort(gaps)
    steps = order[1:] / order[:-1]
    short = np.flatnonzero((order[:-1] <= LONGEST_LAG) & (steps >= APART))
    short = short[short >= WITHIN * order.size]  # a pulse that is wrong may lie nearer to another than those of groups
    if not short.size:
        return None
    return float(order[short[np.argmax(steps[short])]])
