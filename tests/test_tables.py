"""Tables: every NaN has a reason, every column a unit."""

import pickle

import numpy as np
import pytest

import emgkit as ek
from emgkit.tables import REASONS


def table(values=None, reasons=None):
    values = np.array([[1e-3, 2e-3], [3e-3, np.nan]]) if values is None else values
    reasons = np.array([["", ""], ["", "clipped"]]) if reasons is None else reasons
    return ek.FeatureTable(
        {"vpp": values}, {"vpp": values / 10}, {"vpp": "V"}, {"vpp": reasons}, np.ones((2, 2)), (), [0.5, 1.0],
        "evoked", [0, 1], ["VL", "VM"], intensity=[0.01, 0.02],
    )  # fmt: skip


def test_the_data_frame_has_one_row_per_segment_and_channel():
    frame = table().to_dataframe()
    assert frame["channel"].tolist() == ["VL", "VM", "VL", "VM"]
    assert frame["start"].tolist() == [0.5, 0.5, 1.0, 1.0]
    assert frame["vpp"].tolist()[:3] == [1e-3, 2e-3, 3e-3]
    assert frame["vpp_reason"].tolist() == ["", "", "", "clipped"]
    assert frame.attrs["units"]["vpp_se"] == "V"


def test_a_nan_without_a_reason_and_a_number_with_one_are_refused():
    with pytest.raises(ek.ParameterError, match="every NaN needs a reason"):
        table(reasons=np.full((2, 2), ""))
    with pytest.raises(ek.ParameterError, match="every NaN needs a reason"):
        table(values=np.ones((2, 2)))
    with pytest.raises(ek.ParameterError, match=r"unknown reason 'cliped'.*did you mean 'clipped'"):
        table(reasons=np.array([["", ""], ["", "cliped"]]))


def test_an_unknown_feature_offers_the_nearest():
    with pytest.raises(ek.UnknownNameError, match="did you mean 'vpp'"):
        table().require("vp")


def test_selection_and_pickling_keep_everything():
    part = pickle.loads(pickle.dumps(table().select([1])))
    assert part.starts.tolist() == [1.0]
    assert part.reasons["vpp"].tolist() == [["", "clipped"]]
    assert not part.values["vpp"].flags.writeable
    assert part.intensity.tolist() == [0.02]


def test_the_printed_table_shows_units_and_what_is_missing():
    text = repr(table())
    assert "2.000 mV" in text
    assert "1 clipped" in text


def trend():
    pair = np.array([[-0.6, -0.4]])
    return ek.Trend(
        "mdf", "Hz", "voluntary", ["VL"], "ols", [-0.5], pair, [80.0], [-0.625], pair, 0.95, [30], 0.0, 60.0
    )


def change(fresh=100.0, names=("VL",)):
    pair = [[fresh - 1, fresh + 1]]
    return ek.Change(
        "mdf",
        "Hz",
        "voluntary",
        names,
        [fresh],
        pair,
        [80.0],
        [[79.0, 81.0]],
        [-20.0],
        [[-22.0, -18.0]],
        0.95,
        [6],
        [6],
    )


def test_trend_change_and_comparison_print_value_interval_and_unit():
    assert "slope (Hz/s)" in repr(trend())
    assert "-0.6000 … -0.4000" in repr(trend())
    assert "change (%)" in repr(change())
    both = ek.Comparison(change(), change(90.0), [0.0], [[-2.0, 2.0]], 0.95)
    assert "difference (points)" in repr(both)
    assert both.to_dataframe().loc[0, "difference_interval_high"] == 2.0


def test_their_data_frames_state_units():
    assert trend().to_dataframe().attrs["units"]["slope_interval_low"] == "Hz/s"
    assert change().to_dataframe().attrs["units"]["change_interval_high"] == "%"
    assert trend().to_dataframe().loc[0, "normalised_slope"] == -0.625


def test_a_comparison_needs_the_same_channels():
    with pytest.raises(ek.ShapeError, match="same channels"):
        ek.Comparison(change(), change(names=("VM",)), [0.0], [[-2.0, 2.0]], 0.95)


def test_every_reason_is_explained_in_one_sentence():
    for code, meaning in REASONS.items():
        assert code.islower()
        assert meaning.endswith(".")
        assert meaning.count(".") == 1
