"""The truth of a simulation in a file beside its recording: `save_truth`, `load_truth`."""

from __future__ import annotations

from pathlib import Path

import h5py

from emgkit.errors import FormatError, MissingFileError
from emgkit.io.atomic import written_whole
from emgkit.io.hdf5_tables import write_array
from emgkit.simulate import TRUTH_PARTS, Truth

__all__ = ["load_truth", "save_truth"]

SCHEMA = "emgkit-truth"
VECTORS = {"onsets": "s", "velocity_times": "s", "velocity": "m/s", "feature_times": "s"}


def save_truth(path: str | Path, truth: Truth) -> Path:
    """Store the truth of a simulation, by custom in a file that ends in ``.truth.h5``.

    Parameters
    ----------
    path : str or Path
        The file.
    truth : Truth
        Of a `Simulation`.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    with written_whole(path) as unfinished, h5py.File(unfinished, "w", libver="earliest") as file:
        file.attrs["schema"], file.attrs["schema_version"] = SCHEMA, "1.0"
        for name in TRUTH_PARTS:
            write_array(file.require_group("parts"), name, getattr(truth, name)).attrs["units"] = "V"
        for name, unit in VECTORS.items():
            write_array(file, name, getattr(truth, name)).attrs["units"] = unit
        group = file.create_group("features")
        for name, values in truth.features.items():
            write_array(group, name, values)
    return Path(path)


def load_truth(path: str | Path) -> Truth:
    """Read the truth of a simulation.

    Raises
    ------
    MissingFileError
        If there is no such file.
    FormatError
        If it is no truth file.
    """
    if not Path(path).is_file():
        raise MissingFileError(f"There is no file {path}.")
    try:
        with h5py.File(path, "r") as file:
            if file.attrs.get("schema") != SCHEMA:
                raise FormatError(f"{Path(path).name} is no {SCHEMA} file.")
            arrays = {name: file["parts"][name][()] for name in TRUTH_PARTS}
            arrays |= {name: file[name][()] for name in VECTORS}
            return Truth(**arrays, features={name: values[()] for name, values in file["features"].items()})
    except (OSError, KeyError) as error:
        raise FormatError(
            f"{Path(path).name} is no readable truth file ({str(error).partition(chr(10))[0]})."
        ) from None
