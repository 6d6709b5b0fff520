"""One tail under the responses of an array, against closed forms, and in simulated arrays."""

from dataclasses import replace

import numpy as np
import pytest

import emgkit as ek
from emgkit.artifact.tail_prior import HighPass
from emgkit.artifact.tail_rows import TailRows
from emgkit.artifact.tail_together import FEWEST_ROWS, course_of, one_tail
from emgkit.simulate import Contact, Effort, Electrode, FrontEnd, Montage, PulseShape

FS, NOISE = 2000.0, 1e-6  # Hz, V
TIMES = 0.0003 + np.arange(62) / FS
USUAL = HighPass(0.0)
UNDER = (TIMES > 0.003) & (TIMES < 0.025)
BLOCK = np.array([0.1, 1.0, -0.8, 0.3, -0.2])


def wave(onset, length):
    """A response of both signs that begins and ends with its slope at zero, and has no net area."""
    place = np.clip((TIMES - onset) / length, 0, 1)
    return np.sin(2 * np.pi * place) * np.sin(np.pi * place) ** 2


def array(seed, rows=8, size=0.5e-3, second=0.0):
    """Gains, tails and responses of channels: three waves that every channel sees in another mixture."""
    rng = np.random.default_rng(seed)
    gains = 1.0 + 0.4 * np.linspace(-1, 1, rows) + 0.05 * rng.standard_normal(rows)
    other = second * rng.standard_normal(rows)
    waves = np.stack([wave(0.0032, 0.016), wave(0.0036, 0.012), wave(0.0042, 0.020)])
    mixture = rng.standard_normal((rows, 3)) * [1.0, 0.4, 0.2] + [1.0, 0.0, 0.0]
    tau = rng.uniform(4e-3, 9e-3)
    tails = np.outer(gains, size * np.exp(-TIMES / tau))
    tails += np.outer(other, size * (np.exp(-TIMES / (2 * tau)) - np.exp(-TIMES / tau)))
    block = np.outer(gains, 20e-3 * BLOCK) + np.outer(other, 2e-3 * BLOCK[::-1])
    return tails, 1e-3 * mixture @ waves, block, NOISE * rng.standard_normal((rows, TIMES.size))


def rows_of(values, error=NOISE):
    covariance = np.broadcast_to(error**2 * np.eye(TIMES.size), (len(values), TIMES.size, TIMES.size))
    return TailRows(TIMES, values, covariance, None, 1.0e-3)


def split(values, block, error=NOISE):
    rows = rows_of(values, error)
    tail = one_tail(rows, block)
    noise = error**2 * (tail.weights**2).sum(axis=0)[:, np.newaxis, np.newaxis] * np.eye(TIMES.size)
    return course_of(rows, tail, noise, {USUAL: 1.0}).split(rows, tail.loads)


def relative(found, truth):
    return np.sqrt(((found - truth)[:, UNDER] ** 2).mean(axis=1) / (truth[:, UNDER] ** 2).mean(axis=1))


@pytest.mark.parametrize(("rows", "second"), [(4, 0.0), (24, 0.05)])
def test_the_course_of_the_tail_is_found_under_responses_that_are_alike(rows, second):
    errors, held = [], []
    for seed in range(3):
        tails, responses, block, noise = array(seed, rows, second=second)
        found = split(tails + responses + noise, block)
        errors.append(relative(found.evoked, responses))
        held.append((np.abs(found.evoked - responses) <= 1.645 * found.evoked_error + 1.645 * NOISE)[:, UNDER].mean())
        assert found.artifact + found.evoked == pytest.approx(tails + responses + noise, abs=1e-15)
    medians = [float(np.median(one)) for one in errors]
    assert np.median(medians) < 0.02, f"median {np.median(medians):.3f}, worst {max(medians):.3f}"
    assert max(medians) < 0.08, f"median {np.median(medians):.3f}, worst {max(medians):.3f}"
    assert np.mean(held) > 0.85, f"mean {np.mean(held):.2f}, worst {min(held):.2f}"


def test_scale_polarity_and_the_order_of_channels_pass_through():
    tails, responses, block, noise = array(3, second=0.05)
    values = tails + responses + noise
    once, order = split(values, block), np.array([3, 0, 7, 1, 6, 2, 5, 4])
    other = split(-2 * values[order], block[order], 2 * NOISE)
    assert other.evoked == pytest.approx(-2 * once.evoked[order], abs=1e-8)
    assert other.evoked_error == pytest.approx(2 * once.evoked_error[order], rel=1e-3)


def test_the_operators_give_the_parts_of_the_mean():
    tails, responses, block, noise = array(4)
    values = tails + responses + noise
    found = split(values, block)
    assert found.evoked_of(values) == pytest.approx(found.evoked, abs=1e-12)
    assert found.tail_of(values) == pytest.approx(found.tail, abs=1e-12)


