"""Pulses that come so close to one of a train that both artifacts are one."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.fit import Fit
from emgkit.detect.match import Template

__all__ = ["close_pulses"]

Array = NDArray[np.float64]

NEAREST, FARTHEST = 0.0004, 0.0012  # s between the two; farther ones are found by themselves
DOUBTFUL = 0.002  # s from a pulse, nearer than which what is found may be its misfit
COARSE, FINE, ABOUT = 5e-5, 2.5e-5, 1.5e-4  # s, steps; and how far the first one is moved
MISFIT = 10.0  # times the usual power of what a pulse leaves, from where on it may be two
MOST = 0.1  # of the pulses that may be two: where more do not fit, the waveform is at fault
HALF = 0.5  # of the misfit, that two pulses at rough places take away
MISFIT_TAKEN, EXPLAINED = 0.7, 0.95  # of the misfit, and of all energy, that two pulses explain; unverified
SIZE = (0.4, 2.5)  # of the train's pulses, of either
DIFFERENT = 0.02  # of the energies' product: less, and the two are the same


def close_pulses(left: Array, fit: Fit, found: Array) -> Array:
    """Find a second pulse before or after those of a train that do not fit, by two templates at once.

    Two pulses 0.4 to 1.2 ms apart look like one that is too large and of another form. Where only the later one is
    known, a response that began with the first seems to come early.

    Parameters
    ----------
    left : ndarray, shape (channels, samples)
        Differences of the signal without the train.
    fit : Fit
        Of the train.
    found : ndarray, shape (pulses,)
        Further pulses that are known, s: the train's pulses beside them are left as they are, unless they are so near
        that they may be the misfit of two.

    Returns
    -------
    ndarray, shape (pulses,)
        All further pulses, s, on the same place of the artifact as those of the train, without such misfits.
    """
    template, fs = Template(fit), fit.span.fs
    reach = np.arange(np.floor(-(FARTHEST + fit.span.before) * fs), np.ceil((FARTHEST + fit.span.after) * fs) + 1)
    index = np.round(fit.times * fs).astype(np.int64)[:, np.newaxis] + reach.astype(np.int64)
    inside = (index[:, 0] >= 0) & (index[:, -1] < left.shape[1])
    beside = np.abs(fit.times[:, np.newaxis] - found)
    apart = np.where(beside > DOUBTFUL, beside, np.inf).min(axis=1, initial=np.inf)
    power = np.full(fit.times.size, -np.inf)
    power[inside] = np.einsum("ckm,c->k", left[:, index[inside]] ** 2, np.median(template.weight, axis=1))
    usable = inside & (apart > FARTHEST + fit.span.after)
    if not usable.any():
        return found
    wrong = np.flatnonzero(usable & (power > MISFIT * np.median(power[usable])))
    wrong = wrong[np.argsort(-power[wrong], kind="stable")][: int(MOST * fit.times.size)]
    second = [_second(left, fit, template, int(pulse), index[pulse]) for pulse in np.sort(wrong)]
    more = np.array([time for time in second if time is not None])
    misfit = np.abs(found[:, np.newaxis] - more).min(axis=1, initial=np.inf) < FARTHEST
    return np.append(found[~misfit], more)


def _second(left: Array, fit: Fit, template: Template, pulse: int, index: NDArray[np.int64]) -> float | None:
    """Give the time of the second pulse beside one, s; None if there is none."""
    seen = left[:, index].copy()
    place = fit.index[pulse] - index[0]
    ok = (place >= 0) & (place < index.size)
    seen[:, place[ok]] += fit.model[:, pulse, ok]
    pair = _Pair(seen, template, index / fit.span.fs)
    time = float(fit.times[pulse])
    steps = np.arange(NEAREST, FARTHEST + FINE / 2, COARSE)
    rough = min((pair.left_by(time, lag) for lag in np.append(-steps, steps)), key=lambda one: one[0])
    if rough[0] > HALF * pair.left_by_one(time):
        return None
    moves = np.arange(-ABOUT, ABOUT + FINE / 2, FINE)
    lags = rough[1] + np.arange(-COARSE, COARSE + FINE / 2, FINE)
    pairs = ((pair.left_by(time + move, lag), move) for move in moves for lag in lags)
    best, moved = min(pairs, key=lambda one: one[0])
    one = min(pair.left_by_one(time + move) for move in moves)
    rest, lag, *sizes = best
    if rest > (1 - MISFIT_TAKEN) * one or rest > (1 - EXPLAINED) * pair.energy:
        return None
    return time + moved + lag if all(SIZE[0] <= size <= SIZE[1] for size in sizes) else None


class _Pair:
    """What two templates leave of some samples."""

    def __init__(self, seen: Array, template: Template, times: Array) -> None:
        self._seen, self._template, self._times = seen, template, times
        self._weight = np.median(template.weight, axis=1)[:, np.newaxis]
        self.energy = self._product(seen, seen)

    def _product(self, one: Array, other: Array) -> float:
        return float((self._weight * one * other).sum())

    def _wave(self, time: float) -> Array:
        since, span = self._times - time, self._template.span
        return self._template.waves(since) * ((since >= -span.before) & (since <= span.after))

    def left_by_one(self, time: float) -> float:
        """Energy that one pulse of any size leaves."""
        wave = self._wave(time)
        return self.energy - self._product(wave, self._seen) ** 2 / max(self._product(wave, wave), 1e-300)

    def left_by(self, time: float, lag: float) -> tuple[float, float, float, float]:
        """Energy that two pulses leave, the lag, and both sizes."""
        waves = self._wave(time), self._wave(time + lag)
        gram = np.array([[self._product(one, other) for other in waves] for one in waves])
        right = np.array([self._product(wave, self._seen) for wave in waves])
        if np.linalg.det(gram) <= DIFFERENT * gram[0, 0] * gram[1, 1]:
            return self.energy, lag, 0.0, 0.0
        sizes = np.linalg.solve(gram, right)
        return self.energy - float(sizes @ right), lag, float(sizes[0]), float(sizes[1])
