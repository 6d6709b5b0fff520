"""Responses beside gaps, and beside another stimulator's pulses, against known answers."""

import numpy as np
import pytest
from scipy.signal import butter, sosfiltfilt

import emgkit as ek
from emgkit.artifact.spline_pulse_times import recovery_courses
from emgkit.artifact.spline_tail_after import find_tail, tails_of

FS = 2000.0


def missing_some(rng):
    beats = np.arange(600)
    came = ~np.isin(beats, rng.choice(np.arange(10, 590), 24, replace=False))
    return 0.1003 + beats / 29.97, came


def test_what_outlasts_the_interval_is_taken_from_gaps_and_given_back_after_them():
    """Responses that fade with 16 ms, some absent: a train lacks them by a law without a free number."""
    fade, interval, count = 0.016, 1 / 29.97, 41_000
    time = np.arange(count) / FS
    left = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        beats, came = missing_some(rng)
        onsets = beats[came]
        whole, mean = np.zeros(count), np.zeros(count)
        for beat, here in zip(beats, came, strict=True):
            since = time - beat
            wave = -400e-6 * np.where((since >= 0) & (since < 0.3), np.exp(-np.maximum(since, 0) / fade), 0.0)
            whole += wave * here
        steady = -400e-6 / (1 - np.exp(-interval / fade))
        for onset in onsets:  # what a periodic response says of every pulse until the next beat
            since = time - onset
            mean += np.where((since >= 0) & (since < interval), steady * np.exp(-np.maximum(since, 0) / fade), 0.0)
        late = time > beats[5]
        rest = (whole - mean) * late * (time < beats[-5])
        noise = 10e-6 * rng.standard_normal(count)
        places, signs = tails_of(onsets, np.zeros(onsets.size, int), interval, interval, 2)
        known, weight, within = np.ones((1, count), bool), np.array([1e10]), places < beats[-5]
        tail = find_tail(places[within], signs[within], interval, (rest + noise)[np.newaxis], known, weight, FS)
        after = tail.taken_from(rest[np.newaxis], FS)[0]
        left.append(np.sqrt((after**2).sum() / (rest**2).sum()))
    assert np.max(left) < 0.25, left


def two_clocks(drift):
    first = np.arange(300) / 30
    second = 0.0055 + np.arange(200) / 20 * (1 + drift)
    return first, second, np.sort(np.concatenate([first, second]))


def explained(courses, target):
    found, *_ = np.linalg.lstsq(np.stack(courses, axis=1), target, rcond=None)
    return 1 - np.var(target - np.stack(courses, axis=1) @ found) / np.var(target)


@pytest.mark.parametrize("drift", [0.0, 1e-4, -1e-4])
def test_courses_follow_a_response_that_recovers_with_the_gap_while_clocks_drift_apart(drift):
    first, second, every = two_clocks(drift)
    gaps = first - np.concatenate([[-1.0], second])[np.searchsorted(second, first)]
    size = 1 - np.exp(-np.maximum(gaps - 0.002, 0) / 0.004) * (gaps < 0.015)
    assert explained([np.ones(first.size), *recovery_courses(first, every)], size) > 0.99


def test_a_group_of_gaps_is_not_cut_at_a_border():
    first, second, every = two_clocks(2e-4)  # gaps of the second drift over 8 ms, within which nothing happens
    gaps = second - np.concatenate([[-1.0], first])[np.searchsorted(first, second)]
    soon = (gaps < 0.015).astype(float)
    assert explained([np.ones(second.size), *recovery_courses(second, every)], soon) > 0.999


def test_the_last_pulse_of_a_train_has_a_course_of_its_own_beside_another_stimulator_only():
    first, second, every = two_clocks(0.0)
    paused = np.concatenate([first, first + 15.0])
    alone = [course for course in recovery_courses(paused, np.concatenate([every, every + 15.0])) if course.sum() == 1]
    assert {int(np.argmax(course)) for course in alone} == {299, 599}
    some = np.delete(first, [50, 120])
    beside = np.sort(np.concatenate([some, second]))
    alone = [course for course in recovery_courses(some, beside) if course.sum() == 1]
    assert {int(np.argmax(course)) for course in alone} == {297}, "a pulse that does not come is no end"
    assert not recovery_courses(paused, paused)


