"""Fit what one stimulator's pulses evoke: smooth courses, shifts and sizes of the artifact, and random shapes."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import PhaseDesign, bend_operator, make_design
from emgkit.artifact.spline_model import Response
from emgkit.artifact.spline_pulse import PulseChanges, artifact_share, estimate_changes, far_shifts
from emgkit.artifact.spline_random import RandomShapes, find_shapes, shape_knots
from emgkit.artifact.spline_share import Tail
from emgkit.artifact.spline_solve import CourseFit, fit_courses, fit_mean, fit_plainly
from emgkit.artifact.spline_time import Segment, make_segments, null_courses, recruitment_courses, smooth_courses

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
NEIGHBOURS = 9  # pulses over which the power of the voluntary EMG is averaged
SPIKE = 0.003  # s after the pulse, in which the power is not looked at
QUIET_FROM = 0.75  # of the interval: from there on the response is taken to be over, if that is
OVER = 0.020  # s or later
RESPONSE = 0.030  # s: a response lasts no longer, but for the amplifier's own tail
TAIL, TAIL_STEP = 0.040, 0.001  # s: what is left after the time of the next pulse, and its knots
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
        Courses that are known beforehand, as the current.
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

    def _tail(self, rest: Array, known: Mask) -> Tail | None:
        """Fit what outlasts the interval after pulses that a pause follows, from what all else leaves."""
        until = float(self.knots[-1])
        gaps = np.append(np.diff(self.onsets), np.inf)
        onsets = self.onsets[gaps > until + TAIL]
        if not onsets.size or (self.interval > RESPONSE and onsets.size < ENOUGH_TAILS):
            return None
        knots = np.concatenate(
            [
                np.full(4, until),
                np.arange(until + TAIL_STEP, until + TAIL - 0.5 * TAIL_STEP, TAIL_STEP),
                np.full(4, until + TAIL),
            ]
        )
        design, bend = make_design(onsets, self.fs, self.count, knots), bend_operator(knots)
        once, none = np.ones((onsets.size, 1)), np.zeros((onsets.size, 0))
        found = np.zeros((len(rest), design.size))
        for channel, row in enumerate(rest):
            valid = known[channel, design.samples].astype(float)
            power = float(np.var(row[design.samples])) / 4 if design.samples.size else 0.0
            if power > 0 and self.weights is not None:
                weight = np.full(onsets.size, float(np.median(self.weights[channel])))
                fit = fit_courses(
                    design.gram(valid), _project(design, row[design.samples] * valid), once, none, weight, bend
                )
                found[channel] = fit.coefficients[0]
        return Tail(onsets, knots, found)

    def forget(self) -> None:
        """Forget how loud the voluntary EMG is: what other responses left in it is being taken away."""
        self.weights = None
        self._plain.clear()
        self._learned.clear()

    def follow_sizes(self, sizes: Array | None) -> None:
        """Make the size of the artifact a course of the response, where it changes more than stimulators do by chance.

        The current changes then, and the response with it, along a recruitment curve.
        """
        if sizes is not None and is_ramped(sizes):
            self.known_courses = [*self.known_courses, *recruitment_courses(np.clip(sizes, 0.0, LARGEST_SIZE))]
        elif self.changes is not None and self.changes.gain_spread > RAMPED:
            size = 1 + self.changes.gain
            self.known_courses = [*self.known_courses, size, size**2]
        self.gain = np.zeros(self.onsets.size)
        self.forget()

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
            part = design.rows_of(_within(design.pulse, segment))
            local = _renumbered(part, segment)
            mine = _within(design.pulse, segment)
            own = [course[segment.pulses] for course in self.known_courses]
            smooth = smooth_courses(self.onsets[segment.pulses], self.train[segment.pulses], own, self._alone)
            nulls = null_courses(segment.pulses.size, smooth)
            gram = local.gram() if shared else None
            found = []
            for channel in range(len(rows)):
                seen, valid = rows[channel, mine], known[channel, mine].astype(float)
                if not (seen * valid).any():
                    found.append(_nothing(smooth, local.size))
                    self.weights[channel, segment.pulses] = 1.0
                    continue
                matrix = gram if gram is not None else local.gram(valid)
                projected = _project(local, seen * valid)
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
        return Response(self.onsets, self.knots, self.segments, courses, fits, self.gain, nothing, self.periodic)

    def _rough(self, gram: Array, projected: Array, smooth: Array) -> CourseFit:
        few = smooth[:, : ROUGH_COURSES + len(self.known_courses)]
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
            few = smooth[:, : PLAIN_COURSES + self._alone + len(self.known_courses)]
            left = seen - local.evaluate(few @ fit_plainly(gram, projected, few, self._bend))
            floor = LEAST_POWER * float((seen**2).mean())
            self._plain[number, channel] = pulse_power(local, left, valid, SPIKE, floor)
        return self._plain[number, channel]

    def follow_pulses(self, target: Array, known: Mask, *, last: bool) -> None:
        """Estimate every pulse's shift and size from what the fit leaves; shifts need another fit, sizes do not."""
        if self.response is None or self.interval < CLOSE:
            return
        design, _ = self.designs
        waves, slopes = (np.zeros((len(target), design.samples.size)) for _ in range(2))
        for channel in range(len(target)):
            coefficients = self.response.coefficients(channel)
            waves[channel], slopes[channel] = design.evaluate(coefficients), design.slope(coefficients)
        rest = self._without_overlap(target)[:, design.samples] - waves
        if not last:
            all_coefficients = np.stack([self.response.coefficients(channel) for channel in range(len(target))])
            far = far_shifts(design, rest * known[:, design.samples], waves, all_coefficients)
            if far.any():
                self.onsets, self._made = _increasing(self.onsets + far, self.onsets), None
                self.forget()
                return
        self.changes = estimate_changes(design, rest, waves, slopes, known[:, design.samples])
        self.gain = _fast(self.changes.gain)
        if not last and self.changes.shift.any():
            self.onsets = _increasing(self.onsets + self.changes.shift, self.onsets)
            self._made = None

    def waves(self, target: Array, known: Mask) -> tuple[Array, Array]:
        """Give the response at every row, V, (channels, rows), and coefficients of one that never changes, V."""
        design, _ = self.designs
        made, rows = self._current(), self._without_overlap(target)[:, design.samples]
        waves, means = np.zeros_like(rows), np.zeros((len(rows), design.size))
        for channel, seen in enumerate(rows):
            waves[channel] = design.evaluate(made.coefficients(channel))
            valid = known[channel, design.samples].astype(float)
            weight = np.ones(design.pulses) if self.weights is None else self.weights[channel]
            means[channel] = fit_mean(design.gram(valid), _project(design, seen * valid), weight, self._bend)
        return waves, means

    def _without_overlap(self, target: Array) -> Array:
        _, overlap = self.designs
        if not overlap.samples.size or self.response is None:
            return target
        out = target.copy()
        for channel in range(len(target)):
            np.subtract.at(out[channel], overlap.samples, overlap.evaluate(self.response.coefficients(channel)))
        return out

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
        response = replace(self._current(), tail=self._tail(rest, known))
        until = float(self.knots[-1])
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


