"""Channels of an array see one tail: its course is found from all of them, by what their responses have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.split_tail import clear_of
from emgkit.artifact.tail_atoms import tail_basis
from emgkit.artifact.tail_course import ALIKE, TailCourse
from emgkit.artifact.tail_posterior import BELIEF, Posterior, mixed, posterior
from emgkit.artifact.tail_prior import HighPass
from emgkit.artifact.tail_rows import TailRows

__all__ = ["FEWEST_ROWS", "OneTail", "course_of", "one_tail"]

Array = NDArray[np.float64]

RANK = 2  # waveforms of one stimulator's artifact: electrodes differ, so that some see a little of another one
FEWEST_ROWS = 4  # channels: two waveforms are known from all of them, and what is left tells of the responses
LATE = 4e-3  # s after the pulse, from which the responses' sizes are read
SMALLEST = 0.02  # of the usual size, as which the smallest response counts
MORE = (1.0, 8.0, 64.0, 512.0, 4096.0)  # times the others' power that waves may have in what all channels share
FOLLOWED = 0.02  # share of the probability below which nothing is followed


@dataclass(frozen=True, eq=False)
class OneTail:
    """How channels see one artifact: combinations of channels that hold it, and what each holds of those.

    Parameters
    ----------
    weights : (rows, waveforms)
        Of the channels in every combination.
    loads : (rows, waveforms)
        What every channel holds of the combination's tail.
    sizes : (rows,)
        Of the channels' responses, over the usual one.
    block : (waveforms, steps)
        The combinations' artifact alone, V.
    """

    weights: Array
    loads: Array
    sizes: Array
    block: Array


def one_tail(rows: TailRows, block: Array) -> OneTail | None:
    """Find the combinations of channels that hold all of an artifact; None where channels do not see the same.

    Parameters
    ----------
    rows : TailRows
        Mean responses.
    block : ndarray, shape (rows, samples)
        What is the artifact's alone, V: of pulses, before any response begins, with what is slow taken away.
    """
    gains, sizes, _ = np.linalg.svd(block, full_matrices=False)
    late = rows.times > LATE
    if len(block) < FEWEST_ROWS or not sizes[1] < ALIKE * sizes[0] or not late.any():
        return None
    left = rows.values - gains[:, :RANK] @ (gains[:, :RANK].T @ rows.values)
    size = np.sqrt((left[:, late] ** 2).mean(axis=1))
    usual = float(np.median(size))
    if not np.isfinite(usual) or usual <= 0:
        return None
    size = np.maximum(size / usual, SMALLEST)  # channels with small responses show most of the tail
    directions = np.linalg.qr(gains[:, :RANK] / size[:, np.newaxis])[0]
    weights = directions / size[:, np.newaxis]
    return OneTail(weights, directions * size[:, np.newaxis], size, weights.T @ block)


def course_of(rows: TailRows, tail: OneTail, noise: Array, amplifiers: dict[HighPass, float]) -> TailCourse:
    """Find the course of the one tail that all rows see.

    Parameters
    ----------
    rows : TailRows
        Mean responses.
    tail : OneTail
        See `one_tail`.
    noise : ndarray, shape (waveforms, times, times)
        Covariance of the combinations' noise, V².
    amplifiers : mapping of HighPass to float
        Their probabilities.

    Notes
    -----
    Differences between channels in which the artifact cancels show the responses alone. What the combinations that
    hold the artifact have of the responses is made of the same waves, as far as the evidence says, and else as smooth
    as any response: so the tail under it is known from all channels, with an error that all of them share.
    """
    seen = tail.weights.T @ rows.values
    alone = rows.values - tail.loads @ seen
    scaled = alone / tail.sizes[:, np.newaxis]
    like = scaled.T @ scaled / (len(scaled) - RANK)
    found, clear = [], []
    for values, covariance in zip(seen, noise, strict=True):
        one, amplifiers, over = _most_likely(rows, values, covariance, like, amplifiers)
        found.append(one)
        clear.append(over)
    artifact = seen - np.stack([one.evoked for one in found])
    error, mean, spread = (
        np.stack([getattr(one, name) for one in found]) for name in ("evoked_error", "tail", "tail_error")
    )
    high_pass = max(amplifiers, key=amplifiers.__getitem__)
    known = (artifact, error, mean, spread, found[0].no_tail, clear[0], high_pass, tail.block)
    return TailCourse(rows.times, rows.start, *known)


def _most_likely(
    rows: TailRows, values: Array, noise: Array, like: Array, amplifiers: dict[HighPass, float]
) -> tuple[Posterior, dict[HighPass, float], float]:
    """Average the combination's posterior over amplifiers and over how like the others its response is."""
    alike = [rows.one_like(values, noise, more * like) for more in MORE]
    tried = [(row, one) for row in alike for one in amplifiers]
    before = np.log([amplifiers[one] for _, one in tried])
    scores = before + BELIEF * np.array([row.climbed(0, one).evidence for row, one in tried])
    shares = np.exp(scores - scores.max())
    followed = np.flatnonzero(shares > FOLLOWED * shares.sum())
    shares = shares[followed] / shares[followed].sum()
    found, after, clear = [], dict.fromkeys(amplifiers, 0.0), 0.0
    for place, share in zip(followed, shares, strict=True):
        row, one = tried[place]
        grid = rows.grid(one)
        problem, climbed = row.problem(0, one), row.climbed(0, one)
        found.append(posterior(problem, climbed.near, grid, tail_basis(rows.times - rows.start, one), float(share)))
        after[one] += float(share)
        clear += float(share) * clear_of(problem, climbed.best)
    return mixed(found, shares), {one: share for one, share in after.items() if share > 0}, clear
