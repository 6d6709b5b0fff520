"""Twitches: how the force of a motor unit grows with its rate.

Twitches are those of a critically damped second-order system, and they sum with a gain that falls as the rate grows,
so that the force of a unit is a sigmoid function of its rate (Fuglevand et al. 1993).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.pool import Pool

Array = NDArray[np.floating[Any]]

DRIVES = 400  # of the table from drive to force; numerical

LINEAR_UNTIL = 0.4  # rate times contraction time up to which twitches add up, Fuglevand et al. 1993


def gain(rate: Array, contraction: Array) -> Array:
    """Twitch gain at a rate in Hz over that of single twitches, for contraction times in s."""
    load = np.maximum(rate * contraction, LINEAR_UNTIL)
    sigmoid = -np.expm1(-2 * load**3) / load
    return np.asarray(sigmoid / (-np.expm1(-2 * LINEAR_UNTIL**3) / LINEAR_UNTIL))


def steady_force(pool: Pool, rates: Array) -> Array:
    """Force of every unit at steady rates in Hz, (units, …), in twitches of the smallest unit.

    The mean of a train of twitches is rate × area, the area of P·t/T·exp(1 − t/T) is e·P·T.
    """
    shape = (-1,) + (1,) * (rates.ndim - 1)
    twitch, contraction = pool.twitch.reshape(shape), pool.twitch_time.reshape(shape)
    return np.asarray(np.e * twitch * contraction * rates * gain(rates, contraction))


def maximal_force(pool: Pool) -> float:
    """Force at full drive, in twitches of the smallest unit."""
    return float(steady_force(pool, pool.rates(np.ones(1))[:, 0]).sum())


def drive_for(pool: Pool, shares: Array) -> Array:
    """Drive, 0 ... 1, at which fresh units hold shares of the force at full drive."""
    drives = np.linspace(0.0, 1.0, DRIVES)
    forces = steady_force(pool, pool.rates(drives)).sum(axis=0)
    return np.interp(shares * forces[-1], forces, drives)
