"""Every parameter of the simulator refuses what is out of its range, in one line that names it and the range."""

import re
from dataclasses import fields, is_dataclass

import numpy as np
import pytest

import emgkit as ek
from emgkit.simulate import (
    Contact,
    Effort,
    Electrode,
    EvokedParameters,
    FatigueParameters,
    FrontEnd,
    Montage,
    PoolParameters,
    PulseShape,
    Session,
    Stimulator,
    Surroundings,
    nmes_fatigue,
    tiny,
)

PARTS = (
    Contact,
    Effort,
    Electrode,
    EvokedParameters,
    FatigueParameters,
    FrontEnd,
    Montage,
    PoolParameters,
    PulseShape,
    Session,
    Stimulator,
    Surroundings,
)
NAN = float("nan")
NO_NUMBERS = (NAN, float("inf"), "fast", (1.0, 2.0), object(), True)
NO_ROWS = (NAN, 1.0, "fast", (NAN,), ("fast", "slow", "fast"), {"fast": 1}, object(), ((1.0, NAN),))
NO_OBJECTS = (NAN, 1.0, "fast", None, (), object())


def wrong_values(part, item):
    """What a field must refuse: by the kind of its default and its annotation."""
    default = getattr(part(), item.name)
    if is_dataclass(default):
        return NO_OBJECTS
    if "tuple" in item.type or "Span" in item.type:
        return NO_ROWS
    if item.type == "bool":
        return ("yes", 1, None)
    if item.type == "str":
        return ("fast", 1.0, None, NAN)
    far = (-1e9, 1e9)
    return (*NO_NUMBERS, *far) if "None" in item.type else (*NO_NUMBERS, *far, None)


EVERY_FIELD = [pytest.param(part, item, id=f"{part.__name__}.{item.name}") for part in PARTS for item in fields(part)]


@pytest.mark.parametrize(("part", "item"), EVERY_FIELD)
def test_wrong_values_of_every_field_are_one_line_that_names_it(part, item):
    for wrong in wrong_values(part, item):
        with pytest.raises(ek.errors.EmgkitError) as caught:
            part(**{item.name: wrong})
        message = str(caught.value)
        assert re.search(rf"\b{item.name}\b", message), f"{wrong!r}: {message}"
        assert "\n" not in message
        assert len(message) < 300


def refusal(part, arguments):
    try:
        part(**arguments)
    except ek.errors.EmgkitError as error:
        return str(error).partition(" got")[0]
    return None


