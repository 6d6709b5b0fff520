"""What is found of the later pulses of groups: when each came, and which of those given did not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_basis import PhaseDesign
from emgkit.artifact.spline_pulse import EARLY, LATE, estimate_changes
from emgkit.artifact.spline_pulses_given import usual_sizes
from emgkit.artifact.spline_sizes import Fitted, edge_sizes
from emgkit.artifact.spline_units import Later

__all__ = ["LaterSeen", "follow_later", "without_absent"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LOST = 0.3  # of the size of the artifacts about it: the response to the first pulse lies under it; unverified


@dataclass(frozen=True, eq=False)
class LaterSeen(FrozenValue):
    """Where later pulses stand, and the response there.

    Parameters
    ----------
    later : Later
        As placed so far.
    design : PhaseDesign
        Samples of every group.
    coefficients : callable
        From the number of a channel to its response at every group, V, (groups, size).
    """

    later: Later
    design: PhaseDesign
    coefficients: Callable[[int], Array]


def follow_later(place: LaterSeen, seen: Callable[[PhaseDesign], Array], known: Mask) -> Later:
    """Estimate the shift of every later pulse from what the fit leaves about it, as of the first ones.

    Parameters
    ----------
    place : LaterSeen
    seen : callable
        From a design to the target at its rows, V, (channels, rows).
    known : ndarray of bool, shape (channels, samples)
        Samples that were measured.
    """
    moved = place.later
    for number, lag in enumerate(moved.lags):
        near = place.design.near(lag + EARLY, lag + LATE)
        waves, slopes = near.waves_and_slopes(place.coefficients, len(known))
        rest = seen(near) - waves
        changes = estimate_changes(_since(near, lag), rest, waves, slopes, known[:, near.samples])
        moved = moved.moved(changes.shift, number)
    return moved


def without_absent(place: LaterSeen, fitted: Fitted) -> tuple[Later, list[str]]:
    """Leave out later pulses that were given and left no artifact.

    Parameters
    ----------
    place : LaterSeen
    fitted : Fitted
        What the fit leaves, and the mean response of all groups.

    Returns
    -------
    Later, list of str
        Those that came, and what was done; the very same and nothing when all is well.
    """
    later = place.later
    missing = later.missing | _absent(place, fitted)
    gone = int(missing.sum() - later.missing.sum())
    if not gone:
        return later, []
    return replace(later, missing=missing), [f"{gone} given later pulses of groups left no artifact and were left out."]


def _absent(place: LaterSeen, fitted: Fitted) -> Mask:
    """Mark later pulses without an artifact, (groups, later), by what the mean response of all groups leaves there."""
    absent = np.zeros(place.later.missing.shape, dtype=bool)
    for number, lag in enumerate(place.later.lags):
        near, rest = place.design.near(lag + EARLY, lag + LATE), fitted.rest.copy()
        waves = np.stack([near.evaluate_mean(mean) for mean in fitted.mean])
        for channel, row in enumerate(rest):
            row[near.samples] += near.evaluate(place.coefficients(channel)) - waves[channel]
        sizes, missed, steepest = edge_sizes(replace(fitted, design=_since(near, lag), rest=rest, waves=waves))
        told = np.isfinite(missed) & (steepest > 0)  # others have the sizes of neighbours, which may be absent
        absent[:, number] = told & (sizes < LOST * usual_sizes(sizes))
    return absent


def _since(near: PhaseDesign, lag: float) -> PhaseDesign:
    """Give a design with the time since a later pulse."""
    return replace(near, phase=near.phase - lag)
