"""Fit what one stimulator's pulses evoke: smooth courses, shifts and sizes of the artifact, and random shapes."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import PhaseDesign, bend_operator, make_designs
from emgkit.artifact.spline_later import LaterSeen, follow_later
from emgkit.artifact.spline_locked import Response
from emgkit.artifact.spline_mean import fit_means
from emgkit.artifact.spline_piece import LEAST_POWER, Piece
from emgkit.artifact.spline_places import settled_design
from emgkit.artifact.spline_pulse import EARLY, LATE, PulseChanges, artifact_share, estimate_changes, far_shifts
from emgkit.artifact.spline_random import shapes_of_channels
from emgkit.artifact.spline_recruitment import recruitment_levels
from emgkit.artifact.spline_sizes import LARGEST_SIZE, RAMPED, Fitted, is_ramped
from emgkit.artifact.spline_solve import CourseCurves, CourseFit
from emgkit.artifact.spline_tail_after import RESPONSE, find_tail, tails_of
from emgkit.artifact.spline_time import Segment, level_courses, make_segments, recruitment_courses
from emgkit.artifact.spline_turned import SegmentCourses, earlier_polarities, segment_courses
from emgkit.artifact.spline_units import Later
from emgkit.artifact.spline_wander import with_wander

__all__ = ["ResponseFitter"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]

PLAIN_COURSES, ROUGH_COURSES = 8, 4
FEW_OVERLAPS = 0.005  # of the samples
CLOSE = 0.020  # s: nearer pulses have the last response under their artifact; only harmonics tell how both wander
QUIET_FROM = 0.75  # of the interval or the support: from there on the response may be over
LEAST_SHARE = 0.05  # of the power that a plain fit leaves: a fit that takes more away has taken the EMG


@dataclass
class ResponseFitter:
    """Holds the state of one stimulator's fit between the rounds of backfitting.

    Parameters
    ----------
    onsets, train : (pulses,) s, and numbers
    knots : (knots,) s
    interval : float, usual time between its pulses, s
    fs, count, window : Hz, samples of the recording, and length of a segment, s
    known_courses : list of (pulses,), courses that are known beforehand, as pulses that others follow soon
    current : (pulses,) or None, where it is known and varies, over its mean
    periodic : bool, whether one response follows the other without a pause
    polarity : (pulses,) or None, 1 or −1 where the pulses turn over
    later : Later or None, where every pulse is the first of a group: the others
    """

    onsets: Array
    train: Indices
    knots: Array
    interval: float
    fs: float
    count: int
    window: float
    known_courses: list[Array]
    current: Array | None
    periodic: bool
    polarity: Array | None = None
    later: Later | None = None

    def __post_init__(self) -> None:
        """Prepare the segments."""
        self.segments: list[Segment] = make_segments(self.onsets, self.window)
        self.gain = np.zeros(self.onsets.size)
        self.changes: PulseChanges | None = None
        self.weights: Array | None = None
        self._bend = bend_operator(self.knots)
        self._alone = 1 + int(np.ceil(RESPONSE / self.interval))  # pulses of a train that lack what others would add
        self._plain: dict[tuple[int, int], Array] = {}
        self._learned: dict[tuple[int, int], CourseFit] = {}
        self.response: Response | None = None
        self.is_fast = self.periodic and self.interval < CLOSE and self.later is None and self.polarity is None
        self._made: tuple[PhaseDesign, PhaseDesign] | None = None
        self._courses: list[SegmentCourses] = []
        self.sizes: Array | None = None
        self.level = np.ones(self.onsets.size)
        self._curve = [] if self.current is None else recruitment_courses(self.current)
        over = self.polarity
        self._turning = [] if over is None else [over, *earlier_polarities(over, self.train, self._alone)]

    def _move(self, shift: Array) -> None:
        """Shift the pulses, unless one would overtake another."""
        moved = self.onsets + shift
        if (np.diff(moved) > 0).all():
            self.onsets = moved
        self._made, self._courses = None, []

    @property
    def designs(self) -> tuple[PhaseDesign, PhaseDesign]:
        """Design of each pulse's own samples, and of what responses add to those of later pulses."""
        if self._made is None:
            self._made = make_designs(self.onsets, self.fs, self.count, self.knots, self.later)
        return self._made

    @property
    def overlaps(self) -> bool:
        """Whether more than a few responses run into later ones."""
        return self.designs[1].samples.size > FEW_OVERLAPS * self.designs[0].samples.size

    def forget(self) -> None:
        """Forget how loud the voluntary EMG is: what other responses left in it is being taken away."""
        self.weights = None
        self._plain.clear()
        self._learned.clear()

    def follow_courses(self, courses: list[Array]) -> None:
        """Let the response follow more courses that are known from now on, each (pulses,)."""
        self.known_courses, self._courses = [*self.known_courses, *courses], []
        self.forget()

    def follow_sizes(self, sizes: Array | None, target: Array, known: Mask) -> None:
        """Let the response follow the size of the artifact, where it changes more than stimulators do by chance.

        The current changes then, and the response with it, along a recruitment curve. A known current goes first.
        """
        if self.current is not None:
            self.sizes = self.current
        elif sizes is not None and is_ramped(sizes):
            self.sizes = np.clip(sizes, 0.0, LARGEST_SIZE)
        elif self.changes is not None and self.changes.gain_spread > RAMPED:
            size = 1 + self.changes.gain
            self._curve = [*self._curve, size, size**2]
        else:
            self.gain = np.zeros(self.onsets.size)
            return
        self.gain, self._courses = np.zeros(self.onsets.size), []
        self.follow_levels(target, known)
        self.forget()

    def follow_levels(self, target: Array, known: Mask) -> None:
        """Let the response follow how much of it the pulses evoke, where their sizes are followed."""
        if self.sizes is None:
            return
        means = np.stack([self._mean(target[[one]], known[[one]], one)[0] for one in range(len(target))])
        self.level = recruitment_levels(self.designs, target, means, known, self.sizes, self.onsets, self.segments)
        self._curve, self._courses = level_courses(self.level, self.sizes), []

    @property
    def fitted(self) -> bool:
        """Whether a fit has been made since the pulses moved or courses were added."""
        return self.response is not None and self.weights is not None and bool(self._learned)

    def fit(self, target: Array, known: Mask, *, roughly: bool = False) -> None:
        """Fit the smooth courses to a target, (channels, samples) V, from which all else was taken.

        Roughly means few courses and no learning: quick rounds that bring responses apart that lie on each other.
        """
        design, _ = self.designs
        rows = self._at(target, design)
        if self.response is not None and self.gain.any():
            share = self.gain[design.pulse] * artifact_share(design.phase)
            for channel in range(len(rows)):
                rows[channel] -= share * design.evaluate(self.response.coefficients(channel))
        self.response = self._response(design, rows, known[:, design.samples], roughly=roughly)

    def _response(self, design: PhaseDesign, rows: Array, known: Mask, *, roughly: bool) -> Response:
        fits: list[list[CourseFit]] = []
        self.weights = np.full((len(rows), self.onsets.size), np.nan) if self.weights is None else self.weights
        shared = bool(known.all())
        floor = LEAST_POWER * (rows**2).mean(axis=1)
        for number, segment in enumerate(self.segments):
            low, high = int(segment.pulses[0]), int(segment.pulses[-1]) + 1
            mine, local = slice(*np.searchsorted(design.pulse, [low, high])), design.of_pulses(low, high)
            courses = self._courses_of(number)
            first = len(self._turning) + courses.times * len(self._given)
            gram = local.gram() if shared else None
            settled, alike = settled_design(local, self.onsets[low:high], self.fs)
            found = []
            for channel in range(len(rows)):
                valid = known[channel, mine].astype(float)
                own = local.gram(valid) if gram is None else gram
                piece = Piece(local, rows[channel, mine], valid, own, courses.smooth, courses.turning, settled, alike)
                if piece.silent:
                    found.append(piece.nothing())
                    self.weights[channel, segment.pulses] = 1.0
                    continue
                if roughly:
                    found.append(piece.fit_roughly(first + courses.times * ROUGH_COURSES, self._bend))
                    continue
                if (number, channel) not in self._plain:
                    few = first + courses.times * PLAIN_COURSES + self._alone
                    self._plain[number, channel] = piece.plain_power(few, self._bend)
                stated, plain = self.weights[channel, segment.pulses], self._plain[number, channel]
                weight = stated if np.isfinite(stated).all() else 1 / plain
                fit = piece.fit(courses.nulls, weight, self._bend, self._learned.get((number, channel)))
                power = piece.power_left(fit, floor[channel])
                self.weights[channel, segment.pulses] = 1 / np.maximum(power, LEAST_SHARE * plain)
                self._learned[number, channel] = fit
                found.append(fit)
            fits.append(found)
        kept = [[CourseCurves.of(fit) for fit in found] for found in fits]
        smooth, upright = ([getattr(one, name) for one in self._courses] for name in ("smooth", "upright"))
        place = self.onsets, self.knots, self.segments
        made = Response(*place, smooth, kept, self.gain, [None] * len(rows), self.periodic)
        return made if self.polarity is None else replace(made, polarity=self.polarity, upright=upright)

    @property
    def _given(self) -> list[Array]:
        """Courses that are known, (pulses,)."""
        return [*self._curve, *self.known_courses, *([] if self.later is None else self.later.courses(self.onsets))]

    def _courses_of(self, number: int) -> SegmentCourses:
        """Courses of a segment, and those that hold only noise; the same for every channel."""
        while len(self._courses) <= number:
            pulses = self.segments[len(self._courses)].pulses
            own = [course[pulses] for course in self._given]
            onsets, train, level = self.onsets[pulses], self.train[pulses], self.level[pulses]
            turning = [course[pulses] for course in self._turning]
            self._courses.append(segment_courses(onsets, train, own, self._alone, level, turning))
        return self._courses[number]

    def follow_pulses(self, target: Array, known: Mask, *, last: bool) -> None:
        """Estimate every pulse's shift and size from what the fit leaves; shifts need another fit, sizes do not."""
        if self.response is None or self.interval < CLOSE:
            return
        design = self.designs[0].near(EARLY, LATE)
        waves, slopes = design.waves_and_slopes(self.response.coefficients, len(target))
        rest = self._at(target, design) - waves
        if not last:
            far = far_shifts(design, rest * known[:, design.samples], waves, self.response.coefficients)
            if far.any():
                self._move(far)
                self.forget()
                return
        self.changes = estimate_changes(design, rest, waves, slopes, known[:, design.samples])
        self.gain = self.changes.fast_gain
        if not last and self.later is not None:
            self.later = follow_later(self.later_seen, partial(self._at, target), known)
            self._made, self._courses = None, []
        if not last and self.changes.shift.any():
            self._move(self.changes.shift)

    @property
    def later_seen(self) -> LaterSeen:  # noqa: D102
        assert self.later is not None  # noqa: S101 - only asked for where there are groups
        return LaterSeen(self.later, self.designs[0], self._current().coefficients)

    def fitted_near(self, target: Array, known: Mask, rest: Array, near: PhaseDesign) -> Fitted:
        """Give the response near the pulses, and one that does not change but turn over, beside what the fit leaves."""
        made = self._current()
        waves = np.stack([near.evaluate(made.coefficients(channel)) for channel in range(len(target))])
        means = np.stack([self._mean(target[[one]], known[[one]], one) for one in range(len(target))])
        return Fitted(near, rest, waves, means[:, 0], means[:, 1], self.polarity)

    def _mean(self, target: Array, known: Mask, channel: int) -> Array:
        """Coefficients of a response of one channel that never changes, and of what turns over, V, (2, size)."""
        design, _ = self.designs
        seen, valid = self._at(target, design, channel)[0], known[0, design.samples].astype(float)
        weight = np.ones(design.pulses) if self.weights is None else self.weights[channel]
        design = settled_design(design, self.onsets, self.fs)[0] or design
        return fit_means(design, seen, valid, weight, self._bend, self.polarity)

    def _at(self, target: Array, design: PhaseDesign, first: int = 0) -> Array:
        """Give the target at the rows of a design, without what earlier responses add there, V, (channels, rows)."""
        made, (_, overlap) = self.response, self.designs
        if made is None:
            return target[:, design.samples]
        return design.beside(overlap, target, lambda row: made.coefficients(first + row))

    def told(self) -> ResponseFitter:
        """Give a fitter for other channels, which is told what was found of the pulses in these."""
        own = copy(self)
        own.weights, own.response, own._plain, own._learned = None, None, {}, {}
        return own

    def render(self, channels: int) -> Array:
        """Render the response as fitted so far, V, (channels, samples)."""
        out = np.zeros((channels, self.count))
        for channel in range(channels if self.response is not None else 0):
            self._current().add_to(out[channel], channel, *self.designs)
        return out

    def _current(self) -> Response:
        assert self.response is not None  # noqa: S101 - only called after a fit
        return replace(self.response, onsets=self.onsets, gain=self.gain, later=self.later)

    def finish(self, rest: Array, known: Mask, chosen: Mask, *, roughly: bool = False) -> Response:
        """Find what wanders, tails and random shapes in what all fits leave, (channels, samples); give the response."""
        until, tail, made = float(self.knots[-1]), None, self._current()
        if self.is_fast and not roughly:
            made, rest = with_wander(made, self.designs[0], rest, known, self.interval)
        ends = (self.onsets, self.train, self.interval, until, self._alone if self.periodic else None)
        if self.weights is not None and (found := tails_of(*ends)) is not None:
            over = max(self.interval, until) > RESPONSE
            tail = find_tail(*found, until, rest, known, np.median(self.weights, axis=1), self.fs, over)
            rest = rest if tail is None else tail.taken_from(rest, self.fs)
        shapes = shapes_of_channels(self.onsets, until, rest, chosen, QUIET_FROM * min(self.interval, until), self.fs)
        return replace(made, tail=tail, shapes=shapes)
