"""Choose a method of artifact removal by what the pulses allow."""

from __future__ import annotations

import numpy as np

from emgkit.artifact.base import ArtifactMethod
from emgkit.artifact.blanking import Blanking
from emgkit.artifact.phase_spline import PhaseSpline
from emgkit.pulses import Pulses

__all__ = ["choose"]

ENOUGH_PULSES = 10  # below it a locked response cannot be told from what happened to be there


def choose(pulses: Pulses) -> tuple[ArtifactMethod, str]:
    """Choose a method and say why.

    Parameters
    ----------
    pulses : Pulses
        The pulses within it.

    Returns
    -------
    method : ArtifactMethod
        `PhaseSpline` from ten pulses on, else `Blanking`.
    why : str
        The reason, one sentence.
    """
    count = len(pulses)
    if count >= ENOUGH_PULSES:
        rate = "" if np.isnan(pulses.rate) else f" at {pulses.rate:.4g} Hz"
        why = f"{count} pulses{rate} are enough to fit artifact, evoked response and interference together."
        return PhaseSpline(), why
    return (
        Blanking(),
        f"{count} pulses are too few to fit a response ({ENOUGH_PULSES} are needed), so the artifact is blanked.",
    )
