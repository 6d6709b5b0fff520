"""Force of a muscle: the sum of its units' twitches."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.pool import Pool
from emgkit.simulate.twitch import gain, maximal_force

if TYPE_CHECKING:
    from emgkit.simulate.muscle import Activity

Array = NDArray[np.floating[Any]]

TWITCH_LENGTH = 8.0  # contraction times, after which a twitch is over; numerical


def force(pool: Pool, activity: Activity, fs: float, count: int) -> Array:
    """Force of a muscle over that at full drive, on a grid of ``fs`` Hz."""
    from scipy.signal import fftconvolve

    spikes, reflexes = activity.spikes, activity.late.spikes
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
