"""Scores against closed forms: scaled, delayed and noisy copies of known signals."""

from dataclasses import replace

import numpy as np
import pytest

from emgkit.benchmark.locked_scores import locked_power
from emgkit.benchmark.scene import Scene
from emgkit.benchmark.scores import SCORES, evoked_scores, scene_of, voluntary_scores
from emgkit.simulate import tiny

FS, COUNT = 2000.0, 40_000


def m_wave(time, size=1e-3):
    return size * np.sin(2 * np.pi * 70 * (time - 0.006)) * np.exp(-(((time - 0.012) / 0.004) ** 2))


def scene(seed=0, growth=0.0):
    rng = np.random.default_rng(seed)
    time = np.arange(COUNT) / FS
    onsets = 1.0 + np.arange(540) / 30.0
    drive = ((time % 5) > 2).astype(float)
    evoked = np.zeros((2, COUNT))
    for number, onset in enumerate(onsets):
        first = int(np.ceil(onset * FS))
        inside = slice(first, first + 60)
        evoked[:, inside] += m_wave(time[inside] - onset) * (1 + growth * number / 540)
    voluntary = 30e-6 * rng.standard_normal((2, COUNT)) * drive
    noise = 2e-6 * rng.standard_normal((2, COUNT))
    return Scene(
        fs=FS,
        onsets=onsets,
        stimulator=np.zeros(540, dtype=np.int64),
        recorded=voluntary + noise + evoked,
        voluntary=voluntary,
        noise=noise,
        evoked=evoked,
        evoked_random=np.zeros((2, COUNT)),
        sound=np.ones((2, COUNT), dtype=bool),
        drive=drive,
    )


@pytest.mark.parametrize("gain", [0.9, 1.1])
def test_a_scaled_output_has_the_error_of_its_gain_in_every_amplitude_and_none_in_frequency(gain):
    one = scene()
    scored = voluntary_scores(one, gain * one.target).values
    for name in ("snr_all", "snr_usable", "snr_0_3", "snr_1_3", "snr_3_25", "snr_25", "snr_bursts"):
        assert scored[name] == pytest.approx(20.0, abs=1e-6), name
    for name in ("arv_error", "rms_error", "gain_error"):
        assert scored[name] == pytest.approx(100 * (gain - 1), abs=1e-6), name
    assert scored["snr_band"] == pytest.approx(20.0, abs=1e-6)
    assert scored["mdf_error"] == pytest.approx(0.0, abs=1e-6)
    assert scored["r"] == pytest.approx(1.0)
    assert scored["envelope_r"] == pytest.approx(1.0)
    assert scored["gain"] == pytest.approx(gain)


def test_independent_errors_add_in_power():
    one = scene()
    wrong = np.random.default_rng(1).standard_normal((2, COUNT))
    scored = voluntary_scores(one, one.target + 10e-6 * wrong).values
    power = np.mean(one.target[one.usable] ** 2)
    assert scored["snr_usable"] == pytest.approx(10 * np.log10(power / 1e-10), abs=0.1)
    assert scored["false_emg"] == pytest.approx(10.0, rel=0.02)
    assert scored["rest_ratio"] == pytest.approx(np.hypot(10, 2) / 2, rel=0.02)
    assert scored["gain"] == pytest.approx(1.0, abs=0.01)


def test_the_bound_is_the_score_of_an_output_that_keeps_the_random_part_only():
    plain = scene()
    random = 5e-6 * np.random.default_rng(2).standard_normal((2, COUNT))
    one = replace(plain, evoked=plain.evoked + random, evoked_random=random)
    scored = voluntary_scores(one, one.target + random).values
    assert scored["bound"] == pytest.approx(10 * np.log10(np.mean(one.target[one.usable] ** 2) / 25e-12), abs=0.1)
    assert scored["behind_bound"] == pytest.approx(0.0, abs=1e-9)


