"""Noise and interference as they are drawn: electrodes, mains, heart, movement, pops, a neighbouring muscle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.front_end import FrontEnd
from emgkit.simulate.surroundings import Surroundings, noise_density

Array = NDArray[np.floating[Any]]

HARMONICS = {1: 1.0, 3: 0.3, 5: 0.15}  # of mains, relative amplitudes; unverified
WANDER = 0.02  # rad per √s, random walk of the mains phase; unverified
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
MOVEMENT_BAND = (0.5, 15.0)  # Hz; unverified
STILL = 0.3  # of the movement where no force changes; unverified
POP_RECOVERY = 0.08  # s, time constant; unverified
NEIGHBOUR_DELAY = 2e-3  # s, of crosstalk from a neighbouring muscle; unverified


@dataclass(frozen=True, eq=False)
class Mains:
    """Mains with harmonics and a phase that wanders slowly.

    Parameters
    ----------
    amplitude : float
        Of the fundamental before the filters, V.
    frequency : float
        Hz.
    phase : (samples,) rad, of the fundamental behind the filters: it is anywhere, on either side of them
    orders : which harmonics
    start, gain : (orders, channels) rad, and relative size
    """

    amplitude: float
    frequency: float
    phase: Array
    orders: tuple[int, ...]
    start: Array
    gain: Array

    def behind(self, front_end: FrontEnd) -> Array:
        """Mains behind the filters, V, (channels, samples)."""
        return self._line(self.phase, np.abs(self._response(front_end)))

    def entering(self, front_end: FrontEnd, ratio: int) -> Array:
        """Mains before the filters, at ``ratio`` times the output rate."""
        fine = np.arange(self.phase.size * ratio) / ratio
        phase = np.interp(fine, np.arange(self.phase.size), self.phase)
        return self._line(phase, np.exp(-1j * np.angle(self._response(front_end))))

    def _response(self, front_end: FrontEnd) -> NDArray[Any]:
        return front_end.response(self.frequency * np.array(self.orders, dtype=float))

    def _line(self, phase: Array, turn: NDArray[Any]) -> Array:
        out = np.zeros((self.start.shape[1], phase.size))
        for order, start, gain, one in zip(self.orders, self.start, self.gain, turn, strict=True):
            size = self.amplitude * HARMONICS[order] * abs(one) * gain[:, np.newaxis]
            out += size * np.cos(order * phase + start[:, np.newaxis] + np.angle(one))
        return out


@dataclass(frozen=True, eq=False)
class Around:
    """What surrounds a recording, as it was drawn: it can be had behind the filters and before them.

    Parameters
    ----------
    mains : Mains
    moving : (channels, samples) heart, pops and movement before the filters, V at the output rate; None without
    spectrum : (channels, frequencies) noise before the filters, in the band of the output
    count : samples
    """

    mains: Mains
    moving: Array | None
    spectrum: NDArray[np.complexfloating[Any]]
    count: int

    def interference(self, front_end: FrontEnd) -> Array:
        """Everything that is neither muscle nor stimulation nor electrode noise, V, (channels, samples)."""
        line = self.mains.behind(front_end)
        return line if self.moving is None else line + front_end.high(self.moving)

    def noise(self, front_end: FrontEnd) -> Array:
        """Noise behind the filters, V, (channels, samples)."""
        size, frequencies = _grid(self.count, front_end)
        return _signal(self.spectrum * np.sqrt(front_end.power_gain(frequencies)), size)[:, : self.count]

    def entering(self, front_end: FrontEnd, ratio: int) -> Array:
        """All of it before the filters, V, at ``ratio`` times the output rate.

        What the filters make of it is what `interference` and `noise` give, but for what lies above half the output
        rate.
        """
        size, frequencies = _grid(self.count, front_end)
        response = front_end.response(frequencies)
        # the noise behind the filters was drawn by their gain alone
        turned = self.spectrum * np.exp(-1j * np.angle(response))
        total = _signal(turned * ratio, size * ratio)[:, : self.count * ratio]
        total += self.mains.entering(front_end, ratio)
        if self.moving is not None:
            early = np.arange(self.count * ratio) / ratio + front_end.low_delay * front_end.fs
            total += np.stack([np.interp(early, np.arange(self.count), row) for row in self.moving])
        return total


def _grid(count: int, front_end: FrontEnd) -> tuple[int, Array]:
    from scipy.fft import next_fast_len

    size = int(next_fast_len(count, real=True))
    return size, np.fft.rfftfreq(size, 1 / front_end.fs)


def _signal(spectrum: NDArray[np.complexfloating[Any]], size: int) -> Array:
    from scipy.fft import irfft

    return np.asarray(irfft(spectrum, size))


def draw_around(
    shape: tuple[int, int],
    around: Surroundings,
    front_end: FrontEnd,
    effort: Array,
    *,
    lines: np.random.Generator,
    hiss: np.random.Generator,
) -> Around:
    """Draw noise and everything that is neither muscle nor stimulation, for (channels, samples).

    ``effort`` is the drive under every channel on a grid of 1 kHz, (channels, times): electrodes move when the force
    below them changes.
    """
    wires, heart, motion, popping = lines.spawn(4)
    fs = front_end.fs
    mains = draw_mains(shape, around, fs, rng=wires)
    parts = [
        draw(shape, around, fs, source)
        for level, draw, source in ((around.ecg, _heart, heart), (around.pops, _pops, popping))
        if level
    ]
    if around.movement:
        parts.append(_movement(shape, around, fs, effort, motion))
    return Around(
        mains, np.sum(parts, axis=0) if parts else None, _draw_noise(shape, around, front_end, hiss), shape[1]
    )


def _draw_noise(
    shape: tuple[int, int], around: Surroundings, front_end: FrontEnd, rng: np.random.Generator
) -> NDArray[np.complexfloating[Any]]:
    size, frequencies = _grid(shape[1], front_end)
    scale = np.sqrt(noise_density(frequencies, around, front_end) * front_end.fs * size / 4)
    draws = rng.standard_normal((2, shape[0], frequencies.size))
    return np.asarray((draws[0] + 1j * draws[1]) * scale)


def draw_mains(shape: tuple[int, int], around: Surroundings, fs: float, *, rng: np.random.Generator) -> Mains:
    """Draw mains for (channels, samples)."""
    channels, count = shape
    walk = np.cumsum(rng.standard_normal(count)) * WANDER / np.sqrt(fs)
    phase = 2 * np.pi * around.mains * np.arange(count) / fs + walk
    orders = tuple(order for order in HARMONICS if order * around.mains < 0.45 * fs and around.mains_amplitude)
    draws = [(rng.uniform(0, 2 * np.pi, channels), rng.uniform(0.6, 1.4, channels)) for _ in orders]
    start, gain = (
        (np.array(rows).reshape(len(orders), channels) for rows in zip(*draws, strict=True))
        if draws
        else (
            np.zeros((0, channels)),
            np.zeros((0, channels)),
        )
    )
    return Mains(around.mains_amplitude, around.mains, phase, orders, start, gain)


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
    envelope = np.stack([_shaken(count, fs, row) for row in effort])
    sections = butter(2, MOVEMENT_BAND, "bandpass", fs=fs, output="sos")
    noise = sosfiltfilt(sections, rng.standard_normal((channels, count)), axis=-1)
    return np.asarray(around.movement * envelope * noise / noise.std(axis=1, keepdims=True))


def _shaken(count: int, fs: float, effort: Array) -> Array:
    """How much force changes about every sample, over its most; without any change there is a little everywhere."""
    change = np.abs(np.gradient(np.interp(np.arange(count) / fs, np.arange(effort.size) / 1000.0, effort)))
    window = np.hanning(max(int(fs), 3))
    envelope = np.convolve(change, window / window.sum(), mode="same")
    peak = float(envelope.max())
    return np.asarray(envelope / peak) if peak > 0 else np.full(count, STILL)


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
