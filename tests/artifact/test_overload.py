"""A first stage that clips ahead of a high-pass leaves no flat top, but the EMG that does not pass tells."""

import numpy as np
import pytest
from scipy.signal import bessel, butter, lfilter, sosfilt

import emgkit as ek
from emgkit.artifact.overload import find_overload, mark_overload
from emgkit.benchmark.sessions import drawn

FINE = 40_000.0  # Hz
ARTIFACT, RAIL = 8e-3, 2e-3  # V
FILTER = 0.4e-3  # s, by which the anti-alias filter delays


def shaped(rng, count):
    emg = sosfilt(butter(2, [50, 150], "band", fs=FINE, output="sos"), rng.standard_normal(count))
    return emg / emg.std()


def times_since(times, onsets):
    last = np.searchsorted(onsets, times, side="right") - 1
    return np.where(last >= 0, times - onsets[np.maximum(last, 0)], 1e9)


def edges_of(times, onsets):
    return np.concatenate([[0], np.searchsorted(times, onsets), [times.size]])


def pulse(since, start, stop):
    """Give the share of every step of the fine grid, which ends ``since`` after the pulse, that lies in a phase."""
    return (np.clip(since - start, 0, 1 / FINE) - np.clip(since - stop, 0, 1 / FINE)) * FINE


def recorded(
    seed,
    *,
    fs=2000.0,
    rail=RAIL,
    back=0.0,
    silence=0.0,
    rate=20.0,
    level=60e-6,
    jitter=0.0,
    step=1.0,
    passes=np.ones_like,
    reflex=0.0,
    response=2e-3,
    seconds=16.0,
):
    """Record EMG, M-waves and artifacts by an amplifier whose first stage clips and comes back with its gain."""
    rng, ratio = np.random.default_rng(seed), round(FINE / fs)
    times = np.arange(round(seconds * fs) * ratio) / FINE
    onsets = np.arange(0.5, seconds - 0.6, 1.000037 / rate) + rng.uniform(0, 1 / fs)
    onsets = onsets + jitter * rng.standard_normal(onsets.size)
    since = times_since(times + 1 / FINE, onsets)
    emg = level * shaped(rng, times.size) * np.where(times % 5 > 1.5, 0.6 + 0.4 * np.sin(times) ** 2, 0.01)
    emg = emg * np.where((since > 0.004) & (since < silence), 0.05, 1.0) * passes(since)
    sizes = reflex * np.random.default_rng([seed, 1]).standard_normal(onsets.size + 1)
    answers = np.repeat(sizes, np.diff(edges_of(times, onsets)))
    emg = emg + answers * np.sin(np.pi * np.clip(since - 0.028, 0.0, 0.014) / 0.014) ** 2
    wave = np.where((since > 0.004) & (since < 0.02), np.sin(np.pi * (since - 0.004) / 0.016), 0.0)
    wave = response * wave * np.sin(2 * np.pi * (since - 0.004) / 0.016)
    artifact = pulse(since, 0, 2e-4) - pulse(since, 2e-4, 4e-4)
    artifact = artifact + 0.15 * np.exp(-since / 1.5e-3) * pulse(since, 4e-4, 1.0)
    artifact = artifact * np.where(times < 0.5 * seconds, 1.0, step)
    entering = emg + wave + ARTIFACT * artifact + 5e-6 * rng.standard_normal(times.size)
    over = np.abs(entering) > rail
    leaving = np.clip(entering, -rail, rail)
    if back:
        last = np.maximum.accumulate(np.where(over, np.arange(times.size), -(10**9)))
        leaving = leaving * np.where(over, 1.0, 1 - np.exp((last - np.arange(times.size)) / FINE / back))
    passed = sosfilt(bessel(4, 0.425 * fs if fs < 2000 else 850, norm="mag", fs=FINE, output="sos"), leaving)
    signal = lfilter(*butter(1, 10, "high", fs=FINE), passed)[::ratio]
    return ek.Recording(signal[np.newaxis], fs, ("VL",)), ek.Pulses(onsets)


