"""What all features of voluntary EMG share: valid samples only, autocovariance over gaps, its spectrum."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.features.base import Array, Reasons, missing_reason
from emgkit.segments import Segments

__all__ = ["Windows", "autocorrelation", "prepare", "scarce"]

CORRELATED = 0.05  # s: voluntary EMG above 20 Hz has forgotten itself after one period of its lowest frequency


@dataclass(frozen=True, eq=False)
class Windows:
    """Windows of a random process: mean removed, zeros where a sample is not valid.

    Parameters
    ----------
    values : array, shape (segments, channels, samples)
        V.
    valid : array of bool, same shape
        Where there is a sample.
    fs : float
        Hz.
    """

    values: Array
    valid: NDArray[np.bool_]
    fs: float

    @cached_property
    def count(self) -> Array:
        """Valid samples, shape (segments, channels); at least one, so that it can divide."""
        return np.asarray(np.maximum(self.valid.sum(axis=-1), 1), dtype=np.float64)

    def pairs(self, taper: Array) -> Array:
        """Tapered valid pairs at every lag, shape (segments, channels, samples); whole windows share one row."""
        if self.valid.all():
            return autocorrelation(taper[np.newaxis, np.newaxis])
        return autocorrelation(taper * self.valid)

    def covariance_sums(self, taper: Array) -> Array:
        """Sum products at every lag, V², shape (segments, channels, samples)."""
        return autocorrelation(taper * self.values)

    @cached_property
    def mean_square_error(self) -> Array:
        """Relative standard error of the mean square, shape (segments, channels).

        For a Gaussian process the variance of the mean of x² is 2 Σ r(l)² over all pairs of valid samples,
        divided by their number squared (the same as 1/(B_e T) of the whole window). The autocovariance r is
        estimated up to 50 ms; its own scatter, which adds to r², is taken off.
        """
        lags = min(int(np.ceil(CORRELATED * self.fs)) + 1, self.values.shape[-1])
        flat = np.ones(self.values.shape[-1])
        pairs = self.pairs(flat)[..., :lags]
        with np.errstate(divide="ignore", invalid="ignore"):
            covariance = np.where(pairs > 0.5, self.covariance_sums(flat)[..., :lags] / pairs, 0.0)
            relative = covariance / covariance[..., :1]
        twice = np.where(np.arange(lags) == 0, 1.0, 2.0)
        energy = np.sum(twice * pairs * np.nan_to_num(relative) ** 2, axis=-1)
        scatter = 1.0 + (2 * lags - 1) / self.count
        return np.asarray(np.sqrt(2.0 * energy / scatter) / self.count)


def autocorrelation(rows: Array) -> Array:
    """Sum lagged products for lags 0 ... samples − 1, last axis kept."""
    from scipy.fft import irfft, next_fast_len, rfft

    count = rows.shape[-1]
    length = next_fast_len(2 * count - 1, real=True)
    spectrum = rfft(rows, length, axis=-1)
    return np.asarray(irfft(spectrum.real**2 + spectrum.imag**2, length, axis=-1)[..., :count])


def prepare(segments: Segments) -> Windows:
    """Remove the mean of the valid samples of each window and put zeros where none are valid."""
    valid = segments.valid
    kept = np.where(valid, segments.signal, 0.0)
    mean = kept.sum(axis=-1) / np.maximum(valid.sum(axis=-1), 1)
    values = np.where(valid, kept - mean[..., np.newaxis], 0.0)
    return Windows(_without_rounding(values, mean), valid, segments.fs)


def _without_rounding(values: Array, mean: Array) -> Array:
    """Put zeros for the rounding errors that a constant leaves beside its mean: they are no signal."""
    rounding = 16 * np.finfo(float).eps * np.abs(mean)
    flat = np.abs(values).max(axis=-1, initial=0.0) <= rounding
    return np.where(flat[..., np.newaxis], 0.0, values)


def scarce(segments: Segments, min_valid: float) -> tuple[tuple[Any, Reasons], ...]:
    """Rules for a window that has too few valid samples, with the reason why they are missing."""
    missing = missing_reason(segments, np.ones(segments.n_samples, dtype=bool))
    return ((segments.valid.mean(axis=-1) < min_valid, missing),)
