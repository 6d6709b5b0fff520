"""How rough a response may be along the phase: the prior of its second differences, learned from the signal."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded
from scipy.ndimage import uniform_filter1d

from emgkit.artifact.spline_basis import DEGREE

__all__ = ["RIDGE", "TINY", "bending_penalty", "learn_bending", "learn_on", "pooled"]

Array = NDArray[np.float64]

EM_STEPS = 4
ON_STEPS, MOST_STEP, LEAST_TOLD = 8, 10.0, 0.02  # steps of the fixed point, their largest factor, share told at least
BEND_REACH = 3  # coefficients on either side over which prior variances are pooled
LEAST_BENDING = 1e-9  # of the largest prior variance
RIDGE = 1e-9
TINY = 1e-30
LEAST_SQUARE = 1e-60  # (V/s²)²: a channel without any signal bends less


def learn_bending(normal: Array, right: Array, bend: Array, rough: Array | None) -> tuple[Array, Array]:
    """One over the prior variance of every second difference, for a noise variance of one, and the mean response.

    The normal matrix is given by its diagonals, (4, size).
    """
    scale, weights = float(normal[0].mean()), _three(bend)
    if rough is None:
        rough = np.full(len(bend), 1e-6 * scale / float(np.abs(bend).max()) ** 2)
        rough = _roughness(_solved(_penalised(normal, bend, rough, scale), right), np.zeros(len(bend)), bend)
        steps = EM_STEPS - 1
    else:
        steps = 1
    for _ in range(steps):
        inverse = _solved(_penalised(normal, bend, rough, scale), np.eye(right.size))
        rough = _roughness(inverse @ right, _bending_variance(inverse, weights), bend)
    return rough, _solved(_penalised(normal, bend, rough, scale), right)


def _bending_variance(inverse: Array, weights: Array) -> Array:
    """Posterior variance of every second difference, for a noise variance of one."""
    places, variance = np.arange(weights.shape[1]), np.zeros(weights.shape[1])
    for one in range(3):
        for other in range(3):
            variance += weights[one] * weights[other] * inverse[places + one, places + other]
    return variance


def learn_on(normal: Array, right: Array, bend: Array) -> tuple[Array, Array]:
    """Give the same as `learn_bending`, learned to the end: two responses cost twice the noise where they are rough.

    By the fixed point of MacKay (1992, Neural Comput 4:415), which comes to smooth parts faster than expectation and
    maximisation do; pooled over neighbours, and with bounded steps.
    """
    scale, weights = float(normal[0].mean()), _three(bend)
    rough, _ = learn_bending(normal, right, bend, None)
    for _ in range(ON_STEPS):
        inverse = _solved(_penalised(normal, bend, rough, scale), np.eye(right.size))
        mean = inverse @ right
        told = pooled(np.clip(1 - _bending_variance(inverse, weights) * rough, 0.0, 1.0), BEND_REACH)
        found = pooled((bend @ mean) ** 2, BEND_REACH) / np.maximum(told, LEAST_TOLD)
        found = np.clip(found, 1 / (MOST_STEP * rough), MOST_STEP / rough)
        rough = 1 / np.maximum(found, LEAST_BENDING * float(found.max()) + LEAST_SQUARE)
    return rough, _solved(_penalised(normal, bend, rough, scale), right)


def _three(bend: Array) -> Array:
    """Weights of the three coefficients of every second difference, (3, differences)."""
    return np.stack([np.diagonal(bend, lag) for lag in range(3)])


def _solved(diagonals: Array, right: Array) -> Array:
    return np.asarray(solveh_banded(diagonals, right, lower=True, check_finite=False), dtype=np.float64)


def _roughness(found: Array, variance: Array, bend: Array) -> Array:
    expected = pooled((bend @ found) ** 2 + variance, BEND_REACH)
    return np.asarray(1 / np.maximum(expected, LEAST_BENDING * float(expected.max()) + LEAST_SQUARE))


def _penalised(normal: Array, bend: Array, rough: Array, scale: float) -> Array:
    diagonals = normal + bending_penalty(bend, rough)
    diagonals[0] += RIDGE * scale + TINY
    return np.asarray(diagonals)


def bending_penalty(bend: Array, rough: Array) -> Array:
    """Diagonals of the penalty on second differences, (4, size)."""
    weights, count = _three(bend), len(bend)
    out = np.zeros((DEGREE + 1, bend.shape[1]))
    for one in range(3):
        for other in range(one + 1):
            out[one - other, other : other + count] += rough * weights[one] * weights[other]
    return out


def pooled(values: Array, reach: int) -> Array:
    """Mean of variances over neighbours along the phase, the last axis."""
    found = uniform_filter1d(values, 2 * reach + 1, axis=-1, mode="nearest")
    return np.asarray(np.maximum(found, 0.0))  # it adds and takes away: beside large values rounding is negative
