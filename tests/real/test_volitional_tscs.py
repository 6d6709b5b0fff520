"""30 Hz stimulation with voluntary bursts: the artifact goes, the voluntary EMG stays, mains is no response.

Both sides of every comparison are band-limited to 20-500 Hz and freed of mains in the same way, here and not with
the package's own code.
"""

from pathlib import Path

import numpy as np
import pytest
from scipy.io import loadmat
from scipy.signal import butter, sosfiltfilt, welch

import emgkit as ek

pytestmark = pytest.mark.real

FS = 4000.0
BAND = butter(4, [20, 500], "bandpass", fs=FS, output="sos")
SHAM_BURSTS = [(26.5, 30.0), (39.5, 43.0), (50.5, 54.0), (63.5, 67.0), (73.0, 76.5)]


def read(folder: Path, name: str) -> ek.Recording:
    return ek.read_recording(folder / "volitional-tscs" / name, variable="emg", rate_variable="Fs", unit="uV")


def banded(signal: np.ndarray) -> np.ndarray:
    return sosfiltfilt(BAND, signal - signal.mean())


def stretch(signal: np.ndarray, span: tuple[float, float]) -> np.ndarray:
    return signal[round(span[0] * FS) : round(span[1] * FS)]


def without_mains(piece: np.ndarray, mains: float = 59.98) -> np.ndarray:
    """Take the least-squares sum of mains harmonics out of a stretch; the frequency is refined by its power."""
    time = np.arange(piece.size) / FS
    best = min((mains + shift for shift in np.arange(-0.03, 0.031, 0.005)), key=lambda rate: _left(piece, time, rate))
    basis = _lines(time, best)
    return piece - basis @ np.linalg.lstsq(basis, piece, rcond=None)[0]


def _lines(time: np.ndarray, rate: float) -> np.ndarray:
    angle = 2 * np.pi * rate * np.outer(time, np.arange(1, 9))
    return np.hstack([np.cos(angle), np.sin(angle)])


def _left(piece: np.ndarray, time: np.ndarray, rate: float) -> float:
    basis = _lines(time, rate)
    return float(np.sum((piece - basis @ np.linalg.lstsq(basis, piece, rcond=None)[0]) ** 2))


def rms(signal: np.ndarray, span: tuple[float, float]) -> float:
    """RMS in V of a band-limited stretch without mains."""
    return float(np.sqrt(np.mean(without_mains(stretch(banded(signal), span)) ** 2)))


def blanked_with_lines(
    signal: np.ndarray, onsets: np.ndarray, before: float = 0.0005, after: float = 0.0025
) -> np.ndarray:
    """Replace 3 ms about every pulse by a straight line: the artifact lasts 1.75 ms from its leading edge on."""
    filled = signal.copy()
    for onset in onsets:
        low, high = int(np.ceil((onset - before) * FS)), int(np.floor((onset + after) * FS))
        low, high = max(low, 1), min(high, signal.size - 2)
        filled[low : high + 1] = np.interp(np.arange(low, high + 1), [low - 1, high + 1], signal[[low - 1, high + 1]])
    return filled


@pytest.fixture(scope="module")
def stimulated(real_data):
    return read(real_data, "stim_on.mat")


@pytest.fixture(scope="module")
def pulses(stimulated):
    return ek.detect_pulses(stimulated)


@pytest.fixture(scope="module")
def parts(stimulated, pulses):
    return ek.separate(stimulated, pulses)


def test_the_unit_is_asked_for_and_the_rate_is_read(real_data, stimulated):
    assert stimulated.fs == FS
    assert stimulated.duration == pytest.approx(86, abs=1)
    with pytest.raises(ek.UnitError, match="unit"):
        ek.read_recording(real_data / "volitional-tscs" / "stim_on.mat", variable="emg", rate_variable="Fs")


def test_the_samples_are_those_of_the_file(real_data, stimulated):
    stored = loadmat(real_data / "volitional-tscs" / "stim_on.mat")["emg"].astype(float).astype(float)
    assert stimulated.signal == pytest.approx(stored * 1e-6, rel=1e-12)


