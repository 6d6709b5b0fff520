"""Parameter objects from a protocol: a method, a feature, a fill, by name or as a table with its parameters."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any, get_args

from emgkit import plugins
from emgkit._checks import nearest
from emgkit.errors import EmgkitError, UnknownNameError
from emgkit.protocol.arguments import arguments_of, check_arguments
from emgkit.protocol.where import Where
from emgkit.step import describe

__all__ = ["build", "build_named", "describe_object"]


def build_named(group: str, stated: Any, where: Where) -> Any:
    """Make a parameter object from its name, or from a table with its name and its parameters.

    Parameters
    ----------
    group : str
        "emgkit.artifact" or "emgkit.features".
    stated : str, mapping or object
        ``"mdf"``, ``{"name": "mdf", "band": [20, 450]}``, ``"my_lab:SpectralComb"``, or the object itself.
    where : Where
        The place, for the message.

    Raises
    ------
    ProtocolError
        If there is no such name or parameter; the nearest one is offered.
    """
    if not isinstance(stated, str | Mapping):
        return _parameter_object(stated, where)
    name, parameters = _name_and_parameters(stated, where)
    try:
        target = plugins.load(group, name)
    except UnknownNameError as error:
        raise where.error(str(error)) from None
    return build(target, parameters, where)


def _name_and_parameters(stated: str | Mapping[str, Any], where: Where) -> tuple[str, Mapping[str, Any]]:
    if isinstance(stated, str):
        return stated, {}
    name = stated.get("name")
    if not isinstance(name, str):
        raise where.error(f"a table with a name is needed, for example {{name = 'mdf'}}, got {dict(stated)!r}.")
    return name, {key: value for key, value in stated.items() if key != "name"}


def build(target: Any, parameters: Mapping[str, Any], where: Where) -> Any:
    """Make a parameter object from a table of its fields; fields that are objects themselves are made too.

    Raises
    ------
    ProtocolError
        If a key does not exist or a value does not fit.
    """
    if not callable(target):
        return _parameter_object(target, where)
    inner = {name: found for name in parameters if (found := _inner_classes(target, name))}
    plain = {name: value for name, value in parameters.items() if name not in inner}
    values = check_arguments(target, plain, where, given=tuple(inner))
    values |= {name: _inner_object(parameters[name], found, where.inside(name)) for name, found in inner.items()}
    try:
        return _parameter_object(target(**values), where)
    except (EmgkitError, ValueError, TypeError) as error:
        raise where.error(str(error)) from None


def _parameter_object(made: Any, where: Where) -> Any:
    if not is_dataclass(made) or isinstance(made, type):
        raise where.error(f"a parameter object must be a frozen dataclass, got {type(made).__name__}.")
    return made


def _inner_classes(target: Callable[..., Any], name: str) -> dict[str, type]:
    """List the classes that a field may be made of: those of its type, or the neighbours of its default."""
    hint, _ = arguments_of(target).get(name, (Any, None))
    stated = [item for item in (*get_args(hint), hint) if _is_parameter_class(item)]
    own_default = _default_class(target, name)
    classes = stated or (_neighbours(own_default) if _is_parameter_class(own_default) else [])
    return {str(getattr(item, "name", item.__name__)): item for item in classes}


def _default_class(target: Any, name: str) -> Any:
    """Give the class of a field's default; None for what is no dataclass."""
    found = [item for item in fields(target) if item.name == name] if _is_parameter_class(target) else []
    factories = [item.default_factory for item in found if item.default_factory is not MISSING]
    return factories[0] if factories else next((type(item.default) for item in found), None)


def _is_parameter_class(item: Any) -> bool:
    return isinstance(item, type) and is_dataclass(item)


def _neighbours(found: type) -> Iterable[type]:
    module = sys.modules[found.__module__]
    return [item for _, item in inspect.getmembers(module, _is_parameter_class) if item.__module__ == found.__module__]


def _inner_object(stated: Any, classes: Mapping[str, type], where: Where) -> Any:
    if not isinstance(stated, str | Mapping):
        return _parameter_object(stated, where)
    name, parameters = _name_and_parameters(stated, where)
    if ":" in name:
        return build_named("", stated, where)
    if name not in classes:
        raise where.error(f"there is no {name!r}; {nearest(name, classes)}.")
    return build(classes[name], parameters, where)


def describe_object(made: Any, group: str) -> dict[str, Any]:
    """Write a parameter object as a table that `build_named` makes it from again."""
    published = str(getattr(made, "name", ""))
    known = published in plugins.names(group) and plugins.load(group, published) is type(made)
    name = published if known else f"{type(made).__module__}:{type(made).__qualname__}"
    return {"name": name, **{item.name: describe(getattr(made, item.name)) for item in fields(made) if item.init}}
