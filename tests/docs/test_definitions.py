"""Every feature has a section in the definitions with its unit, and every public name a page."""

import re
from pathlib import Path

import pytest

import emgkit as ek
from emgkit import plugins

DOCS = Path(__file__).parents[2] / "docs"
DEFINITIONS = (DOCS / "definitions.rst").read_text()


@pytest.mark.parametrize("name", plugins.names("emgkit.features"))
def test_every_feature_is_defined_with_its_unit(name):
    heading = rf"^``{name}``: [^\n]*\n~+\n"
    section = re.search(heading + r"(.*?)(?=^``\w+``: |^[^\n]+\n-{3,}|\Z)", DEFINITIONS, re.M | re.S)
    assert section, f"{name} has no section"
    unit = plugins.load("emgkit.features", name).unit
    assert re.search(rf"Unit {re.escape(unit)}[\s.]", section.group(1)), f"{name}: unit {unit} is not stated"


def test_every_public_verb_and_value_is_in_the_api():
    listed = set(re.findall(r"^   ([\w.]+)$", (DOCS / "api.rst").read_text(), re.M))
    errors = {name for name in ek.__all__ if name.endswith(("Error", "Warning"))}
    public = set(ek.__all__) - errors - {"__version__", "REASONS", "simulate", "testing"}
    assert public - listed == set()


def test_every_method_is_in_the_table_of_methods():
    text = (DOCS / "methods.rst").read_text()
    for name in plugins.names("emgkit.artifact"):
        assert f"``{name}``" in text
