"""Provenance: what was done to a recording, with which parameters."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from pathlib import PurePath
from typing import Any

import numpy as np

from emgkit._checks import FrozenMapping, FrozenValue, assign
from emgkit.errors import ParameterError

__all__ = ["Step", "describe"]


def _version() -> str:
    from importlib.metadata import version

    return version("emgkit")


@dataclass(frozen=True, eq=False, repr=False)
class Step(FrozenValue):
    """One step of a recording's history: the verb, its parameters and the version that did it.

    Parameters
    ----------
    name : str
        Name of the verb, for example ``"separate"``.
    parameters : mapping, optional
        What the verb was called with. Parameter objects are taken apart into name and fields;
        numbers, text, lists and mappings are kept.
    version : str, optional
        Version of emgkit; the running one unless given.

    Raises
    ------
    ParameterError
        If a parameter is of a kind that cannot be stored.
    """

    name: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    version: str = ""

    def __post_init__(self) -> None:
        """Check and copy."""
        stored = FrozenMapping({str(key): describe(value) for key, value in self.parameters.items()})
        assign(self, parameters=stored, version=self.version or _version())

    def __repr__(self) -> str:
        listed = ", ".join(f"{key}={value!r}" for key, value in self.parameters.items())
        return f"{self.name}({listed})"


def describe(value: Any) -> Any:
    """Turn a parameter into plain numbers, text, tuples and mappings that JSON and HDF5 can hold.

    Infinite and missing numbers become ``"inf"``, ``"-inf"`` and ``"nan"``, which JSON has no number for.
    """
    if isinstance(value, bool | str | None):
        return value
    if isinstance(value, np.generic):
        return describe(value.item())
    if isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    return _describe_container(value)


def _describe_container(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        own_name = getattr(value, "name", type(value).__name__)
        listed = {item.name: describe(getattr(value, item.name)) for item in fields(value)}
        return FrozenMapping({"name": own_name, **listed})
    if isinstance(value, Mapping):
        return FrozenMapping({str(key): describe(item) for key, item in value.items()})
    if isinstance(value, list | tuple | set | frozenset):
        return tuple(describe(item) for item in value)
    if isinstance(value, np.ndarray):
        return tuple(describe(item) for item in value.tolist())
    if isinstance(value, PurePath):
        return value.name
    raise ParameterError(f"A parameter of type {type(value).__name__} cannot be stored in the history.")
