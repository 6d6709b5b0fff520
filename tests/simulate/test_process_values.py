"""Process values: closed forms that the means of many realisations meet."""

from dataclasses import replace

import numpy as np
import pytest

from emgkit.simulate import Stimulator, intermittent_nmes, tiny
from emgkit.simulate.process import median_frequency

STILL = {"slowing": 0.0, "weakening": 0.0, "threshold_rise": 0.0, "mains_amplitude": 0.0}


@pytest.fixture(scope="module")
def steady():
    """Unfatigued muscles at half effort, of which the stimulation reaches a part."""
    effort = {"profile": ((0.0, 0.5), (12.0, 0.5)), "duration": 12.0, "trains": ((0.2, 11.8),)}
    return [tiny(rng=np.random.default_rng(seed), units=40, **effort, **STILL) for seed in range(12)]


def spectrum_of(signal):
    from scipy.signal import welch

    frequencies, power = welch(signal, 2000, nperseg=2000)
    band = (frequencies >= 20) & (frequencies <= 450)
    return frequencies[band], power[band]


def test_voluntary_rms_mdf_and_mnf_are_those_of_long_recordings(steady):
    ratios = []
    for made in steady:
        signal = (made.truth.voluntary + made.truth.noise)[0, 1000:23_000]
        frequencies, power = spectrum_of(signal)
        truth = {name: made.truth.at(name, np.array([6.0]))[0, 0] for name in ("rms", "mdf", "mnf")}
        ratios.append(
            [
                signal.std() / truth["rms"],
                median_frequency(frequencies, power) / truth["mdf"],
                (frequencies * power).sum() / power.sum() / truth["mnf"],
            ]
        )
    message = f"median {np.median(ratios, axis=0)}, mean {np.mean(ratios, axis=0)} of rms, mdf, mnf"
    # what is left is chance: 12 recordings of 11 s
    np.testing.assert_allclose(np.mean(ratios, axis=0), 1.0, atol=0.03, err_msg=message)


def _half_stimulated(seed, begin):
    """24 s at half of the effort with stimulation from ``begin`` on, and its voluntary EMG with noise."""
    made = tiny(
        rng=np.random.default_rng(seed),
        profile=((0.0, 0.5), (24.0, 0.5)),
        duration=24.0,
        trains=((begin, 24.0),),
        units=40,
        **STILL,
    )
    return made, (made.truth.voluntary + made.truth.noise)[0]


def test_voluntary_rms_is_lower_during_trains_than_before_and_after():
    ratios = []
    for seed in range(12):
        made, signal = _half_stimulated(seed, 12.0)
        measured = np.array([signal[2000:22_000].std(), signal[26_000:46_000].std()])
        ratios.append(measured / made.truth.at("rms", np.array([5.0, 19.0]))[:, 0])
    np.testing.assert_allclose(np.mean(ratios, axis=0), 1.0, atol=0.03, err_msg=str(ratios))


def test_evoked_values_are_those_of_the_mean_response(steady):
    off = []
    for made in steady:
        truth = made.truth
        rows = []
        for onset in truth.onsets[20:-5]:
            first = int(np.ceil(onset * 2000)) - 20
            fine = np.fft.irfft(np.fft.rfft(truth.evoked[0, first : first + 96]), 96 * 16) * 16
            since = first / 2000 + np.arange(fine.size) / 32_000 - onset
            rows.append(np.interp(np.arange(0.002, 0.030, 1 / 32_000), since, fine))
        wave = np.mean(rows, axis=0)
        energy = np.abs(np.fft.rfft(wave, 1 << 15)) ** 2
        frequencies = np.fft.rfftfreq(1 << 15, 1 / 32_000)
        measured = {
            "vpp": np.ptp(wave),
            "area": np.abs(wave).mean() * 0.028,
            "m_wave_mdf": median_frequency(frequencies, energy),
            "m_wave_mnf": (frequencies * energy).sum() / energy.sum(),
        }
        off.append([measured[name] / truth.at(name, np.array([6.0]))[0, 0] - 1 for name in measured])
    assert np.abs(off).max() < 0.02, f"median {np.median(off, axis=0)}, worst {np.abs(off).max(axis=0)}"


EVOKED = ("vpp", "area", "m_wave_mdf", "m_wave_mnf")


