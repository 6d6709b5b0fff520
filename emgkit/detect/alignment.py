"""Align artifacts to the sub-sample: one continuous template, one shift and one size per pulse."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import solveh_banded
from scipy.sparse import diags_array

__all__ = ["align"]

Array = NDArray[np.float64]

BEFORE, AFTER = 0.0012, 0.0012  # s about the steepest place
ROUNDS = 12
LEADING = 0.5  # of the first large lobe's height: where the leading edge is


def align(row: Array, index: NDArray[np.int64], fs: float) -> Array:
    """Give the leading edge of every artifact, s from the first sample.

    The artifacts sample one waveform at many phases. A cubic spline through all of them in continuous time is the
    template; every artifact's shift and size follow from least squares against the template and its slope; both are
    repeated. The leading edge is where the template's first large lobe reaches half its height.

    Parameters
    ----------
    row : ndarray, shape (samples,)
        The channel, V.
    index : ndarray of int, shape (pulses,)
        Sample of the steepest place of every artifact.
    fs : float
        Sampling rate, Hz.

    Returns
    -------
    ndarray, shape (pulses,)
        s.
    """
    grid = np.arange(-max(round(BEFORE * fs), 2), max(round(AFTER * fs), 2) + 1)
    places = np.clip(index[:, np.newaxis] + grid, 0, row.size - 1)
    pieces = np.nan_to_num(row[places])
    pieces = pieces - np.median(pieces, axis=1, keepdims=True)
    size = np.ptp(pieces, axis=1)
    on_clock = _clock_shift(index)
    shift = _first_shift(pieces) if on_clock is None else on_clock
    size = np.maximum(size, 1e-3 * np.median(size) + 1e-300)
    for _ in range(ROUNDS):
        template = _template(pieces / size[:, np.newaxis], grid - shift[:, np.newaxis])
        step, factor = _step(pieces, grid - shift[:, np.newaxis], template)
        shift = np.clip(shift + np.clip(step, -0.5, 0.5), -2.0, 2.0)
        shift -= np.median(shift)
        size = np.where(factor > 0, factor, size)
    return (index + shift + _edge(template, grid)) / fs


def _clock_shift(index: NDArray[np.int64]) -> Array | None:
    """Where a straight clock expects the pulses, in samples from their steepest place; None if there is no clock.

    A narrow artifact sampled at few phases can be aligned wrongly by whole phases; the clock tells which is right.
    """
    intervals = np.diff(index)
    period = float(np.median(intervals))
    beat = np.concatenate([[0.0], np.cumsum(np.round(intervals / period))])
    kept = np.ones(index.size, dtype=bool)
    for _ in range(4):
        line = np.polynomial.Polynomial.fit(beat[kept], index[kept], 1)
        rest = line(beat) - index
        kept = np.abs(rest - np.median(rest)) <= 1.5
        if np.count_nonzero(kept) < 0.9 * index.size:
            return None
    return np.clip(rest - np.median(rest), -1.5, 1.5)


def _first_shift(pieces: Array) -> Array:
    """Centre of the energy, in samples from the middle, about its median."""
    energy = pieces**2
    centre = (energy * np.arange(pieces.shape[1])).sum(axis=1) / np.maximum(energy.sum(axis=1), 1e-300)
    return np.clip(centre - np.median(centre), -1.0, 1.0)


def _template(pieces: Array, time: Array) -> BSpline:
    """Penalised cubic spline through all samples; knots every half sample, robust weights for odd pulses."""
    low, high = float(np.floor(time.min())), float(np.ceil(time.max()))
    knots = np.concatenate([np.full(3, low), np.arange(low, high + 0.25, 0.5), np.full(3, high)])
    weight = _robust_weights(pieces)
    design = BSpline.design_matrix(np.clip(time.ravel(), low, high - 1e-9), knots, 3)
    weighted = diags_array(weight.ravel()) @ design
    normal = (design.T @ weighted).toarray()
    right = np.asarray(weighted.T @ pieces.ravel())
    count = normal.shape[0]
    bend = np.diff(np.eye(count), n=2, axis=0)
    normal = (
        normal + 1e-4 * np.trace(normal) / count * (bend.T @ bend) + 1e-9 * np.trace(normal) / count * np.eye(count)
    )
    bands = np.stack([np.concatenate([np.diag(normal, lag), np.zeros(lag)]) for lag in range(4)])
    return BSpline(knots, solveh_banded(bands, right, lower=True), 3)


def _robust_weights(pieces: Array) -> Array:
    typical = np.median(pieces, axis=0)
    distance = np.sqrt(np.mean((pieces - typical) ** 2, axis=1))
    scale = max(float(np.median(distance)), 1e-300)
    return np.broadcast_to((1 / (1 + (distance / (3 * scale)) ** 2))[:, np.newaxis], pieces.shape)


def _step(pieces: Array, time: Array, template: BSpline) -> tuple[Array, Array]:
    low, high = template.t[3], template.t[-4]
    inside = np.clip(time, low, high - 1e-9)
    wave, slope = template(inside), template.derivative()(inside)
    columns = np.stack([wave, slope, np.ones_like(wave)], axis=-1)
    normal = np.einsum("kni,knj->kij", columns, columns) + 1e-12 * np.eye(3)
    right = np.einsum("kni,kn->ki", columns, pieces)
    answer = np.linalg.solve(normal, right[..., np.newaxis])[..., 0]
    factor = answer[:, 0]
    usable = np.abs(factor) > 1e-12 * np.abs(factor).max()
    return np.where(usable, -answer[:, 1] / np.where(usable, factor, 1.0), 0.0), factor


def _edge(template: BSpline, grid: NDArray[np.int64]) -> float:
    """Place, in samples, where the first lobe of at least half the largest height reaches half its own height."""
    fine = np.linspace(grid[0], grid[-1], 50 * grid.size)
    wave = template(fine)
    wave = wave - np.median(wave)
    large = np.abs(wave) >= LEADING * np.abs(wave).max()
    first = int(np.argmax(large))
    sign = np.sign(wave[first])
    falls = np.flatnonzero(sign * wave[first:] < 0)
    lobe = sign * wave[first : first + (int(falls[0]) if falls.size else wave.size)]
    height = float(lobe.max())
    rising = np.flatnonzero(sign * wave[: first + int(np.argmax(lobe)) + 1] < LEADING * height)
    return float(fine[rising[-1] + 1]) if rising.size else float(fine[first])
