"""Means on masks: what every score is made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.benchmark.scored import Undefined

__all__ = ["FEWEST", "correlation", "mean_over", "rms", "snr"]

Array = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

FEWEST = 50  # samples, below which a mask says nothing


def snr(target: Array, output: Array, mask: Mask) -> float:
    """Output SNR in dB: power of the target over that of the error on the mask, mean over the channels that have any.

    Parameters
    ----------
    target, output : ndarray, shape (channels, samples)
        V.
    mask : ndarray of bool, shape (channels, samples)
        Samples that count.

    Raises
    ------
    Undefined
        If no channel has 50 samples and a target.
    """
    wanted = np.where(mask, target, 0.0)
    wrong = np.where(mask, output - target, 0.0)
    power, error = (wanted**2).sum(axis=1), (wrong**2).sum(axis=1)
    there = (mask.sum(axis=1) >= FEWEST) & (power > 0)
    if not there.any():
        raise Undefined("no samples to score")
    floor = 1e-20 * power[there]  # an exact output is 200 dB, not infinite
    return float(np.mean(10 * np.log10(power[there] / np.maximum(error[there], floor))))


def correlation(one: Array, other: Array, mask: Mask) -> float:
    """Pearson's correlation on a mask, mean over channels."""
    values = []
    for a, b, ok in zip(one, other, mask, strict=True):
        if ok.sum() >= FEWEST and a[ok].std() > 0:
            values.append(float(np.corrcoef(a[ok], b[ok])[0, 1]) if b[ok].std() > 0 else 0.0)
    if not values:
        raise Undefined("no samples to score")
    return float(np.mean(values))


def rms(x: Array, mask: Mask) -> float:
    """RMS on a mask, all channels together."""
    if mask.sum() < FEWEST:
        raise Undefined("no samples to score")
    return float(np.sqrt(np.mean(x[mask] ** 2)))


def mean_over(x: Array, mask: Mask) -> Array:
    """Mean on a mask, (channels,)."""
    if (mask.sum(axis=1) < FEWEST).any():
        raise Undefined("no samples to score")
    return np.asarray(np.where(mask, x, 0.0).sum(axis=1) / mask.sum(axis=1))
