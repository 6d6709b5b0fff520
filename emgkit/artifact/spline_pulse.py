"""What differs from pulse to pulse in the artifact: one shift and one size per pulse, shared by all channels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import DEGREE, PhaseDesign
from emgkit.artifact.spline_scores import shrink

__all__ = ["EARLY", "LATE", "PulseChanges", "artifact_share", "estimate_changes", "far_shifts"]

Array = NDArray[np.float64]

EARLY, LATE = -0.0006, 0.0024  # s about the pulse: samples that tell shift and size
FULL, GONE = 0.0015, 0.003  # s: the size of the artifact applies fully until the first, and fades to the second
SLOW_PULSES = 15  # over which a size must change to be none of the smooth courses'
LARGEST_GAIN = 0.05  # relative: stimulators vary by a tenth of it from pulse to pulse
FEWEST_SAMPLES = 5  # per pulse: a line, a shift and a size are estimated from them
LARGEST_SHIFT = 0.0002  # s per pass
FAR_GRID = np.arange(-0.0006, 0.00061, 0.00002)  # s
FAR_POWER, FAR_GAIN, MOST_FAR = 25.0, 0.3, 100  # over the median; what must be left at most; pulses


@dataclass(frozen=True, eq=False)
class PulseChanges:
    """Changes of the artifact from pulse to pulse.

    Parameters
    ----------
    shift : (pulses,) s, how much later than stated the pulse came
    gain : (pulses,) relative change of the artifact's size
    jitter, gain_spread : float
        SD of what is beyond the noise, s and relative; 0 if nothing is.
    shift_error : float
        Typical standard error of one pulse's shift, s.
    """

    shift: Array
    gain: Array
    jitter: float
    gain_spread: float
    shift_error: float

    @property
    def fast_gain(self) -> Array:
        """Part of the sizes that smooth courses cannot follow: the rest is theirs, or both would chase it."""
        from scipy.ndimage import uniform_filter1d

        slow = uniform_filter1d(self.gain, SLOW_PULSES, mode="nearest")
        return np.asarray(np.clip(self.gain - slow, -LARGEST_GAIN, LARGEST_GAIN))


def artifact_share(phase: Array) -> Array:
    """Share of the response at a phase to which the size of the artifact applies."""
    place = np.clip((phase - FULL) / (GONE - FULL), 0.0, 1.0)
    return np.where(phase < EARLY, 0.0, 0.5 + 0.5 * np.cos(np.pi * place))


def estimate_changes(
    design: PhaseDesign, rest: Array, waves: Array, slopes: Array, known: NDArray[np.bool_]
) -> PulseChanges:
    """Estimate shifts and sizes from what the mean response leaves.

    A straight line per pulse and channel stands for the voluntary EMG under the artifact; what is left of it there
    gives the noise.

    Parameters
    ----------
    design : PhaseDesign
        Rows.
    rest, waves, slopes : ndarray, shape (channels, rows)
        Residual V, response V, its derivative V/s.
    known : ndarray of bool, shape (channels, rows)
        Samples that count.
    """
    near = (design.phase >= EARLY) & (design.phase <= LATE)
    pulse, phase, count = design.pulse[near], design.phase[near], design.pulses
    if near.sum() < FEWEST_SAMPLES * count:
        nothing = np.zeros(count)
        return PulseChanges(nothing, nothing, 0.0, 0.0, float("nan"))
    normal, right = np.zeros((count, 2, 2)), np.zeros((count, 2))
    for channel in range(len(rest)):
        weight = known[channel, near].astype(float)
        columns = np.stack([-slopes[channel, near], waves[channel, near], rest[channel, near]])
        columns = _without_lines(columns, phase, pulse, weight, count)
        scale = _noise_of(columns, pulse, weight, count)
        products = [
            np.bincount(pulse, weight * columns[i] * columns[j], minlength=count) / scale
            for i, j in ((0, 0), (0, 1), (1, 1), (0, 2), (1, 2))
        ]
        normal[:, 0, 0] += products[0]
        normal[:, 0, 1] += products[1]
        normal[:, 1, 0] += products[1]
        normal[:, 1, 1] += products[2]
        right[:, 0] += products[3]
        right[:, 1] += products[4]
    return _changes(normal, right)


def far_shifts(design: PhaseDesign, rest: Array, waves: Array, coefficients: Callable[[int], Array]) -> Array:
    """Search shifts of pulses that leave far more than others, on a grid: too far for a derivative, (pulses,) s.

    Parameters
    ----------
    design : PhaseDesign
        Rows.
    rest, waves : ndarray, shape (channels, rows)
        Residual and response, V.
    coefficients : callable
        From the number of a channel to coefficients of its response at every pulse, V, (pulses, size).
    """
    near = np.flatnonzero((design.phase >= EARLY) & (design.phase <= LATE))
    power = np.bincount(design.pulse[near], (rest[:, near] ** 2).sum(axis=0), minlength=design.pulses)
    out = np.zeros(design.pulses)
    far = np.flatnonzero(power > FAR_POWER * np.median(power))[:MOST_FAR]
    if not far.size:
        return out
    waves_of = np.stack([coefficients(channel)[far] for channel in range(len(rest))])
    for number, pulse in enumerate(far):
        rows = near[design.pulse[near] == pulse]
        seen = rest[:, rows] + waves[:, rows]
        left = _left_at(design, design.phase[rows], seen, waves_of[:, number])
        best = int(np.argmin(left))
        out[pulse] = FAR_GRID[best] if left[best] < FAR_GAIN * power[pulse] else 0.0
    return out


def _left_at(design: PhaseDesign, phase: Array, seen: Array, coefficients: Array) -> Array:
    """Give what the response leaves of a pulse at every shift of the grid, V²."""
    from scipy.interpolate import BSpline

    moved = np.clip(phase - FAR_GRID[:, np.newaxis], design.knots[0], np.nextafter(design.knots[-1], -np.inf))
    waves = BSpline(design.knots, coefficients.T, DEGREE)(moved)
    return np.asarray(((seen.T - waves) ** 2).sum(axis=(1, 2)))


def _changes(normal: Array, right: Array) -> PulseChanges:
    ridge = 1e-9 * np.median(normal, axis=0)[[0, 1], [0, 1]]
    normal = normal.copy()
    normal[:, [0, 1], [0, 1]] += np.maximum(ridge, 1e-300)
    errors = np.linalg.inv(normal)
    found = np.einsum("kij,kj->ki", errors, right)
    shift = shrink(np.asarray(found[:, 0], dtype=np.float64), np.asarray(errors[:, 0, 0], dtype=np.float64))
    # the size is estimated again with the shift held where shifts are no more than noise
    size, noise = (found[:, 1], errors[:, 1, 1])
    if shift.variance == 0:
        size, noise = right[:, 1] / normal[:, 1, 1], 1 / normal[:, 1, 1]
    gain = shrink(np.asarray(size, dtype=np.float64), np.asarray(noise, dtype=np.float64))
    return PulseChanges(
        np.clip(shift.values, -LARGEST_SHIFT, LARGEST_SHIFT),
        gain.values,
        float(np.sqrt(shift.variance)),
        float(np.sqrt(gain.variance)),
        float(np.sqrt(np.median(errors[:, 0, 0]))),
    )


def _without_lines(columns: Array, phase: Array, pulse: NDArray[np.int64], weight: Array, count: int) -> Array:
    """Take the weighted straight line of every pulse away from each column."""

    def total(values: Array) -> Array:
        return np.asarray(np.bincount(pulse, weight * values, minlength=count), dtype=np.float64)

    number = np.maximum(np.bincount(pulse, weight, minlength=count), 1e-12)
    centred = phase - (total(phase) / number)[pulse]
    spread = np.maximum(total(centred**2), 1e-30)
    out = []
    for column in columns:
        level = total(column) / number
        tilt = total(centred * column) / spread
        out.append(column - level[pulse] - tilt[pulse] * centred)
    return np.stack(out)


def _noise_of(columns: Array, pulse: NDArray[np.int64], weight: Array, count: int) -> Array:
    """Variance of what neither shift, size nor line explains, per pulse: pooled over neighbouring pulses."""
    from scipy.ndimage import uniform_filter1d

    slope, wave, rest = columns

    def product(one: Array, other: Array) -> Array:
        return np.asarray(np.bincount(pulse, weight * one * other, minlength=count), dtype=np.float64)

    slopes, waves, mixed = product(slope, slope), product(wave, wave), product(slope, wave)
    by_slope, by_wave = product(slope, rest), product(wave, rest)
    determinant = np.maximum(slopes * waves - mixed**2, 1e-9 * slopes * waves + 1e-300)
    shift = (waves * by_slope - mixed * by_wave) / determinant
    size = (slopes * by_wave - mixed * by_slope) / determinant
    left = rest - shift[pulse] * slope - size[pulse] * wave
    free = np.maximum(np.bincount(pulse, weight, minlength=count) - 4, 0.5)
    squares = np.bincount(pulse, weight * left**2, minlength=count)
    total, number = uniform_filter1d(squares, 9, mode="nearest"), uniform_filter1d(free, 9, mode="nearest")
    noise = np.asarray(total / number)
    return np.maximum(noise, 1e-12 * float((weight * wave**2).mean()) + 1e-300)
