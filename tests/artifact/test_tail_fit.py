"""TailFit on single pulses and a few: exponentials through a known high-pass under a response of known shape."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

import emgkit as ek
from emgkit.artifact import tail_group
from emgkit.artifact.tail_found import widened

FS, FINE = 2000.0, 40_000.0  # Hz
NOISE = 3e-6  # V
PULSE = 0.3  # s, of the first pulse


def entering(times, rng, tail):
    """Current of a pulse and its tail, and a response, at the electrodes, each of size one."""
    artifact = 30 * ((times >= 0) & (times < 3e-4)) + (times >= 3e-4) * (
        rng.uniform(0.5, 2) * np.exp(-np.maximum(times, 0) / rng.uniform(6e-4, 1.5e-3))
        + np.exp(-np.maximum(times, 0) / rng.uniform(4e-3, 12e-3))
    )
    place = np.clip((times - rng.uniform(3.5e-3, 5e-3)) / rng.uniform(14e-3, 20e-3), 0, 1)
    return tail * artifact, np.sin(2 * np.pi * place) * np.sin(np.pi * place) ** 2


def made(seed, pulses=1, corner=10.0, order=1, interval=0.4):
    """A recording of some pulses: (recording, pulses, evoked part)."""
    rng = np.random.default_rng(seed)
    onsets = PULSE + rng.uniform(0, 1 / FS) + interval * np.arange(pulses)
    fine = np.arange(round((onsets[-1] + 0.4) * FINE)) / FINE
    state, tail = rng.bit_generator.state, 1e-3 * np.exp(rng.uniform(np.log(0.2), 0))
    parts = np.zeros((2, fine.size))
    for onset in onsets:
        rng.bit_generator.state = state
        artifact, response = entering(fine - onset, rng, tail)
        parts += artifact, 1e-3 * response
    if corner:
        parts = sosfilt(butter(order, corner, "highpass", fs=FINE, output="sos"), parts, axis=1)
    step = round(FINE / FS)
    artifact, evoked = parts[:, ::step]
    drawn = sosfilt(butter(2, (20, 400), "bandpass", fs=FS, output="sos"), rng.standard_normal(evoked.size + 2000))
    noise = NOISE * drawn[2000:] / drawn.std()
    recording = ek.Recording((artifact + evoked + noise)[np.newaxis], fs=FS, unit="V")
    return recording, ek.Pulses(onsets), evoked


def test_m_waves_carry_the_error_of_the_split():
    """On the method's own clock: the recording starts at 5 s."""
    recording, pulses, _ = made(4, pulses=5)
    late = ek.Recording(recording.signal, FS, start=5.0)
    parts = ek.separate(late, ek.Pulses(pulses.onsets + 5.0), ek.TailFit(high_pass=10.0, high_pass_order=1))
    for part in (parts.clean, parts.evoked):
        cut = ek.cut_m_waves(part, parts.pulses, (0.005, 0.025))
        stated = ek.cut_m_waves(part.with_signal(parts.standard_error("evoked")), parts.pulses, (0.005, 0.025))
        assert np.all(cut.shared_error > 0)
        assert np.all(cut.shared_error < 1.1 * stated.signal.mean(axis=0))
    assert parts.voluntary.shared_errors == ()


def relative(found, truth, pulses):
    """RMS error 3 to 25 ms after the pulses over the size of the response."""
    times = np.arange(truth.size) / FS
    since = times[:, np.newaxis] - pulses.onsets
    under = ((since > 0.003) & (since < 0.025)).any(axis=1)
    return float(np.sqrt(np.mean((found[0, under] - truth[under]) ** 2) / np.mean(truth[under] ** 2)))


@pytest.mark.parametrize(
    ("pulses", "corner", "order"),
    [
        *(pytest.param(*one, marks=pytest.mark.slow) for one in [(1, 10.0, 1), (5, 10.0, 1), (5, 0.0, 1)]),
        (1, 20.0, 2),
    ],
)
def test_the_tail_is_taken_from_under_the_response_of_few_pulses(pulses, corner, order):
    errors, certain = [], []
    for seed in range(10):
        recording, times, truth = made(seed, pulses, corner, order)
        parts = ek.separate(recording, times, ek.TailFit(high_pass=corner, high_pass_order=order))
        errors.append(relative(parts.evoked.signal, truth, times))
        certain.append(not parts.parts.quality["overlap"].any())
    errors, certain = np.array(errors), np.array(certain)
    said = f"median {np.median(errors):.3f}, worst {errors.max():.3f}, overlap said of {(~certain).sum()}"
    assert np.median(errors) < 0.05, said
    assert errors[certain].max(initial=0.0) < 0.10, said
    assert certain.mean() >= 0.5, said


def test_the_stated_errors_hold_the_truth():
    held = []
    for seed in range(20, 30):
        recording, times, truth = made(seed, 5)
        parts = ek.separate(recording, times, ek.TailFit(high_pass=10.0, high_pass_order=1))
        since = np.arange(truth.size) / FS - times.onsets[:, np.newaxis]
        under = ((since > 0.003) & (since < 0.025)).any(axis=0)
        error = parts.parts.standard_errors["evoked"][0]
        held.append(np.mean(np.abs(parts.evoked.signal[0] - truth)[under] < 1.645 * error[under]))
    assert np.median(held) > 0.8, f"median {np.median(held):.2f}, worst {np.min(held):.2f}"


def test_errors_know_of_channels_that_disagree_about_the_tail(monkeypatch):
    recording, times, _ = made(20, 5)
    method = ek.TailFit(high_pass=10.0, high_pass_order=1)
    before = ek.separate(recording, times, method).standard_error("evoked")
    monkeypatch.setattr(tail_group, "agreeing", lambda split: widened(split, 3.0))
    after = ek.separate(recording, times, method).standard_error("evoked")
    there = before > 0
    assert np.median(after[there] / before[there]) > 2


