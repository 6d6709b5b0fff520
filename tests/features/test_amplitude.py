"""Peak to peak, area, RMS and ARV: closed forms, noise, gaps, calibrated standard errors."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import emgkit as ek

SIGMA, PEAK = 1.5e-3, 4e-3
AREA = 2 * PEAK * SIGMA * np.exp(0.5)


def calibration(known, feature, seeds=8, noise=5e-5, white=False, **options):
    """Stated standard error (RMS) over actual scatter, one number per seed."""
    ratios = []
    for seed in range(seeds):
        measured = feature.measure(known.evoked(count=300, noise=noise, seed=seed, white=white, **options))
        ratios.append(np.sqrt(np.nanmean(measured.standard_errors**2)) / np.nanstd(measured.values))
    return np.array(ratios)


def test_a_gaussian_derivative_has_its_closed_form_amplitude_and_area(known):
    table = ek.measure(known.evoked(), ["vpp", "area"])
    assert table.values["vpp"] == pytest.approx(2 * PEAK, rel=5e-4)
    assert table.values["area"] == pytest.approx(AREA, rel=1e-3)


def test_a_sine_cycle_has_its_closed_form_amplitude_and_area(known):
    """Biphasic sine cycle of duration D: area 2 A D / π, peak to peak 2 A."""
    duration = 0.012

    def cycle(time):
        phase = (time - 0.008) / duration
        return np.where((phase > 0) & (phase < 1), 1e-3 * np.sin(2 * np.pi * phase), 0.0)

    table = ek.measure(known.evoked(wave=cycle, fs=4000), ["vpp", "area"])
    assert table.values["vpp"] == pytest.approx(2e-3, rel=1e-3)
    assert table.values["area"] == pytest.approx(2e-3 * duration / np.pi, rel=2e-3)


@settings(max_examples=15)
@given(st.floats(1000, 10_000), st.integers(0, 100))
def test_peaks_are_read_between_the_samples(fs, seed):
    """N-21, N-01: neither the rate nor where the pulse falls between the samples matters."""
    rng = np.random.default_rng(seed)
    first = 0.002 + rng.uniform(0, 1 / fs, 8)
    times = first[:, np.newaxis] + np.arange(int(0.028 * fs)) / fs
    u = (times - 0.012) / SIGMA
    signal = (-PEAK * u * np.exp(0.5 - u**2 / 2))[:, np.newaxis]
    table = ek.measure(ek.Segments(signal, fs=fs, starts=np.arange(8.0), first=first, kind="evoked"), ["vpp", "area"])
    close = 1e-2 if fs < 1500 else 2e-3
    assert table.values["vpp"] == pytest.approx(2 * PEAK, rel=close)
    assert table.values["area"] == pytest.approx(AREA, rel=close)
    read_at_samples = np.ptp(signal[:, 0], axis=-1)
    assert np.abs(table.values["vpp"][:, 0] - 2 * PEAK).max() <= np.abs(read_at_samples - 2 * PEAK).max() + 1e-7


def test_uniform_slowing_leaves_vpp_and_stretches_area(known):
    """Scaling law: every delay and width over s: Vpp × 1, area × 1/s."""

    def slowed(time):
        return known.wave(time, sigma=SIGMA / 0.8)

    fresh, tired = (ek.measure(known.evoked(wave=wave), ["vpp", "area"]) for wave in (known.wave, slowed))
    assert np.median(tired.values["vpp"] / fresh.values["vpp"]) == pytest.approx(1, rel=1e-3)
    assert np.median(tired.values["area"] / fresh.values["area"]) == pytest.approx(1.25, rel=3e-3)


def test_an_extremum_at_the_border_is_missing(known):
    """M-03, M-07, O-02: the window cuts into the response."""
    table = ek.measure(known.evoked(), [ek.Vpp(window=(0.0107, 0.030))])
    assert (table.reasons["vpp"] == "pinned").all()
    early = ek.measure(known.evoked(), [ek.Vpp(window=(0.002, 0.0130))])
    assert (early.reasons["vpp"] == "pinned").all()


def test_area_of_a_cut_response_is_missing_and_a_belly_tendon_response_can_be_let_through(known):
    """M-11."""
    assert (ek.measure(known.evoked(), [ek.Area(window=(0.002, 0.013))]).reasons["area"] == "truncated").all()

    def one_sided(time):
        return np.exp(-(((time - 0.012) / 2e-3) ** 2) / 2) * 1e-3

    segments = known.evoked(wave=one_sided)
    assert (ek.measure(segments, "area").reasons["area"] == "truncated").all()
    table = ek.measure(segments, ek.Area(max_imbalance=1.0))
    assert table.values["area"] == pytest.approx(1e-3 * 2e-3 * np.sqrt(2 * np.pi), rel=1e-3)


def test_noise_alone_is_no_response(known):
    table = ek.measure(known.evoked(wave=np.zeros_like, noise=2e-5), ["vpp", "area", "m_wave_mdf", "latency"])
    for name in table.names:
        assert (table.reasons[name] == "no_response").mean() > 0.99


def test_the_bias_that_noise_adds_to_peak_to_peak_is_bounded(known):
    """N-19: known and positive; at 1 % of noise far below the scatter of one response."""
    values = [ek.measure(known.evoked(noise=4e-5, seed=seed), "vpp").values["vpp"].mean() for seed in range(10)]
    assert -5e-4 < np.mean(values) / (2 * PEAK) - 1 < 2e-3, np.mean(values) / (2 * PEAK) - 1


@pytest.mark.parametrize("white", [False, True])
def test_the_area_that_noise_adds_is_taken_off(known, white):
    for noise in (2e-5, 1e-4):
        seeds = range(6)
        values = [ek.measure(known.evoked(noise=noise, seed=s, white=white), "area").values["area"] for s in seeds]
        raw = [np.abs(known.evoked(noise=noise, seed=s, white=white).signal).sum(-1) / 2000 for s in seeds]
        left, added = np.mean(values) / AREA - 1, np.mean(raw) / AREA - 1
        assert abs(left) < 0.1 * added + 5e-4, f"noise {noise}: {left:.5f} of {added:.5f} left"


@pytest.mark.parametrize("white", [False, True])
@pytest.mark.parametrize("feature", [ek.Vpp(), ek.Area()], ids=["vpp", "area"])
def test_standard_errors_of_m_wave_amplitudes_are_calibrated(known, feature, white):
    ratios = calibration(known, feature, white=white)
    worst = ratios[np.argmax(np.abs(np.log(ratios)))]
    assert 0.93 < np.median(ratios) < 1.12, f"median {np.median(ratios):.3f}, worst {worst:.3f}"
    assert 0.80 < worst < 1.30, f"median {np.median(ratios):.3f}, worst {worst:.3f}"


def test_variation_of_the_m_wave_itself_counts_as_noise(known):
    base = known.evoked(count=400)
    gains = 1 + 0.02 * np.random.default_rng(1).standard_normal(400)
    segments = ek.Segments(
        base.signal * gains[:, np.newaxis, np.newaxis], fs=2000, starts=base.starts, first=base.first, kind="evoked"
    )
    table = ek.measure(segments, "vpp")
    assert np.nanmedian(table.standard_errors["vpp"]) == pytest.approx(0.02 * 2 * PEAK, rel=0.1)


def test_a_single_response_has_a_value_and_no_standard_error(known):
    table = ek.measure(known.evoked(count=1), "vpp")
    assert table.values["vpp"] == pytest.approx(2 * PEAK, rel=1e-3)
    assert np.isnan(table.standard_errors["vpp"]).all()


def test_an_outlier_does_not_spoil_its_neighbours_errors(known):
    base = known.evoked(count=60, noise=3e-5)
    signal = base.signal.copy()
    signal[30] *= 5
    wild = ek.Segments(signal, fs=2000, starts=base.starts, first=base.first, kind="evoked")
    a, b = (ek.measure(segments, "vpp").standard_errors["vpp"][[25, 35]] for segments in (base, wild))
    np.testing.assert_allclose(a, b, rtol=0.3)


def test_rms_and_arv_of_gaussian_noise_have_their_ratio(known):
    table = ek.measure(known.windows(2e-4 * known.emg(np.random.default_rng(0), 400, 2000)), ["rms", "arv"])
    assert table.values["rms"].mean() == pytest.approx(2e-4, rel=0.01)
    assert table.values["arv"].mean() == pytest.approx(2e-4 * np.sqrt(2 / np.pi), rel=0.01)


def test_a_sine_has_its_closed_form_rms_and_arv(known):
    time = np.arange(2000) / 2000
    table = ek.measure(known.windows(np.sin(2 * np.pi * 50 * time)[np.newaxis]), ["rms", "arv"])
    assert table.values["rms"] == pytest.approx(np.sqrt(0.5), rel=1e-12)
    assert table.values["arv"] == pytest.approx(2 / np.pi, rel=3e-3)


@pytest.mark.parametrize("kept", [0.25, 0.5, 0.75, 0.9])
def test_gaps_leave_amplitudes_unbiased(known, kept):
    """Duty correction: blank a share of every stimulation interval, E-02."""
    signal = known.emg(np.random.default_rng(4), 300, 2000)
    valid = np.broadcast_to((np.arange(2000) * 30 / 2000) % 1 < kept, signal.shape)
    table = ek.measure(known.windows(np.where(valid, signal, 99.0), valid=valid), [ek.RMS(), ek.ARV()])
    for name, truth in (("rms", 1.0), ("arv", np.sqrt(2 / np.pi))):
        values = table.values[name]
        # the mean of RMS lies below its root mean square by its own variance
        assert abs(values.mean() / truth - 1) < 0.012, values.mean() / truth
        assert np.sqrt(np.mean(table.standard_errors[name] ** 2)) == pytest.approx(values.std(), rel=0.15)
    assert table.valid_fraction == pytest.approx(kept, abs=0.02)


def test_too_little_that_is_valid_is_missing_with_the_reason(known):
    signal = known.emg(np.random.default_rng(4), 3, 2000)
    valid = np.zeros(signal.shape, dtype=bool)
    valid[:, :300] = True
    history = (ek.Step("mark_saturation"),)
    table = ek.measure(known.windows(signal, valid=valid, history=history), ["rms", "arv", "mdf"])
    for name in table.names:
        assert (table.reasons[name] == "clipped").all()


@pytest.mark.parametrize("length", [0.25, 0.5, 1.0, 2.0])
def test_standard_errors_of_rms_and_arv_are_calibrated(known, length):
    for feature in (ek.RMS(), ek.ARV()):
        ratios = []
        for seed in range(6):
            signal = known.emg(np.random.default_rng(seed), 300, int(length * 2000))
            measured = feature.measure(known.windows(signal))
            ratios.append(np.sqrt(np.mean(measured.standard_errors**2)) / measured.values.std())
        assert 0.9 < np.median(ratios) < 1.1, f"{feature.name}: median {np.median(ratios):.3f}, {ratios}"
        assert 0.8 < min(ratios) <= max(ratios) < 1.25, ratios
