"""From sharp events to the pulses of every stimulator."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.alignment import Alignment, align, differences
from emgkit.detect.beat import Chain, best_chain, tolerance
from emgkit.detect.belief import STIRRED, dominant, is_response, likeness, regular, responses, sharpest_lag, stir
from emgkit.detect.creep import steered
from emgkit.detect.fit import Fit
from emgkit.detect.growth import EMPTY, Part, grow
from emgkit.detect.match import Template, rendered
from emgkit.detect.sharp import Events, sharp_events, sharp_trace, smooth_events
from emgkit.detect.together import silences, starts_anew
from emgkit.detect.waveform import Span, table

__all__ = ["Train", "divided", "find_stimulators"]

Array = NDArray[np.float64]
Index = NDArray[np.int64]

LEVEL = 5.0  # of the usual size: an event
MOST_STIMULATORS = 3
LEAST_ALIKE = 0.2  # of the energy about the pulses, explained by the others' waveform
BEFORE, AFTER = 0.0015, 0.003  # s about a pulse: its artifact
APART = 0.001  # s about the lag of a response
RESPONSE = 3.0  # times what usually follows a pulse, up to which an event is a response
HIGHER = 8.0  # of the usual size, for the events of further stimulators
WANDER = 4e-4  # s, how far a pulse may lie off its line when its size is measured
FEWEST = 10  # pulses of each kind where pulses and responses take turns
FURTHER, SHARE = 20, 0.1  # pulses of a further stimulator, and of the first one's
EARLIER, EARLIER_SAMPLES = 4e-4, 0.8  # s, samples, from where a pulse is expected to the sharpest place
MOVED = 3  # samples that a train may be moved by
FULL = 0.6  # of the places between the beats that have a pulse: the interval is shorter
PRESENT, HIDDEN = 0.5, 0.2  # of the size and of the likeness of pulses: a pulse, and one below that of another train
SLIP = 0.002  # s between lobes of an artifact
CLOSE, SAME_CLOCK = 10, 100  # beats between trains that may be one, and whose clock is taken to have gone on
MOST_ROUNDS = 5  # of completing a train


@dataclass(frozen=True, eq=False)
class Train:
    """Pulses of one stimulator.

    Parameters
    ----------
    times : ndarray, shape (pulses,)
        s from the first sample, any place of the artifact.
    part : ndarray of int, shape (pulses,)
        Train that a pulse belongs to.
    beats : ndarray or None, shape (pulses,)
        Number of the beat within the train; None for irregular pulses.
    """

    times: Array
    part: Index
    beats: Array | None


class Scene:
    """A recording while it is searched: what is left of it and of its events."""

    def __init__(self, signal: Array, fs: float) -> None:
        self.fs = fs
        self.bends = differences(signal, fs)
        self.trace = sharp_trace(signal, fs)
        self.sharper = sharp_trace(self.bends, fs)
        self.whole, self.sharpest = self.trace, self.sharper
        events = sharp_events(self.trace, fs, LEVEL)
        self.events = events.keep(~smooth_events(signal, events.index, fs))

    def forget(self, chain: Chain) -> None:
        """Take the events of a chain out."""
        self.events = self.events.keep(~np.isin(np.arange(len(self.events)), chain.members))

    def drop(self, times: Array, period: float, fit: Fit) -> None:
        """Take a train out: its artifacts, and events no higher than what follows nearly every pulse at their lag."""
        index = np.round(times * self.fs).astype(np.int64)[:, np.newaxis]
        usual = np.zeros(self.trace.size)
        reach = np.arange(-round(APART * self.fs), round(APART * self.fs) + 1)
        lags, heights = responses(times, self.trace, period, self.fs)
        for lag, height in zip(lags, heights, strict=True):
            place = np.clip(index + lag + reach, 0, usual.size - 1).ravel()
            usual[place] = np.maximum(usual[place], height)
        own = np.arange(-round(BEFORE * self.fs), round(AFTER * self.fs) + 1)
        usual[np.clip(index + own, 0, usual.size - 1)] = np.inf
        self.events = self.events.keep(self.events.height > RESPONSE * usual[self.events.index])
        artifact = np.isinf(usual)
        self.trace, self.sharper = np.where(artifact, 0.0, self.trace), np.where(artifact, 0.0, self.sharper)
        self.bends = self.bends - rendered(fit, self.bends.shape[1])


def find_stimulators(signal: Array, fs: float, rate: float | None = None) -> list[Train]:
    """Find the pulses of up to three stimulators.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V, without missing samples.
    fs : float
        Hz.
    rate : float, optional
        Nominal rate of the first stimulator, Hz.

    Returns
    -------
    list of Train
        Empty if there is no stimulation.
    """
    scene = Scene(signal, fs)
    found: list[Train] = []
    while len(found) < MOST_STIMULATORS:
        chain = best_chain(scene.events.place / fs, scene.events.height, fs, None if found else rate)
        if chain is None or (found and chain.members.size < max(FURTHER, SHARE * found[0].times.size)):
            break
        sure = dominant(chain, scene.events, fs)
        if not sure and not regular(chain):
            break
        times = scene.events.place[chain.members] / fs
        if found and np.median(scene.events.height[chain.members]) < HIGHER:
            break
        if any(is_response(train.times, times, scene.whole, scene.sharpest, fs) for train in found):
            scene.forget(chain)
            continue
        whole = _whole(scene, chain, sure)
        if whole is None:
            break
        train, alignment = whole
        found.append(train)
        scene.drop(train.times, chain.period, alignment.fit)
    return found


def _whole(scene: Scene, chain: Chain, sure: bool) -> tuple[Train, Alignment] | None:
    """Find the artifact of a chain, check it, and complete the train."""
    fs = scene.fs
    parts = _silent(_parts(scene.events, chain, fs), scene.trace, fs)
    lag = sharpest_lag(np.concatenate([part.times for part in parts]), scene.trace, scene.sharper, chain.period, fs)
    parts = _joined([Part(part.start + lag, part.period, part.beats) for part in parts], fs)
    parts = steered(_centred(scene, parts), scene.bends, fs)
    first = _aligned(scene, parts, quick=True)
    number, _ = _flat(parts)
    if not sure and likeness(scene.bends, first.times, number, first.fit) < LEAST_ALIKE:
        return None
    template = Template(first.fit)
    parts = [
        one for group in _on_one_line(_lines(parts, first), fs) for one in _settled(group, template, scene.bends, fs)
    ]
    parts = divided(parts, template, scene.bends)
    parts, alignment = _grown(scene, parts, first)
    number, beats = _flat(parts)
    return Train(alignment.times, number, beats), alignment


def _grown(scene: Scene, parts: list[Part], known: Alignment) -> tuple[list[Part], Alignment]:
    """Complete the train; what is found tells more about the artifact, at other places between two samples too."""
    count = 0
    for _ in range(MOST_ROUNDS):
        reach = min(3 * known.jitter, WANDER)
        parts = _joined(grow(parts, Template(known.fit), scene.bends, scene.fs, reach), scene.fs)
        parts = steered(parts, scene.bends, scene.fs)
        known = _aligned(scene, parts, quick=True)
        parts, before, count = _lines(parts, known), count, sum(part.beats.size for part in parts)
        if count == before:
            break
    return parts, known


def _parts(events: Events, chain: Chain, fs: float) -> list[Part]:
    times, out = events.place[chain.members] / fs, []
    for number in range(int(chain.train.max()) + 1):
        own = np.flatnonzero(chain.train == number)
        for run in np.split(own, silences(chain.beats[own], chain.period * fs)):
            start = float(np.median(times[run] - chain.period * chain.beats[run]))
            out.append(Part(start, chain.period, chain.beats[run]))
    return out


def _on_one_line(parts: list[Part], fs: float) -> list[list[Part]]:
    """Group trains that follow each other on one line: they lie at the same place of the artifact."""
    out = [[parts[0]]]
    for part in parts[1:]:
        before = out[-1][-1]
        beats = (part.times[0] - before.start) / before.period
        near = beats - before.beats[-1] <= SAME_CLOCK
        if near and abs(beats - round(beats)) * part.period <= tolerance(part.period, fs) / 2:
            out[-1].append(part)
        else:
            out.append([part])
    return out


def _silent(parts: list[Part], trace: Array, fs: float) -> list[Part]:
    """Double or triple the interval if only every so many-th event comes out of silence."""
    for count in (2, 3):
        turns = [[_every(part, count, turn) for part in parts] for turn in range(count)]
        turns = [[part for part in turn if part.beats.size] for turn in turns]
        if min(sum(part.beats.size for part in turn) for turn in turns) < FEWEST:
            continue
        stirs = np.array([stir(np.concatenate([part.times for part in turn]), trace, fs) for turn in turns])
        if (stirs < STIRRED).sum() == 1:
            return turns[int(np.argmin(stirs))]
    return parts


def _every(part: Part, count: int, turn: int) -> Part:
    """Every second or third beat of a train, counted by itself."""
    beats = part.beats[np.mod(part.beats, count) == turn]
    return Part(part.start + turn * part.period, part.period * count, (beats - turn) / count)


def _settled(group: list[Part], template: Template, bends: Array, fs: float) -> list[Part]:
    """Move trains by a sample or two to where the others' artifact fits best."""
    shifts = np.arange(-MOVED, MOVED + 0.25, 0.25) / fs
    times = np.concatenate([part.times for part in group])
    fits = [np.sum(template.match(bends, times + shift).likeness) for shift in shifts]
    best = float(shifts[int(np.argmax(fits))])
    return group if abs(best) <= 0.5 / fs else [Part(one.start + best, one.period, one.beats) for one in group]


