"""Responses that alternate: every other one is larger, as refractory fibres and potentiation make them at some rates.

A course that changes its sign from pulse to pulse is none that noise is told by then, and none that happens by chance.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.interference import MOST_LINES, NOMINAL, SPARED, Mains, near_harmonic
from emgkit.artifact.line_courses import Lines
from emgkit.artifact.spline_evidence import locked_evidence
from emgkit.artifact.spline_found import Agreed
from emgkit.artifact.spline_response import ResponseFitter
from emgkit.artifact.spline_turns import Turns

__all__ = ["alternating_courses", "follow_alternation"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

EVIDENCE = 5.0  # z score from which responses alternate
FEWEST = 40  # pulses: fewer tell of no smooth course either


def alternating_courses(onsets: Array, train: Indices) -> list[Array]:
    """Courses that change their sign from pulse to pulse of a train, steady ones and those that grow, (pulses,)."""
    place = np.arange(train.size)
    starts = np.flatnonzero(np.diff(train, prepend=train[0] - 1) != 0)
    since = place - starts[np.searchsorted(starts, place, side="right") - 1]
    turns = 1.0 - 2.0 * (since % 2)
    return [turns, turns * (onsets - onsets.mean()) / max(float(np.ptp(onsets)), 1e-300)]


def follow_alternation(turns: Turns, agreed: Agreed, lines: Lines, has_evoked: NDArray[np.bool_]) -> Lines:
    """Let responses that alternate do so, fit them once more, and give the lines that are beside them then.

    Where pulses turn over or come in groups, or several stimulators' responses lie beside each other, half of a rate is
    none of a muscle's alone: nothing is done.

    Parameters
    ----------
    turns : Turns
        The signals.
    agreed : Agreed
        What was fitted.
    lines : Lines
        As fitted beside it.
    has_evoked : ndarray of bool, shape (channels,)
        Channels with a response.
    """
    fitter = agreed.alone
    if fitter is None or not has_evoked.any() or fitter.onsets.size < FEWEST:
        return lines
    mains, orders = agreed.mains, agreed.orders
    rest = turns.rest([fitter], mains, orders, lines)[has_evoked]
    courses = alternating_courses(fitter.onsets, fitter.train)
    seen = replace(turns, signal=rest, flat=rest, known=turns.known[has_evoked])
    if not _alternates(seen, fitter, courses[0], agreed.compared):
        return lines
    fitter.follow_courses(courses)
    return turns.fit([fitter], mains, orders, shifts=False, guess=fitter.render(len(has_evoked)))


def _alternates(turns: Turns, fitter: ResponseFitter, signs: Array, span: tuple[float, float]) -> bool:
    """Tell whether what the fit leaves alternates beyond what mains at odd multiples of half the rate does."""
    rest, seen = turns.signal, (turns.fs, fitter.onsets, *span, signs)
    if not (locked_evidence(rest, *seen, turned=True) >= EVIDENCE).any():
        return False
    for nominal in NOMINAL:
        mains = _between(nominal, 1 / fitter.interval, turns.fs)
        if mains.orders:
            rest = turns.without(rest, mains, mains.orders, rest)
    return bool((locked_evidence(rest, *seen, turned=True) >= EVIDENCE).any())


def _between(nominal: float, rate: float, fs: float) -> Mains:
    """Give the lines of mains that alternate from pulse to pulse."""
    lines = [order for order in range(1, MOST_LINES + 1) if order * nominal < fs / 2]
    half = [one for one in lines if near_harmonic(one * nominal, rate / 2, SPARED)]
    return Mains(nominal, tuple(one for one in half if not near_harmonic(one * nominal, rate, SPARED)))
