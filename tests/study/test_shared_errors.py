"""Errors that all values have alike: no mean makes them smaller, and they hardly differ from fresh to fatigued."""

from dataclasses import replace

import numpy as np
import pytest

import emgkit as ek

COUNT = 200


def drawn(make, rng, shared=0.05, noise=0.02, course=0.2):
    """Series that fall by a fifth, off by one share of the value at the start and another one at the end."""
    channels, place = 250, np.linspace(0, 1, COUNT)[:, np.newaxis]
    true = 1 - course * place
    at_start = shared * rng.standard_normal(channels)
    at_end = at_start + 0.35 * shared / 0.8 * rng.standard_normal(channels)
    values = true + at_start + (at_end - at_start) * place + noise * rng.standard_normal((COUNT, channels))
    plain = make.table(values, np.arange(COUNT) / 10, errors=np.hypot(noise, shared), name="vpp", kind="evoked")
    return replace(plain, shared_errors={"vpp": np.full(values.shape, shared)}), plain


def test_intervals_hold_the_truth_where_all_values_are_off_alike(make):
    """At 95 %; without the shared part the intervals of means held a tenth and those of changes a third."""
    table, plain = drawn(make, np.random.default_rng(0))
    fresh, change = float(np.mean(1 - 0.2 * np.linspace(0, 1, COUNT)[:40])), 100 * (0.82 / 0.98 - 1)
    slope = -0.2 / (COUNT - 1) * 10
    held, alone = [], []
    for one, out in ((table, held), (plain, alone)):
        found = ek.change(one, "vpp")
        out += [make.covered(found.fresh_interval, fresh), make.covered(found.change_interval, change)]
        out += [make.covered(ek.trend(one, "vpp", method=name).slope_interval, slope) for name in ("ols", "theil_sen")]
    assert np.min(held) > 0.92, held
    assert np.max(held[:2]) < 0.98, held
    assert np.max(alone) < 0.65, alone


def test_normalised_slopes_hold_the_truth(make):
    table, _ = drawn(make, np.random.default_rng(1))
    found = ek.trend(table, "vpp")
    assert make.covered(found.normalised_slope_interval, -20.0 / (COUNT - 1) * 10) > 0.9


def test_an_error_of_zero_changes_nothing(make):
    table, plain = drawn(make, np.random.default_rng(2), shared=0.0)
    assert repr(ek.change(table, "vpp")) == repr(ek.change(plain, "vpp"))
    assert repr(ek.trend(table, "vpp")) == repr(ek.trend(plain, "vpp"))


def test_few_values_take_their_scatter_from_what_differs_between_them(make):
    """Of standard errors of 5 % nearly all is alike: three values that agree within 0.1 % scatter by no more."""
    values = np.array([1.0, 1.001, 0.999, 1.0, 1.001, 0.999])
    plain = make.table(values, np.arange(6.0), errors=0.05, name="vpp", kind="evoked")
    table = replace(plain, shared_errors={"vpp": np.full((6, 1), np.sqrt(0.05**2 - 0.001**2))})
    wide = np.ptp(ek.change(table, "vpp", share=0.5).change_interval)
    assert wide < 0.6 * np.ptp(ek.change(plain, "vpp", share=0.5).change_interval)
    assert wide == pytest.approx(100 * 2 * 1.96 * 0.35 * 0.05, rel=0.25)


def test_tables_keep_the_part_that_is_alike(make):
    table, _ = drawn(make, np.random.default_rng(3))
    assert np.all(table.select(slice(0, 5)).shared_errors["vpp"] == 0.05)
    frame = table.to_dataframe()
    assert frame.attrs["units"]["vpp_se_shared"] == "Hz"
    assert (frame["vpp_se_shared"] == 0.05).all()
    with pytest.raises(ek.ShapeError, match="shared_errors"):
        replace(table, shared_errors={"vpp": np.zeros((2, 1))})
    with pytest.raises(ek.ShapeError, match="shared_errors"):
        replace(table, shared_errors={"Vpp": table.shared_errors["vpp"]})
