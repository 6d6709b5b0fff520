"""Choose a method of artifact removal by what the pulses allow."""

from __future__ import annotations

import numpy as np

from emgkit.artifact.base import ArtifactMethod
from emgkit.artifact.blanking import Blanking
from emgkit.artifact.moving_template import MovingTemplate
from emgkit.artifact.phase_spline import PhaseSpline
from emgkit.artifact.tail_fit import TailFit, could_fit_tails
from emgkit.pulses import Pulses

__all__ = ["choose", "choose_instead"]

ENOUGH_PULSES = 10  # below it a locked response cannot be told from what happened to be there
ENOUGH_ISOLATED = 15  # the same for pulses far apart
ISOLATED = 0.15  # s between pulses that lie far apart: the response is over for longer than it lasts


def choose(pulses: Pulses) -> tuple[ArtifactMethod, str]:
    """Choose a method and say why.

    Parameters
    ----------
    pulses : Pulses
        The pulses within it.

    Returns
    -------
    method : ArtifactMethod
        `PhaseSpline` from ten pulses on, from fifteen when all lie 0.15 s apart, else `TailFit`, or `Blanking` where
        their responses lie on each other.
    why : str
        The reason, one sentence.

    Notes
    -----
    An average over n pulses takes 1/n of the voluntary EMG along for as long as a response may last, a tail only for
    the first milliseconds. In simulations (4 seeds each, 10 to 14 pulses at 1.5 to 5 Hz) the tail fit left 2 dB more,
    at 10 and 20 Hz as much or less. A schedule may have been rounded to samples, which only `PhaseSpline` can repair.
    """
    count = len(pulses)
    isolated = pulses.time_source != "schedule" and float(pulses.intervals.min(initial=np.inf)) >= ISOLATED
    enough = ENOUGH_ISOLATED if isolated else ENOUGH_PULSES
    if count >= enough:
        return PhaseSpline(), _enough(pulses)
    apart = " that lie far apart" if isolated and count >= ENOUGH_PULSES else ""
    few = f"{count} {'pulse is' if count == 1 else 'pulses are'} too few to fit a response ({enough}{apart} are needed)"
    if could_fit_tails(pulses):
        return TailFit(), f"{few}, so the artifact's tail is fitted and what the pulse itself hides is bridged."
    return Blanking(), f"{few} and lie on each other, so the artifact is blanked."


def choose_instead(pulses: Pulses, refused: ArtifactMethod, reason: str) -> tuple[ArtifactMethod, str]:
    """Choose where `TailFit` or `PhaseSpline` refused, with the reason that it gave."""
    if isinstance(refused, PhaseSpline):
        return MovingTemplate(), f"A moving template is taken away, because phase_spline refused: {reason}"
    if len(pulses) >= ENOUGH_PULSES:
        return PhaseSpline(), f"{_enough(pulses)} The artifact's tail cannot be fitted: {reason}"
    return Blanking(), f"The artifact is blanked, because its tail cannot be fitted: {reason}"


def _enough(pulses: Pulses) -> str:
    rate = "" if np.isnan(pulses.rate) else f" at {pulses.rate:.4g} Hz"
    return f"{len(pulses)} pulses{rate} are enough to fit artifact, evoked response and interference together."
