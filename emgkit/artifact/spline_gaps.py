"""Whether responses follow the gaps to other stimulators' pulses: courses that say so cost voluntary EMG."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.interference import Mains
from emgkit.artifact.line_courses import no_lines
from emgkit.artifact.spline_pulse_times import FEWEST_SOON, curves_in, gaps_before, groups_of_gaps, recovery_courses
from emgkit.artifact.spline_response import ResponseFitter
from emgkit.artifact.spline_time import orthonormal
from emgkit.artifact.spline_turns import Turns
from emgkit.errors import TimingError

__all__ = ["Gaps", "evidence_of_gaps", "gaps_of", "step_in_gaps"]

Array = NDArray[np.float64]

EVIDENCE = 5.0  # z score from which gaps count; responses that add up have 2
BLOCK = 10  # pulses in a row that are left out together: gaps drift slowly, and EMG is alike over many pulses
REACH = 0.030  # s after the pulse: a response lasts no longer
LONGEST_STEP = 0.008  # s, gap up to which axons may be refractory; unverified
STEP_SHARE = 0.1  # of what smooth curves leave: noise has less in one place of tens; unverified
LEAST_FRAMES = 4  # times as many pulses as courses, below which nothing is told


@dataclass(frozen=True)
class Gaps:
    """How responses follow the gaps to other stimulators' pulses.

    Parameters
    ----------
    matter : bool
        Whether they do: where responses only add up, they do not.
    steps : tuple of float or None
        Of every stimulator, the gap before its pulses at which its responses come back at once, s, where there is one.
    """

    matter: bool
    steps: tuple[float | None, ...]


def gaps_of(turns: Turns, fitters: list[ResponseFitter], mains: Mains, onsets: Array) -> Gaps:
    """Tell whether responses follow the gaps to another stimulator's pulses, and where they come back.

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
        return Gaps(True, (None,) * len(fitters))
    rest = turns.rest(fitters, mains, (), no_lines(len(turns.signal)))
    matter = evidence_of_gaps(fitters, onsets, rest, turns.fs) >= EVIDENCE
    return Gaps(matter, tuple(step_in_gaps(fitter.onsets, onsets, rest, turns.fs) for fitter in fitters))


def step_in_gaps(own: Array, every: Array, rest: Array, fs: float) -> float | None:
    """Find the gap at which responses come back at once, s: axons were refractory before. None where they do not.

    Parameters
    ----------
    own, every : ndarray
        Onsets of one stimulator and of all, s.
    rest : ndarray, shape (channels, samples)
        What fits without courses of the gaps leave, V.
    fs : float
        Hz.
    """
    gaps = gaps_before(own, every)
    index = np.floor(own * fs).astype(np.int64)[:, np.newaxis] + np.arange(round(REACH * fs))
    near = np.flatnonzero((gaps < LONGEST_STEP) & (index[:, -1] < rest.shape[1]))
    found = [(0.0, 0.0)]
    for group in groups_of_gaps(gaps[near]):
        chosen = near[group]
        if chosen.size >= 4 * FEWEST_SOON:
            found.append(_step(gaps[chosen], np.concatenate(list(rest[:, index[chosen]]), axis=1)))
    share, place = max(found)
    return place if share > STEP_SHARE else None


def _step(gaps: Array, frames: Array) -> tuple[float, float]:
    """Give the share of the power beside smooth curves over the gaps that the best step explains, and its place, s."""
    smooth = np.linalg.qr(curves_in(gaps).T)[0]
    left = frames - smooth @ (smooth.T @ frames)
    after, hidden = (np.cumsum(one[::-1], axis=0)[::-1] for one in (left, smooth))  # sums from every pulse on
    places = np.arange(FEWEST_SOON, gaps.size - FEWEST_SOON + 1)
    own = gaps.size - places - (hidden[places] ** 2).sum(axis=1)
    gains = (after[places] ** 2).sum(axis=1) / np.maximum(own, 1e-3 * gaps.size)
    best = int(places[np.argmax(gains)])
    return float(gains.max()) / max(float((left**2).sum()), 1e-300), float(gaps[best - 1 : best + 1].mean())


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
