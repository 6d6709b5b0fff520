"""Pulses that a list lacks on its own beat: what follows the other pulses follows there, too, or nothing does."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve, toeplitz
from scipy.ndimage import median_filter

from emgkit.artifact.artifacts_left import ListedPulses

__all__ = ["empty_beats", "lost_pulses"]

Array = NDArray[np.float64]

BEGIN, END = -0.0015, 0.03  # s about a beat that are looked at, at most until the next one begins
FASTEST = 0.020  # s between pulses: sooner the M-wave before stands at an empty beat, as it stands at every other
NEIGHBOURS = 21  # intervals, or pulses, whose median is usual about one
OFF_BEAT, PART = 5e-4, 0.25  # s for every interval of a gap, and of one, by which a gap may miss their number
KEEP_BEAT = 0.5  # of the intervals are single ones: else nobody knows where a pulse is due
GROUPED, SELDOM = 0.5, 0.1  # of the long intervals: shorter ones that are no rare exception are those within groups
BEYOND = 3  # beats beyond either end of the list: more are found by the sharpness of their artifacts
FEWEST, MOST = 20, 4000  # pulses that tell what follows them
PARTS, SAME_AS = (2, 3), 0.95  # of a beat, at which pulses may be that the list leaves out, and correlation of means
HALF = 0.5  # of the usual size: what is larger is nearer to a pulse than to none
REPEATED = 0.25  # of the usual size, likewise, at times that part every beat evenly and mostly have a pulse
SURE = 4.0  # standard errors of the size at one beat; also of the mean of beats that are not sure
PHASES = 20  # places between two samples: an artifact as brief as a sample looks different at each of them
ALIKE = 20  # pulses at least that tell what is usual at one of them
RIDGE = 1e-3  # of the variance, that the covariance is damped by: at 10 kHz EMG hardly changes between samples


def empty_beats(onsets: Array) -> Array:
    """Give the times between pulses, and just beyond them, at which their beat has none, s.

    There are none where they keep no beat, come in groups (doublets, two stimulators in one list), or so fast that the
    response before cannot be told from that to a pulse.

    Parameters
    ----------
    onsets : ndarray, shape (pulses,)
        s, increasing.
    """
    gaps = np.diff(onsets)
    if gaps.size < FEWEST or np.median(gaps) < FASTEST or np.mean(gaps < GROUPED * np.quantile(gaps, 0.75)) > SELDOM:
        return np.zeros(0)
    usual = median_filter(gaps, NEIGHBOURS)
    count = np.round(gaps / usual)
    on_beat = np.abs(gaps - count * usual) <= np.minimum(OFF_BEAT * count, PART * usual)
    if np.mean(on_beat & (count == 1)) < KEEP_BEAT * np.mean(count > 0):
        return np.zeros(0)
    wide = np.flatnonzero(on_beat & (count > 1))
    between = [onsets[one] + gaps[one] * np.arange(1, count[one]) / count[one] for one in wide]
    beyond = np.arange(1, BEYOND + 1)
    return np.concatenate([onsets[0] - usual[0] * beyond[::-1], *between, onsets[-1] + usual[-1] * beyond])


def parts_of_beats(onsets: Array, parts: int) -> Array:
    """Give the times that part every usual interval evenly, s; none where pulses would then come too fast."""
    gaps = np.diff(onsets)
    usual = median_filter(gaps, NEIGHBOURS)
    if np.median(gaps) < parts * FASTEST:
        return np.zeros(0)
    whole = np.abs(gaps - usual) <= np.minimum(OFF_BEAT, PART * usual)
    return np.sort(np.ravel(onsets[:-1][whole] + np.outer(np.arange(1, parts) / parts, gaps[whole])))


def lost_pulses(listed: ListedPulses) -> Array:
    """Give the times of empty beats at which artifact and response of a pulse stand, s.

    A filter that is matched to what follows the given pulses, under EMG as it is between them, tells its size at every
    empty beat. Where EMG hides single pulses, the mean of these beats tells whether pulses are among them at all; then
    those count that are nearer to a pulse than to none.
    """
    signal, fs, onsets = listed.signal, listed.fs, listed.onsets
    beats = empty_beats(onsets)
    if not beats.size:
        return beats
    stop = min(END, float(np.median(np.diff(onsets))) + BEGIN)
    lags = np.arange(int(np.floor(BEGIN * fs)), int(np.ceil(stop * fs)))
    bends = np.diff(signal, axis=1)
    given = _Frames.about(bends, onsets[:: max(onsets.size // MOST, 1)] * fs, lags)
    if given.places.size < FEWEST:
        return np.zeros(0)
    matched = _Matched.to(given)
    each = (parts_of_beats(onsets, parts) for parts in PARTS)
    more = next((one for one in each if matched.repeats(_Frames.about(bends, one * fs, lags))), np.zeros(0))
    seen = _Frames.about(bends, np.union1d(beats, more) * fs, lags)
    if not seen.places.size:
        return np.zeros(0)
    sizes = _smooth(matched.sizes(given))
    after = np.searchsorted(given.places, seen.places)
    usual = np.minimum(sizes[np.maximum(after - 1, 0)], sizes[np.minimum(after, sizes.size - 1)])
    size, error = matched.sizes(seen), matched.errors(seen, usual)
    least = np.where(np.isin(seen.places, more * fs), REPEATED, HALF)
    there = size > least * np.maximum(usual, 0.0)
    sure = SURE * error < HALF * usual
    doubtful = ~sure
    if doubtful.any():
        weight = error[doubtful] ** -2
        mean, spread = float(weight @ size[doubtful] / weight.sum()), float(weight.sum() ** -0.5)
        there[doubtful] &= mean > SURE * spread
    return np.asarray(seen.places[there] / fs)


@dataclass(frozen=True, eq=False)
class _Frames:
    """What follows some times.

    Parameters
    ----------
    places : ndarray, shape (frames,)
        Times in samples.
    wide : ndarray, shape (channels, frames, lags + 2)
        Differences of the signal, from a sample before the first lag to one after the last.
    """

    places: Array
    wide: Array

    @classmethod
    def about(cls, bends: Array, places: Array, lags: NDArray[np.int64]) -> _Frames:
        """Cut frames of some lags about those places that have them all."""
        index = np.round(places).astype(np.int64)
        inside = (index + lags[0] >= 1) & (index + lags[-1] + 1 < bends.shape[1])
        around = np.arange(lags[0] - 1, lags[-1] + 2)
        return cls(places[inside], bends[:, index[inside, np.newaxis] + around])

    @property
    def values(self) -> Array:
        """What follows the nearest sample, (channels, frames, lags)."""
        return self.wide[:, :, 1:-1]

    @property
    def phase(self) -> Array:
        """Place between two samples, -0.5 ... 0.5."""
        return np.asarray(self.places - np.round(self.places))

    def usual(self, phase: float) -> Array:
        """Give the median of the frames at nearly one place between the samples, (channels, lags)."""
        off = self.phase - phase
        turned = np.round(off).astype(np.int64)
        nearest = np.argsort(np.abs(off - turned), kind="stable")[: max(ALIKE, off.size // PHASES)]
        count = self.wide.shape[2] - 2
        alike = [self.wide[:, one, 1 + turned[one] : 1 + turned[one] + count] for one in nearest]
        return np.asarray(np.median(alike, axis=0))


@dataclass(frozen=True, eq=False)
class _Matched:
    """Filters that are matched to what follows pulses, for every place between two samples.

    Parameters
    ----------
    means, filters : ndarray, shape (phases, channels, lags)
        What is usual, and by what a frame is multiplied for its size over that.
    error : ndarray, shape (phases,)
        Standard error of the size of one frame, usually.
    power : ndarray, shape (channels,)
        Of what is left of a frame, usually.
    """

    means: Array
    filters: Array
    error: Array
    power: Array

    @classmethod
    def to(cls, given: _Frames) -> _Matched:
        """Match them to the frames of given pulses."""
        means = np.stack([given.usual(phase) for phase in (np.arange(PHASES) + 0.5) / PHASES - 0.5])
        own = np.moveaxis(means[_bins(given)], 0, 1)
        sizes = (given.values * own).sum(axis=(0, 2)) / np.maximum((own**2).sum(axis=(0, 2)), 1e-300)
        rest = given.values - _smooth(sizes)[:, np.newaxis] * own
        filters = np.stack([solve(_covariance(row), means[:, number].T).T for number, row in enumerate(rest)], axis=1)
        gain = np.maximum((filters * means).sum(axis=(1, 2)), 1e-300)
        power = np.maximum((rest**2).mean(axis=(1, 2)), 1e-300)
        return cls(means, filters / gain[:, np.newaxis, np.newaxis], gain**-0.5, power)

    def sizes(self, frames: _Frames) -> Array:
        """Size of every frame, over what is usual."""
        return np.asarray(np.einsum("ckm,kcm->k", frames.values, self.filters[_bins(frames)]))

    def repeats(self, frames: _Frames) -> bool:
        """Tell whether the very same follows other times, too, on average: artifact and response in shape and size.

        Of the power of what follows them the product of two halves of the frames tells without that of the EMG.
        """
        if len(frames.places) < FEWEST or not HALF < float(np.median(self.sizes(frames))) < 1 / HALF:
            return False
        halves = [np.zeros_like(self.means) for _ in range(2)]
        bins, values = _bins(frames), np.moveaxis(frames.values, 1, 0)
        for one in np.unique(bins):
            alike = values[bins == one]
            for half, part in zip(halves, (alike[::2], alike[1::2]), strict=True):
                half[one] = np.median(part, axis=0) if len(alike) > 1 else 0.0
        usual = np.where(halves[1].any(axis=(1, 2), keepdims=True), self.means, 0.0)
        power = float((halves[0] * halves[1]).sum()) * float((usual**2).sum())
        both = float(((halves[0] + halves[1]) * usual).sum()) / 2
        return power > 0 and both >= SAME_AS * float(np.sqrt(power))

    def errors(self, frames: _Frames, usual: Array) -> Array:
        """Give the standard errors of the sizes, by the EMG in the very frames: with usual pulses or without."""
        without = frames.values - usual[:, np.newaxis] * np.moveaxis(self.means[_bins(frames)], 0, 1)
        powers = [((one**2).mean(axis=2) / self.power[:, np.newaxis]).mean(axis=0) for one in (frames.values, without)]
        return np.asarray(self.error[_bins(frames)] * np.sqrt(np.maximum(np.minimum(*powers), 1e-12)))


def _bins(frames: _Frames) -> NDArray[np.int64]:
    return np.clip(((frames.phase + 0.5) * PHASES).astype(np.int64), 0, PHASES - 1)


def _smooth(sizes: Array) -> Array:
    return np.asarray(median_filter(sizes, NEIGHBOURS, mode="nearest"))


def _covariance(rest: Array) -> Array:
    """Covariance of what is left at two lags: that of EMG, and what varies about the artifact's edges, (lags, lags)."""
    count = rest.shape[1]
    products = np.array([(rest[:, lag:] * rest[:, : count - lag]).sum() / rest.size for lag in range(count)])
    varies = np.median(rest**2, axis=0)
    beyond = np.maximum(varies / max(float(np.median(varies)), 1e-300) - 1, 0.0) * products[0]
    return np.asarray(toeplitz(products) + np.diag(beyond + RIDGE * products[0]))
