"""Two stimulators: no courses of the gap between their pulses where responses only add up."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.spline_gaps import _evidence, step_in_gaps
from emgkit.artifact.spline_pulse_times import gaps_before, recovery_courses
from emgkit.benchmark.cases import CASES
from emgkit.benchmark.masked import snr
from emgkit.benchmark.scene import scene_of

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


def gapped(seed, gap, count=200, noise=2e-5):
    """Pulses of two stimulators, the second 1.8 to 3.8 ms after the first; its response is missing below a gap."""
    rng = np.random.default_rng(seed)
    first = 0.1 + np.arange(count) / 10
    second = first + np.linspace(1.8e-3, 3.8e-3, count)
    time = np.arange(int((first[-1] + 0.2) * FS)) / FS
    rest = noise * rng.standard_normal(time.size)
    since = time - second[np.maximum(np.searchsorted(second, time) - 1, 0)]
    place = np.clip((since - 0.005) / 0.012, 0, 1)
    there = (second - first >= gap)[np.maximum(np.searchsorted(second, time) - 1, 0)]
    bend = 0.2 * (time / time[-1]) ** 2  # responses that recover change smoothly, too
    rest += 1e-3 * (there * (1 + bend) - 0.5) * np.sin(2 * np.pi * place) * np.sin(np.pi * place) ** 2
    return second, np.sort(np.concatenate([first, second])), rest[np.newaxis]


@pytest.mark.parametrize("gap", [0.0022, 0.0028, 0.0033])
def test_the_gap_at_which_responses_come_back_is_found_to_the_pulse(gap):
    for seed in range(5):
        second, every, rest = gapped(seed, gap)
        found = step_in_gaps(second, every, rest, FS)
        gaps = gaps_before(second, every)
        assert found is not None
        assert np.array_equal(gaps >= found, gaps >= gap), (seed, found)


def test_there_is_no_such_gap_where_responses_are_there_throughout_or_there_are_none():
    for seed in range(20):
        assert step_in_gaps(*gapped(seed, 0.0), FS) is None
        second, every, rest = gapped(seed, 0.0)
        assert step_in_gaps(second, every, 2e-5 * np.random.default_rng(seed).standard_normal(rest.shape), FS) is None


def test_both_stimulators_learn_of_the_gap():
    first, second = np.arange(100) / 10, np.arange(100) / 10 + np.linspace(1.8e-3, 3.8e-3, 100)
    every = np.sort(np.concatenate([first, second]))
    gaps = second - first
    for courses in (recovery_courses(second, every, 0.0025), recovery_courses(first, every, None, 0.0025)):
        assert any(np.array_equal(course > 0, gaps < 0.0025) for course in courses)


@pytest.mark.parametrize("later", [2e-4, pytest.param(-2e-4, marks=pytest.mark.slow)])
def test_what_delays_one_of_two_stimulators_costs_nothing(later):
    """Refractory axons answer from one gap on, which is known of no stimulator beforehand."""
    made = CASES["two_stimulators"].make(np.random.default_rng(1000))
    scene, pulses = scene_of(made), made.pulses
    times = pulses.onsets + later * (pulses.stimulator == 1)
    order = np.argsort(times)
    given = ek.Pulses(times[order], stimulator=pulses.stimulator[order])
    found = ek.separate(made.recording, given).voluntary.signal
    assert snr(scene.target, np.nan_to_num(found), scene.usable) > 16  # dB; 19 at the true times, 7 at a fixed gap
