"""The verb: refuses what does not fit, chooses a method and says why, and gives the same bytes every time."""

import hashlib
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.auto import choose, choose_instead
from emgkit.artifact.tail_fit import TailFit
from emgkit.artifact.tail_sweeps import alike


@pytest.fixture(scope="module")
def made():
    return ek.simulate.tiny(rng=np.random.default_rng(11))


@dataclass(frozen=True)
class WrongShape:
    name: ClassVar[str] = "wrong_shape"
    gives: ClassVar[tuple[str, ...]] = ("artifact", "clean")

    def separate(self, signal, fs, pulses):
        return ek.Parts({"artifact": signal[:, :10]}, "clean", None, 0.0, (0.0, 0.01))


def test_the_method_is_chosen_by_the_number_of_pulses_and_the_reason_given(made):
    many = ek.separate(made.recording, made.pulses)
    few = ek.separate(made.recording, made.pulses.select(slice(0, 5)))
    assert many.method.name == "phase_spline"
    assert few.method.name == "tail_fit"
    assert "5 pulses are too few" in few.why
    assert few.why.endswith(".")


def test_few_pulses_whose_tails_cannot_be_fitted_are_blanked(made):
    close = ek.Pulses(made.pulses.onsets[0] + np.array([0.0, 0.004, 0.008]))
    assert "lie on each other" in ek.separate(made.recording, close).why
    late = ek.separate(made.recording, ek.Pulses([made.recording.stop - 0.004]))
    assert late.method.name == "blanking"
    assert "its tail cannot be fitted: tail_fit needs 8.5 ms after a pulse" in late.why


@pytest.mark.parametrize(
    ("count", "interval", "chosen"),
    [
        (14, 0.2, "tail_fit"),
        (15, 0.2, "phase_spline"),
        (10, 0.1, "phase_spline"),
        (9, 0.1, "tail_fit"),
        (9, 0.005, "blanking"),
    ],
)
def test_pulses_far_apart_are_averaged_from_fifteen_on(count, interval, chosen):
    method, why = choose(ek.Pulses(0.5 + interval * np.arange(count), time_source="trigger"))
    assert method.name == chosen
    assert f"{count} pulses" in why
    scheduled = ek.Pulses(0.5 + interval * np.arange(12), time_source="schedule")
    assert choose(scheduled)[0].name == "phase_spline"


def test_a_refused_tail_fit_gives_way_to_what_can_do_it():
    pulses = ek.Pulses(0.5 + 0.2 * np.arange(12))
    assert choose_instead(pulses, TailFit(), "why not.")[0].name == "phase_spline"
    method, why = choose_instead(pulses.select(slice(0, 3)), TailFit(), "why not.")
    assert method.name == "blanking"
    assert why.endswith("why not.")


def test_times_that_are_no_pulses_are_refused_with_what_to_write():
    recording = ek.Recording(np.random.default_rng(0).standard_normal((1, 2000)) * 1e-5, 1000.0)
    with pytest.raises(ek.ParameterError, match=r"ek.Pulses\(onsets\), onsets in s, got ndarray"):
        ek.separate(recording, np.array([0.5, 1.0]))


def test_pulses_outside_the_recording_are_refused_with_their_times(made):
    with pytest.raises(ek.TimingError, match=r"outside the recording \(0 \.\.\. 3 s\), the first at 3\.\d+ s"):
        ek.separate(made.recording, made.pulses.shift(1.0))
    with pytest.raises(ek.NoPulsesError, match="no pulses to separate by"):
        ek.separate(made.recording, ek.Pulses([]))


def test_an_unknown_method_offers_the_nearest(made):
    with pytest.raises(ek.UnknownNameError, match="did you mean 'phase_spline'"):
        ek.separate(made.recording, made.pulses, "phase_splines")
    with pytest.raises(ek.ParameterError, match="method object"):
        ek.separate(made.recording, made.pulses, ek.PhaseSpline)


def test_a_method_that_gives_the_wrong_shape_is_named(made):
    with pytest.raises(ek.ShapeError, match="wrong_shape gave 'artifact' of shape"):
        ek.separate(made.recording, made.pulses, WrongShape())


