"""Grades held against the truth: how often each grade goes with which error."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import numpy as np

from emgkit import _text
from emgkit.artifact.separate import separate
from emgkit.benchmark.graded_errors import true_errors
from emgkit.benchmark.short_sessions import short_case
from emgkit.errors import EmgkitError, EmgkitWarning
from emgkit.grades import GRADES, USES

__all__ = ["Confusion", "GradedCase", "grade_sessions"]


@dataclass(frozen=True)
class GradedCase:
    """One channel of one recording, for one use.

    Parameters
    ----------
    seed, channel : int
        Which recording and channel.
    use : str
        One of `emgkit.grades.USES`.
    grade : str
        What was said without the truth.
    expected : float
        Relative error that was expected.
    error : float
        True relative error.
    """

    seed: int
    channel: int
    use: str
    grade: str
    expected: float
    error: float

    @property
    def kept(self) -> bool:
        """Whether the error is within the limit that "good" promises."""
        return self.error <= USES[self.use].limit


@dataclass(frozen=True, repr=False)
class Confusion:
    """Graded cases; channels of one recording count apart although they share the artifact.

    Parameters
    ----------
    cases : tuple of GradedCase
        All of them.
    left_out : mapping of int to str
        Seeds of the recordings that have no grades, and why: no pulses found, refused, or a fault.
    """

    cases: tuple[GradedCase, ...]
    left_out: Mapping[int, str] = field(default_factory=dict)

    def count(self, grade: str, use: str | None = None, *, kept: bool | None = None) -> int:
        """Count the cases of a grade, of one use or all, within or beyond the limit or both."""
        chosen = [one for one in self.cases if one.grade == grade and use in (None, one.use)]
        return sum(kept is None or one.kept is kept for one in chosen)

    def share(self, grade: str) -> float:
        """Share of the cases that have a grade."""
        return self.count(grade) / max(len(self.cases), 1)

    @property
    def kept(self) -> float:
        """Share of the cases graded good whose error is within the limit; NaN without any."""
        good = self.count("good")
        return self.count("good", kept=True) / good if good else float("nan")

    @property
    def broken(self) -> list[GradedCase]:
        """Cases graded good whose error is beyond the limit, worst first."""
        return sorted((one for one in self.cases if one.grade == "good" and not one.kept), key=lambda one: -one.error)

    def __repr__(self) -> str:
        rows = [
            [f"{use} {grade}", *(str(self.count(grade, use, kept=kept)) for kept in (True, False))]
            for use in USES
            for grade in GRADES
        ]
        kept = f"{100 * self.kept:.1f} % of the good ones keep the limit"
        title = f"Grades of {len(self.cases)} cases against the truth: {kept}"
        notes = [f"recording {seed} left out: {reason}" for seed, reason in self.left_out.items()]
        return _text.table_text(title, ["use and grade", "within limit", "beyond"], rows, notes)


def grade_sessions(seeds: Iterable[int], *, benign: bool = False, method: str = "auto") -> Confusion:
    """Simulate short recordings with random conditions, separate and grade them, and compare with the truth.

    Parameters
    ----------
    seeds : iterable of int
        One recording each.
    benign : bool
        Ordinary recordings only, see `emgkit.benchmark.short_sessions.short_case`.
    method : str
        Method of `separate`.

    Notes
    -----
    Recordings in which no pulses can be found, that the method refuses, or whose equations it cannot solve, have no
    grades; they are listed in `Confusion.left_out`.
    """
    cases: list[GradedCase] = []
    left_out: dict[int, str] = {}
    for seed in seeds:
        planning, playing = np.random.default_rng(seed).spawn(2)
        case = short_case(planning, benign=benign)
        simulation = case.make(playing)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", EmgkitWarning)  # what is warned of is graded all the same
                separation = separate(simulation.recording, case.pulses(simulation), method)
        except (EmgkitError, np.linalg.LinAlgError) as reason:
            left_out[seed] = f"{type(reason).__name__}: {reason}"
            continue
        errors = true_errors(simulation, separation)
        for use, grades in separation.grades.items():
            cases += [
                GradedCase(seed, channel, use, one.grade, one.error, float(errors[use][channel]))
                for channel, one in enumerate(grades)
            ]
    return Confusion(tuple(cases), left_out)
