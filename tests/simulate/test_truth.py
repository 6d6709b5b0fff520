"""The truth: parts that add up, what moved and who fired, and a file that gives all of it back."""

from dataclasses import fields

import h5py
import numpy as np
import pytest

import emgkit as ek
from emgkit.simulate import SCENARIOS, Contact, Electrode, PulseShape, Stimulator, tiny

LOUD = Contact(Electrode(0.6, (0.5e-3, 6e-3, 0.05), (0.25, 0.3, 0.01), power_share=0.02))
FULL = {
    "contact": LOUD,
    "rail": 0.03,
    "rail_recovery": 0.01,
    "packet_loss": 0.02,
    "blanking": 0.001,
    "h_reflex": 0.4,
    "f_waves": 0.05,
    "ecg": 50e-6,
    "movement": 100e-6,
    "pops": 60.0,
    "conduction": 0.005,
    "channel_names": ("VL", "VM"),
    "neighbour": 0.05,
    "current": 0.035,
    "block": 0.1,
}


@pytest.fixture(scope="module")
def full():
    return tiny(rng=np.random.default_rng(1), **FULL)


def test_parts_add_up_to_the_recording_of_a_device_without_limits():
    for seed in range(4):
        made = tiny(rng=np.random.default_rng(seed), full_scale=0.1, contact=LOUD, h_reflex=0.3, f_waves=0.02)
        assert made.recording.signal == pytest.approx(made.truth.signal, abs=0.1 / (2**24 - 1) * 1.01)


def test_parts_and_what_the_device_made_of_them_add_up_to_what_it_stored(full):
    truth = full.truth
    total = truth.artifact + truth.evoked + truth.voluntary + truth.interference + truth.noise
    np.testing.assert_allclose(truth.signal, total, atol=1e-15)
    np.testing.assert_allclose(truth.recorded, full.recording.signal, atol=1e-15)
    assert truth.usable.shape == truth.signal.shape
    assert np.abs(truth.distortion[truth.usable]).max() < np.abs(truth.distortion[~truth.usable]).max()


def test_the_random_part_and_the_reflexes_are_inside_the_evoked_part():
    steady = {"latency_jitter": 0.0, "threshold_spread": 0.0, "threshold_fluctuation": 0.0, "fluctuation": 0.0}
    none = tiny(rng=np.random.default_rng(2), **steady).truth
    assert np.abs(none.evoked_random).max() < 1e-12
    assert np.abs(none.reflex).max() == 0
    along = []
    for seed in range(8):
        truth = tiny(rng=np.random.default_rng(seed), current=0.030, fluctuation=0.0).truth
        expected = truth.evoked - truth.evoked_random - truth.reflex
        along.append((truth.evoked_random * expected).sum() / (expected**2).sum())
    # by chance, so that it has no direction: nothing of the expected response is left in it
    assert abs(np.mean(along)) < 3 * np.std(along) / np.sqrt(8) + 0.01, along
    full = tiny(rng=np.random.default_rng(3)).truth
    assert full.evoked_random.std() < 0.01 * full.evoked.std()


def test_velocities_follow_the_units(full):
    truth = full.truth
    spiking = truth.spiking
    assert spiking.fibre_velocity.shape == (2, 30, truth.velocity_times.size)
    np.testing.assert_allclose(spiking.fibre_velocity[:, :, 0], spiking.unit_velocity)
    reached = spiking.recruited.mean(axis=1) > 0.5
    for muscle in range(2):
        own = spiking.fibre_velocity[muscle][reached[muscle]]
        np.testing.assert_allclose(truth.velocity[muscle], own.mean(axis=0), rtol=1e-9)
        assert own.min() <= truth.weighted_velocity[muscle].min() <= truth.weighted_velocity[muscle].max() <= own.max()
        # large units lead faster and are larger in the signal
        assert (truth.weighted_velocity[muscle] > truth.velocity[muscle]).all()


def test_the_active_share_is_that_of_the_fibres(full):
    assert (full.truth.active >= 0).all()
    assert (full.truth.active <= 1).all()
    whole = tiny(rng=np.random.default_rng(3), reach=1.0, current=0.2, block=0.0).truth
    np.testing.assert_allclose(whole.active, 1.0)
    silent = tiny(rng=np.random.default_rng(3), stimulated=()).truth
    np.testing.assert_allclose(silent.active, 0.0)
    assert not silent.evoked.any()
    assert silent.artifact.any()


def test_spikes_that_pass_are_among_those_intended(full):
    spiking = full.truth.spiking
    intended = set(zip(spiking.intended_times, spiking.intended_unit, spiking.intended_muscle, strict=True))
    assert set(zip(spiking.times, spiking.unit, spiking.muscle, strict=True)) < intended
    assert spiking.reflex_times.size > 0
    assert spiking.latency.shape == (2, 30)
    assert spiking.latency.min() >= 1.5e-3
    assert spiking.recruited.shape == (2, full.truth.onsets.size, 30)


