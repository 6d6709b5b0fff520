"""How well `PhaseSpline` knows its responses, and what is under them that is none of theirs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_basis import DEGREE
from emgkit.artifact.spline_evidence import end_of_artifact, error_of_mean
from emgkit.artifact.spline_locked import Response
from emgkit.artifact.spline_model import LockedModel
from emgkit.artifact.spline_share import TailShare
from emgkit.artifact.spline_tail import TailsFound, share_tails, share_turning
from emgkit.artifact.spline_unfollowed import with_doubts, without_shapes
from emgkit.artifact.spline_units import Later
from emgkit.artifact.tail_course import TailCourse

__all__ = ["Seen", "end_of_model", "told_of"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

EARLIEST_END = 0.001  # s: end of what is left of artifacts where those of both polarities cancel
LATEST = 0.012  # s after the pulse, until which the mean response is looked at
GRID = 25e-6  # s, on which it is
NEAR = 0.003  # s after a pulse, in which its artifact stands


@dataclass(frozen=True, eq=False)
class Seen(FrozenValue):
    """What tells of the responses.

    Parameters
    ----------
    rest : (channels, samples) V, what all fits leave
    known : (channels, samples) bool, samples that were measured
    fs : float
        Hz.
    slow : (channels, samples) V, baseline
    numbers : (channels,) int, numbers of the channels from 0, for the messages
    onsets : (pulses,) s
    ramped : bool
        Whether the size of the artifact changes, and the response with it.
    course : TailCourse or None
        What other channels tell of the artifact's tail.
    """

    rest: Array
    known: Mask
    fs: float
    slow: Array
    numbers: NDArray[np.int64]
    onsets: Array
    ramped: bool = False
    course: TailCourse | None = None


def told_of(made: list[Response], seen: Seen, artifact_end: float | None, has_evoked: Mask) -> TailsFound:
    """Say how well the responses are known, and take tails from under them.

    Parameters
    ----------
    made : list of Response
        As fitted.
    seen : Seen
    artifact_end : float or None
        s after the pulse; None where it was given, so that no tail is looked for.
    has_evoked : ndarray of bool, shape (channels,)
        Channels with a response.
    """
    rest, fs = without_shapes(made, seen.rest, seen.fs), seen.fs
    made = with_doubts(made, rest, seen.known, has_evoked, fs)
    if made[0].later is not None:
        return _said_of_groups(made, made[0].later, has_evoked)
    if artifact_end is None:
        return TailsFound(made)
    same, place = [one.standing for one in made], (rest, seen.known, fs)
    told = share_tails(
        same,
        *place,
        artifact_end,
        has_evoked,
        baseline=seen.slow,
        ramped=seen.ramped,
        numbers=seen.numbers,
        course=seen.course,
    )
    shared = [replace(one, share=other.share) for one, other in zip(made, told.responses, strict=True)]
    for number, one in enumerate(shared):
        if one.upright is not None:
            turned = share_turning(one.turning, *place, has_evoked, seen.onsets, seen.slow)
            shared[number] = replace(one, turned=turned)
    return replace(told, responses=shared)


def end_of_model(
    model: LockedModel, flat: Array, onsets: Array, before: float, until: float, polarity: Array | None
) -> float:
    """Time after the pulse at which the artifact of the first stimulator is over, s, see `end_of_artifact`.

    Parameters
    ----------
    model : LockedModel
        As fitted.
    flat : ndarray, shape (channels, samples)
        Signal without slow drift, V.
    onsets : ndarray, shape (pulses,)
        s.
    before, until : float
        Support of the response about the pulse, s.
    polarity : ndarray, shape (pulses,), or None
        1 or −1 where the pulses turn over.
    """
    later = model.responses[0].later
    until = until if later is None else float(later.lags[0]) - before  # the next artifact begins
    times = np.arange(-before, min(LATEST, until - GRID), GRID)
    noise = error_of_mean(flat, model.fs, onsets, float(times[-1]) / 2, polarity)
    end = end_of_artifact(times, model.mean_response(times), noise, model.fs)
    end = end if later is None else min(end, until)
    if polarity is None:
        return end
    same = replace(model, responses=[one.standing for one in model.responses]).mean_response(times)
    return min(end, max(end_of_artifact(times, same, noise, model.fs), EARLIEST_END))


def _said_of_groups(responses: list[Response], later: Later, has_evoked: Mask) -> TailsFound:
    """Say that the responses to the pulses of a group lie on each other; of tails nothing can be told under them."""
    lags = ", ".join(f"{lag * 1e3:.3g}" for lag in later.lags)
    message = (
        f"The pulses come in groups of {later.lags.size + 1} (later ones {lags} ms after the first) and were fitted as "
        "groups: artifact and response overlap, and the responses to single pulses of a group cannot be told apart; "
        "the evoked part is the response to the whole group."
    )
    shared = [
        replace(one, share=[_untold(one, later, channel) if has else None for channel, has in enumerate(has_evoked)])
        for one in responses
    ]
    return TailsFound(shared, {"overlap": has_evoked.astype(float)}, (message,))


def _untold(response: Response, later: Later, channel: int) -> TailShare:
    """Share by time, with an error as large as the response to the group is beside its artifacts, V."""
    times = np.arange(response.knots[0], response.knots[-1], GRID)
    wave = BSpline(response.knots, response.coefficients(channel).mean(axis=0), DEGREE)(times)
    since = times - np.concatenate([[0.0], later.lags])[:, np.newaxis]
    clear = ~((since > response.knots[0]) & (since < NEAR)).any(axis=0)
    size = float(np.std(wave[clear])) if clear.any() else float(np.std(wave))
    return TailShare(None, times[[0, -1]], np.full(2, size))
