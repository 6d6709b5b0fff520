"""Find methods, features and readers by name: the built-in ones and those that a lab publishes.

A name is either one that an installed package publishes as an entry point, or ``"module:Attribute"``.
"""

from __future__ import annotations

import importlib
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from emgkit._checks import nearest
from emgkit.errors import UnknownNameError

GROUPS = ("emgkit.artifact", "emgkit.features", "emgkit.readers")


@cache
def _published(group: str) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in sorted(entry_points(group=group), key=_own_first):
        found.setdefault(point.name, point)
    return found


def _own_first(point: EntryPoint) -> tuple[bool, str, str]:
    return not point.value.startswith("emgkit."), point.name, point.value


def names(group: str) -> tuple[str, ...]:
    """List the names that are published in a group, in the order of the alphabet.

    Parameters
    ----------
    group : str
        ``"emgkit.artifact"``, ``"emgkit.features"`` or ``"emgkit.readers"``.

    Returns
    -------
    tuple of str
        The names.
    """
    return tuple(sorted(_published(group)))


def load(group: str, name: str) -> Any:
    """Load the class that a name stands for.

    Parameters
    ----------
    group : str
        The group to look in.
    name : str
        A published name, or ``"module:Attribute"``.

    Returns
    -------
    object
        What the name stands for, as a rule a class.

    Raises
    ------
    UnknownNameError
        If there is no such name; the message offers the nearest one.
    """
    if ":" in name:
        return _load_path(name)
    point = _published(group).get(name)
    if point is None:
        kind = group.rpartition(".")[2]
        raise UnknownNameError(f"There is no {_SINGULAR.get(kind, kind)} {name!r}: {nearest(name, names(group))}.")
    return point.load()


_SINGULAR = {"artifact": "artifact method", "features": "feature", "readers": "reader"}


def _load_path(path: str) -> Any:
    module_name, _, attribute = path.partition(":")
    try:
        module = importlib.import_module(module_name)
    except (ImportError, ValueError) as error:
        raise UnknownNameError(
            f"{path!r} cannot be loaded: {error}. Give it as 'module:Class' with the module importable from here."
        ) from None
    try:
        return getattr(module, attribute)
    except AttributeError:
        public = [item for item in vars(module) if not item.startswith("_")]
        raise UnknownNameError(f"Module {module_name!r} has no {attribute!r}: {nearest(attribute, public)}.") from None