def test_everything_comes_back_from_the_file(full, tmp_path):
    back = ek.load_truth(ek.save_truth(tmp_path / "x.truth.h5", full.truth))
    for item in fields(full.truth):
        if item.name not in ("features", "spiking"):
            mine, read = getattr(full.truth, item.name), getattr(back, item.name)
            np.testing.assert_array_equal(read, mine)
            assert read.dtype == mine.dtype, item.name
            assert not read.flags.writeable
    for item in fields(full.truth.spiking):
        mine, read = getattr(full.truth.spiking, item.name), getattr(back.spiking, item.name)
        np.testing.assert_array_equal(read, mine)
        assert read.dtype == mine.dtype, item.name
    assert set(back.features) == set(full.truth.features)
    for name, values in full.truth.features.items():
        np.testing.assert_array_equal(back.features[name], values)


def test_every_number_in_the_file_has_its_unit(full, tmp_path):
    with h5py.File(ek.save_truth(tmp_path / "x.truth.h5", full.truth)) as file:
        named = []
        file.visititems(lambda name, item: named.append((name, item)) if isinstance(item, h5py.Dataset) else None)
        without = [name for name, item in named if "units" not in item.attrs and "meaning" not in item.attrs]
    assert not without
    assert len(named) > 35


def test_the_truth_of_an_older_or_foreign_file_is_refused_in_one_line(full, tmp_path):
    path = ek.save_truth(tmp_path / "x.truth.h5", full.truth)
    whole = path.read_bytes()
    path.write_bytes(whole.replace(b"emgkit-truth 2.2", b"emgkit-truth 2.9", 1))
    with pytest.raises(ek.FormatError, match=r"version 2\.9 of the truth format"):
        ek.load_truth(path)
    path.write_bytes(whole[512:])  # without the block before, as older versions wrote them
    with pytest.raises(ek.FormatError, match="simulate it again"):
        ek.load_truth(path)
    with pytest.raises(ek.MissingFileError):
        ek.load_truth(tmp_path / "none.truth.h5")


def test_unknown_truth_offers_the_nearest(full):
    with pytest.raises(ek.UnknownNameError, match="did you mean 'vpp'"):
        full.truth.at("vp", np.array([1.0]))


@pytest.mark.parametrize("name", list(SCENARIOS))
def test_a_scenario_gives_the_same_for_the_same_seed(name):
    small = {"units": 6, "fibres_per_unit": 1}
    one, same = (SCENARIOS[name](rng=np.random.default_rng(9), **small) for _ in range(2))
    np.testing.assert_array_equal(one.recording.signal, same.recording.signal)
    for item in fields(one.truth.spiking):
        np.testing.assert_array_equal(getattr(one.truth.spiking, item.name), getattr(same.truth.spiking, item.name))
    assert np.isfinite(one.recording.signal).all()
    assert all(np.isfinite(trace.values).all() for trace in one.recording.aux.values())
    assert np.abs(one.truth.distortion).max() < 1e-7  # no scenario overloads its device


def test_another_seed_gives_another_recording():
    one, other = (tiny(rng=np.random.default_rng(seed)).recording.signal for seed in (9, 10))
    assert abs(np.corrcoef(one[0, :2000], other[0, :2000])[0, 1]) < 0.9


def test_one_part_draws_nothing_from_the_stream_of_another():
    plain = tiny(rng=np.random.default_rng(11)).truth
    noisy = tiny(rng=np.random.default_rng(11), noise=10e-6, ecg=1e-4, pops=30.0, gain_noise=0.01, bits=16).truth
    np.testing.assert_array_equal(noisy.voluntary, plain.voluntary)
    np.testing.assert_array_equal(noisy.evoked, plain.evoked)
    np.testing.assert_array_equal(noisy.onsets, plain.onsets)


def test_two_stimulators_are_told_apart():
    pair = tuple(Stimulator(rate=20.0, phase=phase, pulse=PulseShape(width=2e-4), contact=LOUD) for phase in (0.0, 0.5))
    made = tiny(rng=np.random.default_rng(12), stimulators=pair)
    np.testing.assert_array_equal(made.truth.stimulator[:6], [0, 1, 0, 1, 0, 1])
    np.testing.assert_allclose(np.diff(made.truth.onsets), 1 / 40, rtol=1e-3)
    for number, name in enumerate(("TRIG", "TRIG2")):
        found = ek.detect_pulses(made.recording, name).onsets
        assert found == pytest.approx(made.truth.onsets[made.truth.stimulator == number], abs=1e-8)
    assert set(made.pulses.train) == {0, 1}


def test_a_response_that_does_not_come_has_no_relative_change():
    truth = tiny(rng=np.random.default_rng(1), levels=(0.0,)).truth
    fresh, fatigued, change = truth.change("vpp", np.linspace(0.5, 2.5, 10))
    assert (fresh == 0).all()
    assert (fatigued == 0).all()
    assert np.isnan(change).all()
    with pytest.raises(ek.ParameterError, match="times must hold the middle of at least one segment, got none"):
        truth.change("rms", np.zeros(0))
