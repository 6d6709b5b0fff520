"""Noise and interference: each has the size, the band and the course that its parameters say."""

import numpy as np
import pytest
from scipy.signal import find_peaks, welch

from emgkit.simulate import FrontEnd, Surroundings, hybrid_fes
from emgkit.simulate.surroundings import draw_interference, draw_mains, draw_noise, from_neighbours

WIDE = FrontEnd(high_pass=None)
QUIET = {"mains_amplitude": 0.0, "noise": 0.0}
EFFORT = np.repeat([0.0, 0.5, 0.0], 20_000)  # 20 s each on the grid of 1 kHz


def interference(seed, shape=(2, 120_000), front_end=WIDE, **parameters):
    around = Surroundings(**{**QUIET, **parameters})
    return draw_interference(shape, around, front_end, EFFORT, rng=np.random.default_rng(seed))


def test_noise_is_white_above_its_corner_and_1_over_f_below():
    for seed in range(4):
        around = Surroundings(noise=5e-6, flicker=40.0)
        noise = draw_noise((4, 200_000), around, WIDE, rng=np.random.default_rng(seed))
        frequencies, power = welch(noise, 2000, nperseg=4000)
        level = power.mean(axis=0) / (5e-6**2 / 1000)  # over white noise of that rms
        for frequency in (5.0, 20.0, 40.0, 80.0, 300.0):
            near = np.abs(frequencies - frequency) < 0.15 * frequency
            expected = (1 + 40.0 / frequencies[near]) * WIDE.power_gain(frequencies[near])
            assert level[near].mean() == pytest.approx(expected.mean(), rel=0.1), frequency
        assert abs(np.corrcoef(noise)[0, 1]) < 0.05


def test_mains_has_its_frequency_its_amplitude_and_its_harmonics():
    for seed in range(5):
        around = Surroundings(mains=50.02, mains_amplitude=20e-6)
        lines = draw_mains((3, 40_000), around, 2000.0, rng=np.random.default_rng(seed))
        frequencies, power = welch(lines, 2000, nperseg=8000, scaling="spectrum", window="flattop")
        at = {order: power[:, np.abs(frequencies - order * 50.02) < 2].max(axis=1) for order in range(1, 6)}
        for order, share in ((1, 1.0), (3, 0.3), (5, 0.15)):
            heights = np.sqrt(2 * at[order]) / (20e-6 * share)
            assert (heights > 0.55).all(), (order, heights)
            assert (heights < 1.45).all(), (order, heights)
        assert at[2].max() < 1e-4 * at[1].min()
        assert frequencies[np.argmax(power[0])] == pytest.approx(50.0, abs=0.3)


def test_the_phase_of_mains_wanders():
    lines = draw_mains(
        (1, 400_000), Surroundings(mains=50.0, mains_amplitude=1e-5), 2000.0, rng=np.random.default_rng(1)
    )
    carrier = np.exp(-2j * np.pi * 50.0 * np.arange(400_000) / 2000)
    phase = np.unwrap(np.angle((lines[0] * carrier).reshape(200, 2000).mean(axis=1)))
    assert np.diff(phase).std() == pytest.approx(0.02 * np.sqrt(2 / 3), rel=0.3)  # of averaged random walks, 1 s each


def test_heart_beats_have_their_rate_their_spread_and_their_height():
    heights = []
    for seed in range(5):
        ecg = interference(seed, ecg=200e-6, heart_rate=70.0)
        beats = find_peaks(ecg[0], height=0.6 * ecg[0].max(), distance=800)[0]
        gaps = np.diff(beats) / 2000
        assert 60 / gaps.mean() == pytest.approx(70, rel=0.03)
        assert 0.025 < gaps.std() / gaps.mean() < 0.075
        heights.append(ecg.max(axis=1))
    assert np.min(heights) >= 0.5 * 200e-6 * 0.95
    assert np.max(heights) <= 200e-6 * 1.05


def test_movement_is_slow_and_comes_when_force_changes():
    for seed in range(5):
        moved = interference(seed, movement=300e-6)
        frequencies, power = welch(moved, 2000, nperseg=8000)
        assert power[:, (frequencies > 0.25) & (frequencies < 25)].sum() > 0.95 * power.sum()
        sizes = np.abs(moved).reshape(2, 60, 2000).max(axis=2)
        changing = [19, 20, 39, 40]
        assert sizes[:, changing].max() > 5 * np.delete(sizes, [18, *changing, 21, 38, 41], axis=1).max()
        assert 50e-6 < sizes[:, changing].max() < 3e-3


def test_pops_come_at_their_rate_and_recover_exponentially():
    counts = []
    for seed in range(10):
        popped = interference(seed, pops=20.0, pop_size=400e-6)
        steps = np.abs(np.diff(popped, axis=1)) > 300e-6
        counts.append(steps.sum(axis=1))
        first = int(np.flatnonzero(steps[0])[0]) + 1
        if not steps[0, first : first + 200].any():
            part = popped[0, first : first + 200]
            assert part[160] / part[0] == pytest.approx(np.exp(-160 / 2000 / 0.08), rel=0.02)
    assert np.mean(counts) == pytest.approx(20.0, abs=3 * np.sqrt(20 / 20)), counts  # one minute, 20 lines


def test_a_neighbour_is_seen_smaller_and_later():
    voluntary = np.random.default_rng(2).standard_normal((2, 4000))
    seen = from_neighbours(voluntary, Surroundings(neighbour=0.05), 2000.0)
    np.testing.assert_allclose(seen[0, 4:], 0.05 * voluntary[1, :-4])
    np.testing.assert_allclose(seen[1, 4:], 0.05 * voluntary[0, :-4])
    assert not from_neighbours(voluntary, Surroundings(), 2000.0).any()


def test_what_is_switched_off_is_silent():
    assert not interference(0).any()
    noise = draw_noise((1, 1000), Surroundings(noise=0.0), WIDE, rng=np.random.default_rng(0))
    assert not noise.any()


def test_everything_lies_in_the_interference_part_of_a_recording():
    small = {"units": 4, "fibres_per_unit": 1, "mains_amplitude": 0.0, "movement": 0.0, "neighbour": 0.0}
    plain = hybrid_fes(rng=np.random.default_rng(3), **small).truth
    with_heart = hybrid_fes(rng=np.random.default_rng(3), **small, ecg=200e-6).truth
    assert not plain.interference.any()
    assert np.abs(with_heart.interference).max() > 80e-6
    np.testing.assert_array_equal(with_heart.noise, plain.noise)
