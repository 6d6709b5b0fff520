"""`Pipeline`: a protocol that runs. It composes verbs and computes nothing itself."""

from __future__ import annotations

import hashlib
import inspect
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

import numpy as np

from emgkit import plugins
from emgkit.errors import EmgkitError, EmgkitWarning, NoPulsesError, ParameterError, TimingError
from emgkit.protocol import Protocol
from emgkit.recording import Recording
from emgkit.step import Step

if TYPE_CHECKING:
    from emgkit.protocol.sections import Measuring
    from emgkit.pulses import Pulses
    from emgkit.results import Results
    from emgkit.segments import Segments
    from emgkit.separation import Separation
    from emgkit.tables import Change, Comparison, FeatureTable, Trend

__all__ = ["Pipeline"]

Answer = TypeVar("Answer")
Source: TypeAlias = str | Path | Recording
_TINY = 1e-6  # of a sample: times like 0.3 s are no exact multiples of 1/fs in binary
_HEADERS = (".vhdr", ".ahdr", ".set", ".lay")
_SAMPLES = (".eeg", ".avg", ".vmrk", ".amrk", ".dat", ".fdt")


@dataclass(frozen=True, eq=False)
class Pipeline:
    """Read, take apart, cut, measure and compare, as a protocol says.

    The same words stand in a TOML file, in the results file and here. A pipeline holds no data and can be sent to
    other processes.

    Parameters
    ----------
    protocol : Protocol
        What is done; made and checked by `from_toml` or `from_dict`.

    Examples
    --------
    >>> import emgkit as ek
    >>> pipeline = ek.Pipeline.from_dict({"pulses": {"presence": "none"}, "voluntary": {"features": ["rms"]}})
    >>> len(pipeline.sha256)
    64
    """

    protocol: Protocol

    @classmethod
    def from_toml(cls, path: str | Path, *, read: Mapping[str, Any] | None = None) -> Pipeline:
        """Make the pipeline of a protocol file.

        Parameters
        ----------
        path : str or Path
            The file.
        read : mapping, optional
            Goes before the keys of its section ``[read]``.

        Raises
        ------
        MissingFileError, ProtocolError
            If the file is not there, or something in it does not fit.
        """
        return cls(Protocol.from_toml(path, read=read))

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Pipeline:
        """Make the pipeline of a protocol that is given as a dictionary of sections.

        Raises
        ------
        ProtocolError
            If something in it does not fit.
        """
        return cls(Protocol.from_dict(content))

    @property
    def text(self) -> str:
        """The whole protocol with all defaults, as canonical JSON."""
        return self.protocol.text

    @property
    def sha256(self) -> str:
        """Fingerprint of the protocol, 64 hexadecimal digits."""
        return self.protocol.sha256

    def suffixes(self) -> tuple[str, ...]:
        """Give the endings of the files that this protocol can read, in small letters with the dot."""
        if self.protocol.read.sweeps:
            return (".csv", ".tsv", ".txt")
        name = self.protocol.read.arguments.get("format")
        readers = plugins.names("emgkit.readers") if name is None else (name,)
        found = [plugins.load("emgkit.readers", reader).suffixes for reader in readers]
        return tuple(sorted({suffix for listed in found for suffix in listed}))

    def fingerprint(self, source: str | Path) -> str:
        """Give the SHA-256 of a recording; of a format of several files (BrainVision), of all of them together.

        Raises
        ------
        MissingFileError, FormatError
            If the file is not there, is empty or may not be read.
        """
        from emgkit.io.source import sha256

        parts = [sha256(file) for file in (Path(source), *_companions(Path(source)))]
        return parts[0] if len(parts) == 1 else hashlib.sha256("".join(parts).encode()).hexdigest()

    def run(self, source: Source, pulses: Pulses | None = None) -> Results:
        """Measure one recording.

        Parameters
        ----------
        source : str, Path or Recording
            The file, or a recording that was made or read elsewhere (then ``[read]`` does not apply).
        pulses : Pulses, optional
            The pulses where they are known; found as ``[pulses]`` says unless given.

        Returns
        -------
        Results
            Everything that is known about the recording; warnings are among its messages.

        Raises
        ------
        EmgkitError
            What the verbs raise: the file cannot be read, no pulses where they are required, a window that
            does not fit, and so on.
        """
        from threadpoolctl import threadpool_limits

        protocol = self.protocol
        measure = _measure_sweeps if protocol.read.sweeps else _measure_recording
        with threadpool_limits(limits=1, user_api="blas"), _messages() as messages:
            sha256 = "" if isinstance(source, Recording) else self.fingerprint(source)
            measured = measure(protocol, source, pulses)
            answers = _answers(protocol, measured)
        named = source.source if isinstance(source, Recording) else Path(source).name
        return _results(protocol, measured, named, sha256, replace(answers, messages=tuple(messages)))


def _companions(source: Path) -> list[Path]:
    """List the files that hold the samples and markers of a header file, in a fixed order."""
    if source.suffix.lower() not in _HEADERS or not source.parent.is_dir():
        return []
    beside = (file for file in source.parent.iterdir() if file.stem == source.stem)
    return sorted(file for file in beside if file.suffix.lower() in _SAMPLES and file.is_file())


