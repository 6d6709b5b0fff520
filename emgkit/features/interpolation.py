"""Between the samples: cubic splines through equally spaced samples, for many segments at once."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from scipy.interpolate import CubicSpline

from emgkit.features.base import Array

# Hz, of the points between the samples: with a parabola through three of them, peaks of M-waves sampled at 2 kHz
# are good to 0.05 %
FINE_RATE = 16_000.0


def fine_factor(fs: float) -> int:
    """Give the points per sample interval, 2 ... 32."""
    return int(np.clip(np.ceil(FINE_RATE / fs), 2, 32))


@lru_cache(maxsize=8)
def fine_weights(samples: int, factor: int) -> Array:
    """Give the matrix that takes samples to ``factor`` points per interval, shape (fine points, samples)."""
    positions = np.arange((samples - 1) * factor + 1) / factor
    weights = np.asarray(CubicSpline(np.arange(samples), np.eye(samples))(positions))
    weights.setflags(write=False)
    return weights


def shift(rows: Array, by: Array) -> Array:
    """Evaluate each row ``by`` samples later, by cubic splines.

    Parameters
    ----------
    rows : array, shape (segments, channels, samples)
        The samples.
    by : array, shape (segments,)
        Within ±1 sample. Beyond the ends the outermost sample stands: extrapolated noise would grow.

    Returns
    -------
    array, shape of rows
        ``rows`` at the positions k + by.
    """
    count = rows.shape[-1]
    pieces = CubicSpline(np.arange(count), rows, axis=-1).c
    positions = np.clip(np.arange(count) + by[:, np.newaxis], 0, count - 1)
    left = np.clip(np.floor(positions).astype(int), 0, count - 2)
    step = (positions - left)[:, :, np.newaxis]
    segment = np.arange(rows.shape[0])[:, np.newaxis]
    cubic, square, slope, level = (pieces[power][left, segment] for power in range(4))
    shifted = ((cubic * step + square) * step + slope) * step + level
    return np.ascontiguousarray(np.swapaxes(shifted, 1, 2))


def peak_between(fine: Array, index: np.ndarray) -> tuple[Array, Array]:
    """Refine an extremum on the fine grid by the parabola through it and its two neighbours.

    Parameters
    ----------
    fine : array, shape (..., fine points)
        The interpolated response.
    index : array of int, shape (...)
        Where the extremum lies on the grid.

    Returns
    -------
    position, height : array, shape (...)
        Position in fine points, and value there. At the border: the border itself.
    """
    inner = np.clip(index, 1, fine.shape[-1] - 2)
    before, here, after = (pick(fine, inner + offset) for offset in (-1, 0, 1))
    curvature = before - 2 * here + after
    with np.errstate(divide="ignore", invalid="ignore"):
        offset = np.where(curvature == 0, 0.0, 0.5 * (before - after) / curvature)
    offset = np.where(index == inner, np.clip(offset, -1, 1), 0.0)
    height = here - 0.25 * (before - after) * offset
    return index + offset, np.where(index == inner, height, pick(fine, index))


def pick(rows: Array, index: np.ndarray) -> Array:
    """Take one point of each row, shape of index."""
    taken: Array = np.take_along_axis(rows, index[..., np.newaxis], axis=-1)[..., 0]
    return taken
