"""First and second phase of the M-wave: they move in opposite directions in fatigue, so they are two features."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit.features.base import Array, Measured
from emgkit.features.interpolation import peak_between, pick
from emgkit.features.response import MWaveFeature, Responses
from emgkit.segments import Segments

__all__ = ["FirstPhaseAmplitude", "Phases", "SecondPhaseAmplitude", "find_phases"]

BELIEVED = 2.0  # standard errors that all responses have alike: a smaller first phase may be none
AMBIGUOUS = 1.5  # a lobe within this factor of the smallest share might count in one response and not in the next

Index = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Phases:
    """Where the first two phases of each response have their peaks, all of shape (segments, channels).

    ``first`` and ``second`` are positions on the fine grid (−1 where there is none), ``unclear`` tells
    where a lobe before the first phase is neither clearly a phase nor clearly none.
    """

    first: Index
    second: Index
    unclear: NDArray[np.bool_]


def find_phases(responses: Responses, min_share: float) -> Phases:
    """Split each response into lobes of one sign and find the first two that count.

    A lobe counts if it holds at least ``min_share`` of the area. A change of sign counts only when it leaves
    a band of three noise standard deviations, at least 2 % of the peak (hysteresis). Which lobes there are is told from
    the average over the neighbours, so that it does not change with the noise; where their peaks lie, from each
    response.
    """
    shape = responses.fine.shape
    rows = responses.smooth.reshape(-1, shape[-1])
    level = np.maximum(3 * responses.smooth_noise.reshape(-1), 0.02 * np.abs(rows).max(axis=1, initial=0.0))
    outside = np.abs(rows) >= np.where(level > 0, level, np.inf)[:, np.newaxis]
    lobe = _lobes(rows, outside)
    share = _shares(np.where(outside, np.abs(rows), 0.0), lobe)
    first = _next_lobe(share >= min_share, np.full(len(rows), -1))
    opposite = (np.arange(share.shape[1]) - first[:, np.newaxis]) % 2 == 1  # lobes change sign from one to the next
    second = np.where(first < 0, -1, _next_lobe((share >= min_share) & opposite, first))
    doubtful = (share >= min_share / AMBIGUOUS) & (share < min_share * AMBIGUOUS)
    doubtful &= np.arange(share.shape[1]) <= first[:, np.newaxis]
    upwards = responses.fine.reshape(rows.shape) * np.sign(rows)
    places = [np.where(outside & (lobe == chosen[:, np.newaxis]), upwards, -np.inf) for chosen in (first, second)]
    peaks = [
        np.where(chosen < 0, -1, place.argmax(axis=1)).reshape(shape[:2])
        for chosen, place in zip((first, second), places, strict=True)
    ]
    unclear = np.asarray(doubtful.any(axis=1)).reshape(shape[:2]) | _may_be_error(responses, peaks[0])
    return Phases(peaks[0], peaks[1], unclear)


def _may_be_error(responses: Responses, peak: Index) -> NDArray[np.bool_]:
    """Mark first phases that are no larger than what all responses may have alike, as of the artifact's tail."""
    index = np.maximum(peak, 0)
    error = np.take_along_axis(responses.fine_shared, index.T, axis=1).T
    return np.asarray((peak >= 0) & (np.abs(pick(responses.smooth, index)) < BELIEVED * error))


def _lobes(rows: Array, outside: NDArray[np.bool_]) -> Index:
    """Count the stretches of one sign; points inside the band go with what was before."""
    points = np.arange(rows.shape[1])
    last = np.maximum.accumulate(np.where(outside, points, -1), axis=1)
    start = outside.argmax(axis=1)[:, np.newaxis]
    sign = np.take_along_axis(np.sign(rows), np.where(last < 0, start, last), axis=1)
    changes = np.diff(sign, axis=1, prepend=sign[:, :1]) != 0
    return np.asarray(np.cumsum(changes, axis=1), dtype=np.int64)


def _shares(size: Array, lobe: Index) -> Array:
    """Share of the area that each lobe holds, shape (rows, lobes)."""
    width = int(lobe.max(initial=0)) + 1
    flat = (np.arange(len(lobe))[:, np.newaxis] * width + lobe).ravel()
    area = np.bincount(flat, weights=size.ravel(), minlength=len(lobe) * width).reshape(len(lobe), width)
    total = area.sum(axis=1, keepdims=True)
    return np.asarray(area / np.where(total > 0, total, 1.0))


def _next_lobe(counts: NDArray[np.bool_], after: Index) -> Index:
    later = counts & (np.arange(counts.shape[1]) > after[:, np.newaxis])
    return np.where(later.any(axis=1), later.argmax(axis=1), -1)


def _amplitude(feature: FirstPhaseAmplitude | SecondPhaseAmplitude, responses: Responses, second: bool) -> Measured:
    phases = find_phases(responses, feature.min_share)
    found = phases.second if second else phases.first
    index = np.maximum(found, 0)
    position, height = peak_between(responses.fine, index)
    errors = responses.error_at((position, np.ones_like(position)))
    last = responses.fine.shape[-1] - 1
    unfinished = (found < 0) & (np.abs(responses.fine[..., last]) > 0.02 * responses.peak)
    return feature.finish(
        responses,
        height - np.sign(height) * responses.peak_excess(position),
        errors,
        (phases.unclear, "multi_peak"),
        (unfinished, "truncated"),
        (found < 0, "no_response"),
        (responses.at_border(position), "pinned"),
    )


@dataclass(frozen=True)
class FirstPhaseAmplitude(MWaveFeature):
    """Height of the first phase of the M-wave, with its sign, from the baseline.

    The response is split at its changes of sign into lobes; the first one with at least ``min_share`` of the
    area is the first phase, whatever its polarity. The peak is read between the samples. Amplitude of the first
    phase alone follows the fibre membrane near the innervation zone (Rodriguez-Falces and Place, Eur J Appl
    Physiol 2018;118:501-521).

    Parameters
    ----------
    window, baseline, min_snr
        See `MWaveFeature`.
    min_share : float, default 0.03
        Smallest share of the area that makes a lobe a phase, 0 ... 1. A lobe between 2/3 and 3/2 of it before
        the first phase makes the value missing (``multi_peak``): it could count in one response and not in the next.

    Notes
    -----
    Unit V. Standard error: noise of the response at the peak, from the neighbouring responses.
    """

    name: ClassVar[str] = "amp_phase1"
    unit: ClassVar[str] = "V"

    min_share: float = 0.03

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels, V."""
        return _amplitude(self, self.prepare(segments), second=False)


@dataclass(frozen=True)
class SecondPhaseAmplitude(MWaveFeature):
    """Height of the second phase of the M-wave, with its sign, from the baseline.

    The next lobe of opposite sign after the first phase that holds at least ``min_share`` of the area.

    Parameters
    ----------
    window, baseline, min_snr, min_share
        See `FirstPhaseAmplitude`.

    Notes
    -----
    Unit V. ``truncated`` if the window ends before a second phase, ``no_response`` if the response has one phase only.
    """

    name: ClassVar[str] = "amp_phase2"
    unit: ClassVar[str] = "V"

    min_share: float = 0.03

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels, V."""
        return _amplitude(self, self.prepare(segments), second=True)
