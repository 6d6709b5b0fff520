"""Responses that change with effort: units that pulses reset fire in step with them, which nothing tells apart.

At 12 to 25 Hz a pulse resets the firing of units that fire at about that rate by themselves. Their action potentials
then come at one latency after every pulse for as long as the muscle works, and a fit to what is locked to the pulses
takes them for the response.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_basis import DEGREE, PhaseDesign, make_design
from emgkit.artifact.spline_piece import SPIKE, pulse_power
from emgkit.artifact.spline_random import RandomShapes

__all__ = ["WithEffort", "find_with_effort"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

DRIFT = 3  # degree of the polynomial over the pulses by which responses change on their own: fatigue, potentiation
APART = 0.3  # of the effort's RMS, that must be left beside that polynomial: else effort is not told from fatigue
QUIETEST = 0.1  # of the pulses, whose power is that of the noise
VARIES = 4.0  # power of a tenth of the pulses over that of another tenth, from which effort changes
FEWEST = 40  # pulses
GRID = 0.1e-3  # s, on which changes are looked at
MOST, NORMAL = 0.25, 0.1015  # quantile of what noise is told by, and that of the square of a normal variable


@dataclass(frozen=True, eq=False)
class WithEffort(FrozenValue):
    """By how much a response changes with effort.

    Parameters
    ----------
    effort : (pulses,) V, RMS of the voluntary EMG about each pulse beyond that of the noise
    times : (times,) s since the pulse
    change : (times,) V per V
    share : float
        Power of the change over that of the voluntary EMG, if it is voluntary EMG.
    """

    effort: Array
    times: Array
    change: Array
    share: float

    def variance(self, design: PhaseDesign) -> Array:
        """Give the square of the change at the rows of a design, V²: none of it may be the response's."""
        return np.asarray((self.effort[design.pulse] * np.interp(design.phase, self.times, self.change)) ** 2)


def find_with_effort(
    onsets: Array,
    knots: Array,
    coefficients: Array,
    shapes: RandomShapes | None,
    rest: Array,
    known: Mask,
    fs: float,
) -> WithEffort | None:
    """Compare the responses to pulses during effort with those between.

    Parameters
    ----------
    onsets : ndarray, shape (pulses,)
        s.
    knots : ndarray
        Of the response, s.
    coefficients : ndarray, shape (pulses, size)
        Of every response's smooth courses, V.
    shapes : RandomShapes or None
        What was followed from pulse to pulse beside them.
    rest : ndarray, shape (samples,)
        What all fits leave: the voluntary EMG, V.
    known : ndarray of bool, shape (samples,)
        Samples that were measured.
    fs : float
        Hz.

    Returns
    -------
    WithEffort or None
        None where effort does not change, or changes as fatigue does.

    Notes
    -----
    Both halves of the pulses must show a change, so that a step of the response between two contractions is none. What
    noise puts into the comparison is as large at most latencies, and is taken away. A response may change with effort
    itself, as muscles shorten; that is within the error, too.
    """
    if onsets.size < FEWEST:
        return None
    design = make_design(onsets, fs, rest.size, knots)
    power = pulse_power(design, rest[design.samples], known[design.samples].astype(float), SPIKE)
    if np.quantile(power, 1 - QUIETEST) < VARIES * np.quantile(power, QUIETEST):
        return None
    effort = np.sqrt(np.maximum(power - np.quantile(power, QUIETEST), 0.0))
    times, halves = np.arange(knots[0], knots[-1], GRID), []
    for half in np.array_split(np.arange(onsets.size), 2):
        drift = np.linalg.qr(np.polynomial.legendre.legvander(np.linspace(-1, 1, half.size), DRIFT))[0]
        apart = effort[half] - drift @ (drift.T @ effort[half])
        if not float(apart @ apart) > APART**2 * float(effort[half] @ effort[half]):
            return None
        weights = apart / float(apart @ apart)
        change = BSpline(knots, weights @ coefficients[half], DEGREE)(times)
        if shapes is not None:
            own = BSpline(shapes.knots, weights @ shapes.coefficients[half], DEGREE, extrapolate=False)(times)
            change = change + np.nan_to_num(own)
        halves.append(change)
    squares = np.maximum(halves[0] * halves[1], 0.0)
    beyond = np.maximum(squares - float(np.quantile(squares, MOST)) / NORMAL, 0.0)
    if not beyond.any():
        return None
    taken = float(np.mean(effort**2) * np.mean(beyond))
    return WithEffort(effort, times, np.sqrt(beyond), taken / (taken + float(power.mean())))