def test_few_channels_and_different_artifacts_have_no_one_tail():
    tails, responses, block, _ = array(5)
    values = tails + responses
    few = FEWEST_ROWS - 1
    assert one_tail(rows_of(values[:few]), block[:few]) is None
    different = block.copy()
    different[::2] = np.roll(block[::2], 1, axis=1)
    assert one_tail(rows_of(values), different) is None
    assert one_tail(rows_of(values), block) is not None


@pytest.mark.parametrize("second", [0.0, 0.05])
def test_channels_are_told_of_the_tail_by_others(second):
    errors = []
    for seed in range(3):
        tails, responses, block, noise = array(seed, 12, second=second)
        values, some, others = tails + responses + noise, rows_of((tails + responses + noise)[:8]), slice(8, 12)
        tail = one_tail(some, block[:8])
        covariance = NOISE**2 * (tail.weights**2).sum(axis=0)[:, np.newaxis, np.newaxis] * np.eye(TIMES.size)
        course = course_of(some, tail, covariance, {USUAL: 1.0})
        assert course.loads(block[:8]) @ course.block == pytest.approx(tail.loads @ course.block, abs=1e-12)
        if second:
            assert course.loads(block[:8]) == pytest.approx(tail.loads, rel=1e-6, abs=1e-9)
        found = course.split(rows_of(values[others]), course.loads(block[others]))
        errors.append(np.median(relative(found.evoked, responses[others])))
        another = np.roll(block[others], 1, axis=1)
        assert course.loads(another) is None
        assert course.loads(block[others, 1:]) is None
    assert np.median(errors) < 0.03, f"median {np.median(errors):.3f}, worst {max(errors):.3f}"


@pytest.mark.parametrize("seed", range(3))
def test_tails_that_differ_between_electrodes_are_no_one_tail(seed):
    tails, responses, block, _ = array(seed, rows=12)
    rng = np.random.default_rng(seed)
    own = np.stack([np.exp(-TIMES / rng.uniform(4e-3, 15e-3)) * rng.choice([-1, 1]) for _ in range(12)])
    assert split(tails + responses + 0.6 * np.abs(responses).max(axis=1)[:, np.newaxis] * own, block) is None


def simulated(seed, channels):
    rng = np.random.default_rng(seed)
    gains = 1.0 - 0.4 * np.linspace(-1, 1, channels) + 0.05 * rng.standard_normal(channels)
    electrode = Electrode(2.0, (0.5e-3, 6e-3), (0.25, 4.0))
    session = ek.simulate.Session(
        duration=3.0,
        m_max=4e-3,
        front_end=FrontEnd(high_pass=10.0, full_scale=0.3),
        montage=Montage(lateral=tuple(np.linspace(-0.03, 0.03, channels).tolist())),
        channel_names=tuple(f"E{number + 1}" for number in range(channels)),
        efforts_of=(Effort(bursts=0),),
        pool=ek.simulate.PoolParameters(units=40, fibres_per_unit=1),
        stimulators=(
            ek.simulate.Stimulator(
                rate=30.0,
                stimulation=(0.3, 2.7),
                pulse=PulseShape("asymmetrical", width=200e-6, gap=0.0),
                contact=Contact(electrode, gains=tuple(gains.tolist()), second_rank=0.05),
            ),
        ),
    )
    return ek.simulate.simulate(session, rng=rng)


def found_in(made):
    """Error of every channel's mean M-wave over its size, and the share that the intervals hold."""
    parts = ek.separate(made.recording, replace(made.pulses, current=None, width=None), "phase_spline")
    first = np.ceil(made.truth.onsets[10:-1] * FS).astype(int)[:, np.newaxis]
    index = first + np.arange(7, 50)
    true, seen = made.truth.evoked[:, index], parts.evoked.signal[:, index]
    difference, mean = (seen - true).mean(axis=1), true.mean(axis=1)
    errors = np.sqrt((difference**2).mean(axis=1) / (mean**2).mean(axis=1))
    return errors, (np.abs(seen - true) <= 1.645 * parts.standard_error("evoked")[:, index]).mean()


def test_the_m_waves_of_an_array_keep_their_shape():
    both = [found_in(simulated(seed, 8)) for seed in range(3)]
    errors, held = [float(np.median(one)) for one, _ in both], [share for _, share in both]
    assert np.median(errors) < 0.05, f"median {np.median(errors):.3f}, worst {max(errors):.3f}"
    assert min(held) > 0.7, f"median {np.median(held):.2f}, worst {min(held):.2f}"


def test_channels_that_are_fitted_in_groups_are_split_together(monkeypatch):
    made = simulated(1, 10)
    at_once, _ = found_in(made)
    monkeypatch.setattr("emgkit.artifact.spline_groups.MOST_SAMPLES", 1 << 10)
    in_groups, held = found_in(made)
    said = f"in groups {np.round(in_groups, 3)}, at once {np.round(at_once, 3)}, held {held:.2f}"
    assert (in_groups < at_once + 0.03).all(), said
    assert held > 0.7, said
