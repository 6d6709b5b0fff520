"""The command ``emgkit benchmark``: what it prints, writes and refuses."""

import csv
import json
import os
import signal
import subprocess
import sys
import time

import pytest

from emgkit.cli import main
from emgkit.cli.benchmark import _plan

FEW_AND_MANY = ((False, None, None), (True, None, None), (False, "few_pulses", None), (False, None, 2))


def call(*words):
    with pytest.raises(SystemExit) as ended:
        main(list(words))
    return ended.value.code


def test_it_lists_cases(capsys):
    assert call("benchmark", "--list", "--json") == 0
    rows = json.loads(capsys.readouterr().out)
    assert {"periodic_exact", "tail_exponential"} <= {row["name"] for row in rows}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--cases", "periodic_exct"), "periodic_exact"),
        (("--methods", "phase_splne"), "phase_spline"),
        (("--cases", ","), "--cases takes names"),
        (("--methods", " , "), "--methods takes names"),
        (("--cases", ""), "--cases takes names"),
        (("--seeds", "0"), "--seeds"),
        (("--jobs", "none"), "--jobs"),
    ],
)
def test_bad_names_are_one_line_and_exit_code_2(capsys, monkeypatch, words, said):
    monkeypatch.setattr("emgkit.benchmark.running.run", lambda _: pytest.fail("ran in vain"))
    assert call("benchmark", *words) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert said in line


def test_a_folder_that_cannot_be_written_is_refused_before_anything_runs(capsys, tmp_path, monkeypatch):
    monkeypatch.setattr("emgkit.benchmark.running.run", lambda _: pytest.fail("ran in vain"))
    (tmp_path / "file").write_text("kept")
    for out in (tmp_path / "file" / "inside", "/proc/inside"):  # nobody can write there, whoever runs the tests
        assert call("benchmark", "--cases", "few_pulses", "--out", str(out)) == 2
        line = capsys.readouterr().err
        assert line.count("\n") == 1
        assert "cannot be written to" in line


@pytest.mark.parametrize("methods", ["blanking", "auto,blanking"])
def test_how_auto_stands_is_told_only_where_it_ran(capsys, tmp_path, monkeypatch, methods):
    monkeypatch.setenv("EMGKIT_PEERS", str(tmp_path / "nowhere"))
    words = ("--cases", "periodic_exact", "--methods", methods, "--seeds", "1", "--no-speed")
    assert call("benchmark", *words) == 0
    assert ("auto is at most 1 dB behind" in capsys.readouterr().err) == ("auto" in methods)


def test_peers_that_nobody_asked_for_are_not_called_missing(capsys, tmp_path, monkeypatch):
    words = ("benchmark", "--cases", "few_pulses", "--methods", "blanking", "--seeds", "1", "--no-speed")
    for python, said in ((sys.executable, "No public peer was asked for."), (tmp_path / "none", "not installed: make")):
        monkeypatch.setenv("EMGKIT_PEERS", str(python))
        assert call(*words) == 0
        assert said in capsys.readouterr().err


def test_it_runs_prints_and_writes(capsys, tmp_path, monkeypatch):
    monkeypatch.setenv("EMGKIT_PEERS", str(tmp_path / "nowhere"))
    out = tmp_path / "made"
    words = (
        "--cases",
        "few_pulses",
        "--methods",
        "auto,frame_comb",
        "--seeds",
        "1",
        "--no-speed",
        "--out",
        str(out),
        "--json",
    )
    assert call("benchmark", *words) == 0
    said = capsys.readouterr()
    found = json.loads(said.out)
    assert found["cases"][0]["case"] == "few_pulses"
    assert "make benchmark-peers" in said.err
    assert {path.name for path in out.iterdir()} == {"benchmark.csv", "benchmark.json", "benchmark_table.rst"}


def test_an_interrupted_run_tells_how_far_it_is_and_keeps_the_finished_cases(tmp_path):
    (tmp_path / "benchmark.csv").write_text("of a whole run")
    words = ("--cases", "few_pulses,evoked_array", "--methods", "blanking", "--seeds", "5", "--jobs", "2")
    running = subprocess.Popen(
        [sys.executable, "-m", "emgkit.cli", "benchmark", *words, "--out", str(tmp_path)],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "EMGKIT_PEERS": str(tmp_path / "nowhere")},
    )
    first = running.stderr.readline()
    os.killpg(running.pid, signal.SIGINT)  # as a terminal does: to all processes
    _, said = running.communicate(timeout=60)
    assert running.returncode == 130
    assert first.startswith("1 of 2 cases after ")
    assert first.endswith(": few_pulses\n")
    assert "PARTIAL, interrupted after 1 of 2 cases." in said
    assert "Traceback" not in said
    rows = list(csv.DictReader((tmp_path / "benchmark_partial.csv").read_text().splitlines()))
    assert [(row["case"], row["seed"]) for row in rows] == [("few_pulses", str(seed)) for seed in range(5)]
    kept = json.loads((tmp_path / "benchmark_partial.json").read_text())
    assert kept["partial"]
    assert kept["about"].startswith("PARTIAL")
    assert [one["case"] for one in kept["cases"]] == ["few_pulses"]
    assert (tmp_path / "benchmark.csv").read_text() == "of a whole run"


def alive(group):
    """Tell whether any process of a group is."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.slow
def test_a_killed_run_leaves_no_process_behind(tmp_path):
    """They slept on for ever."""
    words = ("--cases", "few_pulses,evoked_array", "--methods", "blanking", "--seeds", "5", "--jobs", "2")
    running = subprocess.Popen(
        [sys.executable, "-m", "emgkit.cli", "benchmark", *words],
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        env={**os.environ, "EMGKIT_PEERS": str(tmp_path / "nowhere")},
    )
    assert "1 of 2" in running.stderr.readline()  # both cases have begun
    running.kill()
    running.communicate(timeout=30)  # until nobody holds the other end
    for _ in range(100):
        if not alive(running.pid):
            break
        time.sleep(0.1)
    assert not alive(running.pid)


def test_an_interruption_before_the_first_case_writes_nothing(capsys, tmp_path, monkeypatch):
    def stopped(_plan):
        raise KeyboardInterrupt
        yield

    monkeypatch.setattr("emgkit.benchmark.running.run", stopped)
    assert call("benchmark", "--cases", "few_pulses", "--out", str(tmp_path)) == 130
    assert "PARTIAL, interrupted after 0 of 1 cases." in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


def test_the_full_run_fills_the_cores_and_others_take_one_process(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    plans = [_plan(quick, cases, "blanking", (0, None), jobs) for quick, cases, jobs in FEW_AND_MANY]
    assert [one.jobs for one in plans] == [3, 1, 1, 2]
