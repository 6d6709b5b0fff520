"""A first stage that clips the M-wave's peak ahead of a high-pass leaves no flat top, but nothing varies there."""

import numpy as np
import pytest
from scipy.signal import bessel, butter, lfilter, sosfilt

import emgkit as ek
from emgkit.artifact.clipped_response import clipped_reasons, find_clipped_responses, mark_clipped_responses
from emgkit.benchmark.cases import CASES

FINE = 20_000.0  # Hz
PEAK = 2e-3  # V
SETTLES = 0.0015  # s, delay and settling of the anti-alias filter
SMEARED = 0.001  # s on either side, which are marked with what is at the rail


def coloured(rng, count):
    emg = sosfilt(butter(2, [50, 150], "band", fs=FINE, output="sos"), rng.standard_normal(count))
    return emg / emg.std()


def since_pulse(times, onsets):
    last = np.searchsorted(onsets, times, side="right") - 1
    return np.where(last >= 0, times - onsets[np.maximum(last, 0)], 1e9), np.maximum(last, 0)


def recorded(
    seed,
    *,
    share=1e3,
    fs=2000.0,
    rate=20.0,
    effort=60e-6,
    resting=True,
    silence=0.0,
    varies=0.01,
    change=0.0,
    noise=3e-6,
    behind=0.0,
    mains=0.0,
    corner=10.0,
    order=1,
    side=1.0,
    locked=False,
    seconds=12.0,
):
    """Record EMG and M-waves, 2 mV at the first peak and 1.2 mV at the other, by a stage with a rail at a share of it.

    Gives the recording, its pulses, and where it was at the rail, in samples of the recording.
    """
    rng, ratio = np.random.default_rng(seed), round(FINE / fs)
    times = np.arange(round(seconds * fs) * ratio) / FINE
    onsets = np.arange(0.5, seconds - 0.2, 1 / rate if locked else 1.000037 / rate) + rng.uniform(0, 1 / fs)
    since, number = since_pulse(times, onsets)
    size = np.linspace(1.0, 1.0 + change, onsets.size) * (1 + varies * rng.standard_normal(onsets.size))
    wave = np.where((since > 0.004) & (since < 0.01), np.sin(np.pi * (since - 0.004) / 0.006), 0.0)
    wave -= 0.6 * np.where((since >= 0.01) & (since < 0.018), np.sin(np.pi * (since - 0.01) / 0.008), 0.0)
    emg = effort * coloured(rng, times.size) * np.where((times % 4 > 1.5) | (not resting), 1.0, 0.0)
    emg = emg * np.where((since > 0.004) & (since < silence), 0.0, 1.0)
    artifact = np.where(since < 2e-4, 1e-3, np.where(since < 4e-4, -1e-3, 0.0))
    entering = side * PEAK * size[number] * wave + artifact + emg + mains * np.sin(2 * np.pi * 50.02 * times)
    entering = entering + noise * np.sqrt(FINE / fs) * rng.standard_normal(times.size)
    rail = share * PEAK
    leaving = np.clip(entering, -rail, rail)
    passed = sosfilt(bessel(4, min(850, 0.425 * fs), norm="mag", fs=FINE, output="sos"), leaving)
    signal = lfilter(*butter(order, corner, "high", fs=FINE), passed)[::ratio]
    signal = signal + behind * rng.standard_normal(signal.size)
    at_rail = np.abs(entering[::ratio]) >= rail
    return ek.Recording(signal[np.newaxis], fs, ("VL",)), ek.Pulses(onsets), at_rail


def first_sample(recording, pulses):
    return np.ceil(pulses.onsets * recording.fs - 1e-6).astype(int)


CLIPPED = [
    {},
    {"fs": 4000.0, "corner": 5.0},
    {"fs": 2500.0, "rate": 12.0, "resting": False},
    {"rate": 40.0, "corner": 20.0, "order": 2},
    {"locked": True, "rate": 25.0, "corner": 1.0},
    {"effort": 0.0, "varies": 0.0},
    {"silence": 0.045, "resting": False},
    {"mains": 1e-4, "corner": 30.0},
]


