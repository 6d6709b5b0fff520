"""Equal stretches about the pulses, on the samples of the recording: what templates and predictions are made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import TimingError
from emgkit.pulses import Pulses

__all__ = [
    "LONGEST",
    "Frames",
    "Taken",
    "by_sequence",
    "by_stimulator",
    "cut",
    "first_samples",
    "level",
    "put",
    "sequences",
]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

LONGEST = 0.1  # s after the pulse: a response lasts no longer, however far away the next pulse is
INDEPENDENT = (
    40.0  # samples per second of EMG that tell its level independently (unverified: half its median frequency)
)
CERTAIN = 5.0  # standard errors from which a level is taken for an offset
FEWEST = 3  # pulses that make a sequence of their own


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames about the pulses of one sequence.

    Parameters
    ----------
    first : ndarray of int, shape (pulses,)
        First sample of each frame; frames may begin before the recording and end after it.
    places : ndarray, shape (pulses,)
        Where in its frame each pulse lies, samples from the first, not a whole number.
    stop : ndarray of int, shape (pulses,)
        One past the last sample that belongs to the frame: where the next frame begins, if that is sooner.
    count : int
        Samples per frame.
    until : float
        End of the frames after their pulses, s.
    """

    first: Indices
    places: Array
    stop: Indices
    count: int
    until: float


def first_samples(onsets: Array, fs: float, before: float) -> Indices:
    """First sample at or after ``before`` s before every pulse, each rounded once on its own, shape (pulses,)."""
    return np.ceil((onsets - before) * fs - 1e-9).astype(np.int64)


def sequences(pulses: Pulses, fs: float, before: float, after: float | None) -> list[Frames]:
    """Lay frames about the pulses, sequence by sequence.

    A sequence holds pulses whose responses may be compared: those of one train, or, of trains with fewer than three
    pulses, those at the same place in their trains (all first pulses of doublets, all second ones). What is too rare to
    make a sequence joins the longest.

    Raises
    ------
    TimingError
        If the frames are shorter than 1 ms, or no sequence has three pulses.
    """
    first = first_samples(pulses.onsets, fs, before)
    following = np.append(first[1:], np.iinfo(np.int64).max)
    made = []
    for members in _sequence_members(pulses):
        to_next = (following[members] - first[members]) / fs
        usual = min(float(np.quantile(to_next, 0.05)), before + LONGEST) - before
        end = usual + 1 / fs if after is None else after  # up to the next frame, whatever the interval rounds to
        count = int(np.floor((before + end) * fs + 1e-9))
        if count < max(0.001 * fs, 2):
            if after is None:
                raise TimingError(
                    f"Pulses {float(np.quantile(pulses.intervals, 0.05)) * 1e3:.3g} ms apart are too close for frames "
                    f"that end with the next: are some given twice? Use phase_spline, or give after=."
                )
            raise TimingError(
                f"Frames from {before * 1e3:.3g} ms before to {end * 1e3:.3g} ms after the pulse are too short: "
                f"give after= or use phase_spline."
            )
        start = first[members]
        places = pulses.onsets[members] * fs - start
        made.append(
            Frames(
                start,
                places,
                np.minimum(start + count, following[members]),
                count,
                end if after is not None else end + 1 / fs,
            )
        )
    if not made:
        raise TimingError(f"A template needs {FEWEST} pulses that can be compared, got {len(pulses)}: use blanking.")
    return made


def all_frames(pulses: Pulses, fs: float, before: float, after: float) -> Frames:
    """Lay frames about all pulses as one sequence."""
    first = first_samples(pulses.onsets, fs, before)
    count = int(np.floor((before + after) * fs + 1e-9))
    stop = np.minimum(first + count, np.append(first[1:], np.iinfo(np.int64).max))
    return Frames(first, pulses.onsets * fs - first, stop, count, after)


def _sequence_members(pulses: Pulses) -> list[Indices]:
    trains = [np.flatnonzero(pulses.train == train) for train in np.unique(pulses.train)]
    short = [members for members in trains if members.size < FEWEST]
    alike = [np.array([members[place] for members in short if members.size > place]) for place in range(FEWEST - 1)]
    large = [members for members in (*trains, *alike) if members.size >= FEWEST]
    alone = [members for members in (*trains, *alike) if members.size < FEWEST]
    rest = np.setdiff1d(np.concatenate([*alone, np.zeros(0)]), np.concatenate([*large, np.zeros(0)]))
    longest = max(range(len(large)), key=lambda number: large[number].size, default=0)
    joined = [np.union1d(members, rest) if number == longest else members for number, members in enumerate(large)]
    return [members.astype(np.int64) for members in joined or [rest] if members.size >= FEWEST]


