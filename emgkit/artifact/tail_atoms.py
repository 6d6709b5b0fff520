"""The tail of a stimulation artifact: which exponentials, and how likely each choice of them is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.tail_prior import HighPass

__all__ = ["TAUS", "Choices", "Moments", "choose_tails", "moments_of", "tail_basis"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

LEAST_DETERMINANT = 1e-10
STEP = 0.5  # of the logarithm of the time constants
TAUS = 0.45e-3 * np.exp(STEP * np.arange(13))  # s, up to 180 ms
FUZZ = STEP / np.sqrt(12)  # SD of log tau within a step
LEVEL = 0.3  # SD of the level over that of an exponential
NEGLIGIBLE = 1e-3  # share of the probability that is not followed further


def tail_basis(since: Array, high_pass: HighPass) -> Array:
    """Functions that a tail may consist of at times since it began to be seen, s, (times, columns).

    The high-pass's own decays, a level, all exponentials, and the derivative of each in the logarithm of its time
    constant, so that the grid of time constants may be coarse.
    """
    place = np.maximum(since, 0.0)[:, np.newaxis] / TAUS
    decays = np.exp(-place)
    modes = high_pass.modes(np.maximum(since, 0.0))
    return np.concatenate([modes, np.ones((since.size, 1)), decays, FUZZ * place * decays], axis=1)


@lru_cache(maxsize=8)
def _subsets(most: int) -> tuple[Indices, ...]:
    """Subsets of the time constants by their size 0 ... most, each of shape (subsets, size)."""
    places = range(TAUS.size)
    lists = [list(combinations(places, size)) for size in range(most + 1)]
    return tuple(np.array(one, dtype=np.int64).reshape(len(one), size) for size, one in enumerate(lists))


@dataclass(frozen=True, eq=False)
class Choices:
    """Log evidence of every choice of exponentials, for several onsets of the response.

    Parameters
    ----------
    evidence : (onsets, 1 + choices)
        First of no tail at all, then of the high-pass's decays and the level with every subset of the exponentials.
    gram, projected : (onsets, columns, columns), (onsets, columns)
        Normal equations, in units of the prior.
    scale : (columns,)
        Prior SD of every column, V.
    fixed : int
        So many columns first are in every choice.
    most : int
        Largest number of exponentials.
    """

    evidence: Array
    gram: Array
    projected: Array
    scale: Array
    fixed: int
    most: int


def choose_tails(gram: Array, projected: Array, base: Array, amplitude: float, fixed: int, most: int) -> Choices:
    """Weigh all choices of up to ``most`` exponentials.

    Parameters
    ----------
    gram : ndarray, shape (onsets, columns, columns)
        Basis against itself, over the covariance of everything that is not tail.
    projected : ndarray, shape (onsets, columns)
        Basis against the response.
    base : ndarray, shape (onsets,)
        Log evidence without any tail.
    amplitude : float
        Prior SD of an exponential when the tail is first seen, V.
    fixed : int
        Number of columns that are in every choice; the last of them is the level.
    most : int
        Largest number of exponentials.
    """
    scale = np.full(gram.shape[1], amplitude)
    scale[fixed - 1] *= LEVEL
    gram, projected = gram * np.outer(scale, scale), projected * scale
    inner = gram[:, :fixed, :fixed] + np.eye(fixed)
    across = np.linalg.solve(inner, np.concatenate([gram[:, :fixed, fixed:], projected[:, :fixed, np.newaxis]], axis=2))
    rest = gram[:, fixed:, fixed:] - gram[:, fixed:, :fixed] @ across[:, :, :-1]
    seen = projected[:, fixed:] - np.einsum("oaf,of->oa", gram[:, fixed:, :fixed], across[:, :, -1])
    start = base + 0.5 * np.einsum("of,of->o", projected[:, :fixed], across[:, :, -1])
    start -= 0.5 * np.linalg.slogdet(inner)[1]
    found = [_evidence(rest, seen, subsets) for subsets in _subsets(most)]
    evidence = np.concatenate([base[:, np.newaxis], start[:, np.newaxis] + np.concatenate(found, axis=1)], axis=1)
    return Choices(evidence, gram, projected, scale, fixed, most)


def _evidence(rest: Array, seen: Array, subsets: Indices) -> Array:
    """Log evidence that every subset adds, less the logarithm of how many there are, (onsets, subsets).

    An exponential and its derivative are eliminated together, one pair after the other, by what is known in closed
    form of 2 × 2 matrices, so that all subsets are one array.
    """
    number, size = subsets.shape
    blocks = rest.reshape(-1, 2, TAUS.size, 2, TAUS.size).transpose(1, 3, 0, 2, 4)
    vectors = seen.reshape(-1, 2, TAUS.size).transpose(1, 0, 2)
    of = [subsets[:, place] for place in range(size)]
    matrix = {(i, j): blocks[:, :, :, of[i], of[j]] for i in range(size) for j in range(i, size)}
    right = [vectors[:, :, one] for one in of]
    gain = np.full((len(rest), number), -np.log(number))
    for first in range(size):
        (a, b), (_, c) = matrix[first, first]
        a, c = np.maximum(a, 0.0) + 1.0, np.maximum(c, 0.0) + 1.0  # not negative but for rounding
        det = np.maximum(a * c - b * b, LEAST_DETERMINANT * a * c)  # positive but for rounding
        x, y = right[first]
        x, y = (c * x - b * y) / det, (a * y - b * x) / det
        gain += 0.5 * (x * right[first][0] + y * right[first][1] - np.log(det))
        for later in range(first + 1, size):
            (p, q), (r, s) = matrix[first, later]
            right[later] = right[later] - np.stack([p * x + r * y, q * x + s * y])
            for last in range(later, size):
                (t, u), (v, w) = matrix[first, last]
                t, u, v, w = (c * t - b * v) / det, (c * u - b * w) / det, (a * v - b * t) / det, (a * w - b * u) / det
                taken = [[p * t + r * v, p * u + r * w], [q * t + s * v, q * u + s * w]]
                matrix[later, last] = matrix[later, last] - np.array(taken)
    return gain


@dataclass(frozen=True, eq=False)
class Moments:
    """Probability of one onset, and the tail's coefficients given it.

    Parameters
    ----------
    weight : float
    gain : (columns, columns) V²
        From the basis' projection on the response to the mean of the coefficients.
    covariance : (columns, columns) V²
    """

    weight: float
    gain: Array
    covariance: Array


def moments_of(choices: Choices, onset: int, total: float) -> Moments:
    """Average the choices of one onset by their probability; ``total`` is the log evidence of everything."""
    count, scale = choices.scale.size, choices.scale
    mean, second, gain = np.zeros(count), np.zeros((count, count)), np.zeros((count, count))
    shares = np.exp(choices.evidence[onset] - total)
    largest, weight, begin = float(shares.max()), float(shares[0]), 1
    for table in _subsets(choices.most):
        own = shares[begin : begin + len(table)]
        begin += len(table)
        followed = own > NEGLIGIBLE * largest
        if not followed.any():
            continue
        chosen, share = table[followed], own[followed]
        fixed = np.broadcast_to(np.arange(choices.fixed), (len(chosen), choices.fixed))
        columns = np.concatenate([fixed, choices.fixed + chosen, choices.fixed + TAUS.size + chosen], axis=1)
        place = (columns[:, :, np.newaxis], columns[:, np.newaxis, :])
        spread = np.linalg.inv(choices.gram[onset][place] + np.eye(columns.shape[1]))
        middle = np.einsum("scd,sd->sc", spread, choices.projected[onset][columns])
        weight += float(share.sum())
        each, middles = np.zeros((len(chosen), count, count)), np.zeros((len(chosen), count))
        each[np.arange(len(chosen))[:, np.newaxis, np.newaxis], *place] = spread
        np.put_along_axis(middles, columns, middle, axis=1)
        mean += share @ middles
        gain += np.tensordot(share, each, axes=1)
        second += (middles.T * share) @ middles
    second += gain
    mean, gain, second = mean / weight, gain / weight, second / weight
    units = np.outer(scale, scale)
    return Moments(weight, units * gain, units * (second - np.outer(mean, mean)))
