"""Schedules that lie beside their train by whole beats."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.detect.schedule import beats_off

FS = 2000.0
ONSETS = 1.0172 + np.arange(150) / 30.0


def recording(sizes=None, seed=1):
    """EMG with an artifact and an M-wave after every onset, 8 s."""
    count = 16_000
    row, times = 20e-6 * np.random.default_rng(seed).normal(size=count), np.arange(count) / FS
    for onset, size in zip(ONSETS, np.ones(ONSETS.size) if sizes is None else sizes, strict=True):
        since = times - onset
        row += size * 5e-3 * (np.exp(-(((since - 0.4e-3) / 0.3e-3) ** 2)) - np.exp(-(((since - 1e-3) / 0.3e-3) ** 2)))
        row += size * 2e-3 * np.exp(-(((since - 9e-3) / 2e-3) ** 2)) * (since > 0)
    return ek.Recording(row[np.newaxis], FS)


def test_pulses_that_are_too_small_to_see_are_no_reason():
    """Nor are pulses at one end only that are not there."""
    sizes = np.where(np.arange(150) % 50 < 3, 0.01, 1.0)
    assert len(ek.refine_pulses(recording(sizes), ek.Pulses(ONSETS))) == ONSETS.size
    longer = np.r_[ONSETS, ONSETS[-1] + np.arange(1, 11) / 30.0]
    assert len(ek.refine_pulses(recording(), ek.Pulses(longer))) >= ONSETS.size


@pytest.mark.parametrize("shift", [0.5, -0.5, 0.8])
def test_a_schedule_beside_its_beats_is_refused_with_how_to_move_it(shift):
    with pytest.raises(ek.TimingError, match="Move it by about") as refusal:
        ek.refine_pulses(recording(), ek.Pulses(ONSETS + shift))
    assert f"{-shift:+.2g} s" in str(refusal.value)


@pytest.mark.parametrize("shift", [0.0, 0.1, 0.29, -0.29])
def test_a_schedule_that_is_off_by_less_is_moved(shift):
    found = ek.refine_pulses(recording(), ek.Pulses(ONSETS + shift))
    assert len(found) == ONSETS.size
    assert found.delay == pytest.approx(-shift, abs=1e-3)


def test_beats_are_off_only_where_what_is_lacking_goes_on_with_the_train():
    onsets, there = 1 + np.arange(40) / 10.0, np.arange(40) < 35
    next_to = 1 - np.arange(5, 0, -1) / 10.0
    assert beats_off(onsets, there, next_to) == 5
    assert beats_off(onsets, there[::-1], 4.9 + np.arange(1, 6) / 10.0) == -5
    assert beats_off(onsets, there, next_to - 0.5) == 0  # another train
    assert beats_off(onsets, there, next_to[-2:]) == 0
    assert beats_off(onsets, np.ones(40, dtype=bool), next_to) == 0
    assert beats_off(onsets, there, np.zeros(0)) == 0
