"""`read_recording`: a file becomes a `Recording`, through the reader of its format."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path
from typing import Any

from emgkit import plugins
from emgkit._checks import nearest
from emgkit.errors import EmgkitWarning, FormatError, ParameterError
from emgkit.io.base import Reader, Request
from emgkit.io.source import existing_file
from emgkit.recording import Recording

__all__ = ["choose_reader", "read_recording"]

_GROUP = "emgkit.readers"
_EXPORT = "export it from its own program as EDF, BDF, CSV or MATLAB and read that"
_KNOWN_OTHERS = {
    ".smr": f"CED Spike2: {_EXPORT}",
    ".smrx": f"CED Spike2: {_EXPORT}",
    ".adicht": f"LabChart: {_EXPORT}",
    ".acq": f"BIOPAC AcqKnowledge: {_EXPORT}",
    ".hpf": f"Delsys EMGworks: {_EXPORT}",
    ".shpf": f"Delsys EMGworks: {_EXPORT}",
    ".otb+": f"OT Bioelettronica: {_EXPORT}",
    ".otb4": f"OT Bioelettronica: {_EXPORT}",
    ".poly5": f"TMSi: {_EXPORT}",
    ".xdf": f"Lab Streaming Layer: {_EXPORT}",
    ".c3d": f"C3D: {_EXPORT}",
    ".eeg": "the samples of a BrainVision recording: name its .vhdr file",
    ".vmrk": "the markers of a BrainVision recording: name its .vhdr file",
}


def read_recording(
    path: str | Path,
    *,
    format: str | None = None,  # noqa: A002  the word that users and the command line say
    emg: Iterable[str] | str | None = None,
    aux: Iterable[str] | str | None = None,
    unit: str | None = None,
    fs: float | None = None,
    override_unit: bool = False,
    **reader_options: Any,
) -> Recording:
    """Read an EMG recording from a file.

    Parameters
    ----------
    path : str or Path
        The file. Its ending says the format, unless ``format`` does.
    format : str, optional
        Name of a reader (``edf``, ``bdf``, ``mne``, ``csv``, ``tsv``, ``matlab``, or one that a lab publishes), or
        ``"module:Class"``.
    emg : list of str, optional
        The EMG channels, in the order wanted. Unless given: those that the file calls EMG, else those in volts, if
        they have one rate and are not called trigger, status, stim, sync, marker, event or TTL. Of two channels of
        one name the first is ``name#1`` and the second ``name#2``.
    aux : list of str, optional
        The auxiliary channels (trigger, force, current), each with its own rate and unit. Unless given: all that
        are not of the kind of EMG.
    unit : str, optional
        Unit of the EMG samples ("V", "mV", "uV", "nV"), needed where the file does not say it.
    fs : float, optional
        Sampling rate of the EMG, Hz, needed where the file does not say it.
    override_unit : bool, default False
        Let ``unit`` go before a unit that the file states wrongly.
    **reader_options
        The fields of the reader, for example ``variable="emg"`` of the reader ``matlab``.

    Returns
    -------
    Recording
        In V, from 0 s on. Annotations of the file are its marks; annotations that begin with BAD and missing samples
        make `valid` False. The history says which reader, units, rates and channels were taken and where from.

    Raises
    ------
    MissingFileError
        If there is no such file.
    FormatError
        If the format is unknown, or the file is damaged, empty or not what its name says.
    UnitError, SamplingRateError
        If unit or rate are missing, contradict the file or cannot be those of EMG: a robust amplitude below
        0.05 µV or above 20 mV is refused.
    ChannelError
        If a channel is not there; the nearest name is offered.
    ParameterError
        If the reader has no such option.

    Warns
    -----
    EmgkitWarning
        Of amplitudes above 2 mV, rates below 500 Hz, and constant channels.

    Examples
    --------
    >>> import emgkit as ek
    >>> ek.read_recording("p07.bdf", emg=["VL", "VM"], aux=["TRIG", "force"])  # doctest: +SKIP
    >>> ek.read_recording("p07.csv", time="time", time_unit="s", emg="VL", unit="mV")  # doctest: +SKIP
    """
    request = Request(emg=emg, aux=aux, unit=unit, fs=fs, override_unit=override_unit)  # type: ignore[arg-type]
    file = existing_file(path)
    return choose_reader(file, format, reader_options).read(file, request)


def choose_reader(path: Path, format: str | None, options: dict[str, Any]) -> Reader:  # noqa: A002
    """Find the reader for a file and give it its options."""
    cls = plugins.load(_GROUP, format) if format is not None else _by_suffix(path)
    allowed = [item.name for item in fields(cls)]
    unknown = [key for key in options if key not in allowed]
    if unknown:
        listed = nearest(unknown[0], allowed) if allowed else "it has none"
        raise ParameterError(f"The reader {cls.name!r} has no option {unknown[0]!r}: {listed}.")
    reader: Reader = cls(**options)
    return reader


def _by_suffix(path: Path) -> Any:
    file_name = path.name.lower()
    endings = {suffix: cls for cls in _readers() for suffix in cls.suffixes}
    fitting = [suffix for suffix in endings if file_name.endswith(suffix)]
    if fitting:
        return endings[max(fitting, key=len)]
    suffix = path.suffix.lower()
    if suffix in _KNOWN_OTHERS:
        raise FormatError(f"{path.name}: no reader for {suffix} ({_KNOWN_OTHERS[suffix]}).")
    raise FormatError(
        f"{path.name}: no reader for the ending {suffix or '(none)'!r}: {nearest(suffix, endings)}. "
        "If the ending is wrong, say the format with format=."
    )


def _readers() -> list[Any]:
    found = []
    for name in plugins.names(_GROUP):
        try:
            found.append(plugins.load(_GROUP, name))
        except (ImportError, AttributeError) as error:
            message = f"The reader {name!r} cannot be loaded and is left out: {error}."
            warnings.warn(message, EmgkitWarning, stacklevel=4)
    return found
