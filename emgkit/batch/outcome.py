"""`Outcome`: what became of one recording."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

__all__ = ["STATES", "Outcome"]

STATES = ("done", "skipped", "failed")


@dataclass(frozen=True)
class Outcome:
    """What became of one recording: a small record without arrays, so that any process can send it.

    Parameters
    ----------
    source : str
        Path of the recording.
    name : str
        Name of its results below the output folder, without ending.
    state : {"done", "skipped", "failed"}
        Measured now, finished before, or not possible.
    message : str
        Why it failed or was skipped, one line.
    kind : str
        Kind of the error; empty if there was none.
    internal : bool
        Whether the error is one that emgkit does not foresee.
    trace : str
        The traceback of such an error.
    seconds : float
        Time it took, s.
    counts : mapping of str to int
        What was found: channels, pulses, responses, windows.
    notes : tuple of str
        Warnings, one line each.
    """

    source: str
    name: str
    state: str
    message: str = ""
    kind: str = ""
    internal: bool = False
    trace: str = ""
    seconds: float = 0.0
    counts: tuple[tuple[str, int], ...] = ()
    notes: tuple[str, ...] = ()

    def as_record(self) -> dict[str, Any]:
        """Give plain values for JSON."""
        return {**asdict(self), "counts": dict(self.counts), "notes": list(self.notes)}
