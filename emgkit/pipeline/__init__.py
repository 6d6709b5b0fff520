"""`Pipeline`: a protocol that runs. It composes verbs and computes nothing itself."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emgkit import plugins
from emgkit.pipeline.answering import Answers, answer_all, collect_messages
from emgkit.pipeline.measuring import Measured, Source, measure_recording, measure_sweeps
from emgkit.protocol import Protocol
from emgkit.recording import Recording

if TYPE_CHECKING:
    from emgkit.pulses import Pulses
    from emgkit.results import Results

__all__ = ["Pipeline"]

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
        measure = measure_sweeps if protocol.read.sweeps else measure_recording
        with threadpool_limits(limits=1, user_api="blas"), collect_messages() as messages:
            sha256 = "" if isinstance(source, Recording) else self.fingerprint(source)
            measured = measure(protocol, source, pulses)
            answers = answer_all(protocol, measured.tables)
        named = source.source if isinstance(source, Recording) else Path(source).name
        return _results(protocol, measured, named, sha256, replace(answers, messages=tuple(messages)))


def _companions(source: Path) -> list[Path]:
    """List the files that hold the samples and markers of a header file, in a fixed order."""
    if source.suffix.lower() not in _HEADERS or not source.parent.is_dir():
        return []
    beside = (file for file in source.parent.iterdir() if file.stem == source.stem)
    return sorted(file for file in beside if file.suffix.lower() in _SAMPLES and file.is_file())


def _results(protocol: Protocol, measured: Measured, source: str, sha256: str, answers: Answers) -> Results:
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