@pytest.mark.parametrize("side", [-1.0, 1.0])
@pytest.mark.parametrize("made", CLIPPED, ids=str)
@pytest.mark.parametrize("seed", range(2))
def test_a_clipped_peak_is_found_where_it_is(seed, made, side):
    recording, pulses, at_rail = recorded(seed, share=0.7, side=side, **made)
    (found,) = find_clipped_responses(recording, pulses)
    early, late = (0.004 + 0.006 * angle / np.pi for angle in (np.arcsin(0.7), np.pi - np.arcsin(0.7)))
    assert early <= found.begin < found.until <= late + SETTLES
    marked = ~mark_clipped_responses(recording, [found]).valid[0]
    kept = at_rail & (np.arange(at_rail.size) < first_sample(recording, pulses)[-1])
    assert marked[kept].mean() > 0.75  # it leaves the rail a filter's delay before that is recorded
    far = np.ones_like(marked)
    for place in np.flatnonzero(at_rail):
        before, after = (int(np.ceil(time * recording.fs)) for time in (SMEARED, SETTLES + SMEARED))
        far[place - before : place + after + 1] = False
    assert not (marked & far).any()


def test_both_peaks_are_found_where_both_are_clipped():
    recording, pulses, _ = recorded(5, share=0.42)
    found = find_clipped_responses(recording, pulses)
    assert sorted(one.begin > 0.01 for one in found) == [False, True]
    (said,) = clipped_reasons(found).values()
    assert said.count(" to ") == 2


FREE = [
    {},
    {"fs": 4000.0, "corner": 1.0},
    {"locked": True, "rate": 25.0},
    {"locked": True, "rate": 25.0, "effort": 0.0, "varies": 0.0},
    {"locked": True, "rate": 25.0, "resting": False, "silence": 0.04},
    {"resting": False, "silence": 0.045},
    {"effort": 0.0},
    {"rate": 40.0, "change": -0.5, "varies": 0.05},
    {"mains": 3e-4, "rate": 25.0, "locked": True},
    {"behind": 5e-6, "effort": 2e-4, "resting": False, "silence": 0.04},
    {"rate": 90.0},
    {"fs": 1000.0},
]


