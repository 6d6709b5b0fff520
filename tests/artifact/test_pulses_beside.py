"""Artifacts that belong to no pulse given: before the first, after the last, between them, or all of them."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import signal as ss

import emgkit as ek
from emgkit.artifact import pulses_beside
from emgkit.artifact.artifacts_left import ListedPulses, left_share, without_responses
from emgkit.artifact.held import mark_held
from emgkit.artifact.pulses_beside import Beside, look_beside, said_of_left
from emgkit.artifact.saturation import mark_saturation

DURATION = 10.0
VOLUNTARY = ("voluntary_amplitude", "voluntary_spectrum")


def artifact(since, size):
    return size * (np.exp(-(((since - 4e-4) / 2.5e-4) ** 2)) - np.exp(-(((since - 9e-4) / 2.5e-4) ** 2)))


def m_wave(since, size):
    return -size * (since - 9e-3) / 2e-3 * np.exp(-(((since - 9e-3) / 2e-3) ** 2)) * (since > 0)


def emg(rng, count, fs):
    band = ss.butter(2, [30, min(400, 0.45 * fs)], "band", fs=fs, output="sos")
    made = ss.sosfilt(band, rng.standard_normal(count + 1000))[1000:]
    return made / made.std()


def recorded(onsets, seed, fs=2000.0, size=5e-3, response=1e-3, effort=((0.3, 9.7),), level=6e-5):
    """Two channels: the recording, and its EMG alone."""
    rng = np.random.default_rng(seed)
    times = np.arange(int(DURATION * fs)) / fs
    strength = 4e-6 + level * np.any([(times > a) & (times < b) for a, b in effort], axis=0)
    clean = np.array([strength * emg(rng, times.size, fs) for _ in range(2)])
    total = clean.copy()
    for onset in onsets:
        near = slice(max(int((onset - 0.002) * fs), 0), int((onset + 0.03) * fs))
        since = times[near] - onset
        total[:, near] += np.outer([1.0, -0.6], artifact(since, size)) + np.outer([1.0, 0.7], m_wave(since, response))
    return ek.Recording(total, fs), clean


def error(separation, clean):
    """Relative error of the RMS of the whole voluntary part, the worst channel's."""
    found = separation.voluntary.signal
    return float(np.abs(np.sqrt((found**2).mean(axis=1) / (clean**2).mean(axis=1)) - 1).max())


def grades(separation, uses=VOLUNTARY):
    return {one.grade for use in uses for one in separation.grades[use]}


def said(separation, *words):
    return [message for message in separation.messages if all(word in message for word in words)]


@pytest.mark.parametrize(
    ("seed", "rate", "fs", "size", "first", "last"),
    [
        (1, 19.3, 2000.0, 5e-3, 12, None),
        (2, 33.1, 4000.0, 2e-2, None, -15),
        (3, 47.7, 2048.0, 2e-3, 40, -40),
        pytest.param(4, 61.9, 5000.0, 5e-2, 200, None, marks=pytest.mark.slow),
        (5, 29.97, 2000.0, 1e-3, 3, -3),
    ],
)
def test_pulses_that_a_list_lacks_at_its_ends_are_put_in(seed, rate, fs, size, first, last):
    rng = np.random.default_rng(seed)
    every = np.sort(
        rng.uniform(0.5, 0.6) + np.arange(0.0, 8.8, 1 / rate) + 2e-5 * rng.standard_normal(int(8.8 * rate) + 1)
    )
    recording, clean = recorded(every, seed, fs, size)
    given = every[first:last]
    separation = ek.separate(recording, ek.Pulses(given))
    assert len(separation.pulses) == every.size
    assert np.abs(separation.pulses.onsets - every).max() < 1e-4
    assert np.isin(given, separation.pulses.onsets).all()
    assert error(separation, clean) < 0.04
    (text,) = said(separation, "put in")
    if first:
        assert f"{first} before the first one ({every[0]:.3f} to" in text
    if last:
        assert f"{-last} after the last one" in text
    assert not said(separation, "none that was given")


