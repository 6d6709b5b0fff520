"""Options that say how a file is read: those of `read_recording` and of every reader that is installed.

They are made from the signatures when a command is called, so that there is no second list of them.
"""

from __future__ import annotations

import inspect
import re
import types
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Union, get_args, get_origin

import click

if TYPE_CHECKING:
    from emgkit.recording import Recording

__all__ = ["ReadingCommand", "read", "reading_table"]

_PREFIX = "reading_"


class ReadingCommand(click.Command):
    """A command with the options for reading; what was said arrives in ``ctx.params`` with a prefix."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """List the command's own parameters, then the options for reading."""
        own = super().get_params(ctx)
        taken = {word for item in own for word in item.opts}
        return [*own, *(item for item in _options() if not taken & set(item.opts))]

    def invoke(self, ctx: click.Context) -> Any:
        """Call the command with what was said about reading as one table, ``reading``."""
        said = {name: ctx.params.pop(name) for name in list(ctx.params) if name.startswith(_PREFIX)}
        ctx.params["reading"] = reading_table(said)
        return super().invoke(ctx)


def reading_table(said: Mapping[str, Any]) -> dict[str, Any]:
    """Turn options into the table that ``[read]`` of a protocol would be; what was not said is not in it."""
    named = {name.removeprefix(_PREFIX): value for name, value in said.items()}
    table = {name: list(value) if isinstance(value, tuple) else value for name, value in named.items()}
    for name, value in table.items():
        if name in _mapping_options() and value:
            table[name] = dict(_pair(name, item) for item in value)
        elif name == "variable" and isinstance(value, list) and len(value) == 1:
            table[name] = value[0]
    return {name: value for name, value in table.items() if value not in (None, [])}


def read(file: str | Path, reading: Mapping[str, Any]) -> Recording:
    """Read a recording with the options of the command line, checked as those of a protocol are."""
    from emgkit.io.read_recording import read_recording
    from emgkit.protocol.sections import Reading
    from emgkit.protocol.where import Where

    return read_recording(file, **Reading.from_table(reading, Where("command line")).arguments)


def _options() -> list[click.Option]:
    return [_option(name, hint, described) for name, (hint, described) in _arguments().items()]


def _arguments() -> dict[str, tuple[Any, str]]:
    """Collect what can be said, {name: (type, help)}: first for all files, then for single formats."""
    from emgkit.io.read_recording import read_recording
    from emgkit.plugins import load, names
    from emgkit.protocol.arguments import arguments_of

    found: dict[str, tuple[Any, str]] = {}
    for target in (read_recording, *(load("emgkit.readers", name) for name in names("emgkit.readers"))):
        described = _descriptions(target)
        for name, (hint, _) in arguments_of(target).items():
            found.setdefault(name, (hint, described.get(name, "")))
    return {name: item for name, item in found.items() if name != "path"}


def _descriptions(target: Any) -> dict[str, str]:
    """Read the help of every argument from the docstring (numpydoc): the first sentence of its description."""
    text = (inspect.getdoc(target) or "").partition("Parameters\n----------\n")[2]
    entries = re.findall(r"^(\w+) : .*\n((?:    .*\n?|\n)+)", text, flags=re.MULTILINE)
    return {name: re.split(r"(?<=\.)\s", " ".join(body.split()))[0].replace("``", "") for name, body in entries}


def _mapping_options() -> set[str]:
    return {name for name, (hint, _) in _arguments().items() if _is_mapping(hint)}


def _option(name: str, hint: Any, described: str) -> click.Option:
    word = f"--{name.replace('_', '-')}"
    common: dict[str, Any] = {"default": None, "help": described}
    if _members(hint) == {bool}:
        return click.Option([f"{_PREFIX}{name}", f"{word}/--no-{word[2:]}"], **common)
    if _is_mapping(hint):
        return click.Option([f"{_PREFIX}{name}", word], multiple=True, metavar="NAME=VALUE", **common)
    kind = next((item for item in (int, float) if item in _members(hint)), str)
    several = any(_is_list(member) for member in _members(hint))
    common["help"] = f"{described} Give it once for each." if several else described
    return click.Option([f"{_PREFIX}{name}", word], type=kind, multiple=several, **common)


def _members(hint: Any) -> set[Any]:
    parts = get_args(hint) if get_origin(hint) in (Union, types.UnionType) else (hint,)
    return {part for part in parts if part is not type(None)}


def _is_list(hint: Any) -> bool:
    origin = get_origin(hint)
    return isinstance(origin, type) and not issubclass(origin, Mapping)


def _is_mapping(hint: Any) -> bool:
    origins = [get_origin(member) for member in _members(hint)]
    return any(isinstance(origin, type) and issubclass(origin, Mapping) for origin in origins)


def _pair(name: str, text: str) -> tuple[str, Any]:
    key, sign, value = text.partition("=")
    if not sign or not key:
        raise click.BadParameter(f"--{name.replace('_', '-')} needs NAME=VALUE, got {text!r}.")
    try:
        return key, float(value)
    except ValueError:
        return key, value
