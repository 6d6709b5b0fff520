"""The rows of one call of `split_tail`: where they are looked at, and which amplifier they came through."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range
from emgkit.artifact.tail_atoms import tail_basis
from emgkit.artifact.tail_posterior import Found, Problem, Setting, evidence_of, log_sum, search
from emgkit.artifact.tail_prior import HighPass, ResponseFamily, filtered_grid
from emgkit.errors import ParameterError

__all__ = ["FEWEST", "LONGEST", "TailRows", "find_amplifiers"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LONGEST = 0.045  # s: a response at the electrodes is over by then
FIRST_ONSET, LAST_ONSET, ONSET_STEP = 1.2e-3, 8.0e-3, 0.4e-3  # s
EDGES = (0.4e-3, 0.8e-3, 1.4e-3, 2.2e-3, 3.4e-3)  # s, ends of the pulse that are tried when it is not known
AFTER_EDGE = 0.3e-3  # s
DENSE, DENSE_STEP, MEDIUM, MEDIUM_STEP, COARSE_STEP = 0.012, 0.3e-3, 0.045, 0.6e-3, 1.5e-3  # s
DISCREPANCY = 1e-3  # of the response: no amplifier is known better
CORNERS = (0.5, 1.0, 2.0, 5.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0)  # Hz, that are tried when it is not known
LEADERS = 3  # rows with the largest artifacts decide about the amplifier
PROMISING = 12.0  # amplifiers whose log evidence lies so far below the best are not looked at closely
FOLLOWED = 0.02  # share of the probability below which an amplifier is not followed
FEWEST = 12  # samples


def _thinned(times: Array, usable: Mask, start: float) -> NDArray[np.int64]:
    """Choose times that are as dense as tail and response need."""
    chosen: list[int] = []
    last = -np.inf
    for place in np.flatnonzero(usable & (times >= start)):
        time = float(times[place])
        step = DENSE_STEP if time < DENSE else MEDIUM_STEP if time < MEDIUM else COARSE_STEP
        if time - last >= 0.999 * step:
            chosen.append(int(place))
            last = time
    if len(chosen) < FEWEST:
        raise ParameterError(f"Only {len(chosen)} samples after the pulse can be used, at least {FEWEST} are needed.")
    return np.array(chosen, dtype=np.int64)


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
        self.edges = EDGES if pulse_end is None else (pulse_end,)
        self.start = max(self.edges[0] + AFTER_EDGE, float(times[0]))
        self.used = _thinned(times, np.asarray(np.isfinite(values).all(axis=0)), self.start)
        first = float(times[self.used[0]])
        self.onsets = np.arange(max(FIRST_ONSET, first), max(LAST_ONSET, first + 2e-3), ONSET_STEP)
        spikes = [np.abs(row[np.isfinite(row)]).max() for row in values]
        self.spikes = np.maximum(spikes, 1e-12)
        self.families: dict[HighPass, ResponseFamily] = {}

    def problem(self, row: int, high_pass: HighPass) -> Problem:
        """Set up one row."""
        times, used = self.times[self.used], self.used
        response = self.values[row, used]
        noise = self.covariance[row][np.ix_(used, used)] + np.diag((DISCREPANCY * np.abs(response)) ** 2)
        noise += 1e-14 * self.spikes[row] ** 2 * np.eye(used.size)
        basis = tail_basis(times - self.start, high_pass)
        fixed = high_pass.modes(times[:1]).shape[1] + 1
        return Problem(times, response, noise, self._family(high_pass), basis, fixed, float(self.spikes[row]))

    def _family(self, high_pass: HighPass) -> ResponseFamily:
        if high_pass not in self.families:
            grid = filtered_grid(self.times[self.used], high_pass, LONGEST, self.interval)
            self.families[high_pass] = ResponseFamily(grid, self.onsets)
        return self.families[high_pass]

    def guess(self, problem: Problem) -> Setting:
        """Give a first guess."""
        middle = (problem.times > 0.004) & (problem.times < 0.02)
        size = float(np.std(problem.response[middle] if middle.any() else problem.response))
        tail = max(float(np.abs(problem.response[:3]).max()), 0.3 * size)
        return Setting(10e-3, 3e-3, 1.5 * size, tail, 0.2e-3, self.edges[0])


def find_amplifiers(rows: TailRows, corner: float | None, order: int | None) -> dict[HighPass, float]:
    """Find what is not known of the high-pass: amplifiers and their probabilities."""
    corners = (0.0, *CORNERS) if corner is None else (corner,)
    orders = (1, 2) if order is None else (order,)
    tried = [HighPass(one, turn) for one in corners for turn in (orders if one else (1,))]
    if len(tried) == 1:
        return {tried[0]: 1.0}
    sizes = np.nanmax(np.abs(rows.values[:, rows.used]), axis=1)
    scores = np.zeros(len(tried))
    for row in np.argsort(-sizes)[:LEADERS]:
        scores += _scores(rows, int(row), tried)
    shares = np.exp(scores - scores.max())
    shares = np.where(shares > FOLLOWED * shares.sum(), shares, 0.0)
    return {one: float(share) for one, share in zip(tried, shares / shares.sum(), strict=True) if share > 0}


def _scores(rows: TailRows, row: int, tried: list[HighPass]) -> Array:
    """Log evidence of every amplifier by one row; only the promising ones are looked at closely."""
    problems = [rows.problem(row, one) for one in tried]
    middle = problems[len(tried) // 2]
    guess = _best(search(middle, rows.guess(middle), rows.edges))
    rough = np.array([evidence_of(one, guess) for one in problems])
    guess = _best(search(problems[int(np.argmax(rough))], guess, rows.edges, 1))
    rough = np.array([evidence_of(one, guess) for one in problems])
    scores = np.full(len(tried), -np.inf)
    for place in np.flatnonzero(rough > rough.max() - PROMISING):
        found = search(problems[place], guess, rows.edges, 1)
        scores[place] = log_sum(np.array([value for _, value in found])) - np.log(len(found))
    return np.maximum(scores, scores.max() - 2 * PROMISING)


def _best(found: Found) -> Setting:
    return max(found, key=lambda item: item[1])[0]
