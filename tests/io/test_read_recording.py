"""The one way in: formats by ending or name, and bad input in one clear line each."""

import hashlib
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

import emgkit as ek
from emgkit import plugins
from emgkit.errors import UnknownNameError
from emgkit.io.assemble import assemble
from emgkit.io.base import Request, Stream
from emgkit.io.source import sha256

sys.path.insert(0, str(Path(__file__).parent))
from edf_bytes import Signal, file_bytes, noise


@pytest.fixture
def edf(tmp_path):
    path = tmp_path / "p07.edf"
    path.write_bytes(file_bytes([Signal("VL", "uV", noise(6000), 2000), Signal("VM", "uV", noise(6000, seed=1), 2000)]))
    return path


def test_every_built_in_reader_is_published_under_its_own_name():
    names = plugins.names("emgkit.readers")
    assert set(names) >= {"edf", "bdf", "mne", "csv", "tsv", "matlab"}
    classes = {name: plugins.load("emgkit.readers", name) for name in names}
    assert {name: cls.name for name, cls in classes.items()} == {name: name for name in names}
    suffixes = [suffix for cls in classes.values() for suffix in cls.suffixes]
    assert len(suffixes) == len(set(suffixes))
    assert all(suffix.startswith(".") and suffix == suffix.lower() for suffix in suffixes)


@pytest.mark.parametrize("name", ["p07.edf", "P07.EDF", "p07.v2.edf"])
def test_the_ending_says_the_format(edf, name):
    renamed = edf.rename(edf.with_name(name))
    assert ek.read_recording(renamed).channel_names == ("VL", "VM")
    assert ek.read_recording(str(renamed)).source == name


def test_a_wrong_ending_is_overruled_by_the_format(edf):
    renamed = edf.rename(edf.with_suffix(".dat"))
    with pytest.raises(ek.FormatError, match=r"no reader for the ending '\.dat'.*format="):
        ek.read_recording(renamed)
    assert ek.read_recording(renamed, format="edf").n_channels == 2


def test_unknown_formats_and_options_offer_the_nearest(edf):
    with pytest.raises(UnknownNameError, match="no reader 'edff': did you mean 'edf'"):
        ek.read_recording(edf, format="edff")
    with pytest.raises(ek.ParameterError, match="no option 'alow_truncated': did you mean 'allow_truncated'"):
        ek.read_recording(edf, alow_truncated=True)
    with pytest.raises(ek.FormatError, match=r"ending '\.eedf': did you mean '\.edf'"):
        ek.read_recording(edf.rename(edf.with_suffix(".eedf")))


@pytest.mark.parametrize(
    ("suffix", "words"),
    [
        (".smrx", "Spike2: export it"),  # I-03
        (".smr", "Spike2: export it"),  # I-11
        (".adicht", "LabChart: export it"),  # I-07
        (".hpf", "Delsys EMGworks: export it"),  # I-13
        (".otb+", "OT Bioelettronica: export it"),  # I-12
        (".vmrk", r"name its \.vhdr file"),
    ],
)
def test_formats_of_vendors_without_a_reader_say_the_way_out(tmp_path, suffix, words):
    (tmp_path / f"a{suffix}").write_bytes(b"x" * 100)
    with pytest.raises(ek.FormatError, match=words):
        ek.read_recording(tmp_path / f"a{suffix}")


def test_what_is_no_file_is_one_clear_line(tmp_path, edf):
    with pytest.raises(ek.MissingFileError, match=r"There is no file .*p08\.edf: did you mean 'p07\.edf'\?"):
        ek.read_recording(tmp_path / "p08.edf")
    with pytest.raises(FileNotFoundError, match="not even its folder"):
        ek.read_recording(tmp_path / "no" / "p08.edf")
    with pytest.raises(ek.FormatError, match="is a folder"):
        ek.read_recording(tmp_path)


@pytest.mark.parametrize("suffix", [".edf", ".bdf", ".csv", ".tsv", ".mat", ".vhdr", ".fif"])
def test_an_empty_file_is_one_clear_line_in_every_format(tmp_path, suffix):
    (tmp_path / f"a{suffix}").touch()
    with pytest.raises(ek.FormatError, match=r"is empty \(0 bytes\)"):
        ek.read_recording(tmp_path / f"a{suffix}")


@pytest.mark.filterwarnings("ignore:a.fif, from MNE")
@pytest.mark.parametrize("suffix", [".edf", ".bdf", ".csv", ".tsv", ".mat", ".vhdr", ".fif", ".set", ".cnt", ".gdf"])
@pytest.mark.parametrize("content", [b"\x00" * 3000, bytes(range(256)) * 20, b"hello\nworld\n" * 200])
def test_nonsense_is_one_clear_line_in_every_format(tmp_path, suffix, content):
    (tmp_path / f"a{suffix}").write_bytes(content)
    with pytest.raises(ek.EmgkitError) as caught:
        ek.read_recording(tmp_path / f"a{suffix}", unit="uV", fs=2000)
    assert "\n" not in str(caught.value)
    assert f"a{suffix}" in str(caught.value)


