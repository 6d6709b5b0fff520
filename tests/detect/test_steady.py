"""Trains of which no single pulse stands out, placed by their lines: known rates, and what is no such train."""

import warnings

import numpy as np
import pytest

import emgkit as ek
from emgkit.detect.steady import steady_train

FS, SECONDS = 1000.0, 40.0


def smooth(rate, *, first=0.0, seed=0, size=1e-3, harmonics=(1, 2, 3), width=0.4, span=(0.0, SECONDS)):
    """Record the first harmonics of single waves, which begin with every pulse and last for a part of the period.

    The noise is white and of 1/f kind.
    """
    rng, times = np.random.default_rng(seed), np.arange(int(SECONDS * FS)) / FS
    slow = np.convolve(rng.standard_normal(times.size + 20), np.ones(21) / 21, "valid")
    fine = np.arange(4096) / 4096
    parts = np.fft.rfft(np.where(fine < width, np.sin(np.pi * fine / width) ** 2, 0.0)) / 2048
    wave = np.zeros_like(times)
    for order in harmonics:
        wave += (parts[order] * np.exp(2j * np.pi * order * rate * (times - first))).real
    wave *= (times >= span[0]) & (times < span[1])
    rows = np.array([[1.0], [-0.4]]) * size * wave + 2e-6 * rng.standard_normal((2, times.size)) + 1e-5 * slow
    return ek.Recording(rows, FS)


def found(recording, rate):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ek.EmgkitWarning)
        return ek.detect_pulses(recording, rate=rate)


@pytest.mark.parametrize("nominal", [None, 128.0, 129.2, 130.0])
@pytest.mark.parametrize("width", [0.3, 0.4, 0.7])
@pytest.mark.parametrize("seed", range(4))
def test_the_rate_is_found_to_a_part_of_a_millionth_and_all_pulses_with_it(seed, width, nominal):
    true = 129.15888 + 0.2 * seed / 3
    pulses = found(smooth(true, seed=seed, first=0.0013 * seed, width=width), nominal)
    assert pulses.clock.rate == pytest.approx(true, rel=1e-6)
    if nominal is not None:
        assert pulses.clock.ppm == pytest.approx(1e6 * (true / nominal - 1), abs=1.0)
    phase = (pulses.onsets - 0.0013 * seed) * true
    away = (phase - np.round(phase)) / true
    assert np.ptp(away) < 2e-6
    assert np.abs(away).max() < 0.4e-3  # three harmonics tell an edge to some twentieth of the period
    assert abs(len(pulses) - SECONDS * true) < 2


@pytest.mark.parametrize("true", [23.7, 71.3, 129.2, 185.2, 321.4, 433.9])
@pytest.mark.filterwarnings("ignore::emgkit.EmgkitWarning")
def test_a_rate_that_is_not_known_is_none_of_its_own_harmonics_folded_or_not(true):
    for seed in range(4):
        recording = smooth(true + 0.1 * seed, seed=seed, harmonics=range(1, 8), width=0.3)
        timed = steady_train(recording.signal, FS, None)
        assert timed is not None
        assert 1 / np.diff(timed.onsets).mean() == pytest.approx(true + 0.1 * seed, rel=2e-6)


def test_it_is_said_that_single_pulses_could_not_be_seen_and_jitter_is_no_number():
    with pytest.warns(ek.EmgkitWarning, match="steady train of 129.159 Hz was placed by its lines"):
        pulses = ek.detect_pulses(smooth(129.15888), rate=130.0)
    assert np.isnan(pulses.clock.jitter)
    assert pulses.clock.missing.size == pulses.clock.extra.size == 0


@pytest.mark.parametrize(
    ("recording", "rate"),
    [
        (smooth(129.0, harmonics=()), 130.0),
        (smooth(129.0, harmonics=(1,)), 130.0),
        (smooth(129.0, span=(10.0, 30.0)), 130.0),
        (smooth(129.0), 140.0),
        (smooth(50.02), 50.0),
        (smooth(150.0), 150.0),
        (smooth(129.0, harmonics=()), None),
        (smooth(129.0, harmonics=(1,)), None),
        (smooth(129.0, span=(10.0, 30.0)), None),
        (smooth(50.06), None),
        (smooth(59.85), None),
        (smooth(1.3, harmonics=range(1, 40)), None),
        (smooth(8.3), None),
    ],
    ids=[
        *("noise", "one line", "not throughout", "another rate", "mains", "harmonic of mains"),
        *("noise at any rate", "one line at any rate", "not throughout at any rate"),
        *("mains at any rate", "slow mains at any rate", "heart at any rate", "slow waves at any rate"),
    ],
)
def test_what_is_no_train_throughout_is_refused(recording, rate):
    with pytest.raises(ek.NoPulsesError):
        found(recording, rate)


@pytest.mark.real
@pytest.mark.parametrize("nominal", [None, 130.0])
def test_the_real_rate_of_a_130_hz_stimulator_is_found_and_its_lines_go_down_to_the_floor(real_data, nominal):
    signal = 1e-6 * np.load(real_data / "dbs-ecog" / "ecog_lfp_data.npy")
    recording = ek.Recording(signal, FS)
    pulses = found(recording, nominal)
    assert pulses.clock.rate == pytest.approx(129.2, abs=0.05)
    left = ek.separate(recording, pulses).voluntary.signal
    frequency = np.fft.rfftfreq(signal.shape[1], 1 / FS)
    before, after = (np.abs(np.fft.rfft(row * np.hanning(signal.shape[1]), axis=1)) for row in (signal, left))
    for order in (1, 2, 3):
        line = np.abs(frequency - order * pulses.clock.rate) < 0.1
        fall = 20 * np.log10(before[:, line].max(axis=1) / after[:, line].max(axis=1))
        assert (fall > 75).all(), (order, fall)
    for order in range(1, 8):  # folded ones too, where 6 dB more than the median are usual, and 8 before
        folded = abs((order * pulses.clock.rate + FS / 2) % FS - FS / 2)
        away = np.abs(frequency - folded)
        floor = np.median(after[:, (away > 0.5) & (away < 4)], axis=1)
        over = 20 * np.log10(after[:, away < 0.1].max(axis=1) / floor)
        assert (over < (8 if order <= 3 else 13)).all(), (order, over)


@pytest.mark.parametrize("count", [5, 60, 125, 130])
def test_recordings_too_short_for_any_line_have_no_train(count):
    noise = 2e-5 * np.random.default_rng(count).standard_normal((1, count))
    with pytest.raises(ek.NoPulsesError, match="No stimulation artifact was found"):
        ek.detect_pulses(ek.Recording(noise, FS))
