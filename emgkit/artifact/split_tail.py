"""`split_tail`: the tail of the stimulation artifact and the response that lies on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from emgkit._checks import FrozenValue, in_range, positive
from emgkit.artifact.tail_amplifier import CANDIDATES
from emgkit.artifact.tail_atoms import tail_basis
from emgkit.artifact.tail_posterior import Posterior, Problem, Setting, mixed, posterior
from emgkit.artifact.tail_prior import HighPass, filtered_grid
from emgkit.artifact.tail_rows import FEWEST, LONGEST, TailRows, find_amplifiers
from emgkit.errors import ParameterError, ShapeError

__all__ = ["TailSplit", "clear_of", "said_of", "split_rows", "split_tail", "widened"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

EMG_DECAY, EMG_FREQUENCY = 3e-3, 80.0  # s, Hz: autocorrelation of surface EMG, roughly; unverified
WHITE = 2e-3  # share of the noise's power that is white
SMALL = 0.003  # of the response: smaller ringing is no artifact any more
OVERLAP = 0.07  # expected error of the response over its size from which the two cannot be told apart, so that
# what is called told apart is nearly always within 10 %


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

    def evoked_of(self, responses: Array) -> Array:
        """Give the evoked part of other responses at the same times by the same linear filter, V, (..., rows, times).

        So the mean over all pulses decides what is artifact, and the windows of a long recording, in which both may
        have grown or shrunk, are split alike.
        """
        return np.asarray(np.einsum("rtu,...ru->...rt", self.weights, responses[..., self.used]))

    def tail_of(self, responses: Array) -> Array:
        """Give the tail of other responses at the same times, V, like `evoked_of`."""
        return np.asarray(np.einsum("rtu,...ru->...rt", self.tail_weights, responses[..., self.used]))


def split_tail(
    times: Array,
    responses: Array,
    errors: Array,
    *,
    fs: float,
    interval: float | None = None,
    high_pass: float | None = None,
    high_pass_order: int | None = None,
    amplifiers: Mapping[HighPass, float] | None = None,
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
    amplifiers : mapping of HighPass to float, optional
        What is known of the high-pass when it is not given: probabilities, as from `amplifiers_of_noise`.
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

    Responses between two electrodes along the muscle have next to no net area. Those between belly and tendon have, and
    the tail takes it: in simulations with a net area of a seventh of the rectified one (a third) the response was wrong
    by up to 9 (28) % of its size, and the errors do not know of it.
    """
    values = np.atleast_2d(np.asarray(responses, dtype=float))
    times = np.asarray(times, dtype=float)
    covariance = _checked(times, values, np.asarray(errors, dtype=float), fs)
    prior = _prior(high_pass, high_pass_order, amplifiers or dict.fromkeys(CANDIDATES, 1.0))
    rows = TailRows(times, values, covariance, interval, pulse_end)
    with threadpool_limits(limits=1, user_api="blas"):  # small matrices; and sums depend on the number of threads
        return split_rows(rows, find_amplifiers(rows, prior))


def split_rows(rows: TailRows, amplifiers: dict[HighPass, float]) -> TailSplit:
    """Split rows whose amplifier is known by its probabilities, which the rows are not asked about again."""
    return _joined(rows, max(amplifiers, key=amplifiers.__getitem__), *_posteriors(rows, amplifiers))


def _prior(corner: float | None, order: int | None, amplifiers: Mapping[HighPass, float]) -> Mapping[HighPass, float]:
    if order is not None and order not in {1, 2}:
        raise ParameterError(f"high_pass_order must be 1 or 2, got {order!r}.")
    if corner is not None:
        in_range("high_pass", corner, 0.0, 100.0, "Hz")
        orders = (1,) if not corner else (1, 2) if order is None else (order,)
        return {HighPass(corner, one): 1.0 for one in orders}
    return {one: share for one, share in amplifiers.items() if order is None or not one.corner or one.order == order}


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


