"""``emgkit demo``: the main job on a recording whose truth is known."""

from __future__ import annotations

import os
import shlex
import shutil
import sys
from dataclasses import asdict, dataclass
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emgkit.cli.console import as_json, console, say
from emgkit.cli.options import debug_option, json_option

if TYPE_CHECKING:
    from emgkit.cli.claims import Claim
    from emgkit.pipeline import Pipeline
    from emgkit.results import Results
    from emgkit.simulate import Simulation

__all__ = ["command"]


@dataclass(frozen=True)
class Made:
    """The files of the demo."""

    recording: Path
    truth: Path
    protocol: Path
    results: Path
    evoked: Path
    voluntary: Path
    page: Path


@click.command()
@click.option(
    "--out", default="emgkit_demo", show_default=True, type=click.Path(path_type=Path), help="Folder to write."
)
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the simulated recording.")
@json_option
@debug_option
def command(out: Path, seed: int, for_machines: bool) -> None:
    """Do the main job on a simulated recording and print every number beside its truth."""
    import numpy as np

    from emgkit.batch.output import prepare_folder
    from emgkit.cli.claims import claims_of_changes, claims_of_comparisons, middles_of
    from emgkit.simulate import nmes_fatigue

    prepare_folder(out)
    say(f"Simulating a fatiguing muscle under 30 Hz stimulation, 60 s, 2 channels (seed {seed}) ...")
    simulation = nmes_fatigue(rng=np.random.default_rng(seed))
    say("Finding pulses, taking artifact, M-waves and voluntary EMG apart, measuring ...")
    pipeline, results, made = _main_job(simulation, out)
    length = 0.0 if pipeline.protocol.voluntary is None else float(pipeline.protocol.voluntary.cut["length"])
    middles = middles_of(results.tables, length)
    claims = claims_of_changes(results.changes, middles, simulation.truth)
    compared = claims_of_comparisons(results.comparisons, middles, simulation.truth)
    if for_machines:
        as_json(_record(seed, made, claims, compared))
    else:
        _print(simulation, results, made, claims, compared)


def _main_job(simulation: Simulation, out: Path) -> tuple[Pipeline, Results, Made]:
    """Write the recording, then run the protocol on the file as anyone would."""
    from emgkit.batch.output import staging, write_results
    from emgkit.cli.simulate import write_simulation
    from emgkit.pipeline import Pipeline
    from emgkit.report import write_report

    recording, protocol = out / "demo.bdf", out / "demo.toml"
    truth = write_simulation(simulation, recording)
    protocol.write_text(files("emgkit.cli").joinpath("demo.toml").read_text(encoding="utf-8"), encoding="utf-8")
    pipeline = Pipeline.from_toml(protocol)
    results = pipeline.run(recording)
    with staging(out) as unfinished:
        written = write_results(results, out / "results" / "demo", unfinished / "0")
    page = write_report(written["results"], out / "results" / "demo.html")
    made = Made(recording, truth, protocol, written["results"], written["evoked"], written["voluntary"], page)
    return pipeline, results, made


def _record(seed: int, made: Made, claims: list[Claim], compared: list[Claim]) -> dict[str, Any]:
    return {
        "seed": seed,
        "files": {name: str(path) for name, path in asdict(made).items()},
        "claims": [asdict(claim) for claim in (*claims, *compared)],
    }


def _print(simulation: Simulation, results: Results, made: Made, claims: list[Claim], compared: list[Claim]) -> None:
    from emgkit.cli.claims import held
    from emgkit.cli.found import change_tables, comparison_table, found_table

    shown = console()
    shown.print()
    shown.print(found_table(results, simulation))
    if results.separation is not None:
        say(f"Taken apart by {results.separation.method}: {results.separation.why}")
        say()
    for table in (*change_tables(claims), comparison_table(compared)):
        shown.print(table)
    inside, count = held([*claims, *compared])
    say(f"{inside} of {count} intervals hold the truth (* where not); on average 95 of 100 should.")
    for message in results.messages:
        say(f"Note: {message}", style="yellow")
    say()
    for name, path in asdict(made).items():
        say(f"  {name:<10} {path}")
    say()
    say("Next, try:", style="bold")
    for line in _next_commands(made):
        say(f"  {line}")


def _next_commands(made: Made) -> list[str]:
    program = _program()
    recording, folder = shlex.quote(str(made.recording)), made.recording.parent
    clean = shlex.quote(str(folder / "demo_clean.bdf"))
    again = shlex.quote(str(made.results.parent))
    return [
        f"{program} inspect {recording} --trigger TRIG",
        f"{program} clean {recording} --trigger TRIG --out {clean} --overwrite",
        f"{program} run {shlex.quote(str(made.protocol))} {recording} --out {again}",
    ]


def _program() -> str:
    """Name the program as it can be called again from here."""
    called = Path(sys.argv[0])
    if called.name != "emgkit" or not os.access(called, os.X_OK):
        return f"{shlex.quote(sys.executable)} -m emgkit.cli"
    found = shutil.which("emgkit")
    if found is not None and Path(found).samefile(called):
        return "emgkit"
    return shlex.quote(os.path.relpath(called))
