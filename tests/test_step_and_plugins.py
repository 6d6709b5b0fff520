"""Provenance takes parameter objects apart; names lead to classes."""

import json
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pytest

import emgkit as ek
from emgkit import plugins
from emgkit.step import describe


@dataclass(frozen=True)
class Fill:
    name: ClassVar[str] = "ar"
    order: int = 20


def test_parameter_objects_are_taken_apart_into_plain_values():
    step = ek.Step("separate", {"fill": Fill(), "window": np.array([0.002, 0.03]), "until": float("inf")})
    assert step.parameters == {"fill": {"name": "ar", "order": 20}, "window": (0.002, 0.03), "until": "inf"}
    assert step.version == ek.__version__


def test_descriptions_are_json():
    assert json.loads(json.dumps(describe({"a": (1, 2.5, None, True)}), default=dict)) == {"a": [1, 2.5, None, True]}


def test_what_cannot_be_stored_is_refused():
    with pytest.raises(ek.ParameterError, match="cannot be stored"):
        ek.Step("separate", {"fill": object()})


def test_an_unknown_name_offers_the_nearest():
    with pytest.raises(ek.UnknownNameError, match="no artifact method 'blankin': did you mean 'blanking'"):
        plugins.load("emgkit.artifact", "blankin")


def test_a_path_leads_to_any_class():
    assert plugins.load("emgkit.features", "emgkit.step:Step") is ek.Step
    with pytest.raises(ek.UnknownNameError, match="did you mean 'Step'"):
        plugins.load("emgkit.features", "emgkit.step:Stp")
    with pytest.raises(ek.UnknownNameError, match="cannot be loaded"):
        plugins.load("emgkit.features", "no_such_lab:Feature")


@pytest.mark.parametrize("group", plugins.GROUPS)
def test_every_published_name_loads(group):
    for name in plugins.names(group):
        assert plugins.load(group, name).name == name
