"""Pulses beside those given: found where the list lacks them and put in, or said of where they are left."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.artifact.artifacts_left import KNOWN, LOOKED_AT, ListedPulses, without_responses
from emgkit.artifact.base import living_channels, since_and_until
from emgkit.artifact.last_answer import LastAnswer
from emgkit.artifact.lost_pulses import lost_pulses
from emgkit.detect.from_artifact import pulses_from_artifact
from emgkit.detect.sharp import bridged
from emgkit.errors import EmgkitError
from emgkit.pulses import Pulses, find_trains

__all__ = ["Beside", "look_beside", "said_of_left"]

Array = NDArray[np.float64]

ENOUGH = 10  # given pulses, and found ones between them, from which either tells of the other
FEWEST, FEWEST_BETWEEN, SHARE_BETWEEN = 3, 10, 0.05  # artifacts that are spoken of, and of the given pulses
LARGEST_OFFSET, SAME = 0.003, 0.0005  # s from a given pulse to the found one, and about the usual offset
MATCHED = 0.7  # of the given pulses are found, and of those found between them are given
OTHER = 0.5  # of a stimulator's pulses lie away from those given: it is another one, also where they come close
STAYS = 0.5  # of what is sharp about an artifact is in the output: it was not taken away
SHARP = 0.0015  # s about an artifact, in which that is compared
REGULAR = 0.1  # relative deviation of most intervals of artifacts that keep a beat


_last: LastAnswer[tuple[bool, Array | None, list[Array], Array]] = LastAnswer()


@dataclass(frozen=True, eq=False)
class Beside(FrozenValue):
    """What lies beside the given pulses.

    Parameters
    ----------
    pulses : Pulses
        The given ones, and those that were put in.
    said : tuple of str
        What was put in.
    left : ndarray, shape (artifacts,)
        Times of artifacts that belong to no pulse, s from the first sample.
    locked : bool
        Whether anything is locked to the given pulses.
    """

    pulses: Pulses
    said: tuple[str, ...]
    left: Array
    locked: bool

    @property
    def elsewhere(self) -> bool:
        """Whether nothing is locked to the pulses, and artifacts are elsewhere: these are not the pulses' times."""
        return not self.locked and self.left.size >= ENOUGH


def look_beside(signal: Array, fs: float, pulses: Pulses, *, put_in: bool) -> Beside:
    """Look for artifacts that belong to no pulse.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V; missing samples NaN.
    fs : float
        Hz.
    pulses : Pulses
        s from the first sample.
    put_in : bool
        Whether pulses of the same trains, before the first one, after the last one and between, are put in.
    """
    onsets, end = np.array(pulses.onsets), signal.shape[1] / fs
    nothing = np.zeros(0)
    if not living_channels(signal).size or not onsets.size:
        return Beside(pulses, (), nothing, True)
    if onsets.size < FEWEST:
        return Beside(pulses, (), _left_of_few(_listed(signal, fs, onsets)), True)
    locked, own, trains, lost = _looked(signal, fs, onsets)
    if put_in and own is not None:
        pulses = _extended(pulses, own, end)
        lost = lost_pulses(_listed(signal, fs, np.array(pulses.onsets))) if locked else nothing
    if put_in and lost.size:
        pulses = _extended(pulses, lost, end)
    every = np.array(pulses.onsets)
    left = np.unique(np.concatenate([nothing, *(_unclaimed(times, every) for times in trains)]))
    lost = lost[~np.isin(lost, every) & (np.minimum(*since_and_until(lost, left)) > KNOWN)]
    return Beside(pulses, _said(every, onsets), np.union1d(left, lost), locked)


def _looked(signal: Array, fs: float, onsets: Array) -> tuple[bool, Array | None, list[Array], Array]:
    """Look for what is as sharp as artifacts, and for pulses on empty beats."""

    def look() -> tuple[bool, Array | None, list[Array], Array]:
        listed = _listed(signal, fs, onsets)
        locked, own, trains = _look(listed)
        return locked, own, trains, lost_pulses(listed) if locked else np.zeros(0)

    return _last.of(signal, (fs, onsets.tobytes()), look)


def _listed(signal: Array, fs: float, onsets: Array) -> ListedPulses:
    return ListedPulses(bridged(signal[living_channels(signal)[:LOOKED_AT]]), fs, onsets)


