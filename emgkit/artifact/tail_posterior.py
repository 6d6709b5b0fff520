"""Tail and response of one channel: the evidence of what is not known, and the average over it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.tail_atoms import Choices, Moments, choose_tails, moments_of
from emgkit.artifact.tail_prior import FilteredGrid, ResponseFamily

__all__ = ["Posterior", "Problem", "Setting", "best_of", "evidence_of", "mixed", "posterior", "search"]

Array = NDArray[np.float64]

FEW, MANY = 2, 3  # exponentials while searching, and in the end
Found: TypeAlias = list[tuple["Setting", float]]

ROUNDS = 2
CLOSE = 8.0  # settings whose log evidence lies so far below the best one are not averaged
UNLIKELY = 1e-3  # share of the probability below which an onset is not followed further
RINGS = (0.08e-3, 0.12e-3, 0.16e-3, 0.2e-3, 0.25e-3, 0.3e-3, 0.4e-3, 0.6e-3, 0.9e-3)  # s
LENGTHS = (1.5e-3, 2.2e-3, 3.0e-3, 4.0e-3, 6.0e-3)  # s
WIDTHS = (6e-3, 8e-3, 10e-3, 13e-3, 17e-3)  # s
SIZES = (0.5, 1.0, 2.0, 4.0)  # of the response
AMPLITUDES = (0.3, 1.0, 3.0)  # of the tail


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
    """

    times: Array
    response: Array
    noise: Array
    family: ResponseFamily
    basis: Array
    fixed: int
    spike: float

    @property
    def onsets(self) -> Array:
        """Onsets that are looked at, s."""
        return self.family.onsets

    def covariance(self, seen: Array, setting: Setting) -> Array:
        """Covariance of everything but the tail, V², (onsets, times, times), from that of a response of unit size."""
        ringing = self.spike * np.exp(-np.maximum(self.times - setting.edge, 0.0) / setting.ring)
        return np.asarray(setting.size**2 * seen + self.noise + np.diag(ringing**2))


def weigh(problem: Problem, setting: Setting, most: int, step: int = 1) -> Choices:
    """Weigh all choices of exponentials at all onsets, or at every so many."""
    seen = problem.family.seen(setting.width, setting.length)[::step] if setting.size else np.zeros((1, 1, 1))
    total = problem.covariance(seen, setting)
    root = np.linalg.cholesky(total)
    right = np.column_stack([problem.basis, problem.response])
    solved = np.linalg.solve(root, np.broadcast_to(right, (len(total), *right.shape)))
    gram = solved.transpose(0, 2, 1) @ solved
    log_root = np.log(np.diagonal(root, axis1=1, axis2=2)).sum(axis=1)
    base = -0.5 * gram[:, -1, -1] - log_root - np.log(len(total))
    return choose_tails(gram[:, :-1, :-1], gram[:, :-1, -1], base, setting.amplitude, problem.fixed, most)


def log_sum(values: Array) -> float:
    """Logarithm of the sum of exponentials."""
    largest = float(values.max())
    return largest + float(np.log(np.exp(values - largest).sum()))


def evidence_of(problem: Problem, setting: Setting, step: int = 1) -> float:
    """Log evidence of a setting over all onsets and choices of exponentials."""
    return log_sum(weigh(problem, setting, FEW, step).evidence)


def search(problem: Problem, start: Setting, edges: Iterable[float], rounds: int = ROUNDS) -> Found:
    """Climb to the most likely setting, one unknown after the other; give the settings near it and their evidence."""
    size, amplitude = start.size, start.amplitude
    unknown: dict[str, tuple[float, ...]] = {
        "ring": RINGS,
        "edge": tuple(edges),
        "length": LENGTHS,
        "width": WIDTHS,
        "size": tuple(size * factor for factor in SIZES),
        "amplitude": tuple(amplitude * factor for factor in AMPLITUDES),
    }
    best = start
    visited: dict[Setting, float] = {}
    for turn in range(rounds):
        visited = {}
        for name, values in unknown.items():
            tried = [replace(best, **{name: value}) for value in values]
            visited |= {
                one: evidence_of(problem, one, 1 if turn == rounds - 1 else 2) for one in tried if one not in visited
            }
            best = max(tried, key=visited.__getitem__)
    silent = replace(best, size=0.0)
    visited[silent] = evidence_of(problem, silent)
    highest = max(visited.values())
    return [(one, value) for one, value in visited.items() if value > highest - CLOSE]


def best_of(found: Found) -> Setting:
    """Give the most likely setting."""
    return max(found, key=lambda item: item[1])[0]


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


def posterior(problem: Problem, settings: Found, grid: FilteredGrid, basis: Array) -> Posterior:
    """Average over settings, onsets and choices of exponentials.

    Parameters
    ----------
    problem : Problem
        What was seen.
    settings : list of (Setting, float)
        From `search`.
    grid, basis : FilteredGrid, ndarray of shape (all, columns)
        For the times at which the parts are wanted.
    """
    weighed = [(one, weigh(problem, one, MANY)) for one, _ in settings]
    total = log_sum(np.concatenate([choices.evidence.ravel() for _, choices in weighed]))
    average = _Average(problem, grid, basis)
    for setting, choices in weighed:
        shares = np.exp(choices.evidence - total).sum(axis=1)
        average.no_tail += float(np.exp(choices.evidence[:, 0] - total).sum())
        for place in np.flatnonzero(shares > UNLIKELY):
            average.add(setting, int(place), moments_of(choices, int(place), total))
        if setting.size:
            average.onset += shares
        else:
            average.no_response += float(shares.sum())
    return average.result(total - np.log(len(settings)))


class _Average:
    """Sums over what is not known."""

    def __init__(self, problem: Problem, grid: FilteredGrid, basis: Array) -> None:
        self.problem, self.grid, self.basis = problem, grid, basis
        self.weight, self.no_tail, self.no_response = 0.0, 0.0, 0.0
        self.onset = np.zeros(problem.onsets.size)
        self.first = np.zeros((2, len(basis)))
        self.second = np.zeros((2, len(basis)))
        self.weights = np.zeros((2, len(basis), problem.times.size))

    def add(self, setting: Setting, place: int, moments: Moments) -> None:
        """Add one setting and onset."""
        problem, basis = self.problem, self.basis
        inner = setting.size**2 * problem.family.inner(setting.width, setting.length, place)
        total = problem.covariance(problem.family.seen(setting.width, setting.length)[place], setting)
        seen = self.grid.matrix @ inner
        across = seen @ problem.family.grid.matrix.T
        solved = np.linalg.solve(total, np.column_stack([np.eye(len(total)), problem.basis]))
        inverse, whitened = solved[:, : len(total)], solved[:, len(total) :]
        coefficients = moments.gain @ whitened.T
        to_evoked = across @ (inverse - whitened @ coefficients)
        taken = across @ whitened
        spread = np.einsum("ap,ap->a", seen, self.grid.matrix) - np.einsum("at,at->a", across @ inverse, across)
        spread += np.einsum("ac,cd,ad->a", taken, moments.covariance, taken)
        to_tail = basis @ coefficients
        tail = to_tail @ problem.response
        tail_spread = np.einsum("ac,cd,ad->a", basis, moments.covariance, basis)
        evoked = to_evoked @ problem.response
        self.weight += moments.weight
        self.weights += moments.weight * np.stack([to_evoked, to_tail])
        self.first += moments.weight * np.stack([tail, evoked])
        self.second += moments.weight * np.stack([tail_spread + tail**2, np.maximum(spread, 0.0) + evoked**2])

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
