"""Artifacts that belong to no pulse given: before the first one, after the last one, or between them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.base import since_and_until
from emgkit.artifact.spline_evidence import locked_evidence
from emgkit.detect.belief import heights
from emgkit.detect.sharp import sharp_channels, sharp_events, sharp_trace

__all__ = ["KNOWN", "LOOKED_AT", "ListedPulses", "left_share", "without_responses"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

KNOWN = 0.004  # s about a given pulse, in which what is sharp is its own
AFTER = 0.05  # s after the last pulse, in which its responses come
LOOKED_AT = 8  # channels
FRAME = -0.0015, 0.04  # s about a pulse, in which something locked to it is looked for, at most until the next one
EVIDENCE = 5.0  # z score, from which something is
EDGES = -0.0015, 0.008  # s about a pulse, in which artifact and response are sharpest
LIKE = 0.5  # of the sharpest that is usual at the given pulses: what lies outside and is sharper may be an artifact
FEWEST_OUTSIDE = 2  # of such: one alone is a pop of an electrode
BLOCK, OFF_BEAT = 20, 0.05  # beats at an end that are looked at together, and deviation of their intervals
AS_SHARP, LEAST, ALONE = 0.3, 20.0, 60.0  # see `ListedPulses.unclaimed`; EMG and its bursts reach 10
ONE_LAG, LOCKED = 0.0015, 0.3  # s, and share of the pulses that an event follows at one lag: a response
RESPONSE, EARLY = 0.06, 0.02  # s after a pulse, until which responses come, and before it, as where it is given late
BEGIN, LONGEST = 0.0015, 0.03  # s before and after an artifact, at most until the next one, that are its own
ENOUGH = 0.1  # s of samples that tell how strong EMG is


@dataclass(frozen=True, eq=False)
class ListedPulses:
    """A recording and the pulses that a list gives of it.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V, without missing samples.
    fs : float
        Hz.
    onsets : ndarray, shape (pulses,)
        s from the first sample, increasing.
    """

    signal: Array
    fs: float
    onsets: Array

    @property
    def locked(self) -> bool:
        """Whether artifact or response is locked to the pulses, by the bends of the signal: EMG is smooth."""
        gap = float(np.median(np.diff(self.onsets))) if self.onsets.size > 1 else FRAME[1]
        stop = max(min(FRAME[1], gap + FRAME[0]), EDGES[1] / 2)
        bends = np.diff(self.signal, n=2, axis=1)
        return bool((locked_evidence(bends, self.fs, self.onsets, FRAME[0], stop) >= EVIDENCE).any())

    @property
    def go_on_outside(self) -> bool:
        """Whether before the first or after the last pulse something is half as sharp as is usual at the pulses."""
        fs, count = self.fs, self.signal.shape[1]
        first, last = max(int((self.onsets[0] - KNOWN) * fs), 0), int((self.onsets[-1] + AFTER) * fs)
        if first + max(count - last, 0) < 3:
            return False
        reach = np.arange(int(EDGES[0] * fs), int(EDGES[1] * fs) + 1)
        index = np.clip(np.round(self.onsets * fs).astype(np.int64)[:, np.newaxis] + reach, 0, count - 3)
        for row in self.signal:
            bends = np.abs(np.diff(row, n=2))
            own = float(np.median(bends[index].max(axis=1)))
            trace = bends / max(own, 1e-300)
            trace[first : max(last, first)] = 0.0
            if len(sharp_events(trace, fs, LIKE)) >= FEWEST_OUTSIDE:
                return True
        return False

    def beats_outside(self) -> Array:
        """Go on with the beat of the pulses at both ends for as long as something is locked to it; times, s.

        For artifacts that do not stand out of the responses, so that they are not found one by one.
        """
        gaps = np.diff(self.onsets)
        usual = float(np.median(gaps)) if gaps.size else 0.0
        end = self.signal.shape[1] / self.fs
        found = []
        for times, gap, way in (
            (self.onsets[: BLOCK + 1], gaps[:BLOCK], -1),
            (self.onsets[-BLOCK - 1 :], gaps[-BLOCK:], 1),
        ):
            if gap.size < BLOCK or (np.abs(gap - usual) > OFF_BEAT * usual).any():
                continue
            place = np.arange(BLOCK + 1)
            period, begin = np.polyfit(place, times, 1)
            on = begin + period * (place[-1] + 1 + np.arange(BLOCK) if way > 0 else -1 - np.arange(BLOCK))
            while on.min() > 0 and on.max() < end and replace(self, onsets=np.sort(on)).locked:
                found.append(on)
                on = on + way * BLOCK * period
        return np.sort(np.concatenate(found)) if found else np.zeros(0)

    def unclaimed(self) -> Array:
        """Give the times of events as sharp as artifacts that belong to no pulse, s.

        Such an event is 0.3 times as sharp as the artifacts of the given pulses usually are, and 20 times as sharp as
        all around it; where they are not sharp it is 60 times.
        """
        trace = sharp_trace(self.signal[sharp_channels(self.signal, self.fs)], self.fs)
        own = AS_SHARP * float(np.median(heights(trace, self.onsets, self.fs)))
        events = sharp_events(trace, self.fs, own if own >= LEAST else ALONE)
        return without_responses(events.index / self.fs, self.onsets)


def without_responses(times: Array, onsets: Array) -> Array:
    """Leave out the times of pulses, and of what follows or precedes many of them at one lag, s."""
    since, until = since_and_until(times, onsets)
    away = np.minimum(since, until) > KNOWN
    kept = away.copy()
    for lag, longest in ((since, RESPONSE), (until, EARLY)):  # pulses may be given late
        near = away[:, np.newaxis] & (np.abs(lag[:, np.newaxis] - np.arange(0.0, longest, ONE_LAG / 2)) <= ONE_LAG)
        kept &= ~near[:, near.sum(axis=0) >= LOCKED * onsets.size].any(axis=1)
    return np.asarray(times[kept])


def left_share(row: Array, ok: Mask, during: Mask, fs: float, times: Array) -> float:
    """Share of the power of all samples that artifacts at some times have, with what follows them, beyond EMG.

    EMG is taken for as strong as in the stretch of the given pulses or between these artifacts, whichever is less.

    Parameters
    ----------
    row : ndarray, shape (samples,)
        Output, V.
    ok, during : ndarray of bool, shape (samples,)
        Samples that were measured, and those from the first given pulse to the last one.
    fs : float
        Hz.
    times : ndarray, shape (artifacts,)
        s from the first sample, increasing.
    """
    if not times.size or not ok.any():
        return 0.0
    length = min(LONGEST, float(np.median(np.diff(times)))) if times.size > 1 else LONGEST
    reach = np.arange(-round(BEGIN * fs), max(round((length - BEGIN) * fs), 1) + 1)
    index = np.round(times * fs).astype(np.int64)[:, np.newaxis] + reach
    near = np.zeros(row.size, dtype=bool)
    near[np.clip(index, 0, row.size - 1).ravel()] = True
    between = np.zeros(row.size, dtype=bool)
    between[max(index[0, 0], 0) : index[-1, -1] + 1] = True
    square = np.where(ok, row**2, 0.0)
    places = [some for some in (ok & between & ~near, ok & during & ~near) if some.sum() > ENOUGH * fs]
    usual = min((float(square[some].mean()) for some in places), default=0.0)
    excess = float(square[near].sum()) - usual * float((near & ok).sum())
    return max(excess, 0.0) / max(float(square.sum()), 1e-300)
