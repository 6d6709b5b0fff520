"""Text tables: one column per channel, one row per sample (CSV, TSV)."""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import nearest
from emgkit.errors import ChannelError, FormatError, ParameterError, SamplingRateError, UnitError
from emgkit.io.assemble import assemble
from emgkit.io.base import Request, Stream
from emgkit.io.time_axis import sampling_rate
from emgkit.io.units import ask, check_time_unit, seconds_per_unit, volts_per_unit
from emgkit.recording import Recording

__all__ = ["CSV", "TSV", "Columns", "read_columns"]

MISSING_CELLS = ("", "nan", "na", "n/a")
_UNIT_IN_NAME = re.compile(r"^.*[\[(]\s*([^\[\]()]*?)\s*[\])]\s*$")


@dataclass(frozen=True, eq=False)
class Columns:
    """A text table of numbers: names and values, shape (rows, columns); NaN where a cell is empty."""

    names: tuple[str, ...]
    values: NDArray[np.float64]

    def column(self, name: str, where: str, argument: str) -> NDArray[np.float64]:
        """Give one column, shape (rows,), or say which there are."""
        if name not in self.names:
            raise ChannelError(f"{where} has no column {name!r} ({argument}): {nearest(name, self.names)}.")
        return self.values[:, self.names.index(name)]


def read_columns(path: Path, *, delimiter: str, decimal: str = ".", header: bool = True, skip_rows: int = 0) -> Columns:
    """Read a text table in which every cell is a number, or empty where the sample is missing.

    Parameters
    ----------
    path : Path
        The file, in UTF-8 or Latin-1.
    delimiter : str
        What stands between the cells.
    decimal : {".", ","}
        Decimal sign.
    header : bool
        Whether the first row (after the skipped ones) holds the names; else they are ``column1, column2 ...``.
    skip_rows : int
        Rows to leave out at the top.

    Raises
    ------
    FormatError
        If rows have different lengths, or text stands where a number belongs; row and column are named.
    """
    lines = _lines(path)
    first = skip_rows + header
    if len(lines) <= first:
        raise FormatError(f"{path.name} has {len(lines)} rows and no numbers below row {first}.")
    names = _names(path, lines[skip_rows], delimiter, header)
    body = lines[first:]
    _check_widths(path, body, delimiter, len(names), first)
    return Columns(names, _numbers(path, body, names, delimiter, decimal, first))


