"""`MovingTemplate`: subtract the mean of the neighbouring responses, aligned to the sub-sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range, whole
from emgkit.artifact.causal import causal_end, check_streamable, remove_causally
from emgkit.artifact.frames import Frames, Taken, all_frames, by_sequence, by_stimulator, cut, sequences
from emgkit.artifact.gain import averaging_quality, left_by_projection
from emgkit.artifact.streaming import FrameStream
from emgkit.artifact.templates import PAD, PastTemplate, complete, fitted, template_frames
from emgkit.errors import ParameterError
from emgkit.parts import Parts
from emgkit.pulses import Pulses

__all__ = ["MovingTemplate"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MovingTemplate:
    """Subtract from every response the mean of its neighbours, aligned to the sub-sample and without itself.

    Parameters
    ----------
    neighbours : int, default 40
        Responses averaged for each, half before and half after; fewer in short trains.
    before : float, default 0.0015
        Start of the template before the pulse, s.
    after : float or None, default None
        End of the template after the pulse, s. None reaches to the next template, at most 0.1 s.
    fit_gain : bool, default False
        Scale the template to every response by least squares.
    fit_shift : bool, default False
        Shift it to every response by its derivative.
    causal : bool, default False
        Take all neighbours from the past, for `stream`. The past goes on across pauses; the first frame has none and
        is marked as lost.

    Notes
    -----
    Template subtraction takes everything that repeats: artifact and evoked response together, as ``locked``. What
    does not repeat stays in ``voluntary``, with the noise of the template added: its RMS grows by the factor
    √(1 + 1/neighbours). Leaving the response itself out keeps the template from eating voluntary EMG; the ceiling on
    the output SNR is 10·log10(neighbours) dB.

    Pulses are compared within their train; pulses of trains shorter than three (doublets) with those at the same place
    in the other trains. The templates of several stimulators are taken one after the other.

    Scaling and shifting follow x ≈ g·m + d·m′ without the usual offset, which would take the slow part of the EMG.
    Both take EMG along: ``gain_on_clean`` states how much, from the EMG's autocovariance.
    """

    name: ClassVar[str] = "moving_template"
    gives: ClassVar[tuple[str, ...]] = ("locked", "voluntary")
    neighbours: int = 40
    before: float = 0.0015
    after: float | None = None
    fit_gain: bool = False
    fit_shift: bool = False
    causal: bool = False

    def __post_init__(self) -> None:
        """Check the ranges."""
        whole("neighbours", self.neighbours, 2, 10000)
        in_range("before", self.before, 0.0, 0.1, "s")
        if self.after is not None:
            in_range("after", self.after, 0.0005, 1.0, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        if self.causal:
            return self._separate_causally(signal, fs, pulses)
        taken = by_stimulator(signal, pulses, lambda rest, own: self._locked(rest, fs, own))
        return Parts(
            components={"locked": taken.locked},
            residual="voluntary",
            lost=None,
            evoked_lost_until=np.inf,
            reach=(-self.before, taken.until),
            quality=averaging_quality(taken.effective, taken.gain),
        )

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
            If the method is not causal, or ``after`` is None.
        """
        if not self.causal:
            raise ParameterError("A stream has no future neighbours: give causal=True.")
        return self._stream(fs, channels, check_streamable(self.after))

    def _stream(self, fs: float, channels: int, after: float) -> FrameStream:
        kernel = PastTemplate(self.neighbours, self.before * fs, self.fit_gain, self.fit_shift)
        return FrameStream(kernel, fs, channels, self.before, after)

    def _separate_causally(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        after = causal_end(pulses, fs, self.before, self.after)
        locked, lost = remove_causally(self._stream(fs, signal.shape[0], after), signal, pulses)
        share = 1 / np.minimum(np.arange(1, len(pulses)), self.neighbours)
        power = np.full(len(signal), 1 + share.mean())
        if self.fit_gain or self.fit_shift:
            frames = all_frames(pulses, fs, self.before, after)
            power = np.array([self._template(row, frames)[1] for row in signal])
        quality = averaging_quality(float(1 / share.mean()), np.sqrt(power))
        return Parts({"locked": locked}, "voluntary", lost, np.inf, (-self.before, after), quality=quality)

    def _locked(self, signal: Array, fs: float, pulses: Pulses) -> Taken:
        return by_sequence(signal, fs, sequences(pulses, fs, self.before, self.after), self._template)

    def _template(self, row: Array, frames: Frames) -> tuple[Array, float, float]:
        pieces = complete(cut(row, frames, PAD))
        template, count = template_frames(pieces, frames.places, self.neighbours)
        if not (self.fit_gain or self.fit_shift):
            return template, 1 + 1 / count, count
        residue = pieces[:, PAD:-PAD] - template
        template, bases = fitted(template, residue, self.fit_gain, self.fit_shift)
        left = left_by_projection(bases, pieces[:, PAD:-PAD], residue)
        return template, left if self.fit_gain else left * (1 + 1 / count), count
