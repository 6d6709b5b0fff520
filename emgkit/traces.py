"""`Trace` and `Mark`: auxiliary channels with their own rates, and labelled intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue, assign, freeze, number, positive
from emgkit.errors import ParameterError, SamplingRateError, ShapeError, TimingError

__all__ = ["Mark", "Trace", "check_rate", "cut_marks", "sample_range", "sorted_marks"]


@dataclass(frozen=True, eq=False)
class Mark:
    """A labelled stretch of time, for example one voluntary contraction.

    Parameters
    ----------
    label : str
        What was going on.
    start, stop : float
        Half-open interval, s since the file's first sample. Equal for an event without duration.
    """

    label: str
    start: float
    stop: float

    def __post_init__(self) -> None:
        """Check the label and the order of the times."""
        start, stop = number("mark start", self.start), number("mark stop", self.stop)
        if not isinstance(self.label, str) or not self.label.strip():
            raise ParameterError(f"A mark needs a label, got {self.label!r}.")
        if stop < start:
            raise TimingError(f"Mark {self.label!r} stops ({stop:g} s) before it starts ({start:g} s).")
        assign(self, start=start, stop=stop)


def sorted_marks(marks: Iterable[Mark]) -> tuple[Mark, ...]:
    """Check marks, and give them in the order of time."""
    listed = tuple(marks)
    wrong = [mark for mark in listed if not isinstance(mark, Mark)]
    if wrong:
        raise ParameterError(f"marks must be Mark(label, start, stop), got {wrong[0]!r}.")
    return tuple(sorted(listed, key=lambda mark: (mark.start, mark.stop, mark.label)))


def cut_marks(marks: Iterable[Mark], start: float, stop: float) -> tuple[Mark, ...]:
    """Cut marks to the times from ``start`` to ``stop``, s."""
    inside = [mark for mark in marks if mark.start < stop and (mark.stop > start or start <= mark.start)]
    return tuple(Mark(mark.label, max(mark.start, start), min(mark.stop, stop)) for mark in inside)


@dataclass(frozen=True, eq=False, repr=False)
class Trace(FrozenValue):
    """One auxiliary channel with its own sampling rate: trigger, force, current, angle.

    Parameters
    ----------
    values : array_like, shape (samples,)
        The samples, in ``unit``. NaN is a missing sample.
    fs : float
        Sampling rate, Hz.
    unit : str, default "1"
        Unit of the values as it is to be printed; "1" for none.
    start : float, default 0.0
        Time of the first sample, s since the file's first sample.
    """

    values: NDArray[np.float64]
    fs: float
    unit: str = "1"
    start: float = 0.0

    def __post_init__(self) -> None:
        """Check and copy."""
        values = freeze(self.values)
        if values.ndim != 1:
            raise ShapeError(f"A trace has one dimension (samples,), got shape {values.shape}.")
        assign(self, values=values, fs=check_rate(self.fs), start=number("start", self.start), unit=str(self.unit))

    @property
    def times(self) -> NDArray[np.float64]:
        """Time of every sample, s since the file's first sample, shape (samples,)."""
        return self.start + np.arange(self.values.size) / self.fs

    @property
    def duration(self) -> float:
        """Length in time, s: number of samples over sampling rate."""
        return self.values.size / self.fs

    def crop(self, start: float, stop: float) -> Trace:
        """Keep the samples of the half-open interval from start to stop, s; times stay as they are."""
        low, high = sample_range(start - self.start, stop - self.start, self.fs, self.values.size)
        return replace(self, values=self.values[low:high], start=self.start + low / self.fs)

    def __repr__(self) -> str:
        return f"Trace({self.values.size} samples in {self.unit}, {self.fs:g} Hz, from {self.start:g} s)"


def check_rate(fs: Any) -> float:
    """Check that a sampling rate is a finite number above zero, Hz."""
    try:
        return positive("fs", fs, "Hz")
    except ParameterError as error:
        raise SamplingRateError(f"The sampling rate {error}") from None


def sample_range(start: float, stop: float, fs: float, count: int) -> tuple[int, int]:
    """Give the indices of the samples in the half-open interval ``start ... stop``, s from the first sample."""
    # 1e-6 of a sample: times like 0.3 s are no exact multiples of 1/fs in binary
    low = math.ceil(start * fs - 1e-6)
    high = math.ceil(stop * fs - 1e-6)
    return min(max(low, 0), count), min(max(high, 0), count)
