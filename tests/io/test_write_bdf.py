"""What is written as BDF reads back within half a quantum, with rates, marks and lost samples."""

import os
import subprocess
import sys
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import emgkit as ek
from emgkit.errors import OutputError
from emgkit.io.bdf_records import plan_records

FS = 2000.0


def noise(count=6000, scale=1e-4, seed=0, channels=2):
    return np.random.default_rng(seed).normal(0, scale, (channels, count))


def plain(count=6000, fs=FS, **fields):
    return ek.Recording(noise(count), fs, ["VL", "VM"], **fields)


def there_and_back(recording, folder, **asked):
    written = ek.write_recording(recording, folder / "a.bdf", overwrite=True)
    return written, ek.read_recording(folder / "a.bdf", **asked)


def half_a_step(written, name, values):
    # and the rounding of float64 in the scaling
    return 0.5000001 * written.steps[name] + 4 * np.spacing(np.nanmax(np.abs(values)))


def assert_within_half_a_step(back, recording, written):
    assert back.channel_names == recording.channel_names
    assert back.signal.shape == recording.signal.shape
    for name, one, other in zip(recording.channel_names, back.signal, recording.signal, strict=True):
        np.testing.assert_array_equal(np.isnan(one), np.isnan(other))
        assert np.nanmax(np.abs(one - other)) <= half_a_step(written, name, other)
    assert set(back.aux) == set(recording.aux)
    for name, trace in recording.aux.items():
        other = back.aux[name]
        assert (other.values.size, other.unit) == (trace.values.size, trace.unit)
        assert other.fs == pytest.approx(trace.fs, rel=1e-12)
        np.testing.assert_array_equal(np.isnan(other.values), np.isnan(trace.values))
        assert np.nanmax(np.abs(other.values - trace.values)) <= half_a_step(written, name, trace.values)


def test_a_recording_with_trigger_and_force_comes_back(tmp_path):  # I-02
    seconds = 60
    recording = ek.Recording(
        noise(seconds * 2000),
        FS,
        ["VL", "VM"],
        aux={
            "TRIG": ek.Trace((np.arange(seconds * 10000) % 333 < 3) * 5.0, 10000, "V"),
            "force": ek.Trace(np.linspace(0, 412.7, seconds * 100), 100, "N"),
        },
        marks=[ek.Mark("voluntary", 3.25, 8.125), ek.Mark("rest", 10, 12), ek.Mark("go", 0.1, 0.1)],
    )
    written, back = there_and_back(recording, tmp_path)
    assert written.record_duration == 1.0
    assert_within_half_a_step(back, recording, written)
    assert back.fs == FS
    assert back.valid.all()
    assert [(m.label, m.start, m.stop) for m in back.marks] == [(m.label, m.start, m.stop) for m in recording.marks]


def test_the_step_is_that_of_24_bits_over_the_range_of_the_channel(tmp_path):
    recording = plain()
    written, _ = there_and_back(recording, tmp_path)
    for name, row in zip(recording.channel_names, recording.signal, strict=True):
        ideal = np.ptp(row) / (2**24 - 1)
        assert ideal <= written.steps[name] <= 1.001 * ideal


@settings(max_examples=40)
@given(
    low=st.floats(-9.0, 9.0),
    span=st.floats(-7.0, 1.0).map(lambda power: 10.0**power),
    count=st.integers(2, 5000),
    fs=st.sampled_from([500.0, 1000.0, 52 / 0.027, 2000.0, 2048.0, 5000.0, 10000.0]),
)
def test_every_range_and_length_comes_back_within_half_a_step(tmp_path_factory, low, span, count, fs):  # I-16
    folder = tmp_path_factory.mktemp("bdf")
    values = np.random.default_rng(count).uniform(0, 1, count) * span + low
    values[:2] = low, low + span
    emg = noise(count)
    recording = ek.Recording(emg, fs, ["VL", "VM"], aux={"x": ek.Trace(values, fs)})
    written, back = there_and_back(recording, folder)
    assert back.fs == pytest.approx(fs, rel=1e-12)
    assert_within_half_a_step(back, recording, written)
    # 8 characters for a bound leave six digits, and none below 1e-4
    assert written.steps["x"] <= (span + 2e-4 + 4e-6 * (abs(low) + span)) / (2**24 - 1)


def test_a_large_offset_costs_no_resolution(tmp_path):
    recording = ek.Recording(noise() + 0.076, FS, ["VL", "VM"])
    written, back = there_and_back(recording, tmp_path)
    assert_within_half_a_step(back, recording, written)
    assert max(written.steps.values()) < 1e-10


