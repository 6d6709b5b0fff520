"""``emgkit sys-info``: what to send along with a question."""

from __future__ import annotations

import click

from emgkit.cli.console import as_json, console, table
from emgkit.cli.options import debug_option, json_option

__all__ = ["command"]


@click.command()
@json_option
@debug_option
def command(for_machines: bool) -> None:
    """Show versions and the machine: send it along with a question or a report of an error."""
    import os
    import platform

    from emgkit.batch.run_log import package_versions

    found = {"system": platform.platform(), "cores": str(os.cpu_count()), **package_versions()}
    if for_machines:
        as_json(found)
    else:
        console().print(table("emgkit on this computer", ["what", "version"], list(map(list, found.items())), left=2))
