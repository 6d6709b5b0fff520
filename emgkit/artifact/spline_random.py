"""Shapes by which the response varies from pulse to pulse by chance, and how much of each every pulse has.

Which axons fire varies from pulse to pulse near their thresholds, so that the M-wave varies within a few shapes. They
are found as the directions in which what the mean response leaves exceeds a stationary process of the same spectrum
(generalised eigenvectors): voluntary EMG is locked to nothing. They count as far as they exceed it in pulses that they
were not learned from, too. Every pulse's scores are shrunk by what voluntary EMG puts into them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_basis import DEGREE, PhaseDesign, make_design
from emgkit.artifact.spline_piece import SPIKE, pulse_power
from emgkit.artifact.spline_scores import shrink
from emgkit.artifact.spline_unlocked import noise_of_scores, unlocked, without_lines

__all__ = ["RandomShapes", "find_shapes", "has_room", "shape_knots", "shapes_of_channels"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

EARLIEST = 0.003  # s after the pulse, before which shift and size of the artifact speak
STEP = 0.0006  # s between knots, at least:
SAMPLES_PER_STEP = 1.25
WIDEST = 0.0015  # s, steps where there are few pulses
MOST = 4  # shapes
MARGIN = 1.1  # over the noise, in pulses that the direction was not learned from
ROUNDS = 4  # at most, in which EMG and shapes are told from each other
OVER = 0.020  # s after the pulse, from which on the response is over, if not as late as that
QUIETER = 0.7  # of the power of all times: EMG of few large units seldom has less than that late by chance
GROWN = 1.1  # times the power of a round, from which another follows
SURE, SURE_THEN = 2.5, 2.0  # standard errors of a first shape; a response that varies mostly has more of them
PULSES_PER_COEFFICIENT = 3.0
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
    loss : float
        Share of the voluntary EMG's power that goes with them.
    """

    knots: Array
    shapes: Array
    scores: Array
    left: Array
    loss: float = 0.0

    @property
    def coefficients(self) -> Array:
        """Coefficients of every pulse's own part, V, (pulses, size)."""
        return np.asarray(self.scores @ self.shapes)

    def variance(self, own: PhaseDesign) -> Array:
        """Variance that the errors of the scores bring, V², (rows,), at the rows of a design with these knots."""
        out = np.zeros(own.samples.size)
        for number, shape in enumerate(self.shapes):
            wave = own.evaluate(np.broadcast_to(shape, (own.pulses, shape.size)))
            out += self.left[own.pulse, number] * wave**2
        return out


def has_room(until: float, fs: float) -> bool:
    """Tell whether a response lasts for a step of the knots, so that its shape can be seen to vary."""
    return until - EARLIEST >= max(STEP, SAMPLES_PER_STEP / fs)


def shape_knots(until: float, fs: float, pulses: int | None = None) -> Array:
    """Knots of the shapes, s, no more than some pulses can tell of."""
    step = max(STEP, SAMPLES_PER_STEP / fs)
    number = max(int((until - EARLIEST) / step), 4)
    if pulses is not None:
        few = int(WHOLE * pulses / PULSES_PER_COEFFICIENT) - DEGREE
        number = min(number, max(few, int(np.ceil((until - EARLIEST) / WIDEST))))
    inner = np.linspace(EARLIEST, until, number + 1)[1:-1]
    return np.concatenate([np.full(DEGREE + 1, EARLIEST), inner, np.full(DEGREE + 1, until)])


def shapes_of_channels(
    onsets: Array, until: float, rest: Array, chosen: NDArray[np.bool_], quiet: float, fs: float
) -> list[RandomShapes | None]:
    """Find the shapes of the chosen channels in what all fits leave, (channels, samples) V.

    The power of the voluntary EMG is looked at from ``quiet`` s after every pulse on, until ``until``, at first. Where
    the next pulse comes before one step of the knots there are no shapes.
    """
    if not has_room(until, fs):
        return [None] * len(rest)
    own = make_design(onsets, fs, rest.shape[1], shape_knots(until, fs, onsets.size))
    every = np.ones(own.samples.size)
    return [
        find_shapes(own, row, pulse_power(own, row[own.samples], every, quiet), quiet) if wanted else None
        for row, wanted in zip(rest, chosen, strict=True)
    ]


