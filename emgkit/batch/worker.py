"""One recording, from file to results file: the work of one process."""

from __future__ import annotations

import time
import traceback
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from emgkit.batch.outcome import Outcome
from emgkit.batch.output import write_results
from emgkit.batch.plan import Job
from emgkit.batch.resume import why_not_done
from emgkit.errors import EmgkitError
from emgkit.pipeline import Pipeline

if TYPE_CHECKING:
    from emgkit.results import Results

__all__ = ["process_one"]


def process_one(pipeline: Pipeline, job: Job, out: Path, unfinished: Path, *, resume: bool = False) -> Outcome:
    """Measure one recording and write its results; an error becomes a failed outcome.

    Parameters
    ----------
    pipeline : Pipeline
        What is done.
    job : Job
        The recording, and the name of its results.
    out : Path
        The output folder.
    unfinished : Path
        Folder for unfinished files, of this recording alone.
    resume : bool, default False
        Leave it if its results are there, whole, and of the same file, protocol and version.

    Returns
    -------
    Outcome
        What became of it.
    """
    begin = time.perf_counter()
    outcome = _guarded(pipeline, job, out, unfinished, resume=resume)
    return replace(outcome, seconds=time.perf_counter() - begin)


def _guarded(pipeline: Pipeline, job: Job, out: Path, unfinished: Path, *, resume: bool) -> Outcome:
    try:
        return _measure(pipeline, job, out, unfinished, resume=resume)
    except EmgkitError as error:
        return _failed(job, _one_line(error), type(error).__name__)
    except MemoryError:
        return _failed(job, "Not enough memory for this recording: run fewer at a time with --jobs.", "MemoryError")
    except Exception as error:  # noqa: BLE001  whatever it is, the batch goes on and the log keeps the traceback
        message = f"Internal error, please report it: {type(error).__name__}: {_one_line(error)}"
        failed = _failed(job, message, type(error).__name__)
        return replace(failed, internal=True, trace=traceback.format_exc())


def _measure(pipeline: Pipeline, job: Job, out: Path, unfinished: Path, *, resume: bool) -> Outcome:
    stem = out / job.name
    before = stem.with_name(f"{stem.name}.h5")
    if resume and not why_not_done(before, pipeline.fingerprint(job.source), pipeline.sha256):
        return Outcome(str(job.source), job.name, "skipped", "done before: same recording, protocol and version")
    results = pipeline.run(job.source)
    write_results(results, stem, unfinished)
    return Outcome(str(job.source), job.name, "done", counts=_counts(results), notes=_notes(results))


def _notes(results: Results) -> tuple[str, ...]:
    return (*results.messages, *(() if results.separation is None else results.separation.messages))


def _counts(results: Results) -> tuple[tuple[str, int], ...]:
    found = {"pulses": 0 if results.pulses is None else len(results.pulses)}
    return tuple({**found, **{kind: len(table) for kind, table in results.tables.items()}}.items())


def _failed(job: Job, message: str, kind: str) -> Outcome:
    return Outcome(str(job.source), job.name, "failed", message, kind)


def _one_line(error: BaseException) -> str:
    return " ".join(str(error).split())
