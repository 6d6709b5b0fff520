"""The sliding cubic: what it follows exactly, what it leaves, and that no fit crosses a spike."""

import numpy as np
import pytest
from scipy.signal import savgol_filter

import emgkit as ek
from emgkit.artifact.local_polynomial import sliding_cubic

FS = 10000.0


@pytest.mark.parametrize(("count", "half"), [(101, 10), (60, 20), (41, 20)])
def test_the_sliding_cubic_is_a_savitzky_golay_filter(count, half):
    rng = np.random.default_rng(1)
    row = rng.normal(size=count)
    wanted = savgol_filter(row, 2 * half + 1, 3, mode="interp")
    assert sliding_cubic(np.ones(count, bool), half) @ row == pytest.approx(wanted, abs=1e-10)


@pytest.mark.parametrize("count", [8, 30, 95])
def test_a_cubic_is_taken_whole_whatever_is_missing(count):
    rng = np.random.default_rng(count)
    known = np.ones(count, bool)
    known[rng.choice(count, count // 4, replace=False)] = False
    times = np.linspace(-1, 1, count)
    cubic = np.polynomial.Polynomial(rng.normal(size=4))(times)
    holed = np.where(known, cubic, 1e3 * rng.normal(size=count))
    assert sliding_cubic(known, 20) @ holed == pytest.approx(cubic, abs=1e-8)


def stimulated(seed, clean_emg, tail=0.012):
    emg = clean_emg(seed, duration=6.0, fs=FS, channels=1)
    onsets = 0.3 + np.arange(100) / 19.97
    times = np.arange(emg.shape[1]) / FS
    artifact = np.zeros(emg.shape[1])
    for onset in onsets:
        phase = times - onset
        artifact += np.where(phase >= 0, 2e-3 * np.exp(-phase.clip(0) / tail), 0.0)
        artifact += np.where((phase >= 0) & (phase < 0.0006), 50e-3, 0.0)
    return emg, artifact, ek.Pulses(onsets)


@pytest.mark.parametrize(("tail", "most"), [(0.012, 0.03), (0.03, 0.003)])
def test_a_slow_tail_goes(tail, most, clean_emg):
    left = []
    for seed in range(3):
        emg, artifact, pulses = stimulated(seed, clean_emg, tail)
        both, alone = (ek.LocalPolynomial().separate(x, FS, pulses) for x in (emg + artifact, emg))
        within = np.arange(emg.shape[1]) < pulses.onsets[-1] * FS  # the last tail outlasts the reach
        usable = ~both.lost[0] & within
        difference = (both.render("clean", emg + artifact) - alone.render("clean", emg))[0, usable]
        left.append(difference.std() / artifact[usable].std())
    assert max(left) < most, left


def test_a_wide_window_keeps_more_emg_than_a_narrow_one(clean_emg):
    emg, _, pulses = stimulated(0, clean_emg)
    kept = [ek.LocalPolynomial(half_width=width).separate(emg, FS, pulses) for width in (0.003, 0.008, 0.02)]
    gains = [float(parts.quality["gain_on_clean"][0]) for parts in kept]
    assert gains == sorted(gains)
    assert gains[0] < 0.5 < 0.8 < gains[-1]


def test_a_spike_reaches_no_sample_outside_its_blank(clean_emg):
    emg, artifact, pulses = stimulated(0, clean_emg)
    larger = emg + artifact
    times = np.arange(emg.shape[1]) / FS
    near = (np.abs(times[:, np.newaxis] - pulses.onsets - 0.0003) < 0.0004).any(axis=1)
    larger = larger + np.where(near, 1.0, 0.0)
    one, two = (ek.LocalPolynomial().separate(x, FS, pulses) for x in (emg + artifact, larger))
    usable = ~one.lost[0]
    difference = one.render("clean", emg + artifact) - two.render("clean", larger)
    assert np.abs(difference[0, usable]).max() < 1e-12


def test_slow_sampling_is_advised_against(clean_emg):
    emg = clean_emg(1, duration=2.0)
    pulses = ek.Pulses(0.2 + np.arange(50) / 30)
    assert "more than 5 kHz" in ek.LocalPolynomial().separate(emg, 2000.0, pulses).messages[0]
    assert not ek.LocalPolynomial().separate(clean_emg(1, duration=2.0, fs=FS), FS, pulses).messages


def test_a_blank_as_long_as_the_interval_is_refused(clean_emg):
    with pytest.raises(ek.TimingError, match="leaves nothing"):
        ek.LocalPolynomial(blanked=0.02).separate(
            clean_emg(0, duration=2.0), 2000.0, ek.Pulses(0.2 + np.arange(50) / 50)
        )


def test_pulses_that_leave_nothing_between_them_only_cost_what_is_blanked():
    signal = 1e-4 * np.random.default_rng(1).standard_normal((1, 1020))
    parts = ek.LocalPolynomial().separate(signal, 2000.0, ek.Pulses([0.5, 0.503]))
    untouched = ~parts.lost
    assert np.array_equal(parts.render("clean", signal)[untouched], signal[untouched])