def test_a_part_that_cannot_be_told_names_the_methods_that_can(made):
    with pytest.raises(ek.PartError, match=r"methods that can: .*phase_spline"):
        _ = ek.separate(made.recording, made.pulses, "blanking").evoked


def test_a_cropped_recording_is_taken_apart_like_the_whole(made):
    part = made.recording.crop(1.0, 2.5)
    clean = ek.remove_artifact(part, made.pulses.crop(1.0, 2.5), ek.Blanking(after=0.002, fill=ek.Line()))
    whole = ek.remove_artifact(made.recording, made.pulses, ek.Blanking(after=0.002, fill=ek.Line()))
    inside = whole.crop(1.0, 2.5)
    assert clean.start == inside.start
    middle = slice(100, -100)
    assert clean.signal[:, middle] == pytest.approx(inside.signal[:, middle], abs=1e-15)


@pytest.mark.parametrize("method", ["phase_spline", "blanking", "moving_template"])
def test_the_same_input_gives_the_same_bytes(made, method):
    parts = [ek.separate(made.recording, made.pulses, method) for _ in range(2)]
    for name in parts[0].names:
        digests = {hashlib.sha256(one.part(name).signal.tobytes()).hexdigest() for one in parts}
        assert len(digests) == 1


@pytest.mark.parametrize("method", ["phase_spline", "blanking", "moving_template"])
def test_the_parts_add_up(made, method):
    parts = ek.separate(made.recording, made.pulses, method)
    total = sum(parts.part(name).signal for name in parts.names if name != "clean" or method == "blanking")
    assert total == pytest.approx(made.recording.signal, abs=1e-15)


def test_a_schedule_rounded_to_samples_on_a_clock_that_is_off_is_repaired():
    late = ek.simulate.tiny(rng=np.random.default_rng(3), duration=12.0, clock_error=500.0)
    planned = ek.Pulses(np.round(late.truth.planned * late.recording.fs) / late.recording.fs)
    repaired = ek.separate(late.recording, planned)
    exact = ek.separate(late.recording, late.pulses)
    assert "rounded to samples" in repaired.why
    left = [one.voluntary.signal - late.truth.voluntary - late.truth.noise for one in (repaired, exact)]
    assert left[0].std() < 1.3 * left[1].std()


