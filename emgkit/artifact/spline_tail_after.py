"""What outlasts the usual interval, where the next pulse does not come."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.sparse import csr_array

from emgkit.artifact.spline_basis import DEGREE, bend_operator
from emgkit.artifact.spline_share import Tail, tail_rows

__all__ = ["RESPONSE", "find_tail", "tails_of"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

TAIL, STEP = 0.060, 0.001  # s: what is left after the time of the next pulse, and its knots
PAUSE = 0.040  # s after the end of the support, without a pulse
GAP = 1.5  # usual intervals of a train, from which a pulse is missing
CORRELATED = 5.0  # samples of EMG that are alike: unverified
SELDOM, FREELY = 5, 0.3  # gaps; fewer cost little EMG, so that what is sharp may stay: less noise is taken for granted
OVER, COARSE = 0.030, 0.012  # s after the pulse, from which nothing sharp is left, and knots from there on, if seldom
BEFORE = 0.150  # s before the last pulse, in which effort is looked at
LATE_RESPONSE = 3.0  # times the EMG: so large for ten milliseconds is a late response; unverified
SMOOTHEST, ROUGHEST = 8, -8  # powers of ten of the smoothness that are tried, over that of the samples; numerical
RESPONSE = 0.030  # s: a response lasts no longer, but for the amplifier's own tail
ENOUGH = 5  # pauses from which tails are fitted whatever their size where the response is over by then
PINNED = 2  # coefficients at the end that are zero: value and slope


def tails_of(
    onsets: Array, train: Indices, interval: float, until: float, begun: int | None
) -> tuple[Array, Array] | None:
    """Places of tails, s, and their signs, both (places,); None where there are none.

    Parameters
    ----------
    onsets, train : ndarray, shape (pulses,)
        s, and the train of each.
    interval, until : float
        Usual time between pulses, and end of the support of a response, s.
    begun : int or None
        Pulses that begin a train of responses that follow without a pause; None where there are pauses between them.
    """
    places, signs = _pauses(onsets, until) if begun is None else _gaps_in_trains(onsets, train, interval, begun)
    return (places, signs) if (signs > 0).any() else None


def _gaps_in_trains(onsets: Array, train: Indices, interval: float, begun: int) -> tuple[Array, Array]:
    """Places of the tails of a periodic train, s, and their signs, both (places,).

    Every response of a train holds what the earlier ones leave. After a pulse that a gap follows that goes on, and the
    response after the gap lacks what the one before it would have left, had it come an interval earlier. The first
    ``begun`` pulses of a train have responses of their own.
    """
    gaps = np.diff(onsets, append=np.inf)
    before = np.flatnonzero(gaps > GAP * interval)
    since = np.arange(onsets.size) - np.searchsorted(train, train, side="left")
    after = before[before < onsets.size - 1] + 1
    after = after[since[after] >= begun]
    places = np.concatenate([onsets[before], onsets[after] - interval])
    return places, np.concatenate([np.ones(before.size), -np.ones(after.size)])


def _pauses(onsets: Array, until: float) -> tuple[Array, Array]:
    """Places of the tails of responses that add up, s, and their signs: those that a pause follows."""
    places = onsets[np.diff(onsets, append=np.inf) > until + PAUSE]
    return places, np.ones(places.size)


def find_tail(
    places: Array,
    signs: Array,
    until: float,
    rest: Array,
    known: NDArray[np.bool_],
    weights: Array,
    fs: float,
    over: bool = False,
) -> Tail | None:
    """Fit it from what all else leaves: a smooth curve that ends at zero, as smooth as the samples make likely.

    Where a response is over by then and pauses are few, only what is far larger than EMG is a tail, of a slow artifact;
    None if that is none.

    Parameters
    ----------
    places, signs : ndarray, shape (places,)
        Pulses that tails follow, s, and how often, see `tails_of`.
    until : float
        End of the support of the response, s after a pulse.
    rest : ndarray, shape (channels, samples)
        What all else leaves, V.
    known : ndarray of bool, shape (channels, samples)
        Samples that were measured.
    weights : ndarray, shape (channels,)
        One over the variance of the noise, 1/V².
    fs : float
        Hz.
    over : bool
        Whether responses are over by then.
    """
    pauses = int((signs > 0).sum())
    seldom = pauses < SELDOM
    alike = (FREELY if seldom else CORRELATED) / weights
    inner = np.arange(until + STEP, until + TAIL - 0.5 * STEP, STEP)
    found = _fitted((places, signs), inner, until, rest, known, alike, fs)
    if over and pauses < ENOUGH:
        return _clear(found, 1 / np.maximum(1 / weights, _power_before(places[signs > 0], rest, fs)))
    begin = max(OVER, until + STEP)
    if not seldom or _is_sharp(found, begin, weights):
        return found
    inner = np.append(inner[inner < begin], np.arange(begin, until + TAIL - 0.5 * COARSE, COARSE))
    return _fitted((places, signs), inner, until, rest, known, alike, fs)


def _fitted(
    tails: tuple[Array, Array],
    inner: Array,
    until: float,
    rest: Array,
    known: NDArray[np.bool_],
    noise: Array,
    fs: float,
) -> Tail:
    places, signs = tails
    knots = np.concatenate([np.full(DEGREE + 1, until), inner, np.full(DEGREE + 1, until + TAIL)])
    bend = bend_operator(knots)[:, :-PINNED]
    root: Array = np.linalg.cholesky(bend.T @ bend).astype(float)
    samples, rows = _design(places, signs, knots, fs, rest.shape[1])
    found = np.zeros((len(rest), knots.size - DEGREE - 1))
    for channel, row in enumerate(rest):
        valid = known[channel, samples].astype(float)
        own = rows.multiply(valid[:, np.newaxis]).tocsr()
        gram, right = (own.T @ rows).toarray(), own.T @ row[samples]
        found[channel, :-PINNED] = _smoothed(gram, right, float(noise[channel]), root)
    return Tail(places, signs, knots, found)


def _is_sharp(tail: Tail, begin: float, weights: Array) -> bool:
    """Tell whether a tail holds far more than EMG in ten milliseconds somewhere after ``begin``, s, as an H-reflex."""
    power = _power(tail, np.arange(begin, float(tail.knots[-1]), STEP), weights)
    means = np.convolve(power.max(axis=1), np.ones(10) / 10, "valid") if len(power) >= 10 else power
    return bool(means.max(initial=0.0) > LATE_RESPONSE**2)


def _clear(tail: Tail, weights: Array) -> Tail | None:
    """Keep the tails that begin with far more than EMG."""
    first = tail.knots[0] + STEP * np.arange(10)
    large = _power(tail, first, weights).mean(axis=0) > LATE_RESPONSE**2
    return replace(tail, coefficients=tail.coefficients * large[:, np.newaxis]) if large.any() else None


def _power_before(places: Array, rest: Array, fs: float) -> Array:
    """Give the power of what is left before the last pulses of trains, V², (channels,): effort may go on."""
    before = np.concatenate([np.arange(max(round((one - BEFORE) * fs), 0), round(one * fs)) for one in places])
    return (
        np.asarray((rest[:, before[before < rest.shape[1]]] ** 2).mean(axis=1)) if before.size else np.zeros(len(rest))
    )


def _power(tail: Tail, times: Array, weights: Array) -> Array:
    """Power of tails over that of the EMG, (times, channels)."""
    from scipy.interpolate import BSpline

    return np.asarray(BSpline(tail.knots, tail.coefficients.T, DEGREE)(times) ** 2 * weights)


def _design(places: Array, signs: Array, knots: Array, fs: float, count: int) -> tuple[Indices, csr_array]:
    """Give the samples that tails reach, and the splines there, (samples, coefficients): tails on each other add up."""
    samples, place, splines = tail_rows(places, knots, fs, count)
    reached, number = np.unique(samples, return_inverse=True)
    adding = csr_array((signs[place], (number, np.arange(number.size))), shape=(reached.size, number.size))
    return reached, csr_array((adding @ splines)[:, :-PINNED])


def _smoothed(gram: Array, right: Array, noise: float, root: Array) -> Array:
    """Posterior mean of a curve whose second differences have the variance of the highest marginal likelihood, V."""
    half = solve_triangular(root, gram, lower=True)
    precision, vectors = np.linalg.eigh(solve_triangular(root, half.T, lower=True) / noise)
    pull = vectors.T @ solve_triangular(root, right, lower=True) / noise
    precision = np.maximum(precision, 0.0)
    if not precision.any() or not pull.any():
        return np.zeros(right.size)
    powers = 10.0 ** np.arange(ROUGHEST, SMOOTHEST + 0.25, 0.5) * float(precision.mean())
    grown = precision + powers[:, np.newaxis]
    likelihood = 0.5 * (np.log(powers)[:, np.newaxis] - np.log(grown) + pull**2 / grown).sum(axis=1)
    best = int(np.argmax(likelihood))
    return np.asarray(solve_triangular(root.T, vectors @ (pull / grown[best]), lower=False))
