"""Find M-waves whose peaks a first stage clips, where a high-pass behind it leaves no flat top."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.base import first_samples
from emgkit.artifact.overload import listed, marked_samples
from emgkit.pulses import Pulses
from emgkit.recording import Recording

__all__ = [
    "ClippedResponse",
    "clipped_reasons",
    "find_clipped_responses",
    "mark_clipped_responses",
    "said_of_clipped_responses",
]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

SLOWEST = 1800.0  # Hz, of sampling: peaks that are clipped by a fifth last too few samples below
EARLIEST, LATEST = 0.001, 0.025  # s after the pulse: the artifact comes before, M-waves are over after
GAP = 0.001  # s before the next pulse, at which its artifact may begin
BEFORE = 0.004  # s before the pulse, from which the usual variation is read
SHORTEST = 0.005  # s that must be there between artifact and next pulse
GROUP, FEWEST = 30, 20  # pulses that are looked at together, over which M-waves hardly move; and at least
KEPT = 0.8  # of the pulses, those with the least deviation: a few may not reach the rail
KNOWN = 0.9  # of the pulses, in which a sample must be valid
USUAL = 0.5  # quantile of the variation over the time after the pulse: both plateaus together last no longer
SILENT = 0.2  # of the usual variation, below which nothing passes; a hundredth at a rail, noise behind it apart
ALIKE = 1e-6  # of the largest course, below which one is none: pulses in step with the samples have one place
CODES = 2.0  # steps of the converter that the usual variation must have: rounding is as still as a rail
FLAT = 0.12  # largest turn of the slope at a rail over that at its corners, which are the response's sharpest
FASTEST = 80.0  # Hz, decay of a level behind a high-pass of 30 Hz of second order, over 2 pi
HIGHEST = 0.7  # of the response's peak on its side, at the plateau: what a high-pass of 30 Hz leaves after the corner
REACHED = 0.97  # of the peak at a rail: groups with such a peak reach it too, in too few pulses or too shortly
RETURN = 0.0015  # s around the plateau, in which variation must be there as usual: a muscle that is silent stays so
SMEAR = 0.001  # s on either side, in which an anti-alias filter settles
GROUPS = 2  # groups of pulses that must show it


@dataclass(frozen=True, eq=False)
class ClippedResponse:
    """That the first stage is at its limit at a peak of the M-wave.

    Parameters
    ----------
    channel, stimulator : int
        Where, and after whose pulses.
    begin, until : float
        Times after the pulse between which it was at its limit in some of the pulses, s.
    samples : ndarray of int
        Samples that are marked.
    """

    channel: int
    stimulator: int
    begin: float
    until: float
    samples: Indices


@dataclass(frozen=True, eq=False)
class _Group:
    """Pulses that are looked at together: means over them, and what varies.

    Parameters
    ----------
    first : ndarray, shape (pulses,)
        First sample at or after each pulse.
    mean : ndarray, shape (samples,)
        Signal from 1 ms after the pulse on, V; NaN where samples are missing.
    slope, variation : ndarray, shape (samples - 1,)
        Mean of its differences, V, and how much they vary from pulse to pulse, V; infinite where samples are missing.
    usual : float
        Variation before the pulse or, if that is less, the median over the time after it, V.
    step : float
        Smallest difference of two values before the pulses, V.
    """

    first: Indices
    mean: Array
    slope: Array
    variation: Array
    usual: float
    step: float


def find_clipped_responses(recording: Recording, pulses: Pulses) -> tuple[ClippedResponse, ...]:
    """Find where nothing passes the amplifier at the peak of an M-wave.

    Parameters
    ----------
    recording : Recording
        Rails and held samples marked: they are none of this.
    pulses : Pulses
        Within it.

    Returns
    -------
    tuple of ClippedResponse
        One for every channel, stimulator and side of the rail; empty where nothing can be told.

    Notes
    -----
    A first stage at its rail gives one level whatever enters. Behind a high-pass this level decays by the same rule in
    all pulses, so that the differences of neighbouring samples do not vary from pulse to pulse: noise, voluntary EMG
    and what the M-wave varies are gone. They must vary by less than a fifth of what they do before the pulse, and of
    what is usual after it, in that of the groups of some 30 pulses where this is least: a muscle that falls silent
    leaves its noise. The slope must be that of a level that decays, without a turn, at the extreme of the response on
    its side; just before and after, differences must vary as usual or more.

    Nothing is told from fewer than 20 pulses, below 1800 Hz of sampling, where the next pulse comes within 7 ms, where
    less than about the highest fifth of the peak is missing (the plateau is shorter than the filters need), where noise
    from behind the first stage or rounding hides what varies, or where a filter is applied afterwards that spreads it.
    """
    if recording.fs < SLOWEST:
        return ()
    origin, found = pulses.onsets - recording.start, list[ClippedResponse]()
    every = np.unique(first_samples(origin, recording.fs))
    for stimulator in np.unique(pulses.stimulator):
        onsets = origin[pulses.stimulator == stimulator]
        for channel, (row, valid) in enumerate(zip(recording.signal, recording.valid, strict=True)):
            groups = list(_groups(row, valid & np.isfinite(row), recording.fs, onsets, every))
            for side in (-1.0, 1.0):
                one = _on_side(groups, side, recording.fs)
                if one is not None:
                    found.append(ClippedResponse(channel, int(stimulator), *one))
    return tuple(found)


def mark_clipped_responses(recording: Recording, found: Sequence[ClippedResponse]) -> Recording:
    """Mark the samples at which nothing passed.

    Parameters
    ----------
    recording : Recording
        As it was given to `find_clipped_responses`.
    found : sequence of ClippedResponse
        What it gave.

    Returns
    -------
    Recording
        The same signal; `valid` is False there. The same object where nothing was found.
    """
    if not found:
        return recording
    return marked_samples(recording, ((one.channel, one.samples) for one in found))


def said_of_clipped_responses(names: Sequence[str], found: Sequence[ClippedResponse]) -> str:
    """Say at which peaks nothing passes, for all channels in one sentence; "" where nothing was found."""
    where = [f"{names[channel]} ({when} ms)" for channel, when in _times(found).items()]
    if not where:
        return ""
    return (
        f"The amplifier's first stage is at its limit at the M-wave's peak in {listed(where)} after "
        "the pulse, ahead of a high-pass, which leaves no flat top: M-waves are larger than they seem."
    )


def clipped_reasons(found: Sequence[ClippedResponse]) -> dict[int, str]:
    """Say for every channel why its M-waves cannot be measured."""
    what = "the amplifier's first stage is at its limit at the M-wave's peak"
    return {channel: f"{what}, {when} ms after the pulse." for channel, when in _times(found).items()}


def _times(found: Sequence[ClippedResponse]) -> dict[int, str]:
    times = dict[int, list[str]]()
    for one in sorted(found, key=lambda one: (one.channel, one.begin)):
        times.setdefault(one.channel, []).append(f"{1e3 * one.begin:.1f} to {1e3 * one.until:.1f}")
    return {channel: " and ".join(dict.fromkeys(each)) for channel, each in times.items()}


def _groups(row: Array, valid: Mask, fs: float, onsets: Array, every: Indices) -> Iterator[_Group]:
    """Cut the responses of one channel into groups of pulses that follow each other."""
    first = first_samples(onsets, fs)
    far = np.iinfo(np.int64).max // 4
    after = np.append(every, far)[np.searchsorted(every, first, side="right")] - first
    stop = int(min(LATEST * fs, np.quantile(after, 0.1) - GAP * fs)) if after.size else 0
    begin, before, gap = int(np.ceil(EARLIEST * fs)), int(BEFORE * fs), int(GAP * fs)
    if stop - begin < SHORTEST * fs:
        return
    inside = (first >= before) & (first + stop <= row.size) & (after >= stop)
    at, first = first[inside] - onsets[inside] * fs, first[inside]
    if first.size < FEWEST:
        return
    for numbers in np.array_split(np.arange(first.size), max(first.size // GROUP, 1)):
        part, place = first[numbers], at[numbers]
        places = part[:, np.newaxis] + np.arange(-before, stop)
        ok = valid[places]
        known = ok.mean(axis=0) >= KNOWN
        whole = ok[:, known].all(axis=1)
        cut = np.where(known, row[places[whole]], np.nan)
        if len(cut) < FEWEST or not known[: before - gap].all():
            continue
        courses = _courses(place[whole])
        quiet, response = cut[:, : before - gap], cut[:, before + begin :]
        mean, slope = response.mean(axis=0), np.diff(response, axis=1).mean(axis=0)
        both = known[before + begin : -1] & known[before + begin + 1 :]
        if not both.any():
            continue
        variation = np.where(both, _variation(response, courses, fs), np.inf)
        usual = float(np.sqrt((_variation(quiet, courses, fs) ** 2).mean()))
        usual, steps = min(usual, float(np.quantile(variation[both], USUAL))), np.diff(np.unique(quiet))
        yield _Group(part, mean, slope, variation, usual, float(steps.min()) if steps.size else np.inf)


def _courses(place: Array) -> Array:
    """Orthonormal courses of a response over the pulse number and the place between the samples, (pulses, courses)."""
    number = np.linspace(-1.0, 1.0, place.size)
    courses = np.stack([np.ones(place.size), number, place, place**2], axis=1)
    left, size, _ = np.linalg.svd(courses, full_matrices=False)
    return np.asarray(left[:, size > ALIKE * size[0]])


def _variation(cut: Array, courses: Array, fs: float) -> Array:
    """Variation of differences over the pulses, V, without courses and what the decay of the level makes of them."""
    rest = cut - courses @ (courses.T @ cut)
    level, difference = rest[:, :-1], np.diff(rest, axis=1)
    power = np.maximum((level**2).sum(axis=0), np.finfo(float).tiny)
    decay = np.clip((level * difference).sum(axis=0) / power, -2 * np.pi * FASTEST / fs, 0.0)
    ordered = np.sort(np.abs(difference - decay * level), axis=0)[: int(KEPT * len(cut))]
    return np.asarray(np.sqrt((ordered**2).mean(axis=0)))


def _on_side(groups: Sequence[_Group], side: float, fs: float) -> tuple[float, float, Indices] | None:
    """First and last time of the plateaus on one side of the rail, s, and the samples that are marked."""
    usual = min((one.usual for one in groups), default=0.0)
    plateaus = [_plateaus(one, usual, side, fs) for one in groups]
    shown = [number for number, some in enumerate(plateaus) if some]
    if len(shown) < min(GROUPS, len(groups)) or not shown:
        return None
    smear, samples = int(np.ceil(SMEAR * fs)), list[Indices]()
    peaks, places = [np.array([pick(side * one.mean) for one in groups]) for pick in (np.nanmax, np.nanargmax)]
    for number in map(int, np.flatnonzero(peaks >= REACHED * np.median(peaks[shown]))):
        nearest = min(shown, key=lambda other: abs(other - number))
        later = 0 if number in shown else int(places[number] - places[nearest])
        for begin, stop in plateaus[nearest]:
            inside = np.arange(begin - smear, stop + smear + 1) + later
            samples.append((groups[number].first[:, np.newaxis] + inside).ravel())
    ends = [end for number in shown for plateau in plateaus[number] for end in plateau]
    marked = np.unique(np.concatenate(samples))
    return min(ends) / fs, max(ends) / fs, marked


def _plateaus(group: _Group, usual: float, side: float, fs: float) -> list[tuple[int, int]]:
    """First and last sample after the pulse of every plateau on one side of the rail."""
    if usual < CODES * group.step:
        return []
    silent = group.variation < SILENT * usual
    edges = np.flatnonzero(np.diff(np.concatenate([[0], silent.astype(np.int8), [0]])))
    offset, found = int(np.ceil(EARLIEST * fs)), list[tuple[int, int]]()
    around = max(int(np.ceil(RETURN * fs)), 1)
    peak, turns = float(np.nanmax(side * group.mean)), np.abs(np.diff(group.slope))
    for begin, stop in zip(edges[::2], edges[1::2], strict=True):
        if begin == 0 or stop == silent.size:
            continue
        sides = group.variation[max(begin - around, 0) : begin], group.variation[stop : stop + around]
        level = side * group.mean[begin : stop + 1]
        turned = turns[begin : stop - 1].max() if stop - begin > 1 else min(turns[begin - 1], turns[begin])
        decay = -side * group.slope[begin:stop].mean() / level[:-1].mean() * fs / (2 * np.pi)
        if (
            turned <= FLAT * np.nanmax(turns[max(begin - around, 0) : stop - 1 + around])
            and level[0] >= HIGHEST * peak > 0
            and -1.0 <= decay <= FASTEST
            and min(one[np.isfinite(one)].max(initial=0.0) for one in sides) >= usual
        ):
            found.append((int(begin) + offset, int(stop) + offset))
    return found
