"""`CausalSpline`: the response as a smooth function of the time since the pulse, from past pulses only."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range, positive, whole
from emgkit.artifact.causal import fading_pulses, remove_causally
from emgkit.artifact.gain import averaging_quality
from emgkit.artifact.past_spline import FEWEST, PastSpline
from emgkit.artifact.streaming import FrameStream
from emgkit.errors import TimingError
from emgkit.parts import Parts
from emgkit.pulses import Pulses

__all__ = ["CausalSpline"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class CausalSpline:
    """Follow the response in the continuous time since the pulse, and subtract what the past tells of it.

    The causal form of `PhaseSpline`, for closed loops. Cubic B-splines, closest at the edges of the artifact, are
    fitted to all pulses so far, each weighing ``forgetting`` times the one after it; how smooth they are is learned
    from the signal. Pulses fall between samples, so that together they sample the response finer than the recording's
    rate. Where forecasts from the response's change have proved better than its mean, they are used.

    Parameters
    ----------
    forgetting : float, default 0.97
        Weight of a pulse over that of the next, 0.8 ... 0.9999.
    before : float, default 0.0015
        The artifact may begin so long before the pulse, s, by the ringing of filters.
    after : float, default 0.060
        The response lasts no longer, s after the pulse. Responses may run into later ones: they add up.

    Notes
    -----
    Recursive least squares in the information form, as `AdaptiveFilter`, with these differences: the taps are closer
    than the samples and as rough as the evidence asks for (MacKay 1992, Neural Comput 4:415); a pulse is learned from
    up to the next one, after what is still expected from earlier pulses is taken away, so that irregular trains need
    no care; and the change of the response is forecast by double exponential smoothing, in the share by which that
    has lowered the squared error of past forecasts at this time after the pulse, less a standard error.

    Differs from `PhaseSpline` in that artifact and evoked response go together, as ``locked``; mains are left; and no
    pulse's own shift or size is fitted, which would have to wait for it. Where one response runs into the next,
    what is learned is their sum at the usual interval: jitter of the intervals leaves a residue there.

    Of the first five pulses nothing is subtracted; their responses are marked as lost, and so is what is later than
    any five pulses have shown, as after the last pulse of a train. The ceiling on the output SNR is 10·log10 of
    (1 + forgetting)/(1 - forgetting) pulses.

    Causal: only the time ``before`` a pulse is waited for; `stream` gives the same bits block by block.
    """

    name: ClassVar[str] = "causal_spline"
    gives: ClassVar[tuple[str, ...]] = ("locked", "voluntary")
    forgetting: float = 0.97
    before: float = 0.0015
    after: float = 0.060

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("forgetting", self.forgetting, 0.8, 0.9999)
        in_range("before", self.before, 0.0, 0.01, "s")
        in_range("after", self.after, 0.005, 0.5, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        if len(pulses) <= FEWEST:
            raise TimingError(f"causal_spline needs more than {FEWEST} pulses, got {len(pulses)}: use blanking.")
        locked, lost = remove_causally(self.stream(fs, signal.shape[0]), signal, pulses)
        share = 1 / fading_pulses(self.forgetting, np.arange(FEWEST, len(pulses)))
        quality = averaging_quality(float(1 / share.mean()), float(np.sqrt(1 + share.mean())))
        return Parts({"locked": locked}, "voluntary", lost, np.inf, (-self.before, self.after), quality=quality)

    def stream(self, fs: float, channels: int) -> FrameStream:
        """Make the causal form that takes a recording block by block.

        Parameters
        ----------
        fs : float
            Hz.
        channels : int
            Channels of every block.
        """
        positive("fs", fs, "Hz")
        whole("channels", channels, 1, 100_000)
        kernel = PastSpline(self.forgetting, self.before, self.after, fs, channels)
        return FrameStream(kernel, fs, channels, self.before, self.after)
