"""One process per recording: what happens to one happens to one."""

import contextlib
import importlib
import os
import sys
import time

import pytest

from emgkit.batch.plan import Job
from emgkit.batch.supervise import supervise

LAB = '''
import os, signal, sys, time
from pathlib import Path
from emgkit.errors import FormatError

class Scripted:
    """A pipeline that does what the name of the recording says."""

    sha256 = "0" * 64

    def run(self, source):
        return getattr(self, Path(source).stem.split("_")[0])(Path(source))

    def killed(self, source):
        os.kill(os.getpid(), signal.SIGKILL)

    def leaves(self, source):
        os._exit(7)

    def refused(self, source):
        raise FormatError(f"{source.name} is empty\\n(0 bytes).")

    def broken(self, source):
        return 1 / 0

    def hungry(self, source):
        raise MemoryError

    def slow(self, source):
        source.with_suffix(".pid").write_text(str(os.getpid()))
        time.sleep(60)

    def threads(self, source):
        raise FormatError("threads " + os.environ["OMP_NUM_THREADS"])
'''


@pytest.fixture(scope="module")
def scripted(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lab")
    (folder / "lab_pipelines.py").write_text(LAB)
    sys.path.insert(0, str(folder))
    yield importlib.import_module("lab_pipelines").Scripted()
    sys.path.remove(str(folder))


def outcomes_of(pipeline, names, tmp_path, n_jobs=2):
    jobs = [Job(tmp_path / f"{name}.bdf", name) for name in names]
    found = supervise(pipeline, jobs, tmp_path / "out", tmp_path / "unfinished", n_jobs=n_jobs)
    return {outcome.name: outcome for outcome in found}


def test_a_process_that_dies_fails_its_own_recording_only(scripted, tmp_path):
    names = ["killed", "refused_1", "leaves", "broken", "hungry", "killed_2", "refused_2", "threads"]
    found = outcomes_of(scripted, names, tmp_path)
    assert set(found) == set(names)
    assert {outcome.state for outcome in found.values()} == {"failed"}
    assert "SIGKILL" in found["killed"].message
    assert "exit code 7" in found["leaves"].message
    assert found["refused_1"].message == "refused_1.bdf is empty (0 bytes)."
    assert not found["refused_1"].internal
    assert found["broken"].internal
    assert "ZeroDivisionError" in found["broken"].trace
    assert "--jobs" in found["hungry"].message
    assert found["threads"].message == "threads 1"
    assert all("\n" not in outcome.message for outcome in found.values())


def test_processes_end_when_nobody_listens_any_more(scripted, tmp_path):
    jobs = [Job(tmp_path / f"{name}.bdf", name) for name in ("slow_1", "refused", "slow_2")]
    began = time.monotonic()
    with contextlib.closing(supervise(scripted, jobs, tmp_path, tmp_path / "u", n_jobs=3)) as running:
        assert next(running).name == "refused"
        written = [tmp_path / "slow_1.pid", tmp_path / "slow_2.pid"]
        while not all(path.exists() and path.read_text() for path in written):
            assert time.monotonic() - began < 30
            time.sleep(0.02)
    for path in written:
        with pytest.raises(ProcessLookupError):
            os.kill(int(path.read_text()), 0)


def test_everything_is_told_as_it_begins_and_no_more_than_asked_for_run_at_a_time(scripted, tmp_path):
    told = []
    jobs = [Job(tmp_path / f"refused_{number}.bdf", str(number)) for number in range(4)]
    running = supervise(scripted, jobs, tmp_path, tmp_path / "u", n_jobs=1, started=told.append)
    assert [len(told) for _ in running] == [1, 2, 3, 4]
    assert told == jobs
