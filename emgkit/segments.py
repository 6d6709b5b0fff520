"""`Segments`: equal-length cuts of EMG, one per pulse (evoked) or per window (voluntary)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emgkit import _text
from emgkit._checks import FrozenValue, Owned, assign, freeze, freeze_optional, nearest
from emgkit._checks import names as check_names
from emgkit.errors import ParameterError, ShapeError, TimingError
from emgkit.step import Step
from emgkit.traces import check_rate

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["KINDS", "Segments"]

KINDS = ("evoked", "voluntary")


@dataclass(frozen=True, eq=False, repr=False)
class Segments(FrozenValue):
    """Equal-length pieces of EMG: M-waves after their pulses, or windows of voluntary activity.

    Parameters
    ----------
    signal : array_like, shape (segments, channels, samples)
        V. NaN is a missing sample (its `valid` is False).
    fs : float
        Sampling rate, Hz.
    starts : array_like, shape (segments,)
        Time of the reference event, s since the file's first sample: the pulse, or the start of the window.
    first : array_like, shape (segments,) or float
        Time of each segment's first sample minus its ``starts``, s. Pulses fall between samples, so this
        differs from segment to segment by parts of a sample.
    kind : {"evoked", "voluntary"}
        Response to a pulse, or piece of a random process.
    channel_names : sequence of str, optional
        ``EMG1, EMG2 ...`` unless given.
    valid : array_like of bool, shape of signal, optional
        False where a sample is lost.
    train : array_like of int, shape (segments,), optional
        Train of the pulse; 0 unless given.
    intensity : array_like, shape (segments,), optional
        Stimulation intensity in the unit that the source gave.
    shared_error : array_like, shape (channels, samples), optional
        Standard error that all segments have alike, V, as the separation states it; unknown unless given.
    emg_gain : array_like, shape (segments, channels), optional
        Factor by which a separation changed the RMS of voluntary EMG, which `RMS` and `ARV` divide out; 1 unless given.
    history : iterable of Step, optional
        What was done before.
    """

    signal: NDArray[np.float64]
    fs: float = field(kw_only=True)
    starts: NDArray[np.float64] = field(kw_only=True)
    first: NDArray[np.float64] = field(kw_only=True)
    kind: str = field(kw_only=True)
    channel_names: tuple[str, ...] = field(default=None, kw_only=True)  # type: ignore[arg-type]
    valid: NDArray[np.bool_] = field(default=None, kw_only=True)  # type: ignore[arg-type]
    train: NDArray[np.int64] = field(default=None, kw_only=True)  # type: ignore[arg-type]
    intensity: NDArray[np.float64] | None = field(default=None, kw_only=True)
    shared_error: NDArray[np.float64] | None = field(default=None, kw_only=True)
    emg_gain: NDArray[np.float64] | None = field(default=None, kw_only=True)
    history: tuple[Step, ...] = field(default=(), kw_only=True)

    def __post_init__(self) -> None:
        """Check and copy."""
        signal = freeze(self.signal)
        if signal.ndim != 3 or 0 in signal.shape[1:]:
            raise ShapeError(f"The signal must have shape (segments, channels, samples), got {signal.shape}.")
        if self.kind not in KINDS:
            raise ParameterError(f"kind={self.kind!r}: {nearest(str(self.kind), KINDS)}.")
        count, channels, _ = signal.shape
        shared = freeze_optional(self.shared_error)
        if shared is not None and shared.shape != signal.shape[1:]:
            raise ShapeError(f"shared_error must have shape {signal.shape[1:]}, got {shared.shape}.")
        gain = freeze_optional(self.emg_gain)
        if gain is not None and gain.shape != (count, channels):
            raise ShapeError(f"emg_gain must have shape {(count, channels)}, got {gain.shape}.")
        listed = [f"EMG{row + 1}" for row in range(channels)] if self.channel_names is None else self.channel_names
        assign(
            self,
            signal=signal,
            fs=check_rate(self.fs),
            starts=_per_segment("starts", self.starts, count),
            first=_per_segment("first", self.first, count),
            channel_names=check_names("channel_names", listed, channels),
            valid=_validity(signal, self.valid),
            train=_per_segment("train", 0 if self.train is None else self.train, count, np.int64),
            intensity=None if self.intensity is None else _per_segment("intensity", self.intensity, count),
            shared_error=shared,
            emg_gain=gain,
            history=tuple(self.history),
        )

    def __len__(self) -> int:
        return int(self.signal.shape[0])

    @property
    def n_channels(self) -> int:
        """Number of channels."""
        return int(self.signal.shape[1])

    @property
    def n_samples(self) -> int:
        """Number of samples per segment."""
        return int(self.signal.shape[2])

    @property
    def duration(self) -> float:
        """Length of one segment, s: number of samples over sampling rate."""
        return self.n_samples / self.fs

    @property
    def times(self) -> NDArray[np.float64]:
        """Time of every sample relative to its event, s, shape (segments, samples)."""
        return self.first[:, np.newaxis] + np.arange(self.n_samples) / self.fs

    def select(self, mask: Any) -> Segments:
        """Keep some segments; ``mask`` is bool of shape (segments,), or indices, or a slice."""
        return replace(
            self,
            signal=self.signal[mask],
            starts=self.starts[mask],
            first=self.first[mask],
            valid=self.valid[mask],
            train=self.train[mask],
            intensity=None if self.intensity is None else self.intensity[mask],
            emg_gain=None if self.emg_gain is None else self.emg_gain[mask],
        )

    def to_dataframe(self) -> pd.DataFrame:
        """Give a table with one row per segment and sample: segment, start (s), time (s), channels (V)."""
        import pandas as pd

        count, channels, samples = self.signal.shape
        kept = np.where(self.valid, self.signal, np.nan)
        columns: dict[str, Any] = {
            "segment": np.repeat(np.arange(count), samples),
            "start": np.repeat(self.starts, samples),
            "time": self.times.ravel(),
        }
        columns |= {self.channel_names[row]: kept[:, row].ravel() for row in range(channels)}
        frame = pd.DataFrame(columns)
        frame.attrs["units"] = {
            "segment": "1",
            "start": "s",
            "time": "s",
            **dict.fromkeys(self.channel_names, "V"),
        }
        return frame

    def __repr__(self) -> str:
        title = (
            f"Segments: {len(self)} {self.kind}, {self.n_channels} channel{'s' * (self.n_channels != 1)}, "
            f"{self.duration * 1e3:.4g} ms at {self.fs:g} Hz"
        )
        rows = [
            _channel_row(name, self.signal[:, row], self.valid[:, row]) for row, name in enumerate(self.channel_names)
        ]
        notes = [f"starts {self.starts.min():.4f} … {self.starts.max():.4f} s"] * bool(len(self))
        return _text.table_text(title, ["channel", "median peak to peak", "valid"], rows, notes)


def _channel_row(name: str, rows: NDArray[np.float64], valid: NDArray[np.bool_]) -> list[str]:
    if not valid.any():
        return [name, "–", "0 %"]
    high = np.where(valid, rows, -np.inf).max(axis=-1)
    low = np.where(valid, rows, np.inf).min(axis=-1)
    span = float(np.median((high - low)[valid.any(axis=-1)]))
    scale, unit = _text.scaled_unit(span, "V")
    return [
        name,
        f"{_text.number_text(span / scale)} {unit}",
        f"{_text.number_text(100 * float(valid.mean()))} %",
    ]


def _per_segment(name: str, values: Any, count: int, dtype: Any = np.float64) -> NDArray[Any]:
    array = freeze(Owned(np.full(count, values, dtype=dtype)) if np.ndim(values) == 0 else values, dtype)
    if array.shape != (count,):
        raise ShapeError(f"{name} must have one value per segment ({count}), got shape {array.shape}.")
    if name in ("starts", "first") and not np.isfinite(array).all():
        raise TimingError(f"{name} must be finite times in s.")
    return array


def _validity(signal: NDArray[np.float64], valid: Any) -> NDArray[np.bool_]:
    finite = np.isfinite(signal)
    mask = freeze_optional(valid.array if isinstance(valid, Owned) else valid, bool)
    if mask is not None and mask.shape != signal.shape:
        raise ShapeError(f"valid must have the signal's shape {signal.shape}, got {mask.shape}.")
    return freeze(Owned(finite if mask is None else mask & finite), bool)
