"""To MNE and back: nothing is lost but what Raw cannot hold, and that is refused."""

import warnings

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import emgkit as ek

FS, N = 2000.0, 3000


def make(start=0.0, fs=FS, *, aux=True, seed=0):
    rng = np.random.default_rng(seed)
    signal = rng.normal(0, 1e-4, (2, N))
    signal[0, 100:150] = np.nan
    valid = np.isfinite(signal)
    valid[1, 700:] = False
    valid[:, 400:410] = False
    traces = {
        "TRIG": ek.Trace((np.arange(N) % 67 < 2) * 5.0, fs, "V", start),
        "force": ek.Trace(np.linspace(0, 300, N), fs, "N", start),
    }
    marks = [ek.Mark("rest", start + 200 / fs, start + 1000 / fs), ek.Mark("go", start + 1400 / fs, start + 1400 / fs)]
    return ek.Recording(
        signal, fs, ["VL", "VM"], valid=valid, start=start, aux=traces if aux else None, marks=marks, source="p07.bdf"
    )


@settings(max_examples=15)
@given(
    begin=st.integers(0, 10**6),
    fs=st.sampled_from([500.0, 1000.0, 1925.926, 2000.0, 2048.0, 10000.0]),
    seed=st.integers(0, 50),
)
def test_there_and_back_gives_the_same_recording(begin, fs, seed):  # I-16
    recording = make(begin / fs, fs, seed=seed)
    back = ek.from_mne(ek.to_mne(recording))
    np.testing.assert_array_equal(back.signal, recording.signal)
    np.testing.assert_array_equal(back.valid, recording.valid)
    assert (back.fs, back.start, back.channel_names) == (fs, recording.start, recording.channel_names)
    assert back.source == "p07.bdf"
    assert [mark.label for mark in back.marks] == ["rest", "go"]
    for one, other in zip(back.marks, recording.marks, strict=True):
        assert (one.start, one.stop) == pytest.approx((other.start, other.stop), abs=1.1e-6)
    for name, trace in recording.aux.items():
        np.testing.assert_array_equal(back.aux[name].values, trace.values)
        assert (back.aux[name].unit, back.aux[name].fs) == (trace.unit, fs)
        assert back.aux[name].start == recording.start
    assert [step.name for step in back.history] == ["from_mne"]


def test_kinds_units_and_time_are_those_of_mne():
    raw = ek.to_mne(make(start=10.0))
    assert raw.get_channel_types() == ["emg", "emg", "stim", "misc"]
    assert (raw.first_samp, raw.info["sfreq"]) == (20000, FS)
    np.testing.assert_array_equal(raw.get_data(picks="emg"), make(start=10.0).signal)
    found = sorted((str(item["description"]), tuple(item["ch_names"])) for item in raw.annotations)
    # of VL and VM together 400 ... 410, of VM from 700 on, of VL without values 100 ... 150
    assert found == [("BAD_lost", ()), ("BAD_lost", ("VM",)), ("BAD_missing", ("VL",)), ("go", ()), ("rest", ())]


def test_marks_outside_the_recording_are_told():
    outside = make().with_marks([ek.Mark("late", 50, 60), ek.Mark("rest", 0.1, 0.2)])
    with pytest.warns(ek.EmgkitWarning, match="1 marks lie outside"):
        assert "rest" in ek.to_mne(outside).annotations.description


def test_nothing_is_shared_with_the_recording():
    recording = make()
    raw = ek.to_mne(recording)
    raw._data[:] = 0
    assert np.nanstd(recording.signal) > 0
    back = ek.from_mne(raw)
    raw._data[:] = 1
    assert not np.nan_to_num(back.signal).any()
    assert not back.signal.flags.writeable


def test_times_stay_right_when_mne_crops():
    raw = ek.to_mne(make(start=10.0)).crop(0.05, 1.0)
    back = ek.from_mne(raw)
    assert back.start == pytest.approx(10.05)
    assert [mark.label for mark in back.marks] == ["rest", "go"]
    assert back.marks[0].start == pytest.approx(10.1)
    np.testing.assert_array_equal(back.signal, make(start=10.0).signal[:, 100:2001])


def test_a_fif_file_keeps_everything(tmp_path):
    raw = ek.to_mne(make(start=3.0))
    raw.save(tmp_path / "a_raw.fif", fmt="double", verbose="error")
    back = ek.from_mne(mne.io.read_raw_fif(tmp_path / "a_raw.fif", verbose="error"))
    np.testing.assert_array_equal(back.signal, make(start=3.0).signal)
    np.testing.assert_array_equal(back.valid, make(start=3.0).valid)
    assert back.aux["force"].unit == "N"


@pytest.mark.parametrize("rate", [500.0, 10000.0])
def test_traces_of_another_rate_are_refused_dropped_or_resampled_on_request(rate):  # I-02
    count = int(N * rate / FS)
    ramp = ek.Trace(np.arange(count) / rate, rate, "s")
    steps = ek.Trace(np.arange(count) // (rate * 0.1) % 2, rate)
    base = make(aux=False)
    recording = ek.Recording(base.signal, FS, base.channel_names, aux={"force": ramp, "trigger": steps})
    with pytest.raises(ek.SamplingRateError, match=r"'force'.*other_rates='drop'"):
        ek.to_mne(recording)
    assert ek.to_mne(recording, other_rates="drop").ch_names == ["VL", "VM"]
    raw = ek.to_mne(recording, other_rates="resample")
    inside = slice(0, N - round(FS / rate))
    np.testing.assert_allclose(raw.get_data(picks=["force"])[0][inside], recording.times[inside], atol=1e-9)
    held = raw.get_data(picks=["trigger"])[0]
    np.testing.assert_array_equal(held, np.floor(recording.times * 10 + 1e-6) % 2)
    with pytest.raises(ek.ParameterError, match="did you mean 'resample'"):
        ek.to_mne(recording, other_rates="resampl")


def test_a_filtered_raw_is_warned_of():  # T-02, N-16
    raw = ek.to_mne(make())
    raw._data[:] = np.nan_to_num(raw._data)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        raw.filter(20, 450, picks="emg", verbose="error")
        if not raw.info["highpass"]:
            with raw.info._unlock():
                raw.info["highpass"] = 20.0
    with pytest.warns(ek.EmgkitWarning, match=r"filtered before .*20 Hz"):
        ek.from_mne(raw)


def test_an_unfiltered_raw_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ek.from_mne(ek.to_mne(make()))


def test_channels_are_picked_by_name_and_never_by_default_kind():
    raw = mne.io.RawArray(np.zeros((2, 100)) + 1e-5, mne.create_info(["a", "b"], FS, "eeg"), verbose="error")
    with pytest.raises(ek.ChannelError, match=r"No channel is of type 'emg'.*a, b"):
        ek.from_mne(raw)
    back = ek.from_mne(raw, emg="a", aux="b")
    assert (back.channel_names, list(back.aux)) == (("a",), ["b"])
    with pytest.raises(ek.ChannelError, match=r"'c' \(emg\): there are: a, b"):
        ek.from_mne(raw, emg="c")


def test_one_name_for_emg_and_trace_is_refused():  # I-14
    base = make()
    twice = ek.Recording(base.signal, FS, base.channel_names, aux={"VL": base.aux["force"]})
    with pytest.raises(ek.ChannelError, match="'VL' is both"):
        ek.to_mne(twice)


def test_a_description_of_somebody_else_does_no_harm():
    raw = ek.to_mne(make(aux=False))
    for text in ("free text", "[1, 2]", '{"emgkit": 3}', None):
        raw.info["description"] = text
        assert ek.from_mne(raw).n_samples == N
