"""Bad input: one clear line each, the right exit code, nothing lost, the batch goes on."""

import contextlib
import json
import os
import resource
import signal
import subprocess
import time
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest


def test_a_file_that_is_not_there_is_named(lab):
    answer = lab.call("inspect", lab.folder / "nowhere.bdf")
    assert answer.code == 3
    assert "nowhere.bdf" in answer.line


@pytest.mark.parametrize("name", ["p.edf", "p.bdf", "p.mat", "p.csv", "p.fif", "p.vhdr"])
def test_an_empty_file_is_told(lab, name):
    answer = lab.call("inspect", lab.write(name, b""), "--unit", "mV")
    assert answer.code == 3
    assert "is empty" in answer.line


def test_text_where_numbers_belong_is_told_with_its_place(lab):
    path = lab.write("p.csv", "time (s),VL (mV)\n0.000,1.0\n0.001,hello\n0.002,3.0\n")
    answer = lab.call("inspect", path, "--time", "time")
    assert answer.code == 3
    assert "'hello'" in answer.line


def test_a_missing_unit_is_asked_for(lab):
    answer = lab.call("inspect", lab.recording(unit=""), "--time", "time (s)")
    assert answer.code == 3
    assert "--unit" in answer.line


def test_an_implausible_unit_is_refused(lab):
    answer = lab.call("inspect", lab.recording(unit=""), "--unit", "V", "--emg", "VL", "--fs", 2000)
    assert answer.code == 3
    assert "cannot be EMG" in answer.line


def test_a_missing_rate_is_asked_for(lab):
    answer = lab.call("inspect", lab.recording(), "--emg", "VL (mV)")
    assert answer.code == 3
    assert "--fs" in answer.line


def test_a_channel_that_is_not_there_is_refused_with_the_nearest(lab):
    answer = lab.call("inspect", lab.recording(), "--emg", "VL (V)", "--fs", 2000)
    assert answer.code == 3
    assert "did you mean 'VL (mV)'" in answer.line


def test_an_option_that_does_not_exist_is_refused_with_the_nearest(lab):
    answer = lab.call("inspect", lab.recording(), "--untt", "mV")
    assert answer.code == 2
    assert "--unit" in answer.line


def test_a_command_that_does_not_exist_is_refused_with_the_nearest(lab):
    answer = lab.call("inspct", "p.bdf")
    assert answer.code == 2
    assert "did you mean 'inspect'" in answer.line


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("window", "windw", "did you mean 'window'"),
        ("[evoked]", '[separate]\nmethod = "phase_splin"\n[evoked]', "did you mean 'phase_spline'"),
        ('"vpp"', '"vp"', "did you mean 'vpp'"),
    ],
)
def test_an_unknown_word_in_a_protocol_is_refused_with_the_nearest(lab, old, new, expected):
    path = lab.protocol()
    path.write_text(path.read_text().replace(old, new))
    answer = lab.call("run", path, lab.recording(), "--out", lab.folder / "out")
    assert answer.code == 2
    assert expected in answer.line
    assert "fatigue.toml" in answer.line
    assert not (lab.folder / "out").exists()


def test_a_protocol_that_is_not_there_is_a_usage_error(lab):
    answer = lab.call("run", lab.folder / "no.toml", lab.recording(), "--out", lab.folder / "out")
    assert answer.code == 2
    assert "no.toml" in answer.line


def test_nothing_matched(lab):
    (lab.folder / "empty").mkdir()
    answer = lab.call("run", lab.protocol(), lab.folder / "empty", "--out", lab.folder / "out")
    assert answer.code == 4
    assert "No recording" in answer.err
    assert not (lab.folder / "out").exists()


def outcomes(answer):
    return {record["name"]: record for record in json.loads(answer.out)["recordings"]}


def test_bad_recordings_fail_by_name_and_the_batch_goes_on(lab):
    good = lab.recording("in/good.csv")
    whole = good.read_bytes()
    lab.recording("in/no_pulses.csv", rate=0.0)
    lab.recording("in/fast.csv", rate=40.0)  # the window is longer than its interval
    lab.recording("in/no_unit.csv", unit="")
    lab.write("in/empty.csv", b"")
    lab.write("in/text.csv", whole.replace(b"0.0010,", b"soon,", 1))
    lab.write("in/truncated.mat", b"MATLAB 5.0 MAT-file" + bytes(140))
    lab.write("in/not_a.bdf", b"this is no BDF file at all")
    protocol = lab.protocol('[read]\ntime = "time (s)"\n' + lab.protocol().read_text())
    answer = lab.call("run", protocol, lab.folder / "in", "--out", lab.folder / "out", "--json")
    assert answer.code == 3
    found = outcomes(answer)
    assert found["good"]["state"] == "done"
    expected = {
        "no_pulses": "No stimulation artifact was found",
        "fast": "interval between pulses is 25 ms",
        "no_unit": "--unit",
        "empty": "is empty",
        "text": "'soon'",
        "truncated": "truncated.mat",  # the key time is for CSV and does not stand in its way
        "not_a": "not_a.bdf",
    }
    for name, part in expected.items():
        assert found[name]["state"] == "failed", name
        assert part in found[name]["message"]
        assert not found[name]["internal"], found[name]["trace"]
        assert "\n" not in found[name]["message"]
    assert sorted(path.name for path in (lab.folder / "out").iterdir()) == [
        "good.h5",
        "good_evoked.csv",
        "good_evoked.json",
        "good_voluntary.csv",
        "good_voluntary.json",
        "run_log.jsonl",
    ]


