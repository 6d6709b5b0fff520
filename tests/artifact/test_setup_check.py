"""Every question of the set-up check is answered one way where there is trouble, and the other where there is none."""

from dataclasses import replace

import numpy as np
import pytest

import emgkit as ek

QUESTIONS = ["rails", "blanking", "losses", "tail", "overlap", "mains", "timing", "pulses", "level", "sampling"]
SOUND = {"duration": 6.0, "stimulation": (0.3, 5.9), "rate": 28.3, "effort": 0.0}


def made(seed, **changes):
    return ek.simulate.tiny(rng=np.random.default_rng(seed), **{**SOUND, **changes})


def checked(simulation, pulses=None, **more):
    return ek.check_setup(simulation.recording, pulses or simulation.pulses, **more)


def with_signal(simulation, change):
    signal = np.array(simulation.recording.signal)
    was = simulation.recording
    return ek.Recording(change(signal, simulation), was.fs, was.channel_names, aux=was.aux)


def with_rail(until):
    """Put the signal on a rail from the pulse until so long after it."""

    def change(signal, simulation):
        out, fs = signal.copy(), simulation.recording.fs
        for onset in simulation.pulses.onsets:
            out[:, round(onset * fs) : round((onset + until) * fs)] = 1.5 * np.abs(signal).max()
        return out

    return change


def with_losses(signal, simulation):
    out, fs = signal.copy(), simulation.recording.fs
    for onset in simulation.pulses.onsets[5:-5:8]:
        place = round((onset + 0.024) * fs)
        out[:, place : place + 16] = out[:, [place - 1]]
    return out


def with_tail(share):
    """Add an exponential tail that is ``share`` of the response 3 ms after the pulse and gone 20 ms after it."""

    def change(signal, simulation):
        fs, times = simulation.recording.fs, np.arange(signal.shape[1]) / simulation.recording.fs
        size = np.ptp(
            np.median([signal[:, round((t + 0.005) * fs) :][:, :50] for t in simulation.pulses.onsets[:-2]], 0)
        )
        out = signal.copy()
        for onset in simulation.pulses.onsets:
            phase = times - onset
            out += np.where(phase > 0, share * size * np.exp(-(phase.clip(0) - 0.003) / 0.0015), 0.0) * (phase < 0.03)
        return out

    return change


def noisy(size):
    return lambda signal, _: signal + size * np.random.default_rng(7).normal(size=signal.shape)


def seeds(count):
    """The first seed for every run of the tests, the others for the slow ones."""
    others = (pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, count))
    return pytest.mark.parametrize("seed", [0, *others])


def graded(seed, question, simulate, change=None, pulses=None):
    """Grade of one question."""
    simulation = made(seed, **simulate)
    recording = simulation.recording if change is None else with_signal(simulation, change)
    given = simulation.pulses if pulses is None else pulses(simulation)
    return ek.check_setup(recording, given)[question].grade


def rounded(simulation):
    return ek.Pulses(np.round(simulation.pulses.onsets * simulation.recording.fs) / simulation.recording.fs)


def jittering(width):
    def pulses(simulation):
        late = np.random.default_rng(5).uniform(0, width, len(simulation.pulses))
        return ek.Pulses(simulation.pulses.onsets + late, time_source="trigger")

    return pulses


def half_missing(simulation):
    onsets = np.delete(simulation.pulses.onsets, slice(20, 120, 12))
    clock = replace(ek.detect_pulses(simulation.recording).clock, missing=simulation.pulses.onsets[20:120:12])
    return ek.Pulses(onsets, time_source="trigger", clock=clock)


def few(simulation):
    return ek.Pulses(simulation.pulses.onsets[:20], time_source="trigger")


