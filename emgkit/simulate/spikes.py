"""When motor units fire: renewal processes that follow a drive, and what stimulation does to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.pool import Pool

Array = NDArray[np.floating[Any]]

INTERVAL_SPREAD = 0.2  # SD of the intervals over their mean, Fuglevand et al. 1993
SHORTEST_INTERVAL = 3e-3  # s
GRID = 1000.0  # Hz, on which the drive is given
MANY = 4.0  # expected spikes between two resets, above which a gap is drawn on its own


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
    rates = pool.rates(drive)
    found = [
        _fire_one(row, grid, np.zeros(0) if resets is None else resets[number], rng) for number, row in enumerate(rates)
    ]
    unit = np.repeat(np.arange(len(pool)), [times.size for times in found])
    return Spikes(np.concatenate(found), unit)


def _fire_one(rates: Array, grid: Array, resets: Array, rng: np.random.Generator) -> Array:
    phase = np.concatenate([[0.0], np.cumsum(rates) / GRID])
    if phase[-1] <= 0:
        return np.zeros(0)
    edges = np.concatenate([[0.0], np.interp(resets, grid, phase), [phase[-1]]])
    ticks = _ticks(np.diff(edges), rng)
    places = np.sort(np.concatenate([edge + tick for edge, tick in zip(edges, ticks, strict=False)]))
    # where the unit is silent the phase stands still: its last time before it moves on is the right one
    rising = np.concatenate([[True], np.diff(phase) > 0])
    times = np.interp(places, phase[rising], grid[rising])
    return times[np.concatenate([[True], np.diff(times) >= SHORTEST_INTERVAL])] if times.size else times


def _ticks(gaps: Array, rng: np.random.Generator) -> list[Array]:
    """Operational times of the spikes after each reset; the first gap begins in the middle of an interval."""
    begun = rng.uniform()
    gaps = gaps + begun * (np.arange(gaps.size) == 0)
    ticks = [_draw(gap, rng) if gap > MANY else np.zeros(0) for gap in gaps]
    short = np.flatnonzero((gaps <= MANY) & (gaps > 1 - 3.9 * INTERVAL_SPREAD))
    if short.size:
        table = np.cumsum(_intervals((short.size, round(3 * MANY)), rng), axis=1)
        for number, row in zip(short, table, strict=True):
            ticks[number] = row[row < gaps[number]]
    ticks[0] = ticks[0][ticks[0] > begun] - begun
    return ticks


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
