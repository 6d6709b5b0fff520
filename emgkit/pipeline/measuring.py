"""From a file to tables: the verbs, in the order that the protocol says."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from emgkit.errors import EmgkitWarning, NoPulsesError, ParameterError, TimingError
from emgkit.protocol import Protocol
from emgkit.recording import Recording
from emgkit.step import Step

if TYPE_CHECKING:
    from emgkit.protocol.sections import Measuring
    from emgkit.pulses import Pulses
    from emgkit.segments import Segments
    from emgkit.separation import Separation
    from emgkit.tables import FeatureTable

__all__ = ["Measured", "Source", "measure_recording", "measure_sweeps"]

Source: TypeAlias = str | Path | Recording
_TINY = 1e-6  # of a sample: times like 0.3 s are no exact multiples of 1/fs in binary


@dataclass(frozen=True, eq=False)
class Measured:
    """What the verbs gave for one recording."""

    recording: Recording | None
    pulses: Pulses | None
    separation: Separation | None
    m_waves: Segments | None
    tables: Mapping[str, FeatureTable]


def measure_recording(protocol: Protocol, source: Source, pulses: Pulses | None) -> Measured:
    """Read, mark, find pulses, take apart, cut and measure one recording."""
    from emgkit.artifact.held import mark_held
    from emgkit.artifact.saturation import mark_saturation
    from emgkit.artifact.separate import separate
    from emgkit.detect.trigger_channels import set_apart
    from emgkit.features.measure import measure

    trigger = protocol.pulses.detect.get("channel")
    read = set_apart(_marked(_read(protocol, source), protocol), trigger)
    recording = mark_held(mark_saturation(read))
    found = _find_pulses(protocol, recording) if pulses is None else pulses
    separation = None if found is None else separate(recording, found, protocol.method)
    tables: dict[str, FeatureTable] = {}
    m_waves = _cut_responses(protocol, separation)
    if m_waves is not None and protocol.evoked is not None:
        tables["evoked"] = measure(m_waves, protocol.evoked.features)
    if protocol.voluntary is not None:
        windows = _cut_voluntary(protocol.voluntary, recording, separation)
        tables["voluntary"] = measure(windows, protocol.voluntary.features)
    return Measured(recording, found, separation, m_waves, tables)


def _read(protocol: Protocol, source: Source) -> Recording:
    from emgkit.io.read_recording import read_recording

    if isinstance(source, Recording):
        return source
    return read_recording(source, **_applying(protocol.read.arguments, Path(source)))


def _applying(stated: Mapping[str, Any], source: Path) -> dict[str, Any]:
    """Leave out what is said for other formats: a folder may hold several, and every key belongs to some reader."""
    from emgkit.io.read_recording import choose_reader, read_recording
    from emgkit.io.source import existing_file

    reader: Any = choose_reader(existing_file(source), stated.get("format"), {})
    known = {*inspect.signature(read_recording).parameters, *(item.name for item in fields(reader))}
    return {key: value for key, value in stated.items() if key in known}


def _marked(recording: Recording, protocol: Protocol) -> Recording:
    """Put the protocol's marks in place of those of the same label; a mark outside the recording is refused."""
    stated = {mark.label for mark in protocol.marks}
    for mark in protocol.marks:
        if mark.stop <= recording.start or mark.start >= recording.stop:
            raise TimingError(
                f"The protocol marks {mark.label!r} from {mark.start:g} to {mark.stop:g} s, but {recording.source} "
                f"lasts from {recording.start:g} to {recording.stop:g} s."
            )
    kept = [mark for mark in recording.marks if mark.label not in stated]
    return recording.with_marks([*kept, *protocol.marks]) if stated else recording


def _find_pulses(protocol: Protocol, recording: Recording) -> Pulses | None:
    from emgkit.detect.detect_pulses import detect_pulses
    from emgkit.pulses import Pulses

    wanted = protocol.pulses
    if wanted.presence == "none":
        return None
    if wanted.onsets is not None:
        return Pulses(np.array(wanted.onsets), time_source="schedule")
    try:
        return detect_pulses(recording, **wanted.detect)
    except NoPulsesError as error:
        if wanted.presence == "required":
            raise
        warnings.warn(f"No pulses, so only voluntary activity was measured: {error}", EmgkitWarning, stacklevel=2)
        return None


def _cut_responses(protocol: Protocol, separation: Separation | None) -> Segments | None:
    from emgkit.cut import cut_m_waves

    if protocol.evoked is None or separation is None:
        return None
    return cut_m_waves(separation.part(protocol.evoked.part), separation.pulses, **protocol.evoked.cut)


def _cut_voluntary(section: Measuring, recording: Recording, separation: Separation | None) -> Segments:
    from emgkit.cut import cut_windows

    return cut_windows(recording if separation is None else separation.part(section.part), **section.cut)


def measure_sweeps(protocol: Protocol, source: Source, pulses: Pulses | None) -> Measured:
    """Read triggered sweeps, cut their window and measure it."""
    from emgkit.features.measure import measure
    from emgkit.io.sweeps import read_sweeps

    if isinstance(source, Recording) or pulses is not None or protocol.evoked is None:
        raise ParameterError("A protocol for sweeps ([read] layout) runs on a file, and takes no pulses.")
    sweeps = _within(read_sweeps(source, **protocol.read.arguments), *protocol.evoked.cut["window"])
    return Measured(None, None, None, sweeps, {"evoked": measure(sweeps, protocol.evoked.features)})


def _within(sweeps: Segments, start: float, stop: float) -> Segments:
    """Keep the window of every sweep; all sweeps of a file have the same times."""
    times = sweeps.times[0]
    kept = np.flatnonzero((times >= start - _TINY / sweeps.fs) & (times < stop - _TINY / sweeps.fs))
    if start < times[0] - _TINY / sweeps.fs or stop > times[-1] + (1 + _TINY) / sweeps.fs or kept.size < 2:
        raise TimingError(
            f"The window {start:g} ... {stop:g} s does not lie within the sweeps, which last from {times[0]:g} to "
            f"{times[-1] + 1 / sweeps.fs:g} s after the stimulus."
        )
    part = slice(int(kept[0]), int(kept[-1]) + 1)
    return replace(
        sweeps,
        signal=sweeps.signal[..., part],
        valid=sweeps.valid[..., part],
        first=sweeps.first + part.start / sweeps.fs,
        history=(*sweeps.history, Step("cut_sweeps", {"window": (start, stop)})),
    )
