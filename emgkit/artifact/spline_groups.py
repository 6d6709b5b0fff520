"""Recordings of many channels: some tell of the pulses, and all are fitted group by group, so that memory suffices."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.artifact.base import living_channels
from emgkit.artifact.spline_found import Found, Wanted
from emgkit.artifact.spline_model import LockedModel
from emgkit.artifact.spline_pulse_times import usual_interval
from emgkit.artifact.spline_session import Session
from emgkit.artifact.spline_tail import TailsFound, share_together
from emgkit.pulses import Pulses
from emgkit.shared_error import SharedError

__all__ = ["FoundInGroups", "channels_by_evidence", "fit_groups"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]

AT_ONCE, MOST_SAMPLES = 8, 1 << 20  # channels, or samples, that are fitted at once; of more
LEADERS, TOGETHER = 4, 2  # so many channels at least tell of the pulses, and so many of the others are fitted together
LOOKED_AT = 400  # pulses, from which channels are chosen
FRAME = -0.001, 0.03  # s about a pulse
RAIL = 0.01  # of the samples at a channel's extremes: it is clipped, and its pulses cannot be placed well


@dataclass(frozen=True, eq=False)
class FoundInGroups(FrozenValue):
    """What was found in all channels.

    Parameters
    ----------
    groups : list of (channels,) int
        Numbers of the channels of every group.
    found : list of Found
    shape : (channels, samples)
    """

    groups: list[Indices]
    found: list[Found]
    shape: tuple[int, int]

    def part(self, of: Callable[[LockedModel], Array]) -> GroupedPart:
        """Give a part that is rendered on demand."""
        return GroupedPart(self.groups, [one.model for one in self.found], of, self.shape)

    @property
    def quality(self) -> dict[str, Any]:
        """Numbers of all channels; where a group has one number, the least of pulses, else the largest.

        Channels that hold no signal have 0.
        """
        if self.groups[0].size == self.shape[0]:
            return dict(self.found[0].quality)
        names = dict.fromkeys(name for one in self.found for name in one.quality)
        return {name: self._joined(name) for name in names}

    def _joined(self, name: str) -> Any:
        values = [one.quality.get(name) for one in self.found]
        given = [value for value in values if value is not None]
        if isinstance(given[0], str):
            return given[0]
        if all(np.ndim(value) == 0 for value in given):
            return float(min(given) if name == "effective_pulses" else np.fmax.reduce(given))
        out = np.zeros(self.shape[0])
        for rows, value in zip(self.groups, values, strict=True):
            out[rows] = 0.0 if value is None else value
        return out

    @property
    def messages(self) -> tuple[str, ...]:
        """All sentences, each once."""
        return tuple(dict.fromkeys(message for one in self.found for message in one.messages))

    @property
    def shared_errors(self) -> tuple[SharedError, ...]:
        """What is not known of the responses alike after all pulses, per stimulator and group of channels."""
        errors = []
        for rows, one in zip(self.groups, self.found, strict=True):
            for shared in one.model.shared_errors():
                error = np.zeros((self.shape[0], shared.times.size))
                error[rows] = shared.error
                errors.append(replace(shared, error=error))
        return tuple(errors)

    @property
    def until(self) -> float:
        """End of all that is locked to a pulse, s after it: tails outlast the support."""
        tails = [response.tail for one in self.found for response in one.model.responses]
        ends = [float(tail.knots[-1]) for tail in tails if tail is not None]
        return max([*(one.until for one in self.found), *ends])

    @property
    def artifact_end(self) -> float:
        """End of the artifact, s after a pulse."""
        return max(one.model.artifact_end for one in self.found)


@dataclass(frozen=True, eq=False)
class GroupedPart(FrozenValue):
    """A part of all channels, rendered on demand and group by group."""

    groups: list[Indices]
    models: list[LockedModel]
    of: Callable[[LockedModel], Array]
    shape: tuple[int, int]

    def __call__(self) -> Array:
        """Render the part, V, (channels, samples)."""
        if self.groups[0].size == self.shape[0]:
            return self.of(self.models[0])
        out = np.zeros(self.shape)
        for rows, model in zip(self.groups, self.models, strict=True):
            out[rows] = self.of(model)
        return out

    def take_from(self, signal: Array) -> None:
        """Subtract the part from a signal, V, (channels, samples), in place."""
        for rows, model in zip(self.groups, self.models, strict=True):
            signal[rows] -= self.of(model)


def fit_groups(signal: Array, fs: float, pulses: Pulses, before: float, window: float, wanted: Wanted) -> FoundInGroups:
    """Fit all channels at once, or, if they are many, the leading ones and then the others, told of the pulses.

    Channels that hold no signal are left out: where all channels must be known, they would leave nothing to the
    others.
    """
    living = living_channels(signal)
    some = 0 < living.size < len(signal)
    found = _fitted(signal[living] if some else signal, fs, pulses, before, window, wanted, living if some else None)
    return replace(found, groups=[living[rows] for rows in found.groups], shape=signal.shape) if some else found


def _fitted(
    signal: Array, fs: float, pulses: Pulses, before: float, window: float, wanted: Wanted, numbers: Indices | None
) -> FoundInGroups:
    """Fit channels that have samples; their numbers are for the messages."""
    numbers = np.arange(len(signal)) if numbers is None else numbers
    together = max(TOGETHER, MOST_SAMPLES // signal.shape[1])
    if len(signal) <= max(AT_ONCE, together):
        found = Session(signal, fs, pulses, before, window, wanted, numbers).run()
        return FoundInGroups([np.arange(len(signal))], [found], signal.shape)
    order = channels_by_evidence(signal, fs, pulses)
    leaders = max(LEADERS, together)
    others = np.array_split(order[leaders:], int(np.ceil((order.size - leaders) / together)))
    groups = [np.sort(rows) for rows in (order[:leaders], *others)]
    first = Session(signal[groups[0]], fs, pulses, before, window, wanted, numbers[groups[0]]).run()
    every = [first]
    for rows in groups[1:]:
        session = Session(signal[rows], fs, pulses, before, window, wanted, numbers[rows])
        every.append(session.run() if first.agreed is None else session.follow(first.agreed))
    every = _together(every, [numbers[rows] for rows in groups])
    return FoundInGroups(groups, [replace(one, agreed=None, tails=None) for one in every], signal.shape)


def _together(every: list[Found], numbers: list[Indices]) -> list[Found]:
    """Take one tail from under the responses of all groups, where they see one: few channels tell little of it."""
    before = [one.tails for one in every if one.tails is not None]
    if len(before) < len(every):
        return every
    return [
        one if told is was else _retold(one, was, told)
        for one, was, told in zip(every, before, share_together(before, numbers), strict=True)
    ]


def _retold(found: Found, was: TailsFound, told: TailsFound) -> Found:
    responses = [replace(found.model.responses[0], share=told.responses[0].share)]
    messages = tuple(one for one in found.messages if one not in was.messages) + told.messages
    quality = {**found.quality, **told.quality}
    return replace(found, model=replace(found.model, responses=responses), quality=quality, messages=messages)


def channels_by_evidence(signal: Array, fs: float, pulses: Pulses) -> Indices:
    """Order channels by how far what is locked to the pulses stands out; those that are clipped come last.

    So a channel is fitted with the same others in whatever order the channels come.
    """
    onsets = pulses.onsets[np.linspace(0, len(pulses) - 1, min(len(pulses), LOOKED_AT)).astype(np.int64)]
    width = min(FRAME[1], usual_interval(pulses) + FRAME[0])
    index = np.round(onsets * fs).astype(np.int64)[:, np.newaxis] + np.arange(round(FRAME[0] * fs), round(width * fs))
    index = index[(index[:, 0] >= 0) & (index[:, -1] < signal.shape[1])]
    scores = np.array([_standing_out(row, index) for row in signal])
    return np.asarray(np.argsort(-scores, kind="stable"))


def _standing_out(row: Array, index: Indices) -> float:
    frames = row[index]
    frames = frames[np.isfinite(frames).all(axis=1)]
    if len(frames) < 2:
        return 0.0
    clipped = max((frames == frames.max()).mean(), (frames == frames.min()).mean()) > RAIL
    frames = frames - frames.mean(axis=1, keepdims=True)
    mean = frames.mean(axis=0)
    left = float(((frames - mean) ** 2).mean())
    ratio = float((mean**2).mean()) / left if left > 0 else 0.0
    return ratio / (1 + ratio) if not clipped else 1e-6 * ratio / (1 + ratio)
