"""Responses that vary from pulse to pulse within a few shapes, and what EMG puts into their scores."""

from itertools import product

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt
from spline_cases import FS, effort_of, emg, power_of

from emgkit.artifact.spline_basis import make_design
from emgkit.artifact.spline_piece import pulse_power
from emgkit.artifact.spline_random import find_shapes, shape_knots
from emgkit.artifact.spline_unlocked import noise_of_scores


def test_random_shapes_are_found_and_removed_in_part():
    onsets, count = 0.1 + np.arange(600) / 29.97, 41_000
    design = make_design(onsets, FS, count, shape_knots(0.031, FS))
    shape = np.exp(-((design.phase - 0.012) ** 2) / (2 * 0.002**2)) * np.sin(2 * np.pi * 90 * (design.phase - 0.012))
    left = []
    for seed in range(4):
        score = 40e-6 * np.random.default_rng(seed + 50).normal(size=600)
        random = np.zeros(count)
        random[design.samples] = score[design.pulse] * shape
        noise = emg(count, seed, effort_of(count))
        found = find_shapes(design, random + noise, power_of(design, random + noise))
        assert found is not None
        rest = random.copy()
        rest[design.samples] -= design.evaluate(found.coefficients)
        quiet = effort_of(count) < 1e-5
        left.append((rest[quiet].std() / random[quiet].std(), rest.std() / random.std()))
    assert np.max(left, axis=0)[0] < 0.8, left
    assert np.median(left, axis=0)[0] < 0.65, left
    assert np.max(left, axis=0)[1] < 0.95, left


@pytest.mark.parametrize(
    ("size", "late", "most"),
    [
        *(pytest.param(*one, marks=pytest.mark.slow) for one in [(0.1, 0.0, 0.18), (0.2, 0.5e-3, 0.11)]),
        (0.0, 0.25e-3, 0.09),
    ],
)
def test_large_variation_is_taken_away_under_effort_too(size, late, most):
    """Unless the EMG is told from it, its power at rest passes for the EMG's, and a third of it stays."""
    onsets, count = 0.1 + np.arange(600) / 29.97, 41_000
    design = make_design(onsets, FS, count, shape_knots(0.031, FS))
    left, lost = [], []
    for seed in range(6):
        varies = np.random.default_rng(100 + seed).normal(size=600)
        place = (design.phase - 0.0110 - late * varies[design.pulse]) / 2.2e-3
        wave = 1.6e-3 * place * np.exp(-(place**2) / 2)
        random = np.zeros(count)
        random[design.samples] = wave * (1 + size * varies[design.pulse])
        order = np.argsort(design.phase)
        around = np.pad(random[design.samples[order]], 300, mode="edge")
        random[design.samples[order]] -= np.convolve(around, np.full(601, 1 / 601), "valid")
        voluntary = emg(count, seed, 4e-6 + effort_of(count))
        found = find_shapes(design, random + voluntary, power_of(design, random + voluntary))
        assert found is not None
        rest = random.copy()
        rest[design.samples] -= design.evaluate(found.coefficients)
        loud = effort_of(count) > 20e-6
        left.append(float((rest[loud] ** 2).sum() / (random[loud] ** 2).sum()))
        gone = 1 - float(((rest + voluntary)[design.samples] ** 2).sum() / (voluntary[design.samples] ** 2).sum())
        lost.append((found.loss, gone))
        turned = find_shapes(design, -random - voluntary, power_of(design, random + voluntary))
        assert turned is not None
        assert turned.coefficients == pytest.approx(-found.coefficients, rel=1e-6, abs=1e-12)
    assert np.max(left) < most, left
    if size == 0:  # elsewhere more variation stays in than EMG is lost
        stated, truth = np.mean(lost, axis=0)
        assert stated == pytest.approx(truth, abs=0.03)


def steep_wave(since):
    """Give a response that begins within 0.4 ms, 4 ms after the pulse, V."""
    place = (since - 0.0084) / 0.0022
    return 1.6e-3 * place * np.exp(-(place**2) / 2) / (1 + np.exp((0.004 - since) / 0.2e-3))


