"""Auxiliary traces of a simulated recording: trigger and force."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt
from emgkit.simulate.force import force
from emgkit.traces import Trace

if TYPE_CHECKING:
    from emgkit.simulate.muscle import Activity, Muscle

Array = NDArray[np.floating[Any]]

TRIGGER_RATE, TRIGGER_HEIGHT, TRIGGER_WIDTH, RISE = 10_000.0, 5.0, 1e-3, 2e-4  # Hz, V, s, s; by definition
FORCE_RATE, FULL_FORCE = 100.0, 300.0  # Hz, N at maximal voluntary effort of all muscles; unverified


def trigger_trace(edges: Array, duration: float) -> Trace:
    """Pulses of 5 V; the middle of the rising edge, which lasts two samples, is the given time."""
    count = round(duration * TRIGGER_RATE)
    values = np.zeros(count)
    reach = np.arange(-2, int((TRIGGER_WIDTH + RISE) * TRIGGER_RATE) + 2)
    index = np.floor(edges * TRIGGER_RATE).astype(np.int64)[:, np.newaxis] + reach
    since = index / TRIGGER_RATE - edges[:, np.newaxis]
    level = np.clip(since / RISE + 0.5, 0, 1) - np.clip((since - TRIGGER_WIDTH) / RISE + 0.5, 0, 1)
    inside = (index >= 0) & (index < count)
    np.maximum.at(values, index[inside], TRIGGER_HEIGHT * level[inside])
    return Trace(adopt(values), TRIGGER_RATE, "V")


def force_trace(pairs: list[tuple[Muscle, Activity]], duration: float) -> Trace:
    """Sum of the forces of the muscles, N."""
    count = round(duration * FORCE_RATE)
    shares = [force(muscle.pool, activity, FORCE_RATE, count) for muscle, activity in pairs]
    return Trace(adopt(np.mean(shares, axis=0) * FULL_FORCE), FORCE_RATE, "N")
