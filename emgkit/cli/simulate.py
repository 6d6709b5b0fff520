"""``emgkit simulate``: a recording with known truth."""

from __future__ import annotations

import ast
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emgkit.cli.console import as_json, say
from emgkit.cli.exits import usage
from emgkit.cli.options import debug_option, json_option

if TYPE_CHECKING:
    from emgkit.simulate import Simulation

__all__ = ["command", "write_simulation"]

SHORT = {"nmes": "nmes_fatigue"}


@click.command()
@click.argument("scenario")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The recording to write (BDF).")
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True, help="Seed of the random numbers.")
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="NAME=VALUE",
    help="Change a parameter; may be repeated. Units are s, Hz, A, V.",
)
@click.option("--figure", type=click.Path(path_type=Path), help="Draw it too (png, svg, pdf).")
@click.option("--channel", help="Channel that is drawn.  [default: the first]")
@click.option("--overwrite", is_flag=True, help="Replace the files if they are there.")
@json_option
@debug_option
def command(
    scenario: str,
    out: Path,
    seed: int,
    settings: tuple[str, ...],
    figure: Path | None,
    channel: str | None,
    overwrite: bool,
    for_machines: bool,
) -> None:
    """Simulate a recording whose truth is known and write the truth beside it, as NAME.truth.h5.

    SCENARIO is one of those that "emgkit list scenarios" shows; nmes stands for nmes_fatigue. "emgkit list
    parameters" shows what can be set. Texts and lists with brackets need quotes:

    \b
      emgkit simulate recruitment --out soleus.bdf --figure soleus.png
      emgkit simulate nmes --out fast.bdf --set rate=40 --set duration=30
      emgkit simulate tiny --out two.bdf --set "trains=[[0.5, 1.2], [1.8, 2.5]]"
    """  # noqa: D301  click wants the character, not the two that are written
    import numpy as np

    from emgkit.simulate import scenario as named

    if channel is not None and figure is None:
        raise click.UsageError("--channel says what is drawn: give --figure, too.")
    name = SHORT.get(scenario, scenario)
    make = named(name)
    changes = _settings(settings)
    _check_targets(out, figure, overwrite)
    with usage():
        made = make(rng=np.random.default_rng(seed), **changes)
    picture = None if figure is None else _drawn(made, channel)
    files = {"recording": out, "truth": write_simulation(made, out)}
    if figure is not None:
        files["figure"] = _saved(picture, figure)
    if for_machines:
        as_json({**{what: str(path) for what, path in files.items()}, "scenario": name, "seed": seed})
    else:
        recording = made.recording
        say(
            f"{name}, seed {seed}: {recording.duration:.3g} s, {', '.join(recording.channel_names)}, "
            f"{recording.fs:g} Hz, {_counted(made.pulses.onsets.size, 'pulse')} in "
            f"{_counted(made.pulses.n_trains, 'train')}"
        )
        for what, path in files.items():
            say(f"{what.capitalize() + ':':<10} {path}")


def _check_targets(out: Path, figure: Path | None, overwrite: bool) -> None:
    """Refuse before minutes are spent on what could not be written."""
    from emgkit.io.write_bdf import check_target

    check_target(out, overwrite=True)
    targets = [out, _beside(out)]
    if figure is not None:
        from emgkit.report.simulation_figures import check_figure_name

        check_figure_name(figure)
        targets.append(figure)
    for path in targets:
        _check_place(path)
        if path.exists() and not overwrite:
            raise click.UsageError(f"{path} is there already: give --overwrite, or another name.")


def _check_place(path: Path) -> None:
    if path.is_dir():
        raise click.UsageError(f"{path} cannot be written: it is a folder.")
    if not path.parent.is_dir():
        raise click.UsageError(f"{path} cannot be written: there is no folder {path.parent}.")
    if not os.access(path.parent, os.W_OK | os.X_OK):
        raise click.UsageError(f"{path} cannot be written: {path.parent} does not let you.")


def _drawn(simulation: Simulation, channel: str | None) -> Any:
    from emgkit.report import draw_simulation

    return draw_simulation(simulation, channel)


def _saved(picture: Any, figure: Path) -> Path:
    from emgkit.report.simulation_figures import write_figure

    return write_figure(picture, figure)


def _beside(out: Path) -> Path:
    return out.with_suffix(".truth.h5")


def _counted(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _settings(texts: tuple[str, ...]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name, value in map(_setting, texts):
        if name == "rng":
            raise click.UsageError("--set changes what is simulated, rng is not of it: give --seed.")
        if name in changes:
            raise click.UsageError(f"--set gives {name} twice, {changes[name]!r} and {value!r}: give it once.")
        changes[name] = value
    return changes


def _setting(text: str) -> tuple[str, Any]:
    from emgkit.errors import ParameterError

    name, equals, value = text.partition("=")
    if not equals or not name.strip():
        raise ParameterError(f"--set takes NAME=VALUE, got {text!r}.")
    try:
        return name.strip(), ast.literal_eval(value.strip())
    except (ValueError, SyntaxError):
        return name.strip(), value.strip()


def write_simulation(simulation: Simulation, out: Path) -> Path:
    """Write a simulated recording as BDF and its truth beside it, ``<name>.truth.h5``."""
    from emgkit.io.hdf5_truth import save_simulation

    save_simulation(simulation, out, _beside(out))
    return _beside(out)
