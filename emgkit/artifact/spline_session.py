"""One run of `PhaseSpline`: mains, evidence, and the responses of all stimulators, fitted in turns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.artifact.base import windows_mask
from emgkit.artifact.baseline import corners_of, find_baseline, slow_drift
from emgkit.artifact.interference import Mains, find_mains, fit_lines, render_lines
from emgkit.artifact.spline_basis import phase_knots
from emgkit.artifact.spline_errors import find_unfollowed
from emgkit.artifact.spline_evidence import end_of_artifact, locked_evidence
from emgkit.artifact.spline_lines import (
    colliding_orders,
    hidden_mains,
    join_mains,
    lines_of_mains,
    mains_without_pulses,
)
from emgkit.artifact.spline_model import LockedModel, Response
from emgkit.artifact.spline_pulses_given import corrected
from emgkit.artifact.spline_response import ResponseFitter, is_ramped
from emgkit.artifact.spline_sizes import Fitted, artifact_sizes
from emgkit.artifact.spline_tail import TailsFound, share_tails, without_shapes
from emgkit.artifact.spline_time import recruitment_courses
from emgkit.pulses import Pulses

__all__ = ["Found", "Session"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LONGEST = 0.1  # s: support of a response unless the next pulse comes sooner
RESPONSE = 0.030  # s: support of a response that others run into
IRREGULAR = 0.02  # relative: intervals that differ more cannot be taken as one period
MOSTLY = 0.7  # of the intervals must be one period
TAIL = 0.060  # s, support in irregular trains
CLOSEST = 0.007  # s between pulses
DENSE = 4.0  # usual intervals that a response may last among irregular pulses: no more can be told apart
ROUNDS, MANY_ROUNDS, QUICK_ROUNDS = 2, 4, 20
EVIDENCE = 5.0  # z score from which a response is taken as there
SPIKE = 0.003  # s after the pulse that no line is fitted to
SHORT_SUPPORT = 0.004  # s: support when there is an artifact and no response
OVER = 0.8  # of the interval: from then on the response is taken to be over
GRID = 25e-6  # s, on which the mean response is looked at
RECOVERY = (0.0, 0.003, 0.008, 0.015)  # s between excitations: refractory, late, supernormal; unverified
FEWEST_SOON = 10  # pulses
SOON, RARE = 0.018, 0.04  # s, and share of the pulses: rare pulses so soon after another have a response of their own
CORRECTIONS, FEWEST_CHECKED = 3, 20  # passes over pulses that are absent or lost, and pulses that it takes
QUIET = 0.15  # s after a pulse, from which a stretch is without pulses
CURRENT_VARIES = 0.02  # relative SD of the current from which it is a course of its own


@dataclass(frozen=True, eq=False)
class Found(FrozenValue):
    """What a run found.

    Parameters
    ----------
    model : LockedModel
        All parts.
    until : float
        End of the support, s after a pulse.
    quality : mapping
        Numbers.
    messages : tuple of str
        Sentences.
    """

    model: LockedModel
    until: float
    quality: Mapping[str, Any]
    messages: tuple[str, ...]


class Session:
    """One fit: holds the call's arrays, so that the method itself stays a parameter object."""

    def __init__(self, signal: Array, fs: float, pulses: Pulses, before: float, window: float) -> None:
        self.fs, self.pulses, self.before, self.window = fs, pulses, before, window
        self.known: Mask = np.isfinite(signal)
        filled = np.where(self.known, signal, 0.0)
        count = signal.shape[1]
        self.near = windows_mask(pulses.onsets, fs, count, before, SPIKE)
        self.interval = _interval(pulses)
        self.usual = float(np.median(pulses.intervals)) if len(pulses) > 1 else LONGEST
        busy = windows_mask(pulses.onsets, fs, count, before, OVER * (min(self.interval, LONGEST) - before))
        self.baseline = find_baseline(filled, self.known & ~busy, fs, corners_of(pulses))
        offset = self._offset(filled)
        self.signal = np.where(self.known, filled - offset - self.baseline.render(fs, count), 0.0)
        self.flat = self.signal - slow_drift(self.signal, self.known & ~self.near, fs)
        self.corrections: list[str] = []
        self.sizes: Array | None = None

    def _offset(self, filled: Array) -> Array:
        """Constant offset in the stretches without pulses, V, (channels, 1); 0 for channels whose level is followed."""
        free = self.known & ~windows_mask(self.pulses.onsets, self.fs, filled.shape[1], 0.01, QUIET)
        out = np.zeros((len(filled), 1))
        for channel, (row, ok) in enumerate(zip(filled, free, strict=True)):
            if not self.baseline.moves[channel] and ok.sum() >= self.fs:
                out[channel] = row[ok].mean()
        return out

    def run(self, *, mains: bool, shifts: bool, shapes: bool, artifact_end: float | None) -> Found:
        """Decide what there is and fit it."""
        self.mains_wanted = mains
        messages = self.corrections
        found = self._find_mains(self.flat, None)
        lines = self._lines(found, found.orders, self.flat)
        quiet = self.flat - render_lines(lines, self.fs, self.flat.shape[1], found, found.orders)
        until = self._until()
        artifact = locked_evidence(quiet, self.fs, self.pulses.onsets, -self.before, SPIKE)
        none = np.zeros(len(self.signal), dtype=bool)
        fitters = self._first_fit(until, found)
        if self.baseline.moves.any():
            self._refine_baseline(fitters)
            fitters = self._first_fit(until, found)
        guess = self._model([one.finish(self.signal, self.known, none) for one in fitters], found, (), lines[..., :0])
        if shifts:
            for fitter in fitters:
                others = sum((one.render(len(self.signal)) for one in fitters if one is not fitter), 0.0)
                fitter.follow_pulses(self.signal - others, self.known, last=True)
                fitter.follow_sizes(self.sizes)
        end = self._end(guess, artifact_end)
        response = locked_evidence(quiet, self.fs, self.pulses.onsets, end + 0.0005, min(until, self.usual))
        has_evoked, has_artifact = response >= EVIDENCE, artifact >= EVIDENCE
        if self.usual < CLOSEST:
            messages.append(
                f"Half of the pulses follow another within {self.usual * 1e3:.2g} ms: responses so close cannot "
                "be told from the artifact of the next pulse, and may be left in the voluntary EMG."
            )
        if not has_evoked.any() and not has_artifact.any():
            messages.append("Nothing is locked to these pulses: neither an artifact nor a response was taken away.")
            return self._nothing(found, lines, response, messages)
        if has_evoked.any():
            found = self._find_mains_beside(guess)
            lines = self._lines(found, found.orders, self.flat)
        orders, said = self._orders_of_mains(found, lines, has_evoked)
        if has_evoked.any() and not found.orders and mains:
            said = said + hidden_mains(self.flat, self.known, self.fs, self.pulses)
        if not has_evoked.any():
            messages.append("No evoked response stands out: only the artifact and the interference were taken away.")
            until = min(SHORT_SUPPORT, until)
            fitters = self._fitters(until)
        alone = len(fitters) == 1 and not fitters[0].overlaps
        rounds = ROUNDS if alone else MANY_ROUNDS
        lines = self._fit_in_turns(fitters, found, orders, rounds, shifts=shifts)
        rest = self._rest(fitters, found, orders, lines)
        locked = has_evoked | has_artifact
        made = [one.finish(rest, self.known, has_evoked & shapes) for one in fitters]
        told = self._told(made, rest, end, has_evoked, tails=artifact_end is None)
        made = told.responses
        model = replace(self._model(made, found, orders, lines), artifact_end=end, has_evoked=has_evoked)
        model = replace(model, has_locked=locked)
        quality = {**self._quality(model, fitters, response), **told.quality}
        return Found(model, until, quality, (*messages, *said, *self._far(), *told.messages))

    def _told(self, made: list[Response], rest: Array, end: float, has_evoked: Mask, *, tails: bool) -> TailsFound:
        """Say how well the responses are known, and take tails from under them."""
        if not has_evoked.any():
            return TailsFound(made)
        rest = without_shapes(made, rest, self.fs)
        made = [self._with_unfollowed(one, rest, has_evoked) for one in made]
        if not tails:
            return TailsFound(made)
        slow = self.baseline.render(self.fs, rest.shape[1])
        return share_tails(made, rest, self.known, self.fs, end, has_evoked, baseline=slow, ramped=self._ramped())

    def _with_unfollowed(self, response: Response, rest: Array, has_evoked: Mask) -> Response:
        until = float(response.knots[-1])
        return replace(
            response,
            unfollowed=[
                find_unfollowed(response.onsets, until, response.shapes[number], row, known, self.fs) if has else None
                for number, (row, known, has) in enumerate(zip(rest, self.known, has_evoked, strict=True))
            ],
        )

    def _ramped(self) -> bool:
        return self.sizes is not None and is_ramped(self.sizes)

    def _first_fit(self, until: float, mains: Mains) -> list[ResponseFitter]:
        """Fit roughly, and again without the pulses that were not there and with those that were lost."""
        check = self._stimulators().size == 1 and len(self.pulses) >= FEWEST_CHECKED
        for _ in range(CORRECTIONS if check else 0):
            plain = self._fitters(until, recovery=False)  # courses of their own would explain pulses that are wrong
            self._fit_in_turns(plain, mains, (), 1, shifts=False)
            waves, mean = plain[0].waves(self.signal, self.known)
            rest = np.where(self.known, self.signal - plain[0].render(len(self.signal)), 0.0)
            fitted = Fitted(plain[0].designs[0], rest, waves, mean)
            pulses, said = corrected(fitted, self.fs, self.pulses)
            self.sizes = None if said else artifact_sizes(fitted)
            if not said and not _recovery_courses(self.pulses.onsets, self.pulses.onsets):
                return plain
            if not said:
                break
            self.corrections += said
            self.pulses = pulses
            self.near = windows_mask(pulses.onsets, self.fs, self.signal.shape[1], self.before, SPIKE)
        fitters = self._fitters(until)
        self._fit_in_turns(fitters, mains, (), 1, shifts=False)
        return fitters

    def _refine_baseline(self, fitters: list[ResponseFitter]) -> None:
        count = self.signal.shape[1]
        rest = self.signal - sum((one.render(len(self.signal)) for one in fitters), np.zeros_like(self.signal))
        better = self.baseline.refined(rest, self.known & ~self.near, self.fs)
        change = better.render(self.fs, count) - self.baseline.render(self.fs, count)
        self.baseline, self.signal = better, np.where(self.known, self.signal - change, 0.0)
        self.flat = self.signal - slow_drift(self.signal, self.known & ~self.near, self.fs)

    def _far(self) -> list[str]:
        if not self.baseline.moves.any():
            return []
        far = float(np.abs(self.baseline.coefficients).max()) * 1e3
        return [f"A slow baseline of up to {far:.3g} mV was taken away with the interference."]

    def _until(self) -> float:
        """End of the support of a response, s after the pulse."""
        if self._stimulators().size == 1 and _is_regular(self.pulses):
            return min(self.interval, LONGEST) - self.before
        return min(TAIL, DENSE * float(np.median(self.pulses.intervals)))

    def _stimulators(self) -> NDArray[np.int64]:
        return np.unique(self.pulses.stimulator)

    def _fitters(self, until: float, *, recovery: bool = True) -> list[ResponseFitter]:
        made = []
        several = self._stimulators().size > 1
        for number in self._stimulators():
            own = self.pulses.select(self.pulses.stimulator == number)
            interval = _interval(own)
            end = min(until, interval - self.before) if several and _is_regular(own) else until
            knots = phase_knots(self.before, max(end, 0.002), self.fs)
            made.append(
                ResponseFitter(
                    np.array(own.onsets),
                    np.array(own.train),
                    knots,
                    interval,
                    self.fs,
                    self.signal.shape[1],
                    self.window,
                    _known_courses(own) + (_recovery_courses(own.onsets, self.pulses.onsets) if recovery else []),
                    _is_regular(own) and interval <= LONGEST and end < interval,
                )
            )
        return made

    def _fit_in_turns(
        self, fitters: list[ResponseFitter], mains: Mains, orders: tuple[int, ...], rounds: int, *, shifts: bool
    ) -> Array:
        lines = self._lines(mains, orders, self.flat)
        parts = [np.zeros_like(self.signal) for _ in fitters]
        if len(fitters) > 1 or fitters[0].overlaps:
            self._bring_apart(fitters, parts)
        for step in range(rounds):
            free = self.signal - render_lines(lines, self.fs, self.signal.shape[1], mains, orders)
            for number, fitter in enumerate(fitters):
                others = sum((part for other, part in enumerate(parts) if other != number), np.zeros_like(free))
                target = free - others
                if rounds - step >= ROUNDS:
                    fitter.forget()
                fitter.fit(target, self.known)
                if shifts and rounds - step <= ROUNDS:
                    fitter.follow_pulses(target, self.known, last=step == rounds - 1)
                if len(fitters) > 1 or orders:
                    parts[number] = fitter.render(len(self.signal))
            if orders:
                lines = self._lines(mains, orders, self.signal - sum(parts, np.zeros_like(self.signal)))
        return lines

    def _bring_apart(self, fitters: list[ResponseFitter], parts: list[Array]) -> None:
        """Fit responses that lie on each other in quick turns: stimulators with a common period need many."""
        for _ in range(QUICK_ROUNDS):
            for number, fitter in enumerate(fitters):
                others = sum((part for other, part in enumerate(parts) if other != number), np.zeros(self.signal.shape))
                fitter.fit(self.signal - others, self.known, roughly=True)
                if len(fitters) > 1:
                    parts[number] = fitter.render(len(self.signal))

    def _rest(self, fitters: list[ResponseFitter], mains: Mains, orders: tuple[int, ...], lines: Array) -> Array:
        rest = self.signal - render_lines(lines, self.fs, self.signal.shape[1], mains, orders)
        for fitter in fitters:
            rest = rest - fitter.render(len(self.signal))
        return np.where(self.known, rest, 0.0)

    def _find_mains(self, signal: Array, spared: float | None) -> Mains:
        if not self.mains_wanted:
            return Mains(float("nan"), ())
        return find_mains(signal, self.known & ~self.near, self.fs, spared)

    def _find_mains_beside(self, guess: LockedModel) -> Mains:
        """Find mains once more without the response, whose harmonics pass for lines."""
        if not self.mains_wanted:
            return Mains(float("nan"), ())
        beside = self._find_mains(self.flat - guess.locked(), self.pulses.rate)
        return join_mains(beside, mains_without_pulses(self.flat, self.known, self.fs, self.pulses))

    def _lines(self, mains: Mains, orders: tuple[int, ...], signal: Array) -> Array:
        if not orders:
            return np.zeros((1, signal.shape[0], 0))
        return fit_lines(signal, self.known & ~self.near, self.fs, mains, orders)

    def _orders_of_mains(self, mains: Mains, lines: Array, has_evoked: Mask) -> tuple[tuple[int, ...], list[str]]:
        together = colliding_orders(mains, self.pulses.rate)
        if not together or not has_evoked.any():
            return mains.orders, []
        return lines_of_mains(self.flat, self.known, self.fs, self.pulses, mains, lines, together)

    def _model(self, responses: list[Response], mains: Mains, orders: tuple[int, ...], lines: Array) -> LockedModel:
        every = np.ones(len(self.signal), dtype=bool)
        return LockedModel(
            responses, SPIKE, every, every, lines, mains, orders, self.baseline, self.fs, self.signal.shape
        )

    def _nothing(self, mains: Mains, lines: Array, response: Array, messages: list[str]) -> Found:
        none = np.zeros(len(self.signal), dtype=bool)
        model = self._model([], mains, mains.orders, lines)
        model = replace(model, has_evoked=none, has_locked=none, artifact_end=0.0)
        quality = self._quality(model, [], response)
        return Found(model, SHORT_SUPPORT, quality, tuple(messages + self._far()))

    def _end(self, model: LockedModel, stated: float | None) -> float:
        until = self._until()
        if stated is not None:
            return min(stated, until)
        times = np.arange(-self.before, min(0.012, until - GRID), GRID)
        return end_of_artifact(times, model.mean_response(times), self._error_of_mean(times), self.fs)

    def _error_of_mean(self, times: Array) -> Array:
        """Give the standard error of the mean response, from how the halves of the pulses differ, V per channel."""
        halves = []
        for start in (0, 1):
            part = self.pulses.select(slice(start, None, 2))
            index = np.round(part.onsets[:, np.newaxis] * self.fs + times[-1] * self.fs / 2).astype(np.int64)
            index = index[(index[:, 0] >= 0) & (index[:, 0] < self.signal.shape[1])]
            halves.append(self.flat[:, index[:, 0]])
        count = min(half.shape[1] for half in halves)
        return np.asarray((halves[0][:, :count] - halves[1][:, :count]).std(axis=1) / np.sqrt(4 * max(count, 1)))

    def _quality(self, model: LockedModel, fitters: list[ResponseFitter], response: Array) -> dict[str, Any]:
        effective = np.array([_effective(fitters, channel) for channel in range(len(self.signal))])
        changes = [one.changes for one in fitters if one.changes is not None]
        fewest = float(effective.min()) if fitters else 0.0
        return {
            "artifact_end": model.artifact_end,
            "effective_pulses": fewest,
            "snr_ceiling": 10 * np.log10(np.maximum(effective, 1e-9)) if fitters else np.full(len(self.signal), np.inf),
            "gain_on_clean": np.sqrt(np.clip(1 - 1 / np.maximum(effective, 1.0), 0.0, 1.0)) if fitters else 1.0,
            "response_evidence": response,
            "jitter": max((one.jitter for one in changes), default=0.0),
            "artifact_gain_spread": max((one.gain_spread for one in changes), default=0.0),
            "random_shapes": float(
                max((0 if one is None else len(one.shapes) for r in model.responses for one in r.shapes), default=0)
            ),
            "mains_frequency": model.mains.frequency,
            "mains_lines": float(len(model.orders)),
        }


