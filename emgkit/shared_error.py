"""`SharedError`: an error that a part of a recording has alike after every pulse."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue, assign, freeze
from emgkit.errors import ShapeError, TimingError

__all__ = ["SharedError", "shared_error_at"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class SharedError(FrozenValue):
    """Standard error of what follows the pulses, alike after each of them, so that no average makes it smaller.

    Parameters
    ----------
    onsets : array_like, shape (pulses,)
        s, increasing, on the clock of the recording that it is about.
    times : array_like, shape (times,)
        s since the pulse, increasing.
    error : array_like, shape (channels, times)
        V.

    Raises
    ------
    ShapeError
        If the arrays do not fit together.
    TimingError
        If onsets or times do not increase.
    """

    onsets: Array
    times: Array
    error: Array

    def __post_init__(self) -> None:
        """Check and copy."""
        assign(self, onsets=freeze(self.onsets), times=freeze(self.times), error=freeze(self.error))
        if (np.diff(self.onsets, axis=0) < 0).any() or (np.diff(self.times, axis=0) <= 0).any():
            raise TimingError("Onsets and times of a shared error must increase.")
        if self.onsets.ndim != 1 or self.error.ndim != 2 or self.error.shape[1:] != self.times.shape:
            raise ShapeError(
                f"The error must have shape (channels, times) with {self.times.size} times after {self.onsets.size} "
                f"pulses, got {self.error.shape}."
            )

    def later(self, by: float) -> SharedError:
        """Give it on a clock that shows so much more, s."""
        return replace(self, onsets=self.onsets + by)

    def pick(self, rows: Iterable[int]) -> SharedError:
        """Keep some channels."""
        return replace(self, error=self.error[list(rows)])

    def at(self, times: Array) -> Array:
        """Give the error at times of the recording, s, in V; channels come first. It is 0 where no pulse reaches."""
        if not self.onsets.size:
            return np.zeros((len(self.error), *times.shape))
        last = np.searchsorted(self.onsets + self.times[0], times, side="right") - 1
        since = np.where(last >= 0, times - self.onsets[np.maximum(last, 0)], np.inf)
        out = np.zeros((len(self.error), *times.shape))
        for row in np.flatnonzero(self.error.any(axis=1)):
            out[row] = np.interp(since, self.times, self.error[row], left=0.0, right=0.0)
        return out


def shared_error_at(errors: Iterable[SharedError], times: Array, channels: int) -> Array:
    """Give the error of several kinds of pulses together at times of the recording, s, in V."""
    variance = np.zeros((channels, *times.shape))
    for one in errors:
        variance += one.at(times) ** 2
    return np.asarray(np.sqrt(variance))
