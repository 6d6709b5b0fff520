"""Causal methods in blocks: the bits of the whole recording for any partition, and no look into the future."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import emgkit as ek

FS = 2000.0
CAUSAL = [
    ek.MovingTemplate(causal=True, neighbours=8, after=0.025),
    ek.MovingTemplate(causal=True, neighbours=8, after=0.025, fit_gain=True, fit_shift=True),
    ek.LinearPrediction(order=4, after=0.025),
    ek.LinearPrediction(order=2, before=0.0021, after=0.025, blanked=0.0),
    ek.AdaptiveFilter(forgetting=0.9, after=0.025),
    ek.CausalSpline(forgetting=0.9, after=0.025),
    ek.CausalSpline(before=0.0008, after=0.05),
]
each_method = pytest.mark.parametrize("method", CAUSAL, ids=repr)


def recording(seed, count=2400):
    """Two channels under irregular pulses: jitter, a doublet, a pause, missing samples, pulses at both ends."""
    rng = np.random.default_rng(seed)
    onsets = np.arange(0.0, count / FS, 0.0331) + rng.uniform(-0.002, 0.002)
    onsets = onsets + rng.uniform(-2e-4, 2e-4, onsets.size)
    onsets = np.delete(onsets, rng.integers(3, onsets.size - 3))
    onsets = np.sort(np.append(onsets, onsets[rng.integers(3, onsets.size)] + 0.006))
    onsets = np.unique(np.clip(onsets, 0.0, (count - 1) / FS))
    signal = 3e-5 * rng.normal(size=(2, count))
    times = np.arange(count) / FS
    for onset in onsets:
        phase = times - onset
        signal += np.array([[1e-3], [-2e-3]]) * np.where(phase >= 0, np.exp(-phase.clip(0) / 0.003), 0.0)
    signal[1, rng.integers(0, count, 3)] = np.nan
    return signal, ek.Pulses(onsets)


def in_blocks(method, signal, pulses, cuts):
    stream = method.stream(FS, signal.shape[0])
    edges = [0, *sorted(cuts), signal.shape[1]]
    given_out, valid = [], []
    for low, high in pairwise(edges):
        own = pulses.select((pulses.onsets * FS >= low) & (pulses.onsets * FS < high))
        given_out.append(stream.update(signal[:, low:high], own))
        valid.append(stream.valid)
        assert sum(block.shape[1] for block in given_out) == max(high - stream.latency_samples, 0)
    given_out.append(stream.finish())
    valid.append(stream.valid)
    return np.concatenate(given_out, axis=1), np.concatenate(valid, axis=1)


@each_method
@settings(max_examples=12)
@given(seed=st.integers(0, 1000), cuts=st.lists(st.integers(0, 2400), max_size=30))
def test_any_partition_gives_the_bits_of_the_whole(method, seed, cuts):
    signal, pulses = recording(seed)
    parts = method.separate(signal, FS, pulses)
    cleaned, valid = in_blocks(method, signal, pulses, cuts)
    assert cleaned.tobytes() == parts.render("voluntary", signal).tobytes()
    assert np.array_equal(valid, ~parts.lost & np.isfinite(signal))


@each_method
def test_blocks_of_one_sample_give_the_bits_of_the_whole(method):
    signal, pulses = recording(7, 900)
    cleaned, _ = in_blocks(method, signal, pulses, range(1, 900))
    assert cleaned.tobytes() == method.separate(signal, FS, pulses).render("voluntary", signal).tobytes()


@each_method
def test_nothing_is_known_of_the_future(method):
    """Other samples and pulses from some moment on change nothing that was given out before it, less the latency."""
    for seed in range(5):
        (signal, pulses), (other, others) = recording(seed), recording(seed + 100)
        now = 1500
        changed = np.concatenate([signal[:, :now], 7 * other[:, now:]], axis=1)
        later = np.concatenate([pulses.crop(0, now / FS).onsets, others.onsets[others.onsets >= now / FS]])
        until = now - method.stream(FS, 2).latency_samples
        before = method.separate(signal, FS, pulses).render("voluntary", signal)[:, :until]
        after = method.separate(changed, FS, ek.Pulses(later)).render("voluntary", changed)[:, :until]
        assert before.tobytes() == after.tobytes()


def test_the_latency_is_the_time_that_is_waited_for():
    template = ek.MovingTemplate(causal=True, before=0.0015, after=0.03).stream(FS, 1)
    assert template.latency == pytest.approx(0.0015, abs=1 / FS)
    prediction = ek.LinearPrediction(before=0.0005, after=0.03).stream(FS, 1)
    assert prediction.latency == pytest.approx(0.0005 + 0.0305, abs=2 / FS)


@each_method
def test_what_repeats_is_gone_after_a_few_pulses(method):
    times = np.arange(20000) / FS
    onsets = 0.1 + np.arange(280) * 0.0335  # a whole number of samples, so that integer frames repeat
    locked = sum(1e-3 * np.exp(-(((times - onset - 0.008) / 0.002) ** 2)) for onset in onsets)
    signal = locked[np.newaxis] + 1e-6 * np.random.default_rng(1).normal(size=(1, 20000))
    cleaned, valid = in_blocks(method, signal, ek.Pulses(onsets), range(0, 20000, 64))
    settled = slice(10000, round(onsets[-1] * FS))
    assert np.abs(cleaned[:, settled]).max() < 0.01 * np.abs(locked).max()
    assert not valid[0, round(onsets[0] * FS) : round(onsets[0] * FS) + 40].any()


@each_method
def test_misuse_of_a_stream_is_told_in_one_line(method):
    stream = method.stream(FS, 2)
    with pytest.raises(ek.ShapeError, match=r"shape \(2, samples\), got \(3, 10\)"):
        stream.update(np.zeros((3, 10)))
    stream.update(np.zeros((2, 100)), [0.01])
    with pytest.raises(ek.TimingError, match="give pulses in order"):
        stream.update(np.zeros((2, 100)), [0.02])
    with pytest.raises(ek.TimingError, match="give pulses in order"):
        stream.update(np.zeros((2, 100)), [0.07, 0.06])
    stream.finish()
    with pytest.raises(ek.ParameterError, match="finished"):
        stream.update(np.zeros((2, 100)))


@pytest.mark.parametrize(
    ("method", "why"),
    [
        (ek.MovingTemplate(after=0.03), "causal=True"),
        (ek.MovingTemplate(causal=True), "give after="),
        (ek.LinearPrediction(), "give after="),
        (ek.LinearPrediction(after=0.03, divide_out=True), "divide_out must be False"),
        (ek.AdaptiveFilter(), "give after="),
    ],
)
def test_a_stream_asks_for_what_it_cannot_know(method, why):
    with pytest.raises(ek.ParameterError, match=why):
        method.stream(FS, 2)


def test_frames_longer_than_the_interval_are_refused():
    signal, pulses = recording(3)
    with pytest.raises(ek.TimingError, match="do not fit between pulses"):
        ek.LinearPrediction(after=0.05).separate(signal, FS, pulses)
    with pytest.raises(ek.TimingError, match="too short"):
        ek.LinearPrediction(before=0.0, after=0.001).stream(500.0, 1)


def test_it_is_said_once_that_nothing_is_learned_from_pulses_that_are_too_close():
    signal = 1e-4 * np.random.default_rng(1).standard_normal((1, 4000))
    stream = ek.LinearPrediction(order=2, after=0.03).stream(FS, 1)
    with pytest.warns(ek.EmgkitWarning, match=r"frames of 3[0-9.]+ ms, the last after 25 ms.*shorter after=") as caught:
        stream.update(signal, np.arange(0.01, 1.9, 0.025))
    assert not stream.valid[:, 100:3700].any()
    stream.update(signal, 2.0 + np.array([0.01, 0.1, *np.arange(0.2, 1.9, 0.025)]))
    assert len(caught) == 1
    stream = ek.LinearPrediction(order=2, after=0.02).stream(FS, 1)
    stream.update(signal, np.arange(0.01, 1.9, 0.025))
    assert stream.valid[:, 400:].mean() > 0.8


@pytest.mark.parametrize(
    "method",
    [
        ek.MovingTemplate(causal=True, after=0.03),
        ek.MovingTemplate(causal=True, after=0.03, fit_gain=True, fit_shift=True),
        ek.LinearPrediction(after=0.03),
        ek.AdaptiveFilter(after=0.03),
        ek.CausalSpline(),
    ],
)
@pytest.mark.parametrize("apart", [0.0001, 0.0005, 0.001])
def test_pulses_closer_than_a_sample_do_no_harm(method, apart):
    """The frame of a pulse that another follows at once begins before the recording and is over when it begins."""
    onsets = np.array([0.0, 0.0004, 0.1, 0.2, 0.2 + apart, 0.3, 0.3 + apart])
    signal = 1e-4 * np.random.default_rng(1).standard_normal((1, 1000))
    stream = method.stream(FS, 1)
    cleaned = np.concatenate([stream.update(signal, onsets), stream.finish()], axis=1)
    assert cleaned.shape == signal.shape
    assert np.isfinite(cleaned).all()


@pytest.mark.parametrize(
    "method", [ek.MovingTemplate(causal=True, after=0.03), ek.AdaptiveFilter(after=0.03), ek.CausalSpline()]
)
def test_rates_and_pulses_that_are_none_are_refused(method):
    for fs in (0.0, -1.0, np.nan):
        with pytest.raises(ek.ParameterError, match="fs must be"):
            method.stream(fs, 1)
    for onset in (np.nan, np.inf):
        with pytest.raises(ek.TimingError, match="finite"):
            method.stream(FS, 1).update(np.zeros((1, 1000)), np.array([0.1, onset]))


def test_infinite_and_masked_samples_and_a_late_first_pulse_are_told():
    stream = ek.CausalSpline().stream(FS, 1)
    with pytest.raises(ek.ParameterError, match="infinite"):
        stream.update(np.full((1, 100), np.inf))
    stream.update(np.ma.array(np.ones((1, 1000)), mask=np.arange(1000)[np.newaxis] == 7))
    with pytest.raises(ek.TimingError, match=r"A pulse at 0.1 s came after 1000 samples"):
        stream.update(np.zeros((1, 10)), [0.1])
    stream.update(np.zeros((1, 4000)))
    assert stream.valid.sum() > 1000
    assert not ek.Recording(np.ma.array(np.ones((1, 9)), mask=np.arange(9)[np.newaxis] == 7), FS).valid[0, 7]
