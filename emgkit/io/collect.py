"""The verb `collect`: the tables of many recordings in one study file, and as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import h5py
import numpy as np

from emgkit.errors import EmgkitError, MissingFileError, ResultsError
from emgkit.io.atomic import written_whole
from emgkit.io.hdf5_results import load_results, open_results

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Collected", "collect"]

SCHEMA, SCHEMA_VERSION = "emgkit-study", "1.0"
TABLES = ("features/evoked", "features/voluntary", "trends", "changes", "comparisons")
TEXT = h5py.string_dtype("utf-8")


@dataclass(frozen=True)
class Collected:
    """What came of collecting.

    Parameters
    ----------
    study, table : Path
        The study file, and the changes as CSV beside it.
    recordings : tuple of str
        Results files that are in it, relative to the folder.
    refused : tuple of (str, str)
        Files that could not be read, and why.
    """

    study: Path
    table: Path
    recordings: tuple[str, ...]
    refused: tuple[tuple[str, str], ...]


def collect(folder: str | Path, out: str | Path) -> Collected:
    """Put the tables of all results files below a folder into one study file.

    Parameters
    ----------
    folder : str or Path
        Looked through with its subfolders.
    out : str or Path
        The study file (``.h5``); the changes go beside it as ``.csv``.

    Returns
    -------
    Collected
        What is in it, and which files were refused.

    Raises
    ------
    MissingFileError
        If there is no such folder, or no results file in it.
    OutputError
        If the study cannot be written.
    """
    root, target = Path(folder), Path(out)
    if not root.is_dir():
        raise MissingFileError(f"There is no folder {folder}.")
    files = [path for path in sorted(root.rglob("*.h5")) if path.resolve() != target.resolve() and not _other(path)]
    usable, refused = _sort_out(root, files)
    if not usable:
        raise MissingFileError(f"There is no readable results file below {folder}.")
    names = tuple(path.relative_to(root).with_suffix("").as_posix() for path in usable)
    with written_whole(target) as unfinished, h5py.File(unfinished, "w", libver="earliest") as study:
        study.attrs["schema"], study.attrs["schema_version"] = SCHEMA, SCHEMA_VERSION
        for name, path in zip(names, usable, strict=True):
            _append(study, name, path)
    table = target.with_suffix(".csv")
    with written_whole(table) as unfinished:
        _changes(names, usable).to_csv(unfinished, index=False)
    return Collected(target, table, names, refused)


def _other(path: Path) -> bool:
    """Tell truth and study files, which are no results files and no damaged ones either."""
    try:
        with h5py.File(path, "r") as file:
            return file.attrs.get("schema") in ("emgkit-truth", SCHEMA)
    except OSError:
        return False


def _sort_out(root: Path, files: Iterable[Path]) -> tuple[list[Path], tuple[tuple[str, str], ...]]:
    usable, refused = [], []
    for path in files:
        try:
            open_results(path).close()
            load_results(path)
            usable.append(path)
        except (EmgkitError, ResultsError) as error:
            refused.append((path.relative_to(root).as_posix(), str(error)))
    return usable, tuple(refused)


def _append(study: h5py.File, name: str, path: Path) -> None:
    with open_results(path) as file:
        for table in TABLES:
            if table in file and len(file[table]):
                _append_table(study.require_group(table), name, file[table])


def _append_table(group: h5py.Group, name: str, table: h5py.Group) -> None:
    count = next(iter(table.values())).shape[0]
    before = group["recording"].shape[0] if "recording" in group else 0
    _extend(group, "recording", np.array([name] * count, dtype=object), TEXT, before, {"units": ""})
    for column, dataset in table.items():
        _extend(group, column, dataset[()], dataset.dtype, before, dict(dataset.attrs))
    for column in group:
        if group[column].shape[0] < before + count:
            group[column].resize((before + count,))


def _extend(group: h5py.Group, name: str, values: Any, dtype: Any, before: int, attributes: dict[str, Any]) -> None:
    if name not in group:
        text = h5py.check_string_dtype(dtype) is not None
        missing = None if text or np.dtype(dtype).kind != "f" else np.nan
        made = group.create_dataset(
            name, (before,), dtype, maxshape=(None,), chunks=(4096,), fillvalue=missing, compression="gzip",
            compression_opts=1, shuffle=not text,
        )  # fmt: skip
        for key, value in attributes.items():
            made.attrs[key] = value
    group[name].resize((before + len(values),))
    group[name][before:] = values


def _changes(names: Iterable[str], files: Iterable[Path]) -> pd.DataFrame:
    import pandas as pd

    frames = []
    for name, path in zip(names, files, strict=True):
        for change in load_results(path).changes:
            frame = change.to_dataframe()
            frame.insert(0, "recording", name)
            frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame({"recording": []})
