"""What is still locked to the pulses is found without the truth, and noise does not count."""

import re

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

import emgkit as ek

FS = 2000.0
SEEDS = 20


def emg(rng, seconds=20.0, size=30e-6):
    white = rng.standard_normal((1, int(seconds * FS)))
    shaped = sosfilt(butter(2, (20, 300), "bandpass", fs=FS, output="sos"), white)
    return size * shaped / shaped.std()


def pulses_of(rate, seconds=20.0):
    return ek.Pulses(0.2 + np.arange(int((seconds - 0.5) * rate)) / rate)


def locked(pulses, count, wave):
    times = np.arange(count) / FS
    last = np.searchsorted(pulses.onsets, times, side="right") - 1
    return np.where(last >= 0, wave(times - pulses.onsets[np.maximum(last, 0)]), 0.0)


def bump(since):
    return 20e-6 * np.sin(2 * np.pi * 100 * since) * (since < 0.02)


def test_a_known_residue_is_measured():
    pulses, ratios = pulses_of(29.97), []
    for seed in range(SEEDS):
        noise = emg(np.random.default_rng(seed))
        wave = locked(pulses, noise.size, bump)
        inside = slice(int(0.3 * FS), int(19 * FS))
        found = ek.locked_residue(ek.Recording(noise + wave, FS), pulses)
        ratios.append(found.rms[0] / wave[inside].std())
    assert np.median(ratios) == pytest.approx(1.0, abs=0.1), ratios
    assert min(ratios) > 0.75, ratios
    assert max(ratios) < 1.25, ratios


def test_noise_does_not_count():
    shown, z = [], []
    for seed in range(SEEDS):
        found = ek.locked_residue(ek.Recording(emg(np.random.default_rng(seed)), FS), pulses_of(30.0))
        shown.append(found.share[0])
        z.append((found.rms[0] / found.error[0]) ** 2)
    assert np.median(shown) < 0.08, shown
    assert max(shown) < 0.2, shown
    assert np.mean(np.array(z) > 2) <= 0.1, z


def test_a_residue_that_turns_over_slowly_counts():
    pulses, noise = pulses_of(30.0), emg(np.random.default_rng(3))
    wave = locked(pulses, noise.size, bump) * np.cos(2 * np.pi * np.arange(noise.size) / FS / 10)
    found = ek.locked_residue(ek.Recording(noise + wave, FS), pulses)
    assert found.rms[0] == pytest.approx(wave.std(), rel=0.3)


@pytest.mark.parametrize("neighbours", [10, pytest.param(40, marks=pytest.mark.slow)])
def test_the_trace_of_an_average_is_made_up_for(neighbours):
    """A moving template of n pulses leaves them leaning against each other: without the correction, residue hides."""
    pulses, hidden, made_up = pulses_of(30.0), [], []
    for seed in range(SEEDS):
        signal = emg(np.random.default_rng(seed)) + locked(pulses, int(20 * FS), lambda t: 50 * bump(t))
        parts = ek.separate(ek.Recording(signal, FS), pulses, ek.MovingTemplate(neighbours=neighbours))
        made_up.append(ek.locked_residue(parts).share[0] ** 2)
        plain = ek.locked_residue(parts.voluntary, pulses)
        hidden.append(plain.share[0] ** 2)
    assert np.median(made_up) < 0.02, (made_up, hidden)
    assert np.mean(hidden) <= np.mean(made_up)


def test_each_harmonic_is_told_apart():
    pulses, noise = pulses_of(31.7), emg(np.random.default_rng(5), size=5e-6)
    wave = locked(pulses, noise.size, lambda t: 10e-6 * np.sin(2 * np.pi * 3 * 31.7 * t))
    found = ek.locked_residue(ek.Recording(noise + wave, FS), pulses)
    assert found.worst[0] == pytest.approx(3 * 31.7)
    assert found.at_harmonics[0, 2] == pytest.approx(10e-6 / np.sqrt(2), rel=0.1)
    others = np.delete(found.at_harmonics[0], 2)
    assert others.max() < 2e-6, others
    assert "95.1 Hz" in repr(found)


def test_it_scales_with_the_signal_and_not_with_its_sign():
    pulses, noise = pulses_of(30.0), emg(np.random.default_rng(6))
    signal = noise + locked(pulses, noise.size, bump)
    one, other = (ek.locked_residue(ek.Recording(k * signal, FS), pulses) for k in (1.0, -8.0))
    assert other.rms == pytest.approx(8 * one.rms, rel=1e-9)
    assert other.share == pytest.approx(one.share, rel=1e-9)


def test_too_few_pulses_give_no_number():
    found = ek.locked_residue(ek.Recording(emg(np.random.default_rng(7)), FS), ek.Pulses([0.5, 1.0]))
    assert np.isnan(found.rms[0])
    assert np.isnan(found.worst[0])
    assert found.harmonics.size == 0
    assert "–" in repr(found)


def test_every_separation_states_it_with_units():
    made = ek.simulate.tiny(rng=np.random.default_rng(8))
    for method in ("phase_spline", "blanking", "moving_template"):
        parts = ek.separate(made.recording, made.pulses, method)
        assert parts.quality["locked_residue"].shape == (made.recording.n_channels,)
        assert re.search(r"locked_residue_share .* of RMS", repr(parts))
        assert re.search(r"mnf_minus_mdf .* Hz", repr(parts))
