"""Change and comparison: exact on plain numbers, intervals that hold the truth as often as they should."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.study.change import fresh_and_fatigued


def test_fresh_and_fatigued_are_the_first_and_last_fifth(make):
    assert fresh_and_fatigued(30) == (slice(0, 6), slice(24, 30))
    assert fresh_and_fatigued(2) == (slice(0, 1), slice(1, 2))
    found = ek.change(make.table([100.0] * 6 + [90.0] * 18 + [80.0] * 6, np.arange(30.0)), "mdf")
    assert (found.fresh[0], found.fatigued[0], found.change[0]) == pytest.approx((100, 80, -20))
    assert (found.n_fresh[0], found.n_fatigued[0]) == (6, 6)


def test_a_larger_share_takes_more(make):
    table = make.table(np.arange(100.0) + 50, np.arange(100.0))
    found = ek.change(table, "mdf", share=0.5)
    assert (found.n_fresh[0], found.fresh[0]) == (50, pytest.approx(74.5))
    with pytest.raises(ek.ParameterError, match="share"):
        ek.change(table, "mdf", share=0.6)


CASES = [
    # segments, correlation, own errors known, noise, lowest
    (10, 0.0, True, 3.0, 0.92),
    (24, 0.0, True, 4.0, 0.92),
    (30, 0.0, True, 4.0, 0.92),
    (30, 0.0, False, 4.0, 0.91),
    (60, 0.0, False, 2.0, 0.91),
    (150, 0.3, False, 1.0, 0.89),
    (600, 0.3, False, 1.0, 0.90),
    (600, 0.7, False, 1.0, 0.85),
]


@pytest.mark.parametrize(("count", "correlation", "known", "noise", "lowest"), CASES)
@pytest.mark.parametrize("bend", [False, True], ids=["straight", "bent"])
def test_intervals_hold_the_truth_as_often_as_they_should(make, count, correlation, known, noise, lowest, bend):
    """The truth is the mean of the process over each fifth: its drift within the fifth is no error."""
    rng = np.random.default_rng(count + bend)
    channels, times = 400 if count < 100 else 150, np.linspace(0, 60, count)
    course = 50 + 30 * np.exp(-times / 30) if bend else 80 - 0.4 * times
    fresh, tired = (course[part].mean() for part in fresh_and_fatigued(count))
    drawn = course[:, np.newaxis] + noise * make.autoregressive(rng, count, channels, correlation)
    found = ek.change(make.table(drawn, times, errors=noise if known else np.nan), "mdf")
    shares = [
        make.covered(found.fresh_interval, fresh),
        make.covered(found.fatigued_interval, tired),
        make.covered(found.change_interval, 100 * (tired / fresh - 1)),
    ]
    assert lowest <= min(shares), shares
    assert max(shares) <= 0.995, shares


def test_a_steep_trend_does_not_widen_the_interval(make):
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (200, 1))
    flat, steep = (
        ek.change(make.table(80 - slope * np.arange(200)[:, np.newaxis] + noise, np.arange(200.0)), "mdf")
        for slope in (0.0, 0.3)
    )
    assert np.diff(steep.fresh_interval) == pytest.approx(np.diff(flat.fresh_interval), rel=1e-6)


def test_windows_that_overlap_are_not_independent(make):
    rng = np.random.default_rng(0)
    whole = rng.normal(0, 1, (400, 26))
    overlapping = 80 + (whole[:, :-1] + whole[:, 1:]).T / np.sqrt(2)
    cut = ek.Step("cut_windows", {"length": 1.0, "overlap": 0.5})
    table = make.table(overlapping, np.arange(25) * 0.5, errors=1.0, history=(cut,))
    assert make.covered(ek.change(table, "mdf").fresh_interval, 80.0) > 0.9


def test_two_values_need_their_own_errors(make):
    values = np.linspace(80, 70, 10)
    assert ek.change(make.table(values, np.arange(10.0)), "mdf").reasons == ("too_few",)
    found = ek.change(make.table(values, np.arange(10.0), errors=2.0), "mdf")
    assert found.reasons == ("",)
    assert np.isfinite(found.change_interval).all()


def test_errors_that_are_much_too_small_are_not_believed(make):
    rng = np.random.default_rng(0)
    table = make.table(80 + rng.normal(0, 4, (30, 400)), np.arange(30.0), errors=0.5)
    assert make.covered(ek.change(table, "mdf").fresh_interval, 80.0) > 0.9


def test_one_segment_or_an_unknown_feature_is_refused(make):
    with pytest.raises(ek.ParameterError, match="at least 2 segments"):
        ek.change(make.table([1.0], [0.0]), "mdf")
    with pytest.raises(ek.UnknownNameError, match="did you mean 'mdf'"):
        ek.change(make.table(np.arange(30.0), np.arange(30.0)), "mfd")


def test_negative_amplitudes_have_a_sensible_change(make):
    values = np.linspace(-2e-3, -1e-3, 50)[:, np.newaxis] + np.random.default_rng(0).normal(0, 1e-5, (50, 1))
    found = ek.change(make.table(values, np.arange(50.0), name="amp_phase1", unit="V", kind="evoked"), "amp_phase1")
    assert found.change[0] == pytest.approx(-45, abs=3)
    assert found.change_interval[0, 0] < found.change[0] < found.change_interval[0, 1]


def test_a_comparison_is_the_difference_of_relative_changes(make):
    """Absolute values may differ by any factor: each counts from its own fresh value."""
    times = np.arange(50.0)
    voluntary = make.table(90 * (1 - 0.004 * times), times, errors=1.0)
    evoked = make.table(55 * (1 - 0.008 * times), times, errors=0.1, name="m_wave_mdf", kind="evoked")
    found = ek.compare(voluntary, evoked, "mdf", "m_wave_mdf")
    assert found.difference[0] == pytest.approx(found.a.change[0] - found.b.change[0])
    assert found.a.change[0] == pytest.approx(100 * ((1 - 0.004 * 44.5) / (1 - 0.004 * 4.5) - 1))
    low, high = found.difference_interval[0]
    assert low < found.difference[0] < high
    half = np.hypot(*(np.diff(side.change_interval[0])[0] for side in (found.a, found.b)))
    assert high - low == pytest.approx(half, rel=0.05)


def test_intervals_of_a_difference_hold_the_truth_as_often_as_they_should(make):
    rng = np.random.default_rng(0)
    short, long = np.linspace(0, 60, 24), np.linspace(0, 60, 300)
    slow, fast = 80 - 0.1 * short, 55 - 0.25 * long
    a = make.table(slow[:, np.newaxis] + rng.normal(0, 4, (24, 300)), short, errors=4.0)
    b = make.table(fast[:, np.newaxis] + rng.normal(0, 1, (300, 300)), long, name="m_wave_mdf", kind="evoked")
    truth = 0.0
    for course, sign in ((slow, 1), (fast, -1)):
        fresh, tired = (course[part].mean() for part in fresh_and_fatigued(course.size))
        truth += sign * 100 * (tired / fresh - 1)
    assert 0.91 <= make.covered(ek.compare(a, b, "mdf", "m_wave_mdf").difference_interval, truth) <= 0.99


def test_one_quantity_measured_in_two_ways_is_not_compared(make):
    """O-04, N-08, N-10."""
    times, values = np.arange(30.0), np.linspace(80, 70, 30)
    a, b = (make.table(values, times, features=[ek.MDF(band=(20, top))]) for top in (450, 400))
    with pytest.raises(ek.ParameterError, match="different parameters"):
        ek.compare(a, b, "mdf")
    one = make.table(values, times, name="latency", features=[ek.TangentLatency()])
    other = make.table(values, times, name="latency_peak_fraction", features=[ek.PeakFractionLatency()])
    with pytest.raises(ek.ParameterError, match="two methods for one quantity"):
        ek.compare(one, other, "latency", "latency_peak_fraction")


def test_different_channels_are_not_compared(make):
    times = np.arange(30.0)
    with pytest.raises(ek.ShapeError, match="same channels: C0 and C0, C1"):
        ek.compare(make.table(np.ones(30), times), make.table(np.ones((30, 2)), times), "mdf")
