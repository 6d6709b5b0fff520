"""Shapes by which the response varies from pulse to pulse by chance, and how much of each every pulse has.

Which axons fire varies from pulse to pulse near their thresholds, so that the M-wave varies within a few shapes. They
are found as the directions in which what the mean response leaves exceeds a stationary process of the same spectrum
(generalised eigenvectors): voluntary EMG is locked to nothing. They count as far as they exceed it in pulses that they
were not learned from, too. Every pulse's scores are shrunk by what voluntary EMG puts into them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh, toeplitz

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_basis import DEGREE, PhaseDesign, make_design
from emgkit.artifact.spline_piece import pulse_power
from emgkit.artifact.spline_scores import shrink

__all__ = ["RandomShapes", "find_shapes", "shape_knots", "shapes_of_channels"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

EARLIEST = 0.003  # s after the pulse, before which shift and size of the artifact speak
STEP = 0.0006  # s between knots, at least:
SAMPLES_PER_STEP = 1.25
MOST = 4  # shapes
ORDER = 40  # of the model of unlocked EMG, and at most half of a frame
LEAST_VARIANCE = 1e-9  # of the largest, of a direction; numerical
MARGIN = 1.1  # over the noise, in pulses that the direction was not learned from
DRAWS = 8  # of unlocked frames, for the covariance
SURE = 2.5  # standard errors
PULSES_PER_COEFFICIENT = 3.0
TELLING = 4.0  # ratio of the powers at high and low effort from which noise and response are told apart
WHOLE = 0.95  # of the usual number of samples that a pulse must have to be learned from


@dataclass(frozen=True, eq=False)
class RandomShapes(FrozenValue):
    """Shapes and scores.

    Parameters
    ----------
    knots : (knots,) s
    shapes : (shapes, size) coefficients, V per unit of score
    scores : (pulses, shapes)
    left : (pulses, shapes) posterior variances of the scores
    """

    knots: Array
    shapes: Array
    scores: Array
    left: Array

    @property
    def coefficients(self) -> Array:
        """Coefficients of every pulse's own part, V, (pulses, size)."""
        return np.asarray(self.scores @ self.shapes)


def shape_knots(until: float, fs: float) -> Array:
    """Knots of the shapes, s."""
    step = max(STEP, SAMPLES_PER_STEP / fs)
    number = max(int((until - EARLIEST) / step), 4)
    inner = np.linspace(EARLIEST, until, number + 1)[1:-1]
    return np.concatenate([np.full(DEGREE + 1, EARLIEST), inner, np.full(DEGREE + 1, until)])


def shapes_of_channels(
    onsets: Array, until: float, rest: Array, chosen: NDArray[np.bool_], quiet: float, fs: float
) -> list[RandomShapes | None]:
    """Find the shapes of the chosen channels in what all fits leave, (channels, samples) V.

    The power of the voluntary EMG is looked at from ``quiet`` s after every pulse on, until ``until``.
    """
    own = make_design(onsets, fs, rest.shape[1], shape_knots(until, fs))
    every = np.ones(own.samples.size)
    return [
        find_shapes(own, row, pulse_power(own, row[own.samples], every, quiet)) if wanted else None
        for row, wanted in zip(rest, chosen, strict=True)
    ]


