"""The verb `validate_results`: does a file follow the written specification."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from emgkit import plugins
from emgkit.errors import EmgkitError
from emgkit.io.hdf5_results import load_results, open_results
from emgkit.io.hdf5_tables import CODES, DTYPES
from emgkit.io.schema import GROUPS, Column, feature_columns

__all__ = ["Finding", "validate_results"]

ATTRIBUTES = ("schema", "schema_version", "emgkit_version", "complete")
PROVENANCE = ("source", "source_sha256", "protocol", "protocol_sha256")
ALWAYS = ("provenance", "trends", "changes", "comparisons", "log")


@dataclass(frozen=True)
class Finding:
    """One thing that does not follow the specification.

    Parameters
    ----------
    where : str
        Path in the file.
    what : str
        What is wrong, and what it should be.
    """

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


def validate_results(path: str | Path) -> tuple[Finding, ...]:
    """Check a results file against the written specification of the format.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    tuple of Finding
        Empty if the file is good.

    Raises
    ------
    MissingFileError
        If there is no such file.
    """
    try:
        with open_results(path) as file:
            found = tuple(_check(file))
        if not found:
            load_results(path)
    except FileNotFoundError:
        raise
    except EmgkitError as error:
        return (Finding("/", str(error)),)
    except (OSError, RuntimeError) as error:
        return (Finding("/", f"damaged: {str(error).partition(chr(10))[0]}"),)
    return found


def _check(file: h5py.File) -> Iterator[Finding]:
    for name in ATTRIBUTES:
        if name not in file.attrs:
            yield Finding("/", f"attribute {name!r} is missing")
    missing = [name for name in ALWAYS if name not in file]
    yield from (Finding(f"/{name}", "group is missing") for name in missing)
    if "provenance" in file:
        absent = [name for name in PROVENANCE if name not in file["provenance"].attrs]
        yield from (Finding("/provenance", f"attribute {name!r} is missing") for name in absent)
    for path, group in GROUPS.items():
        if path in file:
            yield from _check_table(file[path], group.columns)
            lacking = [name for name in group.attributes if name not in file[path].attrs]
            yield from (Finding(f"/{path}", f"attribute {name!r} is missing") for name in lacking)
    for kind in file.get("features", {}):
        yield from _check_features(file["features"][kind], kind)


def _check_table(group: h5py.Group, columns: Mapping[str, Column]) -> Iterator[Finding]:
    if group.attrs.get("kind") != "table" or "columns" not in group.attrs:
        yield Finding(group.name, "is no table: attributes kind='table' and columns are needed")
        return
    listed = json.loads(group.attrs["columns"])
    if not listed:
        return
    for name, column in columns.items():
        if name not in group and not column.optional:
            yield Finding(group.name, f"column {name!r} is missing")
    for name in [*listed, *(name for name in group if name not in listed)]:
        if name not in columns:
            yield Finding(f"{group.name}/{name}", "is no column of the specification")
        elif name not in group:
            yield Finding(group.name, f"column {name!r} is listed and not there")
        else:
            yield from _check_column(group[name], columns[name])
    lengths = {name: group[name].shape for name in listed if name in group}
    if len(set(lengths.values())) > 1:
        yield Finding(group.name, f"columns differ in length: {lengths}")


def _check_column(dataset: h5py.Dataset, column: Column) -> Iterator[Finding]:
    is_text = h5py.check_string_dtype(dataset.dtype) is not None
    if column.kind == "text":
        if not is_text:
            yield Finding(dataset.name, f"must be UTF-8 text, is {dataset.dtype}")
        return
    if dataset.dtype != DTYPES[column.kind]:
        yield Finding(dataset.name, f"must be {DTYPES[column.kind]}, is {dataset.dtype}")
    if dataset.attrs.get("units") != column.unit:
        yield Finding(dataset.name, f"unit must be {column.unit!r}, is {dataset.attrs.get('units')!r}")
    if column.kind == "code" and dataset.size and not 0 <= int(dataset[()].max()) < len(CODES):
        yield Finding(dataset.name, "holds a code without a meaning")


def _units_of_classes(group: h5py.Group) -> dict[str, str]:
    """Look up the units that the features' classes state; a lab's own that is not installed is taken at its word."""
    units = {}
    for stated in json.loads(group.attrs.get("features_json", "[]")):
        try:
            units[stated["name"]] = str(plugins.load("emgkit.features", stated["class"]).unit)
        except EmgkitError:
            continue
    return units


def _check_features(group: h5py.Group, kind: str) -> Iterator[Finding]:
    if kind not in ("evoked", "voluntary"):
        yield Finding(group.name, "must be called evoked or voluntary")
    names = [name.removesuffix("_reason") for name in group if name.endswith("_reason")]
    known = _units_of_classes(group)
    units = {name: known.get(name, str(group[name].attrs.get("units"))) for name in names if name in group}
    yield from _check_table(group, feature_columns(units))
    yield from (Finding(f"{group.name}/{name}", "values are missing") for name in names if name not in group)
    for name in units:
        values, codes = group[name][()], group[f"{name}_reason"][()]
        if values.shape == codes.shape and np.any(np.isnan(values.astype(float)) != (codes != 0)):
            yield Finding(f"{group.name}/{name}", "every NaN needs a reason, and no number may have one")
