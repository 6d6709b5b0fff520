"""Exact laws: uniform slowing, gain, sub-sample shifts; each holds for every seed."""

from dataclasses import replace

import numpy as np
import pytest

from emgkit.simulate import Contact, FatigueParameters, FrontEnd, Montage, PoolParameters, tiny
from emgkit.simulate.fatigue import at_rest
from emgkit.simulate.fibre import Fibres, fibre_potentials
from emgkit.simulate.front_end import FINE
from emgkit.simulate.muscle import make_muscle
from emgkit.simulate.process import evoked_values, expected_response
from emgkit.simulate.spikes import fire

SEEDS = range(10)
SLOWINGS = (0.7, 0.8, 0.9)
SOURCES = {
    "m_max": 4e-3,
    "gains": (1.0,),
    "mechanical": 20e-6,
    "noise": 2e-6,
    "mains_amplitude": 10e-6,
    "ecg": 50e-6,
    "movement": 30e-6,
    "pop_size": 200e-6,
}


@pytest.fixture(scope="module")
def muscles():
    pool, device = PoolParameters(units=40, fibres_per_unit=4), FrontEnd(high_pass=None)
    return [
        make_muscle(pool, Montage(), 8e-3, device, FatigueParameters(), rng=np.random.default_rng(seed))
        for seed in SEEDS
    ]


def m_wave(muscle, slowing):
    """Response of all units when every delay and velocity is slower by ``slowing``."""
    units, ones = np.arange(len(muscle.pool)), np.ones(len(muscle.pool))
    count = int(0.08 * FINE)
    return muscle.templates.render(muscle.pool.latency / slowing, units, slowing * ones, ones, FINE, count)[0]


def features(wave, fs=FINE):
    size = np.abs(wave)
    energy = np.abs(np.fft.rfft(wave, 1 << 16)) ** 2
    frequencies = np.fft.rfftfreq(1 << 16, 1 / fs)
    above = np.flatnonzero(size > 0.05 * size.max())
    edges = [np.interp(0.05 * size.max(), size[[low, low + 1]], [low, low + 1]) for low in (above[0] - 1,)]
    edges += [above[-1] + (size[above[-1]] - 0.05 * size.max()) / (size[above[-1]] - size[above[-1] + 1])]
    return {
        "mdf": np.interp(0.5 * energy.sum(), np.cumsum(energy), frequencies),
        "mnf": (energy * frequencies).sum() / energy.sum(),
        "vpp": np.ptp(wave),
        "area": size.sum() / fs,
        "duration": (edges[1] - edges[0]) / fs,
    }


@pytest.mark.parametrize("slowing", SLOWINGS)
def test_uniform_slowing_scales_frequencies_by_s_sizes_by_1_and_times_by_1_over_s(muscles, slowing):
    """Exact: u(t; s·v) = u(s·t; v) for every fibre, so also for their sum when the delays scale too."""
    found = []
    for muscle in muscles:
        fresh, slow = features(m_wave(muscle, 1.0)), features(m_wave(muscle, slowing))
        found.append([slow[name] / fresh[name] for name in fresh])
    expected = np.array([slowing, slowing, 1.0, 1 / slowing, 1 / slowing])
    off = np.array(found) / expected - 1
    message = f"median {np.median(off, axis=0)}, worst {np.abs(off).max(axis=0)} (mdf, mnf, vpp, area, duration)"
    assert np.abs(off).max() < 0.01, message


def test_slow_action_potentials_are_not_cut():
    slow = PoolParameters(units=40, fibres_per_unit=4, velocity=2.5, velocity_spread=1.0)
    for seed in SEEDS[:4]:
        rng = np.random.default_rng(seed)
        muscle = make_muscle(slow, Montage(), 8e-3, FrontEnd(high_pass=None), FatigueParameters(), rng=rng)
        values = np.abs(muscle.templates.values)
        left = values[..., -20:].max(axis=-1) / values.max(axis=-1)
        assert left.max() < 0.01, f"seed {seed}: {left.max():.3f} of the slowest unit, {muscle.pool.velocity.min()} m/s"


def test_the_process_values_keep_the_law_down_to_the_slowest_velocity_that_is_allowed(muscles):
    """Within 3 %: the latencies do not slow with the fibres, and the last end-of-fibre waves touch the window's end."""
    off = []
    for muscle in muscles:
        fresh = at_rest(len(muscle.pool), 1.0)
        slow = replace(fresh, velocity=0.6 * fresh.velocity)
        once, then = (
            evoked_values(expected_response(muscle, FrontEnd(), state, 0.5, np.ones(len(muscle.pool)), 0.1), FINE)
            for state in (fresh, slow)
        )
        off.append([then[name][0] / once[name][0] / 0.6 - 1 for name in ("m_wave_mdf", "m_wave_mnf")])
    assert np.abs(off).max() < 0.03, f"median {np.median(off, axis=0)}, worst {np.abs(off).max(axis=0)}"


