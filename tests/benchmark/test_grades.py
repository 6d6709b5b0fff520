"""Grades agree with the truth on recordings that nobody looked at while the constants were chosen."""

import numpy as np
import pytest
from scipy.stats import binom

from emgkit.benchmark.graded import grade_sessions
from emgkit.benchmark.short_sessions import short_case
from emgkit.grades import GRADES, USES

KEPT = 0.95


def allowed(confusion):
    """Broken promises that chance gives once in a hundred times when 5 % are broken."""
    return int(binom.ppf(0.99, confusion.count("good"), 1 - KEPT))


@pytest.fixture(scope="module")
def benign():
    return grade_sessions(range(20_000, 20_008), benign=True)


@pytest.fixture(scope="module")
def troubled():
    return grade_sessions(range(30_000, 30_008))


def test_good_keeps_its_promise(benign, troubled):
    for confusion in (benign, troubled):
        assert len(confusion.broken) <= allowed(confusion), (confusion, confusion.broken)


def test_ordinary_recordings_are_not_usually_rejected(benign):
    assert benign.share("good") > 0.6, benign
    assert benign.share("reject") < 0.15, benign


def test_trouble_is_seen(benign, troubled):
    far = [case for case in troubled.cases if case.error > 0.5]
    assert len(far) >= 8  # enough that the share below means something
    assert np.mean([case.grade == "reject" for case in far]) > 0.6, far
    assert troubled.share("reject") > benign.share("reject")


def test_every_channel_has_a_grade_and_a_limit_for_every_use(troubled):
    assert {case.use for case in troubled.cases} == set(USES)
    assert {case.grade for case in troubled.cases} <= set(GRADES)
    assert "within limit" in repr(troubled)


def test_what_is_warned_of_is_graded_all_the_same():
    """Blanking of 2.5 ms hides the leading edges of the pulses that are found from the artifact."""
    confusion = grade_sessions([40_017])
    assert not confusion.left_out
    assert len(confusion.cases) == 8  # two channels, four uses


def test_whatever_is_drawn_can_be_simulated():
    """No combination of troubles contradicts itself."""
    for seed in range(400):
        rng = np.random.default_rng(seed)
        short_case(rng).plan(rng)


def test_a_recording_is_drawn_again_from_its_seed():
    one, other = (short_case(np.random.default_rng(5)) for _ in range(2))
    plans = [case.plan(np.random.default_rng(6)) for case in (one, other)]
    assert plans[0] == plans[1]
    assert one.times == other.times


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "rejected"), [(True, 0.1), (False, 0.8)])
def test_good_keeps_its_promise_in_many_cases(kind, rejected):
    confusion = grade_sessions(range(40_000, 40_140), benign=kind)
    assert len(confusion.cases) >= 1000
    assert len(confusion.left_out) <= 14, confusion
    assert confusion.kept >= KEPT, (confusion, confusion.broken)
    assert confusion.share("reject") < rejected, confusion