TROUBLES = [
    ("rails", {}, with_rail(0.0015), jittering(0.0), ["care"]),
    ("rails", {}, with_rail(0.005), jittering(0.0), ["bad"]),
    ("blanking", {"blanking": 5e-3}, None, None, ["bad"]),
    ("losses", {}, with_losses, None, ["care", "bad"]),
    ("tail", {}, with_tail(0.6), None, ["care"]),
    ("tail", {}, with_tail(2.0), None, ["bad"]),
    ("tail", {"levels": (0.0,)}, None, None, ["care"]),
    ("overlap", {"rate": 83.0}, None, None, ["care"]),
    ("mains", {"rate": 25.0}, None, None, ["care"]),
    ("timing", {}, None, rounded, ["care"]),
    ("timing", {}, None, jittering(0.001), ["care"]),
    ("timing", {}, None, jittering(0.006), ["bad"]),
    ("timing", {}, None, half_missing, ["care", "bad"]),
    ("pulses", {}, None, few, ["care"]),
    ("sampling", {"fs": 1000.0}, None, None, ["care"]),
    ("sampling", {"fs": 900.0}, None, None, ["bad"]),
]


@seeds(2)
@pytest.mark.parametrize(("question", "simulate", "change", "pulses", "wanted"), TROUBLES)
def test_a_trouble_is_seen(question, simulate, change, pulses, wanted, seed):
    assert graded(seed, question, simulate, change, pulses) in wanted


@seeds(3)
@pytest.mark.parametrize("source", ["known", "artifact"])
def test_blanking_lasts_as_long_as_it_does(source, seed):
    """Not until the next pulse, before which it begins, and not nothing where pulses are found at its end."""
    simulation = made(seed, blanking=3e-3)
    pulses = simulation.pulses
    if source == "artifact":
        pulses = ek.Pulses(pulses.onsets + 3.1e-3, time_source="artifact")
    seen = checked(simulation, pulses)["blanking"].seen
    until = float(seen.split("until ")[1].split(" ms")[0])
    assert 2.4 <= until <= 4.2, seen


@pytest.mark.parametrize("level", [0.0, 1e-3])
def test_a_channel_without_a_signal_is_said(level):
    simulation = made(1)
    whole = np.array(simulation.recording.signal)
    signal = np.concatenate([whole, np.full((1, whole.shape[1]), level)])
    found = ek.check_setup(ek.Recording(signal, simulation.recording.fs, ["VL", "VM"]), simulation.pulses)["losses"]
    assert found.grade == "bad"
    assert "VM" in found.seen
    assert "VL" not in found.seen


@seeds(2)
def test_noise_hides_weak_effort(seed):
    simulation = made(seed)
    quiet, loud = (ek.check_setup(with_signal(simulation, noisy(size)), simulation.pulses) for size in (0.0, 40e-6))
    assert quiet["level"].grade == "good"
    assert loud["level"].grade in ("care", "bad")
    rise = 1 + 3 / (2 * np.sqrt(113.0))
    assert loud.smallest[0] == pytest.approx(40e-6 * np.sqrt(rise**2 - 1), rel=0.15)


@seeds(2)
def test_effort_all_the_time_is_told_from_noise(seed):
    """EMG that never pauses hides weaker EMG, but it is no fault of the set-up."""
    simulation = made(seed)
    noise = np.random.default_rng(seed).normal(size=simulation.recording.n_samples)
    wave = np.convolve(noise, np.hanning(15), "same")  # a spectrum that is over by 300 Hz
    effort = ek.check_setup(
        with_signal(simulation, lambda signal, _: signal + 120e-6 * wave / wave.std()), simulation.pulses
    )["level"]
    hiss = ek.check_setup(with_signal(simulation, noisy(120e-6)), simulation.pulses)["level"]
    assert effort.grade == "care"
    assert "spectrum of EMG" in effort.advice
    assert hiss.grade == "bad"
    assert "skin" in hiss.advice


@seeds(4)
def test_a_sound_set_up_is_called_good_in_every_question(seed):
    check = checked(made(seed))
    troubled = [(finding.name, finding.seen) for finding in check.findings if finding.grade != "good"]
    assert not troubled
    assert check.grade == "good"
    assert [finding.name for finding in check.findings] == QUESTIONS


