"""Voluntary spikes: rates, intervals, profiles of drive and force, what units share, and what stimulation takes."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.simulate import Effort, PoolParameters, tiny
from emgkit.simulate.pool import MINIMUM_RATE, make_pool
from emgkit.simulate.spikes import Spikes, annihilate, common_drive, entrained, fire, synchronised
from emgkit.simulate.twitch import drive_for, maximal_force, steady_force

POOL = make_pool(PoolParameters(units=60), rng=np.random.default_rng(1))


def fired(level, seconds, seed):
    return fire(POOL, np.full(1000 * seconds, level), rng=np.random.default_rng(seed))


def test_units_are_recruited_by_size_and_none_fires_below_its_threshold():
    for level in (0.05, 0.3, 0.7):
        counts = np.bincount(fired(level, 20, 1).unit, minlength=60)
        active = np.flatnonzero(counts)
        assert (np.diff(active) == 1).all()
        assert active[0] == 0
        limit = level * POOL.full_drive
        np.testing.assert_array_equal(active, np.flatnonzero(POOL.drive_threshold <= limit))
    assert fired(0.0, 1, 1).times.size == 0


def test_firing_follows_the_rates():
    for level in (0.2, 0.6, 1.0):
        counts = np.bincount(fired(level, 100, 2).unit, minlength=60) / 100
        assert counts == pytest.approx(POOL.rates(np.array([level]))[:, 0], abs=0.3, rel=0.03)


def test_intervals_vary_by_a_fifth_and_are_independent():
    spikes = fired(0.6, 100, 3)
    spreads, memory = [], []
    for unit in range(0, 30, 3):
        gaps = np.diff(spikes.times[spikes.unit == unit])
        spreads.append(gaps.std() / gaps.mean())
        memory.append(np.corrcoef(gaps[1:], gaps[:-1])[0, 1])
    assert spreads == pytest.approx(np.full(10, 0.2), abs=0.02)
    assert np.abs(memory).max() < 0.1


def test_a_unit_starts_at_its_lowest_rate():
    rates = POOL.rates(np.linspace(0, 1, 2000))
    assert rates[rates > 0].min() >= MINIMUM_RATE
    assert (np.diff(rates, axis=1) >= 0).all()


def test_any_profile_is_followed_steps_ramps_and_bursts():
    profile = ((0.0, 0.0), (2.0, 0.0), (2.01, 0.4), (5.0, 0.4), (5.01, 0.0), (6.0, 0.0), (9.0, 0.6), (9.01, 0.0))
    effort = Effort(profile=profile)
    drive = effort.drive((0.0, 10.0), 10.0)
    np.testing.assert_allclose(drive[[1000, 3500, 5500, 7500, 9500]], [0.0, 0.4, 0.0, 0.3, 0.0], atol=2e-3)
    (first, last) = effort.spans((0.0, 10.0), 10.0)
    assert first == pytest.approx((2.0, 5.0), abs=0.02)
    assert last == pytest.approx((6.05, 9.0), abs=0.02)
    bursts = Effort(contractions=((1.0, 2.0), (3.0, 4.0)), efforts=(1.0, 0.5), effort=0.8).drive((0.0, 5.0), 5.0)
    np.testing.assert_allclose(bursts[[1500, 2600, 3500]], [0.8, 0.0, 0.4])


def test_a_profile_of_force_gives_the_drive_that_holds_it():
    shares = np.array([0.05, 0.2, 0.5, 0.8, 1.0])
    drives = drive_for(POOL, shares)
    held = [steady_force(POOL, POOL.rates(np.array([drive]))[:, 0]).sum() / maximal_force(POOL) for drive in drives]
    assert held == pytest.approx(shares, abs=0.01)
    assert (np.diff(drives) > 0).all()


def test_force_in_a_recording_follows_the_profile_of_force():
    steps = ((0.0, 0.0), (0.5, 0.0), (0.6, 0.2), (5.5, 0.2), (5.6, 0.6), (11.0, 0.6))
    forces = []
    for seed in range(5):
        made = tiny(
            rng=np.random.default_rng(seed),
            duration=11.0,
            profile=steps,
            quantity="force",
            trains=((10.8, 11.0),),
            weakening=0.0,
            units=60,
        )
        trace = made.recording.aux["force"].values / 300.0
        forces.append([trace[300:550].mean(), trace[800:1050].mean()])
    assert np.mean(forces, axis=0) == pytest.approx([0.2, 0.6], rel=0.05), forces


def test_common_drive_is_slow_and_has_its_size():
    drive = common_drive(np.full(200_000, 0.5), 0.05, rng=np.random.default_rng(4))
    assert drive.std() / drive.mean() == pytest.approx(0.05, rel=0.01)
    power = np.abs(np.fft.rfft(drive - drive.mean())) ** 2
    frequencies = np.fft.rfftfreq(drive.size, 1e-3)
    assert power[frequencies < 2].sum() > 0.94 * power.sum()  # 0.963 of a second-order low-pass at 1 Hz


def coincidences(spikes, first, second):
    a, b = (spikes.times[spikes.unit == unit] for unit in (first, second))
    return (np.abs(a[:, np.newaxis] - b) < 5e-3).sum() / a.size


def test_synchrony_makes_units_fire_together_and_keeps_their_rates():
    plain = fired(0.6, 100, 5)
    with_it = synchronised(plain, 0.6, rng=np.random.default_rng(6))
    np.testing.assert_array_equal(np.bincount(with_it.unit), np.bincount(plain.unit))
    assert np.abs(np.sort(with_it.times) - np.sort(plain.times)).max() < 0.03
    gain = [coincidences(with_it, a, a + 7) / coincidences(plain, a, a + 7) for a in range(5)]
    assert min(gain) > 1.2, gain
    assert synchronised(plain, 0.0, rng=np.random.default_rng(6)) is plain


def test_synchrony_makes_emg_larger():
    """Yao, Fuglevand and Enoka (2000, J Neurophysiol 83:441): synchronisation increases EMG amplitude."""
    ratios = []
    for seed in range(5):
        quiet = {"duration": 6.0, "trains": ((5.8, 6.0),), "profile": ((0.0, 0.6), (6.0, 0.6)), "units": 60}
        one, two = (
            tiny(rng=np.random.default_rng(seed), synchrony=share, **quiet).truth.voluntary[:, 1000:11000].std()
            for share in (0.0, 0.8)
        )
        ratios.append(two / one)
    assert min(ratios) > 1.05, ratios


def test_an_entrained_drive_locks_spikes_to_the_pulses():
    onsets = np.arange(0.0, 60.0, 1 / 30)
    locked = []
    for swing in (0.0, 0.5):
        drive = entrained(np.full(60_000, 0.5), swing, onsets)
        assert drive.mean() == pytest.approx(0.5, rel=0.02)
        spikes = fire(POOL, drive, rng=np.random.default_rng(7))
        locked.append(np.abs(np.exp(2j * np.pi * 30 * spikes.times).mean()))
    assert locked[0] < 0.03
    assert locked[1] > 0.15
    assert entrained(np.full(1000, 0.5), 0.5, np.array([0.0, 0.9]))[200] == 0.5  # single pulses entrain nothing


def test_an_antidromic_volley_takes_what_it_meets():
    times = np.array([0.90, 0.999, 1.001, 1.02, 1.0339, 1.0341, 1.2])
    kept, mask = annihilate(Spikes(times, np.zeros(7, np.int64)), [np.array([1.0])], 0.017)
    np.testing.assert_array_equal(mask, [True, True, False, False, False, True, True])
    np.testing.assert_array_equal(kept.times, times[mask])


def test_stimulation_lowers_voluntary_emg_at_equal_effort():
    """The voluntary part is what reaches the skin: units that are stimulated lose spikes, those out of reach do not."""
    for seed in range(4):
        steady = {"profile": ((0.0, 0.5), (6.0, 0.5)), "duration": 6.0, "units": 60, "trains": ((3.0, 6.0),)}
        spiking = tiny(rng=np.random.default_rng(seed), **steady).truth.spiking
        reached = spiking.recruited[0].mean(axis=0) > 0.5
        for unit in np.flatnonzero(np.bincount(spiking.intended_unit, minlength=60) > 20):
            own = spiking.times[spiking.unit == unit]
            assert ((own > 3.1) & (own < 5.9)).any() != reached[unit]
            assert (own < 2.9).any()
    free = tiny(rng=np.random.default_rng(1), conduction=0.004, **steady).truth.spiking
    passing = np.isin(free.unit, np.flatnonzero(reached)) & (free.times > 3.1)
    assert passing.any()  # a short way to the cord leaves room between the volleys


TURNS = {
    "duration": 12.0,
    "channel_names": ("TA", "GM"),
    "efforts_of": (Effort(contractions=((2.0, 3.0), (4.0, 5.0))), Effort(contractions=((4.5, 5.5), (9.0, 10.0)))),
    "units": 3,
    "fibres_per_unit": 1,
}


def test_movement_in_a_channel_follows_the_muscle_below_it():
    for seed in range(5):
        around = {"movement": 100e-6, "mains_amplitude": 0.0}
        made = tiny(rng=np.random.default_rng(seed), **TURNS, **around)
        moved = made.truth.interference
        early, late = (
            moved[:, int(low * 2000) : int(high * 2000)].std(axis=1) for low, high in ((1.5, 3.5), (8.5, 10.5))
        )
        assert early[0] > 5 * late[0], (seed, early, late)
        assert late[1] > 5 * early[1], (seed, early, late)


def test_marks_stand_for_the_efforts_of_all_muscles():
    def spans(label, **changes):
        made = tiny(rng=np.random.default_rng(1), stimulation=(1.0, 11.8), **{**TURNS, **changes})
        return [(mark.start, mark.stop) for mark in made.recording.marks if mark.label == label]

    assert spans("voluntary") == [(2.0, 3.0), (4.0, 5.5), (9.0, 10.0)]
    assert spans("rest") == [(6.0, 8.5), (10.5, 11.8)]
    # what a label names already is not voluntary once more, and no rest
    labels = (ek.Mark("stance", 9.0, 10.0),)
    assert spans("voluntary", labels=labels) == [(2.0, 3.0), (4.0, 5.5)]
    assert spans("rest", labels=labels) == [(6.0, 8.5), (10.5, 11.8)]
