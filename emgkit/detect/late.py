"""Pulses that are given late: their artifacts come before them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.belief import profile_of
from emgkit.detect.sharp import bridged, sharp_channels, sharp_trace

__all__ = ["lateness"]

Array = NDArray[np.float64]

LEAST, MOST = 0.0015, 0.012  # s before the pulses: less belongs to the ringing of filters; unverified
SHARE = 0.4  # of the interval, at most: earlier comes the response to the pulse before
ABOUT = (-0.001, 0.002)  # s about a pulse, where its artifact is expected
SHARPER = 3.0  # times what is there
STANDS_OUT = 5.0  # times the usual sharpness
RISE, SILENT = 0.002, 0.3  # s before it, and share of it that is there at most: artifacts come out of silence
FEWEST = 10  # pulses


def lateness(signal: Array, fs: float, onsets: Array) -> float:
    """Give the time by which what is sharpest comes before the pulses, s; 0 where it comes with them.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V; missing samples NaN.
    fs : float
        Hz.
    onsets : ndarray, shape (pulses,)
        s from the first sample.
    """
    whole = bridged(signal)
    whole = whole[sharp_channels(whole, fs)]
    if not len(whole) or onsets.size < FEWEST:
        return 0.0
    reach = min(MOST, SHARE * float(np.median(np.diff(onsets))))
    lags = np.arange(-round(reach * fs), round(ABOUT[1] * fs) + 1)
    profile = profile_of(onsets, sharp_trace(whole, fs), lags, fs)
    before, about = lags < -LEAST * fs, lags >= ABOUT[0] * fs
    if not before.any() or profile[before].max() < max(SHARPER * profile[about].max(), STANDS_OUT):
        return 0.0
    place = int(np.argmax(profile[before]))
    first = place - max(round(RISE * fs), 2)
    return float(-lags[before][place] / fs) if first >= 0 and profile[first] <= SILENT * profile[place] else 0.0
