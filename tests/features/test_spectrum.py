"""Median and mean frequency of a random process."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgkit as ek
from emgkit.features.spectrum import PowerDensity

WHOLE = (0.0, 1000.0)


def truth(known, band):
    """Median and mean of the analytic density within a band, on a grid of 1 mHz."""
    f = np.arange(band[0], band[1], 1e-3)
    density = known.emg_density(f)
    cumulative = np.cumsum(density)
    return float(f[np.searchsorted(cumulative, cumulative[-1] / 2)]), float((f * density).sum() / density.sum())


def test_the_analytic_density_gives_the_analytic_frequencies(known):
    """C-01, N-12: within 0.01 Hz."""
    grid = np.linspace(0, 1000, 20_001)
    density = PowerDensity(known.emg_density(grid)[np.newaxis, np.newaxis], 2000.0, np.ones((1, 1))).within(WHOLE)
    assert density.median()[0] == pytest.approx(95.58, abs=0.01)
    assert density.mean()[0] == pytest.approx(121.04, abs=0.01)


@pytest.mark.parametrize("band", [WHOLE, (20.0, 450.0)])
def test_simulated_emg_gives_the_analytic_frequencies(known, band):
    """C-01, N-10: 600 windows of 1 s within 1 Hz; the band moves MNF by 6 Hz and MDF hardly."""
    table = ek.measure(
        known.windows(known.emg(np.random.default_rng(0), 600, 2000)), [ek.MDF(band=band), ek.MNF(band=band)]
    )
    mdf, mnf = truth(known, band)
    assert abs(table.values["mdf"].mean() - mdf) < 0.8
    assert abs(table.values["mnf"].mean() - mnf) < 0.5


def test_a_whole_recording_gives_them_within_half_a_hertz(known):
    """C-01."""
    table = ek.measure(known.windows(known.emg(np.random.default_rng(1), 3, 300_000)), [ek.MDF(band=WHOLE)])
    assert np.abs(table.values["mdf"] - 95.58).max() < 1.0
    assert abs(table.values["mdf"].mean() - 95.58) < 0.5


@given(st.integers(20, 200), st.floats(-0.5, 0.5))
def test_moving_the_spectrum_by_one_hertz_moves_the_median_by_one_hertz(low, part):
    """N-05, N-14: no steps, on any place between the bins."""
    rng = np.random.default_rng(low)
    time = np.arange(2000) / 2000

    def tones(shift):
        lines = np.arange(low, low + 60, 0.7) + part + shift
        phases = np.random.default_rng(1).uniform(0, 2 * np.pi, lines.size)
        return np.cos(2 * np.pi * lines[:, np.newaxis] * time + phases[:, np.newaxis]).sum(axis=0)

    del rng
    feature = ek.MDF(band=(0, 500), taper=1.0)
    values = [
        feature.measure(
            ek.Segments(tones(s)[np.newaxis, np.newaxis], fs=2000, starts=[0.0], first=0.0, kind="voluntary")
        ).values
        for s in (0.0, 1.0)
    ]
    assert values[1] - values[0] == pytest.approx(1.0, abs=0.25)


def test_a_tone_at_a_bin_has_its_exact_frequency(known):
    """N-14."""
    time = np.arange(2000) / 2000
    table = ek.measure(known.windows(np.cos(2 * np.pi * 100 * time)[np.newaxis]), [ek.MDF(taper=0), ek.MNF(taper=1)])
    assert table.values["mdf"] == pytest.approx(100, abs=0.02)
    assert table.values["mnf"] == pytest.approx(100, abs=0.02)


def test_flat_noise_has_the_middle_of_its_band_and_the_closed_form_scatter(known):
    """Flat 20 ... 500 Hz: MDF = MNF = 260, Var(MDF) = B / 4T, Var(MNF) = B / 12T."""
    noise = known.coloured(np.random.default_rng(0), (500, 4000), 2000.0, band=(20.0, 500.0))
    table = ek.measure(known.windows(noise), [ek.MDF(band=(20, 500), taper=0), ek.MNF(band=(20, 500), taper=0)])
    for name, share in (("mdf", 4), ("mnf", 12)):
        expected = np.sqrt(480 / (share * 2.0))
        assert table.values[name].mean() == pytest.approx(260, abs=3 * expected / np.sqrt(500) + 0.3)
        assert table.values[name].std() == pytest.approx(expected, rel=0.12)
        assert np.median(table.standard_errors[name]) == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize("length", [0.25, 0.5, 1.0, 2.0])
@pytest.mark.parametrize("feature", [ek.MDF(), ek.MNF(), ek.MDF(taper=1.0)], ids=["mdf", "mnf", "mdf Hann"])
def test_standard_errors_are_calibrated(known, feature, length):
    """N-07, N-08: the scatter follows the length and the taper, and so does what is stated."""
    ratios = []
    for seed in range(6):
        signal = known.emg(np.random.default_rng(seed), 200, int(length * 2000))
        measured = feature.measure(known.windows(signal))
        ratios.append(np.sqrt(np.mean(measured.standard_errors**2)) / measured.values.std())
    assert 0.88 < np.median(ratios) < 1.15, f"median {np.median(ratios):.3f}, {ratios}"
    assert 0.75 < min(ratios) <= max(ratios) < 1.3, ratios


@pytest.mark.parametrize("gap", ["one tenth in one piece", "15 % of each interval", "30 % of each interval"])
def test_gaps_neither_bias_the_value_nor_the_standard_error(known, gap):
    """E-02: no number from invented samples; what lies in the gaps does not matter."""
    signal = known.emg(np.random.default_rng(7), 500, 2000)
    phase = (np.arange(2000) * 30 / 2000) % 1
    kept = {"one": np.abs(np.arange(2000) - 700) > 100, "15": phase >= 0.15, "30": phase >= 0.30}[gap.split()[0]]
    valid = np.broadcast_to(kept, signal.shape)
    table = ek.measure(known.windows(np.where(valid, signal, 1e3), valid=valid), ["mdf", "mnf"])
    for name, expected in zip(("mdf", "mnf"), truth(known, (20.0, 450.0)), strict=True):
        values, errors = table.values[name], table.standard_errors[name]
        assert abs(values.mean() - expected) < 0.15 * values.std(), (values.mean(), expected)
        assert 0.88 < np.sqrt(np.mean(errors**2)) / values.std() < 1.25


def test_a_window_with_too_many_gaps_is_missing(known):
    signal = known.emg(np.random.default_rng(7), 4, 2000)
    valid = np.broadcast_to((np.arange(2000) * 30 / 2000) % 1 >= 0.6, signal.shape)
    blanking = (ek.Step("separate", {"method": "blanking", "part": "clean", "evoked_lost_until": 0.02}),)
    table = ek.measure(known.windows(signal, valid=valid, history=blanking), [ek.MDF(), ek.MNF(min_valid=0.1)])
    assert (table.reasons["mdf"] == "blanked").all()
    assert (table.reasons["mnf"] == "blanked").all(), "no pairs at some lags"


def test_white_noise_of_a_tenth_moves_mdf_little(known):
    """N-11: 10 % of RMS, full band: MDF +0.6, MNF +3.7 Hz; in the band less."""
    rng = np.random.default_rng(2)
    clean = known.emg(rng, 300, 2000)
    noisy = clean + 0.1 * rng.standard_normal(clean.shape)
    features = [ek.MDF(band=WHOLE), ek.MNF(band=WHOLE)]
    a, b = (ek.measure(known.windows(signal), features).values for signal in (clean, noisy))
    assert 0.2 < (b["mdf"] - a["mdf"]).mean() < 1.0
    assert 3.0 < (b["mnf"] - a["mnf"]).mean() < 4.5


def test_a_band_above_half_the_rate_is_refused(known):
    """N-06, I-16."""
    segments = known.windows(known.emg(np.random.default_rng(0), 3, 800), fs=800.0)
    with pytest.raises(ek.SamplingRateError, match=r"20 ... 450 Hz needs a sampling rate of at least 900 Hz"):
        ek.measure(segments, "mdf")
    assert np.isfinite(ek.measure(segments, ek.MDF(band=(20, 400))).values["mdf"]).all()


def test_a_window_shorter_than_two_periods_of_the_band_is_too_short(known):
    table = ek.measure(known.windows(known.emg(np.random.default_rng(0), 3, 150)), "mdf")
    assert (table.reasons["mdf"] == "too_short").all()
