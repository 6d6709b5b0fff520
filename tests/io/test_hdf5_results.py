"""A results file gives back every number, is the same byte by byte, and is written whole or not at all."""

import hashlib
import os
import re
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

import emgkit as ek
from emgkit.io.schema import FEATURE_ROWS, GROUPS, SCHEMA_VERSION
from emgkit.tables import REASONS

sys.path.insert(0, str(Path(__file__).parents[1]))
from results_cases import small_results, small_simulation

SPECIFICATION = Path(__file__).parents[2] / "docs" / "results_format.rst"


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    return ek.save_results(tmp_path_factory.mktemp("results") / "p07.h5", small_results())


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def same(a, b):
    assert np.array_equal(np.asarray(a), np.asarray(b), equal_nan=np.asarray(a).dtype.kind == "f")


def test_every_number_comes_back(stored):
    before, after = small_results(), ek.load_results(stored)
    for kind, table in before.tables.items():
        other = after.tables[kind]
        assert other.features == table.features
        assert other.units == table.units
        for name in table.names:
            same(other.values[name], table.values[name])
            same(other.standard_errors[name], table.standard_errors[name])
            same(other.shared_errors[name], table.shared_errors[name])
            same(other.reasons[name], table.reasons[name])
    assert before.tables["evoked"].shared_errors["vpp"].any()
    same(after.pulses.onsets, before.pulses.onsets)
    same(after.m_waves.signal, before.m_waves.signal)
    assert before.m_waves.shared_error.any()
    same(after.m_waves.shared_error, before.m_waves.shared_error)
    for name in ("trends", "changes", "comparisons"):
        for a, b in zip(getattr(after, name), getattr(before, name), strict=True):
            assert repr(a) == repr(b)
    assert after.separation.method == before.separation.method
    assert after.protocol == before.protocol
    assert [excerpt.label for excerpt in after.excerpts] == [excerpt.label for excerpt in before.excerpts]


def test_saving_what_was_loaded_gives_the_same_bytes(stored, tmp_path):
    again = ek.save_results(tmp_path / "again.h5", ek.load_results(stored))
    assert digest(again) == digest(stored)


def test_another_process_writes_the_same_bytes(stored, tmp_path):
    code = (
        f"import sys; sys.path.insert(0, {str(Path(__file__).parents[1])!r})\n"
        "import emgkit as ek; from results_cases import small_results\n"
        f"ek.save_results({str(tmp_path / 'other.h5')!r}, small_results())"
    )
    subprocess.run([sys.executable, "-c", code], check=True, env={**os.environ, "OMP_NUM_THREADS": "2"})
    assert digest(tmp_path / "other.h5") == digest(stored)


def test_a_good_file_has_no_findings(stored):
    assert ek.validate_results(stored) == ()


def break_unit(file):
    file["features/evoked/vpp"].attrs["units"] = "mV"


def drop_column(file):
    del file["stimulation/pulses/onset"]


def nan_without_reason(file):
    file["features/evoked/vpp"][0] = np.nan
    file["features/evoked/vpp_reason"][0] = 0


def unknown_code(file):
    file["features/evoked/vpp_reason"][0] = 99


def wrong_type(file):
    values = file["features/evoked/start"][()]
    del file["features/evoked/start"]
    made = file["features/evoked"].create_dataset("start", data=values.astype(np.float32))
    made.attrs["units"] = "s"


def unequal_length(file):
    values = file["features/evoked/vpp_se"][:-1]
    del file["features/evoked/vpp_se"]
    file["features/evoked"].create_dataset("vpp_se", data=values).attrs["units"] = "V"


def extra_column(file):
    file["changes"].create_dataset("mood", data=np.zeros(3))


def no_provenance(file):
    del file["provenance"]


def not_complete(file):
    del file.attrs["complete"]


DAMAGES = [
    (break_unit, "unit must be 'V'"),
    (drop_column, "'onset' is missing"),
    (nan_without_reason, "every NaN needs a reason"),
    (unknown_code, "code without a meaning"),
    (wrong_type, "must be float64"),
    (unequal_length, "differ in length"),
    (extra_column, "no column of the specification"),
    (no_provenance, "group is missing"),
    (not_complete, "no complete"),
]


@pytest.mark.parametrize(("damage", "finding"), DAMAGES, ids=lambda item: getattr(item, "__name__", ""))
def test_every_damage_is_found(stored, tmp_path, damage, finding):
    copy = tmp_path / "damaged.h5"
    copy.write_bytes(stored.read_bytes())
    with h5py.File(copy, "r+") as file:
        damage(file)
    findings = ek.validate_results(copy)
    assert any(finding in str(item) for item in findings), findings


