"""The truth of a simulation in a file beside its recording: `save_truth`, `load_truth`."""

from __future__ import annotations

from pathlib import Path

import h5py

from emgkit.errors import FormatError, MissingFileError
from emgkit.io.atomic import written_whole
from emgkit.io.hdf5_tables import write_array
from emgkit.simulate import CONDITIONS, TRUTH_PARTS, Spiking, Truth

__all__ = ["load_truth", "save_truth"]

SCHEMA = "emgkit-truth"
VERSION = "2.1"
WITHIN = ("evoked_random", "reflex", "distortion")
VECTORS = {
    "onsets": "s",
    "velocity_times": "s",
    "velocity": "m/s",
    "weighted_velocity": "m/s",
    "active": "1",
    "feature_times": "s",
    "planned": "s",
    "current": "A",
    "stimulator": "",
    "drive": "",
}
FEATURES = {
    "vpp": "V",
    "area": "V·s",
    "m_wave_mdf": "Hz",
    "m_wave_mnf": "Hz",
    "rms": "V",
    "mdf": "Hz",
    "mnf": "Hz",
}
SPIKING = {
    "times": "s",
    "unit": "",
    "muscle": "",
    "intended_times": "s",
    "intended_unit": "",
    "intended_muscle": "",
    "reflex_times": "s",
    "reflex_unit": "",
    "reflex_muscle": "",
    "recruited": "",
    "threshold": "A",
    "unit_velocity": "m/s",
    "fibre_velocity": "m/s",
    "latency": "s",
}


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
        file.attrs["schema"], file.attrs["schema_version"] = SCHEMA, VERSION
        parts = file.create_group("parts")
        for name in (*TRUTH_PARTS, *WITHIN):
            write_array(parts, name, getattr(truth, name)).attrs["units"] = "V"
        condition = write_array(file, "condition", truth.condition)
        condition.attrs["meaning"] = ", ".join(f"{code}: {word}" for code, word in enumerate(CONDITIONS))
        for name, unit in VECTORS.items():
            write_array(file, name, getattr(truth, name)).attrs["units"] = unit
        group = file.create_group("features")
        for name, values in truth.features.items():
            write_array(group, name, values).attrs["units"] = FEATURES.get(name, "")
        if truth.spiking is not None:
            spiking = file.create_group("spiking")
            for name, unit in SPIKING.items():
                write_array(spiking, name, getattr(truth.spiking, name)).attrs["units"] = unit
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
            _check_schema(file, Path(path).name)
            arrays = {name: file["parts"][name][()] for name in (*TRUTH_PARTS, *WITHIN)}
            arrays |= {name: file[name][()] for name in (*VECTORS, "condition")}
            spiking = None
            if "spiking" in file:
                spiking = Spiking(**{name: file["spiking"][name][()] for name in SPIKING})
            features = {name: values[()] for name, values in file["features"].items()}
            return Truth(**arrays, features=features, spiking=spiking)
    except FormatError:
        raise
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(
            f"{Path(path).name} is no readable truth file ({str(error).partition(chr(10))[0]})."
        ) from None


def _check_schema(file: h5py.File, name: str) -> None:
    if file.attrs.get("schema") != SCHEMA:
        raise FormatError(f"{name} is no {SCHEMA} file.")
    if file.attrs["schema_version"] != VERSION:
        raise FormatError(
            f"{name} has version {file.attrs['schema_version']} of the truth format, this emgkit reads {VERSION}: "
            "simulate the recording again."
        )