def test_pulses_outside_the_recording_are_refused(lab):
    text = lab.protocol().read_text().replace('presence = "required"', "onsets = [1.0, 2.0, 99.0]")
    answer = lab.call(
        "run", lab.protocol(text), lab.recording(), "--out", lab.folder / "out", "--time", "time (s)", "--json"
    )
    assert answer.code == 3
    assert "1 of 3 pulses lie outside the recording" in outcomes(answer)["p01"]["message"]


def test_a_nan_stretch_is_lost_and_not_measured(lab):
    path = lab.recording()
    lines = path.read_text().splitlines()
    lines[4001:5001] = [f"{line.split(',')[0]}," for line in lines[4001:5001]]
    path.write_text("\n".join(lines))
    answer = lab.call("run", lab.protocol(), path, "--out", lab.folder / "out", "--time", "time (s)", "--json")
    assert answer.code == 0, answer.err
    table = np.genfromtxt(lab.folder / "out/p01_voluntary.csv", delimiter=",", names=True, dtype=None, encoding="utf-8")
    lost = (table["start"] >= 2.0) & (table["start"] < 2.5)
    assert lost.sum() == 1
    assert np.isnan(table["rms"][lost]).all()
    assert np.isfinite(table["rms"][~lost]).all()


LAB_KILLER = '''
import os, signal
from dataclasses import dataclass
from typing import ClassVar
import numpy as np
from emgkit.features.amplitude import RMS

@dataclass(frozen=True)
class Deadly(RMS):
    """RMS that kills its process on large signals."""
    name: ClassVar[str] = "deadly"

    def measure(self, segments):
        if np.nanmax(np.abs(segments.signal)) > 1e-3:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().measure(segments)
'''


def test_a_worker_killed_with_sigkill_fails_its_recording_only_and_can_be_resumed(lab, monkeypatch):
    lab.write("lab_killer.py", LAB_KILLER)
    monkeypatch.syspath_prepend(lab.folder)
    quiet = '[pulses]\npresence = "none"\n[voluntary]\nfeatures = ["lab_killer:Deadly"]\n[read]\ntime = "time (s)"\n'
    protocol = lab.protocol(quiet)
    lab.recording("in/a_quiet.csv", rate=0.0, seed=1)
    lab.recording("in/b_deadly.csv", rate=20.0)
    lab.recording("in/c_quiet.csv", rate=0.0, seed=2)
    out = lab.folder / "out"
    answer = lab.call("run", protocol, lab.folder / "in", "--out", out, "--jobs", 1, "--json")
    assert answer.code == 3, answer.err
    found = outcomes(answer)
    assert "SIGKILL" in found["b_deadly"]["message"]
    assert [found[name]["state"] for name in ("a_quiet", "c_quiet")] == ["done", "done"]
    lab.recording("in/b_deadly.csv", rate=0.0, seed=3)
    again = lab.call("run", protocol, lab.folder / "in", "--out", out, "--resume", "--json")
    assert again.code == 0, again.err
    assert [record["state"] for record in outcomes(again).values()].count("skipped") == 2


LAB_SLEEPER = '''
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar
import numpy as np
from emgkit.features.amplitude import RMS

@dataclass(frozen=True)
class Sleepy(RMS):
    """RMS that takes its time on large signals."""
    name: ClassVar[str] = "sleepy"

    def measure(self, segments):
        if np.nanmax(np.abs(segments.signal)) > 1e-3:
            Path("worker.pid").write_text(str(os.getpid()))
            time.sleep(100)
        return super().measure(segments)
'''


