"""State of the fibres: limits that hold at any rate, recovery, block, and what the muscle around adds."""

import numpy as np
import pytest

from emgkit.simulate import FatigueParameters, PoolParameters
from emgkit.simulate.fatigue import follow
from emgkit.simulate.pool import make_pool

POOL = make_pool(PoolParameters(units=4), rng=np.random.default_rng(1))
HOUR = 3600.0
HARSH = FatigueParameters(slowing=0.1, limit=0.6, recovery=1e5, weakening=1.0, weakest=0.0, block=1.0, size_effect=1.0)


def regular(rate, begin, stop, units=range(4)):
    times = np.arange(begin, stop, 1 / rate)
    unit = np.repeat(np.array(list(units)), times.size)
    return np.tile(times, len(list(units))), unit


def states(rate, parameters, duration=HOUR, units=range(4)):
    return follow(POOL, *regular(rate, 0.0, duration, units), duration, parameters)


@pytest.mark.parametrize("rate", [0.1, 1.0, 10.0, 30.0, 50.0, 80.0, 150.0, 500.0])
@pytest.mark.parametrize("parameters", [FatigueParameters(), HARSH], ids=["default", "harsh"])
def test_velocity_stays_positive_and_its_loss_below_its_limit_for_an_hour_at_any_rate(rate, parameters):
    state = states(rate, parameters)
    loss = 1 - state.velocity
    assert loss.min() >= 0
    assert loss.max() < parameters.limit
    assert state.velocity.min() > 0
    for share in (state.amplitude, state.growth, state.force):
        assert share.min() >= 0
        assert share.max() <= 1


def test_the_initial_fall_is_the_stated_rate():
    """The mean unit in a muscle that works at 30 Hz as a whole; only half of the first step is over at its middle."""
    for slowing in (0.003, 0.012):
        state = states(30.0, FatigueParameters(slowing=slowing, size_effect=0.0), 10.0)
        assert (1 - state.velocity[:, 2]) / 1.0 == pytest.approx(np.full(4, slowing), rel=0.03)


def test_large_units_fatigue_faster():
    loss = 1 - states(30.0, FatigueParameters(size_effect=0.3), 5.0).velocity[:, 1]
    assert loss[-1] / loss[0] == pytest.approx(1.3 / 0.7, rel=0.03)


def test_velocity_recovers_with_its_time_constant():
    parameters = FatigueParameters(recovery=60.0)
    state = follow(POOL, *regular(30.0, 0.0, 60.0), 300.0, parameters)
    loss = 1 - state.velocity[0]
    at = np.array([70, 130, 190]) * 2
    assert loss[at[1]] / loss[at[0]] == pytest.approx(np.exp(-1), rel=0.02)
    assert loss[at[2]] / loss[at[1]] == pytest.approx(np.exp(-1), rel=0.02)


def test_potentiation_rises_in_seconds_and_falls_in_a_minute():
    parameters = FatigueParameters(potentiation=0.2, potentiation_on=10.0, potentiation_off=60.0)
    growth = follow(POOL, *regular(30.0, 0.0, 60.0), 200.0, parameters).growth[0]
    assert 5 < np.argmax(growth > (1 - np.exp(-1)) * growth.max()) / 2 < 12
    assert growth[2 * 130] / growth[2 * 70] == pytest.approx(np.exp(-1), rel=0.05)


def test_fibres_fail_above_50_hz_only_and_more_the_faster():
    failed = [1 - states(rate, FatigueParameters(), 60.0).amplitude[:, -1].mean() for rate in (30.0, 49.0, 80.0, 100.0)]
    assert failed[0] == failed[1] == 0
    assert 0 < failed[2] < failed[3] < 1


def test_thresholds_rise_to_their_limit():
    rise = FatigueParameters(threshold_rise=0.1, threshold_time=300.0).threshold_at(np.array([0.0, 300.0, 1e5]))
    assert rise == pytest.approx([1.0, 1 + 0.1 * (1 - np.exp(-1)), 1.1])


def test_a_part_of_the_muscle_slows_less_than_the_whole():
    """Shared: potassium and pressure come from all fibres that work; a whole muscle slows the same whatever it is."""
    whole = [1 - states(30.0, FatigueParameters(shared=shared), 20.0).velocity[0, -1] for shared in (0.0, 0.5, 1.0)]
    assert whole == pytest.approx(np.full(3, whole[0]))
    weight = POOL.innervation[:2].sum() / POOL.innervation.sum()
    for shared in (0.0, 0.5, 1.0):
        part = 1 - states(30.0, FatigueParameters(shared=shared), 1.0, units=(0, 1)).velocity[0, -1]
        alone = 1 - states(30.0, FatigueParameters(shared=0.0), 1.0, units=(0, 1)).velocity[0, -1]
        assert part / alone == pytest.approx(1 - shared * (1 - weight), rel=0.02)


def test_units_out_of_reach_are_a_part_of_the_muscle_of_their_own():
    pool = make_pool(PoolParameters(units=20, reach=0.5), rng=np.random.default_rng(2))
    reached = np.flatnonzero(pool.threshold < 1.0)
    times, unit = regular(30.0, 0.0, 20.0, reached)
    loss = 1 - follow(pool, times, unit, 20.0, FatigueParameters(size_effect=0.0)).velocity[:, -1]
    full = 1 - states(30.0, FatigueParameters(size_effect=0.0), 20.0).velocity[0, -1]
    assert loss[reached] == pytest.approx(np.full(reached.size, full), rel=1e-6)
    assert np.delete(loss, reached).max() == 0


def test_no_activity_changes_nothing():
    state = follow(POOL, np.zeros(0), np.zeros(0, dtype=np.int64), 30.0, HARSH)
    assert (state.velocity == 1).all()
    assert (state.force == 1).all()
    assert (state.growth == 0).all()
