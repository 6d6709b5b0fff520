"""What varies from pulse to pulse and is not followed, against noise of known variance."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.spline_errors import find_unfollowed
from emgkit.benchmark.cases import CASES
from emgkit.benchmark.evoked_scores import evoked_scores
from emgkit.benchmark.scene import scene_of

FS, PULSES, UNTIL = 2000.0, 600, 0.032


def rest(seed, varying, effort):
    """Noise, louder with effort, and a bump 8 ms after every pulse with a size of its own: (onsets, sum), V."""
    rng = np.random.default_rng(seed)
    onsets = 0.1 + np.arange(PULSES) / 30 + rng.uniform(0, 1 / FS)
    times = np.arange(round((onsets[-1] + 0.2) * FS)) / FS
    loud = 2e-6 * (1 + effort * (np.sin(2 * np.pi * 0.3 * times) > 0))
    last = np.maximum(np.searchsorted(onsets, times) - 1, 0)
    bump = np.exp(-0.5 * ((times - onsets[last] - 0.008) / 0.002) ** 2)
    return onsets, loud * rng.standard_normal(times.size) + varying * rng.standard_normal(PULSES)[last] * bump


@pytest.mark.parametrize("effort", [0.0, 10.0])
def test_the_variance_of_what_is_not_followed_is_measured(effort):
    peaks, others = [], []
    for seed in range(20):
        onsets, signal = rest(seed, 4e-6, effort)
        found = find_unfollowed(onsets, UNTIL, None, signal, np.ones(signal.size, dtype=bool), FS)
        peaks.append(np.sqrt(found.at(np.array([0.008]))[0]) / 4e-6)
        others.append(np.sqrt(found.at(np.array([0.02]))[0]) / 4e-6)
    flat = np.sqrt(1 - (1 / 12 + 1 / 2 + 1 / 4) / 2**2)  # bins of 1 ms, over neighbours, half a bin from the peak of 2
    assert np.median(peaks) == pytest.approx(flat, abs=0.05), peaks
    assert max(np.abs(np.array(peaks) - flat)) < 0.2, peaks
    assert max(others) < 0.3, others


def test_noise_alone_varies_by_nothing():
    found = []
    for seed in range(20):
        onsets, signal = rest(seed, 0.0, 0.0)
        one = find_unfollowed(onsets, UNTIL, None, signal, np.ones(signal.size, dtype=bool), FS)
        found.append(float(one.variance.max()) / 4e-12)
    assert max(found) < 0.25, found


def test_samples_that_were_not_measured_do_not_count():
    onsets, signal = rest(1, 4e-6, 0.0)
    known = np.ones(signal.size, dtype=bool)
    known[2000:3000] = False
    expected = find_unfollowed(onsets, UNTIL, None, signal, known, FS)
    signal[2000:3000] = 1.0
    assert (find_unfollowed(onsets, UNTIL, None, signal, known, FS).variance == expected.variance).all()


def test_intervals_hold_what_every_response_was_without_a_tail():
    covered, errors = [], []
    for seed in range(700, 706):
        case = CASES["no_tail"]
        simulation = case.make(np.random.default_rng(seed))
        parts = ek.separate(simulation.recording, case.pulses(simulation), "phase_spline")
        found = evoked_scores(scene_of(simulation), parts.evoked.signal, parts.standard_error("evoked")).values
        covered.append(found["coverage"])
        errors.append(found["m_nrmse"])
    assert 85 <= np.median(covered) <= 95, covered
    assert min(covered) > 80, covered
    assert np.median(errors) < 0.2, errors  # %: the amplifier's recovery goes on under the next artifact
