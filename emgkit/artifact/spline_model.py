"""The fitted model of `PhaseSpline`, rendered part by part on demand."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from emgkit._checks import FrozenValue
from emgkit.artifact.baseline import render_baseline
from emgkit.artifact.interference import Mains, render_lines
from emgkit.artifact.spline_basis import DEGREE, WindowFit, make_design

__all__ = ["LockedModel", "hand_over"]

Array = NDArray[np.float64]

HAND_OVER = 0.4  # of the artifact's end: over the last part of it the artifact is handed over to the response
REST = 0.15  # of the interval: its last part, in which the response is taken to be over


def hand_over(phase: Array, end: float) -> Array:
    """Share of the locked response that counts as artifact: 1, then down to 0 at ``end`` like a cosine."""
    width = max(HAND_OVER * end, 1e-6)
    place = np.clip((end - phase) / width, 0.0, 1.0)
    return 0.5 - 0.5 * np.cos(np.pi * place)


@dataclass(frozen=True, eq=False)
class LockedModel(FrozenValue):
    """Splines per window, lines, and where the artifact ends.

    Parameters
    ----------
    onsets : (pulses,) s from the signal's first sample
    group : (pulses,) group of windows of each pulse
    fit : WindowFit or None
        None when nothing is locked to the pulses.
    knots : (knots,) s
    artifact_end : float
        s
    has_evoked : (channels,) bool
    lines : (windows, channels, 2 × orders) V
    mains : Mains
    orders : tuple of int
    levels : (channels, bins) V, of the slow baseline
    noise : (channels,) V, RMS of the residual
    fs : float
    shape : (channels, samples)
    """

    onsets: Array
    group: NDArray[np.int64]
    fit: WindowFit | None
    knots: Array
    artifact_end: float
    has_evoked: NDArray[np.bool_]
    lines: Array
    mains: Mains
    orders: tuple[int, ...]
    levels: Array
    noise: Array
    fs: float
    shape: tuple[int, int]

    def artifact(self) -> Array:
        """Render the artifact, V, (channels, samples)."""
        return self._locked(artifact=True)

    def evoked(self) -> Array:
        """Render the evoked response, V, (channels, samples)."""
        return self._locked(artifact=False)

    def interference(self) -> Array:
        """Render the lines and the slow baseline, V, (channels, samples)."""
        lines = render_lines(self.lines, self.fs, self.shape[1], self.mains, self.orders)
        return lines + render_baseline(self.levels, self.fs, self.shape[1]) if self.levels.any() else lines

    def evoked_error(self) -> Array:
        """Render the evoked response's standard error, V, (channels, samples): residual RMS over √(pulses)."""
        out = np.zeros(self.shape)
        if self.fit is None:
            return out
        design = make_design(self.onsets, self.fs, self.shape[1], self.knots)
        late = design.samples[design.phase >= 0]
        for channel in np.flatnonzero(self.has_evoked):
            out[channel, late] = self.noise[channel] / np.sqrt(float(np.median(self.fit.effective)))
        return out

    def _locked(self, *, artifact: bool) -> Array:
        out = np.zeros(self.shape)
        if self.fit is None:
            return out
        design = make_design(self.onsets, self.fs, self.shape[1], self.knots)
        share = hand_over(design.phase, self.artifact_end)
        for channel in range(self.shape[0]):
            if not artifact and not self.has_evoked[channel]:
                continue
            coefficients = self.fit.at_pulses(self.onsets, self.group, channel)
            wave = design.evaluate(coefficients - self._level(coefficients)[:, np.newaxis])
            out[channel, design.samples] = wave * (share if artifact else 1 - share)
        return out

    def _level(self, coefficients: Array) -> Array:
        """Level of every response when it is over: a constant that belongs to the baseline, (pulses,)."""
        until = float(self.knots[-1])
        late = self.knots[DEGREE - 1 : DEGREE - 1 + coefficients.shape[1]] >= until - REST * until
        return np.asarray(coefficients[:, late].mean(axis=1))

    def mean_response(self, times: Array) -> Array:
        """Mean response over all windows at times since the pulse, V, (channels, times)."""
        if self.fit is None:
            return np.zeros((self.shape[0], times.size))
        mean = self.fit.coefficients.mean(axis=0)
        mean = mean - self._level(mean)[:, np.newaxis]
        return np.stack([BSpline(self.knots, row, DEGREE)(times) for row in mean])
