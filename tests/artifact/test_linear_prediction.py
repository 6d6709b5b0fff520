"""Linear prediction: the same projection as Gram-Schmidt, and the loss of voluntary EMG that it is known for."""

import numpy as np
import pytest

import emgkit as ek

FS = 2000.0
WHOLE = 66  # samples per interval


def gram_schmidt(frames, order):
    """Prediction-error filter of the last frame on those before it, step by step."""
    left = [frame.copy() for frame in frames[-1 : -2 - order : -1]]
    while len(left) > 1:
        oldest = left.pop()
        left = [one - (one @ oldest) / (oldest @ oldest) * oldest for one in left]
    return left[0]


@pytest.mark.parametrize("order", [1, 3, 6])
def test_least_squares_are_the_gram_schmidt_filter(order, clean_emg):
    for seed in range(5):
        signal = clean_emg(seed, duration=1.0)[:1]
        onsets = np.arange(20) * WHOLE / FS
        method = ek.LinearPrediction(order=order, before=0.0, after=WHOLE / FS, blanked=0.0)
        left = method.separate(signal, FS, ek.Pulses(onsets)).render("voluntary", signal)[0]
        frames = signal[0, : 20 * WHOLE].reshape(20, WHOLE)
        wanted = gram_schmidt(frames, order)
        assert left[19 * WHOLE : 20 * WHOLE] == pytest.approx(wanted, abs=1e-9 * np.abs(wanted).max())


@pytest.mark.parametrize(("order", "kept"), [(1, 0.94), (2, 0.88), (4, 0.76), (6, 0.62)])
def test_clean_emg_is_kept_as_far_as_the_reference_says(order, kept, sham_gains):
    """The reference's EMG has an equivalent statistical bandwidth of 113 Hz; so has this."""
    method = ek.LinearPrediction(order=order, blanked=0.0)
    ratios, published = sham_gains(method, 30.02, seeds=range(3), low=30.0, high=66.0)
    measured = ratios * published
    assert np.abs(published - kept).max() < 0.05, f"published {np.median(published):.3f}"
    assert np.abs(measured - kept).max() < 0.05, f"measured {np.median(measured):.3f}"


def test_longer_intervals_lose_less(sham_gains):
    method = ek.LinearPrediction(order=6)
    by_rate = [np.median(sham_gains(method, rate, seeds=range(2))[1]) for rate in (40.0, 30.0, 20.0, 10.0)]
    assert by_rate == sorted(by_rate)


def test_the_gain_is_divided_out_when_asked(clean_emg):
    signal = clean_emg(3)
    pulses = ek.Pulses(0.3 + np.arange(850) / 30.02)
    plain = ek.LinearPrediction().separate(signal, FS, pulses)
    divided = ek.LinearPrediction(divide_out=True).separate(signal, FS, pulses)
    kept = ~plain.lost & (plain.components["locked"] != 0)
    small, whole = plain.render("voluntary", signal)[kept], divided.render("voluntary", signal)[kept]
    assert small.std() / signal[kept].std() < 0.8
    assert whole.std() / signal[kept].std() == pytest.approx(1.0, abs=0.02)
    assert divided.quality["gain_divided_out"] == pytest.approx(plain.quality["gain_on_clean"])


def test_the_first_frame_and_the_blanked_samples_are_lost(clean_emg):
    signal = clean_emg(1, duration=2.0)
    onsets = 0.3 + np.arange(40) / 30.0
    lost = ek.LinearPrediction(after=0.03, blanked=0.003).separate(signal, FS, ek.Pulses(onsets)).lost[0]
    times = np.arange(lost.size) / FS - onsets[0]
    assert lost[(times > 0) & (times < 0.029)].all()
    later = np.min(np.abs(np.arange(lost.size)[:, np.newaxis] / FS - onsets[1:] - 0.0015), axis=1)
    assert lost[later < 0.0014].all()
    assert not lost[(later > 0.0026) & (times > 0.0335)].any()
