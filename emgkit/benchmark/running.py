"""Cases × seeds × methods: every method on the same recordings, scored with the same masks."""

from __future__ import annotations

import os
import signal
import tempfile
from collections.abc import Generator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import active_children, get_context
from pathlib import Path
from typing import Any

import numpy as np

from emgkit import plugins
from emgkit._processes import leave_with_parent
from emgkit.artifact.held import mark_held
from emgkit.artifact.saturation import mark_saturation
from emgkit.benchmark.cases import Case, case
from emgkit.benchmark.contestants import AUTO, Answer, Contestant, contestants
from emgkit.benchmark.evoked_scores import nrmse
from emgkit.benchmark.peers import PeerWorker, peer_worker, start_worker
from emgkit.benchmark.scores import Scene, Scored, Undefined, evoked_scores, missing, scene_of, snr, voluntary_scores
from emgkit.errors import EmgkitError
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.simulate import Simulation

__all__ = ["Plan", "Row", "run", "run_case"]

TUNING_SEEDS = 900_000  # seeds for tuning begin here, those of the benchmark lie below
MAIN_SCORE = {"voluntary": "snr_usable", "evoked": "m_nrmse"}
FEW, MOST_FEW = "tail_fit", 100  # a method for few pulses, and how many are few: it is slow in trains
MOST_RESPONSES = 2000  # pulses times channels that it gets all the same where the M-wave is the target
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Plan:
    """What is run.

    Parameters
    ----------
    cases : tuple of str
        Names of cases.
    methods : tuple of str
        Names of methods; none means all.
    seeds : int
        Recordings per case.
    first : int
        The first seed.
    tuning : int
        Further recordings per case, on whose truth simple methods and peers are tuned.
    jobs : int
        Processes.
    peers : Path or None
        Interpreter of the peers' environment.
    """

    cases: tuple[str, ...]
    methods: tuple[str, ...]
    seeds: int
    first: int
    tuning: int
    jobs: int
    peers: Path | None


@dataclass(frozen=True, eq=False)
class Row:
    """Scores of one method on one recording.

    Parameters
    ----------
    case, seed, method, kind
        Which.
    tuned : bool
        Whether its settings were chosen on the truth of other seeds.
    settings : mapping
        Its settings, where they are not those of an emgkit method.
    scores : Scored
        Its scores.
    speed : float
        Samples (of all channels) per s of CPU time, rails and held samples marked before; NaN where it failed.
    messages : tuple of str
        What it said.
    """

    case: str
    seed: int
    method: str
    kind: str
    tuned: bool
    settings: Mapping[str, Any]
    scores: Scored
    speed: float
    messages: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Take:
    """One recording of a case as the methods get it."""

    case: Case
    seed: int
    simulation: Simulation
    recording: Recording  # with rails and held samples marked, which every method would look for first
    scene: Scene
    pulses: Pulses | None
    period: float
    reason: str


def run(plan: Plan) -> Generator[tuple[str, list[Row]], None, None]:
    """Run the cases of a plan; give each with its rows as it is done. Closed before its end, it stops at once."""
    with tempfile.TemporaryDirectory(prefix="emgkit-peers-") as folder:
        if plan.jobs == 1 or len(plan.cases) == 1:
            with peer_worker(plan.peers) as worker:
                for name in plan.cases:
                    yield name, run_case(plan, name, worker)
            return
        os.environ.update(dict.fromkeys(THREADS, "1"))  # each process takes one core
        others = set(active_children())
        with ProcessPoolExecutor(plan.jobs, get_context("spawn"), initializer=_leave_interrupts) as pool:
            # the arrays, which take longest, stand at the end of the list: they begin first
            begun = {pool.submit(_run_elsewhere, plan, name, folder): name for name in reversed(plan.cases)}
            try:
                for done in as_completed(begun):
                    yield begun[done], done.result()
            except BaseException:
                pool.shutdown(wait=False, cancel_futures=True)
                for process in set(active_children()) - others:  # else it lasted until their cases are done
                    process.terminate()
                raise


