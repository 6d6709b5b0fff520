"""``emgkit validate``: whether a results file follows the written specification."""

from __future__ import annotations

from pathlib import Path

import click

from emgkit.cli.console import as_json, say
from emgkit.cli.exits import FAILED
from emgkit.cli.options import debug_option, json_option

__all__ = ["command"]


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
@debug_option
def command(files: tuple[Path, ...], for_machines: bool) -> int:
    """Check results files against the specification of the format."""
    findings = {str(file): _findings(file) for file in files}
    if for_machines:
        as_json(findings)
    else:
        for name, found in findings.items():
            say(f"{name}: {'follows the specification' if not found else f'{len(found)} finding(s)'}")
            for finding in found:
                say(f"  {finding}", style="red")
    return FAILED if any(findings.values()) else 0


def _findings(file: Path) -> list[str]:
    from emgkit.errors import EmgkitError
    from emgkit.io.validate import validate_results

    try:
        return [str(finding) for finding in validate_results(file)]
    except EmgkitError as error:
        return [str(error)]
