"""`Pulses`: when the stimulator fired, and how good its clock is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emgkit import _text
from emgkit._checks import FrozenValue, adopt, assign, freeze, nearest, number
from emgkit.errors import ParameterError, ShapeError, TimingError

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Clock", "Pulses"]

TIME_SOURCES = ("trigger", "artifact", "schedule")
TRAIN_GAP = 5.0  # intervals: a pause of more than so many median intervals begins a new train


@dataclass(frozen=True, eq=False, repr=False)
class Clock(FrozenValue):
    """How regularly the stimulator fired: the straight line through the pulse times.

    Parameters
    ----------
    rate : float
        Pulses per second within trains, Hz.
    ppm : float
        Deviation of ``rate`` from ``nominal``, parts per million; NaN without a nominal rate.
    jitter : float
        SD of the pulses about the model, s, without what the errors of the measured times add.
    missing : array_like, shape (missing,)
        Times at which the model expects a pulse and none is there, s.
    extra : array_like, shape (extra,)
        Times of pulses that the model does not expect, s.
    nominal : float, optional
        The rate that was set on the stimulator, Hz.
    model : str
        In words, which model was fitted.
    drift : float, default 0.0
        Largest departure of a slow drift from the straight line, s; 0 for none.
    error : float
        Typical standard error of the time of one pulse, s; NaN if it is not known.
    """

    rate: float
    ppm: float
    jitter: float
    missing: NDArray[np.float64]
    extra: NDArray[np.float64]
    nominal: float | None = None
    model: str = ""
    drift: float = 0.0
    error: float = float("nan")

    def __post_init__(self) -> None:
        """Copy the arrays."""
        assign(self, missing=freeze(self.missing).reshape(-1), extra=freeze(self.extra).reshape(-1))

    def __repr__(self) -> str:
        drift = "" if np.isnan(self.ppm) else f", {self.ppm:+.1f} ppm from {self.nominal:g} Hz"
        return (
            f"Clock: {self.rate:.5g} Hz{drift}, jitter {self.jitter * 1e6:.3g} µs RMS, "
            f"{self.missing.size} missing, {self.extra.size} extra"
        )


@dataclass(frozen=True, eq=False, repr=False)
class Pulses(FrozenValue):
    """The times at which the stimulator fired: the leading edge of every stimulus.

    Parameters
    ----------
    onsets : array_like, shape (pulses,)
        Leading edges, s since the file's first sample, strictly increasing, never rounded to samples.
    train : array_like of int, shape (pulses,), optional
        To which train (burst of stimulation) each pulse belongs. Unless given, a pause of more than five
        median intervals begins a new train.
    stimulator : array_like of int, shape (pulses,), optional
        Which stimulator fired; 0 unless given.
    current : array_like, shape (pulses,), optional
        Stimulation current, A; NaN where it is not known.
    width : array_like, shape (pulses,), optional
        Pulse width, s.
    errors : array_like, shape (pulses,), optional
        Standard error of every onset, s, without what all have in common.
    time_source : {"schedule", "trigger", "artifact"}
        Where the times come from.
    offset : float, default 0.0
        What was added to the times of the source to reach the leading edge, s.
    clock : Clock, optional
        What is known of the stimulator's clock.
    delay, delay_jitter : float
        Median and SD of the time from the trigger, or from the scheduled time, to the pulse, s; NaN if not known.

    Raises
    ------
    ShapeError, TimingError, ParameterError
        If the times are not finite and increasing, a current is infinite, or the lengths differ.

    Examples
    --------
    >>> import emgkit as ek
    >>> ek.Pulses([0.0, 0.025, 0.05, 5.0, 5.025]).n_trains
    2
    """

    onsets: NDArray[np.float64]
    train: NDArray[np.int64] = field(default=None, kw_only=True)  # type: ignore[arg-type]
    stimulator: NDArray[np.int64] = field(default=None, kw_only=True)  # type: ignore[arg-type]
    current: NDArray[np.float64] | None = field(default=None, kw_only=True)
    width: NDArray[np.float64] | None = field(default=None, kw_only=True)
    errors: NDArray[np.float64] | None = field(default=None, kw_only=True)
    time_source: str = field(default="schedule", kw_only=True)
    offset: float = field(default=0.0, kw_only=True)
    clock: Clock | None = field(default=None, kw_only=True)
    delay: float = field(default=float("nan"), kw_only=True)
    delay_jitter: float = field(default=float("nan"), kw_only=True)

    def __post_init__(self) -> None:
        """Check and copy."""
        onsets = _onsets(self.onsets)
        if self.time_source not in TIME_SOURCES:
            raise ParameterError(f"time_source={self.time_source!r}: {nearest(str(self.time_source), TIME_SOURCES)}.")
        trains = find_trains(onsets) if self.train is None else self.train
        assign(
            self,
            onsets=onsets,
            train=_per_pulse("train", trains, onsets.size, np.int64),
            stimulator=_per_pulse("stimulator", _none_as_zero(self.stimulator, onsets.size), onsets.size, np.int64),
            current=_current(self.current, onsets.size),
            width=_per_pulse("width", self.width, onsets.size),
            errors=_per_pulse("errors", self.errors, onsets.size),
            offset=number("offset", self.offset),
        )

    def __len__(self) -> int:
        return int(self.onsets.size)

    @property
    def n_trains(self) -> int:
        """Number of trains."""
        return int(np.unique(self.train).size)

    @property
    def intervals(self) -> NDArray[np.float64]:
        """Time from each pulse to the next, s, shape (pulses - 1,); pauses between trains included."""
        return np.diff(self.onsets)

    @property
    def rate(self) -> float:
        """Median pulse rate within trains, Hz; NaN with fewer than two pulses in any train."""
        order = np.lexsort((self.onsets, self.train, self.stimulator))  # trains of several stimulators interleave
        same = (np.diff(self.train[order]) == 0) & (np.diff(self.stimulator[order]) == 0)
        within = np.diff(self.onsets[order])[same]
        return float(1.0 / np.median(within)) if within.size else float("nan")

    def crop(self, start: float, stop: float) -> Pulses:
        """Keep the pulses of the half-open interval from start to stop, s; the times stay as they are."""
        return self.select((self.onsets >= start) & (self.onsets < stop))

    def select(self, mask: Any) -> Pulses:
        """Keep some pulses.

        Parameters
        ----------
        mask : array_like
            bool of shape (pulses,), or indices, or a slice.
        """
        return replace(
            self,
            onsets=self.onsets[mask],
            train=self.train[mask],
            stimulator=self.stimulator[mask],
            current=None if self.current is None else self.current[mask],
            width=None if self.width is None else self.width[mask],
            errors=None if self.errors is None else self.errors[mask],
        )

    def shift(self, seconds: float) -> Pulses:
        """Move all pulses by so many s; the clock's missing and extra times move along."""
        moved = number("seconds", seconds)
        clock = self.clock
        if clock is not None:
            clock = replace(clock, missing=clock.missing + moved, extra=clock.extra + moved)
        return replace(self, onsets=adopt(self.onsets + moved), clock=clock)

    def to_dataframe(self) -> pd.DataFrame:
        """Give a table with one row per pulse: onset (s), train, stimulator, current (A), width (s)."""
        import pandas as pd

        columns: dict[str, Any] = {"onset": self.onsets, "train": self.train, "stimulator": self.stimulator}
        columns |= {} if self.current is None else {"current": self.current}
        columns |= {} if self.width is None else {"width": self.width}
        frame = pd.DataFrame(columns)
        frame.attrs["units"] = {name: _COLUMN_UNITS[name] for name in columns}
        return frame

    def __repr__(self) -> str:
        title = f"Pulses: {len(self)} in {self.n_trains} train{'s' * (self.n_trains != 1)}, from the {self.time_source}"
        rows = [_train_row(number_, self.onsets[self.train == number_]) for number_ in np.unique(self.train)[:12]]
        notes = [f"… and {self.n_trains - 12} more trains"] * (self.n_trains > 12)
        notes += [repr(self.clock)] * (self.clock is not None)
        return _text.table_text(title, ["train", "pulses", "from", "to", "rate"], rows, notes)


