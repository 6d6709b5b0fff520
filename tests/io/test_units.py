"""Units as they stand in files, and the amplitudes that EMG can have."""

import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import emgkit as ek
from emgkit.io.units import check_amplitude, robust_amplitude, seconds_per_unit, volts_per_unit


@pytest.mark.parametrize(
    ("text", "volts"),
    [
        *[(text, 1.0) for text in ("V", "v", " V ", "Volts", "volt")],
        *[(text, 1e-3) for text in ("mV", "mv", "milliVolts")],
        *[(text, 1e-6) for text in ("uV", "µV", "μV", "UV", "microV", "microVolts")],
        *[(text, 1e-9) for text in ("nV", "nanovolt")],
        *[(text, None) for text in ("MV", "", "bits", "N", "uA", "kV", "V/s", "m")],
    ],
)
def test_units_of_voltage_are_known_and_nothing_else_is(text, volts):  # I-06
    assert volts_per_unit(text) == volts


def test_units_of_time_are_known_and_nothing_else_is():
    assert [seconds_per_unit(text) for text in ("s", "ms", "us", "µs", "min", "seconds")] == [
        1,
        1e-3,
        1e-6,
        1e-6,
        60,
        1,
    ]
    assert [seconds_per_unit(text) for text in ("", "samples", "MS", "h", "m")] == [None] * 5


def emg(scale, seconds=10, fs=2000, seed=0):
    return np.random.default_rng(seed).normal(0, scale, (1, round(seconds * fs)))


def check(signal, fs=2000):
    check_amplitude(signal, fs, tuple(f"EMG{row + 1}" for row in range(len(signal))), "'uV'", "a.edf")


@given(scale=st.floats(1e-7, 1e-2), offset=st.floats(-1, 1), drift=st.floats(-0.01, 0.01), seed=st.integers(0, 99))
def test_robust_amplitude_is_the_sd_of_noise_whatever_the_offset_and_drift(scale, offset, drift, seed):
    signal = emg(scale, seed=seed) + offset + drift * np.linspace(0, 1, 20000)
    # a 5 ms difference of a drift over 10 s is 5e-4 of it, seen with the factor 1.4826 / sqrt(2)
    assert robust_amplitude(signal, 2000)[0] == pytest.approx(scale, rel=0.05, abs=5.3e-4 * abs(drift) + 1e-15)


@pytest.mark.parametrize("rate", [1, 20, 50])
def test_artifacts_hardly_move_the_robust_amplitude(rate):
    signal = emg(50e-6)
    since = np.arange(signal.shape[1]) / 2000 % (1 / rate)
    loud = signal + np.where(since < 0.001, 0.05, 0.0)
    assert robust_amplitude(loud, 2000)[0] < 1.4 * robust_amplitude(signal, 2000)[0]
    check(loud)


def test_amplitude_scales_with_gain_and_not_with_missing_samples():
    signal = emg(50e-6)
    assert robust_amplitude(1000 * signal, 2000) == pytest.approx(1000 * robust_amplitude(signal, 2000))
    signal[0, 5000:9000] = np.nan
    assert robust_amplitude(signal, 2000)[0] == pytest.approx(50e-6, rel=0.05)
    assert np.isnan(robust_amplitude(np.full((1, 100), np.nan), 2000)[0])


@pytest.mark.parametrize(("scale", "words"), [(0.04e-6, "below 0.05 µV"), (25e-3, "above 20 mV"), (1.0, "above 20 mV")])
def test_amplitudes_that_no_emg_has_are_refused_with_advice(scale, words):  # I-06
    with pytest.raises(ek.UnitError, match=rf"a\.edf: EMG2 has an amplitude .*{words}.*unit=.*emg="):
        check(np.concatenate([emg(50e-6), emg(scale)]))


@pytest.mark.parametrize("scale", [0.06e-6, 1e-6, 1e-4, 1.9e-3])
def test_amplitudes_of_emg_pass_in_silence(scale):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        check(emg(scale))


def test_a_large_amplitude_is_warned_of():
    with pytest.warns(ek.EmgkitWarning, match="EMG1 has an amplitude of 5"):
        check(emg(5e-3))


def test_silence_between_bursts_is_no_wrong_unit():
    gated = emg(100e-6)
    gated[0, 4000:] = 0.0
    check(gated)


def test_one_constant_channel_is_warned_of_and_only_constant_ones_are_refused():
    flat = np.full((1, 20000), 1.5)
    with pytest.warns(ek.EmgkitWarning, match="channel EMG2 is constant"):
        check(np.concatenate([emg(50e-6), flat]))
    with pytest.raises(ek.UnitError, match="nothing was measured, channels EMG1, EMG2 are constant"):
        check(np.concatenate([flat, flat]))
