"""The command ``emgkit benchmark``: what it prints, writes and refuses."""

import json

import pytest

from emgkit.cli import main


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
        (("--seeds", "0"), "--seeds"),
        (("--jobs", "none"), "--jobs"),
    ],
)
def test_bad_names_are_one_line_and_exit_code_2(capsys, words, said):
    assert call("benchmark", *words) == 2
    line = capsys.readouterr().err
    assert line.count("\n") == 1
    assert said in line


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
