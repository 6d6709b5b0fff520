"""Cutting: exact times, half-open windows, and nothing measured that a step may have eaten."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import emgkit as ek

FS = 2000.0


def ramp(duration=4.0, start=0.0, fs=FS, history=(), marks=()):
    """A recording whose samples are their own times, s since the file's first sample."""
    times = start + np.arange(round(duration * fs)) / fs
    return ek.Recording(np.stack([times, -times]), fs=fs, start=start, history=history, marks=marks)


def separated(part, until, method="phase_spline"):
    return (ek.Step("separate", {"method": method, "part": part, "evoked_lost_until": until}),)


@settings(max_examples=50)
@given(
    st.lists(st.floats(0.2, 3.9), min_size=1, max_size=20, unique_by=lambda t: round(t / 0.06)),
    st.sampled_from([1000.0, 1259.259, 1925.926, 2000.0, 2048.0]),
    st.floats(0.0, 0.01),
    st.floats(0.0, 0.1),
)
def test_every_sample_lies_in_the_half_open_window_and_its_time_is_exact(onsets, fs, start, origin):
    """N-17, T-01: the recording's samples are their times, so the cut must give them back."""
    onsets = np.sort(onsets)
    onsets = onsets[np.insert(np.diff(onsets) > 0.06, 0, True)]
    window = (start, start + 0.028)
    cut = ek.cut_m_waves(ramp(start=origin, fs=fs), ek.Pulses(onsets), window)
    times = cut.times + cut.starts[:, np.newaxis]
    np.testing.assert_allclose(cut.signal[:, 0], times, atol=1e-9)
    assert (cut.times >= window[0] - 1e-6 / fs).all()
    assert (cut.times < window[1]).all()
    assert cut.n_samples == int(0.028 * fs + 1e-6)
    # the first sample is the first one in the window: each pulse is rounded once, on its own
    assert (cut.first - window[0] < 1 / fs).all()


def test_rounding_does_not_add_up_over_a_long_train():
    onsets = 0.5 + np.arange(10_000) / 29.985
    recording = ramp(duration=400.0)
    cut = ek.cut_m_waves(recording, ek.Pulses(onsets), (0.002, 0.030))
    np.testing.assert_allclose(cut.times[:, 0] + onsets, cut.signal[:, 0, 0], atol=1e-9)


def test_cropping_first_or_cutting_first_is_the_same():
    recording, pulses = ramp(), ek.Pulses([1.0002, 1.1003, 1.2001])
    whole, part = (ek.cut_m_waves(r, pulses) for r in (recording, recording.crop(0.9, 1.5)))
    np.testing.assert_array_equal(whole.signal, part.signal)
    np.testing.assert_allclose(whole.first, part.first, atol=1e-12)


def test_trains_currents_names_and_history_come_along():
    recording = ramp(history=(ek.Step("filter"),))
    cut = ek.cut_m_waves(recording, ek.Pulses([1.0, 1.1], train=[0, 1], current=[0.01, 0.02]))
    assert cut.train.tolist() == [0, 1]
    assert cut.intensity.tolist() == [0.01, 0.02]
    assert cut.channel_names == recording.channel_names
    assert [step.name for step in cut.history] == ["filter", "cut_m_waves"]
    assert cut.history[-1].parameters["window"] == (0.002, 0.03)


def test_a_window_from_before_evoked_activity_is_safe_is_refused():
    pulses = ek.Pulses([1.0, 1.1])
    recording = ramp(history=separated("clean", 0.0035, "blanking"))
    with pytest.raises(ek.EvokedLostError, match=r"starts 2 ms .* blanking .* until 3.5 ms"):
        ek.cut_m_waves(recording, pulses)
    cut = ek.cut_m_waves(recording, pulses, (0.0035, 0.03))
    assert (cut.times >= 0.0035 - 1e-9).all()


def test_the_strictest_of_several_removals_counts():
    history = (*separated("clean", 0.005, "blanking"), *separated("clean", 0.001))
    with pytest.raises(ek.EvokedLostError, match="until 5 ms"):
        ek.cut_m_waves(ramp(history=history), ek.Pulses([1.0, 1.1]))


def test_the_voluntary_part_holds_no_m_waves():
    with pytest.raises(ek.EvokedLostError, match="'voluntary' holds no M-waves"):
        ek.cut_m_waves(ramp(history=separated("voluntary", float("inf"))), ek.Pulses([1.0, 1.1]))


