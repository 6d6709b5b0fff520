"""Climb to the most likely setting of one row: size and smoothness of the response, size of the tail, ringing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from emgkit.artifact.tail_evidence import Problem, Setting, Weighing

__all__ = ["Climb", "climb"]

UNKNOWNS = "ring", "size", "amplitude", "edge", "length", "width"
TURNS = 3
COARSE = 2  # of the onsets, every so many is looked at while climbing
CLOSE = 10.0  # settings whose log evidence lies so far below the best one are not averaged
MANY = 24  # at most so many settings are averaged
RINGS = (0.08e-3, 0.12e-3, 0.16e-3, 0.2e-3, 0.25e-3, 0.3e-3, 0.4e-3, 0.6e-3, 0.9e-3)  # s
LENGTHS = (1.5e-3, 2.2e-3, 3.0e-3, 4.0e-3, 6.0e-3)  # s
WIDTHS = (6e-3, 8e-3, 10e-3, 13e-3, 17e-3)  # s
DOUBLING = 2.0  # step of the response's size
FOURFOLD = 4.0  # step of the tail's, exact in binary like the other, so that a way back meets itself
LEAST, MOST = 1 / 32, 32.0  # of the sizes over their first guess


@dataclass(frozen=True)
class Climb:
    """What was found.

    Parameters
    ----------
    best : Setting
    evidence : float
        Its log evidence.
    near : tuple of Setting
        All that were seen and are nearly as likely, and that of no response where it is.
    """

    best: Setting
    evidence: float
    near: tuple[Setting, ...]


class _Seen:
    """Settings that were looked at, each weighed once."""

    def __init__(self, problem: Problem) -> None:
        self.weighing, self.evidence = Weighing(problem, COARSE), dict[Setting, float]()

    def weighed(self, setting: Setting) -> float:
        if setting not in self.evidence:
            self.evidence[setting] = self.weighing.evidence(setting)
        return self.evidence[setting]


def climb(problem: Problem, start: Setting, edges: Iterable[float]) -> Climb:
    """Climb from a setting to the most likely one, one unknown after the other, by steps up or down its scale."""
    seen, best, edges = _Seen(problem), start, sorted(edges)
    for _ in range(TURNS):
        before = best
        for name in UNKNOWNS:
            best = _along(seen, best, name, start, edges)
        if best == before:
            break
    seen.weighed(replace(best, size=0.0))
    highest = max(seen.evidence.values())
    if highest == -np.inf:
        raise np.linalg.LinAlgError("no setting has a covariance that is positive")
    falling = sorted(seen.evidence.items(), key=lambda item: -item[1])[:MANY]
    near = tuple(one for one, value in falling if value > highest - CLOSE)
    return Climb(best, highest, near)


def _along(seen: _Seen, best: Setting, name: str, start: Setting, edges: list[float]) -> Setting:
    """Step up and down one scale as long as it becomes more likely."""
    for up in (True, False):
        while True:
            value = _next(getattr(best, name), name, getattr(start, name), edges, up=up)
            if value is None:
                break
            tried = replace(best, **{name: value})
            if seen.weighed(tried) <= seen.weighed(best):
                break
            best = tried
    return best


def _next(value: float, name: str, start: float, edges: list[float], *, up: bool) -> float | None:
    if name in {"size", "amplitude"}:
        step = DOUBLING if name == "size" else FOURFOLD
        moved = value * step if up else value / step
        return moved if LEAST * start <= moved <= MOST * start else None
    scale = {"ring": RINGS, "length": LENGTHS, "width": WIDTHS, "edge": edges}[name]
    beyond = [one for one in scale if (one > value if up else one < value)]
    if not beyond:
        return None
    return min(beyond) if up else max(beyond)
