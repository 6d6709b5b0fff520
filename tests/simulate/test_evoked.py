"""What pulses excite: strength and duration, refractoriness, collision, reflexes, recruitment curves that follow."""

import numpy as np
import pytest

from emgkit.simulate import EvokedParameters, PoolParameters, recruitment, tiny
from emgkit.simulate.evoked import REFRACTORY, Stimuli, chance_above, excite, expected, site_thresholds
from emgkit.simulate.pool import BEYOND_REACH, make_pool
from emgkit.simulate.reflex import f_waves, h_reflexes

POOL = make_pool(PoolParameters(units=100), rng=np.random.default_rng(1))
STILL = EvokedParameters(threshold_spread=0.0, threshold_fluctuation=0.0, latency_jitter=0.0, fluctuation=0.0)


def stimuli(onsets, current, width=200e-6):
    onsets = np.asarray(onsets, dtype=float)
    zeros = np.zeros(onsets.size, dtype=np.int64)
    currents = np.broadcast_to(np.asarray(current, dtype=float), onsets.shape)
    widths = np.broadcast_to(np.asarray(width, dtype=float), onsets.shape)
    return Stimuli(onsets, currents, widths, zeros, np.ones(onsets.size), np.ones(onsets.size, dtype=bool))


def excited(pulses, parameters=STILL, pool=POOL, seed=1):
    return excite(pool, pulses, pool.threshold[np.newaxis], parameters, rng=np.random.default_rng(seed))


def test_without_spread_units_fire_above_their_thresholds_and_only_there():
    currents = np.linspace(0.005, 0.1, 60)
    fired = excited(stimuli(np.arange(60) + 1.0, currents)).fired
    np.testing.assert_array_equal(fired, currents[:, np.newaxis] >= POOL.threshold)


def test_charge_at_threshold_is_linear_in_the_width():
    """Weiss's law; the strength-duration constant is the width at zero charge, 459 ± 126 µs (Mogyoros 1996)."""
    widths = np.array([50e-6, 100e-6, 200e-6, 400e-6, 1e-3])
    charge = POOL.threshold * POOL.width_factor(widths) * widths[:, np.newaxis]
    slope, at_zero = np.polyfit(widths, charge, 1)
    np.testing.assert_allclose(slope * widths[:, np.newaxis] + at_zero, charge, rtol=1e-9)
    constant = at_zero / slope
    assert constant.mean() == pytest.approx(459e-6, abs=3 * 126e-6 / 10)
    assert constant.std() == pytest.approx(126e-6, rel=0.25)
    assert constant.min() >= 100e-6


def test_one_parameter_correlates_threshold_and_size():
    for wanted in (-0.9, 0.0, 0.3, 0.9):
        found = []
        for seed in range(20):
            pool = make_pool(PoolParameters(size_correlation=wanted), rng=np.random.default_rng(seed))
            found.append(np.corrcoef(np.arange(len(pool)), -np.log(pool.threshold))[0, 1])
        assert np.mean(found) == pytest.approx(wanted, abs=0.06), found


@pytest.mark.parametrize("spread", [0.0165, 0.05])
def test_near_threshold_units_fire_with_the_chance_of_the_spread(spread):
    parameters = EvokedParameters(threshold_spread=spread, threshold_fluctuation=0.0)
    pool = make_pool(PoolParameters(units=1), rng=np.random.default_rng(2))
    for above in (-spread, 0.0, spread):
        current = float(pool.threshold[0]) * (1 + above)
        share = excited(stimuli(np.arange(2000) + 1.0, current), parameters, pool).fired.mean()
        assert share == pytest.approx(float(chance_above(np.array(above), parameters)), abs=0.04)
    assert chance_above(np.array([spread]), parameters) == pytest.approx(0.8413, abs=1e-4)