def test_what_a_method_calls_lost_changes_no_score_but_those_named_for_it():
    one = scene()
    output = one.target + 1e-5 * np.random.default_rng(3).standard_normal((2, COUNT))
    valid = np.arange(COUNT) % 4 > 0
    whole, part = voluntary_scores(one, output).values, voluntary_scores(one, output, valid & one.sound).values
    differing = {name for name in whole if not np.isclose(whole[name], part[name], equal_nan=True)}
    assert differing == {"lost", "snr_valid"}
    spoiled = replace(one, sound=one.sound & (np.arange(COUNT) % 8 > 0))
    scored = voluntary_scores(spoiled, output, valid & one.sound).values
    assert scored["marked"] == pytest.approx(100.0)
    assert scored["lost"] == pytest.approx(100 / 7, abs=1.0)
    assert part["lost"] == pytest.approx(25.0, abs=1.0)


def test_samples_that_the_device_lost_count_in_all_and_nowhere_else():
    one = scene()
    sound = np.ones((2, COUNT), dtype=bool)
    sound[:, 10_000:11_000] = False
    output = np.where(sound, one.target, 1.0)
    scored = voluntary_scores(replace(one, sound=sound), output).values
    assert scored["snr_usable"] == pytest.approx(200.0)
    assert scored["snr_all"] < -60


def test_locked_power_of_a_periodic_wave_is_its_mean_square_and_that_of_noise_is_none():
    first = 100 + 66 * np.arange(500)
    phase = np.zeros((1, COUNT))
    for begin in first:
        phase[0, begin : begin + 66] = np.sin(2 * np.pi * np.arange(66) / 66)
    assert locked_power(phase, first, 66) == pytest.approx(0.5, rel=1e-6)
    chances = [locked_power(np.random.default_rng(seed).standard_normal((1, COUNT)), first, 66) for seed in range(20)]
    assert abs(np.mean(chances)) < 3 * np.std(chances) / np.sqrt(20) + 1e-5
    assert max(np.abs(chances)) < 0.01, f"worst {max(np.abs(chances)):.2g}, median {np.median(chances):.2g}"


def test_residue_is_the_share_of_the_response_that_stays():
    one = scene()
    scored = voluntary_scores(one, one.target + 0.1 * one.evoked).values
    assert scored["residue"] == pytest.approx(-20.0, abs=0.1)


@pytest.mark.parametrize("slope", [0.0, 0.004, -0.004])
def test_the_leak_slope_is_the_rms_that_follows_the_m_wave(slope):
    one = scene(growth=1.0)
    time = np.arange(COUNT) / FS
    steady = replace(one, voluntary=30e-6 * np.random.default_rng(4).standard_normal((2, COUNT)))
    size = np.ptp(m_wave(np.arange(60) / FS)) * (1 + np.clip((time - 1) / 18, 0, 1))
    scored = voluntary_scores(steady, steady.target * (1 + slope * size / 30.07e-6)).values
    assert scored["leak_slope"] == pytest.approx(100 * slope, abs=0.02)
    assert scored["leak_slope_half"] < 0.1


def test_what_is_random_in_the_response_bounds_leak_and_amplitude():
    one = scene(growth=1.0)
    time = np.arange(COUNT) / FS
    size = np.ptp(m_wave(np.arange(60) / FS)) * (1 + np.clip((time - 1) / 18, 0, 1))
    emg, chance = (30e-6 * np.random.default_rng(seed).standard_normal((2, COUNT)) for seed in (4, 5))
    steady = replace(one, voluntary=emg, evoked_random=chance * np.sqrt(2 * 0.004 * size / 30e-6))
    scored = voluntary_scores(steady, steady.target).values
    assert scored["leak_slope"] == pytest.approx(0.0, abs=1e-9)
    assert scored["leak_slope_bound"] == pytest.approx(0.4, abs=0.1)  # sqrt(1 + 2 x) - 1 is a little below x
    assert scored["arv_error"] == pytest.approx(0.0, abs=1e-9)
    assert scored["arv_error_bound"] > 5
    quiet = voluntary_scores(one, one.target)
    assert {"leak_slope_bound", "arv_error_bound"} <= set(quiet.reasons)