def test_a_train_apart_is_spoken_of_and_graded_down():
    """A list may leave out a train on purpose: it is not put in, but its artifacts are in the voluntary part."""
    trains = [np.arange(0.5, 3.0, 1 / 30.1), np.arange(4.5, 9.0, 1 / 30.1)]
    for seed, (given, lacking) in enumerate([trains, trains[::-1]]):
        recording, clean = recorded(np.concatenate(trains), seed)
        separation = ek.separate(recording, ek.Pulses(given))
        assert len(separation.pulses) == given.size
        assert error(separation, clean) > 0.2
        assert grades(separation) == {"reject"}
        where = "after the last one" if lacking[0] > given[0] else "before the first one"
        assert said(separation, f"{lacking.size} {where}", "detect_pulses", "crop")
        assert any("belong to no pulse" in one.reason for one in separation.grades["voluntary_amplitude"])


def test_pulses_of_unknown_current_are_not_put_in():
    every = np.arange(0.5, 9.0, 1 / 30.1)
    recording, _ = recorded(every, 3)
    given = every[30:]
    steady = ek.separate(recording, ek.Pulses(given, current=np.full(given.size, 0.02)))
    assert len(steady.pulses) == every.size
    assert (steady.pulses.current == 0.02).all()
    changing = ek.separate(recording, ek.Pulses(given, current=np.linspace(0.02, 0.03, given.size)))
    assert len(changing.pulses) == given.size
    assert said(changing, "30 before the first one")
    assert grades(changing) == {"reject"}


def test_methods_that_need_no_time_between_samples_are_told_only():
    every = np.arange(0.5, 9.0, 1 / 30.1)
    recording, _ = recorded(every, 4)
    separation = ek.separate(recording, ek.Pulses(every[40:]), "blanking")
    assert len(separation.pulses) == every.size - 40
    assert said(separation, "40 before the first one")
    assert grades(separation) == {"reject"}


@pytest.mark.parametrize("seed", range(4))
def test_a_whole_list_is_left_alone(seed):
    rng = np.random.default_rng(seed)
    onsets = np.arange(3.0, 7.0, 1 / rng.uniform(18, 60))
    strong = ((0.5, 2.5), (4.0, 5.0), (7.5, 9.0))
    recording, _ = recorded(onsets, seed, effort=strong, level=5e-4)  # contractions beside it, ten times the usual
    x = recording.signal.copy()
    x[:, 2000] += 0.02  # one pop of an electrode
    pulses = ek.Pulses(onsets)
    beside = look_beside(x, recording.fs, pulses, put_in=True)
    assert beside.pulses is pulses
    assert (beside.said, beside.left.size, beside.locked) == ((), 0, True)


def test_pulses_given_late_are_none_that_are_lacking():
    rng = np.random.default_rng(7)
    onsets = 0.5 + np.cumsum(rng.uniform(0.025, 0.06, 190))
    recording, _ = recorded(onsets, 7)
    for late in (0.002, 0.006, -0.006):
        beside = look_beside(recording.signal, recording.fs, ek.Pulses(onsets + late), put_in=True)
        assert len(beside.pulses) == onsets.size
        assert beside.left.size < 3


