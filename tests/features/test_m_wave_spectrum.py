"""Median and mean frequency of one response."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgkit as ek

SIGMA = 1.5e-3
MDF, MNF = 0.1731 / SIGMA, 0.1796 / SIGMA


def test_a_gaussian_derivative_has_its_closed_form_frequencies(known):
    table = ek.measure(known.evoked(), ["m_wave_mdf", "m_wave_mnf"])
    assert table.values["m_wave_mdf"] == pytest.approx(MDF, rel=1e-3)
    assert table.values["m_wave_mnf"] == pytest.approx(1 / (np.pi**1.5 * SIGMA), rel=1e-3)


@given(st.floats(0.6, 1.5))
def test_uniform_slowing_by_s_scales_both_by_s(scale):
    """Scaling law of uniform slowing, to one per mille."""
    times = 0.002 + np.arange(56) / 2000
    both = []
    for factor in (1.0, scale):
        u = (times - 0.016) / (SIGMA / factor)
        signal = (-u * np.exp(0.5 - u**2 / 2))[np.newaxis, np.newaxis]
        segments = ek.Segments(signal, fs=2000, starts=[0.0], first=0.002, kind="evoked")
        both.append(ek.measure(segments, ["m_wave_mdf", "m_wave_mnf"]).values)
    for name in both[0]:
        assert both[1][name] / both[0][name] == pytest.approx(scale, rel=3e-3)


def test_a_stretch_by_20_per_cent_is_found_within_one_per_cent(known):
    """E-03."""
    fresh, tired = (known.evoked(wave=wave) for wave in (known.wave, lambda t: known.wave(t, sigma=1.2 * SIGMA)))
    ratio = ek.measure(tired, "m_wave_mdf").values["m_wave_mdf"] / ek.measure(fresh, "m_wave_mdf").values["m_wave_mdf"]
    assert ratio == pytest.approx(1 / 1.2, rel=2e-3)


def test_the_closed_form_is_the_limit_of_zero_padding(known):
    segments = known.evoked(count=3, noise=3e-4)
    energy = np.abs(np.fft.rfft(segments.signal, 1 << 18)) ** 2
    frequencies = np.fft.rfftfreq(1 << 18, 1 / 2000)
    cumulative = np.cumsum((energy[..., 1:] + energy[..., :-1]) / 2, axis=-1)
    bins = (cumulative >= cumulative[..., -1:] / 2).argmax(axis=-1)
    options = {"min_snr": 0, "max_end": 1, "max_imbalance": 1}
    padded = {"m_wave_mdf": frequencies[bins + 1], "m_wave_mnf": (energy * frequencies).sum(-1) / energy.sum(-1)}
    table = ek.measure(segments, [ek.MWaveMDF(**options), ek.MWaveMNF(**options)])
    for name, value in padded.items():
        # three responses tell no noise, so nothing is subtracted
        np.testing.assert_allclose(table.values[name], value, atol=0.01)


def test_rate_and_window_length_do_not_matter(known):
    """No bins: the same response in 25 or 40 ms, at 1 to 10 kHz."""
    for fs in (1000, 2000, 4000, 10_000):
        for stop in (0.024, 0.030, 0.050):
            segments = known.evoked(count=5, fs=fs, window=(0.002, stop))
            assert ek.measure(segments, "m_wave_mdf").values["m_wave_mdf"] == pytest.approx(MDF, rel=2e-3)


def test_a_window_estimator_on_a_train_would_snap_to_a_harmonic_and_this_does_not(known):
    """E-01: per response, whatever the rate of the train."""
    time = np.arange(8000) / 2000
    train = sum(known.wave(time - k / 30) for k in range(120))
    power = np.abs(np.fft.rfft(train[:2000])) ** 2
    snapped = np.searchsorted(np.cumsum(power), power.sum() / 2)
    assert snapped % 30 == 0
    cut = ek.cut_m_waves(ek.Recording(train, fs=2000), ek.Pulses(np.arange(115) / 30))
    assert ek.measure(cut, "m_wave_mdf").values["m_wave_mdf"] == pytest.approx(MDF, rel=2e-3)


@pytest.mark.parametrize("white", [False, True])
@pytest.mark.parametrize("feature", [ek.MWaveMDF(), ek.MWaveMNF()], ids=["mdf", "mnf"])
def test_noise_neither_biases_the_value_nor_the_standard_error(known, feature, white):
    """N-11: the energy of noise is taken off."""
    truth = MDF if feature.name == "m_wave_mdf" else MNF
    ratios, means = [], []
    for seed in range(8):
        measured = feature.measure(known.evoked(count=300, noise=8e-5, seed=seed, white=white))
        ratios.append(np.sqrt(np.nanmean(measured.standard_errors**2)) / np.nanstd(measured.values))
        means.append(np.nanmean(measured.values))
    bias, scatter = np.mean(means) - truth, np.nanstd(measured.values)
    # white noise loses some of its power near half the rate when neighbours are interpolated
    assert abs(bias) < (0.2 if white else 0.1) * scatter, f"bias {bias:.3f} of scatter {scatter:.3f} Hz"
    assert 0.92 < np.median(ratios) < 1.15, f"median {np.median(ratios):.3f}, {ratios}"
    assert 0.8 < min(ratios) <= max(ratios) < 1.35, ratios


def test_too_much_noise_and_a_cut_response_are_named(known):
    """E-02, M-11."""
    loud = known.evoked(noise=3e-3, count=200)
    table = ek.measure(loud, [ek.MWaveMDF(min_snr=0, max_end=1, max_imbalance=1)])
    assert (table.reasons["m_wave_mdf"] == "low_snr").mean() > 0.9
    cut = ek.measure(known.evoked(), [ek.MWaveMDF(window=(0.002, 0.0125))])
    assert (cut.reasons["m_wave_mdf"] == "truncated").all()


def test_a_band_above_half_the_rate_is_refused(known):
    with pytest.raises(ek.SamplingRateError, match="at least 3000 Hz, this is 2000 Hz"):
        ek.measure(known.evoked(), [ek.MWaveMDF(band=(5, 1500))])


def test_clipped_samples_of_one_response_do_not_touch_the_others(known):
    base = known.evoked(count=40, noise=2e-5)
    valid = np.ones(base.signal.shape, dtype=bool)
    valid[20, 0, 18:24] = False
    table = ek.measure(replace(base, valid=valid), "m_wave_mdf")
    plain = ek.measure(base, "m_wave_mdf")
    others = np.delete(np.arange(40), 20)
    np.testing.assert_allclose(table.values["m_wave_mdf"][others], plain.values["m_wave_mdf"][others], rtol=1e-3)
