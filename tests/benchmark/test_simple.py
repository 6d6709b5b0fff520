"""Simple methods against the error budget that theory gives them."""

import numpy as np
import pytest

from emgkit.benchmark.simple import SIMPLE, frame_comb, gram_schmidt, moving_mean, settings_of, two_exponential
from emgkit.errors import TimingError

FS, PERIOD, PULSES = 2000.0, 67, 400


def made(seed=0, level=1.0):
    rng = np.random.default_rng(seed)
    first = 100 + PERIOD * np.arange(PULSES)
    noise = level * rng.standard_normal((2, first[-1] + 200))
    locked = np.zeros_like(noise)
    wave = 50 * np.sin(2 * np.pi * np.arange(PERIOD) / PERIOD) * np.exp(-np.arange(PERIOD) / 20)
    locked[:, first[:, np.newaxis] + np.arange(PERIOD)] = wave
    return noise, locked, first / FS, slice(first[50], first[-50])


def snr(target, output, part):
    return 10 * np.log10(np.mean(target[:, part] ** 2) / np.mean((output - target)[:, part] ** 2))


@pytest.mark.parametrize(
    ("method", "settings", "decibels"),
    [
        (moving_mean, {"neighbours": 30}, 10 * np.log10(30)),
        (frame_comb, {"taps": 1}, 0.0),
        (frame_comb, {"taps": 10}, 10.0),
    ],
)
def test_what_averages_frames_has_the_snr_of_its_count(method, settings, decibels):
    found = []
    for seed in range(3):
        noise, locked, onsets, part = made(seed)
        found.append(snr(noise, method(noise + locked, FS, onsets, **settings), part))
    assert np.median(found) == pytest.approx(decibels, abs=0.3), f"worst {min(found):.2f}"


def test_prediction_loses_what_its_order_spans_and_what_it_adds():
    noise, locked, onsets, part = made()
    output = gram_schmidt(noise + locked, FS, onsets, order=6)
    left = np.mean(output[:, part] ** 2) / np.mean(noise[:, part] ** 2)
    # a projection on six frames of 67 samples takes 6/67 of white noise, and the frames' own noise adds to the rest
    assert 1 - 6 / 67 - 0.02 < left < 1 - 6 / 67 + 1 / 6 + 0.02


def test_the_tail_fit_takes_a_tail_and_leaves_the_m_wave():
    time = np.arange(PERIOD) / FS
    wave = np.sin(2 * np.pi * 70 * time) * np.exp(-(((time - 0.012) / 0.003) ** 2))
    tail = 5 * np.exp(-time / 0.012) - 2 * np.exp(-time / 0.0015)
    first = 100 + PERIOD * np.arange(50)
    signal, clean = np.zeros((1, 4000)), np.zeros((1, 4000))
    clean[:, first[:, np.newaxis] + np.arange(PERIOD)] = wave
    signal[:, first[:, np.newaxis] + np.arange(PERIOD)] = wave + tail
    output = two_exponential(signal, FS, first / FS, start=0.001, stop=0.0045, late=0.024)
    index = first[:, np.newaxis] + np.arange(6, 50)
    error = np.sqrt(np.mean((output - clean)[:, index] ** 2) / np.mean(clean[:, index] ** 2))
    assert error < 0.06


def test_every_simple_method_needs_pulses_and_leaves_the_rest_alone():
    noise, locked, onsets, _ = made()
    for name, method in SIMPLE.items():
        for settings in settings_of(name)[:3]:
            output = method(noise + locked, FS, onsets, **settings)
            assert output.shape == noise.shape
            assert np.array_equal(output[:, :100], (noise + locked)[:, :100]), name
        with pytest.raises(TimingError, match="pulses"):
            method(noise, FS, onsets[:2])