def _leave_interrupts() -> None:
    """Leave Ctrl-C, which reaches all of a terminal, to the process that keeps what is finished, and end with that."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    leave_with_parent()


def _run_elsewhere(plan: Plan, name: str, folder: str) -> list[Row]:
    return run_case(plan, name, _own_worker(plan.peers, folder))


@cache
def _own_worker(python: Path | None, folder: str) -> PeerWorker | None:
    """One for the whole life of a process."""
    return start_worker(python, Path(tempfile.mkdtemp(dir=folder)))


def run_case(plan: Plan, name: str, worker: PeerWorker | None = None) -> list[Row]:
    """Run one case with all its methods and seeds."""
    from threadpoolctl import threadpool_limits

    one, rows = case(name), []
    with threadpool_limits(limits=1):
        methods = contestants(plan.methods, worker)
        chosen = _tune(one, [method for method in methods if len(method.settings) > 1], plan.tuning)
        for seed in range(plan.first, plan.first + plan.seeds):
            rows += _rows(_take(one, seed), methods, chosen)
    return rows


def _rows(take: Take, methods: Sequence[Contestant], chosen: Mapping[str, Mapping[str, Any]]) -> list[Row]:
    """Score all methods on one recording; what ``auto`` chose need not be run once more."""
    rows: list[Row] = []
    done: list[tuple[object, Row]] = []
    for method in methods:
        same = next((row for object_, row in done if object_ == _default(method)), None)
        if same is not None:
            rows.append(replace(same, method=method.name))
            continue
        row, used = _row(take, method, method.settings[0], tuned=False)
        rows.append(row)
        if method.name == AUTO and used is not None:
            done.append((used, row))
        if method.name in chosen:
            rows.append(_row(take, method, chosen[method.name], tuned=True)[0])
    return rows


def _default(method: Contestant) -> object:
    if method.kind != "emgkit" or method.name == AUTO:
        return method
    return plugins.load("emgkit.artifact", method.name)()


def _take(one: Case, seed: int) -> Take:
    simulation = one.make(np.random.default_rng(seed))
    pulses, reason = None, ""
    try:
        pulses = one.pulses(simulation)
    except EmgkitError as error:
        reason = f"no pulse times: {error}"
    intervals = simulation.pulses.intervals[np.diff(simulation.pulses.train) == 0]
    period = float(_mean_period(intervals)) if intervals.size else 1.0
    marked = mark_held(mark_saturation(simulation.recording))
    return Take(one, seed, simulation, marked, scene_of(simulation), pulses, period, reason)


def _mean_period(intervals: Any) -> float:
    """Give the true period: mean of the intervals that are about the median."""
    middle = np.median(intervals)
    return float(np.mean(intervals[np.abs(intervals - middle) < 0.3 * middle]))


def _answer(take: Take, method: Contestant, settings: Mapping[str, Any]) -> Answer:
    if take.pulses is None:
        raise Undefined(take.reason)
    if take.case.group == "evoked" and not method.tells_evoked:
        raise Undefined("this method cannot tell the evoked response from the artifact")
    if method.name == FEW and len(take.pulses) > MOST_FEW:
        responses = len(take.pulses) * len(take.recording.signal)
        if take.case.group == "voluntary" or responses > MOST_RESPONSES:
            raise Undefined(f"{FEW} is for few pulses; it runs in the cases of few pulses and of few evoked responses")
    return method.answer(take.recording, take.pulses, take.period, settings)


def _row(take: Take, method: Contestant, settings: Mapping[str, Any], *, tuned: bool) -> tuple[Row, object]:
    speed, messages, used = np.nan, tuple[str, ...](), None
    try:
        answer = _answer(take, method, settings)
        scores = _scores(take, answer)
        speed, messages = take.recording.signal.size / max(answer.seconds, 1e-6), answer.messages
        used = answer.method
    except (EmgkitError, Undefined) as reason:
        scores = missing((MAIN_SCORE[take.case.group],), str(reason))
    except Exception as error:  # noqa: BLE001  one method that crashes must not end half an hour of others
        scores = missing((MAIN_SCORE[take.case.group],), f"crashed: {type(error).__name__}: {error}")
    row = Row(take.case.name, take.seed, method.name, method.kind, tuned, settings, scores, speed, messages)
    return row, used


def _scores(take: Take, answer: Answer) -> Scored:
    if take.case.group == "evoked":
        if answer.evoked is None:
            raise Undefined("the evoked response could not be told from the artifact")
        said = {"overlap_said": float(_says("overlap", answer))}
        return evoked_scores(take.scene, answer.evoked, answer.error) | Scored(said, {})
    if answer.voluntary is None:
        raise Undefined("this method gives no voluntary EMG")
    quality = answer.quality
    scores = voluntary_scores(
        take.scene,
        answer.voluntary,
        answer.valid,
        effective_pulses=_stated(quality, "effective_pulses"),
        published_gain=_stated(quality, "gain_on_clean"),
    )
    return scores | Scored({"mains_said": float(_says("mains", answer))}, {})


def _says(word: str, answer: Answer) -> bool:
    return any(word in message.lower() for message in answer.messages)


def _stated(quality: Mapping[str, Any], name: str) -> float | None:
    value = quality.get(name)
    return None if value is None or isinstance(value, str) else float(np.mean(value))


def _tune(one: Case, methods: Sequence[Contestant], seeds: int) -> dict[str, Mapping[str, Any]]:
    """Choose settings with the best median main score on the truth of seeds that are not scored."""
    takes = [_take(one, TUNING_SEEDS + number) for number in range(seeds)]
    return {method.name: _best(method, takes) for method in methods if takes}


def _best(method: Contestant, takes: Sequence[Take]) -> Mapping[str, Any]:
    medians = [np.median([_main_score(take, method, settings) for take in takes]) for settings in method.settings]
    return method.settings[int(np.argmax(medians))]


def _main_score(take: Take, method: Contestant, settings: Mapping[str, Any]) -> float:
    """Give the score that tuning maximises; where the method fails, minus infinity."""
    try:
        answer = _answer(take, method, settings)
        if take.case.group == "evoked":
            value = -nrmse(take.scene, np.nan_to_num(np.asarray(answer.evoked)))
        else:
            value = snr(take.scene.target, np.nan_to_num(np.asarray(answer.voluntary)), take.scene.usable)
    except Exception:  # noqa: BLE001  a setting that fails is no candidate
        return -np.inf
    return value if np.isfinite(value) else -np.inf
