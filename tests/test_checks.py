"""The containers that the values share."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from emgkit._checks import FrozenMapping, Owned, freeze, in_range, interval, names, nearest, number, positive
from emgkit._text import number_text, scaled_unit, table_text
from emgkit.errors import ParameterError, ShapeError


def test_a_frozen_array_shares_no_memory_and_cannot_be_unlocked():
    mine = np.arange(6.0)
    frozen = freeze(mine)
    mine[0] = 99
    assert frozen[0] == 0
    with pytest.raises(ValueError, match="read-only"):
        frozen[0] = 1
    with pytest.raises(ValueError, match="WRITEABLE"):
        frozen.setflags(write=True)


def test_an_owned_array_is_adopted_and_an_owned_view_is_copied():
    whole = np.arange(6.0)
    assert np.shares_memory(freeze(Owned(whole)), whole)
    base = np.arange(6.0)
    view = freeze(Owned(base[1:4]))
    base[1] = 99
    assert view[0] == 1


@pytest.mark.parametrize("wrong", [[[1, 2], [3]], ["a", "b"], [1 + 2j], [None]])
def test_what_is_no_regular_array_of_numbers_is_refused(wrong):
    with pytest.raises((ShapeError, ParameterError)):
        freeze(wrong)


def test_a_frozen_mapping_cannot_be_changed_and_keeps_arrays_locked_through_pickling():
    mapping = FrozenMapping({"a": freeze([1.0, 2.0])})
    with pytest.raises(TypeError):
        mapping["b"] = 1
    with pytest.raises(AttributeError, match="cannot be changed"):
        mapping._items = {}
    for other in (pickle.loads(pickle.dumps(mapping)), copy.deepcopy(mapping)):
        assert not other["a"].flags.writeable
        assert other["a"].tolist() == [1, 2]


@pytest.mark.parametrize("wrong", [True, "3", None, [1.0], float("nan"), float("inf"), 1j])
def test_a_number_is_one_finite_real_number(wrong):
    with pytest.raises(ParameterError, match="width"):
        number("width", wrong)


def test_ranges_name_parameter_limits_and_unit():
    with pytest.raises(ParameterError, match=r"width must be above 0 s, got -1"):
        positive("width", -1, "s")
    with pytest.raises(ParameterError, match=r"share must lie within 0 \.\.\. 1, got 2"):
        in_range("share", 2, 0, 1)
    with pytest.raises(ParameterError, match="start before it stops"):
        interval("window", (0.03, 0.002))
    with pytest.raises(ParameterError, match="pair"):
        interval("window", "ab")
    assert interval("window", [0, 1]) == (0.0, 1.0)


def test_names_must_differ_and_be_as_many_as_the_channels():
    assert names("channel_names", ["VL", "VM"], 2) == ("VL", "VM")
    for wrong, count in ((["VL", "VL"], 2), ("VL", 2), (["VL", " "], 2)):
        with pytest.raises(ParameterError, match="channel_names"):
            names("channel_names", wrong, count)
    with pytest.raises(ShapeError, match="1 names for 2 channels"):
        names("channel_names", ["VL"], 2)


def test_the_nearest_name_is_offered_whatever_its_case():
    assert "did you mean 'VL'" in nearest("vl ", ["VM", "VL"])
    assert nearest("xyz", ["VM", "VL"]) == "there are: VM, VL"
    assert nearest("xyz", []) == "there are none"


@given(st.floats(min_value=-1e6, max_value=1e6).filter(lambda value: abs(value) > 1e-3))
def test_printed_numbers_keep_four_digits(value):
    assert float(number_text(value)) == pytest.approx(value, rel=1e-3)


def test_prefixes_follow_the_size():
    assert scaled_unit(3e-4, "V") == (1e-6, "µV")
    assert scaled_unit(4e-3, "V") == (1e-3, "mV")
    assert scaled_unit(0.0, "V") == (1.0, "V")
    assert scaled_unit(80.0, "Hz") == (1.0, "Hz")
    assert number_text(float("nan")) == "–"


def test_columns_line_up():
    text = table_text("title", ["name", "value"], [["a", "1"], ["long", "22"]])
    assert text.splitlines() == ["title", "  name  value", "  a         1", "  long     22"]
