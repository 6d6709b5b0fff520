"""Fit what one stimulator's pulses evoke: smooth courses, shifts and sizes of the artifact, and random shapes."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import PhaseDesign, bend_operator, make_design, pulse_power
from emgkit.artifact.spline_model import Response
from emgkit.artifact.spline_pulse import EARLY, LATE, PulseChanges, artifact_share, estimate_changes, far_shifts
from emgkit.artifact.spline_random import RandomShapes, find_shapes, shape_knots
from emgkit.artifact.spline_recruitment import recruitment_levels
from emgkit.artifact.spline_solve import CourseCurves, CourseFit, fit_courses, fit_mean, fit_plainly
from emgkit.artifact.spline_tail_after import TAIL, fit_tail
from emgkit.artifact.spline_time import (
    Segment,
    level_courses,
    make_segments,
    null_courses,
    recruitment_courses,
    smooth_courses,
)

__all__ = ["ResponseFitter", "is_ramped"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]

PLAIN_COURSES = 8
ROUGH_COURSES = 4
FEW_OVERLAPS = 0.005  # of the samples
SLOW_PULSES = 15  # over which a size must change to be none of the smooth courses'
LARGEST_GAIN = 0.05  # relative: stimulators vary by a tenth of it from pulse to pulse
CLOSE = 0.020  # s: nearer pulses have the last response under their artifact, which does not move with it
LARGEST_SIZE = 3.0  # over the mean size of the artifact
RAMPED = 0.03  # relative SD of the size of the artifact
SPIKE = 0.003  # s after the pulse, in which the power is not looked at
QUIET_FROM = 0.75  # of the interval: from there on the response is taken to be over, if that is
OVER = 0.020  # s or later
RESPONSE = 0.030  # s: a response lasts no longer, but for the amplifier's own tail
ENOUGH_TAILS = 5  # pauses from which tails are fitted where the response is over by then
LEAST_POWER = 1e-8  # of the mean square of the signal
LEAST_SHARE = 0.05  # of the power that a plain fit leaves: a fit that takes more away has taken the EMG


@dataclass
class ResponseFitter:
    """Holds the state of one stimulator's fit between the rounds of backfitting.

    Parameters
    ----------
    onsets : (pulses,) s
    train : (pulses,) int
    knots : (knots,) s
    interval : float
        Usual time between its pulses, s.
    fs : float
    count : int
        Samples.
    window : float
        Length of a segment, s.
    known_courses : list of (pulses,)
        Courses that are known beforehand, as pulses that others follow soon.
    current : (pulses,) or None
        Where it is known and varies, over its mean.
    periodic : bool
        Whether one response follows the other without a pause.
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

    def __post_init__(self) -> None:
        """Prepare the segments."""
        self.segments: list[Segment] = make_segments(self.onsets, self.window)
        self.gain = np.zeros(self.onsets.size)
        self.changes: PulseChanges | None = None
        self.weights: Array | None = None
        self._bend = bend_operator(self.knots)
        self._plain: dict[tuple[int, int], Array] = {}
        self._learned: dict[tuple[int, int], CourseFit] = {}
        self.response: Response | None = None
        self._made: tuple[PhaseDesign, PhaseDesign] | None = None
        self._courses: list[tuple[Array, Array]] = []
        self.sizes: Array | None = None
        self.level = np.ones(self.onsets.size)
        self._curve = [] if self.current is None else recruitment_courses(self.current)

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
            own = make_design(self.onsets, self.fs, self.count, self.knots)
            self._made = (own, make_design(self.onsets, self.fs, self.count, self.knots, overlap=True))
        return self._made

    @property
    def overlaps(self) -> bool:
        """Whether more than a few responses run into later ones."""
        own, overlap = self.designs
        return overlap.samples.size > FEW_OVERLAPS * own.samples.size

    @property
    def _alone(self) -> int:
        """How many pulses at the beginning of a train lack what earlier pulses would add."""
        return 1 + int(np.ceil(RESPONSE / self.interval))

    @property
    def _known_ones(self) -> int:
        return len(self._curve) + len(self.known_courses)

    def forget(self) -> None:
        """Forget how loud the voluntary EMG is: what other responses left in it is being taken away."""
        self.weights = None
        self._plain.clear()
        self._learned.clear()

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
        means = np.stack([self._mean(row[np.newaxis], known[[channel]], channel) for channel, row in enumerate(target)])
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
        design, overlap = self.designs
        share = artifact_share(design.phase)
        rows = np.zeros((len(target), design.samples.size))
        for channel, row in enumerate(target):
            seen = row
            if self.response is not None:
                wave = self.response.coefficients(channel)
                seen = row.copy()
                if overlap.samples.size:
                    np.subtract.at(seen, overlap.samples, overlap.evaluate(wave))
                if self.gain.any():
                    seen[design.samples] -= self.gain[design.pulse] * share * design.evaluate(wave)
            rows[channel] = seen[design.samples]
        self.response = self._response(design, rows, known[:, design.samples], roughly=roughly)

    def _response(self, design: PhaseDesign, rows: Array, known: Mask, *, roughly: bool) -> Response:
        fits: list[list[CourseFit]] = []
        courses = []
        if self.weights is None:
            self.weights = np.full((len(rows), self.onsets.size), np.nan)
        shared = bool(known.all())
        floor = LEAST_POWER * (rows**2).mean(axis=1)
        for number, segment in enumerate(self.segments):
            low, high = int(segment.pulses[0]), int(segment.pulses[-1]) + 1
            mine, local = slice(*np.searchsorted(design.pulse, [low, high])), design.of_pulses(low, high)
            smooth, nulls = self._courses_of(number)
            gram = local.gram() if shared else None
            found = []
            for channel in range(len(rows)):
                seen, valid = rows[channel, mine], known[channel, mine].astype(float)
                if not (seen * valid).any():
                    found.append(_nothing(smooth, local.size))
                    self.weights[channel, segment.pulses] = 1.0
                    continue
                matrix = gram if gram is not None else local.gram(valid)
                projected = local.project_rows(seen * valid)
                if roughly:
                    found.append(self._rough(matrix, projected, smooth))
                    continue
                plain = self._plain_power(number, channel, local, seen, valid, matrix, projected, smooth)
                stated = self.weights[channel, segment.pulses]
                weight = stated if np.isfinite(stated).all() else 1 / plain
                fit = fit_courses(
                    matrix, projected, smooth, nulls, weight, self._bend, self._learned.get((number, channel))
                )
                left = seen - local.evaluate(smooth @ fit.coefficients)
                power = pulse_power(local, left, valid, SPIKE, floor[channel])
                self.weights[channel, segment.pulses] = 1 / np.maximum(power, LEAST_SHARE * plain)
                self._learned[number, channel] = fit
                found.append(fit)
            fits.append(found)
            courses.append(smooth)
        nothing: list[RandomShapes | None] = [None] * len(rows)
        kept = [[CourseCurves.of(fit) for fit in found] for found in fits]
        return Response(self.onsets, self.knots, self.segments, courses, kept, self.gain, nothing, self.periodic)

    def _courses_of(self, number: int) -> tuple[Array, Array]:
        """Courses of a segment, and those that hold only noise; the same for every channel."""
        while len(self._courses) <= number:
            pulses = self.segments[len(self._courses)].pulses
            own = [course[pulses] for course in (*self._curve, *self.known_courses)]
            smooth = smooth_courses(self.onsets[pulses], self.train[pulses], own, self._alone, self.level[pulses])
            self._courses.append((smooth, null_courses(pulses.size, smooth)))
        return self._courses[number]

    def _rough(self, gram: Array, projected: Array, smooth: Array) -> CourseFit:
        few = smooth[:, : ROUGH_COURSES + self._known_ones]
        fit = _nothing(smooth, gram.shape[2])
        fit.coefficients[: few.shape[1]] = fit_plainly(gram, projected, few, self._bend)
        return fit

    def _plain_power(
        self,
        number: int,
        channel: int,
        local: PhaseDesign,
        seen: Array,
        valid: Array,
        gram: Array,
        projected: Array,
        smooth: Array,
    ) -> Array:
        """Power about every pulse that a plain fit leaves, V²; computed once."""
        if (number, channel) not in self._plain:
            few = smooth[:, : PLAIN_COURSES + self._alone + self._known_ones]
            left = seen - local.evaluate(few @ fit_plainly(gram, projected, few, self._bend))
            floor = LEAST_POWER * float((seen**2).mean())
            self._plain[number, channel] = pulse_power(local, left, valid, SPIKE, floor)
        return self._plain[number, channel]

    def follow_pulses(self, target: Array, known: Mask, *, last: bool) -> None:
        """Estimate every pulse's shift and size from what the fit leaves; shifts need another fit, sizes do not."""
        if self.response is None or self.interval < CLOSE:
            return
        design = self.near(EARLY, LATE)
        waves, slopes = (np.zeros((len(target), design.samples.size)) for _ in range(2))
        for channel in range(len(target)):
            coefficients = self.response.coefficients(channel)
            waves[channel], slopes[channel] = design.evaluate(coefficients), design.slope(coefficients)
        rest = self._at(target, design) - waves
        if not last:
            far = far_shifts(design, rest * known[:, design.samples], waves, self.response.coefficients)
            if far.any():
                self._move(far)
                self.forget()
                return
        self.changes = estimate_changes(design, rest, waves, slopes, known[:, design.samples])
        self.gain = _fast(self.changes.gain)
        if not last and self.changes.shift.any():
            self._move(self.changes.shift)

    def near(self, low: float, high: float) -> PhaseDesign:
        """Give the design of the samples so many s about the pulses."""
        design, _ = self.designs
        return design.rows_of((design.phase >= low) & (design.phase <= high))

    def waves(self, target: Array, known: Mask, near: PhaseDesign) -> tuple[Array, Array]:
        """Give the response near the pulses, V, (channels, rows), and coefficients of one that never changes, V."""
        design, _ = self.designs
        made, channels = self._current(), len(target)
        waves, means = np.zeros((channels, near.samples.size)), np.zeros((channels, design.size))
        for channel in range(channels):
            waves[channel] = near.evaluate(made.coefficients(channel))
            means[channel] = self._mean(target[[channel]], known[[channel]], channel)
        return waves, means

    def _mean(self, target: Array, known: Mask, channel: int) -> Array:
        """Coefficients of a response of one channel that never changes, V, (size,)."""
        design, _ = self.designs
        seen, valid = self._at(target, design, channel)[0], known[0, design.samples].astype(float)
        weight = np.ones(design.pulses) if self.weights is None else self.weights[channel]
        return fit_mean(design.gram(valid), design.project_rows(seen * valid), weight, self._bend)

    def _at(self, target: Array, design: PhaseDesign, first: int = 0) -> Array:
        """Give the target at the rows of a design, without what earlier responses add there, V, (channels, rows)."""
        _, overlap = self.designs
        out = target[:, design.samples]
        if overlap.samples.size and self.response is not None:
            for number, row in enumerate(target):
                added = np.zeros(row.size)
                np.add.at(added, overlap.samples, overlap.evaluate(self.response.coefficients(first + number)))
                out[number] -= added[design.samples]
        return out

    def told(self) -> ResponseFitter:
        """Give a fitter for other channels, which is told what was found of the pulses in these."""
        own = copy(self)
        own.weights, own.response, own._plain, own._learned = None, None, {}, {}
        return own

    def render(self, channels: int) -> Array:
        """Render the response as fitted so far, V, (channels, samples)."""
        out = np.zeros((channels, self.count))
        if self.response is not None:
            response = self._current()
            for channel in range(channels):
                response.add_to(out[channel], channel, *self.designs)
        return out

    def _current(self) -> Response:
        made = self.response
        assert made is not None  # noqa: S101 - only called after a fit
        return replace(made, onsets=self.onsets, gain=self.gain)

    def finish(self, rest: Array, known: Mask, chosen: Mask) -> Response:
        """Find tails and random shapes in what all fits leave, (channels, samples), and give the response."""
        until = float(self.knots[-1])
        paused = self.onsets[np.append(np.diff(self.onsets), np.inf) > until + TAIL]
        response = self._current()
        if self.weights is not None and paused.size >= (ENOUGH_TAILS if self.interval > RESPONSE else 1):
            weights = np.median(self.weights, axis=1)
            response = replace(response, tail=fit_tail(paused, until, rest, known, weights, self.fs))
        own = make_design(self.onsets, self.fs, self.count, shape_knots(until, self.fs))
        late = QUIET_FROM * self.interval
        quiet = late if late >= OVER else SPIKE
        shapes: list[RandomShapes | None] = []
        for channel, row in enumerate(rest):
            if not chosen[channel]:
                shapes.append(None)
                continue
            power = pulse_power(own, row[own.samples], np.ones(own.samples.size), quiet)
            shapes.append(find_shapes(own, row, power))
        return replace(response, shapes=shapes)


def is_ramped(sizes: Array) -> bool:
    """Tell whether artifacts change their size more than stimulators do by chance."""
    return float(np.std(np.clip(sizes, 0.0, LARGEST_SIZE))) > RAMPED


def _nothing(smooth: Array, size: int) -> CourseFit:
    """Fit of a channel in which there is no signal."""
    shape = (smooth.shape[1], size)
    return CourseFit(np.zeros(shape), np.zeros(size), np.zeros(shape), np.zeros(size - 2), np.zeros(shape))


def _fast(gain: Array) -> Array:
    """Give the part of the sizes that the smooth courses cannot follow: the rest is theirs, or both would chase it."""
    from scipy.ndimage import uniform_filter1d

    return np.asarray(np.clip(gain - uniform_filter1d(gain, SLOW_PULSES, mode="nearest"), -LARGEST_GAIN, LARGEST_GAIN))
