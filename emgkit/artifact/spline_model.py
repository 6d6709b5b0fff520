"""The fitted model of `PhaseSpline`, rendered part by part on demand."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from emgkit._checks import FrozenValue
from emgkit.artifact.baseline import Baseline
from emgkit.artifact.interference import Mains
from emgkit.artifact.line_courses import Lines, render_lines
from emgkit.artifact.movement import Movement
from emgkit.artifact.spline_basis import DEGREE, PhaseDesign, make_design, make_designs
from emgkit.artifact.spline_later_artifacts import later_artifacts, later_sizes
from emgkit.artifact.spline_locked import Response
from emgkit.artifact.spline_pulse import artifact_share
from emgkit.artifact.spline_share import bridge, hand_over
from emgkit.shared_error import SharedError

__all__ = ["LockedModel"]

Array = NDArray[np.float64]

SHARED = 0.25e-3  # s, on which the errors that are alike after all pulses are kept


def _numbers(mask: NDArray[np.bool_]) -> list[int]:
    return [int(number) for number in np.flatnonzero(mask)]


@dataclass(frozen=True, eq=False)
class LockedModel(FrozenValue):
    """Responses, lines and baseline, and where the artifact ends.

    Parameters
    ----------
    responses : list of Response
        One per stimulator; empty when nothing is locked to the pulses.
    artifact_end : float
        s
    has_evoked, has_locked : (channels,) bool
    lines : Lines
    mains : Mains
    orders : tuple of int
    baseline : Baseline
    movement : Movement
    fs : float
    shape : (channels, samples)
    """

    responses: list[Response]
    artifact_end: float
    has_evoked: NDArray[np.bool_]
    has_locked: NDArray[np.bool_]
    lines: Lines
    mains: Mains
    orders: tuple[int, ...]
    baseline: Baseline
    movement: Movement
    fs: float
    shape: tuple[int, int]

    def artifact(self) -> Array:
        """Render the artifact, V, (channels, samples)."""
        return self._split(evoked=False)

    def evoked(self) -> Array:
        """Render the evoked response, V, (channels, samples)."""
        return self._split(evoked=True)

    def locked(self) -> Array:
        """Render everything that is locked to the pulses, V, (channels, samples)."""
        out = np.zeros(self.shape)
        for response in self.responses:
            design, overlap, own = self._designs(response)
            for channel in _numbers(self.has_locked):
                response.add_to(out[channel], channel, design, overlap)
                self._add_shapes(out[channel], response, channel, own)
                if response.tail is not None:
                    response.tail.add_to(out[channel], channel, self.fs)
        return out

    def interference(self) -> Array:
        """Render the lines, the slow baseline and the movement, V, (channels, samples)."""
        out = render_lines(self.lines, self.fs, self.shape[1], self.mains, self.orders)
        if self.baseline.moves.any():
            out = out + self.baseline.render(self.fs, self.shape[1])
        if self.movement.there.any():
            self.movement.add_to(out, self.fs)
        return out

    def evoked_error(self) -> Array:
        """Render the evoked response's standard error, V, (channels, samples)."""
        variance = np.zeros(self.shape)
        doubt = self.lines.variance
        for response in (one.standing for one in self.responses):
            design, _, own = self._designs(response)
            late = design.phase >= (-np.inf if response.periodic else 0.0)  # the last response runs on until the pulse
            for channel in _numbers(self.has_evoked):
                row = np.maximum(design.evaluate(response.variances(channel)), 0.0) + doubt[channel]
                row += response.doubt(channel, design, self.artifact_end)
                variance[channel, design.samples[late]] += row[late]
                if own is not None and (shapes := response.shapes[channel]) is not None:
                    variance[channel, own.samples] += shapes.variance(own)
        return np.sqrt(variance)

    def shared_errors(self) -> list[SharedError]:
        """Give, for every stimulator, what is not known of its responses alike after all pulses."""
        found = []
        for response in (one.standing for one in self.responses):
            times = np.arange(response.knots[0], response.knots[-1], SHARED)
            error = np.zeros((self.shape[0], times.size))
            for channel in _numbers(self.has_evoked):
                error[channel] = response.shared_error(channel, times, self.artifact_end)
            found.append(SharedError(response.onsets, times, error))
        return found

    def _designs(self, response: Response) -> tuple[PhaseDesign, PhaseDesign, PhaseDesign | None]:
        count = self.shape[1]
        design, overlap = make_designs(response.onsets, self.fs, count, response.knots, response.later)
        shapes = next((one for one in response.shapes if one is not None), None)
        own = None if shapes is None else make_design(response.onsets, self.fs, count, shapes.knots)
        return design, overlap, own

    def _split(self, *, evoked: bool) -> Array:
        out = np.zeros(self.shape)
        for response in self.responses:
            if response.upright is None:
                self._add_part(out, response, evoked=evoked)
            else:
                out += self._turned(response, evoked=evoked)
        return out

    def _add_part(self, out: Array, response: Response, *, evoked: bool) -> None:
        """Add a part of one response to all channels."""
        design, overlap, own = self._designs(response)
        share = hand_over(design.phase, self.artifact_end)
        for channel in _numbers(self.has_locked):
            if self.has_evoked[channel] and response.evoked_operator(channel) is not None:
                self._add_shared(out[channel], response, channel, (design, overlap), evoked)
                if evoked:
                    self._add_shapes(out[channel], response, channel, own)
                continue
            if self.has_evoked[channel] and self._is_bridged(response, channel):
                self._add_bridged(out[channel], response, channel, (design, overlap), evoked)
                if evoked:
                    self._add_shapes(out[channel], response, channel, own)
                if evoked and response.tail is not None:
                    response.tail.add_to(out[channel], channel, self.fs)
                continue
            coefficients = response.coefficients(channel)
            level = response.level(channel)
            wave = design.evaluate(coefficients)
            if response.gain.any():
                wave = wave * (1 + response.gain[design.pulse] * artifact_share(design.phase))
            is_evoked = self.has_evoked[channel]
            freed = (1 - share) * (wave - level[design.pulse]) + share * response.recovery(channel, design.phase)
            freed -= later_artifacts(response, channel, design, self.artifact_end)
            own_level = self._level_of_evoked(response, channel, design, freed)
            part = (freed + own_level[design.pulse]) * is_evoked
            if not evoked:
                part = wave - part
            out[channel, design.samples] += part
            if evoked == is_evoked:
                if overlap.samples.size:
                    np.add.at(out[channel], overlap.samples, overlap.evaluate(coefficients))
                self._add_shapes(out[channel], response, channel, own)
                if response.tail is not None:
                    response.tail.add_to(out[channel], channel, self.fs)

    def _is_bridged(self, response: Response, channel: int) -> bool:
        """Tell whether artifacts stand on a response that still moves, and are no copies of one that does not."""
        other = response.later is not None and later_sizes(response, channel, self.artifact_end) is None
        return other or response.runs_on(channel, self.artifact_end)

    def _turned(self, response: Response, *, evoked: bool) -> Array:
        """Render a part of a response whose artifact turns over: what does so is the artifact's, but for its share."""
        part = replace(self, responses=[response.standing])._split(evoked=True)
        design, overlap, _ = self._designs(response)
        for channel in _numbers(self.has_evoked):
            own = response.turned_response(channel)
            if own is not None:
                part[channel, design.samples] += design.evaluate(own)
                np.add.at(part[channel], overlap.samples, overlap.evaluate(own))
        return part if evoked else replace(self, responses=[response]).locked() - part

    def _add_shared(
        self, out: Array, response: Response, channel: int, designs: tuple[PhaseDesign, PhaseDesign], evoked: bool
    ) -> None:
        """Add a part of a channel under whose response a tail runs; what outlasts a train goes with the tail."""
        design, overlap = designs
        operator = response.evoked_operator(channel)
        if operator is not None:
            coefficients = response.evoked_coefficients(channel, operator, self.artifact_end)
            coefficients = coefficients if evoked else -coefficients
            out[design.samples] += design.evaluate(coefficients)
            if overlap.samples.size:
                np.add.at(out, overlap.samples, overlap.evaluate(coefficients))
        if not evoked:
            response.add_to(out, channel, design, overlap)
            if response.tail is not None:
                response.tail.add_to(out, channel, self.fs)

    def _add_bridged(
        self, out: Array, response: Response, channel: int, designs: tuple[PhaseDesign, PhaseDesign], evoked: bool
    ) -> None:
        """Add a part of responses that run on under the next artifact: the evoked one goes on smoothly under it."""
        locked = np.zeros(out.size)
        response.add_to(locked, channel, *designs)
        bridged = bridge(locked, self.fs, response.every, self.artifact_end)
        out += bridged if evoked else locked - bridged

    def _level_of_evoked(self, response: Response, channel: int, design: PhaseDesign, wave: Array) -> Array:
        """Level of every evoked response, V, (pulses,): behind a high-pass its mean over a period is zero.

        The amplifier takes the mean of artifact and response alike, so that each lies below or above zero between its
        deflections. Where the level is the baseline's, or a pause follows each response, it is none of theirs.
        """
        if not response.periodic or self.baseline.moves[channel]:
            return np.zeros(response.onsets.size)
        number = np.bincount(design.pulse, minlength=response.onsets.size)
        total = np.bincount(design.pulse, wave, minlength=response.onsets.size)
        whole = number >= 0.9 * np.median(number)
        return np.asarray(np.where(whole, -total / np.maximum(number, 1), 0.0))

    @staticmethod
    def _add_shapes(out: Array, response: Response, channel: int, own: PhaseDesign | None) -> None:
        shapes = response.shapes[channel]
        if shapes is not None and own is not None:
            out[own.samples] += own.evaluate(shapes.coefficients)

    def mean_response(self, times: Array) -> Array:
        """Mean response of the first stimulator at times since the pulse, without its level, V, (channels, times).

        Where pulses turn over, the channels come once for either polarity.
        """
        if not self.responses:
            return np.zeros((self.shape[0], times.size))
        response = self.responses[0]
        rows = []
        for channel in range(self.shape[0]):
            means = response.means(channel) - response.level(channel).mean()
            rows.append([BSpline(response.knots, mean, DEGREE)(times) for mean in means])
        return np.concatenate(np.stack(rows, axis=1))
