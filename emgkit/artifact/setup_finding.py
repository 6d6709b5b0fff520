"""One answer of `check_setup`."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["GRADES", "Finding", "worst_of"]

GRADES = ("good", "care", "bad")


@dataclass(frozen=True)
class Finding:
    """What was seen about one question.

    Parameters
    ----------
    name : str
        The question: rails, blanking, losses, tail, overlap, mains, timing, pulses, level or sampling.
    grade : {"good", "care", "bad"}
        Whether the set-up can work so.
    seen : str
        What was seen, one sentence.
    advice : str
        What to change; "" for nothing.
    """

    name: str
    grade: str
    seen: str
    advice: str = ""


def worst_of(*findings: Finding) -> Finding:
    """Give the first of the worst grade, rather one with advice."""
    return max(findings, key=lambda one: (GRADES.index(one.grade), one.advice != ""))
