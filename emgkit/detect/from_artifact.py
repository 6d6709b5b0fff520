"""Pulses from the artifact itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.alignment import differences
from emgkit.detect.artifact_times import Timed, artifact_times
from emgkit.detect.clock import NONE, fit_clock
from emgkit.detect.extras import irregular_pulses
from emgkit.detect.polarity import upright
from emgkit.detect.sharp import bridged, sharp_channels, sharp_events, sharp_trace
from emgkit.detect.steady import steady_train
from emgkit.detect.trains import LEVEL, Train, find_stimulators
from emgkit.errors import NoPulsesError
from emgkit.pulses import Clock, Pulses, find_trains

__all__ = ["pulses_from_artifact"]

Array = NDArray[np.float64]

SMALLEST = 1e-9  # s between two pulses of different stimulators
SIZE_ABOUT = 0.0015  # s about a pulse, for its size


def pulses_from_artifact(signal: Array, fs: float, rate: float | None, threshold: float | None) -> Pulses:
    """Find all pulses, s from the first sample.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V; missing samples NaN.
    fs : float
        Hz.
    rate : float, optional
        Nominal rate, Hz.
    threshold : float, optional
        Smallest peak-to-peak size of an artifact in the best channel, V.

    Raises
    ------
    NoPulsesError
        If there are none.
    """
    whole = bridged(signal)
    whole = whole[sharp_channels(whole, fs)]
    if not len(whole):
        raise NoPulsesError("No stimulation artifact was found: no channel has a signal.")
    whole = upright(whole, fs)
    trains = find_stimulators(whole, fs, rate)
    steady = steady_train(whole, fs, rate) if rate is not None and not trains else None
    if steady is None and not trains:
        trains = _irregular(whole, fs)
        steady = steady_train(whole, fs, None) if rate is None and not trains else None
        if steady is None and not trains:
            raise NoPulsesError(_nothing(whole, fs))
    timed = [steady] if steady is not None else artifact_times(whole, trains, fs)
    if threshold is not None:
        timed = [_larger(whole, one, threshold, fs) for one in timed]
        timed = [one for one in timed if one.onsets.size]
        if not timed:
            raise NoPulsesError(f"No artifact reaches {threshold:g} V peak to peak (threshold).")
    found = _merged(timed, rate)
    if steady is None or found.clock is None:
        return found
    return replace(found, clock=replace(found.clock, jitter=float("nan")))  # its beat was laid, not seen


def _larger(signal: Array, timed: Timed, threshold: float, fs: float) -> Timed:
    """Keep the pulses whose artifact is large enough in any channel."""
    reach = np.arange(0, max(round(SIZE_ABOUT * fs), 2) + 1)
    index = np.clip(np.floor(timed.onsets * fs).astype(np.int64)[:, np.newaxis] + reach, 0, signal.shape[1] - 1)
    kept = np.ptp(signal[:, index], axis=2).max(axis=0) >= threshold
    return Timed(timed.onsets[kept], timed.errors[kept], timed.jitter, timed.on_beat[kept])


def _merged(timed: list[Timed], rate: float | None) -> Pulses:
    """Put the pulses of all stimulators in the order of time; trains are numbered through."""
    trains, begin = [], 0
    for one in timed:
        trains.append(find_trains(one.onsets) + begin)
        begin += int(trains[-1][-1]) + 1
    onsets, errors = (np.concatenate([getattr(one, name) for one in timed]) for name in ("onsets", "errors"))
    stimulator = np.repeat(np.arange(len(timed)), [one.onsets.size for one in timed])
    order = np.argsort(onsets, kind="stable")
    onsets = np.maximum(onsets[order], 0.0)
    onsets = np.maximum.accumulate(onsets + SMALLEST * np.arange(onsets.size) * (np.diff(onsets, prepend=-1) <= 0))
    return Pulses(
        onsets,
        train=np.concatenate(trains)[order],
        stimulator=stimulator[order],
        errors=errors[order],
        time_source="artifact",
        clock=_clock(timed[0], rate),
    )


def _clock(timed: Timed, rate: float | None) -> Clock | None:
    """Fit the clock of all pulses, or of those on the beat if it leaves no more missing and extra ones."""

    def fitted(used: NDArray[np.bool_]) -> Clock | None:
        onsets = timed.onsets[used]
        return fit_clock(onsets, find_trains(onsets), rate, jitter=timed.jitter, errors=timed.errors[used])

    whole = fitted(np.ones_like(timed.on_beat))
    own = None if timed.on_beat.all() or not timed.on_beat.any() else fitted(timed.on_beat)
    if own is None:
        return whole
    own = replace(own, extra=np.sort(np.concatenate([own.extra, timed.onsets[~timed.on_beat]])))
    if whole is None or whole.model == NONE:
        return own
    return own if own.missing.size + own.extra.size <= whole.missing.size + whole.extra.size else whole


def _irregular(signal: Array, fs: float) -> list[Train]:
    events = sharp_events(sharp_trace(signal, fs), fs, LEVEL)
    times = irregular_pulses(events, differences(signal, fs), fs)
    return [Train(times, find_trains(times), None)] if times.size else []


def _nothing(signal: Array, fs: float) -> str:
    events = len(sharp_events(sharp_trace(signal, fs), fs, LEVEL))
    return (
        f"No stimulation artifact was found: {events} sharp events stand out of the EMG, but they keep no beat and are "
        "not alike."
    )
