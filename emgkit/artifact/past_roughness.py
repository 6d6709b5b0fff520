"""How rough a spline may be, learned from its normal equations, and the banded systems that it takes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpbsv, dpbtrf, dtbtrs
from scipy.ndimage import uniform_filter1d

from emgkit.artifact.spline_basis import DEGREE

__all__ = ["TINY", "learn_roughness", "penalty_on", "solved", "with_penalty"]

Array = NDArray[np.float64]

COLUMNS = 40  # of an inverse at once, so that each begins near its first entry; numerical
STEPS, AGAIN = 6, 2  # towards the roughness that explains the signal best, at first and where it is nearly known
BEND_REACH = 3  # coefficients on either side over which roughness is pooled
LEAST_BENDING = 1e-9  # of the largest prior variance
LEAST_FREE = 0.01  # of a second difference that the samples must determine
LEAST_NOISE = 1e-8  # of the mean square of the signal
LEAST_SHARE = 0.1  # of the samples that are left to tell the noise
START = 1e-6  # weight of the first penalty over that of the samples
RIDGE, TINY = 1e-9, 1e-30
ROUNDING = 1e-12  # of a penalty, which alone has no inverse
ROUGHEST = 1e8  # penalty over the weight of the samples, beyond which nothing gets smoother


def learn_roughness(gram: Array, right: Array, square: float, known: float, bend: Array, rough: Array) -> Array:
    """Weights of the squared second differences, in units of one sample, that explain the signal best.

    Parameters
    ----------
    gram, right : ndarray, shape (4, size), (size,)
        The normal equations.
    square, known : float
        Sum of the squares of the samples, V², and their number.
    bend : ndarray, shape (size - 2, size)
        From `bend_operator`.
    rough : ndarray, shape (size - 2,)
        Weights to begin with; zeros for none.

    Notes
    -----
    The fixed point of MacKay (1992, Neural Comput 4:415): a prior variance is the square of what was found over the
    share of it that the samples determine, both pooled over neighbours along the phase. The noise variance is what
    the fit leaves, over the samples that it leaves free.
    """
    scale = float(gram[0].mean())
    most = ROUGHEST * scale / (bend**2).max(axis=1)
    if not square > 0:
        return most
    right = right / np.sqrt(square / known)
    steps = AGAIN if rough.any() else STEPS
    if not rough.any():
        rough = np.full(len(bend), START * scale / float(np.abs(bend).max()) ** 2)
    for _ in range(steps):
        inverse = _inverse(with_penalty(gram, penalty_on(bend, rough)))
        found = inverse @ right
        left = known - 2 * found @ right + _trace(gram, np.outer(found, found))
        free = max(known - _trace(gram, inverse), LEAST_SHARE * known)
        noise = max(left / free, LEAST_NOISE)
        determined = np.clip(1 - rough * _bent(bend, inverse), 0.0, 1.0)
        size = _pooled((bend @ found) ** 2) / np.maximum(_pooled(determined), LEAST_FREE)
        rough = np.minimum(noise / np.maximum(size, LEAST_BENDING * float(size.max()) + TINY), most)
    return np.asarray(rough)


def _pooled(values: Array) -> Array:
    return np.asarray(uniform_filter1d(values, 2 * BEND_REACH + 1, mode="nearest"))


def penalty_on(bend: Array, rough: Array) -> tuple[Array, ...]:
    """Give what is added to the diagonals, each (size - 2,): thrice to the main one, twice and once to the next.

    Each row of ``bend`` has three entries on its diagonal.
    """
    first, second, third = (np.diagonal(bend, lag)[: len(bend)] for lag in range(3))
    begun, middle = rough * first, rough * second
    return begun * first, middle * second, rough * third * third, begun * second, middle * third, begun * third


def with_penalty(gram: Array, penalty: tuple[Array, ...]) -> Array:
    """Diagonals of the matrix of the fit, (4, size)."""
    out, number = gram.copy(), penalty[0].size
    for step in range(3):
        out[0, step : step + number] += penalty[step]
    out[1, :number] += penalty[3]
    out[1, 1 : 1 + number] += penalty[4]
    out[2, :number] += penalty[5]
    out[0] *= 1 + ROUNDING
    out[0] += RIDGE * gram[0].mean()
    out[0] += TINY
    return out


def solved(diagonals: Array, right: Array) -> Array:
    """Solve a positive definite banded system; the rows of ``diagonals`` are those below the main one."""
    _, found, failed = dpbsv(diagonals, right, lower=1)
    if failed:
        raise np.linalg.LinAlgError("the normal equations are not positive definite")
    return np.asarray(found)


def _inverse(diagonals: Array) -> Array:
    """Give the inverse of such a matrix: the same bits as `solved` for unit vectors, whose zeros it passes over."""
    factor, failed = dpbtrf(diagonals, lower=1)
    if failed:
        raise np.linalg.LinAlgError("the normal equations are not positive definite")
    out = np.eye(diagonals.shape[1], order="F")
    for low in range(0, len(out), COLUMNS):
        part = slice(low, low + COLUMNS)
        out[low:, part], _ = dtbtrs(factor[:, low:], out[low:, part], uplo="L")
    found, _ = dtbtrs(factor, out, uplo="L", trans="T", overwrite_b=1)
    return np.asarray(found)


def _trace(diagonals: Array, matrix: Array) -> float:
    """Trace of the product of a banded matrix with a symmetric one."""
    total = float(diagonals[0] @ np.diag(matrix))
    for lag in range(1, DEGREE + 1):
        total += 2 * float(diagonals[lag, :-lag] @ np.diag(matrix, lag))
    return total


def _bent(bend: Array, matrix: Array) -> Array:
    """Diagonal of ``bend @ matrix @ bend.T``."""
    number, out = len(bend), np.zeros(len(bend))
    for left in range(3):
        for right in range(3):
            begin = min(left, right)
            variance = np.diagonal(matrix, right - left)[begin : begin + number]
            out += np.diagonal(bend, left)[:number] * np.diagonal(bend, right)[:number] * variance
    return out
