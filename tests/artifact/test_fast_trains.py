"""Fast trains that jitter: the end of a response lies under the next one, now earlier and now later."""

import numpy as np
import pytest
from spline_cases import FS, effort_of, emg

import emgkit as ek
from emgkit.artifact.spline_basis import make_design, phase_knots
from emgkit.artifact.spline_pulse_times import interval_courses, runs_on


def test_supports_for_the_longest_intervals_of_a_train_that_jitters_end_with_the_next_one():
    onsets = 0.1 + np.arange(900) * 0.0125 + 100e-6 * np.random.default_rng(1).normal(size=900)
    longer = runs_on(onsets, 0.0125)
    assert longer == pytest.approx(3 * np.sqrt(2) * 100e-6, rel=0.1)
    knots = phase_knots(0.0015, 0.0125 - 0.0015 + longer, FS)
    own, shared = (make_design(onsets, FS, 23_000, knots, overlap=overlap) for overlap in (False, True))
    assert shared.samples.size == 0
    assert np.array_equal(own.samples, np.arange(own.samples[0], own.samples[-1] + 1))
    assert (own.phase > 0.0125 - 0.0015 + 100e-6).sum() > 50
    assert runs_on(0.1 + np.arange(900) / 30 + 100e-6 * np.random.default_rng(1).normal(size=900), 1 / 30) == 0


def test_intervals_of_fast_trains_that_jitter_are_courses_and_no_others():
    rng = np.random.default_rng(3)
    jitter = rng.normal(size=600)
    for rate, spread, number in ((80, 20e-6, 1), (45, 100e-6, 2), (30, 100e-6, 0), (80, 1e-6, 0)):
        onsets = 0.1 + np.arange(600) / rate + spread * jitter
        onsets[300:] += 1.0
        courses = interval_courses(onsets, 1 / rate)
        assert len(courses) == number
        assert all(course[0] == course[300] == 0 and np.abs(course).max() <= 1 for course in courses)
        if courses:
            gaps = np.diff(onsets)[10:290]
            assert np.corrcoef(courses[0][11:291], gaps)[0, 1] > 0.99


@pytest.mark.parametrize(
    ("rate", "jitter", "most"),
    [
        pytest.param(65.03, 20e-6, 0.001, marks=pytest.mark.slow),
        (65.03, 100e-6, 0.003),
        pytest.param(76.03, 100e-6, 0.01, marks=pytest.mark.slow),
    ],
)
@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_what_runs_on_under_a_jittering_next_response_goes_with_it(rate, jitter, most, seed):
    """The mean holds what runs on at the usual interval only: of the EMG's power 0.2, 5 and over 100 % were left."""
    count = 40_000
    onsets = 0.5 + np.arange(1200) / rate + jitter * np.random.default_rng(seed).normal(size=1200)
    times, locked = np.arange(count) / FS, np.zeros(count)
    for onset in onsets:
        since = times - onset
        place = (since - 0.0084) / 2.2e-3
        locked -= 2.4e-3 * place * np.exp(-(place**2) / 2) * (since > 0)
        locked += 5e-3 * np.exp(-(((since - 0.4e-3) / 0.3e-3) ** 2))
    voluntary = emg(count, seed, 4e-6 + effort_of(count))
    apart = ek.separate(ek.Recording((locked + voluntary)[np.newaxis], FS), ek.Pulses(onsets), method="phase_spline")
    wrong = apart.voluntary.signal[0] - voluntary
    during = (times > 1.0) & (times < onsets[-1])
    assert (wrong[during] ** 2).sum() < most * (voluntary[during] ** 2).sum()
    assert 100 < apart.parts.quality["effective_pulses"] < 1300  # splines that few intervals reach do not count
