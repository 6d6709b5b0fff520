"""Median and mean frequency of one M-wave: the energy spectrum of the whole response, not of a window on a train."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from emgkit._checks import assign, interval
from emgkit.errors import ParameterError, SamplingRateError
from emgkit.features import response_noise as noise
from emgkit.features.amplitude import incomplete
from emgkit.features.base import Array, Measured
from emgkit.features.random_process import autocorrelation
from emgkit.features.response import Errors, MWaveFeature, Responses
from emgkit.segments import Segments

__all__ = ["MWaveMDF", "MWaveMNF"]

Band = tuple[float, float]


@dataclass(frozen=True)
class MWaveSpectrumFeature(MWaveFeature):
    """Parameters of the spectral features of an M-wave.

    Parameters
    ----------
    window, baseline
        See `MWaveFeature`.
    min_snr : float, default 5
        Smallest peak over the standard deviation of the noise.
    band : (float, float), optional
        Hz; from 0 to half the sampling rate unless given.
    max_end, max_imbalance
        See `Area`.
    max_noise_share : float, default 0.5
        Largest share of noise in the energy of the window, 0 ... 1.
    """

    band: Band | None = None
    max_end: float = 0.1
    max_imbalance: float = 0.15
    max_noise_share: float = 0.5

    def __post_init__(self) -> None:
        """Check the parameters."""
        super().__post_init__()
        assign(self, band=None if self.band is None else interval("band", self.band, "Hz"))
        if self.band is not None and self.band[0] < 0:
            raise ParameterError(f"band must not start below 0 Hz, got {self.band[0]:g} Hz.")

    def _spectrum(self, responses: Responses) -> tuple[EnergySpectrum, Array]:
        """Energy spectrum without the noise's share, and this share."""
        products = autocorrelation(responses.values)
        noisy = np.asarray(responses.typical.any(axis=-1))
        of_noise = noise.local_mean(autocorrelation(responses.residuals), responses.typical)
        of_noise = np.where(noisy[..., np.newaxis], of_noise, 0.0)
        energy = np.where(products[..., 0] > 0, products[..., 0], np.inf)
        band = self._band_at(responses.fs)
        return EnergySpectrum(products - of_noise, responses.fs, band), of_noise[..., 0] / energy

    def _band_at(self, fs: float) -> Band:
        top = fs / 2
        if self.band is not None and self.band[1] > top:
            raise SamplingRateError(
                f"The band up to {self.band[1]:g} Hz needs a sampling rate of at least {2 * self.band[1]:g} Hz, "
                f"this is {fs:g} Hz: give a lower band."
            )
        return (0.0, top) if self.band is None else self.band

    def _finish(self, responses: Responses, values: Array, share: Array, weights: Array) -> Measured:
        cut = incomplete(responses, self.max_end, self.max_imbalance)
        errors = _spectral_error(responses, weights)
        return self.finish(responses, values, errors, (cut, "truncated"), (share > self.max_noise_share, "low_snr"))


@dataclass(frozen=True)
class MWaveMDF(MWaveSpectrumFeature):
    """Median frequency of the M-wave: half of the response's energy lies below it.

    The energy spectrum ``|∫x(t) exp(−i2πft) dt|²`` of the one response in the window, baseline at zero, no taper. It is
    integrated in closed form from the autocorrelation, which is what zero padding without end would give, so the
    value has no steps. The energy that noise adds is taken off: the autocorrelation of the noise, from the differences
    between neighbouring responses, is subtracted.

    Parameters
    ----------
    window, baseline, min_snr, band, max_end, max_imbalance, max_noise_share
        See `MWaveSpectrumFeature`.

    Notes
    -----
    Unit Hz. Never to be pooled with `MDF` of voluntary EMG: that is the median of the power spectral density of a
    random process. Standard error: effect of the neighbours' noise on the value, to the second order.
    """

    name: ClassVar[str] = "m_wave_mdf"
    unit: ClassVar[str] = "Hz"

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels, Hz."""
        responses = self.prepare(segments)
        spectrum, share = self._spectrum(responses)
        values, weights = spectrum.median()
        return self._finish(responses, values, share, weights)


@dataclass(frozen=True)
class MWaveMNF(MWaveSpectrumFeature):
    """Mean frequency of the M-wave: the centre of gravity of the response's energy spectrum.

    Spectrum, noise and standard error as for `MWaveMDF`. Noise far above the response's frequencies weighs more here.

    Parameters
    ----------
    window, baseline, min_snr, band, max_end, max_imbalance, max_noise_share
        See `MWaveSpectrumFeature`.

    Notes
    -----
    Unit Hz.
    """

    name: ClassVar[str] = "m_wave_mnf"
    unit: ClassVar[str] = "Hz"

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels, Hz."""
        responses = self.prepare(segments)
        spectrum, share = self._spectrum(responses)
        values, weights = spectrum.mean()
        return self._finish(responses, values, share, weights)


