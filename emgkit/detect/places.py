"""Where between two samples irregular pulses lie, from how alike their artifacts are.

Samples of one waveform at all places between two samples form a closed curve: a pulse one sample later gives the same
samples one sample later. Pulses without a beat fall on all places alike, so that their rank along the curve is their
place. A fit that begins elsewhere may end with a waveform that is folded in time. The order along the curve is the
shortest closed tour through the artifacts. It begins with the angle in the second and third eigenvectors of the
Laplacian of nearest neighbours (Belkin and Niyogi 2003, Neural Comput 15:1373) and is shortened by turning stretches
round (2-opt: Croes 1958, Oper Res 6:791).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh
from scipy.sparse.csgraph import laplacian, minimum_spanning_tree
from scipy.spatial.distance import cdist

from emgkit.detect.alignment import Alignment, align
from emgkit.detect.fit import Fit
from emgkit.detect.waveform import Span

__all__ = ["align_irregular"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

FEWEST, MOST = 40, 300  # pulses: fewer fill no curve, and of more some are ordered
ABOUT = (-3, 6)  # samples about the largest one of an artifact
PEAK = 3  # samples about a pulse, in which its largest one lies
NEIGHBOURS = (5, 8)  # whichever keeps the curve whole
MOST_TURNS, LEAST_GAIN = 400, 1e-9  # of stretches of a tour, and of its length
VOTERS = 7  # earlier pulses along the curve that tell the whole samples of the next
TRIED = 2  # orders that are followed: those that explain most as they are


def align_irregular(bends: Array, times: Array, fs: float) -> Alignment:
    """Align pulses without a beat from their times and from the order of their artifacts, whichever explains more.

    Parameters
    ----------
    bends : ndarray, shape (channels, samples)
        Differences of the signal.
    times : ndarray, shape (pulses,)
        Increasing times, s from the first sample, right to about a sample.
    fs : float
        Hz.
    """
    one = np.zeros(times.size, dtype=np.int64)
    starts = [times]
    if times.size >= FEWEST:
        found = [start for start in _orders(bends, times, fs) if (np.diff(start) > 0).all()]
        left = [_left(Fit(bends, start, one, Span.about(fs, start, _interval(start)))) for start in found]
        starts += [found[row] for row in np.argsort(left, kind="stable")[:TRIED]]
    return min((align(bends, start, one, None, fs, quick=True) for start in starts), key=lambda done: _left(done.fit))


def _left(fit: Fit) -> float:
    """Share of the energy about the pulses that a fit leaves."""
    return float(((fit.samples - fit.model) ** 2).sum() / max(float((fit.samples**2).sum()), 1e-300))


def _interval(times: Array) -> float:
    return float(np.quantile(np.diff(times), 0.05))


def _orders(bends: Array, times: Array, fs: float) -> Iterator[Array]:
    """Give times by all orders along the curve, s, increasing."""
    largest = _largest(bends, times, fs)
    own = np.unique(np.round(np.linspace(0, times.size - 1, min(times.size, MOST))).astype(np.int64))
    apart, steps = _distances(bends, largest[own], largest)
    nearest = np.argmin(apart, axis=0)
    whole = largest + steps[nearest, np.arange(times.size)]
    for order in _tours(apart[:, own]):
        later = _whole_samples(steps[:, own], order)
        for turn in (1, -1):
            places = np.empty(own.size)
            places[order] = later - turn * np.arange(own.size) / own.size
            yield np.sort(whole + places[nearest]) / fs


def _largest(bends: Array, times: Array, fs: float) -> Index:
    """Sample at which every artifact is largest."""
    power = (bends**2).sum(axis=0)
    near = np.round(times * fs).astype(np.int64)[:, np.newaxis] + np.arange(-PEAK, PEAK + 1)
    near = np.clip(near, 0, power.size - 1)
    return np.asarray(near[np.arange(times.size), power[near].argmax(axis=1)])


def _distances(bends: Array, some: Index, every: Index) -> tuple[Array, Index]:
    """Distance of artifacts from each other, and by how many samples the second is then later, (some, every)."""

    def frames(largest: Index, later: int) -> Array:
        index = np.clip(largest[:, np.newaxis] + later + np.arange(ABOUT[0], ABOUT[1] + 1), 0, bends.shape[1] - 1)
        return np.asarray(bends[:, index].transpose(1, 0, 2).reshape(largest.size, -1))

    shifted = np.stack([cdist(frames(some, 0), frames(every, later)) for later in range(-PEAK, PEAK + 1)])
    return shifted.min(axis=0), shifted.argmin(axis=0) - PEAK


def _tours(apart: Array) -> Iterator[Index]:
    """Order the pulses along short closed tours."""
    count = len(apart)
    nearest = np.argsort(apart + np.diag(np.full(count, np.inf)), axis=1)
    tree = minimum_spanning_tree(apart).toarray() > 0
    for number in NEIGHBOURS:
        linked = tree.astype(float)
        linked[np.arange(count)[:, np.newaxis], nearest[:, :number]] = 1.0
        linked = np.maximum(linked, linked.T)
        _, vectors = eigh(np.asarray(laplacian(linked, normed=True), dtype=np.float64), subset_by_index=[0, 2])
        _, first, second = vectors.T
        yield _shortened(apart, np.argsort(np.arctan2(second, first), kind="stable"))


def _shortened(apart: Array, order: Index) -> Index:
    """Turn stretches of a tour round, the one that shortens it most first."""
    for _ in range(MOST_TURNS):
        follows = np.roll(order, -1)
        edges = apart[order, follows]
        turned = apart[np.ix_(order, order)] + apart[np.ix_(follows, follows)]
        gain = np.triu(edges[:, np.newaxis] + edges - turned, 2)
        first, last = np.unravel_index(int(np.argmax(gain)), gain.shape)
        if gain[first, last] <= LEAST_GAIN * edges.sum():
            break
        order = order.copy()
        order[first + 1 : last + 1] = order[first + 1 : last + 1][::-1]
    return order


def _whole_samples(steps: Index, order: Index) -> Array:
    """By how many samples every pulse's largest one is later than it would be on an unbroken curve, along the order."""
    later = np.zeros(order.size)
    for place in range(1, order.size):
        before = np.arange(max(place - VOTERS, 0), place)
        later[place] = np.round(np.median(later[before] + steps[order[before], order[place]]))
    return later
