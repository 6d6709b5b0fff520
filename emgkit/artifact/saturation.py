"""Find samples at the limit of amplifier or converter, before anything else is done with them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt
from emgkit.recording import Recording
from emgkit.step import Step

__all__ = ["mark_saturation", "saturated"]

Array = NDArray[np.float64]

LEAST_AT_LIMIT = 3  # samples at an extreme value before it can be a rail
CROWDING = 5.0  # samples at the rail over those expected there from the tail of the distribution
STEP_NAME = "mark_saturation"


def mark_saturation(recording: Recording) -> Recording:
    """Mark the samples at which amplifier or converter was at its limit.

    A signal that is free to move visits its extreme value about once; a clipped one stays there. Per channel and
    side, the extreme value is a rail when at least three samples lie on it and either two of them follow each other
    or they are far more than the tail of the signal's own distribution lets expect.

    Parameters
    ----------
    recording : Recording
        As measured.

    Returns
    -------
    Recording
        The same signal; `valid` is False at the rails. A second call changes nothing.

    Notes
    -----
    Rails are looked for at one exact value per side (within half a step of the converter). A first stage that
    saturates *before* a high-pass leaves no flat top and is not found here.
    """
    if any(step.name == STEP_NAME for step in recording.history):
        return recording
    found = np.stack([saturated(row, ok) for row, ok in zip(recording.signal, recording.valid, strict=True)])
    counts = found.sum(axis=1).tolist()
    step = Step(STEP_NAME, {"saturated_samples": dict(zip(recording.channel_names, counts, strict=True))})
    valid = adopt(recording.valid & ~found) if found.any() else None
    return recording.with_signal(adopt(recording.signal), valid=valid, step=step)


def saturated(row: Array, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the samples of one channel that lie on a rail, shape (samples,)."""
    found = np.zeros(row.size, dtype=bool)
    known = row[valid]
    if known.size < 10 or known.min() == known.max():
        return found
    quantum = _quantum(known)  # the same on both sides
    for sign in (1.0, -1.0):
        found |= valid & _at_rail(sign * row, sign * known, quantum)
    return found


def _at_rail(row: Array, known: Array, quantum: float) -> NDArray[np.bool_]:
    top = known.max()
    tolerance = 0.5 * quantum + 1e-12 * abs(top)
    at_top = row >= top - tolerance
    count = int(np.count_nonzero(at_top))
    if count < LEAST_AT_LIMIT or not _is_crowded(known, top, tolerance, count):
        return np.zeros(row.size, dtype=bool)
    return np.asarray(at_top)


def _quantum(known: Array) -> float:
    """Smallest step between values, 0 if the values are as good as continuous."""
    values = np.unique(known)
    steps = np.diff(values)
    steps = steps[steps > 1e-12 * np.abs(values).max()]
    if steps.size == 0 or values.size > 0.5 * known.size:
        return 0.0
    return float(steps.min())


def _is_crowded(known: Array, top: float, tolerance: float, count: int) -> bool:
    """Compare the samples on the extreme value with those in the same width just below it."""
    reach = max(0.02 * float(np.ptp(known)), 4 * tolerance)
    below = int(np.count_nonzero((known < top - tolerance) & (known >= top - tolerance - reach)))
    width = max(2 * tolerance, 1e-3 * reach)
    expected = below * width / reach
    return count > CROWDING * max(expected, 0.5)
