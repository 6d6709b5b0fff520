"""Pulses that keep no beat: between the beats of a train, or altogether."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.alignment import align
from emgkit.detect.belief import likeness
from emgkit.detect.match import Template
from emgkit.detect.sharp import Events, sharp_events, sharp_trace

__all__ = ["irregular_pulses", "pulses_off_beat"]

Array = NDArray[np.float64]

LEVEL = 8.0  # of the usual size of what is left
SIZE = (0.4, 2.5)  # of the train's pulses
ALIKE = 0.8  # of the energy
SURE = 6.0  # standard errors
LIKE_SIZED = 0.5  # SD of the logarithm of the sizes of pulses without a beat, where they are looked for
FINE = 6e-5  # s about a place that was found by steps of 50 µs
APART = 0.0012  # s to the next pulse: closer ones cannot be told from its misfit
FAR_APART = 0.0025  # s, where nothing but the waveform tells of a pulse
REACH = 0.0015  # s that a template may be moved by
LARGE, SHARES = (
    12.0,
    (0.2, 0.14, 0.1, 0.07, 0.05),
)  # of the usual size, and of the largest events: what may be a pulse without
# a beat; a brief artifact is seen at a fraction of its height where it falls between two samples
RESPONSE = 0.04  # s after a larger event
BESIDE, FEWEST_BESIDE = 10, 4  # pulses on either side whose responses are looked at, and at least in all
AFTER_OTHERS, OUTLYING = 0.5, 3.0  # of what is seen, and SDs beyond it: more is no response
ALONE, ABOUT = 0.9, 0.006  # of the energy when that is taken out, and s about it; unverified
SAME = 0.95  # of the energy: the artifact itself, as of doublets; what responses resemble it by is less; unverified
QUARTILES = 1.349  # SDs of a normal distribution between its quartiles
DOMINANT = 4.0  # times the other events
LESS_DOMINANT, MANY, MORE_ALIKE = 2.5, 100, 0.9  # the same of many events that are nearly all the same; unverified
FEWEST = 5


def pulses_off_beat(
    bends: Array, left: Array, template: Template, known: list[Array], fs: float, regular: bool = True
) -> Array:
    """Find pulses like those of a train in what is left when the train is taken out.

    What follows the other pulses as well at the same lag is a response to them, unless it is the artifact itself: a
    response is smoother. So are doublets found, and stimulators that keep the same beat.

    Parameters
    ----------
    bends, left : ndarray, shape (channels, samples)
        Differences of the signal, and without the train.
    template : Template
        Of the train.
    known : list of ndarray, shape (pulses,)
        Times of every train, s, increasing; the template's own first.
    fs : float
        Hz.
    regular : bool
        Whether the train keeps a beat: if not, nothing comes at the same lag, and more pulses are yet to be found.

    Returns
    -------
    ndarray, shape (pulses,)
        s, on the same place of the artifact as those of the train.
    """
    trace = sharp_trace(left, fs)
    events = sharp_events(trace, fs, LEVEL)
    if not len(events):
        return np.zeros(0)
    rough = events.place / fs - _lead(bends, known[0], fs)
    rough = rough[(rough > template.span.before) & (rough < bends.shape[1] / fs - template.span.after)]
    if not rough.size:
        return np.zeros(0)
    found = template.match(left, rough, REACH, FINE / 4, LIKE_SIZED)
    found = template.match(left, found.times[found.likeness >= ALIKE / 2], FINE, FINE / 30)
    good = (found.likeness >= ALIKE) & (found.amplitude >= SIZE[0]) & (found.amplitude <= SIZE[1])
    good &= found.amplitude >= SURE * found.error
    times = np.unique(found.times[good])
    times = times[np.insert(np.diff(times) > REACH, 0, True)] if times.size else times
    apart = np.abs(times[:, np.newaxis] - np.concatenate(known)).min(axis=1, initial=np.inf)
    apart = apart >= (APART if regular else FAR_APART)
    times = _no_responses(left, template, times[apart], known) if regular else times[apart]
    return template.match(left, times, FINE, FINE / 30).times


def _lead(bends: Array, times: Array, fs: float) -> float:
    """By how much the times of a train usually come before the events of its pulses, s."""
    places = sharp_events(sharp_trace(bends, fs), fs, LEVEL).place / fs
    after = np.searchsorted(places, times - REACH / 3)
    lead = (places[np.minimum(after, places.size - 1)] - times) if places.size else np.zeros(0)
    lead = lead[np.abs(lead) < 2 * REACH]
    return float(np.median(lead)) if lead.size else REACH / 3


def _no_responses(left: Array, template: Template, times: Array, known: list[Array]) -> Array:
    """Keep the times of the artifact itself, or of more than what follows the other pulses at the same lag."""
    kept: list[float] = []
    same = template.match(left, times, FINE, FINE / 30).likeness >= SAME
    for time, artifact in zip(times, same, strict=True):
        before = [(train, train[train < time - APART]) for train in known]
        lags = [(train, float(time - earlier[-1])) for train, earlier in before if earlier.size]
        lags += [(known[0], float(time - one)) for one in kept if time - one < RESPONSE]
        if artifact or all(_exceeds(left, template, time, train, lag) for train, lag in lags):
            kept.append(float(time))
    return np.array(kept)


def _exceeds(left: Array, template: Template, time: float, train: Array, lag: float) -> bool:
    """Whether the template is larger at a time than it is as long after the pulses about it."""
    place = int(np.searchsorted(train, time - lag))
    near = train[max(place - BESIDE, 0) : place + BESIDE + 1]
    others = near[np.abs(near + lag - time) > APART]
    if others.size < FEWEST_BESIDE:
        return True
    found = template.match(left, np.append(others + lag, time), REACH / 3)
    low, usual, high = np.quantile(found.amplitude[:-1], [0.25, 0.5, 0.75])
    size, alike = found.amplitude[-1], found.likeness[-1]
    more = size - usual > max(AFTER_OTHERS * size, OUTLYING * (high - low) / QUARTILES)
    return bool((more or alike >= ALONE) and _alone(left, template, time, others + lag))


def _alone(left: Array, template: Template, time: float, others: Array) -> bool:
    """Whether a pulse is there when what is usual at other times is taken out."""
    fs = template.span.fs
    reach = np.arange(-round(ABOUT * fs), round(ABOUT * fs) + 1)
    index = np.clip(
        np.round(np.append(others, time) * fs).astype(np.int64)[:, np.newaxis] + reach, 0, left.shape[1] - 1
    )
    rest = left[:, index[-1]] - np.median(left[:, index[:-1]], axis=1)
    found = template.match(rest, np.array([time - index[-1, 0] / fs]), REACH / 3)
    return bool(found.likeness[0] >= ALONE and found.amplitude[0] >= SIZE[0])


def irregular_pulses(events: Events, bends: Array, fs: float) -> Array:
    """Find pulses without any beat: large, alike, and nothing else like them; empty if there are none.

    Parameters
    ----------
    events : Events
        Of the whole recording.
    bends : ndarray, shape (channels, samples)
        Differences of the signal.
    fs : float
        Hz.
    """
    if len(events) < FEWEST:
        return np.zeros(0)
    largest = float(np.quantile(np.sort(events.height)[-FEWEST:], 0.5))
    for share in SHARES:
        found = _alike(events, max(LARGE, share * largest), bends, fs)
        if found.size:
            return found
    return np.zeros(0)


def _alike(events: Events, least: float, bends: Array, fs: float) -> Array:
    """Give the times of the events that reach a height, if they are alike and nothing else is like them."""
    large = events.keep(events.height >= least)
    large = large.keep(~_responses(large, fs))
    if len(large) < FEWEST:
        return np.zeros(0)
    rest = events.keep(~np.isin(events.index, large.index) & ~_follows(events, large, fs))
    over = float(np.median(large.height) / np.quantile(rest.height, 0.95)) if len(rest) else np.inf
    if over < LESS_DOMINANT or (over < DOMINANT and len(large) < MANY):
        return np.zeros(0)
    rough = large.place / fs
    one = np.zeros(rough.size, dtype=np.int64)
    fit = align(bends, rough, one, None, fs, quick=True)
    found = Template(fit.fit).match(bends, fit.times, REACH / 2)
    alike = (found.likeness >= ALIKE) & (found.amplitude > 0)
    least, same = (ALIKE, ALIKE / 2) if over >= DOMINANT else (MORE_ALIKE, SAME)
    if alike.sum() < max(FEWEST, least * alike.size):
        return np.zeros(0)
    if likeness(bends, fit.times[alike], one[alike], fit.fit) < same:
        return np.zeros(0)
    return np.asarray(rough[alike])


def _responses(events: Events, fs: float) -> NDArray[np.bool_]:
    """Events that follow a larger one at once."""
    out = np.zeros(len(events), dtype=bool)
    times = events.place / fs
    for number in range(1, len(events)):
        before = (times[:number] > times[number] - RESPONSE) & (events.height[:number] > 2 * events.height[number])
        out[number] = before.any()
    return out


def _follows(events: Events, large: Events, fs: float) -> NDArray[np.bool_]:
    place = np.searchsorted(large.index, events.index, side="right") - 1
    return (place >= 0) & (events.index - large.index[np.maximum(place, 0)] < RESPONSE * fs)
