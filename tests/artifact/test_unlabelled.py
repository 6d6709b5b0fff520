"""Pulses of two stimulators given as those of one."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.line_courses import no_lines
from emgkit.artifact.spline_turns import Turns
from emgkit.artifact.unlabelled import said_of_stimulators

FS = 2000.0


def recorded(trains, sizes, seed):
    rng = np.random.default_rng(seed)
    times = np.arange(int(9 * FS)) / FS
    signal = 3e-5 * rng.standard_normal((2, times.size))
    for train, size in zip(trains, sizes, strict=True):
        for onset in train:
            since = times - onset
            signal += size * np.where(since >= 0, np.exp(-np.maximum(since, 0.0) / 1e-3), 0.0)
    return signal


def trains(seed):
    rng = np.random.default_rng(seed)
    return [rng.uniform(0.2, 0.25) + np.arange(240) / 30.01, rng.uniform(0.2, 0.25) + np.arange(160) / 19.99]


def test_trains_whose_artifacts_differ_are_spoken_of():
    for seed in range(8):
        both = trains(seed)
        order = np.argsort(np.concatenate(both))
        onsets, label = np.concatenate(both)[order], np.repeat([0, 1], [240, 160])[order]
        signal = recorded(both, (1e-3, 6e-4), seed)
        (said,) = said_of_stimulators(signal, FS, ek.Pulses(onsets))
        assert "2 regular trains of 30 and 20 Hz" in said
        assert "stimulator=" in said
        assert said_of_stimulators(signal, FS, ek.Pulses(onsets, stimulator=label)) == ()


def test_patterns_of_one_stimulator_are_not_spoken_of():
    for seed in range(8):
        one = trains(seed)[0]
        doublets = np.sort(np.concatenate([one, one[::3] + 0.005]))
        for onsets in (one, doublets):
            assert said_of_stimulators(recorded([onsets], (1e-3,), seed), FS, ek.Pulses(onsets)) == ()


def test_trains_that_look_the_same_are_left_alone():
    for seed in range(8):
        both = trains(seed)
        onsets = np.sort(np.concatenate(both))
        assert said_of_stimulators(recorded(both, (0.0, 0.0), seed), FS, ek.Pulses(onsets)) == ()


def test_separate_says_so_also_when_it_refuses():
    both = trains(1)
    onsets = np.sort(np.concatenate(both))
    recording = ek.Recording(recorded(both, (1e-3, 6e-4), 1), FS)
    parts = ek.separate(recording, ek.Pulses(onsets), ek.MovingTemplate())
    assert any("regular trains" in message for message in parts.messages)
    refusing = type("Refusing", (ek.MovingTemplate,), {"separate": _refuse})
    with pytest.raises(ek.TimingError, match="regular trains"):
        ek.separate(recording, ek.Pulses(onsets), refusing())


def _refuse(self, signal, fs, pulses):
    raise ek.TimingError("no")


def test_trains_that_look_the_same_are_spoken_of_where_they_cannot_be_told_apart():
    """Whatever was taken away then is left to the moving template: the reason must be said."""
    for seed in range(4):
        onsets = np.sort(np.concatenate(trains(seed)))
        signal = recorded(trains(seed), (1e-3, 1e-3), seed)
        assert said_of_stimulators(signal, FS, ek.Pulses(onsets)) == ()
        (said,) = said_of_stimulators(signal, FS, ek.Pulses(onsets), refused=True)
        assert "2 regular trains of 30 and 20 Hz, as of 2 stimulators" in said
        assert said_of_stimulators(signal, FS, ek.Pulses(trains(seed)[0]), refused=True) == ()


class Grown:
    def __init__(self, size):
        self.size = size

    def render(self, channels):
        return np.full((channels, 100), self.size)


def test_responses_that_grow_against_each_other_are_refused():
    """Overlapping responses of two stimulators that were not labelled reached 1e19 times the signal."""
    signal = np.ones((2, 100))
    known = np.ones((2, 100), dtype=bool)
    known[:, :10] = False
    turns = Turns(signal, signal, known, np.zeros(100, dtype=bool), FS)
    rest = turns.rest([Grown(3.5)], None, (), no_lines(2))
    assert np.abs(rest).max() == 2.5
    with pytest.raises(np.linalg.LinAlgError):
        turns.rest([Grown(1e6)], None, (), no_lines(2))
