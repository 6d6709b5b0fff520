"""Pulses from the artifact itself: all of them, none where there are none, and to parts of a sample."""

import numpy as np
import pytest
from scipy.signal import bessel, butter, sosfilt, sosfiltfilt

import emgkit as ek
from emgkit.benchmark.cases import CASES

FS = 2000.0


def emg(seconds, seed, level=50e-6):
    noise = np.random.default_rng(seed).normal(size=round(seconds * FS))
    shaped = sosfiltfilt(butter(2, [20, 400], "bandpass", fs=FS, output="sos"), noise)
    bursts = 0.2 + (np.sin(2 * np.pi * np.arange(noise.size) / FS / 3) > 0.3)
    return level * bursts * shaped / shaped.std()


def stimulated(onsets, seconds, seed, size=2e-3, ramp=False):
    """A biphasic artifact of 0.5 ms per phase, rendered at the true times, on bursts of EMG."""
    time = np.arange(round(seconds * FS)) / FS
    out = emg(seconds, seed)
    for number, onset in enumerate(onsets):
        low = max(int((onset - 0.003) * FS), 0)
        part = slice(low, low + 16)
        phase = (time[part] - onset - 0.0006) / 0.0004
        height = size * (0.1 + 0.9 * number / len(onsets)) if ramp else size
        out[part] += -height * phase * np.exp(0.5 - phase**2 / 2)
    return ek.Recording(out, FS)


def regular(rate, seconds, ppm=80.0, jitter=0.0, seed=0):
    onsets = 0.5 + np.arange(int((seconds - 1) * rate)) / (rate * (1 + ppm * 1e-6))
    return onsets + jitter * np.random.default_rng(seed).normal(size=onsets.size)


def errors(found, onsets):
    assert len(found) == len(onsets), f"{len(found)} found of {len(onsets)}"
    difference = found.onsets - onsets
    return np.sqrt(np.mean((difference - difference.mean()) ** 2))


@pytest.mark.parametrize("rate", [5.0, *(pytest.param(rate, marks=pytest.mark.slow) for rate in (17.3, 30.0)), 50.0])
def test_all_pulses_are_found_to_a_fiftieth_of_a_sample_at_any_rate(rate):
    spread = []
    for seed in range(4):
        onsets = regular(rate, 12, seed=seed)
        spread.append(errors(ek.detect_pulses(stimulated(onsets, 12, seed)), onsets))
    assert max(spread) < 0.05 / FS, f"worst {max(spread) * 1e6:.1f} µs, median {np.median(spread) * 1e6:.1f} µs"


def test_an_amplitude_ramp_from_a_tenth_is_followed():
    onsets = regular(30.0, 12)
    found = ek.detect_pulses(stimulated(onsets, 12, 3, ramp=True))
    assert len(onsets) - len(found) <= 0.02 * len(onsets)  # the first few lie within the EMG
    assert errors(found, onsets[[np.abs(onsets - time).argmin() for time in found.onsets]]) < 0.1 / FS


def test_the_polarity_does_not_matter():
    onsets = regular(30.0, 8)
    one = ek.detect_pulses(stimulated(onsets, 8, 1, size=2e-3))
    other = ek.detect_pulses(stimulated(onsets, 8, 1, size=-2e-3))
    assert len(one) == len(other) == len(onsets)


def test_trains_and_pauses_are_kept():
    onsets = np.concatenate([regular(30.0, 4), 6 + regular(30.0, 4)])
    found = ek.detect_pulses(stimulated(onsets, 12, 2))
    assert len(found) == len(onsets)
    assert found.n_trains == 2


def test_missing_pulses_are_missed_and_reported():
    onsets = np.delete(regular(30.0, 10), [40, 100])
    found = ek.detect_pulses(stimulated(onsets, 10, 4), rate=30.0)
    assert len(found) == len(onsets)
    assert found.clock.missing.size == 2


@pytest.mark.parametrize("seed", range(6))
def test_bursts_of_emg_and_mains_are_no_stimulation(seed):
    time = np.arange(round(10 * FS)) / FS
    mains = 100e-6 * np.sin(2 * np.pi * 50 * time) + 30e-6 * np.sin(2 * np.pi * 150 * time)
    with pytest.raises(ek.NoPulsesError):
        ek.detect_pulses(ek.Recording(emg(10, seed) + mains, FS))