def test_locked_and_raw_recordings_are_allowed():
    for history in ((), separated("locked", float("-inf"), "moving_template")):
        assert len(ek.cut_m_waves(ramp(history=history), ek.Pulses([1.0, 1.1]), (0.0, 0.03))) == 2


def test_a_real_separation_guards_its_own_parts():
    """The way through `separate`, not a made-up history."""
    rng = np.random.default_rng(0)
    recording = ek.Recording(1e-5 * rng.standard_normal((1, 8000)), fs=FS)
    pulses = ek.Pulses(0.2 + np.arange(50) / 15)
    parts = ek.separate(recording, pulses, ek.Blanking(before=0.0005, after=0.0031))
    with pytest.raises(ek.EvokedLostError, match="until"):
        ek.cut_m_waves(parts.clean, pulses, (0.001, 0.03))
    late = parts.evoked_lost_until + 1e-4
    assert ek.measure(ek.cut_m_waves(parts.clean, pulses, (late, 0.03)), "vpp").reasons["vpp"].shape == (50, 1)


def test_a_window_longer_than_the_interval_is_refused_and_says_the_interval():
    with pytest.raises(ek.ParameterError, match=r"interval between pulses is 20 ms"):
        ek.cut_m_waves(ramp(), ek.Pulses(0.5 + np.arange(20) / 50))


def test_a_pause_between_trains_does_not_hide_a_short_interval():
    onsets = np.concatenate([0.1 + np.arange(5) / 50, 2.0 + np.arange(5) / 50])
    with pytest.raises(ek.ParameterError, match="interval"):
        ek.cut_m_waves(ramp(), ek.Pulses(onsets))


def test_a_rare_short_interval_costs_one_response_and_says_overlap():
    onsets = np.array([0.5, 0.6, 0.61, 0.7, 0.8])
    cut = ek.cut_m_waves(ramp(), ek.Pulses(onsets))
    assert cut.valid.all(axis=(1, 2)).tolist() == [True, False, True, True, True]
    assert cut.valid[1, 0, cut.times[1] < 0.01].all()
    assert not cut.valid[1, 0, cut.times[1] >= 0.01].any()
    assert ek.measure(cut, "vpp").reasons["vpp"][1].tolist() == ["overlap", "overlap"]


def test_a_response_cut_by_the_end_of_the_recording_is_missing_as_edge():
    cut = ek.cut_m_waves(ramp(), ek.Pulses([1.0, 3.99]))
    assert not np.isfinite(cut.signal[1]).all()
    assert ek.measure(cut, "vpp").reasons["vpp"][1].tolist() == ["edge", "edge"]
    early = ek.cut_m_waves(ramp(), ek.Pulses([0.001, 1.0]), (-0.005, 0.02))
    assert ek.measure(early, "vpp").reasons["vpp"][0].tolist() == ["edge", "edge"]


def test_pulses_outside_the_recording_are_an_error():
    """T-01."""
    with pytest.raises(ek.TimingError, match=r"1 of 2 pulses lie outside .* the first at 400 s: are the times in s"):
        ek.cut_m_waves(ramp(), ek.Pulses([1.0, 400.0]))
    with pytest.raises(ek.NoPulsesError):
        ek.cut_m_waves(ramp(), ek.Pulses([]))


def test_lost_samples_stay_lost():
    recording = ramp()
    valid = np.ones(recording.signal.shape, dtype=bool)
    valid[0, 2010] = False
    recording = ek.Recording(recording.signal, fs=FS, valid=valid, marks=[ek.Mark("go", 0.5, 3.0)])
    cut = ek.cut_m_waves(recording, ek.Pulses([1.0, 1.1]))
    assert cut.valid[0, 0].sum() == cut.n_samples - 1
    assert cut.valid[0, 1].all()
    assert ek.cut_windows(recording, "go").valid[:, 0].sum() == 2 * 2000 - 1


@pytest.mark.parametrize("window", [(0.03, 0.002), (0.002, 0.0022), "0.002", (0.002, float("nan"))])
def test_an_impossible_window_is_refused(window):
    with pytest.raises(ek.ParameterError, match="window"):
        ek.cut_m_waves(ramp(), ek.Pulses([1.0, 1.1]), window)


MARKS = [ek.Mark("voluntary", 0.503, 2.6), ek.Mark("rest", 2.7, 3.2), ek.Mark("voluntary", 3.2, 3.9)]


