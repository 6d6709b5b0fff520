"""The benchmark as files: every row as CSV, the answers as JSON, the tables for the documentation."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from emgkit.benchmark.goals import all_asked
from emgkit.benchmark.running import Row
from emgkit.benchmark.scores import SCORES
from emgkit.benchmark.standings import Standings
from emgkit.benchmark.tables import TextTable

DERIVED = ("behind_reference", "m_nrmse_unsaid")  # from other columns

__all__ = ["answers", "write_csv", "write_json", "write_rst"]


def write_csv(path: Path, rows: Sequence[Row]) -> None:
    """Write one line per case, seed and method; the unit of every score stands in brackets in the header."""
    scores = [name for name in SCORES if name not in DERIVED]
    titles = [
        "case",
        "seed",
        "method",
        "kind",
        "tuned",
        "settings",
        *(f"{name} [{SCORES[name].unit}]" for name in scores),
    ]
    with path.open("w", newline="", encoding="utf-8") as file:
        out = csv.writer(file, lineterminator="\n")
        out.writerow([*titles, "speed [samples/s]", "missing because"])
        for row in sorted(rows, key=lambda one: (one.case, one.seed, one.kind, one.method, one.tuned)):
            values = [_short(row.scores.values.get(name, np.nan)) for name in scores]
            reasons = "; ".join(f"{name}: {reason}" for name, reason in row.scores.reasons.items())
            start = [row.case, row.seed, row.method, row.kind, row.tuned, json.dumps(dict(row.settings))]
            out.writerow([*start, *values, _short(row.speed), reasons])


def _short(value: float) -> str:
    return f"{value:.6g}" if np.isfinite(value) else ""


def answers(standings: Standings, about: Mapping[str, Any]) -> dict[str, Any]:
    """Give the answers as plain values, missing ones as None."""
    found = [standings.standing(name) for name in standings.cases]
    cases = [
        {
            "case": one.case.name,
            "what": one.case.what,
            "group": one.case.group,
            "verdict": one.verdict,
            **{name: getattr(one, name) for name in ("bound", "ceiling", "lead", "lead_low", "lead_high")},
            **{
                name: None if getattr(one, name) is None else asdict(getattr(one, name))
                for name in ("auto", "own", "simple", "peer", "tuned_peer")
            },
        }
        for one in found
    ]
    goals = [
        {
            **asdict(one.goal),
            "case": one.case,
            "median": one.median,
            "worst": one.worst,
            "met": one.met if one.ran else None,
        }
        for one in all_asked(standings)
    ]
    plain: dict[str, Any] = _plain({**about, "cases": cases, "goals": goals})
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, (float, np.floating)):
        return float(f"{value:.6g}") if np.isfinite(value) else None
    return value


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write answers."""
    path.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def write_rst(path: Path, tables: Sequence[TextTable], about: str) -> None:
    """Write tables for the documentation, with a sentence about the run above them."""
    parts = [
        f".. written by emgkit benchmark: do not edit\n\n{about}\n",
        *(_rst(table) for table in tables if table.rows),
    ]
    path.write_text("\n".join(parts), encoding="utf-8")


def _rst(table: TextTable) -> str:
    lines = [f".. csv-table:: {table.title}", "   :class: benchmark", "   :header-rows: 1", ""]
    cells = [table.header, *table.rows]
    lines += ["   " + ",".join(f'"{_escaped(cell)}"' for cell in row) for row in cells]
    return "\n".join([*lines, ""])


def _escaped(cell: str) -> str:
    return cell.replace('"', '""').replace("*", "\\*").replace("|", "\\|") or " "
