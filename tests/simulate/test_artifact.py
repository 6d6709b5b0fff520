"""The stimulation artifact: closed forms that a fine numerical rendering confirms, and all that changes its size."""

import numpy as np
import pytest
from scipy.signal import sosfilt

from emgkit.simulate import Contact, Electrode, FrontEnd, PulseShape, Stimulator
from emgkit.simulate.leak import make_leak
from emgkit.simulate.stimulator import draw_schedule
from emgkit.simulate.stimulus import POWER_TIME, voltage

STEADY = {"clock_error": 0.0, "jitter": 0.0}
CALM = Contact(gain_drift=0.0, gain_noise=0.0)


def rendered(contact=CALM, channels=4, duration=10.0, front_end=None, seed=1, **stimulator):
    """Artifact (channels, samples) and pulse times of one stimulator."""
    front_end = front_end or FrontEnd()
    one = Stimulator(**{**STEADY, "contact": contact, "current": 0.05, **stimulator})
    schedule = draw_schedule(one, duration, rng=np.random.default_rng(seed))
    count = round(duration * front_end.fs)
    leak = make_leak(one, schedule, channels, count, front_end, rng=np.random.default_rng(seed + 1))
    return leak.render(front_end.fs, count), schedule


def sizes_over(signal, calm, onsets):
    """Size of the artifact at every pulse over that of a calm stimulator, sample by sample."""
    index = np.ceil(onsets[:-1, np.newaxis] * 2000).astype(int) + np.arange(8)
    return (signal[index] * calm[index]).sum(axis=1) / (calm[index] ** 2).sum(axis=1)


@pytest.mark.parametrize("shape", ["biphasic", "asymmetrical", "monophasic"])
def test_the_voltage_is_the_convolution_of_the_current_with_the_electrode(shape):
    pulse, electrode = PulseShape(shape, width=300e-6, gap=100e-6, imbalance=0.05), Electrode()
    step = 1e-6
    time = np.arange(0, 0.012, step)
    times, jumps = pulse.steps()
    current = np.cumsum(jumps)[np.clip(np.searchsorted(times, time + step / 2, side="right") - 1, 0, None)]
    total = current.copy()
    for tau, share in zip(electrode.taus, electrode.shares, strict=True):
        total += share * np.convolve(current, np.exp(-time / tau) / tau)[: time.size] * step
    closed = voltage(time + step / 2, pulse, electrode)
    away = np.min(np.abs(time[:, np.newaxis] - times), axis=1) > 3 * step
    np.testing.assert_allclose(closed[away], 2.0 * total[away], atol=0.01)


def test_exponential_tails_have_their_time_constants():
    for tau in (0.8e-3, 8e-3, 50e-3):
        electrode = Electrode(1.0, (tau,), (0.5,))
        late = np.array([1.0, 2.0]) * tau + 1e-3
        one, two = voltage(late, PulseShape("monophasic", width=200e-6), electrode)
        assert one / two == pytest.approx(np.e, rel=1e-6)


def test_the_constant_phase_tail_is_a_power_of_time_and_outlasts_exponentials():
    for exponent in (0.3, 0.5, 0.8):
        electrode = Electrode(1.0, (), (), power_share=0.1, power_exponent=exponent)
        pulse = PulseShape("monophasic", width=20e-6)
        one, two = voltage(np.array([0.05, 0.5]), pulse, electrode)
        assert np.log10(one / two) == pytest.approx(1 - exponent, rel=0.01)
        assert one == pytest.approx(
            0.1 * exponent * 20e-6 / POWER_TIME * (0.05 / POWER_TIME) ** (exponent - 1), rel=0.01
        )
    fast = Electrode(1.0, (8e-3,), (0.8,))
    assert abs(one) > abs(voltage(np.array([0.05]), PulseShape("monophasic", width=20e-6), fast)[0]) * 1e-3


def test_a_balanced_pulse_leaves_little_behind_and_a_monophasic_one_much():
    left = {
        shape: abs(float(voltage(np.array([0.02]), PulseShape(shape), Electrode())[0]))
        for shape in ("biphasic", "monophasic")
    }
    assert left["monophasic"] > 10 * left["biphasic"]
    unbalanced = abs(float(voltage(np.array([0.02]), PulseShape(imbalance=0.1), Electrode())[0]))
    assert left["biphasic"] < unbalanced < left["monophasic"]


@pytest.mark.parametrize("fs", [1000.0, 1925.926, 2000.0, 5000.0])
def test_every_sample_is_the_filtered_voltage_at_its_time_and_nothing_else(fs):
    """Against a rendering of the whole chain at 2 MHz, sampled at the output's times."""
    front_end = FrontEnd(fs=fs, high_pass=10.0)
    signal, schedule = rendered(duration=1.0, front_end=front_end, rate=9.0, stimulation=(0.02, 0.5), channels=1)
    fine = 2e6
    time = np.arange(int(0.6 * fine)) / fine
    entering = sum(
        current * voltage(time - onset, PulseShape(width=200e-6, gap=0.0), Electrode()) * (time >= onset)
        for onset, current in zip(schedule.onsets, schedule.current, strict=True)
    )
    whole = sosfilt(front_end.sections(fine), entering)
    count = int(0.6 * fs)
    expected = np.interp(np.arange(count) / fs, time, whole)
    assert np.abs(signal[0, :count] - expected).max() < 0.005 * np.abs(whole).max()


