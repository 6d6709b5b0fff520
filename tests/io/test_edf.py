"""EDF and BDF are read exactly: units, rates, annotations, pauses, damage."""

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgkit as ek
from emgkit.errors import UnitError

sys.path.insert(0, str(Path(__file__).parent))
from edf_bytes import Signal, file_bytes, noise, time_stamps

FORMATS = {".edf": "emgkit.io.edf:EDF", ".bdf": "emgkit.io.edf:BDF"}
VOLTS = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6, "microV": 1e-6, "nV": 1e-9, "uv": 1e-6, "Microvol": None}


def read(path, **asked):
    return ek.read_recording(path, format=FORMATS[path.suffix], **asked)


def write(path, signals, **fields):
    path.write_bytes(file_bytes(signals, kind=path.suffix[1:].upper(), **fields))
    return path


def emg(label="VL", unit="uV", seconds=3, rate=2000, seed=0, **fields):
    return Signal(label, unit, noise(seconds * rate, seed=seed), rate, **fields)


@pytest.mark.parametrize("unit", ["V", "mV", "uV", "µV", "microV", "nV"])
def test_physical_values_follow_the_header_in_every_unit_of_voltage(tmp_path, unit):  # I-06
    factor = VOLTS[unit]
    span = 1e-3 / factor
    signal = emg(unit=unit, physical=(-span, span))
    recording = read(write(tmp_path / "a.edf", [signal]))
    np.testing.assert_allclose(recording.signal[0], signal.values * factor, rtol=0, atol=1e-12 * span * factor)
    assert recording.history[0].parameters["units"]["VL"] == unit
    assert recording.history[0].parameters["unit_source"] == "file"
    assert recording.start == 0.0


@given(
    low=st.integers(-900, -10),
    high=st.integers(10, 900),
    dmin=st.integers(-32768, -1),
    dmax=st.integers(1, 32767),
    turned=st.booleans(),
)
def test_scaling_is_the_line_through_the_four_numbers_of_the_header(tmp_path_factory, low, high, dmin, dmax, turned):
    digital = np.random.default_rng(1).integers(dmin, dmax + 1, 4000)
    digital[:2] = dmin, dmax
    physical = (float(high), float(low)) if turned else (float(low), float(high))
    signal = Signal("VL", "uV", digital, 2000, physical, (dmin, dmax))
    path = write(tmp_path_factory.mktemp("edf") / "a.edf", [signal])
    recording = read(path)
    assert recording.signal[0, 0] == pytest.approx(physical[0] * 1e-6, abs=1e-15)
    assert recording.signal[0, 1] == pytest.approx(physical[1] * 1e-6, abs=1e-15)
    np.testing.assert_allclose(recording.signal[0], signal.values * 1e-6, rtol=0, atol=1e-14)


def test_bdf_uses_all_24_bits(tmp_path):
    signal = Signal("VL", "uV", noise(6000, 3e6).clip(-8388608, 8388607), 2000, (-5000, 5000), (-8388608, 8388607))
    signal.digital[:2] = -8388608, 8388607
    recording = read(write(tmp_path / "a.bdf", [signal]))
    np.testing.assert_allclose(recording.signal[0], signal.values * 1e-6, rtol=0, atol=1e-14)


@pytest.mark.parametrize("unit", ["", "bits", "counts"])
def test_a_unit_that_is_none_is_asked_for_and_taken_when_given(tmp_path, unit):  # I-06
    path = write(tmp_path / "a.edf", [emg(unit=unit)])
    with pytest.raises(UnitError, match=r"unit='uV'.*--unit.*\[read\]"):
        read(path)
    known = read(path, unit="uV")
    assert known.history[0].parameters["unit_source"] == "user"
    np.testing.assert_allclose(known.signal[0], emg().values * 1e-6, atol=1e-15)


def test_a_unit_that_contradicts_the_file_needs_an_explicit_override(tmp_path):
    path = write(tmp_path / "a.edf", [emg(unit="mV", physical=(-3, 3))])
    with pytest.raises(UnitError, match="contradicts"):
        read(path, unit="uV")
    assert read(path, unit="mV").signal.std() == pytest.approx(read(path).signal.std())
    np.testing.assert_allclose(read(path, unit="uV", override_unit=True).signal, 1e-3 * read(path).signal)


