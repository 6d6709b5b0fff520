"""The first stage: all that enters it meets its rail, and the high-pass behind it remembers without a kernel."""

import tracemalloc

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from emgkit.simulate import Contact, Electrode, PulseShape, Stimulator, device, tiny
from emgkit.simulate.high_pass import HighPass

SILENT = Contact(Electrode(transfer=0.0))
LOUD = Contact(Electrode(2.0, (0.8e-3, 8e-3), (0.25, 0.8)), mechanical=5e-3, dc_shift=0.02)
# each alone many times larger than the rail of 10 µV
ENTERING = {
    "noise": {"noise": 100e-6},
    "mains": {"mains_amplitude": 1e-3},
    "heart": {"ecg": 2e-3},
    "movement": {"movement": 2e-3},
    "pops": {"pops": 120.0, "pop_size": 2e-3},
    "evoked": {"current": 0.080},
    "voluntary": {"effort": 0.9},
    "neighbour": {"effort": 0.9, "neighbour": 0.5, "channel_names": ("VL", "VM")},
    "artifact": {"contact": LOUD},
}
QUIET = {"contact": SILENT, "current": 1e-5, "effort": 0.0, "noise": 0.0, "mains_amplitude": 0.0, "full_scale": 1.0}


def only(seed=1, **changes):
    return tiny(rng=np.random.default_rng(seed), **{**QUIET, **changes})


@pytest.mark.parametrize("source", ENTERING)
@pytest.mark.parametrize("high_pass", [None, 10.0])
def test_nothing_beyond_the_rail_leaves_the_first_stage_wherever_it_comes_from(source, high_pass):
    rail, most = 10e-6, 2.2 if high_pass else 1.05  # a high-pass of the first order may double what it gets
    free = only(**ENTERING[source], high_pass=high_pass)
    made = only(**ENTERING[source], high_pass=high_pass, rail=rail)
    assert np.abs(free.recording.signal).max() > 5 * rail
    assert np.abs(made.recording.signal).max() < most * rail
    assert (made.truth.condition == 1).any()
    np.testing.assert_array_equal(made.truth.signal, free.truth.signal)
    np.testing.assert_allclose(made.truth.recorded, made.recording.signal, atol=1e-15)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_nothing_leaks_past_a_rail_of_a_microvolt(seed):
    everything = {name: value for changes in ENTERING.values() for name, value in changes.items()}
    made = only(seed, **everything, rail=1e-6)
    assert np.abs(made.truth.signal).max() > 0.02
    assert np.abs(made.recording.signal).max() < 2.2e-6


@pytest.mark.parametrize("source", ENTERING)
def test_the_filters_make_of_what_enters_what_the_parts_are(source, monkeypatch):
    seen, plain = [], device.overload

    def spy(*args):
        seen.append(plain(*args))
        return seen[-1]

    monkeypatch.setattr(device, "overload", spy)
    made = only(**ENTERING[source], rail=50.0)
    for (limited, free, codes), signal in zip(seen, made.truth.signal, strict=True):
        assert not codes.any()
        np.testing.assert_array_equal(limited, free)
        late = slice(1000, None)  # mains begins in the middle of a cycle
        assert np.std(free[late] - signal[late]) < 0.05 * np.std(signal[late])
    assert np.abs(made.truth.distortion).max() < 1e-7  # nothing is clipped, nothing is changed


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("corner", [5.0, 20.0, 300.0])
def test_the_high_pass_by_its_exponentials_is_a_butterworth_high_pass(order, corner):
    fs, wave = 200_000.0, np.zeros(40_000)
    wave[100:200], wave[400:900] = 1.0, -0.3
    expected = sosfilt(butter(order, corner, "highpass", fs=fs, output="sos"), wave)
    given, _ = HighPass.of(order, corner).through(wave[np.newaxis], fs)
    np.testing.assert_allclose(given[0], expected, atol=2e-3 * corner / 300)
    parts, state = [], None
    for part in np.split(wave, 8):
        one, state = HighPass.of(order, corner).through(part[np.newaxis], fs, state)
        parts.append(one[0])
    np.testing.assert_allclose(np.concatenate(parts), given[0], atol=1e-12)
    response = np.abs(HighPass.of(order, corner).response(np.array([corner, corner / 100])))
    assert response == pytest.approx([np.sqrt(0.5), 0.01**order], rel=1e-3)


