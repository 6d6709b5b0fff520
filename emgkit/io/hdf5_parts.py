"""The parts of a results file, each written and read back by a pair of functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import h5py
import numpy as np

from emgkit import plugins
from emgkit.io.hdf5_tables import read_columns, read_json, write_array, write_columns, write_json, write_texts
from emgkit.io.schema import GROUPS, feature_columns
from emgkit.pulses import Clock, Pulses
from emgkit.results import Excerpt, RecordingSummary, SeparationSummary
from emgkit.segments import Segments
from emgkit.step import Step, describe
from emgkit.tables import FeatureTable
from emgkit.traces import Mark


def write_history(group: h5py.Group, history: Sequence[Step]) -> None:
    """Write the steps as JSON."""
    listed = [{"name": step.name, "parameters": step.parameters, "version": step.version} for step in history]
    write_json(group, "history_json", listed)


def read_history(group: h5py.Group) -> tuple[Step, ...]:
    """Read the steps."""
    return tuple(Step(**step) for step in read_json(group, "history_json"))


def write_recording(file: h5py.File, summary: RecordingSummary) -> None:
    """Write what is known of the recording."""
    group = file.create_group("recording")
    group.attrs["fs"], group.attrs["start"] = summary.fs, summary.start
    group.attrs["n_samples"] = np.int32(summary.n_samples)
    write_json(group, "aux_json", summary.aux_names)
    write_history(group, summary.history)
    columns = {
        "name": summary.channel_names,
        "saturated_fraction": summary.saturated_fraction,
        "valid_fraction": summary.valid_fraction,
    }
    write_columns(file, "recording/channels", GROUPS["recording/channels"].columns, columns)
    marks = {name: [getattr(mark, name) for mark in summary.marks] for name in ("label", "start", "stop")}
    write_columns(file, "recording/marks", GROUPS["recording/marks"].columns, marks)


def read_recording_summary(file: h5py.File) -> RecordingSummary:
    """Read what is known of the recording."""
    group = file["recording"]
    channels, marks = read_columns(group["channels"]), read_columns(group["marks"])
    return RecordingSummary(
        channel_names=tuple(channels["name"]),
        fs=float(group.attrs["fs"]),
        n_samples=int(group.attrs["n_samples"]),
        start=float(group.attrs["start"]),
        saturated_fraction=channels["saturated_fraction"],
        valid_fraction=channels["valid_fraction"],
        marks=tuple(Mark(*row) for row in zip(marks["label"], marks["start"], marks["stop"], strict=True)),
        aux_names=read_json(group, "aux_json"),
        history=read_history(group),
    )


def write_pulses(file: h5py.File, pulses: Pulses) -> None:
    """Write the pulses and their clock."""
    columns: dict[str, Any] = {"onset": pulses.onsets, "train": pulses.train, "stimulator": pulses.stimulator}
    columns |= {name: getattr(pulses, name) for name in ("current", "width") if getattr(pulses, name) is not None}
    group = write_columns(file, "stimulation/pulses", GROUPS["stimulation/pulses"].columns, columns)
    group.attrs["time_source"], group.attrs["offset"] = pulses.time_source, pulses.offset
    clock = pulses.clock
    if clock is not None:
        stated = {"rate": clock.rate, "ppm": describe(clock.ppm), "jitter": clock.jitter, "nominal": clock.nominal}
        stated |= {"model": clock.model, "drift": clock.drift, "error": describe(clock.error)}
        write_json(group, "clock_json", stated)
        write_array(file["stimulation"], "clock_missing", clock.missing).attrs["units"] = "s"
        write_array(file["stimulation"], "clock_extra", clock.extra).attrs["units"] = "s"


def read_pulses(file: h5py.File) -> Pulses:
    """Read the pulses and their clock."""
    group = file["stimulation/pulses"]
    columns = read_columns(group)
    clock = None
    if "clock_json" in group.attrs:
        stated = dict(read_json(group, "clock_json"))
        stated |= {name: float(stated[name]) for name in ("ppm", "error") if name in stated}
        clock = Clock(
            missing=file["stimulation/clock_missing"][()], extra=file["stimulation/clock_extra"][()], **stated
        )
    return Pulses(
        columns.pop("onset"),
        **columns,
        time_source=str(group.attrs["time_source"]),
        offset=float(group.attrs["offset"]),
        clock=clock,
    )


def write_separation(file: h5py.File, summary: SeparationSummary) -> None:
    """Write how the recording was taken apart."""
    group = file.create_group("separation")
    group.attrs["method"], group.attrs["why"] = summary.method, summary.why
    group.attrs["evoked_lost_until"] = summary.evoked_lost_until
    write_json(group, "parameters_json", summary.parameters)
    write_json(group, "parts_json", summary.parts)
    write_texts(group, "messages", summary.messages)
    rows: list[tuple[str, int, float, str]] = []
    for name, value in summary.quality.items():
        if isinstance(value, str):
            rows.append((name, 0, float("nan"), value))
        else:
            rows += [(name, place, float(item), "") for place, item in enumerate(value)]
    columns = dict(zip(("name", "place", "value", "text"), zip(*rows, strict=True) if rows else ((),) * 4, strict=True))
    write_columns(file, "separation/quality", GROUPS["separation/quality"].columns, columns)


def read_separation(file: h5py.File) -> SeparationSummary:
    """Read how the recording was taken apart."""
    group = file["separation"]
    rows = read_columns(group["quality"])
    names = np.array(rows["name"], dtype=object)
    quality: dict[str, Any] = {}
    for name in dict.fromkeys(rows["name"]):
        own = np.flatnonzero(names == name)
        words = rows["text"][own[0]]
        quality[name] = words or rows["value"][own]
    return SeparationSummary(
        method=str(group.attrs["method"]),
        parameters=read_json(group, "parameters_json"),
        why=str(group.attrs["why"]),
        parts=read_json(group, "parts_json"),
        evoked_lost_until=float(group.attrs["evoked_lost_until"]),
        quality=quality,
        messages=tuple(str(text) for text in group["messages"].asstr()[()]),
    )


def write_features(file: h5py.File, kind: str, table: FeatureTable) -> None:
    """Write a table of features, one row per segment and channel."""
    frame = table.to_dataframe()
    columns = {name: frame[name].to_numpy() for name in frame.columns if name != "kind"}
    group = write_columns(file, f"features/{kind}", feature_columns(table.units), columns)
    write_json(group, "channels_json", table.channel_names)
    write_json(group, "features_json", [describe_object(item) for item in table.features])
    write_history(group, table.history)


def describe_object(item: Any) -> dict[str, Any]:
    """Describe a parameter object by name, class and fields, so that it can be made again."""
    cls = type(item)
    stated = {entry.name: describe(getattr(item, entry.name)) for entry in fields(item)} if is_dataclass(item) else {}
    return {
        "name": getattr(item, "name", cls.__name__),
        "class": f"{cls.__module__}:{cls.__qualname__}",
        "fields": stated,
    }


def _make_object(stated: dict[str, Any]) -> Any:
    return plugins.load("emgkit.features", stated["class"])(**stated["fields"])


def read_features(group: h5py.Group, kind: str) -> FeatureTable:
    """Read a table of features."""
    columns, channels = read_columns(group), read_json(group, "channels_json")
    names = [name for name in columns if f"{name}_reason" in columns]
    shape = (-1, len(channels))
    intensity = columns.get("intensity")
    return FeatureTable(
        values={name: columns[name].reshape(shape) for name in names},
        standard_errors={name: columns[f"{name}_se"].reshape(shape) for name in names},
        shared_errors={
            name: columns[f"{name}_se_shared"].reshape(shape) for name in names if f"{name}_se_shared" in columns
        },
        units={name: str(group[name].attrs["units"]) for name in names},
        reasons={name: columns[f"{name}_reason"].reshape(shape) for name in names},
        valid_fraction=columns["valid_fraction"].reshape(shape),
        features=tuple(_make_object(stated) for stated in read_json(group, "features_json")),
        starts=columns["start"].reshape(shape)[:, 0],
        kind=kind,
        train=columns["train"].reshape(shape)[:, 0],
        channel_names=channels,
        intensity=None if intensity is None else intensity.reshape(shape)[:, 0],
        history=read_history(group),
    )


def write_m_waves(file: h5py.File, segments: Segments) -> None:
    """Write some M-waves as they are shown."""
    group = file.create_group("m_waves")
    group.attrs["fs"] = segments.fs
    write_json(group, "channels_json", segments.channel_names)
    write_history(group, segments.history)
    write_array(group, "waveform", segments.signal.astype(np.float32)).attrs["units"] = "V"
    write_array(group, "valid", segments.valid.astype(np.int8)).attrs["units"] = ""
    for name in ("starts", "first"):
        write_array(group, name, getattr(segments, name)).attrs["units"] = "s"
    write_array(group, "train", segments.train.astype(np.int32)).attrs["units"] = "1"
    if segments.intensity is not None:
        write_array(group, "intensity", segments.intensity).attrs["units"] = "source"
    if segments.shared_error is not None:
        write_array(group, "shared_error", segments.shared_error.astype(np.float32)).attrs["units"] = "V"


def read_m_waves(group: h5py.Group) -> Segments:
    """Read the M-waves that are shown."""
    return Segments(
        group["waveform"][()].astype(np.float64),
        fs=float(group.attrs["fs"]),
        starts=group["starts"][()],
        first=group["first"][()],
        kind="evoked",
        channel_names=read_json(group, "channels_json"),
        valid=group["valid"][()].astype(bool),
        train=group["train"][()],
        intensity=group["intensity"][()] if "intensity" in group else None,
        shared_error=group["shared_error"][()].astype(np.float64) if "shared_error" in group else None,
        history=read_history(group),
    )


def write_excerpts(file: h5py.File, excerpts: Sequence[Excerpt]) -> None:
    """Write the stretches for the page."""
    for number, excerpt in enumerate(excerpts):
        group = file.create_group(f"excerpts/{number:02d}")
        group.attrs["label"], group.attrs["start"], group.attrs["fs"] = excerpt.label, excerpt.start, excerpt.fs
        write_json(group, "channels_json", excerpt.channel_names)
        write_json(group, "traces_json", tuple(excerpt.traces))
        for name, values in excerpt.traces.items():
            write_array(group, name, values.astype(np.float32)).attrs["units"] = "V"
        write_array(group, "pulses", excerpt.pulses).attrs["units"] = "s"


def read_excerpts(file: h5py.File) -> tuple[Excerpt, ...]:
    """Read the stretches for the page."""
    return tuple(_read_excerpt(file["excerpts"][name]) for name in sorted(file.get("excerpts", {})))


def _read_excerpt(group: h5py.Group) -> Excerpt:
    return Excerpt(
        label=str(group.attrs["label"]),
        start=float(group.attrs["start"]),
        fs=float(group.attrs["fs"]),
        channel_names=read_json(group, "channels_json"),
        traces={name: group[name][()] for name in read_json(group, "traces_json")},
        pulses=group["pulses"][()],
    )
