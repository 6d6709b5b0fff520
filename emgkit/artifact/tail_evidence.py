"""Evidence of what is not known of one channel's tail and response, over all onsets and choices of exponentials."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotrf, dtrtrs

from emgkit.artifact.tail_atoms import Choices, choose_tails
from emgkit.artifact.tail_prior import ResponseFamily

__all__ = ["Like", "Problem", "Setting", "Weighing", "log_sum"]

Array = NDArray[np.float64]

FEW = 2  # exponentials while searching


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
        """Covariance of everything but the tail, V², (times, times), from that of a response of unit size."""
        return np.asarray(setting.size**2 * seen + self.rest(setting))

    def rest(self, setting: Setting) -> Array:
        """Covariance of everything but tail and response, V², (times, times)."""
        ringing = self.spike * np.exp(-np.maximum(self.times - setting.edge, 0.0) / setting.ring)
        noise = self.noise if self.like is None else self.noise + self.like.seen
        return np.asarray(noise + np.diag(ringing**2))


@dataclass(frozen=True, eq=False)
class _Whitened:
    """Normal equations of the basis over the covariance of everything but the tail, whose size does not matter here.

    Parameters
    ----------
    gram : (onsets, columns, columns)
    projected : (onsets, columns)
    base : (onsets,)
        Log evidence without any tail.
    """

    gram: Array
    projected: Array
    base: Array

    def at(self, places: Any) -> _Whitened:
        """Keep some onsets."""
        return _Whitened(self.gram[places], self.projected[places], self.base[places])


class Weighing:
    """Weighs settings of one problem; those that differ in the tail's size alone are whitened once.

    Parameters
    ----------
    problem : Problem
    step : int
        Of the onsets, every so many is looked at.
    """

    def __init__(self, problem: Problem, step: int = 1) -> None:
        self.problem = problem
        self._every = np.arange(0, problem.onsets.size, step)
        self.places = self._every  # of the onsets that are looked at
        self._right = np.asfortranarray(np.column_stack([problem.basis, problem.response]))
        self._known: dict[Setting, _Whitened] = {}

    def choices(self, setting: Setting, most: int) -> Choices:
        """Weigh all choices of exponentials at the onsets that are looked at."""
        same = replace(setting, amplitude=0.0)
        if same not in self._known:
            self._known[same] = self._whitened(setting)
        one = self._known[same]
        return choose_tails(one.gram, one.projected, one.base, setting.amplitude, self.problem.fixed, most)

    def evidence(self, setting: Setting) -> float:
        """Log evidence of a setting over all onsets and choices of exponentials."""
        return log_sum(self.choices(setting, FEW).evidence)

    def narrow(self, setting: Setting, beyond: float) -> None:
        """Look no more at onsets that are so much less likely at a setting, in log evidence, than the best one."""
        if not setting.size:
            return
        self.places = self._every
        self._known = {replace(setting, amplitude=0.0): self._whitened(setting)}
        each = np.logaddexp.reduce(self.choices(setting, FEW).evidence, axis=1)
        near = each > each.max() - beyond
        self.places = self._every[near]
        self._known = {one: known.at(near) for one, known in self._known.items()}

    def _whitened(self, setting: Setting) -> _Whitened:
        problem, right = self.problem, self._right
        rest = problem.rest(setting)
        seen = (
            problem.family.seen(setting.width, setting.length, self.places) if setting.size else [np.zeros_like(rest)]
        )
        gram, log_root = np.zeros((len(seen), right.shape[1], right.shape[1])), np.full(len(seen), np.inf)
        for number, one in enumerate(seen):  # LAPACK itself: triangular solves are not batched in numpy
            total = one * setting.size**2
            total += rest
            factor, failed = dpotrf(total.T, lower=1, clean=0, overwrite_a=1)
            if failed:  # a response so large that rounding exceeds the noise: out of the question
                continue
            solved, _ = dtrtrs(factor, right, lower=1)
            gram[number] = solved.T @ solved
            log_root[number] = np.log(np.diagonal(factor)).sum()
        many = self._every.size if setting.size else 1
        base = -0.5 * gram[:, -1, -1] - log_root - np.log(many)
        return _Whitened(gram[:, :-1, :-1], gram[:, :-1, -1], base)


def log_sum(values: Array) -> float:
    """Logarithm of the sum of exponentials."""
    largest = float(values.max())
    if largest == -np.inf:
        return largest
    return largest + float(np.log(np.exp(values - largest).sum()))
