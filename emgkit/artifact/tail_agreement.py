"""Whether the tails of several channels are one tail, as they must be: how much wider their errors are than stated."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.tail_found import TailSplit, widened

__all__ = ["agreeing", "disagreement"]

Array = NDArray[np.float64]

ALIKE = 0.05  # second singular value of the artifact over the first, up to which all channels see one artifact
UNTIL = 0.025  # s after the pulse: where the tails are compared


def agreeing(split: TailSplit) -> TailSplit:
    """Widen the errors of a split by as much as the channels disagree about the tail.

    One stimulator leaves one tail, which every channel sees with the gain that it has for the artifact itself, while
    the responses differ. Where the artifact is the same in all channels and the tails that were found are not, the
    model of tail or response is wrong by more than it says. The stated variance counts as one channel more.

    Parameters
    ----------
    split : TailSplit
        Of all channels.
    """
    inside = (split.times > 0) & (split.times <= split.start)
    wave = (split.artifact + split.evoked)[:, inside]
    if len(wave) < 2 or wave.shape[1] < 3 or not np.isfinite(wave).all():
        return split
    level = np.stack([np.ones(wave.shape[1]), np.linspace(-1, 1, wave.shape[1])], axis=1)
    level = np.linalg.qr(level)[0]
    gains, sizes, _ = np.linalg.svd(wave - wave @ level @ level.T, full_matrices=False)
    if not sizes[1] < ALIKE * sizes[0]:
        return split
    later = (split.times > split.clear.max()) & (split.times <= UNTIL)
    if not later.any():
        return split
    wider = np.sqrt(disagreement(gains[:, 0], split.tail[:, later], split.tail_error[:, later]))
    return widened(split, wider) if wider > 1 else split


def disagreement(gains: Array, tails: Array, errors: Array) -> float:
    """Variance of tails about their common one over the stated variance, at least 1.

    Parameters
    ----------
    gains : ndarray, shape (rows,)
        Of every channel for the artifact.
    tails, errors : ndarray, shape (rows, times)
        V.
    """
    weight = 1 / np.maximum((errors**2).mean(axis=1), 1e-300)
    common = (weight * gains) @ tails / float(weight @ gains**2)
    left = float(weight @ ((tails - np.outer(gains, common)) ** 2).mean(axis=1))
    return max((1 + left) / len(gains), 1.0)
