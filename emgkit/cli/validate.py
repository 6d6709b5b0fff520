"""``emgkit validate``: whether a results file follows the written specification."""

from __future__ import annotations

from pathlib import Path

import click

from emgkit.cli.console import as_json, say
from emgkit.cli.exits import FAILED, NOTHING
from emgkit.cli.options import debug_option, json_option

__all__ = ["command"]


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@json_option
@debug_option
def command(files: tuple[Path, ...], for_machines: bool) -> int:
    """Check results files against the specification of the format; of a folder, all that end in .h5."""
    findings = {str(file): _findings(file) for one in files for file in _files(one)}
    if not findings:
        say("emgkit: no results files (.h5) in the folders named.")
        return NOTHING
    if for_machines:
        as_json(findings)
    else:
        for name, found in findings.items():
            say(f"{name}: {'follows the specification' if not found else f'{len(found)} finding(s)'}")
            for finding in found:
                say(f"  {finding}", style="red")
    return FAILED if any(findings.values()) else 0


def _files(named: Path) -> list[Path]:
    """Give the file that is named, or those of a folder and the folders below it."""
    return sorted(named.rglob("*.h5")) if named.is_dir() else [named]


def _findings(file: Path) -> list[str]:
    from emgkit.errors import EmgkitError
    from emgkit.io.validate import validate_results

    try:
        return [str(finding) for finding in validate_results(file)]
    except EmgkitError as error:
        return [str(error)]