def test_lost_and_missing_samples_come_back(tmp_path):
    signal = noise()
    signal[0, 100:200] = np.nan
    signal[:, 5990:] = np.nan
    valid = np.isfinite(signal)
    valid[1, 500:520] = False
    valid[:, 3000::67] = False
    force = np.linspace(0, 1, 300)
    force[10:20] = np.nan
    recording = ek.Recording(signal, FS, ["VL", "VM"], valid=valid, aux={"force": ek.Trace(force, 100, "N")})
    written, back = there_and_back(recording, tmp_path)
    np.testing.assert_array_equal(back.valid, recording.valid)
    assert_within_half_a_step(back, recording, written)
    assert not back.marks
    np.testing.assert_array_equal(ek.read_recording(tmp_path / "a.bdf", emg="VM").valid[0], valid[1])


@pytest.mark.parametrize(("count", "force"), [(6001, 300), (5987, 299), (6007, 301), (12007, 611)])
def test_a_last_record_that_is_not_full_is_cut_again(tmp_path, count, force):  # I-04
    recording = plain(count, aux={"force": ek.Trace(np.arange(force) * 1.5, 100, "N")})
    written, back = there_and_back(recording, tmp_path)
    assert_within_half_a_step(back, recording, written)
    assert not back.marks


def test_a_cropped_recording_starts_anew_with_its_marks(tmp_path):
    force = ek.Trace(np.linspace(0, 9, 300), 100, "N")
    recording = plain(marks=[ek.Mark("rest", 1.5, 2.5)], aux={"force": force}).crop(1.0, 2.25)
    written, back = there_and_back(recording, tmp_path)
    assert_within_half_a_step(back, recording, written)
    assert (back.start, back.duration) == (0, 1.25)
    assert [(mark.start, mark.stop) for mark in back.marks] == [(0.5, 1.25)]


def test_traces_that_start_elsewhere_are_refused(tmp_path):
    late = plain(aux={"force": ek.Trace(np.arange(100.0), 100, "N", start=0.5)})
    with pytest.raises(OutputError, match=r"'force' starts at 0\.5 s"):
        ek.write_recording(late, tmp_path / "a.bdf")


def test_a_rate_that_bdf_cannot_hold_is_rounded_with_a_warning_or_refused(tmp_path):  # I-13
    with pytest.warns(ek.EmgkitWarning, match=r"written with 1925\.9.* instead of 1925\.926 Hz.*µs off"):
        ek.write_recording(plain(fs=1925.926), tmp_path / "a.bdf")
    back = ek.read_recording(tmp_path / "a.bdf")
    assert abs(back.times[-1] - plain(fs=1925.926).times[-1]) * 1925.926 < 0.05
    with pytest.raises(OutputError, match=r"cannot hold channels of 148\.148, 1925\.926 Hz together"):
        plan_records([1925.926, 148.148], [1925926, 148148])


@given(
    rates=st.lists(
        st.sampled_from([10.0, 100.0, 12.8, 500.0, 1000.0, 2000.0, 2048.0, 10000.0]), min_size=1, max_size=3
    ),
    seconds=st.floats(0.3, 700),
)
def test_every_plan_has_whole_samples_and_room_for_all(rates, seconds):
    sizes = [max(round(rate * seconds), 2) for rate in rates]
    plan = plan_records(rates, sizes)
    assert len(repr(plan.duration).removesuffix(".0")) <= 8
    for rate, size, samples, written in zip(rates, sizes, plan.per_record, plan.rates, strict=True):
        assert samples == pytest.approx(rate * plan.duration, rel=1e-12)
        assert written == pytest.approx(rate, rel=1e-12)
        assert samples * plan.count >= size
        assert samples * (plan.count - 1) < max(sizes) / rates[sizes.index(max(sizes))] * rate + samples


@pytest.mark.parametrize(
    ("names", "aux", "words"),
    [
        (["a name of more than 16 letters", "VM"], {}, "The name 'a name of.*16 ASCII characters"),
        (["Müller", "VM"], {}, "The name 'Müller'"),
        (["VL", "VM"], {"moment": "N·m"}, "The unit 'N·m' of channel 'moment'"),
        (["VL", "VM"], {"VL": "N"}, "Two channels are called 'VL'"),
    ],
)
def test_names_and_units_that_do_not_fit_are_refused(tmp_path, names, aux, words):  # I-14
    traces = {name: ek.Trace(np.arange(300.0), 100, unit) for name, unit in aux.items()}
    with pytest.raises(OutputError, match=words):
        ek.write_recording(ek.Recording(noise(), FS, names, aux=traces), tmp_path / "a.bdf")
    assert not list(tmp_path.iterdir())


