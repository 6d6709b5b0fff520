"""The demo: the main job on a recording whose truth is known, through the same pipeline as everything else."""

import json
import math
import re
import shlex
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import emgkit as ek
from emgkit.cli.claims import claims_of_changes, claims_of_comparisons, held, middles_of
from emgkit.cli.found import change_tables, comparison_table
from emgkit.simulate import nmes_fatigue

SHIPPED = Path(ek.__file__).parent / "cli" / "demo.toml"


def claims_for(seed, **overrides):
    simulation = nmes_fatigue(rng=np.random.default_rng(seed), **overrides)
    results = ek.Pipeline.from_toml(SHIPPED).run(simulation.recording)
    middles = middles_of(results.tables, 1.0)
    changes = claims_of_changes(results.changes, middles, simulation.truth)
    return changes, claims_of_comparisons(results.comparisons, middles, simulation.truth)


def test_the_protocol_of_the_demo_is_among_the_examples(pytestconfig):
    example = pytestconfig.rootpath / "datasets" / "protocols" / "demo.toml"
    assert example.read_bytes() == SHIPPED.read_bytes()


# S-06: synthetic data to check an install with, offline
def test_the_demo_does_the_main_job_and_its_next_commands_work(lab, monkeypatch):
    monkeypatch.chdir(lab.folder)
    monkeypatch.setenv("COLUMNS", "80")
    answer = lab.call("demo", "--seed", 3)
    assert answer.code == 0, answer.err
    assert answer.out == ""
    files = re.findall(r"^  (\w+) +(emgkit_demo/\S+)$", answer.err, flags=re.MULTILINE)
    assert [name for name, _ in files] == ["recording", "truth", "protocol", "results", "evoked", "voluntary", "page"]
    assert all((lab.folder / path).stat().st_size > 0 for _, path in files)
    commands = answer.err.split("Next, try:\n")[1].strip().splitlines()
    assert len(commands) == 3
    for line in commands:
        words = shlex.split(line)
        again = lab.call(*words[words.index("emgkit.cli") + 1 if "emgkit.cli" in words else 1 :])
        assert again.code == 0, again.err
    assert len(ek.load_truth("emgkit_demo/demo.truth.h5").onsets) == 1680
    # tables stay within 80 columns; only sentences, paths and commands may be longer
    framed = [line for line in answer.err.splitlines() if "─" in line or " … " in line or "truth" in line]
    assert len(framed) > 20
    assert max(len(line.rstrip()) for line in framed) <= 80


def test_nothing_is_claimed_where_the_truth_is_not_known():
    simulation = nmes_fatigue(rng=np.random.default_rng(6), duration=8.0, bursts=1, channel_names=("VL",))
    results = ek.Pipeline.from_toml(SHIPPED).run(simulation.recording)
    middles = middles_of(results.tables, 1.0)
    features = dict(simulation.truth.features)
    features["vpp"] = np.full_like(features["vpp"], np.nan)
    truth = replace(simulation.truth, features=features)
    known = {claim.quantity for claim in claims_of_changes(results.changes, middles, simulation.truth)}
    assert {claim.quantity for claim in claims_of_changes(results.changes, middles, truth)} == known - {"vpp"}
    for claim in claims_of_comparisons(results.comparisons, middles, truth):
        assert "vpp" not in claim.quantity


# every printed number stands beside its truth
def test_every_printed_quantity_has_its_truth():
    changes, compared = claims_for(5, duration=14.0, bursts=2)
    protocol = ek.Pipeline.from_toml(SHIPPED).protocol
    measured = {feature.name for section in (protocol.evoked, protocol.voluntary) for feature in section.features}
    assert {claim.quantity for claim in changes} == measured
    assert {claim.aspect for claim in changes} == {"fresh", "fatigued", "change"}
    assert {claim.channel for claim in changes} == {"VL", "VM"}
    assert len(compared) == 2 * len(protocol.compare)
    assert all(math.isfinite(claim.truth) and claim.low <= claim.value <= claim.high for claim in (*changes, *compared))
    assert len(change_tables(changes)) == 2
    assert comparison_table(compared).row_count == len(compared)


@pytest.mark.slow
def test_over_other_seeds_the_intervals_hold_the_truth_as_often_as_they_should():
    claims = [claim for seed in range(100, 120) for side in claims_for(seed) for claim in side]
    inside, count = held(claims)
    per_quantity = {
        name: held(claim for claim in claims if f"{claim.quantity} {claim.aspect}" == name)
        for name in {f"{claim.quantity} {claim.aspect}" for claim in claims}
    }
    worst = sorted((inside / count, name) for name, (inside, count) in per_quantity.items())
    assert inside / count >= 0.92, json.dumps(worst[:6])
    # 40 intervals per quantity: with 95 % coverage fewer than 33 have a probability of 3 in 10 000
    assert worst[0][0] >= 33 / 40, json.dumps(worst[:6])
