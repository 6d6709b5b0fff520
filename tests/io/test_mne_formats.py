"""What MNE reads: units, kinds of channels, annotations, and its warnings turned into ours."""

import shutil

import mne
import numpy as np
import pytest

import emgkit as ek

RATE, N = 2000.0, 4000


def read(path, **asked):
    return ek.read_recording(path, format="emgkit.io.mne_formats:MNE", **asked)


@pytest.fixture
def raw():
    rng = np.random.default_rng(0)
    values = np.concatenate([rng.normal(0, 50e-6, (3, N)), [np.arange(N) % 2 * 1.0]])
    made = mne.create_info(["VL", "VM", "Cz", "TRIG"], RATE, ["emg", "emg", "eeg", "stim"])
    built = mne.io.RawArray(values, made, first_samp=500, verbose="error")
    built.set_annotations(mne.Annotations([0.5, 1.0], [0.25, 0.1], ["rest", "BAD_x"], ch_names=[[], ["VM"]]))
    return built


@pytest.fixture
def fif(raw, tmp_path):
    raw.save(tmp_path / "a_raw.fif", verbose="error", fmt="double")
    return tmp_path / "a_raw.fif"


def test_fif_says_what_is_emg_and_the_rest_is_left_or_auxiliary(raw, fif):
    recording = read(fif)
    assert recording.channel_names == ("VL", "VM")
    assert list(recording.aux) == ["TRIG"]
    np.testing.assert_allclose(recording.signal, raw.get_data(picks=["VL", "VM"]), rtol=1e-12)
    assert dict(recording.history[0].parameters["skipped"]) == {"Cz": "not asked for"}  # I-08
    np.testing.assert_allclose(read(fif, emg="Cz").signal, raw.get_data(picks=["Cz"]), rtol=1e-12)


def test_annotations_count_from_the_first_sample_of_the_file(fif):  # I-09
    recording = read(fif)
    assert recording.start == 0.0
    marks = {mark.label: (mark.start, mark.stop) for mark in recording.marks}
    assert marks["rest"] == pytest.approx((0.5, 0.75))
    times = recording.times
    np.testing.assert_array_equal(recording.valid[1], ~((times >= 1.0) & (times < 1.1)))
    assert recording.valid[0].all()


def test_a_filter_in_the_header_is_kept_in_the_history(raw, tmp_path):  # N-16
    raw.load_data().filter(20, 450, picks="emg", verbose="error")
    with raw.info._unlock():
        raw.info["highpass"], raw.info["lowpass"] = 20.0, 450.0
    raw.save(tmp_path / "f_raw.fif", verbose="error")
    assert read(tmp_path / "f_raw.fif").history[0].parameters["filters"] == "high-pass 20 Hz, low-pass 450 Hz"


def test_warnings_of_mne_become_ours(raw, tmp_path):
    with pytest.warns(RuntimeWarning):
        raw.save(tmp_path / "oddname.fif")
    with pytest.warns(ek.EmgkitWarning, match=r"oddname\.fif, from MNE: .*does not conform"):
        read(tmp_path / "oddname.fif")


@pytest.mark.filterwarnings("ignore:a_raw.fif, from MNE")
@pytest.mark.parametrize("kept", [3, 1000, 20000])
def test_a_truncated_fif_is_one_clear_line(fif, kept, capsys):
    fif.write_bytes(fif.read_bytes()[:kept])
    with pytest.raises(ek.EmgkitError, match=r"a_raw\.fif") as caught:
        read(fif)
    assert "\n" not in str(caught.value)
    assert not capsys.readouterr().out


@pytest.mark.real
def test_brainvision_gives_units_and_every_marker(real_data):  # I-09
    recording = read(real_data / "formats" / "mne" / "test.vhdr")
    assert (recording.n_channels, recording.fs, recording.n_samples) == (26, 1000, 7900)
    assert len(recording.marks) == 13
    assert recording.aux["CP6"].unit == "µS"
    with pytest.raises(ek.UnitError, match="CP5 is without a unit"):  # I-06
        read(real_data / "formats" / "mne" / "test.vhdr", emg="CP5")
    with pytest.raises(ek.UnitError, match="'µS', which is no voltage"):
        read(real_data / "formats" / "mne" / "test.vhdr", emg="CP6")


@pytest.mark.real
def test_a_header_without_its_samples_is_refused(real_data, tmp_path):
    shutil.copy(real_data / "formats" / "mne" / "test.vhdr", tmp_path / "test.vhdr")
    with pytest.raises(ek.FormatError, match="cannot be read by MNE"):
        read(tmp_path / "test.vhdr")


@pytest.mark.real
def test_a_fif_without_emg_asks_for_it(real_data):
    path = real_data / "formats" / "mne" / "test_bin_raw.fif"
    with pytest.raises(ek.ChannelError, match=r"does not say which channels are EMG.*EEG 001 \(1000 Hz, V\)"):
        read(path)
    assert list(read(path, emg=["EEG 001"]).aux) == ["STI 014"]
