"""The plan of an EDF or BDF file as its header states it: enough to tell damage and gaps before the samples are read.

Reference: Kemp & Olivan (2003), European data format 'plus' (EDF+), Clin Neurophysiol 114:1755-1761; BioSemi's BDF is
the same with samples of 3 bytes. The samples and annotations themselves are read with edfio.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import FormatError

__all__ = ["EdfLayout", "read_layout"]

_VERSIONS = {"EDF": b"0       ", "BDF": b"\xffBIOSEMI"}
_ONSET = re.compile(rb"([+-]\d+(?:\.\d*)?)[\x14\x15]")


@dataclass(frozen=True)
class EdfLayout:
    """Where things lie in an EDF or BDF file.

    Parameters
    ----------
    header_bytes : int
        Length of the header, bytes.
    records : int
        Number of data records that the header promises; -1 if it does not say.
    record_duration : Fraction
        s, exactly as the header writes it.
    labels : tuple of str
        All signals, annotation signals too.
    samples : tuple of int
        Samples per record of every signal.
    sample_bytes : int
        2 in EDF, 3 in BDF.
    continuous : bool
        False for EDF+D and BDF+D, whose records may have gaps between them.
    encoding : str
        Encoding of the texts: UTF-8 if they are, else Latin-1. Both contain ASCII, which the standard wants.
    """

    header_bytes: int
    records: int
    record_duration: Fraction
    labels: tuple[str, ...]
    samples: tuple[int, ...]
    sample_bytes: int
    continuous: bool
    encoding: str

    def rate(self, samples: int) -> float:
        """Give the sampling rate of a channel with so many samples per record, Hz, without rounding in between."""
        return float(samples / self.record_duration)

    @property
    def record_bytes(self) -> int:
        """Length of one data record, bytes."""
        return sum(self.samples) * self.sample_bytes

    def records_present(self, path: Path) -> float:
        """Give how many data records, whole and part, the file really holds."""
        return (path.stat().st_size - self.header_bytes) / self.record_bytes

    def record_onsets(self, path: Path, count: int) -> NDArray[np.float64]:
        """Give when each data record starts, s since the first, from the timekeeping annotations.

        Raises
        ------
        FormatError
            If a record does not say its time.
        """
        kind = f"{'EDF' if self.sample_bytes == 2 else 'BDF'} Annotations"
        if kind not in self.labels:
            raise FormatError(f"{path.name} is discontinuous (+D) but holds no times of its records: it is damaged.")
        row = self.labels.index(kind)
        first = sum(self.samples[:row]) * self.sample_bytes
        length = self.samples[row] * self.sample_bytes
        with path.open("rb") as stream:
            return self._onsets(stream.read(), path, count, first, length)

    def _onsets(self, content: bytes, path: Path, count: int, first: int, length: int) -> NDArray[np.float64]:
        onsets = np.empty(count)
        for record in range(count):
            at = self.header_bytes + record * self.record_bytes + first
            found = _ONSET.match(content[at : at + length])
            if found is None:
                raise FormatError(f"{path.name}: data record {record + 1} of {count} does not say when it starts.")
            onsets[record] = float(found.group(1))
        relative: NDArray[np.float64] = onsets - onsets[0]
        return relative


def read_layout(path: Path, kind: str) -> EdfLayout:
    """Read the header of an EDF or BDF file.

    Parameters
    ----------
    path : Path
        The file.
    kind : {"EDF", "BDF"}
        What it ought to be.

    Raises
    ------
    FormatError
        If it is something else, or the header is damaged.
    """
    with path.open("rb") as stream:
        main = stream.read(256)
        _check_version(path, main[:8], kind)
        try:
            count = int(main[252:256])
            signals = stream.read(256 * max(count, 0))
            if len(main) < 256 or count < 1 or len(signals) < 256 * count:
                raise FormatError(_damaged(path, kind, f"{count} signals in {path.stat().st_size} bytes"))
            return _parse(main, signals, count, kind)
        except (ValueError, ArithmeticError) as error:
            message = str(error)
            raise FormatError(message if isinstance(error, FormatError) else _damaged(path, kind, message)) from None


def _check_version(path: Path, version: bytes, kind: str) -> None:
    if version == _VERSIONS[kind]:
        return
    other = next((name for name, mark in _VERSIONS.items() if mark == version), None)
    if other is not None:
        raise FormatError(f"{path.name} is {other}, not {kind}: say format={other.lower()!r} or mend its ending.")
    raise FormatError(f"{path.name} is no {kind} file: it begins with {version!r}. Say its format with format=.")


def _damaged(path: Path, kind: str, what: str) -> str:
    return f"{path.name}: the {kind} header is damaged or cut short ({what}): copy the file again."


def _parse(main: bytes, signals: bytes, count: int, kind: str) -> EdfLayout:
    def column(before: int, width: int) -> list[bytes]:
        start = before * count
        return [signals[start + index * width : start + (index + 1) * width] for index in range(count)]

    samples = tuple(int(item) for item in column(216, 8))
    duration = Fraction(main[244:252].decode("ascii").strip())
    annotation = f"{kind} Annotations"
    encoding = _encoding(main + signals)
    labels = tuple(item.decode(encoding).strip() for item in column(0, 16))
    if min(samples) < 1 or (duration <= 0 and any(label != annotation for label in labels)):
        raise ValueError(f"records of {float(duration):g} s with {min(samples)} samples")
    return EdfLayout(
        header_bytes=int(main[184:192]),
        records=int(main[236:244]),
        record_duration=duration,
        labels=labels,
        samples=samples,
        sample_bytes=2 if kind == "EDF" else 3,
        continuous=b"+D" not in main[192:236],
        encoding=encoding,
    )


def _encoding(texts: bytes) -> str:
    try:
        texts[8:].decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8"
