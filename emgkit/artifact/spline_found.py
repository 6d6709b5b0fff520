"""What `PhaseSpline` is asked for, what it finds, and what some channels tell the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.artifact.interference import Mains
from emgkit.artifact.spline_model import LockedModel
from emgkit.artifact.spline_response import ResponseFitter
from emgkit.artifact.spline_tail import TailsFound
from emgkit.artifact.tail_course import TailCourse
from emgkit.pulses import Pulses

__all__ = ["Agreed", "Found", "Wanted"]

Array = NDArray[np.float64]

AFTER_END = 0.0005  # s after the artifact's end, from which responses are compared


@dataclass(frozen=True)
class Wanted:
    """What the user of `PhaseSpline` wants, see there."""

    mains: bool = True
    shifts: bool = True
    shapes: bool = True
    artifact_end: float | None = None


@dataclass(frozen=True, eq=False)
class Agreed(FrozenValue):
    """What some channels tell of the pulses and the mains, and others are told.

    Parameters
    ----------
    pulses : Pulses
        Without those that were not there, with those that were lost.
    polarity : (pulses,) or None
        1 or −1 where pulses turn over.
    sizes : (pulses,) or None
        Sizes of the artifact.
    fitters : list of ResponseFitter
        Onsets with their shifts, sizes, courses.
    mains : Mains
    orders : tuple of int
        Lines that count as interference.
    end : float
        End of the artifact, s after the pulse.
    course : TailCourse or None
        Its tail under the responses, where channels see one.
    """

    pulses: Pulses
    polarity: Array | None
    sizes: Array | None
    fitters: list[ResponseFitter]
    mains: Mains
    orders: tuple[int, ...]
    end: float
    course: TailCourse | None = None

    @property
    def alone(self) -> ResponseFitter | None:
        """The only fitter, of single pulses that do not turn over; None where there are others or none such."""
        only = self.fitters[0]
        return only if len(self.fitters) == 1 and only.polarity is None and only.later is None else None

    @property
    def compared(self) -> tuple[float, float]:
        """Times after the pulse between which responses are compared from pulse to pulse, s."""
        first = self.fitters[0]
        return self.end + AFTER_END, min(float(first.knots[-1]), first.interval)


@dataclass(frozen=True, eq=False)
class Found(FrozenValue):
    """What a run found.

    Parameters
    ----------
    model : LockedModel
        All parts.
    until : float
        End of the support, s after a pulse.
    quality : mapping
        Numbers.
    messages : tuple of str
        Sentences.
    agreed : Agreed or None
        What other channels may be told; None where nothing was found that is evoked.
    tails : TailsFound or None
        How tails were taken from under the responses.
    """

    model: LockedModel
    until: float
    quality: Mapping[str, Any]
    messages: tuple[str, ...]
    agreed: Agreed | None = None
    tails: TailsFound | None = None
