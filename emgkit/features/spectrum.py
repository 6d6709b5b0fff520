"""Median and mean frequency of voluntary EMG: a random process, so its power spectral density."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

import numpy as np

from emgkit._checks import assign, in_range, interval
from emgkit.errors import ParameterError, SamplingRateError
from emgkit.features import random_process
from emgkit.features.base import Array, Measured, first_reason
from emgkit.segments import Segments

__all__ = ["MDF", "MNF"]

BLOCK = 256  # segments at once, so that memory stays small
FEWEST_PAIRS = 0.05  # of the pairs that a window without gaps has at a lag
FEWEST_ORDINATES = 20  # independent ordinates in the band
FEWEST_PERIODS = 2  # of the lower end of the band
NEAR_MEDIAN = 0.25  # of the median frequency, on either side: where the density at the median is averaged

Read: TypeAlias = "Callable[[PowerDensity], tuple[Array, Array]]"


@dataclass(frozen=True)
class SpectralFeature:
    """Parameters of the spectral features of voluntary EMG.

    Parameters
    ----------
    band : (float, float), default (20, 450)
        Hz.
    taper : float, default 0.1
        Share of the window under cosine slopes at both ends together (Tukey): 0 is rectangular, 1 is Hann. A full Hann
        taper raises the scatter by 40 %.
    min_valid : float, default 0.6
        Smallest share of valid samples, 0 ... 1.
    """

    kinds: ClassVar[tuple[str, ...]] = ("voluntary",)

    band: tuple[float, float] = (20.0, 450.0)
    taper: float = 0.1
    min_valid: float = 0.6

    def __post_init__(self) -> None:
        """Check the parameters."""
        shares = {name: in_range(name, getattr(self, name), 0, 1) for name in ("taper", "min_valid")}
        assign(self, band=interval("band", self.band, "Hz"), **shares)
        if self.band[0] < 0:
            raise ParameterError(f"band must not start below 0 Hz, got {self.band[0]:g} Hz.")

    def _measure(self, segments: Segments, read: Read) -> Measured:
        """Measure all segments and channels, Hz; ``read`` takes value and standard error from a density."""
        self._check_rate(segments.fs)
        starts = range(0, max(len(segments), 1), BLOCK)
        parts = [self._block(segments.select(slice(start, start + BLOCK)), read) for start in starts]
        values, errors, lacking = (np.concatenate(column) for column in zip(*parts, strict=True))
        gaps = random_process.scarce(segments, self.min_valid)
        rules: Any = (*gaps, (lacking, gaps[0][1]), (self._too_short(segments.duration), "too_short"))
        return Measured(values, errors, first_reason(values.shape, *rules, (~np.isfinite(values), "zero_power")))

    def _check_rate(self, fs: float) -> None:
        if self.band[1] > fs / 2:
            raise SamplingRateError(
                f"The band {self.band[0]:g} ... {self.band[1]:g} Hz needs a sampling rate of at least "
                f"{2 * self.band[1]:g} Hz, this is {fs:g} Hz: give a lower band."
            )

    def _too_short(self, duration: float) -> bool:
        ordinates = duration * (self.band[1] - self.band[0])
        return ordinates < FEWEST_ORDINATES or (self.band[0] > 0 and duration * self.band[0] < FEWEST_PERIODS)

    def _block(self, segments: Segments, read: Read) -> tuple[Array, Array, Array]:
        density, lacking = power_density(segments, self.taper)
        spectrum = PowerDensity(density, segments.fs, segments.duration * _precision(segments, self.taper))
        return *read(spectrum.within(self.band)), lacking


@dataclass(frozen=True)
class MDF(SpectralFeature):
    """Median frequency of voluntary EMG: half of the power in the band lies below it.

    The power spectral density of each window: mean removed, cosine-tapered ends, periodogram zero-padded to twice the
    length; the cumulative power (trapezoids) is interpolated, so the value has no steps. Samples that are not valid
    are never invented: the autocovariance is taken over the valid pairs at each lag, and the spectrum from it, which
    for a window without gaps is the periodogram itself.

    Parameters
    ----------
    band, taper, min_valid
        See `SpectralFeature`.

    Raises
    ------
    SamplingRateError
        If the band reaches above half the sampling rate.

    Notes
    -----
    Unit Hz. Never to be pooled with `MWaveMDF`. Standard error: Var = ∫P² df / (4 T P(MDF)²) (same structure as Hof
    1991), P(MDF) averaged over ±25 % of the MDF, T reduced for taper and gaps; ∫P² from half the mean square
    of the ordinates, whose own variance doubles it.
    """

    name: ClassVar[str] = "mdf"
    unit: ClassVar[str] = "Hz"

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels, Hz."""
        return self._measure(segments, PowerDensity.median)


