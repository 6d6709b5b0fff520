"""What past pulses tell of the response in the continuous time since the pulse: the state of `CausalSpline`."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter1d

from emgkit.artifact.past_roughness import TINY, learn_roughness, penalty_on, solved, with_penalty
from emgkit.artifact.spline_basis import DEGREE, bend_operator, phase_knots, spline_values

__all__ = ["FEWEST", "PastSpline"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]

FEWEST = 5  # pulses that must be known of a moment before it is predicted
SOON, OFTEN = 1.4, 64  # roughness is learned whenever there are 1.4 times the pulses, later every 64 pulses
REACH = 0.002  # s on either side over which the evidence of a change is pooled
LEFT, RIGHT = (np.array(one) for one in ([0, 1, 2, 3, 0, 1, 2, 0, 1, 0], [0, 1, 2, 3, 1, 2, 3, 2, 3, 3]))  # products
INDEPENDENT = 226.0  # values per second of EMG: twice its equivalent bandwidth of 113 Hz


@dataclass(frozen=True, eq=False)
class _Rows:
    """The splines of one pulse at the samples of a frame that lie within its support."""

    samples: slice
    first: Indices  # (rows,) of the four coefficients
    values: Array  # (4, rows)

    def evaluate(self, coefficients: Array) -> Array:
        """Values at the samples, (..., rows): each by itself, so that its bits do not depend on their number."""
        out = self.values[0] * coefficients[..., self.first]
        for step in range(1, DEGREE + 1):
            out += self.values[step] * coefficients[..., self.first + step]
        return np.asarray(out)

    def project(self, rows: Array, size: int) -> Array:
        """Inner products of the splines with the samples of every channel, (channels, size)."""
        steps = np.arange(DEGREE + 1)[:, np.newaxis]
        places = size * np.arange(len(rows) * steps.size).reshape(len(rows), -1, 1) + steps + self.first
        weights = self.values * rows[:, np.newaxis]
        found = np.bincount(places.ravel(), weights.ravel(), minlength=len(rows) * steps.size * size)
        first, second, third, fourth = found.reshape(len(rows), -1, size).swapaxes(0, 1)
        return np.asarray(first + second + third + fourth)

    def gram(self, known: Mask, size: int) -> Array:
        """Inner products of the splines on some of the samples, (4, size): the diagonals of the matrix."""
        weights = self.values[LEFT] * self.values[RIGHT] * known
        places = (size * np.arange(LEFT.size) + LEFT)[:, np.newaxis] + self.first
        found = np.bincount(places.ravel(), weights.ravel(), minlength=LEFT.size * size).reshape(-1, size)
        out = np.zeros((DEGREE + 1, size))
        for lag, one in zip(RIGHT - LEFT, found, strict=True):
            out[lag] += one
        return out


@dataclass(frozen=True, eq=False)
class _Told:
    """What one pulse is expected to evoke at some samples of a frame: all, a constant response, and its change."""

    samples: slice
    values: Array  # (3, channels, samples)


class PastSpline:
    """Normal equations of a spline in the time since the pulse, with fading memory; one set per channel."""

    pad, looks_ahead, overlaps = 0, False, True

    def __init__(self, forgetting: float, before: float, after: float, fs: float, channels: int) -> None:
        self._forgetting, self._fs, self._before = forgetting, fs, before * fs
        self._knots = phase_knots(before, after, fs)
        self._bend = bend_operator(self._knots)
        size, count = self._knots.size - DEGREE - 1, int(np.floor((before + after) * fs + 1e-9))
        self._gram, self._right = np.zeros((channels, DEGREE + 1, size)), np.zeros((channels, size))
        self._square, self._known = np.zeros(channels), np.zeros(channels)
        self._rough = np.zeros((channels, size - 2))
        self._penalties: list[tuple[Array, ...]] = [()] * channels
        self._seen = np.zeros((channels, count))  # pulses of which each sample of the frame is known, fading
        self._enough = (1 - forgetting**FEWEST) / (1 - forgetting) - 1e-9
        self._learned, self._next = 0, FEWEST
        self._last: tuple[float, int, _Rows] | None = None
        self._told: dict[tuple[float, int, int], _Told | None] = {}  # since it was learned last
        self._found = np.zeros((channels, size))
        self._course = _Course(forgetting, fs, (channels, size), count)

    def predict(self, frame: Array, places: Array) -> tuple[Array, Mask]:
        """Add up what the pulse and the earlier ones are expected to evoke, see `Kernel`."""
        count = frame.shape[1]
        return self._expected(places, count)[0], ~self._is_known(places[0], np.arange(count), 1)

    def learn(self, piece: Array, places: Array) -> None:
        """Take in what was evoked until the next pulse, less what is still expected from earlier ones, see `Kernel`."""
        count = piece.shape[1]
        own = piece - self._expected(places[1:], count)[0]
        known = np.isfinite(own)
        own = np.where(known, own, 0.0)
        self._course.compare(own, known, *self._expected(places[:1], count)[1:])
        self._seen *= self._forgetting
        self._seen[:, :count] += known
        rows = self._rows(places[0], count)
        inside = np.arange(rows.samples.start, rows.samples.stop)  # not the slice: sums keep their order in memory
        self._add(rows, own[:, inside], known[:, inside])
        self._learned += 1
        self._told.clear()
        if self._learned >= FEWEST:
            self._solve()
            self._course.follow(self._found)

    def _rows(self, place: float, count: int) -> _Rows:
        if self._last is not None and self._last[:2] == (place, count):
            return self._last[2]
        phase = (np.arange(count, dtype=np.float64) - place) / self._fs
        begin, end = (int(one) for one in np.searchsorted(phase, self._knots[[0, -1]]))
        if begin >= end:
            return _Rows(slice(0, 0), np.zeros(0, dtype=np.int64), np.zeros((DEGREE + 1, 0)))
        self._last = place, count, _Rows(slice(begin, end), *spline_values(phase[begin:end], self._knots))
        return self._last[2]

    def _is_known(self, place: float, samples: Indices, margin: int) -> Mask:
        """Tell of which samples enough pulses are known, up to a margin that intervals may round to."""
        return np.asarray(self._seen[:, self._index(place, samples, margin)] >= self._enough)

    def _index(self, place: float, samples: Indices, margin: int = 0) -> Indices:
        """Count the samples of a frame from the first sample of another pulse's frame."""
        begin = math.ceil(place - self._before - 1e-9)
        return np.minimum(np.maximum(samples - (begin + margin), 0), self._seen.shape[1] - 1)

    def _expected(self, places: Array, count: int) -> tuple[Array, Array, Array]:
        """Give the expectation, V, (channels, samples), and that of a constant response and of its change alone."""
        out = np.zeros((3, len(self._found), count))
        for place in places if self._learned >= FEWEST else ():
            told = self._told_of(float(place), count)
            if told is not None:
                out[:, :, told.samples] += told.values
        return out[0], out[1], out[2]

    def _told_of(self, place: float, count: int) -> _Told | None:
        """Give what one pulse is expected to evoke; None where nothing is known, as of earlier ones in a train."""
        key = place, count, self._learned
        if key not in self._told:
            known = self._is_known(place, np.arange(count), int(place > 0))
            self._told[key] = self._evoked(place, count, known) if known.any() else None
        return self._told[key]

    def _evoked(self, place: float, count: int, known: Mask) -> _Told:
        rows = self._rows(place, count)
        values = np.empty((3, len(self._found), rows.first.size))
        values[1:] = rows.evaluate(np.stack([self._found, self._course.change]))
        values[1:, ~known[:, rows.samples]] = 0.0
        share = self._course.share[:, self._index(place, np.arange(rows.samples.start, rows.samples.stop))]
        np.multiply(share, values[2], out=values[0])
        values[0] += values[1]
        return _Told(rows.samples, values)

    def _add(self, rows: _Rows, own: Array, known: Mask) -> None:
        self._gram *= self._forgetting
        self._right *= self._forgetting
        self._square *= self._forgetting
        self._known *= self._forgetting
        size = self._right.shape[1]
        self._right += rows.project(own, size)
        self._square += (own**2).sum(axis=1)
        self._known += known.sum(axis=1)
        whole = known.all(axis=1)
        self._gram[whole] += rows.gram(np.ones(rows.first.size, dtype=bool), size)
        for channel in np.flatnonzero(~whole):
            self._gram[channel] += rows.gram(known[channel], size)

    def _solve(self) -> None:
        due = self._learned == self._next
        if due:
            self._next = min(int(np.ceil(SOON * self._next)), self._next + OFTEN)
        for channel, right in enumerate(self._right):
            gram = self._gram[channel]
            if due:
                sums = self._square[channel], self._known[channel]
                self._rough[channel] = learn_roughness(gram, right, *sums, self._bend, self._rough[channel])
                self._penalties[channel] = penalty_on(self._bend, self._rough[channel])
            self._found[channel] = solved(with_penalty(gram, self._penalties[channel]), right)


