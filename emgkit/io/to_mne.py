"""`to_mne` and `from_mne`: to and from `mne.io.Raw`, for everyone who works there."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt, nearest
from emgkit.errors import ChannelError, EmgkitWarning, ParameterError, SamplingRateError
from emgkit.io.mne_formats import filter_note, marks_of
from emgkit.io.roles import is_trigger_name
from emgkit.io.spans import apply_lost, lost_spans, shared
from emgkit.recording import Recording, Trace
from emgkit.step import Step

if TYPE_CHECKING:
    import mne

__all__ = ["from_mne", "to_mne"]

OTHER_RATES = ("refuse", "drop", "resample")


def to_mne(recording: Recording, *, other_rates: Literal["refuse", "drop", "resample"] = "refuse") -> mne.io.RawArray:
    """Turn a recording into an `mne.io.RawArray` with channels of type ``emg``.

    Parameters
    ----------
    recording : Recording
        EMG becomes type ``emg``, in V; missing samples stay NaN. Traces become ``misc``, those called trigger, stim,
        status, sync, marker, event or TTL ``stim``. Marks become annotations; stretches that are not valid become
        ``BAD_lost`` or ``BAD_missing`` (with ``ch_names`` unless all EMG channels are concerned).
    other_rates : {"refuse", "drop", "resample"}
        What to do with traces of another rate or length, which Raw cannot hold: refuse; leave them out; or take
        each value at the EMG's sample times, by the value that held last for ``stim``, by straight lines for others.
        Short pulses of a trigger get lost in that when its rate is higher.

    Returns
    -------
    mne.io.RawArray
        Its `first_samp` is the recording's start. MNE skips EMG unless it is asked for: say ``picks="emg"``. MNE
        cuts marks at the ends of the recording and rounds their times to 1 µs.

    Raises
    ------
    SamplingRateError
        If a trace has another rate and ``other_rates`` is "refuse".
    ChannelError
        If a trace has the name of an EMG channel.

    Warns
    -----
    EmgkitWarning
        If marks lie outside the recording and are therefore lost.
    """
    import mne

    if other_rates not in OTHER_RATES:
        raise ParameterError(f"other_rates={other_rates!r}: {nearest(str(other_rates), OTHER_RATES)}.")
    twice = sorted(set(recording.aux) & set(recording.channel_names))
    if twice:
        raise ChannelError(f"{twice[0]!r} is both an EMG channel and a trace: MNE needs different names.")
    rows = {name: _at_emg_times(name, trace, recording, other_rates) for name, trace in recording.aux.items()}
    traces = {name: row for name, row in rows.items() if row is not None}
    kinds = ["emg"] * recording.n_channels + ["stim" if is_trigger_name(name) else "misc" for name in traces]
    header = mne.create_info([*recording.channel_names, *traces], recording.fs, kinds, verbose="error")
    header["description"] = _description(recording, traces)
    first = round(recording.start * recording.fs)
    raw = mne.io.RawArray(
        np.vstack([recording.signal, *traces.values()]), header, first_samp=first, copy="both", verbose="error"
    )
    annotations = _annotations(recording, first / recording.fs)
    raw.set_annotations(annotations, verbose="error")
    if len(raw.annotations) < len(annotations):
        outside = len(annotations) - len(raw.annotations)
        message = f"{outside} marks lie outside the recording; MNE does not keep them."
        warnings.warn(message, EmgkitWarning, stacklevel=2)
    return raw


def _at_emg_times(name: str, trace: Trace, recording: Recording, other_rates: str) -> NDArray[np.float64] | None:
    same_grid = trace.fs == recording.fs and abs(trace.start - recording.start) * trace.fs < 1e-3
    if same_grid and trace.values.size == recording.n_samples:
        return trace.values
    if other_rates == "refuse":
        raise SamplingRateError(
            f"Trace {name!r} has {trace.values.size} samples at {trace.fs:g} Hz and the EMG {recording.n_samples} at "
            f"{recording.fs:g} Hz, but Raw holds one rate: say other_rates='drop' or other_rates='resample'."
        )
    return None if other_rates == "drop" else _resampled(trace, recording.times, held=is_trigger_name(name))


def _resampled(trace: Trace, times: NDArray[np.float64], *, held: bool) -> NDArray[np.float64]:
    if not held:
        return np.interp(times, trace.times, trace.values, left=np.nan, right=np.nan)
    # a thousandth of a sample: equal times differ by rounding
    index = np.floor((times - trace.start) * trace.fs + 1e-3).astype(np.int64)
    inside = (index >= 0) & (index < trace.values.size)
    return np.where(inside, trace.values[index.clip(0, trace.values.size - 1)], np.nan)


def _description(recording: Recording, traces: Iterable[str]) -> str:
    kept = {"start": recording.start, "source": recording.source}
    return json.dumps({"emgkit": {**kept, "units": {name: recording.aux[name].unit for name in traces}}})


def _annotations(recording: Recording, origin: float) -> Any:
    import mne

    listed: list[tuple[float, float, str, tuple[str, ...]]] = [
        (mark.start, mark.stop, mark.label, ()) for mark in recording.marks
    ]
    listed += [
        (span.start, span.stop, span.label, (span.channel,) if span.channel else ())
        for span in shared(lost_spans(recording), recording.n_channels)
    ]
    # without a measurement date MNE counts annotations from the first sample
    return mne.Annotations(
        [start - origin for start, *_ in listed],
        [stop - start for start, stop, *_ in listed],
        [label for _, _, label, _ in listed],
        ch_names=[names for *_, names in listed],
    )


def from_mne(
    raw: mne.io.BaseRaw, *, emg: Iterable[str] | str | None = None, aux: Iterable[str] | str | None = None
) -> Recording:
    """Turn an `mne.io.Raw` into a recording.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        MNE's samples are in V. The time origin is MNE's (`first_samp` counts), so times stay as they are.
    emg : list of str, optional
        The EMG channels; those of type ``emg`` unless given.
    aux : list of str, optional
        The auxiliary channels; those of type ``stim`` and ``misc`` unless given.

    Returns
    -------
    Recording
        Annotations are its marks; those that begin with BAD make samples invalid.

    Raises
    ------
    ChannelError
        If a channel is not there, or none is of type ``emg`` and none was named.

    Warns
    -----
    EmgkitWarning
        If the header says that the recording was filtered: that spreads artifacts and changes M-waves.
    """
    emg_names = _chosen(raw, emg, ("emg",), "emg")
    aux_names = [name for name in _chosen(raw, aux, ("stim", "misc"), "aux") if name not in emg_names]
    if not emg_names:
        raise ChannelError(f"No channel is of type 'emg': name them with emg=; there are: {', '.join(raw.ch_names)}.")
    filters = filter_note(raw)
    if filters:
        message = f"The recording was filtered before ({filters}): artifacts are spread out and M-waves changed."
        warnings.warn(message, EmgkitWarning, stacklevel=2)
    kept = _kept(raw)
    fs = float(raw.info["sfreq"])
    start = _origin(raw, kept, fs)
    units = kept.get("units", {})
    values = raw.get_data(picks=[*emg_names, *aux_names], verbose="error")
    traces = values[len(emg_names) :]
    recording = Recording(
        adopt(values[: len(emg_names)].copy()),
        fs,
        tuple(emg_names),
        start=start,
        aux={name: Trace(row, fs, units.get(name, "1"), start) for name, row in zip(aux_names, traces, strict=True)},
        source=kept.get("source", ""),
        history=(Step("from_mne", {"emg": emg_names, "aux": aux_names, "filters": filters}),),
    )
    return apply_lost(recording, marks_of(raw, origin=raw.first_time - start))


def _chosen(raw: Any, names: Iterable[str] | str | None, kinds: tuple[str, ...], argument: str) -> list[str]:
    if names is None:
        return [name for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True) if kind in kinds]
    wanted = [names] if isinstance(names, str) else list(names)
    for name in wanted:
        if name not in raw.ch_names:
            raise ChannelError(f"There is no channel {name!r} ({argument}): {nearest(name, raw.ch_names)}.")
    return wanted


def _kept(raw: Any) -> dict[str, Any]:
    """Give what `to_mne` left in the description, for which Raw has no place; empty for other recordings."""
    try:
        left = json.loads(raw.info["description"] or "{}")
    except json.JSONDecodeError:
        return {}
    found = left.get("emgkit", {}) if isinstance(left, dict) else {}
    return found if isinstance(found, dict) else {}


def _origin(raw: Any, kept: dict[str, Any], fs: float) -> float:
    # the exact start, unless the recording was cropped in MNE since
    start = float(kept.get("start", raw.first_time))
    return start if round(start * fs) == raw.first_samp else float(raw.first_time)
