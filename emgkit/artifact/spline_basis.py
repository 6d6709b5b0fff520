"""Cubic B-splines in the continuous time since the pulse, and their weighted least squares in sliding windows."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.linalg import solveh_banded

from emgkit._checks import FrozenValue

__all__ = ["PhaseDesign", "WindowFit", "fit_windows", "make_design", "phase_knots", "window_groups"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

DEGREE = 3
SMOOTHNESS = (
    1e-5  # weight of the bending penalty over the mean weight of a coefficient: decides only what is undetermined
)
NEAR, MIDDLE = 0.003, 0.035  # s after the pulse: fine knots until the first, medium ones until the second
FINE, MEDIUM, COARSE = 0.000125, 0.0005, 0.0015  # s between knots
LEAST_PER_TRAIN = 10  # pulses from which a train gets windows of its own


def phase_knots(before: float, until: float, fs: float) -> Array:
    """Knots from ``-before`` to ``until``, s: close together near the pulse, where the artifact is sharp."""
    fine = min(FINE, 0.5 / fs)
    pieces = [np.arange(-before, min(NEAR, until), fine)]
    if until > NEAR:
        pieces.append(np.arange(NEAR, min(MIDDLE, until), MEDIUM))
    if until > MIDDLE:
        pieces.append(np.arange(MIDDLE, until, COARSE))
    inner = np.concatenate(pieces)
    inner = inner[inner < until - 0.5 * fine]
    return np.concatenate([np.full(DEGREE, -before), inner, np.full(DEGREE + 1, until)])


@dataclass(frozen=True, eq=False)
class PhaseDesign(FrozenValue):
    """Which sample belongs to which pulse, and its four non-zero spline values.

    Parameters
    ----------
    samples : (rows,) sample numbers within the support of a pulse
    pulse : (rows,) pulse of each
    phase : (rows,) s since that pulse
    first : (rows,) first of the four coefficients
    values : (rows, 4) spline values
    knots : (knots,) s
    """

    samples: Indices
    pulse: Indices
    phase: Array
    first: Indices
    values: Array
    knots: Array

    @property
    def size(self) -> int:
        """Number of coefficients."""
        return int(self.knots.size - DEGREE - 1)

    def evaluate(self, coefficients: Array) -> Array:
        """Value of the response at every row, from coefficients of shape (pulses, size)."""
        columns = self.first[:, np.newaxis] + np.arange(DEGREE + 1)
        return np.einsum("rj,rj->r", self.values, coefficients[self.pulse[:, np.newaxis], columns])


def make_design(onsets: Array, fs: float, count: int, knots: Array) -> PhaseDesign:
    """Give every sample to the last pulse whose support has begun; a response ends where the next one begins."""
    before, until = -float(knots[0]), float(knots[-1])
    low = np.clip(np.ceil((onsets - before) * fs), 0, count).astype(np.int64)
    high = np.clip(np.ceil((onsets + until) * fs), 0, count).astype(np.int64)
    high = np.minimum(high, np.append(low[1:], count))
    lengths = np.maximum(high - low, 0)
    pulse = np.repeat(np.arange(onsets.size), lengths)
    samples = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths) + low[pulse]
    phase = samples / fs - onsets[pulse]
    inside = (phase >= knots[0]) & (phase < knots[-1])
    samples, pulse, phase = samples[inside], pulse[inside], phase[inside]
    rows = BSpline.design_matrix(phase, knots, DEGREE)
    first = rows.indices.reshape(-1, DEGREE + 1)[:, 0].astype(np.int64)
    return PhaseDesign(samples, pulse, phase, first, rows.data.reshape(-1, DEGREE + 1), knots)


def window_groups(train: Indices, width: int) -> list[tuple[Indices, Array]]:
    """Windows of pulses: for each its pulses and their weights (a Hann bell about the centre).

    Trains with ten pulses or more have windows of their own; the pulses of shorter trains are pooled.
    """
    sizes = np.bincount(train - train.min())
    short = np.isin(train - train.min(), np.flatnonzero(sizes < LEAST_PER_TRAIN))
    groups = [np.flatnonzero((train == number) & ~short) for number in np.unique(train[~short])]
    groups += [np.flatnonzero(short)] if short.any() else []
    return [window for group in groups for window in _windows(group, width)]


def _windows(group: Indices, width: int) -> list[tuple[Indices, Array]]:
    if group.size <= width // 2:
        return [(group, np.ones(group.size))]
    count = max(round(2 * group.size / width), 1) + 1
    centres = np.linspace(0, group.size - 1, count)
    place = np.arange(group.size)
    made = []
    for centre in centres:
        bell = np.cos(np.pi * np.clip((place - centre) / width, -0.5, 0.5)) ** 2
        chosen = bell > 1e-6
        made.append((group[chosen], bell[chosen]))
    return made


@dataclass(frozen=True, eq=False)
class WindowFit(FrozenValue):
    """Coefficients per window.

    Parameters
    ----------
    coefficients : (windows, channels, size) V
    centres : (windows,) s, weighted mean time of the pulses
    group : (windows,) group of windows that belong together, by train
    effective : (windows,) effective number of pulses
    """

    coefficients: Array
    centres: Array
    group: Indices
    effective: Array

    def at_pulses(self, onsets: Array, group: Indices, channel: int) -> Array:
        """Coefficients of one channel at every pulse, linear in time between centres and beyond, (pulses, size)."""
        out = np.zeros((onsets.size, self.coefficients.shape[2]))
        for number in np.unique(group):
            own = np.flatnonzero(self.group == number)
            mine = group == number
            out[mine] = _interpolate(onsets[mine], self.centres[own], self.coefficients[own, channel])
        return out


def _interpolate(times: Array, centres: Array, table: Array) -> Array:
    if centres.size == 1:
        return np.broadcast_to(table[0], (times.size, table.shape[1]))
    below = np.clip(np.searchsorted(centres, times) - 1, 0, centres.size - 2)
    share = (times - centres[below]) / (centres[below + 1] - centres[below])
    share = np.clip(share, -0.6, 1.6)[:, np.newaxis]
    return table[below] * (1 - share) + table[below + 1] * share


def fit_windows(
    rows: Array, known: NDArray[np.bool_], design: PhaseDesign, onsets: Array, windows: list[tuple[Indices, Array]]
) -> WindowFit:
    """Fit the response in every window by penalised weighted least squares with a banded normal matrix.

    Parameters
    ----------
    rows : ndarray, shape (channels, rows)
        The signal at the rows of the design, V.
    known : ndarray of bool, shape (channels, rows)
        False where a sample is missing: weight zero.
    design : PhaseDesign
        Basis.
    onsets : ndarray, shape (pulses,)
        s.
    windows : list
        From `window_groups`.
    """
    edges = np.searchsorted(design.pulse, np.arange(onsets.size + 1))
    shared = bool((known == known[:1]).all())
    coefficients = np.zeros((len(windows), rows.shape[0], design.size))
    for number, (pulses, weight) in enumerate(windows):
        chosen = np.concatenate([np.arange(edges[pulse], edges[pulse + 1]) for pulse in pulses])
        per_row = np.repeat(weight, edges[pulses + 1] - edges[pulses])
        part = (design.first[chosen], design.values[chosen])
        if shared:
            effective = per_row * known[0, chosen]
            coefficients[number] = _solve(part, effective, rows[:, chosen], design.size)
        else:
            for channel, row in enumerate(rows):
                effective = per_row * known[channel, chosen]
                coefficients[number, channel] = _solve(part, effective, row[np.newaxis, chosen], design.size)[0]
    centres = np.array([np.average(onsets[pulses], weights=weight) for pulses, weight in windows])
    effective_count = np.array([weight.sum() ** 2 / (weight**2).sum() for _, weight in windows])
    return WindowFit(coefficients, centres, _group_numbers(windows), effective_count)


def _group_numbers(windows: list[tuple[Indices, Array]]) -> Indices:
    """Windows that share pulses belong together."""
    numbers = [0]
    for (before, _), (after, _) in pairwise(windows):
        numbers.append(numbers[-1] + int(after[0] > before[-1]))
    return np.array(numbers)


def _solve(part: tuple[Indices, Array], weight: Array, rows: Array, size: int) -> Array:
    first, values = part
    bands = np.zeros((DEGREE + 1, size))
    weighted = values * weight[:, np.newaxis]
    for lag in range(DEGREE + 1):
        for left in range(DEGREE + 1 - lag):
            product = weighted[:, left] * values[:, left + lag]
            bands[lag] += np.bincount(first + left, product, minlength=size)
    right = np.stack([_project(first, weighted, row, size) for row in rows], axis=1)
    scale = max(float(bands[0].mean()), 1e-30)
    _add_penalty(bands, SMOOTHNESS * scale)
    return np.asarray(solveh_banded(bands, right, lower=True)).T


def _project(first: Indices, weighted: Array, row: Array, size: int) -> Array:
    return np.sum([np.bincount(first + left, weighted[:, left] * row, minlength=size) for left in range(4)], axis=0)


def _add_penalty(bands: Array, weight: float) -> None:
    """Add the penalty on second differences of the coefficients, and a trace of a ridge."""
    size = bands.shape[1]
    bend = np.array([1.0, -2.0, 1.0])
    for start in range(size - 2):
        for row in range(3):
            for lag in range(3 - row):
                bands[lag, start + row] += weight * bend[row] * bend[row + lag]
    bands[0] += 1e-3 * weight
