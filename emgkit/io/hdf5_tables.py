"""Tables in HDF5: a group of equally long columns, each with unit and meaning, readable from R and MATLAB."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from emgkit.io.schema import Column
from emgkit.tables import REASONS

__all__ = ["read_columns", "read_json", "write_array", "write_columns", "write_json", "write_texts"]

TEXT = h5py.string_dtype("utf-8")
DTYPES: dict[str, Any] = {"float": np.dtype(np.float64), "count": np.dtype(np.int32), "code": np.dtype(np.int8)}
CODES = ("", *REASONS)
COMPRESS_FROM = 64  # values: below it a chunk costs more than it saves


def write_columns(file: h5py.File, path: str, columns: Mapping[str, Column], values: Mapping[str, Any]) -> h5py.Group:
    """Write a table; optional columns without values are left out."""
    group = file.create_group(path)
    kept = [name for name in columns if name in values]
    group.attrs["kind"] = "table"
    group.attrs["columns"] = json.dumps(kept)
    for name in kept:
        _write_column(group, name, columns[name], values[name])
    return group


def _write_column(group: h5py.Group, name: str, column: Column, values: Any) -> None:
    if column.kind == "text":
        made = group.create_dataset(name, data=np.array([str(value) for value in values], dtype=object), dtype=TEXT)
    elif column.kind == "code":
        codes = np.array([CODES.index(str(value)) for value in values], dtype=np.int8)
        made = write_array(group, name, codes)
        made.attrs["flag_values"] = np.arange(len(CODES), dtype=np.int8)
        made.attrs["flag_meanings"] = " ".join(["none", *CODES[1:]])
    else:
        made = write_array(group, name, np.array(values, DTYPES[column.kind]))
    made.attrs["units"] = column.unit
    made.attrs["description"] = column.meaning


def write_array(
    group: h5py.Group, name: str, values: NDArray[Any], chunks: tuple[int, ...] | None = None
) -> h5py.Dataset:
    """Write numbers, compressed by gzip 1 and shuffle when there are more than a few."""
    if values.size < COMPRESS_FROM:
        return group.create_dataset(name, data=values)
    return group.create_dataset(
        name, data=values, compression="gzip", compression_opts=1, shuffle=True, chunks=chunks or True
    )


def write_texts(group: h5py.Group, name: str, texts: tuple[str, ...]) -> None:
    """Write a list of texts, which may be empty."""
    group.create_dataset(name, data=np.array(list(texts), dtype=object), dtype=TEXT)


def write_json(group: h5py.Group, name: str, value: Any) -> None:
    """Write nested parameters as JSON with sorted keys."""
    group.attrs[name] = json.dumps(_plain(value), sort_keys=True, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def read_json(group: h5py.Group, name: str) -> Any:
    """Read nested parameters; lists come back as tuples."""
    return _tuples(json.loads(group.attrs[name]))


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(item) for key, item in value.items()}
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def read_columns(group: h5py.Group) -> dict[str, Any]:
    """Read a table: texts as lists of str, codes as reasons, numbers as arrays."""
    return {name: _read_column(group[name]) for name in json.loads(group.attrs["columns"])}


def _read_column(dataset: h5py.Dataset) -> Any:
    if h5py.check_string_dtype(dataset.dtype) is not None:
        return [str(value) for value in dataset.asstr()[()]]
    if "flag_meanings" in dataset.attrs:
        meanings = ["", *str(dataset.attrs["flag_meanings"]).split()[1:]]
        return np.array(meanings)[dataset[()]]
    return dataset[()]
