"""`simulate`: from a session to a recording with its whole truth."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt
from emgkit.pulses import Pulses
from emgkit.recording import Mark, Recording
from emgkit.simulate.device import Device, recorded
from emgkit.simulate.effort import Effort
from emgkit.simulate.evoked import Stimuli
from emgkit.simulate.features import process_values
from emgkit.simulate.leak import Leak, make_leak
from emgkit.simulate.muscle import Activity, Muscle, act, make_muscle, render_spikes, render_volleys
from emgkit.simulate.pool import BEYOND_REACH
from emgkit.simulate.session import Session
from emgkit.simulate.spikes import common_drive, entrained
from emgkit.simulate.stimulator import Schedule, draw_schedule
from emgkit.simulate.surroundings import draw_interference, draw_noise, from_neighbours
from emgkit.simulate.traces import force_trace, trigger_trace
from emgkit.simulate.truth import Simulation, Spiking, Truth
from emgkit.simulate.twitch import drive_for
from emgkit.traces import Trace

__all__ = ["simulate"]

Array = NDArray[np.floating[Any]]

CURRENT_RATE = 1000.0  # Hz, of the trace of the stimulation current


@dataclass(frozen=True, eq=False)
class Played:
    """What happened before anything was rendered."""

    session: Session
    schedules: list[Schedule]
    stimuli: Stimuli
    train: NDArray[np.int64]
    muscles: list[Muscle]
    activities: list[Activity]
    drives: list[Array]


def simulate(session: Session, *, rng: np.random.Generator) -> Simulation:
    """Simulate a session.

    Parameters
    ----------
    session : Session
        What happens.
    rng : numpy.random.Generator
        Source of all chance; every part draws from a stream of its own, so that a change of one part leaves the
        others as they were.

    Returns
    -------
    Simulation
        Recording with the traces TRIG (10 kHz), force (100 Hz) and, where it varies, current; true pulses; truth.

    Raises
    ------
    ParameterError
        If parameters do not fit together.

    Examples
    --------
    >>> import numpy as np
    >>> from emgkit.simulate import Session, simulate
    >>> simulate(Session(duration=2.0), rng=np.random.default_rng(1)).recording.channel_names
    ('VL', 'VM')
    """
    playing, leaking, around, device = rng.spawn(4)
    played = _play(session, playing)
    count = round(session.duration * session.front_end.fs)
    leaks = [
        make_leak(stimulator, schedule, len(session.channel_names), count, session.front_end, rng=source)
        for stimulator, schedule, source in zip(
            session.stimulators, played.schedules, leaking.spawn(len(played.schedules)), strict=True
        )
    ]
    parts = _parts(played, leaks, count, around)
    linear = parts["artifact"] + parts["evoked"] + parts["voluntary"] + parts["interference"] + parts["noise"]
    seen = recorded(Device(session, played.stimuli.onsets, leaks, _inputs(played)), linear, rng=device)
    truth = _truth(played, parts, seen.signal - linear, seen.condition)
    recording = Recording(
        adopt(seen.signal),
        session.front_end.fs,
        session.channel_names,
        aux=_traces(played),
        marks=_marks(session),
        source="simulated",
    )
    return Simulation(recording, _pulses(played), truth)


def _play(session: Session, rng: np.random.Generator) -> Played:
    clocks, *each = rng.spawn(1 + session.muscles)
    sources = clocks.spawn(len(session.stimulators))
    schedules = [
        draw_schedule(one, session.duration, rng=source)
        for one, source in zip(session.stimulators, sources, strict=True)
    ]
    stimuli, train = _merged(session, schedules)
    muscles, activities, drives = [], [], []
    for number, source in enumerate(each):
        body, will, life = source.spawn(3)
        muscle = make_muscle(
            session.pool,
            session.montage,
            session.m_max * session.sizes[number % len(session.sizes)],
            session.front_end,
            session.fatigue,
            rng=body,
        )
        if not session.is_stimulated(number):
            away = np.full(len(muscle.pool), BEYOND_REACH)
            muscle = replace(muscle, pool=replace(muscle.pool, threshold=away))
        effort = session.effort_of(number)
        drive = _drive(session, effort, muscle, stimuli, rng=will)
        done = act(
            muscle,
            stimuli,
            _sites(session),
            drive,
            session.conduction,
            session.evoked,
            session.fatigue,
            effort.synchrony,
            rng=life,
        )
        muscles.append(muscle)
        activities.append(done)
        drives.append(drive)
    return Played(session, schedules, stimuli, train, muscles, activities, drives)


def _drive(session: Session, effort: Effort, muscle: Muscle, stimuli: Stimuli, *, rng: np.random.Generator) -> Array:
    drive = effort.drive(session.span, session.duration)
    if effort.quantity == "force":
        drive = drive_for(muscle.pool, drive)
    return entrained(common_drive(drive, effort.common_drive, rng=rng), effort.entrainment, stimuli.onsets)


def _sites(session: Session) -> int:
    return 1 + max(one.site for one in session.stimulators)


def _merged(session: Session, schedules: list[Schedule]) -> tuple[Stimuli, NDArray[np.int64]]:
    """All pulses in the order of time; trains are numbered through."""
    onsets = np.concatenate([schedule.onsets for schedule in schedules])
    order = np.argsort(onsets, kind="stable")
    train, begin = [], 0
    for schedule in schedules:
        train.append(schedule.train + begin)
        begin += int(schedule.train.max(initial=-1)) + 1
    sizes = [schedule.onsets.size for schedule in schedules]
    widths = np.repeat([one.pulse.width for one in session.stimulators], sizes)
    site = np.repeat([one.site for one in session.stimulators], sizes)
    current = np.concatenate([schedule.current for schedule in schedules])
    rise = session.fatigue.threshold_at(onsets)
    return (
        Stimuli(onsets[order], current[order], widths[order], site[order].astype(np.int64), rise[order]),
        np.concatenate(train)[order].astype(np.int64),
    )


def _which(played: Played) -> NDArray[np.int64]:
    sizes = [schedule.onsets.size for schedule in played.schedules]
    onsets = np.concatenate([schedule.onsets for schedule in played.schedules])
    return np.repeat(np.arange(len(sizes)), sizes)[np.argsort(onsets, kind="stable")]


def _pulses(played: Played) -> Pulses:
    stimuli = played.stimuli
    onsets, current, width = (np.array(one, np.float64) for one in (stimuli.onsets, stimuli.current, stimuli.width))
    return Pulses(onsets, train=played.train, stimulator=_which(played), current=current, width=width)


def _parts(played: Played, leaks: list[Leak], count: int, rng: np.random.Generator) -> dict[str, Array]:
    session, front_end = played.session, played.session.front_end
    shape, fs = (len(session.channel_names), count), front_end.fs
    lines, hiss = rng.spawn(2)
    parts: dict[str, Array] = {name: np.zeros(shape) for name in ("evoked", "voluntary", "evoked_random", "reflex")}
    for number, (muscle, done) in enumerate(zip(played.muscles, played.activities, strict=True)):
        own = session.channels_of(number)
        direct = render_volleys(muscle, done.volleys, done.state, fs, count)
        average = render_volleys(muscle, done.average, done.state, fs, count)
        late = render_spikes(muscle.templates, done.reflexes.times, done.reflexes.unit, done.state, fs, count)
        will = done.spikes.times + muscle.pool.latency[done.spikes.unit]
        parts["voluntary"][own] = front_end.high(
            render_spikes(muscle.templates, will, done.spikes.unit, done.state, fs, count)
        )
        parts["evoked_random"][own] = front_end.high(direct - average)
        parts["reflex"][own] = front_end.high(late)
        parts["evoked"][own] = front_end.high(direct + late)
    parts["artifact"] = np.sum([leak.render(fs, count) for leak in leaks], axis=0)
    interference = draw_interference(shape, session.surroundings, front_end, played.drives[0], rng=lines)
    parts["interference"] = interference + from_neighbours(parts["voluntary"], session.surroundings, fs)
    parts["noise"] = draw_noise(shape, session.surroundings, front_end, rng=hiss)
    return parts


def _inputs(played: Played) -> Any:
    """Give what the muscles put into the inputs, before any filter, V, (channels, samples) at a rate."""

    def at(fs: float, count: int) -> Array:
        rows = []
        for muscle, done in zip(played.muscles, played.activities, strict=True):
            velocity, amplitude, growth = done.state.at(done.volleys.times, done.volleys.unit)
            raw = muscle.raw.render(
                done.volleys.times,
                done.volleys.unit,
                velocity * done.volleys.velocity,
                amplitude * done.volleys.scale,
                fs,
                count,
                growth,
            )
            will = done.spikes.times + muscle.pool.latency[done.spikes.unit]
            times, unit = np.append(will, done.reflexes.times), np.append(done.spikes.unit, done.reflexes.unit)
            rows.append(raw + render_spikes(muscle.raw, times, unit, done.state, fs, count))
        return np.concatenate(rows)

    return at


def _truth(played: Played, parts: dict[str, Array], distortion: Array, condition: NDArray[np.uint8]) -> Truth:
    times, velocity, features = process_values(
        played.session, played.stimuli, list(zip(played.muscles, played.activities, played.drives, strict=True))
    )
    return Truth(
        **{name: adopt(part) for name, part in parts.items()},
        onsets=played.stimuli.onsets,
        velocity_times=times,
        velocity=velocity,
        feature_times=times,
        features=features,
        distortion=adopt(distortion),
        condition=condition,
        planned=np.sort(np.concatenate([schedule.planned for schedule in played.schedules])),
        current=played.stimuli.current,
        stimulator=_which(played),
        drive=np.stack(played.drives),
        spiking=_spiking(played),
    )


def _spiking(played: Played) -> Spiking:
    spikes = [done.spikes for done in played.activities]
    intended = [done.intended for done in played.activities]
    return Spiking(
        times=np.concatenate([one.times for one in spikes]),
        unit=np.concatenate([one.unit for one in spikes]),
        muscle=np.repeat(np.arange(len(spikes)), [one.times.size for one in spikes]),
        intended_times=np.concatenate([one.times for one in intended]),
        intended_unit=np.concatenate([one.unit for one in intended]),
        intended_muscle=np.repeat(np.arange(len(intended)), [one.times.size for one in intended]),
        recruited=np.stack([done.volleys.fired for done in played.activities]),
        threshold=np.stack([muscle.pool.threshold for muscle in played.muscles]),
        unit_velocity=np.stack([muscle.pool.velocity for muscle in played.muscles]),
    )


def _marks(session: Session) -> tuple[Mark, ...]:
    own = session.efforts_of[0].marks(session.span, session.duration)
    return tuple(sorted([*own, *session.labels], key=lambda mark: mark.start))


def _traces(played: Played) -> dict[str, Trace]:
    session = played.session
    late, traces = session.front_end.trigger_latency, {}
    for number, schedule in enumerate(played.schedules):
        name = "TRIG" if number == 0 else f"TRIG{number + 1}"
        traces[name] = trigger_trace(schedule.onsets + late, session.duration)
    traces["force"] = force_trace(list(zip(played.muscles, played.activities, strict=True)), session.duration)
    stimuli = played.stimuli
    if stimuli.current.size and float(np.ptp(stimuli.current)) > 0:
        grid = np.arange(round(session.duration * CURRENT_RATE)) / CURRENT_RATE
        # what is set holds from just before a pulse until just before the next one
        last = np.searchsorted(stimuli.onsets - 0.002, grid, side="right") - 1
        held = np.where(last >= 0, stimuli.current[np.maximum(last, 0)], 0.0)
        traces["current"] = Trace(adopt(held), CURRENT_RATE, "A")
    return traces
