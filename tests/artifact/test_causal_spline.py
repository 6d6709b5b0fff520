"""The causal spline follows pulses between samples and responses that overlap, and says what it cannot know."""

import numpy as np
import pytest

import emgkit as ek

FS = 2000.0


def response(phase):
    """An artifact of 0.3 ms with a tail, and a response of 30 ms that begins 3 ms after the pulse, V."""
    spike = 2e-3 * np.exp(-(((phase - 0.0004) / 0.0003) ** 2)) + 1e-4 * np.exp(-phase / 0.004) * (phase > 0.0004)
    wave = 1e-3 * np.sin(2 * np.pi * (phase - 0.003) / 0.027) * np.sin(np.pi * (phase - 0.003) / 0.027) ** 2
    return spike * (phase > -0.001) + np.where((phase > 0.003) & (phase < 0.030), wave, 0.0)


def stimulated(seed, intervals, noise=3e-5):
    """Sum of responses at exact times, and voluntary EMG of 30 µV."""
    rng = np.random.default_rng(seed)
    onsets = 0.1 + np.cumsum(intervals(rng))
    times = np.arange(int((onsets[-1] + 0.3) * FS)) / FS
    locked = np.zeros(times.size)
    for onset in onsets:
        near = slice(int((onset - 0.005) * FS), int((onset + 0.06) * FS))
        locked[near] += response(times[near] - onset)
    emg = noise * np.convolve(rng.normal(size=times.size + 7), np.ones(8) / np.sqrt(8), "valid")
    return np.stack([locked + emg, -0.5 * locked + emg]), emg, ek.Pulses(onsets)


def snr(method, signal, emg, pulses, settled=3.0):
    """Output SNR on valid samples from some time on, dB, mean over channels."""
    parts = method.separate(signal, FS, pulses)
    error = parts.render("voluntary", signal) - emg
    counted = ~parts.lost & (np.arange(emg.size) >= settled * FS) & (np.arange(emg.size) < pulses.onsets[-1] * FS)
    powers = [(np.mean(emg[ok] ** 2), np.mean(row[ok] ** 2)) for row, ok in zip(error, counted, strict=True)]
    return float(np.mean([10 * np.log10(target / left) for target, left in powers]))


def jittered(rng):
    return 0.03337 + rng.uniform(-3e-4, 3e-4, 240)


def random(rng):
    return rng.uniform(0.018, 0.055, 200)


def overlapping(rng):
    return 0.0127 + rng.uniform(-2e-4, 2e-4, 400)


@pytest.mark.parametrize(("intervals", "least"), [(jittered, 14.0), (random, 12.0), (overlapping, 0.0)])
def test_pulses_between_samples_leave_less_than_a_template_of_frames(intervals, least):
    """Times are exact but no whole number of samples apart; 66 pulses effectively averaged allow 18 dB."""
    rivals = (ek.MovingTemplate(causal=True), ek.AdaptiveFilter())
    gained = []
    for seed in range(5):
        recorded = stimulated(seed, intervals)
        own, others = snr(ek.CausalSpline(), *recorded), [snr(rival, *recorded) for rival in rivals]
        gained.append((own, own - max(others)))
    own, ahead = np.transpose(gained)
    assert np.median(own) >= least, f"median {np.median(own):.1f} dB, worst {own.min():.1f} dB"
    assert ahead.min() >= 3.0, f"ahead by {np.median(ahead):.1f} dB, worst {ahead.min():.1f} dB"


def test_a_response_that_grows_is_forecast():
    """It grows by 3 % per second; a fading mean of it is 33 pulses late, and what that leaves can be calculated."""
    ahead, rate, late = [], 0.03, 33 * 0.03337
    for seed in range(3):
        signal, emg, pulses = stimulated(seed, jittered)
        growing = (signal - emg) * (1 + rate * np.arange(emg.size) / FS) + emg
        steady = 10 ** (-snr(ek.CausalSpline(), signal, emg, pulses) / 10)
        sizes = (signal - emg)[:, round(3 * FS) : round(pulses.onsets[-1] * FS)].std(axis=1)
        lagging = -10 * np.log10(steady + (rate * late * sizes / emg.std()) ** 2).mean()
        ahead.append(snr(ek.CausalSpline(), growing, emg, pulses) - lagging)
    assert min(ahead) >= 2.0, f"ahead of the mean by {np.median(ahead):.1f} dB, worst {min(ahead):.1f} dB"


def test_the_published_gain_on_clean_emg_holds_within_a_percent(sham_gains):
    ratios, _ = sham_gains(ek.CausalSpline(), 29.98, seeds=range(2))
    assert np.abs(ratios - 1).max() < 0.01, f"median {np.median(ratios):.4f}, worst {np.abs(ratios - 1).max():.4f} off"


def test_what_is_not_known_is_marked_and_left():
    signal, _, pulses = stimulated(1, jittered)
    parts = ek.CausalSpline().separate(signal, FS, pulses)
    locked = parts.render("locked", signal)
    first = [int(np.ceil((onset - 0.0015) * FS)) for onset in pulses.onsets]
    assert parts.lost[:, first[0] : first[5]].all()
    assert not locked[:, : first[5]].any()
    assert not parts.lost[:, first[5] : first[-1]].any()
    last = round((pulses.onsets[-1] + 0.0335) * FS)
    assert parts.lost[:, last : last + 40].all()  # no pulse has shown what comes so long after it
    assert not locked[:, last + 1 : last + 40].any()


def test_a_channel_that_comes_later_is_lost_until_it_is_known():
    signal, _, pulses = stimulated(2, jittered)
    begins = int(np.ceil((pulses.onsets[40] - 0.0015) * FS))
    signal[1, :begins] = np.nan
    lost = ek.CausalSpline().separate(signal, FS, pulses).lost
    then = [int(np.ceil((pulses.onsets[k] - 0.0015) * FS)) for k in (40, 45)]
    assert lost[1, then[0] : then[1]].all()
    assert not lost[1, then[1] + 1 : then[1] + 500].any()
    assert not lost[0, then[0] : then[1]].any()


def test_a_stream_without_pulses_gives_the_recording():
    signal = np.random.default_rng(3).normal(size=(2, 1000))
    stream = ek.CausalSpline().stream(FS, 2)
    out = np.concatenate([stream.update(signal[:, :300]), stream.update(signal[:, 300:]), stream.finish()], axis=1)
    assert out.tobytes() == signal.tobytes()


@pytest.mark.parametrize(
    "wrong", [{"forgetting": 0.5}, {"forgetting": 1.0}, {"before": -0.001}, {"after": 0.001}], ids=repr
)
def test_values_out_of_range_are_refused(wrong):
    with pytest.raises(ek.ParameterError, match=next(iter(wrong))):
        ek.CausalSpline(**wrong)


def test_five_pulses_are_too_few():
    with pytest.raises(ek.TimingError, match="more than 5 pulses"):
        ek.CausalSpline().separate(np.zeros((1, 2000)), FS, ek.Pulses(np.arange(1, 6) * 0.1))
