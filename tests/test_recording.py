"""Recordings keep their times, never alias the caller's arrays, and refuse what cannot be right."""

import copy
import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgkit as ek

FS = 2000.0


def recording(**changes):
    signal = np.random.default_rng(1).normal(size=(2, 4000)) * 1e-4
    trace = ek.Trace(np.arange(20000.0), 10000.0, "V")
    marks = [ek.Mark("rest", 1.5, 2.0), ek.Mark("voluntary", 0.5, 1.2)]
    given_fields = {"channel_names": ["VL", "VM"], "aux": {"TRIG": trace}, "marks": marks} | changes
    return ek.Recording(signal, FS, **given_fields)


def arrays(made):
    return [made.signal, made.valid, made.aux["TRIG"].values]


def test_the_callers_array_is_neither_kept_nor_changed():
    mine = np.ones((1, 100))
    made = ek.Recording(mine, FS)
    mine[:] = 7
    assert (made.signal == 1).all()
    assert mine.flags.writeable


@pytest.mark.parametrize("through", [lambda it: it, copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))])
def test_arrays_stay_read_only_through_copying_and_pickling(through):
    for array in arrays(through(recording())):
        with pytest.raises(ValueError, match="WRITEABLE"):
            array.setflags(write=True)


@pytest.mark.parametrize(("unit", "volts"), [("V", 1.0), ("mV", 1e-3), ("uV", 1e-6), ("µV", 1e-6), ("nV", 1e-9)])
def test_units_are_converted_to_volts(unit, volts):
    assert ek.Recording([[2.0, 4.0]], FS, unit=unit).signal == pytest.approx(np.array([[2.0, 4.0]]) * volts)


def test_an_unknown_unit_is_refused_and_the_nearest_offered():
    with pytest.raises(ek.UnitError, match="did you mean 'uV'"):
        ek.Recording([[1.0, 2.0]], FS, unit="UV ")


@given(st.floats(0, 1.9), st.floats(0.01, 1.0))
def test_crop_keeps_the_time_origin(start, length):
    whole = recording()
    part = whole.crop(start, min(start + length, 2.0))
    assert part.times[0] >= start - 1e-9
    assert part.times[-1] < start + length
    first = round(part.start * FS)
    assert np.array_equal(part.signal, whole.signal[:, first : first + part.n_samples])
    assert part.times == pytest.approx(whole.times[first : first + part.n_samples])
    assert part.aux["TRIG"].values == pytest.approx(part.aux["TRIG"].times * 10000, abs=1e-6)


def test_crop_of_a_crop_is_the_crop():
    twice = recording().crop(0.25, 1.75).crop(0.5, 1.0)
    once = recording().crop(0.5, 1.0)
    assert np.array_equal(twice.signal, once.signal)
    assert twice.start == once.start == 0.5
    assert [mark.stop for mark in once.marks] == [1.0]


def test_crop_to_nothing_says_what_there_is():
    with pytest.raises(ek.TimingError, match="from 0 to 2 s"):
        recording().crop(5, 6)


def test_pick_keeps_the_asked_order_and_offers_the_nearest_name():
    assert np.array_equal(recording().pick(["VM", "VL"]).signal, recording().signal[::-1])
    with pytest.raises(ek.ChannelError, match="did you mean 'VL'"):
        recording().pick("VLL")


def test_missing_samples_are_not_valid_and_infinite_ones_refused():
    made = ek.Recording([[1.0, np.nan, 3.0]], FS)
    assert made.valid.tolist() == [[True, False, True]]
    with pytest.raises(ek.ParameterError, match="infinite"):
        ek.Recording([[1.0, np.inf]], FS)


def test_a_transposed_signal_is_refused():
    with pytest.raises(ek.ShapeError, match="transposed"):
        ek.Recording(np.zeros((4000, 2)), FS)


@pytest.mark.parametrize("fs", [0, -1, float("nan"), None, "fast"])
def test_a_sampling_rate_must_be_a_positive_number(fs):
    with pytest.raises(ek.SamplingRateError, match="sampling rate"):
        ek.Recording([[1.0, 2.0]], fs)


def test_with_signal_keeps_everything_else_and_appends_the_step():
    before = recording()
    after = before.with_signal(before.signal * 2, step=ek.Step("double", {"by": 2}))
    assert [step.name for step in after.history] == ["double"]
    assert after.marks == before.marks
    assert before.history == ()
    with pytest.raises(ek.ShapeError, match="keep its shape"):
        before.with_signal(before.signal[:, :-1])


def test_the_table_has_one_row_per_sample_and_its_units():
    frame = recording(valid=np.zeros((2, 4000), bool)).to_dataframe()
    assert list(frame.columns) == ["time", "VL", "VM"]
    assert len(frame) == 4000
    assert frame["VL"].isna().all()
    assert frame.attrs["units"] == {"time": "s", "VL": "V", "VM": "V"}


def test_the_printed_form_names_channels_and_units():
    text = repr(recording(source="p07.bdf"))
    for word in ("2 channels", "2 s at 2000 Hz", "VL", "µV", "p07.bdf", "TRIG", "rest, voluntary"):
        assert word in text


def test_marks_are_sorted_and_checked():
    assert [mark.label for mark in recording().marks] == ["voluntary", "rest"]
    with pytest.raises(ek.TimingError, match="before it starts"):
        ek.Mark("rest", 2, 1)
    with pytest.raises(ek.ParameterError, match="label"):
        ek.Mark("", 1, 2)


def test_masked_samples_are_missing_ones():
    """They were used as if they had been measured."""
    values = np.array([[1.0, 999.0, 3.0], [4.0, 5.0, 6.0]])
    mask = values > 100
    for masked in (np.ma.array(values, mask=mask), [np.ma.array(values[0], mask=mask[0]), np.ma.array(values[1])]):
        recording = ek.Recording(masked, FS)
        assert np.isnan(recording.signal[0, 1])
        assert not recording.valid[0, 1]
        assert np.array_equal(recording.signal[1], values[1])
    assert np.isnan(ek.Recording(np.ma.array([[1, 2, 3]], mask=[[0, 0, 1]]), FS).signal[0, 2])
    assert np.array_equal(ek.Recording(np.ma.array(values), FS).signal, values)
    with pytest.raises(ek.EmgkitError):
        ek.Pulses(np.ma.array([0.1, 0.2], mask=[False, True]))
