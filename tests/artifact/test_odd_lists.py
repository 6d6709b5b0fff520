"""Lists of pulses that are wrong by mistake: too fast, twice, in another unit; none may end in a crash."""

import numpy as np
import pytest
from spline_cases import FS, emg

import emgkit as ek
from emgkit.artifact.pulses_beside import look_beside, said_of_left
from emgkit.artifact.pulses_twice import without_twins
from emgkit.artifact.spline_errors import find_unfollowed
from emgkit.artifact.spline_random import EARLIEST, shapes_of_channels
from emgkit.artifact.spline_scores import shrink
from emgkit.benchmark.cases import CASES
from emgkit.simulate import simulate

ONSETS = 0.2 + np.arange(75) / 27.3


def recorded(onsets, duration=3.5, seed=1):
    """EMG with an artifact and a response after every pulse, (1, samples)."""
    count = round(duration * FS)
    times, signal = np.arange(count) / FS, emg(count, seed, 20e-6)
    for onset in onsets:
        since = times - onset
        signal += 5e-3 * np.exp(-(((since - 0.4e-3) / 0.3e-3) ** 2))
        place = (since - 0.0084) / 2.2e-3
        signal -= 2.4e-3 * place * np.exp(-(place**2) / 2) * (since > 0)
    return signal[np.newaxis]


@pytest.mark.parametrize("until", [0.002, EARLIEST, EARLIEST + 0.0005])
def test_where_the_next_pulse_comes_at_once_no_shape_varies(until):
    rest = np.random.default_rng(1).normal(size=(2, 2000))
    onsets = 0.1 + np.arange(200) * 0.004
    assert shapes_of_channels(onsets, until, rest, np.array([True, True]), (0.001, 0.001), FS) == [None, None]
    assert find_unfollowed(onsets, until, None, rest[0], np.ones(2000, dtype=bool), FS) is None


@pytest.mark.parametrize("rate", [240.0, 250.0, 400.0, 1000.0])
def test_pulses_faster_than_any_response_are_taken_apart(rate):
    made = ek.separate(ek.Recording(recorded(ONSETS), FS), ek.Pulses(np.arange(0.5, 2.0, 1 / rate)))
    assert {grade.grade for grades in made.grades.values() for grade in grades} == {"reject"}


@pytest.mark.parametrize("factor", [10, 50])
def test_times_in_another_unit_are_said_not_to_be_those_of_the_recording(factor):
    made = ek.separate(ek.Recording(recorded(ONSETS), FS), ek.Pulses(ONSETS / factor))
    assert {grade.grade for grades in made.grades.values() for grade in grades} == {"reject"}
    assert any("not the times of the pulses" in said for said in made.messages)


@pytest.mark.parametrize("lag", [1e-6, 10e-6, 50e-6, 140e-6])
def test_pulses_that_a_list_holds_twice_count_once(lag):
    recording = ek.Recording(recorded(ONSETS), FS)
    once = ek.separate(recording, ek.Pulses(ONSETS))
    twice = ek.separate(recording, ek.Pulses(np.sort([*ONSETS, *(ONSETS + lag)])))
    assert np.array_equal(twice.pulses.onsets, once.pulses.onsets)
    assert np.array_equal(twice.pulses.train, once.pulses.train)
    assert np.array_equal(twice.voluntary.signal, once.voluntary.signal)
    assert [said for said in twice.messages if said not in once.messages] == [
        "75 of 150 pulses come within 0.15 ms of the one before, closer than a stimulator gives them, and count as one "
        "with it: does the list hold them twice? Pulses of two stimulators need labels, Pulses(..., stimulator=...)."
    ]


def test_pulses_of_two_stimulators_may_come_together_and_labels_stay():
    both = ek.Pulses(np.sort([*ONSETS, *(ONSETS + 50e-6)]), stimulator=np.tile([0, 1], ONSETS.size))
    assert without_twins(both) == (both, ())
    one = ek.Pulses([0.1, 0.2, 0.2001, 0.3], train=[0, 0, 1, 1], current=[1e-3, 2e-3, 3e-3, 4e-3])
    kept, said = without_twins(one)
    assert kept.onsets.tolist() == [0.1, 0.2, 0.3]
    assert kept.train.tolist() == [0, 0, 1]
    assert kept.current.tolist() == [1e-3, 2e-3, 4e-3]
    assert said[0].startswith("1 of 4 pulses")