def find_shapes(design: PhaseDesign, rest: Array, power: Array) -> RandomShapes | None:
    """Find shapes and scores in one channel's residual.

    Parameters
    ----------
    design : PhaseDesign
        With the knots of `shape_knots`.
    rest : ndarray, shape (samples,)
        What the mean response leaves, V.
    power : ndarray, shape (pulses,)
        Variance of voluntary EMG and noise about every pulse, V².

    Returns
    -------
    RandomShapes or None
        None if nothing exceeds the noise.
    """
    frames = _frames(design, rest)
    if len(frames.pulses) < PULSES_PER_COEFFICIENT * design.size:
        return None
    scale = np.sqrt(power[frames.pulses])[:, np.newaxis]
    scaled = frames.values / scale
    drawn = [_products(frames.project(one)) for one in _unlocked(scaled)]
    noise = _ridged(sum(drawn, np.zeros((design.size, design.size))) / DRAWS, 1e-6)
    own = frames.project(scaled)
    number = min(_confirmed(own[::2], own[1::2], noise), _confirmed(own[1::2], own[::2], noise))
    if not number:
        return None
    values, vectors = eigh(_products(own), noise)
    chosen = np.arange(values.size)[::-1][:number]
    seen = design.rows_of(_first_of_each(design, frames.values.shape[1]))  # filters tell nothing of what they never saw
    projected = seen.project(_level_free(seen, rest))
    return _scored(design, projected, power * max(float(np.median(values)), 0.3), noise, vectors[:, chosen])


def _confirmed(one: Array, other: Array, noise: Array) -> int:
    """Count the directions of most excess over noise in some pulses that exceed it in others, too.

    EMG of few large units has directions of excess by chance; they are none of other pulses.
    """
    size = len(noise)
    _, vectors = eigh(_products(one), noise, subset_by_index=[size - MOST, size - 1])
    squares = (other @ vectors[:, ::-1]) ** 2
    error = squares.std(axis=0) / np.sqrt(len(squares))
    over = squares.mean(axis=0) > np.maximum(MARGIN, 1 + SURE * error)
    return int(np.argmin(np.append(over, False)))


@dataclass(frozen=True, eq=False)
class _Frames:
    """The residual of the pulses that have the usual number of samples, cut to one length, straight lines removed."""

    pulses: Indices
    values: Array
    rows: Indices
    design: PhaseDesign

    def project(self, values: Array) -> Array:
        """Inner products of frames with the splines of their pulses, (pulses, size)."""
        flat, size = _without_lines(values).ravel(), self.design.size
        rows, count = self.rows.ravel(), len(self.pulses)
        base = np.repeat(np.arange(count) * size, self.rows.shape[1]) + self.design.first[rows]
        out = np.zeros(count * size)
        for step in range(DEGREE + 1):
            out += np.bincount(base + step, self.design.values[step, rows] * flat, minlength=count * size)
        return out.reshape(count, size)


def _frames(design: PhaseDesign, rest: Array) -> _Frames:
    edges = np.searchsorted(design.pulse, np.arange(design.pulses + 1))
    lengths = np.diff(edges)
    usual = float(np.median(lengths[lengths > 0])) if (lengths > 0).any() else 0.0
    pulses = np.flatnonzero(lengths >= max(WHOLE * usual, 1))
    width = int(lengths[pulses].min()) if pulses.size else 0
    rows = edges[pulses][:, np.newaxis] + np.arange(width)
    return _Frames(pulses, rest[design.samples[rows]], rows, design)


def _first_of_each(design: PhaseDesign, count: int) -> NDArray[np.bool_]:
    """Mark the first so many rows of every pulse."""
    begins = np.searchsorted(design.pulse, np.arange(design.pulses))
    return np.asarray(np.arange(design.pulse.size) - begins[design.pulse] < count)


def _products(projected: Array) -> Array:
    return np.asarray(projected.T @ projected / len(projected))


def _without_lines(values: Array) -> Array:
    place = np.linspace(-1, 1, values.shape[1])
    slope = (values @ place) / (place @ place)
    return np.asarray(values - values.mean(axis=1, keepdims=True) - slope[:, np.newaxis] * place)


def _unlocked(values: Array) -> Iterator[Array]:
    """Draw frames that are locked to nothing, some times: a stationary process with their spectrum and energies.

    Frames that were rolled would break what is coherent over more than half a frame, as EMG behind steep filters is.
    """
    variances, waves = np.linalg.eigh(toeplitz(_autocovariance(values)))
    root = waves * np.sqrt(np.maximum(variances, LEAST_VARIANCE * variances[-1]))
    energy = (_without_lines(values) ** 2).sum(axis=1, keepdims=True)
    for seed in range(DRAWS):
        drawn = np.random.default_rng(seed).standard_normal(values.shape) @ root.T
        own = (_without_lines(drawn) ** 2).sum(axis=1, keepdims=True)
        yield np.asarray(drawn * np.sqrt(energy / np.maximum(own, 1e-300)))


