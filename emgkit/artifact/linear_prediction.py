"""`LinearPrediction`: predict every response from those before it (Gram-Schmidt, least squares)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range, whole
from emgkit.artifact.base import windows_mask
from emgkit.artifact.causal import causal_end, check_streamable, remove_causally
from emgkit.artifact.frames import Frames, all_frames, cut
from emgkit.artifact.gain import averaging_quality, left_by_projection, orthonormal
from emgkit.artifact.streaming import FrameStream
from emgkit.artifact.templates import PAD, complete, template_frames
from emgkit.errors import ParameterError
from emgkit.parts import Parts
from emgkit.pulses import Pulses

__all__ = ["LinearPrediction"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SMALLEST = 1e-9  # singular value over the largest below which a direction is rounding


@dataclass(frozen=True)
class LinearPrediction:
    """Predict every response from the responses before it, by least squares, and keep what cannot be predicted.

    Every frame, from ``before`` s before its pulse to ``after`` s after it, is the weighted sum of the ``order`` frames
    before it; the weights are fitted to the frame itself. The Gram-Schmidt prediction-error filter does the same
    projection step by step.

    Parameters
    ----------
    order : int, default 6
        Frames that each is predicted from.
    before : float, default 0.0005
        Start of a frame before its pulse, s.
    after : float or None, default None
        End of a frame after its pulse, s. None reaches to the next frame, at most 0.1 s; a stream needs a number.
    blanked : float, default 0.002
        Time after the pulse, s, until which samples are left out of the fit, or the artifact alone would decide the
        weights; they are marked as lost.
    divide_out : bool, default False
        Divide the voluntary EMG by its gain on clean EMG, so that RMS and ARV keep their size in the mean.

    Notes
    -----
    Reference: Sennels et al. 1997, IEEE Trans Rehabil Eng 5:195 (adaptive prediction from up to seven periods); Yeom
    and Chang 2010, J Neurosci Methods (Gram-Schmidt). Differs from them in: a pseudo-inverse instead of the recursion;
    frames of equal length from the pulse times; the past goes on across pauses.

    A projection on the past takes the voluntary EMG that lies in it, too: with order 6 and intervals of 33 ms more than
    a third of the RMS. ``gain_on_clean`` states what is left, per channel, from the EMG's autocovariance. The first
    frame has no past and is marked as lost.

    Causal: frames come out when they are complete; `stream` gives the same bits block by block.
    """

    name: ClassVar[str] = "linear_prediction"
    gives: ClassVar[tuple[str, ...]] = ("locked", "voluntary")
    order: int = 6
    before: float = 0.0005
    after: float | None = None
    blanked: float = 0.002
    divide_out: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        whole("order", self.order, 1, 1000)
        in_range("before", self.before, 0.0, 0.1, "s")
        if self.after is not None:
            in_range("after", self.after, 0.001, 1.0, "s")
        in_range("blanked", self.blanked, 0.0, 0.1, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        after = causal_end(pulses, fs, self.before, self.after)
        stream = self._stream(fs, signal.shape[0], after)
        locked, lost = remove_causally(stream, signal, pulses)
        gain = self._gain(signal, fs, pulses, after)
        quality = dict(averaging_quality(self.order, gain))
        if self.divide_out:
            near = windows_mask(pulses.onsets, fs, signal.shape[1], self.before, after) & np.isfinite(signal)
            kept = np.where(near, signal - locked, 0.0)
            locked = locked + kept - kept / gain[:, np.newaxis]
            quality |= {"gain_on_clean": np.ones_like(gain), "gain_divided_out": gain}
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
            If ``after`` is None or the gain is to be divided out: both are known only when the recording is over.
        """
        after = check_streamable(self.after)
        if self.divide_out:
            raise ParameterError("A stream cannot know the gain on clean EMG: divide_out must be False.")
        return self._stream(fs, channels, after)

    def _stream(self, fs: float, channels: int, after: float) -> FrameStream:
        return FrameStream(_Prediction(self.order, self.blanked * fs), fs, channels, self.before, after)

    def _gain(self, signal: Array, fs: float, pulses: Pulses, after: float) -> Array:
        """Gain on clean EMG of the projections on the past that this recording has, shape (channels,)."""
        frames = all_frames(pulses, fs, self.before, after)
        return np.array([self._channel_gain(row, frames, fs) for row in signal])

    def _channel_gain(self, row: Array, frames: Frames, fs: float) -> float:
        order = min(self.order, frames.first.size - 1)
        wide = complete(cut(row, frames, PAD))
        pieces = wide[:, PAD:-PAD]
        residue = pieces - template_frames(wide, frames.places, 40)[0]
        past = np.stack([pieces[order - lag : len(pieces) - lag] for lag in range(1, order + 1)], axis=2)
        blanked = int(np.ceil((self.before + self.blanked) * fs)) if self.blanked > 0 else 0
        fitted = slice(min(blanked, frames.count - 1), None)
        bases = orthonormal(past[:, fitted])
        return float(np.sqrt(left_by_projection(bases, pieces[order:, fitted], residue[order:, fitted])))


class _Prediction:
    """The frames so far, and the least squares of the next on them."""

    pad, looks_ahead, overlaps = 0, True, False

    def __init__(self, order: int, blanked: float) -> None:
        self._past: deque[Array] = deque(maxlen=order)
        self._blanked = blanked

    def predict(self, frame: Array, places: Array) -> tuple[Array, Mask]:
        if not self._past:
            return np.zeros(frame.shape), np.ones(frame.shape, dtype=bool)
        early = np.arange(frame.shape[1]) <= (places[0] + self._blanked + 1e-9 if self._blanked > 0 else -1.0)
        past = np.stack(self._past, axis=2)[:, : frame.shape[1]]
        fitted = np.isfinite(frame) & ~early
        rows = np.where(fitted[:, :, np.newaxis], past, 0.0)
        weights = np.linalg.pinv(rows, rcond=SMALLEST) @ np.where(fitted, frame, 0.0)[:, :, np.newaxis]
        return (past @ weights)[:, :, 0], np.broadcast_to(early, frame.shape)

    def learn(self, piece: Array, places: Array) -> None:  # noqa: ARG002
        self._past.append(np.nan_to_num(piece, nan=0.0))
