"""From rows to answers: medians with intervals, the best of every kind, who is ahead, and which goals are met."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.benchmark.case import Case
from emgkit.benchmark.cases import CASES
from emgkit.benchmark.contestants import AUTO
from emgkit.benchmark.running import MAIN_SCORE, Row
from emgkit.benchmark.scores import SCORES

__all__ = ["Entry", "Standing", "Standings", "median_interval", "middle"]

Array = NDArray[np.floating[Any]]

DRAWS, LEVEL = 2000, 0.90  # of the bootstrap
AHEAD, NEAR = 6.0, 1.0  # dB
HALF = 2.0  # times smaller error for the evoked response
HELD = 85.0  # %, of the samples that an interval stated at 90 % must hold at least
SMALL = 5.0  # %, an error of the evoked response that is good enough whoever else is as good


@dataclass(frozen=True)
class Entry:
    """A method's main score in one case: median, worst and 90 % interval of the median over the seeds."""

    method: str
    tuned: bool
    median: float
    worst: float
    low: float
    high: float

    @property
    def label(self) -> str:
        """Name, with a star where it was tuned on the truth."""
        return f"{self.method}*" if self.tuned else self.method


@dataclass(frozen=True)
class Standing:
    """How one case went.

    Parameters
    ----------
    case : Case
        Which.
    bound, ceiling : float
        Predictability bound and averaging ceiling of ``auto``, dB, medians.
    auto, own, simple, peer, tuned_peer : Entry or None
        ``auto``; the best method of emgkit; the best simple one; the best peer at defaults; the best peer tuned.
    lead, lead_low, lead_high : float
        Median over seeds of how far ``auto`` is ahead, and its 90 % interval: dB over the best tuned peer, or for the
        evoked response how many times smaller its error is than that of the best tuned peer or simple method.
    """

    case: Case
    bound: float
    ceiling: float
    auto: Entry | None
    own: Entry | None
    simple: Entry | None
    peer: Entry | None
    tuned_peer: Entry | None
    lead: float
    lead_low: float
    lead_high: float

    @property
    def verdict(self) -> str:
        """In a word: ahead as asked for, at the bound, at the ceiling, ahead by less, behind; or why there is none."""
        if self.auto is None:
            return "not run"
        if not np.isfinite(self.auto.median):
            return "missing"
        if self.case.group == "evoked":
            good = self.auto.median <= SMALL
            return "ahead" if self.lead >= HALF else ("small" if good else self._short_of(1.0))
        if self.lead >= AHEAD:
            return "ahead"
        reached = self.tuned_peer.median if self.tuned_peer else -np.inf
        for name, limit in (("at bound", self.bound), ("at ceiling", self.ceiling)):
            # a limit that a peer passes is none
            if self.auto.median >= limit - NEAR and reached <= limit + NEAR:
                return name
        return self._short_of(0.0)

    def _short_of(self, even: float) -> str:
        """In words, where what is asked for is not reached: nobody to be ahead of, ahead by less, or behind."""
        if np.isnan(self.lead):
            return "alone"
        return "ahead by less" if self.lead > even else "behind"