def test_the_parts_add_up_and_what_the_pulse_hides_is_lost():
    recording, pulses, _ = made(3, 3)
    parts = ek.separate(recording, pulses, ek.TailFit(high_pass=10.0, high_pass_order=1))
    total = parts.artifact.signal + parts.evoked.signal + parts.voluntary.signal
    assert total == pytest.approx(recording.signal, abs=1e-15)
    since = np.arange(recording.n_samples) / FS - pulses.onsets[:, np.newaxis]
    hidden = ((since >= 0) & (since < 5e-4)).any(axis=0)
    assert not parts.voluntary.valid[0, hidden].any()
    late = ((since > 0.01) & (since < 0.2)).any(axis=0)
    assert parts.voluntary.valid[0, late].all()
    assert np.abs(parts.voluntary.signal[0, hidden]).max() < 10 * NOISE


@pytest.mark.parametrize("seeds", [range(3), pytest.param(range(3, 10), marks=pytest.mark.slow)])
def test_without_a_tail_a_single_response_stays(seeds):
    changes = []
    for seed in seeds:
        _, pulses, truth = made(seed)
        quiet = ek.Recording(
            truth[np.newaxis] + NOISE * np.random.default_rng(seed).standard_normal((1, truth.size)), fs=FS
        )
        clean = ek.remove_artifact(quiet, pulses, ek.TailFit(high_pass=10.0, high_pass_order=1))
        changes.append(np.ptp(clean.signal) / np.ptp(quiet.signal) - 1)
    worst = float(np.abs(changes).max())
    assert worst < 0.02, f"median {np.median(changes):.4f}, worst {worst:.4f}"


@pytest.mark.parametrize(
    ("pulses", "said"),
    [
        (ek.Pulses([0.3, 0.305]), r"needs 10 ms between pulses, got 5 ms: use phase_spline"),
        (ek.Pulses([0.3, 0.32], stimulator=np.array([0, 1])), "stimulators"),
        (ek.Pulses([0.695]), "raise stretch"),
    ],
)
def test_what_it_cannot_do_is_refused(pulses, said):
    recording, _, _ = made(1)
    with pytest.raises(ek.TimingError, match=said):
        ek.separate(recording, pulses, "tail_fit")


def test_wrong_parameters_are_refused():
    for wrong in ({"before": -1.0}, {"high_pass": 200.0}, {"high_pass_order": 3}, {"neighbours": 0}, {"stretch": 0.0}):
        with pytest.raises(ek.ParameterError, match=next(iter(wrong))):
            ek.TailFit(**wrong)


@pytest.mark.real
def test_the_artifact_of_the_mouse_goes_and_the_plateau_stays(real_data):
    path = real_data / "recruitment-mouse" / "recruitment_10kHz.csv"
    names = {"sweep": "recording_index", "channel": "channel_index", "time": "time_point", "value": "amplitude_mV"}
    sweeps = ek.read_sweeps(path, layout="long", unit="mV", time_unit="ms", intensity="stimulus_V", **names)
    rising = np.argsort(sweeps.intensity, kind="stable")
    changes = []
    for sweep in sweeps.signal[rising[-20::5]]:
        recording = ek.Recording(sweep, fs=sweeps.fs)
        clean = ek.remove_artifact(recording, ek.Pulses([0.001]), ek.TailFit(stretch=4.0))
        wave = slice(round(2.1e-3 * sweeps.fs), round(6e-3 * sweeps.fs))
        changes.append(np.ptp(clean.signal[0, wave]) / np.ptp(sweep[0, wave]) - 1)
    assert np.abs(changes).max() < 0.01, f"median {np.median(changes):.4f}, all {np.round(changes, 4)}"


@pytest.mark.parametrize("empty", [np.nan, pytest.param(0.0, marks=pytest.mark.slow)])
def test_channels_without_a_signal_take_nothing_from_the_others(empty):
    recording, pulses, _ = made(3, pulses=3)
    both = np.stack([recording.signal[0], np.full(recording.n_samples, empty), -recording.signal[0]])
    alone = ek.separate(ek.Recording(both[[0, 2]], FS), pulses, "tail_fit")
    beside = ek.separate(ek.Recording(both, FS), pulses, "tail_fit")
    np.testing.assert_allclose(beside.evoked.signal[[0, 2]], alone.evoked.signal, atol=1e-12, rtol=0)
    np.testing.assert_allclose(beside.quality["overlap"][[0, 2]], alone.quality["overlap"])
    assert not beside.evoked.valid[1].any()
    assert any("EMG2 holds no signal" in one for one in beside.messages), beside.messages


def test_without_any_signal_it_says_so():
    recording, pulses, _ = made(3, pulses=3)
    with pytest.raises(ek.EmgkitError, match="needs a channel with samples"):
        ek.separate(ek.Recording(0 * recording.signal, FS), pulses, "tail_fit")


def test_100_hz_are_10_ms_apart_however_they_are_rounded():
    """Differences of times like 0.51 and 0.52 s lie a little below 0.01 s."""
    onsets = 0.5 + np.arange(10) / 100
    assert np.diff(onsets).min() < 0.01
    signal = NOISE * np.random.default_rng(1).standard_normal((1, 2400))
    parts = ek.TailFit(high_pass=10.0, high_pass_order=1).separate(signal, FS, ek.Pulses(onsets))
    assert np.isfinite(parts.components["evoked"]).all()
    with pytest.raises(ek.TimingError, match="10 ms between pulses"):
        ek.TailFit().separate(signal, FS, ek.Pulses(0.5 + np.arange(10) * 0.00999))
