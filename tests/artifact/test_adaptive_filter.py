"""RLS: the weighted least squares of the past, its memory, and missing samples."""

import numpy as np
import pytest
from scipy.interpolate import BSpline

import emgkit as ek

FS = 2000.0
BEFORE, AFTER = 0.0015, 0.0285


def response(phase):
    return np.where(phase > 0, np.exp(-phase.clip(0) / 0.004) * np.sin(2 * np.pi * 90 * phase), 0.0)


def stimulated(onsets, sizes, count, noise, seed=0):
    times = np.arange(count) / FS
    signal = noise * np.random.default_rng(seed).normal(size=count)
    return (signal + sum(size * response(times - onset) for onset, size in zip(onsets, sizes, strict=True)))[np.newaxis]


def weighted_least_squares(signal, onsets, forgetting):
    """Prediction of the last frame from all before it at once, by dense least squares."""
    count = int((BEFORE + AFTER) * FS + 1e-9)
    knots = np.arange(-3, count + 4) / FS - BEFORE
    rows, values = [], []
    for number, onset in enumerate(onsets):
        first = int(np.ceil((onset - BEFORE) * FS - 1e-9))
        phase = (first + np.arange(count)) / FS - onset
        design = BSpline(knots, np.eye(count + 3), 3)(phase)
        weight = forgetting ** ((len(onsets) - 2 - number) / 2)
        rows.append(weight * design)
        values.append(weight * signal[first : first + count])
    ridge = np.sqrt(1e-3) * np.eye(count + 3)
    taps = np.linalg.lstsq(
        np.vstack([*rows[:-1], ridge]), np.concatenate([*values[:-1], np.zeros(count + 3)]), rcond=None
    )
    return first, design @ taps[0]


@pytest.mark.parametrize("forgetting", [0.8, 0.97])
def test_the_recursion_is_weighted_least_squares_of_the_past(forgetting):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        onsets = 0.1 + np.arange(25) / 29.9 + rng.uniform(0, 0.001, 25)
        signal = stimulated(onsets, np.full(25, 1e-3), 2200, 1e-5, seed)
        method = ek.AdaptiveFilter(forgetting=forgetting, before=BEFORE, after=AFTER)
        locked = method.separate(signal, FS, ek.Pulses(onsets)).components["locked"][0]
        first, wanted = weighted_least_squares(signal[0], onsets, forgetting)
        assert locked[first : first + wanted.size] == pytest.approx(wanted, abs=1e-8 * np.abs(wanted).max())


def test_a_short_memory_follows_changes_and_a_long_one_averages():
    left = {}
    for forgetting in (0.7, 0.98):
        onsets = 0.1 + np.arange(280) / 29.97
        ramp = 1e-3 * np.linspace(1, 0.3, 280)
        changing = stimulated(onsets, ramp, 20000, 1e-6)
        steady = stimulated(onsets, np.full(280, 1e-3), 20000, 5e-5)
        method = ek.AdaptiveFilter(forgetting=forgetting)
        late = slice(10000, 18000)
        left[forgetting] = [
            method.separate(x, FS, ek.Pulses(onsets)).render("voluntary", x)[0, late].std() for x in (changing, steady)
        ]
    assert left[0.7][0] < 0.3 * left[0.98][0]
    assert left[0.98][1] < left[0.7][1]


def test_missing_samples_and_a_missing_channel_leave_the_others_alone():
    onsets = 0.1 + np.arange(280) / 29.97
    whole = np.vstack([stimulated(onsets, np.full(280, 1e-3), 20000, 1e-5, seed) for seed in range(3)])
    holed = whole.copy()
    holed[1, np.random.default_rng(0).choice(20000, 400, replace=False)] = np.nan
    holed[2] = np.nan
    pulses = ek.Pulses(onsets)
    left, wanted = (ek.AdaptiveFilter().separate(x, FS, pulses).render("voluntary", x) for x in (holed, whole))
    assert np.array_equal(left[0], wanted[0])
    known = np.isfinite(holed[1]) & (np.arange(20000) > 2000)
    assert left[1, known] == pytest.approx(wanted[1, known], abs=1e-5)
    assert np.isnan(left[2]).all()


@pytest.mark.parametrize("wrong", [lambda: ek.AdaptiveFilter(forgetting=1.0), lambda: ek.AdaptiveFilter(after=0.0)])
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ek.ParameterError):
        wrong()