class Standings:
    """Rows, by case, method and seed.

    Parameters
    ----------
    rows : sequence of Row
        All rows of a run.
    """

    def __init__(self, rows: Sequence[Row]) -> None:
        self._rows: dict[tuple[str, str, bool], dict[int, Row]] = {}
        for row in rows:
            self._rows.setdefault((row.case, row.method, row.tuned), {})[row.seed] = row
        self.cases = tuple(name for name in CASES if any(key[0] == name for key in self._rows))

    def methods(self, case: str) -> list[tuple[str, bool, str]]:
        """Methods of a case, each with whether it was tuned and its kind."""
        keys = [(key, rows) for key, rows in self._rows.items() if key[0] == case]
        return [(key[1], key[2], next(iter(rows.values())).kind) for key, rows in keys]

    def values(self, case: str, method: str, tuned: bool, score: str) -> Array:
        """Give a score over the seeds, (seeds,), NaN where it is missing."""
        rows = self._rows.get((case, method, tuned), {})
        if score == "behind_reference":
            return self._behind(case, method, tuned)
        if score == "m_nrmse_unsaid":
            return self._unsaid(case, method, tuned)
        return np.array([rows[seed].scores.values.get(score, np.nan) for seed in sorted(rows)])

    def ran(self, case: str, method: str, tuned: bool, score: str) -> bool:
        """Tell whether a method ran in a case, and in the one that the score compares it with."""
        needed = [case, CASES[case].reference] if score == "behind_reference" else [case]
        return all(bool(self._rows.get((name, method, tuned))) for name in needed)

    def reason(self, case: str, method: str, tuned: bool, score: str) -> str:
        """Say why a score is missing; "" where it is not."""
        rows = self._rows.get((case, method, tuned), {})
        return next((row.scores.reasons[score] for row in rows.values() if score in row.scores.reasons), "")

    def _behind(self, case: str, method: str, tuned: bool) -> Array:
        reference = CASES[case].reference
        own, other = (self.values(name, method, tuned, "snr_usable") for name in (case, reference))
        return other - own if own.shape == other.shape else np.full(own.shape, np.nan)

    def _unsaid(self, case: str, method: str, tuned: bool) -> Array:
        names = ("m_nrmse", "overlap_said", "coverage")
        error, said, coverage = (self.values(case, method, tuned, name) for name in names)
        return np.where((said > 0) & (coverage >= HELD), 0.0, error)

    def entry(self, case: str, method: str, tuned: bool) -> Entry | None:
        """Give a method's main score; a seed where it gave none counts as the worst."""
        score = MAIN_SCORE[CASES[case].group]
        values = self.values(case, method, tuned, score)
        if not values.size:
            return None
        high = SCORES[score].best == "high"
        values = np.where(np.isnan(values), -np.inf if high else np.inf, values)
        low, up = median_interval(values)
        return Entry(method, tuned, float(np.median(values)), float(values.min() if high else values.max()), low, up)

    def best(self, case: str, kind: str, *, tuned: bool | None = None) -> Entry | None:
        """Give the method of a kind with the best median; the name of a method says nothing about its chances."""
        found = [
            self.entry(case, method, is_tuned)
            for method, is_tuned, of_kind in self.methods(case)
            if of_kind == kind and method != AUTO and tuned in (None, is_tuned)
        ]
        sign = 1 if SCORES[MAIN_SCORE[CASES[case].group]].best == "high" else -1
        there = [one for one in found if one is not None and np.isfinite(one.median)]
        return max(there, key=lambda one: sign * one.median, default=None)

    def standing(self, name: str) -> Standing:
        """Say how a case went."""
        auto, peer = self.entry(name, AUTO, False), self.best(name, "peer", tuned=True)
        rival = peer if CASES[name].group == "voluntary" else _smaller(peer, self.best(name, "simple", tuned=True))
        lead = self._lead(name, rival)
        low, high = median_interval(lead)
        return Standing(
            case=CASES[name],
            bound=self._median_of_any(name, "bound"),
            ceiling=middle(self.values(name, AUTO, False, "ceiling")),
            auto=auto,
            own=self.best(name, "emgkit"),
            simple=self.best(name, "simple"),
            peer=self.best(name, "peer", tuned=False),
            tuned_peer=peer,
            lead=middle(lead),
            lead_low=low,
            lead_high=high,
        )

    def _median_of_any(self, name: str, score: str) -> float:
        medians = [middle(self.values(name, method, tuned, score)) for method, tuned, _ in self.methods(name)]
        return next((value for value in medians if np.isfinite(value)), np.nan)

    def _lead(self, name: str, rival: Entry | None) -> Array:
        """How far ``auto`` is ahead of the rival, seed by seed."""
        group = CASES[name].group
        if rival is None:
            return np.zeros(0)
        own = self.values(name, AUTO, False, MAIN_SCORE[group])
        other = self.values(name, rival.method, rival.tuned, MAIN_SCORE[group])
        if own.shape != other.shape:
            return np.zeros(0)
        return own - other if group == "voluntary" else other / np.maximum(own, 1e-9)

    def beside_best(self) -> tuple[int, int]:
        """Count cases of voluntary EMG where ``auto`` is at most 1 dB behind the best single method, and all."""
        found = [self.standing(name) for name in self.cases if CASES[name].group == "voluntary"]
        pairs = [(one.auto, one.own) for one in found]
        near = [auto for auto, own in pairs if auto and own and auto.median >= own.median - NEAR]
        return len(near), sum(own is not None for _, own in pairs)


def _smaller(one: Entry | None, other: Entry | None) -> Entry | None:
    return min((entry for entry in (one, other) if entry is not None), key=lambda entry: entry.median, default=None)


def middle(values: Array) -> float:
    """Median of the finite values; NaN without any."""
    there = values[np.isfinite(values)]
    return float(np.median(there)) if there.size else np.nan


def median_interval(values: Array, level: float = LEVEL) -> tuple[float, float]:
    """Give the percentile bootstrap interval of a median over seeds; NaN below five of them.

    Parameters
    ----------
    values : ndarray, shape (seeds,)
        One value per seed; differences of two methods on the same seeds give a paired interval.
    level : float
        Its level.
    """
    if values.size < 5 or np.isnan(values).all():
        return np.nan, np.nan
    there = values[~np.isnan(values)]
    rng = np.random.default_rng(0)
    drawn = np.median(there[rng.integers(0, there.size, (DRAWS, there.size))], axis=1)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2], method="nearest")
    return float(low), float(high)
