"""Amplifier, converter and link: each limit does what is stated, in its place, and the truth says where."""

import numpy as np
import pytest
from scipy.signal import butter, sosfilt, welch

import emgkit as ek
from emgkit.simulate import CONDITIONS, Contact, Electrode, FrontEnd, tiny
from emgkit.simulate.first_stage import FirstStage, analog_rate, limit_slope, overload

LOUD = Contact(Electrode(2.0, (0.8e-3, 8e-3), (0.25, 0.8)))  # 160 mV at 80 mA
CODE = {name: code for code, name in enumerate(CONDITIONS)}


def loud(seed=0, **overrides):
    return tiny(rng=np.random.default_rng(seed), contact=LOUD, **{"full_scale": 1.0, **overrides})


@pytest.mark.parametrize("fs", [1000.0, 1259.259, 1925.926, 2000.0, 2148.148, 4000.0, 10_000.0])
def test_every_usual_rate_is_rendered_at_its_own_samples(fs):
    made = tiny(rng=np.random.default_rng(1), fs=fs)
    assert made.recording.fs == fs
    assert made.recording.n_samples == round(3.0 * fs)
    fine = tiny(rng=np.random.default_rng(1), fs=fs, low_pass=400.0).truth
    same = tiny(rng=np.random.default_rng(1), fs=10_000.0, low_pass=400.0).truth
    np.testing.assert_array_equal(fine.onsets, same.onsets)  # what happens does not depend on the rate
    time, reference = np.arange(round(3.0 * fs)) / fs, np.arange(30_000) / 1e4
    there = np.interp(time, reference, same.evoked[0])
    assert np.abs(fine.evoked[0] - there).max() < 0.02 * np.abs(there).max()


