"""Fast steady pulses: what is locked to them wanders, and what moves slowly beside them is not locked."""

import warnings

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.movement import find_movement
from emgkit.artifact.spline_basis import make_design, phase_knots
from emgkit.artifact.spline_locked import Response
from emgkit.artifact.spline_solve import CourseCurves
from emgkit.artifact.spline_time import Segment
from emgkit.artifact.spline_wander import with_wander

FS, SECONDS, RATE = 1000.0, 40.0, 129.159
TIMES = np.arange(int(FS * SECONDS)) / FS
ORDERS = (1, 2, 3)


def locked(wander, seed):
    """Three harmonics, each of which wanders by a share of itself below 0.4 Hz, of its own."""
    rng, wave = np.random.default_rng(seed), np.zeros(TIMES.size)
    for order in ORDERS:
        course = np.zeros(TIMES.size, dtype=complex)
        for slow in rng.uniform(0.05, 0.4, 5):
            course += (rng.standard_normal() + 1j * rng.standard_normal()) * np.exp(2j * np.pi * slow * TIMES)
        course *= wander / np.std(course)
        phase = np.exp(1j * rng.uniform(0, 2 * np.pi))
        wave += 1e-3 * (phase * (1 + course) * np.exp(2j * np.pi * order * RATE * TIMES)).real
    return wave


def noise(seed, slow=2e-5):
    """Noise of 1 µV, and what moves slowly."""
    rng = np.random.default_rng(1000 + seed)
    from scipy.signal import butter, sosfilt

    moving = sosfilt(butter(2, 3.0, output="sos", fs=FS), rng.standard_normal((2, TIMES.size)))
    return 1e-6 * rng.standard_normal((2, TIMES.size)) + slow * moving / moving.std()


def around(rows, rate, width):
    """RMS of what lies so near to a line, (channels,)."""
    spectrum = np.fft.rfft(rows * np.hanning(rows.shape[1]))
    near = np.abs(np.fft.rfftfreq(rows.shape[1], 1 / FS) - rate) < width
    return np.sqrt((np.abs(spectrum[:, near]) ** 2).sum(axis=1)) / rows.shape[1]


def separated(rows):
    pulses = ek.Pulses(np.arange(0.003, SECONDS - 0.01, 1 / RATE))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ek.EmgkitWarning)
        return ek.separate(ek.Recording(rows, FS), pulses, ek.PhaseSpline())


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_harmonics_that_wander_go_down_to_the_noise_about_them_and_folded_ones_stay_as_they_were(seed):
    quiet = noise(seed)
    left = separated(np.array([[1.0], [-0.4]]) * locked(1e-3, seed) + quiet).voluntary.signal
    for order in ORDERS:  # 5 to 30 times without
        assert (around(left, order * RATE, 0.3) < 2.5 * around(quiet, order * RATE, 0.3)).all(), order
    folded = [abs((order * RATE + FS / 2) % FS - FS / 2) for order in range(4, 8)]
    ratios = [around(left, rate, 1.0) / around(quiet, rate, 1.0) for rate in folded]
    assert 0.75 < np.median(ratios) < 1.3  # splines alone bring twice the noise there


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 3))])
def test_movement_beside_fast_pulses_goes_with_the_interference_however_slow_it_is(seed):
    still = noise(seed, slow=0.0)
    rows = np.array([[1.0], [-0.4]]) * locked(0.0, seed)
    parts = separated(rows + noise(seed))
    moved, inside = noise(seed) - still, slice(100, -100)
    left = (parts.interference.signal - moved)[:, inside]
    assert (left.std(axis=1) / moved.std(axis=1)).mean() < 0.1  # a quarter where courses follow it
    left = (parts.artifact.signal + parts.evoked.signal - rows)[:, inside]
    assert (left.std(axis=1) / moved.std(axis=1)).mean() < 0.12


def pulses_and_design(stop=SECONDS - 0.01):
    onsets, knots = np.arange(0.003, stop, 1 / RATE), phase_knots(0.0015, 1 / RATE - 0.0015, FS)
    design = make_design(onsets, FS, TIMES.size, knots)
    size, count = knots.size - 4, onsets.size
    curves = CourseCurves(np.zeros(0, dtype=np.int64), np.zeros((0, size)), np.zeros((0, size), dtype=np.float32))
    segment = Segment(np.arange(count), np.ones(count))
    courses = [np.ones((count, 1))]
    return Response(onsets, knots, [segment], courses, [[curves] * 2], np.zeros(count), [None] * 2, True), design


@pytest.mark.parametrize("effort", [pytest.param(1.0, marks=pytest.mark.slow), 20.0])
def test_wander_is_none_where_harmonics_hold_still_however_the_effort_changes(effort):
    (plain, design), false = pulses_and_design(), 0
    envelope = np.where(TIMES % 10 < 4, effort, 1.0)
    for seed in range(20):
        rest = envelope * noise(seed, slow=0.0)
        made, left = with_wander(plain, design, rest, np.ones(rest.shape, dtype=bool), 1 / RATE)
        assert ((rest - left) ** 2).mean() < 0.005 * (rest**2).mean()
        false += sum(one is not None for one in made.wander)
    assert false <= 10  # of 40 channels with 16 numbers each


def test_too_few_pulses_tell_of_no_wander():
    plain, design = pulses_and_design(stop=4.0)
    rest = noise(0)
    made, left = with_wander(plain, design, rest, np.ones(rest.shape, dtype=bool), 1 / RATE)
    assert made is plain
    assert left is rest


def test_movement_is_what_its_samples_say():
    rows = noise(0)
    movement = find_movement(rows, np.ones(rows.shape, dtype=bool), FS)
    moved = np.zeros_like(rows)
    movement.add_to(moved, FS)
    np.testing.assert_array_equal(movement.taken_from(rows, FS), rows - moved)
    assert movement.there.all()


@pytest.mark.parametrize("order", [2, 5, 8])
def test_twelve_seconds_tell_of_harmonics_also_of_those_that_are_folded(order):
    plain, design = pulses_and_design(stop=12.0)
    inside, quiet = TIMES < 11.9, noise(5, slow=0.0)
    course = 3e-6 * np.exp(2j * np.pi * 0.15 * TIMES)
    rest = quiet + (course * np.exp(2j * np.pi * order * RATE * (TIMES - 0.003))).real
    _, left = with_wander(plain, design, rest, np.ones(rest.shape, dtype=bool), 1 / RATE)
    folded = abs((order * RATE + 0.15 + FS / 2) % FS - FS / 2)
    before, after = (around((rows - quiet)[:, inside], folded, 1.0) for rows in (rest, left))
    assert (after < 0.3 * before).all()
