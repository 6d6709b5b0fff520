"""Triggered sweeps become segments: matrix and long tables, units stated, times uniform."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.errors import TimingError

FS, N, SWEEPS = 4000, 160, 12


@pytest.fixture
def responses():
    rng = np.random.default_rng(0)
    times = np.arange(N) / FS - 0.005
    size = np.linspace(0.1, 4, SWEEPS)[:, np.newaxis]
    return times, size * np.sin(2 * np.pi * 100 * times) * (times > 0.005) + rng.normal(0, 0.05, (SWEEPS, N))


INTENSITY = np.repeat([2.0, 3.0, 4.0, 5.0], 3)


def write_matrix(path, times, signal, intensity=INTENSITY):
    rows = np.column_stack([np.r_[0, times * 1e3], np.vstack([intensity, signal.T])])
    np.savetxt(path, rows, delimiter=",")
    return path


def write_long(path, times, signal, intensity=INTENSITY, channels=1):
    lines = ["n,ch,volt,t,amp"]
    for index, sweep in enumerate(signal):
        for channel in range(channels):
            lines += [
                f"{index},{channel + 1},{intensity[index]},{t * 1e3!r},{(channel + 1) * x!r}"
                for t, x in zip(times.tolist(), sweep.tolist(), strict=True)
            ]
    path.write_text("\n".join(lines))
    return path


COLUMNS = {"layout": "long", "sweep": "n", "time": "t", "value": "amp", "intensity": "volt", "channel": "ch"}
UNITS = {"unit": "mV", "time_unit": "ms"}


def test_both_layouts_give_the_same_segments(tmp_path, responses):
    times, signal = responses
    matrix = ek.read_sweeps(write_matrix(tmp_path / "m.csv", times, signal), **UNITS)
    long = ek.read_sweeps(write_long(tmp_path / "l.csv", times, signal), **UNITS, **COLUMNS)
    for segments in (matrix, long):
        np.testing.assert_allclose(segments.signal[:, 0], signal * 1e-3, rtol=1e-12)
        np.testing.assert_allclose(segments.times, np.tile(times, (SWEEPS, 1)), atol=1e-12)
        np.testing.assert_array_equal(segments.intensity, INTENSITY)
        assert (segments.kind, segments.fs, segments.channel_names) == ("evoked", FS, ("EMG1",))
        np.testing.assert_allclose(segments.starts, np.arange(SWEEPS) * N / FS)
        assert segments.history[0].name == "read_sweeps"


def test_starts_follow_from_the_interval_between_stimuli(tmp_path, responses):
    path = write_matrix(tmp_path / "m.csv", *responses)
    np.testing.assert_array_equal(ek.read_sweeps(path, **UNITS, interval=10).starts, 10.0 * np.arange(SWEEPS))
    with pytest.raises(ek.ParameterError, match="interval must be above 0 s"):
        ek.read_sweeps(path, **UNITS, interval=0)


def test_a_long_table_may_hold_several_channels_and_no_intensity(tmp_path, responses):
    path = write_long(tmp_path / "l.csv", *responses, channels=3)
    columns = {key: name for key, name in COLUMNS.items() if key != "intensity"}
    segments = ek.read_sweeps(path, **UNITS, **columns)
    assert segments.channel_names == ("EMG1", "EMG2", "EMG3")
    assert segments.intensity is None
    np.testing.assert_allclose(segments.signal[:, 2], 3 * segments.signal[:, 0], rtol=1e-12)


def test_units_are_asked_for_and_must_fit(tmp_path, responses):  # I-06
    path = write_matrix(tmp_path / "m.csv", *responses)
    with pytest.raises(ek.UnitError, match=r"unit of its samples.*--unit.*unit in \[read\]"):
        ek.read_sweeps(path, time_unit="ms")
    with pytest.raises(ek.UnitError, match=r"unit of its times.*--time-unit.*time_unit in \[read\]"):
        ek.read_sweeps(path, unit="mV")
    with pytest.raises(ek.UnitError, match="above 20 mV"):
        ek.read_sweeps(path, unit="V", time_unit="ms")
    with pytest.raises(ek.UnitError, match="no unit of voltage"):
        ek.read_sweeps(path, unit="mA", time_unit="ms")
    with pytest.raises(ek.UnitError, match="no unit of time"):
        ek.read_sweeps(path, unit="mV", time_unit="mV")


def test_columns_are_named_and_a_wrong_name_offers_the_nearest(tmp_path, responses):
    path = write_long(tmp_path / "l.csv", *responses)
    with pytest.raises(ek.ParameterError, match=r"needs sweep=.*there are: n, ch, volt, t, amp"):
        ek.read_sweeps(path, **UNITS, layout="long")
    with pytest.raises(ek.ChannelError, match=r"no column 'vlt' \(intensity\): did you mean 'volt'"):
        ek.read_sweeps(path, **UNITS, **(COLUMNS | {"intensity": "vlt"}))
    with pytest.raises(ek.ParameterError, match="did you mean 'matrix'"):
        ek.read_sweeps(path, **UNITS, layout="matrx")
    with pytest.raises(ek.ParameterError, match="columns have no names"):
        ek.read_sweeps(path, **UNITS, time="t")


@pytest.mark.parametrize(
    ("change", "error", "words"),
    [
        (lambda lines: lines[:-1], ek.ShapeError, "sweep 11 has 159 samples, most have 160"),
        (lambda lines: [*lines, lines[-1]], ek.ShapeError, "sweep 11 has 161 samples"),
        (lambda lines: [*lines[:-N], lines[-N], *lines[-N:-1]], TimingError, "comes twice"),
        (lambda lines: [*lines[:-3], lines[-2], lines[-3], lines[-1]], TimingError, "earlier"),
        (lambda lines: [*lines[:5], lines[5].replace(",2.0,", ",2.5,"), *lines[6:]], ek.FormatError, "within sweep 0"),
        (lambda lines: [*lines[:5], "0,1,2.0,abc,1", *lines[6:]], ek.FormatError, "row 6, column 't': 'abc'"),
        (lambda lines: [*lines[:5], ",1,2.0,1,1", *lines[6:]], ek.FormatError, "sweep of data row 5 is missing"),
        (lambda lines: [*lines[:5], "0,1,2.0,1", *lines[6:]], ek.FormatError, "row 6 has 4 cells"),
    ],
)
def test_damaged_long_tables_are_one_clear_line(tmp_path, responses, change, error, words):  # I-04
    path = write_long(tmp_path / "l.csv", *responses)
    path.write_text("\n".join(change(path.read_text().splitlines())))
    with pytest.raises(error, match=words) as caught:
        ek.read_sweeps(path, **UNITS, **COLUMNS)
    assert "\n" not in str(caught.value)


def test_times_that_are_not_uniform_are_refused(tmp_path, responses):
    times, signal = responses
    late = np.where(np.arange(N) > 80, times + 3 / FS, times)
    with pytest.raises(TimingError, match="is not uniform"):
        ek.read_sweeps(write_matrix(tmp_path / "m.csv", late, signal), **UNITS)


def test_missing_samples_become_invalid_and_missing_intensities_are_refused(tmp_path, responses):
    times, signal = responses
    signal[3, 10:20] = np.nan
    segments = ek.read_sweeps(write_matrix(tmp_path / "m.csv", times, signal), **UNITS)
    np.testing.assert_array_equal(segments.valid[:, 0], np.isfinite(signal))
    with pytest.raises(ek.FormatError, match="intensity of sweep 1 is missing"):
        ek.read_sweeps(write_matrix(tmp_path / "n.csv", times, signal, np.r_[np.nan, INTENSITY[1:]]), **UNITS)


def test_a_table_too_small_for_sweeps_is_refused(tmp_path):
    (tmp_path / "m.csv").write_text("0,1\n0,1\n")
    with pytest.raises(ek.FormatError, match="2 rows and 2 columns"):
        ek.read_sweeps(tmp_path / "m.csv", **UNITS)
    with pytest.raises(ek.MissingFileError, match=r"did you mean 'm\.csv'"):
        ek.read_sweeps(tmp_path / "n.csv", **UNITS)


def peak_to_peak(segments, low, high):
    inside = (segments.times[0] >= low) & (segments.times[0] < high)
    return np.ptp(segments.signal[:, 0, inside], axis=-1)


@pytest.mark.real
def test_soleus_recruitment_has_the_sizes_that_were_measured_on_it(real_data):
    segments = ek.read_sweeps(real_data / "recruitment-soleus" / "example-waveforms.csv", **UNITS)
    assert (len(segments), segments.fs, segments.n_samples) == (41, 3200, 193)
    assert len(set(segments.intensity)) == 11
    m = peak_to_peak(segments, 0.005, 0.025)
    assert m[segments.intensity == 6.0].mean() == pytest.approx(4.15e-3, rel=0.01)
    assert m[segments.intensity == 1.5].mean() == pytest.approx(0.10e-3, abs=0.005e-3)
    h = peak_to_peak(segments, 0.028, 0.050)
    assert h[segments.intensity == 6.5].mean() == pytest.approx(0.27e-3, abs=0.01e-3)


@pytest.mark.real
def test_mouse_recruitment_has_the_plateau_that_was_measured_on_it(real_data):
    segments = ek.read_sweeps(
        real_data / "recruitment-mouse" / "recruitment_10kHz.csv",
        **UNITS,
        layout="long",
        sweep="recording_index",
        time="time_point",
        value="amplitude_mV",
        channel="channel_index",
        intensity="stimulus_V",
    )
    assert (len(segments), segments.fs) == (80, 10000)
    assert segments.first == pytest.approx(-0.001)
    assert peak_to_peak(segments, 0.0011, 0.005).max() == pytest.approx(12.8e-3, rel=0.01)
    assert np.median(peak_to_peak(segments, 0.0011, 0.005)[-20:]) == pytest.approx(12.7e-3, rel=0.01)
