"""What is left of mostly missing values is a choice of the large ones."""

import numpy as np
import pytest

import emgkit as ek


def test_a_change_of_the_few_survivors_is_not_stated():
    values = np.full((100, 1), np.nan)
    values[::5] = 1.0 + 0.01 * np.random.default_rng(0).normal(size=(20, 1))
    table = ek.FeatureTable(
        values={"vpp": values},
        standard_errors={"vpp": 0.01 * values},
        units={"vpp": "V"},
        reasons={"vpp": np.where(np.isnan(values), "no_response", "")},
        valid_fraction=np.ones((100, 1)),
        features=(),
        starts=np.arange(100.0),
        kind="evoked",
        train=np.zeros(100, int),
        channel_names=("VL",),
    )
    with pytest.warns(ek.EmgkitWarning, match="missing"):
        assert ek.change(table, "vpp").reasons == ("too_few",)
    with pytest.warns(ek.EmgkitWarning, match="missing"):
        assert ek.trend(table, "vpp").reasons == ("too_few",)
