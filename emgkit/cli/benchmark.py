"""``emgkit benchmark``: accuracy and speed against known truth."""

from __future__ import annotations

import os
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Any

import click

from emgkit.cli.console import as_json, console, say, table
from emgkit.cli.exits import interruptible
from emgkit.cli.options import debug_option, json_option

if TYPE_CHECKING:
    from emgkit.benchmark.running import Plan, Row
    from emgkit.benchmark.speed import Speed
    from emgkit.benchmark.standings import Standings
    from emgkit.benchmark.tables import TextTable

__all__ = ["command"]

FULL_SEEDS, FULL_TUNING = 20, 2
QUICK_SEEDS, QUICK_TUNING = 1, 1


@click.command()
@click.option("--quick", is_flag=True, help="Few cases and seeds: ends within two minutes.")
@click.option("--cases", metavar="A,B", help="Names of cases; all unless given (see --list).")
@click.option("--methods", metavar="A,B", help="Names of methods; all unless given.")
@click.option("--seeds", type=click.IntRange(min=1, max=100_000), help="Recordings per case; 20, with --quick 1.")
@click.option("--first-seed", type=click.IntRange(0, 800_000), default=0, show_default=True, help="The first seed.")
@click.option("--jobs", type=click.IntRange(min=1), help="Processes; for the full run one more than cores, else 1.")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for CSV, JSON and RST.")
@click.option("--speed/--no-speed", default=True, show_default=True, help="Also time the methods.")
@click.option("--list", "listing", is_flag=True, help="List the cases and stop.")
@json_option
@debug_option
def command(
    quick: bool,
    cases: str | None,
    methods: str | None,
    seeds: int | None,
    first_seed: int,
    jobs: int | None,
    out: Path | None,
    speed: bool,
    listing: bool,
    for_machines: bool,
) -> None:
    """Run methods on simulated recordings and score them against the truth.

    Every method of emgkit, simple ones, and public peers (MNE, SpikeInterface, PyPARRM: "make benchmark-peers"), the
    latter two at their defaults and tuned on the truth of other seeds. All get the same recordings and the same masks.
    Ctrl-C ends it; with --out the finished cases are kept as benchmark_partial.csv and .json.
    """
    if listing:
        _list_cases(for_machines)
        return
    plan = _plan(quick, cases, methods, (first_seed, seeds), jobs)
    if out is not None:
        _prepare(out)  # before half an hour is spent on tables that have no place
    rows: list[Row] = []
    try:
        with interruptible():
            _run(plan, rows)
            speeds = _speeds(plan, quick) if speed else []
    except KeyboardInterrupt:
        _keep(plan, rows, out)
        raise
    _show_and_write(plan, rows, speeds, out, for_machines)


def _plan(quick: bool, cases: str | None, methods: str | None, seeds: tuple[int, int | None], jobs: int | None) -> Plan:
    from emgkit.benchmark.cases import CASES, QUICK, case
    from emgkit.benchmark.contestants import contestants
    from emgkit.benchmark.peers import peer_python
    from emgkit.benchmark.running import Plan

    names = _names("--cases", cases) or (QUICK if quick else tuple(CASES))
    for name in names:
        case(name)
    wanted = _names("--methods", methods)
    contestants(wanted, None)
    count = seeds[1] or (QUICK_SEEDS if quick else FULL_SEEDS)
    if jobs is None:  # one waits for the peers' process now and then
        jobs = 1 if quick or cases else (os.cpu_count() or 1) + 1
    return Plan(names, wanted, count, seeds[0], QUICK_TUNING if quick else FULL_TUNING, jobs, peer_python())


def _names(option: str, text: str | None) -> tuple[str, ...]:
    if text is None:
        return ()
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))
    if not names:
        raise click.UsageError(f"{option} takes names with commas between them, got {text!r}: leave it out for all.")
    return names


def _prepare(out: Path) -> None:
    from emgkit.batch.output import prepare_folder

    prepare_folder(out)


def _list_cases(for_machines: bool) -> None:
    from emgkit.benchmark.cases import CASES

    rows = [{"name": one.name, "group": one.group, "times": one.times, "what": one.what} for one in CASES.values()]
    if for_machines:
        as_json(rows)
        return
    console().print(table("cases", list(rows[0]), [list(row.values()) for row in rows], left=4))


