"""Trends, changes and comparisons as tables of a results file: one row per answer and channel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import h5py
import numpy as np

from emgkit.io.hdf5_tables import read_columns
from emgkit.tables import Change, Comparison, Trend

NUMBERED = ("fresh", "fatigued", "change")


def answer_rows(answers: Sequence[Any], row_of: Callable[[Any, int], dict[str, Any]]) -> dict[str, list[Any]]:
    """Turn answers into columns: one row per answer and channel."""
    rows = [
        {"question": number, "channel": channel, **row_of(answer, place)}
        for number, answer in enumerate(answers)
        for place, channel in enumerate(answer.channel_names)
    ]
    return {name: [row[name] for row in rows] for name in rows[0]} if rows else {}


def trend_row(trend: Trend, place: int) -> dict[str, Any]:
    """One channel of a trend."""
    row: dict[str, Any] = {name: getattr(trend, name) for name in ("feature", "unit", "kind", "method")}
    for name in ("slope", "normalised_slope"):
        low, high = getattr(trend, f"{name}_interval")[place]
        row |= {name: getattr(trend, name)[place], f"{name}_low": low, f"{name}_high": high}
    row |= {name: getattr(trend, name) for name in ("level", "t_start", "t_stop")}
    return row | {"intercept": trend.intercept[place], "n": trend.n[place], "reason": trend.reasons[place]}


def change_row(change: Change, place: int) -> dict[str, Any]:
    """One channel of a change."""
    row: dict[str, Any] = {name: getattr(change, name) for name in ("feature", "unit", "kind", "level")}
    for name in NUMBERED:
        low, high = getattr(change, f"{name}_interval")[place]
        row |= {name: getattr(change, name)[place], f"{name}_low": low, f"{name}_high": high}
    row |= {name: getattr(change, name)[place] for name in ("n_fresh", "n_fatigued")}
    return row | {"reason": change.reasons[place]}


def comparison_row(comparison: Comparison, place: int) -> dict[str, Any]:
    """One channel of a comparison."""
    a = {f"a_{name}": value for name, value in change_row(comparison.a, place).items()}
    b = {f"b_{name}": value for name, value in change_row(comparison.b, place).items()}
    low, high = comparison.difference_interval[place]
    own = {"difference": comparison.difference[place], "difference_low": low, "difference_high": high}
    return a | b | own | {"level": comparison.level}


def rows_by_question(group: h5py.Group) -> list[dict[str, Any]]:
    """Split a table of answers: one dictionary of columns per answer."""
    columns = read_columns(group)
    if not columns:
        return []
    question = np.asarray(columns["question"])
    split = []
    for number in dict.fromkeys(question.tolist()):
        own = np.flatnonzero(question == number)
        split.append({name: [values[row] for row in own] for name, values in columns.items()})
    return split


def make_trend(columns: dict[str, Any]) -> Trend:
    """Make a trend of its rows."""
    stated: dict[str, Any] = {
        name: columns[name][0] for name in ("feature", "unit", "kind", "method", "level", "t_start", "t_stop")
    }
    plain: dict[str, Any] = {name: np.array(columns[name]) for name in ("slope", "intercept", "normalised_slope", "n")}
    pairs: dict[str, Any] = {f"{name}_interval": _pair(columns, name) for name in ("slope", "normalised_slope")}
    return Trend(channel_names=tuple(columns["channel"]), reasons=tuple(columns["reason"]), **stated, **plain, **pairs)


def make_change(columns: dict[str, Any], prefix: str = "") -> Change:
    """Make a change of its rows."""
    own = {name.removeprefix(prefix): values for name, values in columns.items() if name.startswith(prefix)}
    stated: dict[str, Any] = {name: own[name][0] for name in ("feature", "unit", "kind", "level")}
    plain: dict[str, Any] = {name: np.array(own[name]) for name in (*NUMBERED, "n_fresh", "n_fatigued")}
    pairs: dict[str, Any] = {f"{name}_interval": _pair(own, name) for name in NUMBERED}
    return Change(channel_names=tuple(columns["channel"]), reasons=tuple(own["reason"]), **stated, **plain, **pairs)


def make_comparison(columns: dict[str, Any]) -> Comparison:
    """Make a comparison of its rows."""
    return Comparison(
        make_change(columns, "a_"),
        make_change(columns, "b_"),
        np.array(columns["difference"]),
        _pair(columns, "difference"),
        float(columns["level"][0]),
    )


def _pair(columns: dict[str, Any], name: str) -> Any:
    return np.stack([np.array(columns[f"{name}_low"]), np.array(columns[f"{name}_high"])], axis=1)
