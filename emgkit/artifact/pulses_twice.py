"""Pulses that a list holds twice: two times of one stimulator, closer than any gives two stimuli."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emgkit.pulses import Pulses, find_trains

__all__ = ["CLOSEST", "without_twins"]

CLOSEST = 150e-6  # s between two pulses of one stimulator: one pulse lasts 0.1 to 1 ms itself


def without_twins(pulses: Pulses) -> tuple[Pulses, tuple[str, ...]]:
    """Leave out pulses that come within 0.15 ms of the one before of their stimulator: they are the same one.

    No regression tells two responses apart that begin together, and where all pulses are held twice, intervals, rate
    and trains are none of the stimulator's.

    Parameters
    ----------
    pulses : Pulses

    Returns
    -------
    Pulses, tuple of str
        The first of each, and what was done; the very same pulses and nothing where all lie apart.
    """
    if len(pulses) < 2 or float(pulses.intervals.min()) >= CLOSEST:
        return pulses, ()
    twin = np.zeros(len(pulses), dtype=bool)
    for number in np.unique(pulses.stimulator):
        rows = np.flatnonzero(pulses.stimulator == number)
        twin[rows[1:]] = np.diff(pulses.onsets[rows]) < CLOSEST
    if not twin.any():
        return pulses, ()
    kept = pulses.select(~twin)
    if np.array_equal(pulses.train, find_trains(pulses.onsets)):
        kept = replace(kept, train=find_trains(kept.onsets))
    return kept, (
        f"{int(twin.sum())} of {len(pulses)} pulses come within {1e3 * CLOSEST:.2g} ms of the one before, closer than "
        "a stimulator gives them, and count as one with it: does the list hold them twice? Pulses of two stimulators "
        "need labels, Pulses(..., stimulator=...).",
    )
