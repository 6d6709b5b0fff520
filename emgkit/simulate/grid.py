"""Times at which the state of the muscle fibres is told: between them it runs along lines."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.fatigue import GRID, FatigueParameters, FibreState
from emgkit.simulate.muscle import Activity

Array = NDArray[np.floating[Any]]

FEWEST, MOST, EVERY = 5, 25, 2.5  # even times, one every 2.5 s, s; numerical
OFF, APART = 0.0015, 0.06  # relative: largest distance from a line, and largest change along one; numerical
RISE_APART = 0.01  # relative change of the thresholds along a line: half the SD of one of them; numerical
GROUPS = 4  # of units by size, whose means are followed; numerical
LEAST = 0.02  # share of the fibres below which nothing is followed; numerical


def state_grid(duration: float, activities: list[Activity], fatigue: FatigueParameters) -> Array:
    """Choose times, s, so that lines between them follow velocity, amplitude, growth and thresholds of all muscles.

    The state bends where trains begin and end and within its time constants: there the times are dense.
    """
    count = int(np.clip(round(duration / EVERY) + 1, FEWEST, MOST))
    rows = np.concatenate([_rows(done, fatigue) for done in activities])
    rise = np.log(fatigue.threshold_at(np.arange(rows.shape[1]) / GRID)) * (APART / RISE_APART)
    bends = knots(np.vstack([rows, rise]), OFF, APART) / GRID
    return np.unique(np.concatenate([np.linspace(0.0, duration, count), np.minimum(bends, duration)]))


def knots(rows: Array, off: float, apart: float) -> NDArray[np.int64]:
    """Choose columns between which lines are nowhere further than ``off`` from any row, nor rise by ``apart``."""
    found, open_ = {0, rows.shape[1] - 1}, [(0, rows.shape[1] - 1)]
    while open_:
        first, last = open_.pop()
        if last - first < 2:
            continue
        part = rows[:, first : last + 1]
        share = np.linspace(0.0, 1.0, last - first + 1)
        away = np.abs(part - part[:, :1] - share * (part[:, -1:] - part[:, :1])).max(axis=0)
        if away.max() > off:
            middle = first + int(away.argmax())
        elif np.abs(part[:, -1] - part[:, 0]).max() > apart:
            middle = (first + last) // 2
        else:
            continue
        found.add(middle)
        open_ += [(first, middle), (middle, last)]
    return np.array(sorted(found))


def _rows(done: Activity, fatigue: FatigueParameters) -> Array:
    """Give logarithms of the mean state of units of about one size that the pulses excite, and of others."""
    hit = (
        done.volleys.fired.mean(axis=0) > 0.5
        if len(done.volleys.fired)
        else np.zeros(len(done.state.velocity), dtype=bool)
    )
    rows = []
    for own in (np.flatnonzero(hit), np.flatnonzero(~hit)):
        rows += [_of(done.state, part, fatigue) for part in np.array_split(own, GROUPS) if part.size]
    return np.concatenate(rows)


def _of(state: FibreState, units: NDArray[np.int64], fatigue: FatigueParameters) -> Array:
    velocity, amplitude, growth = state.velocity, state.amplitude, state.growth
    means = [table[units].mean(axis=0) for table in (velocity, np.maximum(amplitude, LEAST), growth)]
    return np.stack([np.log(means[0]), np.log(means[1]), fatigue.potentiation * means[2]])
