"""Small stimulated recordings on which the contract of an artifact method is checked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from emgkit.pulses import Pulses

__all__ = ["KINDS", "Case", "make_case"]

Array = NDArray[np.float64]

QUIET = 0.7  # s without pulses before the first and after the last pulse
RATE = 29.97  # Hz, never a whole number of samples
KINDS: Final = ("train", "two_trains", "two_stimulators", "doublets", "single", "edges")


@dataclass(frozen=True, eq=False)
class Case:
    """One recording to take apart.

    Parameters
    ----------
    kind : str
        One of `KINDS`.
    signal : ndarray, shape (channels, samples)
        V.
    fs : float
        Hz.
    pulses : Pulses
        Onsets in s from the first sample.
    """

    kind: str
    signal: Array
    fs: float
    pulses: Pulses

    def __str__(self) -> str:
        return f"{self.kind}, {self.fs:g} Hz, {self.signal.shape[0]} channels"


def make_case(kind: str, fs: float, channels: int, seed: int) -> Case:
    """Make a recording of band-limited noise, an artifact with a tail and an M-wave at every pulse.

    Parameters
    ----------
    kind : str
        "train", "two_trains", "two_stimulators" (30 and 20 Hz), "doublets" (5 ms apart), "single", or "edges" (pulses
        at the first and last sample).
    fs : float
        Hz.
    channels : int
        The artifact has a size of its own in each.
    seed : int
        Of the random numbers.
    """
    rng = np.random.default_rng(seed)
    pulses = _pulses(kind, fs)
    onsets = pulses.onsets
    after = 0.0 if kind == "edges" else QUIET
    count = round((onsets[-1] + after) * fs) + 1
    times = np.arange(count) / fs
    signal = _noise(rng, channels, count, fs)
    sizes = rng.uniform(0.5, 1.5, (channels, 2)) * rng.choice([-1.0, 1.0], (channels, 2))
    for onset in onsets:
        phase = times - onset
        signal += sizes[:, :1] * _artifact(phase) + sizes[:, 1:] * _m_wave(phase)
    return Case(kind, signal, fs, pulses)


def _pulses(kind: str, fs: float) -> Pulses:
    if kind != "two_stimulators":
        return Pulses(_onsets(kind, fs))
    onsets = np.concatenate([QUIET + np.arange(60) / RATE, QUIET + 0.0103 + np.arange(40) / 19.96])
    order = np.argsort(onsets)
    return Pulses(onsets[order], stimulator=np.repeat([0, 1], [60, 40])[order])


def _onsets(kind: str, fs: float) -> Array:
    train = np.arange(60) / RATE
    if kind == "edges":
        return np.asarray(np.append(train, np.ceil(60 / RATE * fs) / fs))
    if kind == "two_trains":
        return np.concatenate([QUIET + train[:25], QUIET + 1.6 + train[:25]])
    if kind == "doublets":
        first = QUIET + np.arange(14) * 0.1503
        return np.sort(np.concatenate([first, first + 0.005]))
    return QUIET + (train if kind == "train" else train[:1])


def _noise(rng: np.random.Generator, channels: int, count: int, fs: float) -> Array:
    """EMG-like noise of 30 µV RMS between 20 and 350 Hz, and a little white noise."""
    frequency = np.fft.rfftfreq(count, 1 / fs)
    band = np.fft.rfft(rng.normal(size=(channels, count))) * ((frequency > 20) & (frequency < min(350, 0.4 * fs)))
    emg = np.fft.irfft(band, count)
    return 30e-6 * emg / emg.std(axis=1, keepdims=True) + 2e-6 * rng.normal(size=(channels, count))


def _artifact(phase: Array) -> Array:
    spike = np.where((phase >= 0) & (phase < 0.0012), np.sin(2 * np.pi * phase / 0.0012), 0.0)
    tail = np.where(phase >= 0, np.exp(-np.maximum(phase, 0.0) / 0.004), 0.0)
    return 2e-3 * spike + 0.2e-3 * tail


def _m_wave(phase: Array) -> Array:
    place = (phase - 0.009) / 0.003
    return -1e-3 * place * np.exp(-(place**2))
