"""Two stimulators: no courses of the gap between their pulses where responses only add up."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.spline_gaps import _evidence

FS, COUNT = 2000.0, 20_000


def wave(since, delay):
    return (since - delay) / 0.0015 * np.exp(-0.5 * ((since - delay) / 0.0015) ** 2)


def placed(onsets, shape):
    out = np.zeros((1, COUNT))
    for onset in onsets:
        first = int((onset - 0.004) * FS)
        since = np.arange(first, first + 90) / FS - onset
        out[0, first : first + since.size] += shape(since)
    return out


def recorded(seed):
    """Artifacts, responses and noise of two clocks that drift apart."""
    rng = np.random.default_rng(seed)
    times = [0.5 + np.arange(360) / 40 * (1 + 2e-4), 0.512 + np.arange(116) / 13 * (1 - 3e-4 * rng.random())]
    every = np.sort(np.concatenate(times))
    noise = np.convolve(rng.standard_normal(COUNT), [0.5, 1.0, 0.5], "same")[np.newaxis] * 80e-6
    locked = np.zeros((1, COUNT))
    for onsets, delay in zip(times, rng.uniform(0.006, 0.010, 2), strict=True):
        locked += placed(onsets, lambda t: 5e-3 * np.exp(-0.5 * ((t - 0.0006) / 0.0003) ** 2))
        locked += placed(onsets, lambda t, delay=delay: 1e-3 * wave(t, delay))
    order = np.argsort(np.concatenate(times))
    pulses = ek.Pulses(every, stimulator=np.repeat([0, 1], [360, 116])[order])
    parts = ek.separate(ek.Recording(locked + noise, FS, ["TA"]), pulses, "phase_spline")
    inside = slice(2000, 18_000)
    error = (parts.voluntary.signal - noise)[0, inside]
    return float(10 * np.log10((noise[0, inside] ** 2).mean() / (error**2).mean()))


def test_responses_that_add_up_cost_no_more_than_their_mean():
    values = [recorded(seed) for seed in range(6)]
    told = f"worst {np.min(values):.1f}, median {np.median(values):.1f} dB"
    assert np.min(values) > 12.0, told
    assert np.median(values) > 15.0, told


@pytest.mark.parametrize("size", [0.0, 1.0])
def test_evidence_is_near_zero_unless_frames_follow_the_courses(size):
    scores = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        course = np.cos(0.37 * np.arange(300))[:, np.newaxis]
        slow = np.cumsum(rng.standard_normal((300, 60)), axis=1)  # as correlated as EMG, and more
        scores.append(_evidence(slow / slow.std() + size * course, course))
    if size:
        assert np.min(scores) > 5, np.min(scores)
    else:
        assert abs(np.mean(scores)) < 0.8, np.mean(scores)
        assert np.max(scores) < 4, np.max(scores)
