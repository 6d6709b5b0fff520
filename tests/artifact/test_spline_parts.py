"""The parts of PhaseSpline against known answers: shrinkage, shifts, courses, segments."""

import numpy as np
import pytest
from scipy.interpolate import BSpline
from spline_cases import FS, emg

from emgkit.artifact.spline_basis import bend_operator, make_design, phase_knots, spline_values
from emgkit.artifact.spline_bending import pooled
from emgkit.artifact.spline_pulse import estimate_changes
from emgkit.artifact.spline_scores import shrink
from emgkit.artifact.spline_share import bridge
from emgkit.artifact.spline_solve import fit_courses
from emgkit.artifact.spline_time import make_segments, null_courses, smooth_courses


@pytest.mark.parametrize("until", [0.004, 0.0333, 0.2])
def test_spline_values_are_those_of_scipy_at_knots_between_them_and_at_the_ends(until):
    knots = phase_knots(0.0015, until, FS)
    inside = np.random.default_rng(1).uniform(knots[0], knots[-1], 500)
    places = np.concatenate([inside, np.unique(knots)[:-1], [np.nextafter(knots[-1], -np.inf)]])
    first, values = spline_values(places, knots)
    expected = BSpline.design_matrix(places, knots, 3).toarray()
    found = np.zeros_like(expected)
    found[np.arange(places.size)[:, np.newaxis], first[:, np.newaxis] + np.arange(4)] = values.T
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_scores_that_are_noise_vanish():
    kept = 0
    for seed in range(40):
        noise = np.random.default_rng(seed).uniform(0.5, 4.0, 300)
        kept += shrink(np.sqrt(noise) * np.random.default_rng(seed + 99).normal(size=300), noise).variance > 0
    assert kept <= 3, f"{kept} of 40 found something in noise"


@pytest.mark.parametrize("memory", [0.0, 0.95])
def test_shrunk_scores_are_nearer_to_the_truth_than_raw_ones_and_say_how_near(memory):
    ratios, calibrated = [], []
    for seed in range(10):
        rng = np.random.default_rng(seed)
        truth = np.zeros(600)
        for place in range(1, 600):
            truth[place] = memory * truth[place - 1] + np.sqrt(1 - memory**2) * rng.normal()
        noise = rng.choice([0.1, 4.0], 600)
        found = shrink(truth + np.sqrt(noise) * rng.normal(size=600), noise)
        error = (found.values - truth) ** 2
        best = 1 / (1 + 1 / noise)  # posterior variance without memory
        ratios.append(error.mean() / best.mean())
        calibrated.append(error.mean() / found.variances.mean())
    assert np.max(ratios) < (1.1 if memory == 0 else 0.8), ratios
    assert 0.8 < np.median(calibrated) < 1.25, calibrated


def artifact(phase):
    return 5e-3 * np.sin(2 * np.pi * phase / 0.0016) * np.exp(-((phase - 0.0005) ** 2) / (2 * 0.0003**2))


def design_of(onsets, count, until=0.031):
    return make_design(onsets, FS, count, phase_knots(0.0015, until, FS))


def test_shifts_and_sizes_of_single_pulses_are_found():
    for seed in range(3):
        rng = np.random.default_rng(seed)
        onsets = 0.1 + np.arange(300) / 29.97
        design = design_of(onsets, 22_000)
        shift, gain = 20e-6 * rng.normal(size=300), 0.01 * rng.normal(size=300)
        wave = artifact(design.phase)
        slope = (artifact(design.phase + 1e-7) - artifact(design.phase - 1e-7)) / 2e-7
        seen = (1 + gain[design.pulse]) * artifact(design.phase - shift[design.pulse])
        rest = seen - wave + 5e-6 * rng.normal(size=wave.size)
        known = np.ones((1, wave.size), bool)
        found = estimate_changes(design, rest[np.newaxis], wave[np.newaxis], slope[np.newaxis], known)
        assert found.jitter == pytest.approx(20e-6, rel=0.2)
        assert np.sqrt(np.mean((found.shift - shift) ** 2)) < 4e-6
        assert np.sqrt(np.mean((found.gain - gain) ** 2)) < 7e-3
        assert 0.6 < found.gain @ gain / (gain @ gain) < 1.1


def test_without_jitter_no_pulse_is_moved():
    rng = np.random.default_rng(3)
    design = design_of(0.1 + np.arange(300) / 29.97, 22_000)
    wave = artifact(design.phase)
    slope = (artifact(design.phase + 1e-7) - artifact(design.phase - 1e-7)) / 2e-7
    rest = 5e-6 * rng.normal(size=(1, wave.size))
    found = estimate_changes(design, rest, wave[np.newaxis], slope[np.newaxis], np.ones((1, wave.size), bool))
    assert found.jitter == 0
    assert not found.shift.any()