def test_a_current_that_half_of_the_pulses_have_is_of_no_use_and_that_is_said(made):
    count = len(made.pulses)
    half = replace(made.pulses, current=np.where(np.arange(count) < count // 2, 0.02, np.nan))
    none = replace(made.pulses, current=np.full(count, np.nan))
    said = ek.separate(made.recording, half, "phase_spline")
    silent = ek.separate(made.recording, none, "phase_spline")
    assert [one for one in said.messages if "current" in one] == [
        f"The current of {count - count // 2} of {count} pulses is not known, so that none of it was used."
    ]
    assert not [one for one in silent.messages if "current" in one]
    assert np.array_equal(said.evoked.signal, silent.evoked.signal)


def test_pulses_of_unknown_current_are_a_kind_of_their_own():
    pulses = ek.Pulses(np.arange(1.0, 7.0), current=[0.01, np.nan, 0.02, 0.01, np.nan, 0.02])
    assert [one.tolist() for one in alike(pulses)] == [[1, 4], [0, 3], [2, 5]]


@pytest.mark.parametrize(("unit", "factor"), [("V", 1e6), ("V", 1e3), ("mV", 1e6)])
def test_a_unit_that_makes_no_emg_of_it_is_warned_of(made, unit, factor):
    large = ek.Recording(factor * made.recording.signal, made.recording.fs, unit=unit)
    with pytest.warns(ek.EmgkitWarning, match="cannot be EMG"):
        ek.separate(large, made.pulses, "blanking")
    with pytest.warns(ek.EmgkitWarning, match="cannot be EMG"):
        ek.detect_pulses(large)
    right = ek.Recording(factor * made.recording.signal, made.recording.fs, unit="µV" if factor == 1e6 else "mV")
    ek.separate(right, made.pulses, "blanking")


@pytest.mark.parametrize("factor", [1e-6, 1e-5])
def test_a_scale_that_leaves_less_than_noise_is_warned_of(made, factor):
    small = ek.Recording(factor * made.recording.signal, made.recording.fs)
    with pytest.warns(ek.EmgkitWarning, match="scaled once too often"):
        ek.separate(small, made.pulses, "blanking")
    with pytest.warns(ek.EmgkitWarning, match="scaled once too often"):
        ek.detect_pulses(small)


def scaled(parts, factors, seed=3):
    """EMG of 0.1 mV RMS, M-waves of 5 mV and artifacts of 60 mV, each some times as large, at 2 kHz for 10 s."""
    rng = np.random.default_rng(seed)
    times, onsets = np.arange(20000) / 2000.0, np.arange(0.5, 9.5, 1 / 25.3)
    emg = np.convolve(rng.standard_normal(times.size + 8), np.ones(9) / 3, "valid") * 1e-4
    emg *= 0.1 + 0.9 * ((times > 3) & (times < 5))
    since = times - onsets[np.maximum(np.searchsorted(onsets, times, side="right") - 1, 0)]
    wave = np.where(since >= 0, (since - 9e-3) / 2e-3 * np.exp(0.5 - 0.5 * ((since - 9e-3) / 2e-3) ** 2), 0.0)
    brief = np.where((since >= 0) & (since < 1e-3), 1.0, 0.0) - np.where((since >= 1e-3) & (since < 2e-3), 1.0, 0.0)
    sizes = dict(zip(("emg", "wave", "artifact"), (1.0, 2.5e-3, 0.03), strict=True))
    sizes |= {name: sizes[name] * factor for name, factor in zip(parts, factors, strict=True)}
    signal = sizes["emg"] * emg + sizes["wave"] * wave + sizes["artifact"] * brief
    return ek.Recording(signal[np.newaxis], 2000.0), ek.Pulses(onsets)


@pytest.mark.parametrize(
    ("parts", "factor", "message"),
    [
        (("emg",), 100.0, "voluntary EMG of .* mV RMS, more than any over the skin"),
        (("wave",), 100.0, "responses of [45].* mV peak to peak, more than any over the skin"),
        (("artifact",), 300.0, "V off its median, more than an electrode amplifier"),
        pytest.param(("emg", "wave", "artifact"), 100.0, "more than any over the skin", marks=pytest.mark.slow),
    ],
)
def test_what_is_a_hundred_times_too_large_is_warned_of(parts, factor, message):
    recording, pulses = scaled(parts, [factor] * len(parts))
    with pytest.warns(ek.EmgkitWarning, match=message):
        ek.separate(recording, pulses)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize(
    ("emg", "wave", "artifact"),
    [pytest.param(1, 1, 1, marks=pytest.mark.slow), (20, 6, 1), (20, 0, 10), (0.1, 6, 80)],
)
def test_the_largest_that_people_record_is_not_warned_of(emg, wave, artifact):
    """2 mV RMS, 30 mV peak to peak, artifacts of 5 V."""
    ek.separate(*scaled(("emg", "wave", "artifact"), (emg, wave, artifact)))


@pytest.mark.filterwarnings("error")
def test_movement_of_cables_is_no_loud_emg():
    recording, pulses = scaled((), ())
    moved = recording.signal.copy()
    moved[:, 9000:9300] += 0.02 * np.random.default_rng(1).standard_normal(300)
    moved += 0.02 * np.sin(2 * np.pi * 2.0 * np.arange(20000) / 2000.0)
    ek.separate(ek.Recording(moved, 2000.0), pulses)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("seconds", [0.012, 0.05, *(pytest.param(one, marks=pytest.mark.slow) for one in (0.2, 0.4))])
def test_one_pulse_in_a_short_recording_is_graded_without_a_warning(seconds):
    rng = np.random.default_rng(2)
    signal = 1e-5 * rng.standard_normal((2, round(seconds * 2000)))
    signal[:, 10:13] += 5e-3
    separation = ek.separate(ek.Recording(signal, 2000.0), ek.Pulses([0.005]))
    assert set(separation.grades) == {"m_wave_size", "m_wave_spectrum", "voluntary_amplitude", "voluntary_spectrum"}
