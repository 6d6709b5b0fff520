"""What comes back of an inserted signal tells what a method does to voluntary EMG."""

import numpy as np
import pytest

import emgkit as ek

FS, SECONDS = 2000.0, 10


@pytest.fixture(scope="module")
def made():
    return ek.simulate.tiny(rng=np.random.default_rng(5))


def sham(seed):
    signal = 2e-5 * np.random.default_rng(seed).standard_normal((2, int(FS * SECONDS)))
    return ek.Recording(signal, FS), ek.Pulses(0.3 + np.arange(270) / 30)


@pytest.mark.parametrize("neighbours", [10, 40])
def test_a_template_of_the_neighbours_gives_all_back_with_the_noise_of_its_mean(neighbours):
    """Frame k loses the mean of n others: gain 1, error 1/√n."""
    parts = ek.separate(*sham(1), ek.MovingTemplate(neighbours=neighbours))
    found = ek.insertion_test(parts, rng=np.random.default_rng(2))
    assert found.gain[:, 0] == pytest.approx(1.0, abs=0.05)
    assert found.error[:, 0] == pytest.approx(1 / np.sqrt(neighbours), rel=0.25)


def test_blanking_gives_all_back_that_it_calls_valid(made):
    parts = ek.separate(made.recording, made.pulses, "blanking")
    found = ek.insertion_test(parts, rng=np.random.default_rng(3))
    assert found.gain[:, 0] == pytest.approx(1.0, abs=1e-9)
    assert found.error[:, 0] == pytest.approx(0.0, abs=1e-9)


def test_the_gain_is_that_on_the_true_voluntary_emg():
    """Against the truth, which the test does not see: gain of the output on voluntary EMG and noise together."""
    gaps = []
    for seed in range(4):
        made = ek.simulate.tiny(rng=np.random.default_rng(100 + seed))
        parts = ek.separate(made.recording, made.pulses)
        found = ek.insertion_test(parts, rng=np.random.default_rng(seed))
        times = np.arange(made.recording.n_samples) / made.recording.fs
        onsets = made.pulses.onsets
        since = times - onsets[np.maximum(np.searchsorted(onsets, times, side="right") - 1, 0)]
        late = (times > onsets[0]) & (times < onsets[-1]) & (since >= 0.003)
        target, output = made.truth.voluntary + made.truth.noise, parts.voluntary.signal
        true = float(output[0, late] @ target[0, late] / (target[0, late] @ target[0, late]))
        gaps.append(found.gain[0, 2] - true)
    assert np.median(np.abs(gaps)) < 0.03, gaps
    assert np.max(np.abs(gaps)) < 0.08, gaps


def test_the_same_generator_gives_the_same_and_the_size_hardly_matters():
    parts = ek.separate(*sham(4), "template_pca")
    one, other, large = (ek.insertion_test(parts, rng=np.random.default_rng(5), size=size) for size in (0.1, 0.1, 0.3))
    assert np.array_equal(one.gain, other.gain)
    assert large.gain == pytest.approx(one.gain, abs=0.05)
    assert large.size == pytest.approx(3 * one.size)
    assert "gain early" in repr(one)


def test_a_size_out_of_range_is_refused(made):
    parts = ek.separate(made.recording, made.pulses, "blanking")
    with pytest.raises(ek.ParameterError, match="size"):
        ek.insertion_test(parts, rng=np.random.default_rng(1), size=0.0)


@pytest.mark.parametrize("fs", [40.0, 44.0])
def test_a_rate_too_low_for_emg_is_refused(fs):
    recording = ek.Recording(1e-4 * np.random.default_rng(1).standard_normal((1, 800)), fs)
    parts = ek.separate(recording, ek.Pulses(0.5 + np.arange(30) / 3), "blanking")
    with pytest.raises(ek.SamplingRateError, match=r"44\.4 Hz"):
        ek.insertion_test(parts, rng=np.random.default_rng(1))


def test_a_recording_of_a_few_samples_can_be_tested():
    recording = ek.Recording(1e-4 * np.random.default_rng(1).standard_normal((1, 24)), FS)
    parts = ek.separate(recording, ek.Pulses([0.003]), ek.Blanking(after=0.002))
    found = ek.insertion_test(parts, rng=np.random.default_rng(1))
    assert found.gain[0, 0] == pytest.approx(1.0)
