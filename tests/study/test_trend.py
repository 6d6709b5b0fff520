"""Trend: exact on lines, robust, and intervals that hold the truth as often as they should."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgkit as ek

METHODS = ["ols", "theil_sen"]


@pytest.mark.parametrize("method", METHODS)
@given(st.floats(-5, 5), st.floats(10, 200), st.floats(0, 100))
def test_a_line_gives_itself_back(make, method, slope, start, origin):
    times = origin + np.arange(20) * 0.5
    found = ek.trend(make.table(start + slope * (times - origin), times), "mdf", method=method)
    assert found.slope[0] == pytest.approx(slope, abs=1e-9)
    assert found.intercept[0] == pytest.approx(start, abs=1e-8)
    assert found.normalised_slope[0] == pytest.approx(100 * slope / start, abs=1e-8)
    assert found.slope_interval[0] == pytest.approx([slope, slope], abs=1e-8)
    assert (found.t_start, found.t_stop) == (times[0], times[-1])


def test_the_slope_is_that_of_least_squares(make):
    rng = np.random.default_rng(0)
    times, values = np.sort(rng.uniform(0, 60, 40)), rng.normal(80, 5, 40)
    expected = np.polyfit(times - times[0], values, 1)
    found = ek.trend(make.table(values, times), "mdf")
    assert found.slope[0] == pytest.approx(expected[0], rel=1e-9)
    assert found.intercept[0] == pytest.approx(expected[1], rel=1e-9)


@pytest.mark.parametrize("method", METHODS)
@given(scale=st.floats(1e-6, 1e3), shift=st.floats(-100, 100))
def test_units_and_the_origin_of_time_do_not_matter(make, method, scale, shift):
    """X-04: multiplying the data changes no verdict."""
    rng = np.random.default_rng(1)
    times, values = np.arange(30.0), 80 - 0.3 * np.arange(30) + rng.normal(0, 3, 30)
    a = ek.trend(make.table(values, times), "mdf", method=method)
    b = ek.trend(make.table(values * scale, times + shift), "mdf", method=method)
    assert b.slope[0] == pytest.approx(a.slope[0] * scale, rel=1e-6)
    assert b.slope_interval[0] == pytest.approx(a.slope_interval[0] * scale, rel=1e-6)
    assert b.normalised_slope_interval[0] == pytest.approx(a.normalised_slope_interval[0], rel=1e-6)


def test_the_median_of_slopes_does_not_follow_wild_values(make):
    times, values = np.arange(60.0), 80 - 0.2 * np.arange(60) + np.random.default_rng(0).normal(0, 0.5, 60)
    values[[50, 53, 57]] = 400
    robust, plain = (ek.trend(make.table(values, times), "mdf", method=method) for method in METHODS[::-1])
    assert robust.slope[0] == pytest.approx(-0.2, abs=0.03)
    assert abs(plain.slope[0] + 0.2) > 0.5


def test_a_long_series_is_as_good_with_some_of_the_pairs(make):
    times = np.arange(6000) / 30
    values = 80 - 0.1 * times + np.random.default_rng(0).normal(0, 1, times.size)
    found = ek.trend(make.table(values, times), "mdf", method="theil_sen")
    assert found.slope[0] == pytest.approx(-0.1, abs=0.001)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("count", "correlation", "known", "lowest"),
    [(10, 0.0, True, 0.92), (24, 0.0, True, 0.92), (24, 0.3, True, 0.88), (60, 0.3, False, 0.87),
     (200, 0.3, False, 0.90), (200, 0.7, False, 0.89), (500, 0.3, False, 0.89)],
)  # fmt: skip
def test_intervals_hold_the_true_slope_as_often_as_they_should(make, method, count, correlation, known, lowest):
    rng = np.random.default_rng(count)
    channels, times = (400, 400, 150)[(count > 100) + (count > 300)], np.linspace(0, 60, count)
    course = 80 - 0.25 * times
    noise = 3 * make.autoregressive(rng, count, channels, correlation)
    table = make.table(course[:, np.newaxis] + noise, times, errors=3.0 if known else np.nan)
    found = ek.trend(table, "mdf", method=method)
    shares = make.covered(found.slope_interval, -0.25), make.covered(found.normalised_slope_interval, -0.25 / 0.8)
    assert lowest <= min(shares), shares
    assert max(shares) < 1.0 or method == "theil_sen", shares


def test_a_curved_course_does_not_count_as_noise(make):
    """The interval is about the nearest line; its width is that of the noise, not of the bend."""
    rng = np.random.default_rng(0)
    times = np.linspace(0, 60, 300)
    course = 50 + 30 * np.exp(-times / 25)
    target = ek.trend(make.table(course, times), "mdf").slope[0]
    table = make.table(course[:, np.newaxis] + rng.normal(0, 1, (300, 300)), times)
    found = ek.trend(table, "mdf")
    assert 0.91 <= make.covered(found.slope_interval, target) <= 0.99
    width = np.diff(found.slope_interval, axis=1).mean() / 2
    assert width == pytest.approx(1.96 * found.slope.std(), rel=0.15)


def test_noise_that_grows_is_told(make):
    rng = np.random.default_rng(0)
    times = np.linspace(0, 60, 240)
    noise = rng.standard_normal((240, 400)) * np.linspace(0.5, 6, 240)[:, np.newaxis]
    found = ek.trend(make.table(80 - 0.2 * times[:, np.newaxis] + noise, times), "mdf")
    assert 0.91 <= make.covered(found.slope_interval, -0.2) <= 0.99


def test_missing_values_are_left_out_counted_and_warned_of(make):
    """O-05."""
    values = 80 - 0.1 * np.arange(20)
    values[[3, 4, 9]] = np.nan
    with pytest.warns(ek.EmgkitWarning, match="15 % of the values of 'mdf' are missing on C0"):
        found = ek.trend(make.table(values, np.arange(20.0)), "mdf")
    assert found.n.tolist() == [17]
    assert found.slope[0] == pytest.approx(-0.1)


def test_a_channel_with_too_few_values_has_a_reason_and_the_other_a_trend(make):
    values = np.stack([80 - 0.1 * np.arange(40), np.full(40, np.nan)], axis=1)
    values[:3, 1] = 50
    with pytest.warns(ek.EmgkitWarning, match="C1"):
        found = ek.trend(make.table(values, np.arange(40.0)), "mdf")
    assert found.reasons == ("", "too_few")
    assert found.n.tolist() == [40, 3]
    assert np.isnan(found.slope_interval[1]).all()


def test_between_chooses_the_stretch_and_is_stored(make):
    """N-22."""
    times = np.arange(60.0)
    values = np.where(times < 30, 80 - 0.5 * times, 65)
    found = ek.trend(make.table(values, times), "mdf", between=(0, 30))
    assert found.slope[0] == pytest.approx(-0.5)
    assert (found.t_start, found.t_stop, found.n[0]) == (0.0, 29.0, 30)
    with pytest.raises(ek.TimingError, match=r"between 100 and 200 s; the table is 0 \.\.\. 59 s"):
        ek.trend(make.table(values, times), "mdf", between=(100, 200))


def test_a_start_that_may_be_zero_has_no_bounded_relative_slope(make):
    rng = np.random.default_rng(0)
    found = ek.trend(make.table(rng.normal(0, 1, 30), np.arange(30.0)), "mdf")
    assert np.isinf(found.normalised_slope_interval).all()
    assert np.isfinite(found.slope_interval).all()


def test_probes_and_trains_are_not_pooled(make):
    """N-23, E-05."""
    train = [0, 1, 2] + [3] * 20
    table = make.table(np.arange(23.0), np.arange(23.0), kind="evoked", train=train)
    with pytest.raises(ek.ParameterError, match="3 single pulses beside 1 trains"):
        ek.trend(table, "mdf")
    assert ek.trend(table.select(slice(3, None)), "mdf").n[0] == 20


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "olz"}, ek.ParameterError, "did you mean 'ols'"),
        ({"level": 1.0}, ek.ParameterError, "level"),
        ({"between": (5, 1)}, ek.ParameterError, "between"),
    ],
)
def test_bad_parameters_are_refused(make, options, error, message):
    with pytest.raises(error, match=message):
        ek.trend(make.table(np.arange(20.0), np.arange(20.0)), "mdf", **options)
    with pytest.raises(ek.UnknownNameError, match="mdf"):
        ek.trend(make.table(np.arange(20.0), np.arange(20.0)), "mfd")


def test_a_higher_level_gives_a_wider_interval(make):
    values = np.random.default_rng(0).normal(80, 3, 30)
    widths = [
        float(np.diff(ek.trend(make.table(values, np.arange(30.0)), "mdf", level=level).slope_interval)[0, 0])
        for level in (0.68, 0.95, 0.99)
    ]
    assert widths == sorted(widths)
