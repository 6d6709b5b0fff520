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
    The square of the change is the product of what both halves of the pulses say, as far as that is positive: what
    noise puts into them averages to nearly nothing, and a step of the response between two contractions is in one of
    them only. A response may change with effort itself, as muscles shorten; that is within the error, too.
    """
    if onsets.size < FEWEST:
        return None
    design = make_design(onsets, fs, rest.size, knots)
    power = pulse_power(design, rest[design.samples], known[design.samples].astype(float), SPIKE)
    if np.quantile(power, 1 - QUIETEST) < VARIES * np.quantile(power, QUIETEST):
        return None
    effort = np.sqrt(np.maximum(power - np.quantile(power, QUIETEST), 0.0))
    times = np.arange(knots[0], knots[-1], GRID)
    waves = [(knots, coefficients)] if shapes is None else [(knots, coefficients), (shapes.knots, shapes.coefficients)]
    halves = [_change(effort, waves, half, times) for half in np.array_split(np.arange(onsets.size), 2)]
    if any(half is None for half in halves):
        return None
    squares = np.maximum(np.prod(np.stack([half for half in halves if half is not None]), axis=0), 0.0)
    if not squares.any():
        return None
    taken = float(np.mean(effort**2) * np.mean(squares))
    return WithEffort(effort, times, np.sqrt(squares), taken / (taken + float(power.mean())))


def _change(effort: Array, waves: list[tuple[Array, Array]], pulses: NDArray[np.int64], times: Array) -> Array | None:
    """Change of the responses with effort at times since the pulse, V per V; None where that is not told from fatigue.

    Parameters
    ----------
    effort : (pulses,) V
    waves : list of (knots, coefficients), whose sum the responses are; s, and (pulses, size) V
    pulses : numbers of the pulses that are compared
    times : (times,) s
    """
    own = effort[pulses]
    drift = np.linalg.qr(np.polynomial.legendre.legvander(np.linspace(-1, 1, own.size), DRIFT))[0]
    apart = own - drift @ (drift.T @ own)
    power = float(apart @ apart)
    if not power > APART**2 * float(own @ own):
        return None
    parts = [BSpline(knots, apart @ each[pulses] / power, DEGREE, extrapolate=False)(times) for knots, each in waves]
    return np.asarray(np.nan_to_num(parts).sum(axis=0))
