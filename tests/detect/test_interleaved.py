"""Regular trains in one list of pulses, and patterns that are none."""

import numpy as np
import pytest

from emgkit.detect.interleaved import interleaved_trains

BEATS = np.arange(300) / 30


def clocked(rate, rng, jitter=0.0, seconds=8.0):
    number = int(seconds * rate)
    start, rate = rng.uniform(0, 0.1), rate * (1 + rng.normal(0, 2e-4))
    return start + np.arange(number) / rate + rng.normal(0, jitter, number)


@pytest.mark.parametrize("jitter", [0.0, 3e-5])
@pytest.mark.parametrize("rates", [(30, 20), (40, 25), (35, 15), (20, 13, 33)])
def test_interleaved_trains_are_told_from_each_other(rates, jitter):
    for seed in range(8):
        rng = np.random.default_rng(seed)
        trains = [clocked(rate, rng, jitter) for rate in rates]
        onsets = np.unique(np.concatenate(trains))
        found = interleaved_trains(onsets)
        assert sorted(round(1 / float(np.median(np.diff(onsets[one])))) for one in found) == sorted(rates), (
            seed,
            found,
        )
        for one in found:  # some beats of trains that come together are exchanged
            own = min(trains, key=lambda train: abs(np.median(np.diff(train)) - np.median(np.diff(onsets[one]))))
            assert np.isin(onsets[one], own).mean() > 0.85


PATTERNS = {
    "one train": lambda rng: BEATS,
    "jitter": lambda rng: BEATS + rng.normal(0, 3e-4, BEATS.size),
    "large jitter": lambda rng: BEATS + rng.normal(0, 3e-3, BEATS.size),
    "doublets": lambda rng: np.concatenate([BEATS, BEATS + 0.005]),
    "doublets at every third": lambda rng: np.concatenate([BEATS, BEATS[::3] + 0.005]),
    "doublets now and then": lambda rng: np.concatenate([BEATS, BEATS[rng.uniform(size=300) < 0.3] + 0.005]),
    "N-lets": lambda rng: np.add.outer(np.arange(60) / 8, np.arange(5) * 0.005).ravel(),
    "bursts": lambda rng: np.add.outer(np.arange(30) * 0.7, np.arange(10) / 30).ravel(),
    "missing": lambda rng: BEATS[rng.uniform(size=300) > 0.1],
    "many missing": lambda rng: BEATS[rng.uniform(size=300) > 0.3],
    "extra": lambda rng: np.concatenate([BEATS, rng.uniform(0, 10, 30)]),
    "variable frequency": lambda rng: np.cumsum(np.tile(np.r_[0.01, 0.01, np.full(20, 0.04)], 14)),
    "ramp": lambda rng: np.cumsum(np.linspace(0.06, 0.015, 300)),
    "alternating": lambda rng: np.cumsum(np.tile([0.02, 0.04], 150)),
    "repeated pattern": lambda rng: np.cumsum(np.tile(rng.uniform(0.01, 0.05, 5), 60)),
    "random": lambda rng: np.cumsum(0.005 + rng.exponential(0.03, 300)),
    "of two intervals": lambda rng: np.cumsum(rng.choice([0.025, 0.04], 300)),
}


@pytest.mark.parametrize("pattern", PATTERNS)
def test_patterns_of_one_stimulator_are_not_several(pattern):
    taken = [seed for seed in range(20) if interleaved_trains(np.sort(PATTERNS[pattern](np.random.default_rng(seed))))]
    assert not taken


def test_few_pulses_say_nothing():
    assert interleaved_trains(np.zeros(0)) == []
    assert interleaved_trains(np.array([1.0])) == []
    assert interleaved_trains(np.unique(np.concatenate([np.arange(18) / 30, 0.003 + np.arange(12) / 20]))) == []