def test_a_channel_in_another_quantity_is_no_emg(tmp_path):
    with pytest.raises(UnitError, match="no voltage"):
        read(write(tmp_path / "a.edf", [emg(unit="degC")]), emg="VL")


def test_every_channel_keeps_its_own_rate(tmp_path):  # I-02
    trigger = Signal("TRIG", "V", np.where(np.arange(30000) % 333 < 3, 32767, 0), 10000, (0, 5), (0, 32767))
    force = Signal("force", "N", noise(300), 100, (0, 500))
    recording = read(write(tmp_path / "a.edf", [emg(), emg("VM", seed=1), trigger, force]))
    assert recording.channel_names == ("VL", "VM")
    assert recording.fs == 2000
    assert {name: trace.fs for name, trace in recording.aux.items()} == {"TRIG": 10000, "force": 100}
    assert {name: trace.unit for name, trace in recording.aux.items()} == {"TRIG": "V", "force": "N"}
    np.testing.assert_allclose(recording.aux["TRIG"].values, trigger.values, atol=1e-12)
    np.testing.assert_allclose(recording.aux["force"].values, force.values, atol=1e-12)


def test_emg_of_several_rates_is_refused_with_the_list(tmp_path):  # I-02
    path = write(tmp_path / "a.edf", [emg(), emg("fast", rate=4000)])
    with pytest.raises(ek.ChannelError, match=r"several rates.*VL \(2000 Hz, uV\), fast \(4000 Hz, uV\)"):
        read(path)
    with pytest.raises(ek.SamplingRateError, match="VL 2000 Hz, fast 4000 Hz"):
        read(path, emg=["VL", "fast"])
    assert read(path, emg="fast").fs == 4000
    assert dict(read(path, emg="fast").history[0].parameters["skipped"]) == {"VL": "not asked for"}  # I-08


@pytest.mark.parametrize("rate", [500, 1000, 2000, 2048, 5000, 10000])
def test_common_rates_are_exact(tmp_path, rate):  # I-16, I-15
    recording = read(write(tmp_path / "a.edf", [emg(f"EMG{index}", rate=rate) for index in range(32)]))
    assert recording.fs == rate
    assert recording.n_channels == 32
    assert recording.times[-1] == (recording.n_samples - 1) / rate  # N-17, F-12


def test_odd_rates_follow_from_the_record_duration(tmp_path):  # I-16
    signal = Signal("VL", "uV", noise(52 * 20), 52, (-1000, 1000))
    recording = read(write(tmp_path / "a.edf", [signal], duration=0.027))
    assert recording.fs == pytest.approx(52 / 0.027, rel=1e-15)  # 1925.926 Hz


def test_a_rate_that_no_emg_has_is_refused_or_warned_of(tmp_path):  # I-01
    slow = write(tmp_path / "slow.edf", [Signal("VL", "uV", noise(100), 1, (-1000, 1000))], duration=27)
    with pytest.raises(ek.SamplingRateError, match=r"0\.037037 Hz"):
        read(slow)
    low = write(tmp_path / "low.edf", [emg(rate=256)])
    with pytest.warns(ek.EmgkitWarning, match="256 Hz is low for EMG"):
        read(low)
    with pytest.raises(ek.SamplingRateError, match="recorded at 2000 Hz"):  # I-05
        read(write(tmp_path / "a.edf", [emg()]), fs=1000)


def test_annotations_become_marks_and_none_is_lost(tmp_path):  # I-09
    notes = [(0, 0.25, 0.5, "rest"), (1, 1.5, 0, "go"), (2, 2.0, 0.75, "voluntary µ")]
    path = write(tmp_path / "a.edf", [emg(), time_stamps([0, 1, 2], notes)], reserved="EDF+C")
    marks = read(path).marks
    expected = [("rest", 0.25, 0.75), ("go", 1.5, 1.5), ("voluntary µ", 2.0, 2.75)]
    assert [(mark.label, mark.start, mark.stop) for mark in marks] == expected


