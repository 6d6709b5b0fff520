"""Pulses that are given late or early: their artifacts come before or after them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.belief import profile_of
from emgkit.detect.sharp import bridged, sharp_channels, sharp_trace

__all__ = ["lateness"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

AT_LEAST = 0.0004, 2  # s, and samples before the pulses: filters without delay spread right ones over less
LEAST, MOST = 0.0015, 0.012  # s before the pulses: what comes so early may be another artifact than the given one
EARLY = 0.0004, 1  # s, and samples after the pulses: by then all artifacts have begun
SHARE = 0.4  # of the interval, at most: earlier comes the response to the pulse before
FAR, NEXT = 0.05, 0.9  # s after the pulses, and share of the interval: there comes the next artifact
ABOUT = (-0.001, 0.002)  # s about a pulse, where its artifact is expected
SHARPER = 3.0  # times what is there
STANDS_OUT = 5.0  # times the usual sharpness
RISE, SILENT = 0.002, 0.3  # s before it, and share of it that is there at most: artifacts come out of silence
NOTHING = 3.0, 0.05  # times the usual sharpness, or of the largest: as much is there where no artifact is
HIGH = 220.0  # Hz: artifacts have their power above, M-waves below
HELD = 0.5  # of the samples before it equal the one before: they were blanked
FEWEST = 5  # pulses


def lateness(signal: Array, fs: float, onsets: Array, *, far: bool = False) -> float:
    """Give the time by which what is sharpest comes before the pulses, s; negative if after them, 0 if with them.

    Before them it may be anything that comes out of silence; after them only what is too fast for an M-wave, where
    nothing at all is sharp about the pulses and the samples between were not held.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V; missing samples NaN.
    fs : float
        Hz.
    onsets : ndarray, shape (pulses,)
        s from the first sample.
    far : bool
        Whether to look after the pulses until nearly the next one, up to 50 ms, instead of 12 ms: what comes so much
        later belongs to them, or to the next pulse, which is late.
    """
    whole = bridged(signal)
    whole = whole[sharp_channels(whole, fs)]
    if not len(whole) or onsets.size < FEWEST:
        return 0.0
    interval = float(np.median(np.diff(onsets)))
    reach = min(MOST, SHARE * interval)
    after = max(min(FAR, NEXT * interval) if far else reach, ABOUT[1])
    lags = np.arange(-round(reach * fs), round(after * fs) + 1)
    profile = profile_of(onsets, sharp_trace(whole, fs), lags, fs)
    late = _before(lags[lags <= ABOUT[1] * fs], profile[lags <= ABOUT[1] * fs], fs)
    return late if late else 0.0 - _after(lags, profile, whole, onsets, fs)


def _before(lags: Index, profile: Array, fs: float) -> float:
    before, about = lags < -LEAST * fs, lags >= ABOUT[0] * fs
    place = int(np.argmax(profile))
    within = -LEAST * fs <= lags[place] <= -max(AT_LEAST[0] * fs, AT_LEAST[1])
    if not within or profile[place] < STANDS_OUT:
        if not before.any() or profile[before].max() < max(SHARPER * profile[about].max(), STANDS_OUT):
            return 0.0
        place = int(np.argmax(profile[before]))
    first = place - max(round(RISE * fs), 2)
    return float(-lags[place] / fs) if first >= 0 and profile[first] <= SILENT * profile[place] else 0.0


def _after(lags: Index, profile: Array, whole: Array, onsets: Array, fs: float) -> float:
    place = int(np.argmax(profile))
    largest = float(profile[place])
    silent = np.flatnonzero(profile[:place] <= SILENT * largest)
    begins = int(lags[silent[-1] + 1]) if silent.size else int(lags[0])
    if begins < max(EARLY[0] * fs, EARLY[1]) or largest < STANDS_OUT:
        return 0.0
    about = (lags >= np.floor(ABOUT[0] * fs)) & (lags < begins - 1)
    if profile[about].max() > max(NOTHING[0], NOTHING[1] * largest):
        return 0.0
    near = max(round(RISE * fs), 2)
    wave = np.arange(max(lags[place] - near, 0), lags[place] + near + 1)
    first = np.round(onsets * fs).astype(np.int64)
    first = first[(first >= 0) & (first + wave[-1] < whole.shape[1])]
    steps = np.diff(whole[:, first[:, np.newaxis] + wave])
    held = np.diff(whole[:, first[:, np.newaxis] + np.arange(begins + 1)]) == 0
    share = (np.diff(steps) ** 2).sum() / max(float((steps**2).sum()), 1e-300)  # 2 - 2 cos of what a sample turns
    fast = fs / (2 * np.pi) * np.arccos(np.clip(1 - share / 2, -1.0, 1.0))
    return begins / fs if fast >= HIGH and held.mean() < HELD else 0.0
