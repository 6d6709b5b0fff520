"""How large: peak to peak and area of the M-wave, RMS and average rectified value of voluntary EMG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import assign, in_range
from emgkit.features import random_process
from emgkit.features import response_noise as noise
from emgkit.features.base import Array, Measured, first_reason
from emgkit.features.interpolation import peak_between
from emgkit.features.response import Errors, MWaveFeature, Responses
from emgkit.segments import Segments

__all__ = ["ARV", "RMS", "Area", "Vpp", "incomplete"]

FEWEST_PEERS = 4


@dataclass(frozen=True)
class Vpp(MWaveFeature):
    """Peak-to-peak amplitude of the M-wave: the largest minus the smallest value in the window.

    Both extrema are read between the samples (cubic spline at 16 kHz, then a parabola); at the
    samples the value would be up to 2.3 % low at 1 kHz.

    Parameters
    ----------
    window, baseline, min_snr
        See `MWaveFeature`; the baseline has no effect on this difference.

    Notes
    -----
    Unit V. ``pinned`` if an extremum lies within one sample of the window's border. Noise moves the extrema and makes
    them too large by (SD of its slope)² / (2 · curvature at the peak); this is taken off where the neighbours tell
    the noise. Standard error: noise at the two extrema, with its correlation.
    """

    name: ClassVar[str] = "vpp"
    unit: ClassVar[str] = "V"

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels, V."""
        responses = self.prepare(segments)
        fine = responses.fine
        (top, high), (bottom, low) = (peak_between(fine, index) for index in (fine.argmax(-1), fine.argmin(-1)))
        one = np.ones_like(high)
        errors = responses.error_at((top, one), (bottom, -one))
        pinned = responses.at_border(top) | responses.at_border(bottom)
        values = high - low - responses.peak_excess(top) - responses.peak_excess(bottom)
        return self.finish(responses, values, errors, (pinned, "pinned"))