def test_bad_annotations_make_samples_invalid_for_all_or_one_channel(tmp_path):
    notes = [(0, 0.5, 0.25, "BAD_movement"), (1, 1.0, 0.5, "BAD_lost@@VM"), (2, 2.0, 0.1, "BAD_missing@@VL")]
    path = write(tmp_path / "a.edf", [emg(), emg("VM", seed=1), time_stamps([0, 1, 2], notes)], reserved="EDF+C")
    recording = read(path)
    times = recording.times
    moved = (times >= 0.5) & (times < 0.75)
    np.testing.assert_array_equal(recording.valid[0], ~moved & ~((times >= 2.0) & (times < 2.1)))
    np.testing.assert_array_equal(recording.valid[1], ~moved & ~((times >= 1.0) & (times < 1.5)))
    np.testing.assert_array_equal(np.isnan(recording.signal[0]), (times >= 2.0) & (times < 2.1))
    assert not np.isnan(recording.signal[1]).any()
    assert [mark.label for mark in recording.marks] == ["BAD_movement"]


@pytest.mark.parametrize("kind", ["edf", "bdf"])
def test_pauses_of_a_discontinuous_file_become_missing_samples(tmp_path, kind):  # I-04
    signal, force = emg(), Signal("force", "N", noise(300), 100, (0, 500))
    stamps = time_stamps([0, 1, 3.5], kind=kind.upper())
    path = write(tmp_path / f"a.{kind}", [signal, force, stamps], reserved=f"{kind.upper()}+D")
    recording = read(path)
    assert recording.duration == 4.5
    gap = (recording.times >= 2.0) & (recording.times < 3.5)
    np.testing.assert_array_equal(recording.valid[0], ~gap)
    np.testing.assert_allclose(recording.signal[0, ~gap], signal.values * 1e-6, atol=1e-14)
    assert np.isnan(recording.aux["force"].values).sum() == 150
    assert recording.history[0].parameters["discontinuous"] is True


def test_a_pause_of_half_a_sample_is_refused(tmp_path):  # I-04
    path = write(tmp_path / "a.edf", [emg(), time_stamps([0, 1, 2.00025])], reserved="EDF+D")
    with pytest.raises(ek.FormatError, match="no whole number of samples"):
        read(path)


def test_records_that_overlap_are_refused(tmp_path):
    path = write(tmp_path / "a.edf", [emg(), time_stamps([0, 1, 1.5])], reserved="EDF+D")
    with pytest.raises(ek.FormatError, match="record 3 starts before"):
        read(path)


def test_discontinuous_without_times_is_refused(tmp_path):
    with pytest.raises(ek.FormatError, match="no times of its records"):
        read(write(tmp_path / "a.edf", [emg()], reserved="EDF+D"))


@pytest.mark.parametrize("kind", ["edf", "bdf"])
@pytest.mark.parametrize("missing", [1, 1000, 4001, 12000])
def test_a_truncated_file_is_refused_and_its_whole_records_are_read_on_request(tmp_path, kind, missing):
    signal = emg(digital_range=(-32768, 32767))
    content = file_bytes([signal], kind=kind.upper())
    path = tmp_path / f"a.{kind}"
    path.write_bytes(content[:-missing])
    with pytest.raises(ek.FormatError, match=r"ends early.*promises 3 data records"):
        read(path)
    whole = (len(content) - missing - 512) // (2000 * (2 if kind == "edf" else 3))
    if whole:
        with pytest.warns(ek.EmgkitWarning, match="only the whole ones"):
            kept = read(path, allow_truncated=True)
        assert kept.duration == whole
    else:
        with pytest.raises(ek.FormatError, match="ends early"):
            read(path, allow_truncated=True)


def test_a_file_that_was_never_closed_is_refused(tmp_path):
    with pytest.raises(ek.FormatError, match="was not closed"):
        read(write(tmp_path / "a.edf", [emg()], promised=-1))


@pytest.mark.parametrize("length", [1, 100, 255, 300])
def test_a_cut_header_is_one_clear_line(tmp_path, length):
    path = tmp_path / "a.edf"
    path.write_bytes(file_bytes([emg()])[:length])
    with pytest.raises(ek.FormatError) as caught:
        read(path)
    assert "\n" not in str(caught.value)


def test_a_header_of_nonsense_is_refused(tmp_path):
    content = bytearray(file_bytes([emg()]))
    content[244:252] = b"oneveryy"
    (tmp_path / "a.edf").write_bytes(content)
    with pytest.raises(ek.FormatError, match="header is damaged"):
        read(tmp_path / "a.edf")
    content = bytearray(file_bytes([emg()]))
    content[256 + 104 : 256 + 112] = b"low     "
    (tmp_path / "a.edf").write_bytes(content)
    with pytest.raises(ek.FormatError, match="VL has no calibration"):
        read(tmp_path / "a.edf")


