"""Look for mains beside what is locked to the pulses."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.interference import Mains, find_mains
from emgkit.artifact.line_courses import Lines
from emgkit.artifact.spline_lines import (
    colliding_orders,
    hidden_frequencies,
    hidden_power,
    join_mains,
    lines_of_mains,
    mains_without_pulses,
    said_of_hidden,
    told_without_pulses,
)
from emgkit.artifact.spline_pulse_times import repetition_rate
from emgkit.pulses import Pulses

__all__ = ["MainsSearch"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

NONE = Mains(float("nan"), ())


@dataclass(frozen=True, eq=False)
class MainsSearch:
    """Where mains is looked for.

    Parameters
    ----------
    flat : (channels, samples) V, the signal without slow drift
    known : (channels, samples) bool, samples that were measured
    near : (samples,) bool, samples near a pulse
    fs : float
        Hz.
    pulses : Pulses
        s from the first sample.
    repeat : int
        Pulses, or groups of them, after which the artifact is the same again: 2 where pulses turn over.
    wanted : bool
        False finds none.
    """

    flat: Array
    known: Mask
    near: Mask
    fs: float
    pulses: Pulses
    repeat: int
    wanted: bool

    @property
    def duration(self) -> float:
        """Of the recording, s."""
        return self.flat.shape[1] / self.fs

    @cached_property
    def rate(self) -> float:
        """Rate at which the artifact repeats itself, Hz."""
        return repetition_rate(self.pulses) / self.repeat

    @property
    def rates(self) -> tuple[float, ...]:
        """The same of every stimulator."""
        names = np.unique(self.pulses.stimulator)
        if names.size < 2:
            return (self.rate,)
        each = [self.pulses.select(self.pulses.stimulator == name) for name in names]
        return tuple(repetition_rate(one) / self.repeat for one in each if len(one) > 1)

    def find(self, signal: Array) -> Mains:
        """Find mains in a signal, V, (channels, samples)."""
        return find_mains(signal, self.known & ~self.near, self.fs) if self.wanted else NONE

    def find_beside(self, signal: Array) -> Mains:
        """Find mains in a signal, V, (channels, samples), but for lines at the harmonics of the stimulation."""
        return find_mains(signal, self.known & ~self.near, self.fs, self.rates) if self.wanted else NONE

    def beside(self, locked: Array) -> Mains:
        """Find mains once more without what is locked to the pulses, whose harmonics pass for lines."""
        if not self.wanted:
            return NONE
        beside = self.find_beside(self.flat - locked)
        alone = mains_without_pulses(self.flat, self.known, self.fs, self.pulses)
        return join_mains(beside, alone, self.rate, self.duration)

    def told(self, locked: Array) -> tuple[Mains, tuple[int, ...]]:
        """Find mains beside what is locked, and those of its lines that are told from the response by frequency."""
        mains = self.find_beside(self.flat - locked)
        together = colliding_orders(mains, self.rate, self.duration)
        return mains, tuple(order for order in mains.orders if order not in together)

    def orders(self, mains: Mains, lines: Lines, has_evoked: bool) -> tuple[tuple[int, ...], list[str]]:
        """Give the lines that count as interference, and what is to be said of them."""
        together, orders = colliding_orders(mains, self.rate, self.duration), mains.orders
        messages: list[str] = []
        if together and has_evoked:
            orders, messages = lines_of_mains(
                self.flat, self.known, self.fs, self.pulses, mains, lines, together, self.rate
            )
        if has_evoked and self.wanted:
            hidden = hidden_frequencies(self.flat, self.known, self.fs, self.pulses, mains, self.rate)
            messages += said_of_hidden(hidden, self.rate)
        return orders, messages

    def doubted(self, mains: Mains, lines: Lines) -> Lines:
        """Give lines whose variance knows of mains that stays in the response, because nothing tells them apart."""
        place = self.flat, self.known, self.fs, self.pulses
        if not self.wanted or told_without_pulses(*place):
            return lines
        stays = [order * mains.frequency for order in colliding_orders(mains, self.rate, self.duration)]
        hidden = stays + hidden_frequencies(*place, mains, self.rate)
        return replace(lines, variance=lines.variance + hidden_power(*place, hidden)) if hidden else lines
