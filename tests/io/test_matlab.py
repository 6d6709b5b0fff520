"""MATLAB files of both kinds: named variables for signal and rate, orientation stated."""

import h5py
import numpy as np
import pytest
from scipy.io import savemat

import emgkit as ek

N = 4000
VOLTAGE = np.random.default_rng(0).normal(0, 100, (2, N))


def save_v73(path, variables):
    """Write what MATLAB writes with -v7.3: HDF5 behind 512 bytes of header, columns first, structs as groups."""
    with h5py.File(path, "w", userblock_size=512) as file:
        _fill(file, variables)
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


def _fill(group, variables):
    for name, value in variables.items():
        if isinstance(value, dict):
            _fill(group.create_group(name), value)
        else:
            array = np.atleast_2d(np.asarray(value))
            group.create_dataset(name, data=array.T).attrs["MATLAB_class"] = np.bytes_(str(array.dtype))


def save_v5(path, variables):
    savemat(path, variables, do_compression=True)


both = pytest.mark.parametrize("save", [save_v5, save_v73], ids=["v5", "v7.3"])


def read(path, **asked):
    return ek.read_recording(path, format="emgkit.io.matlab:MATLAB", **asked)


@both
@pytest.mark.parametrize("turned", [False, True])
def test_a_long_matrix_and_its_rate_are_found(tmp_path, save, turned):
    save(tmp_path / "a.mat", {"emg": VOLTAGE.T if turned else VOLTAGE, "Fs": 2000})
    recording = read(tmp_path / "a.mat", unit="uV")
    np.testing.assert_allclose(recording.signal, VOLTAGE * 1e-6, rtol=1e-15)
    assert recording.channel_names == ("emg1", "emg2")
    assert (recording.fs, recording.history[0].parameters["fs_source"]) == (2000, "file")


@both
def test_rows_and_columns_give_one_channel_of_the_variables_name(tmp_path, save):
    save(tmp_path / "a.mat", {"VL": VOLTAGE[:1], "VM": VOLTAGE[1:].T, "rate": 2000.0})
    recording = read(tmp_path / "a.mat", variable=["VL", "VM"], rate_variable="rate", unit="uV")
    np.testing.assert_allclose(recording.signal, VOLTAGE * 1e-6, rtol=1e-15)
    assert recording.channel_names == ("VL", "VM")


@both
def test_unit_and_rate_are_asked_for(tmp_path, save):  # I-06
    save(tmp_path / "a.mat", {"emg": VOLTAGE, "gain": 1000})
    with pytest.raises(ek.SamplingRateError, match=r"fs=2000.*--fs.*fs in \[read\].*rate_variable=.*file: gain"):
        read(tmp_path / "a.mat", unit="uV")
    with pytest.raises(ek.UnitError, match=r"--unit.*unit in \[read\]"):
        read(tmp_path / "a.mat", fs=2000)
    assert read(tmp_path / "a.mat", fs=2000, unit="uV").fs == 2000


@both
def test_a_rate_that_contradicts_the_file_is_refused(tmp_path, save):  # I-05
    save(tmp_path / "a.mat", {"emg": VOLTAGE, "sampling_rate": 2000})
    with pytest.raises(ek.SamplingRateError, match="recorded at 2000 Hz, fs=1000 contradicts"):
        read(tmp_path / "a.mat", fs=1000, unit="uV")
    with pytest.raises(ek.SamplingRateError, match=r"'emg' is no single number but has shape \(2, 4000\)"):
        read(tmp_path / "a.mat", rate_variable="emg", unit="uV")


@both
def test_several_candidates_are_listed_with_their_shapes(tmp_path, save):
    save(tmp_path / "a.mat", {"emg": VOLTAGE, "force": np.arange(N), "Fs": 2000})
    with pytest.raises(ek.FormatError, match=r"variable='emg'.*--variable.*emg \(2 x 4000\), force \((1 x )?4000\)"):
        read(tmp_path / "a.mat", unit="uV")
    with pytest.raises(ek.ChannelError, match=r"'emgg' \(variable\): did you mean 'emg'"):
        read(tmp_path / "a.mat", variable="emgg", unit="uV")
    recording = read(tmp_path / "a.mat", variable="emg", unit="uV", units={"force": "N"})
    np.testing.assert_array_equal(recording.aux["force"].values, np.arange(N))
    assert (recording.aux["force"].unit, recording.aux["force"].fs) == ("N", 2000)


@both
def test_a_trace_of_another_length_needs_its_rate(tmp_path, save):  # I-04, I-02
    save(tmp_path / "a.mat", {"emg": VOLTAGE, "force": np.arange(200.0), "Fs": 2000})
    path = tmp_path / "a.mat"
    assert "force" not in read(path, variable="emg", unit="uV").aux
    with pytest.raises(ek.SamplingRateError, match="force has 200 samples and the EMG 4000: give its rate"):
        read(path, variable="emg", unit="uV", aux=["force"])
    trace = read(path, variable="emg", unit="uV", aux=["force"], rates={"force": 100}).aux["force"]
    assert (trace.fs, trace.duration) == (100, 2.0)
    with pytest.raises(ek.ChannelError, match="did you mean 'force'"):
        read(path, variable="emg", unit="uV", rates={"forze": 100})