@pytest.mark.parametrize("rail", [0.8e-3, 0.4e-3])
@pytest.mark.parametrize("fs", [2000.0, 4000.0, 5000.0])
@pytest.mark.parametrize("seed", range(4))
def test_a_rail_ahead_of_a_high_pass_is_marked_within_a_sample(seed, fs, rail):
    recording, pulses = recorded(seed, fs=fs, rail=rail)
    (found,) = find_overload(recording, pulses)
    assert found.passes < 0.35
    until = 4e-4 + 1.5e-3 * np.log(0.15 * ARTIFACT / rail)  # when the artifact's tail falls below the rail
    assert until - 1 / fs <= found.until <= until + FILTER + 1 / fs
    marked = ~mark_overload(recording, pulses, [found]).valid[0]
    first = np.ceil(pulses.onsets * fs - 1e-6).astype(int)[:, np.newaxis]
    expected = np.zeros_like(marked)
    expected[first + np.arange(-1, round(found.until * fs) + 1)] = True  # filters smear by a sample
    assert np.array_equal(marked, expected)


@pytest.mark.parametrize("back", [0.005, 0.02])
@pytest.mark.parametrize("seed", range(3))
def test_a_gain_that_comes_back_is_marked_until_most_of_it_is_there(seed, back):
    recording, pulses = recorded(seed, back=back)
    (found,) = find_overload(recording, pulses)
    half = -back * np.log(0.5)
    assert half < found.until < 6 * half
    assert found.passes < 0.2


@pytest.mark.parametrize(
    "free",
    [
        {},
        {"silence": 0.04},
        {"jitter": 1e-4},
        {"rate": 80.0},
        {"level": 0.0},
        {"fs": 4000.0},
        {"fs": 1000.0},
    ],
    ids=str,
)
@pytest.mark.parametrize("seed", range(4))
def test_nothing_is_found_where_nothing_clips(seed, free):
    recording, pulses = recorded(100 + seed, rail=1.0, **free)
    assert find_overload(recording, pulses) == ()
    assert mark_overload(recording, pulses, ()) is recording


@pytest.mark.parametrize("late", [0.0, 0.3e-3, 0.9e-3])
@pytest.mark.parametrize("seed", range(4))
def test_an_artifact_that_steps_is_not_taken_for_an_amplifier_though_its_pulses_are_given_late(seed, late):
    recording, pulses = recorded(200 + seed, rail=1.0, step=0.5, rate=29.985)
    assert find_overload(recording, ek.Pulses(pulses.onsets + late)) == ()


def pausing(since):
    return np.where((since > 0.0016) & (since < 0.03), 0.02, 1.0)


def doubling(since):
    return np.where(since < 0.0006, 0.0, np.where(since < 0.0016, 2.5, 1.0))


@pytest.mark.parametrize("passes", [pausing, doubling])
@pytest.mark.parametrize("seed", range(3))
def test_a_pause_that_begins_later_and_what_seems_to_pass_twice_are_no_rail(seed, passes):
    recording, pulses = recorded(seed, rail=1.0, passes=passes)
    assert find_overload(recording, pulses) == ()