def _interval(pulses: Pulses) -> float:
    within = pulses.intervals[np.diff(pulses.train) == 0]
    if not within.size:
        return LONGEST
    return float(np.median(within) if _is_regular(pulses) else np.quantile(within, 0.05))


def _is_regular(pulses: Pulses) -> bool:
    within = pulses.intervals[np.diff(pulses.train) == 0]
    usual = float(np.median(within)) if within.size else 1.0
    return bool(not within.size or (np.abs(within - usual) <= IRREGULAR * usual).mean() > MOSTLY)


def _known_courses(pulses: Pulses) -> list[Array]:
    """Give the curve along which the response may follow the current, where that varies."""
    if pulses.current is None or not np.isfinite(pulses.current).all():
        return []
    current = np.array(pulses.current)
    mean = float(current.mean())
    if mean <= 0 or float(current.std()) < CURRENT_VARIES * mean:
        return []
    return recruitment_courses(current / mean)


def _recovery_courses(own: Array, every: Array) -> list[Array]:
    """Pulses soon after or before another one, of any stimulator: axons are refractory, and volleys meet."""
    times = np.concatenate([[-np.inf], every, [np.inf]])
    since = own - times[np.searchsorted(every, own, side="left")]
    until = times[np.searchsorted(every, own, side="right") + 1] - own
    classes = [
        ((gap >= low) & (gap < high)).astype(float) for gap in (since, until) for low, high in pairwise(RECOVERY)
    ]
    soon = np.flatnonzero(since < min(SOON, 0.8 * float(np.median(since))))
    alone = [(np.arange(own.size) == pulse).astype(float) for pulse in soon] if soon.size < RARE * own.size else []
    return alone + [course for course in classes if FEWEST_SOON <= course.sum() <= own.size - FEWEST_SOON]


def _effective(fitters: list[ResponseFitter], channel: int) -> float:
    """Pulses effectively averaged: power of the voluntary EMG over that of the error it leaves in the response."""
    ratios = []
    for fitter in fitters:
        if fitter.response is None or fitter.weights is None:
            continue
        place = (fitter.knots[1:-3] + fitter.knots[2:-2] + fitter.knots[3:-1]) / 3
        error = fitter.response.variances(channel)[:, place > SPIKE]
        power = 1 / fitter.weights[channel]
        if error.shape[1]:
            ratios.append(float(power.mean() / max(float(error.mean()), 1e-300)))
    return min(ratios, default=float("inf"))
