"""Auxiliary traces of a simulated recording: trigger and force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt
from emgkit.traces import Trace

if TYPE_CHECKING:
    from emgkit.simulate.muscle import Activity, Muscle

Array = NDArray[np.floating[Any]]

TRIGGER_RATE, TRIGGER_HEIGHT, TRIGGER_WIDTH, RISE = 10_000.0, 5.0, 1e-3, 2e-4  # Hz, V, s, s
FORCE_RATE, FULL_FORCE = 100.0, 300.0  # Hz, N at one twitch of every unit at 20 Hz; unverified
FORCE_LOSS = 1.5  # relative loss of force over relative loss of conduction velocity; unverified


def trigger_trace(onsets: Array, duration: float) -> Trace:
    """Pulses of 5 V; the middle of the rising edge, which lasts two samples, is the stimulus's leading edge."""
    count = round(duration * TRIGGER_RATE)
    values = np.zeros(count)
    reach = np.arange(-2, int((TRIGGER_WIDTH + RISE) * TRIGGER_RATE) + 2)
    index = np.floor(onsets * TRIGGER_RATE).astype(np.int64)[:, np.newaxis] + reach
    since = index / TRIGGER_RATE - onsets[:, np.newaxis]
    level = np.clip(since / RISE + 0.5, 0, 1) - np.clip((since - TRIGGER_WIDTH) / RISE + 0.5, 0, 1)
    inside = (index >= 0) & (index < count)
    np.maximum.at(values, index[inside], TRIGGER_HEIGHT * level[inside])
    return Trace(adopt(values), TRIGGER_RATE, "V")


def force_trace(pairs: list[tuple[Muscle, Activity]], duration: float) -> Trace:
    """Sum of the twitches of all units, smaller with fatigue, N."""
    from scipy.signal import fftconvolve

    count = round(duration * FORCE_RATE)
    total, full = np.zeros(count), 0.0
    for muscle, activity in pairs:
        pool = muscle.pool
        times = np.concatenate([activity.volleys.times, activity.spikes.times])
        unit = np.concatenate([activity.volleys.unit, activity.spikes.unit])
        velocity, _ = activity.state.at(times, unit)
        weight = np.maximum(1 - FORCE_LOSS * (1 - velocity), 0.0)
        place = np.minimum((times * FORCE_RATE).astype(np.int64), count - 1)
        grid = np.arange(int(0.8 * FORCE_RATE)) / FORCE_RATE
        for number in range(len(pool)):
            own = unit == number
            shape = pool.twitch[number] * grid / pool.twitch_time[number] * np.exp(1 - grid / pool.twitch_time[number])
            full += 20.0 * shape.sum() / FORCE_RATE
            if own.any():
                total += fftconvolve(np.bincount(place[own], weight[own], minlength=count), shape)[:count]
    return Trace(adopt(total * (FULL_FORCE / full)), FORCE_RATE, "N")
