"""Spectra of spike trains, free and between pulses: limits with known answers, and long trains."""

from dataclasses import replace

import numpy as np
import pytest

from emgkit.simulate import spikes
from emgkit.simulate.firing import free_density, locked_density, rate_after
from emgkit.simulate.pool import PoolParameters, make_pool
from emgkit.simulate.spikes import annihilate, fire

FREQUENCIES = np.arange(1.0, 500.0)
CONDUCTION = 0.017


@pytest.mark.parametrize("rate", [8.0, 15.0, 30.0])
def test_pulses_that_never_excite_change_nothing(rate):
    density, course = locked_density(rate, 1e-4, 0.05, CONDUCTION, FREQUENCIES)
    free = free_density(np.array([rate]), FREQUENCIES)[0]
    # a hit takes the spikes of 34 ms and hides what follows for some intervals: of 2000 pulses one excites
    np.testing.assert_allclose(density, free, rtol=0.01)
    assert np.abs(course[1:]).max() < 1e-3 * rate


@pytest.mark.parametrize("rate", [8.0, 15.0, 30.0])
def test_nothing_passes_where_every_gap_is_shorter_than_twice_the_conduction(rate):
    density, course = locked_density(rate, 1.0, 0.033, CONDUCTION, FREQUENCIES)
    assert np.abs(density).max() == 0
    assert np.abs(course).max() == 0


@pytest.mark.parametrize("rate", [8.0, 15.0, 30.0])
@pytest.mark.parametrize("chance", [0.3, 1.0])
def test_rare_pulses_take_the_spikes_of_twice_the_conduction(rate, chance):
    """After a reset a renewal process loses less than half an interval, and 0.04 of half of one is its variance."""
    period = 20.0
    lost = 2 * CONDUCTION + (1 - (1 + 0.2**2) / 2) / rate - CONDUCTION
    course = locked_density(rate, chance, period, CONDUCTION, FREQUENCIES)[1]
    assert course[0].real == pytest.approx(rate * (1 - chance * lost / period), rel=2e-4)


def test_the_rate_after_a_spike_forgets_it():
    late = rate_after(np.array([0.0, 5.0, 50.0]), 10.0)
    assert late == pytest.approx([0.0, 10.0, 10.0], abs=1e-3)


@pytest.mark.parametrize(("chance", "period"), [(1.0, 0.1), (1.0, 1 / 15), (0.5, 0.05), (0.9, 0.25)])
def test_long_trains_have_the_density_and_the_course(chance, period):
    """Mean course of the spikes that pass, and what is left of the density far above every rate."""
    pool = make_pool(PoolParameters(units=1), rng=np.random.default_rng(1))
    pool = replace(pool, drive_threshold=np.zeros(1), peak_rate=np.full(1, 20.0))
    duration, found, rate = 400.0, [], float(pool.rates(np.array([0.5]))[0, 0])
    for seed in range(4):
        rng = np.random.default_rng(seed)
        onsets = np.arange(1.0, duration, period)
        hits = onsets[rng.uniform(size=onsets.size) < chance]
        spikes = fire(pool, np.full(int(1000 * duration), 0.5), [hits + CONDUCTION], rng=rng)
        found.append(annihilate(spikes, [hits], CONDUCTION)[0].times)
    density, course = locked_density(rate, chance, period, CONDUCTION, FREQUENCIES)
    times = np.concatenate(found)
    phase = (times[times > 1] - 1.0) / period
    measured = [np.exp(-2j * np.pi * line * phase).sum() / (4 * (duration - 1)) for line in range(4)]
    sure = 4 * np.sqrt(rate / (4 * duration))
    np.testing.assert_allclose(measured, course[:4], atol=sure)
    high = FREQUENCIES > 300
    assert density[high].mean() == pytest.approx(course[0].real, rel=0.02)  # far above every rate spikes are Poisson's


@pytest.mark.parametrize("seed", range(20))
def test_units_fire_in_silence_never(seed):
    """A spike that is due in the first moment of a contraction must not fall into the pause before it."""
    rng = np.random.default_rng(seed)
    drive = np.zeros(6000)
    for begin in (1000, 3000, 5000):
        drive[begin : begin + 600] = rng.uniform(0.3, 1.0)
    times = fire(make_pool(PoolParameters(units=60), rng=rng), drive, rng=rng).times
    assert times.size > 300
    assert (drive[(times * 1000 + 1e-9).astype(int)] > 0).all()


def test_a_spike_that_rounding_puts_at_the_end_of_the_last_contraction_stays_in_it(monkeypatch):
    """Silence follows: a place at the very end of the phase would have no moment in which it moves on."""
    drive = np.zeros(3000)
    drive[500:1500] = 0.8
    monkeypatch.setattr(spikes, "_ticks", lambda gaps, rng: (np.zeros(1, dtype=np.int64), gaps[:1].copy()))
    times = fire(
        make_pool(PoolParameters(units=3), rng=np.random.default_rng(1)), drive, rng=np.random.default_rng(1)
    ).times
    np.testing.assert_allclose(times, 1.5, atol=1e-6)
