"""One run of `PhaseSpline`: mains, evidence, and the responses of all stimulators, fitted in turns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.base import windows_mask
from emgkit.artifact.baseline import corners_of, find_baseline, offset_of, slow_drift
from emgkit.artifact.interference import Mains
from emgkit.artifact.line_courses import Lines, no_lines
from emgkit.artifact.movement import find_movement, no_movement
from emgkit.artifact.spline_alternating import follow_alternation
from emgkit.artifact.spline_evidence import locked_evidence
from emgkit.artifact.spline_fitters import fitters_of, support_of
from emgkit.artifact.spline_found import Agreed, Found, Wanted
from emgkit.artifact.spline_gaps import Gaps, gaps_of
from emgkit.artifact.spline_later import without_absent
from emgkit.artifact.spline_lines import near_responses
from emgkit.artifact.spline_locked import Response
from emgkit.artifact.spline_mains import MainsSearch
from emgkit.artifact.spline_model import LockedModel
from emgkit.artifact.spline_piece import SPIKE
from emgkit.artifact.spline_polarity import find_polarity, repeat_of, said_of
from emgkit.artifact.spline_pulse_times import LONGEST, mean_interval, recovery_courses, usual_interval, varying_current
from emgkit.artifact.spline_pulses_given import corrected
from emgkit.artifact.spline_quality import quality_of
from emgkit.artifact.spline_response import ResponseFitter
from emgkit.artifact.spline_said import CLOSEST, NO_RESPONSE, NOT_SEEN, NOTHING, said_of_close
from emgkit.artifact.spline_sizes import LARGEST_SIZE, artifact_sizes, is_fast, is_ramped
from emgkit.artifact.spline_stepped import follow_steps
from emgkit.artifact.spline_still import without_movement
from emgkit.artifact.spline_tail import TailsFound
from emgkit.artifact.spline_told import Seen, end_of_model, told_of
from emgkit.artifact.spline_turns import Turns
from emgkit.artifact.spline_unfollowed import without_shapes
from emgkit.artifact.spline_units import Later, find_units, merged, with_later
from emgkit.pulses import Pulses

__all__ = ["Session"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

STANDS = -0.002, 0.007  # s about a pulse, in which its artifact may stand wherever it came
EVIDENCE = 5.0  # z score from which a response is taken as there
SHORT_SUPPORT = 0.004  # s: support when there is an artifact and no response
OVER = 0.8  # of the interval: from then on the response is taken to be over
CORRECTIONS, FEWEST_CHECKED = 3, 20  # passes over pulses that are absent or lost, and pulses that it takes
QUIET = 0.15  # s after a pulse, from which a stretch is without pulses


class Session:
    """One fit: holds the call's arrays, so that the method itself stays a parameter object."""

    def __init__(
        self,
        signal: Array,
        fs: float,
        pulses: Pulses,
        before: float,
        window: float,
        wanted: Wanted,
        numbers: NDArray[np.int64] | None = None,
    ) -> None:
        self.fs, self.before, self.window, self.wanted = fs, before, window, wanted
        pulses = self.pulses = self._grouped(pulses)
        self.numbers = np.arange(len(signal)) if numbers is None else numbers
        self.known: Mask = np.isfinite(signal)
        filled = np.where(self.known, signal, 0.0)
        count = signal.shape[1]
        self.near = windows_mask(self.every, fs, count, before, SPIKE)
        self.interval = usual_interval(pulses)
        self.usual = mean_interval(pulses)
        busy = windows_mask(pulses.onsets, fs, count, before, OVER * (min(self.interval, LONGEST) - before))
        self.baseline = find_baseline(filled, self.known & ~busy, fs, corners_of(pulses))
        free = self.known & ~windows_mask(self.every, fs, count, 0.01, QUIET)
        filled -= offset_of(filled, free & ~self.baseline.moves[:, np.newaxis], fs)
        if self.baseline.moves.any():
            filled -= self.baseline.render(fs, count)
        filled[~self.known] = 0.0
        self.signal = filled
        self.flat = self.signal - slow_drift(self.signal, self.known & ~self.near, fs)
        self.corrections: list[str] = []
        self.messages: list[str] = []
        self.sizes: Array | None = None
        self.polarity: Array | None = None
        self.gaps = Gaps(np.unique(pulses.stimulator).size == 1, ())

    def _grouped(self, pulses: Pulses) -> Pulses:
        """Give the first pulses of groups where pulses come in groups, and remember the others."""
        self.given, units = pulses, find_units(pulses, self.before)
        self.later: Later | None = None if units is None else units.later
        return pulses if units is None else units.leaders

    @property
    def every(self) -> Array:
        """Onsets of all pulses, s."""
        return self.pulses.onsets if self.later is None else with_later(self.pulses.onsets, self.later)

    def _fitters(self, until: float, *, recovery: bool = True) -> list[ResponseFitter]:
        own = (self.pulses, until, self.before, self.fs, self.signal.shape[1], self.window)
        gaps = recovery and self.gaps.matter
        return fitters_of(*own, recovery=gaps, steps=self.gaps.steps, polarity=self.polarity, later=self.later)

    @property
    def search(self) -> MainsSearch:
        """Where mains is looked for, with the signals and pulses as they are now."""
        place, repeat = (self.flat, self.known, self.near, self.fs), repeat_of(self.polarity)
        return MainsSearch(*place, self.pulses, repeat, self.wanted.mains)

    @property
    def turns(self) -> Turns:
        """The signals as they are now."""
        near = near_responses(self.near, self.fs, self.every)
        return Turns(self.signal, self.flat, self.known, near, self.fs)

    def run(self) -> Found:
        """Decide what there is and fit it."""
        found = self.search.find(self.flat)
        lines = self.turns.lines(found, found.orders, self.flat)
        quiet, until = self.turns.without_lines(self.flat, lines, found, found.orders), self._support()
        self.polarity = find_polarity(self.flat, self.fs, self.pulses)
        artifact = self._evidence_of_artifact(quiet)
        fitters = self._first_fit(until, found)
        if self.baseline.moves.any():
            self._refine_baseline(fitters)
            fitters = self._first_fit(until, found)
        guess = self._guess(fitters, found)
        whole = self.signal
        mains, told = self.search.told(guess.locked())
        if told:  # they would pass for pulses that are early or larger than others, and a guess holds some of them
            self.signal = self.turns.without(whole, mains, told, self.flat)
            fitters = self._first_fit(until, found)
            guess = self._guess(fitters, found)
            self.signal = self.turns.without(whole, mains, told, self.flat - guess.locked())
        if self.wanted.shifts:
            for fitter in fitters:
                others = sum((one.render(len(self.signal)) for one in fitters if one is not fitter), 0.0)
                fitter.follow_pulses(self.signal - others, self.known, last=True)
                fitter.follow_sizes(self.sizes, self.signal - others, self.known)
        self.signal = whole
        end = self.wanted.artifact_end
        if end is None:
            end = end_of_model(guess, self.flat, self.pulses.onsets, self.before, until, self.polarity)
        end = min(end, until)
        self.messages += [*said_of(self.polarity), *said_of_close(self.usual)]
        has_evoked = (response := self._evidence_of_response(quiet, end)) >= EVIDENCE
        if not has_evoked.any() and not artifact.any():
            self.messages.append(NOTHING)
            return self._nothing(found, lines, response)
        if has_evoked.any():
            found = self.search.beside(guess.locked())
            lines = self.turns.lines(found, found.orders, self.flat)
        orders, said = self.search.orders(found, lines, bool(has_evoked.any()))
        self.messages += said
        if not has_evoked.any():
            self.messages.append(NOT_SEEN if self.usual < CLOSEST else NO_RESPONSE)
            if self.polarity is None or not (self._evidence_of_response(quiet, end, turned=True) >= EVIDENCE).any():
                until = min(SHORT_SUPPORT, until)
            if self.later is not None:  # artifacts alone do not lie on each other
                self.pulses, self.later = self.given, None
                self.polarity = find_polarity(self.flat, self.fs, self.pulses)
            fitters = self._fitters(until)
        locked = guess.locked() if told and set(orders) <= set(told) else 0.0  # the guess holds all other lines
        lines = self.turns.fit(fitters, found, orders, shifts=self.wanted.shifts, guess=locked)
        agreed = Agreed(self.pulses, self.polarity, self.sizes, fitters, found, orders, end)
        return self._finished(agreed, lines, until, response, artifact)

    def follow(self, agreed: Agreed) -> Found:
        """Fit what there is in other channels than those that told of the pulses."""
        self.pulses, self.polarity, self.sizes = agreed.pulses, agreed.polarity, agreed.sizes
        self.later = agreed.fitters[0].later
        self.near = windows_mask(self.every, self.fs, self.signal.shape[1], self.before, SPIKE)
        fitters, mains, orders = [one.told() for one in agreed.fitters], agreed.mains, agreed.orders
        lines = self.turns.lines(mains, orders, self.flat)
        quiet = self.turns.without_lines(self.flat, lines, mains, orders)
        artifact = self._evidence_of_artifact(quiet)
        response = self._evidence_of_response(quiet, agreed.end)
        if self.baseline.moves.any():
            self.turns.fit(fitters, mains, (), 1, shifts=False)
            self._refine_baseline(fitters)
            for fitter in fitters:
                fitter.forget()
        if len(fitters) == 1:  # other muscles have other recruitment curves
            fitters[0].follow_levels(self.signal, self.known)
        lines = self.turns.fit(fitters, mains, orders, shifts=False)
        more = self.search.find_beside(self.turns.rest(fitters, mains, orders, lines))
        if set(more.orders) - set(orders):
            mains = mains if orders else more
            orders = tuple(sorted({*orders, *more.orders}))
            lines = self.turns.fit(fitters, mains, orders, shifts=False)
        told = replace(agreed, fitters=fitters, mains=mains, orders=orders)
        return self._finished(told, lines, self._support(), response, artifact)

    def _finished(self, agreed: Agreed, lines: Lines, until: float, response: Array, artifact: Mask) -> Found:
        fitters, mains, orders, has_evoked = agreed.fitters, agreed.mains, agreed.orders, response >= EVIDENCE
        turns, lines, moved = without_movement(self.turns, agreed, lines)
        lines = follow_alternation(turns, agreed, lines, has_evoked)
        lines = follow_steps(turns, agreed, lines, has_evoked)
        rest = turns.rest(fitters, mains, orders, lines)
        made = [one.finish(rest, self.known, has_evoked & self.wanted.shapes) for one in fitters]
        told = self._told(made, rest, agreed, has_evoked) if has_evoked.any() else TailsFound(made)
        movement = moved or find_movement(without_shapes(made, rest, self.fs), self.known, self.fs)
        model = replace(
            self._model(told.responses, mains, orders, self.search.doubted(mains, lines)),
            movement=movement,
            artifact_end=agreed.end,
            has_evoked=has_evoked,
            has_locked=has_evoked | artifact,
        )
        quality = {**quality_of(model, fitters, response), **told.quality}
        messages = (*self.corrections, *self.messages, *self.baseline.said(), *movement.said(), *told.messages)
        told_on = replace(agreed, fitters=[one.told() for one in fitters], course=told.course)
        return Found(model, until, quality, messages, told_on if has_evoked.any() else None, told)

    def _told(self, made: list[Response], rest: Array, agreed: Agreed, has_evoked: Mask) -> TailsFound:
        ramped = self.sizes is not None and is_ramped(self.sizes) and not is_fast(self.sizes)
        slow = self.baseline.render(self.fs, rest.shape[1])
        place = rest, self.known, self.fs, slow, self.numbers, self.pulses.onsets
        seen = Seen(*place, ramped=ramped, course=agreed.course)
        return told_of(made, seen, None if self.wanted.artifact_end is not None else agreed.end, has_evoked)

    def _support(self) -> float:
        return support_of(self.pulses, self.interval, self.before)

    def _evidence_of_artifact(self, quiet: Array) -> Mask:
        place = (quiet, self.fs, self.pulses.onsets, -self.before, SPIKE)
        each = [locked_evidence(*place, self.polarity, turned=turned) for turned in {False, self.polarity is not None}]
        return np.asarray(np.max(each, axis=0) >= EVIDENCE)

    def _evidence_of_response(self, quiet: Array, end: float, *, turned: bool = False) -> Array:
        last, lag = (self.pulses.onsets, 0.0) if self.later is None else (self.later.onsets[:, -1], self.later.lags[-1])
        span = end + 0.0005, min(self._support(), self.usual) - lag
        sizes = varying_current(self.pulses)
        if sizes is None and self.sizes is not None and is_ramped(self.sizes):
            sizes = np.clip(self.sizes, 0.0, LARGEST_SIZE)
        return locked_evidence(quiet, self.fs, last, *span, self.polarity, turned=turned, sizes=sizes)

    def _first_fit(self, until: float, mains: Mains) -> list[ResponseFitter]:
        """Fit roughly, and again without the pulses that were not there and with those that were lost."""
        check = np.unique(self.pulses.stimulator).size == 1 and len(self.pulses) >= FEWEST_CHECKED
        absent, given, said_before = np.zeros(0), self.pulses.onsets, len(self.corrections)
        for _ in range(CORRECTIONS if check else 0):
            plain = self._fitters(until, recovery=False)  # courses of their own would explain pulses that are wrong
            self.turns.fit(plain, mains, (), 1, shifts=False)
            rest = self.turns.rest(plain, mains, (), no_lines(len(self.signal)))
            fitted = plain[0].fitted_near(self.signal, self.known, rest, plain[0].designs[0].near(*STANDS))
            later, said = (None, []) if self.later is None else without_absent(plain[0].later_seen, fitted)
            pulses, said = (self.pulses, said) if said else corrected(fitted, self.fs, self.pulses, absent)
            absent = np.union1d(absent, np.setdiff1d(self.pulses.onsets, pulses.onsets))
            self.sizes = None if said else artifact_sizes(fitted)
            if not said and not recovery_courses(self.pulses.onsets, self.pulses.onsets):
                return plain
            if not said:
                break
            self.corrections += said
            self.pulses = pulses if later is None else self._grouped(merged(pulses, later))
            if later is None and np.array_equal(self.pulses.onsets, given):  # what was put in was none
                del self.corrections[said_before:]
            self.polarity = find_polarity(self.flat, self.fs, self.pulses)
            self.near = windows_mask(self.every, self.fs, self.signal.shape[1], self.before, SPIKE)
        if not self.gaps.matter:
            self.gaps = gaps_of(self.turns, self._fitters(until, recovery=False), mains, self.pulses.onsets)
        fitters = self._fitters(until)
        self.turns.fit(fitters, mains, (), 1, shifts=False)
        return fitters

    def _refine_baseline(self, fitters: list[ResponseFitter]) -> None:
        count = self.signal.shape[1]
        rest = self.signal - sum((one.render(len(self.signal)) for one in fitters), np.zeros_like(self.signal))
        better = self.baseline.refined(rest, self.known, self.known & ~self.near, self.fs)
        change = better.render(self.fs, count) - self.baseline.render(self.fs, count)
        self.baseline, self.signal = better, np.where(self.known, self.signal - change, 0.0)
        self.flat = self.signal - slow_drift(self.signal, self.known & ~self.near, self.fs)

    def _model(self, responses: list[Response], mains: Mains, orders: tuple[int, ...], lines: Lines) -> LockedModel:
        every, still = np.ones(len(self.signal), dtype=bool), no_movement(len(self.signal))
        place = self.baseline, still, self.fs, self.signal.shape
        return LockedModel(responses, SPIKE, every, every, lines, mains, orders, *place)

    def _guess(self, fitters: list[ResponseFitter], mains: Mains) -> LockedModel:
        """Give what is locked to the pulses as fitted so far, without random shapes."""
        none = np.zeros(len(self.signal), dtype=bool)
        made = [one.finish(self.signal, self.known, none, roughly=True) for one in fitters]
        return self._model(made, mains, (), no_lines(len(self.signal)))

    def _nothing(self, mains: Mains, lines: Lines, response: Array) -> Found:
        none = np.zeros(len(self.signal), dtype=bool)
        model = self._model([], mains, mains.orders, lines)
        rest = self.turns.without_lines(self.signal, lines, mains, mains.orders)
        movement = find_movement(rest, self.known, self.fs)
        model = replace(model, has_evoked=none, has_locked=none, artifact_end=0.0, movement=movement)
        messages = (*self.corrections, *self.messages, *self.baseline.said(), *movement.said())
        return Found(model, SHORT_SUPPORT, quality_of(model, [], response), messages)
