"""Goals of the cases, and of all cases together, beside what a method reached."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.benchmark.case import Goal
from emgkit.benchmark.cases import CASES
from emgkit.benchmark.contestants import AUTO
from emgkit.benchmark.standings import Standings, middle

__all__ = ["Asked", "all_asked", "asked_of"]

Array = NDArray[np.floating[Any]]

OVERALL = {"arv_error": 2.0, "rms_error": 2.0, "mdf_error": 1.5}  # %, of the median case
WORST_CASE = 5.0  # %
REST = "rest"  # the case without effort
COVERED = (85.0, 95.0)  # %, of intervals stated at 90 %


@dataclass(frozen=True)
class Asked:
    """A goal and what ``auto`` reached: median and worst over the seeds that have the score, and how many have.

    Of a coverage the mean stands for the median: the share of all samples of all seeds that an interval holds. Within
    one recording the error of a tail is the same number throughout, so that nearly all samples are held, or few.
    Where ``auto``, or the case that the goal compares with, was not run, nothing can be said (``ran`` is False).
    """

    case: str
    goal: Goal
    median: float
    worst: float
    count: int
    seeds: int
    ran: bool = True

    @property
    def met(self) -> bool:
        """Whether the median meets the goal and at most half of the seeds lack it."""
        return self.ran and 2 * self.count >= self.seeds and self.goal.met(self.median)


def asked_of(standings: Standings, name: str) -> list[Asked]:
    """Give the goals of a case and what ``auto`` reached."""
    out = []
    for goal in CASES[name].goals:
        values = standings.values(name, AUTO, False, goal.score)
        there = values[np.isfinite(values)]
        centre = (lambda one: float(one.mean())) if goal.score == "coverage" else middle
        median, worst = (centre(there), _worst(there, goal)) if there.size else (np.nan, np.nan)
        ran = standings.ran(name, AUTO, False, goal.score)
        out.append(Asked(name, goal, median, worst, int(there.size), int(values.size), ran))
    return out


def all_asked(standings: Standings) -> list[Asked]:
    """Give the goals of every case, and those that span cases."""
    each = [one for name in standings.cases for one in asked_of(standings, name)]
    return [*each, *_errors(standings), *_coverage(standings)]


def _errors(standings: Standings) -> list[Asked]:
    """Errors of amplitude and frequency over all cases of voluntary EMG: the median case, and the worst one.

    At rest there is no voluntary EMG to be wrong about: what may come out is stated by that case's own goal.
    """
    cases = [name for name in standings.cases if CASES[name].group == "voluntary" and name != REST]
    out = []
    for score, limit in OVERALL.items():
        medians = np.array([middle(np.abs(standings.values(name, AUTO, False, score))) for name in cases])
        there = medians[np.isfinite(medians)]
        if not there.size:
            continue
        values = float(np.median(there)), float(there.max())
        for place, bound, value in (("median case", limit, values[0]), ("worst case", WORST_CASE, values[1])):
            out.append(Asked(place, Goal(score, bound, "at most"), value, values[1], int(there.size), len(cases)))
    return out


def _coverage(standings: Standings) -> list[Asked]:
    """Coverage of the stated intervals over all recordings of all cases together."""
    found = [standings.values(name, AUTO, False, "coverage") for name in standings.cases]
    values = np.concatenate([*found, np.zeros(0)])
    there = values[np.isfinite(values)]
    if not there.size:
        return []
    goals = (Goal("coverage", COVERED[0], "at least"), Goal("coverage", COVERED[1], "at most"))
    mean, count = float(there.mean()), int(there.size)
    return [Asked("mean of all", goal, mean, _worst(there, goal), count, count) for goal in goals]


def _worst(values: Array, goal: Goal) -> float:
    if goal.sense == "at least":
        return float(values.min())
    return float(values[np.argmax(np.abs(values))] if goal.sense.startswith("magnitude") else values.max())
