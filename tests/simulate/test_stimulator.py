"""When a stimulator fires and with what current: every disturbance that is named comes out as stated."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from emgkit.errors import ParameterError
from emgkit.simulate import Contact, Electrode, PulseShape, Stimulator, tiny
from emgkit.simulate.schedule import draw_schedule
from emgkit.simulate.stimulus import mean_voltage, voltage

PLAIN = {"clock_error": 0.0, "jitter": 0.0, "stimulation": (1.0, 59.0)}


def schedule(seed=0, duration=60.0, **parameters):
    if "trains" in parameters:
        parameters["stimulation"] = None  # trains stand instead of it
    return draw_schedule(Stimulator(**{**PLAIN, **parameters}), duration, rng=np.random.default_rng(seed))


def test_pulses_come_at_the_rate_within_the_span():
    for seed in range(10):
        onsets = schedule(seed, rate=30.0).onsets
        np.testing.assert_allclose(np.diff(onsets), 1 / 30, rtol=1e-9)
        assert 1.0 <= onsets[0] < 1.0 + 1 / 30
        assert 59.0 - 1 / 30 <= onsets[-1] < 59.0


@pytest.mark.parametrize("error", [-10_000.0, -500.0, 0.0, 100.0, 10_000.0])
def test_a_fast_clock_shortens_all_intervals_alike(error):
    made = schedule(rate=30.0, clock_error=error)
    np.testing.assert_allclose(np.diff(made.onsets), 1 / 30 / (1 + error * 1e-6), rtol=1e-9)
    np.testing.assert_allclose(np.diff(made.planned), 1 / 30, rtol=1e-9)


@pytest.mark.parametrize("error", [-20_000.0, -10_000.0, 0.0, 10_000.0])
@pytest.mark.parametrize("ramp", [0.0, 1.0])
def test_one_train_ends_before_the_next_begins_whatever_the_clock(error, ramp):
    for seed in range(10):
        made = schedule(
            seed,
            clock_error=error,
            jitter=50e-6,
            extra=0.1,
            ramp_up=ramp,
            ramp_down=ramp,
            trains=((1.0, 19.0), (19.0, 37.0), (37.1, 59.9)),
        )
        assert np.diff(made.onsets).min() >= Stimulator().pulse.duration, f"seed {seed}"
        assert (np.diff(made.train) >= 0).all()
        regular = np.isin(made.train, range(3)) & (np.abs(made.onsets - 1.0) > 0.05)
        assert (made.current[regular] > 0).all(), f"seed {seed}: {np.sum(made.current <= 0)} pulses without current"


def test_jitter_does_not_add_up():
    made = schedule(jitter=50e-6)
    off = made.onsets - made.planned
    assert off.std() == pytest.approx(50e-6, rel=0.1)
    assert np.abs(off).max() < 300e-6


def test_missing_and_extra_pulses_have_the_stated_share():
    shares = [schedule(seed, missing=0.1).onsets.size / schedule(seed).onsets.size for seed in range(10)]
    assert np.mean(shares) == pytest.approx(0.9, abs=0.01)
    more = [schedule(seed, extra=0.1).onsets.size / schedule(seed).onsets.size for seed in range(10)]
    assert np.mean(more) == pytest.approx(1.1, abs=0.015)
    assert (np.diff(schedule(extra=0.1).onsets) >= 0).all()


def test_trains_ramps_levels_and_steps_shape_the_current():
    made = schedule(rate=50.0, current=0.04, on=4.0, off=6.0, ramp_up=1.0, ramp_down=0.5, levels=(1.0, 0.5))
    assert set(made.train) == set(range(6))
    for train, top in ((0, 0.04), (1, 0.02), (2, 0.04)):
        own = made.train == train
        since = made.onsets[own] - (1.0 + 10.0 * train)
        assert made.current[own][(since > 1.0) & (since < 3.5)] == pytest.approx(top)
        assert made.current[own][since < 1.0] == pytest.approx(top * since[since < 1.0])
        late = since > 3.5
        assert made.current[own][late] == pytest.approx(top * (4.0 - since[late]) / 0.5)
    step = schedule(trains=((0.0, 10.0), (10.0, 20.0)), levels=(0.5, 1.0), current=0.04, phase=0.0)
    np.testing.assert_allclose(np.diff(step.onsets), 1 / 30, rtol=1e-6)  # a step within one train
    np.testing.assert_allclose(step.current, np.where(step.onsets < 10.0 - 1e-9, 0.02, 0.04))


def test_slow_modulation_swings_by_its_share():
    made = schedule(modulation=0.2, modulation_period=7.0, current=0.05)
    assert made.current.max() == pytest.approx(0.06, rel=1e-3)
    assert made.current.min() == pytest.approx(0.04, rel=1e-3)


def test_every_pulse_gets_one_of_the_random_levels():
    made = schedule(pulse_levels=(0.2, 0.6, 1.0), current=0.05)
    found, counts = np.unique(np.round(made.current / 0.05, 9), return_counts=True)
    np.testing.assert_allclose(found, [0.2, 0.6, 1.0])
    assert (np.abs(counts / counts.sum() - 1 / 3) < 0.06).all(), counts
    # random: neighbours are independent
    steps = made.current - made.current.mean()
    assert abs(np.corrcoef(steps[1:], steps[:-1])[0, 1]) < 0.1


def test_stimulators_of_one_rate_take_turns_by_their_phase():
    first, second = (schedule(seed, rate=20.0, phase=phase) for seed, phase in ((1, 0.0), (2, 0.5)))
    both = np.sort(np.concatenate([first.onsets, second.onsets]))
    np.testing.assert_allclose(np.diff(both), 1 / 40, rtol=1e-9)


def test_variable_frequency_trains_and_doublets_are_exact():
    gaps = (0.005, 0.070, 0.070, 0.070, 0.070)  # Bickel 2004, J Rehabil Res Dev 41:33
    made = schedule(intervals=gaps, trains=((1.0, 2.0), (3.0, 4.0)))
    for train in (0, 1):
        np.testing.assert_allclose(np.diff(made.onsets[made.train == train]), gaps)
    doublet = schedule(rate=14.3, doublet=0.005, trains=((1.0, 2.0),)).onsets
    np.testing.assert_allclose(np.diff(doublet)[:3], [0.005, 1 / 14.3 - 0.005, 1 / 14.3])


def test_cycles_repeat_the_phases_as_a_burst_of_the_carrier():
    burst = PulseShape(width=200e-6, gap=0.0, cycles=25)  # 2.5 kHz for 10 ms
    times, heights = burst.steps()
    assert burst.duration == pytest.approx(10e-3)
    assert heights.sum() == pytest.approx(0.0, abs=1e-12)
    current = np.cumsum(heights)[np.searchsorted(times, np.arange(0.05e-3, 10e-3, 0.1e-3), side="right") - 1]
    spectrum = np.abs(np.fft.rfft(current))
    assert np.argmax(spectrum) * 100 == pytest.approx(2500)
    assert PulseShape(cycles=1).steps()[0].size == 4


@pytest.mark.parametrize("shape", ["biphasic", "asymmetrical", "monophasic"])
def test_pulses_carry_the_charge_that_their_shape_says(shape):
    for imbalance in (0.0, 0.1):
        times, heights = PulseShape(shape, width=300e-6, gap=100e-6, imbalance=imbalance).steps()
        charge = (np.cumsum(heights)[:-1] * np.diff(times)).sum() / 300e-6
        assert charge == pytest.approx(1.0 if shape == "monophasic" else imbalance, abs=1e-9)


@pytest.mark.parametrize("polarities", [(1.0, -1.0), (1.0, 1.0, -1.0)])
def test_the_artifact_turns_over_with_the_polarity_and_nothing_else_does(polarities):
    """Artifacts add up: the sum of both orders of polarity is that of the pulses that have one sign in both."""
    for seed in range(2):
        other = tuple(-one for one in polarities)
        one, two, plain = (
            tiny(rng=np.random.default_rng(seed), polarities=signs).truth for signs in (polarities, other, (1.0,))
        )
        size = np.abs(plain.artifact).max()
        assert np.abs(one.artifact + two.artifact).max() < 1e-9 * size
        assert np.abs(one.artifact - plain.artifact).max() > 0.5 * size
        assert np.array_equal(one.evoked, plain.evoked)
        assert np.array_equal(one.voluntary, plain.voluntary)


@pytest.mark.parametrize("polarities", [(), (0.0,), (1.0, -0.5), (2.0,)])
def test_a_polarity_is_one_or_minus_one(polarities):
    with pytest.raises(ParameterError, match="polarities"):
        Stimulator(polarities=polarities)


@given(
    shape=st.sampled_from(["biphasic", "asymmetrical"]),
    width=st.floats(10e-6, 600e-6),
    gap=st.floats(0.0, 200e-6),
    cycles=st.integers(1, 10),
)
@settings(max_examples=60, deadline=None)
def test_balanced_pulses_carry_no_charge_whatever_their_edges(shape, width, gap, cycles):
    pulse, step = PulseShape(shape, width, gap, cycles=cycles), 5e-6
    time = step * np.arange(int(pulse.duration / step) + 3)
    resistance = mean_voltage(time, step, pulse, Electrode(2.0, (), ()))
    assert abs(resistance.sum() * step) < 1e-9 * 2.0 * width


def test_cells_hold_the_mean_of_the_voltage():
    pulse, electrode = PulseShape("biphasic", 301.3e-6, 47.1e-6), Electrode(2.0, (1e-3, 20e-6), (0.3, 0.2), 0.2)
    step, fine = 5e-6, 500
    cells = np.arange(1, 1000)
    inside = (np.arange(fine) + 0.5) / fine - 0.5
    mean = voltage(step * (cells[:, np.newaxis] + inside), pulse, electrode).mean(axis=1)
    np.testing.assert_allclose(mean_voltage(step * cells, step, pulse, electrode), mean, atol=2.0 / fine)
    smooth = cells * step > pulse.duration + step  # no edge inside, where the fine mean is coarse itself
    np.testing.assert_allclose(mean_voltage(step * cells, step, pulse, electrode)[smooth], mean[smooth], rtol=1e-5)


def test_a_tail_follows_width_and_gap_smoothly():
    """A resistance behind a high-pass: what is left 5 ms later is that of the pulse, not of the grid it is drawn on."""
    contact = Contact(Electrode(2.0, (), ()), gain_drift=0.0, gain_noise=0.0, gains=(1.0,))
    still = {"jitter": 0.0, "clock_error": 0.0, "phase": 0.0, "units": 2, "fibres_per_unit": 1, "bursts": 0}
    left = []
    for gap in (49.9e-6, 50e-6, 50.1e-6):
        made = tiny(
            rng=np.random.default_rng(1),
            contact=contact,
            rate=10.0,
            trains=((0.5, 0.6),),
            width=250e-6,
            gap=gap,
            **still,
        )
        left.append(made.truth.artifact[0][1010])
    np.testing.assert_allclose(left, left[1], rtol=0.01)
