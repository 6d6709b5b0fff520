"""Times that were rounded, to samples or to milliseconds, and what the clock knows better."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog
from scipy.sparse import coo_array, hstack, vstack

from emgkit.detect.clock import NONE, Fitted, fit_lines

__all__ = ["found_step", "unrounded"]

Array = NDArray[np.float64]

STEPS = (0.01, 0.001, 1e-4)  # s, beside the sampling intervals
WHOLE = 1e-3  # of a step: times that lie closer to whole steps are whole steps
FEWEST = 10  # pulses on the clock
MOST = 1.5  # times the scatter that rounding makes: up to there, little jitter may be none
CLOCKLESS = 10.0  # steps, scatter about the clock from which it says nothing about the rounding


def found_step(times: Array, rates: list[float]) -> float:
    """Find the step that times are rounded to.

    Parameters
    ----------
    times : ndarray, shape (pulses,)
        s.
    rates : list of float
        Sampling rates of the recording and its traces, Hz.

    Returns
    -------
    float
        s; the longest step of which all times are whole multiples; 0 for none.
    """
    if times.size < 3:
        return 0.0
    since = times - times[0]
    for step in sorted([*STEPS, *(1 / rate for rate in rates)], reverse=True):
        off = since / step - np.round(since / step)
        if np.abs(off).max() < WHOLE:
            return step
    return 0.0


def unrounded(times: Array, train: NDArray[np.int64], step: float) -> tuple[Array, Array | None]:
    """Move rounded times towards the clock that they were rounded from.

    Rounding adds a scatter of step/√12. What is left of the scatter about the clock is jitter; every time is moved
    by the share of the rounding in its scatter, all the way if there is no jitter.

    Parameters
    ----------
    times : ndarray, shape (pulses,)
        s.
    train : ndarray of int, shape (pulses,)
    step : float
        To which they were rounded, s.

    Returns
    -------
    times : ndarray, shape (pulses,)
        s; as given if they keep no clock.
    errors : ndarray, shape (pulses,), or None
        Standard errors, s; None if nothing was moved.
    """
    if not step:
        return times, None
    rounding = step / np.sqrt(12)
    exact = _without_jitter(times, train, step)
    if exact is not None:
        return exact, np.full(times.size, rounding * np.sqrt(2 / times.size))
    fitted = fit_lines(times, train)
    if fitted is None or fitted.model == NONE or fitted.on_beat.sum() < FEWEST or fitted.scatter > CLOCKLESS * step:
        return times, None
    jitter = max(fitted.scatter**2 - rounding**2, 0.0)
    if fitted.scatter <= MOST * rounding:
        jitter *= jitter / max(jitter + (0.2 * rounding) ** 2, 1e-30)  # no jitter that chance explains
    moved = fitted.expected + (times - fitted.expected) * jitter / (jitter + rounding**2)
    moved = np.where(fitted.on_beat, moved, times)
    if (np.diff(moved) <= 0).any():
        return times, None
    error = np.sqrt(jitter * rounding**2 / (jitter + rounding**2) + rounding**2 * 2 / fitted.on_beat.sum())
    return moved, np.where(fitted.on_beat, error, rounding)


def _without_jitter(times: Array, train: NDArray[np.int64], step: float) -> Array | None:
    """Give the times of straight lines that rounding alone made these of; None if there are no such lines.

    At an interval of nearly a whole number of steps the errors of the rounding change slowly, and pass for a drift.
    """
    fitted = fit_lines(times, train, drifts=False)
    if fitted is None or times.size < FEWEST or not fitted.on_beat.all() or fitted.scatter > step:
        return None
    expected = _nearest_line(times, train, fitted)
    off = float(np.abs(times - expected).max())
    return expected if off <= (0.5 + WHOLE) * step and (np.diff(expected) > 0).all() else None


def _nearest_line(times: Array, train: NDArray[np.int64], fitted: Fitted) -> Array:
    """Lay the lines so that the largest error is smallest: rounding has sharp bounds, unseen by least squares."""
    trains, number = np.unique(train, return_inverse=True)
    beat = (fitted.beats - fitted.beats.mean()) / max(float(np.ptp(fitted.beats)), 1.0)
    rest = times - fitted.expected
    rows = np.arange(rest.size)
    starts = coo_array((np.ones(rest.size), (rows, number)), shape=(rest.size, trains.size))
    lines = hstack([coo_array(beat[:, np.newaxis]), starts])
    bound = coo_array(np.ones((2 * rest.size, 1)))
    size = float(np.abs(rest).max()) or 1.0
    found = linprog(  # type: ignore[call-overload]
        np.append(np.zeros(trains.size + 1), 1.0),
        hstack([vstack([lines, -lines]), -bound]).tocsr(),
        np.concatenate([rest, -rest]) / size,
        bounds=[(None, None)],
        method="highs",
    )
    if not found.success:
        return fitted.expected
    return np.asarray(fitted.expected + size * (found.x[0] * beat + found.x[1:-1][number]))
