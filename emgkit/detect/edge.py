"""Where the stimulus begins in the waveform of its artifact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from emgkit.detect.between import edge_between
from emgkit.detect.course import course_before
from emgkit.detect.fit import Fit
from emgkit.detect.waveform import POINTS, Index, bands, design, project, solve, table

__all__ = ["channel_edges", "leading_edge"]

Array = NDArray[np.float64]

AHEAD = 0.0015  # s before the sharpest place, where the artifact may begin, and 1.5 samples
LATE, LATE_SAMPLES = 0.001, 3  # s and samples earlier still: a steep filter of low corner delays its sharpest place so
CLEAR = 0.2  # of the pulses that must have no other so shortly before, or about them
APART = (-0.003, 0.004)  # s about a pulse without others
LARGE = 0.3  # of the largest lobe until the sharpest place: the first such lobe is the stimulus
SEEN = 0.15  # of it after rest, where all pulses lie at one place between two samples: both may miss most of a lobe
MEDIAN = 1.2533  # its standard error over that of a mean
STILL = 0.1, 0.13  # of the largest change, within which the waveform rests before the stimulus, and a sample earlier
LEVELS = ((0.05, 0.2, 1.8), (0.1, 0.5, 1.3))  # of its height, and how far the line through both places goes back


def leading_edge(signal: Array, fit: Fit, others: Array | None = None) -> float:
    """Time of the leading edge of the stimulus in the fitted waveform, s.

    A filtered edge leaves the baseline slowly. The line through the places where the first large lobe reaches 5 and
    20 % (10 and 50 %) of its height is followed back by 1.8 (1.3) times their distance; the mean of both is the edge.
    The factors make the edge right within 0.15 ms for rectangular pulses of 0.1 to 0.5 ms, of one or two phases,
    behind most Bessel filters and Butterworth filters of orders up to 4. Steeper ones begin so slowly that the edge is
    found late, by 0.2 ms in the median and 1 ms at worst (corner of 300 Hz) behind Butterworth filters of orders 5 to
    8. The rise hardly tells: behind two filters, levels within 5 µs of each other may follow edges 0.15 ms apart.
    Where all pulses lie at one place between two samples, it is right to a part of a sample (`edge_between`).

    The sharpest place may lie some milliseconds after the edge, behind steep filters or where phases are long. So the
    waveform is followed back from it until it rests, as far as no pulse before disturbs. Where a response runs on under
    the stimulus, its smooth course is taken away (`course_before`).

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V.
    fit : Fit
        Of the same channels.
    others : ndarray, optional
        Times of pulses that are not in the fit, as of other stimulators, s.

    Returns
    -------
    float
        Median over the channels, weighted by how large the artifact is over its misfit, s after ``fit.times``.
    """
    edges, strength = channel_edges(signal, fit, others)
    order = np.argsort(edges)
    share = np.cumsum(strength[order]) / strength.sum()
    return float(edges[order][np.searchsorted(share, 0.5)])


def channel_edges(signal: Array, fit: Fit, others: Array | None = None) -> tuple[Array, Array]:
    """Give the edge of every channel by itself, s after ``fit.times``, and its artifact over its misfit."""
    others = np.sort(np.zeros(0) if others is None else others)
    alone = np.searchsorted(others, fit.times + APART[0]) == np.searchsorted(others, fit.times + APART[1])
    trust = fit.trust * alone if alone.mean() > CLEAR else fit.trust
    earlier, clear = _earlier(fit, trust, others)
    index = np.clip(fit.index[:, :1] + np.arange(-earlier, fit.index.shape[1]), 0, signal.shape[1] - 1)
    steps = np.diff(signal, prepend=signal[:, :1], axis=1)[:, index]
    gain = fit.size * (1 + fit.deviation)
    places, sharp = _one_place(fit, fit.samples, gain, fit.index) if fit.span.coarse else _held(fit, fit.coefficients)
    peaks = places[np.argmax(np.abs(sharp), axis=1)]
    time, waves = (
        _one_place(fit, steps, gain, index) if fit.span.coarse else _waveforms(fit, steps, gain, trust * clear, index)
    )
    strength = np.ptp(sharp, axis=1) * np.median(gain, axis=1) / np.sqrt(fit.noise)
    noise = _noise(steps / gain[..., np.newaxis]) if fit.span.coarse else np.zeros(len(waves))
    rows = zip(waves, peaks, noise, strict=True)
    return np.array([_edge(wave, peak, time, fit, earlier, error) for wave, peak, error in rows]), strength


def _earlier(fit: Fit, trust: Array, others: Array) -> tuple[int, Array]:
    """How many samples more to look back, and at which pulses, so that what the one before left does not disturb."""
    more = int(np.ceil(LATE * fit.span.fs + LATE_SAMPLES))
    reach = fit.span.before + fit.span.after + more / fit.span.fs
    every = np.sort(np.concatenate([fit.times, others]))
    clear = np.searchsorted(every, fit.times) == np.searchsorted(every, fit.times - reach)
    usual = not fit.span.coarse or bool(clear.all())  # one place has a median, without weights
    enough = usual and float(trust @ clear) > CLEAR * float(trust.sum())
    return (more, clear.astype(np.float64)) if enough else (0, np.ones(clear.size))


def _held(fit: Fit, coefficients: Array, before: float | None = None) -> tuple[Array, Array]:
    """Waveforms, where the samples hold them: at the end of the spline they do not."""
    span = fit.span if before is None else fit.span.since(before)
    waves, step = table(coefficients, span)
    time: Array = span.low + step * np.arange(waves.shape[1], dtype=np.float64)
    inside = (time >= -span.before) & (time <= span.after - 1.5 / span.fs)
    return time[inside], waves[:, inside]


def _waveforms(fit: Fit, steps: Array, gain: Array, trust: Array, index: Index) -> tuple[Array, Array]:
    before = fit.span.before + (index.shape[1] - fit.index.shape[1]) / fit.span.fs
    span = fit.span.since(before)
    first, values = design(index / span.fs - fit.times[:, np.newaxis], span)
    rows = []
    for samples, sizes in zip(steps, gain, strict=True):
        weight = np.outer(sizes**2 * trust, np.ones(samples.shape[1]))
        right = samples * (sizes * trust)[:, np.newaxis]
        rows.append(solve(bands(first, values, weight, span.size), project(first, values, right, span.size)))
    return _held(fit, np.stack(rows), before)


def _one_place(fit: Fit, samples: Array, gain: Array, index: Index) -> tuple[Array, Array]:
    """All pulses lie at one place between two samples: nothing is known between these."""
    since = np.median(index / fit.span.fs - fit.times[:, np.newaxis], axis=0)
    time = since[0] + np.arange(POINTS * (since.size - 1) + 1) / (POINTS * fit.span.fs)
    mean = np.median(samples / gain[..., np.newaxis], axis=1)
    return np.asarray(time, dtype=np.float64), np.asarray(PchipInterpolator(since, mean, axis=1)(time))


def _noise(samples: Array) -> Array:
    """Give the standard error of the median over the pulses, per channel."""
    off = np.abs(samples - np.median(samples, axis=1, keepdims=True))
    return np.asarray(MEDIAN * 1.4826 * np.median(off, axis=(1, 2)) / np.sqrt(samples.shape[1]))


def _edge(wave: Array, sharpest: float, time: Array, fit: Fit, earlier: int, noise: float) -> float:
    peak = int(np.argmin(np.abs(time - sharpest)))
    begin, quiet, rests = _begin(wave, peak, time, fit.span.fs, earlier)
    rise, course = wave - np.median(wave[begin : begin + quiet]), None
    if not (fit.span.coarse and rests):  # a parabola would follow the line from one sample to the next
        course = course_before(wave, peak, fit.span.fs, fit.slow and not fit.span.coarse)
    if course is not None:
        rise, begin = wave - course[0], course[1]
    large = SEEN if fit.span.coarse and course is None else LARGE
    place = _beginning(rise, begin, peak, large, noise if fit.span.coarse else None)
    return float(time[0] + place * (time[1] - time[0]))


def _beginning(rise: Array, begin: int, peak: int, large: float, noise: float | None) -> float:
    """Where the first large lobe begins, in points."""
    head = np.abs(rise[begin : peak + 1])
    first = begin + int(np.argmax(head >= large * head.max()))
    lobe = rise * np.sign(rise[first])
    if noise is not None:
        return edge_between(lobe, first, noise)
    lobe, first = lobe[begin:], first - begin
    falls = np.flatnonzero(lobe[first:] < 0)
    top = first + int(np.argmax(lobe[first : first + int(falls[0])] if falls.size else lobe[first:]))
    edges = []
    for low, high, back in LEVELS:
        near, far = (_crossing(lobe[: top + 1], level * lobe[top]) for level in (low, high))
        edges.append(near - back * (far - near))
    return begin + float(np.mean(edges))


def _begin(wave: Array, peak: int, time: Array, fs: float, earlier: int) -> tuple[int, int, bool]:
    """Where to look from, as late as the waveform rests there, for how many points, and whether it does."""
    usual = int(np.searchsorted(time, max(time[peak] - AHEAD - 1.5 / fs, time[0] + earlier / fs)))
    usual = min(usual, peak)
    rest = max((peak - usual) // 4, 2)
    step = max(round(1 / (fs * (time[1] - time[0]))), 1)
    begins = range(usual, -1, -step)
    levels = [wave[begin : begin + rest] for begin in begins]
    largest = [
        np.abs(wave[begin : peak + 1] - np.median(level)).max() for begin, level in zip(begins, levels, strict=True)
    ]
    moves = np.array([np.ptp(level) for level in levels]) / np.maximum(largest, 1e-300)
    rests = moves <= STILL[0]
    rests[:-1] &= moves[1:] <= STILL[1]  # a lobe may be flat for less than a sample
    return (begins[int(np.argmax(rests))] if rests.any() else usual), rest, bool(rests.any())


def _crossing(lobe: Array, level: float) -> float:
    """Last place before the top where the lobe rises through a level, in points."""
    below = np.flatnonzero(lobe < level)
    if not below.size:
        return 0.0
    last = int(below[-1])
    return last + float((level - lobe[last]) / max(lobe[min(last + 1, lobe.size - 1)] - lobe[last], 1e-300))
