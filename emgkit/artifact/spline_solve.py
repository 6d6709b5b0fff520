"""Penalised least squares for a response that changes with several courses; its smoothness is learned from the signal.

The coefficients of every course have a Gaussian prior on their second differences, whose variance is learned along
the phase by expectation and maximisation, and those of all courses but the constant one a prior on their size, learned
from what exceeds the fits to courses that hold only noise (empirical Bayes: Efron and Morris 1973, J Am Stat Assoc
68:117). So knots may be closer than the samples, and a course that is not needed vanishes.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_basis import DEGREE

__all__ = ["CourseFit", "fit_courses", "fit_plainly"]

Array = NDArray[np.float64]

EM_STEPS = 4
SIZE_STEPS = 3
BEND_REACH, SIZE_REACH = 3, 6  # coefficients on either side over which prior variances are pooled
LEAST_BENDING = 1e-9  # of the largest prior variance
LEAST_PRIOR = 1e-6  # of the noise variance
RIDGE = 1e-9
TINY = 1e-30
PLAIN = 1e-4


@dataclass(frozen=True, eq=False)
class CourseFit(FrozenValue):
    """Coefficients of the courses.

    Parameters
    ----------
    coefficients : (courses, size) V
    noise : (size,) V², variance of a coefficient of a course that holds only noise: EMG is correlated, and this
        variance knows it
    kept : (courses, size) share of that noise that the priors let through
    """

    coefficients: Array
    noise: Array
    kept: Array


def fit_courses(gram: Array, projected: Array, courses: Array, nulls: Array, weight: Array, bend: Array) -> CourseFit:
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
    """
    rough, mean = _learn_bending(_matrix(np.tensordot(weight, gram, 1)), weight @ projected, bend)
    penalty = _diagonals((bend.T * rough) @ bend)
    both = np.concatenate([courses, nulls], axis=1)
    # before anything is known, a course is as large as the mean response: what no sample determines stays small
    largest = _pooled(mean**2, SIZE_REACH)
    sizes = np.tile(1 / np.maximum(largest, 1e-9 * float(largest.max()) + 1e-300), (both.shape[1], 1))
    sizes[0] = 0.0
    found = _solve(gram, projected, both, weight, penalty, sizes)
    count = courses.shape[1]
    noise = _pooled((found[count:] ** 2).mean(axis=0), SIZE_REACH) if nulls.shape[1] else np.zeros(penalty.shape[1])
    found, kept = found[:count], np.ones((count, penalty.shape[1]))
    for _ in range(SIZE_STEPS if nulls.shape[1] and count > 1 else 0):
        prior = np.maximum(np.stack([_pooled(row**2, SIZE_REACH) for row in found]) - noise, LEAST_PRIOR * noise)
        kept = prior / (prior + noise)
        kept[0] = 1.0
        sizes = 1 / np.maximum(prior, 1e-300)
        sizes[0] = 0.0
        found = _solve(gram, projected, courses, weight, penalty, sizes)
    return CourseFit(found, noise, kept)


def fit_plainly(gram: Array, projected: Array, courses: Array, bend: Array) -> Array:
    """Fit with a trace of a penalty that decides only what is not determined: (courses, size), V."""
    weight = np.ones(len(gram))
    scale = float(gram[:, 0].sum()) / gram.shape[2]
    penalty = _diagonals((bend.T * np.full(len(bend), PLAIN * scale / float(np.abs(bend).max()) ** 2)) @ bend)
    return _solve(gram, projected, courses, weight, penalty, np.zeros((courses.shape[1], gram.shape[2])))


def _learn_bending(normal: Array, right: Array, bend: Array) -> tuple[Array, Array]:
    """One over the prior variance of every second difference, for a noise variance of one, and the mean response."""
    scale = float(np.trace(normal)) / len(normal)
    steep = float(np.abs(bend).max()) ** 2
    start = np.full(len(bend), 1e-6 * scale / steep)
    found = np.linalg.solve(_penalised(normal, bend, start, scale), right)
    variance = np.zeros(len(bend))
    for step in range(EM_STEPS):
        expected = _pooled((bend @ found) ** 2 + variance, BEND_REACH)
        expected = np.maximum(expected, LEAST_BENDING * float(expected.max()) + 1e-300)
        matrix = _penalised(normal, bend, 1 / expected, scale)
        inverse = np.linalg.inv(matrix)
        found = inverse @ right
        if step < EM_STEPS - 1:
            variance = np.einsum("ij,ij->i", bend @ inverse, bend)
    return np.asarray(1 / expected), np.asarray(found)


def _penalised(normal: Array, bend: Array, rough: Array, scale: float) -> Array:
    matrix = normal + (bend.T * rough) @ bend
    matrix[np.diag_indices_from(matrix)] += RIDGE * scale + TINY
    return matrix


def _matrix(diagonals: Array) -> Array:
    """Symmetric matrix from its diagonals, shape (size, size)."""
    out = np.diag(diagonals[0])
    for lag in range(1, DEGREE + 1):
        side = np.diag(diagonals[lag, :-lag], lag)
        out += side + side.T
    return np.asarray(out)


def _diagonals(matrix: Array) -> Array:
    return np.stack([np.pad(np.diag(matrix, lag), (0, lag)) for lag in range(DEGREE + 1)])


def _pooled(values: Array, reach: int) -> Array:
    """Mean over neighbours along the phase."""
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(values, 2 * reach + 1, mode="nearest"))


def _solve(gram: Array, projected: Array, courses: Array, weight: Array, penalty: Array, sizes: Array) -> Array:
    """Solve for all courses at once: the unknowns of one phase lie side by side, so that the matrix is banded."""
    pulses, number = courses.shape
    size = projected.shape[1]
    pairs = (courses[:, :, np.newaxis] * courses[:, np.newaxis, :]).reshape(pulses, -1) * weight[:, np.newaxis]
    blocks = (pairs.T @ gram.reshape(pulses, -1)).reshape(number, number, DEGREE + 1, size)
    same = np.arange(number)
    ridge = RIDGE * float(blocks[same, same, 0].mean()) + TINY
    blocks[same, same] += penalty
    blocks[same, same, 0] += sizes
    bands = np.zeros(((DEGREE + 1) * number, size, number))
    for lag in range(DEGREE + 1):
        for first in range(number):
            low = first if lag == 0 else 0
            rows = lag * number + np.arange(low, number) - first
            bands[rows, :, first] = blocks[first, low:, lag]
    flat = bands.reshape(bands.shape[0], size * number)
    flat[0] += ridge
    right = ((courses * weight[:, np.newaxis]).T @ projected).T.reshape(-1)
    return (
        np.asarray(solveh_banded(flat, right, lower=True, overwrite_ab=True, overwrite_b=True)).reshape(size, number).T
    )