def test_channels_have_their_gains_and_one_waveform_unless_a_second_is_asked_for():
    plain, schedule = rendered(Contact(gains=(1.0, -0.6, 0.25), gain_drift=0.0, gain_noise=0.0), channels=3)
    np.testing.assert_allclose(plain[1], -0.6 * plain[0], atol=1e-12)
    np.testing.assert_allclose(plain[2], 0.25 * plain[0], atol=1e-12)
    assert schedule.onsets.size > 200
    for seed in range(3):
        mixed, _ = rendered(Contact(second_rank=0.05, gain_drift=0.03, gain_noise=0.0), seed=seed)
        size = np.linalg.svd(mixed, compute_uv=False)
        assert 1e-4 < size[1] / size[0] < 0.2
        assert size[2] / size[0] < 1e-9
        crossed, _ = rendered(Contact(gains=(1.0, 0.0), crosstalk=0.1, gain_drift=0.0), channels=2, seed=seed)
        assert 1e-3 < crossed[1].std() / crossed[0].std() < 0.5


def test_slow_drift_and_fast_noise_have_their_sizes():
    for seed in range(6):
        same = {"duration": 20.0, "rate": 10.0, "seed": seed}
        calm, schedule = rendered(CALM, **same)
        drifting, _ = rendered(Contact(gain_drift=0.05, gain_noise=0.0), **same)
        slow = sizes_over(drifting[0], calm[0], schedule.onsets)
        assert np.ptp(slow) / 2 == pytest.approx(0.05, rel=0.1)
        assert np.abs(np.diff(slow)).max() < 0.01
        noisy, _ = rendered(Contact(gain_drift=0.0, gain_noise=0.003), **same)
        fast = sizes_over(noisy[0], calm[0], schedule.onsets)
        assert fast.std() == pytest.approx(0.003, rel=0.3)
        assert abs(np.corrcoef(fast[1:], fast[:-1])[0, 1]) < 0.25


def test_a_movement_of_the_electrodes_is_locked_to_the_pulses():
    moving, schedule = rendered(
        Contact(Electrode(0.0), mechanical=50e-6, gain_drift=0.0, gain_noise=0.0), rate=2.0, channels=2
    )
    index = np.round(schedule.onsets[1:-1, np.newaxis] * 2000).astype(int) + np.arange(200)
    waves = moving[0][index]
    assert 10e-6 < np.abs(waves.mean(axis=0)).max() < 50e-6
    assert (waves - waves.mean(axis=0)).std() < 0.05 * waves.std()
    assert np.abs(waves[:, :8]).max() < 0.05 * np.abs(waves).max()  # it comes some ms after the pulse


def test_an_offset_builds_up_during_a_train_and_decays_after_it():
    shifting, _ = rendered(
        Contact(Electrode(0.0), dc_shift=1e-3, gains=(1.0, -0.5)),
        channels=2,
        front_end=FrontEnd(high_pass=None),
        trains=((1.0, 6.0),),
    )
    level = shifting[0, [1900, 4000, 11_900, 14_000]]
    assert level[0] == pytest.approx(0.0, abs=1e-6)
    assert level[1] == pytest.approx(1e-3 * (1 - np.exp(-1.0)), rel=0.05)
    assert level[2] == pytest.approx(1e-3, rel=0.02)
    assert level[3] == pytest.approx(1e-3 * np.exp(-1.0), rel=0.06)
    np.testing.assert_allclose(shifting[1], -0.5 * shifting[0], atol=1e-12)


def test_a_burst_of_a_carrier_lasts_as_long_as_its_cycles():
    burst, schedule = rendered(
        Contact(Electrode(1.0, (), ()), gain_drift=0.0, gain_noise=0.0),
        front_end=FrontEnd(fs=10_000.0, low_pass=4000.0, high_pass=None),
        pulse=PulseShape(width=200e-6, gap=0.0, cycles=25),
        rate=20.0,
        duration=2.0,
    )
    since = (np.arange(burst.shape[1]) / 1e4)[:, np.newaxis] - schedule.onsets
    inside = ((since > 1e-3) & (since < 0.0095)).any(axis=1)
    outside = ~((since > -0.001) & (since < 0.012)).any(axis=1)
    assert burst[0][inside].std() > 0.5 * 0.05
    assert np.abs(burst[0][outside]).max() < 1e-3 * 0.05


def test_the_artifact_grows_with_the_current():
    one, _ = rendered(current=0.02)
    two, _ = rendered(current=0.04)
    np.testing.assert_allclose(two, 2 * one, rtol=1e-9, atol=1e-15)
