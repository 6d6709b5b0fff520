"""Courses of mains lines against lines that are known."""

import numpy as np
import pytest

from emgkit.artifact.interference import Mains
from emgkit.artifact.line_courses import fit_lines, no_lines, render_lines

FS, SCALE = 1000.0, 5e-5
ORDERS = (1, 3)


def fitted(signal, frequency, orders=ORDERS, known=None):
    mains = Mains(frequency, orders)
    known = np.ones(signal.shape, bool) if known is None else known
    lines = fit_lines(signal, known, FS, mains, orders)
    return render_lines(lines, FS, signal.shape[1], mains, orders), lines


def noise(shape, seed):
    return SCALE * np.random.default_rng(seed).standard_normal(shape)


def line(times, size=4e-5, frequency=50.02):
    return size * (np.cos(2 * np.pi * frequency * times + 1) + 0.2 * np.sin(6 * np.pi * frequency * times))


@pytest.mark.parametrize("duration", [5.0, 20.0, 60.0])
def test_steady_lines_are_known_as_well_as_constants_are(duration):
    times = np.arange(int(duration * FS)) / FS
    off, stated = [], []
    for seed in range(16):
        found, lines = fitted((line(times) + noise(times.size, seed))[np.newaxis], 50.02)
        off.append(np.mean((found[0] - line(times)) ** 2))
        stated.append(lines.variance[0])
    # four constants in white noise: each takes σ²/N of the power
    bound = 4 * SCALE**2 / times.size
    assert np.mean(off) < 1.5 * bound, (np.median(off) / bound, max(off) / bound)
    assert 0.6 < np.mean(off) / np.mean(stated) < 1.6, np.mean(off) / np.mean(stated)


@pytest.mark.parametrize("change", ["step", "drift", "gone"])
def test_lines_that_change_are_followed(change):
    times = np.arange(int(60 * FS)) / FS
    size = {"step": np.where(times > 35, 6e-5, 3e-5), "drift": 4e-5, "gone": np.where(times > 35, 0.0, 4e-5)}[change]
    wander = 0.01 * times**2 / 60 if change == "drift" else 0.0  # 20 mHz over a minute
    frequency = 50.02 + np.divide(wander, times, out=np.zeros(times.size), where=times > 0)
    true, off, stiff = line(times, size, frequency), [], []
    for seed in range(6):
        signal = (true + noise(times.size, seed))[np.newaxis]
        off.append(np.mean((fitted(signal, 50.03)[0][0] - true) ** 2))
        basis = np.stack([turn(2 * np.pi * k * 50.03 * times) for k in ORDERS for turn in (np.cos, np.sin)], axis=1)
        stiff.append(np.mean((basis @ np.linalg.lstsq(basis, signal[0], rcond=None)[0] - true) ** 2))
    assert max(off) < 0.01 * SCALE**2, (np.median(off), max(off))
    assert np.median(off) < 0.1 * np.median(stiff), (off, stiff)


def test_a_line_that_is_not_there_costs_less_than_its_constants():
    times = np.arange(int(10 * FS)) / FS
    taken = [np.mean(fitted(noise((1, times.size), seed), 50.0)[0] ** 2) for seed in range(40)]
    assert np.mean(taken) < 0.8 * 4 * SCALE**2 / times.size, (np.median(taken), max(taken))


def test_a_line_goes_on_where_samples_are_missing_and_quiet_pieces_tell_more():
    times = np.arange(int(20 * FS)) / FS
    known = np.ones((1, times.size), bool)
    known[0, 5000:9000] = False
    off = []
    for seed in range(6):
        loud = np.where(times > 10, 20.0, 1.0) * noise(times.size, seed)
        found, _ = fitted(np.where(known, line(times) + loud, 0.0), 50.02, known=known)
        off.append(np.mean((found[0] - line(times)) ** 2))
    # the six quiet seconds that are known tell it: four constants, and little more where it is loud
    assert np.median(off) < 3 * 4 * SCALE**2 / 6000, (np.median(off), max(off))


def test_lines_of_short_recordings_and_no_lines():
    times = np.arange(300) / FS
    found, lines = fitted(np.stack([line(times), 0 * times]), 50.02)
    assert lines.amplitudes.shape == (1, 2, 4)
    assert found[0] == pytest.approx(line(times), abs=1e-8)
    assert (found[1] == 0).all()
    assert no_lines(2).amplitudes.shape == (1, 2, 0)
    assert (fitted(noise((2, 300), 0), 50.0, ())[0] == 0).all()
    gone, _ = fitted(noise((1, 3000), 0), 50.0, known=np.zeros((1, 3000), bool))
    assert (gone == 0).all()


@pytest.mark.parametrize("quiet", [1e-3, 1e-6, 1e-9])
def test_lines_are_finite_however_quiet_a_stretch_is(quiet):
    """As before the first pulses of a recording whose artifacts are large: there the line is known best."""
    times = np.arange(int(14 * FS)) / FS
    size = np.where(times < 2, quiet, 1.0)
    for seed in range(8):
        found, lines = fitted((size * (noise(times.size, seed) + line(times)))[np.newaxis], 50.02)
        assert np.isfinite(found).all(), (seed, quiet)
        assert np.isfinite(lines.variance).all(), (seed, quiet)
        still = slice(0, int(1.5 * FS))
        assert np.abs(found[0, still]).max() < 3 * quiet * np.abs(line(times)).max(), (seed, quiet)
