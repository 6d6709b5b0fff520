"""MATLAB files, up to version 7.2 (scipy) and 7.3 (HDF5): named variables for signal, rate and traces."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import nearest
from emgkit.errors import ChannelError, FormatError, ParameterError, SamplingRateError, ShapeError
from emgkit.io.assemble import assemble
from emgkit.io.base import Request, Stream
from emgkit.io.units import ask
from emgkit.recording import Recording

__all__ = ["MATLAB"]

ORIENTATIONS = ("channels_first", "samples_first")
# names under which files keep their sampling rate, written without signs and in small letters
_RATE_NAMES = ("fs", "sr", "srate", "sfreq", "samplerate", "samplingrate", "samplingfrequency", "samplefrequency")
_DAMAGE = (EOFError, LookupError, OSError, RuntimeError, TypeError, ValueError, struct.error, zlib.error)
# beyond this many times as long as wide nobody confuses channels with samples
_CLEARLY_LONG = 10


@dataclass(frozen=True)
class MATLAB:
    """MATLAB files of every version: the signal and its rate are variables of the file.

    Fields of structs are named with dots: ``"recording.emg"``. A matrix gives one channel per row or column, called
    ``name1, name2 ...``; a vector gives one channel of the variable's name.

    Parameters
    ----------
    variable : str or list of str, optional
        The variable, or variables, that hold the EMG. Unless given, the only one that can be a signal.
    rate_variable : str, optional
        The variable that holds the sampling rate, Hz. Unless given (nor ``fs``), the only number called ``fs``,
        ``sr``, ``srate``, ``sfreq``, ``samplerate``, ``sampling_rate`` or ``sampling_frequency``.
    orientation : {"channels_first", "samples_first"}, optional
        Whether a row of the matrix is a channel. Needed unless one side is at least ten times as long.
    channel_names : list of str, optional
        Names for the EMG channels.
    rates : mapping of str to float, optional
        Sampling rates of auxiliary variables that are not as long as the EMG, Hz.
    units : mapping of str to str, optional
        Units of auxiliary variables, for example ``{"force": "N"}``.
    """

    name: ClassVar[str] = "matlab"
    suffixes: ClassVar[tuple[str, ...]] = (".mat",)
    variable: str | tuple[str, ...] | None = None
    rate_variable: str | None = None
    orientation: str | None = None
    channel_names: tuple[str, ...] | None = None
    rates: Mapping[str, float] | None = None
    units: Mapping[str, str] | None = None

    def __post_init__(self) -> None:
        """Check the options."""
        if self.orientation not in (None, *ORIENTATIONS):
            raise ParameterError(f"orientation={self.orientation!r}: {nearest(str(self.orientation), ORIENTATIONS)}.")

    def read(self, path: Path, request: Request) -> Recording:
        """Read the file; see `emgkit.read_recording`."""
        arrays = _load(path)
        wanted = self._variables(path.name, arrays)
        fs = self._rate(path.name, arrays, request)
        channels = {name: row for item in wanted for name, row in self._channels(path.name, item, arrays[item])}
        named = self._named(path.name, channels)
        streams = [Stream(name, row.copy, fs, kind="emg") for name, row in named.items()]
        length = next(iter(named.values())).size
        streams += self._traces(path.name, arrays, wanted, length, fs or request.fs, request)
        return assemble(path, streams, request, reader=self, said={"variables": wanted})

    def _variables(self, where: str, arrays: Mapping[str, NDArray[Any]]) -> list[str]:
        if self.variable is not None:
            wanted = [self.variable] if isinstance(self.variable, str) else list(self.variable)
            for name in wanted:
                _lookup(where, arrays, name, "variable")
            return wanted
        signals = [name for name, array in arrays.items() if array.ndim <= 2 and array.size > max(_CLEARLY_LONG, 1)]
        if len(signals) == 1:
            return signals
        what = "several variables that could be the EMG" if signals else "no variable that could be the EMG"
        raise FormatError(f"{where} has {what}: {ask('variable', repr('emg'))}; there are: {_shapes(arrays)}.")

    def _rate(self, where: str, arrays: Mapping[str, NDArray[Any]], request: Request) -> float | None:
        if self.rate_variable is not None:
            return _number(where, self.rate_variable, _lookup(where, arrays, self.rate_variable, "rate_variable"))
        scalars = [name for name, array in arrays.items() if array.size == 1]
        called = [name for name in scalars if _plain(name) in _RATE_NAMES]
        if len(called) == 1:
            return _number(where, called[0], arrays[called[0]])
        if request.fs is not None:
            return None
        listed = ", ".join(called or scalars) or "none"
        raise SamplingRateError(
            f"{where} does not say its sampling rate: {ask('fs', '2000')}, in Hz, or name the variable that holds it "
            f"with rate_variable= (single numbers in the file: {listed})."
        )

    def _channels(self, where: str, name: str, array: NDArray[Any]) -> list[tuple[str, NDArray[np.float64]]]:
        short = name.rpartition(".")[2]
        if array.ndim > 2 or array.size == 0:
            raise ShapeError(f"{where}: variable {name!r} has shape {array.shape}, a vector or a matrix is needed.")
        if array.ndim < 2 or 1 in array.shape:
            return [(short, array.ravel().astype(np.float64))]
        rows = array if self._rows_are_channels(where, name, array.shape) else array.T
        if rows.shape[0] > rows.shape[1]:
            raise ShapeError(
                f"{where}: variable {name!r} would give {rows.shape[0]} channels of {rows.shape[1]} samples: "
                "the other orientation is meant."
            )
        return [(f"{short}{index + 1}", row.astype(np.float64)) for index, row in enumerate(rows)]

    def _rows_are_channels(self, where: str, name: str, shape: tuple[int, ...]) -> bool:
        if self.orientation is not None:
            return self.orientation == ORIENTATIONS[0]
        if max(shape) < _CLEARLY_LONG * min(shape):
            raise ShapeError(
                f"{where}: variable {name!r} is {shape[0]} x {shape[1]}, so it is not clear what the channels are: "
                f"{ask('orientation', repr(ORIENTATIONS[0]))} if each row is a channel, else {ORIENTATIONS[1]!r}."
            )
        return shape[0] < shape[1]

    def _named(self, where: str, channels: Mapping[str, NDArray[np.float64]]) -> dict[str, NDArray[np.float64]]:
        if self.channel_names is None:
            return dict(channels)
        if len(self.channel_names) != len(channels):
            raise ChannelError(f"{where}: {len(self.channel_names)} channel_names for {len(channels)} channels.")
        return dict(zip(self.channel_names, channels.values(), strict=True))

    def _traces(
        self,
        where: str,
        arrays: Mapping[str, NDArray[Any]],
        used: list[str],
        length: int,
        fs: float | None,
        request: Request,
    ) -> list[Stream]:
        rates, units = self.rates or {}, self.units or {}
        for name in (*rates, *units):
            _lookup(where, arrays, name, "rates or units")
        streams = []
        for name, array in arrays.items():
            vector = array.size > 1 and array.size == max(array.shape)
            if name in used or not vector:
                continue
            own = rates.get(name, fs if array.size == length else None)
            if own is None and name in (request.aux or ()):
                raise SamplingRateError(
                    f"{where}: {name} has {array.size} samples and the EMG {length}: give its rate with "
                    f"rates={{{name!r}: ...}}, in Hz."
                )
            if own is not None:
                streams.append(Stream(name, array.ravel().astype(np.float64).copy, own, units.get(name, ""), "aux"))
        return streams


def _load(path: Path) -> dict[str, NDArray[Any]]:
    try:
        found = _load_v73(path) if _is_hdf5(path) else _load_v5(path)
    except _DAMAGE as error:
        raise FormatError(f"{path.name} is no MATLAB file or is damaged ({_one_line(error)}): copy it again.") from None
    arrays = {name: array for name, array in found.items() if array.dtype.kind in "fiub"}
    if not arrays:
        raise FormatError(f"{path.name} holds no numeric variables.")
    return arrays


def _one_line(error: BaseException) -> str:
    text = " ".join(str(error).split()) or type(error).__name__
    return text if len(text) <= 120 else text[:117] + "..."


def _is_hdf5(path: Path) -> bool:
    import h5py

    with path.open("rb") as stream:
        header = stream.read(128)
    # a damaged file may have lost its HDF5 signature but not MATLAB's own line of text
    return header.startswith(b"MATLAB 7.3") or bool(h5py.is_hdf5(path))


def _load_v5(path: Path) -> dict[str, NDArray[Any]]:
    from scipy.io import loadmat
    from scipy.io.matlab import MatReadError

    try:
        content = loadmat(path, simplify_cells=True)
    except MatReadError as error:
        raise ValueError(str(error)) from None
    return _flat({name: value for name, value in content.items() if not name.startswith("__")})


def _flat(content: Mapping[str, Any], prefix: str = "") -> dict[str, NDArray[Any]]:
    arrays: dict[str, NDArray[Any]] = {}
    for name, value in content.items():
        if isinstance(value, dict):
            arrays |= _flat(value, f"{prefix}{name}.")
        elif not isinstance(value, str | bytes):
            array = np.asarray(value)
            arrays[f"{prefix}{name}"] = array.astype(np.uint8) if array.dtype == bool else array
    return arrays


def _load_v73(path: Path) -> dict[str, NDArray[Any]]:
    import h5py

    arrays: dict[str, NDArray[Any]] = {}

    def keep(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and not name.startswith("#") and item.attrs.get("MATLAB_class") != b"char":
            # MATLAB stores column by column, so the sides are turned round
            empty = "MATLAB_empty" in item.attrs
            arrays[name.replace("/", ".")] = np.empty((0, 0)) if empty else np.asarray(item[()]).T

    with h5py.File(path, "r") as file:
        file.visititems(keep)
    return arrays


def _lookup(where: str, arrays: Mapping[str, NDArray[Any]], name: str, argument: str) -> NDArray[Any]:
    if name not in arrays:
        raise ChannelError(f"{where} has no numeric variable {name!r} ({argument}): {nearest(name, arrays)}.")
    return arrays[name]


def _number(where: str, name: str, array: NDArray[Any]) -> float:
    if array.size != 1:
        raise SamplingRateError(f"{where}: variable {name!r} is no single number but has shape {array.shape}.")
    return float(array.ravel()[0])


def _plain(name: str) -> str:
    return name.rpartition(".")[2].replace("_", "").lower()


def _shapes(arrays: Mapping[str, NDArray[Any]]) -> str:
    return ", ".join(
        f"{name} ({' x '.join(map(str, array.shape)) or '1'})" for name, array in list(arrays.items())[:20]
    )