def _look(listed: ListedPulses) -> tuple[bool, Array | None, list[Array]]:
    """Look for what is as sharp as artifacts.

    Returns
    -------
    bool
        Whether anything is locked to the pulses.
    ndarray or None
        All pulses of their stimulator, s, where it was found.
    list of ndarray
        Those of every stimulator, or other sharp events, s.
    """
    onsets = listed.onsets
    locked, sharp = listed.locked, listed.unclaimed()
    between = sharp[(sharp > onsets[0]) & (sharp < onsets[-1])].size
    many = between >= max(FEWEST_BETWEEN, SHARE_BETWEEN * onsets.size)
    if locked and not many and not listed.go_on_outside:
        return locked, None, []
    try:
        found = pulses_from_artifact(listed.signal, listed.fs, None, None)
    except (EmgkitError, np.linalg.LinAlgError):
        beats = listed.beats_outside() if locked else np.zeros(0)
        return locked, None, [beats if beats.size > sharp.size else sharp]
    own, offset = _own(found, onsets)
    trains = [np.array(found.onsets[found.stimulator == number]) + offset for number in np.unique(found.stimulator)]
    if onsets.size < ENOUGH:  # too few to show that anything is locked to them, but they come with what was found
        locked |= max(_matched(times - offset, onsets)[0] for times in trains) >= max(FEWEST, MATCHED * onsets.size)
    return locked or own is not None, None if own is None else own + offset, trains


def _left_of_few(listed: ListedPulses) -> Array:
    """Give the times of artifacts beside one or two pulses, s: so few tell neither what is locked to them nor a train.

    As many as are spoken of must be as sharp as the artifacts of the given ones; then all pulses of their trains count.
    """
    sharp = listed.unclaimed()
    if sharp.size < FEWEST:
        return np.zeros(0)
    try:
        found = pulses_from_artifact(listed.signal, listed.fs, None, None)
    except (EmgkitError, np.linalg.LinAlgError):
        return sharp
    return _unclaimed(np.array(found.onsets), listed.onsets)


def _unclaimed(times: Array, onsets: Array) -> Array:
    """Leave out pulses of one stimulator that are given, or all but those if it is mostly another one."""
    away = without_responses(times, onsets)
    if away.size < OTHER * times.size:
        return away
    return np.asarray(times[np.minimum(*since_and_until(times, onsets)) > SAME])


def _own(found: Pulses, onsets: Array) -> tuple[Array | None, float]:
    """Give the times of the found pulses of the stimulator that was given, and by how much they were found early."""
    for number in np.unique(found.stimulator):
        times = np.array(found.onsets[found.stimulator == number])
        matched, offset = _matched(times, onsets)
        between = int(((times > onsets[0] - KNOWN) & (times < onsets[-1] + KNOWN)).sum())
        if matched >= max(ENOUGH, MATCHED * max(onsets.size, between)):
            return times, offset
    return None, 0.0


def _matched(times: Array, onsets: Array) -> tuple[int, float]:
    """Count the given pulses that come at their usual offset from a found one, and give that, s."""
    place = np.clip(np.searchsorted(times, onsets), 1, max(times.size - 1, 1))
    before, after = times[place - 1], times[np.minimum(place, times.size - 1)]
    away = np.where(onsets - before < after - onsets, onsets - before, onsets - after)
    near = away[np.abs(away) <= LARGEST_OFFSET]
    offset = float(np.median(near)) if near.size else 0.0
    return int((np.abs(away - offset) <= SAME).sum()) if near.size else 0, offset


def _extended(pulses: Pulses, times: Array, end: float) -> Pulses:
    """Put in what belongs to the trains of the list: at its ends, and between, unless nobody knows its current."""
    onsets = np.array(pulses.onsets)
    if np.unique(pulses.stimulator).size > 1 or not _same(pulses.current) or not _same(pulses.width):
        return pulses
    away = np.minimum(*since_and_until(times, onsets)) > KNOWN
    lacking = times[(times >= 0) & (times < end) & away]
    both = np.union1d(onsets, lacking)
    train = find_trains(both)
    more = lacking[np.isin(train[np.searchsorted(both, lacking)], train[np.searchsorted(both, onsets)])]
    if not more.size:
        return pulses
    every = np.union1d(onsets, more)
    place = np.clip(np.searchsorted(onsets, every, side="right") - 1, 0, None)
    own = np.array_equal(pulses.train, find_trains(onsets))
    return replace(
        pulses,
        onsets=every,
        train=find_trains(every) if own else pulses.train[place],
        stimulator=pulses.stimulator[place],
        current=None if pulses.current is None else pulses.current[place],
        width=None if pulses.width is None else pulses.width[place],
        errors=None,
    )


