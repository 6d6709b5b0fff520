"""Cubic B-splines in the continuous time since the pulse: knots, and the design that links samples to responses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_units import Later

__all__ = [
    "DEGREE",
    "PhaseDesign",
    "bend_operator",
    "make_design",
    "make_designs",
    "phase_knots",
    "places_of",
    "spline_values",
]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

DEGREE = 3
SHARP = (-0.00025, 0.00125)  # s about the pulse, where the artifact has its edges
NEAR, MIDDLE = 0.003, 0.035  # s after the pulse: close knots until the first, medium ones until the second
LATE = 0.065  # s after the pulse, by which late responses (H-reflex, F-wave) are over
CHUNK = 1 << 12  # samples whose polynomials are looked up at once: they stay in the cache; numerical
LONGER = 0.001  # s: supports that are longer than the interval by no more end with the next one
TOUCH = 0.0003  # s, and at least a sample: supports that end so near to the next one end with it, as pulses jitter
FINEST, FINE, MEDIUM, WIDE, COARSE = 31.25e-6, 125e-6, 250e-6, 0.00075, 0.0015  # s between knots


def phase_knots(
    before: float, until: float, fs: float, medium_until: float = MIDDLE, lags: Sequence[float] | Array = ()
) -> Array:
    """Knots from ``-before`` to ``until``, s: closest at the edges of the artifact, and of those at ``lags``, s.

    They may be closer than the samples, because pulses fall between samples; what the samples do not determine is
    decided by the penalty.
    """
    finest, fine, medium = max(FINEST, 0.0625 / fs), max(FINE, 0.2 / fs), max(MEDIUM, 0.5 / fs)
    middle = min(max(medium_until, NEAR), until)
    late = min(max(LATE, middle), until)
    pieces = [
        np.arange(-before, SHARP[0], fine),
        np.arange(max(SHARP[0], -before), SHARP[1], finest),
        np.arange(SHARP[1], NEAR, fine),
        np.arange(NEAR, middle, medium),
        np.arange(middle, late, max(WIDE, medium)),
        np.arange(late, until, max(COARSE, medium)),
    ]
    for lag in lags:
        begun = [piece[piece < lag - before] for piece in pieces]
        pieces = [*begun, *(lag + piece for piece in pieces)]
    inner = np.unique(np.concatenate(pieces))
    inner = inner[(inner > -before + 0.4 * finest) & (inner < until - 0.4 * finest)]
    return np.concatenate([np.full(DEGREE + 1, -before), inner, np.full(DEGREE + 1, until)])


def places_of(knots: Array) -> Array:
    """Give the times since the pulse at which the coefficients stand, s (Greville abscissae)."""
    return np.asarray((knots[1:-3] + knots[2:-2] + knots[3:-1]) / 3)


def bend_operator(knots: Array) -> Array:
    """Second divided differences of the coefficients, shape (coefficients - 2, coefficients)."""
    place = places_of(knots)
    gap = np.maximum(np.diff(place), 1e-9)
    rows = np.arange(place.size - 2)
    out = np.zeros((place.size - 2, place.size))
    span = 0.5 * (gap[1:] + gap[:-1])
    out[rows, rows] = 1 / gap[:-1] / span
    out[rows, rows + 1] = -(1 / gap[:-1] + 1 / gap[1:]) / span
    out[rows, rows + 2] = 1 / gap[1:] / span
    return out


@dataclass(frozen=True, eq=False)
class PhaseDesign(FrozenValue):
    """Which sample belongs to which pulse, and its four non-zero spline values.

    Parameters
    ----------
    samples, pulse : (rows,) sample numbers within the support of a pulse, and the pulse of each
    phase : (rows,) s since that pulse
    first : (rows,) first of the four coefficients
    values : (4, rows) spline values
    knots : (knots,) s
    pulses : int
        Number of pulses.
    """

    samples: Indices
    pulse: Indices
    phase: Array
    first: Indices
    values: Array
    knots: Array
    pulses: int

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return int(self.knots.size - DEGREE - 1)

    def evaluate(self, coefficients: Array) -> Array:
        """Value of the response at every row, from coefficients of shape (pulses, size)."""
        flat, base = coefficients.reshape(-1), self.pulse * self.size + self.first
        out = self.values[0] * flat[base]
        for step in range(1, DEGREE + 1):
            out += self.values[step] * flat[base + step]
        return np.asarray(out)

    def evaluate_mean(self, coefficients: Array) -> Array:
        """Value at every row of a response that is the same for all pulses, from coefficients of shape (size,)."""
        out = self.values[0] * coefficients[self.first]
        for step in range(1, DEGREE + 1):
            out += self.values[step] * coefficients[self.first + step]
        return np.asarray(out)

    def slope(self, coefficients: Array) -> Array:
        """Give the derivative of the response by time at every row, from coefficients of shape (pulses, size), V/s."""
        wide = self.knots[DEGREE + 1 : DEGREE + self.size] - self.knots[1 : self.size]
        steps = DEGREE * np.diff(coefficients, axis=1) / np.where(wide > 0, wide, 1.0)
        rows = BSpline.design_matrix(_inside(self.phase, self.knots), self.knots[1:-1], DEGREE - 1)
        first = rows.indices.reshape(-1, DEGREE)[:, 0].astype(np.int64)
        base, values = self.pulse * (self.size - 1) + first, rows.data.reshape(-1, DEGREE)
        return np.asarray(sum(values[:, step] * steps.reshape(-1)[base + step] for step in range(DEGREE)))

    def waves_and_slopes(self, coefficients: Callable[[int], Array], channels: int) -> tuple[Array, Array]:
        """Response of every channel at every row, V, and its derivative, V/s, both (channels, rows)."""
        waves, slopes = (np.zeros((channels, self.samples.size)) for _ in range(2))
        for channel in range(channels):
            own = coefficients(channel)
            waves[channel], slopes[channel] = self.evaluate(own), self.slope(own)
        return waves, slopes

    def project(self, row: Array, weight: Array | None = None) -> Array:
        """Inner products of a channel's samples with every pulse's splines, shape (pulses, size)."""
        return self.project_rows(row[self.samples] if weight is None else row[self.samples] * weight)

    def project_rows(self, seen: Array) -> Array:
        """Inner products of values at the rows with every pulse's splines, shape (pulses, size)."""
        base, count = self.pulse * self.size + self.first, self.pulses * self.size
        out = np.zeros(count)
        for step in range(DEGREE + 1):
            out += np.bincount(base + step, self.values[step] * seen, minlength=count)
        return out.reshape(self.pulses, self.size)

    def gram(self, weight: Array | None = None) -> Array:
        """Inner products of every pulse's splines with each other, (pulses, 4, size): the diagonals of each matrix."""
        count = self.pulses * self.size
        out = np.zeros((self.pulses, DEGREE + 1, self.size))
        base = self.pulse * self.size + self.first
        for lag in range(DEGREE + 1):
            for left in range(DEGREE + 1 - lag):
                product = self.values[left] * self.values[left + lag]
                product = product if weight is None else product * weight
                out[:, lag] += np.bincount(base + left, product, minlength=count).reshape(self.pulses, self.size)
        return out

    def near(self, low: float, high: float) -> PhaseDesign:
        """Give the design of the samples so many s about the pulses."""
        return self.rows_of((self.phase >= low) & (self.phase <= high))

    def beside(self, overlap: PhaseDesign, target: Array, coefficients: Callable[[int], Array]) -> Array:
        """Give a target at the rows without what responses add where they overlap, V, (channels, rows)."""
        out = target[:, self.samples]
        for number in range(len(target) if overlap.samples.size else 0):
            added = np.zeros(target.shape[1])
            np.add.at(added, overlap.samples, overlap.evaluate(coefficients(number)))
            out[number] -= added[self.samples]
        return out

    def of_pulses(self, low: int, high: int) -> PhaseDesign:
        """Give the design of the pulses from ``low`` up to ``high`` alone, numbered from 0: a contiguous piece."""
        first, last = np.searchsorted(self.pulse, [low, high])
        rows = slice(int(first), int(last))
        return PhaseDesign(
            self.samples[rows],
            self.pulse[rows] - low,
            self.phase[rows],
            self.first[rows],
            self.values[:, rows],
            self.knots,
            high - low,
        )

    def later(self, delay: Array) -> PhaseDesign:
        """Give the design of the same rows if every pulse had come later by its delay, s."""
        phase = _inside(self.phase - delay[self.pulse], self.knots)
        return PhaseDesign(self.samples, self.pulse, phase, *spline_values(phase, self.knots), self.knots, self.pulses)

    def rows_of(self, chosen: NDArray[np.bool_]) -> PhaseDesign:
        """Give the design of some rows only."""
        return PhaseDesign(
            self.samples[chosen],
            self.pulse[chosen],
            self.phase[chosen],
            self.first[chosen],
            self.values[:, chosen],
            self.knots,
            self.pulses,
        )


