"""Penalised least squares for a response that changes with several courses; its smoothness is learned from the signal.

The coefficients of every course have a Gaussian prior on their second differences, whose variance is learned along
the phase by expectation and maximisation, and those of all courses but the constant one a prior on their size, learned
from what exceeds the fits to courses that hold only noise (empirical Bayes: Efron and Morris 1973, J Am Stat Assoc
68:117). So knots may be closer than the samples, and a course that is not needed vanishes.
"""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, solveh_banded

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_basis import DEGREE
from emgkit.artifact.spline_bending import RIDGE, TINY, bending_penalty, learn_bending, learn_on, pooled
from emgkit.artifact.spline_mean import fit_mean

__all__ = ["CourseCurves", "CourseFit", "fit_courses", "fit_plainly"]

Array = NDArray[np.float64]

SIZE_STEPS = 3
SIZE_REACH = 6  # coefficients on either side over which prior variances are pooled
LEAST_PRIOR = 1e-6  # of the noise variance
LEAST_KEPT = 1e-5  # share of a course's noise, everywhere below which there is no such course
STRONGER = 1e4  # times the ridge
PLAIN, PLAIN_NOISE = 1e-4, 1e-4


@dataclass(frozen=True, eq=False)
class CourseFit(FrozenValue):
    """Coefficients of the courses.

    Parameters
    ----------
    coefficients : (courses, size) V
    noise : (courses, size) V², variance of a coefficient of a course that holds only noise: EMG is correlated, and this
        variance knows it
    kept : (courses, size) share of that noise that the priors let through
    rough : (size - 2,) or (2, size - 2) one over the prior variance of the second differences, for a noise variance of
        one; of what turns over with the polarity, too
    sizes : (courses, size) one over the prior variance of the coefficients, 1/V²
    """

    coefficients: Array
    noise: Array
    kept: Array
    rough: Array
    sizes: Array


@dataclass(frozen=True, eq=False)
class CourseCurves(FrozenValue):
    """What is kept of a fit: the courses that hold something.

    Parameters
    ----------
    lives : (lives,) int, which courses those are
    coefficients : (lives, size) V
    variances : (lives, size) V², single precision
    """

    lives: NDArray[np.int64]
    coefficients: Array
    variances: NDArray[np.float32]

    @classmethod
    def of(cls, fit: CourseFit) -> CourseCurves:
        """Keep what renders a fit."""
        lives = np.flatnonzero(fit.coefficients.any(axis=1))
        return cls(lives, fit.coefficients[lives], (fit.kept[lives] * fit.noise[lives]).astype(np.float32))


