"""The commands: what they print for people and for machines, and what they leave on the disk."""

import json
import re
import sys

import h5py
import numpy as np
import pytest

import emgkit
from emgkit import plugins
from emgkit.cli import group
from emgkit.cli.commands import _HOME
from emgkit.protocol.arguments import arguments_of

COMMANDS = {name: group.get_command(None, name) for name in _HOME}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_debug_and_json(lab, name):
    answer = lab.call(name, "--help")
    assert answer.code == 0
    assert COMMANDS[name].help
    for option in ("--debug", "--json"):
        assert option in answer.out


def test_the_help_lists_every_command_with_what_it_does(lab):
    answer = lab.call("--help")
    for name, command in COMMANDS.items():
        assert re.search(rf"^  {name} .*{re.escape(command.help[:20])}", answer.out, flags=re.MULTILINE)


@pytest.mark.parametrize("name", ["inspect", "clean", "run"])
def test_whatever_a_reader_can_be_told_can_be_said_on_the_command_line(lab, name):
    help_text = lab.call(name, "--help").out
    for reader in plugins.names("emgkit.readers"):
        for option in arguments_of(plugins.load("emgkit.readers", reader)):
            assert f"--{option.replace('_', '-')}" in help_text


def test_the_version_is_printed(lab):
    assert emgkit.__version__ in lab.call("--version").out


@pytest.mark.parametrize("what", ["methods", "features", "readers"])
def test_lists_name_everything_that_is_published(lab, what):
    published = plugins.names({"methods": "emgkit.artifact"}.get(what, f"emgkit.{what}"))
    listed = json.loads(lab.call("list", what, "--json").out)
    assert tuple(row["name"] for row in listed) == published
    assert all(row["what"] for row in listed)
    for_people = lab.call("list", what)
    assert for_people.out == ""
    assert all(name in for_people.err for name in published)


def test_sys_info_names_the_versions(lab):
    found = json.loads(lab.call("sys-info", "--json").out)
    assert found["emgkit"] == emgkit.__version__
    assert {"python", "numpy", "scipy", "mne", "h5py"} <= set(found)


# I-06, I-08: what was read, in which unit
def test_inspect_tells_channels_pulses_and_saturation(lab):
    path = lab.recording()
    answer = lab.call("inspect", path, "--time", "time (s)", "--rate", 20)
    assert answer.code == 0
    assert answer.out == ""
    for part in ("6 s at 2000 Hz", "VL", "none", "108 in 1 train", "20 Hz"):
        assert part in answer.err
    found = json.loads(lab.call("inspect", path, "--time", "time (s)", "--rate", 20, "--json").out)
    assert found["fs_hz"] == 2000
    assert found["pulses"]["count"] == 108
    assert found["pulses"]["time_source"] == "artifact"
    assert found["read"]["units"] == {"VL (mV)": "mV"}


# I-06, I-08: where unit and rate come from, and what was left out
def test_inspect_tells_where_units_and_rates_come_from_and_what_was_left_out(lab):
    lines = lab.recording().read_text().splitlines()
    wide = [f"{line},{'force (N)' if number == 0 else 5}" for number, line in enumerate(lines)]
    path = lab.write("wide.csv", "\n".join(wide))
    said = ("--time", "time (s)", "--emg", "VL (mV)")
    shown = lab.call("inspect", path, *said).err
    assert "mV, from the file" in shown
    assert "force (N)" in shown
    path = lab.recording("no_unit.csv", unit="")
    assert "mV, as given" in lab.call("inspect", path, "--time", "time (s)", "--unit", "mV").err


def test_inspect_of_a_recording_without_pulses_is_no_error(lab):
    answer = lab.call("inspect", lab.recording(rate=0.0), "--time", "time (s)")
    assert answer.code == 0
    assert "No pulses" in answer.err


@pytest.fixture
def two_folders(lab):
    for name, seed in (("monday/p01.csv", 1), ("tuesday/p01.csv", 2)):
        lab.recording(f"in/{name}", seed=seed, duration=3.0)
    text = lab.protocol().read_text()
    lab.protocol('[read]\ntime = "time (s)"\n' + text)
    return lab


def run(lab, out, *words):
    answer = lab.call(
        "run", lab.folder / "fatigue.toml", lab.folder / "in", "--out", lab.folder / out, "--json", *words
    )
    states = {record["name"]: record["state"] for record in json.loads(answer.out)["recordings"]}
    return answer, states


def contents(folder):
    files = sorted(path for path in folder.rglob("*") if path.is_file() and path.name != "run_log.jsonl")
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def test_equal_names_in_two_folders_do_not_collide_and_runs_are_the_same_byte_by_byte(two_folders):
    lab = two_folders
    answer, states = run(lab, "out", "--jobs", 1)
    assert answer.code == 0, answer.err
    assert states == {"monday/p01": "done", "tuesday/p01": "done"}
    once, again = contents(lab.folder / "out"), None
    run(lab, "elsewhere", "--jobs", 2)
    again = contents(lab.folder / "elsewhere")
    assert len(once) == 10
    assert once == again


