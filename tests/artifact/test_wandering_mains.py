"""Mains that changes its frequency in a recording of a minute, beside stimulation on one of its harmonics or not."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

import emgkit as ek
from emgkit.artifact.phase_spline import PhaseSpline
from emgkit.artifact.spline_lines import mains_without_pulses

FS = 2000.0
SECONDS = 60.0
BAND = butter(2, [20, 450], "bandpass", fs=FS, output="sos")


def made(seed: int, rate: float, wander: float, first: float = 0.5) -> tuple[ek.Recording, ek.Pulses, np.ndarray]:
    """EMG of 30 µV, an M-wave of 1 mV, and 40 µV of mains and its third harmonic; wander in Hz per second."""
    rng = np.random.default_rng(seed)
    count = round(SECONDS * FS)
    onsets = first + np.arange(int((SECONDS - first - 0.5) * rate)) / rate
    signal = np.zeros(count)
    for onset in onsets:
        window = slice(int((onset - 0.002) * FS), int((onset + 0.03) * FS))
        after = np.arange(window.start, window.stop) / FS - onset
        late = (after - 0.009) / 0.0022
        signal[window] += 3e-3 * np.exp(-0.5 * ((after - 5e-4) / 2.5e-4) ** 2) - 1e-3 * late * np.exp(0.5 - late**2 / 2)
    emg = sosfiltfilt(BAND, rng.standard_normal(count))
    emg *= 30e-6 / emg.std()
    steps = np.cumsum(rng.normal(0, wander, int(SECONDS) + 1))
    course = np.interp(np.arange(count) / FS, np.arange(SECONDS + 1), steps)
    phase = 2 * np.pi * np.cumsum(50.0 + course - course.mean()) / FS
    lines = 40e-6 * np.sin(phase) + 40e-6 * np.sin(3 * phase + 1)
    return ek.Recording((signal + emg + lines)[None], FS), ek.Pulses(onsets, time_source="trigger"), emg


def kept(separated: ek.Separation, emg: np.ndarray) -> float:
    """EMG over what is wrong in the voluntary part, dB, but for the first and the last second."""
    inside = slice(int(FS), -int(FS))
    wrong = separated.voluntary.signal[0] - emg
    return float(10 * np.log10(np.mean(emg[inside] ** 2) / np.mean(wrong[inside] ** 2)))


@pytest.mark.parametrize(("rate", "least"), [pytest.param(33.0, 17.0, marks=pytest.mark.slow), (29.97, 5.0)])
@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_mains_of_a_minute_is_followed_where_a_harmonic_of_it_is_told_from_the_response(rate, least, seed):
    # the EMG stands 10·log10(30² / 40²) = -2.5 dB over both lines together; the third lies 0.15 Hz from the
    # fifth harmonic of 29.97 Hz, where it is no longer told from a response that changes
    scores = [
        kept(ek.separate(recording, pulses, PhaseSpline(shapes=False)), emg)
        for wander in (1e-4, 1e-2)
        for recording, pulses, emg in [made(seed, rate, wander)]
    ]
    assert min(scores) >= least, np.round(scores, 1)


def test_what_may_lie_in_the_response_is_said_unless_the_recording_tells_it_without_pulses():
    said = []
    for first in (0.5, 10.0):
        recording, pulses, _ = made(1, 29.97, 1e-4, first)
        messages = ek.separate(recording, pulses, PhaseSpline(shapes=False)).messages
        said.append(any("150 Hz, if there is any" in line or "150.0 Hz cannot be told" in line for line in messages))
    assert said == [True, False]


def test_lines_are_found_in_the_stretch_before_the_first_pulse():
    # of 60 s, 17 are without pulses: lines are a quarter as sharp there, and more orders stand out of fewer bins
    for seed in range(4):
        recording, pulses, _ = made(seed, 29.97, 1e-4, first=17.0)
        known = np.ones(recording.signal.shape, bool)
        mains = mains_without_pulses(recording.signal, known, FS, pulses)
        assert mains.frequency == pytest.approx(50.0, abs=0.003), seed
        assert mains.orders[:2] == (1, 3), (seed, mains.orders)
        assert len(mains.orders) <= 3, (seed, mains.orders)