@pytest.mark.parametrize("late", [0.0, 0.012])
def test_responses_that_mix_with_those_of_another_stimulator_have_no_values(late):
    one = Stimulator(current=0.02, phase=0.0, jitter=0.0, rate=20.0)
    for seed in range(3):
        made = tiny(
            rng=np.random.default_rng(seed),
            reach=1.0,
            bursts=0,
            stimulators=(one, replace(one, site=1, phase=20.0 * late)),
        )
        for name in EVOKED:
            assert np.isnan(made.truth.features[name]).all(), name
        assert np.isfinite(made.truth.features["rms"]).all()


def test_the_values_are_those_of_a_train_of_their_own_beside_close_pulses_and_other_stimulators():
    """A pulse of its own, then four 5 ms apart; pulses of another stimulator, each beside one of the same site."""
    ratios = []
    trains = tuple((begin, begin + 0.3) for begin in (0.3, 0.9, 1.5, 2.1))
    first = Stimulator(trains=trains, intervals=(0.1, 0.005, 0.005, 0.005), jitter=0.0, current=0.08)
    other = Stimulator(trains=((0.7, 0.85), (1.9, 2.05)), rate=60.0, phase=0.0, jitter=0.0, current=0.01, site=1)
    for seed in range(6):
        still = {**STILL, "fluctuation": 0.0, "threshold_fluctuation": 0.0, "latency_jitter": 0.0}
        made = tiny(rng=np.random.default_rng(seed), bursts=0, stimulators=(first, other), **still)
        begin = round(0.302 * 2000)
        size = np.ptp(np.fft.irfft(np.fft.rfft(made.truth.evoked[0, begin - 12 : begin + 68]), 80 * 16) * 16)
        ratios.append(made.truth.at("vpp", np.array([0.0]))[0, 0] / size)
    assert np.abs(np.array(ratios) - 1).max() < 0.03, ratios


def test_rms_is_not_smeared_over_the_edges_of_trains():
    ratios = []
    for seed in range(12):
        made, signal = _half_stimulated(seed, 12.2)
        measured = np.array([signal[2000:24_000].std(), signal[25_000:46_000].std()])
        near = made.truth.at("rms", np.array([11.9, 12.4]))[:, 0]
        ratios.append(measured / near)
    np.testing.assert_allclose(np.mean(ratios, axis=0), 1.0, atol=0.03, err_msg=str(ratios))


def test_ramps_do_not_hide_the_response_of_the_plateau():
    made = intermittent_nmes(rng=np.random.default_rng(1), units=30, fibres_per_unit=2, duration=44.0, **STILL)
    for name, table in made.truth.features.items():
        assert np.isfinite(table).all(), name
    sizes = made.truth.features["vpp"]
    assert np.ptp(sizes, axis=0).max() < 0.02 * sizes.max()  # nothing fatigues here


def test_the_change_of_a_feature_is_between_the_first_and_the_last_fifth():
    truth = tiny(rng=np.random.default_rng(2), slowing=0.05).truth
    times = np.linspace(0.5, 2.5, 50)
    fresh, fatigued, change = truth.change("m_wave_mdf", times)
    assert fresh == pytest.approx(truth.at("m_wave_mdf", times[:10]).mean(axis=0))
    assert fatigued == pytest.approx(truth.at("m_wave_mdf", times[-10:]).mean(axis=0))
    assert change == pytest.approx(100 * (fatigued / fresh - 1))
    assert change[0] < -3


def test_the_median_frequency_of_a_flat_band_is_its_middle():
    frequencies = np.linspace(0, 1000, 2001)
    flat = ((frequencies >= 100) & (frequencies <= 300)).astype(float)
    assert median_frequency(frequencies, flat) == pytest.approx(200, abs=0.5)


def test_every_pair_of_electrodes_has_the_values_of_its_own_place():
    """Two pairs at one place have the same values, and the first those that it has alone, at any current."""
    for current in (0.02, 0.03, 0.08):
        few = {"bursts": 0, "current": current, "rate": 10.0}
        alone = tiny(rng=np.random.default_rng(3), **few).truth
        both = tiny(rng=np.random.default_rng(3), lateral=(0.0, 0.0), channel_names=("A", "B"), **few).truth
        for name in EVOKED:
            np.testing.assert_allclose(both.features[name], np.repeat(alone.features[name], 2, axis=1), rtol=1e-9)
