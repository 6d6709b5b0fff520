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
from emgkit.excerpts import Excerpt, take_excerpts, thin_out
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
