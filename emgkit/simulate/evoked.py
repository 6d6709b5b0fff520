"""Which motor units a stimulation pulse excites, and when their end-plates follow."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.pool import THRESHOLD_SPREAD, Pool

Array = NDArray[np.floating[Any]]

REFRACTORY = 3e-3  # s, a pulse sooner than this after the last excitation fails
SUPERNORMAL_UNTIL = 15e-3  # s, until then the velocity is raised
SUPERNORMAL = 0.05  # relative rise of the velocity
LATENCY_JITTER = 20e-6  # s, SD from pulse to pulse


@dataclass(frozen=True, eq=False)
class Volleys:
    """What the pulses excited; every array has one value per excitation.

    Parameters
    ----------
    times : (events,) s, when the end-plate is excited
    unit : (events,) int
    pulse : (events,) int
    velocity : (events,) velocity over that at rest, from the recovery of the membrane
    fired : (pulses, units) bool
    """

    times: Array
    unit: NDArray[np.int64]
    pulse: NDArray[np.int64]
    velocity: Array
    fired: NDArray[np.bool_]


def excite(
    pool: Pool, onsets: Array, current: Array, width: float, drift: Array | float, *, rng: np.random.Generator
) -> Volleys:
    """Excite a pool by pulses.

    Parameters
    ----------
    pool : Pool
        The units.
    onsets : ndarray, shape (pulses,)
        Leading edges, s.
    current : ndarray, shape (pulses,)
        A.
    width : float
        Width of the first phase, s.
    drift : ndarray, shape (pulses,), or float
        Threshold over that at the beginning.
    rng : numpy.random.Generator
        Source of chance.

    Returns
    -------
    Volleys
        Thresholds fluctuate from pulse to pulse (SD 1.65 %), so that units near threshold alternate.
    """
    shape = (onsets.size, len(pool))
    noise = 1 + THRESHOLD_SPREAD * rng.standard_normal(shape)
    limit = pool.thresholds_at(width) * noise * np.broadcast_to(drift, onsets.shape)[:, np.newaxis]
    reached = current[:, np.newaxis] >= limit
    fired, since = _refractory(reached, onsets)
    pulse, unit = np.nonzero(fired)
    gap = since[pulse, unit]
    velocity = np.where(gap < SUPERNORMAL_UNTIL, 1 + SUPERNORMAL, 1.0)
    jitter = LATENCY_JITTER * rng.standard_normal(pulse.size)
    return Volleys(onsets[pulse] + pool.latency[unit] + jitter, unit, pulse, velocity, fired)


def _refractory(reached: NDArray[np.bool_], onsets: Array) -> tuple[NDArray[np.bool_], Array]:
    fired = reached.copy()
    since = np.full(reached.shape, np.inf)
    last = np.full(reached.shape[1], -np.inf)
    for row, onset in enumerate(onsets):
        since[row] = onset - last
        fired[row] &= since[row] >= REFRACTORY
        last = np.where(fired[row], onset, last)
    return fired, since
