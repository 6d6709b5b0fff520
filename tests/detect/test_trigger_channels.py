"""A trigger that was read as a channel of the signal is known by its two levels, and is no EMG."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.detect.trigger_channels import set_apart, trigger_rows, without_triggers
from emgkit.io.roles import is_trigger_name

FS = 2000.0
ONSETS = 0.3 + np.arange(60) / 27.3
COUNT = 6000


def pulses(height, width=4, noise=0.0, filtered=False):
    """Give a trigger of some samples' width after every onset, V."""
    row = np.zeros(COUNT)
    for onset in ONSETS:
        row[int(onset * FS) : int(onset * FS) + width] = height
    row = np.convolve(row, [0.3, 0.4, 0.3], "same") if filtered else row
    return row + noise * np.random.default_rng(1).normal(size=COUNT)


def emg(seed=1):
    """EMG-like noise with a sharp artifact and an M-wave after every onset, V."""
    row, times = 20e-6 * np.random.default_rng(seed).normal(size=COUNT), np.arange(COUNT) / FS
    for onset in ONSETS:
        since = times - onset
        row += 5e-3 * np.exp(-(((since - 0.4e-3) / 0.3e-3) ** 2))
        row += 2e-3 * np.exp(-(((since - 8e-3) / 2e-3) ** 2)) * (since > 0)
    return row


@pytest.mark.parametrize(
    "row",
    [
        pulses(5.0),
        pulses(-3.3, width=20),
        pulses(0.1),
        3.3 - pulses(3.3, width=1),
        pulses(5.0, noise=1e-3),
        pulses(3.3, width=30, noise=5e-3, filtered=True),
        np.where(np.arange(COUNT) == 7, np.nan, pulses(5.0)),
    ],
    ids=["ttl", "down", "low digital", "inverted", "noise", "filtered", "missing sample"],
)
def test_two_levels_are_a_trigger(row):
    assert trigger_rows(np.stack([row, emg()]), FS).tolist() == [True, False]


@pytest.mark.parametrize(
    "row",
    [
        emg(),
        np.zeros(COUNT),
        np.full(COUNT, np.nan),
        np.clip(200 * emg(), -0.9, 0.9),  # clipped, and too large
        pulses(5e-3, width=1, noise=2e-6),  # artifacts alone, of one height, as at 25 Hz
        pulses(0.2, width=2, noise=5e-6, filtered=True),
        pulses(4.0, width=6) - 2 * np.roll(pulses(2.0, width=6), 6) + 1e-3 * np.sin(np.arange(COUNT) / 9),
        pulses(15.0, width=2, noise=1e-3),  # artifacts in µV as if in V
        np.where(np.arange(COUNT) == 999, 5.0, 0.0),
    ],
    ids=["emg", "flat", "missing", "clipped", "artifacts", "large artifacts", "biphasic", "false unit", "pop"],
)
def test_what_is_measured_over_muscles_is_none(row):
    assert not trigger_rows(row[np.newaxis], FS).any()


def test_benign_recordings_hold_no_trigger():
    for seed in range(3):
        for more in ({}, {"rate": 25.0}, {"effort": 0.0, "rate": 50.0}):
            made = ek.simulate.tiny(rng=np.random.default_rng(seed), **more)
            assert not trigger_rows(made.recording.signal, made.recording.fs).any()
            assert without_triggers(made.recording) is made.recording


def test_a_named_trigger_goes_beside_the_signal_and_gives_the_same_pulses():
    both = ek.Recording(np.stack([emg(), pulses(5.0)]), FS, ["VL", "T"], start=1.0)
    apart = set_apart(both, "T")
    assert apart.channel_names == ("VL",)
    assert apart.history[-1].parameters == {"trigger": "T"}
    assert np.array_equal(ek.detect_pulses(apart, "T").onsets, ek.detect_pulses(both, "T").onsets)
    assert set_apart(both, None) is set_apart(both, "X") is both
    assert set_apart(apart, "VL") is apart  # the only one


def test_triggers_are_neither_artifact_nor_emg():
    """Beside three pulses a trigger ended in a crash, and beside flat channels too; in others it was refined by."""
    late = np.roll(pulses(5.0), 9)  # by 4.5 ms
    both, alone = ek.Recording(np.stack([emg(), late]), FS, ["VL", "T"]), ek.Recording(emg()[np.newaxis], FS, ["VL"])
    assert np.array_equal(ek.detect_pulses(both).onsets, ek.detect_pulses(alone).onsets)
    given = ek.detect_pulses(both, "T")
    assert ek.refine_pulses(both, given).delay == ek.refine_pulses(alone, given).delay


@pytest.mark.parametrize(
    ("name", "is_one"),
    [("TRIG (V)", True), ("trigger [mV]", True), ("Stim (left)", False), ("EMG1 (V)", False), ("TRIG", True)],
)
def test_a_unit_in_the_name_hides_no_trigger(name, is_one):
    assert is_trigger_name(name) == is_one
