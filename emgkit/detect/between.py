"""Where a stimulus begins between two samples, where all pulses lie at one place between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.waveform import POINTS

__all__ = ["edge_between"]

Array = NDArray[np.float64]

FOOT = 0.002  # of the lobe's height, which a sample after the edge has, and
RESTS, SURE = 1.0, 4.0  # times what the samples before it differ by, and standard errors
BEFORE = 2, 6  # samples before the first large one, between which they rest
NEAREST, PER_SHARE, FARTHEST = 0.4, 1.6, 0.8  # samples from the edge to the first one that moves


def edge_between(lobe: Array, first: int, noise: float = 0.0) -> float:
    """Place of the edge, in points, from the samples alone.

    The edge lies before the first sample that moves, the farther the more that one has moved: 0.4 samples and 1.6 times
    its share of the lobe's height, at most 0.8. So the error is 0.2 samples in the median and 0.45 in nine of ten cases
    for rectangular pulses of 0.1 to 0.5 ms, of one or two phases, behind Butterworth and Bessel filters of orders 2 to
    4 with corners from 300 Hz to 0.45 of the sampling rate, and the same at all places.

    Parameters
    ----------
    lobe : ndarray, shape (points,)
        First differences, upright; the samples are every 64th point.
    first : int
        Point from which on the first lobe is large.
    noise : float
        Standard error of a sample, in the unit of the lobe.
    """
    samples = lobe[::POINTS]
    large = min(-(-first // POINTS), samples.size - 1)
    falls = np.flatnonzero(samples[large:] < 0)
    height = float(samples[large : large + int(falls[0]) if falls.size else None].max())
    quiet = samples[max(large - BEFORE[1], 0) : max(large - BEFORE[0], 1)]
    least = max(FOOT * height, RESTS * float(np.ptp(quiet)), SURE * noise)
    moves = large
    while moves and samples[moves - 1] >= least:
        moves -= 1
    return POINTS * (moves - min(NEAREST + PER_SHARE * float(samples[moves]) / height, FARTHEST))
