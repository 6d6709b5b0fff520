"""The rows of one call of `split_tail`: where they are looked at, and which amplifier they came through."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range
from emgkit.artifact.tail_atoms import tail_basis
from emgkit.artifact.tail_evidence import Like, Problem, Setting, Weighing
from emgkit.artifact.tail_posterior import BELIEF
from emgkit.artifact.tail_prior import ALONG, FilteredGrid, HighPass, Kind, ResponseFamily, filtered_grid
from emgkit.artifact.tail_search import Climb, climb
from emgkit.errors import ParameterError

__all__ = ["FEWEST", "LONGEST", "TailRows", "find_amplifiers"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LONGEST = 0.045  # s: a response at the electrodes is over by then
FIRST_ONSET, LAST_ONSET, ONSET_STEP = 1.2e-3, 8.0e-3, 0.4e-3  # s
AFTER_EDGE = 0.3e-3  # s
LATEST_EDGE, BEND, EDGE_DELAY = 6e-3, 0.25e-3, 0.85e-3  # s: where edges are looked for, how sharp, and filters' delay
LATEST_BEGIN, LONGEST_PHASE = 1.5e-3, 1.5e-3  # s: first edge, filters' delay included, and from one to the next
EDGE_SHARE, EDGE_OVER = 0.03, 4.0  # bend at an edge over the sharpest one, and over the sharpest of the response
FIRST_EDGE, EDGE_STEPS = 0.2e-3, (-0.3e-3, 0.0, 0.3e-3)  # s, about the end of the pulse that was found
STEPS = ((0.012, 0.3e-3), (0.045, 0.6e-3), (0.07, 1.5e-3), (np.inf, 5e-3))  # s: until when which step is dense enough
DISCREPANCY = 3e-3  # of the response: no amplifier is known better
LEADERS = 3  # rows with the largest artifacts decide about the amplifier
ROUGHLY = 2  # of the onsets, every so many is looked at
PROMISING = 12.0  # amplifiers whose log evidence lies so far below the best are not looked at closely
MOST = 8  # amplifiers that are looked at closely
UNLIKELY = 1e-3  # probability over the largest below which an amplifier is not looked at
FOLLOWED = 0.02  # share of the probability below which an amplifier is not followed
FEWEST = 12  # samples
UNLIKE = 0.15  # first guess of a response's part that is unlike others, over its size: numerical


def _thinned(times: Array, usable: Mask, start: float) -> NDArray[np.int64]:
    """Choose times that are as dense as tail and response need."""
    chosen: list[int] = []
    last = -np.inf
    for place in np.flatnonzero(usable & (times >= start)):
        time = float(times[place])
        step = next(step for until, step in STEPS if time < until)
        if time - last >= 0.999 * step:
            chosen.append(int(place))
            last = time
    if len(chosen) < FEWEST:
        raise ParameterError(f"Only {len(chosen)} samples after the pulse can be used, at least {FEWEST} are needed.")
    return np.array(chosen, dtype=np.int64)


def _edges(times: Array, values: Array) -> tuple[float, ...]:
    """Find the end of the pulse by its last sharp bend, s: some times about it, because filters have delayed it."""
    reach = max(round(BEND / (times[1] - times[0])), 1)
    bend = np.zeros_like(values)
    bend[:, reach:-reach] = np.abs(values[:, 2 * reach :] - 2 * values[:, reach:-reach] + values[:, : -2 * reach])
    bend = np.nan_to_num(bend)
    near = times < LATEST_EDGE
    sharpest, smooth = (
        bend[:, part].max(axis=1, initial=0.0) for part in (near, ~near)
    )  # short intervals: one is empty
    row = int(np.argmax(sharpest / np.maximum(smooth, 1e-300)))
    sharp = near & (bend[row] >= max(EDGE_SHARE * sharpest[row], EDGE_OVER * smooth[row]))
    last = _end_of_run(times[sharp])
    return tuple(sorted({max(last - EDGE_DELAY + step, FIRST_EDGE) for step in EDGE_STEPS}))


def _end_of_run(sharp: Array) -> float:
    """Time of the last bend of those that begin with the pulse, s: what is sharp only later is a fast response."""
    if not sharp.size or sharp[0] > LATEST_BEGIN:
        return 0.0
    gaps = np.flatnonzero(np.diff(sharp) > LONGEST_PHASE)
    return float(sharp[gaps[0]] if gaps.size else sharp[-1])


class TailRows:
    """The call's arrays, and what all rows share."""

    def __init__(
        self, times: Array, values: Array, covariance: Array, interval: float | None, pulse_end: float | None
    ) -> None:
        if interval is not None:
            in_range("interval", interval, 0.004, 10.0, "s")
        if pulse_end is not None:
            in_range("pulse_end", pulse_end, 0.0, 0.02, "s")
        self.times, self.values, self.covariance, self.interval = times, values, covariance, interval
        self.edges = _edges(times, values) if pulse_end is None else (pulse_end,)
        self.start = max(self.edges[0] + AFTER_EDGE, float(times[0]))
        self.used = _thinned(times, np.asarray(np.isfinite(values).all(axis=0)), self.start)
        first = float(times[self.used[0]])
        self.onsets = np.arange(max(FIRST_ONSET, first), max(LAST_ONSET, first + 2e-3), ONSET_STEP)
        spikes = [np.abs(row[np.isfinite(row)]).max() for row in values]
        self.spikes = np.maximum(spikes, 1e-12)
        self.grids: dict[tuple[HighPass, bool], FilteredGrid] = {}
        self.families: dict[HighPass, ResponseFamily] = {}
        self.inner: dict[tuple[float, float], Array] = {}
        self.leader = -1  # none: every row is looked at for itself
        self.climbs: dict[tuple[int, HighPass], Climb] = {}
        self.like: Like | None = None
        self.kind, self.starts = ALONG, dict[int, Setting]()

    def of_kind(self, kind: Kind) -> TailRows:
        """Give the same rows with responses of another kind, which are looked for from where these were found."""
        other = copy(self)
        other.kind, other.families, other.inner, other.leader, other.climbs = kind, {}, {}, -1, {}
        ranked = sorted(self.climbs.items(), key=lambda item: item[1].evidence)
        other.starts = {row: found.best for (row, _), found in ranked}
        return other

    def one_like(self, values: Array, covariance: Array, like: Array) -> TailRows:
        """Give a single row at the same times, whose response is like others, see `Like`; V and V²."""
        other = copy(self)
        other.values, other.covariance = values[np.newaxis], covariance[np.newaxis]
        other.spikes = np.maximum([np.abs(values[np.isfinite(values)]).max()], 1e-12)
        other.like, other.leader, other.climbs = Like(like, self.used), -1, {}
        return other

    def problem(self, row: int, high_pass: HighPass) -> Problem:
        """Set up one row."""
        times, used = self.times[self.used], self.used
        response = self.values[row, used]
        noise = self.covariance[row][np.ix_(used, used)] + np.diag((DISCREPANCY * np.abs(response)) ** 2)
        noise += 1e-14 * self.spikes[row] ** 2 * np.eye(used.size)
        basis = tail_basis(times - self.start, high_pass)
        fixed = high_pass.modes(times[:1]).shape[1] + 1
        return Problem(
            times, response, noise, self._family(high_pass), basis, fixed, float(self.spikes[row]), self.like
        )

    def grid(self, high_pass: HighPass, *, used: bool = False) -> FilteredGrid:
        """Give the matrix of an amplifier, at all times or at those that are used."""
        if (high_pass, used) not in self.grids:
            times = self.times[self.used] if used else self.times
            self.grids[high_pass, used] = filtered_grid(times, high_pass, LONGEST, self.interval)
        return self.grids[high_pass, used]

    def _family(self, high_pass: HighPass) -> ResponseFamily:
        if high_pass not in self.families:
            grid = self.grid(high_pass, used=True)
            self.families[high_pass] = ResponseFamily(grid, self.onsets, self.inner, self.kind)
        return self.families[high_pass]

    def climbed(self, row: int, high_pass: HighPass) -> Climb:
        """Give the most likely setting, found from that behind another amplifier or that of the leading row."""
        if (row, high_pass) not in self.climbs:
            problem = self.problem(row, high_pass)
            self.climbs[row, high_pass] = climb(problem, self._start(row, high_pass, problem), self.edges)
        return self.climbs[row, high_pass]

    def _start(self, row: int, high_pass: HighPass, problem: Problem) -> Setting:
        own = [one for (other, _), one in self.climbs.items() if other == row]
        if own:
            return max(own, key=lambda one: one.evidence).best
        if row in self.starts:
            return self.starts[row]
        guess = self._guess(problem)
        leader = self.climbs.get((self.leader, high_pass))
        return guess if leader is None else replace(leader.best, size=guess.size, amplitude=guess.amplitude)

    def _guess(self, problem: Problem) -> Setting:
        middle = (problem.times > 0.004) & (problem.times < 0.02)
        size = float(np.std(problem.response[middle] if middle.any() else problem.response))
        tail = max(float(np.abs(problem.response[:3]).max()), 0.3 * size)
        usual = 1.5 if self.like is None else UNLIKE
        return Setting(10e-3, 3e-3, usual * size, tail, 0.2e-3, self.edges[0])