@pytest.mark.parametrize("made", FREE, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_nothing_is_found_where_nothing_clips(seed, made):
    recording, pulses, _ = recorded(100 + seed, **made)
    assert find_clipped_responses(recording, pulses) == ()
    assert mark_clipped_responses(recording, ()) is recording


@pytest.mark.parametrize(("step", "found"), [(2e-7, 1), (2e-5, 0)])
def test_rounding_is_told_from_a_rail_while_it_is_small(step, found):
    """Noise of 3 µV, rounded to 20 µV, stands as still as at a rail."""
    recording, pulses, _ = recorded(3, share=0.7, effort=0.0)
    rounded = ek.Recording(step * np.round(recording.signal / step), recording.fs, recording.channel_names)
    assert len(find_clipped_responses(rounded, pulses)) == found


@pytest.mark.parametrize("seed", range(2))
def test_nothing_is_told_where_noise_behind_the_stage_hides_what_passes(seed):
    recording, pulses, _ = recorded(seed, share=0.7, effort=0.0, noise=1e-6, behind=1e-5)
    assert find_clipped_responses(recording, pulses) == ()


@pytest.mark.parametrize(("change", "clipped"), [(-0.7, slice(0, 60)), (1.0, slice(-60, None))])
def test_of_a_muscle_that_changes_only_the_pulses_at_the_rail_are_marked(change, clipped):
    recording, pulses, at_rail = recorded(7, share=0.7 if change < 0 else 1.4, change=change, corner=5.0, rate=30.0)
    found = find_clipped_responses(recording, pulses)
    assert found
    marked = ~mark_clipped_responses(recording, found).valid[0]
    places = first_sample(recording, pulses)[:-1, np.newaxis] + np.arange(round(0.02 * recording.fs))
    by_pulse, truly = marked[places].any(axis=1), at_rail[places].any(axis=1)
    assert by_pulse[clipped].mean() > 0.5
    assert by_pulse[~truly].mean() < 0.1


def test_grades_reason_and_message_name_the_cause():
    recording, pulses, _ = recorded(11, share=0.7)
    parts = ek.separate(recording, pulses)
    for use in ("m_wave_size", "m_wave_spectrum"):
        (grade,) = parts.grades[use]
        assert grade.grade == "reject"
        assert grade.reason.startswith("the amplifier's first stage is at its limit at the M-wave's peak, ")
    (said,) = [message for message in parts.messages if "at its limit" in message]
    assert "VL" in said
    assert "lower gain" in said
    assert parts.grades["voluntary_amplitude"][0].grade != "reject"
    table = ek.measure(ek.cut_m_waves(parts.clean, pulses.select(slice(0, -1)), (0.003, 0.03)), ["vpp"])
    assert (table.reasons["vpp"] == "clipped").all()
    finding = ek.check_setup(recording, pulses)["rails"]
    assert finding.grade == "bad"
    assert "at its limit at the M-wave's peak" in finding.seen
    assert "Lower the gain" in finding.advice


def test_where_the_ends_are_whole_the_grades_promise_nothing():
    from emgkit.artifact.grading import graded
    from emgkit.artifact.m_wave_evidence import MWaveEvidence
    from emgkit.artifact.voluntary_evidence import VoluntaryEvidence

    quiet = dict.fromkeys(("early", "response", "misses", "lines", "noise", "slow"), 0.0)
    voluntary = VoluntaryEvidence(power=1e-9, **quiet, chance=0.005, compared=True, lost=0.0)
    m_wave = MWaveEvidence(2e-3, 0.005, 0.01, 0.01, 0.0, 0.0, 0.0, True, 40, 45, (2e-3, 25e-3))
    grades = graded(voluntary, m_wave, 100.0, 100.0, keeps=False, clipped="because.")
    assert (grades["m_wave_size"].grade, grades["m_wave_size"].reason) == ("with care", "because.")
    assert np.isnan(grades["m_wave_size"].error)
    assert grades["voluntary_amplitude"].grade == "good"


def test_scale_changes_nothing_and_stimulators_are_told_apart():
    recording, pulses, _ = recorded(6, share=0.7)
    (found,) = find_clipped_responses(recording, pulses)
    scaled = ek.Recording(-50.0 * recording.signal, recording.fs, recording.channel_names)
    (same,) = find_clipped_responses(scaled, pulses)
    assert np.array_equal(same.samples, found.samples)
    two = ek.Pulses(pulses.onsets, stimulator=np.arange(len(pulses)) % 2)
    assert {one.stimulator for one in find_clipped_responses(recording, two)} == {0, 1}


def test_few_pulses_and_missing_samples_tell_nothing_and_a_blanked_artifact_does_no_harm():
    recording, pulses, _ = recorded(7, share=0.7)
    assert find_clipped_responses(recording, pulses.select(slice(0, 15))) == ()
    missing = np.full_like(recording.signal, np.nan)
    assert find_clipped_responses(ek.Recording(missing, recording.fs, ("VL",)), pulses) == ()
    assert find_clipped_responses(ek.Recording(np.zeros_like(missing), recording.fs, ("VL",)), pulses) == ()
    blanked = recording.signal.copy()
    blanked[:, first_sample(recording, pulses)[:, np.newaxis] + np.arange(5)] = np.nan
    assert len(find_clipped_responses(ek.Recording(blanked, recording.fs, ("VL",)), pulses)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("seed", range(3))
def test_no_case_of_the_benchmark_is_taken_for_a_clipped_peak_that_has_none(name, seed):
    made = CASES[name].make(np.random.default_rng(7000 + seed))
    recording = ek.mark_held(ek.mark_saturation(made.recording))
    found = find_clipped_responses(recording, CASES[name].pulses(made))
    if name != "clipping_first_stage":
        assert found == ()
    for one in found:
        assert (made.truth.condition[one.channel, one.samples] == 1).mean() > 0.5