def fit_courses(
    gram: Array,
    projected: Array,
    courses: Array,
    nulls: Array,
    weight: Array,
    bend: Array,
    start: CourseFit | None = None,
    turning: NDArray[np.bool_] | None = None,
    learned: tuple[Array, Array] | None = None,
) -> CourseFit:
    """Fit one channel.

    Parameters
    ----------
    gram : ndarray, shape (pulses, 4, size)
        From `PhaseDesign.gram`.
    projected : ndarray, shape (pulses, size)
        From `PhaseDesign.project`.
    courses, nulls : ndarray, shape (pulses, courses), (pulses, nulls)
        What the response may follow, and what holds only noise.
    weight : ndarray, shape (pulses,)
        One over the variance of the noise about each pulse, 1/V².
    bend : ndarray
        From `bend_operator`.
    start : CourseFit, optional
        An earlier fit to nearly the same: learning goes on from there.
    turning : ndarray of bool, shape (courses,), optional
        Courses that turn over with the polarity of the pulses. They bend as the polarity itself does, which is the
        second course and of any size.
    learned : tuple of ndarray, optional
        Other ``gram`` and ``projected`` from which to learn roughness.
    """
    known = None if start is None or start.sizes.shape[0] != courses.shape[1] else start
    count, free = courses.shape[1], 1 if turning is None else 2
    told, seen = (gram, projected) if learned is None else learned
    if turning is None:
        normal = np.tensordot(weight, told, 1)
        rough, mean = learn_bending(normal, weight @ seen, bend, None if known is None else known.rough)
        penalties, kinds = [bending_penalty(bend, rough)], np.zeros(count, dtype=np.int64)
        penalty = penalties[0][:, :, np.newaxis]
    else:
        rough, mean = _learn_beside(told, seen, courses[:, :free], weight, bend)
        penalties, kinds = [bending_penalty(bend, one) for one in rough], turning.astype(np.int64)
        penalty = np.stack(penalties, axis=2)[:, :, kinds]
    unknown = _unknown(mean)
    sizes = _first_sizes(unknown, courses, free) if known is None else known.sizes
    alive = np.arange(count) if known is None else np.flatnonzero(_lives(known.kept))
    problem = _Courses(gram, projected, courses[:, alive], weight)
    found = problem.solve(_own(penalty, alive), sizes[alive])
    noise = np.zeros((count, bend.shape[1]))
    if nulls.shape[1]:
        left = projected - _times(gram, courses[:, alive] @ found)
        each = [(_each(gram, left, nulls, weight, one, unknown) ** 2).mean(axis=0) for one in penalties]
        noise = np.stack([pooled(one, SIZE_REACH) for one in each])[kinds]
    kept = np.ones(noise.shape)
    steps = SIZE_STEPS if known is None else 1
    for _ in range(steps if nulls.shape[1] and count > 1 else 0):
        prior = np.full(kept.shape, LEAST_PRIOR) * noise + 1e-300
        prior[alive] = np.maximum(pooled(found**2, SIZE_REACH) - noise[alive], prior[alive])
        kept = prior / (prior + noise)
        kept[:free] = 1.0
        sizes = 1 / prior
        sizes[:free] = 0.0
        lives = _lives(kept[alive])
        alive, problem = alive[lives], problem.reduced(lives)
        found = problem.solve(_own(penalty, alive), sizes[alive])
    coefficients = np.zeros(kept.shape)
    coefficients[alive] = found
    return CourseFit(coefficients, noise, kept, rough, sizes)


def _own(penalty: Array, alive: NDArray[np.int64]) -> Array:
    """Give the penalties of some courses, (4, size, courses), or the one of all."""
    return penalty if penalty.shape[2] == 1 else penalty[:, :, alive]


def _lives(kept: Array) -> NDArray[np.bool_]:
    return np.asarray(kept.max(axis=1) > LEAST_KEPT)


def fit_plainly(gram: Array, projected: Array, courses: Array, bend: Array, free: int = 1) -> Array:
    """Fit with a trace of a penalty that decides only what is not determined: (courses, size), V."""
    weight = np.ones(len(gram))
    scale = float(gram[:, 0].sum()) / gram.shape[2]
    penalty = bending_penalty(bend, np.full(len(bend), PLAIN * scale / float(np.abs(bend).max()) ** 2))
    steady = np.ones((len(gram), 1))
    mean = _Courses(gram, projected, steady, weight).solve(penalty[:, :, np.newaxis], np.zeros((1, gram.shape[2])))[0]
    for course in courses[:, 1:free].T:
        turned = projected * course[:, np.newaxis]
        mean = np.hypot(
            mean,
            _Courses(gram, turned, steady, weight).solve(penalty[:, :, np.newaxis], np.zeros((1, gram.shape[2])))[0],
        )
    noise = PLAIN_NOISE * float((mean**2).mean())
    sizes = noise * _first_sizes(_unknown(mean), courses, free)
    return _Courses(gram, projected, courses, weight).solve(penalty[:, :, np.newaxis], sizes)


def _unknown(mean: Array) -> Array:
    """One over the prior variance of coefficients before anything is known: as large as those of the mean response."""
    largest = pooled(mean**2, SIZE_REACH)
    return np.asarray(1 / np.maximum(largest, 1e-9 * float(largest.max()) + 1e-300))


def _first_sizes(unknown: Array, courses: Array, free: int) -> Array:
    """No course adds more than the mean response to any pulse: what no sample determines stays small."""
    sizes = (courses**2).max(axis=0)[:, np.newaxis] * unknown
    sizes[:free] = 0.0
    return np.asarray(sizes)