@pytest.mark.parametrize(("part", "item"), [one for one in EVERY_FIELD if one.values[1].type in ("float", "int")])
def test_the_range_that_is_named_is_the_range_that_holds(part, item):
    for far in (-1e9, 1e9) if item.type == "float" else (-1, 10**9):
        with pytest.raises(ek.ParameterError) as caught:
            part(**{item.name: far})
        found = re.search(r"(-?[\d.e+-]+) \.\.\. (-?[\d.e+-]+)", str(caught.value))
        assert found, str(caught.value)
        for edge in found.groups():
            value = float(edge) if item.type == "float" else int(float(edge))
            # the edge itself may contradict another parameter, which is said in other words
            assert refusal(part, {item.name: value}) != refusal(part, {item.name: far})


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"duration": -1}, "duration must lie within 1 ... 3600 s"),
        ({"rate": 0}, "rate must lie within 0.05 ... 150 Hz"),
        ({"width": -1e-6}, "width must lie within 1e-05 ... 0.005 s"),
        ({"pulse": PulseShape(width=5e-3), "rate": 120.0}, "longer than the interval of 8.33 ms that rate=120 Hz"),
        ({"doublet": 1e-4}, "longer than the interval of 0.1 ms"),
        ({"near": 0.004}, "near, spacing and shift .* outside the end-plate zone .* 10 ... 55 mm"),
        ({"near": 0.05}, "over the fibres, 10 ... 55 mm"),
        ({"units": 0}, "units must be a whole number 1 ... 2000"),
        ({"bursts": 40}, "bursts must lie within 0 ... 14 where each takes burst_length=4 s"),
        ({"stimulation": (5.0, 500.0)}, "stimulation must lie within 0 ... 60 s"),
        ({"trains": ((5.0, 500.0),)}, "trains must lie within 0 ... 60 s"),
        ({"trains": ((5.0, 8.0), (7.0, 9.0))}, "trains must hold starts before their stops"),
        ({"contractions": ((50.0, 70.0),)}, "contractions must lie within 0 ... 60 s"),
        ({"on": 100.0, "off": 1.0}, "on=100 s does not fit"),
        ({"on": 1.0}, "on and off belong together"),
        ({"effort": 2}, "effort must lie within 0 ... 1"),
        ({"efforts": (1.0, 3.0)}, "efforts times effort must lie within 0 ... 1"),
        ({"profile": ((1.0, 0.5), (1.0, 0.6))}, "profile must hold pairs of rising times"),
        ({"taus": (1e-3, 2e-3)}, "taus and shares must be equally many, got 2 and 1"),
        ({"channel_names": ("VL", "VL")}, "channel_names must hold different names"),
        ({"channel_names": ("VL",), "lateral": (0.0, 0.01)}, "channel_names must hold 2 names per muscle"),
        ({"stimulated": ("RF",)}, "stimulated names .'RF'., which are no channels"),
        ({"levels": (100.0,), "current": 1.0}, "current times the largest of .* must lie within 0 ... 1 A, got 100"),
        (
            {"levels": (8.0,), "pulse_levels": (0.5, 2.0)},
            "levels, pulse_levels and modulation must lie within 0 ... 1 A",
        ),
        ({"current": 0.7, "modulation": 0.5}, "must lie within 0 ... 1 A, got 1.05"),
        ({"noize": 1}, "did you mean 'noise'"),
    ],
)
def test_parameters_that_contradict_each_other_are_one_clear_error(overrides, message):
    small = {"pool": PoolParameters(units=2, fibres_per_unit=1), "channel_names": ("VL",)}
    with pytest.raises(ek.ParameterError, match=message):
        nmes_fatigue(rng=np.random.default_rng(0), **{**small, **overrides})


@pytest.mark.parametrize(
    "wrong",
    [
        {"fs": 1000.0, "low_pass": 850.0},
        {"fs": 1000.0, "low_pass": 455.0},
        {"fs": 900.0, "high_pass": 400.0},
        {"high_pass": 400.0, "low_pass": 90.0},
    ],
)
def test_a_rate_too_low_for_the_spectrum_is_refused(wrong):
    with pytest.raises(ek.SamplingRateError, match=r"low_pass must lie between high_pass .* and 0.45 fs"):
        FrontEnd(**wrong)


def test_a_rate_too_low_for_the_fibres_below_the_electrodes_is_refused():
    small = {"units": 2, "fibres_per_unit": 1}
    for wrong, least in (
        ({"fat": 0.0}, 6000),
        ({"fs": 1000.0, "fat": 0.002}, 1200),
        ({"velocity": 8.0, "fat": 0.001}, 4000),
    ):
        with pytest.raises(
            ek.SamplingRateError, match=rf"fs must be at least {least} Hz, so that it holds the spectrum"
        ):
            tiny(rng=np.random.default_rng(0), **small, **wrong)
    assert tiny(rng=np.random.default_rng(0), **small, fat=0.0, fs=6000.0).recording.fs == 6000


def test_an_m_wave_that_no_reader_takes_for_emg_is_refused():
    for wrong in ({"m_max": 0.5}, {"m_max": 0.015, "sizes": (1.0, 2.0)}):
        with pytest.raises(ek.ParameterError, match=r"m_max .*must lie within .* 0.02 V"):
            tiny(rng=np.random.default_rng(0), **wrong)


def test_a_sampling_rate_below_the_range_is_refused():
    with pytest.raises(ek.ParameterError, match=r"fs must lie within 900 ... 10000 Hz"):
        FrontEnd(fs=500.0)


def test_nothing_within_reach_of_a_reflex_is_an_error():
    with pytest.raises(ek.ParameterError, match="raise reach"):
        tiny(rng=np.random.default_rng(0), reach=0.0, h_reflex=0.3)


def test_rows_may_be_lists_and_are_kept_as_tuples():
    assert Stimulator(trains=[[0, 1], [2, 3]]).trains == ((0.0, 1.0), (2.0, 3.0))
    assert Contact(gains=[1, 2]).gains == (1.0, 2.0)
