"""What may be wrong with pulses that were found in the artifact, in words."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d

from emgkit.detect.alignment import FAST, differences
from emgkit.detect.artifact_times import best_channels
from emgkit.detect.belief import heights, stir
from emgkit.detect.clock import fit_clock
from emgkit.detect.edge import channel_edges
from emgkit.detect.fit import Fit
from emgkit.detect.polarity import upright
from emgkit.detect.sharp import bridged, sharp_channels, sharp_events, sharp_trace, smooth_events
from emgkit.detect.waveform import Span
from emgkit.pulses import Pulses, find_trains

__all__ = ["doubts", "misplaced"]

Array = NDArray[np.float64]

LEAST, LONGEST = 4, 0.010  # samples, s: a run of equal samples that may be blanking
SAME, MOST_PULSES = 0.001, 0.5  # s about the usual time from its end to a pulse, and of the pulses
HIDDEN, FEWEST = 0.02, 3  # of the beats of a stimulator without a pulse, and pulses

SHARP, APART = 0.9, 0.003  # of the pulses' lower quartile, and s to the next pulse: an event that may be a pulse
LEVEL, MANY = 8.0, 0.02  # of the usual size, and of the pulses: so many are told of; unverified
ALONE, ENOUGH = 0.010, 20  # s after the pulse before, and pulses: what comes before them is no other pulse's
COMPARABLE, DISAGREE = 0.65, 3e-4  # of the clearest channel's artifact, and s between the edges of such channels
LOUD = 0.33  # of a pulse's sharpness: at artifacts up to 0.25 came before (one of 22 had more), at M-waves from 0.41


def doubts(signal: Array, fs: float, pulses: Pulses) -> list[str]:
    """Say what may be wrong with found pulses.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V, as measured.
    fs : float
        Hz.
    pulses : Pulses
        s from the first sample.

    Returns
    -------
    list of str
        Empty if nothing is.
    """
    blanked = _blanked(signal, fs, pulses.onsets)  # what is sharp then are the edges of the gaps
    said = (blanked or _sharp(signal, fs, pulses.onsets), blanked or _elsewhere(signal, fs, pulses), _hidden(pulses))
    return list(dict.fromkeys(text for text in said if text))


def misplaced(signal: Array, fs: float, pulses: Pulses) -> str:
    """Say why all pulses may lie elsewhere, of the same as `doubts`; '' if nothing tells of it."""
    return _blanked(signal, fs, pulses.onsets) or _elsewhere(signal, fs, pulses)


def _elsewhere(signal: Array, fs: float, pulses: Pulses) -> str:
    whole = bridged(signal)
    whole = whole[sharp_channels(whole, fs)]
    return (_late(whole, fs, pulses) or _disagreed(whole, fs, pulses)) if len(whole) else ""


def _blanked(signal: Array, fs: float, onsets: Array) -> str:
    """Blanking shows as equal samples, each time others, at one time before every pulse."""
    for row in signal:
        first = np.flatnonzero(np.insert(np.diff(row) != 0, 0, True))
        length = np.diff(np.append(first, row.size))
        run = (length >= LEAST) & (length <= LONGEST * fs)
        if run.sum() < MOST_PULSES * onsets.size or not np.ptp(row[first[run]]):
            continue
        ends = (first + length)[run] / fs
        lags = onsets - ends[np.maximum(np.searchsorted(ends - SAME, onsets) - 1, 0)]
        same = np.abs(lags - np.median(lags)) <= SAME
        if same.mean() > MOST_PULSES:
            return (
                f"{int(same.sum())} of {onsets.size} pulses follow {np.median(length[run]) / fs * 1e3:.3g} ms of equal "
                f"samples: the amplifier blanks the artifact, and the pulses came earlier than found"
            )
    return ""


def _hidden(pulses: Pulses) -> str:
    """Beats of one of several stimulators without a pulse."""
    numbers = np.unique(pulses.stimulator)
    said = []
    for number in numbers if numbers.size > 1 else []:
        onsets = pulses.onsets[pulses.stimulator == number]
        clock = fit_clock(onsets, find_trains(onsets))
        absent = 0 if clock is None else clock.missing.size
        if absent >= max(FEWEST, HIDDEN * (onsets.size + absent)):
            said.append(f"{absent} of {onsets.size + absent} beats of stimulator {number} have no pulse")
    return f"{' and '.join(said)}: pulses of several stimulators that coincide hide each other" if said else ""


def _sharp(signal: Array, fs: float, onsets: Array) -> str:
    """Events as sharp as the artifact that are no pulses; at low rates responses are as sharp."""
    whole = bridged(signal)
    whole = whole[sharp_channels(whole, fs)]
    if fs < FAST or not len(whole):
        return ""
    trace = sharp_trace(differences(whole, fs), fs)
    lost = np.isnan(signal).any(axis=0)
    trace[maximum_filter1d(lost, 2 * round(APART * fs) + 1)] = 0.0
    events = sharp_events(trace, fs, LEVEL)
    times = events.index / fs
    after = np.minimum(np.searchsorted(onsets, times), onsets.size - 1)
    near = np.minimum(np.abs(onsets[after] - times), np.abs(onsets[np.maximum(after - 1, 0)] - times)) <= APART
    usual = float(np.quantile(heights(trace, onsets, fs), 0.25))
    smooth = smooth_events(whole, events.index, fs)  # responses beside a small artifact
    other = times[~near & ~smooth & (events.height >= SHARP * usual)]
    if other.size < max(FEWEST, MANY * onsets.size):
        return ""
    return (
        f"{other.size} events as sharp as the artifact, the first one at {other[0]:.3f} s, are not among the "
        f"{onsets.size} pulses: they are unlike it, as pulses of another kind or what else is sharp would be"
    )


def _late(whole: Array, fs: float, pulses: Pulses) -> str:
    """Trains that do not come out of silence: where the artifact hides between samples, M-waves pass for it."""
    alone = pulses.onsets[np.diff(pulses.onsets, prepend=-np.inf) >= ALONE]
    number = pulses.stimulator[np.searchsorted(pulses.onsets, alone)]
    trace = sharp_trace(differences(whole, fs), fs)
    for one in np.unique(number):
        share = stir(alone[number == one], trace, fs) if np.sum(number == one) >= ENOUGH else 0.0
        if share >= LOUD:
            return (
                f"what comes in the 8 ms before the pulses is {share:.2g} times as sharp as they are: M-waves may have "
                f"been taken for the artifact, so that all pulses are off by some ms (a trigger, or sampling above "
                f"{fs:g} Hz, would tell)"
            )
    return ""


def _disagreed(whole: Array, fs: float, pulses: Pulses) -> str:
    """Channels in which the stimulus seems to begin at other times: in one of them a response hides its edge.

    Of several stimulators each hides edges of the other.
    """
    onsets = pulses.onsets
    if onsets.size < ENOUGH or np.unique(pulses.stimulator).size > 1:
        return ""
    chosen = upright(whole[best_channels(whole, onsets, fs)], fs)
    span = Span.about(fs, onsets, float(np.quantile(np.diff(onsets), 0.05)))
    edges, strength = channel_edges(chosen, Fit(differences(chosen, fs), onsets, pulses.train, span))
    apart = float(np.ptp(edges[strength >= COMPARABLE * strength.max()]))
    if apart <= DISAGREE:
        return ""
    return (
        f"the stimulus seems to begin {apart * 1e3:.2g} ms earlier in one channel than in another: a response may run "
        f"on under it, so that all pulses are off by as much (a trigger would tell)"
    )
