"""The runner: the same recordings for all, reasons instead of crashes, tuning on other seeds, answers from rows."""

import csv
import json
import sys
from dataclasses import replace

import numpy as np
import pytest

from emgkit.benchmark import running
from emgkit.benchmark.case import Case, at_least
from emgkit.benchmark.cases import CASES
from emgkit.benchmark.contestants import Answer, Contestant, contestants, kinds
from emgkit.benchmark.goals import all_asked, asked_of
from emgkit.benchmark.peers import peer_python, peer_worker
from emgkit.benchmark.running import Plan, Row, run, run_case
from emgkit.benchmark.scores import Scored, Undefined
from emgkit.benchmark.speed import Track, measured_speeds, speed_test
from emgkit.benchmark.standings import Standings, median_interval
from emgkit.benchmark.tables import goals_table, matrix_table, voluntary_table, who_table
from emgkit.benchmark.writing import answers, write_csv, write_json, write_rst
from emgkit.errors import TimingError, UnknownNameError
from emgkit.simulate import Effort, PoolParameters, Session

SMALL = Case(
    "periodic_exact",
    "A small copy.",
    "voluntary",
    lambda rng: Session(
        duration=3.0,
        channel_names=("VL",),
        pool=PoolParameters(units=30, fibres_per_unit=2, reach=0.6),
        efforts_of=(Effort(contractions=((1.0, float(2 + rng.uniform(0, 0.3))),)),),
    ),
    goals=(at_least("snr_usable", 19.0),),
)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(running, "case", lambda name: replace(SMALL, name=name))


def plan(**changes):
    usual = {
        "cases": ("periodic_exact",),
        "methods": ("moving_mean", "frame_comb"),
        "seeds": 2,
        "first": 0,
        "tuning": 1,
    }
    return Plan(**{**usual, "jobs": 1, "peers": None, **changes})


def test_every_method_and_seed_gives_a_row_and_tuned_ones_another(small):
    rows = run_case(plan(), "periodic_exact")
    assert len(rows) == 2 * 2 * 2
    assert {(row.method, row.tuned) for row in rows} == {
        (name, tuned) for name in ("moving_mean", "frame_comb") for tuned in (False, True)
    }
    for row in rows:
        assert np.isfinite(row.scores.values["snr_usable"])
        assert row.speed > 0
    again = run_case(plan(), "periodic_exact")
    assert [row.scores.values["snr_all"] for row in rows] == [row.scores.values["snr_all"] for row in again]


def test_tuning_never_sees_the_seeds_that_are_scored(small, monkeypatch):
    seen = []
    take = running._take
    monkeypatch.setattr(running, "_take", lambda one, seed: seen.append(seed) or take(one, seed))
    run_case(plan(tuning=2), "periodic_exact")
    assert sorted(seen) == [0, 1, running.TUNING_SEEDS, running.TUNING_SEEDS + 1]


def test_tuning_chooses_what_scores_best(small):
    rows = run_case(plan(methods=("frame_comb",), seeds=3), "periodic_exact")
    tuned = np.median([row.scores.values["snr_usable"] for row in rows if row.tuned])
    assert tuned >= np.median([row.scores.values["snr_usable"] for row in rows if not row.tuned])


def failing(error):
    def answer(recording, pulses, period, settings):
        raise error

    return Contestant("moving_mean", "simple", ({},), answer)


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (TimingError("too few pulses"), "too few pulses"),
        (ZeroDivisionError("oops"), "crashed: ZeroDivisionError: oops"),
    ],
)
def test_a_method_that_fails_has_a_reason_and_no_score(small, monkeypatch, error, said):
    monkeypatch.setattr(running, "contestants", lambda names, worker: [failing(error)])
    rows = run_case(plan(), "periodic_exact")
    assert [row.scores.reasons["snr_usable"] for row in rows] == [said, said]
    assert all(np.isnan(row.scores.values["snr_usable"]) for row in rows)
    standings = Standings(rows)
    assert standings.entry("periodic_exact", "moving_mean", False).median == -np.inf
    assert standings.reason("periodic_exact", "moving_mean", False, "snr_usable") == said


def test_a_method_that_cannot_tell_the_evoked_response_is_not_run_for_it(small, monkeypatch):
    monkeypatch.setattr(running, "case", lambda name: replace(SMALL, group="evoked"))
    told = {one.name: one.tells_evoked for one in contestants((), None)}
    assert [told[name] for name in ("auto", "phase_spline", "tail_fit", "blanking", "comb", "moving_mean")] == [
        True,
        True,
        True,
        True,
        False,
        True,
    ]
    idle = replace(failing(ZeroDivisionError("it was run")), name="comb", tells_evoked=False)
    monkeypatch.setattr(running, "contestants", lambda names, worker: [idle])
    reasons = {row.scores.reasons["m_nrmse"] for row in run_case(plan(), "periodic_exact")}
    assert reasons == {"this method cannot tell the evoked response from the artifact"}


