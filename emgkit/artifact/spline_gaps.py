"""Whether responses follow the gaps to other stimulators' pulses: courses that say so cost voluntary EMG."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.interference import Mains
from emgkit.artifact.line_courses import no_lines
from emgkit.artifact.spline_pulse_times import recovery_courses
from emgkit.artifact.spline_response import ResponseFitter
from emgkit.artifact.spline_time import orthonormal
from emgkit.artifact.spline_turns import Turns
from emgkit.errors import TimingError

__all__ = ["evidence_of_gaps", "gaps_matter"]

Array = NDArray[np.float64]

EVIDENCE = 5.0  # z score from which gaps count; responses that add up have 2
BLOCK = 10  # pulses in a row that are left out together: gaps drift slowly, and EMG is alike over many pulses
REACH = 0.030  # s after the pulse: a response lasts no longer
LEAST_FRAMES = 4  # times as many pulses as courses, below which nothing is told


def gaps_matter(turns: Turns, fitters: list[ResponseFitter], mains: Mains, onsets: Array) -> bool:
    """Tell whether responses follow the gaps to another stimulator's pulses: where they only add up, they do not.

    Parameters
    ----------
    turns : Turns
        The signals.
    fitters : list of ResponseFitter
        Of all stimulators, without courses of the gaps.
    mains : Mains
    onsets : ndarray, shape (pulses,)
        Of all stimulators, s.
    """
    try:
        turns.fit(fitters, mains, (), 1, shifts=False)
    except TimingError:  # nothing is told where the responses cannot be told apart
        return True
    rest = turns.rest(fitters, mains, (), no_lines(len(turns.signal)))
    return evidence_of_gaps(fitters, onsets, rest, turns.fs) >= EVIDENCE


def evidence_of_gaps(fitters: list[ResponseFitter], onsets: Array, rest: Array, fs: float) -> float:
    """Cross-validated evidence that what fits without courses of the gaps leave follows them, the largest z score.

    What half of the pulses say of every course is multiplied with what the other half leaves: without an influence of
    the gaps the products average to zero, whatever the spectrum of the EMG.

    Parameters
    ----------
    fitters : list of ResponseFitter
        Of all stimulators, fitted without such courses.
    onsets : ndarray, shape (pulses,)
        Of all stimulators, s.
    rest : ndarray, shape (channels, samples)
        What they leave, V.
    fs : float
        Hz.

    Returns
    -------
    float
        Infinite where the pulses are too few to tell.
    """
    scores = [-np.inf]
    for fitter in fitters:
        courses = recovery_courses(fitter.onsets, onsets)
        if not courses:
            continue
        index = np.floor(fitter.onsets * fs).astype(np.int64)[:, np.newaxis] + np.arange(round(REACH * fs))
        inside = index[:, -1] < rest.shape[1]
        own = orthonormal([np.ones(fitter.onsets.size), *courses])[inside, 1:]
        if len(own) < LEAST_FRAMES * own.shape[1]:
            return np.inf
        scores += [_evidence(row[index[inside]], own) for row in rest]
    return float(max(scores))


def _evidence(frames: Array, courses: Array) -> float:
    """Evidence that the frames of one stimulator and channel, (pulses, samples), follow courses, (pulses, courses)."""
    half = np.arange(len(frames)) // BLOCK % 2
    products = np.zeros(len(frames))
    for one in (0, 1):
        found, *_ = np.linalg.lstsq(courses[half != one], frames[half != one], rcond=None)
        products[half == one] = (frames[half == one] * (courses[half == one] @ found)).sum(axis=1)
    spread = float(products.std()) / np.sqrt(products.size)
    return float(products.mean()) / spread if spread > 0 else 0.0
