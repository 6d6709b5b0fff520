"""The recordings that come with emgkit: as their checksums say, with their truth, and as the script makes them."""

import hashlib
import importlib.util
import json
import re
import sys
from dataclasses import fields
from pathlib import Path

import numpy as np
import pytest

import emgkit as ek
from emgkit.cli import main
from emgkit.report.responses import responses_of
from emgkit.simulate import Simulation

DATASETS = Path(__file__).parents[1] / "datasets"
SYNTHETIC = DATASETS / "synthetic"
README = (DATASETS / "README.md").read_text()
NAMES = ("tiny", "clipped", "nmes_fatigue", "recruitment", "hybrid_fes", "foot_drop")
AGAIN = "datasets/make_datasets.py makes others: if the simulator has changed, run it and say so in CHANGELOG.md"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_datasets", DATASETS / "make_datasets.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look themselves up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=NAMES)
def committed(request):
    truth = ek.load_truth(SYNTHETIC / f"{request.param}.truth.h5")
    traces = ["TRIG", "force", *(["current"] if np.ptp(truth.current) > 0 else [])]
    recording = ek.read_recording(SYNTHETIC / f"{request.param}.bdf", aux=traces)
    return request.param, Simulation(recording, ek.Pulses(truth.onsets, current=truth.current), truth)


def steps(recording):
    """Half a quantum of the file, per channel, V; a little more for the arithmetic."""
    return 0.51 * np.ptp(recording.signal, axis=1, keepdims=True) / (2**24 - 1) + 1e-9


def test_the_files_are_those_of_the_checksums():
    lines = [line.split("  ") for line in (DATASETS / "checksums.sha256").read_text().splitlines()]
    assert sorted(name for _, name in lines) == sorted(
        path.relative_to(DATASETS).as_posix() for path in SYNTHETIC.iterdir()
    )
    for stated, name in lines:
        assert hashlib.sha256((DATASETS / name).read_bytes()).hexdigest() == stated, name
    assert sum(path.stat().st_size for path in SYNTHETIC.iterdir()) < 4.5e6


def test_parts_and_limits_of_the_device_add_up_to_the_recording(committed):
    name, made = committed
    recording, truth = made.recording, made.truth
    assert (np.abs(truth.recorded - recording.signal) <= steps(recording)).all(), name
    # what the high-pass makes of the end of a recovery is left
    assert np.abs(truth.distortion[truth.usable]).max() < 2e-5
    assert (name == "clipped") == bool((truth.condition == 1).any())


def test_the_script_makes_the_same_recordings(committed, script):
    name, old = committed
    new = script.make(name)
    assert new.recording.channel_names == old.recording.channel_names
    assert new.recording.fs == old.recording.fs
    assert [mark.label for mark in new.recording.marks] == [mark.label for mark in old.recording.marks]
    assert new.recording.signal.shape == old.recording.signal.shape, AGAIN
    assert (np.abs(new.recording.signal - old.recording.signal) <= steps(old.recording)).all(), AGAIN
    for one, other in ((new.truth, old.truth), (new.truth.spiking, old.truth.spiking)):
        for item in fields(one):
            value, before = getattr(one, item.name), getattr(other, item.name)
            if isinstance(value, np.ndarray):
                np.testing.assert_allclose(value, before, rtol=1e-6, atol=1e-9, err_msg=f"{item.name}: {AGAIN}")


def test_every_recording_is_made_and_described(script):
    assert tuple(script.DATASETS) == NAMES
    for name, dataset in script.DATASETS.items():
        row = re.search(rf"^\| `synthetic/{name}.bdf` \| `(\w+)` \|.*`(protocols/\S+.toml)` \|$", README, re.M)
        assert row, name
        assert row.group(1) == dataset.scenario
        assert (DATASETS / row.group(2)).is_file()
    named = set(re.findall(r"protocols/(\w+\.toml)", README)) | {"demo.toml"}
    assert {path.name for path in (DATASETS / "protocols").iterdir()} == named


# the protocols of the table run over their recordings, and find the M-waves that are in them
@pytest.mark.parametrize(
    "committed",
    [pytest.param(name, marks=pytest.mark.slow) if name == "hybrid_fes" else name for name in NAMES],
    indirect=True,
)
def test_protocols_find_the_m_waves(committed, tmp_path, capsys):
    name, made = committed
    protocol = re.search(rf"`synthetic/{name}.bdf`.*`protocols/(\S+.toml)`", README).group(1)
    words = ["run", DATASETS / "protocols" / protocol, SYNTHETIC / f"{name}.bdf", "--out", tmp_path, "--json"]
    with pytest.raises(SystemExit) as left:
        main([str(word) for word in words])
    assert left.value.code == 0, capsys.readouterr().err
    assert [record["state"] for record in json.loads(capsys.readouterr().out)["recordings"]] == ["done"]
    table = ek.load_results(tmp_path / f"{name}.h5").tables["evoked"]
    seen = responses_of(made, 0)
    assert np.abs(table.starts - seen.onsets).max() < 1e-4
    size, true = table.values["vpp"][:, 0], seen.sizes()
    large = true > 0.2 * true.max()
    assert np.isfinite(size[large]).mean() > 0.9, name
    error = np.nanmedian(np.abs(size[large] / true[large] - 1))
    assert error < 0.1, f"{name}: the median error of the size is {100 * error:.1f} %"
