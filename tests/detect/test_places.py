"""Pulses without a beat: all of them found, and where between two samples they lie."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.benchmark.cases import CASES
from emgkit.detect.alignment import align, differences
from emgkit.detect.places import align_irregular

FS = 2000.0


def brief(since):
    """Biphasic pulse of 0.3 ms behind a filter of 0.15 ms, V."""
    return 2e-3 * (np.exp(-(((since - 4e-4) / 2e-4) ** 2)) - 0.8 * np.exp(-(((since - 8e-4) / 2.5e-4) ** 2)))


def recorded(seed, noise, times=None):
    """Two channels, and the times of pulses at any place between two samples."""
    rng = np.random.default_rng(seed)
    times = 0.2 + np.cumsum(rng.uniform(0.02, 0.06, 300)) if times is None else times
    since = np.arange(round((times[-1] + 0.3) * FS)) / FS - times[:, np.newaxis]
    wave = np.where(np.abs(since) < 0.01, brief(since), 0.0).sum(axis=0)
    return np.array([[1.0], [-0.6]]) * wave + noise * rng.normal(size=(2, wave.size)), times


def scatter(found, times):
    """SD of the error, the constant part of which belongs to the leading edge, s."""
    return float(np.std(found - times))


@pytest.mark.parametrize("noise", [2e-6, pytest.param(1e-5, marks=pytest.mark.slow)])
def test_times_of_irregular_pulses_are_found_from_whole_samples(noise):
    errors, before = [], []
    for seed in range(6):
        signal, times = recorded(seed, noise)
        bends, start = differences(signal, FS), np.ceil(times * FS) / FS
        errors.append(scatter(align_irregular(bends, start, FS).times, times))
        before.append(scatter(align(bends, start, np.zeros(times.size, dtype=np.int64), None, FS).times, times))
    assert max(errors) < 2e-5, f"median {np.median(errors) * 1e6:.1f} µs, worst {max(errors) * 1e6:.1f} µs"
    assert np.median(errors) < 0.2 * np.median(before), (errors, before)


def test_pulses_at_one_place_between_samples_are_not_spread_over_all():
    """As of a stimulator that shares the recorder's clock: intervals are whole samples, and no order is there."""
    rng = np.random.default_rng(5)
    times = (400.3 + np.cumsum(rng.integers(50, 120, 200))) / FS
    signal, _ = recorded(1, 5e-6, times)
    start = np.floor(times * FS) / FS
    assert scatter(align_irregular(differences(signal, FS), start, FS).times, times) < 2e-5


@pytest.mark.parametrize("seeds", [[3000], pytest.param(range(3001, 3005), marks=pytest.mark.slow)])
def test_trains_of_varying_frequency_are_found_from_the_artifact(seeds):
    case, missed, false, errors = CASES["variable_frequency"], 0, 0, []
    for seed in seeds:
        made = case.make(np.random.default_rng(seed))
        true, found = made.pulses.onsets, ek.detect_pulses(made.recording).onsets
        apart = np.abs(found[:, np.newaxis] - true)
        missed, false = missed + (apart.min(axis=0) > 1e-3).sum(), false + (apart.min(axis=1) > 1e-3).sum()
        near = apart.min(axis=1) < 1e-3
        errors.append(np.std(found[near] - true[apart.argmin(axis=1)][near]))
    assert (missed, false) == (0, 0)
    assert max(errors) < 4e-5, f"median {np.median(errors) * 1e6:.1f} µs, worst {max(errors) * 1e6:.1f} µs"
