"""Courses of responses whose artifact turns over with the polarity of the pulses, and what does not turn with it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_time import NULLS, NamedCourses, named_courses, null_courses, orthonormal

__all__ = ["SegmentCourses", "earlier_polarities", "segment_courses"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

OWN = 0.1  # of its size, that a course which turns over must have beside those that do not
FEWEST = 5  # pulses of either polarity in a segment, else nothing is known to turn over
MANY = 6 * NULLS  # courses from which those are taken that hold only noise


@dataclass(frozen=True, eq=False)
class SegmentCourses(FrozenValue):
    """Courses of a segment.

    Parameters
    ----------
    smooth : (pulses, courses), what the response may follow
    nulls : (pulses, nulls), what holds only noise
    upright : (pulses, courses), the part of every course that does not turn over with the polarity
    turning : (courses,) bool, or None
        Which of them turn over; None where none does.
    """

    smooth: Array
    nulls: Array
    upright: Array
    turning: NDArray[np.bool_] | None = None

    @property
    def times(self) -> int:
        """How many courses there are for one of a response that does not turn over."""
        return 1 if self.turning is None else 2


def earlier_polarities(polarity: Array, train: Indices, count: int) -> list[Array]:
    """Polarities of so many pulses before each, (pulses,): their tails lie under its response; 0 before a train."""
    out = []
    for step in range(1, count + 1):
        one = np.zeros(polarity.size)
        same = train[step:] == train[:-step]
        one[step:][same] = polarity[:-step][same]
        out.append(one)
    return out


def segment_courses(
    onsets: Array, train: Indices, known: list[Array], alone: int, level: Array, turning: list[Array]
) -> SegmentCourses:
    """Give the courses of `smooth_courses`, and each of them once more with the polarity of the pulses.

    The constant and the polarity come first. What only the first pulses of trains have counts as not turning.

    Parameters
    ----------
    onsets, train, known, alone, level
        As in `smooth_courses`.
    turning : list of ndarray, shape (pulses,)
        Polarity, 1 or −1, and `earlier_polarities`; empty where it does not change.
    """
    plain = named_courses(onsets, train, known, alone, level)
    if not turning or min((turning[0] > 0).sum(), (turning[0] < 0).sum()) < FEWEST:
        smooth = orthonormal(plain.every)
        return SegmentCourses(smooth, null_courses(onsets.size, smooth), smooth)
    courses, upright = _interleaved(plain, turning[0], turning[1:])
    smooth = orthonormal(courses)
    raw = np.stack(courses, axis=1)
    back = np.linalg.lstsq(raw, smooth, rcond=None)[0]
    standing = raw[:, upright] @ back[upright]
    turns = (standing**2).sum(axis=0) < 0.5 * (smooth**2).sum(axis=0)
    turns[1] = True
    return SegmentCourses(smooth, _nulls(onsets.size, smooth), standing, turns)


def _interleaved(plain: NamedCourses, polarity: Array, earlier: list[Array]) -> tuple[list[Array], NDArray[np.bool_]]:
    """Give courses in their order of importance, and which of them do not turn over."""
    basis, _ = np.linalg.qr(np.stack(plain.every, axis=1))
    named = [(plain.known[0], True), (polarity, False), *((one, False) for one in earlier)]
    for one in plain.known[1:]:
        named += [(one, True), (polarity * one, False)]
    named += [(one, True) for one in plain.begins]
    for one in plain.smooth:
        named += [(one, True), (polarity * one, False)]
    kept = []
    for course, upright in named:
        if not upright:
            own = course - basis @ (basis.T @ course)
            if np.linalg.norm(own) <= OWN * np.linalg.norm(course):
                continue
            basis = np.column_stack([basis, own / np.linalg.norm(own)])
        kept.append((course, upright))
    return [course for course, _ in kept], np.array([upright for _, upright in kept])


def _nulls(count: int, courses: Array) -> Array:
    """Courses of many rates that hold only noise: those that the courses leave most of, (pulses, nulls)."""
    number = min(NULLS, max((count - courses.shape[1]) // 4, 0))
    rates = np.unique(np.linspace(0.15 * count, 0.95 * count, MANY).astype(np.int64))
    fast = np.cos(np.pi * rates * (np.arange(count) + 0.5)[:, np.newaxis] / count)
    basis = courses / np.sqrt(count)
    left = np.linalg.norm(fast - basis @ (basis.T @ fast), axis=0) / np.linalg.norm(fast, axis=0)
    chosen = fast[:, np.sort(np.argsort(-left, kind="stable")[:number])]
    return orthonormal([*courses.T, *chosen.T])[:, courses.shape[1] :]
