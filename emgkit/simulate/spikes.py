"""When motor units fire: renewal processes that follow a drive, and what stimulation does to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.pool import Pool

Array = NDArray[np.floating[Any]]

INTERVAL_SPREAD = 0.2  # SD of the intervals over their mean, Fuglevand et al. 1993
SHORTEST_INTERVAL = 3e-3  # s, between spikes of one unit; unverified
GRID = 1000.0  # Hz, on which the drive is given; by definition
COMMON_RATE = 20.0  # Hz, of the events that synchronised spikes join; unverified
COMMON_REACH, COMMON_SPREAD = 15e-3, 2e-3  # s, how far spikes are moved, and SD around the event; unverified
ENTRAINED_LATE = 0.04  # s, from a pulse to the peak of the drive that it entrains; unverified
LONGEST_PERIOD = 0.2  # s, between pulses that entrain; unverified
MANY = 4.0  # expected spikes between two resets, above which a gap is drawn on its own; numerical


@dataclass(frozen=True, eq=False)
class Spikes:
    """Spikes of a pool.

    Parameters
    ----------
    times : (spikes,) s, sorted by unit, then by time
    unit : (spikes,) int
    """

    times: Array
    unit: NDArray[np.int64]


def fire(pool: Pool, drive: Array, resets: list[Array] | None = None, *, rng: np.random.Generator) -> Spikes:
    """Let the pool follow a drive.

    The intervals are drawn in operational time (the integral of the rate), so that rates may change at any time.

    Parameters
    ----------
    pool : Pool
        The units.
    drive : ndarray, shape (samples,)
        Drive of 0 ... 1 of full drive on a grid of 1 kHz.
    resets : list of ndarray, optional
        For every unit the times at which an antidromic volley reaches the cell body, s: its next interval begins anew.
    rng : numpy.random.Generator
        Source of chance.
    """
    grid = np.arange(drive.size + 1) / GRID
    found = [
        _fire_one(pool.rate(unit, drive), grid, np.zeros(0) if resets is None else resets[unit], rng)
        for unit in range(len(pool))
    ]
    unit = np.repeat(np.arange(len(pool)), [times.size for times in found])
    return Spikes(np.concatenate(found), unit)


def _fire_one(rates: Array, grid: Array, resets: Array, rng: np.random.Generator) -> Array:
    phase = np.concatenate([[0.0], np.cumsum(rates) / GRID])
    if phase[-1] <= 0:
        return np.zeros(0)
    edges = np.concatenate([[0.0], np.interp(resets, grid, phase), [phase[-1]]])
    gap, ticks = _ticks(np.diff(edges), rng)
    places = np.minimum(np.sort(edges[gap] + ticks), np.nextafter(phase[-1], 0.0))  # rounding may reach the end
    # where the unit is silent the phase stands still: a place beyond lies after the silence, never in it
    before = np.searchsorted(phase, places, side="right") - 1
    times = grid[before] + (places - phase[before]) / (phase[before + 1] - phase[before]) / GRID
    return times[np.concatenate([[True], np.diff(times) >= SHORTEST_INTERVAL])] if times.size else times


def _ticks(gaps: Array, rng: np.random.Generator) -> tuple[NDArray[np.int64], Array]:
    """Which gap between resets each spike falls into, and its operational time since that reset.

    The first gap begins in the middle of an interval.
    """
    begun = rng.uniform()
    gaps = gaps + begun * (np.arange(gaps.size) == 0)
    long = np.flatnonzero(gaps > MANY)
    drawn = [_draw(gap, rng) for gap in gaps[long]]
    short = np.flatnonzero((gaps <= MANY) & (gaps > 1 - 3.9 * INTERVAL_SPREAD))
    table = np.cumsum(_intervals((short.size, round(3 * MANY)), rng), axis=1)
    row, column = np.nonzero(table < gaps[short, np.newaxis])
    gap = np.concatenate([np.repeat(long, [ticks.size for ticks in drawn]), short[row]]).astype(np.int64)
    ticks = np.concatenate([*drawn, table[row, column]]) - begun * (gap == 0)
    return gap[ticks > 0], ticks[ticks > 0]


def _draw(gap: float, rng: np.random.Generator) -> Array:
    ticks = np.cumsum(_intervals((int(gap * 1.2 + 6 * np.sqrt(gap) + 10),), rng))
    return ticks[ticks < gap]


def _intervals(shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    return 1 + INTERVAL_SPREAD * np.clip(rng.standard_normal(shape), -3.9, 3.9)


def annihilate(spikes: Spikes, hits: list[Array], conduction: float) -> tuple[Spikes, NDArray[np.bool_]]:
    """Take away the voluntary spikes that meet an antidromic volley on their axon.

    A spike that would pass the site of stimulation within twice the conduction time between cord and site after a
    pulse that excited its axon is lost.

    Parameters
    ----------
    spikes : Spikes
        Times at which voluntary spikes would pass the site of stimulation, s.
    hits : list of ndarray
        For every unit the times at which a pulse excited its axon, s.
    conduction : float
        Conduction time between spinal cord and site, s.

    Returns
    -------
    Spikes, ndarray of bool
        The spikes that reach the muscle, and the mask of those kept.
    """
    keep = np.ones(spikes.times.size, dtype=bool)
    for number, pulses in enumerate(hits):
        own = np.flatnonzero(spikes.unit == number)
        if not own.size or not pulses.size:
            continue
        last = np.searchsorted(pulses, spikes.times[own], side="right") - 1
        since = np.where(last >= 0, spikes.times[own] - pulses[np.maximum(last, 0)], np.inf)
        keep[own[since < 2 * conduction]] = False
    return Spikes(spikes.times[keep], spikes.unit[keep]), keep


def common_drive(drive: Array, spread: float, *, rng: np.random.Generator) -> Array:
    """Let a drive fluctuate by ``spread`` (relative SD) below 1 Hz, all units together."""
    from scipy.signal import butter, sosfilt

    if not spread:
        return drive
    slow = sosfilt(butter(2, 1.0, fs=GRID, output="sos"), rng.standard_normal(drive.size + int(GRID)))[int(GRID) :]
    return np.clip(drive * (1 + spread * slow / max(float(slow.std()), 1e-12)), 0.0, 1.0)


def synchronised(spikes: Spikes, share: float, *, rng: np.random.Generator) -> Spikes:
    """Let a share of the spikes join common events nearby.

    Rates stay as they are; units fire together within some ms more often than by chance (in the manner of Yao,
    Fuglevand and Enoka 2000, J Neurophysiol 83:441).
    """
    if not share or not spikes.times.size:
        return spikes
    gaps = _intervals((int(spikes.times.max() * COMMON_RATE * 1.5) + 20,), rng) / COMMON_RATE
    events = np.cumsum(gaps)
    after = np.clip(np.searchsorted(events, spikes.times), 1, events.size - 1)
    near = np.where(spikes.times - events[after - 1] < events[after] - spikes.times, events[after - 1], events[after])
    joins = (rng.uniform(size=near.size) < share) & (np.abs(near - spikes.times) < COMMON_REACH)
    times = np.where(joins, near + COMMON_SPREAD * rng.standard_normal(near.size), spikes.times)
    order = np.lexsort((times, spikes.unit))
    return Spikes(np.maximum(times[order], 0.0), spikes.unit[order])


def entrained(drive: Array, swing: float, onsets: Array) -> Array:
    """Let a drive on the grid of 1 kHz swing by ``swing``, relative, in step with pulses at ``onsets``, s."""
    if not swing or onsets.size < 2:
        return drive
    time = np.arange(drive.size) / GRID - ENTRAINED_LATE
    last = np.clip(np.searchsorted(onsets, time, side="right") - 1, 0, onsets.size - 2)
    period = onsets[last + 1] - onsets[last]
    within = (time - onsets[last]) / np.maximum(period, 1e-3)
    steady = (period < LONGEST_PERIOD) & (within >= 0) & (within < 1)
    return np.clip(drive * (1 + swing * np.cos(2 * np.pi * within) * steady), 0.0, 1.0)
