"""Stretches of time in which samples are lost: between the mask `valid` and annotations that begin with BAD.

MNE and its readers leave out what an annotation that begins with BAD covers; EDF+ says with ``@@name`` that an
annotation belongs to one channel. Both customs are followed, so that a mask survives in files that know only
annotations. ``BAD_lost`` are samples with a value that must not be used, ``BAD_missing`` have none (NaN).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt
from emgkit.recording import Mark, Recording, Trace

__all__ = [
    "LOST",
    "MISSING",
    "PADDING",
    "Span",
    "apply_lost",
    "channel_label",
    "is_bad",
    "lost_spans",
    "runs",
    "shared",
]

LOST = "BAD_lost"
MISSING = "BAD_missing"
PADDING = "BAD_padding"
_OF_CHANNEL = "@@"


@dataclass(frozen=True)
class Span:
    """One stretch of one channel: label and half-open interval in s."""

    label: str
    channel: str
    start: float
    stop: float


def is_bad(label: str) -> bool:
    """Tell whether samples under an annotation of this label are not to be used."""
    return label.lower().startswith("bad")


def runs(mask: NDArray[np.bool_]) -> NDArray[np.intp]:
    """Give the stretches in which a mask is True, shape (stretches, 2): first sample and the one after the last."""
    edges = np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8))
    return np.stack([np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)], axis=-1)


def lost_spans(recording: Recording) -> list[Span]:
    """Give the stretches that are not valid: ``BAD_missing`` where there is no value, else ``BAD_lost``."""
    found = []
    for name, row, valid in zip(recording.channel_names, recording.signal, recording.valid, strict=True):
        missing = np.isnan(row)
        for label, mask in ((LOST, ~valid & ~missing), (MISSING, missing)):
            times = recording.start + runs(mask) / recording.fs
            found += [Span(label, name, float(start), float(stop)) for start, stop in times]
    return found


def shared(spans: Iterable[Span], channels: int) -> list[Span]:
    """Put stretches that all EMG channels have in common into one without a channel, in order of time."""
    owners: dict[tuple[str, float, float], list[str]] = {}
    for span in spans:
        owners.setdefault((span.label, span.start, span.stop), []).append(span.channel)
    merged = [
        Span(label, name, start, stop)
        for (label, start, stop), names in owners.items()
        for name in ([""] if len(names) == channels else names)
    ]
    return sorted(merged, key=lambda span: (span.start, span.stop, span.label, span.channel))


def channel_label(span: Span) -> str:
    """Write a stretch as the text of an EDF+ annotation, which belongs to one channel if the stretch does."""
    return f"{span.label}{_OF_CHANNEL}{span.channel}" if span.channel else span.label


def apply_lost(recording: Recording, marks: Iterable[Mark]) -> Recording:
    """Give a recording its marks; what begins with BAD makes samples invalid, ``BAD_missing`` makes them NaN.

    Annotations with ``@@name`` concern one channel, those without all EMG channels. What emgkit wrote itself
    (``BAD_lost``, ``BAD_missing``, ``BAD_padding``) is not kept as a mark, other annotations that begin with BAD are.
    ``BAD_padding`` fills the last record of a file and is cut off.
    """
    kept, spans = [], []
    for mark in marks:
        label, _, channel = mark.label.partition(_OF_CHANNEL)
        spans += [Span(label, channel, mark.start, mark.stop)] * is_bad(label)
        kept += [mark] * (label not in (LOST, MISSING, PADDING))
    masked = _mask(recording, [span for span in spans if span.channel not in recording.aux])
    aux = {name: _clean_trace(name, trace, spans) for name, trace in recording.aux.items()}
    return replace(masked, signal=adopt(masked.signal), valid=adopt(masked.valid), aux=aux, marks=tuple(kept))


def _mask(recording: Recording, spans: Iterable[Span]) -> Recording:
    signal, valid, stop = recording.signal.copy(), recording.valid.copy(), recording.stop
    for span in spans:
        rows = [row for row, name in enumerate(recording.channel_names) if span.channel in ("", name)]
        low, high = _samples(span, recording.start, recording.fs, recording.n_samples)
        valid[rows, low:high] = False
        if span.label == MISSING:
            signal[rows, low:high] = np.nan
        if span.label == PADDING and rows:
            stop = min(stop, span.start)
    masked = replace(recording, signal=adopt(signal), valid=adopt(valid))
    return masked if stop == recording.stop else masked.crop(None, stop)


def _clean_trace(name: str, trace: Trace, spans: Iterable[Span]) -> Trace:
    own = [span for span in spans if span.channel == name]
    values, stop = trace.values.copy(), trace.values.size
    for span in own:
        low, high = _samples(span, trace.start, trace.fs, trace.values.size)
        if span.label == MISSING:
            values[low:high] = np.nan
        if span.label == PADDING:
            stop = min(stop, low)
    return replace(trace, values=values[:stop]) if own else trace


def _samples(span: Span, start: float, fs: float, count: int) -> tuple[int, int]:
    # annotations have fewer digits than samples: MNE rounds to 1 µs, FIF to 32 bits, EDF+ to the text it writes
    low, high = (math.ceil((edge - start) * fs - 0.05) for edge in (span.start, span.stop))
    return min(max(low, 0), count), min(max(high, 0), count)
