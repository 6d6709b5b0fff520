"""Pulses that coincide or nearly do: simulated as they act, or refused in one line that names parameter and range."""

import numpy as np
import pytest

import emgkit as ek
from emgkit.simulate import Contact, Electrode, PulseShape, Stimulator, tiny

CONTACT = Contact(Electrode(0.6), gain_drift=0.0, gain_noise=0.0)
STEADY = {
    "threshold_spread": 0.0, "threshold_fluctuation": 0.0, "latency_jitter": 0.0, "fluctuation": 0.0, "reach": 1.0,
    "bursts": 0,
}  # fmt: skip


def pulsed(*shares, late=0.0, width=2e-4, seed=1, sites=(0, 0), rate=5.0, **changes):
    """Stimulators of shares of 30 mA at the phase zero, the second ``late`` s after the first."""
    made = tuple(
        Stimulator(
            rate=rate, current=0.030 * share, phase=number * late * rate, site=sites[number], jitter=0.0,
            clock_error=0.0, contact=CONTACT, pulse=PulseShape("monophasic", width=width),
        )
        for number, share in enumerate(shares)
    )  # fmt: skip
    return tiny(rng=np.random.default_rng(seed), stimulators=made, **{**STEADY, **changes})


def units(made, pulses=1):
    """Units that the first pulses excited together."""
    return made.truth.spiking.recruited[0][:pulses].any(axis=0)


def test_currents_of_pulses_at_one_moment_add_at_one_site():
    for seed in range(4):
        whole, pair = pulsed(1.0, seed=seed), pulsed(0.5, 0.5, seed=seed)
        assert 3 < units(whole).sum() < 27
        np.testing.assert_array_equal(units(pair, 2), units(whole))
        assert not units(pulsed(0.5, seed=seed)).all()
        np.testing.assert_allclose(pair.truth.evoked, whole.truth.evoked, atol=2e-5 * np.abs(whole.truth.evoked).max())
        np.testing.assert_allclose(pair.truth.artifact, whole.truth.artifact, rtol=1e-3, atol=1e-7)
        assert (np.diff(pair.pulses.onsets) > 0).all()


@pytest.mark.parametrize("late", [0.0, 1.5e-6, 50e-6, 100e-6, 150e-6])
def test_pulses_that_overlap_act_with_the_charge_in_their_first_phase(late):
    for seed in range(4):
        share = 0.5 + 0.5 * (1 - late / 2e-4)
        np.testing.assert_array_equal(units(pulsed(0.5, 0.5, late=late, seed=seed), 2), units(pulsed(share, seed=seed)))


def test_pulses_that_follow_each_other_or_lie_elsewhere_do_not_add():
    for seed in range(4):
        alone = units(pulsed(0.5, seed=seed))
        np.testing.assert_array_equal(units(pulsed(0.5, 0.5, late=210e-6, seed=seed), 2), alone)
        apart = pulsed(0.5, 0.5, sites=(0, 1), seed=seed)
        np.testing.assert_array_equal(units(apart), alone)
        assert units(apart, 2).sum() >= alone.sum()
        fired = apart.truth.spiking.recruited[0].astype(int)
        assert (fired[0::2] + fired[1::2]).max() <= 1  # nobody twice at one moment


@pytest.mark.parametrize("rates", [(20.0, 20.0), (20.0, 40.0), (10.0, 30.0)])
def test_stimulators_of_one_phase_and_related_rates_fire_together(rates):
    for jitter in (0.0, 2e-6):
        pair = tuple(Stimulator(rate=rate, phase=0.0, jitter=jitter, contact=CONTACT) for rate in rates)
        made = tiny(rng=np.random.default_rng(1), stimulators=pair, h_reflex=0.4)
        assert (np.diff(made.pulses.onsets) > 0).all()
        for number, (rate, name) in enumerate(zip(rates, ("TRIG", "TRIG2"), strict=True)):
            own = made.truth.onsets[made.truth.stimulator == number]
            assert own.size == pytest.approx(rate * 2.4, abs=1)
            assert ek.detect_pulses(made.recording, name).onsets == pytest.approx(own, abs=2e-8)
        # a motoneuron that is refractory gives no second reflex
        spiking = made.truth.spiking
        for unit in range(30):
            times = np.sort(spiking.reflex_times[spiking.reflex_unit == unit])
            assert (np.diff(times) > 2e-3).all()


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rate": 20.0, "doublet": 0.05}, "doublet must differ from the intervals of its train by more than 0.417 ms"),
        ({"rate": 20.0, "doublet": 0.1501}, "doublet must differ from the intervals of its train"),
        ({"rate": 20.0, "trains": ((0.5, 0.6),), "doublet": 0.5}, "doublet must lie within its train: below 0.(0|100)"),
        ({"rate": 20.0, "trains": ((0.5, 0.6), (1.0, 1.1)), "doublet": 0.7}, "doublet must lie within its train"),
        ({"rate": 100.0, "jitter": 1e-3, "width": 1e-3}, "jitter must be below 0.00094"),
    ],
)
def test_pulses_of_one_stimulator_that_would_coincide_are_refused(changes, words):
    for seed in range(3):
        with pytest.raises(ek.ParameterError, match=words) as refused:
            tiny(rng=np.random.default_rng(seed), bursts=0, **changes)
        assert "\n" not in str(refused.value)


def test_a_stimulator_gives_no_extra_pulse_while_another_runs():
    shortest = []
    for seed in range(10):
        made = tiny(rng=np.random.default_rng(seed), extra=0.5, rate=100.0, width=5e-4, bursts=0, units=2)
        shortest.append(np.diff(made.truth.onsets).min())
    assert min(shortest) > 1e-3, sorted(shortest)