def make_design(
    onsets: Array, fs: float, count: int, knots: Array, *, overlap: bool = False, later: Later | None = None
) -> PhaseDesign:
    """Link samples to pulses.

    Parameters
    ----------
    onsets : ndarray, shape (pulses,)
        s from the first sample.
    fs : float
        Hz.
    count : int
        Samples.
    knots : ndarray
        From `phase_knots`.
    overlap : bool, default False
        False gives every sample to the last pulse whose support has begun. True gives it to all earlier pulses whose
        support has not ended: what the responses add to those of later pulses.
    later : Later, optional
        Where every pulse is the first of a group: the others.
    """
    before, until = -float(knots[0]), float(knots[-1])
    low = np.clip(np.ceil((onsets - before) * fs), 0, count).astype(np.int64)
    stop = np.clip(np.ceil((onsets + until) * fs), 0, count).astype(np.int64)
    following = np.append(low[1:], count)
    over = following - stop
    usual = np.median(over)
    jitters = usual <= 0 and usual > -LONGER * fs
    touch = (np.abs(over) <= max(1.0, TOUCH * fs)) | (jitters & (np.abs(over - usual) <= LONGER * fs))
    stop = np.where(touch, following, stop)
    low, high = (np.minimum(following, stop), stop) if overlap else (low, np.minimum(stop, following))
    lengths = np.maximum(high - low, 0)
    pulse = np.repeat(np.arange(onsets.size), lengths)
    samples = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + low[pulse]
    since = samples / fs - onsets[pulse]
    if later is not None:
        since = later.phases(samples / fs, since, pulse)
    phase = _inside(since, knots)
    first, values = spline_values(phase, knots)
    return PhaseDesign(samples, pulse, phase, first, values, knots, onsets.size)


