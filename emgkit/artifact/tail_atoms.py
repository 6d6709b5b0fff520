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

STEP = 0.5  # of the logarithm of the time constants
TAUS = 0.45e-3 * np.exp(STEP * np.arange(13))  # s, up to 180 ms
FUZZ = STEP / np.sqrt(12)  # SD of log tau within a step
LEVEL = 0.3  # SD of the level over that of an exponential
NEGLIGIBLE = 1e-4  # share of the probability that is not followed further


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
    """Log evidence that every subset adds, less the logarithm of how many there are, (onsets, subsets)."""
    if not subsets.shape[1]:
        return np.zeros((rest.shape[0], 1))
    columns = np.concatenate([subsets, subsets + TAUS.size], axis=1)
    matrix = rest[:, columns[:, :, np.newaxis], columns[:, np.newaxis, :]] + np.eye(columns.shape[1])
    right = seen[:, columns]
    solved = np.linalg.solve(matrix, right[..., np.newaxis])[..., 0]
    gain = 0.5 * (right * solved).sum(axis=2) - 0.5 * np.linalg.slogdet(matrix)[1]
    return np.asarray(gain - np.log(len(subsets)))


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
        np.add.at(mean, columns, share[:, np.newaxis] * middle)
        np.add.at(gain, place, share[:, np.newaxis, np.newaxis] * spread)
        outer = middle[:, :, np.newaxis] * middle[:, np.newaxis, :]
        np.add.at(second, place, share[:, np.newaxis, np.newaxis] * (spread + outer))
    mean, gain, second = mean / weight, gain / weight, second / weight
    units = np.outer(scale, scale)
    return Moments(weight, units * gain, units * (second - np.outer(mean, mean)))
