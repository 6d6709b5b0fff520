"""Errors of a fitted response beside those of its courses: what varies unfollowed from pulse to pulse, and lines."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_basis import make_design
from emgkit.artifact.spline_random import RandomShapes, has_room, shape_knots

__all__ = ["Unfollowed", "find_unfollowed"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BIN = 1.0e-3  # s, in which squares are averaged; twice as wide at low sampling rates
LATE = 0.75  # of the support: from there on the rest is noise
BELL = np.array([1.0, 2.0, 3.0, 4.0, 0.0, 4.0, 3.0, 2.0, 1.0]) / 20  # of the neighbours that tell a pulse's noise
FEWEST = 20  # pulses
LEAST_SHARE = 1e-6  # of the mean power of the rest: no pulse is quieter


@dataclass(frozen=True, eq=False)
class Unfollowed(FrozenValue):
    """How a response varies from pulse to pulse beside all that is fitted.

    Parameters
    ----------
    times : (times,) s since the pulse
    variance : (times,) V²
    """

    times: Array
    variance: Array

    def at(self, phase: Array) -> Array:
        """Give the variance at times since the pulse, V²."""
        return np.interp(phase, self.times, self.variance)


def find_unfollowed(
    onsets: Array, until: float, shapes: RandomShapes | None, rest: Array, known: Mask, fs: float
) -> Unfollowed | None:
    """Measure by how much the rest after the pulses exceeds the noise, which is seen late in the interval.

    The fit of the shapes has taken some of the noise into itself, as much as the variance of their scores, so that the
    rest holds less of it than the recording. Pulses count by the square of their own power, as told by their
    neighbours, so that quiet ones tell the most.

    Parameters
    ----------
    onsets : ndarray, shape (pulses,)
        s.
    until : float
        End of the response's support, s.
    shapes : RandomShapes or None
        What was followed from pulse to pulse.
    rest : ndarray, shape (samples,)
        What all fits leave, V.
    known : ndarray of bool, shape (samples,)
        Samples that were measured.
    fs : float
        Hz.
    """
    if not has_room(until, fs):
        return None
    design = make_design(onsets, fs, rest.size, shape_knots(until, fs, onsets.size))
    squares = rest[design.samples] ** 2 + (0.0 if shapes is None else shapes.variance(design))
    seen = known[design.samples].astype(float)
    late = _means(design.pulse, squares, seen * (design.phase >= LATE * until), onsets.size)
    told = np.isfinite(late)
    if told.sum() < FEWEST:
        return None
    late = np.where(told, late, np.median(late[told]))
    least = LEAST_SHARE * float(np.mean(late)) + 1e-300
    around = np.convolve(np.pad(late, BELL.size // 2, mode="reflect"), BELL, "valid")
    weight = (told / np.maximum(around, least) ** 2)[design.pulse] * seen
    width = max(BIN, 2 / fs)
    first = float(design.knots[0])
    place = ((design.phase - first) / width).astype(np.int64)
    count = int(place.max(initial=0)) + 1
    excess = _means(place, squares - late[design.pulse], weight, count)
    there = np.flatnonzero(np.isfinite(excess))
    smooth = np.convolve(np.pad(excess[there], 1, mode="edge"), [0.25, 0.5, 0.25], "valid")
    times = np.asarray(first + width * (there + 0.5), dtype=np.float64)
    return Unfollowed(times, np.maximum(smooth, 0.0))


def _means(group: NDArray[np.int64], values: Array, weight: Array, count: int) -> Array:
    """Weighted mean of every group; NaN where nothing counts."""
    total = np.bincount(group, weight, minlength=count)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.bincount(group, weight * values, minlength=count) / total)
