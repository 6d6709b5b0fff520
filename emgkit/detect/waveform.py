"""The waveform of an artifact in continuous time: one spline through the samples of all pulses."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import solveh_banded

__all__ = ["Span", "bands", "dense", "design", "gap", "project", "solve", "table"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

BEFORE, AFTER = 0.0012, 0.003  # s about the leading edge
FEWEST_BEFORE, FEWEST_AFTER = 1.8, 4.0  # the same in samples, for low rates
MARGIN = 4e-4  # s, by which the spline reaches farther than the samples, so that pulses may be moved
DENSE = 0.0025  # s after the edge, until which the knots are close together
FINEST = 1e-4  # s between knots
PER_SAMPLE = 0.25  # samples between knots, with enough pulses
COVERAGE = 3.0  # samples between two knots, at least, on average
ROUGHNESS, RIDGE = 1e-6, 1e-9  # of the mean of the diagonal
UNHELD = 1e-5  # of that mean: what no samples hold is 0, as it is before the stimulus; a parabola may be anything there
COARSE = 0.6  # samples between knots
POINTS = 64  # of a table, per sample


@dataclass(frozen=True)
class Span:
    """Which samples about a pulse are looked at, and the knots of the spline through them.

    Parameters
    ----------
    fs : float
        Hz.
    before, after : float
        s about the expected leading edge.
    margin : float
        Largest distance between expected and true edge, s.
    knots : ndarray
        Of a cubic spline, s since the leading edge.
    """

    fs: float
    before: float
    after: float
    margin: float
    knots: Array

    @classmethod
    def about(cls, fs: float, expected: Array, shortest: float) -> Span:
        """Choose for a rate, expected edges, s, and the shortest regular interval between them, s."""
        before = max(BEFORE, FEWEST_BEFORE / fs)
        after = min(max(AFTER, FEWEST_AFTER / fs), max(0.6 * shortest, 3.0 / fs))
        margin = max(MARGIN, 0.5 / fs)
        step = max(max(PER_SAMPLE, COVERAGE / max(expected.size, 1), gap(expected * fs)) / fs, FINEST)
        places = [-before - margin]
        while places[-1] < after + margin + 1 / fs:
            near = -5 * step <= places[-1] <= DENSE
            places.append(places[-1] + (step if near else 2 * step))
        inner = np.array(places)
        return cls(fs, before, after, margin, np.concatenate([inner[:1].repeat(3), inner, inner[-1:].repeat(3)]))

    @property
    def low(self) -> float:
        """Where the spline begins, s."""
        return float(self.knots[3])

    @property
    def high(self) -> float:
        """Where the spline ends, s."""
        return float(self.knots[-4])

    @property
    def coarse(self) -> bool:
        """Whether the pulses lie at nearly one place between two samples, so that the knots cannot be closer."""
        return bool(np.diff(self.knots).max() >= 2 * COARSE / self.fs)

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return self.knots.size - 4

    def samples(self, expected: Array, count: int) -> Index:
        """Give the samples about expected edges, s, shape (pulses, samples), within a recording of ``count``."""
        first = np.ceil((expected - self.before) * self.fs).astype(np.int64)
        width = int(np.floor((self.before + self.after) * self.fs))
        return np.clip(first[:, np.newaxis] + np.arange(width), 0, count - 1)

    def since(self, before: float) -> Span:
        """Give the same span with an earlier beginning, s before the expected edge."""
        step = float(np.diff(self.knots[3:-3]).min())
        count = max(int(np.ceil((before - self.before) / step)), 0)
        inner = np.concatenate([self.low + step * np.arange(-count, 0), self.knots[3:-3]])
        knots = np.concatenate([inner[:1].repeat(3), inner, inner[-1:].repeat(3)])
        return replace(self, before=max(before, self.before), knots=knots)

    def inside(self, since: Array) -> Array:
        """Limit times since the edge to where the spline is defined."""
        return np.clip(since, self.low, self.high - 1e-12)


def gap(places: Array) -> float:
    """Largest part of a sample in which no pulse lies."""
    parts = np.sort(np.mod(places, 1))
    return float(np.diff(np.append(parts, parts[0] + 1)).max()) if parts.size else 1.0


def design(since: Array, span: Span) -> tuple[Index, Array]:
    """Evaluate the spline's basis: the first of four coefficients, shape of ``since``, and their weights, (..., 4)."""
    matrix = BSpline.design_matrix(span.inside(since).ravel(), span.knots, 3)
    first = matrix.indices[::4].astype(np.int64).reshape(since.shape)
    return first, np.asarray(matrix.data).reshape(*since.shape, 4)


def bands(first: Index, values: Array, weight: Array, size: int) -> Array:
    """Banded normal matrix of a weighted fit, lower form, shape (4, size), with roughness penalty."""
    out = np.zeros((4, size))
    flat = first.ravel()
    for row in range(4):
        for lag in range(4 - row):
            product = (weight * values[..., row] * values[..., row + lag]).ravel()
            out[lag] += np.bincount(flat + row, weights=product, minlength=size)
    mean = max(float(out[0].mean()), 1e-300)
    out = out + mean * _penalty(size)
    out[0] += np.maximum(UNHELD * mean - out[0], 0)
    return np.asarray(out)


def _penalty(size: int) -> Array:
    bend = np.diff(np.eye(size), n=3, axis=0)
    full = ROUGHNESS * bend.T @ bend + RIDGE * np.eye(size)
    return np.stack([np.concatenate([np.diag(full, -lag), np.zeros(lag)]) for lag in range(4)])


def dense(banded: Array) -> Array:
    """Turn a banded symmetric matrix into a full one."""
    size = banded.shape[1]
    full = np.diag(banded[0])
    for lag in range(1, 4):
        part = np.diag(banded[lag, : size - lag], -lag)
        full = full + part + part.T
    return np.asarray(full)


def project(first: Index, values: Array, weighted: Array, size: int) -> Array:
    """Multiply the transposed design with weighted samples, shape (size,)."""
    out = np.zeros(size)
    for row in range(4):
        out += np.bincount(first.ravel() + row, weights=(weighted * values[..., row]).ravel(), minlength=size)
    return out


def solve(banded: Array, right: Array) -> Array:
    """Coefficients of the spline."""
    return np.asarray(solveh_banded(banded, right, lower=True))


def table(coefficients: Array, span: Span) -> tuple[Array, float]:
    """Tabulate splines, shape (channels, points), from ``span.low`` on, and give the step, s."""
    count = int((span.high - span.low) * span.fs * POINTS) + 1
    places = np.linspace(span.low, span.high, count)
    rows = [BSpline(span.knots, row, 3)(np.minimum(places, span.high - 1e-12)) for row in coefficients]
    return np.stack(rows), float(places[1] - places[0])
