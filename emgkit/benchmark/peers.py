"""Public peers, in an environment of their own, asked through one process per runner."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from emgkit.benchmark.scored import Undefined

__all__ = ["HOW_TO_BUILD", "PEER_SETTINGS", "PeerWorker", "peer_python", "peer_worker", "start_worker"]

Array = NDArray[np.float64]

VARIABLE = "EMGKIT_PEERS"
FOLDER = Path(".venv-peers")
HOW_TO_BUILD = "make benchmark-peers"

_ENDS = (0.004, 0.012, 0.020, 0.030)  # s after the pulse
_MODES = ("zeros", "linear", "cubic")
# the default first, then what a user would try: tuned on the truth of other seeds
PEER_SETTINGS: Mapping[str, tuple[dict[str, Any], ...]] = MappingProxyType(
    {
        "mne": (
            {},
            *({"mode": mode, "tmax": end} for mode in ("linear", "window") for end in _ENDS),
            *({"mode": "constant", "baseline": (-0.002, 0.0), "tmax": end} for end in _ENDS[:2]),
        ),
        "spikeinterface": (
            {},
            *(
                {"mode": mode, "ms_before": 0.5, "ms_after": 1e3 * end}
                for mode in _MODES
                for end in (0.0015, *_ENDS[:3])
            ),
            *({"mode": "average", "ms_before": 0.0, "ms_after": 1e3 * end} for end in (*_ENDS, 0.0115)),
            *(
                {"mode": "average", "ms_before": 0.0, "ms_after": 1e3 * end, "scale_amplitude": True}
                for end in (0.0115, 0.0325)
            ),
            {"mode": "median", "ms_before": 0.0, "ms_after": 32.5},
        ),
        "pyparrm": (
            {},
            *({"periods": count, "share": share} for count in (10, 30, 100, 300) for share in (0.001, 0.003, 0.008)),
        ),
    }
)


def peer_python() -> Path | None:
    """Find the interpreter of the peers: named by EMGKIT_PEERS, or in .venv-peers here or at the source."""
    named = os.environ.get(VARIABLE)
    places = [Path(named)] if named else [root / FOLDER / "bin" / "python" for root in (Path.cwd(), _source())]
    return next((place for place in places if place.exists()), None)


def _source() -> Path:
    return Path(__file__).resolve().parents[2]


@dataclass(frozen=True, eq=False)
class Cleaned:
    """What a peer gave: the signal, V, its CPU time, s, and its peak memory, bytes, where asked for."""

    signal: Array
    seconds: float
    peak: float


class PeerWorker:
    """A running process that holds the peers.

    Parameters
    ----------
    python : Path
        Interpreter of the environment that holds them.
    folder : Path
        Where signals are handed over.
    """

    def __init__(self, python: Path, folder: Path) -> None:
        self._folder = folder
        self._errors: IO[str] = (folder / "errors.txt").open("w")
        self._process = subprocess.Popen(
            [str(python), str(Path(__file__).with_name("peer_worker.py"))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self.versions: dict[str, str] = self._read()

    def clean(
        self,
        peer: str,
        signal: Array,
        fs: float,
        onsets: Array,
        period: float,
        settings: Mapping[str, Any],
        *,
        memory: bool = False,
    ) -> Cleaned:
        """Let a peer clean a signal, V, (channels, samples), stimulated at onsets, s, with a period, s.

        Raises
        ------
        Undefined
            If the peer refuses or fails; the text is its own.
        """
        given, taken = self._folder / "given.npz", self._folder / "cleaned.npy"
        np.savez(given, signal=signal, fs=fs, onsets=onsets, period=period)
        request = {
            "peer": peer,
            "input": str(given),
            "output": str(taken),
            "settings": dict(settings),
            "memory": memory,
        }
        assert self._process.stdin is not None  # noqa: S101  for the type checker: it was opened as a pipe
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        said = self._read()
        if "error" in said:
            raise Undefined(f"{peer}: {said['error']}")
        return Cleaned(np.load(taken), float(said["seconds"]), float(said["peak"] or np.nan))

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None  # noqa: S101  for the type checker
        line = self._process.stdout.readline()
        if not line:
            raise Undefined(f"the peers' process ended; build its environment again with: {HOW_TO_BUILD}")
        found: dict[str, Any] = json.loads(line)
        return found

    def close(self) -> None:
        """Let the process end."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()
        self._process.wait(timeout=60)
        self._errors.close()


@contextmanager
def peer_worker(python: Path | None) -> Iterator[PeerWorker | None]:
    """Run the peers' process for a while; None where there is no environment for it, or it does not start."""
    with tempfile.TemporaryDirectory(prefix="emgkit-peers-") as folder:
        worker = start_worker(python, Path(folder))
        try:
            yield worker
        finally:
            if worker is not None:
                worker.close()


def start_worker(python: Path | None, folder: Path) -> PeerWorker | None:
    """Start the peers' process; it ends with the one that started it. None where it cannot be."""
    if python is None:
        return None
    try:
        return PeerWorker(python, folder)
    except (Undefined, OSError):
        return None