def varying(seed, rate, pulses=600, *, size=0.0, late=(0.0,)):
    """Give a design, what varies of steep waves, and EMG of 20 µV at efforts beside 4 µV, V."""
    onsets, count = 0.1 + np.arange(pulses) / rate, round((pulses / rate + 0.3) * FS)
    design = make_design(onsets, FS, count, shape_knots(1 / rate - 0.0015, FS, pulses))
    sizes = 1 + size * np.random.default_rng(seed + 50).normal(size=pulses)
    late = np.resize(late, pulses)
    mean = np.mean([one * steep_wave(design.phase - by) for one, by in zip(sizes, late, strict=True)], axis=0)
    random = np.zeros(count)
    random[design.samples] = sizes[design.pulse] * steep_wave(design.phase - late[design.pulse]) - mean
    return design, random, emg(count, seed, 4e-6 + effort_of(count) / 2)


def left_beside(design, random, voluntary, quiet):
    """What is left of what varies, V; EMG is seen from ``quiet`` s on in the first round, and where it may be later."""
    seen = random + voluntary
    power = pulse_power(design, seen[design.samples], np.ones(design.samples.size), quiet)
    found = find_shapes(design, seen, power, quiet)
    rest = random.copy()
    if found is not None:
        rest[design.samples] -= design.evaluate(found.coefficients)
    return rest


@pytest.mark.parametrize("rate", [pytest.param(29.97, marks=pytest.mark.slow), 40.0])
def test_shapes_keep_their_straight_lines(rate):
    """Scores are free of straight lines, as slow courses are none of the shapes: a response of one size has one."""
    late, foreign = [], []
    for seed in range(4):
        design, random, voluntary = varying(seed, rate, size=0.1)
        rest = left_beside(design, random, voluntary, 0.7 / rate)
        over, loud = design.samples[design.phase > 0.7 / rate], effort_of(rest.size) > 20e-6
        late.append(float((rest[over] ** 2).mean() / (random[design.samples] ** 2).mean()))
        foreign.append(float((rest[loud] ** 2).sum() / (voluntary[loud] ** 2).sum()))
    assert max(late) < 0.005, late
    assert max(foreign) < 0.1, foreign


@pytest.mark.parametrize(("rate", "most"), [pytest.param(40.0, 0.8, marks=pytest.mark.slow), (50.0, 0.6)])
def test_emg_is_told_from_responses_by_the_end_of_short_intervals(rate, most):
    """There is as much EMG at the end of the interval as elsewhere, and no response."""
    foreign = []
    for seed in range(6):
        late = 0.3e-3 * np.random.default_rng(seed + 50).normal(size=600)
        design, random, voluntary = varying(seed, rate, late=late)
        rest, loud = left_beside(design, random, voluntary, 0.7 / rate), effort_of(random.size) > 20e-6
        foreign.append(float((rest[loud] ** 2).sum() / (voluntary[loud] ** 2).sum()))
    assert np.median(foreign) < most, foreign


def test_a_shape_that_is_sure_makes_others_likely():
    """Latencies with wide tails need several; their squares vary most where they say most."""
    foreign = []
    for seed in range(10):
        late = 0.25e-3 * np.random.default_rng(seed + 50).standard_t(4, size=400)
        design, random, voluntary = varying(seed, 29.97, 400, late=late)
        rest, loud = left_beside(design, random, voluntary, 0.7 / 29.97), effort_of(random.size) > 20e-6
        foreign.append(float((rest[loud] ** 2).sum() / (voluntary[loud] ** 2).sum()))
    assert np.median(foreign) < 1.5, foreign


@pytest.mark.parametrize("rate", [29.97, *(pytest.param(rate, marks=pytest.mark.slow) for rate in (20.0, 40.0)), 50.0])
def test_shapes_are_none_where_nothing_varies_wherever_samples_fall(rate):
    """Where all pulses have samples at the same places, one alone sees the first splines, beside a steep response."""
    left = {}
    for place, seed in product((0.0, 0.1e-3, 0.2e-3, 0.3e-3, 0.4e-3), range(3)):
        onsets, count = 0.1 + place + np.arange(600) / rate, round((600 / rate + 0.3) * FS)
        design = make_design(onsets, FS, count, shape_knots(1 / rate - 0.0015, FS, 600))
        late = 0.1e-3 * np.random.default_rng(seed + 50).normal(size=600)
        mean = np.mean([steep_wave(design.phase - one) for one in late[:100]], axis=0)
        random = np.zeros(count)
        random[design.samples] = steep_wave(design.phase - late[design.pulse]) - mean
        noise = emg(count, seed, np.full(count, 20e-6))
        found = find_shapes(design, random + noise, power_of(design, random + noise))
        assert found is not None
        rest = random.copy()
        rest[design.samples] -= design.evaluate(found.coefficients)
        left[place, seed] = float((rest**2).sum() / (random**2).sum())
    assert max(left.values()) < 0.04, left


