"""Responses and random processes whose features are known in closed form."""

from types import SimpleNamespace

import numpy as np
import pytest

import emgkit as ek

CENTRE = 0.012  # s after the pulse


def gaussian_wave(time, sigma=1.5e-3, peak=4e-3):
    """First derivative of a Gaussian: area 2 A σ √e, MDF 0.1731/σ, MNF 0.1796/σ, peaks ±A one σ off the centre."""
    shifted = (time - CENTRE) / sigma
    return -peak * shifted * np.exp(0.5 - shifted**2 / 2)


def coloured(rng, shape, fs, band=(20.0, 400.0)):
    """Gaussian noise of variance one with a flat spectrum in a band."""
    count = 2 * shape[-1] + 200
    frequencies = np.fft.rfftfreq(count, 1 / fs)
    gain = ((frequencies >= band[0]) & (frequencies <= band[1])).astype(float)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal((*shape[:-1], count))) * gain, count)[..., : shape[-1]]
    return noise * np.sqrt(count / 2 / gain.sum())


def evoked(wave=gaussian_wave, count=200, fs=2000.0, noise=0.0, seed=0, window=(0.002, 0.030), white=False, **fields):
    """M-waves whose pulses fall anywhere between the samples, 30 per second."""
    rng = np.random.default_rng(seed)
    samples = int((window[1] - window[0]) * fs + 1e-6)
    first = window[0] + rng.uniform(0, 1 / fs, count)
    times = first[:, np.newaxis] + np.arange(samples) / fs
    drawn = rng.standard_normal(times.shape) if white else coloured(rng, times.shape, fs)
    signal = (wave(times) + noise * drawn)[:, np.newaxis]
    return ek.Segments(signal, fs=fs, starts=np.arange(count) / 30, first=first, kind="evoked", **fields)


def windows(signal, fs=2000.0, valid=None, **fields):
    """Windows of voluntary EMG, shape (windows, samples), one channel."""
    mask = None if valid is None else valid[:, np.newaxis]
    starts = np.arange(len(signal)) * signal.shape[1] / fs
    return ek.Segments(signal[:, np.newaxis], fs=fs, starts=starts, first=0.0, kind="voluntary", valid=mask, **fields)


def emg_density(frequencies, low=60.0, high=120.0):
    """Power spectral density after Shwedyk and Stulen-De Luca, any unit."""
    f = np.asarray(frequencies, float)
    return f**2 * high**4 / ((f**2 + low**2) * (f**2 + high**2) ** 2)


def emg(rng, count, samples, fs=2000.0):
    """Gaussian noise with this density and variance one, shape (count, samples)."""
    longer = 2 * samples
    frequencies = np.fft.rfftfreq(longer, 1 / fs)
    gain = np.sqrt(emg_density(frequencies))
    drawn = np.fft.irfft(np.fft.rfft(rng.standard_normal((count, longer))) * gain, longer)[:, :samples]
    return drawn / np.sqrt(2 * np.sum(gain**2) / longer)


@pytest.fixture(scope="session")
def known():
    """The functions of this file."""
    return SimpleNamespace(
        wave=gaussian_wave, evoked=evoked, windows=windows, emg=emg, emg_density=emg_density, coloured=coloured,
        centre=CENTRE,
    )  # fmt: skip
