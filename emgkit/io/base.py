"""What a reader is, what it is asked for, and what it finds in a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import assign, positive
from emgkit.errors import ChannelError, ParameterError, SamplingRateError, UnitError
from emgkit.io.units import volts_per_unit
from emgkit.recording import Recording

__all__ = ["Reader", "Request", "Stream"]


@dataclass(frozen=True, eq=False)
class Request:
    """What the user says about a file: roles of the channels, and what the file itself does not say.

    Parameters
    ----------
    emg : tuple of str, optional
        Names of the EMG channels, in the order wanted; found by their kind unless given.
    aux : tuple of str, optional
        Names of the auxiliary channels; all that are no EMG unless given.
    unit : str, optional
        Unit of the EMG samples where the file does not say it.
    fs : float, optional
        Sampling rate of the EMG where the file does not say it, Hz.
    override_unit : bool, default False
        Let ``unit`` go before a unit that the file states.
    """

    emg: tuple[str, ...] | None = None
    aux: tuple[str, ...] | None = None
    unit: str | None = None
    fs: float | None = None
    override_unit: bool = False

    def __post_init__(self) -> None:
        """Check what was said."""
        assign(self, emg=_name_list("emg", self.emg), aux=_name_list("aux", self.aux))
        if self.emg == ():
            raise ChannelError("emg=[] asks for no EMG channel: name at least one, or leave emg away.")
        if self.unit is not None and volts_per_unit(self.unit) is None:
            raise UnitError(f"unit={self.unit!r} is no unit of voltage: it is one of V, mV, uV, nV.")
        if self.override_unit and self.unit is None:
            raise UnitError("override_unit needs the unit that is to be taken instead: give unit= too.")
        assign(self, fs=None if self.fs is None else _rate(self.fs))


def _name_list(argument: str, names: Iterable[str] | str | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    listed = (names,) if isinstance(names, str) else tuple(names)
    if not all(isinstance(name, str) for name in listed):
        raise ParameterError(f"{argument} must be channel names, got {listed!r}.")
    twice = sorted({name for name in listed if listed.count(name) > 1})
    if twice:
        raise ChannelError(f"{argument} asks twice for {', '.join(twice)}.")
    return listed


def _rate(fs: float) -> float:
    try:
        return positive("fs", fs, "Hz")
    except ParameterError as error:
        raise SamplingRateError(str(error)) from None


@dataclass(frozen=True, eq=False)
class Stream:
    """One channel as it lies in a file; its samples are read only when they are asked for.

    Parameters
    ----------
    name : str
        Name in the file.
    load : callable
        Gives the samples, shape (samples,), in ``unit``; NaN where missing.
    fs : float or None
        Sampling rate that the file states, Hz.
    unit : str
        Unit that the file states; empty if it says none.
    kind : {"", "emg", "aux", "other"}
        What the file says that the channel is; empty if it does not say. "other" (EEG, ECG ...) is taken only
        if it is asked for by name.
    note : str
        Filters and other things that the file says about it.
    """

    name: str
    load: Callable[[], NDArray[np.float64]] = field(repr=False)
    fs: float | None = None
    unit: str = ""
    kind: str = ""
    note: str = ""


class Reader(Protocol):
    """A file format: a frozen dataclass whose fields are the options of the format.

    ``name`` is what ``format=`` says, ``suffixes`` are the endings of its files, in small letters with the dot.
    """

    name: ClassVar[str]
    suffixes: ClassVar[tuple[str, ...]]

    def read(self, path: Path, request: Request) -> Recording:
        """Read one existing, non-empty file; `emgkit.io.assemble.assemble` does what is common to all formats."""
        ...