@pytest.mark.parametrize("seed", [0, pytest.param(1, marks=pytest.mark.slow), 2, 3])
def test_wrong_times_are_rejected_for_all_uses(seed):
    rng = np.random.default_rng(seed)
    every = np.arange(0.5, 9.4, 1 / rng.uniform(20, 45))
    recording, _ = recorded(every, seed, size=[1e-3, 5e-3, 2e-2, 5e-2][seed], response=[0.0, 1e-3][seed % 2])
    wrong = [np.sort(rng.uniform(0.5, 9.4, every.size)), every[0] + np.arange(every.size) * 0.0283][seed // 2]
    separation = ek.separate(recording, ek.Pulses(wrong[wrong < 9.5]))
    assert grades(separation, separation.grades) == {"reject"}
    assert said(separation, "Nothing is locked to the pulses given", "elsewhere", "detect_pulses")


@pytest.mark.parametrize("seed", range(4))
def test_sham_is_none_of_that(seed):
    rng = np.random.default_rng(seed)
    recording, clean = recorded([], seed)
    separation = ek.separate(recording, ek.Pulses(np.arange(0.5, 9.4, 1 / rng.uniform(20, 45))))
    assert not said(separation, "elsewhere")
    assert "reject" not in grades(separation)
    assert error(separation, clean) < 0.01


@pytest.mark.parametrize("seed", [*(pytest.param(seed, marks=pytest.mark.slow) for seed in (0, 1)), 2])
def test_a_second_stimulator_that_was_not_given_is_spoken_of(seed):
    one, other = np.arange(0.5, 9.0, 1 / 30.03), np.arange(0.507, 9.0, 1 / [19.98, 41.7, 25.3][seed])
    other = other[np.abs(other[:, np.newaxis] - one).min(axis=1) > 5e-4]
    recording, _ = recorded(np.concatenate([one, other]), seed)
    separation = ek.separate(recording, ek.Pulses(one))
    assert len(separation.pulses) == one.size
    assert said(separation, "between the pulses given", "second stimulator", "stimulator=")
    assert grades(separation) == {"reject"}


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_many_lost_triggers_are_put_in(seed):
    """On a real recording the method's own repair put in none of 203 lost of 2021."""
    rng = np.random.default_rng(seed)
    every = np.arange(0.5, 9.0, 1 / rng.uniform(20, 50))
    recording, clean = recorded(every, seed)
    kept = np.sort(rng.permutation(every.size)[: round(0.8 * every.size)])
    separation = ek.separate(recording, ek.Pulses(every[kept]))
    assert len(separation.pulses) == every.size
    assert np.abs(separation.pulses.onsets - every).max() < 1e-4
    assert error(separation, clean) < 0.04
    assert said(separation, "put in", "between")


def test_lost_triggers_that_are_repaired_are_not_spoken_of():
    rng = np.random.default_rng(5)
    every = np.arange(0.5, 9.0, 1 / 30.1)
    recording, clean = recorded(every, 5)
    kept = np.sort(rng.permutation(every.size)[: round(0.9 * every.size)])
    separation = ek.separate(recording, ek.Pulses(every[kept]))
    assert not said(separation, "second stimulator")
    assert error(separation, clean) < 0.05


def test_a_beat_goes_on_where_artifacts_hide_in_responses():
    rng = np.random.default_rng(0)
    every = np.arange(0.5, 9.0, 1 / 71.3)
    recording, clean = recorded(every, 0, fs=1000.0, size=3e-4, response=3e-3)
    found = ListedPulses(recording.signal, 1000.0, every[200:400]).beats_outside()
    assert 0.8 * (every.size - 200) < found.size <= every.size - 200
    assert np.abs(found[:, np.newaxis] - every).min(axis=1).max() < 1e-6
    assert ListedPulses(clean, 1000.0, every[200:400]).beats_outside().size == 0
    assert ListedPulses(recording.signal, 1000.0, np.sort(rng.uniform(3, 6, 200))).beats_outside().size == 0


def test_what_is_locked_is_told_by_bends():
    every = np.arange(0.5, 9.0, 1 / 30.1)
    for seed in range(6):
        recording, clean = recorded(every, seed, size=1e-3, response=0.0)
        assert ListedPulses(recording.signal, 2000.0, every).locked
        assert not ListedPulses(clean, 2000.0, every).locked


def test_responses_are_left_out_and_others_kept():
    onsets = np.arange(1.0, 9.0, 0.0333)
    alone = np.array([0.5, 0.7, 9.5])
    times = np.sort(np.concatenate([onsets, onsets + 0.009, onsets[::7] + 0.0213, alone]))
    np.testing.assert_allclose(np.setdiff1d(without_responses(times, onsets), onsets[::7] + 0.0213), alone)


def test_the_share_of_artifacts_is_that_of_their_power():
    fs, times = 2000.0, np.arange(1.0, 3.0, 0.05)
    for seed in range(4):
        row = 5e-5 * emg(np.random.default_rng(seed), 20000, fs)
        added = np.zeros(row.size)
        for onset in times:
            at = slice(int(onset * fs) - 4, int(onset * fs) + 60)
            added[at] += artifact(np.arange(at.start, at.stop) / fs - onset, 3e-3)
        every = np.ones(row.size, dtype=bool)
        during = np.arange(row.size) > 4 * fs
        share = (added**2).sum() / ((row + added) ** 2).sum()
        assert left_share(row + added, every, during, fs, times) == pytest.approx(share, rel=0.1)
        assert left_share(row, every, during, fs, times) < 0.02
        assert left_share(row, every, during, fs, np.zeros(0)) == 0.0


def test_a_start_that_is_not_zero_moves_with_the_pulses():
    every = np.arange(0.5, 9.0, 1 / 30.1)
    recording, _ = recorded(every, 6)
    moved = replace(recording, start=100.0)
    separation = ek.separate(moved, ek.Pulses(every[20:] + 100.0))
    assert np.abs(separation.pulses.onsets - 100.0 - every).max() < 1e-4


FS = 2000.0


def spiky(times, sizes=1.0, floor=0.01, seed=0, seconds=DURATION):
    """One channel of white noise with a spike of one sample at each time."""
    out = floor * np.random.default_rng(seed).standard_normal(int(seconds * FS))
    out[np.round(np.asarray(times) * FS).astype(int)] += sizes
    return out[np.newaxis]


def told(count, given, recorded_, output, times=None, locked=True):
    """What is said where so many artifacts lie between the pulses given, a third of an interval after some."""
    onsets = np.linspace(1.0, 9.0, given)
    left = onsets[:count] + (onsets[1] - onsets[0]) / 3 if times is None else times
    return said_of_left(Beside(ek.Pulses(onsets), (), left, locked), recorded_, output, FS)


def test_few_artifacts_are_not_spoken_of():
    onsets = np.linspace(1.0, 9.0, 100)
    row = spiky(np.concatenate([onsets + (onsets[1] - onsets[0]) / 3, [0.2, 0.3, 0.4, 0.5, 0.6]]))
    assert told(0, 100, row, row, np.array([0.2, 0.3])) == ()
    assert "5 before the first one" in told(0, 100, row, row, np.linspace(0.2, 0.6, 5))[0]
    assert told(7, 100, row, row) == ()
    assert "15 artifacts between" in told(15, 100, row, row)[0]
    onsets = np.linspace(1.0, 9.0, 400)
    many = spiky(onsets + (onsets[1] - onsets[0]) / 3)
    assert told(15, 400, many, many) == ()
    assert "40 artifacts between" in told(40, 400, many, many)[0]


def test_a_few_artifacts_do_not_say_that_all_times_are_wrong():
    pulses = ek.Pulses(np.linspace(1.0, 9.0, 100))
    assert not Beside(pulses, (), np.linspace(1.01, 2.0, 6), False).elsewhere
    assert Beside(pulses, (), np.linspace(1.01, 2.0, 20), False).elsewhere
    assert not Beside(pulses, (), np.linspace(1.01, 2.0, 20), True).elsewhere


def test_artifacts_that_were_taken_away_are_not_spoken_of():
    onsets = np.linspace(1.0, 9.0, 100)
    times = onsets[:40] + 0.03
    recorded_ = spiky(times)
    assert told(0, 100, recorded_, spiky(times, 0.35), times) == ()
    assert told(0, 100, recorded_, spiky(times, 0.7), times)
    for off in (-0.0012, 0.0012):  # the sharpest sample is a little later or earlier
        assert told(0, 100, recorded_, recorded_, times + off)
    beside = spiky(times + 0.003, 2.0)  # something else, which stays
    assert told(0, 100, recorded_ + beside, beside, times) == ()


def test_a_rate_is_said_of_what_keeps_one():
    rng = np.random.default_rng(2)
    onsets = np.linspace(1.0, 9.0, 100)
    for spread, regular in ((0.09, True), (0.3, False)):
        times = 1.02 + np.cumsum(0.04 * (1 + spread * rng.uniform(-1.0, 1.0, 60)))
        row = spiky(times)
        (message,) = said_of_left(Beside(ek.Pulses(onsets), (), times, True), row, row, FS)
        assert (", at 2" in message) == regular


def beside_of(given, every, seed):
    recording, _ = recorded(every, seed)
    return look_beside(recording.signal, recording.fs, ek.Pulses(given), put_in=True)


def test_a_list_is_that_of_the_pulses_found_if_most_times_agree():
    rng = np.random.default_rng(4)
    every = np.arange(0.5, 9.0, 1 / 30.1)
    late = beside_of(every[60:] + 0.002, every, 4)
    assert np.abs(late.pulses.onsets - every - 0.002).max() < 1e-4
    assert len(beside_of(every[60:] + 0.006, every, 4).pulses) < every.size - 50  # but for beats just before it
    rough = every[60:] + rng.uniform(-3.5e-4, 3.5e-4, every.size - 60)
    assert len(beside_of(rough, every, 4).pulses) == every.size
    rougher = every[60:] + rng.uniform(-1.6e-3, 1.6e-3, every.size - 60)
    assert len(beside_of(rougher, every, 4).pulses) < every.size - 50
    wrong = every[60:].copy()
    wrong[::8] += 0.012
    assert len(beside_of(wrong, every, 4).pulses) > wrong.size
    wrong[::2] = every[60::2] + 0.012
    assert len(beside_of(wrong, every, 4).pulses) == wrong.size


def test_all_pulses_of_another_stimulator_are_left_also_those_that_come_close():
    one, other = np.arange(0.5, 9.0, 1 / 30.03), np.arange(0.507, 9.0, 1 / 19.98)
    away = np.abs(other[:, np.newaxis] - one).min(axis=1)
    other = other[away > 1e-3]
    recording, _ = recorded(np.concatenate([one, other]), 0)
    left = look_beside(recording.signal, recording.fs, ek.Pulses(one), put_in=True).left
    assert left.size > 0.95 * other.size


def test_what_is_near_a_pulse_is_its_own():
    onsets = np.arange(1.0, 9.0, 0.1)
    few = onsets[::10]
    assert without_responses(few + 0.003, onsets).size == 0
    assert without_responses(few + 0.0055, onsets).size == few.size
    for share, kept in ((4, True), (2, False)):
        assert (without_responses(onsets[::share] + 0.03, onsets).size > 0) == kept
    for lag, kept in ((0.05, False), (0.072, True), (-0.015, False), (-0.03, True)):
        assert (without_responses(onsets[::2] + lag, onsets).size > 0) == kept
    rng = np.random.default_rng(1)
    assert without_responses(onsets + 0.03 + rng.uniform(-1.4e-3, 1.4e-3, onsets.size), onsets).size == 0


def test_what_goes_on_outside_is_half_as_sharp_and_no_response():
    onsets = np.arange(2.0, 8.0, 0.05)
    outside = np.array([8.5, 9.0])
    for times, size, goes_on in (
        (outside, 0.8, True),
        (outside, 0.35, False),
        (outside[:1], 1.0, False),
        (onsets[-1] + np.array([0.03, 0.04]), 1.0, False),
        (onsets[-1] + np.array([0.07, 0.08]), 1.0, True),
        (onsets[0] - np.array([0.01, 0.02]), 1.0, True),
    ):
        row = spiky(onsets) + spiky(times, size)
        assert ListedPulses(row, FS, onsets).go_on_outside == goes_on


def test_events_are_as_sharp_as_artifacts_or_far_sharper_than_emg():
    onsets = np.arange(1.0, 9.0, 0.1)
    between = onsets[:-1:7] + 0.0371
    for own, size, found in ((1.0, 0.45, True), (1.0, 0.2, False), (0.15, 0.4, False), (0.15, 1.0, True)):
        row = spiky(onsets, own) + spiky(between, size, floor=0.0)
        assert (ListedPulses(row, FS, onsets).unclaimed().size == between.size) == found


def test_noise_is_not_locked_and_small_artifacts_are():
    onsets = np.arange(1.0, 9.0, 0.05)
    noise = [spiky([], seed=seed) for seed in range(60)]
    assert not any(ListedPulses(row, FS, onsets).locked for row in noise)
    assert all(ListedPulses(row + spiky(onsets, 0.013, floor=0.0), FS, onsets).locked for row in noise)


def test_methods_on_one_recording_look_once_and_at_what_is_there(monkeypatch):
    looked = []
    original = pulses_beside._look
    monkeypatch.setattr(pulses_beside, "_look", lambda listed: looked.append(1) or original(listed))
    onsets = 0.5 + np.arange(200) / 29.3
    signal = 1e-5 * np.random.default_rng(4).standard_normal((2, 15_000))
    signal[:, np.round(2000 * onsets).astype(int) + 1] += 1e-3
    recording, pulses = mark_held(mark_saturation(ek.Recording(signal, 2000.0))), ek.Pulses(onsets)
    for method in ("blanking", "comb", "phase_spline"):
        ek.separate(recording, pulses, method)
    assert len(looked) == 1
    ek.separate(recording, pulses.select(np.arange(200) != 9), "blanking")
    ek.separate(recording.with_signal(2 * recording.signal), pulses, "blanking")
    assert len(looked) == 3
    writable = np.array(recording.signal)
    look_beside(writable, 2000.0, pulses, put_in=False)
    writable += 1e-6
    look_beside(writable, 2000.0, pulses, put_in=False)
    assert len(looked) == 5  # its samples may change
