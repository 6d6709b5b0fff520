"""Process values of a session on a grid of times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.evoked import Stimuli, chance_above
from emgkit.simulate.front_end import FINE
from emgkit.simulate.muscle import Activity, Muscle
from emgkit.simulate.pool import SHORTEST_LATENCY
from emgkit.simulate.process import (
    WINDOW,
    VoluntarySpectrum,
    evoked_values,
    expected_response,
    voluntary_values,
)
from emgkit.simulate.session import Session
from emgkit.simulate.spikes import GRID as DRIVE_GRID
from emgkit.simulate.surroundings import noise_spectrum

Array = NDArray[np.floating[Any]]

# times at which process values are computed, one every 2.5 s; between, they are smooth
FEWEST, MOST, EVERY = 5, 25, 2.5  # s; numerical
MOST_PULSES = 100  # of a series of currents; numerical
APART = WINDOW[1] - SHORTEST_LATENCY  # s, responses of pulses so far apart have a window each
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
    feature_times : (feature grid,) s: the same and both sides of every edge between rest and stimulation
    features : {name: (feature grid, channels)}
    """

    times: Array
    velocity: Array
    weighted_velocity: Array
    active: Array
    feature_times: Array
    features: dict[str, Array]


def process_values(
    session: Session, train: NDArray[np.int64], played: list[tuple[Muscle, Activity, Array]]
) -> ProcessValues:
    """Compute velocities, activity and features of a session at some times; ``train`` is that of every pulse."""
    times = _grid(session, played[0][1].stimuli.onsets)
    stimulated = [_stimulated(done, drive) for _, done, drive in played]
    feature_times = np.unique(np.concatenate([times, *(_edges(one) for one in stimulated)]))
    rows, mean, weighted, active = [], [], [], []
    for (muscle, done, drive), during in zip(played, stimulated, strict=True):
        evoked = [_evoked(session, muscle, done, train, float(time)) for time in times]
        row = {name: _between(feature_times, times, [value[name] for value in evoked]) for name in evoked[0]}
        free, taken = _voluntary(session, muscle, done, drive, times)
        inside = _read(during, feature_times)[:, np.newaxis]
        for name in free[0]:
            sides = [_between(feature_times, times, [value[name] for value in side]) for side in (taken, free)]
            row[name] = np.where(inside, *sides)
        rows.append(row)
        own, sized = _velocities(muscle, done, times)
        mean += [own] * len(session.montage.lateral)
        weighted.append(sized)
        active += [_active(muscle, done, times)] * len(session.montage.lateral)
    features = {name: np.concatenate([row[name] for row in rows], axis=1) for name in rows[0]}
    velocities = (np.stack(mean), np.concatenate(weighted))
    return ProcessValues(times, *velocities, np.stack(active), feature_times, features)


def _between(at: Array, times: Array, values: list[Array]) -> Array:
    """Read values per channel at other times, (times, channels)."""
    return np.stack([np.interp(at, times, column) for column in np.stack(values, axis=1)], axis=1)


def _voluntary(
    session: Session, muscle: Muscle, done: Activity, drive: Array, times: Array
) -> tuple[list[dict[str, Array]], list[dict[str, Array]]]:
    """Voluntary features at some times outside trains, and within."""
    frequencies = np.arange(FREQUENCY_STEP, session.front_end.fs / 2, FREQUENCY_STEP)
    noise = noise_spectrum(frequencies, session.surroundings, session.front_end)
    gain = session.front_end.high_power(frequencies)
    rates = muscle.pool.rates(np.array([drive.max(initial=0.0)]))[:, 0]
    density = VoluntarySpectrum(muscle.templates, rates, done.kept, frequencies, gain)
    around = [density.at(done.state, float(time)) for time in times]
    free, taken = ([voluntary_values(one[side] + noise, frequencies) for one in around] for side in (0, 1))
    return free, taken


