"""`Recording`: EMG as measured, or one part of it, with its time axis, marks and auxiliary traces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emgkit import _text
from emgkit._checks import FrozenMapping, FrozenValue, Owned, adopt, assign, freeze, nearest, number
from emgkit._checks import names as check_names
from emgkit.emg_gain import EmgGain
from emgkit.errors import ChannelError, ParameterError, ShapeError, TimingError, UnitError
from emgkit.shared_error import SharedError
from emgkit.step import Step
from emgkit.traces import Mark, Trace, check_rate, cut_marks, sample_range, sorted_marks

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Mark", "Recording", "Trace"]

VOLTS_PER_UNIT: Mapping[str, float] = FrozenMapping(
    {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6, "μV": 1e-6, "nV": 1e-9}
)


@dataclass(frozen=True, eq=False, repr=False)
class Recording(FrozenValue):
    """EMG of one or more channels with one sampling rate, as measured or after a step of cleaning.

    Parameters
    ----------
    signal : array_like, shape (channels, samples) or (samples,)
        The EMG in ``unit``; kept in V, copied and read-only. NaN marks a missing sample (its `valid` is False).
    fs : float
        Sampling rate, Hz.
    channel_names : sequence of str, optional
        One name per channel; ``EMG1, EMG2 ...`` unless given.
    unit : str, default "V"
        Unit of ``signal`` as it is passed in: "V", "mV", "µV" (or "uV"), "nV".
    valid : array_like of bool, shape of signal, optional
        False where a sample is lost (clipped, blanked, missing). Everything finite is valid unless given.
    start : float, default 0.0
        Time of the first sample, s since the file's first sample.
    aux : mapping of str to Trace, optional
        Auxiliary channels with their own rates.
    marks : iterable of Mark, optional
        Labelled intervals.
    source : str, default ""
        Name of the file that it came from.
    history : iterable of Step, optional
        What was done so far.
    shared_errors : iterable of SharedError, optional
        What the separation that gave this part does not know of its evoked responses, alike after every pulse.
    emg_gains : iterable of EmgGain, optional
        By how much the separation that gave this part changed its voluntary EMG: `RMS` and `ARV` divide it out.

    Raises
    ------
    ShapeError
        If the signal is empty, has more than two dimensions, or more channels than samples (transposed?).
    SamplingRateError, UnitError, ParameterError
        If rate, unit or values are no good: infinite samples are refused.

    Examples
    --------
    >>> import numpy as np
    >>> import emgkit as ek
    >>> noise = np.random.default_rng(0).normal(size=(2, 2000))
    >>> ek.Recording(noise, fs=2000, channel_names=["VL", "VM"], unit="µV").duration
    1.0
    """

    signal: NDArray[np.float64]
    fs: float
    channel_names: tuple[str, ...] = None  # type: ignore[assignment]
    unit: str = "V"
    valid: NDArray[np.bool_] = field(default=None, kw_only=True)  # type: ignore[arg-type]
    start: float = field(default=0.0, kw_only=True)
    aux: Mapping[str, Trace] = field(default=None, kw_only=True)  # type: ignore[arg-type]
    marks: tuple[Mark, ...] = field(default=(), kw_only=True)
    source: str = field(default="", kw_only=True)
    history: tuple[Step, ...] = field(default=(), kw_only=True)
    shared_errors: tuple[SharedError, ...] = field(default=(), kw_only=True)
    emg_gains: tuple[EmgGain, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        """Check, convert to V and copy."""
        signal = _volts(self.signal, self.unit)
        given = self.channel_names
        listed = [f"EMG{index + 1}" for index in range(signal.shape[0])] if given is None else given
        assign(
            self,
            signal=signal,
            unit="V",
            fs=check_rate(self.fs),
            channel_names=check_names("channel_names", listed, signal.shape[0]),
            valid=_validity(signal, self.valid),
            start=number("start", self.start),
            aux=_traces(self.aux),
            marks=sorted_marks(self.marks),
            source=str(self.source),
            history=tuple(self.history),
            shared_errors=tuple(self.shared_errors),
            emg_gains=tuple(self.emg_gains),
        )

    @property
    def n_channels(self) -> int:
        """Number of channels."""
        return int(self.signal.shape[0])

    @property
    def n_samples(self) -> int:
        """Number of samples per channel."""
        return int(self.signal.shape[1])

    @property
    def duration(self) -> float:
        """Length in time, s: number of samples over sampling rate."""
        return self.n_samples / self.fs

    @property
    def stop(self) -> float:
        """End of the last sample's interval, s since the file's first sample."""
        return self.start + self.duration

    @property
    def times(self) -> NDArray[np.float64]:
        """Time of every sample, s since the file's first sample, shape (samples,)."""
        return self.start + np.arange(self.n_samples) / self.fs

    def crop(self, start: float | None = None, stop: float | None = None) -> Recording:
        """Keep a stretch of time; times, pulses and marks stay aligned because `start` moves along.

        Parameters
        ----------
        start, stop : float, optional
            Half-open interval, s since the file's first sample; the ends of the recording unless given.

        Returns
        -------
        Recording
            With the samples whose times lie in the interval, and the marks cut to it.

        Raises
        ------
        TimingError
            If nothing is left.
        """
        begin = self.start if start is None else number("start", start)
        end = self.stop if stop is None else number("stop", stop)
        low, high = sample_range(begin - self.start, end - self.start, self.fs, self.n_samples)
        if low >= high:
            raise TimingError(
                f"No samples between {begin:g} and {end:g} s: the recording lasts "
                f"from {self.start:g} to {self.stop:g} s."
            )
        return replace(
            self,
            signal=self.signal[:, low:high],
            valid=self.valid[:, low:high],
            start=self.start + low / self.fs,
            aux={name: trace.crop(begin, end) for name, trace in self.aux.items()},
            marks=cut_marks(self.marks, begin, end),
        )

    def pick(self, names: str | Iterable[str]) -> Recording:
        """Keep some channels, in the order asked for.

        Raises
        ------
        ChannelError
            If a channel is not there; the nearest name is offered.
        """
        wanted = [names] if isinstance(names, str) else list(names)
        rows = [self._row(name) for name in wanted]
        if not rows:
            raise ChannelError(f"No channel was asked for; there are: {', '.join(self.channel_names)}.")
        return replace(
            self,
            signal=self.signal[rows],
            valid=self.valid[rows],
            channel_names=tuple(wanted),
            shared_errors=tuple(one.pick(rows) for one in self.shared_errors),
            emg_gains=tuple(one.pick(rows) for one in self.emg_gains),
        )

    def _row(self, name: str) -> int:
        if name not in self.channel_names:
            raise ChannelError(f"There is no channel {name!r}: {nearest(name, self.channel_names)}.")
        return self.channel_names.index(name)

    def with_signal(self, signal: Any, *, valid: Any = None, step: Step | None = None) -> Recording:
        """Put another signal of the same shape in place, with the same times, marks and traces.

        Parameters
        ----------
        signal : array_like or Owned, shape (channels, samples)
            In V.
        valid : array_like of bool, same shape, optional
            That of this recording unless given.
        step : Step, optional
            Appended to the history.
        """
        shape = np.shape(signal.array if isinstance(signal, Owned) else signal)
        if shape != self.signal.shape:
            raise ShapeError(f"The signal must keep its shape {self.signal.shape}, got {shape}.")
        history = self.history if step is None else (*self.history, step)
        mask = adopt(self.valid) if valid is None else valid
        return replace(self, signal=signal, valid=mask, history=history)

    def with_marks(self, marks: Iterable[Mark]) -> Recording:
        """Put other marks in place of those there are."""
        return replace(self, signal=adopt(self.signal), valid=adopt(self.valid), marks=tuple(marks))

    def to_dataframe(self) -> pd.DataFrame:
        """Give a table with one row per sample: time (s), one column per channel (V), lost samples NaN."""
        import pandas as pd

        columns = {
            name: np.where(ok, row, np.nan)
            for name, row, ok in zip(self.channel_names, self.signal, self.valid, strict=True)
        }
        frame = pd.DataFrame({"time": self.times, **columns})
        frame.attrs["units"] = {"time": "s", **dict.fromkeys(self.channel_names, "V")}
        return frame

    def __repr__(self) -> str:
        title = (
            f"Recording: {self.n_channels} channel{'s' * (self.n_channels != 1)}, {self.duration:g} s "
            f"at {self.fs:g} Hz, from {self.start:g} s" + (f", {self.source}" if self.source else "")
        )
        rows = [_channel_row(*item) for item in zip(self.channel_names, self.signal, self.valid, strict=True)]
        notes = [f"aux {name}: {trace!r}" for name, trace in self.aux.items()]
        notes += [f"marks: {len(self.marks)} ({', '.join(sorted({mark.label for mark in self.marks}))})"] * bool(
            self.marks
        )
        notes += [f"history: {' → '.join(step.name for step in self.history)}"] * bool(self.history)
        return _text.table_text(title, ["channel", "RMS about the median", "peak to peak", "valid"], rows, notes)


