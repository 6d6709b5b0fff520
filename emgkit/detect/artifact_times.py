"""From trains that were found to leading edges, with all channels and all stimulators together."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.alignment import Alignment, align, differences
from emgkit.detect.close_pulses import close_pulses
from emgkit.detect.edge import leading_edge
from emgkit.detect.extras import pulses_off_beat
from emgkit.detect.growth import complete
from emgkit.detect.match import Template, rendered
from emgkit.detect.places import align_irregular
from emgkit.detect.together import at_one_place
from emgkit.detect.trains import Train, divided

__all__ = ["Timed", "artifact_times", "best_channels"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

MOST_CHANNELS = 4  # that the times are taken from: the best ones hold nearly all there is
WORTH = 0.1  # of the best channel's artifact over its surroundings
ABOUT = 0.0015  # s about a pulse, where the artifact is large
MOST_GROWN = 12  # times that pulses without a beat are looked for
SOON, MANY = 0.0025, 0.1  # s after a pulse, and share of the pulses, that the waveform's misfit may look like others
ROUNDS, MOST_ROUNDS = 2, 5  # of fits in turn, for several stimulators, and as long as pulses are found


@dataclass(frozen=True, eq=False)
class Timed:
    """Leading edges of the pulses of one stimulator.

    Parameters
    ----------
    onsets, errors : ndarray, shape (pulses,)
        Leading edges and their standard errors, s; increasing.
    jitter : float
        SD of the pulses about their clock, without the errors of the estimate, s; NaN for irregular pulses.
    on_beat : ndarray of bool, shape (pulses,)
        Which belong to the train, and not between its beats.
    """

    onsets: Array
    errors: Array
    jitter: float
    on_beat: NDArray[np.bool_]


def artifact_times(signal: Array, trains: list[Train], fs: float) -> list[Timed]:
    """Find the leading edges of all pulses.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V, without missing samples.
    trains : list of Train
        Of one stimulator each; times right to about half a sample.
    fs : float
        Hz.

    Returns
    -------
    list of Timed
        In the order of the trains. Artifacts that overlap are fitted in turns with what the others leave.
    """
    chosen = signal[best_channels(signal, np.concatenate([train.times for train in trains]), fs)]
    bends = differences(chosen, fs)
    done = [_grown(bends, trains[0], fs)] if trains[0].beats is None else _in_turns(bends, trains, fs)
    left = _without(bends, done)
    timed: list[Timed] = []
    for train, fit in zip(trains, done, strict=True):
        others = [other.times for other in done if other is not fit]
        regular, sorted_times = train.beats is not None, [np.sort(one) for one in (fit.times, *others)]
        more = pulses_off_beat(bends, left, Template(fit.fit), sorted_times, fs, regular)
        if train.beats is not None and at_one_place(train.times * fs, train.part, train.beats):
            more = _no_misfits(more, sorted_times[0])
        if regular:
            more = close_pulses(left, fit.fit, more)
        one = _timed(chosen, fit, more, np.concatenate(others) if others else np.zeros(0))
        timed.append(one if regular else replace(one, jitter=float("nan"), on_beat=np.ones_like(one.on_beat)))
    return timed


def _no_misfits(found: Array, times: Array) -> Array:
    """Leave out what comes soon after many pulses: trains at places of their own tell the waveform least.

    What it misses there is like it, as long after every pulse of a train as the next lobe.
    """
    since = found - times[np.maximum(np.searchsorted(times, found) - 1, 0)]
    soon = (since > 0) & (since < SOON)
    return found[~soon] if soon.sum() > MANY * times.size else found


def _grown(bends: Array, train: Train, fs: float) -> Alignment:
    """Align pulses without a beat, with more and more of those that are like them.

    Brief artifacts are lower between two samples, so that those are found first that lie about a sample; how the
    others look is known as far as the waveform is.
    """
    times = train.times
    for _ in range(MOST_GROWN):
        fit = align_irregular(bends, times, fs)
        more = pulses_off_beat(bends, _without(bends, [fit]), Template(fit.fit), [np.sort(fit.times)], fs, False)
        times = np.sort(np.concatenate([fit.times, more]))
        if not more.size:
            break
    return align(bends, times, np.zeros(times.size, dtype=np.int64), None, fs)


def _in_turns(bends: Array, trains: list[Train], fs: float) -> list[Alignment]:
    """Align every train in what the others leave."""
    if len(trains) == 1:
        return [align(bends, trains[0].times, trains[0].part, trains[0].beats, fs)]
    fits: dict[int, Alignment] = {}
    known = dict(enumerate(trains))
    for number in range(MOST_ROUNDS):
        before = sum(train.times.size for train in known.values())
        for row in range(len(trains)):
            left = _without(bends, [fit for place, fit in fits.items() if place != row])
            if row in fits:
                others = np.concatenate([fit.times for place, fit in fits.items() if place != row])
                known[row] = _completed(known[row], fits[row], left, others)
            train = known[row]
            fits[row] = align(left, train.times, train.part, train.beats, fs, quick=True)
        if number >= ROUNDS - 1 and sum(train.times.size for train in known.values()) == before:
            break
    for row, train in known.items():
        left = _without(bends, [fit for place, fit in fits.items() if place != row])
        fits[row] = align(left, fits[row].times, train.part, train.beats, fs)
    return [fits[row] for row in range(len(trains))]


def _without(bends: Array, fits: list[Alignment]) -> Array:
    return bends - sum((rendered(fit.fit, bends.shape[1]) for fit in fits), np.zeros(1))


def _completed(train: Train, alignment: Alignment, left: Array, others: Array) -> Train:
    """Look once more for pulses that had been hidden by those of another stimulator."""
    if train.beats is None:
        return train
    template = Template(alignment.fit)
    parts = divided(complete(alignment.expected, train.part, train.beats, template, left), template, left, others)
    number = np.repeat(np.arange(len(parts)), [part.beats.size for part in parts]).astype(np.int64)
    return Train(np.concatenate([part.times for part in parts]), number, np.concatenate([part.beats for part in parts]))


def _timed(signal: Array, alignment: Alignment, more: Array, others: Array) -> Timed:
    edge = leading_edge(signal, alignment.fit, np.concatenate([more, others]))
    times = np.concatenate([alignment.times, more])
    errors = np.concatenate([alignment.errors, np.full(more.size, float(np.median(alignment.errors)))])
    order = np.argsort(times, kind="stable")
    return Timed(times[order] + edge, errors[order], alignment.jitter, order < alignment.times.size)


def best_channels(signal: Array, times: Array, fs: float) -> Index:
    """Choose the channels with the largest artifact over what is between the pulses, at most four."""
    reach = max(round(ABOUT * fs), 2)
    near = np.round(times * fs).astype(np.int64)[:, np.newaxis] + np.arange(-reach, reach + 1)
    near = np.clip(near, 2, signal.shape[1] - 1)
    ratios = np.empty(len(signal))
    for number, row in enumerate(signal):
        bend = np.abs(row[2:] - 2 * row[1:-1] + row[:-2])
        ratios[number] = float(np.median(bend[near - 2].max(axis=1))) / max(float(np.median(bend)), 1e-30)
    best = np.argsort(-ratios, kind="stable")[:MOST_CHANNELS]
    return np.sort(best[ratios[best] >= WORTH * ratios[best[0]]])
