"""``emgkit list``: which methods, features, readers and scenarios there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields, is_dataclass
from typing import Any

import click

from emgkit.cli.console import as_json, console, table
from emgkit.cli.options import debug_option, json_option

__all__ = ["command"]

_GROUPS = {"methods": "emgkit.artifact", "features": "emgkit.features", "readers": "emgkit.readers"}

# of a simulated session, in the order of the work
_PARTS = (
    "Session",
    "Stimulator",
    "PulseShape",
    "Contact",
    "Electrode",
    "Effort",
    "PoolParameters",
    "Montage",
    "EvokedParameters",
    "FatigueParameters",
    "Surroundings",
    "FrontEnd",
)


@click.command()
@click.argument("what", type=click.Choice([*_GROUPS, "scenarios", "parameters"]))
@json_option
@debug_option
def command(what: str, for_machines: bool) -> None:
    """List methods, features or readers with their parameters (those of labs too), or what can be simulated.

    That is scenarios, and parameters, which "emgkit simulate --set" changes: their defaults, which some scenarios
    replace, in s, Hz, A and V.
    """
    own: dict[str, Callable[[], list[dict[str, str]]]] = {"scenarios": _scenarios, "parameters": _simulated}
    rows = own[what]() if what in own else _plugins(_GROUPS[what])
    if for_machines:
        as_json(rows)
        return
    header = list(rows[0]) if rows else ["name"]
    console().print(table(what, header, [[str(row[key]) for key in header] for row in rows], left=len(header)))


def _plugins(group: str) -> list[dict[str, str]]:
    from emgkit import plugins

    return [_row(name, plugins.load(group, name)) for name in plugins.names(group)]


def _scenarios() -> list[dict[str, str]]:
    from emgkit.simulate import SCENARIOS

    return [{"name": name, "what": (made.__doc__ or "").strip().splitlines()[0]} for name, made in SCENARIOS.items()]


def _simulated() -> list[dict[str, str]]:
    from emgkit import simulate
    from emgkit.simulate.session import fields_by_name

    # a part has other defaults alone than within a session
    values = fields_by_name(simulate.Session())
    return [row for name in _PARTS for row in _settable(getattr(simulate, name), values)]


def _settable(part: Any, values: Mapping[str, Any]) -> Iterator[dict[str, str]]:
    """Parameters of a part that are no parts themselves, with their values in a session."""
    meanings = _meanings(part.__doc__ or "")
    for item in fields(part):
        default = values[item.name]
        if item.name != "labels" and not is_dataclass(
            default[0] if isinstance(default, tuple) and default else default
        ):
            yield {"name": item.name, "default": _plain(default), "what": meanings.get(item.name, "")}


def _plain(value: Any) -> str:
    """Write a default as it can be given to ``--set``."""
    if isinstance(value, tuple):
        return f"[{', '.join(map(_plain, value))}]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _meanings(docstring: str) -> dict[str, str]:
    """Read what each parameter means from the section of a docstring that says so."""
    found: dict[str, str] = {}
    for names, text in re.findall(r"^    (\w[\w, ]*) : [^\n]*\n((?: {8}[^\n]*\n)+)", docstring, re.MULTILINE):
        meaning = " ".join(text.replace("`", "").split())
        found |= dict.fromkeys(names.split(", "), meaning)
    return found


def _row(name: str, found: Any) -> dict[str, str]:
    first = (found.__doc__ or "").strip().splitlines()
    return {"name": name, **_kind(found), "what": first[0] if first else "", "parameters": _parameters(found)}


def _kind(found: Any) -> Mapping[str, str]:
    shown = {"gives": "gives", "unit": "unit", "kinds": "for", "suffixes": "files"}
    values = {title: getattr(found, attribute) for attribute, title in shown.items() if hasattr(found, attribute)}
    return {title: value if isinstance(value, str) else ", ".join(value) for title, value in values.items()}


def _parameters(found: Any) -> str:
    from emgkit.protocol.arguments import arguments_of

    return ", ".join(arguments_of(found)) or "none"
