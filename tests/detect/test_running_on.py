"""Responses that run on under the next stimulus: it begins where the waveform leaves its course, and nowhere else."""

import numpy as np
import pytest
from scipy.signal import bessel, sosfilt

import emgkit as ek
from emgkit.benchmark.cases import CASES
from emgkit.detect.course import course_before

FS = 2000.0


def recorded(rate, seed, after=0.012, size=2e-3, slow=350.0, filter_=None, fs=FS, seconds=8.0):
    """Biphasic pulses of 2 mV and M-waves that are steepest some time after each of them, rendered at 64 kHz."""
    fine, rng = 64000.0, np.random.default_rng(seed)
    onsets = 0.5 + np.arange(int((seconds - 1) * rate)) / (rate * (1 + 80e-6)) + rng.uniform(0, 1e-3)
    onsets = onsets + 20e-6 * rng.standard_normal(onsets.size)
    wave = np.zeros(round(seconds * fine))
    for onset in onsets:
        for begin, height in ((0.0, 2e-3), (2e-4, -2e-3)):
            wave[round((onset + begin) * fine) : round((onset + begin + 2e-4) * fine)] += height
        since = (np.arange(0.002, 0.030, 1 / fine) - after) * slow
        low = round((onset + 0.002) * fine)
        wave[low : low + since.size] -= size * since * np.exp(0.5 - since**2 / 2)
    shape = bessel(4, 800.0, fs=fine, output="sos", norm="mag") if filter_ is None else filter_(fine)
    signal = sosfilt(shape, wave)[:: round(fine / fs)]
    return ek.Recording(signal + 4e-6 * rng.standard_normal(signal.size), fs), onsets


def offset(found, onsets):
    near = found.onsets[np.abs(found.onsets[:, np.newaxis] - onsets).argmin(axis=0)]
    return float(np.median(near - onsets))


@pytest.mark.parametrize(
    "after", [0.010, *(pytest.param(one, marks=pytest.mark.slow) for one in (0.011, 0.012)), 0.013]
)
@pytest.mark.parametrize("rate", [62.3, pytest.param(71.7, marks=pytest.mark.slow), 84.1])
def test_the_stimulus_begins_where_the_response_before_it_is_left(rate, after):
    made, onsets = recorded(rate, round(1e4 * after), after)
    for found in (ek.detect_pulses(made), ek.refine_pulses(made, ek.Pulses(onsets))):
        assert abs(offset(found, onsets)) < 1.2e-4, f"{offset(found, onsets) * 1e6:.0f} µs"


@pytest.mark.parametrize("given", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("seed", [1000])
def test_a_ripple_on_the_course_is_not_the_stimulus(seed, given):
    """80 Hz on a clock of nearly 2000 Hz: what changes during the recording changes from place to place."""
    made = CASES["rate80_lifelike"].make(np.random.default_rng(seed))
    true = made.truth.onsets
    found = ek.refine_pulses(made.recording, ek.Pulses(true)) if given else ek.detect_pulses(made.recording)
    assert abs(offset(found, true)) < 1.3e-4, f"{offset(found, true) * 1e6:.0f} µs"


RISE = 0.3  # ms


def jumping(course, ripple=0.0, fs=FS, rise=RISE, late=0.0):
    """Rise by 1 at 0 ms from a course, in ms; ripples of a sample, larger by ``late`` in the last sample before."""
    time = np.arange(-7 * 64, 3 * 64) / (64 * fs) * 1e3
    wave = course(time) + np.clip(time / rise, 0, 1) ** 2
    size = ripple * np.sqrt(2) * np.where(np.abs(time + 0.5e3 / fs) <= 0.5e3 / fs, 1 + late, 1.0)
    peak = int(np.searchsorted(time, 2e3 / fs))
    return time, wave + size * np.sin(2 * np.pi * time * 1e-3 * fs), peak


@pytest.mark.parametrize("phase", np.linspace(0, 2 * np.pi, 8, endpoint=False))
def test_a_course_is_followed_under_the_stimulus(phase):
    def sine(time):
        return 0.5 * np.sin(2 * np.pi * time / 14 + phase)

    time, wave, peak = jumping(sine)
    course, begin = course_before(wave, peak, FS, False)
    near = (time >= time[begin]) & (time <= 0.3)
    assert np.abs(course - sine(time))[near].max() < 0.05


def test_a_course_is_not_followed_far():
    time, wave, peak = jumping(lambda time: 0.1 * time**2 + 0.1 * time)
    course, _ = course_before(wave, peak, FS, False)
    assert np.ptp(course[time >= 0.65]) == 0
    assert np.ptp(course[(time >= 0.4) & (time <= 0.65)]) > 0


@pytest.mark.parametrize(("fs", "stretch"), [(1000.0, 3.0), (2000.0, 2.0), (3000.0, 2.0)])
def test_a_course_is_known_from_two_milliseconds_or_three_samples(fs, stretch):
    time, wave, peak = jumping(lambda time: 0.1 * time, fs=fs, rise=2e3 * RISE / fs)
    course, begin = course_before(wave, peak, fs, False)
    assert time[begin] == pytest.approx(-stretch, abs=0.15)
    assert time[begin] + stretch <= 0.01  # nothing of the rise is taken for the course
    assert course[time > 0].min() > 0


def test_what_is_nearly_level_has_no_course():
    for slope, some in ((0.02, False), (0.032, True)):
        _, wave, peak = jumping(lambda time, slope=slope: slope * time)
        assert (course_before(wave, peak, FS, False) is not None) == some


@pytest.mark.parametrize(
    ("ripple", "creeping", "some"),
    [(0.008, False, True), (0.018, False, False), (0.05, True, True), (0.1, True, False)],
)
def test_a_course_is_smooth_or_ripples_where_pulses_creep(ripple, creeping, some):
    _, wave, peak = jumping(lambda time: 0.15 * time, ripple)
    assert (course_before(wave, peak, FS, creeping) is not None) == some


def test_a_course_that_gets_rougher_has_ended():
    ends = []
    for late in (0.0, 0.15, 0.6):
        time, wave, peak = jumping(lambda time: 0.15 * time, 0.03, late=late)
        _, begin = course_before(wave, peak, FS, True)
        ends.append(time[begin] + 2)
    assert min(ends[:2]) > -0.3
    assert ends[2] < -0.3
