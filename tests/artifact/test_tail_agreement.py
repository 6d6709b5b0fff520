"""Channels that see one tail: how much they disagree, against errors of known size."""

from dataclasses import replace

import numpy as np
import pytest

from emgkit.artifact.tail_agreement import agreeing, disagreement
from emgkit.artifact.tail_found import TailSplit, widened
from emgkit.artifact.tail_prior import HighPass

GAINS = np.array([0.6, -0.5, 0.4, 0.3, -0.3, 0.2])
TIMES = np.arange(-3, 60) / 2000.0
TAIL = 1e-3 * np.exp(-TIMES / 8e-3)
SPIKE = np.arange(TIMES.size) == 5  # 1 ms after the pulse


def split(tails, artifact, error=1e-5):
    """What `split_tail` would say of these tails under an artifact, and a response of 0.2 mV."""
    rows, count = tails.shape
    evoked = np.tile(2e-4 * np.sin(2 * np.pi * TIMES / 0.02) * (TIMES > 0.004), (rows, 1))
    none = np.zeros((rows, count, 0))
    return TailSplit(
        times=TIMES,
        artifact=artifact,
        evoked=evoked,
        evoked_error=np.full((rows, count), error),
        tail=tails,
        tail_error=np.full((rows, count), error),
        onset=np.full(rows, 0.004),
        overlap=np.zeros(rows, dtype=bool),
        reason=("told apart",) * rows,
        high_pass=HighPass(10.0),
        start=0.002,
        no_tail=np.zeros(rows),
        used=np.zeros(0, dtype=np.int64),
        weights=none,
        tail_weights=none,
        clear=np.full(rows, 0.003),
    )


@pytest.mark.parametrize("rows", [2, 6])
@pytest.mark.parametrize("larger", [1.0, 3.0])
def test_the_stated_variance_counts_as_one_channel_more(rows, larger):
    found = []
    for seed in range(3000):
        rng = np.random.default_rng(seed)
        errors = 1e-5 * rng.uniform(0.5, 2.0, (rows, 1)) * np.ones((1, 20))
        seen = np.outer(GAINS[:rows], TAIL[-20:]) + larger * errors * rng.standard_normal((rows, 1))
        found.append(disagreement(GAINS[:rows], seen, errors))
    assert min(found) >= 1
    if larger > 1:
        assert np.mean(found) == pytest.approx((1 + (rows - 1) * larger**2) / rows, rel=0.1)
    else:
        assert np.mean(found) < 1.3


def test_channels_that_agree_are_believed():
    wave = np.outer(GAINS, TAIL + 0.01 * SPIKE)
    given = split(wave, wave)
    assert agreeing(given) is given


def test_channels_that_disagree_are_believed_less():
    wave = np.outer(GAINS, TAIL + 0.01 * SPIKE)
    other = wave + 2e-4 * np.exp(-TIMES / 8e-3) * np.array([1.0, 1.0, -1.0, 0.0, 1.0, 0.0])[:, np.newaxis]
    given = split(np.where(TIMES > 0.002, other, wave), wave)
    found = agreeing(given)
    assert (found.evoked_error > 3 * given.evoked_error).all()
    assert found.evoked_error / given.evoked_error == pytest.approx(found.tail_error / given.tail_error)
    assert found.overlap.all()
    assert all("overlap" in reason for reason in found.reason)
    alone = replace(given, **{name: getattr(given, name)[:1] for name in ("artifact", "evoked", "tail", "tail_error")})
    assert agreeing(alone) is alone


def test_channels_that_see_different_artifacts_need_not_agree():
    wave = np.outer(GAINS, TAIL + 0.01 * SPIKE)
    wave[::2] = np.outer(GAINS[::2], TAIL + 0.01 * np.roll(SPIKE, 1))
    given = split(wave * np.linspace(0.3, 2, 6)[:, np.newaxis], wave)
    assert agreeing(given) is given


def test_widening_keeps_what_was_found():
    wave = np.outer(GAINS, TAIL)
    given = split(wave, wave, 3e-6)
    found = widened(given, 1.5)
    assert (found.evoked == given.evoked).all()
    assert found.evoked_error == pytest.approx(1.5 * given.evoked_error)
    assert "told apart to" in found.reason[0]
