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
CLEARLY = 6.0  # standard errors of the change in either half: those of M-waves that vary on their own reach 5, and 7 in
# one half; of units in step with the pulses, three times the RMS of the EMG, it was 10 to 23
LAGS = 4  # of a half, up to which what is left of responses may hang together


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
    them only. Responses vary slowly on their own, too, and in a few contractions they may do so as effort does by
    chance: the change must be clear beside what else varies in both halves, with the autocorrelation that this has
    (Newey and West 1987, Econometrica 55:703). A response may change with effort itself, as muscles shorten; that is
    within the error, too.
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
    one, other = (_Half.of(effort[half], waves, half) for half in np.array_split(np.arange(onsets.size), 2))
    if one is None or other is None:
        return None
    changes = one.change(times), other.change(times)
    if min(one.clearness(changes[1], times), other.clearness(changes[0], times)) < CLEARLY:
        return None
    squares = np.maximum(np.prod(changes, axis=0), 0.0)
    taken = float(np.mean(effort**2) * np.mean(squares))
    return WithEffort(effort, times, np.sqrt(squares), taken / (taken + float(power.mean())))


@dataclass(frozen=True, eq=False)
class _Half:
    """Effort and responses at some of the pulses, both beside what changes as fatigue does.

    Parameters
    ----------
    apart : (pulses,) V
    responses : list of (knots, coefficients), whose sum they are; s, and (pulses, size) V
    """

    apart: Array
    responses: list[tuple[Array, Array]]

    @classmethod
    def of(cls, effort: Array, waves: list[tuple[Array, Array]], pulses: NDArray[np.int64]) -> _Half | None:
        """Take away what changes slowly; None where effort is not told from that."""
        drift = np.linalg.qr(np.polynomial.legendre.legvander(np.linspace(-1, 1, effort.size), DRIFT))[0]
        apart = effort - drift @ (drift.T @ effort)
        if not float(apart @ apart) > APART**2 * float(effort @ effort):
            return None
        own = [(knots, each[pulses] - drift @ (drift.T @ each[pulses])) for knots, each in waves]
        return cls(apart, own)

    def change(self, times: Array) -> Array:
        """Change of the responses with effort at times since the pulse, V per V, (times,)."""
        power = float(self.apart @ self.apart)
        parts = [
            BSpline(knots, self.apart @ each / power, DEGREE, extrapolate=False)(times)
            for knots, each in self.responses
        ]
        return np.asarray(np.nan_to_num(parts).sum(axis=0))

    def clearness(self, pattern: Array, times: Array) -> float:
        """Change along a pattern at times since the pulse, (times,), over its standard error."""
        along = np.zeros(self.apart.size)
        for knots, each in self.responses:
            inside = (times >= knots[DEGREE]) & (times < knots[-DEGREE - 1])
            splines = BSpline.design_matrix(times[inside], knots, DEGREE)
            along += each @ (splines.T @ pattern[inside])
        power = float(self.apart @ self.apart)
        left = self.apart * (along - float(self.apart @ along) / power * self.apart)
        lags = np.arange(max(left.size // LAGS, 1))
        together = np.correlate(left, left, "full")[left.size - 1 :][: lags.size]
        variance = float(np.where(lags > 0, 2.0, 1.0) * (1 - lags / lags.size) @ together)
        return float(self.apart @ along) / max(float(np.sqrt(max(variance, 0.0))), 1e-300)