@pytest.mark.parametrize("slowing", SLOWINGS)
def test_asynchronous_rms_grows_by_the_root_of_slowing(muscles, slowing):
    ratios = []
    for seed, muscle in enumerate(muscles[:6]):
        spikes = fire(muscle.pool, np.full(20_000, 0.5), rng=np.random.default_rng(seed))
        ones = np.ones(spikes.times.size)
        fast, slow = (
            muscle.templates.render(spikes.times, spikes.unit, s * ones, ones, 2000, 40_000) for s in (1.0, slowing)
        )
        ratios.append(slow.std() / fast.std() * np.sqrt(slowing))
    assert ratios == pytest.approx(np.ones(len(ratios)), abs=0.02), f"median {np.median(ratios)}, {ratios}"


def slowed(slowing, seed, **changes):
    """Simulate a muscle all of whose delays and velocities are those of a slower one, by parameters alone."""
    return tiny(
        rng=np.random.default_rng(seed),
        velocity=4.0 * slowing,
        velocity_spread=0.35 * slowing,
        latency=3e-3 / slowing,
        fluctuation=0.0,
        latency_jitter=0.0,
        high_pass=None,
        slowing=0.0,
        units=60,
        fibres_per_unit=8,  # fewer leave bumps about the threshold of the duration
        **changes,
    )


@pytest.mark.parametrize("slowing", [0.7, 1.2])
def test_the_parameters_of_a_pool_slow_all_of_it(slowing):
    """The spread of the latencies goes with the latency, so that the law holds without a look inside."""
    off, root = [], []
    for seed in SEEDS[:4]:
        one, other = (
            slowed(s, seed, fs=1e4, rate=2.0, reach=1.0, current=0.2, bursts=0, clock_error=0.0, jitter=0.0)
            for s in (1.0, slowing)
        )
        first = int(one.truth.onsets[1] * 10_000) - 100
        fresh, slow = (features(made.truth.evoked[0, first : first + 800], 1e4) for made in (one, other))
        off.append([slow[name] / fresh[name] for name in fresh])
        other, one = (slowed(s, seed, reach=0.0, duration=6.0, burst_length=4.0) for s in (slowing, 1.0))
        root.append(other.truth.voluntary[0].std() / one.truth.voluntary[0].std() * np.sqrt(slowing))
    off = np.array(off) / np.array([slowing, slowing, 1.0, 1 / slowing, 1 / slowing]) - 1
    message = f"median {np.median(off, axis=0)}, worst {np.abs(off).max(axis=0)} (mdf, mnf, vpp, area, duration)"
    assert np.abs(off).max() < 0.01, message
    assert abs(np.mean(root) - 1) < 0.02, f"mean {np.mean(root)}, {root}"


def test_slowing_a_fibre_stretches_its_potential():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        fibre = (np.array([rng.uniform(3, 5)]), rng.normal(0, 2, 1), rng.uniform(40, 70, (1, 2)))
        distance = np.full((1, 2), rng.uniform(5, 20))
        places = np.array([25.0, 45.0])
        fast, slow = (
            np.diff(fibre_potentials(Fibres(s * fibre[0], *fibre[1:], distance), places, 20e3, 0.06), axis=1)[0, 0]
            for s in (1.0, 0.8)
        )
        time = np.arange(fast.size) / 20e3
        assert np.abs(slow - np.interp(0.8 * time, time, fast)).max() < 0.01 * np.abs(slow).max()


def test_a_fibre_gives_no_net_area():
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        lengths, distance = rng.uniform(55, 65, (1, 2)), np.full((1, 2), rng.uniform(5, 20))
        fibre = Fibres(np.array([4.0]), np.array([0.0]), lengths, distance)
        wave = np.diff(fibre_potentials(fibre, np.array([25.0, 45.0]), 20e3, 0.05), axis=1)[0, 0]
        assert abs(wave.sum()) < 0.02 * np.abs(wave).sum()


def test_the_end_of_the_fibre_is_seen_everywhere_at_once_and_the_potential_on_its_way_is_not():
    """Non-propagating end-of-fibre wave (Rodriguez-Falces and Place 2018, Front Physiol 9:162): one latency."""
    fibre = Fibres(np.array([4.0]), np.array([0.0]), np.array([[60.0, 60.0]]), np.full((1, 4), 15.0))
    waves = fibre_potentials(fibre, np.array([5.0, 15.0, 30.0, 45.0]), 20e3, 0.04)[0]
    first = np.argmin(waves, axis=1) / 20.0
    last = np.argmax(waves, axis=1) / 20.0
    assert (np.diff(first) > 1.0).all(), first
    assert np.ptp(last) < 0.5, last


def test_a_fibre_farther_away_is_smaller_and_slower():
    sizes, widths = [], []
    for distance in (5.0, 10.0, 20.0):
        fibre = Fibres(np.array([4.0]), np.array([0.0]), np.array([[60.0, 60.0]]), np.full((1, 2), distance))
        wave = np.diff(fibre_potentials(fibre, np.array([25.0, 45.0]), 20e3, 0.05), axis=1)[0, 0]
        sizes.append(np.ptp(wave))
        widths.append(features(wave, 20e3)["mdf"])
    assert sizes[0] > sizes[1] > sizes[2]
    assert widths[0] > widths[1] > widths[2]