def test_one_pulse_held_twice_does_not_spoil_the_others():
    """Two pulses 0.1 ms apart were fitted as two responses: M-waves were off by 9 %, graded as known to 1.4 %."""
    recording = ek.Recording(recorded(ONSETS), FS)
    once = ek.separate(recording, ek.Pulses(ONSETS))
    twin = ek.separate(recording, ek.Pulses(np.sort([*ONSETS, ONSETS[30] + 1e-4])))
    assert np.array_equal(twin.evoked.signal, once.evoked.signal)


def test_a_trigger_beside_the_emg_is_left_out():
    """Beside three pulses it ended in a ValueError, beside flat channels in a LinAlgError."""
    trigger = np.zeros(7000)
    trigger[(ONSETS[:, np.newaxis] * FS).astype(int) + np.arange(4)] = 5.0
    signal = recorded(ONSETS)
    for pulses in (ONSETS, ONSETS[:3]):
        alone = ek.separate(ek.Recording(signal, FS), ek.Pulses(pulses))
        both = ek.separate(ek.Recording(np.vstack([signal, trigger]), FS, ["VL", "T"]), ek.Pulses(pulses))
        assert np.array_equal(both.voluntary.signal[0], alone.voluntary.signal[0])
        assert not both.voluntary.valid[1].any()
        assert any(said.startswith("T: this is a trigger, no EMG") for said in both.messages)
        assert {grades[1].grade for grades in both.grades.values()} == {"reject"}
    flat = ek.Recording(np.vstack([0 * signal, trigger]), FS, ["VL", "T"])
    assert "nothing" in " ".join(ek.separate(flat, ek.Pulses(ONSETS)).messages).lower()


def test_scores_without_noise_are_as_they_are():
    """Where a channel is still between pulses at 80 Hz, the weights overflowed: LAPACK was given NaN."""
    scores = 1e-3 * np.sin(np.arange(200) / 9)
    found = shrink(scores, np.full(200, 1e-300))
    assert np.allclose(found.values, scores, atol=1e-9)
    assert not shrink(np.zeros(50), np.zeros(50)).values.any()


@pytest.mark.parametrize("given", [1, 2, 3, 4, 5])
def test_few_pulses_of_many_are_said_to_be_few(given):
    """Of one or two nothing was said; three were said to be no times of this recording."""
    signal = recorded(ONSETS)
    found = look_beside(signal, FS, ek.Pulses(ONSETS[:given]), put_in=False)
    assert found.left.size >= ONSETS.size - given - 2  # what comes within 60 ms may be a response
    assert not found.elsewhere
    said = said_of_left(found, signal, signal, FS)
    assert len(said) == 1
    assert "belong to none that was given" in said[0]
    assert "after the last one" in said[0]


def test_few_pulses_that_are_all_there_are_leave_nothing():
    for seed in range(4):
        for number in (1, 2):
            onsets = np.array([1.0, 2.5])[:number]
            found = look_beside(recorded(onsets, seed=seed) * 1.0, FS, ek.Pulses(onsets), put_in=False)
            assert found.left.size == 0
            assert found.locked


def test_three_pulses_at_other_times_are_elsewhere():
    found = look_beside(recorded(ONSETS), FS, ek.Pulses(ONSETS[[10, 20, 30]] + [0.007, 0.016, 0.011]), put_in=False)
    assert found.elsewhere


@pytest.mark.parametrize("seed", [2, pytest.param(3, marks=pytest.mark.slow)])
def test_extra_pulses_on_m_waves_are_put_in_where_emg_is_as_sharp_as_the_artifact(seed):
    planning, playing = np.random.default_rng(seed).spawn(2)
    made = simulate(CASES["missing_extra"].plan(planning), rng=playing, features=False)
    onsets = np.array(made.pulses.onsets)
    late = np.diff(onsets, prepend=-1.0) < 0.012
    assert 0 < late.sum() < 20
    parts = ek.separate(made.recording, ek.Pulses(onsets[~late]), "phase_spline")
    put_in = [int(said.split()[0]) for said in parts.messages if "that were not given were put in" in said]
    assert late.sum() - 1 <= sum(put_in) <= late.sum(), (put_in, late.sum())
    assert [grade.grade for grade in parts.grades["voluntary_amplitude"]] != ["reject", "reject"]