def test_a_wrong_suffix_is_recognised(tmp_path):
    (tmp_path / "a.edf").write_bytes(file_bytes([emg()], kind="BDF"))
    with pytest.raises(ek.FormatError, match="is BDF, not EDF: say format='bdf'"):
        read(tmp_path / "a.edf")
    (tmp_path / "b.edf").write_text("time,VL\n0,1\n" * 200)
    with pytest.raises(ek.FormatError, match="is no EDF file"):
        read(tmp_path / "b.edf")


def test_a_channel_that_is_not_there_is_named_with_the_nearest(tmp_path):
    path = write(tmp_path / "a.edf", [emg("VL"), emg("VM", seed=1)])
    with pytest.raises(ek.ChannelError, match=r"no channel 'Vl' \(emg\): did you mean 'VL'\? There are: VL, VM"):
        read(path, emg="Vl")
    with pytest.raises(ek.ChannelError, match="'trig'"):
        read(path, aux="trig")
    with pytest.raises(ek.ChannelError, match="as EMG and as auxiliary"):
        read(path, emg="VL", aux="VL")
    with pytest.raises(ek.ChannelError, match="twice"):
        read(path, emg=["VL", "VL"])
    with pytest.raises(ek.ChannelError, match="at least one"):
        read(path, emg=[])
    assert read(path, emg=["VM", "VL"]).channel_names == ("VM", "VL")


def test_channels_of_one_name_are_told_apart_by_number(tmp_path):  # I-14
    first, second = emg("VL"), emg("VL", seed=1)
    path = write(tmp_path / "a.edf", [first, second])
    with pytest.raises(ek.ChannelError, match="ask for VL#1 or VL#2"):
        read(path, emg="VL")
    np.testing.assert_allclose(read(path, emg="VL#2").signal[0], second.values * 1e-6, atol=1e-15)
    assert read(path).channel_names == ("VL#1", "VL#2")


def test_channels_that_the_file_calls_emg_go_before_others_in_volts(tmp_path):
    signals = [emg("EEG Cz"), emg("VL", transducer="EMG"), emg("EMG VM", seed=1)]
    recording = read(write(tmp_path / "a.edf", signals))
    assert recording.channel_names == ("VL", "EMG VM")
    assert list(recording.aux) == ["EEG Cz"]


def test_a_constant_trigger_is_warned_of(tmp_path):  # I-09
    trigger = Signal("TRIG", "V", np.zeros(6000, int), 2000, (0, 5), (0, 32767))
    with pytest.warns(ek.EmgkitWarning, match="TRIG is constant"):
        read(write(tmp_path / "a.edf", [emg(), trigger]))


def test_a_channel_without_calibration_is_refused(tmp_path):
    with pytest.raises(ek.FormatError, match="no calibration"):
        read(write(tmp_path / "a.edf", [emg(physical=(0, 0))]))


def test_of_the_status_channel_of_biosemi_the_trigger_bits_remain(tmp_path):
    codes = np.where(np.arange(6000) % 100 < 5, 255, 0)
    status = Signal("Status", "Boolean", codes - 0x680000, 2000, (-8388608, 8388607), (-8388608, 8388607))
    recording = read(write(tmp_path / "a.bdf", [emg(), status]))
    np.testing.assert_array_equal(recording.aux["Status"].values, codes)


@pytest.mark.real
def test_shared_files_give_what_was_measured_on_them(real_data):
    folder = real_data / "formats" / "mne"
    biosemi = read(folder / "test.bdf")
    assert (biosemi.n_channels, biosemi.fs) == (72, 2048)
    assert np.ptp(biosemi.signal[0]) == pytest.approx(389.34e-6, abs=0.01e-6)
    plus = read(folder / "test.edf")
    assert (plus.n_channels, plus.fs, len(plus.marks)) == (138, 512, 5)
    with pytest.raises(ek.ChannelError, match=r"3Hz \+5/-5 V \(100 Hz, V\), 0.2Hz Blk 1/0uV \(12.8 Hz, uV\)"):  # I-02
        read(folder / "test_uneven_samp.edf")
    with pytest.warns(ek.EmgkitWarning, match="200 Hz is low"):
        stimulus = read(folder / "test_stim_channel.edf")
    assert set(stimulus.aux) == {"stAtUs", "tRigGer"}