def test_mains_is_looked_for_where_it_is_and_the_offered_rate_is_free():
    simulation = made(1, rate=20.0)
    assert checked(simulation, mains=60.0)["mains"].grade == "care"  # the third harmonic
    advice = checked(simulation, mains=50.0)["mains"].advice
    rate = float(advice.split("stimulate at ")[1].split(" Hz")[0])
    assert checked(made(1, rate=rate), mains=50.0)["mains"].grade == "good"


def test_recordings_that_help_follow_from_what_was_seen():
    simulation = made(1)
    sound, tailed = checked(simulation), ek.check_setup(with_signal(simulation, with_tail(2.0)), simulation.pulses)
    assert not any("polarity" in line for line in sound.recordings)
    assert any("polarity" in line for line in tailed.recordings)
    assert any("Single pulses" in line for line in checked(made(1, rate=83.0)).recordings)
    assert sum("motor threshold" in line for line in sound.recordings) == 1
    currents = replace(simulation.pulses, current=np.linspace(0.01, 0.05, len(simulation.pulses)))
    assert not any("motor threshold" in line for line in checked(simulation, currents).recordings)


def test_what_cannot_be_checked_is_refused():
    recording = made(1).recording
    with pytest.raises(ek.NoPulsesError, match="got 1"):
        ek.check_setup(recording, ek.Pulses([1.0]))
    with pytest.raises(ek.TimingError, match="outside"):
        ek.check_setup(recording, ek.Pulses([1.0, 99.0]))
    with pytest.raises(ek.ParameterError, match="mains"):
        ek.check_setup(recording, ek.Pulses([1.0, 2.0]), mains=0.0)


def test_a_recording_of_a_few_samples_is_looked_at_without_warnings():
    recording = ek.Recording(1e-4 * np.random.default_rng(1).standard_normal((1, 24)), 2000.0)
    found = ek.check_setup(recording, ek.Pulses([0.003, 0.005]))
    assert found.findings


def test_a_trigger_among_the_channels_changes_nothing():
    simulation = made(1)
    was = simulation.recording
    trigger = np.zeros(was.n_samples)
    trigger[(simulation.pulses.onsets[:, np.newaxis] * was.fs).astype(int) + np.arange(4)] = 5.0
    both = ek.Recording(np.vstack([trigger, was.signal]), was.fs, ["T", *was.channel_names])
    alone = ek.Recording(was.signal, was.fs, was.channel_names)
    assert str(ek.check_setup(both, simulation.pulses)) == str(ek.check_setup(alone, simulation.pulses))


@seeds(2)
def test_a_trigger_without_any_stimulus_is_said(seed):
    simulation = made(seed)
    quiet = np.random.default_rng(seed).normal(size=simulation.recording.signal.shape)
    sham = ek.Recording(5e-6 * quiet, simulation.recording.fs)
    given = ek.Pulses(simulation.pulses.onsets, time_source="trigger")
    found = ek.check_setup(sham, given)["timing"]
    assert found.grade == "bad"
    assert "no stimulus is seen in any channel" in found.seen
    assert "is the stimulator on" in found.advice
    spikes = np.zeros(quiet.shape)
    spikes[:, np.ceil(given.onsets * simulation.recording.fs).astype(int)] = 15e-6  # too small to be found
    artifacts = ek.check_setup(ek.Recording(5e-6 * quiet + spikes, simulation.recording.fs), given)["timing"]
    assert "no stimulus" not in artifacts.seen


@seeds(2)
@pytest.mark.parametrize(("late", "grade"), [(0.0, "good"), (0.5e-3, "good"), (4.6e-3, "care"), (-2e-3, "care")])
def test_a_late_trigger_gets_advice(late, grade, seed):
    simulation = made(seed)
    given = ek.Pulses(simulation.pulses.onsets + late, time_source="trigger")
    found = checked(simulation, given)["timing"]
    assert found.grade == grade, found
    assert ("give the delay" in found.advice) == (grade == "care")


def test_pulses_given_twice_are_said():
    simulation = made(1)
    onsets = simulation.pulses.onsets
    found = checked(simulation, ek.Pulses(np.sort([*onsets, *(onsets + 1e-5)])))
    assert "does the list hold them twice" in found["timing"].advice
    assert found["pulses"].seen == checked(simulation)["pulses"].seen
