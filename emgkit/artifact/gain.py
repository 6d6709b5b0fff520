"""What a method does to clean EMG: the factor by which it changes the RMS where there is nothing to remove."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import toeplitz

__all__ = ["MOST_FRAMES", "averaging_quality", "emg_covariance", "left_by_projection", "orthonormal", "spread"]

Array = NDArray[np.float64]

EVEN = 1.25  # largest over median power along the frame where nothing but EMG is left
MOST_FRAMES = 300  # frames that are looked at for an expectation


def emg_covariance(residue: Array) -> Array:
    """Autocovariance of the EMG within a frame, V², shape (samples, samples).

    Parameters
    ----------
    residue : ndarray, shape (frames, samples)
        What the template of the neighbours leaves of each frame, V.

    Notes
    -----
    Where no part of the frame stands out, the covariance is taken as it is. Otherwise the response differs from pulse
    to pulse there, and lagged products are averaged over the quieter half of the frame; lags longer than that half are
    taken as uncorrelated.
    """
    count = residue.shape[1]
    if _is_even(residue):
        return np.asarray(residue.T @ residue / len(residue))
    half = max(count // 2, 1)
    power = np.concatenate([[0.0], np.cumsum((residue**2).mean(axis=0))])
    quiet = int(np.argmin(power[half:] - power[:-half]))
    piece = residue[:, quiet : quiet + half]
    lagged = np.zeros(count)
    for lag in range(half):
        lagged[lag] = float((piece[:, lag:] * piece[:, : half - lag]).mean())
    return np.asarray(toeplitz(lagged))


def _is_even(residue: Array) -> bool:
    """Tell whether no part of the frame stands out, so that nothing but EMG is left."""
    box = max(residue.shape[1] // 8, 1)
    level = np.convolve((residue**2).mean(axis=0), np.ones(box) / box, "valid")
    return bool(level.max() <= EVEN * np.median(level))


def left_by_projection(bases: Array, pieces: Array, residue: Array) -> float:
    """Share of the EMG's power that is left when its projection on the bases is taken away.

    Parameters
    ----------
    bases : ndarray, shape (frames, samples, directions)
        Orthonormal directions for every frame (columns of zeros count nothing), found without the frame itself.
    pieces, residue : ndarray, shape (frames, samples)
        The frames, V, and what the template of the neighbours leaves of them.

    Notes
    -----
    Where nothing but EMG differs from frame to frame, the projection of the difference is what is taken. Elsewhere
    E‖(I - QQ')v‖² = tr R - tr Q'RQ with the covariance R of the EMG, see `emg_covariance`.
    """
    count = len(pieces)
    different = (pieces - pieces.mean(axis=0)) * (count / max(count - 1, 1))  # from the mean of the others
    if _is_even(different):
        whole, taken = float((different**2).mean()), (np.einsum("klm,kl->km", bases, different) ** 2).sum(axis=1)
        return 1.0 if whole == 0 else max(1.0 - float(taken.mean()) / (whole * pieces.shape[1]), 0.0)
    covariance, seen = emg_covariance(residue), spread(count)
    taken = np.einsum("klm,klm->k", bases[seen], covariance @ bases[seen])
    return max(1.0 - float(taken.mean()) / float(np.trace(covariance)), 0.0)


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
