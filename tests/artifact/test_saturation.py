"""Clipped samples are marked before anything else, and hardly any others."""

import numpy as np
import pytest

import emgkit as ek


def clipped_at(recording, rail):
    signal = np.clip(recording.signal, -rail, rail)
    return ek.Recording(signal, recording.fs, recording.channel_names, aux=recording.aux, marks=recording.marks)


@pytest.mark.parametrize("seed", range(4))
def test_nearly_all_clipped_samples_of_a_clipped_copy_are_marked(seed):
    made = ek.simulate.tiny(rng=np.random.default_rng(seed)).recording
    rail = 0.4 * np.abs(made.signal).max()
    marked = ek.mark_saturation(clipped_at(made, rail))
    clipped = np.abs(made.signal) >= rail
    assert clipped.sum() > 20
    assert (~marked.valid[clipped]).mean() >= 0.99
    assert (~marked.valid[~clipped]).mean() <= 0.001


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_marked_in_a_signal_that_moves_freely(seed):
    noise = np.random.default_rng(seed).normal(size=(2, 20000)) * 1e-4
    assert ek.mark_saturation(ek.Recording(noise, 2000)).valid.all()
    steps = np.round(noise / 1e-6) * 1e-6
    assert ek.mark_saturation(ek.Recording(steps, 2000)).valid.all()


def test_one_side_one_channel_and_coarse_converters():
    noise = np.random.default_rng(1).normal(size=(2, 20000))
    noise[0] = np.minimum(np.round(noise[0] * 20) / 20, 1.5)
    marked = ek.mark_saturation(ek.Recording(noise * 1e-4, 2000))
    assert np.array_equal(~marked.valid[0], noise[0] >= 1.5)
    assert marked.valid[1].all()


def test_marking_twice_is_marking_once_and_the_signal_stays():
    made = clipped_at(ek.simulate.tiny(rng=np.random.default_rng(1)).recording, 1e-3)
    once = ek.mark_saturation(made)
    assert ek.mark_saturation(once) is once
    assert np.array_equal(once.signal, made.signal)
    assert once.history[-1].parameters["saturated_samples"]["VL"] == (~once.valid).sum()


def test_no_clipped_sample_reaches_a_feature():
    made = ek.simulate.tiny(rng=np.random.default_rng(3))
    recording = clipped_at(made.recording, 0.3 * np.abs(made.truth.evoked).max())
    parts = ek.separate(recording, made.pulses)
    table = ek.measure(ek.cut_m_waves(parts.clean, made.pulses.select(slice(0, -1)), (0.003, 0.03)), ["vpp"])
    assert (table.reasons["vpp"] == "clipped").mean() > 0.9
    assert not parts.clean.valid[np.abs(recording.signal) >= recording.signal.max()].any()


def test_a_flat_channel_and_missing_samples_do_no_harm():
    signal = np.zeros((2, 1000))
    signal[1] = np.random.default_rng(0).normal(size=1000)
    signal[1, 100:200] = np.nan
    assert ek.mark_saturation(ek.Recording(signal, 1000)).valid.sum() == 1900
