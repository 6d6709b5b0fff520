"""Samples that were repeated instead of measured are marked, and EMG of few steps of the converter is not."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

import emgkit as ek

STEP = 1e-6


def emg(seed, fs, level, rest=1.0, seconds=12):
    """EMG of ``level`` steps RMS in bursts of 2 s, ``rest`` of it between them, rounded to steps of 1 µV."""
    rng = np.random.default_rng(seed)
    count = int(seconds * fs)
    band = butter(2, [15, min(450, 0.42 * fs)], "bandpass", fs=fs, output="sos")
    wave = sosfilt(band, rng.normal(size=count))
    bursts = np.where(np.arange(count) // int(2 * fs) % 2, 1.0, rest)
    return np.round(level * wave / wave.std() * bursts) * STEP


def marked(signal, fs):
    return ~ek.mark_held(ek.Recording(np.atleast_2d(signal), fs)).valid


def hold(signal, first, length):
    """Repeat the sample before, and tell which samples that are."""
    out, truth = signal.copy(), np.zeros(signal.size, dtype=bool)
    for begin in first:
        out[begin : begin + length] = out[begin - 1]
        truth[begin : begin + length] = True
    return out, truth


@pytest.mark.parametrize("fs", [1000.0, 1925.926, 5000.0, 10000.0])
@pytest.mark.parametrize("level", [0.1, 0.5, 1.0, 2.0, 5.0, 20.0, 1e5])
def test_what_the_converter_makes_equal_is_not_marked(fs, level):
    """From EMG far below a step, over a few, to 24 bits; with rest in between that is still, and with none."""
    for rest in (1.0, 0.15, 0.02):
        share = [marked(emg(seed, fs, level, rest), fs).mean() for seed in range(3)]
        assert max(share) == 0.0, f"rest {rest}: median {np.median(share):.5f}, worst {max(share):.5f}"


@pytest.mark.parametrize("fs", [1000.0, 2000.0, 5000.0])
@pytest.mark.parametrize("level", [100.0, 1e5])
def test_blanking_hardware_and_lost_packets_are_marked_from_their_second_sample(fs, level):
    for seed, (period, length) in enumerate([(0.0333, 0.004), (0.05, 0.005), (0.9, 0.013)]):
        first = np.round(np.arange(0.2, 11.5, period) * fs).astype(int)
        signal, truth = hold(emg(seed, fs, level), first, round(length * fs))
        found = marked(signal, fs)[0]
        assert found[truth].mean() >= 0.99
        assert found[~truth].mean() <= 0.001


def test_zeros_are_marked_whole_and_long_stretches_too():
    signal = emg(3, 2000.0, 1e4)
    signal[5000:5026] = 0.0
    signal[9000:11000] = 0.0
    found = marked(signal, 2000.0)[0]
    assert found[5000:5026].all()
    assert found[9000:11000].all()
    assert found.sum() == 2026


def test_a_channel_without_signal_is_left_alone():
    assert not marked(np.zeros(5000), 1000.0).any()
    assert not marked(np.full(5000, 3e-4), 1000.0).any()
    toggling = np.zeros(20000)
    toggling[np.random.default_rng(1).integers(0, 20000, 40)] = STEP
    assert not marked(toggling, 1000.0).any()


def test_marking_twice_is_marking_once_and_the_signal_stays():
    signal, truth = hold(emg(4, 2000.0, 1e4), [4000, 8000], 26)
    once = ek.mark_held(ek.Recording(signal[np.newaxis], 2000.0))
    assert ek.mark_held(once) is once
    assert np.array_equal(once.signal[0], signal)
    assert once.history[-1].parameters["held_samples"]["EMG1"] == truth.sum() == (~once.valid).sum()


@pytest.mark.parametrize("device", [{"packet_loss": 0.02}, {"blanking": 2.5e-3}], ids=["packets", "blanking"])
def test_separation_marks_what_the_simulator_lost_and_hardly_anything_else(device):
    for seed in range(3):
        made = ek.simulate.tiny(rng=np.random.default_rng(seed), **device)
        parts = ek.separate(made.recording, made.pulses, ek.Blanking())
        lost = ~ek.mark_held(made.recording).valid
        assert lost[~made.truth.usable].mean() >= 0.99
        assert lost[made.truth.usable].mean() <= 0.001
        assert not parts.clean.valid[~made.truth.usable & lost].any()


def test_a_pulse_within_a_lost_packet_is_still_there():
    """Its artifact is lost, but not the response that comes after the packet."""
    for seed in range(2):
        made = ek.simulate.tiny(rng=np.random.default_rng(seed))
        places = [np.ceil(made.pulses.onsets[k] * made.recording.fs).astype(int) - 2 for k in (20, 31)]
        signal = np.array(made.recording.signal)
        for place in places:
            signal[:, place : place + 8] = signal[:, [place - 1]]
        whole, parts = (
            ek.separate(recording, made.pulses, ek.PhaseSpline())
            for recording in (made.recording, made.recording.with_signal(signal))
        )
        assert not any("left out" in message for message in parts.messages)
        after = np.concatenate([np.arange(place + 8, place + 50) for place in places])
        off = (parts.voluntary.signal - whole.voluntary.signal)[:, after]
        assert np.sqrt(np.mean(off**2)) < 0.1 * np.sqrt(np.mean(whole.evoked.signal[:, after] ** 2))


@pytest.mark.parametrize("seeds", [[0], pytest.param(range(1, 4), marks=pytest.mark.slow)])
@pytest.mark.parametrize("until", [2e-3, 3e-3])
def test_what_is_blanked_to_nothing_at_every_pulse_is_separated(until, seeds):
    """Nothing bends where all samples are zero, and everything just beside."""
    for seed in seeds:
        made = ek.simulate.tiny(rng=np.random.default_rng(seed))
        signal, fs = np.array(made.recording.signal), made.recording.fs
        for onset in made.pulses.onsets:
            signal[:, int((onset - 3e-4) * fs) : int((onset + until) * fs)] = 0.0
        parts = ek.separate(ek.Recording(signal, fs), made.pulses)
        assert np.abs(parts.clean.signal).max() < 2 * np.abs(signal).max(), seed
