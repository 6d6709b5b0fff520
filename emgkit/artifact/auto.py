"""Choose a method of artifact removal by what the pulses allow."""

from __future__ import annotations

import numpy as np

from emgkit.artifact.base import ArtifactMethod
from emgkit.artifact.blanking import Blanking
from emgkit.artifact.phase_spline import PhaseSpline
from emgkit.artifact.tail_fit import TailFit, could_fit_tails
from emgkit.pulses import Pulses

__all__ = ["blanked_instead", "choose"]

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
        `PhaseSpline` from ten pulses on, else `TailFit`, or `Blanking` where their responses lie on each other.
    why : str
        The reason, one sentence.
    """
    count = len(pulses)
    if count >= ENOUGH_PULSES:
        rate = "" if np.isnan(pulses.rate) else f" at {pulses.rate:.4g} Hz"
        why = f"{count} pulses{rate} are enough to fit artifact, evoked response and interference together."
        return PhaseSpline(), why
    few = f"{count} {'pulse is' if count == 1 else 'pulses are'} too few to fit a response ({ENOUGH_PULSES} are needed)"
    if could_fit_tails(pulses):
        return TailFit(), f"{few}, so the artifact's tail is fitted and what the pulse itself hides is bridged."
    return Blanking(), f"{few} and lie on each other, so the artifact is blanked."


def blanked_instead(reason: str) -> tuple[ArtifactMethod, str]:
    """Fall back on `Blanking` where `TailFit` refused, with the reason that it gave."""
    return Blanking(), f"The artifact is blanked, because its tail cannot be fitted: {reason}"
