"""Stretches of a recording and of its parts that are kept for the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenMapping, FrozenValue, assign, freeze
from emgkit.errors import ShapeError
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.segments import Segments
from emgkit.separation import Separation

__all__ = ["Excerpt", "take_excerpts", "thin_out"]

Array = NDArray[np.float64]

EXCERPT_PULSES = 4  # pulses in a close-up
EXCERPT_LENGTH = 2.0  # s, of an overview
EXCERPT_PARTS = ("artifact", "evoked", "locked", "voluntary", "interference", "clean")
MOST_M_WAVES = 60


@dataclass(frozen=True, eq=False, repr=False)
class Excerpt(FrozenValue):
    """A short stretch of the recording and its parts, for the page.

    Parameters
    ----------
    label : str
        What it shows: "pulses fresh", "pulses fatigued", "fresh", "fatigued", "start".
    start : float
        Time of the first sample, s since the file's first sample.
    fs : float
        Sampling rate, Hz.
    channel_names : sequence of str
        Names of the channels.
    traces : mapping of str to array_like, each shape (channels, samples)
        "raw" and parts, V, in the precision in which they are stored (float32).
    pulses : array_like, shape (pulses,)
        Pulses in the stretch, s since the file's first sample.
    """

    label: str
    start: float
    fs: float
    channel_names: tuple[str, ...]
    traces: Mapping[str, Array]
    pulses: Array

    def __post_init__(self) -> None:
        """Check and copy."""
        traces = {name: _stored(values) for name, values in self.traces.items()}
        wrong = [name for name, values in traces.items() if values.ndim != 2 or len(values) != len(self.channel_names)]
        if wrong:
            raise ShapeError(f"Trace {wrong[0]!r} of an excerpt must have shape (channels, samples).")
        assign(self, traces=FrozenMapping(traces), pulses=freeze(self.pulses), channel_names=tuple(self.channel_names))

    @property
    def times(self) -> Array:
        """Time of every sample, s since the file's first sample."""
        count = next(iter(self.traces.values())).shape[1] if self.traces else 0
        return self.start + np.arange(count) / self.fs


def _stored(values: Any) -> Array:
    """Round to the precision in which waveforms are stored, so that a stored file gives the same numbers back."""
    return freeze(np.asarray(values, dtype=np.float32).astype(np.float64))


def thin_out(segments: Segments, most: int = MOST_M_WAVES) -> Segments:
    """Keep at most so many segments, evenly spread from the first to the last, in stored precision (float32)."""
    count = len(segments)
    part = segments.select(np.unique(np.linspace(0, count - 1, min(most, count)).round().astype(int)))
    return Segments(
        _stored(part.signal),
        fs=part.fs,
        starts=part.starts,
        first=part.first,
        kind=part.kind,
        channel_names=part.channel_names,
        valid=part.valid,
        train=part.train,
        intensity=part.intensity,
        shared_error=None if part.shared_error is None else _stored(part.shared_error),
        emg_gain=part.emg_gain,
        history=part.history,
    )


def take_excerpts(recording: Recording, separation: Separation | None) -> tuple[Excerpt, ...]:
    """Take stretches for the page: a few pulses and two seconds, fresh and fatigued; else the start."""
    parts = {"raw": recording}
    if separation is not None:
        parts |= {name: separation.part(name) for name in EXCERPT_PARTS if name in separation.names}
    pulses = None if separation is None else separation.pulses
    return tuple(_excerpt(label, span, recording, parts, pulses) for label, span in _spans(recording, pulses))


def _spans(recording: Recording, pulses: Pulses | None) -> list[tuple[str, tuple[float, float]]]:
    if pulses is None or len(pulses) < EXCERPT_PULSES:
        return [("start", (recording.start, recording.start + EXCERPT_LENGTH))]
    onsets = pulses.onsets
    interval = float(np.median(np.diff(onsets)))
    early, late = onsets[len(onsets) // 10], onsets[-max(len(onsets) // 10, EXCERPT_PULSES)]
    close = min(EXCERPT_PULSES * interval, EXCERPT_LENGTH)
    fresh = _voluntary_start(recording, float(early), last=False)
    fatigued = _voluntary_start(recording, float(late), last=True)
    return [
        ("pulses fresh", (early - 0.1 * interval, early + close)),
        ("pulses fatigued", (late - 0.1 * interval, late + close)),
        ("fresh", (fresh, fresh + EXCERPT_LENGTH)),
        ("fatigued", (fatigued, fatigued + EXCERPT_LENGTH)),
    ]


def _voluntary_start(recording: Recording, fallback: float, *, last: bool) -> float:
    """Begin an overview half its length before a voluntary contraction, so that rest and effort are both seen."""
    marked = [mark.start for mark in recording.marks if mark.label == "voluntary"]
    start = (marked[-1 if last else 0] - EXCERPT_LENGTH / 2) if marked else fallback
    return float(np.clip(start, recording.start, max(recording.stop - EXCERPT_LENGTH, recording.start)))


def _excerpt(
    label: str, span: tuple[float, float], recording: Recording, parts: Mapping[str, Recording], pulses: Pulses | None
) -> Excerpt:
    start, stop = max(span[0], recording.start), min(span[1], recording.stop)
    cuts = {name: part.crop(start, stop) for name, part in parts.items()}
    traces = {name: np.where(cut.valid, cut.signal, np.nan) for name, cut in cuts.items()}
    traces["raw"] = cuts["raw"].signal
    onsets = np.zeros(0) if pulses is None else pulses.crop(start, stop).onsets
    return Excerpt(label, cuts["raw"].start, recording.fs, recording.channel_names, traces, onsets)
