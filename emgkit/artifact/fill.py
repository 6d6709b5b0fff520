"""Fills: what stands in the place of blanked samples. They are marked as lost in any case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range

__all__ = ["AR", "Fill", "Line"]

Array = NDArray[np.float64]


class Fill(Protocol):
    """A fill: gives the values of the missing samples of one channel."""

    name: ClassVar[str]

    def fill(self, row: Array, gaps: NDArray[np.bool_]) -> Array:
        """Give the row with its gaps filled, shape (samples,); samples outside the gaps stay as they are."""
        ...


def gap_edges(gaps: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First index and one past the last index of every gap."""
    steps = np.diff(np.concatenate([[False], gaps, [False]]).astype(np.int8))
    return np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)


@dataclass(frozen=True)
class Line:
    """Fill each gap with a straight line between the samples at its edges."""

    name: ClassVar[str] = "line"

    def fill(self, row: Array, gaps: NDArray[np.bool_]) -> Array:
        """Give the row with its gaps filled, shape (samples,)."""
        known = np.flatnonzero(~gaps)
        if not known.size:
            return np.zeros_like(row)
        filled = row.copy()
        filled[gaps] = np.interp(np.flatnonzero(gaps), known, row[known])
        return filled


@dataclass(frozen=True)
class AR:
    """Fill each gap with the most probable values under an autoregressive model of the signal around it.

    The missing samples minimise the energy of the prediction error given the samples at both sides
    (Janssen, Veldhuis and Vries 1986, IEEE Trans Acoust Speech Signal Process 34:317). The coefficients come once
    from the autocovariance of the known samples (Yule-Walker), not in turns with the samples as in the source.

    Parameters
    ----------
    order : int, default 20
        Order of the model, samples.
    """

    name: ClassVar[str] = "ar"
    order: int = 20

    def __post_init__(self) -> None:
        """Check the order."""
        in_range("order", self.order, 1, 200)

    def fill(self, row: Array, gaps: NDArray[np.bool_]) -> Array:
        """Give the row with its gaps filled, shape (samples,)."""
        offset = Line().fill(row, gaps)
        start, stop = gap_edges(gaps)
        if not start.size or np.count_nonzero(~gaps) < 10 * self.order:
            return offset
        mean = float(row[~gaps].mean())
        coefficients = _coefficients(np.where(gaps, 0.0, row - mean), ~gaps, self.order)
        weights = np.convolve(coefficients, coefficients[::-1])[self.order :]
        centred = offset - mean
        for low, high in zip(start, stop, strict=True):
            centred[low:high] = _most_probable(centred, low, high, weights)
        return np.where(gaps, centred + mean, row)


def _coefficients(row: Array, known: NDArray[np.bool_], order: int) -> Array:
    """Prediction-error filter 1, -a1 ... -ap from the covariance of pairs of known samples."""
    from scipy.fft import irfft, next_fast_len, rfft
    from scipy.linalg import solve_toeplitz

    size = next_fast_len(2 * row.size, real=True)
    products = irfft(np.abs(rfft(row, size)) ** 2, size)[: order + 1]
    pairs = irfft(np.abs(rfft(known.astype(float), size)) ** 2, size)[: order + 1]
    covariance = products / np.maximum(np.round(pairs), 1.0)
    covariance[0] = covariance[0] * (1 + 1e-6) + 1e-300
    return np.concatenate([[1.0], -solve_toeplitz(covariance[:-1], covariance[1:])])


def _most_probable(row: Array, low: int, high: int, weights: Array) -> Array:
    from scipy.linalg import solve_toeplitz

    count, order = high - low, weights.size - 1
    column = np.zeros(count)
    column[: min(count, order + 1)] = weights[:count]
    left = np.concatenate([np.zeros(max(order - low, 0)), row[max(low - order, 0) : low]])
    right = np.concatenate([row[high : high + order], np.zeros(max(high + order - row.size, 0))])
    pull = np.zeros(count)
    for lag in range(1, order + 1):
        reach = min(lag, count)
        pull[:reach] += weights[lag] * left[order - lag : order - lag + reach]
        pull[count - reach :] += weights[lag] * right[lag - reach : lag]
    return np.asarray(solve_toeplitz(column, -pull))
