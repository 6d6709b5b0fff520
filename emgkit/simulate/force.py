"""Force of a muscle: the sum of its units' twitches, and how long a force can be held.

Twitches are those of a critically damped second-order system, and they sum with a gain that falls as the rate grows,
so that the force of a unit is a sigmoid function of its rate (Fuglevand et al. 1993).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import ParameterError
from emgkit.simulate.fatigue import FULL_RATE, FatigueParameters
from emgkit.simulate.pool import Pool

if TYPE_CHECKING:
    from emgkit.simulate.muscle import Activity

Array = NDArray[np.floating[Any]]

LINEAR_UNTIL = 0.4  # rate times contraction time up to which twitches add up, Fuglevand et al. 1993
TWITCH_LENGTH = 8.0  # contraction times
PATHS = ("voluntary", "nerve", "motor point")


def gain(rate: Array, contraction: Array) -> Array:
    """Twitch gain at a rate in Hz over that of single twitches, for contraction times in s."""
    load = np.maximum(rate * contraction, LINEAR_UNTIL)
    sigmoid = -np.expm1(-2 * load**3) / load
    return np.asarray(sigmoid / (-np.expm1(-2 * LINEAR_UNTIL**3) / LINEAR_UNTIL))


def steady_force(pool: Pool, rates: Array) -> Array:
    """Force of units that fire steadily at ``rates`` in Hz, in twitches of the smallest unit.

    The mean of a train of twitches is rate × area, the area of P·t/T·exp(1 − t/T) is e·P·T.
    """
    area = np.e * pool.twitch * pool.twitch_time
    return np.asarray(rates * area * gain(rates, pool.twitch_time))


def maximal_force(pool: Pool) -> float:
    """Force at full drive, in twitches of the smallest unit."""
    return float(steady_force(pool, pool.rates(np.ones(1))[:, 0]).sum())


def force(pool: Pool, activity: Activity, fs: float, count: int) -> Array:
    """Force of a muscle over that at full drive, on a grid of ``fs`` Hz."""
    from scipy.signal import fftconvolve

    spikes, reflexes = activity.spikes, activity.reflexes
    times = np.concatenate([activity.volleys.times, reflexes.times, spikes.times + pool.latency[spikes.unit]])
    unit = np.concatenate([activity.volleys.unit, reflexes.unit, spikes.unit])
    weight = activity.state.force_at(times, unit) * gain(_rates(times, unit), pool.twitch_time[unit])
    place = np.clip((times * fs).astype(np.int64), 0, count - 1)
    total = np.zeros(count)
    for number in np.unique(unit):
        own = unit == number
        grid = (np.arange(int(TWITCH_LENGTH * pool.twitch_time[number] * fs)) + 0.5) / fs / pool.twitch_time[number]
        twitch = pool.twitch[number] * grid * np.exp(1 - grid)
        total += fftconvolve(np.bincount(place[own], weight[own], minlength=count), twitch)[:count]
    return total / maximal_force(pool)


def _rates(times: Array, unit: NDArray[np.int64]) -> Array:
    """Rate at every event: one over the interval to the last event of the same unit; 0 for the first."""
    order = np.lexsort((times, unit))
    gaps = np.diff(times[order], prepend=-np.inf)
    gaps[np.diff(unit[order], prepend=-1) != 0] = np.inf
    rates = np.zeros(times.size)
    rates[order] = 1 / np.maximum(gaps, 2e-3)
    return rates


def endurance(
    pool: Pool,
    target: float,
    path: str,
    parameters: FatigueParameters,
    *,
    rate: float = 25.0,
    reach: float = 0.25,
    longest: float = 3600.0,
    rng: np.random.Generator,
) -> float:
    """How long a force can be held, s, when everything that the path still has is added as units weaken.

    Parameters
    ----------
    pool : Pool
        The units.
    target : float
        Force over that at full drive.
    path : {"voluntary", "nerve", "motor point"}
        Voluntary drive raises the rates of all units and recruits them in the order of size. Stimulation fires what
        it reaches at one rate, in the order of the thresholds: the nerve reaches every unit, a motor point those
        whose axons pass near.
    parameters : FatigueParameters
        Rates of weakening.
    rate : float
        Stimulation rate, Hz.
    reach : float
        Share of the units that a motor point reaches.
    longest : float
        Where to stop, s.
    rng : numpy.random.Generator
        Which units the motor point reaches.

    Returns
    -------
    float
        Time to failure; 0 when the path cannot reach the force at all.
    """
    if path not in PATHS:
        raise ParameterError(f"path={path!r}; there are: {', '.join(PATHS)}.")
    order = np.argsort(pool.threshold)
    if path == "motor point":
        near = rng.permutation(len(pool))[: max(round(reach * len(pool)), 1)]
        order = order[np.isin(order, near)]
    prone, weak, goal = parameters.fatigability(len(pool)), np.zeros(len(pool)), target * maximal_force(pool)
    step = 1.0
    for second in range(int(longest)):
        rates = _rates_for(pool, goal, 1 - weak, path, rate, order)
        if rates is None:
            return second * step
        drive = parameters.weakening * prone * rates / FULL_RATE
        limit = 1 - parameters.weakest
        speed = drive / limit + 1 / parameters.recovery
        weak = drive / speed + (weak - drive / speed) * np.exp(-speed * step)
    return longest


def _rates_for(pool: Pool, goal: float, strength: Array, path: str, rate: float, order: NDArray[Any]) -> Array | None:
    """Rates with which a path reaches a force, or None when it cannot."""
    if path == "voluntary":
        drives = np.linspace(0.0, 1.0, 200)[1:]
        table = pool.rates(drives)
        totals = np.array([float((steady_force(pool, column) * strength).sum()) for column in table.T])
        enough = np.flatnonzero(totals >= goal)
        return table[:, enough[0]] if enough.size else None
    fused = steady_force(pool, np.full(len(pool), rate)) * strength
    totals = np.cumsum(fused[order])
    enough = np.flatnonzero(totals >= goal)
    if not enough.size:
        return None
    rates = np.zeros(len(pool))
    rates[order[: enough[0] + 1]] = rate
    return rates
