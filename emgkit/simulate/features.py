"""Process values of a session on a grid of times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.effort import Effort
from emgkit.simulate.evoked import Stimuli
from emgkit.simulate.evoked_values import evoked_table
from emgkit.simulate.grid import state_grid
from emgkit.simulate.muscle import Activity, Muscle
from emgkit.simulate.pool import BEYOND_REACH
from emgkit.simulate.process import voluntary_values
from emgkit.simulate.session import Session
from emgkit.simulate.spikes import GRID as DRIVE_GRID
from emgkit.simulate.surroundings import noise_spectrum
from emgkit.simulate.timing import beat_at, in_trains, readiness
from emgkit.simulate.voluntary import NO_BEAT, VoluntarySpectrum, strongest_rates

Array = NDArray[np.floating[Any]]

ALL = 0.75  # of the units that fire within reach of the current: the others tell little of what is heard; numerical
MOST_PULSES = 100  # of a series of currents, at which velocities and activity are told, too; numerical
JUST_BEFORE = 1e-6  # s; numerical
FREQUENCY_STEP = 1.0  # Hz, of the spectra behind the process values; numerical


@dataclass(frozen=True, eq=False)
class ProcessValues:
    """Values of the processes behind a recording on a grid of times.

    Parameters
    ----------
    times : (grid,) s
    velocity, weighted_velocity : (channels, grid) m/s, of the stimulated units
    active : (channels, grid) share of the muscle fibres that the pulses excite
    feature_times : (feature grid,) s: the same, pulses around which the evoked response changes, and both sides of
        every edge between rest and stimulation
    features : {name: (feature grid, channels)}
    """

    times: Array
    velocity: Array
    weighted_velocity: Array
    active: Array
    feature_times: Array
    features: dict[str, Array]


def process_values(
    session: Session, train: NDArray[np.int64], played: list[tuple[Muscle, Activity, Array]], *, features: bool
) -> ProcessValues:
    """Compute velocities, activity and features of a session at some times; ``train`` is that of every pulse."""
    grid = state_grid(session.duration, [done for _, done, _ in played], session.fatigue)
    if not features:
        return ProcessValues(grid, *_states(session, played, grid), grid[:0], {})
    efforts = [session.effort_of(number) for number in range(session.muscles)]
    stimulated = [
        _stimulated(done, drive, train, effort.entrainment > 0)
        for (_, done, drive), effort in zip(played, efforts, strict=True)
    ]
    tables = [evoked_table(session, muscle, done, train, grid) for muscle, done, _ in played]
    stops = np.unique(np.concatenate([grid, *(stations for stations, _ in tables)]))
    times = stops if stops.size <= MOST_PULSES else grid
    feature_times = np.unique(np.concatenate([stops, *(_edges(one) for one in stimulated)]))
    rows = []
    for (muscle, done, drive), effort, during, (stations, evoked) in zip(
        played, efforts, stimulated, tables, strict=True
    ):
        row = {name: _between(feature_times, stations, list(values)) for name, values in evoked.items()}
        own_times = np.unique(np.concatenate([grid, _edges(during)]))
        inside = _read(during, own_times)
        voluntary = _voluntary(session, effort, (muscle, done, drive), train, (own_times, inside))
        rows.append(row | {name: _between(feature_times, own_times, list(table)) for name, table in voluntary.items()})
    table = {name: np.concatenate([row[name] for row in rows], axis=1) for name in rows[0]}
    return ProcessValues(times, *_states(session, played, times), feature_times, table)


def _states(session: Session, played: list[tuple[Muscle, Activity, Array]], times: Array) -> tuple[Array, Array, Array]:
    """Velocities and activity at times, see `ProcessValues`."""
    mean, weighted, active = [], [], []
    for muscle, done, _ in played:
        own, sized = _velocities(muscle, done, times)
        mean += [own] * len(session.montage.lateral)
        weighted.append(sized)
        active += [_active(muscle, done, times)] * len(session.montage.lateral)
    return np.stack(mean), np.concatenate(weighted), np.stack(active)


def _between(at: Array, times: Array, values: list[Array]) -> Array:
    """Read values per channel at other times, (times, channels)."""
    return np.stack([np.interp(at, times, column) for column in np.stack(values, axis=1)], axis=1)


def _voluntary(
    session: Session,
    effort: Effort,
    happened: tuple[Muscle, Activity, Array],
    train: NDArray[np.int64],
    when: tuple[Array, NDArray[np.bool_]],
) -> dict[str, Array]:
    """Voluntary features at times, and whether each lies within a train, (times, channels)."""
    muscle, done, drive = happened
    frequencies = np.arange(FREQUENCY_STEP, session.front_end.fs / 2, FREQUENCY_STEP)
    noise = noise_spectrum(frequencies, session.surroundings, session.front_end)
    gain = session.front_end.high_power(frequencies)
    rates = strongest_rates(effort, session.span, session.duration, muscle.pool)
    density = VoluntarySpectrum(muscle.templates, muscle.pool.latency, rates, session.conduction, frequencies)
    chance = np.zeros_like(done.volleys.chance)
    chance[:, density.active] = done.volleys.chance[:, density.active]
    ready = readiness(muscle.pool, drive, done.stimuli.onsets, chance, session.conduction)
    reached = (
        bool((muscle.pool.threshold[density.active] < BEYOND_REACH).mean() > ALL) if density.active.size else False
    )
    rows = []
    for time, inside in zip(*when, strict=True):
        near = (done.stimuli, (chance, ready), train, float(time), session.conduction)
        beat = beat_at(*near, all_reached=reached) if inside else NO_BEAT
        unknown = beat is None or (inside and effort.entrainment > 0) or effort.synchrony > 0
        spectrum = density.at(done.state, float(time), beat or NO_BEAT)
        values = voluntary_values(spectrum * gain + noise, frequencies)
        lost = unknown and density.active.size > 0
        rows.append({name: np.full_like(value, np.nan) if lost else value for name, value in values.items()})
    return {name: np.stack([row[name] for row in rows]) for name in rows[0]}


def _around(stimuli: Stimuli, time: float) -> NDArray[np.int64]:
    """Pulses around a time that reach the muscle and that no ramp weakens: the nearest and five on either side."""
    felt = np.flatnonzero((stimuli.current > 0) & stimuli.steady)
    if not felt.size:
        felt = np.flatnonzero(stimuli.current > 0)
    if not felt.size:
        return felt
    nearest = int(np.argmin(np.abs(stimuli.onsets[felt] - time)))
    return felt[max(nearest - 5, 0) : nearest + 6]


def _stimulated(done: Activity, drive: Array, train: NDArray[np.int64], every_pulse: bool) -> NDArray[np.bool_]:
    """Whether the effort of each ms, or the effort nearest to it, falls into a train that the muscle feels."""
    effort = np.flatnonzero(drive)
    if not effort.size:
        return np.zeros(max(drive.size, 1), dtype=np.bool_)
    every = np.arange(drive.size)
    after = np.clip(np.searchsorted(effort, every), 0, effort.size - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(every - effort[before]) < np.abs(effort[after] - every)
    felt = (done.stimuli.current > 0) | every_pulse
    within = in_trains(done.stimuli.onsets[felt], train[felt], every / DRIVE_GRID)
    return np.asarray(within[effort[np.where(nearer, before, after)]])


def _edges(during: NDArray[np.bool_]) -> Array:
    """Give times just before and at every edge, s: nothing is read between two states."""
    edges = (np.flatnonzero(np.diff(during.astype(np.int8))) + 1) / DRIVE_GRID
    return np.concatenate([edges - JUST_BEFORE, edges])


def _read(during: NDArray[np.bool_], times: Array) -> NDArray[np.bool_]:
    """Read a state that is given for each ms at some times, s."""
    place = np.floor((times + 0.5 * JUST_BEFORE) * DRIVE_GRID).astype(np.int64)
    return during[np.clip(place, 0, during.size - 1)]


def _velocities(muscle: Muscle, done: Activity, times: Array) -> tuple[Array, Array]:
    """Mean velocity of the stimulated units, else of all: plain (grid,) and weighted by size (channels, grid)."""
    felt = done.volleys.fired[done.stimuli.current > 0]
    fired = np.flatnonzero(felt.mean(axis=0) > 0.5) if len(felt) else np.zeros(0, int)
    if not fired.size:
        fired = np.arange(len(muscle.pool))
    states = np.stack([done.state.at(np.full(fired.size, time), fired)[0] for time in times], axis=1)
    table = states * muscle.pool.velocity[fired, np.newaxis]
    sizes = np.ptp(muscle.templates.values[fired], axis=-1).T
    return table.mean(axis=0), sizes @ table / sizes.sum(axis=1, keepdims=True)


def _active(muscle: Muscle, done: Activity, times: Array) -> Array:
    """Share of the muscle fibres that the pulses around each time excite, (grid,)."""
    units, innervation = np.arange(len(muscle.pool)), muscle.pool.innervation
    shares = []
    for time in times:
        near = _around(done.stimuli, float(time))
        fired = done.volleys.fired[near].mean(axis=0) if near.size else np.zeros(units.size)
        able = done.state.at(np.full(units.size, time), units)[1]
        shares.append((innervation * fired * able).sum() / innervation.sum())
    return np.array(shares)
