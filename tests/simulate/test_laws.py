"""Laws of the simulator: scaling, adding up, plausible sizes; every constant range is checked."""

import numpy as np
import pytest
from scipy.signal import welch

from emgkit.simulate import nmes_fatigue, tiny
from emgkit.simulate.fatigue import FatigueParameters, FibreState, follow
from emgkit.simulate.fibre import Fibres, fibre_potentials
from emgkit.simulate.front_end import FINE, FrontEnd
from emgkit.simulate.montage import Montage
from emgkit.simulate.muscle import make_muscle
from emgkit.simulate.pool import PoolParameters, make_pool
from emgkit.simulate.process import evoked_values, expected_response, median_frequency
from emgkit.simulate.spikes import fire
from emgkit.simulate.stimulus import Electrode, PulseShape, voltage


def muscle(seed, **pool):
    parameters, front_end = PoolParameters(**pool), FrontEnd(high_pass=None)
    return make_muscle(parameters, Montage(), 8e-3, front_end, FatigueParameters(), rng=np.random.default_rng(seed))


def steady(count, velocity=1.0):
    ones = np.ones((count, 3))
    return FibreState(velocity * ones, ones, 0 * ones, ones)


def response(one, velocity):
    state, certain = steady(len(one.pool), velocity), np.ones(len(one.pool))
    return expected_response(one, FrontEnd(high_pass=None), state, 0.5, certain, 0.3)


def without_latency(one):
    from dataclasses import replace

    return replace(one, pool=replace(one.pool, latency=np.full(len(one.pool), 3e-3)))


@pytest.mark.parametrize("slowing", [0.88, 0.94])
def test_uniform_slowing_scales_frequencies_by_s_and_area_by_its_inverse(slowing):
    for seed in range(4):
        one = without_latency(muscle(seed, units=60))
        fresh, slow = (evoked_values(response(one, velocity), FINE) for velocity in (1.0, slowing))
        assert slow["m_wave_mdf"] / fresh["m_wave_mdf"] == pytest.approx(slowing, rel=0.01)
        assert slow["m_wave_mnf"] / fresh["m_wave_mnf"] == pytest.approx(slowing, rel=0.01)
        assert slow["vpp"] / fresh["vpp"] == pytest.approx(1.0, rel=0.01)
        assert slow["area"] / fresh["area"] == pytest.approx(1 / slowing, rel=0.01)


def test_asynchronous_rms_grows_by_the_root_of_slowing():
    one = muscle(1, units=40, fibres_per_unit=4)
    spikes = fire(one.pool, np.full(60_000, 0.5), rng=np.random.default_rng(2))
    ones = np.ones(spikes.times.size)
    rendered = [one.templates.render(spikes.times, spikes.unit, s * ones, ones, 2000, 120_000) for s in (1.0, 0.8)]
    assert rendered[1].std() / rendered[0].std() == pytest.approx(0.8**-0.5, rel=0.02)


def test_slowing_a_fibre_stretches_its_potential():
    fibres = Fibres(np.array([4.0]), np.array([0.5]), np.array([[60.0, 58.0]]), np.array([[12.0, 12.0]]))
    slower = Fibres(0.8 * fibres.velocity, fibres.end_plate, fibres.lengths, fibres.distance)
    places = np.array([25.0, 45.0])
    fast, slow = (np.diff(fibre_potentials(item, places, 20e3, 0.06), axis=1)[0, 0] for item in (fibres, slower))
    time = np.arange(fast.size) / 20e3
    assert np.abs(slow - np.interp(0.8 * time, time, fast)).max() < 0.01 * np.abs(slow).max()


def test_a_fibre_gives_no_net_area():
    fibres = Fibres(np.array([4.0]), np.array([0.0]), np.array([[60.0, 60.0]]), np.array([[15.0, 15.0]]))
    wave = np.diff(fibre_potentials(fibres, np.array([25.0, 45.0]), 20e3, 0.05), axis=1)[0, 0]
    assert abs(wave.sum()) < 0.02 * np.abs(wave).sum()


def test_doubling_the_response_doubles_amplitudes_and_nothing_else():
    one, two = (tiny(rng=np.random.default_rng(3), m_max=size).truth for size in (4e-3, 8e-3))
    assert two.evoked == pytest.approx(2 * one.evoked, rel=1e-9)
    times = np.array([0.5, 2.0])
    assert two.at("vpp", times) == pytest.approx(2 * one.at("vpp", times))
    assert two.at("m_wave_mdf", times) == pytest.approx(one.at("m_wave_mdf", times))


