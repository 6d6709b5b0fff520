"""Complete a train: pulses that were overlooked, missing pulses, slow beginnings and ends."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.match import Match, Template

__all__ = ["Part", "complete", "grow", "hollow"]

Array = NDArray[np.float64]
Matching = Callable[[Array], Match]

PRESENT = 0.5  # of the neighbours' size: half a pulse is a pulse
ALIKE, SURE, LEAST = 0.9, 12.0, 0.1  # of the energy, standard errors, of that size: a smaller one on the beat is, too
SIGNIFICANT, SHRINKS = 4.0, 0.3  # standard errors, and of the last ones' size: a train goes on
EMPTY = 4  # beats without a pulse before a train ends
RECENT, RAMP = 5, 20  # pulses
STRETCH = 64  # beats that are looked at together
STRAIGHT = 0.9  # correlation of the sizes with the beats, from which they are a ramp
BLIND = 3  # beats before a ramp's zero that may be too small to see, at least
RISING = 0.7  # of the size at the other end of the ramp, at most: else it is no ramp


@dataclass(frozen=True, eq=False)
class Part:
    """A train without a pause: its line, and which beats have a pulse.

    Parameters
    ----------
    start, period : float
        s, of beat 0, and between beats.
    beats : ndarray, shape (pulses,)
        Beats with a pulse, increasing.
    """

    start: float
    period: float
    beats: Array

    @property
    def times(self) -> Array:
        """Expected times, s."""
        return self.start + self.period * self.beats


def grow(parts: list[Part], template: Template, bends: Array, fs: float, reach: float) -> list[Part]:
    """Complete every train without running into the next one.

    A beat within a train has a pulse if the template has more than half the size that it has about it, or if the
    pulses are too small to tell. From the ends the beat is followed while the pulses are significant and shrink
    slowly; a ramp that leads to zero is followed to there.
    """
    duration = bends.shape[1] / fs

    def match(times: Array) -> Match:
        return template.match(bends, times, reach)

    kept = [_pruned(part, match) for part in parts]
    filled = [_fill(part, match) for part in kept if part.beats.size]
    out: list[Part] = []
    for number, part in enumerate(filled):
        low = out[-1].times[-1] + 0.5 * part.period if out else 0.0
        high = filled[number + 1].times[0] - 0.5 * part.period if number + 1 < len(filled) else duration
        before = _follow(part, match, -1, low)
        after = _follow(part, match, 1, high)
        out.append(Part(part.start, part.period, np.concatenate([before[::-1], part.beats, after])))
    return out


def _pruned(part: Part, match: Matching) -> Part:
    """Take beats out that hold nothing like their neighbours: events of EMG beside a train."""
    return Part(part.start, part.period, part.beats[~hollow(match(part.times))])


def hollow(match: Match, sure: NDArray[np.bool_] | None = None) -> NDArray[np.bool_]:
    """Places with much less of the artifact than their neighbours, though it would have been seen.

    Neighbours are those at which an artifact is for ``sure``, (places,): a train that ended has none in a row.
    """
    if sure is None or not sure.any():
        usual = _typical(match.amplitude)
    else:
        usual = np.interp(np.arange(sure.size), np.flatnonzero(sure), _typical(match.amplitude[sure]))
    return (match.amplitude < SHRINKS * usual) & (usual >= SIGNIFICANT * match.error) & ~_plain(match, usual)


def _plain(match: Match, usual: Array) -> NDArray[np.bool_]:
    """Places with the artifact and nothing else, however small: between two samples little of a sharp one is seen."""
    sizes = np.maximum(SURE * match.error, LEAST * usual)
    return np.asarray((match.likeness >= ALIKE) & (match.amplitude >= sizes))


def complete(expected: Array, number: NDArray[np.int64], beats: Array, template: Template, bends: Array) -> list[Part]:
    """Fill the gaps of trains whose expected times, s, are known."""
    parts = []
    for row in np.unique(number):
        own = number == row
        steps = max(float(np.ptp(beats[own])), 1.0)
        period = float(np.ptp(expected[own])) / steps
        part = Part(float(expected[own][0] - period * beats[own][0]), period, beats[own])
        parts.append(_fill(part, lambda times: template.match(bends, times)) if own.sum() > 1 else part)
    return parts


def _fill(part: Part, match: Matching) -> Part:
    every = np.arange(part.beats[0], part.beats[-1] + 1)
    absent = np.setdiff1d(every, part.beats)
    if not absent.size:
        return part
    known = match(part.times)
    found = match(part.start + part.period * absent)
    size = np.interp(absent, part.beats, _typical(known.amplitude))
    unclear = size < SIGNIFICANT * found.error
    there = np.where(unclear, found.amplitude > -size, found.amplitude > PRESENT * size) | _plain(found, size)
    return Part(part.start, part.period, np.sort(np.concatenate([part.beats, absent[there]])))


def _typical(sizes: Array) -> Array:
    """Take a running median over five pulses."""
    if sizes.size < RECENT:
        return np.full(sizes.size, float(np.median(sizes)))
    padded = np.pad(sizes, RECENT // 2, mode="reflect")
    return np.median(np.lib.stride_tricks.sliding_window_view(padded, RECENT), axis=1)


def _follow(part: Part, match: Matching, direction: int, limit: float) -> Array:
    """Beats with pulses beyond one end, in the order in which they are met."""
    edge = part.beats[-1] if direction > 0 else part.beats[0]
    near = match(part.times[-RAMP:] if direction > 0 else part.times[:RAMP][::-1])
    sizes, beats, missed = list(near.amplitude), [], 0
    step = 0
    while missed < EMPTY:
        ahead = edge + direction * (step + np.arange(1, STRETCH + 1))
        times = part.start + part.period * ahead
        inside = direction * (limit - times) > 0
        if not inside.any():
            break
        found = match(times[inside])
        for beat, size, error in zip(ahead[inside], found.amplitude, found.error, strict=True):
            if size >= SIGNIFICANT * error and size >= SHRINKS * np.median(sizes[-RECENT:]):
                sizes.append(float(size))
                beats.append(float(beat))
                missed = 0
            else:
                missed += 1
                if missed >= EMPTY:
                    break
        if not inside.all():
            break
        step += STRETCH
    last = beats[-1] if beats else float(edge)
    count = _beats_to_zero(np.array(sizes), float(np.median(near.error)))
    beyond = last + direction * np.arange(1, count + 1, dtype=np.float64)
    beyond = beyond[direction * (limit - (part.start + part.period * beyond)) > 0]
    on = beyond.size and not _over(match(part.start + part.period * beyond), float(np.median(sizes[-RECENT:])))
    return np.array([*beats, *beyond]) if on else np.array(beats)


def _over(found: Match, last: float) -> bool:
    """Whether a ramp from a size to zero would be seen in all its beats together, and is not."""
    expected = last * (1 - np.arange(1, found.times.size + 1) / (found.times.size + 1))
    energy = float(expected @ expected)
    share, error = float(expected @ found.amplitude) / energy, float(np.linalg.norm(expected * found.error)) / energy
    return share < PRESENT and error < PRESENT / 2


def _beats_to_zero(sizes: Array, error: float) -> int:
    """How many beats a ramp goes on until its size is zero."""
    recent = sizes[-RAMP:]
    if recent.size < RECENT or np.median(recent[-2:]) > RISING * np.median(recent[:3]):
        return 0
    place = np.arange(recent.size)
    if np.corrcoef(place, recent)[0, 1] > -STRAIGHT:
        return 0
    line = np.polynomial.Polynomial.fit(place, recent, 1).convert().coef
    more = int(max(-line[0] / line[1] - (recent.size - 1), 0))
    return 0 if more > BLIND + SIGNIFICANT * error / -line[1] else more  # it ends long before zero