def _lines(path: Path) -> list[str]:
    content = path.read_bytes()
    if b"\0" in content[:4096]:
        raise FormatError(f"{path.name} is no text but binary: say its format with format=.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = content.decode("latin-1")
    lines = text.splitlines()
    while lines and not lines[-1].strip():
        lines.pop()
    return lines


def _names(path: Path, line: str, delimiter: str, header: bool) -> tuple[str, ...]:
    cells = [cell.strip() for cell in next(csv.reader([line], delimiter=delimiter))]
    if not header:
        return tuple(f"column{index + 1}" for index in range(len(cells)))
    if all(_is_number(cell) for cell in cells):
        raise FormatError(f"{path.name}: the first row holds numbers, no names: say header=False, or skip_rows=.")
    other = next((mark for mark in ("\t", ";", ",") if mark != delimiter and mark in line), None)
    if len(cells) == 1 and other is not None:
        raise FormatError(
            f"{path.name}: one column only; its cells look separated by {other!r}: say delimiter={other!r}."
        )
    empty = [index + 1 for index, cell in enumerate(cells) if not cell]
    if empty:
        raise FormatError(f"{path.name}: column {empty[0]} has no name in the header row.")
    twice = sorted({cell for cell in cells if cells.count(cell) > 1})
    if twice:
        raise ChannelError(
            f"{path.name}: the column name {twice[0]!r} comes {cells.count(twice[0])} times: rename one."
        )
    return tuple(cells)


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _check_widths(path: Path, body: Sequence[str], delimiter: str, width: int, first: int) -> None:
    for index, line in enumerate(body):
        if line.count(delimiter) + 1 != width and '"' not in line:
            raise FormatError(
                f"{path.name}: row {first + index + 1} has {line.count(delimiter) + 1} cells, {width} are needed: "
                f"{'the file was cut short' if index == len(body) - 1 else 'mend the row'}."
            )


def _numbers(
    path: Path, body: Sequence[str], names: Sequence[str], delimiter: str, decimal: str, first: int
) -> NDArray[np.float64]:
    lines = body if decimal == "." else [line.replace(decimal, ".") for line in body]
    try:
        return _parse(lines, delimiter)
    except ValueError:
        # empty cells, which the fast parser does not know, or text
        rows = [[cell.strip() for cell in cells] for cells in csv.reader(lines, delimiter=delimiter)]
    wrong = _first_text(rows, names)
    if wrong is not None:
        row, name, cell = wrong
        hint = f"; with a decimal comma say decimal={','!r}" if "," in cell else ""
        raise FormatError(f"{path.name}: row {first + row + 1}, column {name!r}: {cell!r} is no number{hint}.")
    return _parse([delimiter.join(cell or "nan" for cell in map(_known, cells)) for cells in rows], delimiter)


def _parse(lines: Sequence[str], delimiter: str) -> NDArray[np.float64]:
    return np.loadtxt(lines, delimiter=delimiter, dtype=np.float64, comments=None, ndmin=2, quotechar='"')


def _known(cell: str) -> str:
    return "" if cell.lower() in MISSING_CELLS else cell


def _first_text(rows: Sequence[Sequence[str]], names: Sequence[str]) -> tuple[int, str, str] | None:
    for index, cells in enumerate(rows):
        for name, cell in zip(names, cells, strict=False):
            if _known(cell) and not _is_number(cell):
                return index, name, cell
    return None


@dataclass(frozen=True)
class CSV:
    """Comma-separated values: names in the first row, then one row per sample and one column per channel.

    An empty cell is a missing sample. A unit in brackets behind a name, ``"VL (mV)"`` or ``"time [ms]"``, counts as
    stated by the file; otherwise it is asked for.

    Parameters
    ----------
    time : str, optional
        Name of the column of times. It must be uniform; the rate is read from it. Without it ``fs`` is needed.
    time_unit : str, optional
        Unit of that column: s, ms, us or min.
    delimiter : str, default ","
        What stands between the cells.
    decimal : {".", ","}
        Decimal sign.
    header : bool, default True
        Whether the first row holds the names; else they are ``column1, column2 ...``.
    skip_rows : int, default 0
        Rows to leave out at the top.
    units : mapping of str to str, optional
        Units of single columns, for example ``{"force": "N"}``.
    """

    name: ClassVar[str] = "csv"
    suffixes: ClassVar[tuple[str, ...]] = (".csv",)
    time: str | None = None
    time_unit: str | None = None
    delimiter: str = ","
    decimal: str = "."
    header: bool = True
    skip_rows: int = 0
    units: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        """Check the options."""
        if self.decimal not in (".", ",") or len(self.delimiter) != 1 or self.delimiter == self.decimal:
            raise ParameterError(
                f"delimiter={self.delimiter!r} and decimal={self.decimal!r}: the first is one character, the second "
                "'.' or ',', and they differ."
            )
        if self.skip_rows < 0:
            raise ParameterError(f"skip_rows must be 0 or more, got {self.skip_rows}.")

    def read(self, path: Path, request: Request) -> Recording:
        """Read the file; see `emgkit.read_recording`."""
        table = read_columns(
            path, delimiter=self.delimiter, decimal=self.decimal, header=self.header, skip_rows=self.skip_rows
        )
        fs, offset = self._rate(table, path.name, request)
        stated = self._units(table, path.name)
        streams = [
            Stream(name, table.values[:, index].copy, fs, stated.get(name) or _unit_in(name))
            for index, name in enumerate(table.names)
            if name != self.time
        ]
        return assemble(path, streams, request, reader=self, said={"time_offset": offset})

    def _rate(self, table: Columns, where: str, request: Request) -> tuple[float | None, float]:
        if self.time is None:
            if request.fs is None:
                raise SamplingRateError(
                    f"{where} does not say its sampling rate: {ask('fs', '2000')}, in Hz, or name its column of times "
                    f"with time= and time_unit= (columns: {', '.join(table.names[:20])})."
                )
            return None, 0.0
        stamps = table.column(self.time, where, "time")
        times = stamps * self._seconds(where)
        recorded = sampling_rate(times, f"{where}, column {self.time!r}")
        return _agreed(recorded, request.fs, times, where), float(times[0])

    def _seconds(self, where: str) -> float:
        stated = seconds_per_unit(_unit_in(str(self.time)))
        if self.time_unit is None:
            if stated is None:
                raise UnitError(
                    f"{where}: the column of times {self.time!r} has no unit: {ask('time_unit', repr('s'))}."
                )
            return stated
        given = check_time_unit(self.time_unit)
        if stated not in (None, given):
            raise UnitError(f"{where}: time_unit={self.time_unit!r} contradicts the name of the column {self.time!r}.")
        return given

    def _units(self, table: Columns, where: str) -> Mapping[str, str]:
        for name in self.units or {}:
            table.column(name, where, "units")
        return self.units or {}


@dataclass(frozen=True)
class TSV(CSV):
    """Tab-separated values: as `CSV`, with tabs between the cells."""

    name: ClassVar[str] = "tsv"
    suffixes: ClassVar[tuple[str, ...]] = (".tsv", ".txt")
    delimiter: str = "\t"


def _unit_in(name: str) -> str:
    found = _UNIT_IN_NAME.match(name)
    text = found.group(1) if found else ""
    known = volts_per_unit(text) is not None or seconds_per_unit(text) is not None or text in _OTHER_UNITS
    return text if known else ""


_OTHER_UNITS = frozenset(
    {"N", "kN", "kg", "Nm", "N·m", "N*m", "A", "mA", "deg", "°", "rad", "rad/s", "deg/s", "°/s", "g", "%"}
)


def _agreed(recorded: float, given: float | None, times: NDArray[np.float64], where: str) -> float:
    if given is None:
        return recorded
    # over the whole column both must agree within one sample: then the difference is rounding of the times
    if abs(times.size / recorded - times.size / given) * recorded > 1:
        raise SamplingRateError(
            f"{where}: the column of times means {recorded:.6g} Hz, fs={given:g} contradicts it: leave fs away."
        )
    return given
