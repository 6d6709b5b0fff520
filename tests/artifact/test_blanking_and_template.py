"""Blanking and the moving template: what they leave alone, what they take, what they say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import butter, sosfiltfilt

import emgkit as ek
from emgkit.artifact.fill import AR, Line

FS = 2000.0


def noise(seed, count=20000, scale=1e-4):
    raw = np.random.default_rng(seed).normal(size=count)
    return scale * sosfiltfilt(butter(2, [20, 300], "bandpass", fs=FS, output="sos"), raw)


def gaps(count, length, every=66):
    mask = np.zeros(count, bool)
    for start in range(100, count - 100, every):
        mask[start : start + length] = True
    return mask


@pytest.mark.parametrize("length", [2, 5, 10])
def test_the_ar_fill_is_nearer_to_the_truth_than_a_line(length):
    ratios = []
    for seed in range(8):
        row, mask = noise(seed), gaps(20000, length)
        holed = np.where(mask, 0.0, row)
        error = [np.sqrt(np.mean((fill.fill(holed, mask) - row)[mask] ** 2)) for fill in (AR(20), Line())]
        ratios.append(error[0] / error[1])
    assert max(ratios) < 1, f"worst {max(ratios):.2f}, median {np.median(ratios):.2f}"


def test_the_ar_fill_minimises_the_prediction_error():
    row, mask = noise(3, 4000), np.zeros(4000, bool)
    mask[2000:2006] = True
    from emgkit.artifact.fill import _coefficients

    filled = AR(8).fill(row, mask)
    weights, _ = _coefficients(np.where(mask, 0.0, row - row[~mask].mean()), ~mask, 8)

    def cost(values):
        return np.sum(np.convolve(values - row[~mask].mean(), weights, "valid") ** 2)

    best = cost(filled)
    for place in range(2000, 2006):
        moved = filled.copy()
        moved[place] += 1e-7
        assert cost(moved) > best


@given(st.integers(0, 50), st.floats(0.0005, 0.004))
def test_blanking_touches_nothing_outside_its_windows(seed, after):
    recording = ek.Recording(np.stack([noise(seed, 4000), noise(seed + 1, 4000)]), FS)
    pulses = ek.Pulses(0.1 + np.arange(50) / 29.98)
    parts = ek.separate(recording, pulses, ek.Blanking(before=0.001, after=after, fill=ek.Line()))
    clean = parts.clean
    near = np.zeros(4000, bool)
    for onset in pulses.onsets:
        near |= (recording.times >= onset - 0.001 - 1e-9) & (recording.times <= onset + after + 1e-9)
    assert np.array_equal(clean.signal[:, ~near], recording.signal[:, ~near])
    assert np.array_equal(~clean.valid[0], near)
    assert parts.artifact.signal + clean.signal == pytest.approx(recording.signal, abs=1e-18)
    assert parts.evoked_lost_until == after


def test_the_adaptive_end_lies_between_artifact_and_m_wave():
    for seed in range(4):
        made = ek.simulate.tiny(rng=np.random.default_rng(seed))
        parts = ek.separate(made.recording, made.pulses, "blanking")
        assert 0.001 <= parts.evoked_lost_until <= 0.0035


def test_blanking_that_leaves_nothing_is_refused():
    recording = ek.Recording(noise(1), FS)
    pulses = ek.Pulses(0.1 + np.arange(50) / 100)
    with pytest.raises(ek.TimingError, match="leaves nothing"):
        ek.separate(recording, pulses, ek.Blanking(after=0.02))


def m_waves(onsets, count, latency=0.008):
    locked, time = np.zeros(count), np.arange(count) / FS
    for onset in onsets:
        phase = time - onset - latency
        locked += 2e-3 * np.exp(-((phase / 0.002) ** 2)) * np.cos(2 * np.pi * 80 * phase)
    return locked


def locked_residue(method, onsets, count, seed):
    """What a method leaves of the M-waves, as a part of them."""
    background, locked = noise(seed, count), m_waves(onsets, count)
    both = ek.separate(ek.Recording(background + locked, FS), ek.Pulses(onsets), method)
    alone = ek.separate(ek.Recording(background, FS), ek.Pulses(onsets), method)
    return (both.voluntary.signal - alone.voluntary.signal).std() / locked.std()


def test_the_template_takes_what_repeats():
    onsets = 0.2 + np.arange(270) / 29.983
    left = [locked_residue(ek.MovingTemplate(neighbours=20), onsets, 20000, seed) for seed in range(6)]
    assert max(left) < 0.01


def test_doublets_are_compared_with_doublets():
    first = 0.2 + np.arange(40) * 0.2003
    onsets = np.sort(np.concatenate([first, first + 0.0303]))
    left = [locked_residue(ek.MovingTemplate(neighbours=20), onsets, 20000, seed) for seed in range(6)]
    assert max(left) < 0.01


def test_pulses_of_two_stimulators_are_both_taken():
    one, two = 0.2 + np.arange(270) / 29.983, 0.2071 + np.arange(180) / 19.961
    onsets = np.concatenate([one, two])
    order = np.argsort(onsets)
    stimulator = np.repeat([0, 1], [one.size, two.size])[order]
    left = []
    for seed in range(4):
        signal = noise(seed) + m_waves(one, 20000) + 0.7 * m_waves(two, 20000)
        pulses = ek.Pulses(onsets[order], stimulator=stimulator)
        parts = ek.separate(ek.Recording(signal, FS), pulses, ek.MovingTemplate())
        left.append((parts.voluntary.signal[0] - noise(seed)).std() / m_waves(one, 20000).std())
    assert max(left) < 0.25  # the other stimulator's responses pass through the mean of 40 at random places: 1/√40


def test_too_few_pulses_for_a_template_are_named():
    with pytest.raises(ek.TimingError, match="needs 3 pulses that can be compared"):
        ek.separate(ek.Recording(noise(1), FS), ek.Pulses([1.0, 1.03]), "moving_template")


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: ek.Blanking(before=-1),
        lambda: ek.Blanking(after="long"),
        lambda: ek.AR(order=0),
        lambda: ek.MovingTemplate(neighbours=1),
        lambda: ek.PhaseSpline(window=0),
        lambda: ek.PhaseSpline(artifact_end=1.0),
    ],
)
def test_parameters_out_of_range_are_refused(wrong):
    with pytest.raises(ek.ParameterError):
        wrong()


@pytest.mark.parametrize(
    ("method", "said"),
    [
        (ek.Blanking(), "leaves nothing"),
        (ek.Interpolation(), "leaves nothing"),
        (ek.Comb(), "given twice"),
        (ek.MovingTemplate(), "given twice"),
        (ek.TemplatePCA(), "given twice"),
    ],
)
def test_pulses_that_are_given_twice_are_named(method, said):
    onsets = 0.5 + np.arange(50) / 30
    twice = ek.Pulses(np.sort(np.concatenate([onsets, onsets + 1e-4])))
    with pytest.raises(ek.TimingError, match=said):
        method.separate(1e-4 * np.random.default_rng(1).standard_normal((1, 5000)), 2000.0, twice)


def test_an_interval_of_a_sample_or_two_has_an_end_of_the_artifact():
    signal = 1e-4 * np.random.default_rng(1).standard_normal((1, 400))
    parts = ek.Blanking().separate(signal, 40.0, ek.Pulses(0.5 + np.arange(200) / 25))
    assert parts.lost.any()


@pytest.mark.parametrize("method", ["blanking", "interpolation"])
@pytest.mark.parametrize(("pulses", "rate"), [(3, 30.0), (5, 20.0), (9, 100.0)])
def test_voluntary_emg_with_m_waves_in_it_is_rejected_where_nothing_is_without_them(method, pulses, rate):
    # a sixth and less of what comes out is EMG, and nothing in the parts tells that
    emg, onsets = noise(1, 6000, 5e-5), 1 + np.arange(pulses) / rate
    signal, times = emg.copy(), np.arange(6000) / FS
    for onset in onsets:
        late = (times - onset - 0.009) / 0.0022
        signal -= 2e-3 * late * np.exp(0.5 - late**2 / 2)
    parts = ek.separate(ek.Recording(signal[np.newaxis], FS), ek.Pulses(onsets), method)
    during = (times >= onsets[0]) & (times < onsets[-1] + 0.03) & parts.clean.valid[0]
    assert parts.clean.signal[0, during].std() > 6 * emg[during].std()
    for use in ("voluntary_amplitude", "voluntary_spectrum"):
        (grade,) = parts.grades[use]
        assert (grade.grade, grade.error) == ("reject", np.inf)
        assert "M-waves stay in it" in grade.reason