def doubled(value):
    return tuple(2 * one for one in value) if isinstance(value, tuple) else 2 * value


@pytest.mark.parametrize("seed", range(3))
def test_doubling_the_gain_doubles_amplitudes_and_nothing_else(seed):
    """The same seed with every source of voltage twice as large is the same recording behind twice the gain."""
    more = {
        "dc_shift": 50e-6,
        "pops": 30.0,
        "h_reflex": 0.3,
        "rail": None,
        "bits": 32,
        "full_scale": 1.0,
        "neighbour": 0.1,
    }
    one, two = (
        tiny(rng=np.random.default_rng(seed), **more, **sources, channel_names=("VL", "VM"))
        for sources in (SOURCES, {name: doubled(value) for name, value in SOURCES.items()})
    )
    parts = ("artifact", "evoked", "voluntary", "interference", "noise", "evoked_random", "reflex", "signal")
    for part in parts:
        assert np.abs(getattr(one.truth, part)).max() > 0, part
        np.testing.assert_allclose(getattr(two.truth, part), 2 * getattr(one.truth, part), rtol=1e-9, atol=1e-18)
    np.testing.assert_allclose(two.recording.signal, 2 * one.recording.signal, atol=2e-9)
    for name in ("onsets", "current", "drive", "velocity", "planned"):
        np.testing.assert_array_equal(getattr(two.truth, name), getattr(one.truth, name))
    np.testing.assert_array_equal(two.truth.spiking.times, one.truth.spiking.times)
    for name, factor in {"vpp": 2, "area": 2, "rms": 2, "m_wave_mdf": 1, "m_wave_mnf": 1, "mdf": 1, "mnf": 1}.items():
        np.testing.assert_allclose(two.truth.features[name], factor * one.truth.features[name], rtol=1e-6)
    np.testing.assert_array_equal(two.recording.aux["force"].values, one.recording.aux["force"].values)


@pytest.mark.parametrize("seed", range(4))
def test_the_artifact_has_one_shape_in_all_channels_and_a_second_in_proportion_to_its_size(seed):
    """Singular values of the tails: one without `second_rank`, two with it, the second 1 % of the first at 0.05."""
    found = []
    for size in (0.0, 0.05, 0.2):
        contact = Contact(second_rank=size, gain_drift=0.0, gain_noise=0.0)
        names = ("VL", "VM", "RF", "ST")
        made = tiny(rng=np.random.default_rng(seed), contact=contact, channel_names=names, units=2, fibres_per_unit=1)
        after = np.round(made.truth.onsets[1:-2, np.newaxis] * 2000).astype(int) + np.arange(8, 50)
        values = np.linalg.svd(made.truth.artifact[:, after.ravel()], compute_uv=False)
        found.append(values / values[0])
    one, two, more = found
    assert one[1] < 1e-12
    assert max(two[2], more[2]) < 1e-12
    assert 0.003 < two[1] < 0.02, two[1]
    assert more[1] / two[1] == pytest.approx(4.0, rel=0.15)


def interpolated(made):
    """Mean M-wave between 2 and 32 ms after the pulses on a grid of 32 kHz, and its features."""
    truth = made.truth
    rows = []
    for onset in truth.onsets[5:-5]:
        first = int(np.ceil((onset - 0.005) * 2000))
        fine = np.fft.irfft(np.fft.rfft(truth.evoked[0, first : first + 128]), 128 * 16) * 16
        since = first / 2000 + np.arange(fine.size) / 32_000 - onset
        rows.append(np.interp(np.arange(0.002, 0.032, 1 / 32_000), since, fine))
    wave = np.mean(rows, axis=0)
    return features(np.concatenate([np.zeros(10), wave, np.zeros(10)]), 32_000.0) | {
        "peak": np.argmax(wave),
        "trough": np.argmin(wave),
    }


def test_half_a_sample_changes_no_truth_feature_by_more_than_a_per_cent():
    off = []
    for seed in SEEDS:
        shifted = [
            tiny(
                rng=np.random.default_rng(seed),
                stimulation=(0.3 + shift, 2.68),
                clock_error=0.0,
                jitter=0.0,
                rate=15.0,
                phase=0.0,
                conduction=0.035,
            )
            for shift in (0.0, 0.25e-3)
        ]
        assert shifted[1].truth.onsets == pytest.approx(shifted[0].truth.onsets + 0.25e-3, abs=1e-9)
        one, two = (interpolated(made) for made in shifted)
        off.append([two[name] / one[name] - 1 for name in one])
        times = np.array([0.5, 1.5, 2.5])
        for name in shifted[0].truth.features:
            assert shifted[1].truth.at(name, times) == pytest.approx(shifted[0].truth.at(name, times), rel=0.01)
    assert np.abs(off).max() < 0.01, f"median {np.median(off, axis=0)}, worst {np.abs(off).max(axis=0)}: {list(one)}"