def test_the_stated_chance_holds_over_the_slow_fluctuation_too():
    parameters = EvokedParameters(threshold_spread=0.01, threshold_fluctuation=0.02, misses=0.1)
    made = excited(stimuli(1.0 + 0.1 * np.arange(6000), float(np.median(POOL.threshold))), parameters)
    np.testing.assert_allclose(made.fired.mean(axis=0), made.chance.mean(axis=0), atol=0.05)
    assert np.abs(made.fired.mean() - made.chance.mean()) < 0.005


def test_thresholds_that_move_leave_maximal_responses_alone():
    calm = EvokedParameters(fluctuation=0.0, threshold_fluctuation=0.0)
    moving = EvokedParameters(fluctuation=0.0, threshold_fluctuation=0.03)
    pulses = stimuli(1.0 + 0.1 * np.arange(100), 0.2)
    assert excited(pulses, calm).fired.all()
    assert excited(pulses, moving).fired.all()
    half = stimuli(1.0 + 0.1 * np.arange(300), float(np.median(POOL.threshold)))
    counts = [excited(half, one).fired.sum(axis=1).std() for one in (calm, moving)]
    assert counts[1] > 1.5 * counts[0]


def test_a_pulse_in_the_refractory_time_fails_and_one_soon_after_leads_faster():
    gap = REFRACTORY - 1e-4
    made = excited(stimuli([1.0, 1.0 + gap, 1.0 + gap + 0.01, 2.0], 0.2))
    np.testing.assert_array_equal(made.fired.all(axis=1), [True, False, True, True])
    speed = [made.velocity[made.pulse == pulse].mean() for pulse in (0, 2, 3)]
    assert speed == pytest.approx([1.0, 1.05, 1.0])


def test_end_plates_follow_by_latency_and_jitter():
    jittery = EvokedParameters(latency_jitter=50e-6)
    made = excited(stimuli(1.0 + 0.1 * np.arange(100), 0.2), jittery)
    off = made.times - (1.0 + 0.1 * made.pulse) - POOL.latency[made.unit]
    assert off.std() == pytest.approx(50e-6, rel=0.03)
    assert abs(off.mean()) < 2e-6


def test_misses_have_their_share():
    made = excited(stimuli(1.0 + 0.1 * np.arange(200), 0.2), EvokedParameters(misses=0.04))
    assert made.fired.mean() == pytest.approx(0.96, abs=0.005)


def test_another_site_reaches_the_units_in_another_order():
    sites = site_thresholds(POOL, 2, rng=np.random.default_rng(3))
    np.testing.assert_array_equal(np.sort(sites[0]), np.sort(sites[1]))
    assert abs(np.corrcoef(sites)[0, 1]) < 0.3


def test_the_expected_response_is_the_mean_of_many():
    parameters = EvokedParameters()
    pulses = stimuli(1.0 + 0.1 * np.arange(2000), float(np.median(POOL.threshold)))
    made = excited(pulses, parameters)
    mean = expected(made, POOL, pulses)
    share = np.bincount(mean.unit, mean.scale, minlength=100) / 2000
    np.testing.assert_allclose(share, np.bincount(made.unit, made.scale, minlength=100) / 2000, atol=0.05)


def reflexes(onsets, current, **parameters):
    pulses = stimuli(onsets, current)
    made = excited(pulses)
    chosen = EvokedParameters(**parameters)
    found = h_reflexes(POOL, pulses, POOL.threshold, made, 0.017, chosen, rng=np.random.default_rng(4))
    back = f_waves(POOL, pulses, made, chosen, rng=np.random.default_rng(5))
    return made, found.spikes, back.spikes


def test_the_h_reflex_comes_before_the_m_wave_and_falls_as_it_grows():
    sizes = []
    for current in (0.010, 0.022, 0.030, 0.060):
        made, found, _ = reflexes([1.0], current, h_reflex=0.5)
        sizes.append((POOL.innervation[np.unique(found.unit)].sum(), made.fired.sum()))
        assert not np.isin(found.unit, made.unit).any()  # its spikes met the antidromic volley
        assert found.times == pytest.approx(np.full(found.times.size, 1.030), abs=2e-3)
    h_waves = [size for size, _ in sizes]
    assert h_waves[0] < 0.01 * POOL.innervation.sum()  # below the afferents' thresholds
    assert h_waves[1] > 0.2 * POOL.innervation.sum()
    assert h_waves[1] > h_waves[2] > 20 * h_waves[3]
    assert sizes[1][1] < 0.3 * 100 < sizes[3][1]