def _said(every: Array, onsets: Array) -> tuple[str, ...]:
    """Say which pulses were put in."""
    more = every[~np.isin(every, onsets)]
    if not more.size:
        return ()
    return (
        f"The list of pulses does not hold all of their train: {_where(more, onsets)} were found by their "
        "artifacts and put in.",
    )


def _same(values: Array | None) -> bool:
    return values is None or bool((values == values[0]).all())


def _where(times: Array, onsets: Array) -> str:
    """Count times before the first pulse given, after the last one and between, and say when."""
    said = []
    for some, where in (
        (times[times < onsets[0]], "before the first one"),
        (times[times > onsets[-1]], "after the last one"),
        (times[(times > onsets[0]) & (times < onsets[-1])], "between"),
    ):
        if some.size:
            said.append(f"{some.size} {where} ({some[0]:.3f} to {some[-1]:.3f} s)")
    return " and ".join(said)


def said_of_left(beside: Beside, recorded: Array, output: Array, fs: float) -> tuple[str, ...]:
    """Say how many artifacts belong to no pulse and are still there, when they come, and what to do.

    Parameters
    ----------
    beside : Beside
    recorded, output : ndarray, shape (channels, samples)
        What was taken apart, and the part in which voluntary EMG is, V.
    fs : float
        Hz.
    """
    onsets, left = np.array(beside.pulses.onsets), beside.left
    if beside.elsewhere:
        return (
            f"Nothing is locked to the pulses given, and {left.size} artifacts lie elsewhere, the first at "
            f"{left[0]:.3f} s{_rate(left)}: these are not the times of the pulses in this recording. Compare their "
            "time origin and clock, or let detect_pulses find them.",
        )
    said = []
    outside = left[(left < onsets[0]) | (left > onsets[-1])]
    if outside.size >= FEWEST:
        said.append(
            f"Artifacts like those of pulses belong to none that was given: {_where(outside, onsets)}. They stay in "
            "the voluntary EMG: give their pulses (detect_pulses finds them), or crop the recording."
        )
    between = left[(left > onsets[0]) & (left < onsets[-1])]
    between = between[_stays(between, recorded, output, fs)]
    if between.size >= max(FEWEST_BETWEEN, SHARE_BETWEEN * onsets.size):
        said.append(
            f"{between.size} artifacts between the pulses given belong to none of them, the first at "
            f"{between[0]:.3f} s{_rate(between)}: they stay in the voluntary EMG. Are they of a second stimulator? "
            "Give all pulses, Pulses(..., stimulator=...), or let detect_pulses find them."
        )
    return tuple(said)


def _stays(times: Array, recorded: Array, output: Array, fs: float) -> NDArray[np.bool_]:
    """Mark artifacts that the output holds as they were recorded, in the channel where they are sharpest."""
    reach = np.arange(-round(SHARP * fs), round(SHARP * fs) + 1)
    index = np.clip(np.round(times * fs).astype(np.int64)[:, np.newaxis] + reach, 0, recorded.shape[1] - 3)
    was, now = (
        np.abs(np.diff(np.nan_to_num(one[:LOOKED_AT]), n=2, axis=1))[:, index].max(axis=2) for one in (recorded, output)
    )
    best = was.argmax(axis=0)
    places = np.arange(times.size)
    return np.asarray(now[best, places] >= STAYS * was[best, places])


def _rate(times: Array) -> str:
    """Rate of a regular train, in words; empty where most intervals differ."""
    gaps = np.diff(times)
    usual = float(np.median(gaps)) if gaps.size else 0.0
    regular = gaps.size and np.mean(np.abs(gaps - usual) < REGULAR * usual) > 0.5
    return f", at {1 / usual:.3g} Hz" if regular else ""
