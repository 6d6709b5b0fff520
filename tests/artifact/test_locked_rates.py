"""Stimulators in step with the sampling clock: all pulses at one place between the samples, or at a few."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgkit as ek
from emgkit.artifact.spline_basis import make_design, phase_knots
from emgkit.artifact.spline_places import WIDE, settled_design, settled_places
from emgkit.benchmark.scene import scene_of
from emgkit.benchmark.voluntary_scores import voluntary_scores
from emgkit.simulate import hybrid_fes

FS = 2000.0


def behind_bound(seed, **changed):
    """Usable SNR below the score of removing all but the random part of the response, dB."""
    made = hybrid_fes(rng=np.random.default_rng(seed), mains_amplitude=0.0, **changed)
    voluntary = ek.separate(made.recording, made.pulses, "phase_spline").voluntary
    return voluntary_scores(scene_of(made), voluntary.signal, voluntary.valid).values["behind_bound"]


@pytest.mark.parametrize(
    ("rate", "jitter", "seed"),
    [
        (25.0, 2e-6, 2),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in [(25.0, 2e-6, 3), (25.0, 10e-6, 2), (25.0, 10e-6, 3)]),
        *(pytest.param(20.0, 2e-6, seed, marks=pytest.mark.slow) for seed in (2, 3)),
    ],
)
def test_pulses_at_one_place_between_the_samples_cost_nothing(rate, jitter, seed):
    """Microseconds of jitter were taken for slopes of volts: refused, or 6 to 15 dB behind the bound."""
    behind = behind_bound(seed, rate=rate, clock_error=0.0, jitter=jitter)
    assert behind < 2.5, f"{behind:.1f} dB"


def pulses(rate, ppm, jitter, count=300):
    steps = 0.3 + np.arange(count) / rate * (1 + 1e-6 * ppm)
    return steps + jitter * np.random.default_rng(0).standard_normal(count)


@pytest.mark.parametrize(("rate", "places"), [(25.0, 1), (30.0, 3), (62.5, 1)])
def test_pulses_settle_on_the_places_that_their_rate_has(rate, places):
    onsets = pulses(rate, 0.0, 2e-6)
    delay = settled_places(onsets, FS)
    assert np.abs(delay).max() < 20e-6
    settled = np.sort(np.mod((onsets + delay) * FS + 0.25, 1.0))
    assert (np.diff(settled) > 1e-6).sum() == places - 1


def test_pulses_that_fall_everywhere_stay_where_they_are():
    assert settled_places(pulses(33.0, -60.0, 2e-6), FS) is None
    assert settled_places(pulses(25.0, 0.0, 300e-6), FS) is None


@pytest.mark.parametrize(("ppm", "settles"), [(-5.0, True), (-60.0, False)])
def test_only_pulses_that_keep_to_a_place_settle(ppm, settles):
    """15 s at 20 Hz drift by 0.15 or by 1.8 samples; a short train of 5 s by 0.6, and tells all of them."""
    assert (settled_places(pulses(20.0, ppm, 2e-6), FS) is not None) == settles
    assert settled_places(pulses(25.0, -60.0, 2e-6, count=125), FS) is None


@pytest.mark.parametrize(("jitter", "alike"), [(2e-6, True), (10e-6, False)])
def test_pulses_nearer_than_a_hundredth_of_a_sample_are_fitted_as_one(jitter, alike):
    onsets, knots = pulses(25.0, 0.0, jitter), phase_knots(0.0015, 0.03, FS)
    design = make_design(onsets, FS, 30_000, knots)
    settled, fitted = settled_design(design, onsets, FS)
    assert fitted == alike
    assert np.array_equal(settled.samples, design.samples)
    inner = (design.phase > 0) & (design.phase < 0.02)  # at their ends supports are cut off
    assert np.ptp(np.mod(settled.phase[inner] * FS + 0.25, 1.0)) < 1e-6
    assert np.ptp(np.mod(design.phase[inner] * FS + 0.25, 1.0)) > 1e-3


@given(st.lists(st.floats(0.0, 100.0), min_size=1, max_size=60))
def test_no_pulse_settles_farther_than_over_its_place(onsets):
    delay = settled_places(np.sort(onsets), FS)
    if delay is not None:
        assert np.abs(delay).max() * FS <= WIDE + 1e-9
        assert abs(delay.sum()) < 1e-9 * len(onsets)