class _Course:
    """How the response changes: forecast by double exponential smoothing, as far as forecasts have proved better.

    The fading mean of the fits lies further in the past than the fits, by ``late - age`` pulses on average: their
    difference tells the change per pulse.
    """

    def __init__(self, forgetting: float, fs: float, shape: tuple[int, int], count: int) -> None:
        self._forgetting, self._correlated = forgetting, max(fs / INDEPENDENT, 1.0)
        self._width = 2 * round(REACH * fs) + 1
        self._weight = self._ages = self._fits = self._lates = 0.0
        self._sum, self.change = np.zeros(shape), np.zeros(shape)
        self._sums = np.zeros((4, shape[0], count))  # of error times change, change², error², and samples
        self.share = np.zeros((shape[0], count))

    def compare(self, own: Array, known: Mask, constant: Array, change: Array) -> None:
        """Keep books of how well the constant and the changing forecast did, and take as much change as is certain."""
        self._ages = self._forgetting * (self._ages + self._weight)
        self._weight = self._forgetting * self._weight + 1
        if not self.change.any():
            return
        count = own.shape[1]
        error = np.where(known, own - constant, 0.0)
        self._sums *= self._forgetting
        self._sums[:, :, :count] += np.stack([error * change, change**2 * known, error**2, known])
        product, square, power, size = uniform_filter1d(self._sums, self._width, mode="nearest")
        square, power = np.maximum(square, 0.0), np.maximum(power, 0.0)  # rounding
        noise = power / np.maximum(size, TINY)
        certain = square > 0
        error_of_product = np.sqrt(noise * square * self._correlated / self._width)
        share = (product - error_of_product) / np.where(certain, square, 1.0)
        self.share = np.where(certain, np.clip(share, 0.0, 1.0), 0.0)

    def follow(self, found: Array) -> None:
        """Take in a new fit."""
        age = self._ages / self._weight
        self._lates = self._forgetting * (self._lates + self._fits) + age
        self._fits = self._forgetting * self._fits + 1
        self._sum = self._forgetting * self._sum + found
        lag = self._lates / self._fits - age
        if lag > 0:
            self.change = (found - self._sum / self._fits) * ((age + 1) / lag)