@pytest.mark.parametrize("cut", [0, 100, 0.5, 0.95])
def test_a_truncated_file_is_named_and_not_read(stored, tmp_path, cut):
    whole = stored.read_bytes()
    short = tmp_path / "short.h5"
    short.write_bytes(whole[: int(cut * len(whole)) if isinstance(cut, float) else cut])
    assert ek.validate_results(short)
    with pytest.raises(ek.ResultsError, match=r"short\.h5"):
        ek.load_results(short)


def test_a_foreign_hdf5_file_is_refused(tmp_path):
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(ek.ResultsError, match="no complete emgkit-results"):
        ek.load_results(tmp_path / "other.h5")
    with pytest.raises(ek.MissingFileError):
        ek.load_results(tmp_path / "none.h5")


def test_a_failed_write_leaves_the_old_file_and_nothing_else(stored, tmp_path, monkeypatch):
    kept = tmp_path / "kept.h5"
    kept.write_bytes(stored.read_bytes())

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("emgkit.io.hdf5_results._write", full)
    with pytest.raises(ek.OutputError, match="No space left"):
        ek.save_results(kept, small_results())
    assert digest(kept) == digest(stored)
    assert [path.name for path in tmp_path.iterdir()] == ["kept.h5"]


def test_plain_h5py_reads_a_column_with_its_unit(stored):
    with h5py.File(stored) as file:
        assert file["features/evoked/vpp"].attrs["units"] == "V"
        assert file["features/evoked/vpp_reason"].attrs["flag_meanings"].split()[1:] == list(REASONS)
        assert file["changes/channel"].asstr()[0] == "VL"


def test_no_clock_time_host_or_user_is_in_the_file(stored):
    texts = []
    with h5py.File(stored) as file:
        file.visititems(lambda _, item: texts.extend(str(value) for value in item.attrs.values()))
        texts += [str(value) for value in file.attrs.values()]
    words = set(re.findall(r"[\w/.-]+", " ".join(texts)))
    assert os.uname().nodename not in words
    assert not any(re.match(r"/\w+/", word) or re.match(r"20\d\d-\d\d-\d\d", word) for word in words)


def test_the_written_specification_lists_every_group_column_and_unit():
    written = SPECIFICATION.read_text()
    assert SCHEMA_VERSION in written
    for path, group in {**GROUPS, "features/evoked": None}.items():
        columns = FEATURE_ROWS if group is None else group.columns
        section = written.split(f"``{path}``", 1)[1]
        for name, column in columns.items():
            if not name.startswith(("a_", "b_")):
                row = re.search(rf"\* - ``{re.escape(name)}``\n\s+- (\S+)\n\s+- (\S*)", section)
                assert row, f"{path}: {name} is not in the specification"
                assert row.group(1) == column.kind
                assert row.group(2) == (column.unit or "–")


def test_the_truth_of_a_simulation_comes_back(tmp_path):
    truth = small_simulation().truth
    back = ek.load_truth(ek.save_truth(tmp_path / "x.truth.h5", truth))
    same(back.signal, truth.signal)
    same(back.at("vpp", np.array([1.0])), truth.at("vpp", np.array([1.0])))
    (tmp_path / "text.h5").write_text("no")
    with pytest.raises(ek.FormatError, match="no emgkit-truth file"):
        ek.load_truth(tmp_path / "text.h5")


def test_collecting_puts_recordings_below_each_other_and_names_damaged_ones(stored, tmp_path):
    for name in ("a/p07.h5", "b/p07.h5"):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_bytes(stored.read_bytes())
    (tmp_path / "b" / "broken.h5").write_bytes(stored.read_bytes()[:3000])
    made = ek.collect(tmp_path, tmp_path / "study.h5")
    assert made.recordings == ("a/p07", "b/p07")
    assert [name for name, _ in made.refused] == ["b/broken.h5"]
    rows = len(small_results().tables["evoked"])
    with h5py.File(made.study) as study:
        assert study["features/evoked/vpp"].shape == (2 * rows,)
        assert study["features/evoked/vpp"].attrs["units"] == "V"
        assert set(study["changes/recording"].asstr()[()]) == {"a/p07", "b/p07"}
    assert made.table.read_text().startswith("recording,channel,feature")
    with pytest.raises(ek.MissingFileError):
        ek.collect(tmp_path / "none", tmp_path / "x.h5")