def test_missing_scores_say_why():
    one = scene()
    quiet = replace(one, drive=np.ones(COUNT))
    scored = voluntary_scores(quiet, quiet.target)
    for name in ("envelope_r", "false_emg", "leak_slope", "bound", "ceiling"):
        assert np.isnan(scored.values[name])
        assert scored.reasons[name], name
    assert {name for name, value in scored.values.items() if np.isnan(value)} == set(scored.reasons)
    assert set(scored.values) <= set(SCORES)


def test_the_ceiling_is_that_of_the_pulses_averaged():
    one = scene()
    assert voluntary_scores(one, one.target, effective_pulses=79).values["ceiling"] == pytest.approx(18.98, abs=0.01)


def test_a_published_gain_is_divided_out():
    one = scene()
    scores = voluntary_scores(one, 0.98 * one.target, published_gain=0.98).values
    for name in ("gain_error", "arv_error", "rms_error"):
        assert scores[name] == pytest.approx(0.0, abs=1e-9), name


@pytest.mark.parametrize("gain", [0.95, 1.2])
def test_a_scaled_m_wave_has_the_error_of_its_gain(gain):
    one = scene()
    scored = evoked_scores(one, gain * one.evoked).values
    assert scored["m_nrmse"] == pytest.approx(100 * abs(gain - 1))
    for name in ("m_vpp_error", "m_area_error"):
        assert scored[name] == pytest.approx(100 * (gain - 1)), name
    for name in ("m_mdf_error", "m_latency_error", "m_vpp_trend_error", "m_mdf_trend_error"):
        assert scored[name] == pytest.approx(0.0, abs=1e-9), name


def test_an_output_that_misses_the_trend_has_its_error():
    one, still = scene(growth=0.5), scene()
    scored = evoked_scores(one, still.evoked).values
    # mean growth of the first and the last fifth: 0.1 and 0.9 of all of it
    assert scored["m_vpp_trend_error"] == pytest.approx(-100 * (1.45 / 1.05 - 1), abs=0.3)
    assert scored["m_mdf_trend_error"] == pytest.approx(0.0, abs=0.2)


def test_a_delayed_m_wave_has_that_latency_error():
    one = scene()
    scored = evoked_scores(one, np.roll(one.evoked, 1, axis=1)).values
    assert scored["m_latency_error"] == pytest.approx(0.5, abs=0.07)


def test_stated_errors_that_are_right_cover_ninety_percent():
    one = scene()
    error = np.full((2, COUNT), 5e-6)
    shares = []
    for seed in range(5):
        output = one.evoked + 5e-6 * np.random.default_rng(seed).standard_normal((2, COUNT))
        shares.append(evoked_scores(one, output, error).values["coverage"])
    assert np.median(shares) == pytest.approx(90.0, abs=0.5), f"worst {min(shares):.2f}"
    assert evoked_scores(one, output, error / 10).values["coverage"] < 20
    assert evoked_scores(one, output).reasons["coverage"]


def test_samples_under_another_pulse_are_left_out():
    one = scene()
    onsets = np.sort(np.append(one.onsets, one.onsets[::2] + 0.0102))
    crowded = replace(one, onsets=onsets, stimulator=np.zeros(onsets.size, dtype=np.int64))
    spoiled = crowded.evoked + np.where(crowded.since < 0.0029, 1.0, 0.0)
    assert evoked_scores(crowded, spoiled).values["m_nrmse"] == pytest.approx(0.0, abs=1e-9)


def test_a_simulation_gives_a_scene_whose_truth_scores_best():
    made = tiny(rng=np.random.default_rng(1))
    one = scene_of(made)
    scored = voluntary_scores(one, one.target).values
    assert scored["snr_all"] == pytest.approx(200.0)
    assert scored["rest_ratio"] < 1.0 + 1e-9
    worse = voluntary_scores(one, made.recording.signal).values
    assert worse["snr_usable"] < 0
    assert worse["residue"] == pytest.approx(0.0, abs=1e-6)