def await_slow_worker(lab, process):
    """Wait until the second recording is being measured, and give the process that does it."""
    began = time.monotonic()
    while not (lab.folder / "worker.pid").exists() or not (lab.folder / "worker.pid").read_text():
        assert time.monotonic() - began < 60
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    return int((lab.folder / "worker.pid").read_text())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_in_a_batch_keeps_what_is_finished_and_removes_the_rest(lab, number):
    lab.write("lab_sleeper.py", LAB_SLEEPER)
    quiet = '[pulses]\npresence = "none"\n[voluntary]\nfeatures = ["lab_sleeper:Sleepy"]\n[read]\ntime = "time (s)"\n'
    lab.recording("in/a_quick.csv", rate=0.0)
    lab.recording("in/b_slow.csv", rate=20.0)
    out = lab.folder / "out"
    process = lab.start("run", lab.protocol(quiet), lab.folder / "in", "--out", out, "--jobs", 1)
    await_slow_worker(lab, process)
    # Ctrl-C reaches every process of the group, a scheduler's request the first only
    (os.killpg if number == signal.SIGINT else os.kill)(process.pid, number)
    _, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    assert "1 finished recordings are kept" in err
    assert "Traceback" not in err
    assert sorted(path.name for path in out.iterdir()) == [
        "a_quick.h5",
        "a_quick_voluntary.csv",
        "a_quick_voluntary.json",
        "run_log.jsonl",
    ]
    log = [json.loads(line) for line in (out / "run_log.jsonl").read_text().splitlines()]
    assert [record["event"] for record in log] == ["begin", "recording", "end"]
    assert log[-1]["how"] == "interrupted"


def ends(process: int) -> bool:
    """Wait until there is no such process any more."""
    began = time.monotonic()
    while time.monotonic() - began < 30:
        try:
            os.kill(process, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False


def test_a_run_that_is_killed_takes_its_workers_along_and_the_next_one_sweeps_up(lab, monkeypatch):
    lab.write("lab_sleeper.py", LAB_SLEEPER)
    text = '[pulses]\npresence = "none"\n[voluntary]\nfeatures = ["lab_sleeper:Sleepy"]\n[read]\ntime = "time (s)"\n'
    lab.recording("in/a_quick.csv", rate=0.0)
    slow = lab.recording("in/b_slow.csv", rate=20.0)
    out = lab.folder / "out"
    process = lab.start("run", lab.protocol(text), lab.folder / "in", "--out", out, "--jobs", 1)
    worker = await_slow_worker(lab, process)
    process.kill()
    process.communicate(timeout=30)
    assert ends(worker)
    slow.unlink()
    monkeypatch.syspath_prepend(lab.folder)
    again = lab.call("run", lab.protocol(text), lab.folder / "in", "--out", out, "--resume", "--json")
    assert again.code == 0, again.err
    assert outcomes(again)["a_quick"]["state"] == "skipped"
    assert not [path for path in out.iterdir() if path.name.startswith(".")]


@contextlib.contextmanager
def ordinary_user():
    """Root may write everywhere, so root becomes nobody for a while."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_an_output_folder_that_is_not_writable_is_told_to_an_ordinary_user(lab):
    protocol, recording = lab.protocol(), lab.recording()
    blocked = lab.write("blocked", "a file where the folder should be")
    answer = lab.call("run", protocol, recording, "--out", blocked)  # loads all that nobody may not load
    assert answer.code == 2
    assert "cannot be written to" in answer.line
    closed = lab.folder / "closed"
    closed.mkdir(mode=0o555)
    for folder in (lab.folder, *lab.folder.parents):
        if folder.name.startswith(("test_", "popen-", "pytest-")) and folder.stat().st_uid == os.geteuid():
            folder.chmod(folder.stat().st_mode | 0o055)
    with ordinary_user():
        answer = lab.call("run", protocol, recording, "--out", closed / "out")
    assert answer.code == 2, answer.err
    assert "cannot be written to: Permission denied" in answer.line
    assert not list(closed.iterdir())


@contextmanager
def small_folder(folder: Path):
    """A folder with room for 64 kB: a small file system for root, else a limit on the size of files."""
    folder.mkdir()
    options = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder)]
    if os.geteuid() == 0 and subprocess.run(options, capture_output=True, check=False).returncode == 0:
        try:
            yield "No space left on device"
        finally:
            subprocess.run(["umount", str(folder)], check=True)
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (65536, hard))
    try:
        yield "File too large"
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_fails_the_recording_and_leaves_no_half_file(lab):
    protocol, recording = lab.protocol(), lab.recording()
    with small_folder(lab.folder / "small") as said:
        small = lab.folder / "small"
        answer = lab.call("run", protocol, recording, "--out", small, "--time", "time (s)", "--json")
        left = sorted(path.name for path in small.iterdir())
    assert answer.code == 3
    assert said in outcomes(answer)["p01"]["message"]
    assert left in ([], ["run_log.jsonl"])


def test_a_traceback_is_shown_with_debug_only(lab):
    assert "Traceback" not in lab.call("inspect", lab.folder / "no.bdf").err
    assert "Traceback" in lab.call("inspect", lab.folder / "no.bdf", "--debug").err
    assert "Traceback" in lab.call("--debug", "inspect", lab.folder / "no.bdf").err