_COLUMN_UNITS: Mapping[str, str] = {
    "onset": "s",
    "train": "1",
    "stimulator": "1",
    "current": "A",
    "width": "s",
}


def _train_row(train: int, onsets: NDArray[np.float64]) -> list[str]:
    rate = 1.0 / np.median(np.diff(onsets)) if onsets.size > 1 else float("nan")
    times = [f"{_text.number_text(float(time), 5)} s" for time in (onsets[0], onsets[-1])]
    return [str(train), str(onsets.size), *times, f"{_text.number_text(float(rate), 5)} Hz"]


def _onsets(onsets: Any) -> NDArray[np.float64]:
    times = freeze(onsets)
    if times.ndim != 1:
        raise ShapeError(f"onsets must have one dimension (pulses,), got shape {times.shape}.")
    if not np.isfinite(times).all():
        raise TimingError(f"{int((~np.isfinite(times)).sum())} of {times.size} pulse times are not finite.")
    falling = np.flatnonzero(np.diff(times) <= 0)
    if falling.size:
        first = int(falling[0])
        raise TimingError(
            f"Pulse times must increase: pulse {first + 1} at {times[first + 1]:g} s follows one at {times[first]:g} s."
        )
    return times


def _none_as_zero(values: Any, count: int) -> Any:
    return np.zeros(count, dtype=np.int64) if values is None else values


def _per_pulse(name: str, values: Any, count: int, dtype: Any = np.float64) -> Any:
    if values is None:
        return None
    array = freeze(np.broadcast_to(np.asarray(values), (count,)) if np.ndim(values) == 0 else values, dtype)
    if array.shape != (count,):
        raise ShapeError(f"{name} must have one value per pulse ({count}), got shape {array.shape}.")
    return array


def _current(values: Any, count: int) -> Any:
    current = _per_pulse("current", values, count)
    if current is not None and np.isinf(current).any():
        first = int(np.flatnonzero(np.isinf(current))[0])
        raise ParameterError(f"current must be finite, or NaN where it is not known, got {current[first]} A.")
    return current


def find_trains(onsets: NDArray[np.float64], gap: float = TRAIN_GAP) -> NDArray[np.int64]:
    """Assign pulses to trains: a pause of more than ``gap`` median intervals begins a new one, shape (pulses,)."""
    if onsets.size < 2:
        return np.zeros(onsets.size, dtype=np.int64)
    intervals = np.diff(onsets)
    breaks = intervals > gap * np.median(intervals)
    return np.concatenate([[0], np.cumsum(breaks)]).astype(np.int64)
