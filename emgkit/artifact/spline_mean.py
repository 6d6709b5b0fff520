"""Fit a response that never changes, and what of it turns over with the polarity of the pulses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import DEGREE, PhaseDesign
from emgkit.artifact.spline_bending import learn_bending

__all__ = ["fit_mean", "fit_means"]

Array = NDArray[np.float64]

AT_ONCE = 600  # pulses whose matrices are held; numerical


def fit_mean(gram: Array, projected: Array, weight: Array, bend: Array) -> Array:
    """Fit a response that never changes, (size,) V: every place between samples counts that any pulse has."""
    return _fit_sums(np.tensordot(weight, gram, 1), weight @ projected, bend)


def fit_means(
    design: PhaseDesign, seen: Array, valid: Array, weight: Array, bend: Array, polarity: Array | None
) -> Array:
    """Fit a response that never changes, and what of it turns over with the polarity of the pulses, V, (2, size).

    ``seen`` and ``valid`` are those of `Piece`. The pulses' matrices are larger than the signal: never all at once.
    """
    weights = np.stack([weight] if polarity is None else [weight * (polarity == side) for side in (1.0, -1.0)])
    normal, right = np.zeros((len(weights), DEGREE + 1, design.size)), np.zeros((len(weights), design.size))
    for low in range(0, design.pulses, AT_ONCE):
        high = min(low + AT_ONCE, design.pulses)
        rows, local = slice(*np.searchsorted(design.pulse, [low, high])), design.of_pulses(low, high)
        normal += np.tensordot(weights[:, low:high], local.gram(valid[rows]), 1)
        right += weights[:, low:high] @ local.project_rows(seen[rows] * valid[rows])
    sides = [_fit_sums(one, other, bend) for one, other in zip(normal, right, strict=True)]
    if polarity is None:
        return np.stack([sides[0], np.zeros_like(sides[0])])
    return 0.5 * np.stack([sides[0] + sides[1], sides[0] - sides[1]])


def _fit_sums(normal: Array, right: Array, bend: Array) -> Array:
    if not right.any():  # a channel without a signal
        return np.zeros_like(right)
    return learn_bending(normal, right, bend, None)[1]
