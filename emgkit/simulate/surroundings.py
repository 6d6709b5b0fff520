"""What else is in a recording: electrode noise, mains, heart, movement, electrode pops, a neighbouring muscle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range
from emgkit.simulate.front_end import FrontEnd
from emgkit.simulate.kinds import check_kinds

Array = NDArray[np.floating[Any]]

HARMONICS = {1: 1.0, 3: 0.3, 5: 0.15}  # of mains, relative amplitudes; unverified
WANDER = 0.02  # rad per √s, random walk of the mains phase
# place after the R wave in s, height over R and width in s of the P, Q, R, S and T waves: the sum of Gaussian waves of
# McSharry et al. 2003 (IEEE Trans Biomed Eng 50:289), in time instead of angle; heights unverified
HEART_WAVES = (
    (-0.17, 0.12, 0.025),
    (-0.026, -0.12, 0.010),
    (0.0, 1.0, 0.011),
    (0.028, -0.25, 0.010),
    (0.24, 0.3, 0.05),
)
HEART_SPREAD = 0.05  # SD of the heart's intervals over their mean; unverified
MOVEMENT_BAND = (0.5, 15.0)  # Hz
POP_RECOVERY = 0.08  # s, time constant; unverified
NEIGHBOUR_DELAY = 2e-3  # s, of crosstalk from a neighbouring muscle; unverified


@dataclass(frozen=True)
class Surroundings:
    """Noise and interference. Voltages in V.

    Parameters
    ----------
    noise : float
        RMS of the white noise of electrode and amplifier.
    flicker : float
        Frequency below which 1/f noise exceeds the white noise, Hz.
    mains : float
        Mains frequency, Hz.
    mains_amplitude : float
        Amplitude of its fundamental; the third and fifth harmonic come with it.
    ecg : float
        Height of the heart's R wave; 20 to 300 µV over the trunk.
    heart_rate : float
        Beats per minute.
    movement : float
        RMS of movement artifact while force changes.
    pops : float
        Electrode pops per minute.
    pop_size : float
        Their height.
    neighbour : float
        Share of the next channel's voluntary EMG that is seen, delayed.
    """

    noise: float = 2e-6
    flicker: float = 20.0
    mains: float = 50.02
    mains_amplitude: float = 10e-6
    ecg: float = 0.0
    heart_rate: float = 70.0
    movement: float = 0.0
    pops: float = 0.0
    pop_size: float = 500e-6
    neighbour: float = 0.0

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        in_range("mains", self.mains, 45.0, 65.0, "Hz")
        in_range("flicker", self.flicker, 0.0, 200.0, "Hz")
        in_range("heart_rate", self.heart_rate, 20.0, 240.0, "1/min")
        in_range("pops", self.pops, 0.0, 600.0, "1/min")
        in_range("neighbour", self.neighbour, 0.0, 0.5)
        in_range("pop_size", self.pop_size, 0.0, 1.0, "V")
        for name in ("noise", "mains_amplitude", "ecg", "movement"):
            in_range(name, getattr(self, name), 0.0, 1.0, "V")


def noise_spectrum(frequencies: Array, around: Surroundings, front_end: FrontEnd) -> Array:
    """One-sided power spectral density of the electrode noise, V²/Hz."""
    white = around.noise**2 / (front_end.fs / 2)
    safe = np.maximum(frequencies, 0.5)
    return white * (1 + around.flicker / safe) * front_end.power_gain(frequencies)


def draw_noise(shape: tuple[int, int], around: Surroundings, front_end: FrontEnd, *, rng: np.random.Generator) -> Array:
    """Draw Gaussian noise with that spectrum, V, shape (channels, samples)."""
    from scipy.fft import irfft, next_fast_len

    channels, count = shape
    size = next_fast_len(count, real=True)
    frequencies = np.fft.rfftfreq(size, 1 / front_end.fs)
    scale = np.sqrt(noise_spectrum(frequencies, around, front_end) * front_end.fs * size / 4)
    draws = rng.standard_normal((2, channels, frequencies.size))
    return np.asarray(irfft((draws[0] + 1j * draws[1]) * scale, size)[:, :count])


def draw_interference(
    shape: tuple[int, int], around: Surroundings, front_end: FrontEnd, effort: Array, *, rng: np.random.Generator
) -> Array:
    """Draw everything that is neither muscle nor stimulation nor electrode noise, V, shape (channels, samples).

    ``effort`` is the drive on a grid of 1 kHz: electrodes move when force changes.
    """
    lines, heart, motion, popping = rng.spawn(4)
    fs = front_end.fs
    out = draw_mains(shape, around, fs, rng=lines)
    for level, draw, source in (
        (around.ecg, _heart, heart),
        (around.pops, _pops, popping),
    ):
        if level:
            out += front_end.high(draw(shape, around, fs, source))
    if around.movement:
        out += front_end.high(_movement(shape, around, fs, effort, motion))
    return out


def draw_mains(shape: tuple[int, int], around: Surroundings, fs: float, *, rng: np.random.Generator) -> Array:
    """Draw mains with harmonics and a phase that wanders slowly, V."""
    channels, count = shape
    walk = np.cumsum(rng.standard_normal(count)) * WANDER / np.sqrt(fs)
    phase = 2 * np.pi * around.mains * np.arange(count) / fs + walk
    out = np.zeros(shape)
    for order, share in HARMONICS.items():
        if order * around.mains < 0.45 * fs and around.mains_amplitude:
            start = rng.uniform(0, 2 * np.pi, (channels, 1))
            gain = rng.uniform(0.6, 1.4, (channels, 1))
            out += around.mains_amplitude * share * gain * np.cos(order * phase + start)
    return out


def _heart(shape: tuple[int, int], around: Surroundings, fs: float, rng: np.random.Generator) -> Array:
    channels, count = shape
    mean = 60.0 / around.heart_rate
    intervals = mean * (1 + HEART_SPREAD * rng.standard_normal(int(count / fs / mean * 1.5) + 5))
    beats = np.cumsum(intervals) - mean * rng.uniform()
    time, line = np.arange(count) / fs, np.zeros(count)
    for beat in beats[beats < count / fs + 1]:
        low, high = np.searchsorted(time, (beat - 0.4, beat + 0.6))
        own = time[low:high] - beat
        for place, height, width in HEART_WAVES:
            line[low:high] += height * np.exp(-0.5 * ((own - place) / width) ** 2)
    return around.ecg * rng.uniform(0.5, 1.0, (channels, 1)) * line


def _movement(
    shape: tuple[int, int], around: Surroundings, fs: float, effort: Array, rng: np.random.Generator
) -> Array:
    from scipy.signal import butter, sosfiltfilt

    channels, count = shape
    change = np.abs(np.gradient(np.interp(np.arange(count) / fs, np.arange(effort.size) / 1000.0, effort)))
    window = np.hanning(max(int(fs), 3))
    envelope = np.convolve(change, window / window.sum(), mode="same")
    peak = float(envelope.max())
    envelope = envelope / peak if peak > 0 else np.full(count, 0.3)
    sections = butter(2, MOVEMENT_BAND, "bandpass", fs=fs, output="sos")
    noise = sosfiltfilt(sections, rng.standard_normal((channels, count)), axis=-1)
    return np.asarray(around.movement * envelope * noise / noise.std(axis=1, keepdims=True))


def _pops(shape: tuple[int, int], around: Surroundings, fs: float, rng: np.random.Generator) -> Array:
    from scipy.signal import lfilter

    channels, count = shape
    out = np.zeros(shape)
    for channel in range(channels):
        places = rng.integers(0, count, rng.poisson(around.pops * count / fs / 60.0))
        np.add.at(out[channel], places, around.pop_size * rng.choice([-1.0, 1.0], places.size))
    return np.asarray(lfilter([1.0], [1.0, -np.exp(-1 / (POP_RECOVERY * fs))], out, axis=-1))


def from_neighbours(voluntary: Array, around: Surroundings, fs: float) -> Array:
    """Crosstalk: every channel sees a share of the next one's voluntary EMG, later."""
    if not around.neighbour or len(voluntary) < 2:
        return np.zeros_like(voluntary)
    late = np.roll(np.roll(voluntary, -1, axis=0), round(NEIGHBOUR_DELAY * fs), axis=1)
    late[:, : round(NEIGHBOUR_DELAY * fs)] = 0.0
    return around.neighbour * late
