"""What is written for one recording: the results file, and one table per kind for people who never open HDF5."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emgkit.errors import OutputError
from emgkit.io.atomic import is_running

if TYPE_CHECKING:
    import pandas as pd

    from emgkit.results import Results

__all__ = ["prepare_folder", "staging", "sweep_up", "write_results"]

_PREFIX = ".emgkit-"


def prepare_folder(out: Path) -> Path:
    """Make the output folder and check that it can be written to.

    Raises
    ------
    OutputError
        If it cannot be made or written to.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        sweep_up(out)
        probe = out / f"{_own_name()}-probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError(
            f"The output folder {out} cannot be written to: {error.strerror}. Choose another with --out."
        ) from None
    return out


def sweep_up(out: Path) -> None:
    """Remove what runs on this computer left behind that were killed: their process does not exist any more."""
    for left in out.glob(f"{_PREFIX}{socket.gethostname()}-*"):
        process = left.name.removeprefix(f"{_PREFIX}{socket.gethostname()}-").partition("-")[0]
        if process.isdigit() and not is_running(int(process)):
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)


def _own_name() -> str:
    # computers that share a folder do not know each other's processes
    return f"{_PREFIX}{socket.gethostname()}-{os.getpid()}"


@contextmanager
def staging(out: Path) -> Iterator[Path]:
    """Give a folder beside the results in which unfinished files lie; it is gone afterwards, whatever happens."""
    folder = out / _own_name()
    folder.mkdir(exist_ok=True)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def write_results(results: Results, stem: Path, unfinished: Path) -> dict[str, Path]:
    """Write the results file and the tables of one recording; all of them or none.

    Parameters
    ----------
    results : Results
        What was measured.
    stem : Path
        Where they go, without ending: ``out/p07`` for ``out/p07.h5``, ``out/p07_evoked.csv``, ``out/p07_evoked.json``.
    unfinished : Path
        A folder on the same file system for files that are not finished; made, and removed in the end.

    Returns
    -------
    dict
        The files: "results", and the tables by their kind.

    Raises
    ------
    OutputError
        If something cannot be written: no space, no permission.
    """
    from emgkit.io.hdf5_results import save_results

    try:
        unfinished.mkdir(parents=True, exist_ok=True)
        stem.parent.mkdir(parents=True, exist_ok=True)
        made: dict[str, Path] = {}
        for kind, table in results.tables.items():
            made |= _write_table(table.to_dataframe(), unfinished / f"{stem.name}_{kind}")
        file = unfinished / f"{stem.name}.h5"
        save_results(file, results)
        # the results file comes last: where it is, everything is
        return {kind: _move(path, stem.parent) for kind, path in {**made, "results": file}.items()}
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"The results of {stem.name} cannot be written to {stem.parent}: {reason}.") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def _write_table(frame: pd.DataFrame, stem: Path) -> dict[str, Path]:
    kind = stem.name.rpartition("_")[2]
    table, dictionary = stem.with_name(f"{stem.name}.csv"), stem.with_name(f"{stem.name}.json")
    with table.open("w", encoding="utf-8", newline="") as stream:
        frame.to_csv(stream, index=False)
        _to_disk(stream)
    with dictionary.open("w", encoding="utf-8") as stream:
        json.dump(_dictionary(frame), stream, ensure_ascii=False, indent=1)
        _to_disk(stream)
    return {kind: table, f"{kind} dictionary": dictionary}


def _dictionary(frame: pd.DataFrame) -> dict[str, Any]:
    units = frame.attrs["units"]
    return {str(column): {"Units": units[column]} for column in frame.columns}


def _to_disk(stream: Any) -> None:
    stream.flush()
    os.fsync(stream.fileno())


def _move(path: Path, folder: Path) -> Path:
    target = folder / path.name
    path.replace(target)
    return target
