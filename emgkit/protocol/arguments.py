"""Check the keys of a section against the arguments of the verb or of the parameter object that they are for.

The signature is the only list of what is allowed: a section has the keys, types and defaults of its verb.
"""

from __future__ import annotations

import inspect
import json
import types
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import is_dataclass
from functools import cache
from typing import Any, Union, get_args, get_origin, get_type_hints

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, create_model
from pydantic.errors import PydanticUserError
from pydantic_core import SchemaError

from emgkit._checks import nearest
from emgkit.protocol.where import Where

__all__ = ["Argument", "arguments_of", "check_arguments"]

_KINDS = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_LISTS = (list, Sequence, Iterable, Collection)
_STRICT = ConfigDict(extra="forbid", strict=True, arbitrary_types_allowed=True)
Argument = tuple[Any, Any]  # the type that is needed, and the default (inspect.Parameter.empty without one)


@cache
def arguments_of(target: Callable[..., Any]) -> dict[str, Argument]:
    """List what a verb or a parameter object takes by name: {argument: (type, default)}."""
    hints = _type_hints(target)
    listed = inspect.signature(target).parameters.values()
    return {item.name: (hints.get(item.name, Any), item.default) for item in listed if item.kind in _KINDS}


def _type_hints(target: Callable[..., Any]) -> dict[str, Any]:
    try:
        return get_type_hints(target)
    except NameError:  # a name that only type checkers import: that annotation cannot be checked
        return {}


def check_arguments(
    target: Callable[..., Any],
    table: Mapping[str, Any],
    where: Where,
    *,
    given: tuple[str, ...] = (),
) -> dict[str, Any]:
    """Check the keys and values of a table against the arguments of a verb or parameter object.

    Parameters
    ----------
    target : callable
        The verb, or the class of the parameter object.
    table : mapping
        What the protocol says.
    where : Where
        Its place, for the message.
    given : tuple of str, optional
        Arguments that do not come from the protocol (the recording, the table).

    Returns
    -------
    dict
        The values that the table states, converted (a list to a tuple where the verb wants one).

    Raises
    ------
    ProtocolError
        If a key does not exist, a needed one is missing, or a value is of the wrong type.
    """
    arguments = {name: item for name, item in arguments_of(target).items() if name not in given}
    model = _model(target, given)
    try:
        checked = model.model_validate_json(json.dumps(dict(table), default=str))
    except ValidationError as error:
        raise _first_error(error, table, arguments, where) from None
    return {name: getattr(checked, field) for field, name in _names(model) if field in checked.model_fields_set}


@cache
def _model(target: Callable[..., Any], given: tuple[str, ...]) -> type[BaseModel]:
    listed = {name: item for name, item in arguments_of(target).items() if name not in given}
    # numbered fields under an alias: an argument may have any name, those of pydantic's own attributes too
    fields: dict[str, Any] = {
        f"argument_{number}": (_checkable(_as_tuples(hint)), _field(name, default))
        for number, (name, (hint, default)) in enumerate(listed.items())
    }
    return create_model("Arguments", __config__=_STRICT, **fields)


def _field(name: str, default: Any) -> Any:
    return Field(alias=name) if default is inspect.Parameter.empty else Field(default=None, alias=name)


def _as_tuples(hint: Any) -> Any:
    """Let every kind of list become a tuple: it is checked at once, and cannot be changed."""
    origin, inner = get_origin(hint), tuple(_as_tuples(item) for item in get_args(hint))
    if origin in (Union, types.UnionType):
        return Union[inner]  # noqa: UP007  the members are known only now
    return tuple[inner[0], ...] if origin in _LISTS and inner else hint  # type: ignore[valid-type]


def _checkable(hint: Any) -> Any:
    """Give a type that pydantic can check, or Any: then the verb itself checks."""
    config = None if _has_own_config(hint) else ConfigDict(arbitrary_types_allowed=True)
    try:
        TypeAdapter(hint, config=config)
    except (PydanticUserError, SchemaError, TypeError):
        return Any
    return hint


def _has_own_config(hint: Any) -> bool:
    return is_dataclass(hint) or (isinstance(hint, type) and issubclass(hint, BaseModel))


def _names(model: type[BaseModel]) -> list[tuple[str, str]]:
    return [(field, str(info.alias)) for field, info in model.model_fields.items()]


def _first_error(
    error: ValidationError, table: Mapping[str, Any], arguments: Mapping[str, Argument], where: Where
) -> Exception:
    found = sorted(error.errors(include_url=False), key=lambda item: item["type"] != "extra_forbidden")[0]
    key = str(found["loc"][0]) if found["loc"] else ""
    if found["type"] == "extra_forbidden":
        return where.unknown_key(key, arguments)
    if found["type"] == "missing" and len(found["loc"]) == 1:
        return where.error("is missing and must be given.", key)
    return where.wrong_value(key, table.get(key), _needed(error, key, table.get(key)))


def _needed(error: ValidationError, key: str, value: Any) -> str:
    """Say what is needed instead; of a choice of types all are named."""
    all_found = [item for item in error.errors(include_url=False) if item["loc"] and str(item["loc"][0]) == key]
    inside = [item for item in all_found if any(isinstance(step, int) for step in item["loc"])]
    found = inside or all_found
    texts = list(dict.fromkeys(_needed_text(item["type"], item["msg"]) for item in found))
    choices = [item["ctx"]["expected"] for item in found if item["type"] in ("literal_error", "enum")]
    if choices and isinstance(value, str):
        allowed = [part.strip().strip("'") for part in choices[0].replace(" or ", ",").split(",")]
        return nearest(value, allowed)
    return f"needed {'inside:' if inside else 'is'} " + ", or ".join(texts)


def _needed_text(kind: str, message: str) -> str:
    if kind in _PLAIN:
        return _PLAIN[kind]
    text = message.removeprefix("Input should be ").removeprefix("Value error, ")
    return text[:1].lower() + text[1:]


_PLAIN: Mapping[str, str] = {
    "float_type": "a number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "string_type": "text in quotes",
    "bool_type": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "none_required": "no value at all",
    "is_instance_of": "a value of another kind",
    "missing": "more items",
    "too_long": "a list with fewer items",
    "too_short": "a list with more items",
}
