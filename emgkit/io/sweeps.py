"""`read_sweeps`: responses that were recorded as triggered sweeps become `Segments`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt, nearest, positive
from emgkit.errors import FormatError, ParameterError, ShapeError, TimingError, UnitError
from emgkit.io.delimited import Columns, read_columns
from emgkit.io.source import existing_file
from emgkit.io.time_axis import sampling_rate
from emgkit.io.units import ask, check_amplitude, check_time_unit, volts_per_unit
from emgkit.segments import Segments
from emgkit.step import Step

__all__ = ["LAYOUTS", "read_sweeps"]

LAYOUTS = ("matrix", "long")


@dataclass(frozen=True, eq=False)
class _Sweeps:
    """What a file of sweeps holds: signal (sweeps, channels, samples) in its unit, times (sweeps, samples) in s."""

    signal: NDArray[np.float64]
    times: NDArray[np.float64]
    intensity: NDArray[np.float64] | None
    channel_names: tuple[str, ...]


def read_sweeps(
    path: str | Path,
    *,
    layout: Literal["matrix", "long"] = "matrix",
    unit: str | None = None,
    time_unit: str | None = None,
    time: str | None = None,
    value: str | None = None,
    sweep: str | None = None,
    channel: str | None = None,
    intensity: str | None = None,
    channel_name: str = "EMG1",
    interval: float | None = None,
    delimiter: str = ",",
    decimal: str = ".",
    skip_rows: int = 0,
) -> Segments:
    """Read triggered sweeps, one response per stimulus, from a text table.

    Parameters
    ----------
    path : str or Path
        The file.
    layout : {"matrix", "long"}, default "matrix"
        ``"matrix"``: the first row holds the intensity of each sweep, the first column the times, every other
        column one sweep. ``"long"``: one row per sample, with columns that say sweep, time and value.
    unit : str
        Unit of the samples: V, mV, uV or nV.
    time_unit : str
        Unit of the times: s, ms, us or min. Time 0 is the stimulus.
    time, value, sweep : str
        Layout "long": names of the columns of times, samples and sweep numbers.
    channel, intensity : str, optional
        Layout "long": names of the columns of channel and intensity, if there are any.
    channel_name : str, default "EMG1"
        Name of the channel where the file holds only one.
    interval : float, optional
        Time between two stimuli, s; the length of a sweep unless given, so that sweeps do not overlap.
    delimiter : str, default ","
        What stands between the cells.
    decimal : {".", ","}
        Decimal sign.
    skip_rows : int, default 0
        Rows to leave out at the top.

    Returns
    -------
    Segments
        Of kind "evoked", in V, in the order of the file, with the ``intensity`` as it stands there. The file does
        not say when the stimuli came: ``starts`` is the number of the sweep (from 0) times ``interval``. ``first``
        is the first time of the sweep, counted from its stimulus.

    Raises
    ------
    UnitError
        If a unit is missing, unknown, or makes amplitudes that no EMG has.
    TimingError
        If times are missing, doubled or not uniform.
    ShapeError
        If sweeps or channels differ in length.
    ChannelError
        If a column is not there; the nearest is offered.
    FormatError
        If text stands where a number belongs; row and column are named.

    Examples
    --------
    >>> import emgkit as ek
    >>> ek.read_sweeps("recruitment.csv", unit="mV", time_unit="ms")
    """
    file = existing_file(path)
    factor, seconds = _volts(file.name, unit), _seconds(file.name, time_unit)
    names = {"sweep": sweep, "time": time, "value": value, "channel": channel, "intensity": intensity}
    if layout == "matrix":
        _only_long(names)
        table = read_columns(file, delimiter=delimiter, decimal=decimal, header=False, skip_rows=skip_rows)
        found = _matrix(file.name, table, seconds, channel_name)
    elif layout == "long":
        table = read_columns(file, delimiter=delimiter, decimal=decimal, skip_rows=skip_rows)
        found = _long(file.name, table, seconds, names, channel_name)
    else:
        raise ParameterError(f"layout={layout!r}: {nearest(str(layout), LAYOUTS)}.")
    facts = {"layout": layout, "unit": unit, "time_unit": time_unit, **names, "source": file.name}
    return _segments(file.name, found, factor, str(unit), interval, facts)


def _volts(where: str, unit: str | None) -> float:
    if unit is None:
        raise UnitError(f"{where} does not say the unit of its samples: {ask('unit', repr('mV'))}.")
    factor = volts_per_unit(unit)
    if factor is None:
        raise UnitError(f"unit={unit!r} is no unit of voltage: it is one of V, mV, uV, nV.")
    return factor


def _seconds(where: str, time_unit: str | None) -> float:
    if time_unit is None:
        raise UnitError(f"{where} does not say the unit of its times: {ask('time_unit', repr('ms'))}.")
    return check_time_unit(time_unit)


def _only_long(names: dict[str, str | None]) -> None:
    given = [name for name, column in names.items() if column is not None]
    if given:
        raise ParameterError(f"{given[0]}= names a column of layout='long'; in a matrix columns have no names.")


def _matrix(where: str, table: Columns, seconds: float, channel_name: str) -> _Sweeps:
    body = table.values
    if body.shape[0] < 4 or body.shape[1] < 2:
        raise FormatError(
            f"{where}: a matrix of sweeps has a row of intensities, a column of times and at least one sweep, this has "
            f"{body.shape[0]} rows and {body.shape[1]} columns."
        )
    times = body[1:, 0] * seconds
    signal = body[1:, 1:].T[:, np.newaxis]
    return _Sweeps(signal, np.tile(times, (signal.shape[0], 1)), body[0, 1:], (channel_name,))


def _long(where: str, table: Columns, seconds: float, names: dict[str, str | None], channel_name: str) -> _Sweeps:
    for argument in ("sweep", "time", "value"):
        if names[argument] is None:
            listed = ", ".join(table.names)
            raise ParameterError(
                f"{where}: layout='long' needs {argument}=, the name of a column; there are: {listed}."
            )
    columns = {key: table.column(name, where, key) for key, name in names.items() if name is not None}
    for key in [key for key in columns if key != "value"]:
        _complete(where, key, columns[key])
    sweeps = _in_order(columns["sweep"])
    channels = _in_order(columns["channel"]) if "channel" in columns else np.zeros(1)
    owner = columns.get("channel", np.zeros_like(columns["sweep"]))
    groups = [[np.flatnonzero((columns["sweep"] == one) & (owner == ch)) for ch in channels] for one in sweeps]
    _equal_lengths(where, groups, sweeps, channels)
    rows = np.array(groups)
    times = columns["time"][rows] * seconds
    if (np.ptp(times, axis=1) > 0).any():
        at = int(np.flatnonzero((np.ptp(times, axis=1) > 0).any(axis=-1))[0])
        raise TimingError(f"{where}: the channels of sweep {sweeps[at]:g} have different times.")
    intensity = _one_each(where, columns["intensity"][rows], sweeps) if "intensity" in columns else None
    named = (channel_name,) if "channel" not in columns else tuple(f"EMG{number:g}" for number in channels)
    return _Sweeps(columns["value"][rows], times[:, 0], intensity, named)


def _complete(where: str, key: str, column: NDArray[np.float64]) -> None:
    if not np.isfinite(column).all():
        row = int(np.flatnonzero(~np.isfinite(column))[0])
        raise FormatError(f"{where}: the {key} of data row {row + 1} is missing.")


def _in_order(column: NDArray[np.float64]) -> NDArray[np.float64]:
    values, first = np.unique(column, return_index=True)
    return values[np.argsort(first)]


def _equal_lengths(
    where: str, groups: list[list[NDArray[np.intp]]], sweeps: NDArray[np.float64], channels: NDArray[np.float64]
) -> None:
    usual = int(np.median([rows.size for group in groups for rows in group]))
    for number_of_sweep, group in zip(sweeps, groups, strict=True):
        for channel, rows in zip(channels, group, strict=True):
            if rows.size != usual:
                place = f"sweep {number_of_sweep:g}" + (f", channel {channel:g}," if channels.size > 1 else "")
                raise ShapeError(
                    f"{where}: {place} has {rows.size} samples, most have {usual}: points are missing or doubled; "
                    "sweeps must be equally long."
                )


def _one_each(where: str, found: NDArray[np.float64], sweeps: NDArray[np.float64]) -> NDArray[np.float64]:
    flat = found.reshape(found.shape[0], -1)
    mixed = np.flatnonzero(np.ptp(flat, axis=-1) > 0)
    if mixed.size:
        raise FormatError(f"{where}: the intensity changes within sweep {sweeps[mixed[0]]:g}.")
    return flat[:, 0]


def _segments(
    where: str, found: _Sweeps, factor: float, unit: str, interval: float | None, facts: Mapping[str, object]
) -> Segments:
    rates = [sampling_rate(times, f"{where}, sweep {index + 1}") for index, times in enumerate(found.times)]
    if np.ptp(rates) > 1e-6 * rates[0]:
        raise TimingError(f"{where}: sweeps have different sampling rates, {min(rates):g} to {max(rates):g} Hz.")
    fs = rates[0]
    signal = found.signal * factor
    stated = f"{unit!r} (stated by the user)"
    check_amplitude(signal.transpose(1, 0, 2), fs, found.channel_names, stated, where, evoked=True)
    apart = signal.shape[-1] / fs if interval is None else positive("interval", interval, "s")
    if found.intensity is not None and not np.isfinite(found.intensity).all():
        at = int(np.flatnonzero(~np.isfinite(found.intensity))[0])
        raise FormatError(f"{where}: the intensity of sweep {at + 1} is missing.")
    return Segments(
        adopt(signal),
        fs=fs,
        starts=np.arange(len(signal)) * apart,
        first=found.times[:, 0],
        kind="evoked",
        channel_names=found.channel_names,
        intensity=found.intensity,
        history=(Step("read_sweeps", {**facts, "fs": fs, "interval": apart}),),
    )
