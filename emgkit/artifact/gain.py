"""What a method does to clean EMG: the factor by which it changes the RMS where there is nothing to remove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import toeplitz

__all__ = ["MOST_FRAMES", "averaging_quality", "emg_covariance", "left_by_projection", "orthonormal", "spread"]

Array = NDArray[np.float64]

MOST_FRAMES = 300  # frames that are looked at for an expectation


def emg_covariance(residue: Array) -> Array:
    """Autocovariance of the EMG within a frame, V², shape (samples, samples).

    Parameters
    ----------
    residue : ndarray, shape (frames, samples)
        What the template of the neighbours leaves of each frame, V.

    Notes
    -----
    Lagged products are averaged over the quieter half of the frame, where the response that differs from pulse to
    pulse is small; lags longer than that half are taken as uncorrelated.
    """
    count = residue.shape[1]
    half = max(count // 2, 1)
    power = np.concatenate([[0.0], np.cumsum((residue**2).mean(axis=0))])
    quiet = int(np.argmin(power[half:] - power[:-half]))
    piece = residue[:, quiet : quiet + half]
    lagged = np.zeros(count)
    for lag in range(half):
        lagged[lag] = float((piece[:, lag:] * piece[:, : half - lag]).mean())
    return np.asarray(toeplitz(lagged))


def left_by_projection(bases: Array, covariance: Array) -> float:
    """Share of the EMG's power that is left when its projection on the bases is taken away.

    Parameters
    ----------
    bases : ndarray, shape (frames, samples, directions)
        Orthonormal directions for every frame (columns of zeros count nothing).
    covariance : ndarray, shape (samples, samples)
        Of the EMG within a frame.

    Notes
    -----
    E‖(I - QQ')v‖² = tr R - tr Q'RQ for directions Q that do not depend on the EMG v of the frame itself.
    """
    whole = float(np.trace(covariance))
    if whole <= 0 or not bases.size:
        return 1.0
    taken = np.einsum("klm,klm->k", bases, covariance @ bases)
    return max(1.0 - float(taken.mean()) / whole, 0.0)


def orthonormal(columns: Array) -> Array:
    """Orthonormal directions of what the columns of each frame span, shape (frames, samples, directions)."""
    if not columns.shape[2]:
        return columns
    left, sizes, _ = np.linalg.svd(columns, full_matrices=False)
    kept = sizes > 1e-9 * np.maximum(sizes[:, :1], 1e-300)
    return np.asarray(left * kept[:, np.newaxis, :])


def spread(count: int) -> NDArray[np.int64]:
    """At most `MOST_FRAMES` of so many frames, evenly spread."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).astype(np.int64))


def averaging_quality(effective: float, gain: float | Array) -> Mapping[str, Any]:
    """Numbers that every averaging method states: effective pulses, its ceiling in dB, and the gain on clean EMG."""
    ceiling = 10 * np.log10(effective) if effective > 0 else -np.inf
    return {"effective_pulses": effective, "snr_ceiling": float(ceiling), "gain_on_clean": gain}