def find_shapes(design: PhaseDesign, rest: Array, power: Array, quiet: float | None = None) -> RandomShapes | None:
    """Find shapes and scores in one channel's residual.

    Parameters
    ----------
    design : PhaseDesign
        With the knots of `shape_knots`.
    rest : ndarray, shape (samples,)
        What the mean response leaves, V.
    power : ndarray, shape (pulses,)
        Variance of voluntary EMG and noise about every pulse, V².
    quiet : float, optional
        Time after every pulse from which on the response may be over, s: that variance is measured again in what the
        shapes leave, from there on if less is left there.

    Returns
    -------
    RandomShapes or None
        None if nothing exceeds the noise.
    """
    frames = _frames(design, rest)
    if len(frames.pulses) < PULSES_PER_COEFFICIENT * design.size:
        return None
    seen = design.rows_of(_first_of_each(design, frames.values.shape[1]))  # filters tell nothing of what they never saw
    projected, whole = seen.project(_level_free(seen, rest)), seen.project(rest)
    taken, found = 0.0, None
    wave = np.zeros(design.samples.size)
    for _ in range(ROUNDS):
        scale = np.sqrt(power[frames.pulses])[:, np.newaxis]
        own = frames.project(frames.values / scale)
        emg = (frames.values - wave[frames.rows]) / scale
        drawn = [_products(frames.project(one)) for one in unlocked(emg)]
        noise = _ridged(np.mean(drawn, axis=0), 1e-6)
        number = min(_confirmed(own[::2], own[1::2], noise), _confirmed(own[1::2], own[::2], noise))
        values, vectors = eigh(_products(own), noise)
        level = power * max(float(np.median(values)), 0.3)
        made = _scored(design, projected @ vectors[:, ::-1][:, :number], level, whole) if number else None
        if made is None:
            break
        found = made
        wave, before = design.evaluate(found.coefficients), taken
        if (taken := float(wave @ wave)) < GROWN * before:
            break
        if quiet is not None:
            power = _power_of_emg(design, rest[design.samples] - wave, quiet)
    if found is None:
        return None
    # a score's posterior mean holds as much of the EMG's power as it misses of its own
    lost = float(found.variance(design).sum())
    left = float(((rest[design.samples] - design.evaluate(found.coefficients)) ** 2).sum())
    return replace(found, loss=lost / max(left + lost, 1e-300))


def _power_of_emg(design: PhaseDesign, left: Array, quiet: float) -> Array:
    """Variance of voluntary EMG about every pulse, V²; it is as loud at any time after the pulses, on average.

    From 20 ms after the pulses on responses are over. Where less is left late than elsewhere, elsewhere is more than
    EMG. Else all of it tells the most.
    """
    every = np.ones(left.size)
    whole, late = (pulse_power(design, left, every, start) for start in (SPIKE, quiet))
    return late if quiet >= OVER or float(np.mean(late / whole)) < QUIETER else whole


def _confirmed(one: Array, other: Array, noise: Array) -> int:
    """Count the directions of most excess over noise in some pulses that exceed it in others, too.

    EMG of few large units has directions of excess by chance; they are none of other pulses.
    """
    size = len(noise)
    _, vectors = eigh(_products(one), noise, subset_by_index=[size - MOST, size - 1])
    squares = (other @ vectors[:, ::-1]) ** 2
    error = squares.std(axis=0) / np.sqrt(len(squares))
    sure = np.append(SURE, np.full(MOST - 1, SURE_THEN))
    over = squares.mean(axis=0) > np.maximum(MARGIN, 1 + sure * error)
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
        flat, size = without_lines(values).ravel(), self.design.size
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


def _scored(design: PhaseDesign, scores: Array, power: Array, whole: Array) -> RandomShapes | None:
    shapes = _shapes(design, scores, power, whole)
    found = [shrink(column, noise_of_scores(column, power)) for column in scores.T]
    kept = [number for number, one in enumerate(found) if one.variance > 0]
    if not kept:
        return None
    return RandomShapes(
        design.knots,
        np.asarray(shapes[kept], dtype=np.float64),
        np.stack([found[number].values for number in kept], axis=1),
        np.stack([found[number].variances for number in kept], axis=1),
    )


def _shapes(design: PhaseDesign, scores: Array, power: Array, whole: Array) -> Array:
    """Coefficients of the shapes that go with the scores, (shapes, size), with the straight lines that scores lack."""
    weight = scores / power[:, np.newaxis]
    along = whole.T @ weight / np.maximum((scores * weight).sum(axis=0), 1e-300)
    shapes, inner = np.zeros((scores.shape[1], design.size)), slice(1, -1)  # no steps at the ends
    shapes[:, inner] = np.linalg.solve(_mean_gram(design)[inner, inner], along[inner]).T
    return shapes


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
