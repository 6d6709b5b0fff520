"""Bring trains together whose artifacts were found at another lobe, because each lies at its own place between samples.

Where the rate divides the sampling rate, all pulses of a train lie at one place between two samples, and the next train
lies at another. Which sample of a brief artifact is the largest depends on that place, and so does where a train was
found: up to some samples from the others, farther than a fit of one waveform to all of them looks. Sampled so, a brief
artifact is aliased, so that no interpolation of one train tells where another lies; but the samples of all of them lie
on one smooth curve, which they do at no other shift. How likely they are as a Gaussian process (Rasmussen and Williams
2006, Gaussian Processes for Machine Learning, 5.4.1) tells the shift.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve

from emgkit.detect.growth import EMPTY

__all__ = ["at_one_place", "brought_together", "silences", "starts_anew"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

ABOUT = (-5, 9)  # samples about a pulse
OWN = 5  # pulses, from which a train after a silence may have a start of its own
ONE_PLACE = 0.5  # of a sample, which the places within a train differ by where the rate is locked
FARTHEST, STEPS = 4.0, (0.25, 0.05, 0.01)  # samples
SCALES = (0.5, 0.8, 1.2)  # samples, of the curve
NOISE = 0.02  # of the artifact's RMS, by which trains differ beside the noise
MEDIAN = 1.2533  # its standard error over that of a mean
MOST, TURNS = 6, 3  # trains that one is compared with, and times that all are
CLEARLY = 6.0  # by which the logarithm of the likelihood must be larger than where the trains were found


def silences(beats: Array, period: float) -> list[int]:
    """Give the pulses before which a train was silent: what follows may have a start of its own, on no beat of before.

    Parameters
    ----------
    beats : ndarray, shape (pulses,)
        Number of the beat within the train, increasing.
    period : float
        Samples.
    """
    cuts = [0, *(np.flatnonzero(np.diff(beats) > EMPTY) + 1).tolist(), beats.size]
    out: list[int] = []
    for place, end in pairwise(cuts[1:]):
        before = beats[out[-1] if out else 0 : place]
        if starts_anew(before, period) and starts_anew(beats[place:end], period):
            out.append(place)
    return out


def starts_anew(beats: Array, period: float) -> bool:
    """Whether pulses tell that their train has a start of its own.

    They are enough, and keep their place between two samples: trains that creep through all places have gaps where a
    brief artifact is hardly seen.
    """
    return beats.size >= OWN and _drift(period, beats) < ONE_PLACE


def brought_together(bends: Array, rough: Array, train: Index, beats: Array, fs: float) -> Array:
    """Move whole trains to where all artifacts lie on one smooth curve.

    Parameters
    ----------
    bends : ndarray, shape (channels, samples)
        Differences of the signal.
    rough : ndarray, shape (pulses,)
        s from the first sample.
    train : ndarray of int, shape (pulses,)
        Trains with starts of their own.
    beats : ndarray, shape (pulses,)
        Number of the beat within the train.
    fs : float
        Hz.

    Returns
    -------
    ndarray, shape (pulses,)
        s; the same where the rate is not locked to the sampling rate, or there is one train.
    """
    names, own = np.unique(train, return_inverse=True)
    if names.size < 2 or not at_one_place(rough * fs, own, beats):
        return rough
    trains = _alike([_usual(bends, rough[own == number] * fs) for number in range(names.size)])
    order = np.argsort(-np.bincount(own), kind="stable")
    moves = np.zeros(names.size)
    for turn in range(TURNS):
        for number, one in enumerate(order):
            others = np.delete(order, number)
            others = others[np.argsort(np.abs(moves[others]), kind="stable")] if turn else order[:number]
            if others.size:
                seen = [trains[other].moved(moves[other]) for other in others[:MOST]]
                moves[one] = _best(trains[one], seen, moves[one])
    moves -= np.median(moves[own])
    return np.asarray(rough + moves[own] / fs)


def at_one_place(places: Array, train: Index, beats: Array) -> bool:
    """Whether most trains keep their place between two samples from beginning to end: the rate divides the other.

    Parameters
    ----------
    places : ndarray, shape (pulses,)
        Samples from the first one of the recording.
    train : ndarray of int, shape (pulses,)
    beats : ndarray, shape (pulses,)
        Number of the beat within the train.
    """
    each = [(places[train == number], beats[train == number]) for number in np.unique(train)]
    drifts = [_drift(float(np.polyfit(steps, own, 1)[0]), steps) for own, steps in each if own.size > 1]
    return bool(drifts) and float(np.median(drifts)) < ONE_PLACE


def _drift(period: float, beats: Array) -> float:
    """By how much the place between two samples changes from the first to the last beat, in samples like the period."""
    return abs(period - round(period)) * float(np.ptp(beats))


@dataclass(frozen=True, eq=False)
class _Samples:
    """Usual samples of a train: their times since its pulses, in samples, and their values, (channels, samples).

    Beside them their standard errors, (channels,).
    """

    since: Array
    values: Array
    noise: Array

    def moved(self, later: float) -> _Samples:
        """Give them for pulses that come so many samples later."""
        return _Samples(self.since - later, self.values, self.noise)


def _usual(bends: Array, places: Array) -> _Samples:
    part = float(np.angle(np.exp(2j * np.pi * places).mean())) / (2 * np.pi)
    about = np.arange(ABOUT[0], ABOUT[1] + 1)
    index = np.round(places - part).astype(np.int64)[:, np.newaxis] + about
    seen = bends[:, np.clip(index, 0, bends.shape[1] - 1)]
    values = np.median(seen, axis=1)
    off = np.median(np.abs(seen - values[:, np.newaxis]), axis=1)
    noise = MEDIAN * 1.4826 * np.sqrt(np.mean(off**2, axis=1)) / np.sqrt(places.size)
    return _Samples(np.asarray(about - part, dtype=np.float64), np.asarray(values), np.asarray(noise))


def _alike(trains: list[_Samples]) -> list[_Samples]:
    """Give all channels the RMS one, over all trains."""
    rms = np.maximum(np.sqrt(np.mean([one.values**2 for one in trains], axis=(0, 2))), 1e-300)
    return [_Samples(one.since, one.values / rms[:, np.newaxis], one.noise / rms) for one in trains]


def _best(one: _Samples, others: list[_Samples], now: float) -> float:
    """Give the shift of a train that is most likely, in samples; the present one unless another is clearly more so."""
    curves = [_Curve(others, scale, max(float(np.mean(other.noise)) for other in (one, *others))) for scale in SCALES]

    def likely(later: float) -> float:
        return max(curve.likely(one.moved(later)) for curve in curves)

    best, reach = 0.0, FARTHEST
    for step in STEPS:
        best = float(max(best + np.arange(-reach, reach + step / 2, step), key=likely))
        reach = step
    return best if likely(best) > likely(now) + CLEARLY else now


class _Curve:
    """A smooth curve per channel through the samples of some trains: a Gaussian process of variance one."""

    def __init__(self, trains: list[_Samples], scale: float, noise: float) -> None:
        self._since = np.concatenate([one.since for one in trains])
        self._scale, self._noise = scale, NOISE**2 + noise**2
        values = np.concatenate([one.values for one in trains], axis=1).T
        covariance = self._near(self._since, self._since) + self._noise * np.eye(self._since.size)
        self._factor = cho_factor(covariance, lower=True)
        self._pull = cho_solve(self._factor, values)
        spread = values.shape[1] * np.log(np.diag(self._factor[0])).sum()
        self._own = -float(spread + 0.5 * (values * self._pull).sum())

    def _near(self, these: Array, those: Array) -> Array:
        near = np.sqrt(5) * np.abs(these[:, np.newaxis] - those) / self._scale
        return np.asarray((1 + near + near**2 / 3) * np.exp(-near))

    def likely(self, one: _Samples) -> float:
        """Logarithm of how likely the samples of another train are on it, and those that it is made of."""
        cross = self._near(one.since, self._since)
        left = one.values.T - cross @ self._pull
        covariance = self._near(one.since, one.since) + self._noise * np.eye(one.since.size)
        factor = cho_factor(covariance - cross @ cho_solve(self._factor, cross.T), lower=True)
        spread = left.shape[1] * np.log(np.diag(factor[0])).sum()
        return self._own - float(spread + 0.5 * (left * cho_solve(factor, left)).sum())