@dataclass(frozen=True)
class MNF(SpectralFeature):
    """Mean frequency of voluntary EMG: the centre of gravity of the power in the band.

    Spectrum as for `MDF`. The upper end of the band and noise near it weigh more than in the median.

    Parameters
    ----------
    band, taper, min_valid
        See `SpectralFeature`.

    Raises
    ------
    SamplingRateError
        If the band reaches above half the sampling rate.

    Notes
    -----
    Unit Hz. Standard error: Var = ∫(f − MNF)² P² df / (T (∫P)²) (same structure as Hof 1991).
    """

    name: ClassVar[str] = "mnf"
    unit: ClassVar[str] = "Hz"

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels, Hz."""
        return self._measure(segments, PowerDensity.mean)


def _slopes(count: int, share: float) -> Array:
    from scipy.signal.windows import tukey

    return np.asarray(tukey(count, share), dtype=np.float64)


def _precision(segments: Segments, share: float) -> Array:
    """Part of the window's length that counts for the scatter, shape (segments, channels)."""
    taper = _slopes(segments.n_samples, share)
    unequal = taper.size * np.sum(taper**4) / np.sum(taper**2) ** 2
    return np.asarray(segments.valid.mean(axis=-1) / unequal)


def power_density(segments: Segments, taper: float) -> tuple[Array, Array]:
    """Give the power spectral density on a grid of half the resolution, and where gaps forbid it.

    Returns
    -------
    density : array, shape (segments, channels, samples + 1)
        Proportional to V²/Hz, at multiples of fs / (2 · samples).
    lacking : array of bool, shape (segments, channels)
        Where a lag up to half the window has less than 5 % of its pairs.
    """
    from scipy.fft import rfft

    windows = random_process.prepare(segments)
    slopes = _slopes(segments.n_samples, taper)
    whole = random_process.autocorrelation(slopes)
    share = windows.pairs(slopes) / np.where(whole > 0, whole, np.inf)
    half = segments.n_samples // 2
    lacking = np.broadcast_to((share[..., :half] < FEWEST_PAIRS).any(axis=-1), windows.count.shape)
    products = windows.covariance_sums(slopes) / np.where(share >= FEWEST_PAIRS, share, np.inf)
    padded = rfft(products, 2 * segments.n_samples, axis=-1).real
    return np.asarray(2 * padded - products[..., :1]), np.asarray(lacking)


@dataclass(frozen=True, eq=False)
class PowerDensity:
    """Power spectral density on an equally spaced grid of half the resolution of the window.

    Parameters
    ----------
    density : array, shape (segments, channels, frequencies)
        Any unit per Hz.
    fs : float
        Hz.
    duration : array, shape (segments, channels)
        Length of time that counts for the scatter, s.
    first : float
        Frequency of the first ordinate, Hz.
    step : float, optional
        Spacing, Hz; from 0 to half the sampling rate unless given.
    """

    density: Array
    fs: float
    duration: Array
    first: float = 0.0
    step: float = 0.0

    def within(self, band: tuple[float, float]) -> PowerDensity:
        """Interpolate linearly onto the band, both ends included."""
        grid = np.linspace(0.0, self.fs / 2, self.density.shape[-1])
        points = max(int(np.ceil((band[1] - band[0]) / grid[1])), 1) + 1
        wanted = np.linspace(*band, points)
        left = np.clip(np.floor(wanted / grid[1]).astype(int), 0, grid.size - 2)
        part = wanted / grid[1] - left
        inside = self.density[..., left] * (1 - part) + self.density[..., left + 1] * part
        return PowerDensity(inside, self.fs, self.duration, band[0], (band[1] - band[0]) / (points - 1))

    @property
    def frequencies(self) -> Array:
        """Frequencies of the ordinates, Hz."""
        return np.asarray(self.first + self.step * np.arange(self.density.shape[-1]))

    @property
    def power(self) -> Array:
        """Power in the band; NaN where there is none."""
        total = np.trapezoid(self.density, dx=self.step, axis=-1)
        return np.where(total > 0, total, np.nan)

    def mean(self) -> tuple[Array, Array]:
        """Mean frequency and its standard error, Hz, each (segments, channels)."""
        value = np.trapezoid(self.density * self.frequencies, dx=self.step, axis=-1) / self.power
        off = self.frequencies - value[..., np.newaxis]
        # the mean square of a periodogram's ordinate is twice the squared density
        scatter = np.trapezoid((off * self.density) ** 2, dx=self.step, axis=-1) / 2
        return value, np.sqrt(scatter / _positive(self.duration)) / self.power

    def median(self) -> tuple[Array, Array]:
        """Median frequency and its standard error, Hz, each (segments, channels)."""
        pieces = (self.density[..., 1:] + self.density[..., :-1]) * self.step / 2
        cumulative = np.cumsum(pieces, axis=-1)
        half = self.power / 2
        upper = (cumulative >= half[..., np.newaxis]).argmax(axis=-1)[..., np.newaxis]
        piece = np.take_along_axis(pieces, upper, axis=-1)[..., 0]
        above = np.take_along_axis(cumulative, upper, axis=-1)[..., 0] - half
        value = self.first + self.step * (upper[..., 0] + 1 - above / _positive(piece))
        scatter = np.trapezoid(self.density**2, dx=self.step, axis=-1) / 2
        return value, np.sqrt(scatter / _positive(self.duration)) / (2 * self._density_near(value))

    def _density_near(self, value: Array) -> Array:
        near = np.abs(self.frequencies - value[..., np.newaxis]) <= NEAR_MEDIAN * value[..., np.newaxis]
        return np.asarray(np.sum(self.density * near, axis=-1) / _positive(near.sum(axis=-1)))


def _positive(values: Array) -> Array:
    return np.where(values > 0, values, np.nan)
