"""The page about the simulator: every scenario with its picture, every unverified constant."""

import importlib.util
import re
from pathlib import Path

import pytest

import emgkit as ek
from emgkit.simulate import SCENARIOS

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "simulator.rst").read_text()


@pytest.fixture(scope="module")
def make_pictures():
    spec = importlib.util.spec_from_file_location("make_pictures", DOCS / "make_pictures.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_has_a_section_with_the_pictures_that_are_drawn(make_pictures, name):
    section = re.search(rf"^{name}\n~+\n(.*?)(?=^\w+\n~+\n|^[^\n]+\n-{{3,}}\n|\Z)", PAGE, re.M | re.S)
    assert section, f"{name} has no section"
    drawn = [f"{name}_{channel}" for channel in make_pictures.CHANNELS.get(name, ())] or [name]
    assert re.findall(r"image:: generated/(\w+)\.png", section.group(1)) == drawn


def test_every_constant_that_the_source_calls_unverified_is_listed(make_pictures):
    table = make_pictures.unverified()
    for name in ("ANISOTROPY", "REFRACTORY", "DEPRESSION", "POP_RECOVERY"):
        assert name in table
    sources = [source.read_text() for source in (Path(ek.__file__).parent / "simulate").glob("*.py")]
    told = sum(len(re.findall(r"^[A-Z_, ]+ = .*unverified", text, re.M)) for text in sources)
    assert table.count("   * - ") == told + 1


def test_pictures_are_drawn_once(make_pictures, tmp_path, monkeypatch):
    monkeypatch.setattr(make_pictures, "SCENARIOS", {"tiny": SCENARIOS["tiny"]})
    monkeypatch.setattr(make_pictures, "PARTS", ("typical",))
    make_pictures.make(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts_typical.png", "tiny.png", "unverified.txt"]
    first = [path.stat().st_mtime_ns for path in sorted(tmp_path.glob("*.png"))]
    make_pictures.make(tmp_path)
    assert [path.stat().st_mtime_ns for path in sorted(tmp_path.glob("*.png"))] == first
