"""Responses without net area, as along the muscle, or with it, as between belly and tendon: weighed by evidence."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.tail_found import Kinds, TailSplit, error_shares, said_of

__all__ = ["averaged", "weighed"]

Array = NDArray[np.float64]

# Probability of responses with net area before they are seen. More of it tells small areas better, and takes more of
# the tails that follow a power of time, which exponentials only resemble, for area where there is none.
TENDON_SHARE = 1e-4
# However sure responses with net area are, those without count so much in the error: both are only close to what
# muscles do, and where they differ by tens of per cent the evidence is not to be believed to the end.
DOUBT = 0.02
INDEPENDENT = 2  # rows; unverified
UNSURE = 0.1  # error of the response over its size, above which a response with net area is no better than the other


def weighed(along: TailSplit, tendon: TailSplit, *, exchange: bool = True) -> Kinds:
    """Weigh responses without and with net area.

    The leads are the same in all rows, so that their evidence adds up; but the rows see one tail, of which the model is
    wrong in all of them alike, so that many count as `INDEPENDENT` ones.

    Parameters
    ----------
    along, tendon : TailSplit
        Of the same rows, by responses without net area and with it.
    exchange : bool
        Whether the mean may be that of responses with net area; else only the error knows of it.
    """
    each = tendon.evidence - along.evidence
    odds = float(each.mean()) * min(each.size, INDEPENDENT) + float(np.log(TENDON_SHARE / (1 - TENDON_SHARE)))
    share = float(np.exp(-np.logaddexp(0.0, -odds)))
    return Kinds(share, np.where((error_shares(tendon) <= UNSURE) & exchange, share, 0.0))


def averaged(along: TailSplit, tendon: TailSplit, kinds: Kinds) -> TailSplit:
    """Average the splits of the same rows by responses without and with net area."""
    share, taken = kinds.share, kinds.taken

    def mean(name: str) -> Array:
        one, other = getattr(along, name), getattr(tendon, name)
        part = taken.reshape(-1, *[1] * (one.ndim - 1))
        return np.asarray((1 - part) * one + part * other)

    def error(name: str, middle: Array) -> Array:
        part = min(share, 1 - DOUBT)
        one, other = (
            getattr(split, f"{name}_error") ** 2 + (getattr(split, name) - middle) ** 2 for split in (along, tendon)
        )
        return np.asarray(np.sqrt((1 - part) * one + part * other))

    evoked, tail, no_tail = mean("evoked"), mean("tail"), mean("no_tail")
    evoked_error = error("evoked", evoked)
    onset = np.where(taken > 0.5, tendon.onset, along.onset)
    high_pass = tendon.high_pass if share > 0.5 else along.high_pass
    said = said_of(onset, no_tail, evoked, evoked_error, high_pass, kinds)
    return replace(
        along,
        artifact=along.artifact + along.evoked - evoked,
        evoked=evoked,
        evoked_error=evoked_error,
        tail=tail,
        tail_error=error("tail", tail),
        onset=onset,
        overlap=np.array([overlap for overlap, _ in said]),
        reason=tuple(reason for _, reason in said),
        high_pass=high_pass,
        no_tail=no_tail,
        weights=mean("weights"),
        tail_weights=mean("tail_weights"),
        clear=mean("clear"),
        kinds=kinds,
    )
