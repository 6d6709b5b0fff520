"""What outlasts the usual interval after pulses that a pause follows."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import DEGREE, bend_operator, make_design
from emgkit.artifact.spline_share import Tail
from emgkit.artifact.spline_solve import fit_courses

__all__ = ["find_tail"]

Array = NDArray[np.float64]

TAIL, STEP = 0.040, 0.001  # s: what is left after the time of the next pulse, and its knots


def find_tail(
    onsets: Array, until: float, rest: Array, known: NDArray[np.bool_], weights: Array, fs: float, enough: int
) -> Tail | None:
    """Fit it from what all else leaves, if there are enough pauses.

    Parameters
    ----------
    onsets : ndarray, shape (pulses,)
        All pulses, s.
    until : float
        End of the support of the response, s after a pulse.
    rest : ndarray, shape (channels, samples)
        What all else leaves, V.
    known : ndarray of bool, shape (channels, samples)
        Samples that were measured.
    weights : ndarray, shape (channels,)
        One over the variance of the noise, 1/V².
    fs : float
        Hz.
    enough : int
        Pauses that it takes.
    """
    onsets = onsets[np.append(np.diff(onsets), np.inf) > until + TAIL]
    if onsets.size < enough:
        return None
    inner = np.arange(until + STEP, until + TAIL - 0.5 * STEP, STEP)
    knots = np.concatenate([np.full(DEGREE + 1, until), inner, np.full(DEGREE + 1, until + TAIL)])
    design, bend = make_design(onsets, fs, rest.shape[1], knots), bend_operator(knots)
    once, none = np.ones((onsets.size, 1)), np.zeros((onsets.size, 0))
    found = np.zeros((len(rest), design.size))
    for channel, row in enumerate(rest):
        seen, valid = row[design.samples], known[channel, design.samples].astype(float)
        if seen.size and np.var(seen) > 0:
            weight = np.full(onsets.size, float(weights[channel]))
            fit = fit_courses(design.gram(valid), design.project_rows(seen * valid), once, none, weight, bend)
            found[channel] = fit.coefficients[0]
    return Tail(onsets, knots, found)
