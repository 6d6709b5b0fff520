"""Doublets and their kin, which are fitted as groups, against known parts."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.spline_pulse_times import repetition_rate
from emgkit.artifact.spline_units import find_units, merged

FS, COUNT, BEFORE = 2000.0, 14_000, 0.0015
SEEDS = range(6)


def groups(rate, lags, jitter=0.0, rng=None, begin=0.5, end=6.5):
    """Onsets of groups, s, (groups, pulses)."""
    onsets = np.add.outer(np.arange(begin, end, 1.0002 / rate), np.concatenate([[0.0], lags]))
    return onsets + (jitter * rng.standard_normal(onsets.shape) if jitter else 0.0)


def emg(rng):
    frequency = np.fft.rfftfreq(COUNT, 1 / FS)
    shape = frequency * 120.0**2 / np.sqrt((frequency**2 + 40.0**2) * (frequency**2 + 120.0**2) ** 2)
    noise = np.fft.irfft(np.fft.rfft(rng.standard_normal((1, COUNT))) * shape, COUNT)
    return 100e-6 * noise / noise.std()


def placed(onsets, wave, reach=0.04):
    out = np.zeros((1, COUNT))
    for onset in np.ravel(onsets):
        first = int((onset - 0.004) * FS)
        since = np.arange(first, first + int((reach + 0.004) * FS)) / FS - onset
        out[0, first : first + since.size] += wave(since)
    return out


def recorded(onsets, rng, response=2e-3):
    """Artifact, response and EMG of doublets whose later responses are smaller, V, each (1, samples)."""
    delay, width = rng.uniform(0.006, 0.009), rng.uniform(0.0012, 0.002)
    size = rng.uniform(3e-3, 6e-3) * rng.choice([-1.0, 1.0])
    artifact = placed(onsets, lambda t: -size * (t - 0.0006) / 0.0003 * np.exp(-0.5 * ((t - 0.0006) / 0.0003) ** 2))
    evoked = np.zeros((1, COUNT))
    for place, column in enumerate(np.transpose(onsets)):
        own = response * (1 - 0.15 * place)
        evoked += placed(
            column, lambda t, own=own: own * (t - delay) / width * np.exp(-0.5 * ((t - delay) / width) ** 2)
        )
    return artifact, evoked, emg(rng)


def separated(onsets, parts, given=None):
    signal = ek.Recording(sum(parts), FS, ["TA"])
    return ek.separate(signal, ek.Pulses(np.sort(np.ravel(onsets if given is None else given))))


def snr(separation, voluntary):
    inside = slice(2000, 12_000)
    error = (separation.voluntary.signal - voluntary)[:, inside]
    return float(10 * np.log10((voluntary[:, inside] ** 2).mean() / (error**2).mean()))


def told(values):
    return f"worst {np.min(values):.1f}, median {np.median(values):.1f} dB of {len(values)}"


def found_at(rate, lags, jitter=0.0):
    """SNR of the EMG under groups at a rate, Hz, or at one of two by turns, dB, (seeds,)."""
    values = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        onsets = groups(rate[seed % len(rate)], lags, jitter=jitter, rng=rng)
        parts = recorded(onsets, rng)
        values.append(snr(separated(onsets, parts), parts[2]))
    return np.array(values)


@pytest.mark.parametrize("lag", [0.005, *(pytest.param(lag, marks=pytest.mark.slow) for lag in (0.008, 0.010)), 0.015])
def test_the_emg_under_continuous_doublets_is_found(lag):
    values = found_at((20.0, 25.0), [lag])
    assert np.min(values) > 11.0, told(values)  # -25 dB when their responses were fitted apart


@pytest.mark.parametrize(("rate", "lags"), [(20.0, [0.008, 0.016]), (8.0, [0.005, 0.010, 0.015, 0.020])])
def test_the_emg_under_groups_of_more_pulses_is_found(rate, lags):
    values = found_at((rate,), lags)
    assert np.min(values) > 10.0, told(values)


def test_lags_may_vary_between_samples():
    values = found_at((20.0,), [0.008], jitter=100e-6)
    assert np.min(values) > 10.0, told(values)


def test_later_times_that_are_wrong_are_found():
    """Both pulses jitter by 15 µs, of which the times given know nothing: 10 dB would be left without."""
    values = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        planned = groups(20.0, [0.008])
        parts = recorded(planned + 15e-6 * rng.standard_normal(planned.shape), rng)
        values.append(snr(separated(planned, parts), parts[2]))
    assert np.min(values) > 8.0, told(values)


@pytest.mark.parametrize(("number", "given"), [(18, False), (6, True)])
def test_second_pulses_may_be_missing_and_those_that_left_nothing_are_left_out(number, given):
    values = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        onsets = groups(20.0, [0.008])
        came = np.ones(onsets.shape, dtype=bool)
        came[rng.choice(len(onsets), number, replace=False), 1] = False
        first, later = (
            recorded(some[:, np.newaxis], np.random.default_rng(seed)) for some in (onsets[:, 0], onsets[came[:, 1], 1])
        )
        parts = (first[0] + later[0], first[1] + 0.85 * later[1], first[2])
        separation = separated(onsets, parts, onsets if given else onsets[came])
        values.append(snr(separation, parts[2]))
        said = [message for message in separation.messages if "left out" in message]
        assert said == [f"{number} given later pulses of groups left no artifact and were left out."] * given, seed
    assert np.min(values) > 9.0, told(values)


def test_what_a_group_evokes_is_shown_as_a_whole_and_said_to_overlap():
    errors = []
    for seed in SEEDS:
        rng = np.random.default_rng(seed)
        onsets = groups(25.0, [0.008])
        parts = recorded(onsets, rng)
        separation = separated(onsets, parts)
        inside = slice(2000, 12_000)
        left = (separation.evoked.signal - parts[1])[:, inside]
        errors.append(np.sqrt((left**2).mean() / (parts[1][:, inside] ** 2).mean()))
        assert any("overlap" in message and "groups of 2" in message for message in separation.messages)
        assert all(one.grade != "good" for one in separation.grades["m_wave_size"]), separation.grades
        error = separation.parts.standard_errors["evoked"]
        held = np.abs(left) <= 1.96 * (error() if callable(error) else error)[:, inside]
        assert held.mean() > 0.9, held.mean()
        whole = sum(getattr(separation, name).signal for name in ("artifact", "evoked", "voluntary", "interference"))
        np.testing.assert_allclose(whole, sum(parts), atol=1e-9)
    assert np.max(errors) < 0.25, np.round(errors, 2)


def test_doublets_that_evoke_nothing_have_artifacts_only():
    values = []
    for seed in SEEDS[:3]:
        onsets = groups(25.0, [0.008])
        parts = recorded(onsets, np.random.default_rng(seed), response=0.0)
        separation = separated(onsets, parts)
        assert not separation.evoked.signal.any(), separation.messages
        values.append(snr(separation, parts[2]))
    assert np.min(values) > 13.0, told(values)


def test_pulses_that_mostly_come_in_groups_of_one_kind_are_groups():
    onsets = groups(20.0, [0.005, 0.011])
    came = np.ones(onsets.shape, dtype=bool)
    came[[7, 30, 31], [2, 1, 2]] = False
    units = find_units(ek.Pulses(onsets[came]), BEFORE)
    np.testing.assert_array_equal(units.leaders.onsets, onsets[:, 0])
    np.testing.assert_allclose(units.later.lags, [0.005, 0.011], atol=1e-6)
    np.testing.assert_array_equal(units.later.missing, ~came[:, 1:])
    np.testing.assert_array_equal(merged(units.leaders, units.later).onsets, onsets[came])


def test_regular_uneven_and_slow_pulses_are_no_groups():
    rng, train = np.random.default_rng(0), np.arange(0.5, 8.5, 1 / 25)
    doublets = groups(25.0, [0.008])
    cases = {
        "regular": train,
        "jitter": train + 1e-4 * rng.standard_normal(train.size),
        "one doublet before each train": np.sort(np.concatenate([train, train[::40] + 0.005])),
        "every third": np.sort(np.concatenate([train, train[::3] + 0.005])),
        "variable frequency": 0.5 + np.cumsum(np.tile([0.005, 0.04, 0.04, 0.052, 0.032, 0.04], 30)),
        "many lags": np.sort(np.concatenate([train, train + rng.uniform(0.004, 0.016, train.size)])),
        "apart": groups(5.0, [0.008]).ravel(),
        "few": doublets[:6].ravel(),
    }
    for name, onsets in cases.items():
        assert find_units(ek.Pulses(onsets), BEFORE) is None, name
    two = ek.Pulses(doublets.ravel(), stimulator=np.tile([0, 1], len(doublets)))
    assert find_units(two, BEFORE) is None


def test_time_since_the_first_pulse_is_set_right_at_every_later_one():
    onsets = groups(20.0, [0.006, 0.014], jitter=80e-6, rng=np.random.default_rng(2))
    later = find_units(ek.Pulses(onsets.ravel()), BEFORE).later
    group, since = np.repeat(np.arange(len(onsets)), 3), np.tile([0.003, 0.009, 0.020], len(onsets))
    times = onsets[group, 0] + since
    own = np.tile(np.arange(3), len(onsets))  # each time lies after another pulse of its group
    lags = np.concatenate([[0.0], later.lags])
    np.testing.assert_allclose(later.phases(times, since, group), times - onsets[group, own] + lags[own], atol=1e-12)


@pytest.mark.parametrize("rate", [8.0, pytest.param(6.0, marks=pytest.mark.slow)])
def test_groups_far_apart_are_not_taken_for_mains(rate):
    """Their harmonics lie at multiples of the groups' rate, 120 Hz among them, not of the pulses' in a group."""
    values = found_at((rate,), [0.010, 0.020])
    assert np.min(values) > 8.0, told(values)


def test_a_pattern_repeats_at_the_rate_of_its_groups():
    for rate, number in ((8.0, 3), (4.0, 2), (5.0, 5)):
        onsets = np.ravel(groups(rate, 0.010 * np.arange(1, number)))
        assert repetition_rate(ek.Pulses(onsets)) == pytest.approx(rate, rel=0.001)
        assert repetition_rate(ek.Pulses(np.delete(onsets, 20))) == pytest.approx(rate, rel=0.001)


def test_trains_and_irregular_pulses_repeat_at_their_own_rate():
    rng = np.random.default_rng(0)
    regular = np.arange(0.5, 20.0, 1 / 30) + 1e-4 * rng.standard_normal(585)
    parted = np.concatenate([regular[:150], regular[150:] + 2.0])
    for onsets in (
        regular,
        parted,
        np.delete(regular, rng.integers(0, 585, 15)),
        np.cumsum(rng.uniform(0.02, 0.1, 80)),
    ):
        assert repetition_rate(ek.Pulses(onsets)) == pytest.approx(ek.Pulses(onsets).rate)
    two = ek.Pulses([0.1, 0.2, 0.3, 0.35], stimulator=[0, 0, 0, 1])
    assert repetition_rate(two) == two.rate