def _posteriors(rows: TailRows, amplifiers: dict[HighPass, float]) -> tuple[list[Posterior], Array]:
    """Average every row over all that is not known, the amplifier included."""
    views = {
        one: (filtered_grid(rows.times, one, LONGEST, rows.interval), tail_basis(rows.times - rows.start, one))
        for one in amplifiers
    }
    shares, found, clear = np.array(list(amplifiers.values())), [], []
    for row in range(len(rows.values)):
        each, over = [], []
        for one, (grid, basis) in views.items():
            problem = rows.problem(row, one)
            found_here = rows.climbed(row, one)
            each.append(posterior(problem, found_here.near, grid, basis))
            over.append(clear_of(problem, found_here.best))
        found.append(mixed(each, shares))
        clear.append(float(shares @ np.array(over)))
    return found, np.array(clear)


def clear_of(problem: Problem, setting: Setting) -> float:
    """Give the time after the pulse from which the filters' answer to it is over, s."""
    level = max(float(np.sqrt(np.median(np.diag(problem.noise)))), SMALL * setting.size)
    return setting.edge + setting.ring * max(float(np.log(problem.spike / level)), 0.0)


def _joined(rows: TailRows, high_pass: HighPass, found: list[Posterior], clear: Array) -> TailSplit:
    evoked = np.stack([one.evoked for one in found])
    onsets = np.array([float(one.onset @ rows.onsets) if one.no_response < 0.5 else np.nan for one in found])
    verdicts = [_verdict(one, onset, high_pass) for one, onset in zip(found, onsets, strict=True)]
    return TailSplit(
        times=rows.times,
        artifact=rows.values - evoked,
        evoked=evoked,
        evoked_error=np.stack([one.evoked_error for one in found]),
        tail=np.stack([one.tail for one in found]),
        tail_error=np.stack([one.tail_error for one in found]),
        onset=onsets,
        overlap=np.array([overlap for overlap, _ in verdicts]),
        reason=tuple(reason for _, reason in verdicts),
        high_pass=high_pass,
        start=rows.start,
        no_tail=np.array([one.no_tail for one in found]),
        used=rows.used,
        weights=np.stack([one.weights for one in found]),
        tail_weights=np.stack([one.tail_weights for one in found]),
        clear=clear,
    )


def widened(split: TailSplit, times: float | Array) -> TailSplit:
    """Give a split whose errors are so many times, (rows, 1), as large as stated, with what is then said of it."""
    error = times * split.evoked_error
    said = said_of(split.onset, split.no_tail, split.evoked, error, split.high_pass)
    return replace(
        split,
        evoked_error=error,
        tail_error=times * split.tail_error,
        overlap=np.array([overlap for overlap, _ in said]),
        reason=tuple(reason for _, reason in said),
    )


def said_of(onset: Array, no_tail: Array, evoked: Array, error: Array, high_pass: HighPass) -> list[tuple[bool, str]]:
    """Say of every row whether artifact and response overlap, and in one sentence how well they are told apart."""
    return [
        _told(float(begins), alone >= 0.5, one, wide, high_pass)
        for begins, alone, one, wide in zip(onset, no_tail, evoked, error, strict=True)
    ]


def _verdict(found: Posterior, onset: float, high_pass: HighPass) -> tuple[bool, str]:
    return _told(onset, found.no_tail >= 0.5, found.evoked, found.evoked_error, high_pass)


def _told(onset: float, alone: bool, evoked: Array, error: Array, high_pass: HighPass) -> tuple[bool, str]:
    if np.isnan(onset):
        return False, "There is no evoked response: all that is locked to the pulses is artifact."
    share = float(np.sqrt(np.mean(error**2))) / max(float(np.sqrt(np.mean(evoked**2))), 1e-300)
    begins = f"the response begins {onset * 1e3:.2g} ms after the pulse"
    if share >= 1:
        return True, f"Artifact and response overlap: nothing tells the tail from the response; {begins}."
    if share > OVERLAP:
        return True, f"Artifact and response overlap: the tail is known to {share:.0%} of the response only; {begins}."
    if alone:
        return False, f"No tail runs into the response; {begins}."
    told = f"The tail was told apart to {share:.1%} of the response ({high_pass})"
    return False, f"{told}, which is taken to have no net area; {begins}."