@pytest.mark.parametrize("jitter", [2e-6, 100e-6])
def test_supports_that_end_where_the_next_begins_share_no_sample_and_leave_none(jitter):
    """What ends a µs late would count twice at the sample there, with all of the level that the response has."""
    for seed in range(5):
        onsets = 0.1 + np.arange(900) * 0.0125 + jitter * np.random.default_rng(seed).normal(size=900)
        knots = phase_knots(0.0015, 0.0125 - 0.0015, FS)
        own, shared = (make_design(onsets, FS, 23_000, knots, overlap=overlap) for overlap in (False, True))
        assert shared.samples.size == 0
        assert np.array_equal(own.samples, np.arange(own.samples[0], own.samples[-1] + 1))


def test_responses_that_run_on_after_the_next_pulse_share_samples_still():
    shared = make_design(np.array([0.1, 0.11]), FS, 400, phase_knots(0.0015, 0.03, FS), overlap=True)
    assert set(shared.pulse) == {0}
    assert 40 <= shared.samples.size <= 44  # from 8.5 to 30 ms


def test_a_course_that_is_not_there_vanishes_and_one_that_is_there_stays():
    onsets, count = 0.1 + np.arange(480) / 29.97, 33_000
    design = design_of(onsets, count)
    bend = bend_operator(design.knots)
    courses = smooth_courses(onsets, np.zeros(480, int), [])
    nulls = null_courses(480, courses)
    wave = 1e-3 * np.sin(np.pi * np.clip((design.phase - 0.004) / 0.02, 0, 1)) ** 2
    for seed in range(3):
        noise = emg(count, seed, np.full(count, 30e-6))
        for fades in (False, True):
            row = noise.copy()
            row[design.samples] += wave * (1 - 0.3 * fades * design.pulse / 480)
            fit = fit_courses(design.gram(), design.project(row), courses, nulls, np.full(480, 1 / 9e-10), bend)
            size = np.sqrt((fit.coefficients**2).mean(axis=1))
            slope = courses.shape[1] - 1 - np.argmax(np.abs(courses.T[::-1] @ np.linspace(-1, 1, 480)))
            assert (size[slope] > 0.02 * size[0]) == fades
            error = design.evaluate(courses @ fit.coefficients) - (row - noise)[design.samples]
            assert np.sqrt(np.mean(error**2)) < 5e-6  # 30 µV of EMG over √480 pulses and a few courses


def test_segments_share_every_pulse_once():
    for pulses in (10, 300, 2000):
        onsets = np.cumsum(np.random.default_rng(pulses).uniform(0.02, 0.04, pulses))
        total = np.zeros(pulses)
        for segment in make_segments(onsets):
            total[segment.pulses] += segment.share
        assert total == pytest.approx(1.0)


def test_courses_and_nulls_are_orthonormal():
    onsets = np.arange(200) / 30
    courses = smooth_courses(onsets, np.repeat([0, 1], 100), [np.linspace(0, 1, 200) ** 2])
    both = np.concatenate([courses, null_courses(200, courses)], axis=1)
    assert both.T @ both / 200 == pytest.approx(np.eye(both.shape[1]), abs=1e-9)


@pytest.mark.parametrize("longer", [3.0, 4.0, 6.0])
def test_a_response_that_runs_on_is_bridged_smoothly_under_the_artifact(longer):
    length = 0.003  # s from before the pulse to the end of the artifact
    times, worst = np.arange(4000) / FS, 0.0
    onsets = 0.1 + np.arange(140) * 0.0125137
    for turn in np.linspace(0, 2 * np.pi, 8):
        wave = np.sin(2 * np.pi * times / (longer * length) + turn)
        spoiled = wave.copy()
        for onset in onsets:
            spoiled[(times > onset) & (times < onset + length - 0.0006 - 1 / FS)] += 7.0
        worst = max(worst, np.abs(bridge(spoiled, FS, onsets, length - 0.0006) - wave)[200:3600].max())
    cubic = (
        2 * np.pi * (length + 1 / FS) / (longer * length)
    ) ** 4 / 384  # error of a cubic with right values and slopes
    assert worst < 1.5 * cubic, (worst, cubic)


def test_nothing_is_bridged_beyond_the_ends_of_the_recording():
    wave = np.arange(100.0)
    assert np.array_equal(bridge(wave, FS, np.array([0.0, 0.0499]), 0.002), wave)


def test_variances_that_are_pooled_are_never_negative():
    """The mean is taken of values that differ by dozens of decades: where pulses are blanked to zero, and beside."""
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values = 10.0 ** rng.uniform(-60, -8, (3, 190))
        for reach in (3, 6):
            assert pooled(values, reach).min() >= 0, (seed, reach)
