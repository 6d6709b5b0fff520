"""Movement below the band of EMG: it is followed where it is manifest, and nothing is taken from EMG or noise."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, sosfiltfilt

import emgkit as ek
from emgkit.artifact.movement import Movement, find_movement, no_movement


def band(rng: np.random.Generator, count: int, fs: float, low: float, high: float, size: float) -> np.ndarray:
    made = sosfiltfilt(butter(2, [low, high], "bandpass", fs=fs, output="sos"), rng.standard_normal(count))
    return size * made / made.std()


def slow(rng: np.random.Generator, count: int, fs: float, size: float) -> np.ndarray:
    made = sosfiltfilt(butter(2, [1.0, 8.0], "bandpass", fs=fs, output="sos"), rng.standard_normal(count))
    return size * made / made.std()


def rendered(found: Movement, fs: float, count: int) -> np.ndarray:
    out = np.zeros((1, count))
    found.add_to(out, fs)
    return out[0]


@pytest.mark.parametrize("fs", [1000.0, 1925.926, 5000.0])
@pytest.mark.parametrize("size", [10e-6, 100e-6])
def test_movement_is_followed_beside_emg(fs, size):
    for seed in range(4):
        rng = np.random.default_rng(seed)
        count = round(20 * fs)
        emg, moving = band(rng, count, fs, 30, 150, 30e-6), slow(rng, count, fs, size)
        found = find_movement((emg + moving)[np.newaxis], np.ones((1, count), bool), fs)
        left = rendered(found, fs, count) - moving
        # a Wiener filter leaves at most the EMG of the band, here the skirt of a second-order band-pass below 10 Hz
        assert left.std() <= 0.05 * emg.std() + 0.12 * size, (seed, left.std() * 1e6)
        assert "Movement" in found.said()[0]


def test_nothing_is_taken_from_emg_noise_or_silence():
    fs, count = 2000.0, 40000
    known = np.ones((1, count), bool)
    for seed in range(20):
        rng = np.random.default_rng(seed)
        white = 2e-6 * rng.standard_normal(count)
        flicker = np.fft.irfft(np.fft.rfft(white) * np.sqrt(1 + 20 / np.maximum(np.fft.rfftfreq(count, 1 / fs), 0.1)))
        emg = sosfilt(butter(2, [20, 450], "bandpass", fs=fs, output="sos"), rng.standard_normal(count))
        rows = {
            "white": white,
            "1/f": flicker,
            "emg": 30 * white.std() * emg / emg.std(),
            "emg and 1/f": 5 * white.std() * emg / emg.std() + flicker,
            "noise behind a high-pass": sosfilt(butter(1, 10, "high", fs=fs, output="sos"), white),
            "silence": np.zeros(count),
        }
        for name, row in rows.items():
            assert not find_movement(row[np.newaxis], known, fs).there.any(), (seed, name)


def test_trains_of_few_units_are_no_movement():
    # one to four units that fire at 8 to 12 Hz: their lines lie below 15 Hz, with action potentials of no net area
    fs, count = 2000.0, 40000
    time = np.arange(-0.01, 0.01, 1 / fs)
    potential = -time / 0.002 * np.exp(-0.5 * (time / 0.002) ** 2)
    for seed in range(12):
        rng = np.random.default_rng(seed)
        row = 1e-6 * rng.standard_normal(count)
        for _ in range(1 + seed % 4):
            rate = rng.uniform(8, 12)
            spikes = np.cumsum(rng.normal(1 / rate, 0.1 / rate, int(19 * rate)))
            row += np.convolve(np.histogram(spikes, np.arange(count + 1) / fs)[0], 100e-6 * potential, "same")
        assert not find_movement(row[np.newaxis], np.ones((1, count), bool), fs).there.any(), seed


def test_missing_samples_are_bridged_and_short_recordings_have_none():
    fs, count = 2000.0, 40000
    for seed in range(4):
        rng = np.random.default_rng(seed)
        emg, moving = band(rng, count, fs, 30, 400, 30e-6), slow(rng, count, fs, 40e-6)
        known = np.ones((1, count), bool)
        for start in rng.integers(0, count - 60, 40):
            known[0, start : start + 60] = False
        row = np.where(known, emg + moving, 0.0)
        found = find_movement(row, known, fs)
        left = (rendered(found, fs, count) - moving)[known[0]]
        assert left.std() <= 0.25 * moving.std(), (seed, left.std() * 1e6)
        assert not find_movement(np.where(known, emg, 0.0), known, fs).there.any(), seed
        assert not find_movement(row[:, :3000], known[:, :3000], fs).there.any()
    assert not no_movement(2).there.any()


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
def test_movement_of_a_stimulated_muscle_goes_into_interference(seed):
    made = ek.simulate.nmes_fatigue(
        rng=np.random.default_rng(seed), duration=20.0, bursts=3, fluctuation=0.0, latency_jitter=0.0
    )
    count = made.recording.signal.shape[1]
    rng = np.random.default_rng(seed)
    moving = np.stack([slow(rng, count, made.recording.fs, 50e-6) for _ in range(2)])
    shaken = made.recording.with_signal(made.recording.signal + moving)
    calm, parts = ek.separate(made.recording, made.pulses), ek.separate(shaken, made.pulses)
    assert any("Movement" in message for message in parts.messages)
    assert not any("Movement" in message for message in calm.messages)
    error = parts.voluntary.signal - calm.voluntary.signal
    # without it all of the movement is in the voluntary EMG: 0 dB
    assert 20 * np.log10(error.std() / moving.std()) <= -9.0


def test_movement_scales_with_the_signal():
    rng = np.random.default_rng(3)
    row = (band(rng, 20000, 1000.0, 30, 400, 30e-6) + slow(rng, 20000, 1000.0, 40e-6))[np.newaxis]
    known = np.ones(row.shape, bool)
    once, thrice = find_movement(row, known, 1000.0), find_movement(-3 * row, known, 1000.0)
    assert thrice.samples == pytest.approx(-3 * once.samples, rel=1e-9)
    assert once.there.all()
