"""Whether the beats of a train are all pulses, and whether there are pulses between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.belief import heights
from emgkit.detect.growth import Part
from emgkit.detect.match import Template

__all__ = ["divided", "undivided"]

Array = NDArray[np.float64]

COUNTS = (2, 3)
FULL, HALF = 0.6, 0.5  # of the places between the beats that have a pulse, of half the size: the interval is shorter
UNLIKE = 0.3  # of the energy, by which what follows pulses differs at most from pulse to pulse; unverified
ARTIFACT = 0.004  # s
MEDIAN_VARIANCE = 3.45  # variance of a median of normal noise, times its size, over the median square
CLEAR = 10.0  # times what noise does
ENOUGH = 10  # pulses of each kind


def divided(parts: list[Part], template: Template, bends: Array, signal: Array, fs: float) -> list[Part]:
    """Halve or third the interval if there are pulses between the beats: others had coincided with a train.

    Parameters
    ----------
    parts : list of Part
        With a common interval.
    template : Template
        Of the pulses on the beat.
    bends, signal : ndarray, shape (channels, samples)
        Differences of the signal, and itself, V.
    fs : float
        Hz.
    """
    for count in COUNTS:
        between = [
            part.start + part.period * (np.arange(part.beats[0], part.beats[-1]) + step / count)
            for part in parts
            for step in range(1, count)
        ]
        sizes = template.match(bends, np.concatenate(between)).amplitude
        if not sizes.size or np.mean(sizes > HALF) < FULL:
            continue
        period = parts[0].period / count
        turns = [np.concatenate([part.times + turn * period for part in parts]) for turn in range(count)]
        if _followed_alike(turns, period, signal, fs):
            return [Part(part.start, part.period / count, part.beats * count) for part in parts]
    return parts


def undivided(parts: list[Part], signal: Array, sharper: Array, fs: float) -> list[Part]:
    """Double or triple the interval if pulses and their responses take turns in a train; the sharpest ones stay.

    Parameters
    ----------
    parts : list of Part
        With a common interval.
    signal : ndarray, shape (channels, samples)
        V.
    sharper : ndarray, shape (samples,)
        Trace of fourth differences.
    fs : float
        Hz.
    """
    for count in COUNTS:
        turns = [[_every(part, count, turn) for part in parts] for turn in range(count)]
        turns = [[part for part in turn if part.beats.size] for turn in turns]
        times = [np.concatenate([np.zeros(0), *(part.times for part in turn)]) for turn in turns]
        if min(one.size for one in times) >= ENOUGH and not _followed_alike(times, parts[0].period, signal, fs):
            return turns[int(np.argmax([np.median(heights(sharper, one, fs)) for one in times]))]
    return parts


def _every(part: Part, count: int, turn: int) -> Part:
    """Every second or third beat of a train, counted by itself."""
    beats = part.beats[np.mod(part.beats, count) == turn]
    return Part(part.start + turn * part.period, part.period * count, (beats - turn) / count)


def _followed_alike(turns: list[Array], length: float, signal: Array, fs: float) -> bool:
    """Whether the same follows times of each kind, s, but for the artifact, or nothing that can be seen."""
    reach = np.arange(round(ARTIFACT * fs), max(int(length * fs), round(ARTIFACT * fs) + 1))
    means, noise = [], 0.0
    for times in turns:
        index = np.clip(np.round(times * fs).astype(np.int64)[:, np.newaxis] + reach, 0, signal.shape[1] - 1)
        follows = signal[:, index] - signal[:, index].mean(axis=2, keepdims=True)
        means.append(np.median(follows, axis=1))
        noise += np.median((follows - means[-1][:, np.newaxis]) ** 2, axis=1).sum(axis=1) * MEDIAN_VARIANCE / times.size
    mean = np.stack(means, axis=1)
    differ = ((mean - mean.mean(axis=1, keepdims=True)) ** 2).sum(axis=(1, 2))
    return bool(np.mean(differ > UNLIKE * (mean**2).sum(axis=(1, 2)) + CLEAR * noise) < HALF)
