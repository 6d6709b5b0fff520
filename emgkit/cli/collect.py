"""``emgkit collect``: the results of many recordings in one file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from emgkit.cli.console import as_json, say
from emgkit.cli.exits import FAILED, NOTHING
from emgkit.cli.options import debug_option, json_option

__all__ = ["command"]


@click.command()
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The study file; study.csv lies beside it.")
@json_option
@debug_option
def command(folder: Path, out: Path, for_machines: bool) -> int:
    """Put the results files of a folder together: one study file, and a table beside it."""
    from emgkit.errors import MissingFileError
    from emgkit.io.collect import collect

    try:
        made = collect(folder, out)
    except MissingFileError as error:
        say(f"emgkit: {error}")
        return NOTHING
    if for_machines:
        as_json({**asdict(made), "study": str(made.study), "table": str(made.table)})
        return FAILED if made.refused else 0
    say(f"Study: {made.study}, table: {made.table}, {len(made.recordings)} recordings")
    for name, why in made.refused:
        say(f"✗ {name}: {why}", style="red")
    return FAILED if made.refused else 0