def test_the_h_reflex_takes_small_units_first():
    _, found, _ = reflexes([1.0], 0.02, h_reflex=0.3)
    assert found.unit.max() < 99
    assert np.median(found.unit) < 50


def test_the_h_reflex_is_depressed_in_trains_and_lands_on_the_next_m_wave_at_40_hz():
    onsets = 1.0 + np.arange(40) / 40
    made, found, _ = reflexes(onsets, 0.024, h_reflex=0.5)
    first = POOL.innervation[found.unit[found.times < 1.04]].sum()
    last = POOL.innervation[found.unit[found.times > 1.95]].sum()
    assert last < 0.3 * first
    since = found.times[:, np.newaxis] - onsets
    after = np.where(since > 0, since, np.inf).min(axis=1)
    assert (after[found.times < onsets[-1]] < 8e-3).all()  # under the M-wave of the pulse that comes in between
    assert not np.isin(found.unit[found.times < onsets[-1]], made.unit).any()


def test_f_waves_are_few_late_and_met_by_the_next_volley_in_fast_trains():
    onsets = 1.0 + np.arange(200)
    made, _, back = reflexes(onsets, 0.2, f_waves=0.02)
    assert back.times.size / made.times.size == pytest.approx(0.02, abs=0.003)
    late = back.times - np.floor(back.times)
    assert late.min() > 0.0265
    assert late.max() < 0.0355
    _, _, fast = reflexes(1.0 + np.arange(200) / 50, 0.2, f_waves=0.02)
    assert (fast.times < 1.0 + 199 / 50).sum() == 0


def test_recruitment_curves_follow_from_the_thresholds():
    """A sum of log-normal thresholds: nothing below, a plateau above, and it rises in between."""
    peaks, beside = [], []
    for seed in range(6):
        made = recruitment(rng=np.random.default_rng(seed), units=60, fibres_per_unit=4)
        truth = made.truth
        index = np.ceil(truth.onsets * 2000).astype(int)
        wave = (truth.evoked - truth.reflex)[0][index[:, np.newaxis] + np.arange(80)]
        sizes = np.ptp(wave, axis=1).reshape(20, 3).mean(axis=1)
        assert sizes[0] < 0.02 * sizes[-1]
        assert sizes[-3:] == pytest.approx(np.full(3, sizes[-1]), rel=0.03)
        assert sizes[-1] == pytest.approx(8e-3, rel=0.05)
        assert (np.diff(sizes) > -0.06 * sizes[-1]).all()
        h_waves = np.ptp(truth.reflex[0][index[:, np.newaxis] + np.arange(160)], axis=1).reshape(20, 3).mean(axis=1)
        top = int(np.argmax(h_waves))
        beside.append(sizes[top] / sizes[-1])
        assert h_waves[-1] < 0.05 * h_waves[top]
        peaks.append(h_waves[top] / sizes[-1])
    assert np.median(beside) < 0.4, beside  # the largest reflex comes with a small M-wave
    assert max(beside) < 0.7, beside  # in a pool of 60 one large unit may be much of it
    assert min(peaks) > 0.1, peaks  # Hmax/Mmax of soleus: 31 % in the young, 20 ... 75 % textbook
    assert max(peaks) < 0.75, peaks


def test_the_truth_says_which_units_every_pulse_recruited():
    for seed in range(3):
        spiking = tiny(rng=np.random.default_rng(seed)).truth.spiking
        within = spiking.threshold[0] < BEYOND_REACH
        assert within.sum() == round(0.6 * 30)
        assert spiking.recruited[0][:, within].all()
        assert not spiking.recruited[0][:, ~within].any()
