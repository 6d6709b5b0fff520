"""Schedules and triggers are refined against the artifact: clocks that are off, rounding, delays that jitter."""

import sys
from pathlib import Path

import numpy as np
import pytest

import emgkit as ek
from emgkit.detect.rounding import unrounded

sys.path.insert(0, str(Path(__file__).parents[1]))
from timing_cases import SEEDS, made, score, spread

each_seed = pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in SEEDS[1:])])


def rounded(one, step=None):
    step = 1 / one.recording.fs if step is None else step
    return ek.Pulses(np.round(one.truth.planned / step) * step)


@pytest.mark.parametrize("ppm", [0.0, *(pytest.param(ppm, marks=pytest.mark.slow) for ppm in (500.0, 5000.0)), -9000.0])
def test_a_rounded_schedule_on_a_clock_that_is_off_is_stretched_to_the_pulses(ppm):
    scatter, offset, told = [], [], []
    for seed in SEEDS:
        one = made(seed, clock_error=ppm)
        found = ek.refine_pulses(one.recording, rounded(one))
        got = score(found, one.truth.onsets)
        assert got.recall == 1.0
        assert got.precision == 1.0
        scatter.append(got.scatter)
        offset.append(got.offset)
        told.append(found.clock.ppm)
    assert np.median(scatter) <= 5e-6, spread(scatter)
    assert max(scatter) <= 30e-6, spread(scatter)  # a clock in step with the samples shows little of what lies between
    assert max(np.abs(offset)) <= 100e-6, spread(offset)
    assert told == pytest.approx([ppm] * len(told), abs=5.0)


@pytest.mark.slow
@pytest.mark.parametrize("jitter", [2e-6, 15e-6])
def test_pulses_that_fall_on_three_places_between_samples_begin_at_their_edge(jitter):
    """30 Hz on the clock of 2000 Hz: the waveform is seen at three places only, and not at all before the first."""
    offset, scatter = [], []
    for seed in (1, 2, 7, 8, 16, 20, 21, 22):
        one = made(seed, clock_error=0.0, jitter=jitter)
        found = ek.refine_pulses(one.recording, rounded(one))
        got = score(found, one.truth.onsets)
        assert (got.recall, got.precision) == (1.0, 1.0), f"seed {seed}"
        offset.append(got.offset)
        scatter.append(got.scatter)
    assert max(np.abs(offset)) <= 100e-6, spread(offset)
    assert np.median(scatter) <= max(0.6 * jitter, 5e-6), spread(scatter)  # the jitter is told from the place


@each_seed
def test_scheduled_pulses_that_did_not_come_are_left_out_and_others_added(seed):
    one = made(seed, clock_error=500.0, missing=0.04, extra=0.02)
    found = ek.refine_pulses(one.recording, rounded(one))
    got = score(found, one.truth.onsets)
    assert got.recall >= 0.985
    assert got.precision >= 0.985


@each_seed
def test_trains_restart_at_their_scheduled_times(seed):
    one = made(seed, duration=14.0, clock_error=5000.0, rate=35.0, on=3.0, off=2.0, ramp_up=0.3)
    found = ek.refine_pulses(one.recording, rounded(one))
    got = score(found, one.truth.onsets)
    assert got.recall >= 0.98
    assert got.precision >= 0.98
    assert got.scatter <= 20e-6  # the first pulses of the ramps, a tenth as large, are among them
    assert found.n_trains == ek.Pulses(one.truth.planned).n_trains


@each_seed
def test_a_fixed_delay_is_told_even_if_the_triggers_were_rounded_to_milliseconds(seed):
    one = made(seed)
    triggers = np.round((one.truth.onsets - 0.003) * 1000) / 1000
    found = ek.refine_pulses(one.recording, ek.Pulses(triggers, time_source="trigger"))
    assert score(found, one.truth.onsets).scatter <= 5e-6
    assert found.delay == pytest.approx(0.003, abs=0.4e-3)
    assert found.delay_jitter < 0.1e-3
    assert "fixed" in ek.audit(found)


@each_seed
def test_a_jittering_delay_is_told_and_warned_of(seed):  # M-09
    one = made(seed)
    late = 0.006 + 0.002 * np.random.default_rng(seed).standard_normal(one.truth.onsets.size)
    triggers = ek.Pulses(np.sort(one.truth.onsets - late), time_source="trigger")
    with pytest.warns(ek.EmgkitWarning, match="jitters"):
        found = ek.refine_pulses(one.recording, triggers)
    got = score(found, one.truth.onsets)
    assert got.recall == 1.0
    assert got.scatter <= 5e-6
    assert found.delay == pytest.approx(0.006, abs=0.5e-3)
    assert found.delay_jitter == pytest.approx(0.002, rel=0.25)
    assert "jittering" in ek.audit(found)


def test_current_and_width_are_kept():
    one = made(0)
    given = ek.Pulses(one.truth.onsets + 0.001, current=one.truth.current, width=2e-4, time_source="trigger")
    found = ek.refine_pulses(one.recording, given)
    assert found.current == pytest.approx(one.truth.current)
    assert found.width == pytest.approx(2e-4)


def test_times_in_samples_are_refused():  # T-01
    one = made(0)
    with pytest.raises(ek.TimingError, match="within the recording"):
        ek.refine_pulses(one.recording, ek.Pulses(one.truth.onsets * one.recording.fs))


@pytest.mark.parametrize("rate", [30.3, 30.31, 25.02, 39.95, 61.02, 12.01, 33.3])
@pytest.mark.parametrize("trains", [1, 5])
def test_an_interval_of_nearly_a_whole_number_of_samples_is_no_drift(rate, trains):
    """Errors of the rounding change slowly then, and passed for a drift of the clock: 0.1 ms were left."""
    rng = np.random.default_rng(round(10 * rate))
    for _ in range(10):
        begins = rng.random() + (40.0 + rng.random(trains)).cumsum()
        true = np.concatenate([begin + np.arange(400) / rate for begin in begins])
        found, errors = unrounded(np.round(true * 2000) / 2000, np.repeat(np.arange(trains), 400), 1 / 2000)
        assert np.std(found - true) < 15e-6
        assert errors.max() < 50e-6


@each_seed
def test_a_schedule_at_such_a_rate_is_as_good_as_exact_times(seed):
    sim = made(seed, rate=30.3)
    found = ek.refine_pulses(sim.recording, rounded(sim))
    assert score(found, sim.truth.onsets).scatter < 2e-6
    assert found.clock.jitter < 4e-6
