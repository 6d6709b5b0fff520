"""Groups of channels that were fitted one after the other: split by the one tail that all of them see."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_tail_view import View
from emgkit.artifact.tail_found import TailSplit
from emgkit.artifact.tail_rows import TailRows
from emgkit.artifact.tail_together import FEWEST_ROWS, course_of, one_tail
from emgkit.errors import ParameterError

__all__ = ["split_groups"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

OF_ROWS = (
    "artifact",
    "evoked",
    "evoked_error",
    "tail",
    "tail_error",
    "onset",
    "overlap",
    "no_tail",
    "weights",
    "tail_weights",
    "clear",
)


def split_groups(groups: list[tuple[View, Indices]]) -> list[TailSplit] | None:
    """Split the rows of all groups together; None where they do not see one tail, or there is but one group.

    Parameters
    ----------
    groups : list of (View, ndarray of int)
        How the mean responses of every group are seen, and its rows.
    """
    known = next((view.amplifiers for view, _ in groups if view.amplifiers), None)
    times = [view.times for view, _ in groups]
    if known is None or len(groups) < 2 or sum(rows.size for _, rows in groups) < FEWEST_ROWS:
        return None
    if any(one.shape != times[0].shape or not np.allclose(one, times[0]) for one in times):
        return None
    values = np.concatenate([view.waves(rows) for view, rows in groups])
    errors = np.concatenate([view.errors(rows) for view, rows in groups])
    try:
        problem = TailRows(times[0], values, errors, groups[0][0].interval, None)
    except ParameterError:
        return None
    tail = one_tail(problem, np.concatenate([view.block(rows, problem.start) for view, rows in groups]))
    if tail is None:
        return None
    noise = np.stack([np.einsum("r,rts->ts", row**2, errors) for row in tail.weights.T])
    split = course_of(problem, tail, noise, known).split(problem, tail.loads)
    return None if split is None else _parts(split, [rows.size for _, rows in groups])


def _parts(split: TailSplit, sizes: list[int]) -> list[TailSplit]:
    ends = np.cumsum(sizes)
    return [
        replace(
            split,
            **{name: getattr(split, name)[end - size : end] for name in OF_ROWS},
            reason=split.reason[end - size : end],
        )
        for size, end in zip(sizes, ends, strict=True)
    ]
