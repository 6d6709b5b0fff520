"""When the M-wave begins after the pulse: two named methods, never to be mixed within a comparison."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emgkit.features.base import Array, Measured
from emgkit.features.interpolation import peak_between, pick
from emgkit.features.phases import find_phases
from emgkit.features.response import Errors, MWaveFeature, Responses
from emgkit.segments import Segments

__all__ = ["PeakFractionLatency", "TangentLatency"]

LOW, HIGH = 0.2, 0.5  # of the first phase: the stretch of the rising limb that the tangent follows


@dataclass(frozen=True, eq=False)
class Limb:
    """The rising limb of a phase, positive upwards: peak position and height, shape (segments, channels)."""

    upwards: Array
    sign: Array
    peak: Array
    height: Array
    found: np.ndarray
    unclear: np.ndarray

    def crossing(self, level: Array) -> tuple[Array, Array, np.ndarray]:
        """Find where the limb last rises through a level before its peak.

        Returns
        -------
        position, slope, found : array, shape (segments, channels)
            Position on the fine grid; slope, V per point; False where the limb is above the level all the way
            to the window's start.
        """
        points = np.arange(self.upwards.shape[-1])
        below = (self.upwards < level[..., np.newaxis]) & (points < self.peak[..., np.newaxis])
        last = below.shape[-1] - 1 - below[..., ::-1].argmax(axis=-1)
        last = np.clip(np.where(below.any(axis=-1), last, 0), 0, below.shape[-1] - 2)
        start = pick(self.upwards, last)
        slope = pick(self.upwards, last + 1) - start
        slope = np.where(slope > 0, slope, np.nan)
        return last + (level - start) / slope, slope, below.any(axis=-1) & np.isfinite(slope)


def first_limb(responses: Responses, min_share: float) -> Limb:
    """Find the rising limb of the first phase."""
    phases = find_phases(responses, min_share)
    position, height = peak_between(responses.fine, np.maximum(phases.first, 0))
    sign = np.where(height < 0, -1.0, 1.0)
    upwards = responses.fine * sign[..., np.newaxis]
    return Limb(upwards, sign, position, np.abs(height), phases.first >= 0, phases.unclear)


@dataclass(frozen=True)
class TangentLatency(MWaveFeature):
    """Latency of the M-wave: where the tangent to its rising limb meets the baseline, after the pulse.

    The line through 20 % and 50 % of the first phase (see `FirstPhaseAmplitude`) is extended to the baseline. Later
    than the true take-off by a nearly constant amount at any noise, hence the method for *changes* of latency.

    Parameters
    ----------
    window, baseline
        See `MWaveFeature`.
    min_snr : float, default 10
        Smallest peak over the standard deviation of the noise.
    min_share : float, default 0.03
        See `FirstPhaseAmplitude`.

    Notes
    -----
    Unit s. ``pinned`` if the limb begins before the window or the result lies within one sample of its start.
    Standard error: noise at both crossings and at the peak over the slope of the limb.
    """

    name: ClassVar[str] = "latency"
    unit: ClassVar[str] = "s"

    min_snr: float = 10.0
    min_share: float = 0.03

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels, s."""
        responses = self.prepare(segments)
        limb = first_limb(responses, self.min_share)
        (low, low_slope, low_found), (high, high_slope, high_found) = (
            limb.crossing(share * limb.height) for share in (LOW, HIGH)
        )
        ahead = LOW / (HIGH - LOW)
        take_off = low - (high - low) * ahead
        weights = (limb.sign * (1 + ahead) / low_slope, -limb.sign * ahead / high_slope)
        at_peak = -(LOW * weights[0] + HIGH * weights[1])
        errors = _time_error(responses, (low, weights[0]), (high, weights[1]), (limb.peak, at_peak))
        return _finish(self, responses, limb, take_off, errors, low_found & high_found)


@dataclass(frozen=True)
class PeakFractionLatency(MWaveFeature):
    r"""Latency of the M-wave: where it first reaches a share of its largest deflection, after the pulse.

    Searched from the first phase's peak back towards the pulse, so that noise far ahead of the response does not
    count; for a response without noise this is the first time that \|x\| reaches the share of max \|x\|. Late by a
    constant and very repeatable.

    Parameters
    ----------
    window, baseline
        See `MWaveFeature`.
    min_snr : float, default 10
        Smallest peak over the standard deviation of the noise.
    fraction : float, default 0.1
        Share of the peak, 0 ... 1.
    min_share : float, default 0.03
        See `FirstPhaseAmplitude`.

    Notes
    -----
    Unit s. ``multi_peak`` if the first phase does not reach the share of the largest deflection. ``pinned`` and
    standard error as for `TangentLatency`.
    """

    name: ClassVar[str] = "latency_peak_fraction"
    unit: ClassVar[str] = "s"

    min_snr: float = 10.0
    fraction: float = 0.1
    min_share: float = 0.03

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels, s."""
        responses = self.prepare(segments)
        limb = first_limb(responses, self.min_share)
        top, height = peak_between(np.abs(responses.fine), np.abs(responses.fine).argmax(axis=-1))
        position, slope, found = limb.crossing(self.fraction * height)
        weight = limb.sign / slope
        top_sign = np.sign(pick(responses.fine, np.rint(top).astype(int)))
        errors = _time_error(responses, (position, weight), (top, -self.fraction * top_sign / slope))
        small = limb.found & (limb.height < self.fraction * height)
        return _finish(self, responses, limb, position, errors, found, small)


def _time_error(responses: Responses, *points: tuple[Array, Array]) -> Errors:
    usable = np.all([np.isfinite(index) & np.isfinite(weight) for index, weight in points], axis=0)
    last = responses.fine.shape[-1] - 1
    clean = [
        (np.clip(np.where(usable, index, 0.0), 0, last), np.where(usable, weight, 0.0)) for index, weight in points
    ]
    steps = responses.fine.shape[-1] - 1
    per_point = (responses.values.shape[-1] - 1) / (steps * responses.fs)
    return responses.error_at(*clean).scaled(per_point)


def _finish(
    feature: MWaveFeature,
    responses: Responses,
    limb: Limb,
    position: Array,
    errors: Errors,
    found: np.ndarray,
    small: np.ndarray | bool = False,
) -> Measured:
    lowest = np.where(np.isfinite(position), position, -1.0)
    return feature.finish(
        responses,
        responses.times(position),
        errors,
        (limb.unclear | small, "multi_peak"),
        (~limb.found, "no_response"),
        (~found | responses.at_border(lowest), "pinned"),
    )
