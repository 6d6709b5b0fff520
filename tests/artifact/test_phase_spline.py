"""PhaseSpline against closed forms, laws, and the truth of simulated muscles."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.interference import find_mains
from emgkit.artifact.line_courses import fit_lines, render_lines
from emgkit.artifact.spline_basis import phase_knots

FS = 2000.0


def band(signal, seed, scale=5e-5):
    return scale * np.random.default_rng(seed).normal(size=signal)


def respond(onsets, count, response):
    time, out = np.arange(count) / FS, np.zeros(count)
    for onset in onsets:
        low = int(np.ceil(onset * FS))
        part = slice(low, min(low + 60, count))
        out[part] += response(time[part] - onset)
    return out


def wave(phase):
    """A smooth response from 3 to 23 ms, zero with its slope at both ends."""
    place = np.clip((phase - 0.003) / 0.020, 0, 1)
    return 2e-3 * np.sin(2 * np.pi * place) * np.sin(np.pi * place) ** 2


ONSETS = 1.0 + np.arange(500) / 29.9871


@pytest.fixture(scope="module")
def sessions():
    certain = {"fluctuation": 0.0, "latency_jitter": 0.0}  # what neighbours cannot tell is not asked for
    made = [
        ek.simulate.nmes_fatigue(rng=np.random.default_rng(seed), duration=30.0, bursts=3, **certain)
        for seed in range(4)
    ]
    return [(one, ek.separate(one.recording, one.pulses)) for one in made]


def test_a_smooth_response_without_noise_is_recovered():
    count = 20 * 2000
    clean = respond(ONSETS, count, wave)
    noise = 1e-7 * np.random.default_rng(0).normal(size=count)
    parts = ek.separate(ek.Recording(clean + noise, FS), ek.Pulses(ONSETS), ek.PhaseSpline(artifact_end=0.002))
    inside = slice(4000, 34000)
    error = parts.evoked.signal[0, inside] - clean[inside]
    assert np.sqrt(np.mean(error**2)) < 1e-3 * clean[inside].std()


def test_scaling_the_signal_scales_the_parts():
    made = ek.simulate.tiny(rng=np.random.default_rng(2))
    once = ek.separate(made.recording.with_signal(0.1 * made.recording.signal), made.pulses)
    tenfold = ek.separate(made.recording, made.pulses)
    for name in once.names:
        assert tenfold.part(name).signal == pytest.approx(10 * once.part(name).signal, abs=1e-9)


def test_channels_do_not_influence_each_other():
    made = ek.simulate.nmes_fatigue(rng=np.random.default_rng(3), duration=6.0, bursts=1)
    method = ek.PhaseSpline(mains=False, artifact_end=0.002, shifts=False)
    both = ek.separate(made.recording, made.pulses, method)
    alone = ek.separate(made.recording.pick("VM"), made.pulses, method)
    assert alone.evoked.signal[0] == pytest.approx(both.evoked.signal[1], abs=1e-12)


def test_stretches_without_pulses_lose_nothing_but_interference():
    made = ek.simulate.nmes_fatigue(rng=np.random.default_rng(4), duration=12.0, bursts=1, stimulation=(5.0, 11.0))
    parts = ek.separate(made.recording, made.pulses)
    quiet = made.recording.times < 4.9
    kept = parts.voluntary.signal + parts.interference.signal
    assert kept[:, quiet] == pytest.approx(made.recording.signal[:, quiet], abs=1e-15)


def test_a_nan_stretch_does_not_spread():
    made = ek.simulate.nmes_fatigue(rng=np.random.default_rng(5), duration=8.0, bursts=1)
    holed = made.recording.signal.copy()
    holed[0, 8000:8400] = np.nan
    parts = ek.separate(made.recording.with_signal(holed), made.pulses)
    whole = ek.separate(made.recording, made.pulses)
    known = np.isfinite(holed[0])
    assert np.isfinite(parts.evoked.signal[0][known]).all()
    assert not parts.clean.valid[0, 8000:8400].any()
    difference = (parts.evoked.signal - whole.evoked.signal)[0, known]
    assert np.sqrt(np.mean(difference**2)) < 0.01 * whole.evoked.signal[0].std()


@pytest.mark.parametrize("seed", range(3))
def test_without_stimulation_nothing_is_taken_away(seed):
    signal = band(40000, seed)
    parts = ek.separate(ek.Recording(signal, FS), ek.Pulses(ONSETS))
    assert not parts.evoked.signal.any()
    assert not parts.artifact.signal.any()
    assert any("Nothing is locked" in message for message in parts.messages)


def test_simulated_muscles_are_taken_apart(sessions):
    evoked, voluntary, size = [], [], []
    for made, parts in sessions:
        span = slice(round(3 * FS), round(27 * FS))
        truth = made.truth
        error = parts.evoked.signal - truth.evoked
        late = np.ones(truth.evoked.shape[1], bool)
        for onset in truth.onsets:
            late[int((onset - 0.002) * FS) : int((onset + 0.003) * FS)] = False
        late[: span.start] = late[span.stop :] = False
        error = error - error[:, late].mean(axis=1, keepdims=True)
        evoked.append(np.sqrt((error[:, late] ** 2).mean(axis=1)) / truth.evoked[:, late].std(axis=1))
        target = truth.voluntary + truth.noise
        left = parts.voluntary.signal - target
        left = left - left[:, late].mean(axis=1, keepdims=True)
        voluntary.append(10 * np.log10(target[:, late].var(axis=1) / left[:, late].var(axis=1)))
        size.append(parts.evoked_lost_until)
    assert np.max(evoked) < 0.025, f"worst {np.max(evoked):.3f}, median {np.median(evoked):.3f}"
    assert np.min(voluntary) > 10, f"worst {np.min(voluntary):.1f} dB, median {np.median(voluntary):.1f} dB"
    assert max(size) <= 0.002


def test_mains_beside_the_harmonics_goes_into_interference(sessions):
    alike = []
    for made, parts in sessions:
        assert parts.quality["mains_frequency"] == pytest.approx(50.02, abs=0.05)
        truth, found = made.truth.interference, parts.interference.signal
        alike += [np.corrcoef(truth[channel], found[channel])[0, 1] for channel in range(2)]
    # 10 µV beside bursts of 100 µV; the line at 150 Hz lies on a harmonic of the stimulation
    assert min(alike) > 0.65, alike
    assert np.median(alike) > 0.8, alike


def test_the_standard_error_of_the_response_is_of_the_size_of_its_error(sessions):
    ratios = []
    for made, parts in sessions:
        error = (parts.evoked.signal - made.truth.evoked)[:, round(5 * FS) : round(25 * FS)]
        stated = parts.standard_error("evoked")[:, round(5 * FS) : round(25 * FS)]
        ratios.append(np.sqrt((error - error.mean(axis=1, keepdims=True)) ** 2).mean() / stated[stated > 0].mean())
    assert 0.4 < np.median(ratios) < 2.5, ratios


def test_the_leakage_of_voluntary_emg_is_that_of_the_effective_pulses():
    shares = []
    for seed in range(6):
        background = band(40000, seed)
        response = respond(ONSETS, 40000, wave)
        parts = ek.separate(ek.Recording(response + background, FS), ek.Pulses(ONSETS), ek.PhaseSpline(mains=False))
        inside = slice(6000, 30000)
        shares.append(parts.voluntary.signal[0, inside].var() / background[inside].var())
    # a bell of 120 pulses: every pulse has the weight 1/60 in its own template, whose variance is 1/80
    law = 1 - 2 / 60 + 1 / 80
    assert law - 0.004 <= min(shares)
    assert max(shares) <= 1.0


def test_mains_is_found_with_its_frequency_and_lines():
    time, more = np.arange(40000) / FS, []
    for seed, frequency in enumerate((49.97, 50.03, 59.98, 60.02) * 3):
        line = 2e-5 * np.cos(2 * np.pi * frequency * time) + 1e-5 * np.cos(2 * np.pi * 3 * frequency * time + 1)
        signal = (line + band(40000, seed))[np.newaxis]
        known = np.ones_like(signal, bool)
        mains = find_mains(signal, known, FS)
        assert mains.frequency == pytest.approx(frequency, abs=0.01)
        assert {1, 3} <= set(mains.orders)
        more += set(mains.orders) - {1, 3}
        rendered = render_lines(fit_lines(signal, known, FS, mains, mains.orders), FS, 40000, mains, mains.orders)
        assert np.sqrt(np.mean((rendered[0] - line) ** 2)) < 0.2 * line.std()
        assert find_mains(band((1, 40000), seed), known, FS).orders == ()
    assert len(more) <= 6, more  # an order of noise that may be a line is followed, and shrunk: 2 % of some 120


@pytest.mark.parametrize("duration", [4.0, 15.0])
def test_the_frequency_of_mains_is_found_nearly_as_well_as_it_can_be(duration):
    count = int(duration * FS)
    time, known = np.arange(count) / FS, np.ones((1, count), bool)
    amplitude, scale, off = 3e-5, 5e-5, []
    for seed in range(20):
        frequency = 50.0 + np.random.default_rng((seed, 1)).uniform(-0.1, 0.1)
        mains = find_mains(
            (amplitude * np.sin(2 * np.pi * frequency * time) + band(count, seed, scale))[None], known, FS
        )
        off.append(abs(mains.frequency - frequency))
    # Cramér-Rao bound of the frequency of a sinusoid in white noise, rad per sample: 24 σ² / (A² N³)
    bound = np.sqrt(24 * scale**2 / (amplitude**2 * count**3)) * FS / (2 * np.pi)
    # and the taper that keeps other lines away takes half of the samples, those at the ends, which tell the most
    assert np.sqrt(np.mean(np.square(off))) < 2.5 * bound, (np.median(off), max(off), bound)


@pytest.mark.parametrize(  # the third order is 0.12 to 0.36 Hz beside 150 Hz
    ("seed", "frequency"),
    [(0, 50.04), *(pytest.param(*one, marks=pytest.mark.slow) for one in [(1, 49.95), (2, 50.06), (3, 50.12)])],
)
def test_an_order_of_mains_close_to_a_harmonic_of_the_stimulation_is_no_response(seed, frequency):
    onsets = 0.5 + np.arange(560) / 30
    angle = 2 * np.pi * frequency * np.arange(40000) / FS
    response, background = respond(onsets, 40000, wave), band(40000, seed)
    line = 4e-5 * np.cos(angle) + 1e-5 * np.cos(3 * angle + 1)
    parts = ek.separate(ek.Recording(response + background + line, FS), ek.Pulses(onsets), ek.PhaseSpline())
    plain = ek.separate(ek.Recording(response + background, FS), ek.Pulses(onsets), ek.PhaseSpline(mains=False))
    assert parts.quality["mains_lines"] >= 2
    # the third order has 2 % of the power of the background, in which it was left; both lines have a third
    assert np.mean((parts.voluntary.signal - plain.voluntary.signal) ** 2) < 0.01 * np.mean(background**2)
    assert np.std(parts.evoked.signal - plain.evoked.signal) < 0.01 * np.std(response)


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 4))])
def test_a_response_that_changes_slowly_is_no_line_of_mains(seed):
    onsets, time = 0.5 + np.arange(560) / 30, np.arange(40000) / FS
    response = respond(onsets, 40000, wave) * (1 + 0.05 * np.sin(2 * np.pi * 0.15 * time + seed))
    line = 4e-5 * np.cos(2 * np.pi * 50.05 * time)
    parts = ek.separate(ek.Recording(response + band(40000, seed) + line, FS), ek.Pulses(onsets), ek.PhaseSpline())
    assert np.std(parts.interference.signal - line) < 0.1 * np.std(line)


def test_knots_are_close_where_the_artifact_is_sharp():
    knots = phase_knots(0.0015, 0.032, 2000.0)
    assert (np.diff(knots) >= 0).all()
    assert knots[0] == -0.0015
    assert knots[-1] == 0.032
    inner = np.diff(knots[3:-3])
    assert inner[knots[3:-4] < 0.0025].max() <= 0.000126


def test_offset_and_drift_of_a_dc_coupled_recording_do_not_reach_the_features():
    made = ek.simulate.nmes_fatigue(rng=np.random.default_rng(8), duration=12.0, bursts=1)
    drift = 0.076 + 0.01 * np.sin(2 * np.pi * 0.05 * made.recording.times)
    coupled = made.recording.with_signal(made.recording.signal + drift)
    tables = []
    for recording in (made.recording, coupled):
        parts = ek.separate(recording, made.pulses)
        tables.append(ek.measure(ek.cut_m_waves(parts.clean, made.pulses), ["vpp", "m_wave_mdf"]))
    assert any("slow baseline" in message for message in parts.messages)
    for name, tolerance in (("vpp", 0.01), ("m_wave_mdf", 0.02)):
        fine = np.isfinite(tables[0].values[name])
        kept = tables[1].values[name][fine]
        assert np.isfinite(kept).mean() > 0.85  # at the ends of the recording the drift is known less well
        assert np.nanmedian(kept) == pytest.approx(np.median(tables[0].values[name][fine]), rel=tolerance)


def test_mains_that_cannot_be_looked_for_is_spoken_of():
    made = ek.simulate.nmes_fatigue(
        rng=np.random.default_rng(4), duration=10.0, bursts=0, mains=60.0, stimulation=(0.0, 9.99)
    )
    messages = ek.separate(made.recording, made.pulses).messages
    assert any("Mains of 60 Hz, if there is any" in message for message in messages)


@pytest.mark.parametrize("wrong", [{"mains": 60.0}, {"mains": None}, {"shapes": 1}, {"shifts": "no"}])
def test_what_is_on_or_off_takes_no_other_value(wrong):
    """A frequency given as ``mains`` did nothing, in silence."""
    with pytest.raises(ek.ParameterError, match="True or False"):
        ek.PhaseSpline(**wrong)