def test_half_a_sample_changes_no_feature_by_a_per_cent():
    one = muscle(5, units=40)
    units = np.arange(len(one.pool))
    ones = np.ones(len(one.pool))
    sizes = []
    for shift in (0.0, 0.25e-3):
        wave = one.templates.render(one.pool.latency + shift, units, ones, ones, 2000, 120)[0]
        fine = np.fft.irfft(np.fft.rfft(wave), 120 * 16) * 16
        sizes.append((np.ptp(fine), np.abs(wave).sum()))
    assert sizes[1] == pytest.approx(sizes[0], rel=0.01)


def test_mains_and_noise_have_the_stated_sizes():
    truth = nmes_fatigue(rng=np.random.default_rng(6), duration=10.0, noise=5e-6, bursts=0).truth
    frequencies, power = welch(truth.noise, 2000, nperseg=2000)
    flat = (frequencies > 200) & (frequencies < 400)
    assert np.sqrt(power[:, flat].mean() * 1000) == pytest.approx(5e-6, rel=0.1)
    assert 0.5 * 10e-6 < truth.interference.std() < 1.2 * 10e-6


def test_sizes_are_plausible_over_many_seeds():
    onset, mdf, slope, voluntary, variation, artifact = [], [], [], [], [], []
    for seed in range(10):
        made = nmes_fatigue(rng=np.random.default_rng(seed), duration=30.0, channel_names=("VL",), bursts=2)
        truth, index = made.truth, np.ceil(made.truth.onsets * 2000).astype(int)[5:-3]
        waves = truth.evoked[0][index[:, np.newaxis] + np.arange(64)]
        mean = waves[:50].mean(axis=0)
        onset.append(1e3 * (np.argmax(np.abs(mean - mean[3]) > 0.05 * np.abs(mean).max()) / 2000))
        values = truth.at("m_wave_mdf", np.array([2.0, 22.0]))[:, 0]
        mdf.append(values[0])
        slope.append(100 * (values[1] / values[0] - 1) / 20)
        voluntary.append(truth.at("mdf", np.array([3.0]))[0, 0])
        sizes = np.ptp(waves[:100], axis=1)
        variation.append(100 * np.diff(sizes).std() / np.sqrt(2) / sizes.mean())
        late = truth.artifact[0][index[:, np.newaxis] + np.arange(5, 64)]
        artifact.append(np.abs(late).max())
    for name, values, low, high in (
        ("onset, ms", onset, 1.5, 7.0),
        ("M-wave MDF, Hz", mdf, 40, 90),
        ("slope, %/s", slope, -1.5, -0.3),
        ("voluntary MDF, Hz", voluntary, 60, 120),
        ("CV of Vpp, %", variation, 0.05, 0.6),
        ("artifact after 2.5 ms, V", artifact, 0, 20e-6),
    ):
        assert low <= min(values), f"{name}: {min(values)}"
        assert max(values) <= high, f"{name}: {max(values)}"


def test_process_values_are_the_means_of_many_realisations():
    made = [
        nmes_fatigue(rng=np.random.default_rng(seed), duration=16.0, bursts=1, burst_length=10.0) for seed in range(6)
    ]
    ratios = []
    for one in made:
        span = slice(3 * 2000, 11 * 2000)
        measured = (one.truth.voluntary + one.truth.noise)[:, span].std(axis=1)
        ratios += list(measured / one.truth.at("rms", np.array([7.0]))[0])
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.03), ratios


def test_velocity_never_falls_below_its_limit_and_recovers():
    pool = make_pool(PoolParameters(units=5), rng=np.random.default_rng(1))
    times = np.sort(np.tile(np.arange(0, 100, 1 / 100), 5))
    unit = np.tile(np.arange(5), times.size // 5)
    state = follow(pool, times, unit, 400.0, FatigueParameters(slowing=0.1, limit=0.3, recovery=60.0))
    assert state.velocity.min() >= 0.7
    assert (state.velocity[:, -1] > 0.98).all()


def test_a_balanced_pulse_leaves_little_behind_and_a_monophasic_one_much():
    time = np.array([0.02])
    left = {shape: abs(float(voltage(time, PulseShape(shape), Electrode())[0])) for shape in ("biphasic", "monophasic")}
    assert left["monophasic"] > 10 * left["biphasic"]


def test_the_median_frequency_of_a_flat_band_is_its_middle():
    frequencies = np.linspace(0, 1000, 2001)
    flat = ((frequencies >= 100) & (frequencies <= 300)).astype(float)
    assert median_frequency(frequencies, flat) == pytest.approx(200, abs=0.5)