@pytest.mark.parametrize("blind", [{"reflex": 1e-4, "rate": 22.0}, {"fs": 1000.0}], ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_told_of_a_rail_where_late_responses_vary_more_than_the_emg_or_samples_are_few(seed, blind):
    """There recordings without a rail may look the same: responses of earlier pulses, EMG in step with the pulses."""
    recording, pulses = recorded(seed, rail=0.8e-3, **blind)
    assert find_overload(recording, pulses) == ()


@pytest.mark.parametrize("rate", [29.985, 36.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_rail_is_found_at_the_usual_rates(seed, rate):
    recording, pulses = recorded(seed, rail=0.8e-3, rate=rate)
    assert len(find_overload(recording, pulses)) == 1


@pytest.mark.parametrize("seed", range(3))
def test_a_silent_muscle_after_a_rail_is_not_taken_for_recovery(seed):
    recording, pulses = recorded(seed, rail=0.8e-3, silence=0.04)
    (found,) = find_overload(recording, pulses)
    assert found.until < 0.005


@pytest.mark.parametrize("rate", [20.0, 40.0, 80.0])
@pytest.mark.parametrize("seed", range(3))
def test_a_muscle_that_fires_in_step_with_the_pulses_is_not_taken_for_an_amplifier(seed, rate):
    made = {"duration": 16.0, "stimulation": (0.5, 15.5), "rate": rate, "effort": 0.5}
    free = ek.simulate.tiny(rng=np.random.default_rng(seed), **made)
    assert find_overload(free.recording, free.pulses) == ()


@pytest.mark.parametrize(("rate", "current"), [(50.0, 0.04), (58.9, 0.08), (34.6, 0.06)])
@pytest.mark.parametrize("seed", range(4))
def test_responses_that_vary_and_run_into_the_next_pulse_are_not_taken_for_an_amplifier(seed, rate, current):
    """Up to 41 Hz what varies in a response is over before the next pulse; above, nothing is told."""
    rng = np.random.default_rng(300 + seed)
    free = {"fs": float(rng.choice([2000.0, 2148.148, 4000.0, 5000.0])), "jitter": float(rng.choice([2e-6, 1e-4]))}
    session = drawn(rng, varied=True, tailed=True, rate=rate, current=current, modulation=0.2, **free)
    made = ek.simulate.simulate(session, rng=rng, features=False)
    assert find_overload(made.recording, made.pulses) == ()


@pytest.mark.parametrize("seed", range(2))
def test_the_simulated_first_stage_is_found_in_most_channels_and_hardly_anything_else_is_marked(seed):
    from emgkit.benchmark.cases import case

    made = case("clipping_first_stage").make(np.random.default_rng(1000 + seed))
    found = find_overload(made.recording, made.pulses)
    marked = ~mark_overload(made.recording, made.pulses, found).valid
    clipped = made.truth.condition == 1
    assert (marked & clipped).sum() > 0.85 * clipped.sum()
    assert (marked & ~clipped).sum() < 0.002 * marked.size


def test_the_separation_marks_it_and_says_it_and_the_parts_stay():
    recording, pulses = recorded(3, rail=0.8e-3)
    parts = ek.separate(recording, pulses)
    assert any("EMG does not pass whole after each pulse in VL" in message for message in parts.messages)
    assert any("lower gain" in message for message in parts.messages)
    first = np.ceil(pulses.onsets * recording.fs - 1e-6).astype(int)
    assert not parts.voluntary.valid[0, first].any()
    assert parts.voluntary.valid[0, first + 60].all()  # before, the rail clips the M-wave too
    assert parts.voluntary.history[-2].name == "mark_overload"
    alone = ek.PhaseSpline().separate(recording.signal, recording.fs, pulses)
    assert np.array_equal(parts.evoked.signal, alone.render("evoked", recording.signal))


def test_an_m_wave_under_recovery_is_missing_as_clipped():
    recording, pulses = recorded(4, back=0.02)
    parts = ek.separate(recording, pulses)
    table = ek.measure(ek.cut_m_waves(parts.clean, pulses.select(slice(0, -1)), (0.003, 0.03)), ["vpp"])
    assert (table.reasons["vpp"] == "clipped").all()


def test_the_set_up_check_says_it():
    recording, pulses = recorded(5, rail=0.8e-3, response=0.5e-3)
    finding = ek.check_setup(recording, pulses)["rails"]
    assert finding.grade == "care"
    assert "EMG does not pass whole" in finding.seen
    assert "Lower the gain" in finding.advice
    recording, pulses = recorded(5, back=0.02)
    assert ek.check_setup(recording, pulses)["rails"].grade == "bad"


def test_scale_and_polarity_change_nothing_and_stimulators_are_told_apart():
    recording, pulses = recorded(6, rail=0.8e-3)
    (found,) = find_overload(recording, pulses)
    for factor in (-1.0, 1e-3, 50.0):
        scaled = ek.Recording(factor * recording.signal, recording.fs, recording.channel_names)
        (same,) = find_overload(scaled, pulses)
        assert (same.begin, same.stop, same.until) == (found.begin, found.stop, found.until)
        assert same.passes == pytest.approx(found.passes)
    two = ek.Pulses(pulses.onsets, stimulator=np.arange(len(pulses)) % 2)
    assert {one.stimulator for one in find_overload(recording, two)} == {0, 1}


def test_few_pulses_and_missing_samples_tell_nothing():
    recording, pulses = recorded(7, rail=0.8e-3)
    assert find_overload(recording, pulses.select(slice(0, 50))) == ()
    signal = recording.signal.copy()
    signal[:] = np.nan
    assert find_overload(ek.Recording(signal, recording.fs, ("VL",)), pulses) == ()
    assert find_overload(ek.Recording(np.zeros_like(signal), recording.fs, ("VL",)), pulses) == ()
