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
    found = _evidence(rest, seen, most)
    evidence = np.concatenate([base[:, np.newaxis], start[:, np.newaxis] + np.concatenate(found, axis=1)], axis=1)
    return Choices(evidence, gram, projected, scale, fixed, most)


def _evidence(rest: Array, seen: Array, most: int) -> list[Array]:
    """Log evidence that every subset adds, less the logarithm of how many there are, by their size, (onsets, subsets).

    An exponential and its derivative are eliminated together, by what is known in closed form of 2 × 2 matrices.
    Subsets grow by one such pair after the other, so that what several have in common is eliminated once.
    """
    blocks = rest.reshape(-1, 2, TAUS.size, 2, TAUS.size).transpose(1, 3, 2, 4, 0)
    every = np.arange(TAUS.size)
    (a, b), (_, c) = blocks[:, :, every, every]
    x, y = seen.reshape(-1, 2, TAUS.size).transpose(1, 2, 0)
    one = _Pair(a, b, c, x, y)
    total = one.gain
    found = [np.zeros((1, len(rest))), total]
    link = taken = blocks
    for size in range(2, most + 1):
        last, before, third = _shorter(size)
        link = (
            blocks[:, :, last, before]
            if size == 2
            else link[:, :, third] - _across(link[:, :, last], taken[:, :, before])
        )
        taken = one.solve(link, last)
        (t, _), (_, w) = less = _across(link, taken)
        x, y = one.x[last], one.y[last]
        one = _Pair(
            one.a[before] - t,
            one.b[before] - less[0][1],
            one.c[before] - w,
            one.x[before] - (taken[0, 0] * x + taken[1, 0] * y),
            one.y[before] - (taken[0, 1] * x + taken[1, 1] * y),
        )
        total = total[last] + one.gain
        found.append(total)
    return [(gains - np.log(len(gains))).T for gains in found[: most + 1]]


class _Pair:
    """The last exponential of every subset and its derivative, given the others: matrix, projection and evidence."""

    def __init__(self, a: Array, b: Array, c: Array, x: Array, y: Array) -> None:
        self.a, self.b, self.c, self.x, self.y = a, b, c, x, y
        first, other = np.maximum(a, 0.0) + 1.0, np.maximum(c, 0.0) + 1.0  # not negative but for rounding
        det = np.maximum(first * other - b * b, LEAST_DETERMINANT * first * other)  # positive but for rounding
        self.inverse = other / det, -b / det, first / det
        p, q, r = self.inverse
        self.gain = 0.5 * (p * x * x + 2 * q * x * y + r * y * y - np.log(det))

    def solve(self, link: Array, places: Indices) -> Array:
        """Inverse of the matrix at places times what links it to others, (2, 2, places, onsets)."""
        p, q, r = (one[places] for one in self.inverse)
        (t, u), (v, w) = link
        return np.array([[p * t + q * v, p * u + q * w], [q * t + r * v, q * u + r * w]])


def _across(left: Array, right: Array) -> Array:
    """Transpose of the left times the right 2 × 2 matrices."""
    (p, q), (r, s) = left
    (t, u), (v, w) = right
    return np.array([[p * t + r * v, p * u + r * w], [q * t + s * v, q * u + s * w]])


@lru_cache(maxsize=8)
def _shorter(size: int) -> tuple[Indices, Indices, Indices]:
    """Places of every subset without its last, its last but one and its last but two among those one shorter."""
    place = {tuple(one): number for number, one in enumerate(_subsets(size)[size - 1].tolist())}
    table = _subsets(size)[size].tolist()
    without = [[place[(*one[: size - lag], *one[size - lag + 1 :])] for one in table] for lag in (1, 2, min(3, size))]
    return tuple(np.array(one, dtype=np.int64) for one in without)  # type: ignore[return-value]


@dataclass(frozen=True, eq=False)
class Moments:
    """The tail's coefficients given one onset.

    Parameters
    ----------
    gain : (columns, columns) V²
        From the basis' projection on the response to the mean of the coefficients.
    covariance : (columns, columns) V²
    """

    gain: Array
    covariance: Array


def moments_of(choices: Choices, onset: int, total: float) -> Moments:
    """Average the choices of one onset by their probability; ``total`` is the log evidence of everything."""
    count, scale = choices.scale.size, choices.scale
    shares = np.exp(choices.evidence[onset] - total)
    followed = np.flatnonzero(shares[1:] > NEGLIGIBLE * float(shares.max()))
    weight, share = float(shares[0]), shares[1:][followed]
    columns = _columns(choices.most, choices.fixed)[followed]
    gram, projected = np.zeros((count + 1, count + 1)), np.zeros(count + 1)  # the last one stands for no column
    gram[:-1, :-1], projected[:-1] = choices.gram[onset], choices.projected[onset]
    places = columns[:, :, np.newaxis] * (count + 1) + columns[:, np.newaxis, :]
    spread = np.linalg.inv(gram.ravel()[places] + np.eye(columns.shape[1]))
    middle = (spread @ projected[columns][:, :, np.newaxis])[:, :, 0]
    squares = middle[:, :, np.newaxis] * middle[:, np.newaxis]
    gain, square = (
        _summed(places, share[:, np.newaxis, np.newaxis] * one, (count + 1) ** 2).reshape(count + 1, -1)[:-1, :-1]
        for one in (spread, squares)
    )
    mean = _summed(columns, share[:, np.newaxis] * middle, count + 1)[:-1]
    weight += float(share.sum())
    mean, gain, second = mean / weight, gain / weight, (square + gain) / weight
    units = np.outer(scale, scale)
    return Moments(units * gain, units * (second - np.outer(mean, mean)))


def _summed(places: Indices, values: Array, count: int) -> Array:
    return np.asarray(np.bincount(places.ravel(), values.ravel(), count), dtype=np.float64)


@lru_cache(maxsize=8)
def _columns(most: int, fixed: int) -> Indices:
    """Columns of every choice but that of no tail, (choices, columns); those that small choices lack lie beyond all."""
    none = fixed + 2 * TAUS.size
    rows = [
        np.concatenate(
            [np.full((len(table), 2 * (most - table.shape[1])), none), fixed + table, fixed + TAUS.size + table], axis=1
        )
        for table in _subsets(most)
    ]
    chosen = np.concatenate(rows)
    return np.concatenate([np.broadcast_to(np.arange(fixed), (len(chosen), fixed)), chosen], axis=1)