@pytest.mark.parametrize("order", [1, 2])
def test_what_the_high_pass_leaves_goes_on_after_the_waveform(order):
    high, fs = HighPass.of(order, 8.0), 200_000.0
    wave = np.concatenate([np.ones(2000), np.zeros(80_001)])
    whole, _ = high.through(wave[np.newaxis], fs)
    _, after = high.through(wave[np.newaxis, :4001], fs)
    tail = high.tail(np.array([4000 / fs]), after[:, :1], 2000.0, 800)[0]
    np.testing.assert_allclose(tail[40:], whole[0, 4000::100][: 800 - 40], atol=1e-9)
    assert not tail[:40].any()


@pytest.mark.parametrize("seeds", [range(2), pytest.param(range(2, 5), marks=pytest.mark.slow)])
@pytest.mark.parametrize(
    "limits",
    [{}, {"rail_recovery": 0.01}, {"high_pass": 20.0, "high_pass_order": 2}, {"high_pass": None}, {"slew": 300.0}],
)
def test_usable_samples_are_changed_by_no_limit(limits, seeds):
    worst, shares = [], []
    for seed in seeds:
        made = only(seed, contact=LOUD, current=0.080, noise=2e-6, rate=10.0, **{"rail": 0.02, **limits})
        worst.append(np.abs(made.truth.distortion[made.truth.usable]).max())
        shares.append(made.truth.usable.mean())
        assert (made.truth.sound >= made.truth.usable).all()
        assert not np.isin(made.truth.condition[made.truth.sound], (1, 2, 3, 4)).any()
    assert max(worst) < 5.1e-6, worst
    assert min(shares) > 0.1, shares


def artifact(contact, **changes):
    stimulator = Stimulator(rate=0.5, trains=((0.1, 0.3),), contact=contact, pulse=PulseShape("monophasic", width=2e-4))
    return only(stimulators=(stimulator,), contact=contact, **{"current": 0.080, "threshold": 1.0, **changes})


@pytest.mark.parametrize(
    "electrode",
    [
        Electrode(2.0, (0.8e-3, 8e-3), (0.25, 0.8), power_share=0.05),
        Electrode(2.0, (0.8e-3, 8e-3), (0.25, 0.8), power_share=0.05, power_exponent=0.9),
        Electrode(2.0, (0.15,), (0.3,)),
        Electrode(2.0, (1.5,), (0.3,)),
    ],
)
def test_no_tail_ends_with_a_step(electrode):
    made = artifact(Contact(electrode, gain_drift=0.0, gain_noise=0.0, second_rank=0.1), high_pass=None)
    late = made.truth.artifact[0][round((made.truth.onsets[0] + 0.1) * 2000) :]
    assert np.abs(late).max() > 1e-6
    assert np.abs(np.diff(late, 2)).max() < 0.1e-6


def test_a_burst_longer_than_the_electrodes_memory_is_heard_to_its_end():
    burst = PulseShape(width=2e-4, gap=0.0, cycles=200)
    contact = Contact(Electrode(2.0, (0.1e-3,), (0.1,)), gain_drift=0.0, gain_noise=0.0)
    made = only(pulse=burst, rate=5.0, contact=contact, high_pass=None, current=0.08, threshold=1.0)
    onset = made.truth.onsets[2]
    size = [made.truth.artifact[0][round((onset + t) * 2000) :][:16].std() for t in (0.01, 0.04, 0.068)]
    assert size[1:] == pytest.approx(size[:1] * 2, rel=0.2)  # 2.5 kHz beats with 2 kHz


@pytest.mark.parametrize("order", [1, 2])
def test_a_corner_of_a_hundredth_hertz_needs_no_memory_of_minutes(order):
    tracemalloc.start()
    low = only(high_pass=0.01, high_pass_order=order, contact=LOUD, current=0.080)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 150e6, f"{peak / 1e6:.0f} MB"
    # within 3 s there is hardly a difference from an amplifier without a high-pass
    coupled = only(high_pass=None, contact=LOUD, current=0.080)
    assert np.abs(low.truth.artifact - coupled.truth.artifact).max() < 0.1 * np.abs(coupled.truth.artifact).max()
