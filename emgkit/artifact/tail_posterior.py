"""Tail and response of one channel: the average over what is not known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.tail_atoms import Choices, Moments, moments_of
from emgkit.artifact.tail_evidence import Problem, Setting, Weighing, log_sum
from emgkit.artifact.tail_prior import FilteredGrid

__all__ = ["BELIEF", "Posterior", "followed", "mixed", "posterior"]

Array = NDArray[np.float64]

BELIEF = 0.5  # share of the log evidence that counts (unverified): the models are smooth, real responses only nearly
MANY = 3  # exponentials in the end
FOLLOWED = 0.98  # of the probability: settings and onsets that are averaged hold so much of it
BEYOND = 40.0  # onsets whose log evidence lies so far below the best one at the most likely setting do not count
MOST_FOLLOWED = 32  # settings and onsets of all amplifiers, from which the averages hardly change
LEAST_FOLLOWED = 8  # of one amplifier


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


def posterior(
    problem: Problem, settings: Sequence[Setting], grid: FilteredGrid, basis: Array, share: float = 1.0
) -> Posterior:
    """Average over settings, onsets and choices of exponentials.

    Parameters
    ----------
    problem : Problem
        What was seen.
    settings : sequence of Setting
        From `climb`, the most likely one first.
    grid, basis : FilteredGrid, ndarray of shape (all, columns)
        For the times at which the parts are wanted.
    share : float, default 1.0
        Probability of the amplifier behind which all this is: what is unlikely is averaged more roughly.
    """
    most = max(round(MOST_FOLLOWED * share), LEAST_FOLLOWED)
    weighing = Weighing(problem)
    weighing.narrow(settings[0], BEYOND)
    weighed = [(one, _doubted(weighing.choices(one, MANY))) for one in settings]
    total = log_sum(np.concatenate([choices.evidence.ravel() for _, choices in weighed]))
    average = _Average(problem, grid, basis)
    shares = [np.exp(choices.evidence - total).sum(axis=1) for _, choices in weighed]
    counted = np.split(followed(np.concatenate(shares), most), np.cumsum([one.size for one in shares])[:-1])
    for (setting, choices), own, counts in zip(weighed, shares, counted, strict=True):
        average.no_tail += float(np.exp(choices.evidence[:, 0] - total).sum())
        places = weighing.places if setting.size else np.zeros(1, dtype=np.int64)
        for number in np.flatnonzero(counts):
            moments = moments_of(choices, int(number), total)
            average.add(setting, places[number : number + 1], moments, float(counts[number]))
        if setting.size:
            average.onset[places] += own
        else:
            average.no_response += float(own.sum())
    return average.result(total - np.log(len(weighed)))


def _doubted(choices: Choices) -> Choices:
    """Let half of the log evidence count: what made the signal is close to the models and none of them."""
    return replace(choices, evidence=BELIEF * choices.evidence)


def followed(shares: Array, most: int = MOST_FOLLOWED) -> Array:
    """Weights of what is followed, in the order of the shares: those that together do not matter have none.

    Where nothing is sure there are hundreds of settings and onsets with about the same share. A fixed number is taken
    from them in proportion to their shares (stratified), which neighbours hardly differ in.
    """
    falling = np.sort(shares)[::-1]
    least = float(falling[min(int(np.searchsorted(np.cumsum(falling), FOLLOWED)), falling.size - 1)])
    kept = np.where(shares >= least, shares, 0.0)
    if np.count_nonzero(kept) <= most:
        return kept
    total = np.cumsum(kept)
    strata = (np.arange(most) + 0.5) / most * total[-1]
    return np.bincount(np.searchsorted(total, strata), minlength=shares.size) * total[-1] / most


class _Average:
    """Sums over what is not known."""

    def __init__(self, problem: Problem, grid: FilteredGrid, basis: Array) -> None:
        self.problem, self.grid, self.basis = problem, grid, basis
        self.weight, self.no_tail, self.no_response = 0.0, 0.0, 0.0
        self.onset = np.zeros(problem.onsets.size)
        self.first = np.zeros((2, len(basis)))
        self.second = np.zeros((2, len(basis)))
        self.weights = np.zeros((2, len(basis), problem.times.size))

    def add(self, setting: Setting, place: NDArray[np.int64], moments: Moments, weight: float) -> None:
        """Add one setting and onset with a weight."""
        problem, basis = self.problem, self.basis
        inner = setting.size**2 * problem.family.inner(setting.width, setting.length)[place[0]]
        total = problem.covariance(problem.family.seen(setting.width, setting.length, place)[0], setting)
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
