"""Trains whose rate divides the sampling rate, each at its own place between two samples."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

import emgkit as ek
from emgkit.detect.together import brought_together

FS, FINER = 2000.0, 16
STAGE = butter(4, 0.4 * FS, fs=FS * FINER, output="sos")


def recorded(rng, rate, lasting, every, seconds=24.0):
    """Two channels with a biphasic artifact of 2 · 0.3 ms, M-waves and EMG, and the true onsets, s."""
    starts = np.arange(0.7, seconds - lasting - 0.3, every)
    onsets = np.concatenate([start + rng.uniform(0, 0.01) + np.arange(0, lasting, 1 / rate) for start in starts])
    fine = np.zeros((2, int(seconds * FS) * FINER))
    sizes, after = rng.uniform(0.6, 1.4, (2, 1)), np.arange(int(0.04 * FS * FINER)) / (FS * FINER)
    late = (after - 0.009) / 0.0022
    shape = 2e-2 * ((after < 3e-4) * 1.0 - ((after >= 3e-4) & (after < 6e-4))) - 2e-3 * late * np.exp(0.5 - late**2 / 2)
    for onset in onsets:
        first = round(onset * FS * FINER)
        fine[:, first : first + after.size] += sizes * shape
    signal = sosfilt(STAGE, fine)[:, ::FINER]
    noise = butter(2, [30, 300], "bandpass", fs=FS, output="sos")
    return ek.Recording(signal + 1e-4 * sosfilt(noise, rng.standard_normal(signal.shape)), FS), onsets


@pytest.mark.filterwarnings("ignore:the stimulus seems to begin")
@pytest.mark.parametrize(
    ("rate", "lasting", "every"),
    [
        (10.0, 2.0, 4.0),
        *(pytest.param(*one, marks=pytest.mark.slow) for one in [(10.0, 1.2, 2.0), (20.0, 5.0, 10.0)]),
        (40.0, 2.0, 4.0),
    ],
)
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_all_trains_are_found_at_the_same_edge(rate, lasting, every, seed):
    # which sample is the largest depends on the place between samples: trains were 0.5 to 1.5 ms off each other, or
    # what a waveform of compromise left of them was taken for more pulses
    recording, onsets = recorded(np.random.default_rng([seed, int(rate)]), rate, lasting, every)
    found = ek.detect_pulses(recording)
    assert len(found) == onsets.size
    off = found.onsets - onsets
    assert np.ptp(off) < 0.4e-3, np.ptp(off)
    assert abs(np.median(off)) < 0.4e-3, np.median(off)


def test_trains_are_brought_together_and_others_stay():
    rng = np.random.default_rng(3)
    recording, onsets = recorded(rng, 20.0, 2.0, 4.0)
    bends = np.diff(recording.signal, n=2, prepend=recording.signal[:, :2], axis=1)
    train = np.repeat(np.arange(onsets.size // 40), 40)
    beats = np.tile(np.arange(40.0), train[-1] + 1)
    moved = rng.integers(-2, 3, train[-1] + 1) / FS
    together = brought_together(bends, onsets + moved[train], train, beats, FS)
    assert np.ptp(together - onsets) < 0.4e-3
    creeping = onsets + 0.01 / FS * beats * 3  # a sample and more from beginning to end
    assert brought_together(bends, creeping, train, beats, FS) is creeping
    one = np.zeros(40, dtype=np.int64)
    assert np.array_equal(brought_together(bends, onsets[:40], one, beats[:40], FS), onsets[:40])
