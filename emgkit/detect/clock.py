"""The stimulator's clock: a straight line through the pulse times, and what does not lie on it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.pulses import Clock, Pulses

__all__ = ["audit", "count_beats", "fit_clock"]

Array = NDArray[np.float64]

OFF_BEAT = 0.2  # of an interval: a pulse farther from the beat is an extra one
PPM_PER_UNIT = 1e6


def fit_clock(
    onsets: Array, train: NDArray[np.int64], nominal: float | None = None, jitter: float | None = None
) -> Clock | None:
    """Fit one interval to all trains, with a start of its own for each.

    Parameters
    ----------
    onsets : ndarray, shape (pulses,)
        s.
    train : ndarray of int, shape (pulses,)
        Train of each pulse.
    nominal : float, optional
        The rate that was set, Hz.
    jitter : float, optional
        SD of the pulses about the clock where it is known better than from the times, which hold errors as well.

    Returns
    -------
    Clock or None
        None with fewer than three pulses in any train.
    """
    groups = [onsets[train == number] for number in np.unique(train)]
    groups = [group for group in groups if group.size >= 3]
    if not groups:
        return None
    period = float(np.median(np.concatenate([np.diff(group) for group in groups])))
    for _ in range(3):
        beats = [_beats(group, period) for group in groups]
        period = _common_period(groups, beats, period)
    rests = [_residual(group, beat, period) for group, beat in zip(groups, beats, strict=True)]
    on_beat = [np.abs(rest) <= OFF_BEAT * period for rest in rests]
    kept = np.concatenate([rest[on] for rest, on in zip(rests, on_beat, strict=True)])
    missing = [_missing(group[on], beat[on], period) for group, beat, on in zip(groups, beats, on_beat, strict=True)]
    extra = [group[~on] for group, on in zip(groups, on_beat, strict=True)]
    ppm = float("nan") if nominal is None else (1 / period / nominal - 1) * PPM_PER_UNIT
    return Clock(
        rate=1 / period,
        ppm=ppm,
        jitter=float(np.sqrt(np.mean(kept**2))) if jitter is None or np.isnan(jitter) else jitter,
        missing=np.concatenate(missing),
        extra=np.concatenate(extra),
        nominal=nominal,
        model="one straight line per train with a common interval",
    )


def count_beats(onsets: Array, train: NDArray[np.int64]) -> Array:
    """Count the beats of the median interval within every train, shape (pulses,)."""
    within = np.diff(onsets)[np.diff(train) == 0]
    period = float(np.median(within)) if within.size else 1.0
    beats = np.zeros(onsets.size)
    for number in np.unique(train):
        own = train == number
        beats[own] = _beats(onsets[own], period)
    return beats


def _beats(group: Array, period: float) -> Array:
    """Count the beats from pulse to pulse, so that an error of the period does not add up."""
    return np.concatenate([[0.0], np.cumsum(np.round(np.diff(group) / period))])


def _common_period(groups: list[Array], beats: list[Array], period: float) -> float:
    top = bottom = 0.0
    for group, beat in zip(groups, beats, strict=True):
        usable = np.abs(_residual(group, beat, period)) <= OFF_BEAT * period
        if np.count_nonzero(usable) < 2:
            continue
        count = beat[usable] - beat[usable].mean()
        top += float(count @ group[usable])
        bottom += float(count @ count)
    return top / bottom if bottom > 0 else period


def _residual(group: Array, beat: Array, period: float) -> Array:
    rest = group - beat * period
    return rest - np.median(rest)


def _missing(group: Array, beat: Array, period: float) -> Array:
    gaps = np.flatnonzero(np.diff(beat) > 1)
    return np.concatenate(
        [np.zeros(0), *(group[row] + period * np.arange(1, beat[row + 1] - beat[row]) for row in gaps)]
    )


def audit(pulses: Pulses) -> str:
    """Say in words how many pulses there are and how good their clock is.

    Parameters
    ----------
    pulses : Pulses
        As detected.

    Returns
    -------
    str
        A few lines: the trains; rate, ppm, jitter; missing and extra pulses with their first times.
    """
    lines = [repr(pulses)]
    clock = pulses.clock
    if clock is None:
        return "\n".join([*lines, "  clock: too few pulses in a train to fit one"])
    for word, times in (("missing", clock.missing), ("extra", clock.extra)):
        listed = ", ".join(f"{time:.3f} s" for time in times[:5]) + (" ..." if times.size > 5 else "")
        lines += [f"  {word}: {times.size}" + (f" ({listed})" if times.size else "")]
    if pulses.offset:
        lines += [f"  {pulses.offset * 1e6:+.0f} µs were added to the times of the {pulses.time_source}"]
    return "\n".join(lines)
