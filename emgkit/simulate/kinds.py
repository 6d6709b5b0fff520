"""What kind of value a parameter takes, from its annotation: a number, a list of pairs, an object of the simulator."""

from __future__ import annotations

from dataclasses import fields
from functools import cache
from numbers import Integral, Real
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import numpy as np

from emgkit._checks import assign
from emgkit.errors import ParameterError

__all__ = ["check_kinds"]

WORDS = {float: "a number", int: "a whole number", str: "a text", bool: "True or False", NoneType: "None"}
KINDS: dict[Any, type] = {float: Real, int: Integral, str: str, NoneType: NoneType}


def check_kinds(part: object) -> None:
    """Refuse values of another kind than annotated; lists become tuples, so that parameters stay as they are.

    Raises
    ------
    ParameterError
        If a value has another kind: the message names the parameter and says what it takes.
    """
    kind: Any = type(part)
    for item in fields(kind):
        hint, value = _hints(kind)[item.name], getattr(part, item.name)
        value = value.tolist() if isinstance(value, np.ndarray) else value
        if not _fits(value, hint):
            raise ParameterError(f"{item.name} must be {_words(hint)}, got {value!r}.")
        if isinstance(value, (list, tuple)):
            assign(part, **{item.name: _as_tuples(value)})


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _fits(value: Any, hint: Any) -> bool:
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return any(_fits(value, choice) for choice in inside)
    if origin is tuple:
        return isinstance(value, (list, tuple)) and _all_fit(value, inside)
    return isinstance(value, KINDS.get(hint, hint)) and (hint is bool or not isinstance(value, bool))


def _all_fit(values: Any, inside: tuple[Any, ...]) -> bool:
    if inside[-1] is Ellipsis:
        return all(_fits(value, inside[0]) for value in values)
    return len(values) == len(inside) and all(map(_fits, values, inside))


def _words(hint: Any) -> str:
    origin, inside = get_origin(hint), get_args(hint)
    if origin in (UnionType, Union):
        return " or ".join(_words(choice) for choice in sorted(inside, key=lambda choice: choice is not NoneType))
    if origin is tuple and inside[-1] is Ellipsis:
        return f"a list, each entry {_words(inside[0])}"
    if origin is tuple:
        return f"{len(inside)} values, each {_words(inside[0])}"
    return WORDS.get(hint) or f"of the class {hint.__name__}"


def _as_tuples(value: Any) -> Any:
    return tuple(map(_as_tuples, value)) if isinstance(value, (list, tuple)) else value
