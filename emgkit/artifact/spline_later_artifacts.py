"""The artifacts of the later pulses of groups, which stand on the response to the first one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from emgkit.artifact.spline_basis import DEGREE, PhaseDesign, spline_values
from emgkit.artifact.spline_locked import Response
from emgkit.artifact.spline_share import hand_over
from emgkit.artifact.spline_sizes import EARLY, LATE

__all__ = ["later_artifacts", "later_sizes"]

Array = NDArray[np.float64]

GRID = 50e-6  # s, on which the artifacts of the first and the later pulses are compared
ALIKE = 0.5  # share of the changes about a later pulse that the artifact of the first one must explain


def later_sizes(response: Response, channel: int, artifact_end: float) -> Array | None:
    """Give the sizes of later artifacts over that of the first one, (later,), by their edges; None if they differ.

    One stimulator gives every pulse of a group the same artifact, of another size at most, or turned over.
    """
    if response.later is None:
        return None
    times = np.arange(EARLY, min(LATE, artifact_end), GRID)
    curve = BSpline(response.knots, response.coefficients(channel).mean(axis=0), DEGREE)
    first = np.diff(curve(times))
    sizes = np.zeros(response.later.lags.size)
    for number, lag in enumerate(response.later.lags):
        edges = np.diff(curve(times + lag))
        sizes[number] = (edges @ first) / max(float(first @ first), 1e-300)
        if ((edges - sizes[number] * first) ** 2).sum() > (1 - ALIKE) * (edges**2).sum():
            return None
    return sizes


def later_artifacts(response: Response, channel: int, design: PhaseDesign, artifact_end: float) -> Array:
    """Give the artifacts of the later pulses at the rows of a design, V: that of the first one in their sizes."""
    out = np.zeros(design.samples.size)
    sizes = later_sizes(response, channel, artifact_end)
    if sizes is None or response.later is None:
        return out
    coefficients, level = response.coefficients(channel), response.level(channel)
    for size, lag, absent in zip(sizes, response.later.lags, response.later.missing.T, strict=True):
        since = design.phase - lag
        rows = np.flatnonzero((since >= design.knots[0]) & (since < artifact_end) & ~absent[design.pulse])
        phase, pulse = since[rows], design.pulse[rows]
        first, values = spline_values(phase, design.knots)
        wave = sum(values[step] * coefficients[pulse, first + step] for step in range(DEGREE + 1))
        over = wave - level[pulse] - response.recovery(channel, phase)
        out[rows] += size * hand_over(phase, artifact_end) * over
    return out
