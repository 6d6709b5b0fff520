"""What all M-wave features share: the window, the baseline, the noise, and when there is no response."""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import assign, in_range, interval
from emgkit.errors import ParameterError
from emgkit.features import response_noise as noise
from emgkit.features.base import Array, Measured, Reasons, first_reason, missing_reason
from emgkit.features.interpolation import fine_factor, fine_weights, pick, shift
from emgkit.segments import Segments

__all__ = ["Errors", "MWaveFeature", "Responses"]

FEWEST_SAMPLES = 8
ROUNDING = 1e-9  # of the peak
RANGE_SHARE = 0.75  # of the range counts as peak; the range of 60 noise samples is about 4.6 SDs
SHARED_DECAY, SHARED_PERIOD = 15e-3, 26e-3  # s: how errors of splits hang together in time, see `shared_error`
NO_RESPONSE = 5.0  # noise SDs: the largest of 60 noise samples passes it once in 30 000 responses


@dataclass(frozen=True, eq=False)
class Errors:
    """Standard errors by what differs from pulse to pulse and by what all have alike, (segments, channels)."""

    noise: Array
    shared: Array

    def scaled(self, factor: float) -> Errors:
        """Give them in another unit."""
        return Errors(self.noise * factor, self.shared * factor)


@dataclass(frozen=True, eq=False)
class Responses:
    """M-waves in their window, free of the baseline, with the noise on them.

    Parameters
    ----------
    values : array, shape (segments, channels, samples)
        V; zeros where the window is not whole.
    whole : array of bool, shape (segments, channels)
        Where all samples are valid.
    begin : array, shape (segments,)
        Time of the first sample after the pulse, s.
    fs : float
        Hz.
    group : array of int, shape (segments,)
        Segments of one group may be averaged.
    missing : array of str, shape (segments, channels)
        Why a window is not whole.
    shared : array, shape (channels, samples)
        Standard error that all segments have alike, V; 0 where none is stated.
    """

    values: Array
    whole: NDArray[np.bool_]
    begin: Array
    fs: float
    group: NDArray[np.int64]
    missing: Reasons
    shared: Array

    @cached_property
    def factor(self) -> int:
        """Points of the fine grid per sample interval."""
        return fine_factor(self.fs)

    @cached_property
    def weights(self) -> Array:
        """Matrix that takes samples to the fine grid, shape (points, samples)."""
        return fine_weights(self.values.shape[-1], self.factor)

    @cached_property
    def fine(self) -> Array:
        """The responses between the samples, V, shape (segments, channels, points)."""
        return np.asarray(self.values @ self.weights.T)

    @cached_property
    def late(self) -> Array:
        """How much later than the average the first sample lies, samples, shape (segments,)."""
        return np.asarray((self.begin - self.begin.mean()) * self.fs) if self.begin.size else self.begin

    @cached_property
    def residuals(self) -> Array:
        """The noise on each response, V, shape of values; NaN where no neighbour tells it."""
        return noise.residuals(self.values, self.whole, self.late, self.group)

    @cached_property
    def typical(self) -> NDArray[np.bool_]:
        """Which neighbours' noise counts, shape (segments, channels, width)."""
        return noise.typical(self.residuals)

    @cached_property
    def noise_level(self) -> Array:
        """Standard deviation of the noise near each response, V, shape (segments, channels); NaN if unknown."""
        power = np.mean(self.residuals**2, axis=-1, keepdims=True)
        return np.asarray(np.sqrt(noise.local_mean(power, self.typical)[..., 0]))

    @cached_property
    def peers(self) -> NDArray[np.bool_]:
        """Which neighbours may be averaged with each response, shape (segments, channels, width)."""
        near = noise.neighbours(len(self.values))
        alike = self.group[near] == self.group[:, np.newaxis]
        return np.asarray(alike[:, np.newaxis, :] & self.whole[near].swapaxes(1, 2))

    @cached_property
    def average(self) -> Array:
        """Mean over the neighbours of the same train, shifted onto one time grid, V, shape of values."""
        aligned = shift(self.values, -self.late) if np.any(self.late) else self.values
        return np.asarray(np.nan_to_num(noise.local_mean(aligned, self.peers)))

    @cached_property
    def smooth(self) -> Array:
        """The average between the samples, V, shape of fine."""
        return np.asarray(self.average @ self.weights.T)

    @cached_property
    def smooth_noise(self) -> Array:
        """Standard deviation of the noise that the average keeps, V, (segments, channels); 0 if unknown."""
        return np.nan_to_num(self.noise_level) / np.sqrt(np.maximum(self.peers.sum(axis=-1), 1))

    @cached_property
    def fine_shared(self) -> Array:
        """The error that all segments have alike between the samples, V, shape (channels, points)."""
        return np.asarray(np.abs(self.shared @ self.weights.T))

    @cached_property
    def peak(self) -> Array:
        """Largest deflection from the baseline, V, shape (segments, channels)."""
        return np.asarray(np.abs(self.fine).max(axis=-1))

    def times(self, position: Array) -> Array:
        """Turn positions on the fine grid into times after the pulse, s, shape (segments, channels)."""
        return np.asarray(self.begin[:, np.newaxis] + position / (self.factor * self.fs))

    def at_border(self, position: Array) -> NDArray[np.bool_]:
        """Tell which positions on the fine grid lie within one sample of the window's border."""
        return np.asarray((position <= self.factor) | (position >= self.fine.shape[-1] - 1 - self.factor))

    def peak_excess(self, position: Array) -> Array:
        """Tell how much noise enlarges an extremum by moving it, V, shape (segments, channels); 0 if unknown.

        To the second order noise n moves the extremum of x by n'/x'' and adds n'²/(2 x'') to its height. The curvature
        is that of the neighbours' average, over one sample on either side.
        """
        last = self.fine.shape[-1] - 1
        factor = self.factor
        index = np.clip(np.rint(position).astype(int), factor, last - factor)
        one = np.full(index.shape, 0.5)
        slope = self.error_at((index + 1, one), (index - 1, -one)).noise
        before, here, after = (pick(self.smooth, index + step) for step in (-factor, 0, factor))
        bend = np.abs(before - 2 * here + after) / factor**2
        excess = slope**2 / (2 * np.where(bend > 0, bend, np.inf))
        return np.where(np.isfinite(excess), np.minimum(excess, self.noise_level), 0.0)

    def error_at(self, *points: tuple[Array, Array]) -> Errors:
        """Give the standard error of a sum of weighted points of the fine grid, shape (segments, channels).

        Parameters
        ----------
        *points : (index, weight), each shape (segments, channels)
            Where, and with which weight.
        """
        gradient = np.zeros_like(self.values)
        for index, weight in points:
            gradient += self.weights[np.rint(index).astype(int)] * weight[..., np.newaxis]
        return Errors(noise.spread(self.residuals, noise.projected(gradient)), self.shared_error(gradient))

    def shared_error(self, gradient: Array) -> Array:
        """Give the part of it that all segments have alike, shape (segments, channels).

        What a tail was given too much lies on one side first and on the other later, because responses have no net
        area. The correlation over the lag, exp(−lag / 15 ms) cos(2π lag / 26 ms), is that of the errors of seven
        of the benchmark's cases with tails (56 channels: 0.96 at 0.5 ms, 0.77 at 2 ms, 0.37 at 4 ms, −0.6 at 12 ms).
        """
        if not self.shared.any():
            return np.zeros(gradient.shape[:2])
        lag = np.arange(self.shared.shape[-1]) / self.fs
        apart = np.abs(lag[:, np.newaxis] - lag)
        alike = np.exp(-apart / SHARED_DECAY) * np.cos(2 * np.pi * apart / SHARED_PERIOD)
        root = np.linalg.cholesky(alike)
        return np.asarray(np.linalg.norm((gradient * self.shared) @ root, axis=-1))