def divided(parts: list[Part], template: Template, bends: Array, others: Array | None = None) -> list[Part]:
    """Halve or third the interval if there are pulses between the beats: others had coincided with a train.

    A response there may be as large, but is not alike. Of pulses that coincide with those of other stimulators, at
    ``others``, s, less is left when these are taken out.
    """
    usual = float(np.median(template.match(bends, np.concatenate([part.times for part in parts])).likeness))
    for count in (2, 3):
        finer = [Part(part.start, part.period / count, part.beats * count) for part in parts]
        every = [np.arange(part.beats[0], part.beats[-1]) for part in finer]
        steps = [beats[np.mod(beats, count) > 0] for beats in every]
        times = np.concatenate([part.start + part.period * step for part, step in zip(finer, steps, strict=True)])
        found = template.match(bends, times)
        hidden = np.zeros(times.size, dtype=bool)
        if others is not None and others.size:
            hidden = np.abs(times[:, np.newaxis] - others).min(axis=1) < AFTER
        least = np.where(hidden, HIDDEN, PRESENT)
        there = (found.amplitude > least) & (found.likeness >= least * usual)
        if there.size and there.mean() >= FULL:
            chosen = np.split(there, np.cumsum([step.size for step in steps])[:-1])
            return [
                Part(part.start, part.period, np.sort(np.append(part.beats, step[own])))
                for part, step, own in zip(finer, steps, chosen, strict=True)
            ]
    return parts


