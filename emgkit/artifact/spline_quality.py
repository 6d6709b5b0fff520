"""Numbers that tell how well `PhaseSpline` knows what it took apart."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import DEGREE, places_of
from emgkit.artifact.spline_locked import Response
from emgkit.artifact.spline_model import LockedModel
from emgkit.artifact.spline_piece import SPIKE
from emgkit.artifact.spline_response import ResponseFitter

__all__ = ["effective_pulses", "quality_of"]

Array = NDArray[np.float64]


def quality_of(model: LockedModel, fitters: list[ResponseFitter], response: Array) -> dict[str, Any]:
    """Give the numbers.

    Parameters
    ----------
    model : LockedModel
        As fitted.
    fitters : list of ResponseFitter
        One per stimulator; empty when nothing is locked to the pulses.
    response : ndarray, shape (channels,)
        Evidence of an evoked response, a z score.

    Returns
    -------
    dict
        ``artifact_end`` and ``jitter`` s, ``effective_pulses``, ``snr_ceiling`` dB, ``gain_on_clean`` (ratio),
        ``response_evidence`` (z score), ``artifact_gain_spread`` (relative SD), ``followed_loss`` (share
        of the voluntary EMG's power that goes with what is followed from pulse to pulse, or may go with a response
        that changes with effort), ``random_shapes``,
        ``mains_frequency`` Hz, ``mains_lines``.
    """
    channels = model.shape[0]
    effective = np.array([effective_pulses(fitters, channel) for channel in range(channels)])
    changes = [one.changes for one in fitters if one.changes is not None]
    fewest = float(effective.min()) if fitters else 0.0
    return {
        "artifact_end": model.artifact_end,
        "effective_pulses": fewest,
        "snr_ceiling": 10 * np.log10(np.maximum(effective, 1e-9)) if fitters else np.full(channels, np.inf),
        "gain_on_clean": np.sqrt(np.clip(1 - 1 / np.maximum(effective, 1.0), 0.0, 1.0)) if fitters else 1.0,
        "response_evidence": response,
        "jitter": max((one.jitter for one in changes), default=0.0),
        "artifact_gain_spread": max((one.gain_spread for one in changes), default=0.0),
        "followed_loss": np.max([_losses(one) for one in model.responses], axis=0, initial=0.0),
        "random_shapes": float(
            max((0 if one is None else len(one.shapes) for r in model.responses for one in r.shapes), default=0)
        ),
        "mains_frequency": model.mains.frequency,
        "mains_lines": float(len(model.orders)),
    }


def _losses(response: Response) -> Array:
    shapes = np.array([0.0 if one is None else one.loss for one in response.shapes])
    effort = response.with_effort or [None] * shapes.size
    return 1 - (1 - shapes) * (1 - np.array([0.0 if one is None else one.share for one in effort]))


def _seen(fitter: ResponseFitter) -> NDArray[np.bool_]:
    """Splines that all pulses see: where a support is longer than the usual interval, others are as much shorter."""
    usual, ends = fitter.interval + float(fitter.knots[0]), fitter.knots[DEGREE + 1 :]
    longer = float(ends[-1]) - usual if fitter.periodic else 0.0
    return np.asarray((ends <= usual - longer) | (longer < 1e-9))


def effective_pulses(fitters: list[ResponseFitter], channel: int) -> float:
    """Pulses effectively averaged: power of the voluntary EMG over that of the error it leaves in the response."""
    ratios = []
    for fitter in fitters:
        if fitter.response is None or fitter.weights is None:
            continue
        place = places_of(fitter.knots)
        error = fitter.response.variances(channel)[:, (place > SPIKE) & _seen(fitter)]
        power = 1 / fitter.weights[channel]
        if error.shape[1]:
            ratios.append(float(power.mean() / max(float(error.mean()), 1e-300)))
    return min(ratios, default=float("inf"))
