"""What one stimulator's pulses evoke in all channels, as `PhaseSpline` keeps it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_basis import DEGREE, PhaseDesign, places_of
from emgkit.artifact.spline_effort import WithEffort
from emgkit.artifact.spline_errors import Unfollowed
from emgkit.artifact.spline_pulse import artifact_share
from emgkit.artifact.spline_random import RandomShapes
from emgkit.artifact.spline_share import HAND_OVER, Tail, TailShare, hand_over
from emgkit.artifact.spline_solve import CourseCurves
from emgkit.artifact.spline_time import Segment
from emgkit.artifact.spline_units import Later, with_later

__all__ = ["Response"]

Array = NDArray[np.float64]

MOVES = 0.05  # of the response's size: what moves more before the next pulse runs on under it
REST = 0.15  # of the interval: its last part, in which the response is taken to be over
GRID = 50e-6  # s, on which the mean response is looked at


@dataclass(frozen=True, eq=False)
class Response(FrozenValue):
    """What one stimulator's pulses evoke in all channels.

    Parameters
    ----------
    onsets : (pulses,) s from the signal's first sample, with the shifts that were found
    knots : (knots,) s
    segments : list of Segment
    courses : per segment (pulses, courses)
    fits : per segment and channel a CourseCurves
    gain : (pulses,) relative change of the artifact's size beside its smooth course
    shapes : per channel RandomShapes or None
    periodic : bool
        Whether one response follows the other without a pause.
    tail : Tail or None
        What outlasts the usual interval where a pause follows.
    share : list of TailShare or None, per channel
        None where artifact and evoked response are told apart by time.
    unfollowed : list of Unfollowed or None, per channel
        How the response varies from pulse to pulse beside all that was fitted.
    with_effort : list of WithEffort or None, per channel
        How it changes with effort, so that it may not be the response that does.
    polarity : (pulses,) or None
        1 or −1 where the pulses turn over.
    upright : per segment (pulses, courses), or None
        Part of the courses that does not turn over with the polarity.
    turned : list of TailShare or None, per channel
        How what turns over is shared between artifact and response; None where all of it is the artifact's.
    later : Later or None
        Where every pulse is the first of a group: the others.
    wander : list of ndarray or None, per channel (pulses, size) V
        Coefficients of what wanders beside the courses.
    """

    onsets: Array
    knots: Array
    segments: list[Segment]
    courses: list[Array]
    fits: list[list[CourseCurves]]
    gain: Array
    shapes: list[RandomShapes | None]
    periodic: bool
    tail: Tail | None = None
    share: list[TailShare | None] | None = None
    unfollowed: list[Unfollowed | None] | None = None
    with_effort: list[WithEffort | None] | None = None
    polarity: Array | None = None
    upright: list[Array] | None = None
    turned: list[TailShare | None] | None = None
    later: Later | None = None
    wander: list[Array | None] | None = None

    @property
    def standing(self) -> Response:
        """What does not turn over with the polarity: the evoked response, and what is left of artifacts."""
        if self.upright is None:
            return self
        gain = np.zeros(self.onsets.size)
        return replace(self, courses=self.upright, gain=gain, polarity=None, upright=None)

    @property
    def turning(self) -> Response:
        """What turns over with the polarity of the pulses, as pulses of the positive one have it."""
        polarity, upright = self.polarity, self.upright
        if polarity is None or upright is None:
            return self
        courses = [
            polarity[segment.pulses, np.newaxis] * (every - same)
            for segment, every, same in zip(self.segments, self.courses, upright, strict=True)
        ]
        gain = np.zeros(self.onsets.size)
        return replace(self, courses=courses, gain=gain, polarity=None, upright=None)

    def turned_response(self, channel: int) -> Array | None:
        """Coefficients of the response's part of what turns over, V, (pulses, size); None if there is none."""
        share = None if self.turned is None else self.turned[channel]
        if share is None or share.operator is None or self.polarity is None:
            return None
        return np.asarray(self.polarity[:, np.newaxis] * (self.turning.coefficients(channel) @ share.operator.T))

    def means(self, channel: int) -> Array:
        """Coefficients of the mean response to pulses of either polarity, V, (1 or 2, size)."""
        locked = self.coefficients(channel)
        if self.polarity is None:
            return locked.mean(axis=0)[np.newaxis]
        same = self.standing.coefficients(channel)
        turning = (self.polarity[:, np.newaxis] * (locked - same)).mean(axis=0)
        return same.mean(axis=0) + np.outer([1.0, -1.0], turning)

    def share_of(self, channel: int) -> TailShare | None:
        """Give how a channel is shared; None where no tail runs under its response."""
        return None if self.share is None else self.share[channel]

    def evoked_operator(self, channel: int) -> Array | None:
        """From coefficients of the locked response to those of the evoked one; None where they are told by time."""
        share = self.share_of(channel)
        return None if share is None else share.operator

    def evoked_coefficients(self, channel: int, operator: Array, artifact_end: float) -> Array:
        """Coefficients of every evoked response, V, (pulses, size); an operator shares the mean of what is locked.

        Tail and artifact change alike, by the size that the artifact has before the response; all else that changes
        is the response's, which the operator alone would take for tail in part.
        """
        locked = self.coefficients(channel)
        mean = locked.mean(axis=0)
        evoked = mean @ operator.T
        artifact = mean - evoked
        place = places_of(self.knots)
        early = hand_over(place, artifact_end)
        spike = early * artifact
        size = ((locked - evoked) @ spike) / max(float(artifact @ spike), 1e-300)
        left = locked - size[:, np.newaxis] * artifact
        return np.asarray((1 - early) * left + early * evoked)

    def coefficients(self, channel: int) -> Array:
        """Coefficients of the smooth course at every pulse, V, (pulses, size)."""
        out = np.zeros((self.onsets.size, self.knots.size - DEGREE - 1))
        for segment, courses, fits in zip(self.segments, self.courses, self.fits, strict=True):
            out[segment.pulses] += segment.share[:, np.newaxis] * (
                courses[:, fits[channel].lives] @ fits[channel].coefficients
            )
        wander = None if self.wander is None else self.wander[channel]
        return out if wander is None else out + wander

    def variances(self, channel: int) -> Array:
        """Variance of the smooth course's coefficients at every pulse, V², (pulses, size)."""
        out = np.zeros((self.onsets.size, self.knots.size - DEGREE - 1))
        for segment, courses, fits in zip(self.segments, self.courses, self.fits, strict=True):
            out[segment.pulses] += segment.share[:, np.newaxis] * (
                courses[:, fits[channel].lives] ** 2 @ fits[channel].variances
            )
        return out

    def doubt(self, channel: int, design: PhaseDesign, artifact_end: float) -> Array:
        """Variance beside that of the smooth courses and shapes, V², at the rows of a design, (rows,)."""
        effort = None if self.with_effort is None else self.with_effort[channel]
        out = np.zeros(design.phase.size) if effort is None else effort.variance(design)
        left = None if self.unfollowed is None else self.unfollowed[channel]
        if left is not None:
            out += left.at(design.phase)
        return np.asarray(out + self.shared_error(channel, design.phase, artifact_end) ** 2)

    def shared_error(self, channel: int, phase: Array, artifact_end: float) -> Array:
        """Give by how much the response is shared wrongly with the artifact, alike at every pulse, V, (phases,)."""
        part = self.share_of(channel)
        error = self._doubt_of_end(channel, artifact_end) if part is None else (part.times, part.error)
        turned = None if self.turned is None else self.turned[channel]
        of_turned = 0.0 if turned is None else np.interp(phase, turned.times, turned.error)
        return np.hypot(np.interp(phase, *error), of_turned)

    def _doubt_of_end(self, channel: int, artifact_end: float) -> tuple[Array, Array]:
        """Give times, s, and by how much the evoked response differs if the artifact ended a hand-over later, V."""
        times = np.arange(self.knots[0], self.knots[-1], GRID)
        mean = BSpline(self.knots, self.coefficients(channel).mean(axis=0), DEGREE)(times)
        over = mean - self.level(channel).mean() - self.recovery(channel, times)
        change = over * (hand_over(times, (1 + HAND_OVER) * artifact_end) - hand_over(times, artifact_end))
        return times, change - change.mean() if self.periodic else change

    def add_to(self, out: Array, channel: int, design: PhaseDesign, overlap: PhaseDesign) -> None:
        """Add the response to a channel, V, (samples,)."""
        coefficients = self.coefficients(channel)
        wave = design.evaluate(coefficients)
        if self.gain.any():
            wave = wave * (1 + self.gain[design.pulse] * artifact_share(design.phase))
        out[design.samples] += wave
        if overlap.samples.size:
            np.add.at(out, overlap.samples, overlap.evaluate(coefficients))

    @property
    def every(self) -> Array:
        """Onsets of all pulses, s: of all that a group has, too."""
        if self.later is None:
            return self.onsets
        return with_later(self.onsets, self.later)

    def runs_on(self, channel: int, artifact_end: float) -> bool:
        """Tell whether a response still moves when the next pulse comes."""
        if not self.periodic:
            return False
        place = places_of(self.knots)
        mean = self.coefficients(channel).mean(axis=0)
        until = float(self.knots[-1])
        last, after = mean[place >= until - REST * until], mean[place >= artifact_end]
        return bool(after.size and last.size and np.ptp(last) > MOVES * np.ptp(after))

    def recovery(self, channel: int, phase: Array) -> Array:
        """Continue the end of the last response under the artifact of the next pulse, V beside its level, (phases,).

        Behind a high-pass a response ends with the amplifier's slow recovery, which no pulse stops.
        """
        if not self.periodic or self.onsets.size < 2:
            return np.zeros(phase.size)
        until, interval = float(self.knots[-1]), float(np.median(np.diff(self.onsets)))
        place = places_of(self.knots)
        late = place >= until - REST * until
        slope, _ = np.polyfit(place[late], self.coefficients(channel)[:, late].mean(axis=0), 1)
        return np.asarray(slope * (phase + interval - place[late].mean()))

    def level(self, channel: int) -> Array:
        """Level of every response when it is over, V, (pulses,)."""
        until = float(self.knots[-1])
        place = places_of(self.knots)
        return np.asarray(self.coefficients(channel)[:, place >= until - REST * until].mean(axis=1))
