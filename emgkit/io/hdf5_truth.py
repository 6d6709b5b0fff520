"""The truth of a simulation in a file beside its recording: `save_truth`, `load_truth`."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import h5py

from emgkit.errors import FormatError, MissingFileError, ParameterError
from emgkit.io.atomic import written_whole
from emgkit.io.hdf5_tables import write_array
from emgkit.io.write_bdf import encode
from emgkit.simulate import CONDITIONS, TRUTH_PARTS, Simulation, Spiking, Truth

__all__ = ["load_truth", "save_truth"]

SCHEMA = "emgkit-truth"
VERSION = "2.2"
SEALED = 512  # bytes before the HDF5 part: name, version and the digest of all that follows
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

    The file begins with a user block of 512 bytes, which other programs pass over: a line with the SHA-256 digest of
    all that follows, by which `load_truth` knows whether the file is whole.

    Parameters
    ----------
    path : str or Path
        The file.
    truth : Truth
        Of a `Simulation`.

    Raises
    ------
    ParameterError
        If it is no `Truth`.
    OutputError
        If the file cannot be written.
    """
    if not isinstance(truth, Truth):
        raise ParameterError(
            f"truth must be the truth of a Simulation, as simulation.truth, got {type(truth).__name__}."
        )
    with written_whole(path) as unfinished:
        fill_truth(unfinished, truth)
    return Path(path)


def save_simulation(simulation: Simulation, recording: Path, truth: Path) -> None:
    """Store a simulated recording as BDF and its truth beside it: both or none, and no recording without its truth.

    A recording of that name is replaced. A process that is killed leaves the files as they were, or the truth alone.

    Raises
    ------
    OutputError
        If one cannot be written.
    """
    content, _ = encode(simulation.recording, recording)
    with written_whole(recording) as one, written_whole(truth) as other:
        one.write_bytes(content)
        fill_truth(other, simulation.truth)
        # from here on the truth goes first: it takes its name when the inner block ends, the recording after it
        recording.unlink(missing_ok=True)


def fill_truth(path: Path, truth: Truth) -> None:
    """Write a truth file under this very name."""
    with h5py.File(path, "w", libver="earliest", userblock_size=SEALED) as file:
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
    seal(path)


def load_truth(path: str | Path) -> Truth:
    """Read the truth of a simulation.

    Raises
    ------
    ParameterError
        If what came is no name of a file.
    MissingFileError
        If there is no such file.
    FormatError
        If it is no truth file, of another version of the format, or damaged.
    """
    if not isinstance(path, str | os.PathLike):
        raise ParameterError(f"The name of a truth file is needed, got {path!r}.")
    name = Path(path).name
    if not Path(path).is_file():
        raise MissingFileError(f"There is no file {path}.")
    try:
        _check_seal(Path(path))
        with h5py.File(path, "r") as file:
            return _truth(file)
    except FormatError:
        raise
    except (OSError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise FormatError(f"{name} is no readable truth file ({str(error).partition(chr(10))[0]}).") from None


def _truth(file: h5py.File) -> Truth:
    arrays = {name: file["parts"][name][()] for name in (*TRUTH_PARTS, *WITHIN)}
    arrays |= {name: file[name][()] for name in (*VECTORS, "condition")}
    spiking = None
    if "spiking" in file:
        spiking = Spiking(**{name: file["spiking"][name][()] for name in SPIKING})
    features = {name: values[()] for name, values in file["features"].items()}
    return Truth(**arrays, features=features, spiking=spiking)


def seal(path: Path) -> None:
    """Write the digest of a truth file into its user block."""
    block = _block(path)
    with path.open("r+b") as stream:
        stream.write(block)


def _block(path: Path) -> bytes:
    return f"{SCHEMA} {VERSION} sha256 {_digest(path)}\n".encode().ljust(SEALED, b"\0")


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        stream.seek(SEALED)
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check_seal(path: Path) -> None:
    """Refuse damaged files before HDF5 sees them: it may take minutes over an absurd size, or more than fails."""
    with path.open("rb") as stream:
        block = stream.read(SEALED)
    words = block[:80].decode("ascii", "replace").split()
    if len(words) < 2 or words[0] != SCHEMA:
        raise FormatError(f"{path.name} is no {SCHEMA} file, or one of a version before 2.2: simulate it again.")
    if words[1] != VERSION:
        raise FormatError(
            f"{path.name} has version {words[1]} of the truth format, this emgkit reads {VERSION}: "
            "simulate the recording again."
        )
    if block != _block(path):
        raise FormatError(f"{path.name} is damaged (its digest does not fit): copy or simulate it again.")
