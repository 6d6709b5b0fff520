"""What is found when responses are split into artifact and evoked part, and what is said of it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.artifact.tail_prior import HighPass

__all__ = ["WITH_AREA", "Kinds", "TailSplit", "error_shares", "rows_with_area", "said_of", "widened"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

OVERLAP = 0.07  # expected error of the response over its size from which the two cannot be told apart, so that
# what is called told apart is nearly always within 10 %
WITH_AREA = (
    "The responses look as if they had net area, as between belly and tendon or in monopolar leads, and a tail runs "
    "under them: they were told apart as such, and the interval knows of what they would be without."
)
DOUBTED = 0.05  # probability of net area from which it is said that there may be some


@dataclass(frozen=True, eq=False)
class Kinds(FrozenValue):
    """How far responses with net area count.

    Parameters
    ----------
    share : float
        Their probability.
    taken : ndarray, shape (rows,)
        By how much the mean is theirs; the rest is that of responses without.
    """

    share: float
    taken: Array


@dataclass(frozen=True, eq=False)
class TailSplit(FrozenValue):
    """A response locked to the pulses, taken apart into artifact and evoked response, which add up to it.

    Parameters
    ----------
    times : ndarray, shape (times,)
        Since the pulse, s.
    artifact, evoked : ndarray, shape (rows, times)
        V.
    evoked_error : ndarray, shape (rows, times)
        Standard error of both, V.
    tail, tail_error : ndarray, shape (rows, times)
        The smooth tail alone and its standard error, V; means nothing before ``start``.
    onset : ndarray, shape (rows,)
        Onset of the evoked response, s since the pulse; NaN where there is none.
    overlap : ndarray of bool, shape (rows,)
        Artifact and response cannot be told apart there: only the interval may be used.
    reason : tuple of str
        For every row one sentence: how well the two could be told apart, and by what.
    high_pass : HighPass
        As given or found.
    start : float
        From so long after the pulse the samples were used, s.
    no_tail : ndarray, shape (rows,)
        Probability that no tail runs into the response.
    used : ndarray of int, shape (used,)
        Which times were used.
    weights, tail_weights : ndarray, shape (rows, times, used)
        From these samples to the evoked response and to the tail.
    clear : ndarray, shape (rows,)
        From so long after the pulse the filters' answer to it is smaller than the errors and the response, s.
    together : bool
        Whether the rows were split by the course of one tail, so that each is known by all of them.
    evidence : ndarray, shape (rows,)
        Logarithm of the evidence of what the rows were split by, up to a constant.
    kinds : Kinds or None
        How far responses with net area count, as between belly and tendon; None where only those without were tried.
    """

    times: Array
    artifact: Array
    evoked: Array
    evoked_error: Array
    tail: Array
    tail_error: Array
    onset: Array
    overlap: Mask
    reason: tuple[str, ...]
    high_pass: HighPass
    start: float
    no_tail: Array
    used: NDArray[np.int64]
    weights: Array
    tail_weights: Array
    clear: Array
    together: bool = False
    evidence: Array = field(default_factory=lambda: np.zeros(0))
    kinds: Kinds | None = None

    def evoked_of(self, responses: Array) -> Array:
        """Give the evoked part of other responses at the same times by the same linear filter, V, (..., rows, times).

        So the mean over all pulses decides what is artifact, and the windows of a long recording, in which both may
        have grown or shrunk, are split alike.
        """
        return np.asarray(np.einsum("rtu,...ru->...rt", self.weights, responses[..., self.used]))

    def tail_of(self, responses: Array) -> Array:
        """Give the tail of other responses at the same times, V, like `evoked_of`."""
        return np.asarray(np.einsum("rtu,...ru->...rt", self.tail_weights, responses[..., self.used]))


def rows_with_area(split: TailSplit) -> NDArray[np.int64]:
    """Give the rows whose mean is that of responses with net area."""
    return np.flatnonzero(np.zeros(0) if split.kinds is None else split.kinds.taken > 0.5)


def error_shares(split: TailSplit) -> Array:
    """Error of the response over its size, by what a split states, (rows,)."""
    size = np.sqrt((split.evoked**2).mean(axis=1))
    return np.asarray(np.sqrt((split.evoked_error**2).mean(axis=1)) / np.maximum(size, 1e-300))


def widened(split: TailSplit, times: float | Array) -> TailSplit:
    """Give a split whose errors are so many times, (rows, 1), as large as stated, with what is then said of it."""
    error = times * split.evoked_error
    said = said_of(split.onset, split.no_tail, split.evoked, error, split.high_pass, split.kinds)
    return replace(
        split,
        evoked_error=error,
        tail_error=times * split.tail_error,
        overlap=np.array([overlap for overlap, _ in said]),
        reason=tuple(reason for _, reason in said),
    )


def said_of(
    onset: Array, no_tail: Array, evoked: Array, error: Array, high_pass: HighPass, kinds: Kinds | None = None
) -> list[tuple[bool, str]]:
    """Say of every row whether artifact and response overlap, and in one sentence how well they are told apart."""
    kinds = Kinds(0.0, np.zeros(len(evoked))) if kinds is None else kinds
    rows = zip(onset, no_tail, evoked, error, kinds.taken > 0.5, strict=True)
    return [
        _told(float(begins), alone >= 0.5, one, wide, high_pass, kinds.share > DOUBTED, bool(taken))
        for begins, alone, one, wide, taken in rows
    ]


def _told(
    onset: float, alone: bool, evoked: Array, error: Array, high_pass: HighPass, doubted: bool, with_area: bool
) -> tuple[bool, str]:
    if np.isnan(onset):
        return False, "There is no evoked response: all that is locked to the pulses is artifact."
    share = float(np.sqrt(np.mean(error**2))) / max(float(np.sqrt(np.mean(evoked**2))), 1e-300)
    begins = f"the response begins {onset * 1e3:.2g} ms after the pulse"
    if share >= 1:
        return True, f"Artifact and response overlap: nothing tells the tail from the response; {begins}."
    if share > OVERLAP:
        doubt = ", which may have net area (as between belly and tendon)" if doubted else ""
        return (
            True,
            f"Artifact and response overlap: the tail is known to {share:.0%} of the response only{doubt}; {begins}.",
        )
    if alone:
        return False, f"No tail runs into the response; {begins}."
    told = f"The tail was told apart to {share:.1%} of the response ({high_pass})"
    kind = "looks as if it had net area (as between belly and tendon)" if with_area else "is taken to have no net area"
    return False, f"{told}, which {kind}; {begins}."