def test_values_that_do_not_fit_are_refused(tmp_path):
    for values, words in ((np.r_[1e9, np.zeros(99)], "reaches 1e\\+09"), (np.r_[np.inf, np.zeros(99)], "infinite")):
        with pytest.raises(OutputError, match=words):
            ek.write_recording(plain(aux={"x": ek.Trace(values, 100)}), tmp_path / "a.bdf")
    with pytest.raises(OutputError, match="label"):
        ek.write_recording(plain(marks=[ek.Mark("a\x14b", 0, 1)]), tmp_path / "a.bdf")


def test_micro_signs_are_written_as_u(tmp_path):
    recording = plain(aux={"ref": ek.Trace(np.arange(6000.0), 2000, "µV")})
    _, back = there_and_back(recording, tmp_path)
    assert (back.channel_names, back.aux["ref"].unit) == (("VL", "VM"), "uV")


def test_constant_and_empty_traces_can_be_written(tmp_path):
    recording = plain(aux={"flat": ek.Trace(np.full(300, 2.5), 100), "none": ek.Trace(np.full(300, np.nan), 100)})
    with pytest.warns(ek.EmgkitWarning, match="constant"):
        _, back = there_and_back(recording, tmp_path)
    np.testing.assert_allclose(back.aux["flat"].values, 2.5, atol=1e-6)
    assert np.isnan(back.aux["none"].values).all()


def test_the_same_recording_gives_the_same_bytes(tmp_path):
    for name in ("a", "b"):
        ek.write_recording(plain(marks=[ek.Mark("rest", 0, 1)]), tmp_path / f"{name}.bdf")
    assert (tmp_path / "a.bdf").read_bytes() == (tmp_path / "b.bdf").read_bytes()


def test_mne_opens_the_file_with_the_same_volts(tmp_path):
    import mne

    recording = plain(marks=[ek.Mark("rest", 0.5, 1.25)])
    written = ek.write_recording(recording, tmp_path / "a.bdf")
    raw = mne.io.read_raw_bdf(tmp_path / "a.bdf", verbose="error")
    np.testing.assert_allclose(raw.get_data(), recording.signal, atol=max(written.steps.values()))
    assert [(item["onset"], item["duration"], item["description"]) for item in raw.annotations] == [(0.5, 0.75, "rest")]


def test_nothing_is_overwritten_unless_asked(tmp_path):
    ek.write_recording(plain(), tmp_path / "a.bdf")
    before = (tmp_path / "a.bdf").read_bytes()
    with pytest.raises(OutputError, match=r"exists already.*overwrite=True"):
        ek.write_recording(ek.Recording(noise(seed=1), FS), tmp_path / "a.bdf")
    assert (tmp_path / "a.bdf").read_bytes() == before
    ek.write_recording(ek.Recording(noise(seed=1), FS), tmp_path / "a.bdf", overwrite=True)
    assert (tmp_path / "a.bdf").read_bytes() != before
    assert [item.name for item in tmp_path.iterdir()] == ["a.bdf"]


@pytest.mark.parametrize(
    ("name", "words"), [("a.edf", "end the name in .bdf"), ("no/a.bdf", "there is no folder"), ("d.bdf", "is a folder")]
)
def test_a_target_that_cannot_be_is_refused(tmp_path, name, words):
    (tmp_path / "d.bdf").mkdir()
    with pytest.raises(OutputError, match=words):
        ek.write_recording(plain(), tmp_path / name)


def test_a_folder_without_permission_is_one_clear_line(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir()
    folder.chmod(0o555)
    script = f"""
import os, numpy as np, emgkit as ek
recording = ek.Recording(np.random.default_rng(0).normal(0, 1e-4, (1, 4000)), 2000)
import edfio, emgkit.io.write_bdf
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    ek.write_recording(recording, {str(folder / "a.bdf")!r})
except ek.EmgkitError as error:
    print(type(error).__name__, error)
"""
    for parent in folder.parents:
        if parent.stat().st_uid == os.geteuid() and parent.name.startswith(("pytest-", "popen-", "test_")):
            parent.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("OutputError ")
    assert "ermission denied" in done.stdout
    assert done.stdout.count("\n") == 1


def test_writing_warns_of_nothing_else(tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ek.write_recording(plain(), tmp_path / "a.bdf")
