"""What the times of the pulses, and their current, say beforehand of how the response may change."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emgkit.pulses import Pulses

__all__ = ["LONGEST", "is_regular", "recovery_courses", "usual_interval", "varying_current"]

Array = NDArray[np.float64]

LONGEST = 0.1  # s: support of a response unless the next pulse comes sooner
IRREGULAR = 0.02  # relative: intervals that differ more cannot be taken as one period
MOSTLY = 0.7  # of the intervals must be one period
RECOVERY = (0.0, 0.003, 0.008, 0.015)  # s between excitations: refractory, late, supernormal; unverified
FEWEST_SOON = 10  # pulses
SOON, RARE = 0.018, 0.04  # s, and share of the pulses: rare pulses so soon after another have a response of their own
CURRENT_VARIES = 0.02  # relative SD of the current from which it is a course of its own


def usual_interval(pulses: Pulses) -> float:
    """Usual interval within trains, s; among irregular pulses one that few are shorter than."""
    within = pulses.intervals[np.diff(pulses.train) == 0]
    if not within.size:
        return LONGEST
    return float(np.median(within) if is_regular(pulses) else np.quantile(within, 0.05))


def is_regular(pulses: Pulses) -> bool:
    """Tell whether most intervals within trains are alike."""
    within = pulses.intervals[np.diff(pulses.train) == 0]
    usual = float(np.median(within)) if within.size else 1.0
    return bool(not within.size or (np.abs(within - usual) <= IRREGULAR * usual).mean() > MOSTLY)


def varying_current(pulses: Pulses) -> Array | None:
    """Give the current over its mean, (pulses,), where it is known and varies."""
    if pulses.current is None or not np.isfinite(pulses.current).all():
        return None
    current = np.array(pulses.current)
    mean = float(current.mean())
    if mean <= 0 or float(current.std()) < CURRENT_VARIES * mean:
        return None
    return current / mean


def recovery_courses(own: Array, every: Array) -> list[Array]:
    """Pulses soon after or before another one, of any stimulator: axons are refractory, and volleys meet."""
    times = np.concatenate([[-np.inf], every, [np.inf]])
    since = own - times[np.searchsorted(every, own, side="left")]
    until = times[np.searchsorted(every, own, side="right") + 1] - own
    classes = [
        ((gap >= low) & (gap < high)).astype(float) for gap in (since, until) for low, high in pairwise(RECOVERY)
    ]
    soon = np.flatnonzero(since < min(SOON, 0.8 * float(np.median(since))))
    alone = [(np.arange(own.size) == pulse).astype(float) for pulse in soon] if soon.size < RARE * own.size else []
    return alone + [course for course in classes if FEWEST_SOON <= course.sum() <= own.size - FEWEST_SOON]
