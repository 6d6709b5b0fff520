"""Frames behind the pulses of an output: what is locked to them, cross-validated, and how power depends on phase."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.base import first_samples
from emgkit.pulses import Pulses

__all__ = ["BLOCK", "FRAME", "Frames", "frames_of", "locked_product"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FRAME = 0.1  # s, longest frame
BLOCK = 20  # pulses, over which a response counts as the same
HALVES = 4  # pulses, the fewest that can be halved


@dataclass(frozen=True, eq=False)
class Frames:
    """Where the frames of one stimulator lie.

    Parameters
    ----------
    first : ndarray of int, shape (pulses,)
        First sample at or after every pulse whose frame lies within the signal.
    late : ndarray, shape (pulses,)
        Time of that sample after the pulse, s.
    length : int
        Samples of a frame: up to the next pulse, at most 0.1 s.
    interval : float
        Usual interval between pulses, s; the shortest twentieth where they vary.
    regular : bool
        Whether the pulses have one rate.
    """

    first: NDArray[np.int64]
    late: Array
    length: int
    interval: float
    regular: bool

    @property
    def index(self) -> NDArray[np.int64]:
        """Sample numbers, (pulses, length)."""
        return np.asarray(self.first[:, np.newaxis] + np.arange(self.length))

    def blocks(self) -> list[slice]:
        """Give runs of `BLOCK` pulses, the last one longer; all pulses when there are fewer."""
        count = max(self.first.size // BLOCK, 1)
        edges = [BLOCK * number for number in range(count)] + [self.first.size]
        return [slice(*pair) for pair in itertools.pairwise(edges)]


def frames_of(pulses: Pulses, fs: float, count: int) -> list[Frames]:
    """Find the frames of every stimulator; onsets in s from the signal's first sample."""
    found = []
    for number in np.unique(pulses.stimulator):
        own = pulses.select(pulses.stimulator == number)
        within = own.intervals[np.diff(own.train) == 0]
        usual = float(np.median(within)) if within.size else FRAME
        regular = bool(within.size and (np.abs(within - usual) <= 0.02 * usual).mean() > 0.7)
        interval = usual if regular or not within.size else float(np.quantile(within, 0.05))
        length = max(int(min(interval, FRAME) * fs), 1)
        first = first_samples(own.onsets, fs)
        inside = (first >= 0) & (first + length <= count)
        late = first / fs - own.onsets
        found.append(Frames(first[inside], late[inside], length, interval, regular))
    return found


def locked_product(values: Array, effective: float) -> tuple[float, float]:
    """Power that all rows share, from the means of the odd and of the even rows: noise counts nothing.

    Parameters
    ----------
    values : ndarray, shape (pulses, values), real or complex
        NaN is missing.
    effective : float
        Rows that the method averaged: taking their mean away leaves rows that lean against each other by
        1/effective of their power (at most one over the rows given), which is added again.

    Returns
    -------
    shared, whole : float
        Shared power, and mean power of a row.
    """
    ok = np.isfinite(values)
    filled = np.where(ok, values, 0.0)
    means = []
    for start in (0, 1):
        number = ok[start::2].sum(axis=0)
        means.append(np.where(number > 0, filled[start::2].sum(axis=0) / np.maximum(number, 1), np.nan))
    product = np.real(means[0] * np.conj(means[1]))
    whole = float((np.abs(filled) ** 2).sum() / max(ok.sum(), 1))
    known = np.isfinite(product)
    return float(product[known].mean() if known.any() else np.nan) + whole / max(effective, len(values)), whole
