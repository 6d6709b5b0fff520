"""Whether responses and voluntary EMG are as small as those that the skin shows, or a factor of 100 went wrong."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.residue import output_of
from emgkit.detect.plausible import SD_PER_MAD
from emgkit.errors import EmgkitWarning
from emgkit.separation import Separation

__all__ = ["warn_if_too_large"]

Array = NDArray[np.float64]

# At most 1.5 mV RMS over the skin (De Luca 2002, Surface Electromyography: Detection and Recording), and M-waves of
# 12.6 ± 4.3 mV over biceps (Calder et al. 2005), which is among the largest; three and more times as much is no EMG
LOUDEST_EMG, LARGEST_RESPONSE = 5e-3, 0.1  # V RMS, V peak to peak
RESPONSE = 0.005, 0.030  # s after a pulse, in which an M-wave has its peaks
MOST_PULSES = 200  # that are looked at, spread over all
WINDOW, LAG = 0.25, 0.005  # s, in which EMG is measured, and of the differences: movement is slower
LOUD = 3  # windows that are so loud: fewer are movements of cables


def warn_if_too_large(separation: Separation) -> None:
    """Warn of channels whose responses or voluntary EMG are larger than any over the skin.

    Parts are rendered only where the recording itself is so large.

    Warns
    -----
    EmgkitWarning
        If the median response is above 100 mV peak to peak, or voluntary EMG above 5 mV RMS.
    """
    recording = separation.recording
    fs, signal, onsets = recording.fs, recording.signal, np.array(separation.pulses.onsets) - recording.start
    found = []
    if (_response(signal, fs, onsets) > LARGEST_RESPONSE).any() and "evoked" in separation.names:
        sizes = _response(separation.evoked.signal, fs, onsets)
        found += [(size, row, "responses", "peak to peak") for row, size in enumerate(sizes) if size > LARGEST_RESPONSE]
    if (_emg(signal, fs) > LOUDEST_EMG).any():
        sizes = _emg(output_of(separation).signal, fs)
        found += [(size, row, "voluntary EMG", "RMS") for row, size in enumerate(sizes) if size > LOUDEST_EMG]
    if found:
        size, row, what, measure = max(found)
        warnings.warn(
            f"{recording.channel_names[row]} has {what} of {1e3 * size:.3g} mV {measure}, more than any over the skin: "
            "is the unit or the gain right? A Recording holds V, or is told its unit by unit=.",
            EmgkitWarning,
            stacklevel=3,
        )


def _response(signal: Array, fs: float, onsets: Array) -> Array:
    """Peak to peak of the median response, V, (channels,)."""
    stop = min(RESPONSE[1], float(np.median(np.diff(onsets)))) if onsets.size > 1 else RESPONSE[1]
    reach = np.arange(round(RESPONSE[0] * fs), round(stop * fs))
    some = onsets[:: max(onsets.size // MOST_PULSES, 1)]
    index = np.round(some * fs).astype(np.int64)[:, np.newaxis] + reach
    index = index[index[:, -1] < signal.shape[1]] if reach.size > 1 else index[:0]
    if not index.size:
        return np.zeros(len(signal))
    return np.asarray([np.ptp(np.nan_to_num(np.median(row[index], axis=0))) for row in signal])


def _emg(signal: Array, fs: float) -> Array:
    """Robust RMS in the loudest windows, V, (channels,)."""
    lag, size = max(round(LAG * fs), 1), round(WINDOW * fs)
    count = (signal.shape[1] - lag) // size
    if count < LOUD:
        return np.zeros(len(signal))
    out = []
    for row in signal:
        apart = np.abs(row[lag:] - row[:-lag])[: count * size].reshape(count, size)
        levels = np.nan_to_num(SD_PER_MAD / np.sqrt(2) * np.median(apart, axis=1))
        out.append(float(np.sort(levels)[-LOUD]))
    return np.array(out)
