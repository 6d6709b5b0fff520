"""Channels of an array see one tail: its course is found from all of them, by what their responses have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.split_tail import TailSplit, clear_of, said_of
from emgkit.artifact.tail_atoms import tail_basis
from emgkit.artifact.tail_posterior import BELIEF, Posterior, mixed, posterior
from emgkit.artifact.tail_prior import HighPass, filtered_grid
from emgkit.artifact.tail_rows import LONGEST, TailRows

__all__ = ["FEWEST_ROWS", "RANK", "OneTail", "one_tail", "split_together"]

Array = NDArray[np.float64]

RANK = 2  # waveforms of one stimulator's artifact: electrodes differ, so that some see a little of another one
FEWEST_ROWS = 4  # channels: two waveforms are known from all of them, and what is left tells of the responses
ALIKE = 0.05  # second singular value of the artifact over the first, up to which all channels see one artifact
LATE = 4e-3  # s after the pulse, from which the responses' sizes are read
SMALLEST = 0.02  # of the usual size, as which the smallest response counts
MORE = (1.0, 8.0, 64.0, 512.0, 4096.0)  # times the others' power that waves may have in what all channels share
FOLLOWED = 0.02  # share of the probability below which nothing is followed
QUIET = 2e-3, 3e-3  # s after the pulse, before most responses begin
LEFT = 0.1  # of the response's largest value, what may be left then: so much an amplifier's recovery may be; unverified
BEGUN = 0.05  # of the response's largest value, from which it counts as begun


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
    """

    weights: Array
    loads: Array
    sizes: Array


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
    return OneTail(directions / size[:, np.newaxis], directions * size[:, np.newaxis], size)


def split_together(rows: TailRows, tail: OneTail, noise: Array, amplifiers: dict[HighPass, float]) -> TailSplit | None:
    """Split all rows by the course of the one tail that they see.

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

    Returns
    -------
    TailSplit or None
        None where something that is no common tail is left before the responses begin.

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
    return _joined(rows, tail, alone, found, amplifiers, clear[0])


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
        grid = filtered_grid(rows.times, one, LONGEST, rows.interval)
        problem, climbed = row.problem(0, one), row.climbed(0, one)
        found.append(posterior(problem, climbed.near, grid, tail_basis(rows.times - rows.start, one)))
        after[one] += float(share)
        clear += float(share) * clear_of(problem, climbed.best)
    return mixed(found, shares), {one: share for one, share in after.items() if share > 0}, clear


def _joined(
    rows: TailRows,
    one: OneTail,
    alone: Array,
    found: list[Posterior],
    amplifiers: dict[HighPass, float],
    clear: float,
) -> TailSplit | None:
    times, count = rows.times, len(alone)
    evoked = _bridged(times, rows.start, alone + one.loads @ np.stack([each.evoked for each in found]), rows.interval)
    tail = one.loads @ np.stack([each.tail for each in found])
    error, tail_error = (
        np.sqrt(one.loads**2 @ np.stack([getattr(each, name) for each in found]) ** 2)
        for name in ("evoked_error", "tail_error")
    )
    hidden = times < rows.start
    error[:, hidden] = error[:, np.count_nonzero(hidden)][:, np.newaxis]
    if not _quiet(rows, evoked):
        return None
    high_pass = max(amplifiers, key=amplifiers.__getitem__)
    begun = np.abs(evoked) > BEGUN * np.abs(evoked).max(axis=1, keepdims=True)
    begun[:, times <= rows.start] = False
    onset = times[np.argmax(begun, axis=1)]
    no_tail = np.full(count, found[0].no_tail)
    said = said_of(onset, no_tail, evoked, error, high_pass)
    mean = rows.values[:, rows.used]
    back = (mean / (mean**2).sum(axis=1, keepdims=True))[:, np.newaxis]  # of the mean response only
    return TailSplit(
        times=times,
        artifact=rows.values - evoked,
        evoked=evoked,
        evoked_error=error,
        tail=tail,
        tail_error=tail_error,
        onset=onset,
        overlap=np.array([overlap for overlap, _ in said]),
        reason=tuple(reason for _, reason in said),
        high_pass=high_pass,
        start=rows.start,
        no_tail=no_tail,
        used=rows.used,
        weights=evoked[:, :, np.newaxis] * back,
        tail_weights=tail[:, :, np.newaxis] * back,
        clear=np.full(count, clear),
        together=True,
    )


def _bridged(times: Array, start: float, waves: Array, interval: float | None) -> Array:
    """Bridge responses from the end of the last ones to the first samples that were used, where artifacts hide them."""
    before = times < start
    begin = float(times[0]) if interval is None else float(times[-1]) - interval
    first = int(np.count_nonzero(before))
    level = np.zeros((len(waves), 1)) if interval is None else waves[:, -1:]
    place = np.clip((times[before] - begin) / (times[first] - begin), 0.0, 1.0)
    return np.concatenate([level + (waves[:, first : first + 1] - level) * place, waves[:, first:]], axis=1)


def _quiet(rows: TailRows, evoked: Array) -> bool:
    """Tell whether next to nothing is left before responses begin: else channels have tails of their own."""
    early = (rows.times >= max(rows.start, QUIET[0])) & (rows.times <= QUIET[1])
    if not early.any():
        return True
    before = 0.0 if rows.interval is None else evoked[:, -1:]
    left = np.abs(evoked[:, early] - before).max(axis=1)
    return bool(np.median(left / np.maximum(np.abs(evoked).max(axis=1), 1e-300)) <= LEFT)
