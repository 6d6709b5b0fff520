"""``emgkit list``: which methods, features, readers and scenarios there are."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from emgkit.cli.console import as_json, console, table
from emgkit.cli.options import debug_option, json_option

__all__ = ["command"]

_GROUPS = {"methods": "emgkit.artifact", "features": "emgkit.features", "readers": "emgkit.readers"}


@click.command()
@click.argument("what", type=click.Choice([*_GROUPS, "scenarios"]))
@json_option
@debug_option
def command(what: str, for_machines: bool) -> None:
    """List methods, features or readers with their parameters (those of labs too), or the scenarios to simulate."""
    rows = _scenarios() if what == "scenarios" else _plugins(_GROUPS[what])
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
