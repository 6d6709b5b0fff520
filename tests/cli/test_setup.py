"""``emgkit inspect --setup``: the verdict for people, and the same for machines."""

import json

TIMES = ("--time", "time (s)", "--time-unit", "s")


def test_people_read_questions_grades_and_what_to_change(lab):
    answer = lab.call("inspect", lab.recording(rate=25.0), *TIMES, "--setup", "--mains", 50)
    assert answer.code == 0
    assert "Set-up: This set-up can work, with care." in answer.err
    for words in ("harmonic 2 on 50 Hz mains", "What to change", "stimulate at", "What to record besides", "sham"):
        assert words in answer.err
    assert not answer.out


def test_machines_get_every_finding(lab):
    answer = lab.call("inspect", lab.recording(rate=25.0), *TIMES, "--setup", "--json")
    setup = json.loads(answer.out)["setup"]
    grades = {finding["name"]: finding["grade"] for finding in setup["findings"]}
    assert grades["mains"] == "care"
    assert grades["rails"] == grades["losses"] == "good"
    assert setup["grade"] in ("care", "bad")
    assert all(finding["advice"] for finding in setup["findings"] if finding["grade"] != "good")
    assert 1e-6 < setup["smallest_level_v"][0] < 30e-6  # of 20 µV of noise


def test_without_the_option_nothing_of_it_is_said(lab):
    assert "setup" not in json.loads(lab.call("inspect", lab.recording(), *TIMES, "--json").out)
    assert "Set-up" not in lab.call("inspect", lab.recording(), *TIMES).err


def test_without_pulses_it_says_what_is_missing(lab):
    answer = lab.call("inspect", lab.recording(rate=0), *TIMES, "--setup")
    assert answer.code == 0
    assert "no pulses were found, so nothing can be said" in answer.err
    assert json.loads(lab.call("inspect", lab.recording(rate=0), *TIMES, "--setup", "--json").out)["setup"] is None
