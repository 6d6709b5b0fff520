"""What the causal methods share when they clean a whole recording: how long their frames are, and the stream itself."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.frames import LONGEST
from emgkit.artifact.streaming import FrameStream
from emgkit.errors import ParameterError, TimingError
from emgkit.pulses import Pulses

__all__ = ["causal_end", "check_streamable", "fading_pulses", "remove_causally"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]


def causal_end(pulses: Pulses, fs: float, before: float, after: float | None) -> float:
    """Time after the pulse at which the frames of a causal method end, s: as asked for, or found from the pulses.

    Raises
    ------
    TimingError
        If there are fewer than two pulses to find it from, or the frames are longer than the interval between pulses.
    """
    if len(pulses) < 2:
        raise TimingError("One pulse has no past to be predicted from: use blanking.")
    usual = float(np.quantile(pulses.intervals, 0.05))
    if after is None:
        return min(usual - before + 1 / fs, LONGEST)  # up to the next frame, whatever it rounds to
    if before + after > 1.001 * float(np.median(pulses.intervals)):
        raise TimingError(
            f"Frames of {(before + after) * 1e3:.3g} ms do not fit between pulses that are "
            f"{np.median(pulses.intervals) * 1e3:.3g} ms apart: give a shorter after=."
        )
    return after


def check_streamable(after: float | None) -> float:
    """Refuse a stream whose frames would end where the next one begins.

    Raises
    ------
    ParameterError
        If ``after`` is None.
    """
    if after is None:
        raise ParameterError("A stream cannot know the interval between pulses: give after= in s.")
    return after


def fading_pulses(forgetting: float, past: NDArray[np.int64]) -> Array:
    """Pulses that are effectively averaged where so many are past, each weighing ``forgetting`` times its successor."""
    return np.asarray(
        (1 - forgetting**past) ** 2 / (1 - forgetting) ** 2 * (1 - forgetting**2) / (1 - forgetting ** (2 * past))
    )


def remove_causally(stream: FrameStream, signal: Array, pulses: Pulses) -> tuple[Array, Mask]:
    """Send a whole recording through a stream: what to take from it, V, and which samples are lost."""
    _, removed = stream.advance(signal, pulses)
    lost = stream.lost
    _, last = stream.drain()
    return np.concatenate([removed, last], axis=1), np.concatenate([lost, stream.lost], axis=1)
