"""`simulate`: from a session to a recording with its whole truth."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt
from emgkit.errors import ParameterError
from emgkit.pulses import Pulses
from emgkit.recording import Mark, Recording
from emgkit.simulate.device import Device, Inputs, recorded
from emgkit.simulate.effort import joined, rests
from emgkit.simulate.features import process_values
from emgkit.simulate.interference import Around, draw_around, from_neighbours
from emgkit.simulate.leak import Leak, make_leak
from emgkit.simulate.muscle import render_average, render_expected, render_spikes, render_volleys
from emgkit.simulate.play import Played, play, which
from emgkit.simulate.session import Session
from emgkit.simulate.slip import slipped
from emgkit.simulate.spikes import Spikes
from emgkit.simulate.traces import force_trace, trigger_trace
from emgkit.simulate.truth import Simulation, Spiking, Truth
from emgkit.traces import Trace

__all__ = ["simulate"]

Array = NDArray[np.floating[Any]]

CURRENT_RATE = 1000.0  # Hz, of the trace of the stimulation current; by definition


def simulate(session: Session, *, rng: np.random.Generator, features: bool = True) -> Simulation:
    """Simulate a session.

    Parameters
    ----------
    session : Session
        What happens.
    rng : numpy.random.Generator
        Source of all chance; every part draws from a stream of its own, so that a change of one part leaves the
        others as they were.
    features : bool
        Whether the truth holds features, which takes up to half of the time; velocities then stand on a grid of times
        that is not refined where they change from pulse to pulse. No signal depends on it.

    Returns
    -------
    Simulation
        Recording with the traces TRIG (10 kHz), force (100 Hz) and, where it varies, current; true pulses; truth.

    Raises
    ------
    ParameterError
        If parameters do not fit together, or the session is none.

    Examples
    --------
    >>> import numpy as np
    >>> from emgkit.simulate import Session, simulate
    >>> simulate(Session(duration=2.0), rng=np.random.default_rng(1)).recording.channel_names
    ('VL', 'VM')
    """
    if not isinstance(rng, np.random.Generator):
        raise ParameterError(f"rng must be a numpy.random.Generator, as numpy.random.default_rng(1), got {rng!r}.")
    if not isinstance(rng.bit_generator.seed_seq, np.random.SeedSequence):
        raise ParameterError("rng must be made from a seed, as numpy.random.default_rng(1), not from a key or a state.")
    if not isinstance(session, Session):
        raise ParameterError(f"session must be a Session, as Session(duration=10.0), got {session!r}.")
    playing, leaking, around, device = rng.spawn(4)
    played = play(session, playing)
    count = round(session.duration * session.front_end.fs)
    leaks = [
        make_leak(stimulator, schedule, len(session.channel_names), count, session.front_end, rng=source)
        for stimulator, schedule, source in zip(
            session.stimulators, played.schedules, leaking.spawn(len(played.schedules)), strict=True
        )
    ]
    lines, hiss = around.spawn(2)
    surroundings = draw_around(
        (len(session.channel_names), count),
        session.surroundings,
        session.front_end,
        np.repeat(played.drives, len(session.montage.lateral), axis=0),
        lines=lines,
        hiss=hiss,
    )
    parts = _parts(played, leaks, count, surroundings)
    linear = parts["artifact"] + parts["evoked"] + parts["voluntary"] + parts["interference"] + parts["noise"]
    seen = recorded(Device(session, played.stimuli.onsets, leaks, _inputs(played, surroundings)), linear, rng=device)
    truth = _truth(played, parts, seen.signal - linear, seen.condition, features=features)
    recording = Recording(
        adopt(seen.signal),
        session.front_end.fs,
        session.channel_names,
        aux=_traces(played),
        marks=_marks(session),
        source="simulated",
    )
    made = Simulation(recording, _pulses(played), truth)
    return slipped(made) if session.front_end.packet_slip else made


def _pulses(played: Played) -> Pulses:
    stimuli = played.stimuli
    onsets, current, width = (np.array(one, np.float64) for one in (stimuli.onsets, stimuli.current, stimuli.width))
    return Pulses(onsets, train=played.train, stimulator=which(played), current=current, width=width)


def _parts(played: Played, leaks: list[Leak], count: int, around: Around) -> dict[str, Array]:
    session, front_end = played.session, played.session.front_end
    shape, fs = (len(session.channel_names), count), front_end.fs
    parts: dict[str, Array] = {name: np.zeros(shape) for name in ("evoked", "voluntary", "evoked_random", "reflex")}
    for number, (muscle, done) in enumerate(zip(played.muscles, played.activities, strict=True)):
        own = session.channels_of(number)
        direct = render_volleys(muscle.templates, done.volleys, done.state, fs, count)
        average = render_average(muscle.templates, done, session.evoked.latency_jitter, fs, count)
        late = render_spikes(muscle.templates, done.late.spikes.times, done.late.spikes.unit, done.state, fs, count)
        later = render_expected(muscle.templates, done.late, done.state, fs, count)
        will = done.spikes.times + muscle.pool.latency[done.spikes.unit]
        parts["voluntary"][own] = front_end.high(
            render_spikes(muscle.templates, will, done.spikes.unit, done.state, fs, count)
        )
        parts["evoked_random"][own] = front_end.high(direct - average + late - later)
        parts["reflex"][own] = front_end.high(late)
        parts["evoked"][own] = front_end.high(direct + late)
    parts["artifact"] = np.sum([leak.render(fs, count) for leak in leaks], axis=0)
    parts["interference"] = around.interference(front_end)
    parts["interference"] += from_neighbours(parts["voluntary"], session.surroundings, fs)
    parts["noise"] = around.noise(front_end)
    return parts


def _inputs(played: Played, around: Around) -> Inputs:
    """Give what enters beside the artifact before any filter, V, (channels, samples) at so many times the rate."""
    session = played.session

    def at(ratio: int) -> Array:
        fs = session.front_end.fs * ratio
        total = around.entering(session.front_end, ratio)
        own = np.zeros_like(total)
        for number, (muscle, done) in enumerate(zip(played.muscles, played.activities, strict=True)):
            rows, volleys, late = session.channels_of(number), done.volleys, done.late.spikes
            total[rows] += render_volleys(muscle.raw, volleys, done.state, fs, total.shape[1])
            total[rows] += render_spikes(muscle.raw, late.times, late.unit, done.state, fs, total.shape[1])
            will = done.spikes.times + muscle.pool.latency[done.spikes.unit]
            own[rows] = render_spikes(muscle.raw, will, done.spikes.unit, done.state, fs, total.shape[1])
        return np.asarray(total + own + from_neighbours(own, session.surroundings, fs))

    return at


def _truth(
    played: Played, parts: dict[str, Array], distortion: Array, condition: NDArray[np.uint8], *, features: bool
) -> Truth:
    happened = list(zip(played.muscles, played.activities, played.drives, strict=True))
    values = process_values(played.session, played.train, happened, features=features)
    return Truth(
        **{name: adopt(part) for name, part in parts.items()},
        onsets=played.stimuli.onsets,
        velocity_times=values.times,
        velocity=values.velocity,
        weighted_velocity=values.weighted_velocity,
        active=values.active,
        feature_times=values.feature_times,
        features=values.features,
        distortion=adopt(distortion),
        condition=condition,
        planned=np.sort(np.concatenate([schedule.planned for schedule in played.schedules])),
        current=played.stimuli.current,
        stimulator=which(played),
        drive=np.stack(played.drives),
        spiking=_spiking(played, values.times),
    )


def _spiking(played: Played, times: Array) -> Spiking:
    done, pools = played.activities, [muscle.pool for muscle in played.muscles]
    units = np.arange(len(pools[0]))
    velocity = [
        np.stack([one.state.at(np.full(units.size, time), units)[0] * pool.velocity for time in times], axis=1)
        for one, pool in zip(done, pools, strict=True)
    ]
    return Spiking(
        **_joined("", [one.spikes for one in done]),
        **_joined("intended_", [one.intended for one in done]),
        **_joined("reflex_", [one.late.spikes for one in done]),
        recruited=np.stack([one.volleys.fired for one in done]),
        threshold=np.stack([pool.threshold for pool in pools]),
        unit_velocity=np.stack([pool.velocity for pool in pools]),
        fibre_velocity=np.stack(velocity),
        latency=np.stack([pool.latency for pool in pools]),
    )


def _joined(prefix: str, spikes: list[Spikes]) -> dict[str, Any]:
    return {
        f"{prefix}times": np.concatenate([one.times for one in spikes]),
        f"{prefix}unit": np.concatenate([one.unit for one in spikes]),
        f"{prefix}muscle": np.repeat(np.arange(len(spikes)), [one.times.size for one in spikes]),
    }


def _marks(session: Session) -> tuple[Mark, ...]:
    """Mark contractions of any muscle and rest of all; of a further one, what the labels name has its mark already."""
    named = {(mark.start, mark.stop) for mark in session.labels}
    first, *others = (one.spans(session.span, session.duration) for one in session.efforts_of[: session.muscles])
    spans = [*first, *(span for other in others for span in other if span not in named)]
    voluntary = [Mark("voluntary", *span) for span in (joined(spans) if others else spans)]
    rest = rests(joined([*first, *itertools.chain(*others)]) if others else first, session.span)
    return tuple(sorted([*voluntary, *rest, *session.labels], key=lambda mark: mark.start))


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
