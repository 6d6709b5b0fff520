"""Tail and response of one channel: the evidence of what is not known, and the average over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dtrtrs

from emgkit.artifact.tail_atoms import Choices, Moments, choose_tails, moments_of
from emgkit.artifact.tail_prior import FilteredGrid, ResponseFamily

__all__ = [
    "BELIEF",
    "Like",
    "Posterior",
    "Problem",
    "Setting",
    "evidence_of",
    "followed",
    "log_sum",
    "mixed",
    "posterior",
]

Array = NDArray[np.float64]

BELIEF = 0.5  # share of the log evidence that counts (unverified): the models are smooth, real responses only nearly
FEW, MANY = 2, 3  # exponentials while searching, and in the end
FOLLOWED = 0.98  # of the probability: settings and onsets that are averaged hold so much of it
MOST_FOLLOWED = 32  # settings and onsets, from which the averages hardly change


@dataclass(frozen=True)
class Setting:
    """What is not known beside the onset and the exponentials.

    Parameters
    ----------
    width, length : float
        Of the response's envelope, and its correlation, s.
    size, amplitude : float
        Expected size of the response and of an exponential, V; a response of size 0 is none.
    ring, edge : float
        The filters' answer to the pulse itself decays with ``ring`` s from ``edge`` s on.
    """

    width: float
    length: float
    size: float
    amplitude: float
    ring: float
    edge: float


@dataclass(frozen=True, eq=False)
class Like:
    """Covariance of a response that is expected to be made of the same waves as others, V².

    Parameters
    ----------
    every : (all, all)
        At all times.
    used : (times,)
        Which of them are used.
    """

    every: Array
    used: NDArray[np.int64]

    @cached_property
    def seen(self) -> Array:
        """At the times that are used, (times, times)."""
        return self.every[np.ix_(self.used, self.used)]


@dataclass(frozen=True, eq=False)
class Problem:
    """One channel's response where it can be used.

    Parameters
    ----------
    times : (times,) s since the pulse
    response : (times,) V
    noise : (times, times) V², covariance of the response's error
    family : ResponseFamily
    basis : (times, columns)
    fixed : int
        Columns that are in every choice of exponentials.
    spike : float
        Size of the artifact itself, V.
    like : Like or None
        What is known of the response from others, beside the family.
    """

    times: Array
    response: Array
    noise: Array
    family: ResponseFamily
    basis: Array
    fixed: int
    spike: float
    like: Like | None = None

    @property
    def onsets(self) -> Array:
        """Onsets that are looked at, s."""
        return self.family.onsets

    def covariance(self, seen: Array, setting: Setting) -> Array:
        """Covariance of everything but the tail, V², (onsets, times, times), from that of a response of unit size."""
        ringing = self.spike * np.exp(-np.maximum(self.times - setting.edge, 0.0) / setting.ring)
        noise = self.noise if self.like is None else self.noise + self.like.seen
        return np.asarray(setting.size**2 * seen + noise + np.diag(ringing**2))


def weigh(problem: Problem, setting: Setting, most: int, step: int = 1) -> Choices:
    """Weigh all choices of exponentials at all onsets, or at every so many."""
    seen = problem.family.seen(setting.width, setting.length, step) if setting.size else np.zeros((1, 1, 1))
    total = problem.covariance(seen, setting)
    right = np.asfortranarray(np.column_stack([problem.basis, problem.response]))
    gram, log_root = np.empty((len(total), right.shape[1], right.shape[1])), np.empty(len(total))
    for number, one in enumerate(total):  # LAPACK itself: triangular solves are not batched in numpy
        root, failed = dpotrf(one.T, lower=1, clean=0)
        if failed:
            raise np.linalg.LinAlgError(f"The covariance of a setting is not positive: {setting}.")
        solved, _ = dtrtrs(root, right, lower=1)
        gram[number] = solved.T @ solved
        log_root[number] = np.log(np.diagonal(root)).sum()
    base = -0.5 * gram[:, -1, -1] - log_root - np.log(len(total))
    return choose_tails(gram[:, :-1, :-1], gram[:, :-1, -1], base, setting.amplitude, problem.fixed, most)


def log_sum(values: Array) -> float:
    """Logarithm of the sum of exponentials."""
    largest = float(values.max())
    return largest + float(np.log(np.exp(values - largest).sum()))


def evidence_of(problem: Problem, setting: Setting, step: int = 1) -> float:
    """Log evidence of a setting over all onsets and choices of exponentials."""
    return log_sum(weigh(problem, setting, FEW, step).evidence)


@dataclass(frozen=True, eq=False)
class Posterior:
    """Tail and response given the data, at the times asked for.

    Parameters
    ----------
    tail, tail_error : (all,) V
    evoked, evoked_error : (all,) V
    weights, tail_weights : (all, times)
        From the used samples of the response to the evoked part and the tail, the probabilities held fixed.
    onset : (onsets,)
        Probability of every onset, without that of no response.
    no_tail, no_response : float
        Probabilities.
    evidence : float
        Logarithm of the evidence of all that was averaged.
    """

    tail: Array
    tail_error: Array
    evoked: Array
    evoked_error: Array
    weights: Array
    tail_weights: Array
    onset: Array
    no_tail: float
    no_response: float
    evidence: float


def posterior(problem: Problem, settings: Iterable[Setting], grid: FilteredGrid, basis: Array) -> Posterior:
    """Average over settings, onsets and choices of exponentials.

    Parameters
    ----------
    problem : Problem
        What was seen.
    settings : iterable of Setting
        From `search`.
    grid, basis : FilteredGrid, ndarray of shape (all, columns)
        For the times at which the parts are wanted.
    """
    weighed = [(one, _doubted(weigh(problem, one, MANY))) for one in settings]
    total = log_sum(np.concatenate([choices.evidence.ravel() for _, choices in weighed]))
    average = _Average(problem, grid, basis)
    shares = [np.exp(choices.evidence - total).sum(axis=1) for _, choices in weighed]
    counted = np.split(followed(np.concatenate(shares)), np.cumsum([share.size for share in shares])[:-1])
    for (setting, choices), share, counts in zip(weighed, shares, counted, strict=True):
        average.no_tail += float(np.exp(choices.evidence[:, 0] - total).sum())
        for place in np.flatnonzero(counts):
            average.add(setting, int(place), moments_of(choices, int(place), total), float(counts[place]))
        if setting.size:
            average.onset += share
        else:
            average.no_response += float(share.sum())
    return average.result(total - np.log(len(weighed)))


def _doubted(choices: Choices) -> Choices:
    """Let half of the log evidence count: what made the signal is close to the models and none of them."""
    return replace(choices, evidence=BELIEF * choices.evidence)


def followed(shares: Array) -> Array:
    """Weights of what is followed, in the order of the shares: those that together do not matter have none.

    Where nothing is sure there are hundreds of settings and onsets with about the same share. A fixed number is taken
    from them in proportion to their shares (stratified), which neighbours hardly differ in.
    """
    falling = np.sort(shares)[::-1]
    least = float(falling[min(int(np.searchsorted(np.cumsum(falling), FOLLOWED)), falling.size - 1)])
    kept = np.where(shares >= least, shares, 0.0)
    if np.count_nonzero(kept) <= MOST_FOLLOWED:
        return kept
    total = np.cumsum(kept)
    strata = (np.arange(MOST_FOLLOWED) + 0.5) / MOST_FOLLOWED * total[-1]
    return np.bincount(np.searchsorted(total, strata), minlength=shares.size) * total[-1] / MOST_FOLLOWED


class _Average:
    """Sums over what is not known."""

    def __init__(self, problem: Problem, grid: FilteredGrid, basis: Array) -> None:
        self.problem, self.grid, self.basis = problem, grid, basis
        self.weight, self.no_tail, self.no_response = 0.0, 0.0, 0.0
        self.onset = np.zeros(problem.onsets.size)
        self.first = np.zeros((2, len(basis)))
        self.second = np.zeros((2, len(basis)))
        self.weights = np.zeros((2, len(basis), problem.times.size))

    def add(self, setting: Setting, place: int, moments: Moments, weight: float) -> None:
        """Add one setting and onset with a weight."""
        problem, basis = self.problem, self.basis
        inner = setting.size**2 * problem.family.inner(setting.width, setting.length)[place]
        total = problem.covariance(problem.family.seen(setting.width, setting.length)[place], setting)
        seen = self.grid.matrix @ inner
        across = seen @ problem.family.grid.matrix.T
        prior = (seen * self.grid.matrix).sum(axis=1)
        if problem.like is not None:
            across = across + problem.like.every[:, problem.like.used]
            prior = prior + np.diag(problem.like.every)
        solved = np.linalg.solve(total, np.column_stack([np.eye(len(total)), problem.basis]))
        inverse, whitened = solved[:, : len(total)], solved[:, len(total) :]
        coefficients = moments.gain @ whitened.T
        to_evoked = across @ (inverse - whitened @ coefficients)
        taken = across @ whitened
        spread = prior - ((across @ inverse) * across).sum(axis=1)
        spread += ((taken @ moments.covariance) * taken).sum(axis=1)
        to_tail = basis @ coefficients
        tail = to_tail @ problem.response
        tail_spread = ((basis @ moments.covariance) * basis).sum(axis=1)
        evoked = to_evoked @ problem.response
        self.weight += weight
        self.weights += weight * np.stack([to_evoked, to_tail])
        self.first += weight * np.stack([tail, evoked])
        self.second += weight * np.stack([tail_spread + tail**2, np.maximum(spread, 0.0) + evoked**2])

    def result(self, evidence: float) -> Posterior:
        """Give the averages."""
        mean, second = self.first / self.weight, self.second / self.weight
        error = np.sqrt(np.maximum(second - mean**2, 0.0))
        onset = self.onset / max(float(self.onset.sum()), 1e-300)
        weights = self.weights / self.weight
        parts = (mean[0], error[0], mean[1], error[1], weights[0], weights[1], onset)
        return Posterior(*parts, self.no_tail, self.no_response, evidence)


def mixed(found: list[Posterior], shares: Array) -> Posterior:
    """Average posteriors of different amplifiers by their probabilities."""

    def mean(name: str) -> Array:
        return np.asarray(np.tensordot(shares, np.stack([getattr(one, name) for one in found]), axes=1))

    def error(name: str) -> Array:
        middle = mean(name)
        second = [getattr(one, f"{name}_error") ** 2 + (getattr(one, name) - middle) ** 2 for one in found]
        return np.asarray(np.sqrt(np.tensordot(shares, np.stack(second), axes=1)))

    onset = [one.onset * (1 - one.no_response) for one in found]
    total = np.tensordot(shares, np.stack(onset), axes=1)
    return Posterior(
        mean("tail"),
        error("tail"),
        mean("evoked"),
        error("evoked"),
        mean("weights"),
        mean("tail_weights"),
        total / max(float(total.sum()), 1e-300),
        float(shares @ np.array([one.no_tail for one in found])),
        float(shares @ np.array([one.no_response for one in found])),
        log_sum(np.array([one.evidence for one in found])),
    )
