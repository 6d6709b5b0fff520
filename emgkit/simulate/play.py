"""What happens in a session before anything is rendered: pulses, muscles, drives, activity."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.effort import Effort
from emgkit.simulate.evoked import Stimuli
from emgkit.simulate.muscle import Activity, Muscle, act, make_muscle
from emgkit.simulate.schedule import Schedule, draw_schedule
from emgkit.simulate.session import Session
from emgkit.simulate.spikes import common_drive, entrained
from emgkit.simulate.twitch import drive_for

Array = NDArray[np.floating[Any]]

MOST_AT_ONCE = 16  # pulses that may overlap; numerical
INSTANT = 1e-9  # s, by which pulses of two stimulators at one moment follow each other; numerical


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


def play(session: Session, rng: np.random.Generator) -> Played:
    """Let a session happen."""
    wanted = [session.effort_of(number).drive(session.span, session.duration) for number in range(session.muscles)]
    clocks, *each = rng.spawn(1 + session.muscles)
    sources = clocks.spawn(len(session.stimulators))
    schedules = [
        draw_schedule(one, session.duration, rng=source)
        for one, source in zip(session.stimulators, sources, strict=True)
    ]
    stimuli, train = _merged(session, schedules)
    stimulator = _which(schedules)
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
        effort = session.effort_of(number)
        drive = _drive(wanted[number], effort, muscle, stimuli, rng=will)
        done = act(
            muscle,
            _felt(stimuli, np.array(session.reached(number))[stimulator]),
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


def _felt(stimuli: Stimuli, reached: NDArray[np.bool_]) -> Stimuli:
    """Pulses as one muscle feels them.

    Those of a stimulator that does not reach it have no current there. Where the first phases of pulses at one site
    overlap, each acts with the charge that flows during its own: threshold is a charge (Weiss).
    """
    current = np.where(reached, stimuli.current, 0.0)
    total = current.copy()
    for reach in range(1, MOST_AT_ONCE):
        gap = stimuli.onsets[reach:] - stimuli.onsets[:-reach]
        first, second = slice(None, -reach), slice(reach, None)
        shared = np.minimum(stimuli.width[first] - gap, stimuli.width[second])
        shared = np.where(stimuli.stimulator[first] == stimuli.stimulator[second], np.maximum(shared, 0.0), 0.0)
        total[first] += current[second] * shared / stimuli.width[first]
        total[second] += current[first] * shared / stimuli.width[second]
    return replace(stimuli, current=total)


def _drive(drive: Array, effort: Effort, muscle: Muscle, stimuli: Stimuli, *, rng: np.random.Generator) -> Array:
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
    steady = np.concatenate([schedule.steady for schedule in schedules])
    rise = session.fatigue.threshold_at(onsets)
    follow = INSTANT * np.arange(onsets.size)
    apart = np.maximum.accumulate(onsets[order] - follow) + follow
    return (
        Stimuli(apart, current[order], widths[order], site[order].astype(np.int64), rise[order], steady[order]),
        np.concatenate(train)[order].astype(np.int64),
    )


def which(played: Played) -> NDArray[np.int64]:
    """Tell which stimulator gave each pulse."""
    return _which(played.schedules)


def _which(schedules: list[Schedule]) -> NDArray[np.int64]:
    sizes = [schedule.onsets.size for schedule in schedules]
    onsets = np.concatenate([schedule.onsets for schedule in schedules])
    return np.repeat(np.arange(len(sizes)), sizes)[np.argsort(onsets, kind="stable")]
