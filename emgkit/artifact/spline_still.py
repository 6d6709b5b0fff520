"""Movement below the band of EMG beside fast pulses, taken away before their responses are fitted for the last time.

It would pass for the power of EMG that hides how responses change, and courses of responses would follow it as far as
it is as slow as they are. Nothing that is locked to pulses within 20 ms of each other is so slow itself.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from emgkit.artifact.line_courses import Lines
from emgkit.artifact.movement import Movement, find_movement
from emgkit.artifact.spline_found import Agreed
from emgkit.artifact.spline_turns import Turns

__all__ = ["without_movement"]


def without_movement(turns: Turns, agreed: Agreed, lines: Lines) -> tuple[Turns, Lines, Movement | None]:
    """Give the signals without movement, the lines beside it, and the movement; the same and None where there is none.

    Parameters
    ----------
    turns : Turns
        The signals.
    agreed : Agreed
        What was fitted; it is fitted once more.
    lines : Lines
        As fitted beside it.
    """
    fitter, place = agreed.fitters[0], (agreed.mains, agreed.orders)
    if len(agreed.fitters) > 1 or not fitter.is_fast:
        return turns, lines, None
    rest, (design, _) = turns.rest([fitter], *place, lines), fitter.designs
    number = np.maximum(np.bincount(design.pulse, minlength=design.pulses), 1)
    for row, wave in zip(rest, fitter.render(len(rest)), strict=True):  # courses follow what is as slow as they are
        level = np.bincount(design.pulse, wave[design.samples], minlength=design.pulses) / number
        row[design.samples] += (level - level.mean())[design.pulse]
    movement = find_movement(rest, turns.known, turns.fs)
    if not movement.there.any():
        return turns, lines, None
    still = np.where(turns.known, movement.taken_from(turns.signal, turns.fs), 0.0)
    turns = replace(turns, signal=still)
    fitter.forget()
    return turns, turns.fit([fitter], *place, shifts=False), movement
