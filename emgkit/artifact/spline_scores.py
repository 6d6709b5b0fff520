"""Numbers that change from pulse to pulse: told from noise by their size and by their course over the pulses."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve_banded, cholesky_banded

__all__ = ["Shrunk", "shrink"]

Array = NDArray[np.float64]

LEAST_NOISE = 1e-14  # of the largest score's square: a channel without noise, such as a gated one; numerical
UNTOLD = 1e100  # a noise variance from which a score tells nothing
SIGNIFICANT = 3.0  # standard errors that the excess variance must exceed
MEMORIES = (0.5, 0.8, 0.95, 0.99)  # correlation of the predictable part from pulse to pulse
SHARES = (0.0, 0.3, 0.6, 0.85, 1.0)  # of the variance that is predictable


@dataclass(frozen=True, eq=False)
class Shrunk:
    """Scores after shrinkage.

    Parameters
    ----------
    values : (pulses,) posterior means; zero when nothing exceeds the noise
    variances : (pulses,) posterior variances
    variance : float
        Variance of the scores beyond their noise.
    """

    values: Array
    variances: Array
    variance: float


def shrink(scores: Array, noise: Array) -> Shrunk:
    """Shrink scores whose noise variances are known.

    The scores are taken as a sum of a first-order autoregressive course, a part that is new with every pulse, and
    noise; the variances and the memory are those of the highest marginal likelihood on a grid, and the result is the
    posterior mean (empirical Bayes).

    Parameters
    ----------
    scores : ndarray, shape (pulses,)
        One number per pulse.
    noise : ndarray, shape (pulses,)
        Its noise variance.
    """
    if not scores.any():
        return Shrunk(np.zeros_like(scores), np.zeros_like(scores), 0.0)
    noise = np.clip(noise, LEAST_NOISE * float((scores**2).max()), UNTOLD)
    variance = _excess(scores, noise)
    if variance <= 0:
        return Shrunk(np.zeros_like(scores), np.zeros_like(scores), 0.0)
    grid = [*product(MEMORIES, SHARES[1:]), (0.5, 0.0)]
    fits = [_smooth(scores, noise, variance, memory, share) for memory, share in grid]
    best = max(fits, key=lambda fit: fit[0])
    return Shrunk(best[1], best[2], variance)


def _excess(scores: Array, noise: Array) -> float:
    """Variance beyond the noise, from pulses weighted by how much they tell; 0 unless significant."""
    variance = max(float(np.median(scores**2) / 0.455 - np.median(noise)), 0.0)
    error = np.inf
    for _ in range(6):
        weight = 1 / (variance + noise) ** 2
        error = float(np.sqrt(2 * (weight**2 * (variance + noise) ** 2).sum()) / weight.sum())
        variance = max(float((weight * (scores**2 - noise)).sum() / weight.sum()), 0.0)
    return variance if variance > SIGNIFICANT * error else 0.0


def _smooth(scores: Array, noise: Array, variance: float, memory: float, share: float) -> tuple[float, Array, Array]:
    """Log likelihood, posterior means and variances of the scores."""
    fresh = variance * (1 - share)
    total = fresh + noise
    course, spread, logdet = np.zeros_like(scores), np.zeros_like(scores), 0.0
    if share > 0:
        course, spread, logdet = _autoregressive(scores, total, variance * share, memory)
    rest = scores - course
    likelihood = -0.5 * (float((rest * scores / total).sum()) + float(np.log(total).sum()) + logdet)
    keep = fresh / total
    return likelihood, course + keep * rest, keep * noise + (1 - keep) ** 2 * spread


def _autoregressive(scores: Array, total: Array, variance: float, memory: float) -> tuple[Array, Array, float]:
    """Posterior mean and variance of the course, and the log determinant that its precision adds."""
    count = scores.size
    new = variance * (1 - memory**2)
    bands = np.zeros((2, count))
    bands[0] = (1 + memory**2) / new
    bands[0, [0, -1]] = 1 / new
    bands[1, :-1] = -memory / new
    prior = -(count - 1) * np.log(new) - np.log(variance)
    bands[0] += 1 / total
    lower = cholesky_banded(bands, lower=True)
    mean = cho_solve_banded((lower, True), scores / total)
    # diagonal of the inverse of a tridiagonal matrix, from its pivots in either direction
    backward = cholesky_banded(np.stack([bands[0, ::-1], np.append(bands[1, -2::-1], 0.0)]), lower=True)[0, ::-1]
    spread = 1 / (lower[0] ** 2 + backward**2 - bands[0])
    return np.asarray(mean), np.asarray(spread), 2 * float(np.log(lower[0]).sum()) - prior
