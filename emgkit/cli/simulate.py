"""``emgkit simulate``: a recording with known truth."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from emgkit.cli.console import as_json, say
from emgkit.cli.options import debug_option, json_option

if TYPE_CHECKING:
    from emgkit.simulate import Simulation

__all__ = ["command", "write_simulation"]

SCENARIOS = ("nmes",)


@click.command()
@click.argument("scenario", type=click.Choice(SCENARIOS))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The recording to write (BDF).")
@click.option("--seed", type=int, default=0, show_default=True, help="Seed of the random numbers.")
@json_option
@debug_option
def command(scenario: str, out: Path, seed: int, for_machines: bool) -> None:
    """Simulate a recording of a fatiguing muscle under stimulation, with its truth beside it."""
    import numpy as np

    from emgkit.simulate import nmes_fatigue

    truth = write_simulation(nmes_fatigue(rng=np.random.default_rng(seed)), out)
    if for_machines:
        as_json({"recording": str(out), "truth": str(truth), "scenario": scenario, "seed": seed})
    else:
        say(f"Recording: {out}")
        say(f"Truth:     {truth}")


def write_simulation(simulation: Simulation, out: Path) -> Path:
    """Write a simulated recording as BDF and its truth beside it, ``<name>.truth.h5``."""
    from emgkit.io.hdf5_truth import save_truth
    from emgkit.io.write_bdf import write_recording

    write_recording(simulation.recording, out, overwrite=True)
    return save_truth(out.with_suffix(".truth.h5"), simulation.truth)
