"""Segments carry the exact time of every sample."""

import pickle

import numpy as np
import pytest

import emgkit as ek


def segments(**changes):
    signal = np.arange(24.0).reshape(3, 2, 4) * 1e-6
    fields = {"fs": 1000.0, "starts": [0.1, 0.2, 0.3], "first": [0.0012, 0.0015, 0.0011], "kind": "evoked"} | changes
    return ek.Segments(signal, **fields)


def test_times_are_relative_to_each_pulse():
    assert segments().times[1] == pytest.approx([0.0015, 0.0025, 0.0035, 0.0045])


def test_selection_keeps_all_fields_together():
    part = pickle.loads(pickle.dumps(segments(intensity=[1, 2, 3]).select([2, 0])))
    assert part.starts.tolist() == [0.3, 0.1]
    assert part.intensity.tolist() == [3, 1]
    assert part.signal[0, 0, 0] == pytest.approx(16e-6)
    assert not part.valid.flags.writeable


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"kind": "evoke"}, ek.ParameterError, "did you mean 'evoked'"),
        ({"starts": [0.1]}, ek.ShapeError, "one value per segment"),
        ({"starts": [0.1, np.nan, 0.3]}, ek.TimingError, "finite"),
        ({"fs": 0}, ek.SamplingRateError, "above 0"),
        ({"valid": np.ones((3, 2, 5), bool)}, ek.ShapeError, "valid"),
    ],
)
def test_what_does_not_fit_is_refused(changes, error, message):
    with pytest.raises(error, match=message):
        segments(**changes)


def test_the_table_has_one_row_per_sample():
    frame = segments().to_dataframe()
    assert len(frame) == 12
    assert frame.attrs["units"]["EMG1"] == "V"
    assert "3 evoked" in repr(segments())