def cut(row: Array, frames: Frames, pad: int = 0) -> Array:
    """Cut the frames out of one channel, with ``pad`` more samples on both sides, shape (pulses, pad + count + pad).

    NaN where the recording has no sample, and where the next frame has begun long since.
    """
    index = frames.first[:, np.newaxis] + np.arange(-pad, frames.count + pad)
    outside = (index < 0) | (index >= row.size) | (index >= frames.stop[:, np.newaxis] + pad)
    return np.where(outside, np.nan, row[np.clip(index, 0, row.size - 1)])


def put(row: Array, frames: Frames, values: Array) -> None:
    """Write values of shape (pulses, count) into the samples that belong to each frame."""
    index = frames.first[:, np.newaxis] + np.arange(frames.count)
    own = (index >= 0) & (index < np.minimum(frames.stop, row.size)[:, np.newaxis])
    row[index[own]] = values[own]


@dataclass(frozen=True, eq=False)
class Taken:
    """What a method of frames took from a signal.

    Parameters
    ----------
    locked : ndarray, shape (channels, samples)
        V.
    gain : ndarray, shape (channels,)
        Factor by which the RMS of clean EMG changes.
    effective : float
        Pulses that are effectively averaged.
    until : float
        Longest time after a pulse at which something was taken, s.
    """

    locked: Array
    gain: Array
    effective: float
    until: float


def by_stimulator(signal: Array, pulses: Pulses, take: Callable[[Array, Pulses], Taken]) -> Taken:
    """Take what is locked to one stimulator after the other from the signal."""
    taken = Taken(np.zeros_like(signal), np.ones(signal.shape[0]), np.inf, 0.0)
    for stimulator in np.unique(pulses.stimulator):
        more = take(signal - taken.locked, pulses.select(pulses.stimulator == stimulator))
        taken = Taken(
            taken.locked + more.locked,
            taken.gain * more.gain,
            min(taken.effective, more.effective),
            max(taken.until, more.until),
        )
    return taken


def by_sequence(
    signal: Array, fs: float, sequences: list[Frames], take: Callable[[Array, Frames], tuple[Array, float, float]]
) -> Taken:
    """Take from every channel what is locked to each sequence of pulses.

    ``take`` gets one channel, its level taken away, and the frames; it gives what is locked, shape (pulses, samples),
    the factor by which the power of clean EMG changes, and the pulses effectively averaged.
    """
    locked, near = np.zeros_like(signal), np.zeros(signal.shape[1], dtype=bool)
    for frames in sequences:
        own = frames.first[:, np.newaxis] + np.arange(frames.count)
        near[own[(own >= 0) & (own < near.size)]] = True
    levels = [level(row, near, fs) for row in signal]
    power, effective = np.zeros((len(sequences), signal.shape[0])), np.zeros(len(sequences))
    for number, frames in enumerate(sequences):
        for channel, row in enumerate(signal):
            values, power[number, channel], effective[number] = take(row - levels[channel], frames)
            put(locked[channel], frames, values)
    until = max(frames.until for frames in sequences)
    weights = np.array([frames.first.size for frames in sequences], dtype=float)
    weights /= weights.sum()
    return Taken(locked, np.sqrt(weights @ power), float(1 / (weights @ (1 / effective))), until)


def level(row: Array, near: Mask, fs: float) -> float:
    """Give the amplifier's offset, V: what lies between trains, where it stands out of the EMG there, and else 0.

    Parameters
    ----------
    row : ndarray, shape (samples,)
        One channel, V.
    near : ndarray of bool, shape (samples,)
        Samples that a response may reach; they tell nothing of the offset.
    fs : float
        Hz.
    """
    quiet = row[~near & np.isfinite(row)]
    if not quiet.size:
        return 0.0
    middle = float(np.median(quiet))
    deflection = float(np.median(np.abs(quiet - middle))) / 0.67
    error = 1.25 * deflection / np.sqrt(max(INDEPENDENT * quiet.size / fs, 1.0))
    return middle if abs(middle) > CERTAIN * error else 0.0
