"""The verbs `save_results` and `load_results`: one HDF5 file per recording."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np

from emgkit.errors import MissingFileError, ResultsError
from emgkit.io import hdf5_answers as answers
from emgkit.io import hdf5_parts as parts
from emgkit.io.atomic import written_whole
from emgkit.io.hdf5_tables import write_columns, write_texts
from emgkit.io.schema import GROUPS, SCHEMA, SCHEMA_VERSION
from emgkit.results import Results

__all__ = ["load_results", "save_results"]


def save_results(path: str | Path, results: Results) -> Path:
    """Store everything about one recording in an HDF5 file.

    The file is written under a temporary name, brought to the disk and renamed, so that there is the old file or the
    new one and never half of one. It holds no clock time, host or command line: the same results give the same bytes.

    Parameters
    ----------
    path : str or Path
        The file, by custom ending in ``.h5``.
    results : Results
        What a pipeline gave.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    OutputError
        If the file cannot be written: missing folder, no permission, no space.
    """
    with written_whole(path) as unfinished, h5py.File(unfinished, "w", libver="earliest", track_order=False) as file:
        _write(file, results)
    return Path(path)


def _write(file: h5py.File, results: Results) -> None:
    file.attrs["schema"], file.attrs["schema_version"] = SCHEMA, SCHEMA_VERSION
    file.attrs["emgkit_version"] = results.version
    provenance = file.create_group("provenance")
    for name in ("source", "source_sha256", "protocol", "protocol_sha256"):
        provenance.attrs[name] = getattr(results, name)
    if results.recording is not None:
        parts.write_recording(file, results.recording)
    if results.pulses is not None:
        parts.write_pulses(file, results.pulses)
    if results.separation is not None:
        parts.write_separation(file, results.separation)
    for kind, table in results.tables.items():
        parts.write_features(file, kind, table)
    if results.m_waves is not None:
        parts.write_m_waves(file, results.m_waves)
    for name, row_of in _ANSWERS.items():
        columns = answers.answer_rows(getattr(results, name), row_of)
        write_columns(file, name, GROUPS[name].columns, columns)
    parts.write_excerpts(file, results.excerpts)
    write_texts(file.create_group("log"), "messages", results.messages)
    file.attrs["complete"] = np.int8(1)


_ANSWERS: dict[str, Any] = {
    "trends": answers.trend_row,
    "changes": answers.change_row,
    "comparisons": answers.comparison_row,
}
_MAKERS: dict[str, Any] = {
    "trends": answers.make_trend,
    "changes": answers.make_change,
    "comparisons": answers.make_comparison,
}


def load_results(path: str | Path) -> Results:
    """Read a results file.

    Parameters
    ----------
    path : str or Path
        A file that `save_results` wrote.

    Returns
    -------
    Results
        Equal in every number to what was saved.

    Raises
    ------
    MissingFileError
        If there is no such file.
    ResultsError
        If it is no results file, is damaged, or follows a newer major version of the format.
    """
    with open_results(path) as file:
        try:
            return _read(file)
        except (KeyError, ValueError, TypeError, OSError, IndexError) as error:
            reason = str(error).partition("\n")[0]
            raise ResultsError(
                f"{Path(path).name} is damaged ({reason}): see emgkit validate {Path(path).name}."
            ) from None


def open_results(path: str | Path) -> h5py.File:
    """Open a results file after a look at its signature and version."""
    name = Path(path).name
    if not Path(path).is_file():
        raise MissingFileError(f"There is no file {path}.")
    try:
        file = h5py.File(path, "r")
    except OSError as error:
        reason = str(error).partition("\n")[0]
        raise ResultsError(f"{name} is no readable HDF5 file ({reason}): measure the recording again.") from None
    said = file.attrs.get("schema"), str(file.attrs.get("schema_version", ""))
    if (
        said[0] != SCHEMA
        or said[1].partition(".")[0] != SCHEMA_VERSION.partition(".")[0]
        or "complete" not in file.attrs
    ):
        file.close()
        raise ResultsError(f"{name} is no complete {SCHEMA} {SCHEMA_VERSION} file (it says {said[0]} {said[1]}).")
    return file


def _read(file: h5py.File) -> Results:
    provenance: dict[str, Any] = {name: str(value) for name, value in file["provenance"].attrs.items()}
    features = file.get("features", {})
    kinds = [kind for kind in ("evoked", "voluntary") if kind in features]
    answered: dict[str, Any] = {
        name: tuple(make(columns) for columns in answers.rows_by_question(file[name])) for name, make in _MAKERS.items()
    }
    return Results(
        **provenance,
        recording=parts.read_recording_summary(file) if "recording" in file else None,
        pulses=parts.read_pulses(file) if "stimulation" in file else None,
        separation=parts.read_separation(file) if "separation" in file else None,
        tables={kind: parts.read_features(features[kind], kind) for kind in kinds},
        m_waves=parts.read_m_waves(file["m_waves"]) if "m_waves" in file else None,
        **answered,
        excerpts=parts.read_excerpts(file),
        messages=tuple(str(text) for text in file["log/messages"].asstr()[()]),
        version=str(file.attrs["emgkit_version"]),
    )
