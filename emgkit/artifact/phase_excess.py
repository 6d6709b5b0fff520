"""Power of the phases in which responses are, beyond that of the phases in which they are over, window by window."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["excess_at_rest", "sure_excess"]

Array = NDArray[np.float64]

BURST = 3.0  # times the weighted median of the windows' size, up to which a window's excess counts
BLUNDER = 10.0  # times the power of the late phases, from which a window's excess counts as it is
SURE = 2.0  # standard errors, by which an excess during effort must be beyond chance
FEWEST = 5  # windows


def excess_at_rest(all_: Array, late: Array, power: float) -> tuple[float, float]:
    """Excess of all phases over the late ones in the windows, weighted by quietness, and its standard error.

    The late phases of its neighbours say how quiet a window is: its own are small by chance, too. A window far beyond
    the others holds a burst, or is a blunder.
    """
    known = np.isfinite(all_) & np.isfinite(late)
    if known.sum() < 2:
        return 0.0, 0.0
    excess, around = (all_ - late)[known], np.pad(late[known], 1, mode="reflect")
    floor = max(float(np.median(excess)), 1e-3 * float(all_[known].max()))
    weights = 1 / (0.5 * (around[:-2] + around[2:]) + floor) ** 2
    weights /= weights.sum()
    most = BURST * _weighted_median(np.abs(excess), weights)
    mean = float(weights @ (usually := np.clip(excess, -most, most)))
    error = float(np.sqrt((weights**2 * (usually - mean) ** 2).sum()))
    from scipy.ndimage import median_filter

    usual = median_filter(late[known], size=5, mode="nearest")
    blunders = np.where(all_[known] > BLUNDER * np.maximum(usual, late[known]), excess, 0.0)
    return max(mean, float(blunders.mean())) / power, error / power


def sure_excess(all_: Array, late: Array, count: Array, power: float) -> float:
    """Excess over the late phases in windows with effort as far as it is sure: responses may differ from rest there."""
    known = np.isfinite(all_) & np.isfinite(late)
    if known.sum() < FEWEST:
        return 0.0
    excess, weights = (all_ - late)[known], count[known] / count[known].sum()
    mean = float(weights @ excess)
    return (mean - SURE * float(np.sqrt((weights**2 * (excess - mean) ** 2).sum()))) / power


def _weighted_median(values: Array, weights: Array) -> float:
    order = np.argsort(values)
    below = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(below, 0.5 * below[-1])])
