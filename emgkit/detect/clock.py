"""The stimulator's clock: straight, drifting slowly, or none; and what does not lie on it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from emgkit.pulses import Clock, Pulses

__all__ = ["Fitted", "audit", "count_beats", "fit_clock", "fit_lines"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

OFF_BEAT = 0.2  # of an interval: a pulse farther from the beat is an extra one
IRREGULAR = 0.05  # of an interval, RMS: pulses that scatter more keep no beat
BENDS = (1, 2, 4, 8)  # pieces of a slow drift that are tried
FEWEST_PER_BEND = 12  # pulses for every further unknown of a slow drift
FIXED = 5e-4  # s, SD of a delay that is called fixed
LEAST_DRIFT = 2e-5  # s: less may be the measurement's
CLEAR = 6.0  # by which a drift must lower the information criterion
PPM_PER_UNIT = 1e6
LINE = "one straight line per train with a common interval"
DRIFT = "a straight line per train and one slow drift"
NONE = "per pulse: the intervals follow no clock"


@dataclass(frozen=True, eq=False)
class Fitted:
    """Where a clock expects the pulses.

    Parameters
    ----------
    period : float
        s.
    expected : ndarray, shape (pulses,)
        s.
    beats : ndarray, shape (pulses,)
        Number of the beat within the train.
    on_beat : ndarray of bool, shape (pulses,)
    drift : float
        Largest departure of the slow drift from a straight line, s; 0 for none.
    scatter : float
        RMS of the pulses on the beat about the clock, s.
    model : str
        In words.
    """

    period: float
    expected: Array
    beats: Array
    on_beat: NDArray[np.bool_]
    drift: float
    scatter: float
    model: str


def fit_clock(
    onsets: Array,
    train: Index,
    nominal: float | None = None,
    *,
    jitter: float | None = None,
    errors: Array | None = None,
) -> Clock | None:
    """Fit one interval to all trains, with a start of its own for each, and a slow drift if the evidence is clear.

    Of several pulses at one beat, as of doublets, the others are extra; irregular pulses have none missing or extra.

    Parameters
    ----------
    onsets : ndarray, shape (pulses,)
        s.
    train : ndarray of int, shape (pulses,)
        Train of each pulse.
    nominal : float, optional
        The rate that was set, Hz.
    jitter : float, optional
        SD of the pulses about the clock where it is known better than from the times, which hold errors as well, s.
    errors : ndarray, shape (pulses,), optional
        Standard errors of the onsets, s; taken from the scatter unless ``jitter`` is given.

    Returns
    -------
    Clock or None
        None with fewer than three pulses in any train.
    """
    fitted = fit_lines(onsets, train)
    if fitted is None:
        return None
    error = float("nan") if errors is None or not errors.size else float(np.sqrt(np.mean(errors**2)))
    if jitter is None or np.isnan(jitter):
        noise = 0.0 if np.isnan(error) else error
        jitter = float(np.sqrt(max(fitted.scatter**2 - noise**2, 0.0)))
    return Clock(
        rate=1 / fitted.period,
        ppm=float("nan") if nominal is None else (1 / fitted.period / nominal - 1) * PPM_PER_UNIT,
        jitter=jitter,
        missing=np.zeros(0) if fitted.model == NONE else _missing(fitted, train),
        extra=np.zeros(0) if fitted.model == NONE else onsets[~fitted.on_beat],
        nominal=nominal,
        model=fitted.model,
        drift=fitted.drift,
        error=error,
    )


def fit_lines(onsets: Array, train: Index, *, drifts: bool = True) -> Fitted | None:
    """Fit straight lines with a common interval to trains, and a slow drift, if wanted and the evidence is clear."""
    sizes = np.bincount(np.unique(train, return_inverse=True)[1])
    if not onsets.size or sizes.max() < 3:
        return None
    beats = count_beats(onsets, train)
    period = _interval(onsets, train)
    on_beat = _nearest(onsets, train, beats)
    for _ in range(3):
        period, expected = _lines(onsets, train, beats, on_beat, period)
        off = np.abs(onsets - expected)
        on_beat = (off <= OFF_BEAT * period) & _nearest(off, train, beats)
    if on_beat.sum() < 3:
        on_beat = np.ones(onsets.size, dtype=bool)
    drift = _drift(onsets - expected, onsets, on_beat) if drifts else np.zeros(onsets.size)
    expected = expected + drift
    scatter = float(np.sqrt(np.mean((onsets - expected)[on_beat] ** 2)))
    largest = float(np.abs(drift).max())
    model = NONE if scatter > IRREGULAR * period else DRIFT if largest else LINE
    return Fitted(period, expected, beats, on_beat, largest, scatter, model)


def _nearest(distance: Array, train: Index, beats: Array) -> NDArray[np.bool_]:
    """Mark the pulse of every beat with the smallest distance."""
    order = np.lexsort((distance, beats, train))
    first = np.ones(order.size, dtype=bool)
    first[1:] = (np.diff(train[order]) != 0) | (np.diff(beats[order]) != 0)
    out = np.zeros(order.size, dtype=bool)
    out[order] = first
    return out


def count_beats(onsets: Array, train: Index) -> Array:
    """Count the beats of the median interval within every train, shape (pulses,)."""
    period = _interval(onsets, train)
    beats = np.zeros(onsets.size)
    for number in np.unique(train):
        own = train == number
        beats[own] = _beats(onsets[own], period)
    return beats


def _interval(onsets: Array, train: Index) -> float:
    within = np.diff(onsets)[np.diff(train) == 0]
    return float(np.median(within)) if within.size else 1.0


def _beats(group: Array, period: float) -> Array:
    """Count from pulse to pulse on the beat, so that an error of the period does not add up."""
    beats, last, count = np.zeros(group.size), group[0], 0.0
    for number in range(1, group.size):
        step = (group[number] - last) / period
        beats[number] = count + np.round(step)
        if abs(step - np.round(step)) <= OFF_BEAT and np.round(step) >= 1:
            last, count = group[number], beats[number]
    return beats


def _lines(onsets: Array, train: Index, beats: Array, on_beat: NDArray[np.bool_], period: float) -> tuple[float, Array]:
    """Least squares with a common slope and one start per train; starts are medians."""
    top = bottom = 0.0
    groups = [train == number for number in np.unique(train)]
    for own in groups:
        used = own & on_beat
        if used.sum() >= 2:
            count = beats[used] - beats[used].mean()
            top += float(count @ onsets[used])
            bottom += float(count @ count)
    period = top / bottom if bottom > 0 else period
    expected = period * beats
    for own in groups:
        used = own & on_beat if (own & on_beat).any() else own
        rest = (onsets - expected)[used]
        middle = np.median(rest)
        expected[own] += middle + np.mean((rest - middle)[np.abs(rest - middle) <= OFF_BEAT * period])
    return period, expected


def _drift(rest: Array, onsets: Array, on_beat: NDArray[np.bool_]) -> Array:
    """Fit smooth curves of rising freedom; take the one with the lowest Bayesian information criterion, or none."""
    used = on_beat
    count = int(used.sum())
    best, lowest = np.zeros(rest.size), count * np.log(np.mean(rest[used] ** 2) + 1e-24) - CLEAR
    time = (onsets - onsets[0]) / max(float(onsets[-1] - onsets[0]), 1e-12)
    for pieces in BENDS:
        unknowns = pieces + 3
        if count < FEWEST_PER_BEND * unknowns:
            break
        knots = np.concatenate([np.zeros(3), np.linspace(0, 1, pieces + 1), np.ones(3)])
        columns = BSpline.design_matrix(np.clip(time, 0, 1 - 1e-12), knots, 3).toarray()
        curve = columns @ np.linalg.lstsq(columns[used], rest[used], rcond=None)[0]
        power = np.mean((rest - curve)[used] ** 2) + 1e-24
        criterion = count * np.log(power) + (unknowns - 2) * np.log(count)
        if criterion < lowest:
            best, lowest = curve, criterion
    return best if np.abs(best).max() >= LEAST_DRIFT else np.zeros(rest.size)


def _missing(fitted: Fitted, train: Index) -> Array:
    """Give the times of the beats without a pulse."""
    gaps = []
    for number in np.unique(train):
        own = (train == number) & fitted.on_beat
        beats, expected = fitted.beats[own], fitted.expected[own]
        every = np.arange(beats[0], beats[-1] + 1) if beats.size else np.zeros(0)
        absent = np.setdiff1d(every, beats)
        gaps.append(np.interp(absent, beats, expected) if absent.size else np.zeros(0))
    return np.concatenate(gaps)


def audit(pulses: Pulses) -> str:
    """Say in words how many pulses there are, how good their clock is, and how the source relates to the edge.

    Parameters
    ----------
    pulses : Pulses
        As detected.

    Returns
    -------
    str
        A few lines: the trains; rate, ppm, jitter; missing and extra pulses with their first times; offset and delay.
    """
    lines = [repr(pulses)]
    clock = pulses.clock
    if clock is None:
        lines.append("  clock: too few pulses in a train to fit one")
    else:
        lines += _clock_lines(clock)
    if pulses.offset:
        lines += [f"  {pulses.offset * 1e6:+.0f} µs were added to the times of the {pulses.time_source}"]
    if np.isfinite(pulses.delay_jitter):
        kind = "fixed" if pulses.delay_jitter <= FIXED else "jittering"
        spread = f"SD {pulses.delay_jitter * 1e3:.2g} ms"
        lines += [f"  trigger to pulse: {pulses.delay * 1e3:.4g} ms, {kind} ({spread})"]
    return "\n".join(lines)


def _clock_lines(clock: Clock) -> list[str]:
    lines = [f"  model: {clock.model}"] if clock.model else []
    if clock.drift:
        lines += [f"  slow drift: up to {clock.drift * 1e6:.3g} µs from the straight line"]
    if np.isfinite(clock.error):
        lines += [f"  standard error of one pulse: {clock.error * 1e6:.2g} µs"]
    for word, times in (("missing", clock.missing), ("extra", clock.extra)):
        listed = ", ".join(f"{time:.3f} s" for time in times[:5]) + (" ..." if times.size > 5 else "")
        lines += [f"  {word}: {times.size}" + (f" ({listed})" if times.size else "")]
    return lines
