"""Fills: what stands in the place of blanked samples. They are marked as lost in any case."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range, whole

__all__ = ["AR", "PCHIP", "ARInnovation", "Fill", "Line"]

Array = NDArray[np.float64]

BESIDE = 17  # samples on each side of a gap whose slopes choose its random numbers


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
class PCHIP:
    """Fill each gap with a cubic that keeps the slopes at its edges and never overshoots the samples there.

    Reference: Fritsch and Carlson 1980, SIAM J Numer Anal 17:238. Differs from it in: gaps at the ends of the recording
    hold the next sample.
    """

    name: ClassVar[str] = "pchip"

    def fill(self, row: Array, gaps: NDArray[np.bool_]) -> Array:
        """Give the row with its gaps filled, shape (samples,)."""
        from scipy.interpolate import PchipInterpolator

        filled = Line().fill(row, gaps)
        known = np.flatnonzero(~gaps)
        if known.size < 2:
            return filled
        inside = np.flatnonzero(gaps)
        inside = inside[(inside > known[0]) & (inside < known[-1])]
        filled[inside] = PchipInterpolator(known, row[known])(inside)
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
        return _fill_by_model(row, gaps, self.order, None)


@dataclass(frozen=True)
class ARInnovation:
    """Fill each gap with one of the courses that an autoregressive model holds for probable, noise and all.

    The most probable values of `AR` are smoother than EMG; here the spread that the model leaves open is added, so that
    RMS and spectrum stay in the mean. What is added is made up: the samples are marked as lost in any case.

    Parameters
    ----------
    order : int, default 20
        Order of the model, samples.
    seed : int, default 0
        Of the random numbers. They depend on the signs of the slopes beside the gap as well, so that the same samples
        get the same fill, in whatever unit, polarity, channel or place.
    """

    name: ClassVar[str] = "ar_innovation"
    order: int = 20
    seed: int = 0

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("order", self.order, 1, 200)
        whole("seed", self.seed, 0, 2**31 - 1)

    def fill(self, row: Array, gaps: NDArray[np.bool_]) -> Array:
        """Give the row with its gaps filled, shape (samples,)."""
        return _fill_by_model(row, gaps, self.order, self.seed)


def _fill_by_model(row: Array, gaps: NDArray[np.bool_], order: int, seed: int | None) -> Array:
    """Fill with the most probable values, and with a random course about them if there is a seed."""
    offset = Line().fill(row, gaps)
    start, stop = gap_edges(gaps)
    if not start.size or np.count_nonzero(~gaps) < 10 * order:
        return offset
    mean = float(row[~gaps].mean())
    model = _Model(*_coefficients(np.where(gaps, 0.0, row - mean), ~gaps, order))
    centred = offset - mean
    for low, high in zip(start, stop, strict=True):
        centred[low:high] = model.most_probable(centred, low, high)
        if seed is not None:
            centred[low:high] += model.innovation(row, low, high, seed)
    return np.where(gaps, centred + mean, row)


class _Model:
    """An autoregressive model, and what it says of gaps: normal with a banded precision matrix."""

    def __init__(self, coefficients: Array, spread: float) -> None:
        self.order, self.spread = coefficients.size - 1, spread
        self.weights = np.convolve(coefficients, coefficients[::-1])  # of a sample and its neighbours, both sides
        self._factors: dict[int, Array] = {}

    def most_probable(self, row: Array, low: int, high: int) -> Array:
        from scipy.linalg import cho_solve_banded

        beside = np.zeros(high - low + 2 * self.order)
        first = max(low - self.order, 0)
        beside[first - low + self.order : self.order] = row[first:low]
        after = row[high : high + self.order]
        beside[self.order + high - low :][: after.size] = after
        pull = np.convolve(beside, self.weights, "valid")
        return np.asarray(cho_solve_banded((self._factor(high - low), False), -pull, check_finite=False))

    def innovation(self, row: Array, low: int, high: int, seed: int) -> Array:
        """Draw what the model leaves open in a gap."""
        from scipy.linalg import solve_banded

        slopes = np.diff(np.concatenate([row[max(low - BESIDE, 0) : low], row[high : high + BESIDE]]))
        rises = slopes[slopes != 0] > 0
        sign = -1.0 if rises.size and rises[0] else 1.0
        rng = np.random.default_rng([seed, high - low, *np.packbits(rises ^ (sign < 0)).tolist()])
        factor = self._factor(high - low)
        drawn = rng.normal(size=high - low)
        return np.asarray(sign * self.spread * solve_banded((0, len(factor) - 1), factor, drawn, check_finite=False))

    def _factor(self, count: int) -> Array:
        """Cholesky factor of the precision of so many missing samples, for prediction errors of unit variance."""
        from scipy.linalg import cholesky_banded

        if count not in self._factors:
            width = min(self.order + 1, count)
            upper = np.zeros((width, count))
            for lag in range(width):
                upper[width - 1 - lag, lag:] = self.weights[self.order + lag]
            self._factors[count] = cholesky_banded(upper)
        return self._factors[count]


def _coefficients(row: Array, known: NDArray[np.bool_], order: int) -> tuple[Array, float]:
    """Prediction-error filter 1, -a1 ... -ap from the covariance of pairs of known samples, and the error's RMS."""
    from scipy.fft import irfft, next_fast_len, rfft
    from scipy.linalg import solve_toeplitz

    size = next_fast_len(2 * row.size, real=True)
    products = irfft(np.abs(rfft(row, size)) ** 2, size)[: order + 1]
    pairs = irfft(np.abs(rfft(known.astype(float), size)) ** 2, size)[: order + 1]
    covariance = products / np.maximum(np.round(pairs), 1.0)
    covariance[0] = covariance[0] * (1 + 1e-6) + 1e-300
    coefficients = np.concatenate([[1.0], -solve_toeplitz(covariance[:-1], covariance[1:])])
    return coefficients, float(np.sqrt(max(covariance @ coefficients, 0.0)))
