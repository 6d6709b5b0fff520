"""CSV and TSV: explicit units, uniform times, text where numbers belong."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgkit as ek
from emgkit.io.time_axis import sampling_rate

N = 4000


def columns(n=N, seed=0):
    rng = np.random.default_rng(seed)
    return {"VL": rng.normal(0, 0.1, n), "VM": rng.normal(0, 0.2, n)}


def table(path, values, separator=",", decimal=".", fmt="{:.9g}"):
    def text(cell):
        return "" if np.isnan(cell) else fmt.format(cell).replace(".", decimal)

    rows = [separator.join(text(cell) for cell in row) for row in zip(*values.values(), strict=True)]
    path.write_text("\n".join([separator.join(values), *rows]) + "\n", encoding="utf-8")
    return path


def read(path, form="CSV", **asked):
    return ek.read_recording(path, format=f"emgkit.io.delimited:{form}", **asked)


def test_numbers_come_through_unchanged(tmp_path):
    values = columns()
    path = table(tmp_path / "a.csv", values, fmt="{:.17g}")
    recording = read(path, emg=["VM", "VL"], unit="mV", fs=2000)
    np.testing.assert_array_equal(recording.signal, np.stack([values["VM"], values["VL"]]) * 1e-3)
    assert recording.channel_names == ("VM", "VL")
    assert (recording.fs, recording.start, recording.source) == (2000, 0, "a.csv")
    facts = recording.history[0].parameters
    assert (facts["fs_source"], facts["unit_source"]) == ("user", "user")


@pytest.mark.parametrize(("form", "separator"), [("CSV", ","), ("TSV", "\t")])
def test_units_and_roles_are_asked_for_one_by_one(tmp_path, form, separator):
    path = table(tmp_path / "a.txt", columns(), separator)
    with pytest.raises(ek.SamplingRateError, match=r"fs=2000.*--fs.*fs in \[read\].*time="):
        read(path, form)
    with pytest.raises(ek.ChannelError, match=r"name them with emg=; there are: VL \(no unit\), VM \(no unit\)"):
        read(path, form, fs=2000, unit="mV")
    with pytest.raises(ek.UnitError, match=r"VL is without a unit.*--unit.*unit in \[read\]"):
        read(path, form, fs=2000, emg="VL")
    assert read(path, form, fs=2000, emg="VL", unit="mV").aux["VM"].unit == "1"


def test_a_unit_in_the_name_of_a_column_counts_as_stated(tmp_path):
    values = {"VL (mV)": columns()["VL"], "force [N]": np.linspace(0, 100, N), "time (ms)": np.arange(N) / 2}
    recording = read(table(tmp_path / "a.csv", values), time="time (ms)")
    assert recording.channel_names == ("VL (mV)",)
    assert recording.fs == 2000
    assert recording.signal.std() == pytest.approx(0.1e-3, rel=0.05)
    assert recording.aux["force [N]"].unit == "N"
    with pytest.raises(ek.UnitError, match="contradicts the name"):
        read(tmp_path / "a.csv", time="time (ms)", time_unit="s")


def test_units_of_other_columns_can_be_said(tmp_path):
    values = columns() | {"force": np.linspace(0, 100, N)}
    path = table(tmp_path / "a.csv", values)
    recording = read(path, fs=2000, units={"VL": "mV", "VM": "mV", "force": "N"})
    assert recording.channel_names == ("VL", "VM")
    assert recording.aux["force"].unit == "N"
    with pytest.raises(ek.ChannelError, match=r"'forse' \(units\): did you mean 'force'"):
        read(path, fs=2000, units={"forse": "N"})


@given(
    fs=st.sampled_from([500, 1000, 1925.926, 2000, 2048, 5000, 10000]),
    digits=st.integers(5, 12),
    late=st.floats(-9, 99),
)
def test_the_rate_is_read_from_rounded_times(fs, digits, late):  # I-16
    times = np.round(late + np.arange(20000) / fs, digits)
    # end points are off by half a digit at most
    assert sampling_rate(times, "a.csv") == pytest.approx(fs, rel=10.0**-digits / (20000 / fs) + 1e-9)


@pytest.mark.parametrize("fs", [1000, 2000, 2048, 10000])
def test_a_round_rate_is_given_exactly(fs):
    assert sampling_rate(np.round(np.arange(20000) / fs, 6), "a.csv") == fs


def test_a_time_column_gives_rate_and_its_offset_is_kept_in_the_history(tmp_path):
    values = {"t": 12.5 + np.arange(N) / 2000} | columns()
    path = table(tmp_path / "a.csv", values)
    with pytest.raises(ek.UnitError, match=r"'t' has no unit.*time_unit='s'"):
        read(path, time="t", emg="VL", unit="mV")
    recording = read(path, time="t", time_unit="s", emg="VL", unit="mV")
    assert (recording.fs, recording.start) == (2000, 0)
    assert recording.history[0].parameters["time_offset"] == 12.5
    assert "t" not in recording.aux
    with pytest.raises(ek.SamplingRateError, match=r"means 2000 Hz, fs=2048 contradicts"):  # I-05
        read(path, time="t", time_unit="s", emg="VL", unit="mV", fs=2048)
    with pytest.raises(ek.SamplingRateError, match=r"2e\+09 Hz is no sampling rate"):  # T-01
        read(path, time="t", time_unit="us", emg="VL", unit="mV")
    with pytest.raises(ek.UnitError, match="is no unit of time"):
        read(path, time="t", time_unit="samples", emg="VL", unit="mV")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda t: np.delete(t, 1000), "is not uniform: 0.4995 s is followed by 0.5005 s"),
        (lambda t: np.insert(t, 1000, t[1000]), "0.5 s comes twice"),
        (lambda t: t[np.r_[0:1000, 1001, 1000, 1002 : t.size]], "is followed by the earlier"),
        (lambda t: np.where(np.arange(t.size) == 7, np.nan, t), "time of sample 8 is missing"),
        (lambda t: t * (1 + 0.01 * t), "drifts by"),
        (lambda t: np.round(t, 3), "comes twice"),
        (lambda t: t[:2], "too few"),
    ],
)
def test_times_that_are_not_uniform_are_refused_with_the_place(change, words):
    with pytest.raises(ek.errors.TimingError, match=words):
        sampling_rate(change(np.arange(N) / 2000), "a.csv")


def test_empty_cells_are_missing_samples(tmp_path):
    values = columns()
    values["VL"][100:200] = np.nan
    recording = read(table(tmp_path / "a.csv", values), emg=["VL", "VM"], unit="mV", fs=2000)
    assert not recording.valid[0, 100:200].any()
    assert recording.valid[0].sum() == N - 100
    assert recording.valid[1].all()


@pytest.mark.parametrize("word", ["abc", "1.2.3", "1 mV", "--"])
def test_text_where_a_number_belongs_is_named_with_row_and_column(tmp_path, word):  # M-05
    path = table(tmp_path / "a.csv", columns())
    lines = path.read_text().splitlines()
    lines[41] = lines[41].split(",")[0] + "," + word
    path.write_text("\n".join(lines))
    with pytest.raises(ek.FormatError, match=rf"a\.csv: row 42, column 'VM': '{word}' is no number"):
        read(path, emg="VL", unit="mV", fs=2000)


def test_decimal_commas_need_to_be_said(tmp_path):
    path = table(tmp_path / "a.csv", columns(), ";", ",")
    with pytest.raises(ek.FormatError, match="say delimiter=';'"):
        read(path, emg="VL", unit="mV", fs=2000)
    with pytest.raises(ek.FormatError, match="say decimal=','"):
        read(path, delimiter=";", emg="VL", unit="mV", fs=2000)
    recording = read(path, delimiter=";", decimal=",", emg="VL", unit="mV", fs=2000)
    np.testing.assert_allclose(recording.signal[0], columns()["VL"] * 1e-3, rtol=1e-8)


def test_rows_of_different_length_and_cut_files_are_refused(tmp_path):
    path = table(tmp_path / "a.csv", columns())
    path.write_text(path.read_text().rpartition(",")[0])
    with pytest.raises(ek.FormatError, match="row 4001 has 1 cells, 2 are needed: the file was cut short"):
        read(path, emg="VL", unit="mV", fs=2000)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("0.1,0.2\n" * 50, "first row holds numbers"),
        ("VL,VL\n0,1\n", "'VL' comes 2 times"),
        ("VL,\n0,1\n", "column 2 has no name"),
        ("VL,VM\n", "no numbers below row 1"),
        ("VL\n0.5\n", "holds 1 samples"),
        ("VL\n1\ninf\n0\n", "sample 1 of VL is infinite"),
        ("VL,VM\n,1\n,2\n,1\n", "all samples of VL are missing"),
    ],
)
def test_broken_tables_are_one_clear_line(tmp_path, content, words):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(ek.EmgkitError, match=words) as caught:
        read(tmp_path / "a.csv", emg="VL", unit="mV", fs=2000)
    assert "\n" not in str(caught.value)


def test_binary_content_is_no_table(tmp_path):
    (tmp_path / "a.csv").write_bytes(b"\x89HDF\r\n\x1a\n\0\0\0\0")
    with pytest.raises(ek.FormatError, match="no text but binary"):
        read(tmp_path / "a.csv", emg="VL", unit="mV", fs=2000)


def test_tables_without_names_and_with_lines_on_top(tmp_path):
    body = "\n".join(f"{a:.6f},{b:.6f}" for a, b in zip(*columns().values(), strict=True))
    (tmp_path / "a.csv").write_text("Recorded by X\nRate 2000\n" + body)
    recording = read(tmp_path / "a.csv", header=False, skip_rows=2, emg=["column2"], unit="mV", fs=2000)
    np.testing.assert_allclose(recording.signal[0], columns()["VM"] * 1e-3, atol=1e-9)


@pytest.mark.parametrize("options", [{"delimiter": ""}, {"decimal": "x"}, {"decimal": ","}, {"skip_rows": -1}])
def test_options_that_make_no_sense_are_refused(tmp_path, options):
    with pytest.raises(ek.ParameterError):
        read(table(tmp_path / "a.csv", columns()), **options)


def test_every_option_has_an_effect(tmp_path):  # M-02
    from dataclasses import fields

    from emgkit.io.delimited import CSV

    used = {"time", "time_unit", "delimiter", "decimal", "header", "skip_rows", "units"}
    assert {item.name for item in fields(CSV)} == used  # each changes the outcome in a test above


@pytest.mark.real
def test_the_trigno_export_with_two_rates_is_refused_in_one_line(real_data):  # I-13
    path = real_data / "formats" / "delsys-trigno" / "truncated_trigno_sample.csv"
    with pytest.raises(ek.FormatError, match="cells"):
        read(path, fs=1259.259, unit="V")
