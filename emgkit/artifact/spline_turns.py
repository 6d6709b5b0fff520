"""Responses of several stimulators, that run into each other, and mains lines, fitted in turns until they agree."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.interference import Mains
from emgkit.artifact.line_courses import Lines, fit_lines, render_lines
from emgkit.artifact.spline_response import ResponseFitter
from emgkit.errors import TimingError

__all__ = ["Turns"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LARGEST = 3.0  # over the largest value of the signal, of one stimulator's response, or of what all leave
NOT_APART = (
    "The responses to pulses that keep one lag cannot be told apart: they lie on each other in every period. Give the "
    "pulses as those of one stimulator, or use moving_template."
)
ROUNDS, MANY_ROUNDS, QUICK_ROUNDS = 2, 4, 20


@dataclass(frozen=True, eq=False)
class Turns:
    """The signals that are fitted in turns.

    Parameters
    ----------
    signal : (channels, samples) V, without offset and baseline
    flat : (channels, samples) V, without slow drift, in which lines are looked for
    known : (channels, samples) bool, samples that were measured
    near : (samples,) bool, samples about the pulses that no line is fitted to
    fs : float
        Hz.
    """

    signal: Array
    flat: Array
    known: Mask
    near: Mask
    fs: float

    def fit(
        self,
        fitters: list[ResponseFitter],
        mains: Mains,
        orders: tuple[int, ...],
        rounds: int | None = None,
        *,
        shifts: bool,
        guess: Array | float = 0.0,
    ) -> Lines:
        """Fit responses and lines, and give the lines; so many rounds as it takes, unless given.

        Lines are first fitted to what a guess of the responses leaves, V, (channels, samples).

        Where nothing else is fitted beside it, a response that has been fitted to the signal needs no first round.
        """
        lines = self.lines(mains, orders, self.flat - guess)
        several = len(fitters) > 1 or fitters[0].overlaps
        if rounds is None:  # lines settle before pulses are moved: what is left of them would pass for early pulses
            rounds = MANY_ROUNDS if several else ROUNDS + bool(orders)
        made = not several and not orders and fitters[0].fitted
        parts: list[Array] = [np.zeros(())] * len(fitters)
        if several:
            try:
                self._bring_apart(fitters, parts)
            except np.linalg.LinAlgError as failed:
                raise TimingError(NOT_APART) from failed
        for step in range(rounds):
            free = self.without_lines(self.signal, lines, mains, orders)
            for number, fitter in enumerate(fitters):
                target = _without_others(free, parts, number)
                if not (made and step == 0):
                    if rounds - step >= ROUNDS:
                        fitter.forget()
                    self._fit_one(fitter, target, several=several)
                if shifts and rounds - step <= ROUNDS:
                    fitter.follow_pulses(target, self.known, last=step == rounds - 1)
                if len(fitters) > 1 or orders:
                    parts[number] = self._bounded(fitter.render(len(self.signal)))
            if orders:
                lines = self.lines(mains, orders, self.signal - sum(parts, np.zeros(())))
        return lines

    def _fit_one(self, fitter: ResponseFitter, target: Array, *, several: bool) -> None:
        try:
            fitter.fit(target, self.known)
        except np.linalg.LinAlgError as failed:
            if not several:
                raise
            raise TimingError(NOT_APART) from failed

    def _bounded(self, part: Array) -> Array:
        """Refuse responses that grow against each other, far beyond the signal."""
        if np.abs(part).max(initial=0.0) > LARGEST * np.abs(self.signal).max(initial=0.0):
            raise TimingError(NOT_APART)
        return part

    def _bring_apart(self, fitters: list[ResponseFitter], parts: list[Array]) -> None:
        """Fit responses that lie on each other in quick turns: stimulators with a common period need many."""
        for _ in range(QUICK_ROUNDS):
            for number, fitter in enumerate(fitters):
                fitter.fit(_without_others(self.signal, parts, number), self.known, roughly=True)
                if len(fitters) > 1:
                    parts[number] = self._bounded(fitter.render(len(self.signal)))

    def lines(self, mains: Mains, orders: tuple[int, ...], signal: Array) -> Lines:
        """Fit lines to a signal."""
        return fit_lines(signal, self.known & ~self.near, self.fs, mains, orders)

    def without(self, signal: Array, mains: Mains, orders: tuple[int, ...], seen: Array) -> Array:
        """Take lines away from a signal that are fitted to another, both V, (channels, samples)."""
        return self.without_lines(signal, self.lines(mains, orders, seen), mains, orders)

    def without_lines(self, signal: Array, lines: Lines, mains: Mains, orders: tuple[int, ...]) -> Array:
        """Take lines away from a signal, V, (channels, samples)."""
        return signal - render_lines(lines, self.fs, signal.shape[1], mains, orders) if orders else signal

    def rest(self, fitters: list[ResponseFitter], mains: Mains, orders: tuple[int, ...], lines: Lines) -> Array:
        """Give what responses and lines leave, V, (channels, samples).

        Raises
        ------
        LinAlgError
            If it is far larger than the signal: nothing but their sum at the samples bounds responses that overlap.
        """
        rest = self.signal.copy()
        if orders:
            rest -= render_lines(lines, self.fs, rest.shape[1], mains, orders)
        for fitter in fitters:
            rest -= fitter.render(len(rest))
        rest[~self.known] = 0.0
        if max(rest.max(initial=0.0), -rest.min(initial=0.0)) > LARGEST * np.abs(self.signal).max(initial=0.0):
            raise np.linalg.LinAlgError("responses grow against each other")
        return rest


def _without_others(signal: Array, parts: list[Array], number: int) -> Array:
    others = [part for other, part in enumerate(parts) if other != number]
    return signal - sum(others[1:], others[0]) if others else signal
