"""Pulse times from the artifact itself: candidates by their steepness, a beat, and alignment to the sub-sample."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d
from scipy.signal import correlate

from emgkit.errors import NoPulsesError

__all__ = ["artifact_candidates"]

Array = NDArray[np.float64]

DEAD_TIME = 0.004  # s: two stimuli do not follow each other faster
HALF_WIDTH = 0.0015  # s: half the length of the template
STEEPNESS = 10.0  # of a candidate over the robust spread of the curvature
LIKENESS = 0.7  # share of a candidate that the shapes must make up, as a correlation
EXPLAINED, MOST_SHAPES = 0.95, 4  # of the energy of the strong candidates, by so many shapes at most
REGULAR = 0.02  # of an interval: largest typical deviation of intervals from whole beats
LEAST_PULSES = 5
SURE = 0.15  # of the strong candidates' strength, from which a pulse counts by itself
SHRINK = 0.5  # of the strength of the pulses next to it, from which a weaker pulse on the beat counts
MOST_MISSING = 4  # beats without a sure pulse before the stimulation counts as paused
BASELINE = 2.0  # s, over which the local spread of the curvature is taken


def artifact_candidates(
    signal: Array, fs: float, rate: float | None, threshold: float | None
) -> tuple[NDArray[np.int64], int]:
    """Find the pulses in the channel where the artifact is steepest.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V, missing samples NaN.
    fs : float
        Sampling rate, Hz.
    rate : float, optional
        Nominal pulse rate, Hz.
    threshold : float, optional
        Smallest peak-to-peak size of an artifact within 3 ms, V.

    Returns
    -------
    index : ndarray of int, shape (pulses,)
        Sample of the steepest place of every artifact.
    channel : int
        The channel used.

    Raises
    ------
    NoPulsesError
        If no regular, uniform, steep events stand out.
    """
    curved = np.stack([_curvature(row, fs) for row in signal])
    channel = int(np.argmax([_prominence(row) for row in curved]))
    row = curved[channel]
    strong = _peaks(row, fs, STEEPNESS)
    if strong.size < LEAST_PULSES:
        raise NoPulsesError(f"No stimulation artifact was found: {strong.size} steep events stand out of the EMG.")
    strong = _alike(row, strong, fs)
    beat = _beat(strong / fs, rate, fs)
    found = _all_pulses(row, strong, beat, fs)
    if threshold is not None:
        found = found[_sizes(signal[channel], found, fs) >= threshold]
    if found.size < LEAST_PULSES:
        raise NoPulsesError(f"Only {found.size} artifacts are alike and regular: that is no stimulation.")
    return found, channel


def _curvature(row: Array, fs: float) -> Array:
    """Second difference over its local robust spread: an artifact is steep, EMG and mains are smooth."""
    known = np.isfinite(row)
    filled = np.interp(np.arange(row.size), np.flatnonzero(known), row[known]) if known.any() else np.zeros(row.size)
    lag = max(1, round(fs * 2.5e-4))
    curved = np.zeros(row.size)
    curved[lag:-lag] = 2 * filled[lag:-lag] - filled[: -2 * lag] - filled[2 * lag :]
    return curved / _local_spread(curved, fs)


def _local_spread(curved: Array, fs: float) -> Array:
    """Robust spread over stretches of 2 s, at least a fifth of the median one; constant within a stretch."""
    width = max(int(BASELINE * fs), 16)
    count = max(curved.size // width, 1)
    pieces = np.array_split(np.abs(curved), count)
    spread = np.array([np.median(piece) for piece in pieces]) * 1.4826
    floor = max(0.2 * float(np.median(spread)), 1e-300)
    return np.repeat(np.maximum(spread, floor), [piece.size for piece in pieces])


def _prominence(row: Array) -> float:
    return float(np.sort(np.abs(row))[-max(row.size // 2000, 1)])


def _peaks(row: Array, fs: float, level: float) -> NDArray[np.int64]:
    size = np.abs(row)
    width = 2 * int(DEAD_TIME * fs / 2) + 1
    return np.flatnonzero((size >= level) & (size == maximum_filter1d(size, width)))


def _pieces(row: Array, index: NDArray[np.int64], fs: float) -> tuple[Array, NDArray[np.bool_]]:
    half = max(int(HALF_WIDTH * fs), 3)
    inside = (index >= half) & (index < row.size - half)
    return row[index[inside, np.newaxis] + np.arange(-half, half + 1)], inside


def _alike(row: Array, index: NDArray[np.int64], fs: float) -> NDArray[np.int64]:
    """Keep the candidates that look like the strong ones."""
    pieces, inside = _pieces(row, index, fs)
    strength = np.linalg.norm(pieces, axis=1)
    strong = pieces[np.argsort(strength)[-max(strength.size // 2, LEAST_PULSES) :]]
    likeness = np.linalg.norm(pieces @ _shapes(strong).T, axis=1) / np.maximum(strength, 1e-300)
    return index[inside][likeness >= LIKENESS]


def _shapes(pieces: Array) -> Array:
    """Orthogonal shapes that make up the artifacts: one waveform sampled at many phases is several of them."""
    norm = pieces / np.maximum(np.linalg.norm(pieces, axis=1, keepdims=True), 1e-300)
    _, sizes, shapes = np.linalg.svd(norm, full_matrices=False)
    share = np.cumsum(sizes**2) / np.sum(sizes**2)
    return shapes[: min(int(np.searchsorted(share, EXPLAINED)) + 1, MOST_SHAPES)]


def _beat(times: Array, rate: float | None, fs: float) -> float:
    """Find the interval that most candidates keep; raise if there is none."""
    intervals = np.diff(times)
    short = intervals[intervals < 1.5]
    if short.size < LEAST_PULSES - 1:
        raise NoPulsesError(f"The {times.size} steep events are too far apart to be a stimulation train.")
    period = _densest(short) if rate is None else 1 / rate
    near = short[np.abs(short / period - np.round(short / period)) <= 0.1]
    whole = np.maximum(np.round(near / period), 1)
    period = float(np.median(near / whole)) if near.size else period
    beats = np.maximum(np.round(short / period), 1)
    off = float(np.median(np.abs(short - beats * period)))
    if off > max(1.5 / fs, REGULAR * period) or np.mean(beats == 1) < 0.5 or near.size < 0.6 * short.size:
        raise NoPulsesError(
            f"The {times.size} steep events keep no beat (they lie {off * 1e3:.1f} ms off one of "
            f"{period * 1e3:.1f} ms): that is no stimulation, or give the trigger channel."
        )
    return period


def _densest(intervals: Array) -> float:
    """Interval around which most intervals lie, within 3 %."""
    ordered = np.sort(intervals)
    count = np.searchsorted(ordered, ordered * 1.03, side="right") - np.searchsorted(ordered, ordered * 0.97)
    best = int(np.argmax(count))
    near = ordered[np.abs(ordered - ordered[best]) <= 0.03 * ordered[best]]
    return float(np.median(near))


def _all_pulses(row: Array, strong: NDArray[np.int64], beat: float, fs: float) -> NDArray[np.int64]:
    """Match the template everywhere, and keep what is alike and either strong or on the beat of its neighbours."""
    pieces, _ = _pieces(row, strong, fs)
    shapes = _shapes(pieces)
    half = shapes.shape[1] // 2
    squares = [correlate(row, shape, mode="same", method="fft") ** 2 for shape in shapes]
    matched = np.sqrt(np.sum(squares, axis=0))
    energy = correlate(row**2, np.ones(shapes.shape[1]), mode="same", method="fft")
    power = np.sqrt(np.maximum(energy, 1e-12))
    spread = 1.4826 * float(np.median(np.abs(matched)))
    width = 2 * int(min(DEAD_TIME, beat / 3) * fs / 2) + 1
    peaks = np.flatnonzero((matched == maximum_filter1d(matched, width)) & (matched > 0))
    peaks = peaks[(peaks >= half) & (peaks < row.size - half // 2)]
    strength, likeness = matched[peaks] / spread, matched[peaks] / power[peaks]
    likely = (strength >= 2.5) & (likeness >= 0.5 * LIKENESS)
    sure = (strength >= max(5.0, SURE * float(np.quantile(matched[strong], 0.9)) / spread)) & (likeness >= LIKENESS)
    found = _on_beat(peaks[sure], strength[sure], beat * fs)
    found = _follow(found, peaks[likely], strength[likely], beat * fs)
    return _fill_gaps(found, peaks[likely], strength[likely], beat * fs)


def _follow(found: NDArray[np.int64], likely: NDArray[np.int64], strength: Array, beat: float) -> NDArray[np.int64]:
    """Follow the beat outwards from both ends of every train while the pulses shrink slowly, as in a ramp."""
    known = dict(zip(likely.tolist(), strength.tolist(), strict=True))
    added: list[int] = []
    for direction in (-1, 1):
        inner = np.diff(found).astype(float)
        gaps = np.append(inner, np.inf) if direction == 1 else np.insert(inner, 0, np.inf)
        for end in found[gaps > (MOST_MISSING + 1) * beat]:
            added += _walk(int(end), direction, known, likely, strength, beat)
    return np.unique(np.concatenate([found, np.array(added, dtype=np.int64)]))


def _walk(
    place: int, direction: int, known: dict[int, float], likely: NDArray[np.int64], strength: Array, beat: float
) -> list[int]:
    """Collect pulses from one end of a train; up to ``MOST_MISSING`` beats may be empty."""
    taken: list[int] = []
    recent, missed, step = [known.get(place, float(np.median(strength)))], 0, 1
    while missed <= MOST_MISSING:
        wanted = place + direction * step * beat
        near = np.flatnonzero(np.abs(likely - wanted) <= max(0.02 * beat, 1.5))
        best = near[np.argmax(strength[near])] if near.size else None
        if best is None or strength[best] < SHRINK * np.median(recent):
            missed, step = missed + 1, step + 1
            continue
        place, missed, step = int(likely[best]), 0, 1
        taken.append(place)
        recent = [*recent[-4:], float(strength[best])]
    return taken


def _fill_gaps(found: NDArray[np.int64], likely: NDArray[np.int64], strength: Array, beat: float) -> NDArray[np.int64]:
    """Add weaker pulses where the beat of the neighbours on both sides expects one."""
    added: list[int] = []
    for before, after in pairwise(found):
        count = round((after - before) / beat)
        for step in range(1, count if count <= MOST_MISSING else 1):
            wanted = before + step * (after - before) / count
            near = np.flatnonzero(np.abs(likely - wanted) <= max(0.02 * beat, 1.5))
            added += [int(likely[near[np.argmax(strength[near])]])] if near.size else []
    return np.sort(np.concatenate([found, np.array(added, dtype=np.int64)]))


def _on_beat(index: NDArray[np.int64], size: Array, beat: float) -> NDArray[np.int64]:
    """Keep the pulses that have a neighbour one or two beats away; weak ones off the beat are EMG."""
    keep = np.zeros(index.size, dtype=bool)
    for lag in (1, 2):
        for sign in (-1, 1):
            wanted = index + sign * lag * beat
            place = np.clip(np.searchsorted(index, wanted), 1, index.size - 1) if index.size > 1 else np.zeros(0, int)
            if not place.size:
                continue
            nearest = np.minimum(np.abs(index[place] - wanted), np.abs(index[place - 1] - wanted))
            keep |= nearest <= max(0.04 * beat, 2.0)
    kept = index[keep]
    return _strongest_per_beat(kept, size[keep], beat)


def _strongest_per_beat(index: NDArray[np.int64], size: Array, beat: float) -> NDArray[np.int64]:
    """Of events closer than half a beat keep the stronger one."""
    order = np.argsort(-size, kind="stable")
    taken = np.ones(index.size, dtype=bool)
    for row in order:
        if taken[row]:
            close = (np.abs(index - index[row]) < 0.5 * beat) & (size < size[row])
            taken[close] = False
    return index[taken]


def _sizes(row: Array, index: NDArray[np.int64], fs: float) -> Array:
    pieces, inside = _pieces(row, index, fs)
    sizes = np.zeros(index.size)
    sizes[inside] = np.ptp(pieces, axis=1)
    return sizes
