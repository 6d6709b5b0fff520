"""`EmgGain`: by how much a method of artifact removal changes the voluntary EMG that it leaves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue, assign, freeze, interval
from emgkit.errors import ParameterError, ShapeError, TimingError

__all__ = ["EmgGain", "emg_gain_over"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class EmgGain(FrozenValue):
    """Factor of the RMS of voluntary EMG where a method changes the signal; elsewhere it is 1.

    Parameters
    ----------
    onsets : array_like, shape (pulses,)
        s, increasing, on the clock of the recording that it is about.
    reach : (float, float)
        From when to when around a pulse the signal is changed, s.
    gain : array_like, shape (channels,)
        The factor, above 0.

    Raises
    ------
    ShapeError
        If an array has another shape.
    TimingError
        If onsets do not increase.
    ParameterError
        If a factor is not above 0, or the reach ends before it begins.
    """

    onsets: Array
    reach: tuple[float, float]
    gain: Array

    def __post_init__(self) -> None:
        """Check and copy."""
        assign(self, onsets=freeze(self.onsets), reach=interval("reach", self.reach), gain=freeze(self.gain))
        if self.onsets.ndim != 1 or self.gain.ndim != 1:
            shapes = f"{self.onsets.shape} and {self.gain.shape}"
            raise ShapeError(f"Onsets and gains must have shapes (pulses,) and (channels,), got {shapes}.")
        if (np.diff(self.onsets) < 0).any():
            raise TimingError("Onsets of a gain must increase.")
        if not (self.gain > 0).all():
            raise ParameterError("A gain on EMG must be above 0.")

    def later(self, by: float) -> EmgGain:
        """Give it on a clock that shows so much more, s."""
        return replace(self, onsets=self.onsets + by)

    def pick(self, rows: Iterable[int]) -> EmgGain:
        """Keep some channels."""
        return replace(self, gain=self.gain[list(rows)])

    def over(self, times: Array, valid: Mask) -> Array:
        """Give the factor of the RMS of stretches, (stretches, channels).

        Parameters
        ----------
        times : ndarray, shape (stretches, samples)
            s.
        valid : ndarray of bool, shape (stretches, channels, samples)
            Samples that count.
        """
        begins, ends = self.onsets + self.reach[0], self.onsets + self.reach[1]
        last = np.searchsorted(begins, times, side="right") - 1
        changed = (last >= 0) & (times <= np.append(ends, -np.inf)[last])
        share = (valid & changed[:, np.newaxis]).sum(axis=-1) / np.maximum(valid.sum(axis=-1), 1)
        return np.asarray(np.sqrt(1 + share * (self.gain**2 - 1)))


def emg_gain_over(gains: Iterable[EmgGain], times: Array, valid: Mask) -> Array | None:
    """Give what several separations did one after the other, see `EmgGain.over`; None where there were none."""
    found = [one.over(times, valid) for one in gains]
    return np.prod(found, axis=0) if found else None
