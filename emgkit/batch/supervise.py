"""Run every recording in a process of its own: one that dies takes nothing else with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import connection, get_context
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

from emgkit._processes import leave_with_parent
from emgkit.batch.outcome import Outcome
from emgkit.batch.plan import Job
from emgkit.batch.worker import process_one
from emgkit.pipeline import Pipeline

__all__ = ["supervise"]

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")
# loaded once, in the process from which the others are forked
_PRELOAD = ("emgkit.batch.worker", "emgkit.artifact.separate", "emgkit.features.measure", "emgkit.io.hdf5_results")
_GRACE = 2.0  # s between asking a process to end and killing it


@dataclass(frozen=True, eq=False)
class _Running:
    job: Job
    process: ForkServerProcess
    answer: connection.Connection


def supervise(
    pipeline: Pipeline,
    jobs: Sequence[Job],
    out: Path,
    unfinished: Path,
    *,
    n_jobs: int,
    resume: bool = False,
    started: Callable[[Job], object] = str,
) -> Generator[Outcome, None, None]:
    """Measure recordings, so many at a time, and give what became of each as it ends.

    Every recording has its own process, without a time limit. One that is killed fails alone. When the caller
    stops listening (an interrupt), the processes that still run are ended.

    Parameters
    ----------
    pipeline : Pipeline
        What is done.
    jobs : sequence of Job
        The recordings.
    out, unfinished : Path
        The output folder, and a folder for unfinished files on the same file system.
    n_jobs : int
        How many at a time.
    resume : bool, default False
        Leave recordings that are done.
    started : callable, optional
        Told of every recording that begins.

    Yields
    ------
    Outcome
        In the order in which they end.
    """
    waiting = list(enumerate(jobs))[::-1]
    running: list[_Running] = []
    context = get_context("forkserver")
    context.set_forkserver_preload(list(_PRELOAD))
    with _one_thread_each():
        try:
            while waiting or running:
                while waiting and len(running) < n_jobs:
                    number, job = waiting.pop()
                    arguments = (pipeline, job, out, unfinished / str(number), resume)
                    running.append(_start(context, job, arguments))
                    started(job)
                for item in _ended(running):
                    running.remove(item)
                    yield _outcome(item)
        finally:
            _end(running)


def _start(context: ForkServerContext, job: Job, arguments: tuple[Any, ...]) -> _Running:
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_work, args=(sender, *arguments), name=job.name)
    process.start()
    sender.close()
    return _Running(job, process, receiver)


def _ended(running: Sequence[_Running]) -> list[_Running]:
    ready = connection.wait([item.answer for item in running])
    return [item for item in running if item.answer in ready]


def _outcome(item: _Running) -> Outcome:
    try:
        outcome: Outcome = item.answer.recv()
    except (EOFError, OSError):
        item.process.join()
        return Outcome(str(item.job.source), item.job.name, "failed", _death(item.process.exitcode), "Killed")
    finally:
        item.answer.close()
    item.process.join()
    return outcome


def _death(exitcode: int | None) -> str:
    if exitcode is not None and exitcode < 0:
        name = signal.Signals(-exitcode).name
        why = " (as a rule by the system, for lack of memory: run fewer at a time with --jobs)" * (name == "SIGKILL")
        return f"Its process was ended by {name}{why}; nothing was written for it."
    return f"Its process ended without an answer (exit code {exitcode}); nothing was written for it."


def _end(running: Sequence[_Running]) -> None:
    for item in running:
        item.process.terminate()
    for item in running:
        item.process.join(_GRACE)
        if item.process.is_alive():
            item.process.kill()
            item.process.join()
        item.answer.close()


def _work(
    answer: connection.Connection, pipeline: Pipeline, job: Job, out: Path, unfinished: Path, resume: bool
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent ends its processes
    leave_with_parent()
    with answer:
        answer.send(process_one(pipeline, job, out, unfinished, resume=resume))


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let the processes compute with one thread each: more would fight for the cores, and sums would differ."""
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
