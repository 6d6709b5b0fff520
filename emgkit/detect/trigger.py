"""Leading edges of a trigger channel, finer than its samples."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import NoPulsesError, ParameterError

__all__ = ["EDGES", "Trigger", "read_trigger", "trigger_edges"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

EDGES = ("leading", "trailing", "both")
LEAST_CONTRAST = 8.0  # height of the pulses over the robust spread of either level
HYSTERESIS = 0.25  # of the height, about the threshold
CODES = 64  # most values of a channel of event codes
GLITCH, WIDE = 0.3, 3  # of the usual width; samples: usual widths from which shorter pulses are glitches
REFRACTORY = 0.001  # s: edges that follow faster are bounces
STEEP = 0.1  # of the edges with a sample on the way: with fewer the edge lies anywhere between two samples
LEAST_STEEP = 0.02  # the same where noise leaves a narrow way: samples are on it by noise alone
ON_THE_WAY = (0.1, 0.9)  # of the height
NOISE = 3.0  # robust standard deviations of noise that a sample may be off its level by and not be on the way


@dataclass(frozen=True, eq=False)
class Trigger:
    """Edges of a trigger.

    Parameters
    ----------
    times : ndarray, shape (edges,)
        s from the first sample.
    offset : float
        What was added to where the samples cross the threshold, s.
    step : float
        Step to which the times are known, s: a sample for edges within one sample; 0 for finer edges.
    width : float
        Median width of the pulses, s.
    """

    times: Array
    offset: float
    step: float
    width: float


def trigger_edges(
    values: Array, fs: float, threshold: float | None = None, name: str = "trigger", edge: str = "leading"
) -> tuple[Array, float]:
    """Find the edges of a trigger; see `read_trigger`. Gives their times, s, and the offset."""
    found = read_trigger(values, fs, threshold, name, edge)
    return found.times, found.offset


def read_trigger(
    values: Array, fs: float, threshold: float | None = None, name: str = "trigger", edge: str = "leading"
) -> Trigger:
    """Find the edges of a trigger.

    Parameters
    ----------
    values : ndarray, shape (samples,)
        The trigger: levels, analog pulses of either polarity, or event codes. NaN is a missing sample.
    fs : float
        Its sampling rate, Hz.
    threshold : float, optional
        In the unit of the values; midway between rest and pulse unless given.
    name : str
        For messages.
    edge : {"leading", "trailing", "both"}
        Which edges are pulses; both for a level that changes with every pulse.

    Returns
    -------
    Trigger
        Where the line between the two samples of an edge crosses the threshold. The edge of a two-valued (digital)
        trigger or of an event code lies on average half a sample before the first sample of the new level. Pulses
        much shorter than usual, and edges within 1 ms of the one before, are glitches and bounces.

    Raises
    ------
    NoPulsesError
        If the channel is flat or its pulses do not stand out of its noise.
    ParameterError
        If there is no such edge.
    """
    if edge not in EDGES:
        raise ParameterError(f"edge={edge!r}; there are: {', '.join(EDGES)}.")
    known = np.where(np.isfinite(values), values, np.nanmedian(values) if np.isfinite(values).any() else 0.0)
    if threshold is None and _is_code(known):
        known = (known != _rest_code(known)).astype(float) if edge != "leading" else _code_pulses(known)
    rest, high, sign = _levels(known)
    height = high - rest
    spread = 1.4826 * float(np.median(np.abs(sign * known - rest)))
    if height <= 0 or height < LEAST_CONTRAST * spread:
        raise NoPulsesError(
            f"Channel {name!r} shows no trigger pulses: it rests at {sign * rest:.4g} and reaches {sign * high:.4g}; "
            f"check the channel, or give channel=None to find the pulses from the artifact."
        )
    level = rest + height / 2 if threshold is None else sign * threshold
    line = sign * known
    begins, ends = _excursions(line, level, HYSTERESIS * height)
    edges = {"leading": begins, "trailing": ends, "both": np.sort(np.concatenate([begins, ends]))}[edge]
    places = edges - 1 + np.clip((level - line[edges - 1]) / (line[edges] - line[edges - 1]), 0, 1)
    digital = np.unique(known).size <= 2
    steep = digital or _is_steep(line, edges, rest, height, spread)
    offset = -0.5 / fs if digital else 0.0
    times = (np.ceil(places) if digital else places) / fs + offset
    kept = np.insert(np.diff(times) >= REFRACTORY, 0, True) if times.size else np.zeros(0, dtype=bool)
    width = float(np.median(ends - begins)) / fs if begins.size else 0.0
    return Trigger(times[kept], offset, 1 / fs if steep else 0.0, width)


def _is_code(values: Array) -> bool:
    """Whether a channel holds more than two whole numbers: event codes."""
    if not np.array_equal(values, np.round(values)):
        return False
    return 2 < np.unique(values).size <= CODES


def _rest_code(values: Array) -> float:
    codes, counts = np.unique(values, return_counts=True)
    return float(codes[np.argmax(counts)])


def _code_pulses(values: Array) -> Array:
    """Turn codes into pulses of one sample where a code other than rest begins."""
    begins = (np.diff(values, prepend=_rest_code(values)) != 0) & (values != _rest_code(values))
    return begins.astype(float)


def _levels(values: Array) -> tuple[float, float, float]:
    """Resting level, pulse level and polarity; pulses are the rarer level."""
    rest = float(np.median(values))
    up, down = float(values.max()) - rest, rest - float(values.min())
    sign = 1.0 if up >= down else -1.0
    top = np.sort(sign * values)
    extreme = float(top[-1])
    above = top[top > (sign * rest + extreme) / 2]
    return sign * rest, float(np.median(above)) if above.size else extreme, sign


def _excursions(values: Array, level: float, half: float) -> tuple[Index, Index]:
    """First samples at or above the level, and first ones below it again, of every excursion but glitches."""
    state = np.where(values >= level, 1, np.where(values < level - half, -1, 0))
    marked = np.flatnonzero(state)
    change = np.flatnonzero(np.diff(state[marked]) != 0) + 1
    places, rising = marked[change], state[marked[change]] == 1
    begins = places[rising]
    ends = np.array([places[row + 1] if row + 1 < places.size else values.size - 1 for row in np.flatnonzero(rising)])
    widths = ends - begins
    if widths.size and np.median(widths) >= WIDE:
        kept = widths >= GLITCH * np.median(widths)
        begins, ends = begins[kept], ends[kept]
    return begins.astype(np.int64), ends.astype(np.int64)


def _is_steep(line: Array, edges: Index, rest: float, height: float, spread: float) -> bool:
    """Whether the edges have no samples on the way: then their place between two samples is unknown.

    With noise, samples at either level would look as if they were; the way is narrower then, and fewer lie on it.
    """
    if not edges.size:
        return False
    near = np.clip(edges[:, np.newaxis] + np.arange(-1, 1), 0, line.size - 1)
    share = (line[near] - rest) / height
    low, high = ON_THE_WAY
    margin = NOISE * spread / height
    least = max(STEEP * max(high - low - 2 * margin, 0.0) / (high - low), LEAST_STEEP)
    on_the_way = (share > low + margin) & (share < high - margin)
    return bool(np.mean(on_the_way.any(axis=1)) < least)