def find_amplifiers(rows: TailRows, prior: Mapping[HighPass, float]) -> dict[HighPass, float]:
    """Weigh amplifiers by how well they explain the rows, and by what was known of them before."""
    tried = [one for one, share in prior.items() if share > UNLIKELY * max(prior.values())]
    if len(tried) == 1:
        return {tried[0]: 1.0}
    sizes = np.nanmax(np.abs(rows.values[:, rows.used]), axis=1)
    rows.leader = int(np.argmax(sizes))
    scores = np.log([prior[one] for one in tried])
    for row in np.argsort(-sizes)[:LEADERS]:
        scores += BELIEF * _scores(rows, int(row), tried, scores)
    shares = np.exp(scores - scores.max())
    shares = np.where(shares > FOLLOWED * shares.sum(), shares, 0.0)
    return {one: float(share) for one, share in zip(tried, shares / shares.sum(), strict=True) if share > 0}


def _scores(rows: TailRows, row: int, tried: list[HighPass], before: Array) -> Array:
    """Log evidence of every amplifier by one row; only the promising ones are looked at closely."""
    before = before / BELIEF
    guess = rows.climbed(row, tried[int(np.argmax(before))]).best
    rough = np.array([Weighing(rows.problem(row, one), ROUGHLY).evidence(guess) for one in tried])
    rows.climbed(row, tried[int(np.argmax(before + rough))])
    scores = np.full(len(tried), -np.inf)
    total = before + rough
    promising = (total > total.max() - PROMISING) & (total >= np.sort(total)[-MOST:].min())
    for place in np.flatnonzero(promising):
        scores[place] = rows.climbed(row, tried[place]).evidence
    lowest = scores[promising].min()
    return np.where(promising, scores, np.minimum(rough, lowest))