def test_a_run_is_resumed_where_recording_protocol_and_results_are_the_same(two_folders):
    lab = two_folders
    run(lab, "out")
    answer, states = run(lab, "out", "--resume")
    assert (answer.code, set(states.values())) == (0, {"skipped"})
    (lab.folder / "in/monday/p01.csv").write_bytes(lab.recording("other.csv", seed=9, duration=3.0).read_bytes())
    whole = (lab.folder / "out/tuesday/p01.h5").read_bytes()
    (lab.folder / "out/tuesday/p01.h5").write_bytes(whole[: len(whole) // 2])
    _, states = run(lab, "out", "--resume")
    assert set(states.values()) == {"done"}
    assert (lab.folder / "out/tuesday/p01.h5").read_bytes() == whole
    _, states = run(lab, "out", "--resume")
    assert set(states.values()) == {"skipped"}
    protocol = lab.folder / "fatigue.toml"
    protocol.write_text(protocol.read_text().replace("0.030", "0.025"))
    _, states = run(lab, "out", "--resume")
    assert set(states.values()) == {"done"}


def test_the_log_says_when_where_and_how_and_the_results_do_not(two_folders):
    lab = two_folders
    run(lab, "out")
    log = [json.loads(line) for line in (lab.folder / "out/run_log.jsonl").read_text().splitlines()]
    assert [record["event"] for record in log] == ["begin", "recording", "recording", "end"]
    assert {"time", "host", "command", "versions", "protocol_sha256"} <= set(log[0])
    stored = (lab.folder / "out/monday/p01.h5").read_bytes()
    assert log[0]["time"][:10].encode() not in stored
    assert str(lab.folder).encode() not in stored
    with h5py.File(lab.folder / "out/monday/p01.h5") as file:
        assert file["provenance"].attrs["protocol_sha256"] == log[0]["protocol_sha256"]


# M-05: numeric columns are numbers, reasons have columns of their own
def test_tables_are_numbers_with_units_beside_them(two_folders):
    lab = two_folders
    run(lab, "out")
    stem = lab.folder / "out/monday/p01_evoked"
    table = np.genfromtxt(stem.with_suffix(".csv"), delimiter=",", names=True, dtype=None, encoding="utf-8")
    units = json.loads(stem.with_suffix(".json").read_text())
    assert set(units) == set(table.dtype.names)
    assert units["vpp"] == {"Units": "V"}
    assert table["vpp"].dtype == float
    since = np.linspace(0, 0.01, 10_001)  # the response of the fixture is odd about its middle
    true = 2 * 2e-3 * np.max(np.sin(2 * np.pi * 70 * since) * np.exp(-(since**2) / (2 * 0.003**2)))
    assert np.nanmedian(table["vpp"]) == pytest.approx(true, rel=0.03)


def test_results_are_validated_collected_and_shown(two_folders):
    lab = two_folders
    run(lab, "out")
    files = sorted((lab.folder / "out").rglob("*.h5"))
    assert lab.call("validate", *files).code == 0
    broken = lab.write("broken.h5", files[0].read_bytes()[:1000])
    answer = lab.call("validate", files[0], broken, "--json")
    assert answer.code == 3
    assert [bool(found) for found in json.loads(answer.out).values()] == [False, True]
    answer = lab.call("validate", lab.folder / "out", "--json")
    assert answer.code == 0
    assert list(json.loads(answer.out)) == [str(file) for file in files]
    assert lab.call("validate", lab.folder / "in").code == 4
    answer = lab.call("collect", lab.folder / "out", "--out", lab.folder / "study.h5", "--json")
    assert answer.code == 0
    assert json.loads(answer.out)["recordings"] == ["monday/p01", "tuesday/p01"]
    assert lab.call("collect", lab.folder / "in", "--out", lab.folder / "study2.h5").code == 4
    answer = lab.call("report", files[0], "--json")
    assert answer.code == 0
    assert json.loads(answer.out)["page"] == str(files[0].with_suffix(".html"))
    assert "<html" in files[0].with_suffix(".html").read_text()


def test_what_stands_on_the_command_line_goes_before_the_protocol(two_folders):
    lab = two_folders
    answer, _ = run(lab, "out", "--emg", "VM")
    assert answer.code == 3
    assert all("'VM'" in record["message"] for record in json.loads(answer.out)["recordings"])


def test_people_see_one_line_per_recording_and_a_summary(two_folders):
    lab = two_folders
    lab.write("in/empty.csv", b"")
    answer = lab.call("run", lab.folder / "fatigue.toml", lab.folder / "in", "--out", lab.folder / "out")
    assert answer.code == 3
    assert answer.out == ""
    for name, sign in (("monday/p01", "✓"), ("tuesday/p01", "✓"), ("empty", "✗")):
        assert len(re.findall(rf"^{sign} {name}: ", answer.err, flags=re.MULTILINE)) == 1
    assert "3 recordings" in answer.err


def test_the_module_is_the_command(lab):
    import subprocess

    words = [sys.executable, "-m", "emgkit.cli", "--version"]
    assert emgkit.__version__ in subprocess.run(words, capture_output=True, text=True, check=True).stdout