@settings(max_examples=50)
@given(st.floats(0.05, 0.9), st.floats(0.0, 0.9), st.floats(0.0, 0.3))
def test_windows_lie_wholly_inside_the_marks(length, overlap, origin):
    recording = ramp(start=origin, duration=4.0, marks=MARKS)
    cut = ek.cut_windows(recording, "voluntary", length, overlap)
    spans = [(mark.start, mark.stop) for mark in MARKS if mark.label == "voluntary"]
    for start, stretch in zip(cut.starts, cut.train, strict=True):
        low, high = spans[stretch]
        assert start >= max(low, origin) - 1e-9
        assert start + length <= high + 1e-6
    assert cut.n_samples == round(length * FS)
    np.testing.assert_allclose(cut.signal[:, 0], cut.times + cut.starts[:, np.newaxis], atol=1e-9)
    steps = np.diff(cut.starts)[np.diff(cut.train) == 0]
    np.testing.assert_allclose(steps, length * (1 - overlap), atol=1e-9)


def test_windows_of_the_whole_recording_or_of_intervals():
    assert len(ek.cut_windows(ramp())) == 4
    assert ek.cut_windows(ramp(), during=[(0.5, 1.5), (2.0, 3.9)], length=0.5).starts.tolist() == [
        0.5, 1.0, 2.0, 2.5, 3.0,
    ]  # fmt: skip
    assert len(ek.cut_windows(ramp(), length=1.0, overlap=0.5)) == 7


def test_marks_that_overlap_give_no_window_twice():
    marks = [ek.Mark("go", 0.0, 2.0), ek.Mark("go", 1.5, 3.0)]
    cut = ek.cut_windows(ramp(marks=marks), "go")
    assert cut.starts.tolist() == [0.0, 1.0, 2.0]
    assert set(cut.train) == {0}


def test_an_unknown_label_offers_the_nearest():
    with pytest.raises(ek.UnknownNameError, match="did you mean 'voluntary'"):
        ek.cut_windows(ramp(marks=MARKS), "volontary")
    with pytest.raises(ek.UnknownNameError, match="there are none"):
        ek.cut_windows(ramp(), "voluntary")


def test_no_window_left_is_a_clear_error():
    with pytest.raises(ek.TimingError, match=r"No whole window of 1 s fits: the longest stretch .* lasts 0.5 s"):
        ek.cut_windows(ramp(marks=MARKS), "rest")
    with pytest.raises(ek.TimingError, match="No whole window"):
        ek.cut_windows(ramp(), during=[(50.0, 60.0)])


@pytest.mark.parametrize("part", ["clean", "evoked", "artifact", "locked", "interference"])
def test_a_part_with_m_waves_is_not_measured_as_effort(part):
    """E-01."""
    with pytest.raises(ek.PartError, match=f"The part {part!r}"):
        ek.cut_windows(ramp(history=separated(part, 0.0015)))
    assert len(ek.cut_windows(ramp(history=separated("voluntary", float("inf"))))) == 4


def test_blanked_m_waves_may_be_measured_with_a_warning():
    """E-02."""
    with pytest.warns(ek.EmgkitWarning, match="blanked until 25 ms"):
        cut = ek.cut_windows(ramp(history=separated("clean", 0.025, "blanking")))
    assert len(cut) == 4


@pytest.mark.parametrize(("name", "value"), [("length", 0), ("length", "1"), ("overlap", 1.0), ("overlap", -0.1)])
def test_impossible_window_parameters_are_refused(name, value):
    with pytest.raises(ek.ParameterError, match=name):
        ek.cut_windows(ramp(), **{name: value})


def test_m_waves_can_be_cut_at_rest_only():
    marks = [ek.Mark("rest", 0.15, 0.35), ek.Mark("rest", 0.6, 0.72)]
    recording = ek.Recording(np.zeros((1, 2000)), 2000.0, marks=marks)
    pulses = ek.Pulses(0.05 + 0.1 * np.arange(9), current=np.linspace(0.01, 0.09, 9))
    cut = ek.cut_m_waves(recording, pulses, window=(0.002, 0.03), during="rest")
    assert cut.starts == pytest.approx([0.15, 0.25, 0.65])
    assert cut.intensity == pytest.approx([0.02, 0.03, 0.07])
    assert len(ek.cut_m_waves(recording, pulses, during=[(0.0, 0.3)])) == 3
    with pytest.raises(ek.UnknownNameError, match="did you mean 'rest'"):
        ek.cut_m_waves(recording, pulses, during="rset")
    with pytest.raises(ek.TimingError, match="None of 9 pulses"):
        ek.cut_m_waves(recording, pulses, during=[(0.8, 0.84)])
