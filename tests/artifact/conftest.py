"""Clean EMG with sham pulses, and what a method does to it."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.base import windows_mask


def _clean_emg(seed, duration=30.0, fs=2000.0, channels=2, low=40.0, high=120.0):
    """Noise with the spectrum of surface EMG (Shwedyk et al. 1977), 30 µV RMS."""
    rng = np.random.default_rng(seed)
    count = round(duration * fs)
    frequency = np.fft.rfftfreq(count, 1 / fs)
    shape = frequency * high**2 / np.sqrt((frequency**2 + low**2) * (frequency**2 + high**2) ** 2)
    emg = np.fft.irfft(np.fft.rfft(rng.normal(size=(channels, count))) * shape, count)
    return 30e-6 * emg / emg.std(axis=1, keepdims=True)


def _sham_gains(method, rate, seeds, **emg):
    """Measured over published gain on clean EMG with pulses that were never given, for every seed and channel."""
    fs = emg.get("fs", 2000.0)
    ratios, published = [], []
    for seed in seeds:
        signal = _clean_emg(seed, **emg)
        onsets = 0.3 + np.arange(int((signal.shape[1] / fs - 0.7) * rate)) / rate
        parts = method.separate(signal, fs, ek.Pulses(onsets))
        kept = windows_mask(onsets, fs, signal.shape[1], -parts.reach[0], parts.reach[1])
        kept = np.broadcast_to(kept, signal.shape) & ~(np.zeros(1, bool) if parts.lost is None else parts.lost)
        left = parts.render(parts.residual, signal)
        measured = np.array([y[ok].std() / x[ok].std() for x, y, ok in zip(signal, left, kept, strict=True)])
        stated = np.broadcast_to(parts.quality["gain_on_clean"], measured.shape)
        ratios.append(measured / stated)
        published.append(stated)
    return np.array(ratios), np.array(published)


@pytest.fixture(scope="session")
def clean_emg():
    return _clean_emg


@pytest.fixture(scope="session")
def sham_gains():
    return _sham_gains
