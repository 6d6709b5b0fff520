"""One fitter per stimulator, and how long responses may last."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import phase_knots
from emgkit.artifact.spline_pulse_times import (
    LONGEST,
    interval_courses,
    is_regular,
    mean_interval,
    recovery_courses,
    runs_on,
    usual_interval,
    varying_current,
)
from emgkit.artifact.spline_response import ResponseFitter
from emgkit.artifact.spline_units import Later
from emgkit.pulses import Pulses

__all__ = ["fitters_of", "support_of"]

Array = NDArray[np.float64]

SHORTEST = 0.002  # s
TAIL = 0.060  # s, support in irregular trains
DENSE = 4.0  # usual intervals that a response may last among irregular pulses: no more can be told apart


def support_of(pulses: Pulses, interval: float, before: float) -> float:
    """End of the support of a response, s after the pulse; ``before`` it the next one begins."""
    if np.unique(pulses.stimulator).size == 1 and is_regular(pulses):
        return min(interval, LONGEST) - before + runs_on(pulses.onsets, interval)
    return min(TAIL, DENSE * mean_interval(pulses))


def fitters_of(
    pulses: Pulses,
    until: float,
    before: float,
    fs: float,
    count: int,
    window: float,
    *,
    recovery: bool,
    steps: tuple[float | None, ...] = (),
    polarity: Array | None = None,
    later: Later | None = None,
) -> list[ResponseFitter]:
    """Make a fitter for every stimulator.

    Parameters
    ----------
    pulses : Pulses
        Of all stimulators, s from the first sample.
    until : float
        End of the support of a response, s after the pulse.
    before : float
        The artifact may begin so long before the pulse, s.
    fs : float
        Hz.
    count : int
        Samples.
    window : float
        Length of a segment, s.
    recovery : bool
        Whether pulses that others follow soon have courses of their own.
    steps : tuple of float or None
        Of every stimulator, the gap at which its responses come back, s; empty where none was looked for.
    polarity : ndarray, shape (pulses,), optional
        1 or −1, of all pulses.
    later : Later, optional
        Where every pulse is the first of a group: the others.
    """
    made = []
    numbers = np.unique(pulses.stimulator)
    for place, number in enumerate(numbers):
        own = pulses.select(pulses.stimulator == number)
        interval = usual_interval(own)
        end = min(until, interval - before) if numbers.size > 1 and is_regular(own) else until
        periodic = is_regular(own) and interval <= LONGEST and end < interval
        courses = recovery_courses(own.onsets, pulses.onsets, *_steps_of(steps, place)) if recovery else []
        made.append(
            ResponseFitter(
                np.array(own.onsets),
                np.array(own.train),
                phase_knots(before, max(end, SHORTEST), fs, lags=() if later is None else later.lags),
                interval,
                fs,
                count,
                window,
                [*courses, *interval_courses(own.onsets, interval)] if periodic and later is None else courses,
                varying_current(own),
                periodic,
                None if polarity is None else _turning(polarity[pulses.stimulator == number]),
                later,
            )
        )
    return made


def _steps_of(steps: tuple[float | None, ...], place: int) -> tuple[float | None, float | None]:
    """Give the step of one stimulator, and the first of the others'."""
    if not steps:
        return None, None
    others = [one for number, one in enumerate(steps) if number != place and one is not None]
    return steps[place], others[0] if others else None


def _turning(polarity: Array) -> Array | None:
    """Give the polarity of one stimulator's pulses, if it changes."""
    return polarity if (polarity != polarity[0]).any() else None