def test_pulses_that_are_not_found_are_the_reason_of_all(small, monkeypatch):
    blind = replace(SMALL, times="artifact", plan=lambda rng: replace(SMALL.plan(rng), stimulators=(silent(),)))
    monkeypatch.setattr(running, "case", lambda name: blind)
    rows = run_case(plan(), "periodic_exact")
    assert all("no pulse times" in row.scores.reasons["snr_usable"] for row in rows)


def silent():
    from emgkit.simulate import Stimulator

    return Stimulator(levels=(0.0,))


def test_names_of_methods_are_checked():
    with pytest.raises(UnknownNameError, match="phase_spline"):
        contestants(("phase_splin",), None)
    assert {"auto", "phase_spline", "comb", "frame_comb", "pyparrm"} <= set(kinds())
    assert [one.name for one in contestants(("frame_comb", "auto", "mne"), None)] == ["auto", "frame_comb"]


def row(case, seed, method, kind, tuned=False, **values):
    return Row(case, seed, method, kind, tuned, {}, Scored(values, {}), 1e6, ())


def rows_of(case="variation_23", leads=(7.0,) * 6):
    made = []
    for seed, lead in enumerate(leads):
        made += [
            row(case, seed, "auto", "emgkit", snr_usable=10.0 + seed, bound=30.0, behind_bound=20.0 - seed),
            row(case, seed, "phase_spline", "emgkit", snr_usable=9.0 + seed, bound=30.0),
            row(case, seed, "mne", "peer", True, snr_usable=10.0 + seed - lead, bound=30.0),
            row(case, seed, "pyparrm", "peer", True, snr_usable=-5.0, bound=30.0),
        ]
    return made


def test_standings_take_medians_pair_the_seeds_and_compare_with_the_best_peer():
    one = Standings(rows_of()).standing("variation_23")
    assert one.auto.median == 12.5
    assert one.auto.worst == 10.0
    assert (one.own.method, one.tuned_peer.label) == ("phase_spline", "mne*")
    assert (one.lead, one.lead_low, one.lead_high) == (7.0, 7.0, 7.0)
    assert one.verdict == "ahead"
    assert Standings(rows_of(leads=(3.0,) * 6)).standing("variation_23").verdict == "ahead by less"
    asked = asked_of(Standings(rows_of()), "variation_23")[0]
    assert (asked.median, asked.worst, asked.met) == (17.5, 20.0, False)


def test_a_method_at_its_bound_need_not_lead():
    rows = [row("variation_23", seed, "auto", "emgkit", snr_usable=9.5, bound=10.0) for seed in range(5)]
    rows += [row("variation_23", seed, "mne", "peer", True, snr_usable=8.0, bound=10.0) for seed in range(5)]
    assert Standings(rows).standing("variation_23").verdict == "at bound"


def test_the_reference_is_compared_seed_by_seed():
    rows = [row("periodic_exact", seed, "auto", "emgkit", snr_usable=20.0 + seed) for seed in range(3)]
    rows += [row("schedule_500ppm", seed, "auto", "emgkit", snr_usable=19.5 + seed) for seed in range(3)]
    asked = asked_of(Standings(rows), "schedule_500ppm")[0]
    assert (asked.median, asked.met) == (0.5, True)
    alone = asked_of(Standings(rows[3:]), "schedule_500ppm")[0]
    assert (alone.met, alone.ran) == (False, False)


def test_goals_of_what_was_not_run_are_neither_met_nor_missed(tmp_path):
    others = [row("variation_23", seed, "comb", "emgkit", snr_usable=9.0) for seed in range(3)]
    alone = [row("schedule_500ppm", seed, "auto", "emgkit", snr_usable=19.5) for seed in range(3)]
    standings = Standings([*others, *alone])
    shown = goals_table(standings)
    met = {cells[:2]: cells[-1] for cells in shown.rows}
    assert met["variation_23", "behind_bound"] == "not run"  # auto did not run there
    assert met["schedule_500ppm", "behind_reference"] == "not run"  # the reference did not
    assert shown.title == f"Goals of auto: 0 of {len(shown.rows) - 2} met by the median, 2 not run"
    assert not {"variation_23"} & {cells[0] for cells in goals_table(standings, full=False).rows}
    assert "not:" in goals_table(standings, full=False).title
    assert standings.standing("variation_23").verdict == "not run"
    write_json(tmp_path / "a.json", answers(standings, {}))
    goals = json.loads((tmp_path / "a.json").read_text())["goals"]
    assert [one["met"] for one in goals if one["case"] == "variation_23"] == [None]
    # a method that ran and failed has missed its goal
    failed = Standings([row("variation_23", seed, "auto", "emgkit") for seed in range(3)])
    assert goals_table(failed).rows[0][-1] == "NO"


