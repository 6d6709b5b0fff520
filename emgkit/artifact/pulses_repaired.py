"""Given pulses that were rounded to samples, or come after or before their artifacts: the real times."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.auto import ENOUGH_PULSES
from emgkit.artifact.base import ArtifactMethod, living_channels
from emgkit.artifact.last_answer import LastAnswer
from emgkit.detect.late import lateness
from emgkit.detect.refine_pulses import refine_pulses
from emgkit.detect.rounding import unrounded
from emgkit.errors import EmgkitError
from emgkit.pulses import Pulses
from emgkit.recording import Recording

__all__ = ["LOOKED_AT", "repaired"]

Array = NDArray[np.float64]

ON_SAMPLE = 1e-6  # samples
LOOKED_AT = 8  # channels, in which polarity and lateness are looked for

_last: LastAnswer[float] = LastAnswer()


def repaired(recording: Recording, pulses: Pulses, method: ArtifactMethod) -> tuple[Pulses, str]:
    """Find the real times of a schedule that was rounded to samples, and of pulses that come beside their artifacts.

    For a method that works between samples. `refine_pulses` knows no labels: those of several stimulators are moved to
    the clocks that they were rounded from, and by as much as they are late or early, without it. Like all that looks
    for pulses, it looks at a few channels.

    Returns
    -------
    pulses : Pulses
    said : str
        What was done, or that the pulses may be late or early.
    """
    places = pulses.onsets * recording.fs
    rounded = pulses.time_source == "schedule" and bool((np.abs(places - np.round(places)) < ON_SAMPLE).all())
    moves = method.name == "phase_spline" and len(pulses) >= ENOUGH_PULSES
    if np.unique(pulses.stimulator).size > 1:
        return _of_several(recording, pulses, rounded=rounded, moves=moves)
    late = _lateness(recording, pulses.onsets, far=True)
    said = _may_be_off(late) if late else ""
    if not moves or not (rounded or late):
        return pulses, said
    found: Pulses | None
    try:
        found = refine_pulses(recording, pulses)
    except EmgkitError:
        found = None
    if found is None or not _is_inside(recording, found):
        return pulses, said
    if late:
        off = float(np.median(pulses.onsets - found.onsets)) if len(found) == len(pulses) else late
        return found, f" The pulses came {_beside(off)} their artifacts, which gave the real times."
    ppm = "" if found.clock is None or np.isnan(found.clock.ppm) else f", a clock off by {found.clock.ppm:+.0f} ppm"
    return found, f" The scheduled times were rounded to samples; the artifact gave the real ones{ppm}."


def _lateness(recording: Recording, onsets: Array, *, far: bool) -> float:
    def look() -> float:
        looked = recording.signal[living_channels(recording.signal)[:LOOKED_AT]]
        return lateness(looked, recording.fs, onsets - recording.start, far=far)

    return _last.of(recording.signal, (recording.fs, recording.start, onsets.tobytes(), far), look)


def _of_several(recording: Recording, pulses: Pulses, *, rounded: bool, moves: bool) -> tuple[Pulses, str]:
    """Move the pulses of every stimulator to the clock that they were rounded from, and to their artifacts."""
    times, said, lates = pulses.onsets.copy(), [], []
    for number in np.unique(pulses.stimulator):
        own = pulses.stimulator == number
        if rounded:
            times[own] = unrounded(times[own], pulses.train[own], 1 / recording.fs)[0]
        late = _lateness(recording, times[own], far=False)  # by so much they are moved, without their trains' ends
        lates.append(late)
        said += [f" The pulses of stimulator {number} came {_beside(late)} their artifacts."] if late else []
    if rounded and not np.array_equal(times, pulses.onsets):
        said.append(" The scheduled times were rounded to samples; the clocks of the stimulators gave the real ones.")
    times -= np.array(lates)[np.unique(pulses.stimulator, return_inverse=True)[1]]
    order = np.argsort(times)
    if said and moves and (np.diff(times[order]) > 0).all():
        moved = replace(pulses.select(order), onsets=times[order])
        if _is_inside(recording, moved):
            return moved, "".join(said)
    return pulses, _may_be_off(max(lates, key=abs)) if any(lates) else ""


def _beside(late: float) -> str:
    return f"{round(abs(late) * 1e3, 1):.2g} ms {'after' if late > 0 else 'before'}"


def _may_be_off(late: float) -> str:
    about, word = _beside(-late), "late" if late > 0 else "early"
    return f" What is sharpest comes {about} the pulses: they may be {word} (refine_pulses)."


def _is_inside(recording: Recording, pulses: Pulses) -> bool:
    return bool(((pulses.onsets >= recording.start) & (pulses.onsets < recording.stop)).all())
