"""Responses that alternate from pulse to pulse: every other one is larger."""

from types import SimpleNamespace

import numpy as np
import pytest
from spline_cases import FS, emg, errors_of, train_of

import emgkit as ek
from emgkit.artifact import spline_alternating
from emgkit.artifact.spline_alternating import alternating_courses
from emgkit.artifact.spline_time import null_courses, smooth_courses
from emgkit.artifact.spline_turns import Turns


def made(seed, rate, alternation=0.1, mains=0.0):
    """Every other M-wave is larger."""
    return train_of(seed, rate, lambda onsets: 1 + alternation * (1 - 2 * (np.arange(onsets.size) % 2)), mains)


def errors(seed, rate, **kinds):
    """Relative error of the voluntary RMS during effort, foreign power over that of the EMG, and what is stated."""
    return errors_of(*made(seed, rate, **kinds))


@pytest.mark.parametrize("rate", [12.01, pytest.param(20.0, marks=pytest.mark.slow), 29.97, 40.0])
def test_strict_alternation_is_taken_away_and_voluntary_emg_is_not(rate):
    """It passed for noise that all courses hold, and for EMG: 22 % foreign power at 12 and 40 Hz."""
    off, foreign, grade = errors(round(rate), rate)
    assert abs(off) < 0.01, off
    assert foreign < 0.02, foreign
    assert grade.grade == "good", grade


def test_alternation_that_grows_is_followed():
    off, foreign, _ = errors(5, 12.01, alternation=0.2 * np.linspace(0, 1, 174))
    assert abs(off) < 0.01, off
    assert foreign < 0.02, foreign


@pytest.mark.slow
def test_mains_at_half_of_the_rate_and_a_half_is_no_alternation(monkeypatch):
    """50 Hz beside 20 Hz pulses comes back at every second pulse: mains that is not to be taken away is no response."""
    seen = []
    alternates = spline_alternating._alternates
    monkeypatch.setattr(spline_alternating, "_alternates", lambda *told: seen.append(alternates(*told)) or seen[-1])
    for mains in (20e-6, 100e-6):
        recorded, pulses, _ = made(3, 20.0, alternation=0.0, mains=mains)
        for wanted in (True, False):
            ek.separate(ek.Recording(recorded, FS), pulses, ek.PhaseSpline(mains=wanted))
    assert seen == [False] * 4
    recorded, pulses, _ = made(3, 20.0, alternation=0.1, mains=100e-6)
    ek.separate(ek.Recording(recorded, FS), pulses, ek.PhaseSpline())
    assert seen[-1]


@pytest.mark.parametrize("rate", [12.01, pytest.param(40.0, marks=pytest.mark.slow)])
def test_what_does_not_alternate_is_not_fitted_again(rate, monkeypatch):
    recorded, pulses, _ = made(7, rate, alternation=0.0)
    once = ek.separate(ek.Recording(recorded, FS), pulses, ek.PhaseSpline())
    monkeypatch.setattr(spline_alternating, "EVIDENCE", np.inf)
    never = ek.separate(ek.Recording(recorded, FS), pulses, ek.PhaseSpline())
    assert np.array_equal(once.voluntary.signal, never.voluntary.signal)


def test_emg_that_is_locked_to_nothing_never_alternates():
    onsets = 0.5 + np.arange(150) / 29.97
    fitter = SimpleNamespace(knots=np.array([-0.0015, 0.0317]), interval=1 / 29.97, onsets=onsets)
    signs = alternating_courses(onsets, np.zeros(150, dtype=int))[0]
    false = 0
    for seed in range(150):
        rest = emg(12_000, seed, np.full(12_000, 5e-5))[np.newaxis]
        nowhere = np.zeros(12_000, dtype=bool)
        turns = Turns(rest, rest, np.ones(rest.shape, dtype=bool), nowhere, FS)
        false += spline_alternating._alternates(turns, fitter, signs, (0.0035, 0.0317))
    assert false == 0


@pytest.mark.parametrize(("count", "followed"), [(30, False), (70, True)])
def test_some_tens_of_pulses_tell_of_alternation(count, followed, monkeypatch):
    recorded, pulses, _ = made(11, 12.01, alternation=0.3)
    few = pulses.select(np.arange(len(pulses)) < count)
    stop = round((few.onsets[-1] + 0.07) * FS)
    asked = []
    original = spline_alternating._alternates
    monkeypatch.setattr(spline_alternating, "_alternates", lambda *told: asked.append(original(*told)) or asked[-1])
    ek.separate(ek.Recording(recorded[:stop], FS), few, ek.PhaseSpline())
    assert any(asked) == followed


def test_courses_begin_again_with_every_train_and_leave_the_nulls():
    onsets, train = np.arange(200) / 20, np.repeat([0, 1], [99, 101])
    courses = alternating_courses(onsets, train)
    assert courses[0][0] == courses[0][99] == 1.0
    assert (courses[0][1:99] == -courses[0][:98]).all()
    own = smooth_courses(onsets, train, courses)
    nulls = null_courses(200, own)
    assert nulls.shape[1] >= 4
    np.testing.assert_allclose(np.stack(courses) @ nulls, 0, atol=1e-9)
