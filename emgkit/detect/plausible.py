"""Whether what was given as V can be EMG at all."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import EmgkitWarning

__all__ = ["SD_PER_MAD", "warn_if_no_emg"]

LAG = 0.005  # s; long against the width of a stimulation artifact, short against drift and offset
SD_PER_MAD = 1.482602218505602  # SD of a normal variable over its median absolute deviation
TOO_LARGE = 20e-3  # V, as for the files that are read
TOO_HIGH = 5.5  # V off the middle: electrode amplifiers clip below 5 V, which is what a trigger beside EMG may have
TOO_SMALL = 1e-8  # V: the resistance of skin alone makes 0.1 µV of noise at 10 kΩ up to 500 Hz; unverified
LOOKED_AT = 50_000  # samples of every channel


def warn_if_no_emg(signal: NDArray[np.float64], fs: float, names: tuple[str, ...]) -> bool:
    """Warn of channels that are too large or too small for EMG: most often µV or mV were given for V, or scaled twice.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V.
    fs : float
        Hz.
    names : tuple of str
        Of the channels.

    Returns
    -------
    bool
        Whether it did.

    Warns
    -----
    EmgkitWarning
        If the median absolute difference over 5 ms, which neither offset nor drift nor short artifacts move, is that
        of noise above 20 mV or below 10 nV in a channel that is not still; or if single samples are 5.5 V off the
        median, which no artifact behind an electrode amplifier reaches.
    """
    sizes = [_size(row, fs) for row in signal]
    large = [number for number, size in enumerate(sizes) if size > TOO_LARGE]
    small = [number for number, size in enumerate(sizes) if 0 < size < TOO_SMALL]
    if not large and not small:
        return _warn_of_peaks(signal, names)
    worst = max(large, key=lambda number: sizes[number]) if large else min(small, key=lambda number: sizes[number])
    asked = "are these µV or mV?" if large else "were V given as µV or mV, so that they were scaled once too often?"
    warnings.warn(
        f"{names[worst]} has an amplitude of {sizes[worst]:.3g} V, which cannot be EMG: {asked} "
        f"A Recording holds V, or is told its unit by unit=.",
        EmgkitWarning,
        stacklevel=3,
    )
    return True


def _warn_of_peaks(signal: NDArray[np.float64], names: tuple[str, ...]) -> bool:
    peaks = [_peak(row) for row in signal]
    highest = int(np.argmax(peaks))
    if peaks[highest] > TOO_HIGH:
        warnings.warn(
            f"{names[highest]} has samples {peaks[highest]:.3g} V off its median, more than an electrode amplifier "
            "gives: are these µV or mV? A Recording holds V, or is told its unit by unit=.",
            EmgkitWarning,
            stacklevel=4,
        )
    return peaks[highest] > TOO_HIGH


def _peak(row: NDArray[np.float64]) -> float:
    known = row[np.isfinite(row)]
    if not known.size:
        return 0.0
    middle = float(np.median(known[:: max(known.size // LOOKED_AT, 1)]))
    return max(float(known.max()) - middle, middle - float(known.min()))


def _size(row: NDArray[np.float64], fs: float) -> float:
    lag = min(max(round(LAG * fs), 1), max(row.size - 1, 1))
    step = max(row.size // LOOKED_AT, 1)
    differences = np.abs(row[lag::step] - row[:-lag:step])
    known = differences[np.isfinite(differences)]
    return SD_PER_MAD * float(np.median(known)) / np.sqrt(2) if known.size else 0.0
