"""Cases of the benchmark: what each one promises is in its recording."""

from collections import Counter
from functools import cache

import numpy as np
import pytest

from emgkit.benchmark.cases import CASES, QUICK, case
from emgkit.benchmark.evoked_cases import EVOKED_CASES
from emgkit.benchmark.lifelike_cases import LIFELIKE_CASES
from emgkit.benchmark.scores import SCORES
from emgkit.benchmark.sessions import _vpp_spread
from emgkit.benchmark.voluntary_cases import VOLUNTARY_CASES
from emgkit.errors import ParameterError, UnknownNameError


@cache
def made(name, seed=5):
    return case(name).make(np.random.default_rng(seed))


def test_names_are_unique_and_references_and_scores_exist():
    counts = Counter(one.name for one in (*VOLUNTARY_CASES, *LIFELIKE_CASES, *EVOKED_CASES))
    assert max(counts.values()) == 1
    for one in CASES.values():
        assert one.reference == "" or CASES[one.reference].group == one.group
        assert one.what.endswith(".")
        for goal in one.goals:
            assert goal.score in SCORES, one.name
            assert goal.score != "behind_reference" or one.reference
    assert set(QUICK) <= set(CASES)


def test_unknown_names_offer_the_nearest():
    with pytest.raises(UnknownNameError, match="periodic_exact"):
        case("periodic_exct")
    with pytest.raises(ParameterError, match="exact"):
        case("typical").__class__("x", "X.", "voluntary", lambda rng: None, times="exakt")


def test_one_seed_is_one_recording_and_another_seed_another():
    one, again, other = made("periodic_exact"), made.__wrapped__("periodic_exact"), made("periodic_exact", 6)
    assert np.array_equal(one.recording.signal, again.recording.signal)
    assert not np.array_equal(one.recording.signal, other.recording.signal)


def test_cases_share_muscles_and_effort_for_one_seed():
    one, other = made("periodic_exact"), made("mains_40uV")
    assert np.array_equal(one.truth.voluntary, other.truth.voluntary)
    assert np.array_equal(one.truth.evoked, other.truth.evoked)


def test_the_usual_sizes_are_those_of_the_field():
    levels, waves, peaks = [], [], []
    for seed in (5, 6, 7):
        one = made("periodic_exact", seed)
        truth, fs = one.truth, one.recording.fs
        working = np.repeat(truth.drive[0] > 0.05, round(fs / 1000))[: one.recording.n_samples]
        levels.append(1e6 * truth.voluntary[:, working].std(axis=1))
        waves.append(1e3 * np.ptp(truth.evoked, axis=1))
        peaks.append(1e3 * np.abs(truth.artifact).max(axis=1))
        assert not truth.evoked_random.any()
        intervals = np.diff(truth.onsets)
        assert np.ptp(intervals) < 1e-12
    assert 20 < np.median(levels) < 80, f"{np.round(levels, 1)}"
    assert 1 < np.median(waves) < 5, f"{np.round(waves, 2)}"
    assert np.min(peaks) > 0.2
    assert np.max(peaks) < 4.5


@pytest.mark.parametrize(("name", "spread"), [("variation_04", 0.004), ("variation_23", 0.023)])
def test_tiers_vary_as_stated_and_add_up(name, spread):
    one = made(name)
    truth = one.truth
    average = truth.evoked - truth.evoked_random
    found = _vpp_spread(average, truth.evoked_random, one.pulses, one.recording.fs)
    assert found == pytest.approx(spread, rel=0.1)
    step = 2 * 0.3 / (2**24 - 1)
    assert one.recording.signal == pytest.approx(truth.signal, abs=step)


def test_weak_voluntary_emg_has_its_level():
    one = made("weak_voluntary")
    working = np.repeat(one.truth.drive[0] > 0.05, 2)[: one.recording.n_samples]
    assert 1e6 * np.sqrt((one.truth.voluntary[:, working] ** 2).mean(axis=1)) == pytest.approx([15, 15], rel=0.02)


def test_the_first_stage_clips_four_percent():
    one = made("clipping_first_stage")
    shares = (one.truth.condition == 1).mean(axis=1)
    assert (shares > 0.03).all()
    assert (shares < 0.055).all()
    assert (one.truth.condition == 2).any()


def test_sham_pulses_leave_nothing():
    one = made("sham")
    assert not one.truth.artifact.any()
    assert not one.truth.evoked.any()
    assert len(case("sham").pulses(one)) > 500


def test_times_are_given_as_promised():
    one = made("schedule_5000ppm")
    exact, planned = one.pulses, case("schedule_5000ppm").pulses(one)
    assert planned.current is None
    assert np.allclose(planned.onsets * 2000, np.round(planned.onsets * 2000))
    assert exact.intervals.mean() / planned.intervals.mean() == pytest.approx(1 - 5e-3, abs=1e-4)
    plain = made("periodic_exact")
    faulty = case("faulty_trigger").pulses(plain).onsets
    near = np.abs(faulty[:, np.newaxis] - plain.pulses.onsets).min(axis=1)
    lost = np.abs(plain.pulses.onsets[:, np.newaxis] - faulty).min(axis=1)
    assert 0.005 < (near > 1e-3).mean() < 0.05
    assert 0.01 < (lost > 1e-3).mean() < 0.08
    assert case("tail_current_series").pulses(made("tail_current_series")).current is not None


def test_a_trigger_gives_the_times_to_its_resolution():
    one = made("periodic_exact")
    found = case("periodic_trigger").pulses(one)
    assert np.abs(found.onsets - one.pulses.onsets).max() < 1e-4


def test_tails_under_the_m_wave_have_the_promised_size():
    shares = []
    for seed in (5, 6):
        one = made("tail_exponential", seed)
        at = np.ceil((one.pulses.onsets[100:200] + 3e-3) * one.recording.fs).astype(int)
        tail = np.abs(one.truth.artifact[0, at] - one.truth.artifact[0, at + 45]).mean()
        shares.append(tail / np.ptp(one.truth.evoked[0]))
    assert min(shares) > 0.05, f"{np.round(shares, 2)}"
    assert max(shares) < 1.6, f"{np.round(shares, 2)}"
    assert not one.truth.voluntary.any()


@pytest.mark.parametrize("seeds", [[5], pytest.param([6, 7], marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", ["typical", "jitter15_exact", "ramps30_fatigue"])
def test_artifacts_run_on_under_the_m_wave_where_a_case_says_so(name, seeds):
    sizes = []
    for seed in seeds:
        one = made(name, seed)
        since = np.arange(one.recording.n_samples) / one.recording.fs - 1e-3 * 3
        places = np.searchsorted(one.pulses.onsets, since) - 1
        under = (places >= 0) & (since - one.pulses.onsets[np.maximum(places, 0)] < 2e-3)
        sizes.append(1e6 * float(np.sqrt((one.truth.artifact[0, under] ** 2).mean())))
    assert min(sizes) > 5, f"{np.round(sizes, 1)} µV RMS 3 to 5 ms after the pulse"
    assert max(sizes) < 1500, f"{np.round(sizes, 1)} µV RMS 3 to 5 ms after the pulse"
