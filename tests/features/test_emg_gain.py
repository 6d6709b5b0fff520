"""What a separation takes of voluntary EMG, or adds to it, is divided out of its amplitude."""

import numpy as np
import pytest

import emgkit as ek

FS, RATE = 2000.0, 29.98


def recording(seed, duration=20.0, start=0.0):
    """White noise of 30 µV between 20 and 450 Hz in two channels."""
    rng = np.random.default_rng(seed)
    count = round(duration * FS)
    spectrum = np.fft.rfft(rng.normal(size=(2, count)))
    frequency = np.fft.rfftfreq(count, 1 / FS)
    signal = np.fft.irfft(spectrum * ((frequency > 20) & (frequency < 450)), count)
    return ek.Recording(30e-6 * signal / signal.std(axis=1, keepdims=True), FS, start=start)


def sham(start=0.0):
    return ek.Pulses(start + 5.0 + np.arange(300) / RATE)  # nothing was given: all that changes is EMG


def amplitudes(part, during):
    table = ek.measure(ek.cut_windows(part, during=during), [ek.RMS(), ek.ARV()])
    return np.stack([table.values[name] for name in ("rms", "arv")])


@pytest.mark.parametrize(
    "method", [ek.MovingTemplate(neighbours=5), ek.Comb(periods=3), ek.TemplatePCA(rank=ek.FixedRank(8))], ids=repr
)
def test_amplitudes_of_emg_alone_are_what_they_were(method):
    """The gains are 1.10, 1.15 and 0.8: undivided, no window would be within 5 %."""
    off = []
    for seed in range(6):
        raw = recording(seed, start=3.0)
        part = ek.separate(raw, sham(3.0), method).voluntary
        inside = [(9.0, 17.0)]
        off.append(amplitudes(part, inside) / amplitudes(raw, inside) - 1)
        stated = np.atleast_1d(part.emg_gains[0].gain)
        assert (np.abs(stated - 1) > 0.06).all()
    means = np.mean(off, axis=(2,))
    assert np.abs(np.median(off)) < 0.01
    assert np.abs(means).max() < 0.03


def test_where_no_pulse_reaches_nothing_is_divided():
    raw = recording(1)
    part = ek.separate(raw, sham(), ek.MovingTemplate(neighbours=5)).voluntary
    np.testing.assert_array_equal(amplitudes(part, [(0.0, 4.9)]), amplitudes(raw, [(0.0, 4.9)]))


def test_a_window_that_is_reached_in_part_has_that_part_of_the_power():
    """Of one second a quarter of a second, with a gain of 2: √(0.75 + 0.25·4)."""
    gain = ek.EmgGain([0.5], (0.0, 0.25 - 1e-9), [2.0])
    times, valid = np.arange(1000)[np.newaxis] / 1000, np.ones((1, 1, 1000), dtype=bool)
    assert gain.over(times, valid) == pytest.approx(np.sqrt(0.75 + 0.25 * 4))
    valid[..., 500:625] = False
    assert gain.over(times, valid) == pytest.approx(np.sqrt((750 + 125 * 4) / 875))
    assert gain.over(times, np.zeros_like(valid)) == pytest.approx(1.0)


def test_channels_keep_their_gains_and_separations_multiply():
    emg = recording(2, duration=2.0)
    one, other = ek.EmgGain([0.1], (0.0, 1.9), [0.5, 0.8]), ek.EmgGain([0.1], (0.0, 1.9), [0.5, 0.5])
    both = ek.Recording(emg.signal, FS, emg_gains=(one, other))
    segments = ek.cut_windows(both.pick(["EMG2"]).crop(0.2, 1.8), length=0.5)
    assert segments.emg_gain == pytest.approx(np.full((3, 1), 0.4))
    np.testing.assert_array_equal(segments.select([0, 2]).emg_gain, segments.emg_gain[:2])
    plain = ek.measure(ek.cut_windows(emg.pick("EMG2").crop(0.2, 1.8), length=0.5), ["rms"])
    divided = ek.measure(segments, ["rms"])
    np.testing.assert_allclose(divided.values["rms"], plain.values["rms"] / 0.4)
    np.testing.assert_allclose(divided.standard_errors["rms"], plain.standard_errors["rms"] / 0.4)


def test_nonsense_is_refused():
    with pytest.raises(ek.ParameterError, match="above 0"):
        ek.EmgGain([0.1], (0.0, 0.1), [0.0])
    with pytest.raises(ek.TimingError, match="increase"):
        ek.EmgGain([0.2, 0.1], (0.0, 0.1), [1.0])
    with pytest.raises(ek.ShapeError, match="shapes"):
        ek.EmgGain([0.2], (0.0, 0.1), [[1.0]])
    with pytest.raises(ek.ParameterError, match="reach"):
        ek.EmgGain([0.2], (0.1, 0.0), [1.0])
    segments = ek.cut_windows(recording(3, duration=2.0))
    with pytest.raises(ek.ShapeError, match="emg_gain"):
        ek.Segments(
            segments.signal, fs=FS, starts=segments.starts, first=segments.first, kind="voluntary", emg_gain=[[1.0]]
        )
