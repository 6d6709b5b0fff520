"""Times that were rounded, to samples or to milliseconds, and what the clock knows better."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.clock import NONE, fit_lines

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
    fitted = fit_lines(times, train)
    if fitted is None or not step or fitted.model == NONE or fitted.on_beat.sum() < FEWEST:
        return times, None
    if fitted.scatter > CLOCKLESS * step:
        return times, None
    rounding = step / np.sqrt(12)
    jitter = max(fitted.scatter**2 - rounding**2, 0.0)
    if fitted.scatter <= MOST * rounding:
        jitter *= jitter / max(jitter + (0.2 * rounding) ** 2, 1e-30)  # no jitter that chance explains
    moved = fitted.expected + (times - fitted.expected) * jitter / (jitter + rounding**2)
    moved = np.where(fitted.on_beat, moved, times)
    if (np.diff(moved) <= 0).any():
        return times, None
    error = np.sqrt(jitter * rounding**2 / (jitter + rounding**2) + rounding**2 * 2 / fitted.on_beat.sum())
    return moved, np.where(fitted.on_beat, error, rounding)
