"""Templates: responses aligned to the sub-sample, and the mean of each one's neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft, rfftfreq

__all__ = ["PAD", "complete", "mean_of_others", "shifted", "template_frames"]

Array = NDArray[np.float64]

PAD = 8  # samples cut on both sides, so that shifting by parts of a sample spoils nothing inside


def shifted(pieces: Array, samples: Array) -> Array:
    """Move pieces to the right by parts of a sample, band-limited; they are mirrored against wrap-around.

    Parameters
    ----------
    pieces : ndarray, shape (..., samples)
    samples : ndarray, shape (...)
        By how much, samples.
    """
    count = pieces.shape[-1]
    mirrored = np.concatenate([pieces, pieces[..., ::-1]], axis=-1)
    phase = np.exp(-2j * np.pi * rfftfreq(2 * count) * np.asarray(samples)[..., np.newaxis])
    return np.asarray(irfft(rfft(mirrored) * phase, 2 * count)[..., :count])


def complete(pieces: Array) -> Array:
    """Put the median over the pieces where samples are missing, shape (pieces, samples)."""
    missing = np.isnan(pieces)
    if not missing.any():
        return pieces
    usual = np.zeros(pieces.shape[1])
    known = ~missing.all(axis=0)
    usual[known] = np.nanmedian(pieces[:, known], axis=0)
    return np.where(missing, usual, pieces)


def mean_of_others(pieces: Array, neighbours: int) -> tuple[Array, int]:
    """Mean of the neighbours of each piece without the piece itself, and how many they are.

    Half of the neighbours lie before and half after; at the ends the same number is taken from one side.
    """
    width = min(neighbours + 1, len(pieces))
    start = np.clip(np.arange(len(pieces)) - width // 2, 0, len(pieces) - width)
    total = np.concatenate([np.zeros((1, pieces.shape[1])), np.cumsum(pieces, axis=0)])
    return (total[start + width] - total[start] - pieces) / (width - 1), width - 1


def template_frames(pieces: Array, places: Array, neighbours: int) -> tuple[Array, int]:
    """Template of every frame from its neighbours, at the frame's own place on the samples, and their number.

    Parameters
    ----------
    pieces : ndarray, shape (pulses, PAD + samples + PAD)
        Without missing samples.
    places : ndarray, shape (pulses,)
        Where in the piece each pulse lies, samples.
    """
    middle = float(places.mean())
    template, count = mean_of_others(shifted(pieces, middle - places), neighbours)
    return shifted(template, places - middle)[:, PAD:-PAD], count
