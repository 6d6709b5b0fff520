"""A file appears whole or not at all, and what a killed process left of it goes with the next one that is written."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from emgkit.errors import OutputError
from emgkit.io.atomic import is_running, written_whole
from emgkit.io.hdf5_truth import save_simulation, save_truth
from emgkit.simulate import tiny

HALF_WAY = """
import sys, time
from pathlib import Path
from emgkit.io.atomic import written_whole
with written_whole(Path(sys.argv[1])) as one, written_whole(Path(sys.argv[2])) as other:
    one.write_text("half"); other.write_text("half"); print("written", flush=True)
    time.sleep(600)
"""


def killed_half_way(recording: Path, truth: Path) -> None:
    """Let a process die by kill -9 while it writes both files."""
    with subprocess.Popen(
        [sys.executable, "-c", HALF_WAY, str(recording), str(truth)], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "written\n"
        assert is_running(child.pid)
        child.send_signal(signal.SIGKILL)
    assert not is_running(child.pid)


def test_what_a_killed_run_left_goes_with_the_next_one(tmp_path):
    recording, truth = tmp_path / "k.bdf", tmp_path / "k.truth.h5"
    killed_half_way(recording, truth)
    assert len(list(tmp_path.glob(".k.*.unfinished"))) == 2
    running = tmp_path / f".k.bdf.{os.getppid()}.unfinished"  # somebody is at work on it
    other = tmp_path / ".kk.bdf.1.unfinished"  # another file
    for path in (running, other):
        path.touch()
    save_simulation(tiny(rng=np.random.default_rng(0), units=2, fibres_per_unit=1), recording, truth)
    assert set(tmp_path.iterdir()) == {recording, truth, running, other}


@pytest.mark.parametrize("place", ["nowhere", "/proc"])
def test_a_folder_that_is_not_there_is_one_short_line(tmp_path, place):
    """HDF5 says the same in three hundred characters."""
    with pytest.raises(OutputError, match=r"^x.truth.h5 cannot be written to ") as refused:
        save_truth(tmp_path / place / "x.truth.h5", tiny(rng=np.random.default_rng(0), units=2).truth)
    assert len(str(refused.value).removesuffix(".").rpartition(": ")[2]) < 40, refused.value


def test_a_file_that_was_there_stays_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "a[1].csv"
    path.write_text("old")
    with written_whole(path) as unfinished:
        unfinished.write_text("new")
        assert path.read_text() == "old"
    assert path.read_text() == "new"
    assert list(tmp_path.iterdir()) == [path]
