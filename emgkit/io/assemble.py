"""From the channels of a file to a `Recording`: roles, units, rates, marks and the record of how it was read."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt
from emgkit.errors import EmgkitWarning, FormatError, SamplingRateError, ShapeError, UnitError
from emgkit.io.base import Request, Stream
from emgkit.io.roles import Roles, choose_roles
from emgkit.io.spans import apply_lost
from emgkit.io.units import ask, check_amplitude, is_uncalibrated, volts_per_unit
from emgkit.recording import Mark, Recording, Trace
from emgkit.step import Step

__all__ = ["assemble"]

_LOWEST_RATE, _LOW_RATE, _HIGHEST_RATE = 20.0, 500.0, 1e6


def assemble(
    path: Path,
    streams: Sequence[Stream],
    request: Request,
    *,
    reader: object,
    marks: Iterable[Mark] = (),
    said: Mapping[str, Any] | None = None,
) -> Recording:
    """Make the recording out of the channels that a reader found.

    Parameters
    ----------
    path : Path
        The file.
    streams : sequence of Stream
        All channels of the file.
    request : Request
        What the user said.
    reader : Reader
        The reader with its options, for the history.
    marks : iterable of Mark
        Annotations of the file, s since its first sample. Those that begin with BAD make samples invalid.
    said : mapping, optional
        Other facts for the history.

    Returns
    -------
    Recording
        Starts at 0 s; its history holds how it was read: units, rates and where they come from, channels left out.
    """
    roles = choose_roles(streams, request, path.name)
    fs, fs_source = _common_rate(roles.emg, request, path.name)
    units = [_emg_unit(stream, request, path.name) for stream in roles.emg]
    signal = _stack(roles.emg, [factor for _, factor, _ in units], path.name)
    names = tuple(stream.name for stream in roles.emg)
    check_amplitude(signal, fs, names, f"{units[0][0]!r} (stated by the {units[0][2]})", path.name)
    facts = {
        "reader": reader,
        "fs": fs,
        "fs_source": fs_source,
        "units": {name: unit for name, (unit, _, _) in zip(names, units, strict=True)},
        "unit_source": units[0][2],
        "aux": {stream.name: stream.unit for stream in roles.aux},
        "skipped": dict(roles.skipped),
        "notes": {stream.name: stream.note for stream in roles.emg if stream.note},
        **(said or {}),
    }
    recording = Recording(
        adopt(signal),
        fs,
        names,
        aux=_traces(roles, fs),
        source=path.name,
        history=(Step("read_recording", facts),),
    )
    return apply_lost(recording, marks)


def _common_rate(emg: Sequence[Stream], request: Request, where: str) -> tuple[float, str]:
    stated = {stream.name: stream.fs for stream in emg if stream.fs is not None}
    if len(set(stated.values())) > 1:
        listed = ", ".join(f"{name} {fs:g} Hz" for name, fs in stated.items())
        raise SamplingRateError(f"{where}: EMG channels must have one rate, these have several: {listed}.")
    recorded = next(iter(stated.values()), None)
    if recorded is None and request.fs is None:
        raise SamplingRateError(f"{where} does not say its sampling rate: {ask('fs', '2000')}, in Hz.")
    if recorded is not None and request.fs is not None and not np.isclose(recorded, request.fs, rtol=1e-9, atol=0):
        raise SamplingRateError(
            f"{where} was recorded at {recorded:.10g} Hz, fs={request.fs:.10g} contradicts it: leave fs away."
        )
    fs = recorded or float(request.fs or 0.0)
    _check_rate(fs, where)
    return fs, "file" if recorded else "user"


def _check_rate(fs: float, where: str) -> None:
    if not _LOWEST_RATE <= fs <= _HIGHEST_RATE:
        raise SamplingRateError(f"{where}: {fs:g} Hz is no sampling rate for EMG (20 Hz ... 1 MHz). Is it in Hz?")
    if fs < _LOW_RATE:
        warnings.warn(
            f"{where}: {fs:g} Hz is low for EMG, whose spectrum reaches 400 Hz: amplitudes and frequencies are biased.",
            EmgkitWarning,
            stacklevel=2,
        )


def _emg_unit(stream: Stream, request: Request, where: str) -> tuple[str, float, str]:
    stated = volts_per_unit(stream.unit)
    given = None if request.unit is None else volts_per_unit(request.unit)
    if given is not None and (request.override_unit or is_uncalibrated(stream.unit)):
        return str(request.unit), given, "user"
    if is_uncalibrated(stream.unit):
        says = f"in {stream.unit!r}, which is no voltage" if stream.unit else "without a unit"
        raise UnitError(f"{where}: channel {stream.name} is {says}: {ask('unit', repr('uV'))} (V, mV, uV or nV).")
    if stated is None:
        raise UnitError(
            f"{where}: channel {stream.name} is in {stream.unit!r}, which is no voltage: no EMG? Choose other channels "
            f"with emg=, or say unit= and override_unit=true."
        )
    if given is not None and given != stated:
        raise UnitError(
            f"{where}: channel {stream.name} is in {stream.unit}, unit={request.unit!r} contradicts that: leave unit "
            "away, or let it go first with override_unit=true."
        )
    return stream.unit, stated, "file"


def _stack(emg: Sequence[Stream], factors: Sequence[float], where: str) -> NDArray[np.float64]:
    first = _samples(emg[0], where)
    signal = np.empty((len(emg), first.size))
    for row, (stream, factor) in enumerate(zip(emg, factors, strict=True)):
        values = first if row == 0 else _samples(stream, where)
        if values.size != first.size:
            raise ShapeError(
                f"{where}: EMG channels must be equally long, {emg[0].name} has {first.size} samples and "
                f"{stream.name} {values.size}."
            )
        np.multiply(values, factor, out=signal[row])
    if not np.isfinite(signal).any(axis=-1).all():
        empty = [stream.name for stream, row in zip(emg, signal, strict=True) if not np.isfinite(row).any()]
        raise FormatError(f"{where}: all samples of {', '.join(empty)} are missing: choose other channels with emg=.")
    return signal


def _samples(stream: Stream, where: str) -> NDArray[np.float64]:
    values = np.asarray(stream.load(), dtype=np.float64)
    if values.size < 2:
        raise FormatError(f"{where}: channel {stream.name} holds {values.size} samples, at least 2 are needed.")
    if np.isinf(values).any():
        at = int(np.flatnonzero(np.isinf(values))[0])
        raise FormatError(f"{where}: sample {at} of {stream.name} is infinite; write missing samples as NaN.")
    return values


def _traces(roles: Roles, fs: float) -> dict[str, Trace]:
    traces = {}
    for stream in roles.aux:
        values = np.asarray(stream.load(), dtype=np.float64)
        known = values[np.isfinite(values)]
        if values.size and (not known.size or known.min() == known.max()):
            message = f"The auxiliary channel {stream.name} is constant: nothing was recorded on it."
            warnings.warn(message, EmgkitWarning, stacklevel=3)
        traces[stream.name] = Trace(adopt(values), stream.fs or fs, stream.unit or "1")
    return traces
