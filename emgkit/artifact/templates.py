"""Templates: responses aligned to the sub-sample, and the mean of each one's neighbours."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft, rfftfreq

from emgkit.artifact.gain import orthonormal

__all__ = ["PAD", "PastTemplate", "complete", "fitted", "mean_of_others", "shifted", "template_frames"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

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


def fitted(template: Array, residue: Array, fit_gain: bool, fit_shift: bool) -> tuple[Array, Array]:
    """Scale and shift templates to what they left, by least squares.

    Parameters
    ----------
    template, residue : ndarray, shape (rows, samples)
        The residue is what each template leaves of its frame.
    fit_gain, fit_shift : bool
        Along the template, and along its derivative.

    Returns
    -------
    template : ndarray, shape (rows, samples)
    bases : ndarray, shape (rows, samples, directions)
        Orthonormal directions that were fitted.
    """
    columns = [template] * fit_gain + [_slope(template)] * fit_shift
    bases = orthonormal(np.stack(columns, axis=2))
    sizes = np.einsum("klm,kl->km", bases, residue)
    return template + np.einsum("klm,km->kl", bases, sizes), bases


def _slope(template: Array) -> Array:
    """Give the derivative along the frame; nothing of a frame that the next pulse leaves less than two samples."""
    slope = np.gradient(template, axis=1) if template.shape[1] > 1 else np.zeros_like(template)
    return np.asarray(slope)


class PastTemplate:
    """The mean of the last frames, aligned to the sub-sample: the state of the causal template."""

    pad, overlaps = PAD, False

    def __init__(self, neighbours: int, before: float, fit_gain: bool, fit_shift: bool) -> None:
        self._past: deque[tuple[Array, Mask]] = deque(maxlen=neighbours)
        self._middle = before - 0.5  # samples: where the pulse lies in the aligned frames
        self._fits = fit_gain, fit_shift
        self.looks_ahead = fit_gain or fit_shift

    def predict(self, frame: Array, places: Array) -> tuple[Array, Mask]:
        """Give the template at the frame's place on the samples, see `Kernel`."""
        if not self._past:
            return np.zeros(frame.shape), np.ones(frame.shape, dtype=bool)
        known = np.stack([whole for _, whole in self._past]).sum(axis=0)
        total = np.stack([piece for piece, _ in self._past]).sum(axis=0)
        mean = total / np.maximum(known, 1)[:, np.newaxis]
        template = shifted(mean, np.full(len(mean), places[0] - self._middle))[:, PAD : PAD + frame.shape[1]]
        lost = np.broadcast_to((known == 0)[:, np.newaxis], frame.shape)
        if not self.looks_ahead:
            return template, lost
        residue = np.where(np.isfinite(frame), frame - template, 0.0)
        return fitted(template, residue, *self._fits)[0], lost

    def learn(self, piece: Array, places: Array) -> None:
        """Align a frame and keep it, see `Kernel`."""
        whole: Mask = np.asarray(np.isfinite(piece).all(axis=1))
        aligned = shifted(np.where(whole[:, np.newaxis], piece, 0.0), np.full(len(piece), self._middle - places[0]))
        self._past.append((aligned, whole))
