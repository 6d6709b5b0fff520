"""`write_recording`: a recording as a BDF+ file that other programs open, and that reads back as it was."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenMapping
from emgkit.errors import EmgkitWarning, OutputError
from emgkit.io.atomic import written_whole
from emgkit.io.bdf_records import Records, plan_records
from emgkit.io.spans import MISSING, PADDING, Span, channel_label, lost_spans, runs, shared
from emgkit.recording import Recording

__all__ = ["Written", "check_target", "write_recording"]

_LEVELS = 2**24 - 1
_LABEL_WIDTH, _UNIT_WIDTH, _NUMBER_WIDTH = 16, 8, 8
# EMG is written in µV
_PER_VOLT = 1e6
_MICRO_SIGNS = str.maketrans({"µ": "u", "μ": "u"})


@dataclass(frozen=True, eq=False)
class Written:
    """What was written.

    Parameters
    ----------
    path : Path
        The file.
    steps : mapping of str to float
        Quantisation step of every channel: V for EMG, the trace's unit for auxiliary channels. Values read back
        differ by at most half of it.
    record_duration : float
        Length of a data record, s.
    """

    path: Path
    steps: Mapping[str, float]
    record_duration: float


@dataclass(frozen=True, eq=False)
class _Channel:
    name: str
    values: NDArray[np.float64]
    fs: float
    unit: str
    start: float
    emg: bool


def write_recording(recording: Recording, path: str | Path, *, overwrite: bool = False) -> Written:
    """Write a recording as a BDF+ file (24 bits).

    EMG is written in µV, auxiliary channels with their own rates and units, marks as annotations. Each channel has
    the narrowest physical range that holds it. Lost samples keep their values and are marked by annotations
    ``BAD_lost@@channel`` (without ``@@`` if all EMG channels are concerned); missing samples (NaN) are written as 0
    under ``BAD_missing@@channel``, for the format has no missing values. `read_recording` turns both back into what
    they were. The file is complete or not there: it is written under another name and renamed.

    Parameters
    ----------
    recording : Recording
        Times in the file count from the recording's first sample: `start` and history are not kept.
    path : str or Path
        The file, ending in ``.bdf``.
    overwrite : bool, default False
        Replace a file that is there already; it is refused otherwise.

    Returns
    -------
    Written
        With the quantisation step of every channel.

    Raises
    ------
    OutputError
        If the folder is not there or not writable, the file exists, a name has more than 16 or a unit more than 8
        ASCII characters, two channels have one name, traces do not start with the EMG, or rates do not fit together.

    Warns
    -----
    EmgkitWarning
        If a rate had to be rounded to what the format can hold.

    References
    ----------
    Kemp & Olivan (2003), Clin Neurophysiol 114:1755-1761; BioSemi's BDF with samples of 24 bits.
    """
    target = check_target(Path(path).expanduser(), overwrite=overwrite)
    content, written = encode(recording, target)
    with written_whole(target) as unfinished:
        unfinished.write_bytes(content)
    return written


def encode(recording: Recording, target: Path) -> tuple[bytes, Written]:
    """Give the content of the file, so that it can be written together with another one."""
    import edfio

    channels = _channels(recording)
    records = plan_records([item.fs for item in channels], [item.values.size for item in channels])
    _tell_rounded(channels, records, target.name)
    signals = [
        _signal(item, samples * records.count, rate)
        for item, samples, rate in zip(channels, records.per_record, records.rates, strict=True)
    ]
    annotations = _annotations(recording, channels, records)
    made = edfio.Bdf(signals, data_record_duration=records.duration, annotations=annotations)
    steps = {item.name: _step(one, item.emg) for item, one in zip(channels, signals, strict=True)}
    return made.to_bytes(), Written(target, FrozenMapping(steps), records.duration)


def check_target(path: Path, *, overwrite: bool = False) -> Path:
    """Refuse a name under which no recording can be written, as far as that shows before writing.

    Raises
    ------
    OutputError
        If the name does not end in ``.bdf``, the folder is not there, or something is there already.
    """
    if path.suffix.lower() != ".bdf":
        raise OutputError(f"{path}: recordings are written as BDF, end the name in .bdf.")
    if not path.parent.is_dir():
        raise OutputError(f"{path} cannot be written: there is no folder {path.parent}.")
    if path.is_dir():
        raise OutputError(f"{path} cannot be written: it is a folder.")
    if path.exists() and not overwrite:
        raise OutputError(f"{path} exists already: choose another name, or say overwrite=True.")
    return path


def _channels(recording: Recording) -> list[_Channel]:
    emg = [
        _Channel(name, row * _PER_VOLT, recording.fs, "uV", recording.start, True)
        for name, row in zip(recording.channel_names, recording.signal, strict=True)
    ]
    aux = [
        _Channel(name, trace.values, trace.fs, "" if trace.unit == "1" else trace.unit, trace.start, False)
        for name, trace in recording.aux.items()
    ]
    channels = emg + aux
    for item in channels:
        _check_text(item, [other.name for other in channels])
        _check_values(item, recording)
    return channels


def _check_text(item: _Channel, names: Sequence[str]) -> None:
    for what, text, width in (("name", item.name, _LABEL_WIDTH), ("unit", _ascii(item.unit), _UNIT_WIDTH)):
        if len(text) > width or not text.isascii() or not text.isprintable():
            raise OutputError(
                f"The {what} {text!r} of channel {item.name!r} does not fit into BDF, which has {width} ASCII "
                f"characters for it: give the channel another {what}."
            )
    if names.count(item.name) > 1:
        raise OutputError(f"Two channels are called {item.name!r}: BDF needs different names to tell them apart.")


def _ascii(unit: str) -> str:
    return unit.translate(_MICRO_SIGNS)


def _check_values(item: _Channel, recording: Recording) -> None:
    if np.isinf(item.values).any():
        raise OutputError(
            f"Channel {item.name!r} holds infinite values, which BDF has not: mark them as missing (NaN)."
        )
    if not item.values.size or abs(item.start - recording.start) * item.fs > 1e-3:
        raise OutputError(
            f"Channel {item.name!r} starts at {item.start:.6g} s with {item.values.size} samples, the EMG at "
            f"{recording.start:.6g} s: in BDF all start together. Crop at a time at which both have a sample, or leave "
            "it out."
        )


def _tell_rounded(channels: Sequence[_Channel], records: Records, where: str) -> None:
    for item, rate in zip(channels, records.rates, strict=True):
        if not math.isclose(rate, item.fs, rel_tol=1e-11):
            drift = abs(item.values.size / rate - item.values.size / item.fs)
            warnings.warn(
                f"{where}: {item.name} is written with {rate:.9g} instead of {item.fs:.9g} Hz, the nearest rate that "
                f"BDF can hold; its last sample is {drift * 1e6:.2g} µs off.",
                EmgkitWarning,
                stacklevel=4,
            )


def _signal(item: _Channel, size: int, rate: float) -> Any:
    import edfio

    known = item.values[np.isfinite(item.values)]
    low, high = (float(known.min()), float(known.max())) if known.size else (0.0, 0.0)
    if known.size < item.values.size:
        low, high = min(low, 0.0), max(high, 0.0)
    values = np.concatenate([item.values, np.full(size - item.values.size, known[-1] if known.size else 0.0)])
    return edfio.BdfSignal(
        np.nan_to_num(values, nan=0.0),
        rate,
        label=item.name,
        transducer_type="EMG" if item.emg else "",
        physical_dimension=_ascii(item.unit),
        physical_range=_range(item.name, low, high),
    )


def _range(name: str, low: float, high: float) -> tuple[float, float]:
    bounds = _outer(name, low, -1), _outer(name, high, 1)
    return bounds if bounds[0] < bounds[1] else (bounds[0], _outer(name, high + max(abs(high) * 1e-6, 1e-4), 1))


def _outer(name: str, value: float, sign: int) -> float:
    """Round away from the signal to the nearest number that 8 characters can hold."""
    # below 1e-4 the shortest text of a number has an exponent, which readers of EDF do not expect
    for digits in range(6 if abs(value) >= 1e-4 else 4, -1, -1):
        scale = 10**digits
        rounded = sign * math.ceil(sign * value * scale) / scale
        text = f"{rounded:.{digits}f}"
        if len(text) <= _NUMBER_WIDTH and sign * float(text) >= sign * value:
            return float(text)
    raise OutputError(f"Channel {name!r} reaches {value:g}, which the {_NUMBER_WIDTH} characters of BDF cannot hold.")


def _annotations(recording: Recording, channels: Sequence[_Channel], records: Records) -> list[Any]:
    import edfio

    stop = records.count * records.duration
    spans = shared(lost_spans(recording), recording.n_channels)
    for item, rate in zip(channels, records.rates, strict=True):
        if not item.emg:
            spans += [_span(MISSING, item, low, high) for low, high in runs(np.isnan(item.values))]
        if item.values.size < round(stop * rate):
            spans.append(Span(PADDING, item.name, item.start + item.values.size / rate, item.start + stop))
    listed = [(mark.label, mark.start, mark.stop) for mark in recording.marks]
    listed += [(channel_label(span), span.start, span.stop) for span in spans]
    _check_labels(label for label, _, _ in listed)
    return [
        edfio.EdfAnnotation(start - recording.start, (end - start) if end > start else None, label)
        for label, start, end in listed
    ]


def _span(label: str, item: _Channel, low: int, high: int) -> Span:
    return Span(label, item.name, item.start + low / item.fs, item.start + high / item.fs)


def _check_labels(labels: Iterable[str]) -> None:
    for label in labels:
        if not label.isprintable():
            raise OutputError(f"The label {label!r} of a mark holds characters that BDF cannot keep: give it another.")


def _step(signal: Any, emg: bool) -> float:
    step = (signal.physical_max - signal.physical_min) / _LEVELS
    return float(step / _PER_VOLT if emg else step)
