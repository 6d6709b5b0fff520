"""Of a list in which many pulses never came, those that came are kept."""

import numpy as np
import pytest

import emgkit as ek

FS, RATE = 2048.0, 20.3


def recorded(clean_emg, seed):
    """Signal, onsets given, and which of them came: seven tenths; biphasic pulses of 0.2 ms through a steep filter."""
    from scipy.signal import butter, sosfilt

    rng = np.random.default_rng(seed)
    onsets = 1.0 + (rng.uniform() + np.arange(400)) / RATE
    came = rng.uniform(size=onsets.size) > 0.3
    fine = 24  # places between two samples
    count = round(FS * (onsets[-1] + 1.0))
    train = np.zeros(count * fine)
    width = round(0.2e-3 * FS * fine)
    for onset in onsets[came]:
        place = round(onset * FS * fine)
        train[place : place + width], train[place + width : place + 2 * width] = 1.0, -1.0
    spikes = sosfilt(butter(4, 0.4 * FS, fs=FS * fine, output="sos"), train)[::fine]
    times = np.arange(count) / FS
    last = np.clip(np.searchsorted(onsets[came], times, side="right") - 1, 0, None)
    place = (times - onsets[came][last] - 0.009) / 0.002
    response = -2e-3 * np.exp(0.5) * place * np.exp(-0.5 * place**2) * (times > onsets[came][0])
    emg = clean_emg(seed, duration=count / FS, fs=FS)
    return emg + 20e-3 * spikes + response, onsets, came


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 12))])
def test_pulses_that_came_among_many_that_did_not_are_kept(clean_emg, seed):
    """The mean of all is smaller than each, so that some could not be judged; what lay between others was left out."""
    signal, onsets, came = recorded(clean_emg, seed)
    found = ek.separate(ek.Recording(signal, FS), ek.Pulses(onsets), "phase_spline")
    near = np.round(onsets * FS).astype(int)[:, np.newaxis] + np.arange(16)
    left = np.abs(found.voluntary.signal[:, near]).max(axis=(0, 2))
    assert left[came].max() < 1e-3, np.flatnonzero(left > 1e-3)
    assert left[~came].max() < 1e-3
