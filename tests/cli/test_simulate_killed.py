"""`emgkit simulate` killed at any step of its writing: never a recording without its own truth, nothing in the way."""

import json
import os
import subprocess
import sys

# In a process of its own, which may fork. The child is killed (as by kill -9) before its n-th step on the disk; then
# somebody runs the same again.
SCRIPT = """
import json, os, signal, sys
from pathlib import Path
import numpy as np
import emgkit as ek
from emgkit.cli.simulate import write_simulation
from emgkit.simulate import tiny

def arm(last):
    left = [last]
    def watched(plain):
        def step(*args, **keywords):
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return plain(*args, **keywords)
        return step
    os.fsync = watched(os.fsync)
    for name in ("replace", "unlink", "write_bytes", "open"):
        setattr(Path, name, watched(getattr(Path, name)))

def whole(out):
    if not out.exists():
        return True
    truth = ek.load_truth(out.with_suffix(".truth.h5"))
    recording = ek.read_recording(out, aux=["TRIG", "force"])
    return bool(np.abs(recording.signal - truth.recorded).max() < 1e-7)

old, new = (tiny(rng=np.random.default_rng(seed), duration=1.0, bursts=0, units=3) for seed in (1, 2))
rows = []
for before in (False, True):
    for step in range(1, 100):
        out = Path(sys.argv[1]) / f"{before} {step}" / "x [1].bdf"
        out.parent.mkdir()
        if before:
            write_simulation(old, out)
        child = os.fork()
        if child == 0:
            arm(step)
            write_simulation(new, out)
            os._exit(0)
        killed = os.waitpid(child, 0)[1] != 0
        row = {"before": before, "step": step, "killed": killed, "whole": whole(out)}
        write_simulation(new, out)
        row |= {"then": sorted(path.name for path in out.parent.iterdir()), "again": whole(out)}
        rows.append(row)
        if not killed:
            break
print(json.dumps(rows))
"""


def test_a_killed_run_leaves_no_recording_without_its_truth_and_nothing_in_the_way(tmp_path):
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)], capture_output=True, text=True, env=environment, check=False
    )
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert sum(row["killed"] for row in rows) > 12
    assert not all(row["killed"] for row in rows)
    for row in rows:
        assert row["whole"], row
        assert row["again"], row
        assert row["then"] == ["x [1].bdf", "x [1].truth.h5"], row