def test_the_interval_of_a_median_covers_it():
    hits = 0
    for seed in range(200):
        low, high = median_interval(np.random.default_rng(seed).standard_normal(20))
        hits += low <= 0 <= high
    assert 0.82 < hits / 200 < 0.98
    assert np.isnan(median_interval(np.zeros(3))).all()


def test_tables_and_files_hold_every_case_and_what_is_missing(tmp_path):
    rows = rows_of()
    standings = Standings(rows)
    for table in (voluntary_table(standings, full=True), who_table(standings), matrix_table(standings, "voluntary")):
        assert table.rows[0][0] == "variation_23"
        assert all(len(cells) == len(table.header) for cells in table.rows)
    assert goals_table(standings).rows[0][-1] == "NO"
    write_csv(tmp_path / "a.csv", rows)
    read = list(csv.DictReader((tmp_path / "a.csv").read_text().splitlines()))
    assert len(read) == len(rows)
    assert float(read[0]["snr_usable [dB]"]) == 10.0
    write_json(tmp_path / "a.json", answers(standings, {"seeds": 6}))
    found = json.loads((tmp_path / "a.json").read_text())
    assert found["cases"][0]["auto"]["median"] == 12.5
    assert found["cases"][0]["ceiling"] is None
    write_rst(tmp_path / "a.rst", [voluntary_table(standings)], "About.")
    text = (tmp_path / "a.rst").read_text()
    assert "csv-table" in text
    assert "peer\\*" in text


def test_processes_give_the_rows_of_one(monkeypatch):
    names = ("single_pulses", "few_pulses")
    wanted = plan(cases=names, methods=("frame_comb",), seeds=1, tuning=0)
    alone = {name: rows[0].scores.values["snr_all"] for name, rows in run(wanted)}
    both = {name: rows[0].scores.values["snr_all"] for name, rows in run(replace(wanted, jobs=2))}
    assert alone == both


def test_without_an_environment_there_are_no_peers(monkeypatch, tmp_path):
    monkeypatch.setenv("EMGKIT_PEERS", str(tmp_path / "nowhere"))
    assert peer_python() is None
    with peer_worker(peer_python()) as worker:
        assert worker is None


def test_the_worker_answers_and_passes_errors_on(monkeypatch):
    made = SMALL.make(np.random.default_rng(1))
    signal, onsets = made.recording.signal, made.pulses.onsets
    with peer_worker(running.Path(sys.executable)) as worker:
        assert "mne" in worker.versions
        cleaned = worker.clean("mne", signal, 2000.0, onsets, 1 / 30, {"tmax": 0.005}, memory=True)
        assert cleaned.signal.shape == signal.shape
        changed = np.flatnonzero((cleaned.signal != signal).any(axis=0)) / 2000.0
        since = changed - onsets[np.searchsorted(onsets, changed + 1e-9) - 1]
        assert since.max() < 0.006
        assert cleaned.peak > signal.nbytes
        with pytest.raises(Undefined, match="mne"):
            worker.clean("mne", signal, 2000.0, onsets, 1 / 30, {"mode": "nonsense"})
        assert worker.clean("mne", signal, 2000.0, onsets, 1 / 30, {}).seconds > 0


def test_speed_is_measured_on_one_session_without_joints():
    """Copies of a short one had steps of the M-wave at their joints, and a third of the time went into them."""
    track = speed_test(40.0, 2)
    recording, intervals = track.recording, track.pulses.intervals
    assert recording.signal.shape == (4, 80_000)
    assert np.abs(intervals / track.period - 1).max() < 0.01
    assert np.corrcoef(recording.signal[0], recording.signal[2])[0, 1] > 0.9999
    assert np.corrcoef(recording.signal[0, :40_000], recording.signal[0, 40_000:])[0, 1] < 0.99


def test_speed_is_samples_over_seconds_and_says_what_fails():
    made = SMALL.make(np.random.default_rng(1))
    test = Track(made.recording, made.pulses, 1 / 30)
    half = Contestant("half", "simple", ({},), lambda *given: Answer(None, None, 0.5))
    found = measured_speeds([half, failing(TimingError("no"))], test, None, search=False)
    assert found[0].rate == pytest.approx(2 * made.recording.signal.size)
    assert found[1].reason == "no"
    assert np.isnan(found[1].rate)


def test_goals_name_scores_that_their_cases_can_have():
    for one in CASES.values():
        for goal in one.goals:
            assert goal.score.startswith(("m_", "coverage")) == (one.group == "evoked"), (one.name, goal.score)


