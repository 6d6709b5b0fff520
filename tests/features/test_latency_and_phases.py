"""Phases and latencies: order in time, borders, noise, calibrated standard errors."""

import numpy as np
import pytest

import emgkit as ek

PEAK, SIGMA = 4e-3, 1.5e-3
LATENCIES = [ek.TangentLatency(), ek.PeakFractionLatency()]


def three_lobes(time, first=0.1):
    """A small lobe ahead, then a large positive, then a negative one."""
    lobes = [(0.0065, first, 0.8e-3), (0.010, -1.0, 1.3e-3), (0.015, 0.8, 1.6e-3)]
    return sum(-PEAK * size * np.exp(-(((time - at) / width) ** 2) / 2) for at, size, width in lobes)


def test_phases_are_told_by_their_order_and_keep_their_sign(known):
    table = ek.measure(known.evoked(), ["amp_phase1", "amp_phase2"])
    assert table.values["amp_phase1"] == pytest.approx(PEAK, rel=1e-3)
    assert table.values["amp_phase2"] == pytest.approx(-PEAK, rel=1e-3)


def test_a_small_lobe_ahead_is_a_phase_or_none_by_its_share_of_the_area(known):
    small = known.evoked(wave=lambda time: three_lobes(time, 0.05))
    assert ek.measure(small, "amp_phase1").values["amp_phase1"] == pytest.approx(PEAK, rel=0.01)
    assert ek.measure(small, "amp_phase2").values["amp_phase2"] == pytest.approx(-0.8 * PEAK, rel=0.01)
    large = known.evoked(wave=lambda time: three_lobes(time, 0.5))
    assert ek.measure(large, "amp_phase1").values["amp_phase1"] == pytest.approx(-0.5 * PEAK, rel=0.06)


def test_a_lobe_that_might_count_or_not_makes_the_value_missing(known):
    segments = known.evoked(wave=lambda time: three_lobes(time, 0.13))
    for name in ("amp_phase1", "latency", "latency_peak_fraction"):
        assert (ek.measure(segments, name).reasons[name] == "multi_peak").all()
    assert np.isfinite(ek.measure(segments, ek.FirstPhaseAmplitude(min_share=0.2)).values["amp_phase1"]).all()


def test_a_second_phase_that_is_cut_off_is_missing(known):
    cut = ek.SecondPhaseAmplitude(window=(0.002, 0.0118))
    assert set(np.unique(ek.measure(known.evoked(), cut).reasons["amp_phase2"])) <= {"truncated", "pinned"}

    def one_sided(time):
        return PEAK * np.exp(-(((time - 0.012) / 2e-3) ** 2) / 2)

    assert (ek.measure(known.evoked(wave=one_sided), "amp_phase2").reasons["amp_phase2"] == "no_response").all()


def closed_form_latency(feature):
    """Of the Gaussian derivative, from a grid of 0.1 µs."""
    time = np.arange(0.002, 0.012 - SIGMA, 1e-7)
    u = (time - 0.012) / SIGMA
    wave = -u * np.exp(0.5 - u**2 / 2)
    if isinstance(feature, ek.PeakFractionLatency):
        return float(np.interp(feature.fraction, wave, time))
    low, high = np.interp([0.2, 0.5], wave, time)
    return float(low - (high - low) * 0.2 / 0.3)


@pytest.mark.parametrize("feature", LATENCIES, ids=["tangent", "peak fraction"])
@pytest.mark.parametrize("fs", [1000, 2000, 4000, 10_000])
@pytest.mark.parametrize("ratio", [20, 30, 40, 50])
def test_bias_and_scatter_of_each_method_hold_at_every_rate_and_noise(known, feature, fs, ratio):
    """O-03: signal-to-noise in dB is peak over noise SD."""
    noise = PEAK * 10 ** (-ratio / 20)
    measured = type(feature)(min_snr=3.0).measure(known.evoked(count=120, fs=fs, noise=noise))
    error = measured.values - closed_form_latency(feature)
    bias, scatter = np.nanmean(error) * 1e3, np.nanstd(error) * 1e3
    assert np.isfinite(measured.values).mean() > 0.95
    assert abs(bias) < (0.25 if ratio == 20 else 0.08), f"bias {bias:.3f} ms"
    assert scatter < {20: 1.0, 30: 0.25, 40: 0.1, 50: 0.05}[ratio], f"scatter {scatter:.3f} ms"


@pytest.mark.parametrize("feature", LATENCIES, ids=["tangent", "peak fraction"])
def test_a_shift_by_any_part_of_a_sample_shifts_the_latency_by_as_much(known, feature):
    for shift in (0.1e-3, 0.25e-3, 0.4e-3):
        moved = feature.measure(known.evoked(wave=lambda time, s=shift: known.wave(time - s))).values
        assert moved - feature.measure(known.evoked()).values == pytest.approx(shift, abs=2e-6)


@pytest.mark.parametrize("feature", LATENCIES, ids=["tangent", "peak fraction"])
def test_a_response_that_begins_before_the_window_has_no_latency(known, feature):
    """M-03, O-02: never the window's border."""
    cut = type(feature)(window=(0.0096, 0.030))
    assert set(np.unique(cut.measure(known.evoked()).reasons)) == {"pinned"}


@pytest.mark.parametrize("feature", LATENCIES, ids=["tangent", "peak fraction"])
def test_a_weak_response_has_no_latency(known, feature):
    weak = known.evoked(noise=PEAK / 7)
    assert (feature.measure(weak).reasons != "").mean() > 0.9
    assert set(np.unique(feature.measure(weak).reasons)) <= {"low_snr", "no_response", "", "pinned", "multi_peak"}


@pytest.mark.parametrize(
    "feature", [*LATENCIES, ek.FirstPhaseAmplitude(), ek.SecondPhaseAmplitude()], ids=lambda item: item.name
)
def test_standard_errors_are_calibrated(known, feature):
    ratios = []
    for seed in range(8):
        measured = feature.measure(known.evoked(count=300, noise=4e-5, seed=seed))
        ratios.append(np.sqrt(np.nanmean(measured.standard_errors**2)) / np.nanstd(measured.values))
    assert 0.93 < np.median(ratios) < 1.12, f"median {np.median(ratios):.3f}, {ratios}"
    assert 0.8 < min(ratios) <= max(ratios) < 1.3, ratios
