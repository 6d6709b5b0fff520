"""What ``emgkit inspect --setup`` prints: whether a set-up can work, and what to change."""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from emgkit.cli.console import console, say, table

if TYPE_CHECKING:
    from emgkit.artifact.setup_check import SetupCheck

__all__ = ["print_setup", "setup_record"]

NO_PULSES = (
    "Set-up: no pulses were found, so nothing can be said. Record about a minute with the stimulator on; name the "
    "trigger channel with --trigger."
)
WORDS = {"good": "good", "care": "with care", "bad": "BAD"}
QUESTIONS = {
    "rails": "clipping",
    "blanking": "amplifier blanking",
    "losses": "lost samples",
    "tail": "artifact under M-wave",
    "overlap": "overlapping responses",
    "mains": "mains",
    "timing": "pulse times",
    "pulses": "number of pulses",
    "level": "smallest effort",
    "sampling": "sampling rate",
}


def print_setup(setup: SetupCheck | None) -> None:
    """Print verdict, findings, advice and recordings for people."""
    from rich.markup import escape

    if setup is None:
        say(NO_PULSES, style="yellow")
        return
    shown = console()
    rows = [[QUESTIONS[one.name], WORDS[one.grade], one.seen] for one in setup.findings]
    shown.print(table(f"Set-up: {setup.verdict}", ["question", "", "what was seen"], rows, left=3))
    advice = [f"{QUESTIONS[one.name]}: {one.advice}" for one in setup.findings if one.advice]
    for title, lines in (("What to change", advice), ("What to record besides", setup.recordings)):
        if lines:
            shown.print(f"[bold]{title}[/bold]")
            for line in lines:
                shown.print(f"  - {escape(line)}", highlight=False)


def setup_record(setup: SetupCheck | None) -> dict[str, Any] | None:
    """Give the same for machines; None without pulses."""
    if setup is None:
        return None
    return {
        "grade": setup.grade,
        "verdict": setup.verdict,
        "findings": [
            {"name": one.name, "grade": one.grade, "seen": one.seen, "advice": one.advice} for one in setup.findings
        ],
        "recordings": list(setup.recordings),
        "smallest_level_v": [value if isfinite(value) else None for value in setup.smallest],
    }
