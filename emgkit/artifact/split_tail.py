"""`split_tail`: the tail of the stimulation artifact and the response that lies on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue, in_range, positive
from emgkit.artifact.tail_atoms import tail_basis
from emgkit.artifact.tail_posterior import Posterior, Problem, Setting, evidence_of, posterior, search
from emgkit.artifact.tail_prior import HighPass, ResponseFamily, filtered_grid
from emgkit.errors import ParameterError, ShapeError

__all__ = ["TailSplit", "split_tail"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LONGEST = 0.045  # s: a response at the electrodes is over by then
FIRST_ONSET, LAST_ONSET, ONSET_STEP = 1.2e-3, 8.0e-3, 0.4e-3  # s
EDGES = (0.4e-3, 0.8e-3, 1.4e-3, 2.2e-3, 3.4e-3)  # s, ends of the pulse that are tried when it is not known
AFTER_EDGE = 0.3e-3  # s
DENSE, DENSE_STEP, MEDIUM, MEDIUM_STEP, COARSE_STEP = 0.012, 0.3e-3, 0.045, 0.6e-3, 1.5e-3  # s
EMG_DECAY, EMG_FREQUENCY = 3e-3, 80.0  # s, Hz: autocorrelation of surface EMG, roughly; unverified
WHITE = 2e-3  # share of the noise's power that is white
DISCREPANCY = 1e-3  # of the response: no amplifier is known better
CORNERS = (1.0, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0)  # Hz, that are tried when the high-pass is not known
FEWEST = 12  # samples
OVERLAP = 0.05  # expected error of the response over its size from which the two cannot be told apart


@dataclass(frozen=True, eq=False)
class TailSplit(FrozenValue):
    """A response locked to the pulses, taken apart into artifact and evoked response, which add up to it.

    Parameters
    ----------
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
    used : ndarray of int, shape (used,)
        Which times were used.
    weights : ndarray, shape (rows, times, used)
        From these samples to the evoked response.
    """

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
    used: NDArray[np.int64]
    weights: Array

    def evoked_of(self, responses: Array) -> Array:
        """Give the evoked part of other responses at the same times by the same linear filter, V, (rows, times).

        So the mean over all pulses decides what is artifact, and the windows of a long recording, in which both may
        have grown or shrunk, are split alike.
        """
        return np.asarray(np.einsum("rtu,ru->rt", self.weights, responses[:, self.used]))


def split_tail(
    times: Array,
    responses: Array,
    errors: Array,
    *,
    fs: float,
    interval: float | None = None,
    high_pass: float | None = None,
    high_pass_order: int | None = None,
    pulse_end: float | None = None,
) -> TailSplit:
    """Take responses locked to the pulses apart into the artifact and the evoked response on its tail.

    Parameters
    ----------
    times : ndarray, shape (times,)
        Since the leading edge of the pulse, s; increasing in equal steps.
    responses : ndarray, shape (rows, times)
        Mean responses, V, one per channel; NaN where the amplifier was clipped or blanked.
    errors : ndarray, shape (rows,), (rows, times) or (rows, times, times)
        Standard error of the responses, V, or its covariance, V². Of a standard error it is assumed that it is
        correlated in time like surface EMG.
    fs : float
        Sampling rate of the recording, Hz.
    interval : float, optional
        Interval of a steady train, s: what earlier pulses left is then counted in. None for single pulses.
    high_pass : float, optional
        Corner of the amplifier's high-pass, Hz, 0 if it is DC-coupled; None finds it.
    high_pass_order : int, optional
        1 or 2; None finds it.
    pulse_end : float, optional
        End of the stimulation pulse, s since its leading edge; None finds it.

    Returns
    -------
    TailSplit
        Artifact and evoked response with standard errors, and whether they could be told apart.

    Raises
    ------
    ShapeError
        If the arrays do not fit together.
    ParameterError
        If the times do not increase in equal steps, or fewer than twelve of them can be used.

    Notes
    -----
    The tail is a sum of up to three exponentials with time constants of 0.45 to 180 ms, the decays of the amplifier's
    high-pass, and a level; a power of time is close to such a sum within the few octaves that are seen. The response
    is a smooth random function that is zero before its onset, over some 20 to 40 ms later, has next to no net area,
    and has passed the same high-pass; the anti-alias filter's answer to the pulse is noise that decays fast. Every
    unknown that is not linear (onset, duration, smoothness, time constants) is averaged by its probability; the
    linear ones are solved for exactly, as in variable projection (Golub and Pereyra 1973). It differs from a fit of
    one set of exponentials in that all sets count by their evidence, so that the standard errors know of them.
    """
    rows = np.atleast_2d(np.asarray(responses, dtype=float))
    times = np.asarray(times, dtype=float)
    covariance = _checked(times, rows, np.asarray(errors, dtype=float), fs)
    splitter = _Splitter(times, rows, covariance, interval, pulse_end)
    found = splitter.high_pass(high_pass, high_pass_order)
    return splitter.run(found)


def _checked(times: Array, rows: Array, errors: Array, fs: float) -> Array:
    positive("fs", fs, "Hz")
    steps = np.diff(times)
    if times.ndim != 1 or rows.shape[1:] != times.shape:
        raise ShapeError(f"responses must have shape (rows, {times.size}) like times, got {rows.shape}.")
    if times.size < FEWEST or (steps <= 0).any() or np.ptp(steps) > 1e-3 * steps.mean():
        raise ParameterError(f"times must be at least {FEWEST} and increase in equal steps.")
    if errors.shape == (*rows.shape, times.size):
        return errors
    if errors.shape not in {rows.shape, rows.shape[:1]}:
        raise ShapeError(f"errors must have shape {rows.shape[:1]}, {rows.shape} or a matrix each, got {errors.shape}.")
    size = np.broadcast_to(errors.reshape(rows.shape[0], -1), rows.shape)
    lag = np.abs(times[:, np.newaxis] - times)
    alike = np.exp(-lag / EMG_DECAY) * np.cos(2 * np.pi * EMG_FREQUENCY * lag) + WHITE * np.eye(times.size)
    return np.asarray(size[:, :, np.newaxis] * alike * size[:, np.newaxis, :])


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


class _Splitter:
    """The call's arrays, and what all rows share."""

    def __init__(
        self, times: Array, rows: Array, covariance: Array, interval: float | None, pulse_end: float | None
    ) -> None:
        if interval is not None:
            in_range("interval", interval, 0.004, 10.0, "s")
        if pulse_end is not None:
            in_range("pulse_end", pulse_end, 0.0, 0.02, "s")
        self.times, self.rows, self.covariance, self.interval = times, rows, covariance, interval
        self.edges = EDGES if pulse_end is None else (pulse_end,)
        self.start = max(self.edges[0] + AFTER_EDGE, float(times[0]))
        self.used = _thinned(times, np.asarray(np.isfinite(rows).all(axis=0)), self.start)
        first = float(times[self.used[0]])
        self.onsets = np.arange(max(FIRST_ONSET, first), max(LAST_ONSET, first + 2e-3), ONSET_STEP)
        spikes = [np.abs(row[np.isfinite(row)]).max() for row in rows]
        self.spikes = np.maximum(spikes, 1e-12)
        self.families: dict[HighPass, ResponseFamily] = {}

    def problem(self, row: int, high_pass: HighPass) -> Problem:
        """Set up one row."""
        times, used = self.times[self.used], self.used
        response = self.rows[row, used]
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

    def setting(self, problem: Problem) -> Setting:
        """Give a first guess."""
        middle = (problem.times > 0.004) & (problem.times < 0.02)
        size = float(np.std(problem.response[middle] if middle.any() else problem.response))
        tail = max(float(np.abs(problem.response[:3]).max()), 0.3 * size)
        return Setting(10e-3, 3e-3, 1.5 * size, tail, 0.2e-3, self.edges[0])

    def high_pass(self, corner: float | None, order: int | None) -> HighPass:
        """Find what is not known of the high-pass by the evidence of the row with the largest tail."""
        corners = (0.0, *CORNERS) if corner is None else (corner,)
        orders = (1, 2) if order is None else (order,)
        tried = [HighPass(one, turn) for one in corners for turn in (orders if one else (1,))]
        if len(tried) == 1:
            return tried[0]
        row = int(np.argmax(np.nanmax(np.abs(self.rows[:, self.used]), axis=1)))
        first = HighPass(10.0 if corner is None else corner, orders[0])
        problem = self.problem(row, first)
        near = [max(search(problem, self.setting(problem), self.edges), key=lambda item: item[1])[0]]
        scores = [max(evidence_of(self.problem(row, one), setting) for setting in near) for one in tried]
        return tried[int(np.argmax(scores))]

    def run(self, high_pass: HighPass) -> TailSplit:
        """Split all rows."""
        known = np.isfinite(self.rows)
        grid = filtered_grid(self.times, high_pass, LONGEST, self.interval)
        basis = tail_basis(self.times - self.start, high_pass)
        found = []
        for row in range(len(self.rows)):
            problem = self.problem(row, high_pass)
            found.append(posterior(problem, search(problem, self.setting(problem), self.edges), grid, basis))
        evoked = np.stack([one.evoked for one in found])
        verdicts = [self._verdict(one, high_pass) for one in found]
        return TailSplit(
            artifact=np.where(known, self.rows - evoked, np.nan),
            evoked=evoked,
            evoked_error=np.stack([one.evoked_error for one in found]),
            tail=np.stack([one.tail for one in found]),
            tail_error=np.stack([one.tail_error for one in found]),
            onset=np.array([self._onset(one) for one in found]),
            overlap=np.array([verdict[0] for verdict in verdicts]),
            reason=tuple(verdict[1] for verdict in verdicts),
            high_pass=high_pass,
            start=self.start,
            used=self.used,
            weights=np.stack([one.weights for one in found]),
        )

    def _onset(self, found: Posterior) -> float:
        return float(found.onset @ self.onsets) if found.no_response < 0.5 else float("nan")

    def _verdict(self, found: Posterior, high_pass: HighPass) -> tuple[bool, str]:
        if found.no_response >= 0.5:
            return False, "There is no evoked response: all that is locked to the pulses is artifact."
        if found.no_tail >= 0.5:
            return False, "No tail runs into the response."
        size = float(np.sqrt(np.mean(found.evoked**2)))
        share = float(np.sqrt(np.mean(found.evoked_error**2))) / max(size, 1e-300)
        begins = f"the response begins {self._onset(found) * 1e3:.2g} ms after the pulse"
        if share > OVERLAP:
            return True, f"The tail under the response is known to {share:.0%} of the response only; {begins}."
        return False, f"The tail was told apart to {share:.1%} of the response ({high_pass}); {begins}."