def _learn_beside(gram: Array, projected: Array, courses: Array, weight: Array, bend: Array) -> tuple[Array, Array]:
    """Give the same for the constant and the polarity, both (2, ...), and the size of their means together.

    Pulses fall anywhere between samples, so that what turns over does not cancel in the mean: either is learned from
    what the other one leaves, which pulses of one polarity alone tell first.
    """
    over = courses[:, 1]
    sides = [fit_mean(gram, projected, weight * (side * over > 0), bend) for side in (1.0, -1.0)]
    turning = (sides[0] - sides[1]) / (over.max() - over.min())
    means, rough = np.stack([sides[0] - over.max() * turning, turning]), np.zeros((2, len(bend)))
    for number, course in enumerate(courses.T):
        others = np.outer(courses[:, 1 - number], means[1 - number])
        normal, right = (
            np.tensordot(weight * course**2, gram, 1),
            (weight * course) @ (projected - _times(gram, others)),
        )
        rough[number], means[number] = learn_on(normal, right, bend)
    return rough, np.sqrt((means**2).sum(axis=0))


def _times(gram: Array, coefficients: Array) -> Array:
    """Every pulse's matrix times its coefficients, (pulses, size)."""
    out = gram[:, 0] * coefficients
    for lag in range(1, DEGREE + 1):
        side = gram[:, lag, :-lag]
        out[:, :-lag] += side * coefficients[:, lag:]
        out[:, lag:] += side * coefficients[:, :-lag]
    return np.asarray(out)


def _each(gram: Array, left: Array, nulls: Array, weight: Array, penalty: Array, sizes: Array) -> Array:
    """Fit every null by itself to what the courses leave, (nulls, size): they are orthogonal and alike."""
    matrix = np.tensordot(weight, gram, 1) + penalty
    matrix[0] += sizes + RIDGE * float(matrix[0].mean()) + TINY
    return np.asarray(solveh_banded(matrix, ((nulls * weight[:, np.newaxis]).T @ left).T, lower=True).T)


class _Courses:
    """Normal equations of all courses at once: the unknowns of one phase lie side by side, so that they are banded."""

    def __init__(self, gram: Array, projected: Array, courses: Array, weight: Array) -> None:
        pulses, number = courses.shape
        first, other = np.triu_indices(number)
        weighted = courses * weight[:, np.newaxis]
        pairs = courses[:, first] * weighted[:, other]
        upper = (pairs.T @ gram.reshape(pulses, -1)).reshape(-1, DEGREE + 1, projected.shape[1])
        self.blocks = np.empty((number, number, *upper.shape[1:]))
        self.blocks[first, other] = self.blocks[other, first] = upper
        self.right = weighted.T @ projected
        self.ridge = RIDGE * float(np.trace(self.blocks[:, :, 0]).mean()) / number + TINY

    def reduced(self, chosen: NDArray[np.bool_]) -> _Courses:
        """Give the equations of some courses only."""
        if chosen.all():
            return self
        out = copy(self)
        out.blocks, out.right = self.blocks[np.ix_(chosen, chosen)], self.right[chosen]
        return out

    def _bands(self) -> Array:
        """Lower diagonals of the whole matrix, (lags, size, courses)."""
        number, size = self.right.shape
        first, other = np.triu_indices(number)
        apart = first != other
        out = np.zeros(((DEGREE + 1) * number, size, number))
        for lag in range(DEGREE + 1):
            out[lag * number + other - first, :, first] = self.blocks[first, other, lag]
            if lag:
                out[lag * number + (first - other)[apart], :, other[apart]] = self.blocks[first, other, lag][apart]
        return out

    def solve(self, penalty: Array, sizes: Array) -> Array:
        """Coefficients, (courses, size), with penalties on bends and one over the prior variance of sizes."""
        number, size = self.right.shape
        bands = self._bands()
        bands[::number] += penalty
        bands[0] += sizes.T + self.ridge
        flat, right = bands.reshape(bands.shape[0], -1), self.right.T.reshape(-1)
        try:
            found = solveh_banded(flat, right, lower=True, check_finite=False)
        except LinAlgError:  # courses so much alike that rounding decides
            flat[0] += STRONGER * self.ridge
            found = solveh_banded(flat, right, lower=True, check_finite=False)
        return np.asarray(found).reshape(size, number).T
