"""Who takes part: emgkit's methods, the simple ones, and public peers; all answer in one form."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit import plugins
from emgkit._checks import nearest
from emgkit.artifact.separate import separate
from emgkit.benchmark.peers import PEER_SETTINGS, PeerWorker
from emgkit.benchmark.scored import Undefined
from emgkit.benchmark.simple import SIMPLE, settings_of
from emgkit.errors import UnknownNameError
from emgkit.pulses import Pulses
from emgkit.recording import Recording

__all__ = ["Answer", "Contestant", "contestants", "kinds"]

Array = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]
Settings = Mapping[str, Any]

AUTO = "auto"


@dataclass(frozen=True, eq=False)
class Answer:
    """What a method gave.

    Parameters
    ----------
    voluntary, evoked : ndarray, shape (channels, samples), optional
        V; a method that only cleans gives the cleaned signal as both.
    valid : ndarray of bool, optional
        Samples that it does not call lost.
    error : ndarray, optional
        Standard error of ``evoked``, V.
    quality : mapping
        Numbers that it states.
    messages : tuple of str
        Sentences that it states.
    method : object
        The method object of emgkit that did it; equal ones give equal bytes.
    seconds : float
        CPU time.
    """

    voluntary: Array | None
    evoked: Array | None
    seconds: float
    valid: Mask | None = None
    error: Array | None = None
    quality: Mapping[str, Any] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    method: object = None


Call = Callable[[Recording, Pulses, float, Settings], Answer]


@dataclass(frozen=True, eq=False)
class Contestant:
    """A method in the benchmark.

    Parameters
    ----------
    name : str
        Its name.
    kind : {"emgkit", "simple", "peer"}
        Where it comes from.
    settings : tuple of mapping
        What is tried when it is tuned, the default first.
    answer : callable
        From recording, pulses, true period (s) and settings to an `Answer`.
    tells_evoked : bool
        Whether it can tell the evoked response from the artifact; no time is spent on it otherwise.
    """

    name: str
    kind: str
    settings: tuple[Settings, ...]
    answer: Call = field(repr=False)
    tells_evoked: bool = True


def kinds() -> dict[str, str]:
    """Name everything that could take part, with its kind."""
    others = {**dict.fromkeys(SIMPLE, "simple"), **dict.fromkeys(PEER_SETTINGS, "peer")}
    ours = dict.fromkeys((AUTO, *plugins.names("emgkit.artifact")), "emgkit")
    return {**ours, **{name: kind for name, kind in others.items() if name not in ours}}


def contestants(names: tuple[str, ...], worker: PeerWorker | None) -> list[Contestant]:
    """Give those of a name; peers that are not installed are left out.

    Raises
    ------
    UnknownNameError
        If there is no such method; the nearest name is offered.
    """
    known = kinds()
    for name in names:
        if name not in known:
            raise UnknownNameError(f"There is no method {name!r}: {nearest(name, known)}.")
    wanted = [name for name in known if name in (names or known)]
    return [made for name in wanted if (made := _make(name, known[name], worker)) is not None]


def _make(name: str, kind: str, worker: PeerWorker | None) -> Contestant | None:
    if kind == "emgkit":
        tells = name == AUTO or not {"evoked", "clean"}.isdisjoint(plugins.load("emgkit.artifact", name).gives)
        return Contestant(name, kind, ({},), _ours(name), tells)
    if kind == "simple":
        return Contestant(name, kind, settings_of(name), _simple(name))
    if worker is None or name not in worker.versions:
        return None
    return Contestant(name, kind, PEER_SETTINGS[name], _peer(name, worker))


def _ours(name: str) -> Call:
    def answer(recording: Recording, pulses: Pulses, _period: float, _settings: Settings) -> Answer:
        begin = time.process_time()
        found = separate(recording, pulses, name)
        target = next((part for part in ("voluntary", "clean") if part in found.names), None)
        given = None if target is None else found.part(target)
        seconds = time.process_time() - begin
        kept = next((part for part in ("evoked", "clean") if part in found.names), None)
        stated = kept is not None and kept in found.parts.standard_errors
        return Answer(
            voluntary=None if given is None else given.signal,
            valid=None if given is None else given.valid,
            evoked=None if kept is None else found.part(kept).signal,
            error=found.standard_error(kept) if stated and kept is not None else None,
            quality=found.parts.quality,  # no score needs more, and judging the parts takes as long as many a method
            messages=found.messages,
            method=found.method,
            seconds=seconds,
        )

    return answer


def _simple(name: str) -> Call:
    def answer(recording: Recording, pulses: Pulses, _period: float, settings: Settings) -> Answer:
        begin = time.process_time()
        cleaned = SIMPLE[name](recording.signal, recording.fs, pulses.onsets - recording.start, **settings)
        return Answer(cleaned, cleaned, time.process_time() - begin)

    return answer


def _peer(name: str, worker: PeerWorker) -> Call:
    def answer(recording: Recording, pulses: Pulses, period: float, settings: Settings) -> Answer:
        if len(pulses) < 2:
            raise Undefined("fewer than 2 pulses")
        onsets = pulses.onsets - recording.start
        cleaned = worker.clean(name, recording.signal, recording.fs, onsets, period, settings)
        return Answer(cleaned.signal, cleaned.signal, cleaned.seconds)

    return answer
