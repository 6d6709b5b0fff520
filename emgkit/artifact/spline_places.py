"""Pulses that leave places between the samples empty: where the response there is learned from."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import PhaseDesign

__all__ = ["settled_design", "settled_places"]

Array = NDArray[np.float64]

EMPTY = 0.2  # of a sample: larger stretches without any pulse leave the response there to its prior
ALIKE = 0.01  # of a sample, RMS: pulses nearer than that tell less of the slopes than the places beside them do
WIDE = 0.25  # of a sample: pulses spread over more tell what lies between the samples there by themselves


def settled_places(onsets: Array, fs: float) -> Array | None:
    """Time by which every pulse comes before the common place of those beside it, s.

    None where no places are empty, or where pulses spread beside the empty ones.

    A stimulator whose rate divides the sampling rate puts all pulses at one place between the samples, or at a few. Its
    jitter of microseconds is then all that tells how the response runs between the samples, and whatever changes from
    pulse to pulse beside it would be taken for a slope of volts: so roughness is learned as if there were no jitter.
    """
    place = np.mod(onsets * fs, 1.0)
    order = np.argsort(place, kind="stable")
    gaps = np.diff(place[order], append=place[order[:1]] + 1.0)
    if gaps.max() <= EMPTY:
        return None
    first = int(gaps.argmax()) + 1  # the circle is cut at its largest gap
    order, gaps = np.roll(order, -first), np.roll(gaps, -first)
    along = np.concatenate([[0.0], np.cumsum(gaps[:-1])])
    cluster = np.concatenate([[0], np.cumsum(gaps[:-1] > EMPTY)])
    ahead = np.zeros(along.size)
    for number in range(int(cluster[-1]) + 1):
        mine = cluster == number
        since = along[mine] - along[mine][0]
        if since[-1] > WIDE:
            return None
        ahead[mine] = since.mean() - since
    out = np.zeros(along.size)
    out[order] = ahead / fs
    return out


def settled_design(design: PhaseDesign, onsets: Array, fs: float) -> tuple[PhaseDesign | None, bool]:
    """Give the design to learn from where places are empty, and whether it is good for the fit, too."""
    delay = settled_places(onsets, fs)
    if delay is None:
        return None, False
    return design.later(delay), bool(np.sqrt(np.mean(delay**2)) * fs < ALIKE)