def _channel_row(name: str, row: NDArray[np.float64], valid: NDArray[np.bool_]) -> list[str]:
    kept = row[valid]
    if not kept.size:
        return [name, "–", "–", "0 %"]
    spread, span = float(np.sqrt(np.mean((kept - np.median(kept)) ** 2))), float(np.ptp(kept))
    scale, unit = _text.scaled_unit(span, "V")
    share = _text.number_text(100 * kept.size / row.size, 4)
    return [
        name,
        f"{_text.number_text(spread / scale)} {unit}",
        f"{_text.number_text(span / scale)} {unit}",
        f"{share} %",
    ]


def _volts(signal: Any, unit: str) -> NDArray[np.float64]:
    if unit not in VOLTS_PER_UNIT:
        raise UnitError(f"unit={unit!r} is no unit of voltage: {nearest(str(unit), VOLTS_PER_UNIT)}.")
    volts = freeze(signal)
    if volts.ndim == 1:
        volts = freeze(Owned(volts[np.newaxis].copy()))
    if volts.ndim != 2 or volts.size == 0:
        raise ShapeError(f"The signal must have shape (channels, samples) and not be empty, got {volts.shape}.")
    if volts.shape[0] > volts.shape[1]:
        raise ShapeError(
            f"The signal has more channels than samples {volts.shape}: give (channels, samples), transposed?"
        )
    if np.isinf(volts).any():
        raise ParameterError("The signal holds infinite samples; mark missing samples as NaN.")
    return volts if unit == "V" else freeze(Owned(volts * VOLTS_PER_UNIT[unit]))


def _validity(signal: NDArray[np.float64], valid: Any) -> NDArray[np.bool_]:
    finite = np.isfinite(signal)
    if valid is None:
        return freeze(Owned(finite), bool)
    mask = valid.array if isinstance(valid, Owned) else np.asarray(valid)
    if mask.ndim == 1 and signal.shape[0] == 1:
        mask = mask[np.newaxis]
    if mask.dtype != bool or mask.shape != signal.shape:
        raise ShapeError(f"valid must be bool of shape {signal.shape}, got {mask.dtype} of shape {mask.shape}.")
    if isinstance(valid, Owned) and not (mask & ~finite).any():
        return freeze(valid, bool)
    return freeze(Owned(mask & finite), bool)


def _traces(aux: Mapping[str, Trace] | None) -> FrozenMapping[Trace]:
    items = dict(aux or {})
    wrong = [name for name, trace in items.items() if not isinstance(trace, Trace)]
    if wrong:
        raise ParameterError(
            f"aux must map names to Trace(values, fs, unit); {wrong[0]!r} is {type(items[wrong[0]]).__name__}."
        )
    return FrozenMapping({str(name): trace for name, trace in items.items()})
