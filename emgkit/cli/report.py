"""``emgkit report``: one page that a person can read."""

from __future__ import annotations

from pathlib import Path

import click

from emgkit.cli.console import as_json, say
from emgkit.cli.options import debug_option, json_option

__all__ = ["command"]


@click.command()
@click.argument("results", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), help="The page; beside the results file unless given.")
@json_option
@debug_option
def command(results: Path, out: Path | None, for_machines: bool) -> None:
    """Write the page of a results file: one HTML file that needs no network."""
    from emgkit.report import write_report

    page = write_report(results, results.with_suffix(".html") if out is None else out)
    if for_machines:
        as_json({"page": str(page)})
    else:
        say(f"Page: {page}")
