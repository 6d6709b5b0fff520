"""What a method of artifact removal must be, and what all of them need."""

from __future__ import annotations

from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from emgkit.parts import Parts
from emgkit.pulses import Pulses

__all__ = ["ArtifactMethod", "first_samples", "living_channels", "pulse_samples", "since_and_until", "windows_mask"]

Array = NDArray[np.float64]

ON_SAMPLE = 1e-6  # samples: what rounding may move a time


@runtime_checkable
class ArtifactMethod(Protocol):
    """A method of artifact removal: a frozen parameter object with one verb.

    Attributes
    ----------
    name : str
        Name under which protocols and results know the method.
    gives : tuple of str
        Parts that the method can tell apart.
    """

    name: ClassVar[str]
    gives: ClassVar[tuple[str, ...]]

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart.

        Parameters
        ----------
        signal : ndarray, shape (channels, samples)
            V. NaN is a missing sample. Clipped samples arrive as measured; they are masked in what comes out.
        fs : float
            Sampling rate, Hz.
        pulses : Pulses
            Onsets in s from the signal's first sample.

        Returns
        -------
        Parts
            Components and residual, which add up to the signal.
        """
        ...


def pulse_samples(pulses: Pulses, fs: float) -> NDArray[np.int64]:
    """First sample at or after every pulse, each rounded once on its own, shape (pulses,)."""
    return np.ceil(pulses.onsets * fs - 1e-9).astype(np.int64)


def first_samples(onsets: Array, fs: float) -> NDArray[np.int64]:
    """Give the first sample at or after each onset, s from the first sample; rounding moves none by a sample."""
    return np.ceil(onsets * fs - ON_SAMPLE).astype(np.int64)


def living_channels(signal: Array) -> NDArray[np.int64]:
    """Numbers of the channels that hold a signal: samples that are not missing and not all the same."""
    rows = (row[np.isfinite(row)] for row in signal)
    return np.flatnonzero([known.size > 0 and bool((known != known[0]).any()) for known in rows])


def since_and_until(times: Array, onsets: Array) -> tuple[Array, Array]:
    """Time since the last pulse before each time, and until the first one at or after it, s; infinite for none."""
    places = np.concatenate([[-np.inf], onsets, [np.inf]])
    after = np.searchsorted(places, times)
    return times - places[after - 1], places[after] - times


def windows_mask(onsets: Array, fs: float, count: int, before: float, after: float | Array) -> NDArray[np.bool_]:
    """Mark the samples whose times lie within ``onset - before ... onset + after``, both included, shape (samples,)."""
    low = np.clip(np.ceil((onsets - before) * fs - 1e-9), 0, count).astype(np.int64)
    high = np.clip(np.floor((onsets + after) * fs + 1e-9) + 1, 0, count).astype(np.int64)
    steps = np.zeros(count + 1, dtype=np.int64)
    np.add.at(steps, low, 1)
    np.add.at(steps, np.maximum(high, low), -1)
    return np.cumsum(steps[:-1]) > 0