def test_every_pulse_is_found_and_none_before_the_first(pulses):
    assert abs(len(pulses) - 2021) <= 1
    assert pulses.onsets[0] > 18.5
    assert 29.98 <= pulses.rate <= 29.99


def test_pulses_lie_on_a_straight_clock(pulses):
    onsets = pulses.crop(40, 80).onsets
    count = np.round((onsets - onsets[0]) * pulses.rate)
    line = np.polynomial.Polynomial.fit(count, onsets, 1)
    scatter = np.sqrt(np.mean((onsets - line(count)) ** 2))
    assert scatter <= 10e-6, f"{scatter * 1e6:.1f} µs about a straight line"
    assert 29.98 <= 1 / line.convert().coef[1] <= 29.99


def test_rest_is_as_quiet_as_after_blanking_and_the_burst_stays(stimulated, pulses, parts):
    voluntary = parts.voluntary.signal[0]
    blanked = blanked_with_lines(stimulated.signal[0], pulses.onsets)
    rest, burst = (60.0, 75.0), (80.0, 83.0)
    assert rms(blanked, rest) == pytest.approx(34e-6, rel=0.03)
    assert rms(voluntary, rest) <= 1.05 * rms(blanked, rest)
    assert 0.90 <= rms(voluntary, burst) / rms(blanked, burst) <= 1.0


def test_no_line_of_the_stimulation_is_left(parts):
    piece = stretch(parts.voluntary.signal[0], (60.0, 75.0))
    frequencies, power = welch(piece, FS, "hann", nperseg=piece.size)
    heights = {}
    for harmonic in range(5, 17):
        if harmonic % 2 == 0:
            continue  # 2 k × 29.985 Hz is a mains line
        line = harmonic * 29.985
        near = np.abs(frequencies - line) <= 0.15
        about = (np.abs(frequencies - line) <= 5) & (np.abs(frequencies - line) > 0.4)
        heights[harmonic] = 10 * np.log10(power[near].max() / np.median(power[about]))
    # the largest of five χ² bins stands some 5 dB over the median of noise on its own
    assert max(heights.values()) <= 10, heights


def test_sham_pulses_take_nothing_and_mains_is_no_response(real_data, pulses):
    off = read(real_data, "stim_off.mat")
    sham = ek.Pulses(pulses.onsets[pulses.onsets < off.stop - 0.05])
    parts = ek.separate(off, sham)
    gains = [rms(parts.voluntary.signal[0], span) / rms(off.signal[0], span) for span in SHAM_BURSTS]
    assert min(gains) >= 0.97, gains
    evoked = stretch(banded(parts.evoked.signal[0]), (30.0, 75.0))
    floor = rms(off.signal[0], (31.0, 39.0))
    assert np.sqrt(np.mean(evoked**2)) <= 0.1 * floor


def test_no_pulses_are_found_where_there_are_none(real_data):
    with pytest.raises(ek.NoPulsesError):
        ek.detect_pulses(read(real_data, "stim_off.mat"))


def test_mains_goes_into_interference_and_not_into_evoked(parts):
    def line_power(part: ek.Recording) -> float:
        piece = stretch(part.signal[0] - part.signal[0].mean(), (60.0, 75.0))
        time = np.arange(piece.size) / FS
        basis = _lines(time, 59.98)
        return float(np.var(basis @ np.linalg.lstsq(basis, piece, rcond=None)[0]))

    assert line_power(parts.evoked) <= 0.05 * line_power(parts.interference)


@pytest.mark.parametrize("name", ["stim_on.mat", "stim_off.mat"])
def test_no_sample_of_a_sound_recording_is_called_held(real_data, name):
    recording = read(real_data, name)
    assert ek.mark_held(recording).valid.all()


def test_the_set_up_of_the_recording_is_sound_but_for_the_mains(stimulated):
    """Mains at twice the stimulation rate is told, and is taken neither for a response nor for an overlap."""
    check = ek.check_setup(stimulated, ek.detect_pulses(stimulated), mains=60.0)
    assert [finding.name for finding in check.findings if finding.grade != "good"] == ["mains"]
