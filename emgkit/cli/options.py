"""Options that every command has."""

from __future__ import annotations

import click

__all__ = ["debug_option", "debugging", "json_option"]

_KEY = "emgkit.debug"


def _remember(ctx: click.Context, _option: click.Parameter, wanted: bool) -> None:
    ctx.meta[_KEY] = wanted or ctx.meta.get(_KEY, False)


def debugging() -> bool:
    """Tell whether ``--debug`` was said, before or after the command's name."""
    return bool(click.get_current_context().meta.get(_KEY, False))


debug_option = click.option(
    "--debug", is_flag=True, expose_value=False, callback=_remember, help="Show the traceback of an error."
)
json_option = click.option("--json", "for_machines", is_flag=True, help="Print JSON on stdout.")