def _run(plan: Plan, rows: list[Row]) -> None:
    """Run the cases; their rows are added as each is done, so that an interruption leaves the finished ones."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    from emgkit.benchmark.running import run

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    begin = monotonic()
    with Progress(*columns, console=console(), transient=True) as progress, closing(run(plan)) as running:
        task = progress.add_task(f"cases × {plan.seeds} seeds", total=len(plan.cases))
        for done, (name, found) in enumerate(running, start=1):
            rows += found
            progress.advance(task)
            text = f"{done} of {len(plan.cases)} cases after {_clock(monotonic() - begin)}: {name}"
            progress.console.print(text, soft_wrap=True, highlight=False, markup=False)


def _clock(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d} min"


def _keep(plan: Plan, rows: list[Row], out: Path | None) -> None:
    """Show and write the finished cases of an interrupted run, by names that no whole run has."""
    from emgkit.benchmark.standings import Standings
    from emgkit.benchmark.tables import evoked_table, voluntary_table

    finished = {row.case for row in rows}
    done = replace(plan, cases=tuple(name for name in plan.cases if name in finished))
    standings, about = Standings(rows), f"PARTIAL, interrupted after {len(done.cases)} of {len(plan.cases)} cases."
    if rows:
        about = f"{about} {_about(done, rows, standings)}"
        for one in (voluntary_table(standings), evoked_table(standings)):
            _show(one)
    say(about, style="yellow")
    if rows and out is not None:
        _write_rows(out, "benchmark_partial", rows, {"partial": True, "seeds": plan.seeds, "about": about})


def _speeds(plan: Plan, quick: bool) -> list[Speed]:
    from emgkit.benchmark.contestants import contestants
    from emgkit.benchmark.peers import peer_worker
    from emgkit.benchmark.speed import measured_speeds, speed_test

    test = speed_test(20.0, 1) if quick else speed_test(60.0, 4)
    with peer_worker(plan.peers) as worker:
        return measured_speeds(contestants(plan.methods, worker), test, worker, search=not quick)


def _show_and_write(plan: Plan, rows: list[Row], speeds: list[Speed], out: Path | None, for_machines: bool) -> None:
    from emgkit.benchmark.standings import Standings
    from emgkit.benchmark.tables import evoked_table, goals_table, speed_table, voluntary_table, who_table
    from emgkit.benchmark.writing import answers

    standings = Standings(rows)
    shown = [voluntary_table(standings), evoked_table(standings), who_table(standings)]
    shown += [goals_table(standings, full=False), speed_table(speeds)]
    for one in shown:
        _show(one)
    say(_about(plan, rows, standings))
    if out is not None:
        _write(out, plan, rows, speeds)
    if for_machines:
        as_json(answers(standings, {"seeds": plan.seeds, "about": _about(plan, rows, standings)}))


def _show(one: TextTable) -> None:
    if one.rows:
        console().print(table(one.title, one.header, one.rows, left=one.words))


def _write(out: Path, plan: Plan, rows: list[Row], speeds: list[Speed]) -> None:
    from dataclasses import asdict

    from emgkit.benchmark import tables, writing
    from emgkit.benchmark.standings import Standings

    standings = Standings(rows)
    about = _about(plan, rows, standings)
    _write_rows(out, "benchmark", rows, {"seeds": plan.seeds, "about": about, "speed": [asdict(one) for one in speeds]})
    shown = [
        tables.voluntary_table(standings, full=True),
        tables.evoked_table(standings, full=True),
        tables.goals_table(standings),
        tables.matrix_table(standings, "voluntary"),
        tables.matrix_table(standings, "evoked"),
        tables.speed_table(speeds),
        tables.scores_table(),
    ]
    writing.write_rst(out / "benchmark_table.rst", shown, about)
    say(f"  {out / 'benchmark_table.rst'}")


def _write_rows(out: Path, name: str, rows: list[Row], content: dict[str, Any]) -> None:
    from emgkit.benchmark import writing
    from emgkit.benchmark.standings import Standings

    writing.write_csv(out / f"{name}.csv", rows)
    writing.write_json(out / f"{name}.json", writing.answers(Standings(rows), content))
    for kind in ("csv", "json"):
        say(f"  {out / f'{name}.{kind}'}")


def _about(plan: Plan, rows: list[Row], standings: Standings) -> str:
    from emgkit import __version__
    from emgkit.benchmark.contestants import AUTO
    from emgkit.benchmark.peers import HOW_TO_BUILD, PEER_SETTINGS

    peers = sorted({row.method for row in rows if row.kind == "peer"})
    unasked = plan.peers and plan.methods and PEER_SETTINGS.keys().isdisjoint(plan.methods)
    absent = "No public peer was asked for." if unasked else f"The public peers are not installed: {HOW_TO_BUILD}."
    present = f"Peers: {', '.join(peers)}." if peers else absent
    seeds = "one seed" if plan.seeds == 1 else f"{plan.seeds} seeds"
    near, of = standings.beside_best() if any(row.method == AUTO for row in rows) else (0, 0)
    auto = f" auto is at most 1 dB behind the best single method in {near} of {of} cases of voluntary EMG." * bool(of)
    return (
        f"emgkit {__version__}, {len(plan.cases)} cases, medians over {seeds}. * tuned on the truth of "
        f"{plan.tuning} other seed{'s' * (plan.tuning != 1)}. {present}{auto}"
    )
