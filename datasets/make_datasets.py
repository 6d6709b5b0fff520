"""Make the synthetic recordings of this folder: BDF files with their truth beside them, and their checksums.

    python datasets/make_datasets.py            # writes into datasets/synthetic and datasets/checksums.sha256
    python datasets/make_datasets.py --out /tmp/somewhere

Every recording comes from a scenario of `emgkit.simulate` with a fixed seed, made short, so that the files stay small.
"""

from __future__ import annotations

import argparse
import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

import emgkit as ek
from emgkit.simulate import Effort, Simulation

HERE = Path(__file__).parent


@dataclass(frozen=True)
class Dataset:
    """One recording: scenario, seed of the random numbers, changed parameters, and what it is for."""

    scenario: str
    seed: int
    what: str
    changes: dict[str, Any] = field(default_factory=dict)


def _gait() -> dict[str, Any]:
    """Three strides of the drop-foot scenario, at 1 kHz."""
    swings = tuple((begin, begin + 0.45) for begin in (0.6, 1.75, 2.9))
    stances = tuple((begin + 0.6, begin + 1.05) for begin, _ in swings)
    own = Effort(effort=0.2, contractions=swings, rise=0.08, common_drive=0.05)
    calf = Effort(effort=0.35, contractions=stances, rise=0.1, common_drive=0.05)
    labels = tuple(ek.Mark("stance", *span) for span in stances)
    return {"duration": 4.4, "fs": 1000.0, "trains": swings, "efforts_of": (own, calf), "labels": labels}


def _series() -> dict[str, Any]:
    """Ten currents, one pulse each: the reflexes are more depressed than at the usual distance of the pulses."""
    begins = 0.3 + 0.46 * np.arange(10)
    trains = tuple((float(begin), float(begin) + 0.3) for begin in begins)
    levels = tuple(float(level) for level in np.linspace(0.16, 1.0, 10))
    return {"duration": 5.0, "rate": 2.0, "trains": trains, "levels": levels}


DATASETS = {
    "tiny": Dataset("tiny", 1, "3 s under 30 Hz with a voluntary burst, one channel"),
    "clipped": Dataset(
        "tiny",
        2,
        "the same with a first stage that saturates at 4 mV and takes 10 ms to recover",
        {"rail": 0.004, "rail_recovery": 0.010},
    ),
    "nmes_fatigue": Dataset(
        "nmes_fatigue",
        3,
        "5 s of continuous 30 Hz NMES with two voluntary bursts; fatigue 7.5 times as fast as usual",
        {"duration": 5.0, "channel_names": ("VL",), "bursts": 2, "burst_length": 1.2, "slowing": 0.06},
    ),
    "recruitment": Dataset("recruitment", 4, "ten single pulses of rising current: M-wave and H-reflex", _series()),
    "hybrid_fes": Dataset(
        "hybrid_fes",
        5,
        "voluntary effort of 20 % under submaximal 25 Hz FES",
        {
            "duration": 5.0,
            "channel_names": ("TA",),
            "stimulation": (0.4, 4.8),
            "ramp_up": 0.4,
            "ramp_down": 0.4,
            "profile": ((0.0, 0.0), (1.4, 0.0), (1.6, 0.2), (3.6, 0.2), (3.8, 0.0)),
        },
    ),
    "foot_drop": Dataset("foot_drop", 6, "three strides with a drop-foot stimulator, two channels, 1 kHz", _gait()),
}


def make(name: str) -> Simulation:
    """Simulate one of the recordings."""
    dataset = DATASETS[name]
    return ek.simulate.scenario(dataset.scenario)(rng=np.random.default_rng(dataset.seed), **dataset.changes)


def write(name: str, folder: Path) -> tuple[Path, Path]:
    """Simulate one of the recordings and write it and its truth."""
    simulation = make(name)
    recording = ek.write_recording(simulation.recording, folder / f"{name}.bdf", overwrite=True).path
    return recording, ek.save_truth(folder / f"{name}.truth.h5", simulation.truth)


def main() -> None:
    """Write all recordings and their checksums."""
    reader = argparse.ArgumentParser(description="Make the synthetic recordings and their checksums.")
    reader.add_argument("--out", type=Path, default=HERE, help="folder to write into; this one unless given")
    out = reader.parse_args().out
    folder = out / "synthetic"
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for name in DATASETS:
        for path in write(name, folder):
            lines.append(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(out).as_posix()}")
            print(f"{path.stat().st_size / 1e3:8.0f} kB  {path}")
    (out / "checksums.sha256").write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
