"""`Results`: everything about one recording that is stored, shown and collected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit import _text
from emgkit._checks import FrozenMapping, FrozenValue, assign, freeze
from emgkit.errors import ShapeError
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.segments import Segments
from emgkit.separation import Separation
from emgkit.step import Step
from emgkit.tables import Change, Comparison, FeatureTable, Trend
from emgkit.traces import Mark

__all__ = [
    "Excerpt",
    "RecordingSummary",
    "Results",
    "SeparationSummary",
    "summarise_recording",
    "summarise_separation",
    "take_excerpts",
    "thin_out",
]

Array = NDArray[np.float64]

EXCERPT_PULSES = 4  # pulses in a close-up
EXCERPT_LENGTH = 2.0  # s, of an overview
EXCERPT_PARTS = ("artifact", "evoked", "locked", "voluntary", "interference", "clean")
MOST_M_WAVES = 60


@dataclass(frozen=True, eq=False, repr=False)
class RecordingSummary(FrozenValue):
    """What the recording was, without its samples.

    Parameters
    ----------
    channel_names : sequence of str
        Names of the EMG channels.
    fs : float
        Sampling rate, Hz.
    n_samples : int
        Samples per channel.
    start : float
        Time of the first sample, s since the file's first sample.
    saturated_fraction, valid_fraction : array_like, shape (channels,)
        Share of saturated and of valid samples, 0 ... 1.
    marks : sequence of Mark
        Labelled intervals.
    aux_names : sequence of str
        Names of the auxiliary traces.
    history : sequence of Step
        What was done before the parts were taken apart.
    """

    channel_names: tuple[str, ...]
    fs: float
    n_samples: int
    start: float
    saturated_fraction: Array
    valid_fraction: Array
    marks: tuple[Mark, ...] = ()
    aux_names: tuple[str, ...] = ()
    history: tuple[Step, ...] = ()

    def __post_init__(self) -> None:
        """Copy."""
        for name in ("saturated_fraction", "valid_fraction"):
            array = freeze(getattr(self, name))
            if array.shape != (len(self.channel_names),):
                raise ShapeError(f"{name} must have one value per channel, got shape {array.shape}.")
            assign(self, **{name: array})
        for name in ("channel_names", "marks", "aux_names", "history"):
            assign(self, **{name: tuple(getattr(self, name))})

    @property
    def duration(self) -> float:
        """Length in time, s."""
        return self.n_samples / self.fs


@dataclass(frozen=True, eq=False, repr=False)
class SeparationSummary(FrozenValue):
    """How the recording was taken apart.

    Parameters
    ----------
    method : str
        Name of the method.
    parameters : mapping
        Its parameters, as text and numbers.
    why : str
        Why this method.
    parts : sequence of str
        Parts that it can tell.
    evoked_lost_until : float
        Time after a pulse up to which evoked activity may be missing, s.
    quality : mapping of str to float, array or str
        How well it went.
    messages : sequence of str
        What the user should know.
    """

    method: str
    parameters: Mapping[str, Any]
    why: str
    parts: tuple[str, ...]
    evoked_lost_until: float
    quality: Mapping[str, Any]
    messages: tuple[str, ...]

    def __post_init__(self) -> None:
        """Copy."""
        quality = {
            name: value if isinstance(value, str) else freeze(np.atleast_1d(value))
            for name, value in self.quality.items()
        }
        assign(self, parameters=FrozenMapping(self.parameters), quality=FrozenMapping(quality))
        assign(self, parts=tuple(self.parts), messages=tuple(self.messages))


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


@dataclass(frozen=True, eq=False, repr=False)
class Results(FrozenValue):
    """Everything about one recording.

    Parameters
    ----------
    source, source_sha256 : str
        Name and fingerprint of the file.
    recording : RecordingSummary or None
        The recording; None for triggered sweeps.
    pulses : Pulses or None
        The pulses that were used.
    separation : SeparationSummary or None
        How it was taken apart.
    tables : mapping of str to FeatureTable
        "evoked" and "voluntary", as far as measured.
    m_waves : Segments or None
        Some M-waves from fresh to fatigued, for the page.
    trends, changes, comparisons : sequences
        Answers.
    excerpts : sequence of Excerpt
        Stretches for the page.
    messages : sequence of str
        What the user should know.
    protocol, protocol_sha256 : str
        The whole protocol as JSON, and its fingerprint.
    version : str
        Version of emgkit that measured.
    """

    source: str
    source_sha256: str = ""
    recording: RecordingSummary | None = None
    pulses: Pulses | None = None
    separation: SeparationSummary | None = None
    tables: Mapping[str, FeatureTable] = field(default_factory=dict)
    m_waves: Segments | None = None
    trends: tuple[Trend, ...] = ()
    changes: tuple[Change, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    excerpts: tuple[Excerpt, ...] = ()
    messages: tuple[str, ...] = ()
    protocol: str = "{}"
    protocol_sha256: str = ""
    version: str = ""

    def __post_init__(self) -> None:
        """Copy."""
        assign(self, tables=FrozenMapping(self.tables), version=self.version or Step("results").version)
        for name in ("trends", "changes", "comparisons", "excerpts", "messages"):
            assign(self, **{name: tuple(getattr(self, name))})

    def __repr__(self) -> str:
        rows = [[kind, str(len(table)), ", ".join(table.names)] for kind, table in self.tables.items()]
        count = 0 if self.pulses is None else len(self.pulses)
        notes = [f"{count} pulses" + ("" if self.separation is None else f", separated by {self.separation.method}")]
        answers = [repr(answer) for answer in (*self.changes, *self.comparisons)]
        return "\n".join(
            [_text.table_text(f"Results: {self.source}", ["table", "rows", "features"], rows, notes), *answers]
        )


def summarise_recording(recording: Recording) -> RecordingSummary:
    """Keep what is to be known of a recording without its samples."""
    saturated = np.zeros(recording.n_channels)
    for step in recording.history:
        if step.name == "mark_saturation":
            counts = step.parameters["saturated_samples"]
            saturated = np.array([counts.get(name, 0) for name in recording.channel_names]) / recording.n_samples
    return RecordingSummary(
        channel_names=recording.channel_names,
        fs=recording.fs,
        n_samples=recording.n_samples,
        start=recording.start,
        saturated_fraction=saturated,
        valid_fraction=recording.valid.mean(axis=1),
        marks=recording.marks,
        aux_names=tuple(recording.aux),
        history=recording.history,
    )


def summarise_separation(separation: Separation) -> SeparationSummary:
    """Keep how a recording was taken apart."""
    name = separation.names[0]
    parameters = dict(separation._step(name).parameters)
    for key in ("method", "part", "evoked_lost_until"):
        parameters.pop(key)
    return SeparationSummary(
        method=separation._method_name,
        parameters=parameters,
        why=separation.why,
        parts=separation.names,
        evoked_lost_until=separation.evoked_lost_until,
        quality=separation.quality,
        messages=separation.messages,
    )


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
