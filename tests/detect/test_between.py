"""The edge of a stimulus whose pulses all lie at one place between two samples."""

import itertools

import numpy as np
import pytest
from scipy import signal as filters
from scipy.interpolate import PchipInterpolator

import emgkit as ek
from emgkit.detect.between import edge_between
from emgkit.detect.waveform import POINTS

FINE = 200_000  # Hz
PLACES = np.arange(8) / 8 + 0.05


def steps_of(fs, sos, width, phases, place):
    """First differences of a stimulus at 5 ms and a part of a sample, behind a filter, and its edge in samples."""
    edge = round(0.005 * fs) + place
    time = np.arange(round(0.02 * FINE)) / FINE - edge / fs
    shape = ((time >= 0) & (time < width)) * 1.0
    if phases == 2:
        shape -= (time >= width) & (time < 2 * width)
    analog = filters.sosfilt(sos, shape)
    samples = np.interp(np.arange(int(0.019 * fs)) / fs, np.arange(analog.size) / FINE, analog)
    return np.diff(samples, prepend=0.0), edge


def between(steps, noise=0.0):
    """As it is called: through points between the samples, upright, with the first place that is large."""
    points = PchipInterpolator(np.arange(steps.size) * POINTS, steps)(np.arange(POINTS * (steps.size - 1) + 1))
    sharpest = int(np.argmax(np.abs(np.diff(steps)))) + 1
    head = np.abs(points[: sharpest * POINTS + 1])
    first = int(np.argmax(head >= 0.3 * head.max()))
    return edge_between(points * np.sign(points[first]), first, noise) / POINTS


def cases():
    """Rates, filters, and pulses that are usual."""
    for fs, order, kind in itertools.product((1000, 2000, 5000), (2, 4), ("butter", "bessel")):
        for corner in (300.0, 0.3 * fs, 0.45 * fs):
            sos = (
                filters.butter(order, corner, fs=FINE, output="sos")
                if kind == "butter"
                else filters.bessel(order, corner, fs=FINE, output="sos", norm="mag")
            )
            for width, phases in itertools.product((1e-4, 5e-4), (1, 2)):
                yield fs, sos, width, phases


def test_edges_behind_usual_filters_are_right_to_a_part_of_a_sample():
    errors = np.array(
        [[between(steps) - edge for steps, edge in (steps_of(*one, place) for place in PLACES)] for one in cases()]
    )
    assert abs(np.median(errors)) <= 0.15
    assert np.median(np.abs(errors)) <= 0.3
    assert np.quantile(np.abs(errors), 0.9) <= 0.6
    assert np.abs(np.median(errors, axis=0)).max() <= 0.5  # at no place are all of them early, or late


@pytest.mark.parametrize("rest", [0.0, 0.004])
def test_a_small_first_sample_counts_where_the_samples_before_it_rest(rest):
    """Half a percent of the height is a foot if what comes before does not move as much."""
    steps = np.zeros(24)
    steps[2:14:2] = rest
    steps[14:18] = 0.006, 0.7, 1.0, -0.9
    foot = between(steps)
    steps[2:14:2] = 0.02
    assert foot == pytest.approx(14 - 0.4, abs=0.05)
    assert between(steps) == pytest.approx(15 - 0.8, abs=0.05)
    steps[2:14:2] = rest
    assert between(steps, noise=0.001) == foot
    assert between(steps, noise=0.002) == pytest.approx(15 - 0.8, abs=0.05)


@pytest.mark.parametrize(("fs", "rate"), [(2000.0, 50.0), (4000.0, 50.0)])
def test_a_rate_locked_to_the_sampling_rate_leaves_the_edge_to_a_part_of_a_sample(fs, rate):
    """Errors were -0.25 to -0.85 samples, and +1 at some places: a line was drawn between two samples."""
    rng = np.random.default_rng(3)
    sos = filters.butter(3, 0.35 * fs, fs=FINE, output="sos")
    emg = filters.butter(2, (30.0, 300.0), "band", fs=fs, output="sos")
    off = []
    for place in PLACES[::2]:
        steps, edge = steps_of(fs, sos, 2e-4, 2, place)
        wave = np.cumsum(steps)
        beats = (np.arange(4.0, 64.0) * fs / rate).astype(int)
        noise = filters.sosfilt(emg, rng.standard_normal((2, int(70 * fs / rate))), axis=1)
        signal = 1e-6 * rng.standard_normal(noise.shape) + 5e-5 * noise / noise.std()
        for beat in beats:
            signal[:, beat : beat + wave.size] += np.array([[4e-3], [-2e-3]]) * wave
        found = ek.detect_pulses(ek.Recording(signal, fs=fs))
        assert len(found) == beats.size
        off.append(float(np.median(found.onsets * fs - beats - edge)))
    assert np.abs(off).max() <= 0.6
    assert np.median(np.abs(off)) <= 0.3
