"""Public peers in a process of their own: reads one JSON request a line, answers one JSON line; imports no emgkit.

Request: {"peer": name, "input": npz with signal, fs, onsets (s) and period (s), "output": npy to write, "settings"}.
Answer: {"seconds": CPU time, "peak": bytes or null} or {"error": text}. The first line says which peers there are.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import sys
import time
import tracemalloc
from typing import Any

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_name] = "1"

import numpy as np  # noqa: E402  only now: the number of threads is read at import

Settings = dict[str, Any]


def mne(signal: Any, fs: float, onsets: Any, _period: float, settings: Settings) -> Any:
    """MNE's ``fix_stim_artifact``: interpolate around every event."""
    import mne as package

    names = [f"EMG{number}" for number in range(len(signal))]
    # the class "misc" would be skipped in silence, and "emg" too with default picks: every use names its picks
    raw = package.io.RawArray(signal.copy(), package.create_info(names, fs, "emg"), verbose="error")
    first = np.ceil(onsets * fs - 1e-9).astype(int)
    events = np.column_stack([first, np.zeros_like(first), np.ones_like(first)])
    package.preprocessing.fix_stim_artifact(raw, events=events, event_id=1, picks="all", **settings)
    return raw.get_data()


def spikeinterface(signal: Any, fs: float, onsets: Any, _period: float, settings: Settings) -> Any:
    """SpikeInterface's ``remove_artifacts``: zeros, interpolation, or one template for the recording."""
    from spikeinterface import core, preprocessing

    recording = core.NumpyRecording([np.ascontiguousarray(signal.T)], fs)
    first = np.ceil(onsets * fs - 1e-9).astype(int)
    more = {"list_labels": [["pulse"] * first.size]} if settings.get("mode") in ("average", "median") else {}
    cleaned = preprocessing.remove_artifacts(recording, [first.tolist()], **more, **settings)
    return cleaned.get_traces().T


def pyparrm(signal: Any, fs: float, onsets: Any, period: float, settings: Settings) -> Any:
    """PyPARRM's filter, train by train, with the true period given instead of searched for."""
    out = signal.copy()
    gaps = np.flatnonzero(np.diff(onsets) > 5 * period)
    begins, ends = np.append(0, gaps + 1), np.append(gaps, onsets.size - 1)
    for begin, end in zip(begins, ends, strict=True):
        part = slice(max(int(onsets[begin] * fs) - 2, 0), int((onsets[end] + period) * fs))
        if end - begin >= 4:
            out[:, part] = _parrm(signal[:, part], fs, period, settings)
    return out


def _parrm(signal: Any, fs: float, period: float, settings: Settings) -> Any:
    from pyparrm import PARRM

    found = PARRM(data=np.ascontiguousarray(signal), sampling_freq=float(fs), artefact_freq=1 / period, verbose=False)
    found._period = period * fs
    chosen = dict(settings)
    half_width, share = chosen.pop("periods", None), chosen.pop("share", None)
    if half_width is not None:
        most = (signal.shape[1] - 1) // 2 - 1
        chosen["filter_half_width"] = int(min(round(half_width * period * fs), most))
    if share is not None:
        chosen["period_half_width"] = share * period * fs
    found.create_filter(**chosen)
    return found.filter_data()


def pyparrm_search(signal: Any, fs: float, _onsets: Any, period: float, _settings: Settings) -> Any:
    """PyPARRM's search for the period on one channel: what its filter needs first, timed on its own."""
    from pyparrm import PARRM

    found = PARRM(data=signal[:1], sampling_freq=float(fs), artefact_freq=1 / period, verbose=False)
    found.find_period(random_seed=0)
    return np.array([found.period / fs])


PEERS = {"mne": mne, "spikeinterface": spikeinterface, "pyparrm": pyparrm}
MORE = {"pyparrm_search": pyparrm_search}


def versions() -> dict[str, str]:
    """Name the peers that are installed, with their versions."""
    there = {}
    for name in PEERS:
        try:
            there[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return there


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Run one peer."""
    with np.load(request["input"]) as given:
        signal, fs, onsets, period = (given[name] for name in ("signal", "fs", "onsets", "period"))
    if request.get("memory"):
        tracemalloc.start()
    begin = time.process_time()
    cleaned = (PEERS | MORE)[request["peer"]](signal, float(fs), onsets, float(period), request["settings"])
    seconds = time.process_time() - begin
    peak = None
    if request.get("memory"):
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    np.save(request["output"], np.asarray(cleaned, dtype=float))
    return {"seconds": seconds, "peak": peak}


def main() -> None:
    """Answer until the input ends."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever a package prints must not get between the answers
    out.write(json.dumps(versions()) + "\n")
    out.flush()
    for line in sys.stdin:
        try:
            said = answer(json.loads(line))
        except Exception as error:  # noqa: BLE001  whatever a peer raises is its answer
            said = {"error": f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"}
        out.write(json.dumps(said) + "\n")
        out.flush()


if __name__ == "__main__":
    main()
