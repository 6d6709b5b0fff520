"""All that MNE can read besides EDF and BDF: BrainVision, FIF, EEGLAB, CNT, GDF ..."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import EmgkitWarning, FormatError
from emgkit.io.assemble import assemble
from emgkit.io.base import Request, Stream
from emgkit.recording import Mark, Recording

__all__ = ["MNE", "filter_note", "marks_of"]

# what MNE's readers give in V, and where the format itself does not tell EEG from EMG
_VOLTAGE_TYPES = ("emg", "eeg", "ecg", "eog", "bio", "seeg", "ecog", "dbs")
_TYPED_SUFFIXES = (".fif", ".fif.gz")


@dataclass(frozen=True)
class MNE:
    """Every format that `mne.io.read_raw` knows, except EDF and BDF, which have exact readers of their own.

    Samples are in V as MNE scales them; a channel whose unit the file does not say needs ``unit``. Annotations are
    marks, stimulus channels are auxiliary. FIF files say what is EMG; in the others EEG channels may be EMG.
    """

    name: ClassVar[str] = "mne"
    suffixes: ClassVar[tuple[str, ...]] = (
        ".vhdr",
        ".ahdr",
        ".fif",
        ".fif.gz",
        ".set",
        ".cnt",
        ".gdf",
        ".nxe",
        ".mff",
        ".lay",
    )

    def read(self, path: Path, request: Request) -> Recording:
        """Read the file; see `emgkit.read_recording`."""
        raw = _open(path)
        fs = float(raw.info["sfreq"])
        typed = path.name.lower().endswith(_TYPED_SUFFIXES)
        units: Mapping[str, str] = getattr(raw, "_orig_units", None) or {}
        streams = [
            _stream(path, raw, name, kind, units, typed)
            for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True)
        ]
        said = {"filters": filter_note(raw), "rate_of_mne": fs}
        return assemble(path, streams, request, reader=self, marks=marks_of(raw, origin=raw.first_time), said=said)


def _open(path: Path) -> Any:
    import mne

    logger = logging.getLogger("mne")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        # MNE prints its log to stdout, which is for results
        logger.addFilter(_silence)
        try:
            raw = mne.io.read_raw(path, preload=False, verbose="warning")
        except Exception as error:  # noqa: BLE001  MNE's readers stumble over damage in every possible way
            raise _damaged(path, error) from None
        finally:
            logger.removeFilter(_silence)
    for text in sorted({" ".join(str(item.message).split()) for item in caught}):
        warnings.warn(f"{path.name}, from MNE: {text}", EmgkitWarning, stacklevel=4)
    return raw


def _silence(_: logging.LogRecord) -> bool:
    return False


def _damaged(path: Path, error: BaseException) -> FormatError:
    text = "".join(letter for letter in " ".join(str(error).split())[:150] if letter.isprintable())
    return FormatError(f"{path.name} cannot be read by MNE: {text}. Is it whole, and its companions beside it?")


def _stream(path: Path, raw: Any, name: str, kind: str, units: Mapping[str, str], typed: bool) -> Stream:
    stated = units.get(name, "V" if kind in _VOLTAGE_TYPES else "")
    if kind in _VOLTAGE_TYPES:
        # "n/a": MNE passed the numbers on as they are
        unit = "" if stated == "n/a" else "V"
        role = "emg" if kind == "emg" else "other" if typed else ""
    else:
        unit, role = ("" if stated == "n/a" else stated), "aux"
    return Stream(name, partial(_values, path, raw, name), float(raw.info["sfreq"]), unit, role)


def _values(path: Path, raw: Any, name: str) -> NDArray[np.float64]:
    try:
        return np.asarray(raw.get_data(picks=[name], verbose="error")[0], dtype=np.float64)
    except Exception as error:  # noqa: BLE001  as in _open: samples are read only here
        raise _damaged(path, error) from None


def filter_note(raw: Any) -> str:
    """Say which filters the header of an MNE recording reports; empty if none."""
    high, low, fs = raw.info["highpass"], raw.info["lowpass"], raw.info["sfreq"]
    # half the rate is what every sampled signal has
    parts = [f"high-pass {high:g} Hz"] * (high > 0) + [f"low-pass {low:g} Hz"] * (low < 0.499 * fs)
    return ", ".join(parts)


def marks_of(raw: Any, origin: float) -> list[Mark]:
    """Give the annotations of an MNE recording as marks, s since ``origin`` on MNE's axis (`first_samp` counts)."""
    listed = []
    for item in raw.annotations:
        start = float(item["onset"]) - origin
        names = item.get("ch_names") or ()
        texts = [f"{item['description']}@@{name}" for name in names] or [str(item["description"])]
        listed += [Mark(text, start, start + float(item["duration"])) for text in texts if text.strip()]
    return listed
