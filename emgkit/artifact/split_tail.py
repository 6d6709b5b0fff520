"""`split_tail`: the tail of the stimulation artifact and the response that lies on it."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from emgkit._checks import in_range, positive
from emgkit.artifact.tail_amplifier import CANDIDATES
from emgkit.artifact.tail_atoms import tail_basis
from emgkit.artifact.tail_evidence import Problem, Setting
from emgkit.artifact.tail_found import TailSplit, said_of
from emgkit.artifact.tail_kinds import averaged, weighed
from emgkit.artifact.tail_posterior import Posterior, mixed, posterior
from emgkit.artifact.tail_prior import TENDON, HighPass
from emgkit.artifact.tail_rows import FEWEST, TailRows, find_amplifiers
from emgkit.errors import ParameterError, ShapeError

__all__ = ["clear_of", "split_rows", "split_tail"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

EMG_DECAY, EMG_FREQUENCY = 3e-3, 80.0  # s, Hz: autocorrelation of surface EMG, roughly; unverified
WHITE = 2e-3  # share of the noise's power that is white
SMALL = 0.003  # of the response: smaller ringing is no artifact any more


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
    is a smooth random function that is zero before its onset, over some 20 to 40 ms later, has next to no net area or,
    which is thought rare, some, and has passed the same high-pass; the anti-alias filter's answer to the pulse is noise
    that decays fast. Every unknown that is not linear (onset, duration, smoothness, time constants) is averaged by its
    probability; the linear ones are solved for exactly, as in variable projection (Golub and Pereyra 1973). It differs
    from a fit of one set of exponentials in that all sets count by their evidence, so that the standard errors know of
    them.

    Responses between two electrodes along the muscle have next to no net area; those between belly and tendon, and of
    monopolar leads, have. Both kinds are tried and weighed by their evidence, see `averaged`.
    """
    values = np.atleast_2d(np.asarray(responses, dtype=float))
    times = np.asarray(times, dtype=float)
    covariance = _checked(times, values, np.asarray(errors, dtype=float), fs)
    prior = _prior(high_pass, high_pass_order, amplifiers or dict.fromkeys(CANDIDATES, 1.0))
    rows = TailRows(times, values, covariance, interval, pulse_end)
    with threadpool_limits(limits=1, user_api="blas"):  # small matrices; and sums depend on the number of threads
        along, tendon = split_rows(rows, find_amplifiers(rows, prior)), rows.of_kind(TENDON)
        other = split_rows(tendon, find_amplifiers(tendon, prior))
        return averaged(along, other, weighed(along, other))


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
    views = {one: (rows.grid(one), tail_basis(rows.times - rows.start, one)) for one in amplifiers}
    shares, found, clear = np.array(list(amplifiers.values())), [], []
    for row in range(len(rows.values)):
        each, over = [], []
        for (one, share), (grid, basis) in zip(amplifiers.items(), views.values(), strict=True):
            problem = rows.problem(row, one)
            found_here = rows.climbed(row, one)
            each.append(posterior(problem, found_here.near, grid, basis, share))
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
    no_tail, error = np.array([one.no_tail for one in found]), np.stack([one.evoked_error for one in found])
    verdicts = said_of(onsets, no_tail, evoked, error, high_pass)
    return TailSplit(
        times=rows.times,
        artifact=rows.values - evoked,
        evoked=evoked,
        evoked_error=error,
        tail=np.stack([one.tail for one in found]),
        tail_error=np.stack([one.tail_error for one in found]),
        onset=onsets,
        overlap=np.array([overlap for overlap, _ in verdicts]),
        reason=tuple(reason for _, reason in verdicts),
        high_pass=high_pass,
        start=rows.start,
        no_tail=no_tail,
        used=rows.used,
        weights=np.stack([one.weights for one in found]),
        tail_weights=np.stack([one.tail_weights for one in found]),
        clear=clear,
        evidence=np.array([one.evidence for one in found]),
    )
