"""Where the stimulus begins in the waveform of its artifact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import PchipInterpolator

from emgkit.detect.fit import Fit
from emgkit.detect.waveform import POINTS, bands, project, solve, table

__all__ = ["leading_edge"]

Array = NDArray[np.float64]

AHEAD = 0.0015  # s before the sharpest place, where the artifact may begin, and 1.5 samples
LARGE = 0.3  # of the largest lobe until the sharpest place: the first such lobe is the stimulus
LEVELS = ((0.05, 0.2, 1.8), (0.1, 0.5, 1.3))  # of its height, and how far the line through both places goes back


def leading_edge(signal: Array, fit: Fit, alone: NDArray[np.bool_] | None = None) -> float:
    """Time of the leading edge of the stimulus in the fitted waveform, s.

    A filtered edge leaves the baseline slowly. The line through the places where the first large lobe reaches 5 and
    20 % (10 and 50 %) of its height is followed back by 1.8 (1.3) times their distance; the mean of both is the edge.
    The factors make the edge right within 50 µs for rectangular pulses of 0.2 to 1 ms, of one or two phases, behind
    Bessel, Butterworth and elliptic filters of orders 4 to 8 from 425 Hz on.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V.
    fit : Fit
        Of the same channels.
    alone : ndarray of bool, shape (pulses,), optional
        Pulses that no other stimulator disturbs; all unless given.

    Returns
    -------
    float
        Median over the channels, weighted by how large the artifact is over its misfit, s after ``fit.times``.
    """
    steps = np.diff(signal, prepend=signal[:, :1], axis=1)[:, fit.index]
    gain = fit.size * (1 + fit.deviation)
    trust = fit.trust if alone is None else fit.trust * alone
    time, waves, sharp = _one_place(fit, steps, gain) if fit.span.coarse else _waveforms(fit, steps, gain, trust)
    strength = np.ptp(sharp, axis=1) * np.median(gain, axis=1) / np.sqrt(fit.noise)
    edges = np.array(
        [_edge(wave, row, time, AHEAD + 1.5 / fit.span.fs) for wave, row in zip(waves, sharp, strict=True)]
    )
    order = np.argsort(edges)
    share = np.cumsum(strength[order]) / strength.sum()
    return float(edges[order][np.searchsorted(share, 0.5)])


def _waveforms(fit: Fit, steps: Array, gain: Array, trust: Array) -> tuple[Array, Array, Array]:
    rows = [_waveform(fit, steps[row], gain[row], trust) for row in range(len(gain))]
    waves, step = table(np.stack(rows), fit.span)
    sharp, _ = table(fit.coefficients, fit.span)
    time: Array = fit.span.low + step * np.arange(waves.shape[1], dtype=np.float64)
    inside = (time >= -fit.span.before) & (time <= fit.span.after - 1.5 / fit.span.fs)  # later it is not held
    return time[inside], waves[:, inside], sharp[:, inside]


def _one_place(fit: Fit, steps: Array, gain: Array) -> tuple[Array, Array, Array]:
    """All pulses lie at one place between two samples: nothing is known between these."""
    since = np.median(fit.clock - fit.times[:, np.newaxis], axis=0)
    time = np.arange(since[0], since[-1], 1 / (POINTS * fit.span.fs))
    sizes = gain[..., np.newaxis]
    waves, sharp = (
        PchipInterpolator(since, np.median(samples / sizes, axis=1), axis=1)(time) for samples in (steps, fit.samples)
    )
    return np.asarray(time, dtype=np.float64), waves, sharp


def _waveform(fit: Fit, samples: Array, gain: Array, trust: Array) -> Array:
    weight = np.outer(gain**2 * trust, np.ones(samples.shape[1]))
    right = samples * (gain * trust)[:, np.newaxis]
    size = fit.span.size
    return solve(bands(fit.first, fit.values, weight, size), project(fit.first, fit.values, right, size))


def _edge(wave: Array, sharp: Array, time: Array, ahead: float) -> float:
    peak = int(np.argmax(np.abs(sharp)))
    begin = int(np.searchsorted(time, time[peak] - ahead))
    rise = wave[begin:] - np.median(wave[begin : begin + max((peak - begin) // 4, 2)])
    head = np.abs(rise[: peak - begin + 1])
    first = int(np.argmax(head >= LARGE * head.max()))
    lobe = rise * np.sign(rise[first])
    falls = np.flatnonzero(lobe[first:] < 0)
    top = first + int(np.argmax(lobe[first : first + int(falls[0])] if falls.size else lobe[first:]))
    edges = []
    for low, high, back in LEVELS:
        near, far = (_crossing(lobe[: top + 1], level * lobe[top]) for level in (low, high))
        edges.append(near - back * (far - near))
    return float(time[begin] + np.mean(edges) * (time[1] - time[0]))


def _crossing(lobe: Array, level: float) -> float:
    """Last place before the top where the lobe rises through a level, in points."""
    below = np.flatnonzero(lobe < level)
    if not below.size:
        return 0.0
    last = int(below[-1])
    return last + float((level - lobe[last]) / max(lobe[min(last + 1, lobe.size - 1)] - lobe[last], 1e-300))