def pulse_power(design: PhaseDesign, rest: Array, valid: Array, start: float, least: float = 0.0) -> Array:
    """Variance of the residual about every pulse, from ``start`` s after it on, averaged over neighbours, V²."""
    late = valid * (design.phase > start)
    squares = np.bincount(design.pulse, late * rest**2, minlength=design.pulses)
    number = np.bincount(design.pulse, late, minlength=design.pulses)
    bell = np.hanning(NEIGHBOURS + 2)[1:-1]
    reach = NEIGHBOURS // 2
    total, seen = (
        np.convolve(np.pad(one, reach, mode="reflect" if design.pulses > reach else "edge"), bell, "valid")
        for one in (squares, number)
    )
    return np.asarray(np.maximum(total / np.maximum(seen, 1e-12), least + 1e-30))


def _within(pulse: Indices, segment: Segment) -> Mask:
    return (pulse >= segment.pulses[0]) & (pulse <= segment.pulses[-1])


def _renumbered(part: PhaseDesign, segment: Segment) -> PhaseDesign:
    return PhaseDesign(
        part.samples,
        part.pulse - segment.pulses[0],
        part.phase,
        part.first,
        part.values,
        part.knots,
        segment.pulses.size,
    )


def _project(design: PhaseDesign, seen: Array) -> Array:
    base, count = design.pulse * design.size + design.first, design.pulses * design.size
    out = np.zeros(count)
    for step in range(len(design.values)):
        out += np.bincount(base + step, design.values[step] * seen, minlength=count)
    return out.reshape(design.pulses, design.size)


def _increasing(moved: Array, before: Array) -> Array:
    return moved if (np.diff(moved) > 0).all() else before
