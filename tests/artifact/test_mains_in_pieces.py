"""Mains seen through the short stretches between slow pulses."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

import emgkit as ek
from emgkit.artifact.mains_in_pieces import find_in_pieces

FS = 2000.0


def emg(rng, channels, count, fs=FS):
    """EMG of 20 µV that comes in bursts, over noise of 3 µV."""
    wave = sosfiltfilt(butter(2, [30, 250], "bandpass", fs=fs, output="sos"), rng.standard_normal((channels, count)))
    wave *= 20e-6 / wave.std(axis=1, keepdims=True)
    effort = np.sin(2 * np.pi * (0.3 * np.arange(count) / fs + rng.uniform())) > 0
    return wave * effort + 3e-6 * rng.standard_normal((channels, count))


def gates(rng, rate, count, fs=FS, clear=0.15):
    """Samples that lie between the responses to pulses."""
    times = np.arange(count) / fs
    onsets = np.arange(0.5 + rng.uniform(0, 0.1), count / fs - 0.5, 1 / rate)
    busy = np.zeros(count, dtype=bool)
    for onset in onsets:
        busy |= (times > onset - 0.005) & (times < onset + clear)
    return np.broadcast_to(~busy, (2, count))


@pytest.mark.parametrize("frequency", [49.97, 50.0, 50.05, 59.9, 60.0, 60.03])
@pytest.mark.parametrize("rate", [2.0, 5.0])
def test_frequency_and_orders_are_found_through_gaps_that_come_regularly(frequency, rate):
    count = int(20 * FS)
    for seed in range(3):
        rng = np.random.default_rng([seed, round(100 * frequency)])
        phases = rng.uniform(0, 2 * np.pi, 2)
        turn = 2 * np.pi * frequency * np.arange(count) / FS
        line = 10e-6 * np.sin(turn + phases[0]) + 5e-6 * np.sin(3 * turn + phases[1])
        seen = emg(rng, 2, count) + np.array([[1.0], [0.3]]) * line
        known = gates(rng, rate, count)
        found = find_in_pieces(np.where(known, seen, 1e-3), known, FS)
        assert found.frequency == pytest.approx(frequency, abs=0.003), seed
        assert {1, 3} <= set(found.orders), (seed, found.orders)
        assert len(found.orders) <= 3, (seed, found.orders)


@pytest.mark.parametrize("seeds", [range(10), pytest.param(range(10, 40), marks=pytest.mark.slow)])
@pytest.mark.parametrize("rate", [1.0, 5.0])
def test_emg_is_not_taken_for_mains(rate, seeds):
    for seed in seeds:
        rng = np.random.default_rng([seed, 7])
        count = int(rng.uniform(8, 25) * FS)
        known = gates(rng, rate, count)
        assert find_in_pieces(emg(rng, 2, count), known, FS).orders == (), seed


def test_nothing_is_found_where_there_is_nothing_to_see():
    nothing = np.zeros((1, 4000), dtype=bool)
    assert find_in_pieces(np.zeros((1, 4000)), nothing, FS).orders == ()
    assert find_in_pieces(np.zeros((1, 4000)), ~nothing, FS).orders == ()


def test_of_a_long_recording_the_part_with_most_stretches_is_looked_at():
    rng = np.random.default_rng(0)
    count = int(120 * FS)
    times = np.arange(count) / FS
    known = np.broadcast_to(((times > 70) & (times < 90)) | (times % 5 < 0.03), (1, count))
    line = np.where(times > 60, 10e-6 * np.sin(2 * np.pi * 60.02 * times), 0.0)
    found = find_in_pieces(emg(rng, 1, count) + line, known, FS)
    assert found.frequency == pytest.approx(60.02, abs=0.003)


@pytest.mark.parametrize(("frequency", "size"), [(60.03, 0.5e-3), (50.0, 4e-3)])
def test_mains_on_a_harmonic_of_slow_pulses_is_taken_away(frequency, size):
    # through the gaps of 5 Hz stimulation 60 Hz passed for 50 Hz; beside large responses small lines passed for them
    count = int(15 * FS)
    times = np.arange(count) / FS
    for seed in range(2):
        rng = np.random.default_rng(seed)
        onsets = np.arange(0.6, 14.5, 0.2)
        line = 10e-6 * np.sin(2 * np.pi * frequency * times + 1)
        clean = emg(rng, 1, count)
        for onset in onsets:
            late = times - onset
            clean[0] += 4e-3 * np.exp(-0.5 * ((late - 5e-4) / 2.5e-4) ** 2)
            clean[0] -= size * (late - 0.009) / 0.0022 * np.exp(0.5 - ((late - 0.009) / 0.0022) ** 2 / 2)
        parts = ek.separate(ek.Recording(clean + line, FS), ek.Pulses(onsets, time_source="trigger"), "phase_spline")
        assert (parts.interference.signal[0] - line).std() <= 0.2 * line.std(), seed
