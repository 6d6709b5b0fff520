"""Pulses that were given and did not come, and pulses that came and were not given: told by the artifact's edges."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from emgkit.artifact.base import since_and_until
from emgkit.artifact.spline_basis import DEGREE
from emgkit.artifact.spline_sizes import EARLY, LATE, Fitted, edge_sizes, resized, steady
from emgkit.pulses import Pulses

__all__ = ["corrected", "usual_sizes"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

ABSENT = 0.08  # of the size of the artifacts about it: a pulse that left less was not there, or did nothing
NEIGHBOURS = 11  # pulses, whose upper half tells the usual size about a pulse
SHARP = 0.005  # of the power of the artifact's steepest change, from which a change is looked at
APART = 0.0025  # s between changes that are looked at
LONGEST_GAP = 5.0  # usual intervals, within which pulses are lost
GAP = 1.5  # usual intervals, from which a pulse may be lost between two
GIVEN = 0.0015  # s: what is left so near to a pulse is of its own artifact, and no second pulse
GIVEN_SAMPLES = 4  # the same in samples: fewer are fitted by any artifact whose time and size are free
STEP, FINE_STEP = 10e-6, 1e-6  # s between the times that are tried, first and last
LARGEST = 3.0  # over the usual size
ALIKE = 0.7  # share of a change that the usual artifact must explain
VERY_ALIKE = 0.9  # the same where none is due, and EMG has as sharp changes
RARE = 0.1  # of the pulses, that such ones may be
SAMPLED = 3.5  # samples after the onset that such an artifact must have: fewer are like any EMG (1000 Hz)
SIZES, ABOUT = 2.0, 1.1  # times its own or the usual size that the artifact of a given pulse, or a lost one, may have
NEAREST, OTHER = 5, 0.3  # neighbours, and difference from their size from which a pulse's time is looked at
STEADY = 0.15  # of their size, that the middle half of the neighbours may differ by
BETTER = 0.2  # of what the artifact misses at the given time is left at a better one
FAR = 0.05  # share of an artifact that a fit misses, from which its time may be wrong
FARTHER = 3.0  # times the share that it misses of the neighbours: else the shape is wrong, as where places creep
LARGEST_MOVE, LEAST_MOVE = 0.0006, 30e-6  # s
ALONE = 0.02  # s between pulses, below which a response runs on in a gap and is none of another pulse
WHOLE, WHOLE_SAMPLES, MOST_GAPS = 0.03, 16, 40  # s and samples of a whole response, and gaps that are looked at
ROUGH_STEP = 100e-6  # s
BOUNDS = np.array([1 / SIZES, SIZES])  # of the usual size, for whole responses
MOST = 0.6  # of the pulses that may be wrong


def corrected(fitted: Fitted, fs: float, pulses: Pulses, absent_before: Array) -> tuple[Pulses, list[str]]:
    """Leave out pulses without an artifact among pulses with one, and put in pulses whose artifact was left.

    Parameters
    ----------
    fitted : Fitted
        To the pulses given.
    fs : float
        Hz.
    pulses : Pulses
        Of one stimulator, s from the first sample.
    absent_before : ndarray, shape (times,)
        Onsets that were left out in an earlier pass, s: what is found there again is a late response, and no pulse.

    Returns
    -------
    Pulses, list of str
        The pulses, and what was done; the very same pulses and nothing when all is well.
    """
    given, fitted = pulses, steady(fitted)
    sizes, misfit, steepest = edge_sizes(fitted)
    if steepest <= 0:
        return pulses, []
    absent = _absent(fitted)
    fitted = resized(fitted, np.clip(sizes, 0.0, LARGEST))
    moved = _moved(fitted, fs, misfit, np.array(pulses.onsets), sizes)
    absent &= moved == given.onsets
    pulses, far = replace(pulses, onsets=moved), int((moved != pulses.onsets).sum())
    kept = pulses.select(~absent)
    found = _found(fitted, fs, kept.onsets, usual_sizes(sizes)[~absent], steepest)
    away = np.abs(found - np.array(given.onsets)[:, np.newaxis])
    left = away[moved != given.onsets].min(axis=0, initial=1.0) <= LATE
    left |= away[absent].min(axis=0, initial=1.0) <= _nearest(fs)  # a small pulse that left something
    found = found[~left]
    found = np.union1d(found, _by_response(fitted, fs, np.union1d(kept.onsets, found)))
    found = found[np.abs(found - absent_before[:, np.newaxis]).min(axis=0, initial=1.0) > LEAST_MOVE]
    wrong = int(absent.sum()) + found.size
    if not (wrong or far) or wrong > MOST * len(pulses):
        return given, []
    said = []
    if wrong:
        gone = f"{int(absent.sum())} of {len(pulses)} given pulses left no artifact and were left out"
        more = f"{found.size} that were not given were put in"
        parts = [text for text, number in ((gone, absent.sum()), (more, found.size)) if number]
        said.append(f"{'; '.join(parts)}.")
    if far:
        said.append(f"{far} pulses came at another time than given, by more than {LEAST_MOVE * 1e6:.0f} µs.")
    return _with(kept, found), said


def _absent(fitted: Fitted) -> Mask:
    """Mark the pulses that left no artifact; where many did, the mean is smaller than those of the others are."""
    sizes, misfit, steepest = edge_sizes(fitted, varied=True)
    return np.asarray((sizes < ABSENT * usual_sizes(sizes)) & np.isfinite(misfit) & (steepest > 0))


def usual_sizes(sizes: Array) -> Array:
    """Size that is usual about every pulse: where every other one is absent, it is that of those that came."""
    from scipy.ndimage import percentile_filter

    return np.asarray(percentile_filter(sizes, 75, NEIGHBOURS, mode="nearest"))


def _far(misfit: Array) -> Mask:
    """Mark the pulses whose artifact is missed, and those of their neighbours are not."""
    from scipy.ndimage import median_filter

    usual = median_filter(np.nan_to_num(misfit), NEIGHBOURS, mode="nearest")
    return np.asarray(np.nan_to_num(misfit) > np.maximum(FAR, FARTHER * usual))


def _moved(fitted: Fitted, fs: float, misfit: Array, onsets: Array, sizes: Array) -> Array:
    """Give the times of all pulses, s: those that the fit misses where the usual artifact fits better."""
    from scipy.ndimage import median_filter, minimum_filter, percentile_filter

    out, design = onsets.copy(), fitted.design
    low, high = (percentile_filter(sizes, share, NEAREST, mode="nearest") for share in (25, 75))
    near = np.maximum(median_filter(sizes, NEAREST, mode="nearest"), 0.0)
    other = np.abs(sizes - near) > OTHER * near  # with few samples on the edges another time looks like another size
    bounds = np.stack([np.clip(sizes, 0.0, near) / SIZES, near * SIZES], axis=1)
    bounds[other] = near[other, np.newaxis] * [1 / ABOUT, ABOUT]
    judged = minimum_filter(np.isfinite(misfit), NEAREST, mode="nearest")
    alike = judged & (high - low < STEADY * near)  # a ramp changes artifacts' shapes, too
    for pulse in np.flatnonzero((_far(misfit) | other) & alike):
        rows = design.pulse == pulse
        first = max(int(np.ceil((onsets[pulse] + EARLY - LARGEST_MOVE) * fs)), 0)
        seen = fitted.rest[:, first : int((onsets[pulse] + 2 * LATE) * fs) + 2].copy()
        mine = rows & (design.samples >= first) & (design.samples < first + seen.shape[1])
        seen[:, design.samples[mine] - first] += fitted.waves[:, mine]
        tried = onsets[pulse] + np.arange(-LARGEST_MOVE, LARGEST_MOVE, STEP)
        side = fitted.polarity_of(int(pulse))
        rough, _ = _best(fitted, np.diff(seen, axis=1), first, fs, tried, bounds[pulse], side)
        tried = rough + np.arange(-STEP, STEP, FINE_STEP)
        found, share = _best(fitted, np.diff(seen, axis=1), first, fs, tried, bounds[pulse], side)
        _, given = _best(fitted, np.diff(seen, axis=1), first, fs, onsets[[pulse]], bounds[pulse], side)
        if share > ALIKE and 1 - share < BETTER * (1 - given) and abs(found - onsets[pulse]) > LEAST_MOVE:
            out[pulse] = found
    return out if (np.diff(out) > 0).all() else onsets


def _found(fitted: Fitted, fs: float, onsets: Array, usual: Array, steepest: float) -> Array:
    """Give the times of pulses that were not given, s."""
    change = (np.diff(fitted.rest, axis=1) ** 2).sum(axis=0)
    places = np.flatnonzero(change > SHARP * steepest)
    most = MOST * onsets.size
    taken = np.array(_sharpest(places, change, fs, most))
    due = taken
    if taken.size > most:  # small artifacts under much EMG: where a pulse is due, and elsewhere what is no EMG
        due = np.array(_sharpest(places[_in_gaps(places / fs, onsets)], change, fs, most))
        if due.size > most:
            return np.array([])
        taken = np.concatenate([due, taken if fs * LATE >= SAMPLED else taken[:0]])
    bounds = usual[np.clip(np.searchsorted(onsets, taken), 0, onsets.size - 1), np.newaxis] * [1 / ABOUT, ABOUT]
    tried = np.array([_time_of(fitted, fs, *both) for both in zip(taken, bounds, strict=True)]).reshape(-1, 2)
    alike = tried[:, 1] > np.where(np.arange(taken.size) < due.size, ALIKE, VERY_ALIKE)
    if alike[due.size :].sum() > RARE * onsets.size:  # they are another stimulator's
        alike[due.size :] = False
    found = np.unique(tried[alike, 0])
    since, until = since_and_until(found, onsets)
    # what a train leaves after its last pulse looks like a response, and is none of another pulse
    within = np.maximum(since, until) < LONGEST_GAP * float(np.median(np.diff(onsets)))
    near = _nearest(fs)
    apart = np.diff(found, prepend=-np.inf)
    return found[within & (np.minimum(since, until) > near) & (apart > near)]


def _nearest(fs: float) -> float:
    """Time from a pulse, s, within which what is left is its own."""
    return max(GIVEN, GIVEN_SAMPLES / fs)


def _by_response(fitted: Fitted, fs: float, onsets: Array) -> Array:
    """Give the times of pulses in gaps whose whole response is there, s: artifacts may hide between two samples."""
    gaps = np.diff(onsets)
    usual = float(np.median(gaps))
    if usual < ALONE:
        return np.zeros(0)
    wide = np.flatnonzero((gaps > GAP * usual) & (gaps < LONGEST_GAP * usual))
    spans = [(onsets[place] + usual / 2, onsets[place + 1] - usual / 2) for place in wide[:MOST_GAPS]]
    spans += [(onsets[0] - GAP * usual, onsets[0] - usual / 2), (onsets[-1] + usual / 2, onsets[-1] + GAP * usual)]
    until = min(usual, float(fitted.design.knots[-1]), WHOLE)
    found = []
    for begin, end in spans:
        first, last = max(int(begin * fs), 0), min(int((end + until) * fs) + 2, fitted.rest.shape[1])
        if last - first < WHOLE_SAMPLES or begin < 0:
            continue
        seen = np.diff(fitted.rest[:, first:last], axis=1)
        tried = np.arange(begin, min(end, (last - 2) / fs - until), ROUGH_STEP)
        for step in (ROUGH_STEP, STEP, FINE_STEP) if tried.size else ():
            best, share = max(
                (_best(fitted, seen, first, fs, tried, BOUNDS, side, until) for side in fitted.polarities),
                key=lambda one: one[1],
            )
            tried = best + np.arange(-step, step, step / 10)
        if tried.size and share > ALIKE:
            found.append(best)
    return np.array(found)


def _sharpest(places: NDArray[np.int64], change: Array, fs: float, most: float) -> list[float]:
    """Give the times of the sharpest changes that lie apart from each other, s: one more than the most, if so many."""
    taken: list[float] = []
    for place in places[np.argsort(-change[places], kind="stable")]:
        time = float(place) / fs
        if np.abs(np.array(taken) - time).min(initial=np.inf) > APART:
            taken.append(time)
        if len(taken) > most:
            break
    return taken


def _in_gaps(times: Array, onsets: Array) -> Mask:
    """Mark times between pulses that lie farther apart than usual, within a train, and away from either's artifact."""
    gaps = np.concatenate([[0.0], np.diff(onsets), [0.0]])[np.searchsorted(onsets, times)]
    usual = float(np.median(np.diff(onsets)))
    away = np.minimum(*since_and_until(times, onsets)) > LATE
    return np.asarray(away & (gaps > GAP * usual) & (gaps < LONGEST_GAP * usual))


