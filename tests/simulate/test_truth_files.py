"""Truth files that are damaged or do not fit together: refused at once, in one line."""

from dataclasses import replace

import h5py
import numpy as np
import pytest

import emgkit as ek
from emgkit.io.hdf5_truth import seal
from emgkit.simulate import Effort, Session, simulate, tiny


@pytest.fixture(scope="module")
def made():
    return tiny(rng=np.random.default_rng(1), duration=1.5, burst_length=0.5, h_reflex=0.3)


@pytest.fixture
def path(made, tmp_path):
    return ek.save_truth(tmp_path / "a.truth.h5", made.truth)


def test_a_byte_flipped_anywhere_is_noticed_before_hdf5_reads_the_file(path):
    whole = bytearray(path.read_bytes())
    rng = np.random.default_rng(1)
    # all of the superblock and the first headers, where sizes and addresses stand, and places everywhere else
    places = [*range(90), *range(512, 2600, 9), *rng.integers(0, len(whole), 200), len(whole) - 1]
    for place in places:
        damaged = whole.copy()
        damaged[place] ^= int(rng.integers(1, 256))
        path.write_bytes(damaged)
        with pytest.raises(ek.FormatError, match=r"a\.truth\.h5"):
            ek.load_truth(path)
    path.write_bytes(whole)
    ek.load_truth(path)


@pytest.mark.parametrize("left", [0, 1, 511, 512, 600, 0.5, 0.999])
def test_a_file_that_was_cut_off_is_refused(path, left):
    whole = path.read_bytes()
    path.write_bytes(whole[: left if isinstance(left, int) else int(left * len(whole))])
    with pytest.raises(ek.FormatError, match=r"a\.truth\.h5"):
        ek.load_truth(path)


@pytest.mark.parametrize("spoil", ["onsets", "parts/noise", "parts", "spiking", "features"])
def test_a_truth_of_another_build_is_refused(path, spoil):
    with h5py.File(path, "r+") as file:
        is_group = isinstance(file[spoil], h5py.Group)
        del file[spoil]
        if is_group:
            file[spoil] = np.zeros(3)
        else:
            file.create_group(spoil)
    seal(path)
    with pytest.raises(ek.FormatError, match=r"a\.truth\.h5 is no readable truth file"):
        ek.load_truth(path)


def changed(values, change):
    return change(np.array(values, dtype=float))


def nan(values):
    values[0] = np.nan
    return values


SPOILT = {
    "two rows of onsets": ("onsets", lambda values: np.stack([values, values])),
    "an onset that is no number": ("onsets", nan),
    "onsets in disorder": ("onsets", lambda values: values[::-1]),
    "a current too many": ("current", lambda values: np.append(values, 1.0)),
    "a stimulator too few": ("stimulator", lambda values: values[1:]),
    "a part too short": ("parts/evoked", lambda values: values[:, 1:]),
    "a part that is no number": ("parts/artifact", nan),
    "a part of one row": ("parts/artifact", lambda values: values[0]),
    "a condition that is none": ("condition", lambda values: values + 99),
    "a condition of another length": ("condition", lambda values: values[:, 1:]),
    "velocities of another grid": ("velocity", lambda values: values[:, 1:]),
    "features of another grid": ("features/vpp", lambda values: values[1:]),
    "a drive of one row": ("drive", lambda values: values[0]),
    "planned times without order": ("planned", lambda values: values[::-1]),
    "spikes of nobody": ("spiking/unit", lambda values: values + 1000),
    "spikes that are no number": ("spiking/times", nan),
    "recruitment of other pulses": ("spiking/recruited", lambda values: values[:, 1:]),
    "a threshold too few": ("spiking/threshold", lambda values: values[:, 1:]),
}


@pytest.mark.parametrize("what", SPOILT)
def test_arrays_that_do_not_fit_together_are_refused_by_name(path, what):
    name, change = SPOILT[what]
    with h5py.File(path, "r+") as file:
        dtype, values = file[name].dtype, changed(file[name][()], change)
        del file[name]
        file[name] = values.astype(dtype)
    seal(path)
    with pytest.raises(ek.FormatError) as refused:
        ek.load_truth(path)
    assert "\n" not in str(refused.value)
    assert name.split("/")[-1] in str(refused.value) or name in ("parts/artifact", "velocity", "spiking/times")
    assert "a.truth.h5" in str(refused.value)


def test_a_truth_that_does_not_fit_together_cannot_be_made(made):
    with pytest.raises(ek.ShapeError, match="onsets must be finite"):
        replace(made.truth, onsets=np.full(made.truth.onsets.size, np.nan))
    with pytest.raises(ek.ShapeError, match=r"onsets must have the shape \(times\)"):
        replace(made.truth, onsets=made.truth.onsets[:, np.newaxis])


@pytest.mark.parametrize("other", ["text", None])
def test_what_is_no_truth_is_not_stored(tmp_path, other):
    with pytest.raises(ek.ParameterError, match="truth must be the truth of a Simulation"):
        ek.save_truth(tmp_path / "x.truth.h5", other)
    assert list(tmp_path.iterdir()) == []


def test_signals_do_not_depend_on_whether_features_are_asked_for_and_a_truth_without_them_is_stored(tmp_path):
    session = Session(duration=3.0, efforts_of=(Effort(contractions=((0.5, 2.0),)),))
    plain, bare = (simulate(session, rng=np.random.default_rng(7), features=one) for one in (True, False))
    assert plain.truth.features
    for name in ("artifact", "evoked", "voluntary", "interference", "noise", "evoked_random", "onsets"):
        np.testing.assert_array_equal(getattr(plain.truth, name), getattr(bare.truth, name))
    np.testing.assert_array_equal(plain.recording.signal, bare.recording.signal)
    again = ek.load_truth(ek.save_truth(tmp_path / "bare.truth.h5", bare.truth))
    np.testing.assert_array_equal(again.velocity, bare.truth.velocity)
    assert "no features" in repr(again)
    with pytest.raises(ek.UnknownNameError, match="there are none"):
        again.at("vpp", np.array([1.0]))


@pytest.mark.parametrize("path", [None, 3, ["a.truth.h5"]])
def test_what_is_no_name_of_a_file_is_refused(path):
    with pytest.raises(ek.ParameterError, match="The name of a truth file is needed"):
        ek.load_truth(path)