def test_without_limits_the_parts_add_up_within_a_quantum():
    for bits in (12, 16, 24):
        made = tiny(rng=np.random.default_rng(2), bits=bits, full_scale=0.1)
        step = 0.2 / (2**bits - 1)
        assert np.abs(made.recording.signal - made.truth.signal).max() <= step * (0.5 + 1e-6)
        assert np.unique(np.round(made.recording.signal / step - made.recording.signal // step, 6)).size < 3
        assert (made.truth.condition == CODE["measured"]).all()


def test_parts_before_the_limits_do_not_depend_on_them():
    free, tight = loud(), loud(rail=0.02, rail_recovery=0.01, bits=12, packet_loss=0.05, blanking=0.003)
    for part in ("artifact", "evoked", "voluntary", "interference", "noise"):
        np.testing.assert_array_equal(getattr(free.truth, part), getattr(tight.truth, part))
    np.testing.assert_allclose(tight.truth.recorded, tight.recording.signal, atol=1e-15)
    assert np.abs(tight.truth.distortion).max() > 0.01


def test_the_converter_clips_at_its_range_and_says_so():
    made = loud(full_scale=0.02)
    clipped = made.truth.condition == CODE["clipped"]
    assert clipped.any()
    np.testing.assert_array_equal(clipped, np.abs(made.truth.signal) >= 0.02)
    assert np.abs(made.recording.signal).max() == pytest.approx(0.02)


def late(made, after=0.006, before=0.012):
    """Distortion between two times after the pulses, rms, V."""
    fs = made.recording.fs
    index = np.ceil((made.truth.onsets[10:-5, np.newaxis] + after) * fs).astype(int) + np.arange(
        int((before - after) * fs)
    )
    return float(np.sqrt((made.truth.distortion[0][index] ** 2).mean()))


def test_clipping_before_the_high_pass_leaves_a_tail_and_clipping_after_it_does_not():
    quiet = {"high_pass": 10.0, "low_pass": 500.0}
    before = loud(rail=0.05, **quiet)
    after = loud(full_scale=0.01, **quiet)
    assert np.abs(after.truth.signal).max() > 0.01
    assert late(before) > 50e-6
    assert late(after) < 1e-6


def test_an_overload_lasts_as_long_as_its_recovery():
    lasting = [late(loud(rail=0.02, rail_recovery=tau, high_pass=None), 0.010, 0.020) for tau in (0.002, 0.010, 0.050)]
    assert lasting[0] < 0.2 * lasting[1]
    recovering = [
        (loud(rail=0.02, rail_recovery=tau).truth.condition == CODE["recovering"]).mean() for tau in (0.0, 0.01)
    ]
    assert recovering[0] == 0
    assert recovering[1] > 0.1


def test_an_overloaded_stage_comes_back_with_its_time_constant():
    front_end = FrontEnd(rail=0.01, rail_recovery=0.02, high_pass=None)
    rate, ratio = analog_rate(front_end)
    pulse = np.zeros(int(0.2 * rate) // ratio * ratio)
    pulse[: int(1e-3 * rate)] = 0.1
    limited, free, codes = FirstStage(front_end).passed(pulse)
    added = limited - free
    time = np.arange(added.size) / front_end.fs
    tail = (time > 0.01) & (time < 0.05)
    slope = np.polyfit(time[tail], np.log(added[tail]), 1)[0]
    assert -1 / slope == pytest.approx(0.02, rel=0.02)
    assert codes[0] == 1


def test_the_stage_does_not_depend_on_the_blocks_it_is_computed_in():
    front_end = FrontEnd(rail=0.01, rail_recovery=0.02, slew=100.0)
    rate, ratio = analog_rate(front_end)
    line = 0.05 * np.sin(2 * np.pi * 3 * np.arange(3000 * ratio) / rate)
    whole = overload(lambda begin, end: line[begin * ratio : end * ratio], 3000, front_end)
    stage = FirstStage(front_end)
    pieces = zip(*(stage.passed(part) for part in np.split(line, 100)), strict=True)
    for signal, rows in zip(whole[:2], pieces, strict=False):  # limited and free
        np.testing.assert_allclose(np.concatenate(rows), signal, atol=1e-12)


def test_no_slope_is_steeper_than_the_slew_limit():
    rng = np.random.default_rng(3)
    line = np.cumsum(rng.standard_normal(5000))
    out = limit_slope(line, 0.5, 0.0)
    assert np.abs(np.diff(out, prepend=0.0)).max() <= 0.5 + 1e-12
    easy = np.sin(np.arange(5000) / 50)
    np.testing.assert_array_equal(limit_slope(easy, 0.5, 0.0), easy)
    made = loud(slew=200.0)
    assert late(made, 0.0005, 0.003) > 1e-4
    assert (made.truth.condition == CODE["clipped"]).any()


@pytest.mark.parametrize(("order", "slope"), [(1, 1), (2, 2)])
def test_the_high_pass_has_its_corner_and_its_slope(order, slope):
    front_end = FrontEnd(high_pass=20.0, high_pass_order=order)
    gain = np.sqrt(front_end.power_gain(np.array([1.0, 2.0, 20.0, 200.0])))
    assert gain[2] == pytest.approx(np.sqrt(0.5), rel=0.02)
    assert gain[1] / gain[0] == pytest.approx(2.0**slope, rel=0.02)
    assert gain[3] == pytest.approx(1.0, abs=0.04)  # a Bessel low-pass begins early
    open_to_dc = FrontEnd(high_pass=None).power_gain(np.array([0.001, 1.0]))
    assert open_to_dc == pytest.approx([1.0, 1.0], abs=1e-6)


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("corner", [0.01, 5.0, 300.0, 500.0])
def test_the_high_pass_is_the_analog_one_at_any_rate(order, corner):
    """Waves without anything above 300 Hz, against Butterworth's gain and against the same filter at 100 kHz."""
    front_end, fine = FrontEnd(high_pass=corner, high_pass_order=order), np.arange(200_000) / 1e5
    frequencies = np.array([0.0, 1.0, 20.0, 300.0, 900.0])
    power = (frequencies / corner) ** (2 * order)
    np.testing.assert_allclose(front_end.high_power(frequencies), power / (1 + power), atol=1e-12)
    waves = np.stack([np.exp(-0.5 * ((fine - middle) / width) ** 2) for middle, width in ((0.4, 2e-3), (1.2, 0.05))])
    expected = sosfilt(butter(order, corner, "highpass", fs=1e5, output="sos"), waves, axis=-1)
    for fs, each in ((1250.0, 80), (2000.0, 50), (20_000.0, 5)):
        np.testing.assert_allclose(front_end.high(waves[:, ::each], fs), expected[:, ::each], atol=2e-5)


def test_elliptic_rings_most_and_bessel_least():
    ringing = []
    for shape in ("bessel", "butterworth", "elliptic"):
        front_end = FrontEnd(low_pass=400.0, anti_alias=shape, low_pass_order=8 if shape == "elliptic" else 4)
        step = front_end.low(np.concatenate([np.zeros(100), np.ones(2000)]))
        ringing.append(step.max() - 1)
    assert ringing[0] < 0.02 < ringing[1] < ringing[2]


def test_a_spectrum_above_half_the_rate_folds_only_without_a_low_pass():
    wide = {"low_pass": 449.0, "anti_alias": "butterworth", "low_pass_order": 1}
    high = [
        welch(tiny(rng=np.random.default_rng(4), fs=1000.0, **one).truth.artifact[0], 1000, nperseg=500)[1][-50:].sum()
        for one in ({}, wide)
    ]
    assert high[1] > 1.5 * high[0]


@pytest.mark.parametrize("output", ["held", "zero"])
def test_blanking_hardware_gives_nothing_of_what_happens_meanwhile(output):
    made = loud(blanking=0.005, blanked_to=output, droop=50.0 if output == "held" else 0.0)
    fs, signal = made.recording.fs, made.recording.signal[0]
    blanked = made.truth.condition[0] == CODE["blanked"]
    for onset in made.truth.onsets[5:20]:
        low, high = int(np.ceil((onset - 0.5e-3) * fs)), int(np.ceil((onset + 5e-3) * fs))
        assert blanked[low:high].all()
        assert not blanked[high]
        level = signal[low - 1] if output == "held" else 0.0
        np.testing.assert_allclose(signal[low:high], level * np.exp(-50.0 * np.arange(high - low) / fs), atol=2e-7)


def test_lost_packets_repeat_the_last_sample_and_have_their_share():
    shares = []
    for seed in range(8):
        made = tiny(
            rng=np.random.default_rng(seed), duration=30.0, packet_loss=0.05, channel_names=("VL", "VM"), units=2
        )
        lost = made.truth.condition == CODE["lost"]
        assert (lost[0] == lost[1]).all()  # a packet holds all channels
        assert (np.diff(made.recording.signal, axis=1)[lost[:, 1:]] == 0).all()
        shares.append(lost.mean())
    assert np.mean(shares) == pytest.approx(0.05, abs=0.01), shares


def test_packets_that_nobody_fills_make_the_trigger_slip():
    kept, slipped = (tiny(rng=np.random.default_rng(5), packet_loss=0.03, packet_slip=slip) for slip in (False, True))
    there = kept.truth.condition[0] != CODE["lost"]
    lost = np.flatnonzero(~there) / 2000
    assert lost.size > 26
    np.testing.assert_array_equal(slipped.recording.signal, kept.recording.signal[:, there])
    np.testing.assert_allclose(slipped.truth.recorded, slipped.recording.signal, atol=1e-15)
    trigger = ek.detect_pulses(slipped.recording, "TRIG").onsets
    np.testing.assert_allclose(trigger, kept.pulses.onsets, atol=1e-8)  # the trigger keeps real time
    slip = trigger - slipped.pulses.onsets
    expected = np.array([(lost < onset).sum() / 2000 for onset in trigger])
    assert slip == pytest.approx(expected, abs=1e-3)
    assert (np.diff(slip) > -1e-9).all()
    # the evoked response stays where the pulses of the truth say
    index = np.ceil(slipped.pulses.onsets[5:-5, np.newaxis] * 2000).astype(int) + np.arange(60)
    sizes = np.ptp(slipped.truth.evoked[0][index], axis=1)
    assert np.quantile(sizes, 0.1) > 0.7 * sizes.max()


def test_the_trigger_has_its_latency_and_gives_the_onsets_back():
    for latency in (0.0, 0.0037, -0.002):
        made = tiny(rng=np.random.default_rng(6), trigger_latency=latency)
        found = ek.detect_pulses(made.recording, "TRIG").onsets
        assert found - latency == pytest.approx(made.pulses.onsets, abs=1e-8)


def test_a_device_may_have_all_limits_at_once():
    made = loud(
        rail=0.02, rail_recovery=0.02, slew=500.0, blanking=0.0005, bits=16, packet_loss=0.01, fs=1925.926, seed=7
    )
    assert set(np.unique(made.truth.condition)) == set(CODE.values())
    np.testing.assert_allclose(made.truth.recorded, made.recording.signal, atol=1e-15)
    assert made.truth.usable.mean() > 0.1


@pytest.mark.parametrize(("order", "corner"), [(1, 500.0), (2, 100.0)])
def test_the_high_pass_weakens_mains_as_everything_else(order, corner):
    free, filtered = (
        np.fft.rfft(tiny(rng=np.random.default_rng(3), mains=50.0, **one).truth.interference[0])
        for one in ({"high_pass": None}, {"high_pass": corner, "high_pass_order": order})
    )
    for frequency in (50.0, 150.0, 250.0):
        line = round(frequency * 3.0)  # 3 s
        expected = 1 / np.sqrt(1 + (corner / frequency) ** (2 * order))
        assert np.abs(filtered[line] / free[line]) == pytest.approx(expected, rel=0.01)


@pytest.mark.parametrize("fs", [1000.0, 4000.0])
def test_noise_has_the_density_that_is_stated(fs):
    around = {"noise": 5e-6, "flicker": 30.0, "high_pass": None, "duration": 20.0, "bursts": 0, "units": 1}
    density, frequencies = [], np.array([20.0, 60.0, 150.0])
    for seed in range(6):
        noise = tiny(rng=np.random.default_rng(seed), fs=fs, **around).truth.noise[0]
        found, power = welch(noise, fs, nperseg=int(fs / 2))
        density.append(np.interp(frequencies, found, power))
    expected = 5e-6**2 / (fs / 2) * (1 + 30.0 / frequencies)
    np.testing.assert_allclose(np.mean(density, axis=0), expected, rtol=0.15)
