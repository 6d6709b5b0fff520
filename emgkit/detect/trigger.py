"""Leading edges of a trigger channel, finer than its samples."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import NoPulsesError

__all__ = ["trigger_edges"]

Array = NDArray[np.float64]

LEAST_CONTRAST = 8.0  # height of the pulses over the robust spread of either level
HYSTERESIS = 0.25  # of the height, about the threshold


def trigger_edges(
    values: Array, fs: float, threshold: float | None = None, name: str = "trigger"
) -> tuple[Array, float]:
    """Find the leading edges of a trigger.

    Parameters
    ----------
    values : ndarray, shape (samples,)
        The trigger; pulses may go up or down. NaN is a missing sample.
    fs : float
        Its sampling rate, Hz.
    threshold : float, optional
        In the unit of the values; midway between rest and pulse unless given.
    name : str
        For messages.

    Returns
    -------
    times : ndarray, shape (pulses,)
        s from the first sample: where the line between the two samples of the edge crosses the threshold.
    offset : float
        What was added to the crossings, s: half a sample less for a two-valued (digital) trigger, whose edge lies on
        average half a sample before the first sample of the new level; 0 for an analog one.

    Raises
    ------
    NoPulsesError
        If the channel is flat or its pulses do not stand out of its noise.
    """
    known = np.where(np.isfinite(values), values, np.nanmedian(values) if np.isfinite(values).any() else 0.0)
    rest, high, sign = _levels(known)
    height = high - rest
    spread = 1.4826 * float(np.median(np.abs(sign * known - rest)))
    if height <= 0 or height < LEAST_CONTRAST * spread:
        raise NoPulsesError(
            f"Channel {name!r} shows no trigger pulses: it rests at {sign * rest:.4g} and reaches {sign * high:.4g}; "
            f"check the channel, or give channel=None to find the pulses from the artifact."
        )
    level = rest + height / 2 if threshold is None else sign * threshold
    places = _crossings(sign * known, level, HYSTERESIS * height)
    digital = np.unique(known).size <= 2
    offset = -0.5 / fs if digital else 0.0
    if digital:
        places = np.ceil(places)
    return places / fs + offset, offset


def _levels(values: Array) -> tuple[float, float, float]:
    """Resting level, pulse level and polarity; pulses are the rarer level."""
    rest = float(np.median(values))
    up, down = float(values.max()) - rest, rest - float(values.min())
    sign = 1.0 if up >= down else -1.0
    top = np.sort(sign * values)
    extreme = float(top[-1])
    above = top[top > (sign * rest + extreme) / 2]
    return sign * rest, float(np.median(above)) if above.size else extreme, sign


def _crossings(values: Array, level: float, half: float) -> Array:
    """Places, in samples, where the line between two samples crosses the level upwards, once per excursion."""
    state = np.where(values >= level, 1, np.where(values < level - half, -1, 0))
    marked = np.flatnonzero(state)
    edges = marked[1:][(state[marked[1:]] == 1) & (state[marked[:-1]] == -1)]
    before, after = values[edges - 1], values[edges]
    return edges - 1 + (level - before) / (after - before)
