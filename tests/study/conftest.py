"""Tables with one feature whose course and scatter are known."""

from types import SimpleNamespace

import numpy as np
import pytest

import emgkit as ek


def make_table(
    values, times, *, errors=np.nan, name="mdf", unit="Hz", kind="voluntary", train=None, features=(), **rest
):
    """A feature table of shape (segments, channels) from plain arrays."""
    values = np.asarray(values, float)
    values = values[:, np.newaxis] if values.ndim == 1 else values
    count, channels = values.shape
    errors = np.where(np.isnan(values), np.nan, np.broadcast_to(np.asarray(errors, float), values.shape))
    reasons = np.where(np.isnan(values), "clipped", "")
    trains = np.zeros(count, int) if train is None else train
    names = [f"C{row}" for row in range(channels)]
    return ek.FeatureTable(
        {name: values}, {name: errors}, {name: unit}, {name: reasons}, np.ones(values.shape), tuple(features), times,
        kind, trains, names, **rest,
    )  # fmt: skip


def autoregressive(rng, count, channels, correlation):
    """Gaussian series of variance one, shape (count, channels)."""
    drawn = rng.standard_normal((count + 100, channels))
    out = np.empty_like(drawn)
    out[0] = drawn[0]
    for row in range(1, len(drawn)):
        out[row] = correlation * out[row - 1] + np.sqrt(1 - correlation**2) * drawn[row]
    return out[100:]


def covered(intervals, truth):
    """Share of the intervals (channels, 2) that hold the truth."""
    return float(np.mean((intervals[:, 0] <= truth) & (truth <= intervals[:, 1])))


@pytest.fixture(scope="session")
def make():
    """The functions of this file."""
    return SimpleNamespace(table=make_table, autoregressive=autoregressive, covered=covered)
