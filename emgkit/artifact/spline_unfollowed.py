"""Give responses the error of what varies from pulse to pulse and no fit follows, or changes with effort."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import make_design
from emgkit.artifact.spline_effort import WithEffort, find_with_effort
from emgkit.artifact.spline_errors import Unfollowed, find_unfollowed
from emgkit.artifact.spline_locked import Response

__all__ = ["with_doubts", "without_shapes"]

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


def with_doubts(responses: list[Response], rest: Array, known: Mask, has_evoked: Mask, fs: float) -> list[Response]:
    """Give the responses of channels that have one what is left of doubt in what all fits leave.

    What varies from pulse to pulse, see `find_unfollowed`, and what changes with effort, see `find_with_effort`.
    """
    made = []
    for one in responses:
        unfollowed, effort = list[Unfollowed | None](), list[WithEffort | None]()
        for number, (row, ok, has) in enumerate(zip(rest, known, has_evoked, strict=True)):
            shapes, place = one.shapes[number], (row, ok, fs)
            unfollowed.append(find_unfollowed(one.onsets, float(one.knots[-1]), shapes, *place) if has else None)
            same = one.standing.coefficients(number) if has else None
            found = None if same is None else find_with_effort(one.onsets, one.knots, same, shapes, *place)
            effort.append(found)
        made.append(replace(one, unfollowed=unfollowed, with_effort=effort))
    return made
