"""Levels of recruitment against curves that are known."""

import numpy as np

from emgkit.artifact.spline_basis import make_design, phase_knots
from emgkit.artifact.spline_recruitment import recruitment_levels
from emgkit.artifact.spline_time import level_courses, make_segments, smooth_courses

FS, COUNT = 2000.0, 40_000
ONSETS = np.concatenate([0.5 + start + np.arange(120) / 30 for start in (0.0, 5.5, 11.0)])
RAMP = np.concatenate([np.linspace(0.03, 1, 10), np.ones(100), np.linspace(1, 0.03, 10)])
SIZES = np.tile(RAMP, 3)


def curve(sizes, times):
    """Share of the axons above threshold, whose thresholds rise by a fifth in the end."""
    threshold = 0.3 * (1 + 0.2 * times / times[-1])
    return 1 / (1 + np.exp(-12 * np.log(np.maximum(sizes, 1e-3) / threshold)))


def designs_of(onsets):
    knots = phase_knots(0.0015, 0.031, FS)
    return make_design(onsets, FS, COUNT, knots), make_design(onsets, FS, COUNT, knots, overlap=True)


def wave(phase):
    return 1e-3 * np.exp(-((phase - 0.011) ** 2) / (2 * 0.003**2)) * np.sin(2 * np.pi * (phase - 0.008) / 0.012)


def mean_of(design):
    """Coefficients of the wave."""
    from scipy.interpolate import make_lsq_spline

    grid = np.linspace(design.knots[0], design.knots[-1], 4000)
    return make_lsq_spline(grid, wave(grid), design.knots, 3).c[np.newaxis]


def found_levels(seed, noise, true, onsets=ONSETS, sizes=SIZES):
    own, overlap = designs_of(onsets)
    rng = np.random.default_rng(seed)
    row = noise * rng.normal(size=COUNT)
    row[own.samples] += true[own.pulse] * wave(own.phase)
    if overlap.samples.size:
        np.add.at(row, overlap.samples, true[overlap.pulse] * wave(overlap.phase))
    known = np.ones((1, COUNT), dtype=bool)
    segments = make_segments(onsets)
    return recruitment_levels((own, overlap), row[np.newaxis], mean_of(own), known, sizes, onsets, segments)


def test_levels_follow_the_curve_and_its_slow_change():
    true = curve(SIZES, ONSETS)
    errors = [np.abs(found_levels(seed, 60e-6, true) - true) for seed in range(6)]
    assert np.median(errors) < 0.01, np.median(errors)
    assert np.max([error[SIZES < 0.15].max() for error in errors]) < 0.08, "what evokes nothing"
    assert np.max([np.quantile(error, 0.98) for error in errors]) < 0.12, [error.max() for error in errors]


def test_a_pulse_that_another_follows_at_once_takes_its_level_from_its_like():
    first = np.flatnonzero(np.diff(ONSETS, prepend=-9.0) > 1)
    onsets = np.sort(np.append(ONSETS, ONSETS[first] + 0.006))
    sizes = np.interp(onsets, ONSETS, SIZES)
    true = curve(sizes, onsets)
    hidden = np.flatnonzero(np.diff(onsets, append=99.0) < 0.01)
    for seed in range(4):
        level = found_levels(seed, 30e-6, true, onsets, sizes)
        assert np.abs(level - true)[hidden].max() < 0.1
        assert np.abs(level - true)[hidden + 1].max() < 0.1


def test_a_response_that_always_is_there_has_one_level():
    sizes = 1 + 0.3 * np.sin(2 * np.pi * ONSETS / 7)
    level = np.stack([found_levels(seed, 60e-6, np.ones(ONSETS.size), sizes=sizes) for seed in range(4)])
    assert np.ptp(level) < 0.03, np.ptp(level)


def test_where_nothing_tells_every_pulse_counts_in_full():
    assert np.array_equal(found_levels(0, 0.0, np.zeros(ONSETS.size)), np.ones(ONSETS.size))
    onsets = 0.5 + 0.003 * np.arange(300)
    sizes = np.linspace(0.1, 1, 300)
    assert np.array_equal(found_levels(0, 60e-6, np.ones(300), onsets, sizes), np.ones(300))


def test_courses_of_pulses_that_evoke_nothing_do_not_change_slowly():
    level = np.where(SIZES < 0.2, 0.0, 1.0)
    train = np.repeat([0, 1, 2], 120)
    courses = smooth_courses(ONSETS, train, level_courses(level, SIZES), 2, level)
    silent = np.flatnonzero(level == 0)
    silent = silent[(silent % 120 > 1) & (SIZES[silent] == SIZES[silent[-1]])]
    # what is left there is the constant, the size, and what either takes along: alike at all times
    assert silent.size == 3
    assert np.ptp(courses[silent], axis=0).max() < 1e-9
