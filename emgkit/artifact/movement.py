"""What moves below the band of surface EMG: electrodes that shift and cables that swing, found by their power."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue

__all__ = ["Movement", "find_movement", "no_movement"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

HIGHEST = 25.0  # Hz, of what is movement: from 20 Hz on the band of surface EMG begins (De Luca et al. 2010)
LOOKED = (2.0, 10.0)  # Hz, where it is looked for
BESIDE = (25.0, 45.0)  # Hz, where the spectrum is that of EMG
NOISE = (350.0, 450.0)  # Hz, where it is nearly that of the electrode and the amplifier
MANIFEST = 6.0  # times the power that EMG and noise have at most: from there on it is movement; unverified
SEGMENT, FEWEST = 2.0, 3  # s, and how many of them
WHOLE = 0.8  # of a segment's samples that must be known
SMOOTH = 5  # bins of the spectrum, over which the gain is averaged
RATE = 125.0  # Hz, of the samples that are kept: five to a period, which a cubic spline follows


@dataclass(frozen=True, eq=False)
class Movement(FrozenValue):
    """Slow movement as samples in equal steps.

    Parameters
    ----------
    samples : (channels, times) V; zero for channels without movement
    step : float
        s
    """

    samples: Array
    step: float

    @property
    def there(self) -> Mask:
        """Which channels have movement, (channels,)."""
        return np.asarray(self.samples.any(axis=1))

    def add_to(self, out: Array, fs: float) -> None:
        """Add the movement to a signal, V, (channels, samples)."""
        from scipy.interpolate import CubicSpline

        times = np.arange(out.shape[1]) / fs / self.step
        for channel in np.flatnonzero(self.there):
            out[channel] += CubicSpline(np.arange(self.samples.shape[1]), self.samples[channel])(times)

    def taken_from(self, signal: Array, fs: float) -> Array:
        """Give a signal without the movement, V, (channels, samples)."""
        moved = np.zeros_like(signal)
        self.add_to(moved, fs)
        return signal - moved

    def said(self) -> list[str]:
        """Say how large the movement is, where there is some."""
        if not self.there.any():
            return []
        largest = float(self.samples.std(axis=1).max()) * 1e6
        return [
            f"Movement below {HIGHEST:.0f} Hz, up to {largest:.2g} µV RMS and far above what EMG has there, was taken "
            "away with the interference."
        ]


def no_movement(channels: int) -> Movement:
    """Give the movement of channels that do not move."""
    return Movement(np.zeros((channels, 1)), 1.0)


def find_movement(rest: Array, known: Mask, fs: float) -> Movement:
    """Find what is far larger below 10 Hz than the EMG above it allows, and follow it.

    Parameters
    ----------
    rest : ndarray, shape (channels, samples)
        What fits of artifact, response and lines leave, V.
    known : ndarray of bool, shape (channels, samples)
        Samples that were measured.
    fs : float
        Hz.

    Notes
    -----
    Action potentials have no net area, so that the power of EMG falls with the square of frequency at least below
    its band (the level at 25 to 45 Hz is carried on so), while noise of electrodes and amplifiers is added as it is
    above. Where there is more, a Wiener filter takes the movement out; its gain at every frequency is the share of
    the power that EMG and noise do not explain.
    """
    rows = [_followed(row, ok, fs) for row, ok in zip(rest, known, strict=True)]
    if all(row is None for row in rows):
        return no_movement(len(rest))
    size, step = _grid(rest.shape[1], fs)
    return Movement(np.stack([np.zeros(size) if row is None else row for row in rows]), step)


def _grid(count: int, fs: float) -> tuple[int, float]:
    """Give the number of samples that are kept of a recording, with one after its end, and the step between them, s."""
    many = max(int(fs / RATE), 1)
    return (count + many - 1) // many + 1, many / fs


def _followed(row: Array, known: Mask, fs: float) -> Array | None:
    from scipy.fft import irfft, rfft, rfftfreq
    from scipy.signal import resample_poly

    gain = _gain(row, known, fs)
    if gain is None:
        return None
    size, step = _grid(row.size, fs)
    slow = resample_poly(_filled(row, known), 1, round(step * fs), padtype="reflect")
    ends = min(round(SEGMENT / step), slow.size - 1)
    padded = np.pad(slow, ends, mode="reflect")
    kept = irfft(rfft(padded) * np.interp(rfftfreq(padded.size, step), *gain), padded.size)
    return np.asarray(kept[ends : ends + size])


def _gain(row: Array, known: Mask, fs: float) -> tuple[Array, Array] | None:
    """Give the gain of the filter over frequency, Hz; None where no movement is manifest."""
    from scipy.ndimage import uniform_filter1d

    found = _power(row, known, fs)
    if found is None:
        return None
    frequencies, power = found
    beside, noise = (_level(frequencies, power, band) for band in (BESIDE, tuple(np.minimum(NOISE, 0.3 * fs))))
    explained = noise + beside * np.minimum(frequencies / BESIDE[0], 1.0) ** 2
    looked = (frequencies >= LOOKED[0]) & (frequencies <= LOOKED[1])
    if not beside > 0 or np.median(power[looked] / explained[looked]) < MANIFEST:
        return None
    gain = np.clip(1 - explained / np.maximum(power, 1e-300), 0.0, 1.0)
    gain[frequencies > HIGHEST] = 0.0
    return frequencies, uniform_filter1d(gain, SMOOTH, mode="nearest")


def _level(frequencies: Array, power: Array, band: tuple[float, ...]) -> float:
    low, high = min(band[0], 0.8 * band[1]), band[1]
    return float(np.median(power[(frequencies >= low) & (frequencies <= high)]))


def _power(row: Array, known: Mask, fs: float) -> tuple[Array, Array] | None:
    """Median of the spectra of pieces whose samples are known; None where they are too few."""
    from scipy.signal import periodogram

    width = round(SEGMENT * fs)
    starts = np.arange(0, row.size - width + 1, width // 2)
    share = np.concatenate([[0], np.cumsum(known)])
    starts = starts[share[starts + width] - share[starts] >= WHOLE * width]
    if starts.size < FEWEST:
        return None
    filled, spectra = _filled(row, known), []
    for start in starts:  # one after the other: the spectra of all pieces at once need many times their memory
        frequencies, power = periodogram(filled[start : start + width], fs, "hann")
        spectra.append(power[frequencies <= NOISE[1]])
    return frequencies[frequencies <= NOISE[1]], np.median(spectra, axis=0)


def _filled(row: Array, known: Mask) -> Array:
    if known.all():
        return row
    places = np.arange(row.size)
    return np.asarray(np.interp(places, places[known], row[known]))
