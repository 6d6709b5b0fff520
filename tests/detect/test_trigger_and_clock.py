"""Pulses from a trigger: to the sub-sample, whatever polarity and level; the clock tells missing and extra ones."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgkit as ek
from emgkit.detect.clock import fit_clock
from emgkit.detect.trigger import trigger_edges

FS = 10_000.0


def ramped(onsets, *, fs=FS, duration=3.0, low=0.0, high=5.0, noise=0.0, seed=0):
    """Edges that rise within two samples, so that the line between samples is the edge itself."""
    times = np.arange(round(duration * fs)) / fs
    level = np.zeros(times.size)
    for onset in onsets:
        rise = np.clip((times - onset) * fs / 2 + 0.5, 0, 1) - np.clip((times - onset - 0.002) * fs / 2 + 0.5, 0, 1)
        level = np.maximum(level, rise)
    return low + (high - low) * level + noise * np.random.default_rng(seed).normal(size=times.size)


ONSETS = 0.1 + np.arange(40) / 29.9871


@pytest.mark.parametrize(("low", "high"), [(0, 5), (5, 0), (-3, -1), (2e-3, -7e-3)])
def test_edges_of_either_polarity_and_any_level_are_exact(low, high):
    times, offset = trigger_edges(ramped(ONSETS, low=low, high=high), FS)
    assert times == pytest.approx(ONSETS, abs=1e-9)
    assert offset == 0


def test_noise_on_the_trigger_makes_neither_pulses_nor_large_errors():
    for seed in range(10):
        times, _ = trigger_edges(ramped(ONSETS, noise=0.1, seed=seed), FS)
        assert times.size == ONSETS.size
        assert np.abs(times - ONSETS).max() < 20e-6


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.4])
@pytest.mark.parametrize("width", [0.002, 0.005])
def test_noise_does_not_make_ramps_of_steep_edges(noise, width):
    """Two samples of a noisy pulse were aligned as an analog waveform, 0.3 ms early with 0.03 ms stated."""
    times = np.arange(10_000) / 1000.0
    for seed in range(8):
        rng = np.random.default_rng(seed)
        onsets = rng.uniform(0.5, 0.52) + np.arange(0.0, 9.0, 1 / 30.03)
        values = 5.0 * ((times - onsets[:, np.newaxis] >= 0) & (times - onsets[:, np.newaxis] < width)).any(axis=0)
        values = values + noise * rng.standard_normal(times.size)
        found = ek.detect_pulses(ek.Recording(values[np.newaxis], 1000.0, channel_names=["TRIG"]), "TRIG")
        assert len(found) == onsets.size
        assert np.abs(found.onsets - onsets).max() < 1.5e-4
        assert np.abs(np.mean(found.onsets - onsets)) < 3 * np.median(found.errors)


def test_a_digital_trigger_is_right_on_average():  # T: half a sample of delay is known and taken off
    rng = np.random.default_rng(1)
    onsets = np.cumsum(rng.uniform(0.02, 0.05, 400))
    values = (ramped(onsets, duration=22.0) > 2.5).astype(float)
    values = np.zeros(220_000)
    for onset in onsets:
        first = int(np.ceil(onset * FS))
        values[first : first + 20] = 1
    times, offset = trigger_edges(values, FS)
    assert offset == -0.5 / FS
    assert abs(np.mean(times - onsets)) < 3 * (1 / FS) / np.sqrt(12 * onsets.size)
    assert np.abs(times - onsets).max() <= 0.5 / FS + 1e-9


@pytest.mark.parametrize("values", [np.zeros(1000), np.full(1000, 3.3), np.random.default_rng(0).normal(size=5000)])
def test_a_channel_without_pulses_says_what_was_seen(values):
    with pytest.raises(ek.NoPulsesError, match=r"rests at .* and reaches"):
        trigger_edges(values, FS, name="TRIG")


def test_the_verb_keeps_the_time_origin_of_a_cropped_recording():
    trace = ek.Trace(ramped(ONSETS), FS, "V")
    recording = ek.Recording(np.zeros((1, 6000)), 2000, aux={"TRIG": trace})
    part = ek.detect_pulses(recording.crop(0.5, 2.5), "TRIG", rate=30.0)
    inside = ONSETS[(ONSETS >= 0.5) & (ONSETS < 2.5)]
    assert part.onsets == pytest.approx(inside, abs=1e-9)
    assert part.time_source == "trigger"
    assert part.clock.ppm == pytest.approx((29.9871 / 30 - 1) * 1e6, abs=1)


def test_a_missing_channel_offers_the_nearest():
    recording = ek.Recording(np.zeros((1, 6000)), 2000, ["VL"], aux={"TRIG": ek.Trace(ramped(ONSETS), FS)})
    with pytest.raises(ek.ChannelError, match="did you mean 'TRIG'"):
        ek.detect_pulses(recording, "TRIGG")


@given(st.floats(5, 100), st.floats(-500, 500), st.integers(0, 1000))
def test_the_clock_finds_rate_ppm_and_jitter(rate, ppm, seed):
    rng = np.random.default_rng(seed)
    true = rate * (1 + ppm * 1e-6)
    jitter = 0.001 / rate
    onsets = np.arange(300) / true + jitter * rng.normal(size=300)
    clock = fit_clock(onsets, np.zeros(300, int), rate)
    assert clock.rate == pytest.approx(true, rel=2e-6)
    assert clock.ppm == pytest.approx(ppm, abs=3)
    assert clock.jitter == pytest.approx(jitter, rel=0.2)
    assert clock.missing.size == clock.extra.size == 0


def test_missing_and_extra_pulses_are_told_by_their_times():
    onsets = np.concatenate([np.delete(np.arange(200) / 30, [50, 51, 120]), [2.345]])
    clock = fit_clock(np.sort(onsets), np.zeros(198, int), 30.0)
    assert clock.missing == pytest.approx(np.array([50, 51, 120]) / 30, abs=1e-6)
    assert clock.extra == pytest.approx([2.345])
    text = ek.audit(ek.Pulses(np.sort(onsets), clock=clock))
    assert "missing: 3" in text
    assert "extra: 1 (2.345 s)" in text


def test_trains_share_one_interval_and_have_their_own_starts():
    onsets = np.concatenate([np.arange(30) / 40, 5.0123 + np.arange(30) / 40])
    pulses = ek.Pulses(onsets)
    clock = fit_clock(pulses.onsets, pulses.train)
    assert clock.rate == pytest.approx(40)
    assert clock.jitter < 1e-9
    assert np.isnan(clock.ppm)
    assert fit_clock(np.array([0.0, 1.0]), np.zeros(2, int)) is None
