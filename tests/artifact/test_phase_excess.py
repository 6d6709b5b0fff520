"""What responses leave in the voluntary part is seen at rest, and during effort where it comes only then."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.phase_excess import sure_excess
from emgkit.artifact.voluntary_evidence import voluntary_evidence

FS, RATE = 2000.0, 2.1


def windows(rng, share, count=60, degrees=40):
    """Powers of windows, V², of all phases and of the late ones, by chance about an excess in all."""
    late = rng.chisquare(degrees, count) / degrees
    response = (1 + 2 * share) * rng.chisquare(degrees, count) / degrees
    return 0.5 * (late + response), late, np.full(count, 100.0)


def test_nothing_is_seldom_taken_for_an_excess():
    rng = np.random.default_rng(0)
    found = np.array([sure_excess(*windows(rng, 0.0), 1.0) for _ in range(1000)])
    assert 0.005 < (found > 0).mean() < 0.045
    assert found.max() < 0.06


@pytest.mark.parametrize("share", [0.15, 0.5])
def test_an_excess_is_stated_as_far_as_it_is_sure(share):
    rng = np.random.default_rng(1)
    found = np.array([sure_excess(*windows(rng, share), 1.0) for _ in range(300)])
    assert (found < share).mean() > 0.95
    assert np.median(found) > share - 0.1


def test_few_windows_tell_nothing():
    assert sure_excess(np.ones(4), np.zeros(4), np.ones(4), 1.0) == 0.0


def test_responses_that_are_left_during_effort_only_count(clean_emg):
    """On a slow ramp the response changed between two contractions: 14 % of the power, of which 1.4 were seen."""
    duration = 60.0
    times = np.arange(round(FS * duration)) / FS
    onsets = np.arange(1.0, duration - 1.0, 1 / RATE)
    since = times - onsets[np.clip(np.searchsorted(onsets, times, side="right") - 1, 0, None)]
    effort = ((times > 8) & (times < 27)) | ((times > 36) & (times < 55))
    left = effort & (since > 0.003) & (since < 0.030)
    for seed in range(3):
        emg, more = clean_emg(seed, duration=duration), clean_emg(seed + 50, duration=duration)
        floor = 1e-6 * np.random.default_rng(seed).standard_normal(emg.shape)
        for scale, low, high in ((0.0, 0.0, 0.03), (1.5, 0.06, 0.13)):
            output = ek.Recording(effort * emg + floor + scale * left * more, FS)
            recorded = ek.Recording(output.signal + 1e-3 * np.sin(2 * np.pi * 150 * since) * (since < 0.02), FS)
            found = [one.response for one in voluntary_evidence(output, recorded, ek.Pulses(onsets))]
            assert all(low <= max(one, 0.0) < high for one in found), (scale, found)
