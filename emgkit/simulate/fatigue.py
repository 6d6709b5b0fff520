"""State of the muscle fibres: velocity, potentiation, block and force follow each unit's own activity.

Every state relaxes towards a limit that it cannot pass, so that no rate of stimulation gives a negative velocity.
Stimulation reaches the same units with every pulse and voluntary effort spreads its rates over all of them: that is
the only difference between the two, and enough for what is published (the laws in the tests name it).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range
from emgkit.simulate.kinds import check_kinds
from emgkit.simulate.pool import BEYOND_REACH, Pool
from emgkit.simulate.templates import Growth
from emgkit.simulate.twitch import steady_force

Array = NDArray[np.floating[Any]]

GRID = 2.0  # Hz, on which the state is followed: it moves over tens of seconds; numerical
FULL_RATE = 30.0  # Hz, firing rate at which the stated rates of change hold; by definition
BLOCK_ABOVE = 50.0  # Hz, firing rate above which fibres begin to fail; unverified


@dataclass(frozen=True)
class FatigueParameters:
    """How fast the fibres fatigue. All values are plausible and unverified.

    Parameters
    ----------
    slowing : float
        Initial relative fall of conduction velocity at 30 Hz, per s.
    limit : float
        Largest relative fall; without it the equilibrium could be a negative velocity.
    shared : float
        Part of the slowing that grows with the active share of the muscle around, 0 ... 1: potassium between the
        fibres, and pressure that stops the blood. A muscle of which every fibre works at 30 Hz slows by ``slowing``,
        whatever this is; a small part of it slows less (unverified).
    recovery : float
        Time constant of recovery, s.
    size_effect : float
        How much faster the largest unit fatigues than the mean one, 0 ... 1.
    potentiation : float
        Largest relative growth of the spatial extent of the action potential inside the fibre.
    potentiation_on, potentiation_off : float
        Time constants, s.
    after_potential : float
        Height of a late after-potential, over that of the action potential, per relative fall of velocity: 0.3 gives
        0.06 where the velocity fell by 20 %. It grows and recovers with the velocity because both follow the state of
        the membrane (Dimitrova and Dimitrov 2003, J Electromyogr Kinesiol 13:13); the size is unverified.
    block : float
        Share of a unit's fibres that fail per s and per 50 Hz above 50 Hz.
    block_recovery : float
        Time constant with which they come back, s.
    weakening : float
        Initial relative loss of twitch force at 30 Hz, per s.
    weakest : float
        Twitch force that is left in the end, relative.
    force_recovery : float
        Time constant with which twitch force comes back, s: much slower than the membrane, force at low rates takes
        hours (Edwards, Hill, Jones and Merton 1977, J Physiol 272:769).
    activation_share : float
        Share of what a contraction costs that every action potential takes, to pump calcium and sodium; the rest is
        taken by force. 30 ... 40 % in most muscles (Barclay, Woledge and Curtin 2007, J Muscle Res Cell Motil 28:259).
        The twitch weakens with what was spent.
    threshold_rise, threshold_time : float
        Axons' thresholds rise by so much, relative, with this time constant, s.
    """

    slowing: float = 0.006
    limit: float = 0.40
    shared: float = 0.75
    recovery: float = 120.0
    size_effect: float = 0.3
    potentiation: float = 0.0
    potentiation_on: float = 10.0
    potentiation_off: float = 60.0
    after_potential: float = 0.0
    block: float = 0.02
    block_recovery: float = 5.0
    weakening: float = 0.010
    weakest: float = 0.05
    force_recovery: float = 1800.0
    activation_share: float = 0.35
    threshold_rise: float = 0.1
    threshold_time: float = 300.0

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        in_range("slowing", self.slowing, 0.0, 0.1, "1/s")
        in_range("limit", self.limit, 0.0, 0.6)
        for name in ("size_effect", "block", "weakening", "weakest", "activation_share", "shared"):
            in_range(name, getattr(self, name), 0.0, 1.0)
        in_range("potentiation", self.potentiation, 0.0, 0.5)
        in_range("after_potential", self.after_potential, 0.0, 1.0)
        in_range("threshold_rise", self.threshold_rise, -0.5, 1.0)
        times = (
            "recovery",
            "potentiation_on",
            "potentiation_off",
            "block_recovery",
            "force_recovery",
            "threshold_time",
        )
        for name in times:
            in_range(name, getattr(self, name), 0.1, 1e5, "s")

    def most_lost(self, rate: float, duration: float) -> float:
        """Relative fall of the mean velocity when all units fire at a rate, Hz, for some time, s."""
        loss = self.slowing * rate / FULL_RATE
        speed = loss / max(self.limit, 1e-9) + 1 / self.recovery
        return float(-loss / speed * np.expm1(-speed * duration))

    def threshold_at(self, times: Array) -> Array:
        """Thresholds of the axons over those at the beginning, at times in s."""
        return 1 - self.threshold_rise * np.expm1(-times / self.threshold_time)

    def fatigability(self, count: int) -> Array:
        """How fast each unit changes over the mean, smallest unit first."""
        return 1 + self.size_effect * np.linspace(-1, 1, count)

    def cost(self, pool: Pool, rates: Array) -> Array:
        """Give what every unit spends at steady rates in Hz, (units, …), over what it spends at 30 Hz."""
        full = steady_force(pool, np.full(len(pool), FULL_RATE)).reshape((-1,) + (1,) * (rates.ndim - 1))
        share = self.activation_share
        return np.asarray(share * rates / FULL_RATE + (1 - share) * steady_force(pool, rates) / full)


@dataclass(frozen=True, eq=False)
class FibreState:
    """State of every unit over time, each table of shape (units, grid), relative to rest.

    Parameters
    ----------
    velocity : conduction velocity
    amplitude : share of the fibres that are not blocked
    growth : how far the action potential inside the fibre has grown towards its largest extent, 0 ... 1
    force : twitch force
    """

    velocity: Array
    amplitude: Array
    growth: Array
    force: Array

    def at(self, times: Array, unit: NDArray[np.int64]) -> tuple[Array, Array, Growth]:
        """Read velocity, amplitude and growth of units at times, s, by linear interpolation."""
        place = np.clip(times * GRID, 0, self.velocity.shape[1] - 1.000001)
        below = place.astype(np.int64)
        share = place - below
        velocity, amplitude, growth = (
            table[unit, below] * (1 - share) + table[unit, below + 1] * share
            for table in (self.velocity, self.amplitude, self.growth)
        )
        return velocity, amplitude, (growth, 1 - velocity)

    def force_at(self, times: Array, unit: NDArray[np.int64]) -> Array:
        """Read the twitch force of units at times, s."""
        return self.force[unit, np.clip((times * GRID).astype(np.int64), 0, self.force.shape[1] - 1)]


def at_rest(units: int, duration: float) -> FibreState:
    """State of units that never fatigue."""
    ones = np.ones((units, int(np.ceil(duration * GRID)) + 2))
    return FibreState(ones, ones, np.zeros_like(ones), ones)


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
    steps, units = int(np.ceil(duration * GRID)) + 1, len(pool)
    bins = np.clip((times * GRID).astype(np.int64), 0, steps - 1)
    rates = GRID * np.bincount(unit * steps + bins, minlength=units * steps).reshape(units, steps)
    prone = parameters.fatigability(units)[:, np.newaxis]
    load, over = rates / FULL_RATE, np.maximum(rates - BLOCK_ABOVE, 0.0) / BLOCK_ABOVE
    around = 1 - parameters.shared * (1 - _active_share(pool, load))
    loss = _follow(parameters.slowing * prone * load * around, parameters.limit, parameters.recovery)
    growth = _follow(load / parameters.potentiation_on, 1.0, parameters.potentiation_off)
    blocked = _follow(parameters.block * prone * over, 1.0, parameters.block_recovery)
    spent = parameters.weakening * prone * parameters.cost(pool, rates)
    weak = _follow(spent, 1 - parameters.weakest, parameters.force_recovery)
    return FibreState(1 - loss, 1 - blocked, growth, (1 - weak) * (1 - blocked))


def _active_share(pool: Pool, load: Array) -> Array:
    """How much of the muscle around every unit works, 0 ... 1, shape (units, steps).

    What a branch of the nerve supplies that the current does not reach is a part of the muscle of its own.
    """
    share = np.zeros_like(load)
    reached = pool.threshold < BEYOND_REACH
    for own in (reached, ~reached):
        if own.any():
            weight = pool.innervation[own] / pool.innervation[own].sum()
            share[own] = weight @ np.minimum(load[own], 1.0)
    return share


def _follow(drive: Array, limit: float, recovery: float) -> Array:
    """Solve d(state)/dt = drive·(1 − state/limit) − state/recovery from rest, exactly for a stepwise constant drive."""
    state = np.zeros((drive.shape[0], drive.shape[1] + 1))
    speed = drive / max(limit, 1e-9) + 1 / recovery
    target, keep = drive / speed, np.exp(-speed / GRID)
    for step in range(drive.shape[1]):
        state[:, step + 1] = target[:, step] + (state[:, step] - target[:, step]) * keep[:, step]
    return state
