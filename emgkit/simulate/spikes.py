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


def fire(pool: Pool, drive: Array, *, rng: np.random.Generator) -> Spikes:
    """Let the pool follow a drive.

    The intervals are drawn in operational time (the integral of the rate), so that rates may change at any time.

    Parameters
    ----------
    pool : Pool
        The units.
    drive : ndarray, shape (samples,)
        Drive of 0 ... 1 of full drive on a grid of 1 kHz.
    rng : numpy.random.Generator
        Source of chance.
    """
    grid = np.arange(drive.size + 1) / GRID
    found = [_fire_one(rates, grid, rng) for rates in pool.rates(drive)]
    unit = np.repeat(np.arange(len(pool)), [times.size for times in found])
    return Spikes(np.concatenate(found), unit)


def _fire_one(rates: Array, grid: Array, rng: np.random.Generator) -> Array:
    phase = np.concatenate([[0.0], np.cumsum(rates) / GRID])
    if phase[-1] <= 0:
        return np.zeros(0)
    count = int(phase[-1] * 1.2 + 6 * np.sqrt(phase[-1]) + 10)
    noise = np.clip(rng.standard_normal(count), -3.9, 3.9)
    ticks = np.cumsum(1 + INTERVAL_SPREAD * noise) - rng.uniform()
    ticks = ticks[(ticks > 0) & (ticks < phase[-1])]
    # where the unit is silent the phase stands still: its last time before it moves on is the right one
    rising = np.concatenate([[True], np.diff(phase) > 0])
    times = np.interp(ticks, phase[rising], grid[rising])
    return times[np.concatenate([[True], np.diff(times) >= SHORTEST_INTERVAL])] if times.size else times


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
        last = np.searchsorted(pulses, spikes.times[own], side="right") - 1
        since = np.where(last >= 0, spikes.times[own] - pulses[np.maximum(last, 0)] if pulses.size else np.inf, np.inf)
        keep[own[since < 2 * conduction]] = False
    return Spikes(spikes.times[keep], spikes.unit[keep]), keep