def _time_of(fitted: Fitted, fs: float, time: float, bounds: Array) -> tuple[float, float]:
    """Time of the pulse whose artifact, of a size within bounds, explains the change at a time, s, and its share."""
    low = max(int(np.floor((time - LATE) * fs)), 0)
    high = min(int(np.ceil((time + LATE) * fs)) + 2, fitted.rest.shape[1])
    seen = np.diff(fitted.rest[:, low:high], axis=1)
    found = []
    for side in fitted.polarities:
        rough, _ = _best(fitted, seen, low, fs, np.arange(time - LATE, time - EARLY, STEP), bounds, side)
        found.append(_best(fitted, seen, low, fs, rough + np.arange(-STEP, STEP, FINE_STEP), bounds, side))
    return max(found, key=lambda one: one[1])


def _best(
    fitted: Fitted, seen: Array, low: int, fs: float, tried: Array, bounds: Array, side: float, until: float = LATE
) -> tuple[float, float]:
    """Of the times tried the one at which the usual artifact explains most, and the share that it explains there."""
    phase = (low + np.arange(seen.shape[1] + 1)) / fs - tried[:, np.newaxis]
    knots = fitted.design.knots
    inside = (phase >= knots[0]) & (phase < min(until, knots[-1]))
    mean = fitted.mean + side * fitted.turning
    waves = np.zeros((*phase.shape, len(mean)))
    waves[inside] = BSpline(knots, mean.T, DEGREE)(phase[inside])
    both = inside[:, 1:] & inside[:, :-1]
    steps = np.diff(waves, axis=1) * both[:, :, np.newaxis]
    match, power = np.einsum("sic,ci->s", steps, seen), np.maximum((steps**2).sum(axis=(1, 2)), 1e-300)
    sizes = np.clip(match / power, *bounds)
    explained = 2 * sizes * match - sizes**2 * power
    best = int(np.argmax(explained))
    return float(tried[best]), float(explained[best] / max(float(both[best] @ (seen**2).sum(axis=0)), 1e-300))


def _with(kept: Pulses, found: Array) -> Pulses:
    """Put pulses in; train, stimulator, current and width are those of the pulse before."""
    if not found.size:
        return kept
    onsets = np.concatenate([kept.onsets, found])
    order = np.argsort(onsets, kind="stable")
    source = np.clip(np.searchsorted(kept.onsets, found) - 1, 0, None)
    places = np.concatenate([np.arange(len(kept)), source])[order]
    return replace(
        kept,
        onsets=onsets[order],
        train=kept.train[places],
        stimulator=kept.stimulator[places],
        current=None if kept.current is None else kept.current[places],
        width=None if kept.width is None else kept.width[places],
        errors=None,
    )
