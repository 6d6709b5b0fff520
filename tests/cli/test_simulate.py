"""`emgkit simulate`: what is written, what can be changed, and one clear line for what cannot."""

import json
from dataclasses import fields

import numpy as np
import pytest

import emgkit as ek
from emgkit.simulate import SCENARIOS, Effort, Session, Stimulator


def simulated(lab, name, *words):
    answer = lab.call("simulate", "tiny", "--out", lab.folder / name, *words)
    assert answer.code == 0, answer.err
    return ek.read_recording(lab.folder / name, aux=["TRIG", "force"]), ek.load_truth(
        (lab.folder / name).with_suffix(".truth.h5")
    )


def test_recording_and_truth_are_those_of_the_scenario(lab):
    recording, truth = simulated(lab, "tiny.bdf", "--seed", 7)
    made = SCENARIOS["tiny"](rng=np.random.default_rng(7))
    step = np.ptp(made.recording.signal) / (2**24 - 1)
    assert np.abs(recording.signal - made.recording.signal).max() <= step
    np.testing.assert_array_equal(truth.signal, made.truth.signal)
    assert [mark.label for mark in recording.marks] == [mark.label for mark in made.recording.marks]


def test_settings_change_the_recording(lab):
    recording, truth = simulated(
        lab, "tiny.bdf", "--set", "trains=[[0.5, 1.2], [1.8, 2.5]]", "--set", "fs=4000", "--set", "bursts=0"
    )
    assert recording.fs == 4000
    assert ((truth.onsets >= 0.5) & (truth.onsets < 1.2) | (truth.onsets >= 1.8) & (truth.onsets < 2.5)).all()
    assert not truth.voluntary.any()


def test_warnings_are_one_line_without_the_code_that_gave_them(lab):
    answer = lab.call_program("simulate", "tiny", "--out", "odd.bdf", "--set", "fs=1925.926")
    warned, *_ = answer.err.splitlines()
    assert warned.startswith("emgkit: odd.bdf: VL is written with 1925.92593 instead of 1925.926 Hz")
    assert ".py" not in answer.err
    assert "save_simulation" not in answer.err


def test_machines_are_told_where_the_files_are(lab):
    answer = lab.call("simulate", "tiny", "--out", lab.folder / "tiny.bdf", "--seed", 3, "--json")
    assert answer.code == 0
    told = json.loads(answer.out)
    assert told == {
        "recording": str(lab.folder / "tiny.bdf"),
        "truth": str(lab.folder / "tiny.truth.h5"),
        "scenario": "tiny",
        "seed": 3,
    }


def test_the_recording_is_drawn_where_a_figure_is_asked_for(lab):
    words = ("simulate", "tiny", "--out", lab.folder / "tiny.bdf", "--overwrite")
    for name, begins in (("t.png", b"\x89PNG"), ("t.svg", b"<?xml"), ("t.pdf", b"%PDF")):
        answer = lab.call(*words, "--figure", lab.folder / name, "--channel", "VL")
        assert answer.code == 0, answer.err
        assert answer.err.splitlines()[-1].split() == ["Figure:", str(lab.folder / name)]
        assert (lab.folder / name).read_bytes().startswith(begins)
    answer = lab.call(*words, "--figure", lab.folder / "t.doc")
    assert (answer.code, "png, svg, pdf" in answer.line) == (2, True)
    answer = lab.call(
        "simulate", "tiny", "--out", lab.folder / "u.bdf", "--figure", lab.folder / "u.png", "--channel", "VM"
    )
    assert (answer.code, "There is no channel 'VM'" in answer.line) == (3, True)
    assert not list(lab.folder.glob("u.*"))


def test_people_are_told_what_was_made_and_nmes_is_short_for_nmes_fatigue(lab):
    settings = ("--set", "duration=3", "--set", "bursts=1", "--set", "burst_length=1", "--set", "units=20")
    answer = lab.call("simulate", "nmes", "--out", lab.folder / "n.bdf", *settings)
    assert answer.code == 0, answer.err
    first, *files = answer.err.splitlines()
    assert first.startswith("nmes_fatigue, seed 0: 3 s, VL, VM, 2000 Hz, ")
    assert first.endswith(" pulses in 1 train")
    assert [line.split()[-1] for line in files] == [str(lab.folder / "n.bdf"), str(lab.folder / "n.truth.h5")]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("tyni",), "There is no scenario 'tyni': did you mean 'tiny'?"),
        (("tiny", "--set", "durration=3"), "tiny has no parameter 'durration': did you mean 'duration'?"),
        (("tiny", "--channel", "VL"), "--channel says what is drawn: give --figure, too."),
        (("tiny", "--set", "rng=3"), "--set changes what is simulated, rng is not of it: give --seed."),
        (("tiny", "--set", "rate=40", "--set", " rate =50"), "--set gives rate twice, 40 and 50: give it once."),
        (
            ("tiny", "--set", "channel_names=['TRIG']"),
            "channel_names must differ from the names of the recording's other",
        ),
        (("tiny", "--set", "channel_names=['force']"), "other traces, TRIG, current, force; got ('force',)."),
        (("tiny", "--set", "duration"), "--set takes NAME=VALUE, got 'duration'."),
        (("tiny", "--set", "duration=abc"), "duration must be a number, got 'abc'."),
        (("tiny", "--set", "duration=-3"), "duration must lie within 1 ... 3600 s, got -3."),
        (("tiny", "--set", "levels=3"), "levels must be a list, each entry a number, got 3."),
        (("tiny", "--set", "bits=12.5"), "bits must be a whole number, got 12.5."),
        (("tiny", "--set", "trains=[1, 2]"), "trains must be None or a list, each entry 2 values, each a number"),
        (("tiny", "--set", "pool=3"), "pool must be of the class PoolParameters, got 3."),
        (("tiny", "--set", "stimulators=3"), "stimulators must be a list, each entry of the class Stimulator"),
        (("tiny", "--set", "width=-0.0002"), "width must lie within 1e-05 ... 0.005 s, got -0.0002."),
        (("tiny", "--set", "width=0.005", "--set", "rate=120"), "A pulse of 10 ms is longer than the interval"),
        (("tiny", "--set", "units=0"), "units must be a whole number 1 ... 2000, got 0."),
        (("tiny", "--set", "near=0.002"), "they must lie outside the end-plate zone"),
        (("tiny", "--set", "fs=1000", "--set", "low_pass=480"), "with a higher fs the spectrum of EMG fits."),
    ],
)
def test_what_cannot_be_simulated_is_one_line(lab, words, expected):
    answer = lab.call("simulate", *words, "--out", lab.folder / "x.bdf")
    assert answer.code == 2
    assert expected in answer.line
    assert list(lab.folder.iterdir()) == []


