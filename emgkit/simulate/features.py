"""Process values of a session on a grid of times."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.evoked import Stimuli, chance_above
from emgkit.simulate.front_end import FINE
from emgkit.simulate.muscle import Activity, Muscle
from emgkit.simulate.process import (
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
FREQUENCY_STEP = 1.0  # Hz, of the spectra behind the process values; numerical


@dataclass(frozen=True, eq=False)
class ProcessValues:
    """Values of the processes behind a recording on a grid of times.

    Parameters
    ----------
    times : (grid,) s
    velocity, weighted_velocity : (channels, grid) m/s, of the stimulated units
    active : (channels, grid) share of the muscle fibres that the pulses excite
    features : {name: (grid, channels)}
    """

    times: Array
    velocity: Array
    weighted_velocity: Array
    active: Array
    features: dict[str, Array]


def process_values(session: Session, played: list[tuple[Muscle, Activity, Array]]) -> ProcessValues:
    """Compute velocities, activity and features of a session at some times."""
    times = _grid(session, played[0][1].stimuli.onsets)
    frequencies = np.arange(FREQUENCY_STEP, session.front_end.fs / 2, FREQUENCY_STEP)
    noise = noise_spectrum(frequencies, session.surroundings, session.front_end)
    gain = session.front_end.high_power(frequencies)
    rows, mean, weighted, active = [], [], [], []
    for muscle, done, drive in played:
        rates = muscle.pool.rates(np.array([drive.max(initial=0.0)]))[:, 0]
        density = VoluntarySpectrum(muscle.templates, rates, done.kept, frequencies, gain)
        values = [_values(session, muscle, done, float(time)) for time in times]
        for time, value in zip(times, values, strict=True):
            around = density.at(done.state, float(time), _stimulated(done, drive, float(time)))
            value.update(voluntary_values(around + noise, frequencies))
        rows.append({name: np.stack([value[name] for value in values]) for name in values[0]})
        own, sized = _velocities(muscle, done, times)
        mean += [own] * len(session.montage.lateral)
        weighted.append(sized)
        active += [_active(muscle, done, times)] * len(session.montage.lateral)
    features = {name: np.concatenate([row[name] for row in rows], axis=1) for name in rows[0]}
    return ProcessValues(times, np.stack(mean), np.concatenate(weighted), np.stack(active), features)


def _grid(session: Session, onsets: Array) -> Array:
    """Give times, s: evenly spread, or at every pulse where the current goes in steps, which no line follows."""
    count = int(np.clip(round(session.duration / EVERY) + 1, FEWEST, MOST))
    even = np.linspace(0.0, session.duration, count)
    steps = any(len(set(one.levels)) > 1 for one in session.stimulators)
    return np.unique(np.concatenate([even[[0, -1]], onsets])) if steps and onsets.size <= MOST_PULSES else even


def _values(session: Session, muscle: Muscle, done: Activity, time: float) -> dict[str, Array]:
    """Evoked features of the response to a pulse at a time, as the nearest pulse outside ramps would give it."""
    near, interval = _around(done.stimuli, time), 1.0
    chance: Array = np.zeros(len(muscle.pool))
    if near.size:
        nearest = near[np.argmin(np.abs(done.stimuli.onsets[near] - time))]
        rise = float(session.fatigue.threshold_at(np.array([time]))[0])
        width = muscle.pool.width_factor(done.stimuli.width[nearest : nearest + 1])[0]
        limit = done.thresholds[done.stimuli.stimulator[nearest]] * width * rise
        chance = chance_above(done.stimuli.current[nearest] / limit - 1, session.evoked)
    if near.size > 1:
        interval = float(np.median(np.diff(done.stimuli.onsets[near])))
    response = expected_response(muscle, session.front_end, done.state, time, chance, interval)
    return evoked_values(response, FINE)


def _around(stimuli: Stimuli, time: float) -> NDArray[np.int64]:
    """Pulses around a time that reach the muscle and that no ramp weakens: the nearest and five on either side."""
    felt = np.flatnonzero((stimuli.current > 0) & stimuli.steady)
    if not felt.size:
        felt = np.flatnonzero(stimuli.current > 0)
    if not felt.size:
        return felt
    nearest = int(np.argmin(np.abs(stimuli.onsets[felt] - time)))
    return felt[max(nearest - 5, 0) : nearest + 6]


def _stimulated(done: Activity, drive: Array, time: float) -> float:
    """Share of the effort around a moment, or of the nearest effort, that falls into trains."""
    effort = np.flatnonzero(drive)
    if not effort.size:
        return 0.0
    middle = int(effort[np.argmin(np.abs(effort - time * DRIVE_GRID))])
    reach = int(0.5 * EVERY * DRIVE_GRID)
    part = slice(max(middle - reach, 0), middle + reach)
    return float((drive[part] * done.within[part]).sum() / drive[part].sum())


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
