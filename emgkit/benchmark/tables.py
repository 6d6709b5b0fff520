"""The benchmark as tables of text: the same ones for the terminal and for the documentation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from emgkit.benchmark.contestants import AUTO
from emgkit.benchmark.goals import Asked, all_asked
from emgkit.benchmark.running import MAIN_SCORE
from emgkit.benchmark.scores import SCORES
from emgkit.benchmark.speed import Speed
from emgkit.benchmark.standings import Entry, Standing, Standings

__all__ = [
    "TextTable",
    "evoked_table",
    "goals_table",
    "matrix_table",
    "scores_table",
    "speed_table",
    "voluntary_table",
    "who_table",
]


@dataclass(frozen=True)
class TextTable:
    """A table: title, header, rows of text, and how many columns on the left hold words."""

    title: str
    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    words: int = 1


def number(value: float, digits: int = 1) -> str:
    """Write a number with so many decimals; a missing one as a dash."""
    return f"{value:.{digits}f}" if np.isfinite(value) else "–"


def voluntary_table(standings: Standings, *, full: bool = False) -> TextTable:
    """Output SNR of voluntary EMG on usable samples, dB: medians over the seeds.

    ``full`` adds what does not fit into a terminal.
    """
    found = _of_group(standings, "voluntary")
    header = ("case", "goal", "bound", "ceiling", AUTO, "worst", "peer", "peer*", "lead", "")
    rows = [
        (
            one.case.name,
            number(one.case.goal, 0),
            number(one.bound),
            number(one.ceiling),
            *_auto(one),
            _median(one.peer),
            _median(one.tuned_peer),
            number(one.lead),
            one.verdict,
        )
        for one in found
    ]
    title = "Voluntary EMG: output SNR on usable samples, dB"
    return _finished(title, header, rows, found, full=full)


def evoked_table(standings: Standings, *, full: bool = False) -> TextTable:
    """Error of the M-wave, %: medians over the seeds; smaller is better."""
    found = _of_group(standings, "evoked")
    header = ("case", AUTO, "worst", "simple*", "peer", "peer*", "times better", "")
    rows = [
        (
            one.case.name,
            *_auto(one),
            _median(one.simple),
            _median(one.peer),
            _median(one.tuned_peer),
            number(one.lead),
            one.verdict,
        )
        for one in found
    ]
    return _finished("M-wave: NRMSE 3 to 25 ms after the pulse, %", header, rows, found, full=full)


def who_table(standings: Standings) -> TextTable:
    """Say which method is the best of its kind in every case, by the median over the seeds."""
    found = [standings.standing(name) for name in standings.cases]
    rows = [(one.case.name, _named(one.own), _named(one.simple), _named(one.tuned_peer)) for one in found]
    header = ("case", "best of emgkit", "best simple", "best peer, tuned")
    return TextTable("Who is best (dB, for M-waves %)", header, tuple(rows))


def _of_group(standings: Standings, group: str) -> list[Standing]:
    found = [standings.standing(name) for name in standings.cases]
    return [one for one in found if one.case.group == group]


def _auto(one: Standing) -> tuple[str, str]:
    return ("–", "–") if one.auto is None else (number(one.auto.median), number(one.auto.worst))


def _median(entry: Entry | None) -> str:
    return "–" if entry is None else number(entry.median)


def _named(entry: Entry | None) -> str:
    return "–" if entry is None else f"{entry.label} {number(entry.median)}"


def _finished(
    title: str, header: tuple[str, ...], rows: Sequence[tuple[str, ...]], found: Sequence[Standing], *, full: bool
) -> TextTable:
    """Add what a page has room for: the names of the best, the interval of the lead, and what each case is."""
    if not full:
        return TextTable(title, header, tuple(rows))
    more = [
        (
            f"{number(one.lead_low)} … {number(one.lead_high)}",
            *(_named(entry) for entry in (one.own, one.simple, one.peer, one.tuned_peer)),
            one.case.times,
            one.case.what,
        )
        for one in found
    ]
    names = ("90 % of lead", "best of emgkit", "best simple", "best peer", "best peer, tuned", "times", "what")
    wide = tuple((*row, *extra) for row, extra in zip(rows, more, strict=True))
    return TextTable(title, (*header, *names), wide)


def goals_table(standings: Standings, *, full: bool = True) -> TextTable:
    """List what was asked of ``auto``, and what it reached; without ``full`` only what it did not reach."""
    asked = all_asked(standings)
    run = [one for one in asked if one.ran]
    left = f", {len(asked) - len(run)} not run" if len(run) < len(asked) else ""
    left += "" if full else "; not:"
    return TextTable(
        f"Goals of {AUTO}: {sum(one.met for one in run)} of {len(run)} met by the median{left}",
        ("case", "score", "asked", "median", "worst", "unit", "met"),
        tuple(_asked_row(one) for one in asked if full or (one.ran and not one.met)),
        words=2,
    )


def _asked_row(one: Asked) -> tuple[str, ...]:
    sign = {"at least": "≥", "at most": "≤", "magnitude at most": "± "}[one.goal.sense]
    numbers = (f"{sign}{one.goal.value:g}", number(one.median, 2), number(one.worst, 2))
    met = ("yes" if one.met else "NO") if one.ran else "not run"
    return (one.case, one.goal.score, *numbers, SCORES[one.goal.score].unit, met)


def scores_table() -> TextTable:
    """List all scores with their units."""
    rows = tuple((name, score.unit, score.what) for name, score in SCORES.items())
    return TextTable("Scores in benchmark.csv", ("score", "unit", "what it is"), rows)


def speed_table(speeds: Sequence[Speed]) -> TextTable:
    """Speed on one core and peak memory over the signal's size."""
    rows = tuple((one.method, number(one.rate / 1e6, 2), number(one.memory, 1), one.reason) for one in speeds)
    header = ("method", "Msamples/s", "memory / signal", "")
    return TextTable("Speed on one core, default settings", header, rows)


def matrix_table(standings: Standings, group: str) -> TextTable:
    """List the main score of every method in every case of a group: medians over the seeds."""
    cases = [name for name in standings.cases if standings.standing(name).case.group == group]
    columns: list[tuple[str, bool]] = []
    for name in cases:
        columns += [one[:2] for one in standings.methods(name) if one[:2] not in columns]
    rows = []
    for name in cases:
        entries = [standings.entry(name, method, tuned) for method, tuned in columns]
        rows.append((name, *(number(one.median if one else np.nan) for one in entries)))
    score = SCORES[MAIN_SCORE[group]]
    header = ("case", *(f"{method}*" if tuned else method for method, tuned in columns))
    return TextTable(f"All methods, {group}: {score.what}, {score.unit}", header, tuple(rows))
