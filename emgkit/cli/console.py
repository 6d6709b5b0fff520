"""What people read: on stderr, in tables that fit the terminal; what machines read: JSON on stdout."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

__all__ = ["as_json", "console", "say", "table"]

_WIDTH_OF_A_LOG = 100


def console() -> Console:
    """Give the console for people; a log that is no terminal is 100 columns wide."""
    from rich.console import Console

    probe = Console(stderr=True)
    known = probe.is_terminal or "COLUMNS" in os.environ
    return probe if known else Console(stderr=True, width=_WIDTH_OF_A_LOG)


def say(text: str = "", *, style: str = "") -> None:
    """Print lines for people; long ones are not broken, so that paths and commands can be copied."""
    console().print(text, style=style or None, soft_wrap=True, highlight=False, markup=False)


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[str]], *, left: int = 1) -> Table:
    """Make a table; the first ``left`` columns stand to the left, the others to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    made = Table(title=Text(title, style="bold"), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for number, name in enumerate(header):
        made.add_column(Text(name), justify="left" if number < left else "right", overflow="fold")
    for row in rows:
        made.add_row(*(Text(cell) for cell in row))
    return made


def as_json(content: Any) -> None:
    """Print JSON for machines on stdout."""
    click.echo(json.dumps(content, ensure_ascii=False, allow_nan=False))