def make_designs(
    onsets: Array, fs: float, count: int, knots: Array, later: Later | None
) -> tuple[PhaseDesign, PhaseDesign]:
    """Give the design of each pulse's own samples, and of what responses add to those of later pulses."""
    own = make_design(onsets, fs, count, knots, later=later)
    return own, make_design(onsets, fs, count, knots, overlap=True, later=later)


def spline_values(phase: Array, knots: Array) -> tuple[Indices, Array]:
    """First of the splines that are not zero at every phase, and their values, (4, phases)."""
    first, values = np.zeros(phase.size, dtype=np.int64), np.zeros((DEGREE + 1, phase.size))
    begins, splines, powers = _polynomials(knots.tobytes())
    for low in range(0, phase.size, CHUNK):
        part = slice(low, min(low + CHUNK, phase.size))
        place = np.searchsorted(begins, phase[part], side="right") - 1
        first[part], since, terms = splines[place], phase[part] - begins[place], powers[:, :, place]
        total = terms[0]
        for term in terms[1:]:
            total = total * since + term
        values[:, part] = total
    return first, values


@lru_cache(maxsize=32)
def _polynomials(knots: bytes) -> tuple[Array, Indices, Array]:
    """Where the pieces of cubic splines begin, the first spline on each, and the powers of its four, highest first."""
    edges = np.frombuffer(knots)
    live = np.flatnonzero(np.diff(edges) > 0)
    every = BSpline(edges, np.eye(edges.size - DEGREE - 1), DEGREE)
    rows, columns = np.arange(live.size), live - DEGREE
    terms = [
        np.stack([every(edges[live], power)[rows, columns + one] for one in range(DEGREE + 1)]) / factorial(power)
        for power in range(DEGREE, -1, -1)
    ]
    return edges[live], columns, np.stack(terms)


def _inside(phase: Array, knots: Array) -> Array:
    """Phases within the knots: rounding may put a sample on their very end."""
    return np.clip(phase, knots[0], np.nextafter(knots[-1], -np.inf))
