"""Late responses that land on the next pulse: what is off the level after its artifact need be no tail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_tail_view import SHORTEST, SPOILED, SURE, View
from emgkit.artifact.tail_sweeps import power_beside_slow

__all__ = ["runs_on"]

Indices = NDArray[np.int64]

SOON = 0.04  # s after the support of a response, in which a late one is over
CUBIC = 3  # degree of the polynomial that an amplifier's slow recovery is close to
SWINGS = 0.05  # of the response's RMS: what swings more is a late response


def runs_on(view: View, rows: Indices) -> bool:
    """Tell whether responses of a train run on under the next pulse, by what follows its last one.

    Parameters
    ----------
    view : View
        The response.
    rows : ndarray of int
        Channels that are asked about.

    Returns
    -------
    bool
        Whether any of them still swings, as no tail does. What is off the level after an artifact may be the end of the
        response before, then, and nothing tells how much of it is a tail. False where responses lie on each other.
    """
    since, left, noise = view.after_trains()
    if not since.size or (view.interval or 1.0) < SHORTEST:
        return False
    soon = since < since[0] + SOON
    power = power_beside_slow(since[soon] - since[0], left[:, soon], CUBIC)
    size = np.var(view.waves(np.arange(len(left)))[:, view.times > SPOILED], axis=1)
    return bool((power > np.maximum(SWINGS**2 * size, SURE**2 * noise))[rows].any())
