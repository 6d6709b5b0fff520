"""How fast methods are and how much memory they take: one core, one recording, all in the same run."""

from __future__ import annotations

import tracemalloc
from dataclasses import dataclass, replace

import numpy as np

from emgkit.benchmark.cases import case
from emgkit.benchmark.contestants import Contestant
from emgkit.benchmark.peers import PeerWorker
from emgkit.benchmark.scores import Undefined
from emgkit.benchmark.sessions import SPAN
from emgkit.errors import EmgkitError
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.simulate import simulate

__all__ = ["Speed", "Track", "measured_speeds", "speed_test"]

OWN, PEER = "phase_spline", "pyparrm"
SEARCHED = 20.0  # s of one channel that the period is searched in
REPEATS = 3
SLOW = 2.0  # s, from which once is enough


@dataclass(frozen=True, eq=False)
class Track:
    """A recording to time methods on, its pulses, and their period, s."""

    recording: Recording
    pulses: Pulses
    period: float


@dataclass(frozen=True)
class Speed:
    """Speed of a method.

    Parameters
    ----------
    method : str
        Name.
    rate : float
        Samples (of all channels) per s of CPU time, the fastest of three runs.
    memory : float
        Peak of what was allocated, over the size of the signal.
    reason : str
        Why there are no numbers.
    """

    method: str
    rate: float
    memory: float
    reason: str = ""


def speed_test(seconds: float, copies: int) -> Track:
    """Make a recording: the typical case, longer, with copies of its two channels under noise of their own."""
    planning, playing = np.random.default_rng(0).spawn(2)
    session = case("typical").plan(planning)
    effort, length = session.efforts_of[0], session.duration
    starts = length * np.arange(round(seconds / length))
    longer = {
        "duration": length * starts.size,
        "stimulation": (SPAN[0], length * starts.size - SPAN[0]),
        "contractions": tuple(
            (start + low, start + high) for start in starts for low, high in effort.contractions or ()
        ),
        "efforts": effort.efforts * starts.size,
    }
    made = simulate(session.override("speed", longer), rng=playing, features=False)
    signal = np.tile(made.recording.signal, (copies, 1))
    signal = signal + 1e-6 * np.random.default_rng(1).standard_normal(signal.shape)
    pulses = Pulses(made.pulses.onsets)
    return Track(Recording(signal, made.recording.fs), pulses, float(np.median(pulses.intervals)))


def measured_speeds(methods: list[Contestant], track: Track, worker: PeerWorker | None, *, search: bool) -> list[Speed]:
    """Time every method at its defaults; with ``search`` also PyPARRM's search for the period, which it needs first.

    A last line gives how many times faster PhaseSpline is than PyPARRM.
    """
    found = [_tried(method, track, worker) for method in methods]
    return found + _ratio(found, track, worker, search=search)


def _tried(method: Contestant, track: Track, worker: PeerWorker | None) -> Speed:
    try:
        speed = _measured(method, track)
        return speed if method.kind != "peer" or worker is None else with_memory(speed, worker, track)
    except (EmgkitError, Undefined) as reason:
        return Speed(method.name, np.nan, np.nan, str(reason))
    except Exception as error:  # noqa: BLE001  a method that crashes is no reason not to time the others
        return Speed(method.name, np.nan, np.nan, f"crashed: {type(error).__name__}: {error}")


def _ratio(found: list[Speed], track: Track, worker: PeerWorker | None, *, search: bool) -> list[Speed]:
    own, peer = (next((one for one in found if one.method == name), None) for name in (OWN, PEER))
    if own is None or peer is None or worker is None or not np.isfinite(own.rate * peer.rate):
        return []
    size, alone = track.recording.signal.size, f"phase_spline over pyparrm's filter: {own.rate / peer.rate:.2f} times"
    if not search:
        return [Speed(f"{PEER} search", np.nan, np.nan, alone)]
    seconds = search_speed(worker, track, SEARCHED)
    rate = size / (size / peer.rate + seconds)
    both = f"{alone}; over filter and period search: {own.rate / rate:.0f} times"
    return [Speed(f"{PEER} with search", rate, np.nan, both)]


def _measured(method: Contestant, track: Track) -> Speed:
    spent: list[float] = []
    while len(spent) < REPEATS and (not spent or spent[-1] < SLOW):
        spent.append(method.answer(track.recording, track.pulses, track.period, method.settings[0]).seconds)
    memory = np.nan if method.kind == "peer" or spent[0] > SLOW else _peak(method, track)
    return Speed(method.name, track.recording.signal.size / min(spent), memory)


def _peak(method: Contestant, track: Track) -> float:
    tracemalloc.start()
    try:
        method.answer(track.recording, track.pulses, track.period, method.settings[0])
        return tracemalloc.get_traced_memory()[1] / track.recording.signal.nbytes
    finally:
        tracemalloc.stop()


def with_memory(speed: Speed, worker: PeerWorker, track: Track) -> Speed:
    """Add the peak memory of a peer, measured in its own process."""
    recording = track.recording
    cleaned = worker.clean(
        speed.method, recording.signal, recording.fs, track.pulses.onsets, track.period, {}, memory=True
    )
    return replace(speed, memory=cleaned.peak / recording.signal.nbytes)


def search_speed(worker: PeerWorker, track: Track, seconds: float) -> float:
    """Time PyPARRM's search for the period on one channel of so many s: CPU time, s."""
    count = round(seconds * track.recording.fs)
    first = int(track.pulses.onsets[0] * track.recording.fs)
    signal = track.recording.signal[:1, first : first + count]
    return worker.clean("pyparrm_search", signal, track.recording.fs, track.pulses.onsets, track.period, {}).seconds
