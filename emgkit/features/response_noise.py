"""The noise on M-waves, told from pulse to pulse: what the two neighbours do not share with a response.

Second differences over the pulses, ``x[i] - (x[i-1] + x[i+1]) / 2``, cancel the response and its steady change and
leave noise of 1.5 times the variance. Voluntary EMG, amplifier noise and the variation of the M-wave itself from
pulse to pulse all count. Standard errors follow by projecting these residuals onto the first derivative of a
feature, so that the colour of the noise is taken as it is.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from emgkit.features.base import Array
from emgkit.features.interpolation import shift

REACH = 16  # neighbours on either side: half a second at 30 Hz, in which effort hardly changes
FEWEST = 8  # a spread from fewer residuals says nothing
OUTLIER = 9.0  # times the median power: a missed pulse or a movement, not noise
BLOCK = 1024  # segments at once, so that memory stays small
NORMAL_MAD = 1.482602218505602  # standard deviation of a normal variable over its median absolute deviation

Rows = NDArray[np.int64]


def neighbours(count: int, reach: int = REACH) -> Rows:
    """Give the indices of the nearest segments, itself among them, shape (segments, width)."""
    width = min(2 * reach + 1, count)
    start = np.clip(np.arange(count) - reach, 0, max(count - width, 0))
    return np.asarray(start[:, np.newaxis] + np.arange(width), dtype=np.int64)


def same_group(train: NDArray[np.int64], intensity: Array | None) -> NDArray[np.int64]:
    """Assign segments to groups that may be averaged: one train, one intensity, shape (segments,).

    Where hardly any intensity comes three times in a row, as in a finely graded recruitment series,
    intensity is left out of account, and the noise comes out too large where the response grows.
    """
    if train.size == 0:
        return train
    of_train = _runs(np.diff(train) != 0)
    if intensity is None:
        return of_train
    finer = _runs((np.diff(train) != 0) | (np.nan_to_num(np.diff(intensity), nan=0.0) != 0))
    return finer if _interior(finer).sum() >= FEWEST else of_train


def _runs(breaks: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.asarray(np.concatenate([[0], np.cumsum(breaks)]), dtype=np.int64)


def _interior(group: NDArray[np.int64]) -> NDArray[np.bool_]:
    inside = np.zeros(group.size, dtype=bool)
    inside[1:-1] = (group[1:-1] == group[:-2]) & (group[1:-1] == group[2:])
    return inside


def residuals(values: Array, whole: NDArray[np.bool_], late: Array, group: NDArray[np.int64]) -> Array:
    """Give the noise of each response, scaled to the variance of one; NaN where a neighbour is missing.

    Parameters
    ----------
    values : array, shape (segments, channels, samples)
        V.
    whole : array of bool, shape (segments, channels)
        Where the response has all its samples.
    late : array, shape (segments,)
        How much later than the grid the first sample lies, samples.
    group : array of int, shape (segments,)
        Only neighbours of one group are compared.

    Returns
    -------
    array, shape of values
        V.
    """
    left = np.full_like(values, np.nan)
    if len(values) < 3:
        return left
    middle = values[1:-1]
    before = shift(values[:-2], (late[1:-1] - late[:-2]))
    after = shift(values[2:], (late[1:-1] - late[2:]))
    left[1:-1] = (middle - 0.5 * (before + after)) / np.sqrt(1.5)
    usable = np.zeros(whole.shape, dtype=bool)
    usable[1:-1] = whole[1:-1] & whole[:-2] & whole[2:] & _interior(group)[1:-1, np.newaxis]
    left[~usable] = np.nan
    return left


def local_mean(rows: Array, weight: NDArray[np.bool_]) -> Array:
    """Average rows over the neighbours that ``weight`` (segments, channels, width) allows, shape of rows."""
    near = neighbours(len(rows))
    total = np.zeros_like(rows)
    for step in range(near.shape[1]):
        use = weight[:, :, step, np.newaxis]
        total += np.where(use, rows[near[:, step]], 0.0)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / weight.sum(axis=-1)[:, :, np.newaxis])


def typical(left: Array) -> NDArray[np.bool_]:
    """Mark the neighbours whose residual exists and is no outlier, shape (segments, channels, width)."""
    near = neighbours(len(left))
    power = np.mean(left**2, axis=-1)[near].swapaxes(1, 2)
    usual, count = _sorted_median(power)
    kept: NDArray[np.bool_] = np.isfinite(power) & (power <= OUTLIER * usual[:, :, np.newaxis])
    kept &= count[:, :, np.newaxis] >= FEWEST
    return kept


def spread(left: Array, effect: Callable[[slice, Array], Array], *, centred: bool = True) -> Array:
    """Tell how much the noise moves a feature: robust standard deviation over the neighbours' noise.

    Parameters
    ----------
    left : array, shape (segments, channels, samples)
        Residuals, or something computed from each.
    effect : callable
        Gives, for a slice of the segments and one residual for each of them (segments, channels, samples),
        the change of the feature, shape (segments, channels).
    centred : bool, default True
        Whether the effect is known to have the mean zero.

    Returns
    -------
    array, shape (segments, channels)
        NaN with fewer than eight residuals nearby.
    """
    near = neighbours(len(left))
    blocks = [slice(start, start + BLOCK) for start in range(0, len(left), BLOCK)]
    parts = [
        _spread_of(left, near[block], lambda rows, block=block: effect(block, rows), centred)  # type: ignore[misc]
        for block in blocks
    ]
    return np.concatenate(parts) if parts else np.zeros(left.shape[:2])


def _spread_of(left: Array, near: Rows, effect: Callable[[Array], Array], centred: bool) -> Array:
    changes = np.stack([effect(left[near[:, step]]) for step in range(near.shape[1])], axis=-1)
    if not centred:
        changes = changes - _sorted_median(changes)[0][..., np.newaxis]
    middle, count = _sorted_median(np.abs(changes))
    return np.where(count >= FEWEST, NORMAL_MAD * middle, np.nan)


def projected(gradient: Array) -> Callable[[slice, Array], Array]:
    """Make the effect of a feature that is linear in small noise: its gradient (segments, channels, samples)."""
    return lambda block, rows: np.asarray(np.einsum("scn,scn->sc", gradient[block], rows))


def _sorted_median(rows: Array) -> tuple[Array, NDArray[np.int64]]:
    """Median over the last axis without the NaN, and how many there were; NaN if none."""
    ordered = np.sort(rows, axis=-1)
    count = np.isfinite(ordered).sum(axis=-1)
    low = np.take_along_axis(ordered, np.maximum((count - 1) // 2, 0)[..., np.newaxis], axis=-1)[..., 0]
    high = np.take_along_axis(ordered, np.minimum(count // 2, rows.shape[-1] - 1)[..., np.newaxis], axis=-1)[..., 0]
    return np.where(count > 0, 0.5 * (low + high), np.nan), count