def test_chance_during_effort_does_not_pass_for_noise_of_scores():
    """Variance far above the noise is uncertain by more than the noise: noise would be overestimated tenfold."""
    power = np.where(np.arange(500) % 100 < 50, 25.0, 1.0)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        scores = rng.normal(size=500) * np.sqrt(300 + power)
        assert (noise_of_scores(scores, power) <= 2.01 * power).all()
        few_units = rng.normal(size=500) * np.sqrt(1 + 5 * power)
        assert 3.9 * power[0] < noise_of_scores(few_units, power)[0] < 6 * power[0]


def test_few_pulses_tell_of_few_knots():
    many, few, hardly = (shape_knots(0.06, FS, pulses) for pulses in (1000, 200, 20))
    assert np.array_equal(many, shape_knots(0.06, FS))
    assert 3.0 * (few.size - 4) <= 0.95 * 200 < 3.0 * (few.size - 2)
    assert np.diff(hardly).max() <= 0.0015 + 1e-9


def test_what_shapes_were_not_learned_from_does_not_speak_in_scores():
    """Some pulses have a sample more than others, and shapes are learned from what all have."""
    onsets, count = 0.1 + np.arange(570) / 29.7, 40_000
    design = make_design(onsets, FS, count, shape_knots(0.0316, FS))
    assert np.ptp(np.bincount(design.pulse)) == 1
    place = np.arange(design.pulse.size) - np.searchsorted(design.pulse, np.arange(570))[design.pulse]
    last = design.samples[place == place.max()]
    shape = (
        60e-6 * np.sin(2 * np.pi * (design.phase - 0.004) / 0.012) * ((design.phase > 0.004) & (design.phase < 0.016))
    )
    for seed in range(4):
        rng = np.random.default_rng(seed)
        row = emg(count, seed, np.full(count, 30e-6))
        row[design.samples] += rng.normal(size=570)[design.pulse] * shape
        other = row.copy()
        other[last] += 1e-3 * rng.normal(size=last.size)
        power = power_of(design, row)
        found, same = find_shapes(design, row, power), find_shapes(design, other, power)
        assert found is not None
        assert same is not None
        assert np.array_equal(found.scores, same.scores)


def test_voluntary_emg_alone_has_no_random_shapes():
    onsets, count = 0.1 + np.arange(600) / 29.97, 41_000
    design = make_design(onsets, FS, count, shape_knots(0.031, FS))
    taken = []
    for seed in range(8):
        noise = emg(count, seed, effort_of(count))
        found = find_shapes(design, noise, power_of(design, noise))
        wave = np.zeros(1) if found is None else design.evaluate(found.coefficients)
        taken.append(float((wave**2).sum() / (noise**2).sum()))
    assert np.max(taken) < 0.01, taken


@pytest.mark.parametrize("band", [(20, 450), (10, 500), (50, 450), (90, 180)])
def test_emg_behind_steep_filters_has_no_random_shapes(band):
    onsets, count = 0.1 + np.arange(300) / 29.97, 21_000
    design = make_design(onsets, FS, count, shape_knots(0.031, FS))
    steep = butter(4, band, "bandpass", fs=FS, output="sos")
    taken = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        noise = 100e-6 * sosfiltfilt(steep, rng.standard_normal(count)) + 2e-6 * rng.standard_normal(count)
        found = find_shapes(design, noise, power_of(design, noise))
        wave = np.zeros(1) if found is None else design.evaluate(found.coefficients)
        taken.append(float((wave**2).sum() / (noise**2).sum()))
    assert np.median(taken) == 0, taken
    assert np.mean(np.array(taken) > 0.01) <= 1 / 8, taken
