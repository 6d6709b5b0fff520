"""Results appear whole or not at all, and nothing unfinished is left."""

import os
import socket
import subprocess
import sys

import numpy as np
import pytest

import emgkit as ek
from emgkit.batch.output import prepare_folder, staging, write_results
from emgkit.batch.run_log import append, package_versions


def results_of(seed=0):
    signal = 1e-4 * np.random.default_rng(seed).normal(size=(1, 4000))
    protocol = {"pulses": {"presence": "none"}, "voluntary": {"length": 0.5, "features": ["rms"]}}
    return ek.Pipeline.from_dict(protocol).run(ek.Recording(signal, 2000.0, source="made up"))


def test_files_are_written_together_and_nothing_else_is_left(tmp_path):
    with staging(tmp_path) as unfinished:
        written = write_results(results_of(), tmp_path / "day1" / "p07", unfinished / "0")
    assert sorted(path.name for path in tmp_path.rglob("*") if path.is_file()) == [
        "p07.h5",
        "p07_voluntary.csv",
        "p07_voluntary.json",
    ]
    assert set(written) == {"results", "voluntary", "voluntary dictionary"}
    assert not list(tmp_path.glob(".*"))


def test_what_cannot_be_written_leaves_the_old_results_as_they_were(tmp_path, monkeypatch):
    with staging(tmp_path) as unfinished:
        write_results(results_of(0), tmp_path / "p07", unfinished / "0")
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def full(path, results):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("emgkit.io.hdf5_results.save_results", full)
    with staging(tmp_path) as unfinished, pytest.raises(ek.OutputError, match="No space left on device"):
        write_results(results_of(1), tmp_path / "p07", unfinished / "0")
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_what_killed_runs_left_is_swept_up_and_what_others_still_write_is_not(tmp_path):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    host = socket.gethostname()
    left = tmp_path / f".emgkit-{host}-{ended.pid}"
    alive = tmp_path / f".emgkit-{host}-{os.getpid()}"
    elsewhere = tmp_path / f".emgkit-another{host}-{ended.pid}"
    for folder in (left, alive, elsewhere):
        (folder / "0").mkdir(parents=True)
    prepare_folder(tmp_path)
    assert [folder.exists() for folder in (left, alive, elsewhere)] == [False, True, True]


def test_a_file_in_the_place_of_the_folder_is_told(tmp_path):
    (tmp_path / "out").write_text("x")
    with pytest.raises(ek.OutputError, match="cannot be written to"):
        prepare_folder(tmp_path / "out")


def test_the_log_grows_by_whole_lines(tmp_path):
    append(tmp_path, "begin", {"a": 1})
    append(tmp_path, "end", {"b": "µV\n"})
    lines = (tmp_path / "run_log.jsonl").read_text().splitlines()
    assert len(lines) == 2
    with pytest.raises(ek.OutputError, match="cannot be written"):
        append(tmp_path / "nowhere", "end", {})


def test_the_log_names_the_versions_of_all_that_emgkit_needs():
    versions = package_versions()
    assert versions["emgkit"] == ek.__version__
    assert {"python", "numpy", "scipy", "mne", "edfio", "h5py", "pydantic", "click"} <= set(versions)
    assert "not installed" not in versions.values()
    assert "pytest" not in versions