@dataclass(frozen=True)
class MWaveFeature:
    """Parameters that every M-wave feature has.

    Parameters
    ----------
    window : (float, float), optional
        Half-open, s after the pulse; the whole segment unless given.
    baseline : (float, float), optional
        Stretch of the segment, s after the pulse, whose mean is the zero line. Nothing is subtracted unless
        given: within trains no stretch is free of the response, and a wrong baseline spoils area and spectrum.
    min_snr : float
        Smallest peak over the standard deviation of the noise. Below it the value is missing.
    """

    kinds: ClassVar[tuple[str, ...]] = ("evoked",)

    window: tuple[float, float] | None = None
    baseline: tuple[float, float] | None = None
    min_snr: float = NO_RESPONSE

    def __post_init__(self) -> None:
        """Check the parameters."""
        for name in ("window", "baseline"):
            given = getattr(self, name)
            assign(self, **{name: None if given is None else interval(name, given)})
        assign(self, min_snr=in_range("min_snr", self.min_snr, 0, 1e6))
        shares = [item.name for item in fields(self) if item.name.startswith(("max_", "fraction", "min_share"))]
        assign(self, **{name: in_range(name, getattr(self, name), 0, 1) for name in shares})

    def prepare(self, segments: Segments) -> Responses:
        """Take the window out of the segments and put the zero line at the baseline."""
        columns = _columns(segments, self.window, "window", FEWEST_SAMPLES)
        needed = np.zeros(segments.n_samples, dtype=bool)
        needed[columns] = True
        zero: Any = 0.0
        if self.baseline is not None:
            quiet = _columns(segments, self.baseline, "baseline", 1)
            needed[quiet] = True
            zero = segments.signal[:, :, quiet].mean(axis=-1, keepdims=True)
        missing = missing_reason(segments, needed)
        whole = missing == ""
        kept = np.where(whole[..., np.newaxis], segments.signal[:, :, columns] - zero, 0.0)
        begin = segments.first + columns.start / segments.fs
        group = noise.same_group(segments.train, segments.intensity)
        shared = np.zeros(kept.shape[1:])
        if segments.shared_error is not None:
            shared = segments.shared_error[:, columns]
        return Responses(kept, whole, begin, segments.fs, group, missing, shared)

    def finish(self, responses: Responses, values: Array, errors: Errors, *rules: tuple[Any, str]) -> Measured:
        """Name the reasons, those that hold for every M-wave feature first."""
        span = np.ptp(responses.fine, axis=-1)
        flat = span <= ROUNDING * responses.peak
        # an offset of the amplifier is no response: the range must be there too
        shown = np.minimum(responses.peak, RANGE_SHARE * span) / np.where(
            responses.noise_level > 0, responses.noise_level, np.nan
        )
        reasons = first_reason(
            values.shape,
            (responses.missing != "", responses.missing),
            (flat | (shown < min(NO_RESPONSE, self.min_snr)), "no_response"),
            (shown < self.min_snr, "low_snr"),
            *rules,
            (~np.isfinite(values), "low_snr"),
        )
        return Measured(values, np.hypot(errors.noise, errors.shared), reasons, errors.shared)


def _columns(segments: Segments, window: tuple[float, float] | None, name: str, fewest: int) -> slice:
    """Find the samples that lie in the window in every segment."""
    if window is None or not len(segments):
        return slice(0, segments.n_samples)
    low = int(np.ceil((window[0] - segments.first.min()) * segments.fs - 1e-6))
    high = int(np.ceil((window[1] - segments.first.max()) * segments.fs - 1e-6))
    low, high = max(low, 0), min(high, segments.n_samples)
    if high - low < fewest:
        first, last = segments.times[:, 0].max(), segments.times[:, -1].min()
        raise ParameterError(
            f"The {name} {window[0]:g} ... {window[1]:g} s holds {max(high - low, 0)} samples of these segments "
            f"({first:.4g} ... {last:.4g} s at {segments.fs:g} Hz); at least {fewest} are needed."
        )
    return slice(low, high)