@pytest.mark.parametrize("rate", [40.0, pytest.param(80.0, marks=pytest.mark.slow)])
def test_emg_after_a_train_that_ends_once_stays(rate):
    """Nothing but EMG is there from 30 ms after the last pulse on, and what is taken lies within the declared reach."""
    left = []
    for seed in range(6):
        rng = np.random.default_rng(seed)
        count, onsets = 8000, 0.5 + np.arange(int(2.5 * rate)) / rate * (1 + 1e-4)
        time = np.arange(count) / FS
        emg = sosfiltfilt(butter(2, (20, 400), "bandpass", fs=FS, output="sos"), rng.standard_normal(count))
        emg *= 1e-4 / emg.std()
        signal = emg.copy()
        for onset in onsets:
            near = slice(int((onset - 0.002) * FS), int((onset + 0.03) * FS))
            since = time[near] - onset
            place = (since - 0.008) / 0.002
            signal[near] += 3e-3 * np.exp(-0.5 * ((since - 0.5e-3) / 0.2e-3) ** 2) - 2e-3 * place * np.exp(-(place**2))
        parts = ek.separate(ek.Recording(signal[np.newaxis], FS), ek.Pulses(onsets), ek.PhaseSpline())
        after = (time > onsets[-1] + 0.03) & (time < onsets[-1] + 0.08)
        left.append(10 * np.log10(np.mean(emg[after] ** 2) / np.mean((parts.voluntary.signal[0] - emg)[after] ** 2)))
        beyond = time > onsets[-1] + parts.parts.reach[1] + 1 / FS
        assert not parts.artifact.signal[0, beyond].any(), seed
        assert not parts.evoked.signal[0, beyond].any(), seed
    assert np.median(left) > 6, (np.median(left), min(left))
    assert min(left) > 2, (np.median(left), min(left))


def test_a_late_response_after_the_last_pulse_is_no_emg():
    """An H-reflex 30 to 45 ms after every pulse lies under the next one, but after the last it stands alone."""
    left = []
    for seed in range(4):
        rng = np.random.default_rng(seed)
        count, onsets = 8000, 0.5 + np.arange(100) / 40.004
        time = np.arange(count) / FS
        emg = sosfiltfilt(butter(2, (20, 400), "bandpass", fs=FS, output="sos"), rng.standard_normal(count))
        emg *= 3e-5 / emg.std()
        signal = emg.copy()
        for onset in onsets:
            since = time - onset
            early, late = (since - 0.008) / 0.002, (since - 0.037) / 0.002
            signal += 3e-3 * np.exp(-0.5 * ((since - 0.5e-3) / 0.2e-3) ** 2)
            signal -= 2e-3 * early * np.exp(-(early**2)) + 1e-3 * late * np.exp(-(late**2))
        parts = ek.separate(ek.Recording(signal[np.newaxis], FS), ek.Pulses(onsets), ek.PhaseSpline())
        after = (time > onsets[-1] + 0.030) & (time < onsets[-1] + 0.045)
        wrong = (parts.voluntary.signal[0] - emg)[after]
        left.append(float(np.sqrt(np.mean(wrong**2))) / 30e-6)
    # left in the voluntary EMG, the reflex is ten times the EMG there; what is fitted freely takes the EMG, not more
    assert max(left) < 1.5, np.round(left, 2)


@pytest.mark.parametrize("first", [0.001, 0.0035, 0.0065])
def test_a_train_of_smooth_pulses_may_go_on_to_the_end_of_the_recording(first):
    """At 129 Hz the last response ends after the last sample: no tail can be looked for after it."""
    fs, rate, times = 1000.0, 129.15888, np.arange(20_000) / 1000.0
    noise = 1e-6 * np.random.default_rng(1).standard_normal((2, times.size))
    wave = sum(np.sin(2 * np.pi * order * rate * times + order) / order for order in (1, 2, 3))
    recording = ek.Recording(1e-4 * np.array([[1.0], [-0.5]]) * wave + noise, fs)
    apart = ek.separate(recording, ek.Pulses(np.arange(first, 20.0 - 0.5 / fs, 1 / rate)), method=ek.PhaseSpline())
    left = apart.voluntary.signal[:, 1000:-1000]
    assert np.isfinite(left).all()
    assert (left.std(axis=1) < 3e-6).all()


@pytest.mark.parametrize(
    ("size", "effort", "is_found"), [(200e-6, 50e-6, True), (60e-6, 50e-6, False), (0.0, 50e-6, False)]
)
def test_what_a_slow_artifact_leaves_after_the_only_train_is_told_from_effort_that_goes_on(size, effort, is_found):
    """150 µV stayed for a tenth of a second: 17 dB where 42 were possible. Most of the train was at rest."""
    for seed in range(5):
        rng = np.random.default_rng(seed)
        time = np.arange(8000) / FS
        emg = sosfiltfilt(butter(2, (20, 400), "bandpass", fs=FS, output="sos"), rng.standard_normal((1, 8000)))
        emg *= effort / emg.std()
        tail = size * np.where(time > 2.033, np.exp(-np.maximum(time - 2.033, 0.0) / 0.03), 0.0)
        known, weight = np.ones((1, 8000), bool), np.array([1 / 5e-6**2])
        found = find_tail(np.array([2.0]), np.ones(1), 0.033, emg + tail, known, weight, FS, over=True)
        assert (found is not None) == is_found
        if found is not None:
            near = (time > 2.033) & (time < 2.08)
            left = (found.taken_from(emg + tail, FS) - emg)[0, near]
            assert np.sqrt(np.mean(left**2)) < 0.6 * np.sqrt(np.mean(tail[near] ** 2))