def test_what_auto_chose_is_not_run_twice_and_has_the_same_scores(small, monkeypatch):
    asked = []
    ours = contestants(("auto", "phase_spline", "moving_template"), None)
    counted = [
        replace(one, answer=lambda *given, one=one: asked.append(one.name) or one.answer(*given)) for one in ours
    ]
    monkeypatch.setattr(running, "contestants", lambda names, worker: counted)
    rows = {row.method: row for row in run_case(plan(seeds=1), "periodic_exact")}
    chosen = [name for name in ("phase_spline", "moving_template") if name not in asked]
    assert asked[0] == "auto"
    assert set(rows) == {"auto", "phase_spline", "moving_template"}
    for name in chosen:
        assert rows[name].scores.values == rows["auto"].scores.values


def test_errors_are_judged_over_all_cases_and_auto_against_the_best():
    rows = [row("typical", seed, "auto", "emgkit", snr_usable=9.5, arv_error=-1.0) for seed in range(5)]
    others = ("typical", "ecg_movement")
    rows += [row("ecg_movement", seed, "auto", "emgkit", snr_usable=1.0, arv_error=7.0) for seed in range(5)]
    rows += [row(case, seed, "comb", "emgkit", snr_usable=10.0) for seed in range(5) for case in others]
    rows += [row("rest", seed, "auto", "emgkit", arv_error=50.0) for seed in range(5)]  # of no voluntary EMG
    standings = Standings(rows)
    found = {one.case: one for one in all_asked(standings) if one.goal.score == "arv_error"}
    assert found["median case"].median == 4.0
    assert not found["median case"].met
    assert found["worst case"].median == 7.0
    assert standings.beside_best() == (1, 2)


def test_a_large_error_is_allowed_where_overlap_is_said_and_the_interval_holds_the_response():
    held = {0: (80.0, 1.0, 90.0), 1: (80.0, 0.0, 90.0), 2: (80.0, 1.0, 60.0), 3: (4.0, 0.0, 90.0)}
    names = ("m_nrmse", "overlap_said", "coverage")
    rows = [
        row("evoked_80hz", seed, "auto", "emgkit", **dict(zip(names, one, strict=True))) for seed, one in held.items()
    ]
    assert Standings(rows).values("evoked_80hz", "auto", False, "m_nrmse_unsaid").tolist() == [0.0, 80.0, 80.0, 4.0]
    asked = [one for one in asked_of(Standings(rows), "evoked_80hz") if one.goal.score == "m_nrmse_unsaid"]
    assert [(one.median, one.met) for one in asked] == [(42.0, False)]


def test_coverage_of_a_case_is_the_share_of_all_its_samples():
    rows = [row("no_tail", seed, "auto", "emgkit", coverage=share) for seed, share in enumerate((60.0, 99.0, 99.0))]
    asked = [one for one in asked_of(Standings(rows), "no_tail") if one.goal.score == "coverage"]
    assert [one.median for one in asked] == [86.0, 86.0]
    assert all(one.met for one in asked)


def test_the_evoked_response_is_compared_with_the_best_of_all_others():
    rows = []
    for seed in range(5):
        rows += [
            row("tail_power", seed, "auto", "emgkit", m_nrmse=4.0),
            row("tail_power", seed, "two_exponential", "simple", True, m_nrmse=6.0),
            row("tail_power", seed, "mne", "peer", True, m_nrmse=20.0),
        ]
    one = Standings(rows).standing("tail_power")
    assert one.lead == 1.5
    assert one.verdict == "small"
    assert (one.simple.label, one.tuned_peer.label) == ("two_exponential*", "mne*")


def test_a_stated_ceiling_that_a_peer_passes_is_none():
    rows = [row("typical", seed, "auto", "emgkit", snr_usable=-12.0, ceiling=-20.0) for seed in range(5)]
    rows += [row("typical", seed, "mne", "peer", True, snr_usable=3.0) for seed in range(5)]
    assert Standings(rows).standing("typical").verdict == "behind"
    rows = [row("typical", seed, "auto", "emgkit", snr_usable=18.5, ceiling=19.0) for seed in range(5)]
    rows += [row("typical", seed, "mne", "peer", True, snr_usable=15.0) for seed in range(5)]
    assert Standings(rows).standing("typical").verdict == "at ceiling"


def test_coverage_is_judged_over_all_recordings():
    shares = {"tail_power": (99.0, 80.0), "no_tail": (90.0, 91.0)}
    rows = [
        row(case, seed, "auto", "emgkit", coverage=share)
        for case, values in shares.items()
        for seed, share in enumerate(values)
    ]
    found = [one for one in all_asked(Standings(rows)) if one.case == "mean of all"]
    assert [one.median for one in found] == [90.0, 90.0]
    assert [one.worst for one in found] == [80.0, 99.0]
    assert all(one.met for one in found)
