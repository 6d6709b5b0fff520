"""Responses that change from one pulse to the next and stay so."""

import numpy as np
import pytest
from spline_cases import FS, emg, errors_of, train_of

import emgkit as ek
from emgkit.artifact import spline_stepped
from emgkit.artifact.spline_stepped import SURE, find_step

WAVE = np.sin(np.linspace(0, 2 * np.pi, 40))


def pieces_of(seed, count=400, channels=2):
    """Noise of the EMG's spectrum after every pulse, five times as strong in every other stretch of 50."""
    effort = np.repeat(np.where(np.arange(count) // 50 % 2, 50e-6, 10e-6), 66)
    return np.stack(
        [emg(66 * count, seed + 1000 * one, effort).reshape(count, 66)[:, 10:50] for one in range(channels)]
    )


def test_chances_are_those_of_noise():
    """Over every width; the place is chosen over one of them."""
    chances = np.array([find_step(pieces_of(seed)).chances for seed in range(60)])
    assert (chances < 0.05).sum(axis=0).max() <= 8
    assert chances.min() > 1e-4


def test_one_noise_in_all_channels_has_no_steps_either():
    """An array's channels see the same units: so many directions are no more than those of one."""
    one = [find_step(np.repeat(pieces_of(seed, channels=1), 16, axis=0)).chances for seed in range(40)]
    assert np.min(one) > 1e-4


@pytest.mark.parametrize("seed", range(4))
def test_a_unit_that_keeps_step_with_the_stimulator_for_a_while_is_no_step(seed):
    """Units fire at rates like those of stimulators, and drift through their phase."""
    pieces = pieces_of(seed)
    pieces[:, 204:210] -= 25e-6 * WAVE
    pieces[:, 210:216] += 25e-6 * WAVE
    found = find_step(pieces)
    assert found.chances[0] < SURE[0]
    assert not found.is_sure


@pytest.mark.parametrize("seed", range(4))
def test_a_step_is_found_at_its_pulse(seed):
    pieces = pieces_of(seed)
    pieces[:, 137:] += 30e-6 * WAVE
    found = find_step(pieces - pieces.mean(axis=1, keepdims=True))
    assert abs(found.pulse - 137) <= 1
    assert found.is_sure, found


@pytest.mark.parametrize("seed", range(4))
def test_a_drift_is_no_step(seed):
    """As much over 100 pulses, there and back."""
    drift = np.abs(np.arange(400) % 200 - 100) / 100
    found = find_step(pieces_of(seed) + 20e-6 * drift[:, np.newaxis] * WAVE)
    assert not found.is_sure


def test_few_pulses_tell_of_no_step():
    assert find_step(pieces_of(0, count=59)) is None
    assert find_step(pieces_of(0, count=60)) is not None


KINDS = {
    "larger": ([lambda onsets: 1 + 0.3 * (onsets > 5.3)], 0.0),
    "a_little": ([lambda onsets: 1 + 0.05 * (onsets > 8.3)], 0.0),
    "twice": ([lambda onsets: 1 + 0.3 * (onsets > 5.3) - 0.2 * (onsets > 9.0)], 0.0),
    "later": ([np.ones_like, lambda onsets: 4e-4 * (onsets > 8.3)], 0.0),
    "beside_mains": ([lambda onsets: 1 + 0.3 * (onsets > 5.3)], 30e-6),
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("rate", [12.01, 29.97])
def test_steps_are_followed(kind, rate):
    """Smooth courses rang about them: foreign power 3 to 10 % of the EMG's in the bursts."""
    (sizes, *late), mains = KINDS[kind]
    off, foreign, grade = errors_of(*train_of(3, rate, sizes, mains, *late))
    assert abs(off) < 0.01, off
    assert foreign < 0.0015, foreign
    assert grade.grade == "good", grade


def test_without_a_step_nothing_is_fitted_again(monkeypatch):
    recorded, pulses, _ = train_of(7, 29.97, lambda onsets: 1 - 0.3 * onsets / onsets[-1])
    once = ek.separate(ek.Recording(recorded, FS), pulses, ek.PhaseSpline())
    monkeypatch.setattr(spline_stepped, "MOST", 0)
    never = ek.separate(ek.Recording(recorded, FS), pulses, ek.PhaseSpline())
    assert np.array_equal(once.voluntary.signal, never.voluntary.signal)
