"""State of the muscle fibres: conduction velocity falls with activity and recovers, potentiation comes and goes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range, positive
from emgkit.simulate.pool import Pool

Array = NDArray[np.floating[Any]]

GRID = 2.0  # Hz, on which the state is followed: it moves over tens of seconds
FULL_RATE = 30.0  # Hz, firing rate at which the stated rates of change hold


@dataclass(frozen=True)
class FatigueParameters:
    """How fast the fibres fatigue. All values are plausible and unverified.

    Parameters
    ----------
    slowing : float
        Initial relative fall of conduction velocity at 30 Hz, per s.
    limit : float
        Largest relative fall; without it the equilibrium could be a negative velocity.
    recovery : float
        Time constant of recovery, s.
    size_effect : float
        How much faster the largest unit fatigues than the mean one, 0 ... 1.
    potentiation : float
        Largest relative growth of the action potential by a longer intracellular wave.
    potentiation_on, potentiation_off : float
        Time constants, s.
    """

    slowing: float = 0.012
    limit: float = 0.40
    recovery: float = 120.0
    size_effect: float = 0.3
    potentiation: float = 0.0
    potentiation_on: float = 10.0
    potentiation_off: float = 60.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("slowing", self.slowing, 0.0, 0.1, "1/s")
        in_range("limit", self.limit, 0.0, 0.6)
        in_range("size_effect", self.size_effect, 0.0, 1.0)
        in_range("potentiation", self.potentiation, 0.0, 1.0)
        for name in ("recovery", "potentiation_on", "potentiation_off"):
            positive(name, getattr(self, name), "s")


@dataclass(frozen=True, eq=False)
class FibreState:
    """State of every unit over time.

    Parameters
    ----------
    velocity : (units, grid) velocity over that at rest
    amplitude : (units, grid) amplitude over that at rest
    """

    velocity: Array
    amplitude: Array

    def at(self, times: Array, unit: NDArray[np.int64]) -> tuple[Array, Array]:
        """Read velocity and amplitude of units at times, s, by linear interpolation."""
        place = np.clip(times * GRID, 0, self.velocity.shape[1] - 1.000001)
        below = place.astype(np.int64)
        share = place - below
        velocity, amplitude = (
            table[unit, below] * (1 - share) + table[unit, below + 1] * share
            for table in (self.velocity, self.amplitude)
        )
        return velocity, amplitude


def follow(
    pool: Pool, times: Array, unit: NDArray[np.int64], duration: float, parameters: FatigueParameters
) -> FibreState:
    """Follow the state of every unit through its own activity.

    Parameters
    ----------
    pool : Pool
        The units.
    times : ndarray, shape (events,)
        When end-plates are excited, s.
    unit : ndarray of int, shape (events,)
        Which.
    duration : float
        Length, s.
    parameters : FatigueParameters
        Rates of change.
    """
    steps = int(np.ceil(duration * GRID)) + 1
    bins = np.clip((times * GRID).astype(np.int64), 0, steps - 1)
    counts = np.bincount(unit * steps + bins, minlength=len(pool) * steps).reshape(len(pool), steps)
    activity = counts * (GRID / FULL_RATE)
    rate = parameters.slowing * (1 + parameters.size_effect * np.linspace(-1, 1, len(pool)))
    loss, gain = np.zeros((len(pool), steps + 1)), np.zeros((len(pool), steps + 1))
    for step in range(steps):
        load = activity[:, step]
        limit = max(parameters.limit, 1e-9)
        loss[:, step + 1] = _relax(loss[:, step], rate * load, limit, parameters.recovery)
        on, off = load / parameters.potentiation_on, parameters.potentiation_off
        gain[:, step + 1] = _relax(gain[:, step], on, 1.0, off)
    return FibreState(1 - loss, 1 + parameters.potentiation * gain)


def _relax(state: Array, drive: Array, limit: float, recovery: float) -> Array:
    """Advance d(state)/dt = drive·(1 − state/limit) − state/recovery by one step, exactly for a constant drive."""
    speed = drive / limit + 1 / recovery
    target = drive / speed
    return np.asarray(target + (state - target) * np.exp(-speed / GRID))
