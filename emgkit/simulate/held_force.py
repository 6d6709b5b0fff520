"""How long a force can be held: voluntarily, through the nerve, or through a motor point."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range
from emgkit.simulate.fatigue import FatigueParameters
from emgkit.simulate.pool import Pool
from emgkit.simulate.ranges import of_kind, one_of
from emgkit.simulate.twitch import maximal_force, steady_force

Array = NDArray[np.floating[Any]]

PATHS = ("voluntary", "nerve", "motor point")
DRIVES = 200  # steps of the voluntary drive; numerical
STEP = 1.0  # s; numerical


def hold(
    pool: Pool,
    target: float,
    path: str,
    parameters: FatigueParameters,
    *,
    rate: float = 25.0,
    reach: float = 0.25,
    duration: float = 600.0,
    rng: np.random.Generator,
) -> Array:
    """Force while a path holds a force as long as it can, and then gives all it has.

    Voluntary drive raises the rates of all units and recruits them in the order of size. Stimulation fires what it
    reaches at one rate, in the order of the thresholds, and its current rises as units weaken: the nerve reaches every
    unit, a motor point those whose axons pass near. Each unit weakens by what it spends, and by nothing else.

    Parameters
    ----------
    pool : Pool
        The units.
    target : float
        Force over that at full drive, 0 ... 1.
    path : {"voluntary", "nerve", "motor point"}
        Who excites the units.
    parameters : FatigueParameters
        How fast they weaken.
    rate : float
        Stimulation rate, Hz.
    reach : float
        Share of the units that a motor point reaches, 0 ... 1.
    duration : float
        s.
    rng : numpy.random.Generator
        Which units the motor point reaches.

    Returns
    -------
    ndarray, shape (seconds,)
        Force over that at full drive, one value per s.

    Raises
    ------
    ParameterError
        If there is no such path, or a value is out of range or of another kind.

    Examples
    --------
    >>> import numpy as np
    >>> from emgkit.simulate import FatigueParameters, PoolParameters, hold
    >>> from emgkit.simulate.pool import make_pool
    >>> pool = make_pool(PoolParameters(), rng=np.random.default_rng(1))
    >>> force = hold(pool, 0.3, "nerve", FatigueParameters(), duration=900.0, rng=np.random.default_rng(1))
    >>> bool(abs(force[0] - 0.3) < 1e-9), bool(force[-1] < 0.3)
    (True, True)
    """
    of_kind("pool", pool, Pool)
    of_kind("parameters", parameters, FatigueParameters)
    of_kind("rng", rng, np.random.Generator)
    one_of("path", path, PATHS)
    in_range("target", target, 0.0, 1.0)
    in_range("reach", reach, 0.0, 1.0)
    in_range("rate", rate, 0.05, 150.0, "Hz")
    seconds = int(in_range("duration", duration, 1.0, 1e5, "s") / STEP)
    rates, forces = _voluntary(pool) if path == "voluntary" else _stimulated(pool, rate, _order(pool, path, reach, rng))
    prone, limit = parameters.fatigability(len(pool)), 1 - parameters.weakest
    costs = parameters.weakening * prone[:, np.newaxis] * parameters.cost(pool, rates)
    goal, weak, held = target * maximal_force(pool), np.zeros(len(pool)), []
    for _ in range(seconds):
        can = (1 - weak) @ forces
        step = min(int(np.searchsorted(can, goal)), can.size - 1)
        held.append(min(float(can[step]), goal))
        speed = costs[:, step] / limit + 1 / parameters.force_recovery
        rest = costs[:, step] / speed
        weak = rest + (weak - rest) * np.exp(-speed * STEP)
    return np.array(held) / maximal_force(pool)


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
    """How long a force can be held, s: 0 when the path cannot reach it at all, ``longest`` when it does not fail.

    Parameters as those of `hold`.
    """
    held = hold(pool, target, path, parameters, rate=rate, reach=reach, duration=longest, rng=rng)
    failed = np.flatnonzero(held < target * (1 - 1e-9))
    return float(failed[0] * STEP) if failed.size else longest


def _order(pool: Pool, path: str, reach: float, rng: np.random.Generator) -> NDArray[np.int64]:
    """Units within reach in the order of their thresholds."""
    order = np.argsort(pool.threshold)
    if path == "nerve":
        return order
    near = rng.permutation(len(pool))[: max(round(reach * len(pool)), 1)]
    return order[np.isin(order, near)]


def _voluntary(pool: Pool) -> tuple[Array, Array]:
    """Rates and forces of all units at rising drives, each (units, drives)."""
    rates = pool.rates(np.linspace(0.0, 1.0, DRIVES + 1))
    return rates, steady_force(pool, rates)


def _stimulated(pool: Pool, rate: float, order: NDArray[np.int64]) -> tuple[Array, Array]:
    """Rates and forces of all units as one after the other is recruited, each (units, recruited)."""
    place = np.full(len(pool), order.size + 1)
    place[order] = np.arange(1, order.size + 1)
    rates = rate * (place[:, np.newaxis] <= np.arange(order.size + 1))
    return rates, steady_force(pool, rates)
