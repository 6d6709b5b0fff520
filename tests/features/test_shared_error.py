"""Errors that all M-waves have alike, as a separation states them: no difference between pulses tells of them."""

from dataclasses import replace

import numpy as np
import pytest

import emgkit as ek
from emgkit.shared_error import SharedError, shared_error_at

FEATURES = ["vpp", "area", "latency", "latency_peak_fraction", "amp_phase1", "amp_phase2", "m_wave_mdf", "m_wave_mnf"]


def drawn_errors(times, size, count, seed=0):
    """Gaussian errors of such a standard deviation, V, (count, times); 13 ms later they are on the other side."""
    apart = np.abs(times[:, np.newaxis] - times)
    alike = np.exp(-apart / 0.015) * np.cos(2 * np.pi * apart / 0.026)
    return size * np.random.default_rng(seed).standard_normal((count, times.size)) @ np.linalg.cholesky(alike).T


@pytest.mark.parametrize("feature", FEATURES)
def test_the_stated_error_is_the_spread_over_what_all_m_waves_have_alike(known, feature):
    """The pulses agree within 1 uV, and all of them are off by the same 20 uV."""
    size = 1.5e-5 * np.linspace(1.5, 0.5, 56)
    made = known.evoked(noise=1e-6, seed=3, count=24, shared_error=size[np.newaxis])
    stated = float(np.median(ek.measure(made, feature).standard_errors[feature]))
    values = []
    for error in drawn_errors(made.times.mean(axis=0), size, 60):
        off = ek.measure(replace(made, signal=made.signal + error), feature).values[feature]
        values.append(np.nanmedian(off))
    assert np.nanstd(values) == pytest.approx(stated, rel=0.3)


@pytest.mark.parametrize("feature", FEATURES)
def test_without_a_shared_error_only_the_noise_counts(known, feature):
    plain = known.evoked(noise=2e-5, seed=1, count=40)
    same = replace(plain, shared_error=np.zeros((1, plain.n_samples)))
    one, other = ek.measure(plain, feature), ek.measure(same, feature)
    np.testing.assert_array_equal(one.values[feature], other.values[feature])
    np.testing.assert_array_equal(one.standard_errors[feature], other.standard_errors[feature])


@pytest.mark.parametrize(("error", "reason"), [(1e-4, ""), (2.2e-4, ""), (6e-4, "multi_peak")])
def test_a_first_phase_that_may_be_the_rest_of_a_tail_gives_no_latency(known, error, reason):
    """A lobe of 0.7 mV ahead of the M-wave is its first phase, unless the split may be wrong by as much."""

    def wave(time):
        return known.wave(time) - 7e-4 * np.exp(-(((time - 0.006) / 0.001) ** 2))

    made = known.evoked(wave, noise=1e-6, seed=2, count=24)
    made = replace(made, shared_error=np.full((1, made.n_samples), error))
    for feature in ("latency", "latency_peak_fraction", "amp_phase1"):
        assert set(ek.measure(made, feature).reasons[feature].ravel()) == {reason}


def test_the_error_is_cut_at_the_same_times_as_the_m_waves():
    pulses = ek.Pulses(np.arange(0.1, 1.9, 0.0503))
    since = np.arange(-0.001, 0.05, 0.00025)
    error = np.stack([np.exp(-since / 0.01), 2 * np.exp(-since / 0.01)]) * 1e-5
    shared = SharedError(pulses.onsets, since, error)
    recording = ek.Recording(np.ones((2, 4000)), 2000.0, shared_errors=(shared,))
    cut = ek.cut_m_waves(recording.crop(0.05, 1.95).pick(["EMG2"]), pulses, window=(0.002, 0.03))
    wanted = 2e-5 * np.exp(-cut.times.mean(axis=0) / 0.01)
    np.testing.assert_allclose(cut.shared_error[0], wanted, rtol=0.02)
    np.testing.assert_array_equal(cut.select([0, 3]).shared_error, cut.shared_error)


def test_errors_of_several_stimulators_add_as_powers_and_end():
    one = SharedError([0.1, 0.2], [0.0, 0.05], [[3e-6, 3e-6]])
    other = SharedError([0.12], [0.0, 0.05], [[4e-6, 4e-6]])
    found = shared_error_at([one, other], np.array([0.05, 0.11, 0.14, 0.16, 0.18, 0.22, 0.3]), 1)[0]
    np.testing.assert_allclose(found, [0, 3e-6, 5e-6, 4e-6, 0, 3e-6, 0], atol=1e-12)


def test_the_error_must_fit_the_segments(known):
    with pytest.raises(ek.ShapeError, match="shared_error"):
        known.evoked(shared_error=np.zeros((1, 5)))
    with pytest.raises(ek.ShapeError, match="times after"):
        SharedError([0.1], [0.0, 0.1], [[1.0, 2.0, 3.0]])
    for onsets, times in (([0.2, 0.1], [0.0, 0.1]), ([0.1], [0.1, 0.0])):
        with pytest.raises(ek.TimingError, match="increase"):
            SharedError(onsets, times, [[1.0, 2.0]])
