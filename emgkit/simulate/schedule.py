"""Draw when a stimulator fires: its trains by its own clock, with jitter, missing and extra pulses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import ParameterError
from emgkit.simulate.stimulator import SURE, Span, Stimulator

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, eq=False)
class Schedule:
    """What a stimulator did.

    Parameters
    ----------
    onsets : (pulses,) s, true leading edges
    current : (pulses,) A
    train : (pulses,) int, which train
    steady : (pulses,) bool, outside the ramps
    planned : (planned,) s, on the clock of whoever set the rate: no clock error, no jitter, nothing missing
    """

    onsets: Array
    current: Array
    train: NDArray[np.int64]
    steady: NDArray[np.bool_]
    planned: Array


def draw_schedule(stimulator: Stimulator, duration: float, *, rng: np.random.Generator) -> Schedule:
    """Draw when a stimulator fires in a recording of ``duration`` s."""
    spans = stimulator.spans(duration)
    onsets: list[Array] = []
    current, train, steady, planned = [], [], [], []
    # nobody starts a train in step with the recording: every train begins anywhere within a period
    chosen, slips = rng.spawn(1)[0], rng.uniform(size=len(spans))
    regulars = [_train_times(stimulator, span, float(slip)) for span, slip in zip(spans, slips, strict=True)]
    ends = _ends(stimulator, regulars, duration)
    speed = 1 + stimulator.clock_error * 1e-6
    for number, (span, regular) in enumerate(zip(spans, regulars, strict=True)):
        planned.append(regular)
        begin = float(regular[0]) if regular.size else span[0]
        real = begin + (regular - begin) / speed
        stop = begin + (span[1] - begin) / speed  # the end of the train by its own clock
        real = _disturbed(stimulator, real, (span[0], stop), rng)
        last = max((float(one[-1]) for one in onsets if one.size), default=-np.inf)
        free = max(0.0, last + stimulator.pulse.duration)  # an extra pulse may come before the first planned one
        real = real[(real >= free) & (real < ends[number])]
        onsets.append(real)
        level = stimulator.level(number) * _levels(stimulator, real.size, chosen)
        current.append(stimulator.current * level * stimulator.shape_at(real, (span[0], stop)))
        train.append(np.full(real.size, number))
        steady.append(stimulator.ramp_at(real, (span[0], stop)) >= 1.0)
    return Schedule(*(np.concatenate(rows) for rows in (onsets, current, train, steady, planned)))


def _ends(stimulator: Stimulator, trains: list[Array], duration: float) -> list[float]:
    """When each train ends at the latest, s: a slow clock lets none run into the next one."""
    apart = stimulator.pulse.duration + SURE * np.sqrt(2) * stimulator.jitter
    ends, end = [], duration - 1e-3
    for regular in reversed(trains):
        ends.append(end)
        end = min(end, float(regular[0]) - apart) if regular.size else end
    return ends[::-1]


def _train_times(stimulator: Stimulator, span: Span, slip: float) -> Array:
    if stimulator.intervals:
        times: Array = span[0] + np.concatenate([[0.0], np.cumsum(stimulator.intervals)])
    else:
        period = 1 / stimulator.rate
        fixed = None if stimulator.phase is None else stimulator.phase * period
        begin = span[0] + (slip * min(period, 0.1 * (span[1] - span[0])) if fixed is None else fixed)
        times = begin + period * np.arange(int((span[1] - begin) / period) + 1)
    times = np.asarray(times[times < span[1]])
    return _with_doublet(stimulator, times, span) if stimulator.doublet and times.size else times


def _with_doublet(stimulator: Stimulator, times: Array, span: Span) -> Array:
    more = times[0] + stimulator.doublet
    if more >= span[1]:
        raise ParameterError(
            f"doublet must lie within its train: below {span[1] - times[0]:.4g} s in the train from {span[0]:g} to "
            f"{span[1]:g} s, got {stimulator.doublet:g} s."
        )
    apart = stimulator.pulse.duration + SURE * np.sqrt(2) * stimulator.jitter
    nearest = times[np.argmin(np.abs(times - more))]
    if abs(nearest - more) <= apart:
        raise ParameterError(
            f"doublet must differ from the intervals of its train by more than {apart * 1e3:.3g} ms, got "
            f"{stimulator.doublet:g} s with a pulse of the train {nearest - times[0]:.6g} s after the first."
        )
    return np.sort(np.append(times, more))


def _levels(stimulator: Stimulator, count: int, rng: np.random.Generator) -> Array:
    if not stimulator.pulse_levels:
        return np.ones(count)
    return np.asarray(rng.choice(np.array(stimulator.pulse_levels), count))


def _disturbed(stimulator: Stimulator, times: Array, span: Span, rng: np.random.Generator) -> Array:
    times = times + stimulator.jitter * rng.standard_normal(times.size)
    times = times[rng.uniform(size=times.size) >= stimulator.missing]
    more = rng.uniform(*span, size=rng.binomial(times.size, stimulator.extra))
    return _without_overlap(times, more, stimulator.pulse.duration)


def _without_overlap(times: Array, more: Array, duration: float) -> Array:
    """Add those extra pulses that neither begin during another nor run into one: a stimulator gives one at a time."""
    for extra in np.sort(more):
        if not times.size or np.abs(times - extra).min() > duration:
            times = np.append(times, extra)
    return np.sort(times)
