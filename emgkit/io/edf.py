"""EDF and BDF, with or without '+': every channel with its own unit and rate, annotations, gaps."""

from __future__ import annotations

import warnings
from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import EmgkitWarning, FormatError
from emgkit.io.assemble import assemble
from emgkit.io.base import Request, Stream
from emgkit.io.edf_layout import EdfLayout, read_layout
from emgkit.recording import Mark, Recording

__all__ = ["BDF", "EDF"]

# BioSemi: bits 0-15 are the trigger inputs, the others the state of the amplifier
_TRIGGER_BITS = 0xFFFF


@dataclass(frozen=True)
class EDF:
    """European data format, EDF and EDF+ (16 bits).

    Physical values, units and rates are those of the header, channel by channel; annotations become marks. In a
    discontinuous file (EDF+D) the pauses become NaN, so that times stay right.

    Parameters
    ----------
    allow_truncated : bool, default False
        Read the whole data records of a file that ends early; it is refused otherwise.

    References
    ----------
    Kemp & Olivan (2003), Clin Neurophysiol 114:1755-1761. Differs in this: header texts in Latin-1 or UTF-8 are
    accepted ("µV"), and annotations that begin with BAD make samples invalid, as in MNE.
    """

    name: ClassVar[str] = "edf"
    suffixes: ClassVar[tuple[str, ...]] = (".edf",)
    kind: ClassVar[str] = "EDF"
    allow_truncated: bool = False

    def read(self, path: Path, request: Request) -> Recording:
        """Read the file; see `emgkit.read_recording`."""
        layout = read_layout(path, self.kind)
        count = self._whole_records(path, layout)
        opened = _open(path, self.kind, layout.encoding)
        onsets = None if layout.continuous else _checked_onsets(path, layout, count)
        streams = [_stream(path, signal, layout, onsets) for signal in opened.signals]
        said = {"discontinuous": not layout.continuous, "records": count}
        return assemble(path, streams, request, reader=self, marks=_marks(opened.annotations), said=said)

    def _whole_records(self, path: Path, layout: EdfLayout) -> int:
        present = layout.records_present(path)
        if layout.records == int(present) == present:
            return layout.records
        promised = "an unknown number of" if layout.records < 0 else str(layout.records)
        text = (
            f"{path.name} ends early or was not closed: its header promises {promised} data records of "
            f"{float(layout.record_duration):g} s, {max(present, 0):.2f} are there"
        )
        if not self.allow_truncated or present < 1:
            raise FormatError(f"{text}. Copy it again, or read the whole records with allow_truncated=True.")
        if layout.records >= 0 and present > layout.records:
            raise FormatError(f"{text}: more than promised. Copy it again from the recorder.")
        warnings.warn(f"{text}; only the whole ones were read.", EmgkitWarning, stacklevel=4)
        return int(present)


@dataclass(frozen=True)
class BDF(EDF):
    """BioSemi data format, BDF and BDF+: as `EDF`, with 24 bits.

    Of BioSemi's Status channel (unit ``Boolean``) only the 16 trigger bits are given.
    """

    name: ClassVar[str] = "bdf"
    suffixes: ClassVar[tuple[str, ...]] = (".bdf",)
    kind: ClassVar[str] = "BDF"


def _open(path: Path, kind: str, encoding: str) -> Any:
    import edfio

    read = edfio.read_edf if kind == "EDF" else edfio.read_bdf
    with warnings.catch_warnings():
        # what edfio warns of, too few records, was refused or told before
        warnings.simplefilter("ignore")
        try:
            opened = read(path, header_encoding=encoding)
            opened.annotations  # noqa: B018  damaged annotations show up only when they are read
        except (ValueError, KeyError, IndexError, OSError) as error:
            raise FormatError(f"{path.name}: damaged {kind} file ({error}).") from None
    return opened


def _stream(path: Path, signal: Any, layout: EdfLayout, onsets: NDArray[np.float64] | None) -> Stream:
    label = signal.label.strip()
    declared = "emg" in signal.transducer_type.lower() or label.upper().startswith("EMG")
    return Stream(
        name=label,
        load=partial(_values, path, signal, layout, onsets),
        fs=layout.rate(signal.samples_per_data_record),
        unit=signal.physical_dimension.strip(),
        kind="emg" if declared else "",
        note=signal.prefiltering.strip(),
    )


def _values(path: Path, signal: Any, layout: EdfLayout, onsets: NDArray[np.float64] | None) -> NDArray[np.float64]:
    if not _calibrated(signal):
        raise FormatError(
            f"{path.name}: channel {signal.label.strip()} has no calibration: its physical or digital minimum and "
            "maximum in the header are equal or no numbers. Choose other channels with emg= and aux=."
        )
    values = np.asarray(signal.data, dtype=np.float64)
    if layout.sample_bytes == 3 and signal.physical_dimension.strip().lower() == "boolean":
        values = (np.asarray(signal.digital) & _TRIGGER_BITS).astype(np.float64)
    if onsets is None:
        return values
    return _with_gaps(values, signal.label, layout.rate(signal.samples_per_data_record), onsets, path)


def _calibrated(signal: Any) -> bool:
    try:
        return bool(signal.physical_min != signal.physical_max and signal.digital_min != signal.digital_max)
    except ValueError:
        return False


def _checked_onsets(path: Path, layout: EdfLayout, count: int) -> NDArray[np.float64]:
    onsets = layout.record_onsets(path, count)
    # a microsecond: record times are decimal texts
    late = np.diff(onsets) - float(layout.record_duration)
    if (late < -1e-6).any():
        at = int(np.flatnonzero(late < -1e-6)[0])
        raise FormatError(f"{path.name}: data record {at + 2} starts before the one before it has ended.")
    return onsets


def _with_gaps(
    values: NDArray[np.float64], label: str, fs: float, onsets: NDArray[np.float64], path: Path
) -> NDArray[np.float64]:
    first = np.rint(onsets * fs).astype(np.int64)
    off = np.abs(onsets * fs - first)
    if off.max() > 0.01:
        raise FormatError(
            f"{path.name}: the pauses of this discontinuous file are no whole number of samples of {label.strip()} "
            f"(off by {off.max():.2f} of a sample): cut it into its continuous parts first."
        )
    per_record = values.size // onsets.size
    placed = np.full(int(first[-1]) + per_record, np.nan)
    placed[first[:, np.newaxis] + np.arange(per_record)] = values.reshape(onsets.size, per_record)
    return placed


def _marks(annotations: Iterable[Any]) -> list[Mark]:
    listed = [(item.text.strip(), float(item.onset), float(item.duration or 0.0)) for item in annotations]
    return [Mark(text, onset, onset + duration) for text, onset, duration in listed if text]
