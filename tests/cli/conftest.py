"""Small recordings, a protocol for them, and the command line called in this process or in one of its own."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from emgkit.cli import main

PROTOCOL = """
[pulses]
presence = "required"

[evoked]
window = [0.005, 0.030]
features = ["vpp", "m_wave_mdf"]

[voluntary]
length = 0.5
features = ["rms", "mdf"]
"""


def stimulated(seed: int = 0, rate: float = 20.0, duration: float = 6.0, fs: float = 2000.0) -> np.ndarray:
    """EMG in mV: a short artifact and a slow M-wave after every pulse (none for rate 0), and noise."""
    times = np.arange(int(duration * fs)) / fs
    signal = 0.02 * np.random.default_rng(seed).normal(size=times.size)
    for onset in np.arange(0.5, duration - 0.1, 1 / rate) + 1.37e-4 if rate else ():
        since = times - onset
        signal += 8.0 * np.exp(-((since - 4e-4) ** 2) / (2 * 1.5e-4**2))
        signal += 2.0 * np.sin(2 * np.pi * 70 * (since - 0.012)) * np.exp(-((since - 0.012) ** 2) / (2 * 0.003**2))
    return signal


@dataclass(frozen=True)
class Answer:
    """What a call of the command line gave."""

    code: int
    out: str
    err: str

    @property
    def line(self) -> str:
        """The only line on stderr."""
        lines = self.err.strip().splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


@dataclass(frozen=True)
class Lab:
    """A folder with recordings and a protocol, and the command line."""

    folder: Path
    capture: pytest.CaptureFixture

    def protocol(self, text: str = PROTOCOL, name: str = "fatigue.toml") -> Path:
        return self.write(name, text)

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return path

    def recording(self, name: str = "p01.csv", unit: str = " (mV)", **signal: float) -> Path:
        values = stimulated(**signal)
        rows = [f"{number / 2000:.4f},{value:.6f}" for number, value in enumerate(values)]
        return self.write(name, "\n".join([f"time (s),VL{unit}", *rows]))

    def call(self, *words: object) -> Answer:
        """Call the command line in this process."""
        self.capture.readouterr()
        with pytest.raises(SystemExit) as left:
            main([str(word) for word in words])
        captured = self.capture.readouterr()
        return Answer(int(left.value.code), captured.out, captured.err)

    def start(self, *words: object, **options: object) -> subprocess.Popen:
        """Start the real command in a process of its own, as leader of a group."""
        program = [str(Path(sys.executable).with_name("emgkit")), *map(str, words)]
        environment = {**os.environ, "COLUMNS": "100"}
        return subprocess.Popen(
            program,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=environment,
            start_new_session=True,
            cwd=self.folder,
            **options,
        )

    def call_program(self, *words: object, **options: object) -> Answer:
        """Call the real command and wait for it."""
        process = self.start(*words, **options)
        out, err = process.communicate(timeout=120)
        return Answer(process.returncode, out, err)


@pytest.fixture
def lab(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    return Lab(tmp_path, capsys)