@dataclass(frozen=True, eq=False)
class _Measured:
    """What the verbs gave for one recording."""

    recording: Recording | None
    pulses: Pulses | None
    separation: Separation | None
    m_waves: Segments | None
    tables: Mapping[str, FeatureTable]


@dataclass(frozen=True, eq=False)
class _Answers:
    """What the tables say to the questions of the protocol, and what the user should know."""

    trends: tuple[Trend, ...] = ()
    changes: tuple[Change, ...] = ()
    comparisons: tuple[Comparison, ...] = ()
    messages: tuple[str, ...] = ()


def _answers(protocol: Protocol, measured: _Measured) -> _Answers:
    if protocol.read.sweeps:  # sweeps of rising intensity have no fresh and no fatigued
        return _Answers()
    tables = measured.tables
    return _Answers(_trends(protocol, tables), _changes(protocol, tables), _comparisons(protocol, tables))


def _measure_recording(protocol: Protocol, source: Source, pulses: Pulses | None) -> _Measured:
    from emgkit.artifact.saturation import mark_saturation
    from emgkit.artifact.separate import separate
    from emgkit.features.measure import measure

    recording = mark_saturation(_marked(_read(protocol, source), protocol))
    found = _find_pulses(protocol, recording) if pulses is None else pulses
    separation = None if found is None else separate(recording, found, protocol.method)
    tables: dict[str, FeatureTable] = {}
    m_waves = _cut_responses(protocol, separation)
    if m_waves is not None and protocol.evoked is not None:
        tables["evoked"] = measure(m_waves, protocol.evoked.features)
    if protocol.voluntary is not None:
        windows = _cut_voluntary(protocol.voluntary, recording, separation)
        tables["voluntary"] = measure(windows, protocol.voluntary.features)
    return _Measured(recording, found, separation, m_waves, tables)


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


def _measure_sweeps(protocol: Protocol, source: Source, pulses: Pulses | None) -> _Measured:
    from emgkit.features.measure import measure
    from emgkit.io.sweeps import read_sweeps

    if isinstance(source, Recording) or pulses is not None or protocol.evoked is None:
        raise ParameterError("A protocol for sweeps ([read] layout) runs on a file, and takes no pulses.")
    sweeps = _within(read_sweeps(source, **protocol.read.arguments), *protocol.evoked.cut["window"])
    return _Measured(None, None, None, sweeps, {"evoked": measure(sweeps, protocol.evoked.features)})


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


def _trends(protocol: Protocol, tables: Mapping[str, FeatureTable]) -> tuple[Trend, ...]:
    from emgkit.study.trend import trend

    pairs = [(table, name) for table in tables.values() for name in table.names]
    made = (_answer(f"trend of {name}", partial(trend, table, name, **protocol.trend)) for table, name in pairs)
    return tuple(item for item in made if item is not None)


def _changes(protocol: Protocol, tables: Mapping[str, FeatureTable]) -> tuple[Change, ...]:
    from emgkit.study.change import change

    pairs = [(table, name) for table in tables.values() for name in table.names]
    made = (_answer(f"change of {name}", partial(change, table, name, **protocol.change)) for table, name in pairs)
    return tuple(item for item in made if item is not None)


def _comparisons(protocol: Protocol, tables: Mapping[str, FeatureTable]) -> tuple[Comparison, ...]:
    from emgkit.study.compare import compare

    if set(tables) != {"voluntary", "evoked"}:
        return ()
    both = partial(compare, tables["voluntary"], tables["evoked"])
    made = (_answer(f"comparison of {row['feature_a']}", partial(both, **row)) for row in protocol.compare)
    return tuple(item for item in made if item is not None)


def _answer(what: str, ask: Callable[[], Answer]) -> Answer | None:
    """Ask a question of the tables; where they cannot answer it, say so and keep the tables."""
    try:
        return ask()
    except EmgkitError as error:
        warnings.warn(f"No {what}: {error}", EmgkitWarning, stacklevel=2)
        return None


@contextmanager
def _messages() -> Iterator[list[str]]:
    """Collect what emgkit warns of, each message once; other warnings pass through."""
    collected: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", EmgkitWarning)
        yield collected
    for item in caught:
        if not issubclass(item.category, EmgkitWarning):
            warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
        elif str(item.message) not in collected:
            collected.append(str(item.message))


def _results(protocol: Protocol, measured: _Measured, source: str, sha256: str, answers: _Answers) -> Results:
    from emgkit.results import Results, summarise_recording, summarise_separation, take_excerpts, thin_out

    recording, separation = measured.recording, measured.separation
    return Results(
        source=source,
        source_sha256=sha256,
        recording=None if recording is None else summarise_recording(recording),
        pulses=measured.pulses,
        separation=None if separation is None else summarise_separation(separation),
        tables=measured.tables,
        m_waves=None if measured.m_waves is None else thin_out(measured.m_waves),
        trends=answers.trends,
        changes=answers.changes,
        comparisons=answers.comparisons,
        excerpts=() if recording is None else take_excerpts(recording, separation),
        messages=answers.messages,
        protocol=protocol.text,
        protocol_sha256=protocol.sha256,
    )