def test_a_file_without_permission_is_one_clear_line(edf):
    edf.chmod(0)
    script = f"""
import os, emgkit as ek
from emgkit.io import read_recording
if os.geteuid() == 0:
    os.seteuid(65534)
try:
    ek.read_recording({str(edf)!r})
except ek.EmgkitError as error:
    print(type(error).__name__, error)
"""
    for parent in edf.parents:
        if parent.stat().st_uid == os.geteuid() and parent.name.startswith(("pytest-", "test_")):
            parent.chmod(0o755)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("FormatError ")
    assert "no permission" in done.stdout
    assert done.stdout.count("\n") == 1


@pytest.mark.parametrize(
    ("asked", "error", "words"),
    [
        ({"unit": "mA"}, ek.UnitError, "no unit of voltage"),
        ({"fs": 0}, ek.SamplingRateError, "above 0 Hz"),
        ({"fs": float("nan")}, ek.SamplingRateError, "finite"),
        ({"override_unit": True}, ek.UnitError, "give unit= too"),
        ({"emg": [0, 1]}, ek.ParameterError, "must be channel names"),  # I-07
    ],
)
def test_what_the_user_says_is_checked(edf, asked, error, words):
    with pytest.raises(error, match=words):
        ek.read_recording(edf, **asked)


@dataclass(frozen=True)
class Ramp:
    """A lab's own reader."""

    name: ClassVar[str] = "ramp"
    suffixes: ClassVar[tuple[str, ...]] = (".ramp",)
    channels: int = 1

    def read(self, path: Path, request: Request) -> ek.Recording:
        """Read the file."""
        values = np.frombuffer(path.read_bytes(), np.int16).astype(float)
        streams = [Stream(f"ch{index + 1}", values.copy, None, "", "emg") for index in range(self.channels)]
        return assemble(path, streams, request, reader=self)


def test_a_lab_adds_a_reader_in_one_class(tmp_path):
    (tmp_path / "a.ramp").write_bytes(noise(6000).astype(np.int16).tobytes())
    sys.modules["my_lab_reader"] = sys.modules[__name__]
    try:
        asked = {"format": "my_lab_reader:Ramp", "fs": 2000, "unit": "nV", "channels": 2}
        recording = ek.read_recording(tmp_path / "a.ramp", **asked)
    finally:
        del sys.modules["my_lab_reader"]
    assert recording.channel_names == ("ch1", "ch2")
    np.testing.assert_allclose(recording.signal[0], noise(6000) * 1e-9)
    assert recording.history[0].parameters["reader"]["channels"] == 2


def test_a_reader_that_cannot_be_loaded_is_left_out_with_a_warning(edf, monkeypatch):
    real = plugins.load

    def load(group, name):
        if name == "broken":
            raise ImportError("no module named vendor_sdk")
        return real(group, name)

    monkeypatch.setattr(plugins, "names", lambda group: ("broken", "edf"))
    monkeypatch.setattr(plugins, "load", load)
    with pytest.warns(ek.EmgkitWarning, match="'broken' cannot be loaded and is left out: no module named vendor_sdk"):
        assert ek.read_recording(edf).n_channels == 2


def test_the_history_says_how_it_was_read(edf):  # I-06
    step = ek.read_recording(edf, emg="VM").history[0]
    assert step.name == "read_recording"
    assert step.parameters["reader"]["name"] == "edf"
    assert dict(step.parameters["units"]) == {"VM": "uV"}
    assert (step.parameters["unit_source"], step.parameters["fs_source"]) == ("file", "file")
    assert dict(step.parameters["skipped"]) == {"VL": "not asked for"}  # I-08


def test_the_fingerprint_is_that_of_the_bytes(edf):
    assert sha256(edf) == hashlib.sha256(edf.read_bytes()).hexdigest()
    with pytest.raises(ek.MissingFileError):
        sha256(edf.with_name("no.edf"))


def test_reading_edf_loads_neither_mne_nor_pandas(edf):
    script = f"import sys, emgkit as ek; ek.read_recording({str(edf)!r}, format='edf'); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert not {"mne", "pandas", "matplotlib", "h5py"} & set(done.stdout.split())


@pytest.mark.real
@pytest.mark.filterwarnings("ignore::emgkit.errors.EmgkitWarning")
def test_every_shared_sample_gives_a_recording_or_one_clear_line(real_data):  # I-10
    def outcome(path):
        try:
            return ek.read_recording(path).n_channels
        except ek.EmgkitError as error:
            return f"{type(error).__name__} {error}"

    files = [path for path in sorted((real_data / "formats").rglob("*")) if path.is_file()]
    outcomes = {path.name: outcome(path) for path in files}
    assert not [text for text in outcomes.values() if "\n" in str(text)]
    read = {name: count for name, count in outcomes.items() if isinstance(count, int)}
    assert read == {
        "test.bdf": 72,
        "test.edf": 138,
        "test.vhdr": 26,
        "test_bdf_stim_channel.bdf": 3,
        "test_edf_stim_channel.edf": 24,
        "test_stim_channel.edf": 1,
    }
    for name in ("test_bin_raw.fif", "test_uneven_samp.edf"):
        assert outcomes[name].startswith("ChannelError ")
    assert outcomes["physio-5.0.1-c.acq"].startswith("FormatError physio-5.0.1-c.acq: no reader for .acq (BIOPAC")