@dataclass(frozen=True, eq=False)
class EnergySpectrum:
    """Energy spectrum of finite responses as a function of any frequency, from their autocorrelation.

    With r(l) the sum of products at lag l, E(f) ∝ r(0) + 2 Σ r(l) cos(2πfl/fs); its integrals over a band have closed
    forms, linear in r.

    Parameters
    ----------
    products : array, shape (segments, channels, lags)
        r, V².
    fs : float
        Hz.
    band : (float, float)
        Hz.
    """

    products: Array
    fs: float
    band: Band

    @property
    def _lags(self) -> Array:
        return np.arange(self.products.shape[-1], dtype=np.float64)

    def _basis(self, frequency: Array) -> Array:
        """Weights of r in E(f), shape (..., lags)."""
        angle = 2 * np.pi * frequency[..., np.newaxis] * self._lags / self.fs
        return np.where(self._lags == 0, 1.0, 2 * np.cos(angle))

    def _integral(self, frequency: Array) -> Array:
        """Weights of r in ∫E from the band's lower end to f, shape (..., lags)."""
        return self._primitive(frequency) - self._primitive(np.asarray(self.band[0]))

    def _primitive(self, frequency: Array) -> Array:
        f = np.asarray(frequency, dtype=np.float64)[..., np.newaxis]
        return np.asarray(2 * f * np.sinc(2 * f * self._lags / self.fs) * np.where(self._lags == 0, 0.5, 1.0))

    def _first_moment(self) -> Array:
        """Weights of r in ∫f E over the band, shape (lags,)."""
        rate = 2 * np.pi * self._lags / self.fs
        safe = np.where(self._lags == 0, 1.0, rate)
        low, high = (2 * (f * np.sin(safe * f) / safe + np.cos(safe * f) / safe**2) for f in self.band)
        return np.where(self._lags == 0, (self.band[1] ** 2 - self.band[0] ** 2) / 2, high - low)

    def mean(self) -> tuple[Array, Array]:
        """Mean frequency, Hz, and its derivative by r; NaN where there is no energy."""
        total = self._integral(np.asarray(self.band[1]))
        moment = self._first_moment()
        energy = _where_positive(self.products @ total)
        value = self.products @ moment / energy
        return value, (moment - value[..., np.newaxis] * total) / energy[..., np.newaxis]

    def median(self) -> tuple[Array, Array]:
        """Median frequency, Hz, and its derivative by r; NaN where there is no energy."""
        total = self._integral(np.asarray(self.band[1]))
        half = _where_positive(self.products @ total) / 2
        low, high = self._bracket(half)
        for _ in range(4):
            low, high = self._narrow(low, high, half)
        value = (low + high) / 2
        density = _where_positive(np.sum(self.products * self._basis(value), axis=-1))
        value = np.clip(value + (half - self._energy_to(value)) / density, low, high)
        return value, (total / 2 - self._integral(value)) / density[..., np.newaxis]

    def _energy_to(self, frequency: Array) -> Array:
        return np.asarray(np.sum(self.products * self._integral(frequency), axis=-1))

    def _bracket(self, half: Array) -> tuple[Array, Array]:
        """Find the grid interval in which the cumulative energy first passes one half."""
        # the energy spectrum of N samples is fixed by its values at multiples of fs / 2N: twice as fine here
        points = int(np.ceil((self.band[1] - self.band[0]) / self.fs * 4 * self.products.shape[-1])) + 2
        grid = np.linspace(*self.band, points)
        cumulative = self.products @ self._integral(grid).T
        upper = np.clip((cumulative >= half[..., np.newaxis]).argmax(axis=-1), 1, points - 1)
        return grid[upper - 1], grid[upper]

    def _narrow(self, low: Array, high: Array, half: Array) -> tuple[Array, Array]:
        middle = (low + high) / 2
        below = self._energy_to(middle) < half
        return np.where(below, middle, low), np.where(below, high, middle)


def _where_positive(values: Array) -> Array:
    return np.where(values > 0, values, np.nan)


def _spectral_error(responses: Responses, weights: Array) -> Errors:
    """Give the standard error of a value with these derivatives by the autocorrelation, shape (segments, channels)."""
    known = np.nan_to_num(weights)
    gradient = _gradient(responses.values, known)
    linear = noise.spread(responses.residuals, noise.projected(gradient))
    own = noise.spread(autocorrelation(responses.residuals), noise.projected(known), centred=False)
    # the derivatives are taken at a noisy response, which counts twice the variance that noise has by its own energy
    of_noise = np.sqrt(np.maximum(linear**2 - own**2, 0.5 * linear**2))
    return Errors(of_noise, responses.shared_error(gradient))


def _gradient(values: Array, weights: Array) -> Array:
    """Derive a value by the samples from its derivatives by r(l): Σ w(l) (x(t−l) + x(t+l))."""
    from scipy.fft import irfft, next_fast_len, rfft

    count = values.shape[-1]
    length = next_fast_len(3 * count, real=True)
    symmetric = np.concatenate([weights[..., :0:-1], 2 * weights[..., :1], weights[..., 1:]], axis=-1)
    product = rfft(values, length, axis=-1) * rfft(symmetric, length, axis=-1)
    return np.asarray(irfft(product, length, axis=-1)[..., count - 1 : 2 * count - 1])