@both
def test_an_unclear_orientation_is_asked_for_and_more_channels_than_samples_are_refused(tmp_path, save):
    short = VOLTAGE.reshape(-1)[:1200].reshape(30, 40)
    save(tmp_path / "a.mat", {"emg": short, "Fs": 2000})
    path = tmp_path / "a.mat"
    with pytest.raises(ek.ShapeError, match=r"'emg' is 30 x 40.*orientation='channels_first'"):
        read(path, unit="uV")
    np.testing.assert_allclose(read(path, unit="uV", orientation="channels_first").signal, short * 1e-6)
    with pytest.raises(ek.ShapeError, match="40 channels of 30 samples"):
        read(path, unit="uV", orientation="samples_first")
    with pytest.raises(ek.ParameterError, match="did you mean 'samples_first'"):
        read(path, unit="uV", orientation="sample_first")


@both
def test_fields_of_structs_are_named_with_dots(tmp_path, save):
    save(tmp_path / "a.mat", {"trial": {"emg": VOLTAGE, "info": {"srate": 2000.0}}})
    recording = read(tmp_path / "a.mat", variable="trial.emg", rate_variable="trial.info.srate", unit="uV")
    assert recording.channel_names == ("emg1", "emg2")
    assert recording.fs == 2000


@both
def test_channels_can_be_named(tmp_path, save):
    save(tmp_path / "a.mat", {"emg": VOLTAGE, "Fs": 2000})
    asked = {"unit": "uV", "channel_names": ("VL", "VM")}
    assert read(tmp_path / "a.mat", **asked).channel_names == ("VL", "VM")
    np.testing.assert_allclose(read(tmp_path / "a.mat", emg="VM", **asked).signal[0], VOLTAGE[1] * 1e-6)
    with pytest.raises(ek.ChannelError, match="1 channel_names for 2 channels"):
        read(tmp_path / "a.mat", unit="uV", channel_names=("VL",))


@pytest.mark.parametrize("dtype", ["int16", "int32", "uint16", "float32", "float64"])
def test_every_kind_of_number_is_read_as_it_is(tmp_path, dtype):
    values = (VOLTAGE[:1] + 1000).astype(dtype)
    save_v5(tmp_path / "a.mat", {"emg": values, "Fs": np.uint16(2000)})
    np.testing.assert_array_equal(read(tmp_path / "a.mat", unit="uV").signal[0], values[0].astype(float) * 1e-6)


@both
def test_missing_samples_become_invalid(tmp_path, save):
    gap = VOLTAGE.copy()
    gap[0, 100:200] = np.nan
    save(tmp_path / "a.mat", {"emg": gap, "Fs": 2000})
    recording = read(tmp_path / "a.mat", unit="uV")
    np.testing.assert_array_equal(recording.valid, np.isfinite(gap))


@both
@pytest.mark.parametrize("kept", [5, 100, 130, 600, 0.3, 0.9])
def test_a_truncated_file_is_one_clear_line(tmp_path, save, kept):
    save(tmp_path / "a.mat", {"emg": VOLTAGE, "Fs": 2000})
    content = (tmp_path / "a.mat").read_bytes()
    (tmp_path / "a.mat").write_bytes(content[: kept if kept > 1 else int(kept * len(content))])
    with pytest.raises(ek.FormatError, match=r"a\.mat") as caught:
        read(tmp_path / "a.mat", unit="uV")
    assert "\n" not in str(caught.value)


def test_bytes_that_were_hit_are_refused_in_one_line_or_lie_in_the_samples(tmp_path):
    save_v73(tmp_path / "a.mat", {"emg": VOLTAGE[:, :400], "Fs": 2000})
    good = (tmp_path / "a.mat").read_bytes()
    rng = np.random.default_rng(0)
    refused = 0
    for _ in range(60):
        content = bytearray(good)
        for place in rng.integers(512, len(good), 20):
            content[place] = rng.integers(256)
        (tmp_path / "a.mat").write_bytes(content)
        try:
            read(tmp_path / "a.mat", unit="uV")
        except ek.EmgkitError as error:
            refused += "\n" not in str(error)
        except Warning:
            refused += 1
    assert refused > 10


@both
def test_a_file_without_numbers_or_signals_is_refused(tmp_path, save):
    save(tmp_path / "a.mat", {"Fs": 2000})
    with pytest.raises(ek.FormatError, match=r"no variable that could be the EMG.*Fs"):
        read(tmp_path / "a.mat", unit="uV")
    savemat(tmp_path / "b.mat", {"note": "hello"})
    with pytest.raises(ek.FormatError, match="no numeric variables"):
        read(tmp_path / "b.mat", unit="uV")
    save(tmp_path / "c.mat", {"emg": np.zeros((3, 4, 5)), "Fs": 2000})
    with pytest.raises(ek.ShapeError, match="a vector or a matrix is needed"):
        read(tmp_path / "c.mat", variable="emg", unit="uV")


@pytest.mark.real
def test_stimulated_recording_reads_with_the_unit_of_the_user(real_data):
    path = real_data / "volitional-tscs" / "stim_on.mat"
    with pytest.raises(ek.UnitError, match=r"--unit"):
        read(path)
    recording = read(path, unit="uV")
    assert (recording.fs, recording.n_samples, recording.channel_names) == (4000, 344000, ("emg",))
    assert np.median(recording.signal) == pytest.approx(76000e-6, rel=0.01)


@pytest.mark.real
def test_a_file_without_rate_and_unit_asks_for_both(real_data):
    path = real_data / "biopac" / "left_small_2cm.mat"
    with pytest.raises(ek.SamplingRateError, match="--fs"):
        read(path)
    with pytest.raises(ek.UnitError, match="--unit"):
        read(path, fs=10000)
    assert read(path, fs=10000, unit="mV").n_samples == 120001
