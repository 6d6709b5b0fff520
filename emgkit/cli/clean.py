"""``emgkit clean``: write one part of a recording, as a rule the one without artifact."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from emgkit.cli.console import as_json, say
from emgkit.cli.options import debug_option, json_option
from emgkit.cli.reading import ReadingCommand, read

__all__ = ["command"]


@click.command(cls=ReadingCommand)
@click.argument("file", type=click.Path())
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The file to write (BDF).")
@click.option("--trigger", help="Trigger channel; without it the pulses are found from the artifact.")
@click.option("--rate", type=float, help="Nominal stimulation rate in Hz.")
@click.option("--method", default="auto", show_default=True, help="Method of removal (emgkit list methods).")
@click.option("--part", default="clean", show_default=True, help="clean, voluntary, evoked, artifact, interference.")
@click.option("--overwrite", is_flag=True, help="Replace the file if it is there.")
@json_option
@debug_option
def command(
    file: str,
    out: Path,
    trigger: str | None,
    rate: float | None,
    method: str,
    part: str,
    overwrite: bool,
    for_machines: bool,
    reading: Mapping[str, Any],
) -> None:
    """Take the stimulation artifact (and mains) away and write the rest; the M-wave stays."""
    from emgkit.artifact.separate import separate
    from emgkit.detect.detect_pulses import detect_pulses
    from emgkit.detect.trigger_channels import set_apart
    from emgkit.io.write_bdf import write_recording

    _check_target(Path(file), out, overwrite)
    recording = set_apart(read(file, reading), trigger)
    separation = separate(recording, detect_pulses(recording, trigger, rate=rate), method)
    write_recording(separation.part(part), out, overwrite=overwrite)
    if for_machines:
        as_json({"written": str(out), "method": separation.method.name, "part": part, "why": separation.why})
        return
    say(f"{part} written to {out} by {separation.method.name} ({separation.why}), {len(separation.pulses)} pulses.")
    say(f"Evoked activity may be lost until {1e3 * separation.evoked_lost_until:.2g} ms after a pulse.")
    for message in separation.messages:
        say(f"Note: {message}", style="yellow")


def _check_target(file: Path, out: Path, overwrite: bool) -> None:
    if out.exists() and file.exists() and out.samefile(file):
        raise click.UsageError(f"--out {out} is the recording itself: a recording is never overwritten.")
    if out.exists() and not overwrite:
        raise click.UsageError(f"{out} is there already: give --overwrite, or another name.")
