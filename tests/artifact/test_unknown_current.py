"""Currents that differ from pulse to pulse, known or not, against an M-wave that opposes the artifact's tail."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.spline_evidence import locked_evidence
from emgkit.artifact.spline_sizes import is_fast, is_ramped

FS, DURATION, RATE, PULSES = 2000.0, 13.0, 30.0, 330
TIMES = np.arange(round(FS * DURATION)) / FS
RESPONSE = 0.003, 0.025  # s after the pulse, in which the M-wave is scored


def artifact(since):
    """A brief artifact of 5 mV, in two halves, and a tail of 0.6 mV."""
    brief = -5e-3 * np.exp(0.5) * (since - 0.0004) / 0.00025 * np.exp(-0.5 * ((since - 0.0004) / 0.00025) ** 2)
    return brief + np.where(since > 0, 0.5e-3 * np.exp(-since / 0.004) + 0.15e-3 * np.exp(-since / 0.015), 0.0)


def m_wave(since):
    """Two halves of 6 mV peak to peak about 11 ms."""
    return -3e-3 * np.exp(0.5) * (since - 0.011) / 0.0025 * np.exp(-0.5 * ((since - 0.011) / 0.0025) ** 2)


def made(clean_emg, seed, levels, gains=(1.0, -0.7)):
    """Signal, voluntary EMG and M-waves, V, (channels, samples), and onsets, s."""
    onsets = 1.0 + (np.random.default_rng(seed).uniform() + np.arange(PULSES)) / RATE
    pulse = np.clip(np.searchsorted(onsets - 0.002, TIMES) - 1, 0, PULSES - 1)
    since = TIMES - onsets[pulse]
    level, shown = levels[pulse], (since > -0.002) & (since < 0.2)
    evoked = np.clip((level - 0.4) / 0.5, 0, 1) * m_wave(since) * shown
    emg = 2 * clean_emg(seed, duration=DURATION)
    return emg + evoked + np.outer(gains, level * artifact(since) * shown), emg, evoked, onsets, since


def of_current(kind, seed):
    if kind == "at random":
        return np.random.default_rng(seed).choice([0.5, 0.75, 1.0], PULSES)
    return np.resize(np.repeat([0.3, 0.6, 0.8, 1.0], 30), PULSES)


@pytest.mark.parametrize(
    ("kind", "seeds"),
    [
        ("at random", [0]),
        pytest.param("at random", [1, 2], marks=pytest.mark.slow),
        pytest.param("in blocks", range(3), marks=pytest.mark.slow),
    ],
)
def test_a_current_that_is_not_given_is_told_by_the_artifacts(clean_emg, kind, seeds):
    errors, behind = [], []
    for seed in seeds:
        levels = of_current(kind, seed)
        signal, emg, _, onsets, _ = made(clean_emg, seed, levels)
        inside = (TIMES > 1.5) & (TIMES < 11.5)
        found = []
        for current in (levels * 0.08, None):
            left = ek.separate(ek.Recording(signal, FS), ek.Pulses(onsets, current=current)).voluntary.signal
            found.append([10 * np.log10((emg[:, inside] ** 2).sum() / ((left - emg)[:, inside] ** 2).sum())])
        errors += list(np.std(left[:, inside], axis=1) / np.std(emg[:, inside], axis=1) - 1)
        behind.append(found[0][0] - found[1][0])
    assert np.max(np.abs(errors)) < 0.02, errors
    assert np.max(behind) < 7, behind


@pytest.mark.slow
def test_m_waves_that_oppose_the_tail_of_weak_pulses_are_found(clean_emg):
    missed = []
    for seed in range(3):
        levels = of_current("in blocks", seed)
        signal, _, evoked, onsets, since = made(clean_emg, seed, levels)
        parts = ek.separate(ek.Recording(signal, FS), ek.Pulses(onsets, current=levels * 0.08))
        scored = (since > RESPONSE[0]) & (since < RESPONSE[1])
        error = (parts.evoked.signal - evoked)[:, scored]
        missed += list(np.sqrt((error**2).mean(axis=1) / (evoked[scored] ** 2).mean()))
        assert all(one.grade != "reject" for one in parts.grades["m_wave_size"]), parts.grades["m_wave_size"]
    assert np.max(missed) < 0.1, missed


def test_evidence_compares_pulses_of_like_size_and_finds_none_in_emg(clean_emg):
    told, false = [], []
    for seed in range(6):
        levels = of_current("in blocks", seed)
        signal, emg, _, onsets, _ = made(clean_emg, seed, levels)
        told += list(locked_evidence(signal, FS, onsets, *RESPONSE, sizes=levels))
        for sizes in (levels, np.random.default_rng(seed).uniform(0.2, 1.0, PULSES)):
            false += list(locked_evidence(emg, FS, onsets, *RESPONSE, sizes=sizes))
    assert np.min(told) > 20, told
    assert np.max(false) < 4, false


def test_slow_ramps_and_gain_noise_are_no_sizes_that_smooth_courses_cannot_follow():
    swing = 1 + 0.3 * np.sin(2 * np.pi * np.arange(PULSES) / 90)
    for seed in range(6):
        noise = np.random.default_rng(seed).standard_normal(PULSES)
        assert is_ramped(swing)
        assert not is_fast(swing + 0.05 * noise)
        assert not is_fast(1 + 0.05 * noise)
        for kind in ("at random", "in blocks"):
            levels = of_current(kind, seed)
            assert is_fast(levels / levels.mean())