def _autocovariance(values: Array) -> Array:
    """Autocovariance over the length of a frame, V², by an autoregressive model of all frames (Burg's recursion)."""
    width = values.shape[1]
    forward, backward = values[:, 1:], values[:, :-1]
    model, lags = np.ones(1), [float((values**2).mean())]
    for _ in range(min(ORDER, width // 2)):
        power = (forward**2).sum() + (backward**2).sum()
        if not power > 0:
            break
        reflected = -2 * (forward * backward).sum() / power
        model = np.append(model, 0.0) + reflected * np.append(model, 0.0)[::-1]
        lags.append(float(-model[1:] @ lags[::-1]))
        forward, backward = forward + reflected * backward, backward + reflected * forward
        forward, backward = forward[:, 1:], backward[:, :-1]
    while len(lags) < width:
        lags.append(float(-model[1:] @ lags[: -model.size : -1]))
    return np.array(lags)


def _level_free(design: PhaseDesign, rest: Array) -> Array:
    """Take the straight line of every pulse's samples away."""
    pulse, count = design.pulse, design.pulses
    number = np.maximum(np.bincount(pulse, minlength=count), 1)
    seen = rest[design.samples]
    place = design.phase - (np.bincount(pulse, design.phase, minlength=count) / number)[pulse]
    spread = np.maximum(np.bincount(pulse, place**2, minlength=count), 1e-30)
    slope = np.bincount(pulse, place * seen, minlength=count) / spread
    out = rest.copy()
    out[design.samples] = seen - (np.bincount(pulse, seen, minlength=count) / number)[pulse] - slope[pulse] * place
    return out


def _scored(design: PhaseDesign, projected: Array, power: Array, noise: Array, vectors: Array) -> RandomShapes | None:
    scores = projected @ vectors
    shapes = np.linalg.solve(_mean_gram(design), noise @ vectors).T
    shapes[:, [0, -1]] = 0.0  # no steps at the ends
    found = [shrink(column, _noise_of(column, power)) for column in scores.T]
    kept = [number for number, one in enumerate(found) if one.variance > 0]
    if not kept:
        return None
    return RandomShapes(
        design.knots,
        np.asarray(shapes[kept], dtype=np.float64),
        np.stack([found[number].values for number in kept], axis=1),
        np.stack([found[number].variances for number in kept], axis=1),
    )


def _noise_of(scores: Array, power: Array) -> Array:
    """Noise variance of scores: the part of their squares that grows with the power of the voluntary EMG.

    What is there at any effort is the response's. Where the effort hardly changes the two cannot be told apart, and
    the noise is what stationary EMG gives.
    """
    low, high = np.quantile(power, [0.1, 0.9])
    if high < TELLING * low:
        return power
    share, fixed = 1.0, 0.0
    for _ in range(8):
        weight = 1 / (fixed + share * power) ** 2
        columns = np.stack([np.ones_like(power), power])
        normal = (columns * weight) @ columns.T
        fixed, share = np.linalg.solve(normal, (columns * weight) @ scores**2)
        share, fixed = max(float(share), 1.0), max(float(fixed), 0.0)
    return share * power


def _mean_gram(design: PhaseDesign) -> Array:
    diagonals = design.gram().mean(axis=0)
    out = np.diag(diagonals[0])
    for lag in range(1, DEGREE + 1):
        side = np.diag(diagonals[lag, :-lag], lag)
        out += side + side.T
    return _ridged(out, 1e-6)


def _ridged(matrix: Array, share: float) -> Array:
    matrix[np.diag_indices_from(matrix)] += share * float(np.trace(matrix)) / len(matrix)
    return matrix
