"""Tell whether anything is locked to the pulses, and until when the artifact lasts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["end_of_artifact", "error_of_mean", "locked_evidence"]

Array = NDArray[np.float64]

LATEST_END = 0.006  # s: a tail that lasts longer is not told from the response by time alone
ENVELOPE = 0.00035  # s, half width of the running maximum of the slope
VALLEY = 3.0  # slope over that of the valley between artifact and response from which the artifact is over
RIPPLE = 0.002  # of the artifact's steepest slope: what the splines themselves may ripple
SPREAD_CAP = 5.0  # a pulse's evidence counts at most so many robust spreads: one movement artifact decides nothing
ALIKE, LEAST_SIZE = 0.2, 0.05  # in the logarithm: sizes of stimuli that evoke the same; of the largest
FEWEST_ALIKE = 10  # pulses of like size: the mean of the others is known well enough to compare each with


def locked_evidence(
    signal: Array,
    fs: float,
    onsets: Array,
    start: float,
    stop: float,
    signs: Array | None = None,
    *,
    turned: bool = False,
    sizes: Array | None = None,
) -> Array:
    """Cross-validated evidence of a response in ``start ... stop`` after the pulses, a z score per channel.

    Every pulse's piece is correlated with the mean of all others: without a locked response the products average to
    zero, whatever the spectrum of the EMG. Where signs are given, what follows them is taken away first, or, if it is
    what turns over that is looked for, every piece is turned over by its own. Where the sizes of the stimuli are given,
    pieces are compared with those of like size, too: what stronger ones evoke may oppose the tail that weak ones leave.
    """
    low, high = int(np.ceil(start * fs)), int(np.floor(stop * fs))
    index = np.round(onsets * fs).astype(np.int64)[:, np.newaxis] + np.arange(low, max(high, low + 2))
    inside = (index[:, 0] >= 0) & (index[:, -1] < signal.shape[1])
    index = index[inside]
    if len(index) < 3:
        return np.zeros(signal.shape[0])
    alike = [] if sizes is None else _alike(sizes[inside])
    out = np.zeros(signal.shape[0])
    for channel, row in enumerate(signal):
        pieces = row[index]
        if signs is not None:
            own = signs[inside]
            pieces = own[:, np.newaxis] * pieces if turned else _upright(pieces, own)
        out[channel] = _evidence([pieces])
        if len(alike) > 1:
            out[channel] = max(out[channel], _evidence([pieces[group] for group in alike]))
    return out


def _alike(sizes: Array) -> list[NDArray[np.int64]]:
    """Give the pulses of like size, by their logarithm; sizes that few have go with none."""
    number = np.floor(np.log(np.maximum(sizes / sizes.max(), LEAST_SIZE)) / ALIKE + 0.5)
    groups = [np.flatnonzero(number == one) for one in np.unique(number)]
    return [group for group in groups if group.size >= FEWEST_ALIKE]


def _upright(pieces: Array, signs: Array) -> Array:
    """Take away what follows the signs beside the mean."""
    over = signs - signs.mean()
    return np.asarray(pieces - np.outer(over, over @ pieces) / max(float(over @ over), 1e-300))


def _evidence(groups: list[Array]) -> float:
    products = np.concatenate([_products(pieces - pieces.mean(axis=1, keepdims=True)) for pieces in groups])
    centre = float(np.median(products))
    spread = 1.4826 * float(np.median(np.abs(products - centre)))
    capped = np.clip(products, centre - SPREAD_CAP * spread, centre + SPREAD_CAP * spread)
    return float(capped.mean() / max(capped.std() / np.sqrt(capped.size), 1e-300))


def _products(pieces: Array) -> Array:
    """Product of every piece with the sum of the others, over its own power."""
    return np.asarray(
        ((pieces.sum(axis=0) - pieces) * pieces).sum(axis=1) / np.maximum((pieces**2).sum(axis=1), 1e-300)
    )


def error_of_mean(signal: Array, fs: float, onsets: Array, after: float, signs: Array | None = None) -> Array:
    """Give the standard error of the mean response ``after`` the pulses (s), from how their halves differ, V.

    Either half has as many pulses of either sign.
    """
    onsets = onsets if signs is None else onsets[np.argsort(signs, kind="stable")]
    halves = []
    for start in (0, 1):
        index = np.round(onsets[start::2] * fs + after * fs).astype(np.int64)
        halves.append(signal[:, index[(index >= 0) & (index < signal.shape[1])]])
    count = min(half.shape[1] for half in halves)
    return np.asarray((halves[0][:, :count] - halves[1][:, :count]).std(axis=1) / np.sqrt(4 * max(count, 1)))


def end_of_artifact(times: Array, responses: Array, noise: Array, fs: float) -> float:
    """Time after the pulse at which the artifact is over, s.

    The running maximum of the mean response's slope falls from the artifact's peak; the artifact ends where that
    envelope first comes down to its noise or passes its first minimum, since what rises again is the response.

    Parameters
    ----------
    times : ndarray, shape (grid,)
        Equal steps, s after the pulse.
    responses : ndarray, shape (channels, grid)
        Mean response, V; the channels may come once for either polarity.
    noise : ndarray, shape (channels,)
        Standard error of the mean response, V.
    fs : float
        Sampling rate of the recording, Hz: finer than its interval the splines only ripple, and are averaged.
    """
    from scipy.ndimage import uniform_filter1d

    width = max(round(1 / fs / (times[1] - times[0])), 1)
    responses = uniform_filter1d(responses, width, axis=1, mode="nearest")
    ends = [_end(times, row, sigma) for row, sigma in zip(responses, np.resize(noise, len(responses)), strict=True)]
    return float(max(ends))


def _end(times: Array, row: Array, sigma: float) -> float:
    from scipy.ndimage import maximum_filter1d

    step = times[1] - times[0]
    slope = maximum_filter1d(np.abs(np.gradient(row, step)), 2 * max(round(ENVELOPE / step), 1) + 1)
    near = times <= LATEST_END
    peak = int(np.argmax(np.where(times <= 0.5 * LATEST_END, slope, 0.0)))
    quiet = 3 * sigma / ENVELOPE
    valley = _first_valley(slope[: int(np.count_nonzero(near))], peak, quiet, 2 * max(round(ENVELOPE / step), 1))
    if valley is None:
        return LATEST_END
    low = slope[peak : valley + 1] <= max(VALLEY * slope[valley], quiet, RIPPLE * slope[peak])
    return max(float(times[peak + int(np.argmax(low))]) - ENVELOPE, 0.0)  # the running maximum looks so far back


def _first_valley(slope: Array, peak: int, quiet: float, ahead: int) -> int | None:
    for place in range(peak, slope.size - 1):
        rises = slope[place] < 0.1 * slope[peak] and slope[place] <= slope[place + 1 : place + 2 + ahead].min()
        if slope[place] <= quiet or rises:
            return place
    return None
