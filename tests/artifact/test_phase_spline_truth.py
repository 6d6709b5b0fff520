"""PhaseSpline against simulated truth where responses vary, overlap, ramp, or meet those of another stimulator."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.benchmark.cases import CASES
from emgkit.benchmark.scores import evoked_scores, scene_of, voluntary_scores
from emgkit.benchmark.sessions import drawn
from emgkit.simulate import simulate

SEEDS = (11, 12, 13)


def scores(name, method=None):
    found = []
    for seed in SEEDS:
        made = CASES[name].make(np.random.default_rng(seed))
        parts = ek.separate(made.recording, CASES[name].pulses(made), method or ek.PhaseSpline())
        found.append(voluntary_scores(scene_of(made), parts.voluntary.signal).values)
    return found


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "least"),
    [
        ("periodic_exact", 19.0),
        ("jitter15_exact", 18.0),
        ("ramps30_fatigue", 15.0),
        ("rate80_overlap", 12.0),
        ("variable_frequency", 12.0),
        ("weak_voluntary", 6.0),
    ],
)
def test_the_goals_are_met_on_other_seeds(name, least):
    values = [one["snr_usable"] for one in scores(name)]
    assert np.min(values) >= least, f"worst {np.min(values):.1f}, median {np.median(values):.1f} dB"


@pytest.mark.slow
def test_two_stimulators_whose_volleys_meet_are_told_apart():
    values = [one["snr_usable"] for one in scores("two_stimulators")]
    assert np.median(values) >= 13.0, f"worst {np.min(values):.1f}, median {np.median(values):.1f} dB"
    assert np.min(values) >= 10.0, f"worst {np.min(values):.1f}, median {np.median(values):.1f} dB"


def evoked_by(onsets, count, delay=0.010):
    """A brief artifact and an M-wave at every pulse, V, (1, samples) at 2 kHz."""
    time, signal = np.arange(count) / 2000, np.zeros((1, count))
    for onset in onsets:
        since = time - onset
        signal += 5e-3 * np.exp(-0.5 * ((since - 0.0005) / 0.0003) ** 2)
        signal += 2e-3 * (since - delay) / 0.003 * np.exp(-0.5 * ((since - delay) / 0.003) ** 2)
    return signal


@pytest.mark.parametrize("place", [0.0, 0.00005, 0.0002])
def test_doublets_that_nothing_tells_apart_are_one_stimulus_wherever_they_lie_between_samples(place):
    """Told apart by regression, 68 µV were left at the second of these places."""
    onsets = (0.50005 - place + 0.1 * np.arange(60)[:, np.newaxis] + 0.003 * np.arange(2)).ravel()
    noise = 50e-6 * np.random.default_rng(3).standard_normal((1, 14_000))
    signal = evoked_by(onsets + 0.0004 + place, 14_000) + noise
    parts = ek.separate(ek.Recording(signal, 2000.0, ["TA"]), ek.Pulses(onsets, time_source="artifact"))
    assert np.sqrt(np.mean((parts.voluntary.signal - noise)[0, 1000:13_000] ** 2)) < 6e-6


@pytest.mark.parametrize("gap", [*(pytest.param(gap, marks=pytest.mark.slow) for gap in (0.003, 0.005)), 0.012])
def test_doublets_are_no_train_of_their_interval(gap):
    onsets = (0.5 + 0.1 * np.arange(60)[:, np.newaxis] + gap * np.arange(2)).ravel()
    rng = np.random.default_rng(3)
    noise = 50e-6 * rng.standard_normal((1, 14_000))
    parts = ek.separate(ek.Recording(evoked_by(onsets, 14_000) + noise, 2000.0, ["TA"]), ek.Pulses(onsets))
    inside = slice(1000, 13_000)
    error = (parts.voluntary.signal - noise)[0, inside]
    assert np.sqrt((error**2).mean()) < 25e-6  # the M-wave has 1 mV there


@pytest.mark.slow
@pytest.mark.parametrize("rate", [5, 8, 10])
def test_responses_to_many_pulses_close_together_are_not_said_to_be_absent(rate):
    onsets = np.add.outer(0.5 + np.arange(40) / rate, 0.005 * np.arange(5)).ravel()
    count = int(2000 * (onsets[-1] + 1))
    noise = 100e-6 * np.random.default_rng(rate).standard_normal((1, count))
    parts = ek.separate(ek.Recording(evoked_by(onsets, count) + noise, 2000.0, ["TA"]), ek.Pulses(onsets))
    said = " ".join(parts.messages)
    assert "No evoked response" not in said  # they have 1 mV
    assert "groups of 5" in said
    assert "overlap" in said
    assert all(not grade.startswith("good") for grade in map(str, grades_of(parts))), parts.grades
    inside = slice(1000, int(2000 * onsets[-1]))
    left = (parts.voluntary.signal - noise)[0, inside]
    assert np.sqrt((left**2).mean()) < 35e-6, rate  # of 100 µV: what is locked goes, and the EMG stays


def grades_of(parts):
    return [getattr(one, "grade", one) for grades in parts.grades.values() for one in grades]


def test_stimulators_that_keep_one_lag_are_refused_or_told_apart_and_never_blown_up():
    rng = np.random.default_rng(4)
    for lag in (0.002, 0.004, 0.006):
        onsets = np.sort(np.concatenate([0.5 + np.arange(100) / 20, 0.5 + lag + np.arange(100) / 20]))
        noise = 100e-6 * rng.standard_normal((1, 12_000))
        recording = ek.Recording(evoked_by(onsets, 12_000) + noise, 2000.0, ["TA"])
        parts = ek.separate(recording, ek.Pulses(onsets, stimulator=np.arange(200) % 2))
        largest = np.abs(recording.signal).max()
        assert all(np.abs(parts.part(name).signal).max() < 2 * largest for name in parts.names)
        error = (parts.voluntary.signal - noise)[0, 1000:11_000]
        assert np.sqrt((error**2).mean()) < 100e-6, f"lag {lag}"


@pytest.mark.parametrize("seed", [31, pytest.param(32, marks=pytest.mark.slow)])
def test_pulses_that_do_not_come_cost_little(seed):
    found = []
    for missing in (0.0, 0.04):
        planning, playing = np.random.default_rng(seed).spawn(2)
        made = simulate(drawn(planning, missing=missing), rng=playing)
        parts = ek.separate(made.recording, made.pulses, "phase_spline")
        found.append(voluntary_scores(scene_of(made), parts.voluntary.signal).values["snr_usable"])
    assert found[0] - found[1] < 3, found


def test_stimulators_of_one_rate_are_taken_in_turns():
    rng = np.random.default_rng(7)
    onsets = 0.5 + np.arange(160) / 40
    turn = np.arange(160) % 2
    signal = 10e-6 * rng.standard_normal((1, 10_000))
    time = np.arange(10_000) / 2000
    for onset, other in zip(onsets, turn, strict=True):
        since = time - onset - 0.008
        signal += 1e-3 * (1 + other) * np.exp(-((since / 0.002) ** 2)) * np.sin(900 * since)
    pulses = ek.Pulses(onsets, train=turn, stimulator=turn)
    parts = ek.separate(ek.Recording(signal, 2000.0, ["TA"]), pulses, "phase_spline")
    assert parts.voluntary.signal[:, 1000:9000].std() < 13e-6


@pytest.mark.slow
@pytest.mark.parametrize("name", ["variation_04", "variation_23", "variation_50"])
def test_pulse_to_pulse_variation_costs_no_more_than_its_bound(name):
    behind = [one["behind_bound"] for one in scores(name)]
    assert np.max(behind) <= 1.0, f"worst {np.max(behind):.1f}, median {np.median(behind):.1f} dB"


def test_the_response_at_80_hz_is_followed_from_the_first_pulse_to_the_last():
    made = CASES["rate80_overlap"].make(np.random.default_rng(21))
    parts = ek.separate(made.recording, made.pulses)
    value = voluntary_scores(scene_of(made), parts.voluntary.signal).values
    assert value["snr_usable"] > 12
    assert value["false_emg"] < 10  # µV; without the first and last pulses it is some 25
    # responses run on under the next artifact; shared by time the error of the M-wave was 40 % and more
    assert evoked_scores(scene_of(made), parts.evoked.signal).values["m_nrmse"] < 10


def test_artifact_and_response_of_an_ac_coupled_recording_have_no_level_of_their_own():
    made = ek.simulate.nmes_fatigue(rng=np.random.default_rng(5), duration=10.0, bursts=0)
    parts = ek.separate(made.recording, made.pulses)
    inside = slice(round(4 * made.recording.fs), round(8 * made.recording.fs))
    for part in (parts.artifact.signal, parts.evoked.signal):
        assert np.abs(part[:, inside].mean(axis=1)).max() < 0.01 * part[:, inside].std()


def test_a_channel_without_artifact_and_response_is_left_as_it_is():
    made = ek.simulate.tiny(rng=np.random.default_rng(6), duration=8.0)
    noise = 1e-5 * np.random.default_rng(7).normal(size=made.recording.signal.shape[1])
    both = ek.Recording(np.stack([made.recording.signal[0], noise]), made.recording.fs)
    parts = ek.separate(both, made.pulses, ek.PhaseSpline(mains=False))
    assert parts.voluntary.signal[1] == pytest.approx(noise, abs=1e-15)
    assert parts.artifact.signal[0].any()


def test_false_pulses_are_left_out_and_lost_ones_put_in():
    made = ek.simulate.tiny(rng=np.random.default_rng(8), duration=12.0)
    onsets = made.pulses.onsets
    lost = np.delete(onsets, [40, 90, 91, 150])
    given = np.sort(np.append(lost, onsets[[60, 120]] + 0.026))
    parts = ek.separate(made.recording, ek.Pulses(given), ek.PhaseSpline())
    whole = ek.separate(made.recording, made.pulses, ek.PhaseSpline())
    assert any("2 of" in message and "left out" in message for message in parts.messages)
    assert any("4 between" in message and "put in" in message for message in parts.messages)
    left = [one.voluntary.signal - (made.truth.voluntary + made.truth.noise) for one in (parts, whole)]
    assert left[0].std() < 1.5 * left[1].std()


def test_exact_pulses_are_left_as_they_are():
    made = ek.simulate.nmes_fatigue(rng=np.random.default_rng(9), duration=10.0, bursts=1)
    assert not any("left out" in message for message in ek.separate(made.recording, made.pulses).messages)
