"""How what is locked to the pulses is shared between artifact and evoked response, and what outlasts a train."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline
from scipy.sparse import csr_array

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_basis import DEGREE

__all__ = ["HAND_OVER", "Tail", "TailShare", "bridge", "hand_over", "tail_rows"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

BRIDGE_BEFORE = 0.0006  # s before the pulse, from which an artifact is bridged
HAND_OVER = 0.4  # of the artifact's end: over the last part of it the artifact is handed over to the response


def hand_over(phase: Array, end: float) -> Array:
    """Share of the locked response that counts as artifact: 1, then down to 0 at ``end`` like a cosine."""
    width = max(HAND_OVER * end, 1e-6)
    place = np.clip((end - phase) / width, 0.0, 1.0)
    return 0.5 - 0.5 * np.cos(np.pi * place)


def bridge(locked: Array, fs: float, onsets: Array, end: float) -> Array:
    """Bridge every artifact by the cubic that goes on with the values and slopes on either side, V, (samples,).

    A response of more than three times the bridge's length is followed within a few per cent.
    """
    out, count = locked.copy(), locked.size
    low = np.floor((onsets - BRIDGE_BEFORE) * fs).astype(np.int64)
    high = np.ceil((onsets + end) * fs).astype(np.int64)
    for first, last in zip(low, high, strict=True):
        if first < 2 or last + 2 >= count:
            continue
        width = last - first
        place = np.arange(width + 1) / width
        before = width * (1.5 * locked[first] - 2 * locked[first - 1] + 0.5 * locked[first - 2])
        after = width * (-1.5 * locked[last] + 2 * locked[last + 1] - 0.5 * locked[last + 2])
        step = locked[last] - locked[first]
        cubic = before + after - 2 * step
        out[first : last + 1] = locked[first] + place * (before + place * (step - before - cubic + place * cubic))
    return out


@dataclass(frozen=True, eq=False)
class Tail(FrozenValue):
    """What is left of a response after the time of the pulse that did not come.

    Parameters
    ----------
    places : (places,) s, pulses that tails follow
    signs : (places,) how often each is added
    knots : (knots,) s
    coefficients : (channels, size) V
    """

    places: Array
    signs: Array
    knots: Array
    coefficients: Array

    def add_to(self, out: Array, channel: int, fs: float) -> None:
        """Add the tails to a channel, V, (samples,)."""
        samples, place, splines = tail_rows(self.places, self.knots, fs, out.size)
        np.add.at(out, samples, self.signs[place] * (splines @ self.coefficients[channel]))

    def taken_from(self, signal: Array, fs: float) -> Array:
        """Give a signal without the tails, V, (channels, samples)."""
        tails = np.zeros_like(signal)
        for channel, row in enumerate(tails):
            self.add_to(row, channel, fs)
        return signal - tails


def tail_rows(places: Array, knots: Array, fs: float, count: int) -> tuple[Indices, Indices, csr_array]:
    """Give the samples of tails, the place of each, and the splines there, (rows, coefficients)."""
    first = np.ceil((places + knots[0]) * fs).astype(np.int64)
    samples = first[:, np.newaxis] + np.arange(int(np.ceil((knots[-1] - knots[0]) * fs)) + 1)
    since = samples / fs - places[:, np.newaxis]
    inside = (since >= knots[0]) & (since < knots[-1]) & (samples >= 0) & (samples < count)
    place = np.broadcast_to(np.arange(places.size)[:, np.newaxis], samples.shape)[inside]
    if not inside.any():  # trains may go on to the end of the recording
        return samples[inside], place, csr_array((0, knots.size - DEGREE - 1))
    return samples[inside], place, csr_array(BSpline.design_matrix(since[inside], knots, DEGREE))


@dataclass(frozen=True, eq=False)
class TailShare(FrozenValue):
    """How a channel's locked response is shared where the artifact's tail runs under the evoked response.

    Parameters
    ----------
    operator : (size, size) or None
        From coefficients of the locked response to those of the evoked one; None where nothing tells, so that it is
        shared by time and only the interval may be used.
    times : (times,) s since the pulse
    error : (times,) V, standard error of the evoked response
    """

    operator: Array | None
    times: Array
    error: Array
