"""How a response may change from pulse to pulse: smooth functions of the pulse number, and segments of pulses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from emgkit._checks import FrozenValue

__all__ = [
    "NamedCourses",
    "Segment",
    "level_courses",
    "make_segments",
    "named_courses",
    "null_courses",
    "orthonormal",
    "recruitment_courses",
    "smooth_courses",
]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

PERIOD = 1.25  # s per course: the fastest smooth change swings once in about twice this time
FEWEST_PER_COURSE = 20  # pulses per course
MOST_COURSES = 14
SEGMENT = 16.0  # s, and at least so many pulses:
SEGMENT_PULSES = 150
SHARED = 0.25  # of a segment that it shares with either neighbour
NULLS = 8
CURVE_STEP, CURVE_PIECES = 0.3, 10  # in the logarithm: pieces of a recruitment curve, and at most so many; unverified
LEAST_CURRENT = 0.05  # of the largest: less evokes nothing
ONSETS = (1.0, 6.0)  # pulses over which the beginning of a train fades


@dataclass(frozen=True, eq=False)
class Segment(FrozenValue):
    """Pulses that are fitted together.

    Parameters
    ----------
    pulses : (pulses,) numbers
    share : (pulses,) share of this segment in the response of each; the shares of all segments add up to one
    """

    pulses: Indices
    share: Array


def make_segments(onsets: Array, window: float = SEGMENT) -> list[Segment]:
    """Cut pulses into segments of about ``window`` s that overlap, with shares that rise and fall linearly."""
    count = onsets.size
    rate = 1 / float(np.median(np.diff(onsets))) if count > 1 else 1.0
    width = max(SEGMENT_PULSES, round(window * rate))
    if count <= 1.4 * width:
        return [Segment(np.arange(count), np.ones(count))]
    step = (1 - SHARED) * width
    number = max(round((count - width) / step), 1) + 1
    begins = np.round(np.linspace(0, count - width, number)).astype(np.int64)
    place = np.arange(count, dtype=float)
    edges = np.stack([begins, begins + width], axis=1).astype(float)
    shares = []
    for index in range(number):
        rise = np.ones(count) if index == 0 else _ramp(place, edges[index, 0], edges[index - 1, 1])
        fall = np.ones(count) if index == number - 1 else 1 - _ramp(place, edges[index + 1, 0], edges[index, 1])
        shares.append(np.minimum(rise, fall) * ((place >= edges[index, 0]) & (place < edges[index, 1])))
    return [
        Segment(np.arange(b, b + width), share[b : b + width].copy()) for b, share in zip(begins, shares, strict=True)
    ]


def _ramp(place: Array, low: float, high: float) -> Array:
    return np.clip((place + 0.5 - low) / max(high - low, 1.0), 0.0, 1.0)


@dataclass(frozen=True, eq=False)
class NamedCourses:
    """Courses over the pulses of a segment, each (pulses,).

    Parameters
    ----------
    known : list
        The constant and what is known beforehand.
    begins : list
        Of the first pulses of trains.
    smooth : list
        Slow changes.
    """

    known: list[Array]
    begins: list[Array]
    smooth: list[Array]

    @property
    def every(self) -> list[Array]:
        """All of them in their order."""
        return [*self.known, *self.begins, *self.smooth]


def smooth_courses(
    onsets: Array, train: Indices, known: list[Array], alone: int = 1, level: Array | None = None
) -> Array:
    """Courses over the pulses of a segment, (pulses, courses): constant, known courses, train onsets, polynomials.

    Parameters
    ----------
    onsets : ndarray, shape (pulses,)
        s.
    train : ndarray of int, shape (pulses,)
        Train of each pulse.
    known : list of ndarray, shape (pulses,)
        Courses that are known or were estimated, such as the current or the size of the artifact.
    alone : int
        So many pulses at the beginning of a train have a course each: what earlier pulses add is not there yet.
    level : ndarray, shape (pulses,), optional
        Share of the full response that each pulse evokes: what evokes nothing cannot change slowly either.
    """
    return orthonormal(named_courses(onsets, train, known, alone, level).every)


def named_courses(
    onsets: Array, train: Indices, known: list[Array], alone: int = 1, level: Array | None = None
) -> NamedCourses:
    """Give the courses as they are, before they are made orthogonal, see `smooth_courses`."""
    count = onsets.size
    length = count * float(np.median(np.diff(onsets))) if count > 1 else 0.0
    number = int(np.clip(min(length / PERIOD, count / FEWEST_PER_COURSE), 0, MOST_COURSES))
    place = np.linspace(-1, 1, count) if count > 1 else np.zeros(count)
    constant, *smooth = np.polynomial.legendre.legvander(place, number).T
    level = constant if level is None else level
    smooth = [level * course for course in smooth]
    if count < 4 * FEWEST_PER_COURSE:
        return NamedCourses([constant, *known], [], smooth)
    since = _since_train(train)
    begins = [(since == number).astype(float) for number in range(alone)]
    return NamedCourses([constant, *known], begins, [*smooth, *(level * np.exp(-since / fade) for fade in ONSETS)])


def recruitment_courses(size: Array) -> list[Array]:
    """Courses that follow a curve of the current, or of the size of the artifact, which is in proportion to it.

    Thresholds spread by shares of themselves, so that the curve has its pieces in the logarithm of the current.
    """
    largest = float(size.max())
    place = np.log(np.maximum(size, LEAST_CURRENT * largest) / largest)
    pieces = int(np.clip(np.ceil(-float(place.min()) / CURVE_STEP), 1, CURVE_PIECES))
    low = float(place.min()) - 1e-9
    knots = np.concatenate([[low] * 2, np.linspace(low, 1e-9, pieces + 1), [1e-9] * 2])
    return list(BSpline.design_matrix(place, knots, 2).toarray().T[1:])


def level_courses(level: Array, sizes: Array) -> list[Array]:
    """Courses of a response of which each pulse evokes a share, and of an artifact in proportion to its size.

    Units with low thresholds answer first, so that the response changes its shape between nothing and all.
    """
    between = level * (1 - level)
    return [level, sizes, between, between * (1 - 2 * level), between * (1 - 2 * level) ** 2]


def _since_train(train: Indices) -> Array:
    """Pulses since the beginning of the train."""
    place = np.arange(train.size)
    starts = np.flatnonzero(np.diff(train, prepend=train[0] - 1) != 0)
    return (place - starts[np.searchsorted(starts, place, side="right") - 1]).astype(float)


def null_courses(count: int, courses: Array) -> Array:
    """Courses that change sign from pulse to pulse, (pulses, nulls): what is fitted to them is noise."""
    number = min(NULLS, max((count - courses.shape[1]) // 4, 0))
    place = np.arange(count) + 0.5
    fast = [np.cos(np.pi * (count - 1 - 3 * step) * place / count) for step in range(number)]
    both = orthonormal([*courses.T, *fast])
    return both[:, courses.shape[1] :]


def orthonormal(courses: list[Array]) -> Array:
    """Make courses orthogonal with a mean square of one, in their order; what adds nothing is left out."""
    kept: list[Array] = []
    for course in courses:
        rest = course.astype(float)
        size = float(np.linalg.norm(rest))
        for _ in range(2):
            for one in kept:
                rest = rest - one * (one @ rest)
        left = float(np.linalg.norm(rest))
        if left > 1e-3 * size:
            kept.append(rest / left)
    return np.stack(kept, axis=1) * np.sqrt(courses[0].size)
