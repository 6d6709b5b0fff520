"""Give responses the error of what varies from pulse to pulse and no fit follows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import make_design
from emgkit.artifact.spline_errors import find_unfollowed
from emgkit.artifact.spline_locked import Response

__all__ = ["with_unfollowed", "without_shapes"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def without_shapes(responses: list[Response], rest: Array, fs: float) -> Array:
    """Take away how responses vary from pulse to pulse, V, (channels, samples): it is no error of the mean."""
    rest = rest.copy()
    for response in responses:
        for row, shapes in zip(rest, response.shapes, strict=True):
            if shapes is not None:
                own = make_design(response.onsets, fs, row.size, shapes.knots)
                row[own.samples] -= own.evaluate(shapes.coefficients)
    return rest


def with_unfollowed(responses: list[Response], rest: Array, known: Mask, has_evoked: Mask, fs: float) -> list[Response]:
    """Measure it in what all fits leave, see `find_unfollowed`, in the channels that have a response."""
    return [
        replace(
            one,
            unfollowed=[
                find_unfollowed(one.onsets, float(one.knots[-1]), one.shapes[number], row, ok, fs) if has else None
                for number, (row, ok, has) in enumerate(zip(rest, known, has_evoked, strict=True))
            ],
        )
        for one in responses
    ]
