"""Pulse times are never rounded, and fall into trains."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgkit as ek


def two_trains():
    first = 1.0 + np.arange(40) / 29.985
    return ek.Pulses(np.concatenate([first, first + 10.0]), current=0.05)


def test_a_pause_begins_a_new_train_and_a_missing_pulse_does_not():
    pulses = two_trains()
    assert pulses.n_trains == 2
    assert np.bincount(pulses.train).tolist() == [40, 40]
    assert pulses.select(np.arange(80) != 7).n_trains == 2


def test_the_rate_is_that_within_trains():
    assert two_trains().rate == pytest.approx(29.985)
    assert np.isnan(ek.Pulses([1.0]).rate)


def test_the_rate_of_stimulators_that_take_turns_is_that_of_each():
    onsets = 1.0 + np.arange(200) / 40  # 20 Hz each
    pulses = ek.Pulses(onsets, train=np.arange(200) % 2, stimulator=np.arange(200) % 2)
    assert pulses.rate == pytest.approx(20.0)


@given(st.floats(-5, 5))
def test_shifting_moves_every_time_and_back(seconds):
    moved = two_trains().shift(seconds).shift(-seconds)
    assert moved.onsets == pytest.approx(two_trains().onsets, abs=1e-12)


def test_crop_is_half_open_and_keeps_train_numbers():
    pulses = two_trains()
    part = pulses.crop(pulses.onsets[40], pulses.onsets[50])
    assert len(part) == 10
    assert set(part.train) == {1}
    assert part.current.tolist() == [0.05] * 10


@pytest.mark.parametrize(
    ("onsets", "message"), [([0.0, 0.0], "must increase"), ([1.0, 0.5], "must increase"), ([0.0, np.nan], "not finite")]
)
def test_times_must_be_finite_and_increase(onsets, message):
    with pytest.raises(ek.TimingError, match=message):
        ek.Pulses(onsets)


def test_one_value_per_pulse_is_needed():
    with pytest.raises(ek.ShapeError, match=r"one value per pulse \(2\)"):
        ek.Pulses([0.0, 1.0], current=[0.1])
    with pytest.raises(ek.ParameterError, match="did you mean 'trigger'"):
        ek.Pulses([0.0, 1.0], time_source="triger")


def test_no_pulses_are_a_value_too():
    empty = ek.Pulses([])
    assert len(empty) == empty.n_trains == 0
    assert "0 in 0 trains" in repr(empty)


def test_arrays_are_read_only_and_survive_pickling():
    clock = ek.Clock(29.985, -500.0, 2e-6, [1.5], [], 30.0, "straight line")
    back = pickle.loads(pickle.dumps(ek.Pulses([0.0, 1.0], clock=clock)))
    assert not back.onsets.flags.writeable
    assert not back.clock.missing.flags.writeable
    assert "-500.0 ppm from 30 Hz" in repr(back)


def test_the_table_states_its_units():
    frame = two_trains().to_dataframe()
    assert frame.attrs["units"]["onset"] == "s"
    assert frame.attrs["units"]["current"] == "A"
    assert len(frame) == 80


def test_an_infinite_current_is_refused_and_an_unknown_one_is_not():
    with pytest.raises(ek.ParameterError, match="current must be finite"):
        ek.Pulses([0.0, 0.1], current=[0.01, np.inf])
    assert np.isnan(ek.Pulses([0.0, 0.1], current=[0.01, np.nan]).current[1])
