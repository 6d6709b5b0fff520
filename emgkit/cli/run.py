"""``emgkit run``: a protocol over many recordings."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from emgkit.cli.console import as_json, console, say, table
from emgkit.cli.exits import FAILED, NOTHING, interruptible, usage
from emgkit.cli.options import debug_option, debugging, json_option
from emgkit.cli.reading import ReadingCommand

if TYPE_CHECKING:
    from emgkit.batch.outcome import Outcome
    from emgkit.batch.plan import Plan
    from emgkit.pipeline import Pipeline

__all__ = ["command"]

_MOST_SHOWN = 10
_SIGNS = {"done": ("✓", "green"), "skipped": ("–", "dim"), "failed": ("✗", "red")}


@click.command(cls=ReadingCommand)
@click.argument("protocol", type=click.Path(path_type=Path))
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder for results and log.")
@click.option("--jobs", type=click.IntRange(min=1), help="How many recordings at a time; as many as there are cores.")
@click.option("--resume", is_flag=True, help="Leave recordings that are done: same file, protocol and version.")
@json_option
@debug_option
def command(
    protocol: Path,
    inputs: tuple[Path, ...],
    out: Path,
    jobs: int | None,
    resume: bool,
    for_machines: bool,
    reading: Mapping[str, Any],
) -> int:
    """Measure recordings (files and folders) as a protocol says; options for reading go before its [read]."""
    from emgkit.batch.output import prepare_folder

    with usage():
        pipeline = _pipeline(protocol, reading)
    planned = _plan(pipeline, inputs, out)
    if not any(job.source.exists() for job in planned.jobs):
        return _nothing(inputs, planned)
    prepare_folder(out)
    with interruptible():
        outcomes = _run(pipeline, planned, out, jobs=jobs or _cores(), resume=resume, inputs=inputs)
    _summary(outcomes, planned, out)
    for outcome in outcomes if debugging() else ():
        say(outcome.trace)
    if for_machines:
        as_json({"out": str(out), "recordings": [outcome.as_record() for outcome in outcomes]})
    return FAILED if any(outcome.state == "failed" for outcome in outcomes) else 0


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _pipeline(protocol: Path, reading: Mapping[str, Any]) -> Pipeline:
    from emgkit.pipeline import Pipeline

    return Pipeline.from_toml(protocol, read=reading)


def _plan(pipeline: Pipeline, inputs: Sequence[Path], out: Path) -> Plan:
    from emgkit.batch.plan import plan

    return plan(inputs, pipeline.suffixes(), out)


def _nothing(inputs: Sequence[Path], planned: Plan) -> int:
    missing = [job.source for job in planned.jobs]
    say(f"emgkit: No recording found in {', '.join(map(str, inputs))}{'; there is no such file' * bool(missing)}.")
    for skipped in planned.skipped[:_MOST_SHOWN]:
        say(f"  {skipped.path}: {skipped.why}")
    return NOTHING


def _run(
    pipeline: Pipeline, planned: Plan, out: Path, *, jobs: int, resume: bool, inputs: Sequence[Path]
) -> list[Outcome]:
    from emgkit.batch.output import staging
    from emgkit.batch.run_log import run_record
    from emgkit.batch.supervise import supervise

    outcomes: list[Outcome] = []
    record = run_record(pipeline.text, pipeline.sha256, [str(item) for item in inputs])
    with _logged(out, record, outcomes), staging(out) as unfinished, _progress(len(planned.jobs)) as shown:
        running = supervise(pipeline, planned.jobs, out, unfinished, n_jobs=jobs, resume=resume, started=shown.started)
        with contextlib.closing(running):
            for outcome in running:
                outcomes.append(outcome)
                shown.ended(outcome)
                _log(out, "recording", outcome.as_record())
    return outcomes


@contextlib.contextmanager
def _logged(out: Path, record: Mapping[str, Any], outcomes: Sequence[Outcome]) -> Iterator[None]:
    """Log the begin and the end of a run; an interrupted one says what was kept."""
    _log(out, "begin", record)
    how = "interrupted"
    try:
        yield
        how = "finished"
    except KeyboardInterrupt:
        done = sum(outcome.state != "failed" for outcome in outcomes)
        say(f"Interrupted: {done} finished recordings are kept in {out}; go on with --resume.", style="yellow")
        raise
    finally:
        counts = {state: sum(outcome.state == state for outcome in outcomes) for state in _SIGNS}
        _log(out, "end", {"how": how, **counts})


def _log(out: Path, event: str, record: Mapping[str, Any]) -> None:
    from emgkit.batch.run_log import append
    from emgkit.errors import OutputError

    try:
        append(out, event, record)
    except OutputError as error:  # a full disk: the recordings say so themselves
        say(f"emgkit: {error}", style="yellow")


class _Shown:
    """A progress bar with the recordings that run, and one line above it for each that ended."""

    def __init__(self, total: int) -> None:
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

        self._console = console()
        columns = (BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(), TextColumn("{task.description}"))
        self.bar = Progress(*columns, console=self._console, transient=True)
        self._task = self.bar.add_task("", total=total)
        self._running: tuple[str, ...] = ()

    def started(self, job: Any) -> None:
        """Show a recording that begins."""
        self._show((*self._running, job.name))

    def ended(self, outcome: Outcome) -> None:
        """Show what became of a recording."""
        self.bar.advance(self._task)
        self._show(tuple(name for name in self._running if name != outcome.name))
        sign, style = _SIGNS[outcome.state]
        self._print(f"{sign} {outcome.name}: {_line(outcome)}", style)
        for note in outcome.notes:
            self._print(f"    {note}", "yellow")

    def _print(self, text: str, style: str) -> None:
        self._console.print(text, style=style, soft_wrap=True, highlight=False, markup=False)

    def _show(self, running: tuple[str, ...]) -> None:
        self._running = running
        self.bar.update(self._task, description=", ".join(running))


def _line(outcome: Outcome) -> str:
    if outcome.state != "done":
        return outcome.message
    found = ", ".join(f"{number} {what}" for what, number in outcome.counts)
    return f"{found} ({outcome.seconds:.1f} s)"


@contextlib.contextmanager
def _progress(total: int) -> Iterator[_Shown]:
    shown = _Shown(total)
    with shown.bar:
        yield shown


def _summary(outcomes: Sequence[Outcome], planned: Plan, out: Path) -> None:
    counts = {state: sum(outcome.state == state for outcome in outcomes) for state in _SIGNS}
    rows = [[state, str(number)] for state, number in counts.items() if number or state == "done"]
    rows += [["left aside", str(len(planned.skipped))]] if planned.skipped else []
    console().print(table(f"{len(outcomes)} recordings", ["", "number"], rows))
    say(f"Results (.h5), tables (.csv) and the log (run_log.jsonl) are in {out}")
    for skipped in planned.skipped[:_MOST_SHOWN]:
        say(f"  left aside: {skipped.path.name} ({skipped.why})", style="dim")
    failed = [outcome for outcome in outcomes if outcome.state == "failed"]
    for outcome in failed:
        say(f"✗ {outcome.source}: {outcome.message}", style="red")
