"""Responses with net area over a tail, as between belly and tendon: told apart, stated to be wide, or overlap said."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from emgkit.artifact.split_tail import split_tail
from emgkit.artifact.tail_found import Kinds, error_shares, rows_with_area
from emgkit.artifact.tail_kinds import TENDON_SHARE, averaged, weighed
from emgkit.artifact.tail_prior import ALONG, TENDON, Kind, response_covariance

FINE, FS, INTERVAL = 40_000.0, 2000.0, 1 / 30  # Hz, Hz, s
NOISE = 2e-6  # V, standard error of the mean
NEAR, STATED = 0.08, 2.0  # error over the response, and over the stated one, one of which holds
MIDDLE = 0.05  # median error over the response


def lobes(times, share, middle, width):
    """Two lobes of opposite signs, which have no area, and one lobe that has."""
    place = (times - middle) / width
    return -(1 - share) * place * np.exp(0.5 - 0.5 * place**2) + share * np.exp(-0.5 * ((place + 0.5) / 1.2) ** 2)


def made(seed, share):
    """Grid of times, two mean responses with tails of 4 ms through 10 Hz, and what is evoked of them; V."""
    rng = np.random.default_rng(seed)
    fine = np.arange(int(0.6 * FINE)) / FINE
    length = rng.uniform(10e-3, 15e-3)
    response = 2e-3 * lobes(fine, share, rng.uniform(4e-3, 6e-3) + 0.45 * length, 0.15 * length)
    pulse = (fine < 3e-4) - 1.0 * ((fine >= 3e-4) & (fine < 6e-4))
    decay = np.where(fine >= 6e-4, np.exp(-(fine - 6e-4) / 4e-3), 0.0)
    entering = np.stack([response, 1.3 * response, 5e-3 * pulse + 5e-4 * decay])
    passed = sosfilt(butter(1, 10, "highpass", fs=FINE, output="sos"), entering)
    passed[2] = sosfilt(butter(2, 800, fs=FINE, output="sos"), passed[2])
    times = rng.uniform(0, 1 / FS) + np.arange(int(INTERVAL * FS) - 1) / FS
    shifts = np.arange(0.0, 0.5, INTERVAL)
    seen = np.stack([sum(np.interp(times + shift, fine, row) for shift in shifts) for row in passed])
    evoked, artifact = seen[:2], np.array([[1.0], [-0.7]]) * seen[2]
    return times, evoked + artifact + 0.3 * NOISE * rng.standard_normal(evoked.shape), evoked


def split(times, responses):
    return split_tail(times, responses, np.full(len(responses), NOISE), fs=FS, interval=INTERVAL, high_pass=10.0)


@pytest.mark.parametrize(
    "share",
    [0.0, *(pytest.param(share, marks=pytest.mark.slow) for share in (0.15, 0.3)), 0.6],
    ids=["none", "a seventh", "a third", "most"],
)
def test_the_tail_is_told_from_responses_with_net_area_or_the_error_says_that_it_is_not(share):
    errors = []
    for seed in range(5):
        times, responses, truth = made(seed, share)
        found = split(times, responses)
        under = (times > 3e-3) & (times < 25e-3)
        size, wrong, stated = (
            np.sqrt((part[:, under] ** 2).mean(axis=1)) for part in (truth, found.evoked - truth, found.evoked_error)
        )
        held = found.overlap | (wrong < NEAR * size) | (wrong < STATED * stated)
        assert held.all(), f"seed {seed}: {wrong / size} of the response, {stated / size} stated"
        assert found.artifact + found.evoked == pytest.approx(responses, abs=1e-15)
        errors.append(wrong / size)
    assert np.median(errors) < MIDDLE, np.sort(np.ravel(errors))


def test_it_is_said_whether_responses_have_net_area():
    none, most = (split(*made(1, share)[:2]) for share in (0.0, 0.3))
    assert none.kinds.share < 0.05
    assert "is taken to have no net area" in none.reason[0]
    assert most.kinds.share > 0.99
    assert "looks as if it had net area (as between belly and tendon)" in most.reason[0]


@pytest.fixture(scope="module")
def both():
    """Two splits of two rows, one response 0.1 mV larger than the other."""
    times, responses, _ = made(1, 0.0)
    along = replace(split(times, responses), evidence=np.zeros(2))
    return along, replace(along, evoked=along.evoked + 1e-4, tail=along.tail - 1e-4, onset=along.onset + 1e-3)


@pytest.mark.parametrize("rows", [1, 2, 5])
def test_the_evidence_of_many_rows_counts_as_that_of_two(both, rows):
    along, tendon = (replace(one, evidence=np.full(rows, each)) for one, each in zip(both, (1.0, 4.0), strict=True))
    odds = np.exp(3 * min(rows, 2)) * TENDON_SHARE / (1 - TENDON_SHARE)
    assert weighed(along, tendon).share == pytest.approx(odds / (1 + odds))


def test_what_is_not_known_well_or_lies_on_a_ramp_keeps_its_mean(both):
    along, tendon = both[0], replace(both[1], evidence=np.full(2, 50.0))
    assert weighed(along, tendon).taken == pytest.approx([1, 1])
    assert weighed(along, tendon, exchange=False).taken == pytest.approx([0, 0])
    assert rows_with_area(averaged(along, tendon, weighed(along, tendon))).tolist() == [0, 1]
    kept = averaged(along, tendon, weighed(along, tendon, exchange=False))
    assert not rows_with_area(kept).size
    assert all("had net area" not in reason for reason in kept.reason)
    stated = np.array([[0.2], [0.08]]) / error_shares(tendon)[:, np.newaxis]
    wide = replace(tendon, evoked_error=tendon.evoked_error * stated)
    assert weighed(along, wide).taken == pytest.approx([0, 1])
    assert weighed(along, wide).share == pytest.approx(1)


@pytest.mark.parametrize(("share", "counted"), [(0.0, 0.0), (0.4, 0.4), (1.0, 0.98)])
@pytest.mark.parametrize("exchange", [True, False])
def test_the_error_knows_of_the_other_kind(both, share, counted, exchange):
    along, tendon = both
    taken = np.full(2, share if exchange else 0.0)
    found = averaged(along, tendon, Kinds(share, taken))
    assert found.evoked == pytest.approx(along.evoked + taken[:, None] * 1e-4)
    assert found.artifact + found.evoked == pytest.approx(along.artifact + along.evoked)
    apart = (1 - counted) * (taken * 1e-4) ** 2 + counted * ((1 - taken) * 1e-4) ** 2
    assert found.evoked_error**2 == pytest.approx(along.evoked_error**2 + apart[:, None])
    assert found.onset == pytest.approx(along.onset + 1e-3 * (taken > 0.5))


def test_the_two_kinds_of_responses_differ_in_area_and_in_how_small_they_begin():
    places, onset = 0.5e-3 * np.arange(90), np.array([4e-3])
    usual, other = (response_covariance(places, onset, 10e-3, 3e-3, kind)[0] for kind in (ALONG, TENDON))
    free = response_covariance(places, onset, 10e-3, 3e-3, Kind(1.0, TENDON.rise))[0]
    assert np.sqrt(usual.sum() / free.sum()) < 0.02
    assert np.sqrt(other.sum() / free.sum()) == pytest.approx(0.3, rel=1e-6)
    assert other[9, 9] < 0.02 * usual[9, 9]  # half a millisecond after the onset: nothing jumps there
