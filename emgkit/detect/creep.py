"""Trains whose pulses creep through the places between two samples: how fast they do."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.fit import Fit, creeps
from emgkit.detect.growth import Part
from emgkit.detect.waveform import Span

__all__ = ["steered"]

Array = NDArray[np.float64]

FARTHEST, STEPS = 3.0, (0.125, 0.03)  # samples that the longest train may be too long or short by, and between trials
GOOD, BETTER = 0.001, 0.5  # of the energy: a misfit that is good enough; of the misfit: else the interval is changed
SAME_CLOCK, SLIP = 400, 1.5  # beats between trains on one line, and samples off it
ENOUGH = 150  # pulses that are looked at


def steered(parts: list[Part], bends: Array, fs: float) -> list[Part]:
    """Correct the interval of creeping trains by how well one waveform explains all pulses.

    An event's place is known to a part of a sample only, and at some places between two samples a sharp artifact is
    nearly gone, so that a train falls into pieces of the same place: an interval of whole samples fits each of them.
    The right one makes one waveform of all.

    Parameters
    ----------
    parts : list of Part
        With a common interval.
    bends : ndarray, shape (channels, samples)
        Differences of the signal.
    fs : float
        Hz.
    """
    if not creeps(np.concatenate([part.times for part in parts]) * fs):
        return parts
    given = _misfit(parts, bends, fs)
    if given < GOOD:
        return parts
    trials = [_best_tilt(one, bends, fs) for one in (parts, *_one_line(parts, fs))]
    cost, best = min(trials, key=lambda trial: trial[0])
    return best if cost < BETTER * given else parts


def _best_tilt(parts: list[Part], bends: Array, fs: float) -> tuple[float, list[Part]]:
    """Try intervals and give the lowest misfit and the trains with it."""
    starts = {part.start for part in parts}
    lengths = [float(np.ptp(np.concatenate([part.beats for part in parts if part.start == one]))) for one in starts]
    sample = 1 / (fs * max(*lengths, 1.0))
    cost, best, reach = np.inf, 0.0, FARTHEST
    for step in STEPS:
        slips = best + np.arange(-reach, reach + step / 2, step)
        costs = [_misfit(_tilted(parts, slip * sample), bends, fs) for slip in slips]
        cost, best, reach = min(costs), float(slips[int(np.argmin(costs))]), step
    return cost, _tilted(parts, best * sample)


def _one_line(parts: list[Part], fs: float) -> list[list[Part]]:
    """Put trains that follow each other by whole beats, within a sample or so, on one line; nothing if they do not."""
    counted, last = [parts[0].beats], parts[0]
    for part in parts[1:]:
        gap = (part.times[0] - last.times[-1]) / part.period
        if gap > SAME_CLOCK or abs(gap - round(gap)) * part.period > SLIP / fs:
            return []
        counted.append(part.beats - part.beats[0] + counted[-1][-1] + round(gap))
        last = part
    if len(parts) == 1:
        return []
    line = np.polynomial.Polynomial.fit(np.concatenate(counted), np.concatenate([part.times for part in parts]), 1)
    start, period = line.convert().coef
    return [[Part(float(start), float(period), beats) for beats in counted]]


def _tilted(parts: list[Part], more: float) -> list[Part]:
    """Make the interval longer, s, about the middle of every line."""
    out = []
    for part in parts:
        middle = np.median(np.concatenate([one.beats for one in parts if one.start == part.start]))
        out.append(Part(part.start - more * float(middle), part.period + more, part.beats))
    return out


def _misfit(parts: list[Part], bends: Array, fs: float) -> float:
    """Share of the energy that one waveform with smoothly changing sizes leaves."""
    times = np.concatenate([part.times for part in parts])
    number = np.repeat(np.arange(len(parts)), [part.beats.size for part in parts]).astype(np.int64)
    every = slice(None, None, max(times.size // ENOUGH, 1))
    fit = Fit(bends, times[every], number[every], Span.about(fs, times[every], parts[0].period))
    left = ((fit.samples - fit.model) ** 2).sum(axis=(1, 2))
    return float(np.mean(left / np.maximum((fit.samples**2).sum(axis=(1, 2)), 1e-300)))
