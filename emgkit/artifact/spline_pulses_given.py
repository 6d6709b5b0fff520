"""Pulses that were given and did not come, and pulses that came and were not given: told by the artifact."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.pulses import Pulses

__all__ = ["corrected"]

Array = NDArray[np.float64]

EARLY, LATE = -0.0006, 0.0024  # s about a pulse, in which its artifact stands
DOUBLE = (1.8, 2.2)  # usual intervals: a gap in which one pulse is missing
THERE, ABSENT, PLAIN = 0.01, 0.003, 0.015  # of the usual power of the artifact: where samples fall changes it much
CLEAR = 300.0  # power of the artifact over what is there between pulses, from which any of this is decided
STILL = 2  # equal neighbours in all channels that EMG does not make
MOST = 0.2  # of the pulses that may be wrong


def corrected(signal: Array, fs: float, pulses: Pulses) -> tuple[Pulses, list[str]]:
    """Leave out pulses without an artifact among pulses with one, and put in pulses whose artifact stands in a gap.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V, without baseline.
    fs : float
        Hz.
    pulses : Pulses
        Of one stimulator, s from the first sample.

    Returns
    -------
    Pulses, list of str
        The pulses, and what was done.
    """
    onsets = np.array(pulses.onsets)
    if onsets.size < 20 or np.unique(pulses.stimulator).size > 1:
        return pulses, []
    usual_interval = float(np.median(np.diff(onsets)))
    power = _power(signal, fs, onsets)
    usual = float(np.median(power))
    if usual < CLEAR * float(np.median(_power(signal, fs, onsets - 0.25 * usual_interval))):
        return pulses, []
    absent = (power < ABSENT * usual) & _among(power > PLAIN * usual) & ~_unseen(signal, fs, onsets)
    kept = pulses.select(~absent)
    gaps = np.diff(kept.onsets)
    inside = (gaps > DOUBLE[0] * usual_interval) & (gaps < DOUBLE[1] * usual_interval)
    middles = kept.onsets[:-1][inside] + 0.5 * gaps[inside]
    found = middles[_power(signal, fs, middles) > THERE * usual]
    if not (absent.any() or found.size) or absent.sum() + found.size > MOST * onsets.size:
        return pulses, []
    return _with(kept, found), [
        f"{int(absent.sum())} of {onsets.size} given pulses left no artifact and were left out; "
        f"{found.size} that were not given were put in."
    ]


def _power(signal: Array, fs: float, onsets: Array) -> Array:
    """Largest change between samples about every time, summed over channels, V²."""
    return np.asarray((_changes(signal, fs, onsets) ** 2).max(axis=2).sum(axis=0))


def _unseen(signal: Array, fs: float, onsets: Array) -> NDArray[np.bool_]:
    """Whether some of the samples about a time were held or are missing, so that a pulse there left no trace."""
    still = (_changes(signal, fs, onsets) == 0).all(axis=0)
    return np.asarray(still.sum(axis=1) >= STILL)


def _changes(signal: Array, fs: float, onsets: Array) -> Array:
    """Give the changes between samples about every time, V, (channels, times, changes)."""
    steps = np.arange(int(np.floor(EARLY * fs)), int(np.ceil(LATE * fs)) + 1)
    index = np.clip(np.round(onsets * fs).astype(np.int64)[:, np.newaxis] + steps, 0, signal.shape[1] - 1)
    return np.asarray(np.diff(signal[:, index], axis=2))


def _among(plain: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether the pulses before and after are plain."""
    before, after = np.append(plain[:1], plain[:-1]), np.append(plain[1:], plain[-1:])
    return np.asarray(before & after)


def _with(kept: Pulses, found: Array) -> Pulses:
    if not found.size:
        return kept
    onsets = np.concatenate([kept.onsets, found])
    order = np.argsort(onsets, kind="stable")
    source = np.clip(np.searchsorted(kept.onsets, found) - 1, 0, None)  # train, current and width of the pulse before
    places = np.concatenate([np.arange(len(kept)), source])[order]
    return Pulses(
        onsets[order],
        train=kept.train[places],
        stimulator=kept.stimulator[places],
        current=None if kept.current is None else kept.current[places],
        width=None if kept.width is None else kept.width[places],
        time_source=kept.time_source,
        offset=kept.offset,
        clock=kept.clock,
    )
