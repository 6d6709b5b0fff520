"""Fills and interpolation: what a fill keeps, and that its stated error is its real one."""

import numpy as np
import pytest

import emgkit as ek

FS = 2000.0
FILLS = [ek.Line(), ek.PCHIP(), ek.AR(), ek.ARInnovation()]
each_fill = pytest.mark.parametrize("fill", FILLS, ids=lambda fill: fill.name)


def sham(clean_emg, method, seed):
    """Error and RMS inside the bridged samples of clean EMG, over the RMS of the EMG, beside what is stated."""
    signal = clean_emg(seed)
    parts = method.separate(signal, FS, ek.Pulses(0.3 + np.arange(850) / 30.02))
    bridged = parts.lost[0]
    filled = parts.render("clean", signal)[:, bridged]
    size = signal[:, bridged].std()
    real = (filled - signal[:, bridged]).std() / size, filled.std() / size
    return real, (np.mean(parts.quality["fill_error"]), np.mean(parts.quality["fill_rms"]))


@each_fill
@pytest.mark.parametrize("after", [0.002, 0.006])
def test_the_stated_error_of_a_fill_is_its_real_one(fill, after, clean_emg):
    for seed in range(3):
        real, stated = sham(clean_emg, ek.Interpolation(after=after, fill=fill), seed)
        assert stated == pytest.approx(real, rel=0.12), f"seed {seed}"


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_innovations_keep_the_rms_that_probable_values_lose(clean_emg, seed):
    probable, innovations = (
        sham(clean_emg, ek.Interpolation(after=0.006, fill=fill), seed)[0][1] for fill in (ek.AR(), ek.ARInnovation())
    )
    assert probable < 0.75
    assert innovations == pytest.approx(1.0, abs=0.04)


def test_innovations_keep_the_spectrum(clean_emg):
    """Median frequency of the whole signal, 20 % of it filled."""
    shifts = []
    for seed in range(4):
        signal = clean_emg(seed, channels=1)
        method = ek.Interpolation(after=0.006, fill=ek.ARInnovation())
        filled = method.separate(signal, FS, ek.Pulses(0.3 + np.arange(850) / 30.02)).render("clean", signal)
        powers = [np.cumsum(np.abs(np.fft.rfft(x[0])) ** 2) for x in (signal, filled)]
        middle = [np.searchsorted(power, power[-1] / 2) for power in powers]
        shifts.append(middle[1] / middle[0])
    assert shifts == pytest.approx([1.0] * 4, abs=0.04)


@each_fill
def test_nothing_outside_the_gaps_changes(fill):
    rng = np.random.default_rng(3)
    row = rng.normal(size=3000)
    gaps = np.zeros(3000, dtype=bool)
    for start in (0, 500, 1000, 1030, 2996):
        gaps[start : start + 9] = True
    filled = fill.fill(np.where(gaps, 0.0, row), gaps)
    assert np.array_equal(filled[~gaps], row[~gaps])
    assert np.isfinite(filled).all()


@each_fill
def test_a_row_without_samples_or_with_few_is_filled_with_something_finite(fill):
    for known in (0, 1, 3):
        gaps = np.arange(50) >= known
        assert np.isfinite(fill.fill(np.where(gaps, 0.0, 1e-3), gaps)).all()


def test_pchip_does_not_overshoot_and_keeps_a_straight_line():
    rng = np.random.default_rng(1)
    gaps = np.zeros(400, dtype=bool)
    gaps[100:120] = gaps[300:310] = True
    line = 3e-3 + 2e-5 * np.arange(400)
    assert ek.PCHIP().fill(np.where(gaps, 0.0, line), gaps) == pytest.approx(line, rel=1e-12)
    for _ in range(20):
        row = np.cumsum(rng.normal(size=400))
        filled = ek.PCHIP().fill(np.where(gaps, 0.0, row), gaps)
        low, high = sorted([row[99], row[120]])
        assert filled[100:120].min() >= low - 1e-12
        assert filled[100:120].max() <= high + 1e-12


def test_innovations_do_not_depend_on_unit_or_polarity(clean_emg):
    row = clean_emg(5, duration=1.5, channels=1)[0]
    gaps = np.zeros(3000, dtype=bool)
    gaps[700:712] = gaps[1500:1508] = True
    holed = np.where(gaps, 0.0, row)
    fill = ek.ARInnovation()
    assert fill.fill(-2.5 * holed, gaps) == pytest.approx(-2.5 * fill.fill(holed, gaps), rel=1e-9, abs=1e-15)
    other = ek.ARInnovation(seed=1).fill(holed, gaps)
    assert np.abs(other - fill.fill(holed, gaps))[gaps].max() > 0.1 * row.std()


def test_long_gaps_state_no_error():
    signal = np.random.default_rng(0).normal(size=(1, 8000)) * 1e-5
    parts = ek.Interpolation(after=0.02).separate(signal, FS, ek.Pulses(0.3 + np.arange(100) / 30))
    assert np.isnan(parts.quality["fill_error"]).all()


@pytest.mark.parametrize(
    "wrong", [lambda: ek.ARInnovation(seed=-1), lambda: ek.ARInnovation(order=0), lambda: ek.Interpolation(before=1)]
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ek.ParameterError):
        wrong()