def test_the_simulated_muscle_gives_up_all_its_pulses():
    made = ek.simulate.nmes_fatigue(rng=np.random.default_rng(7), duration=12.0, bursts=2, burst_length=2.0)
    found = ek.detect_pulses(made.recording, rate=30.0)
    assert len(found) == len(made.pulses)
    assert found.clock.rate == pytest.approx(made.pulses.rate, rel=3e-5)


@pytest.mark.parametrize(
    ("seed", "pairs"), [(1002, 2), *(pytest.param(seed, 1, marks=pytest.mark.slow) for seed in (1004, 1009))]
)
def test_a_pulse_half_a_millisecond_before_another_is_found_too(seed, pairs):
    made = CASES["missing_extra"].make(np.random.default_rng(seed))
    true, found = made.pulses.onsets, ek.detect_pulses(made.recording).onsets
    close = np.flatnonzero(np.diff(true) < 0.001)
    assert close.size == pairs
    for pulse in (*true[close], *true[close + 1]):
        assert np.abs(found - pulse).min() < 5e-5, f"{pulse:.4f} s: {np.abs(found - pulse).min() * 1e6:.0f} µs off"


@pytest.mark.parametrize("name", ["jitter100_estimated", "ecg_movement"])
def test_single_pulses_are_not_taken_for_two(name):
    made = CASES[name].make(np.random.default_rng(1001))
    assert len(ek.detect_pulses(made.recording)) == len(made.pulses)


def behind(filter_, width, seed, seconds=8.0):
    """Rectangular biphasic pulses of 5 mV behind an anti-alias filter, rendered at 64 kHz; M-waves of 1 mV; EMG."""
    fine, rng = 64000.0, np.random.default_rng(seed)
    onsets = regular(23.7, seconds, seed=seed)
    wave = np.zeros(round(seconds * fine))
    for onset in onsets:
        for begin, height in ((0.0, 5e-3), (width, -5e-3)):
            wave[round((onset + begin) * fine) : round((onset + begin + width) * fine)] += height
        since = np.arange(-0.004, 0.02, 1 / fine) * 400 - 4.8
        low = round((onset - 0.004) * fine)
        wave[low : low + since.size] -= 1e-3 * since * np.exp(0.5 - since**2 / 2)
    signal = sosfilt(filter_(fine), wave)[:: round(fine / FS)]
    return ek.Recording(signal + emg(seconds, seed, 20e-6) + 3e-6 * rng.normal(size=signal.size), FS), onsets


@pytest.mark.parametrize("width", [200e-6, 400e-6, 500e-6])
@pytest.mark.parametrize(
    ("shape", "order", "corner", "most"),
    [
        (bessel, 4, 800.0, 6e-5),
        (butter, 4, 800.0, 6e-5),
        (butter, 4, 500.0, 1e-4),
        (butter, 6, 600.0, 2.2e-4),
        (butter, 8, 800.0, 4.5e-4),
        (butter, 8, 600.0, 5e-4),
    ],
)
def test_long_pulses_behind_steep_filters_begin_where_they_begin(shape, order, corner, most, width):
    kind = {"norm": "mag"} if shape is bessel else {}
    made, onsets = behind(lambda fine: shape(order, corner, fs=fine, output="sos", **kind), width, 5)
    found = ek.detect_pulses(made)
    assert len(found) == len(onsets)
    offset = float(np.median(found.onsets - onsets))
    assert abs(offset) < most, f"{offset * 1e6:.0f} µs"


@pytest.mark.parametrize("rate", [29.0, pytest.param(33.0, marks=pytest.mark.slow), 60.0])
def test_a_nominal_rate_that_is_another_is_not_used_and_said(rate):
    """Pulses scattered by 0.24 ms about their times, and a clock off by 10 % was stated."""
    one = CASES["typical"].make(np.random.default_rng(21))
    with pytest.warns(ek.EmgkitWarning, match="keep 30 Hz, not the"):
        found = ek.detect_pulses(one.recording, rate=rate)
    assert len(found) == one.truth.onsets.size
    assert np.std(found.onsets - one.truth.onsets) < 10e-6
    assert np.isnan(found.clock.ppm)