def _joined(parts: list[Part], fs: float) -> list[Part]:
    """Join trains that follow each other closely on one line, but for another lobe of the artifact."""
    out = [parts[0]]
    for part in parts[1:]:
        before = out[-1]
        beats = (part.times[0] - before.start) / before.period
        slip = abs(beats - round(beats)) * part.period
        close = EMPTY + 1 if all(starts_anew(one.beats, one.period * fs) for one in (before, part)) else CLOSE
        if beats - before.beats[-1] <= close and slip <= max(min(SLIP, part.period / 4), tolerance(part.period, fs)):
            shifted = part.beats - part.beats[0] + round(beats)
            out[-1] = Part(before.start, before.period, np.concatenate([before.beats, shifted]))
        else:
            out.append(part)
    return out


def _flat(parts: list[Part]) -> tuple[Index, Array]:
    number = np.repeat(np.arange(len(parts)), [part.beats.size for part in parts])
    return number.astype(np.int64), np.concatenate([part.beats for part in parts])


def _centred(scene: Scene, parts: list[Part]) -> list[Part]:
    """Move all trains so that the sharpest place of the artifact comes a little after them."""
    number, _ = _flat(parts)
    times = np.concatenate([part.times for part in parts])
    fit = Fit(scene.bends, times, number, Span.about(scene.fs, times, parts[0].period))
    waves, step = table(fit.coefficients, fit.span)
    power = np.sum(waves**2 * (np.median(fit.size, axis=1) ** 2 / fit.noise)[:, np.newaxis], axis=0)
    place = fit.span.low + step * np.arange(power.size)
    inside = (place >= -fit.span.before) & (place <= fit.span.after - 1.5 / scene.fs)
    lag = float(place[inside][np.argmax(power[inside])]) - max(EARLIER, EARLIER_SAMPLES / scene.fs)
    return [Part(part.start + lag, part.period, part.beats) for part in parts]


def _aligned(scene: Scene, parts: list[Part], quick: bool) -> Alignment:
    number, beats = _flat(parts)
    rough = np.concatenate([part.times for part in parts])
    return align(scene.bends, rough, number, beats, scene.fs, quick=quick)


def _lines(parts: list[Part], alignment: Alignment) -> list[Part]:
    """Take start and period from the aligned times."""
    number, beats = _flat(parts)
    moved = []
    for row, part in enumerate(parts):
        expected, own = alignment.expected[number == row], beats[number == row]
        period = (expected[-1] - expected[0]) / (own[-1] - own[0])
        moved.append(Part(float(expected[0] - period * own[0]), float(period), part.beats))
    return moved
