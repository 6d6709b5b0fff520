"""Artifacts that turn over from pulse to pulse are found like others."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

import emgkit as ek
from emgkit.detect.polarity import upright

FS, RATE, LENGTH = 2000.0, 30.0, 10.0
PATTERNS = {
    "one": lambda n, rng: np.ones(n),
    "alternating": lambda n, rng: 1.0 - 2.0 * (np.arange(n) % 2),
    "pairs": lambda n, rng: 1.0 - 2.0 * (np.arange(n) // 2 % 2),
    "random": lambda n, rng: rng.choice([-1.0, 1.0], n),
}


def made(seed, pattern, artifact=5e-3):
    rng = np.random.default_rng(seed)
    onsets = 0.7 + np.arange(round((LENGTH - 1.4) * RATE)) / RATE * (1 - 2e-4) + 0.02 * rng.uniform()
    times, signal = np.arange(round(LENGTH * FS)) / FS, np.zeros(round(LENGTH * FS))
    for onset, sign in zip(onsets, PATTERNS[pattern](onsets.size, rng), strict=True):
        near = slice(int((onset - 0.003) * FS), int((onset + 0.03) * FS))
        since = times[near] - onset
        place = (since - 0.009) / 0.0022
        signal[near] += sign * artifact * np.exp(-0.5 * ((since - 0.4e-3) / 0.25e-3) ** 2)
        signal[near] -= 2e-3 * place * np.exp(0.5 - 0.5 * place**2)
    emg = sosfiltfilt(butter(2, [20, 450], "bandpass", fs=FS, output="sos"), rng.standard_normal(times.size))
    return signal + 1e-4 * emg / emg.std(), onsets


@pytest.mark.parametrize(
    "pattern", [*(pytest.param(one, marks=pytest.mark.slow) for one in ("alternating", "pairs")), "random"]
)
def test_pulses_of_both_polarities_are_found_from_the_artifact(pattern):
    """Of one stimulator, nearly all of them, none that there was not, and as well placed as others."""
    for seed in range(3):
        signal, onsets = made(seed, pattern)
        found = ek.detect_pulses(ek.Recording(signal[np.newaxis], fs=FS))
        assert np.unique(found.stimulator).size == 1, seed
        nearest = onsets[np.abs(found.onsets[:, np.newaxis] - onsets).argmin(axis=1)]
        late = found.onsets - nearest
        assert np.unique(nearest).size == len(found), seed
        assert len(found) >= 0.95 * onsets.size, (seed, len(found), onsets.size)
        assert np.abs(late - np.median(late)).max() < 50e-6, (seed, np.abs(late - np.median(late)).max())


@pytest.mark.parametrize("artifact", [0.0, 5e-4, 5e-3])
def test_signals_of_one_polarity_stay_the_very_same(artifact):
    for seed in range(5):
        signal = made(seed, "one", artifact)[0][np.newaxis]
        assert upright(signal, FS) is signal, seed


def test_nothing_sharp_comes_of_turning_over():
    """The sign holds about every artifact, and changes between them by no more than a line does."""
    for seed in range(3):
        signal, onsets = made(seed, "random", 5e-3)
        turned = upright(signal[np.newaxis], FS)[0]
        level = signal - np.median(signal)
        near = np.round((onsets + 0.4e-3) * FS).astype(int)
        assert np.allclose(np.abs(turned[near]), np.abs(level[near]))
        assert (np.sign(turned[near]) == np.sign(turned[near[0]])).mean() > 0.95
        assert np.abs(np.diff(np.abs(turned) - np.abs(level))).max() < 0.1 * np.abs(level).max()


def test_artifacts_that_change_their_size_slowly_are_turned_over_all_the_same():
    """As under ramps, or where pulses creep through the places between two samples."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        count, onsets = round(LENGTH * FS), 0.7 + np.arange(255) / RATE * (1 - 2e-4) + 0.02 * rng.uniform()
        times, signs = np.arange(count) / FS, PATTERNS["pairs"](255, rng)
        sizes = 1e-2 * np.exp(1.1 * np.sin(2 * np.pi * onsets / 4 + rng.uniform(0, 6)))
        emg = sosfiltfilt(butter(2, [20, 450], "bandpass", fs=FS, output="sos"), rng.standard_normal(count))
        signal = 5e-5 * emg / emg.std()
        for onset, size in zip(onsets, signs * sizes, strict=True):
            signal += size * np.exp(-0.5 * ((times - onset - 0.4e-3) / 0.25e-3) ** 2)
        turned = upright(signal[np.newaxis], FS)[0]
        near = turned[np.round((onsets + 0.4e-3) * FS).astype(int)]
        assert abs(np.sign(near).mean()) > 0.9, (seed, np.sign(near).mean())