@pytest.mark.parametrize("there", ["x.bdf", "x.truth.h5"])
def test_a_file_that_is_there_is_kept_unless_told_otherwise(lab, there):
    kept = lab.write(there, b"precious")
    answer = lab.call("simulate", "tiny", "--out", lab.folder / "x.bdf")
    assert answer.code == 2
    assert f"{kept} is there already: give --overwrite" in answer.line
    assert kept.read_bytes() == b"precious"
    assert lab.call("simulate", "tiny", "--out", lab.folder / "x.bdf", "--overwrite").code == 0
    assert kept.read_bytes() != b"precious"


@pytest.mark.parametrize(
    ("out", "expected"),
    [
        ("nowhere/x.bdf", "there is no folder"),
        ("/proc/x.bdf", "cannot be written"),  # nobody can write there, whoever runs the tests
        ("x.edf", "x.edf: recordings are written as BDF, end the name in .bdf"),
        ("/", "emgkit: /: recordings are written as BDF, end the name in .bdf"),
    ],
)
def test_a_place_where_nothing_can_be_written_is_told(lab, out, expected):
    answer = lab.call("simulate", "tiny", "--out", lab.folder / out)
    assert answer.code == 2
    assert expected in answer.line
    assert list(lab.folder.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("--out", "x.edf"), "end the name in .bdf"),
        (("--out", "x.bdf", "--figure", "x.doc"), "png, svg, pdf"),
        (("--out", "x.bdf", "--figure", "nowhere/x.png"), "there is no folder"),
        (("--out", "x.bdf", "--figure", "folder.png", "--overwrite"), "it is a folder"),
        (("--out", "folder.bdf", "--overwrite"), "it is a folder"),
    ],
)
def test_names_are_checked_before_anything_is_simulated(lab, monkeypatch, words, expected):
    monkeypatch.setattr("emgkit.simulate.scenarios.simulate", lambda *_, **__: pytest.fail("simulated in vain"))
    for folder in ("folder.png", "folder.bdf", "folder.truth.h5"):
        (lab.folder / folder).mkdir()
    before = sorted(lab.folder.iterdir())
    words = [lab.folder / word if "." in word else word for word in words]
    answer = lab.call("simulate", "tiny", *words)
    assert answer.code == 2
    assert expected in answer.line
    assert sorted(lab.folder.iterdir()) == before


def test_parameters_that_can_be_set_are_listed_with_what_they_mean(lab):
    answer = lab.call("list", "parameters", "--json")
    assert answer.code == 0
    rows = json.loads(answer.out)
    assert len({row["name"] for row in rows}) == len(rows)
    assert all(row["what"].endswith(".") for row in rows)
    named = {row["name"]: row["default"] for row in rows}
    for part in (Stimulator, Effort):
        assert {item.name for item in fields(part)} - {"pulse", "contact"} <= set(named)
    assert named["rate"] == "30"
    # what is listed is what a session has, not what its parts have alone
    pulse = Session().stimulators[0].pulse
    assert (float(named["width"]), float(named["gap"])) == (pulse.width, pulse.gap)
    # what is listed is what --set takes: every default by itself changes nothing
    words = [f"--set={name}={default}" for name, default in named.items() if name in ("gains", "rail", "anti_alias")]
    plain, _ = simulated(lab, "plain.bdf")
    same, _ = simulated(lab, "same.bdf", *words)
    np.testing.assert_array_equal(same.signal, plain.signal)


def test_scenarios_are_listed_with_what_they_are(lab):
    rows = json.loads(lab.call("list", "scenarios", "--json").out)
    assert [row["name"] for row in rows] == list(SCENARIOS)
    assert all(row["what"].startswith("Simulate ") for row in rows)
