"""`AdaptiveFilter`: pulse-locked taps followed by recursive least squares (RLS)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solveh_banded

from emgkit._checks import in_range
from emgkit.artifact.causal import causal_end, check_streamable, fading_pulses, remove_causally
from emgkit.artifact.gain import averaging_quality
from emgkit.artifact.streaming import FrameStream
from emgkit.parts import Parts
from emgkit.pulses import Pulses

__all__ = ["AdaptiveFilter"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

WEAKEST = 1e-3  # weight that draws a tap to zero, in units of one pulse
BAND = 4  # cubic B-splines that differ from zero at a sample


@dataclass(frozen=True)
class AdaptiveFilter:
    """Follow the response by recursive least squares on the pulses, and subtract what the past tells of it.

    The reference is an impulse at every pulse, at its own place between the samples; the filter's taps are the
    response, one tap per sample, carried by cubic B-splines. Taps are fitted to all frames so far, each weighing
    ``forgetting`` times the one after it; what they predict is subtracted from the next frame.

    Parameters
    ----------
    forgetting : float, default 0.97
        Weight of a pulse over that of the next.
    before : float, default 0.0015
        First tap before the pulse, s.
    after : float or None, default None
        Last tap after the pulse, s. None reaches to the next frame, at most 0.1 s; a stream needs a number.

    Notes
    -----
    RLS in its information form: the normal equations are carried on and solved at every pulse, which stays exact where
    the usual recursion loses its symmetry. Differs from the usual RLS in: weights change once per pulse, and a
    constant instead of a fading weight draws taps that nothing determines to zero.

    The voluntary EMG of the past frames is added with the template: the RMS grows by √(1 + 1/n) with
    n = (1 + forgetting)/(1 - forgetting) pulses in the long run. Artifact and evoked response go together, as
    ``locked``. The first frame has no past and is marked as lost.

    Causal: only the time ``before`` a pulse is waited for; `stream` gives the same bits block by block.
    """

    name: ClassVar[str] = "adaptive_filter"
    gives: ClassVar[tuple[str, ...]] = ("locked", "voluntary")
    forgetting: float = 0.97
    before: float = 0.0015
    after: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("forgetting", self.forgetting, 0.1, 0.9999)
        in_range("before", self.before, 0.0, 0.1, "s")
        if self.after is not None:
            in_range("after", self.after, 0.001, 1.0, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        after = causal_end(pulses, fs, self.before, self.after)
        locked, lost = remove_causally(self._stream(fs, signal.shape[0], after), signal, pulses)
        effective = fading_pulses(self.forgetting, np.arange(1, len(pulses)))
        quality = averaging_quality(float(1 / np.mean(1 / effective)), float(np.sqrt(1 + np.mean(1 / effective))))
        return Parts({"locked": locked}, "voluntary", lost, np.inf, (-self.before, after), quality=quality)

    def stream(self, fs: float, channels: int) -> FrameStream:
        """Make the causal form that takes a recording block by block.

        Parameters
        ----------
        fs : float
            Hz.
        channels : int
            Channels of every block.

        Raises
        ------
        ParameterError
            If ``after`` is None: the interval between pulses is known only when the recording is over.
        """
        return self._stream(fs, channels, check_streamable(self.after))

    def _stream(self, fs: float, channels: int, after: float) -> FrameStream:
        kernel = _Taps(self.forgetting, self.before * fs, channels)
        return FrameStream(kernel, fs, channels, self.before, after)


class _Taps:
    """The normal equations of the taps so far, with one matrix for all channels."""

    pad, looks_ahead, overlaps = 0, False, False

    def __init__(self, forgetting: float, before: float, channels: int) -> None:
        self._forgetting, self._before = forgetting, before
        self._matrix = np.zeros((0, BAND, 0))
        self._right = np.zeros((channels, 0))
        self._learned = 0

    def predict(self, frame: Array, places: Array) -> tuple[Array, Mask]:
        if not self._learned:
            return np.zeros(frame.shape), np.ones(frame.shape, dtype=bool)
        return self._expected(frame.shape[1], places[0]), np.zeros(frame.shape, dtype=bool)

    def _expected(self, count: int, place: float) -> Array:
        matrix = self._matrix.copy()
        matrix[-1] += WEAKEST
        taps = solveh_banded(matrix, self._right.T, check_finite=False).T
        windows = np.lib.stride_tricks.sliding_window_view(taps, BAND, axis=1)[:, :count]
        return np.asarray((windows * _spline(self._before - place)).sum(axis=2))

    def learn(self, piece: Array, places: Array) -> None:
        missing = np.isnan(piece)
        if missing.any():  # they are taken to be as expected, so that all channels share one matrix
            expected = self._expected(piece.shape[1], places[0]) if self._learned else 0.0
            piece = np.where(missing, expected, piece)
        count, values = piece.shape[1], _spline(self._before - places[0])
        if not self._learned:
            self._matrix, self._right = np.zeros((BAND, count + BAND - 1)), np.zeros((len(piece), count + BAND - 1))
        self._matrix *= self._forgetting
        self._right *= self._forgetting
        for row in range(BAND):
            self._right[:, row : row + count] += values[row] * piece
            for column in range(row, BAND):
                self._matrix[BAND - 1 - column + row, column : column + count] += values[row] * values[column]
        self._learned += 1


def _spline(part: float) -> Array:
    """Values of the four cubic B-splines with knots at the samples, ``part`` of a sample after a knot."""
    rest = 1 - part
    return np.array([rest**3, 3 * part**3 - 6 * part**2 + 4, 3 * rest**3 - 6 * rest**2 + 4, part**3]) / 6