@dataclass(frozen=True)
class Area(MWaveFeature):
    """Rectified area of the M-wave: the integral of its absolute value over the window.

    Noise adds its own rectified area wherever the response is small. This is taken off: the area of single
    responses is compared with that of the average of their neighbours (same train, up to 16 on either side). About a
    tenth of what noise adds may be left, of either sign: 0.2 % of the area where voluntary EMG is 5 % of the peak.

    Parameters
    ----------
    window, baseline, min_snr
        See `MWaveFeature`.
    max_end : float, default 0.1
        Largest level at either end of the window over the peak; above it the value is missing (``truncated``):
        the response has not ended, or the zero line is wrong.
    max_imbalance : float, default 0.15
        Largest share of the signed area in the rectified area; a complete bipolar response has almost none. Use 1
        for belly-tendon recordings, whose response is mainly of one sign.

    Notes
    -----
    Unit V·s: the trapezoidal integral between the samples (cubic spline at 16 kHz). Changing the
    sampling rate leaves it unchanged. Standard error: spread of the area when the neighbours' noise is added.
    """

    name: ClassVar[str] = "area"
    unit: ClassVar[str] = "V·s"

    max_end: float = 0.1
    max_imbalance: float = 0.15

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels, V·s."""
        responses = self.prepare(segments)
        raw = np.trapezoid(np.abs(responses.fine), dx=1 / (responses.factor * responses.fs), axis=-1)
        errors, excess = _rectified_noise(responses)
        cut = incomplete(responses, self.max_end, self.max_imbalance)
        return self.finish(responses, raw - excess, errors, (cut, "truncated"))


def _rectified_noise(responses: Responses) -> tuple[Errors, Array]:
    """Give the standard errors of the rectified area and the area that noise adds, V·s, each (segments, channels)."""
    average, step = responses.average, 1 / responses.fs
    fine_step = step / responses.factor

    def effect(block: slice, rows: Array) -> Array:
        return np.asarray(np.abs(average[block] + rows).sum(axis=-1) * step)

    peers = responses.peers.sum(axis=-1)
    singles = np.abs(responses.fine).sum(axis=-1, keepdims=True) * fine_step
    # squared, the average holds that much noise
    rid = np.maximum(responses.smooth**2 - responses.smooth_noise[..., np.newaxis] ** 2, 0.0)
    averaged = np.sqrt(rid).sum(axis=-1) * fine_step
    excess = noise.local_mean(singles, responses.peers)[..., 0] - averaged
    excess = np.where(peers >= FEWEST_PEERS, np.nan_to_num(excess), 0.0)
    errors = noise.spread(responses.residuals, effect, centred=False)
    shared = responses.shared_error(np.sign(responses.values) * step)
    return Errors(errors, shared), np.maximum(excess, 0.0)


def incomplete(responses: Responses, max_end: float, max_imbalance: float) -> NDArray[np.bool_]:
    """Tell which responses do not begin and end at zero, or whose positive and negative areas differ too much.

    Judged on the average over the neighbours, so that noise does not decide.
    """
    rows = responses.average
    few = max(2, rows.shape[-1] // 20)
    peak = np.abs(rows).max(axis=-1)
    ends = np.maximum(np.abs(rows[..., :few].mean(axis=-1)), np.abs(rows[..., -few:].mean(axis=-1)))
    signed, rectified = np.abs(rows.sum(axis=-1)), np.abs(rows).sum(axis=-1)
    return np.asarray((ends > max_end * peak) | (signed > max_imbalance * rectified))


@dataclass(frozen=True)
class RMS:
    """Root mean square of voluntary EMG in a window, from its valid samples.

    The mean of the window is removed first. Samples that are not valid are left out, which is the duty correction
    RMS/√d of a signal with zeros put in: right if what was lost has nothing to do with the size of the signal. What a
    separation takes of voluntary EMG, or adds to it by averaging, is divided out as it states it (``gain_on_clean``).

    Parameters
    ----------
    min_valid : float, default 0.2
        Smallest share of valid samples, 0 ... 1; below it the value is missing.

    Notes
    -----
    Unit V. Standard error for a Gaussian process: RMS / (2 √(B_e T)), B_e = (∫P)²/∫P², T the valid time (Hof 1991
    gives the same structure), computed from the autocovariance so that gaps count as they lie.
    """

    name: ClassVar[str] = "rms"
    unit: ClassVar[str] = "V"
    kinds: ClassVar[tuple[str, ...]] = ("voluntary",)

    min_valid: float = 0.2

    def __post_init__(self) -> None:
        """Check the parameter."""
        assign(self, min_valid=in_range("min_valid", self.min_valid, 0, 1))

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels, V."""
        windows = random_process.prepare(segments)
        values = np.sqrt(np.sum(windows.values**2, axis=-1) / windows.count)
        errors = values * windows.mean_square_error / 2
        return _amplitude(segments, self.min_valid, values, errors)


@dataclass(frozen=True)
class ARV:
    """Average rectified value of voluntary EMG in a window, from its valid samples.

    The mean of the window is removed first. Leaving out samples that are not valid is the duty correction ARV/d. The
    separation's ``gain_on_clean`` is divided out as in `RMS`.

    Parameters
    ----------
    min_valid : float, default 0.2
        Smallest share of valid samples, 0 ... 1; below it the value is missing.

    Notes
    -----
    Unit V. Standard error for a Gaussian process: the autocovariance of ``|x|`` is
    (2σ²/π) (√(1−ρ²) + ρ·arcsin ρ − 1), close to σ²ρ²/π, so that ARV scatters by √(π−2) − 1 = 7 % more than RMS.
    """

    name: ClassVar[str] = "arv"
    unit: ClassVar[str] = "V"
    kinds: ClassVar[tuple[str, ...]] = ("voluntary",)

    min_valid: float = 0.2

    def __post_init__(self) -> None:
        """Check the parameter."""
        assign(self, min_valid=in_range("min_valid", self.min_valid, 0, 1))

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels, V."""
        windows = random_process.prepare(segments)
        values = np.sum(np.abs(windows.values), axis=-1) / windows.count
        errors = values * windows.mean_square_error / 2 * np.sqrt(np.pi - 2)
        return _amplitude(segments, self.min_valid, values, errors)


def _amplitude(segments: Segments, min_valid: float, values: Array, errors: Array) -> Measured:
    gain = 1.0 if segments.emg_gain is None else segments.emg_gain
    rules: Any = (*random_process.scarce(segments, min_valid), (~segments.valid.any(axis=-1), "lost"))
    return Measured(values / gain, errors / gain, first_reason(values.shape, *rules, (values == 0, "zero_power")))