def _grid(session: Session, onsets: Array) -> Array:
    """Give times, s: evenly spread, or at every pulse where the current goes in steps, which no line follows."""
    count = int(np.clip(round(session.duration / EVERY) + 1, FEWEST, MOST))
    even = np.linspace(0.0, session.duration, count)
    steps = any(len(set(one.levels)) > 1 for one in session.stimulators)
    return np.unique(np.concatenate([even[[0, -1]], onsets])) if steps and onsets.size <= MOST_PULSES else even


def _evoked(
    session: Session, muscle: Muscle, done: Activity, train: NDArray[np.int64], time: float
) -> dict[str, Array]:
    """Evoked features of the response to a pulse at a time, as the nearest pulse outside ramps would give it.

    The response is that to its stimulator alone, at the interval of its train. Where all pulses of this train come so
    close to others, of any stimulator, that the responses mix, the values are NaN.
    """
    nearest, interval, alone = _pulse(done.stimuli, train, time)
    chance: Array = np.zeros(len(muscle.pool))
    if nearest is not None:
        rise = float(session.fatigue.threshold_at(np.array([time]))[0])
        width = muscle.pool.width_factor(done.stimuli.width[nearest : nearest + 1])[0]
        limit = done.thresholds[done.stimuli.stimulator[nearest]] * width * rise
        chance = chance_above(done.stimuli.current[nearest] / limit - 1, session.evoked)
    response = expected_response(muscle, session.front_end, done.state, time, chance, interval)
    values = evoked_values(response, FINE)
    return values if alone else {name: np.full_like(value, np.nan) for name, value in values.items()}


def _pulse(stimuli: Stimuli, train: NDArray[np.int64], time: float) -> tuple[int | None, float, bool]:
    """Give the pulse that stands for a time, the interval of its train, s, and whether its response is alone."""
    near = _around(stimuli, time)
    if not near.size:
        return None, 1.0, True
    onsets = stimuli.onsets
    felt = np.flatnonzero(stimuli.current > 0)
    close = np.diff(onsets[felt]) < APART
    mixed = np.concatenate([[False], close]) | np.concatenate([close, [False]])
    steady = stimuli.steady[felt] if stimuli.steady[near].all() else np.ones(felt.size, dtype=np.bool_)
    own = steady & (train[felt] == train[near[np.argmin(np.abs(onsets[near] - time))]])
    alone = own & ~mixed
    usable, every = felt[alone if alone.any() else own], felt[own]
    nearest = int(usable[np.argmin(np.abs(onsets[usable] - time))])
    place = int(np.searchsorted(every, nearest))
    gaps = np.diff(onsets[every[max(place - 5, 0) : place + 6]])
    gaps = gaps[gaps >= APART]  # a pulse that is alone has no doublet before it
    return nearest, float(np.median(gaps)) if gaps.size else 1.0, bool(alone.any())


def _around(stimuli: Stimuli, time: float) -> NDArray[np.int64]:
    """Pulses around a time that reach the muscle and that no ramp weakens: the nearest and five on either side."""
    felt = np.flatnonzero((stimuli.current > 0) & stimuli.steady)
    if not felt.size:
        felt = np.flatnonzero(stimuli.current > 0)
    if not felt.size:
        return felt
    nearest = int(np.argmin(np.abs(stimuli.onsets[felt] - time)))
    return felt[max(nearest - 5, 0) : nearest + 6]


def _stimulated(done: Activity, drive: Array) -> NDArray[np.bool_]:
    """Whether the effort of each ms, or the effort nearest to it, falls into a train."""
    effort = np.flatnonzero(drive)
    if not effort.size:
        return np.zeros(max(drive.size, 1), dtype=np.bool_)
    every = np.arange(drive.size)
    after = np.clip(np.searchsorted(effort, every), 0, effort.size - 1)
    before = np.maximum(after - 1, 0)
    nearer = np.abs(every - effort[before]) < np.abs(effort[after] - every)
    return np.asarray(done.within[effort[np.where(nearer, before, after)]])


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
