"""What may be cut from what: pulses, windows and parts that do not fit are refused."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import EmgkitWarning, EvokedLostError, NoPulsesError, ParameterError, PartError, TimingError
from emgkit.pulses import Pulses
from emgkit.recording import Recording

__all__ = ["check_intervals", "check_lost", "check_no_m_waves", "check_pulses", "next_pulse"]

M_WAVE_END = 0.020  # s: until then M-waves of the thigh last at least


def check_pulses(recording: Recording, pulses: Pulses) -> None:
    """Refuse when there are no pulses, or some lie outside the recording."""
    if not len(pulses):
        raise NoPulsesError("There are no pulses, so there are no M-waves to cut: detect pulses first.")
    outside = (pulses.onsets < recording.start) | (pulses.onsets >= recording.stop)
    if outside.any():
        raise TimingError(
            f"{int(outside.sum())} of {len(pulses)} pulses lie outside the recording ({recording.start:g} ... "
            f"{recording.stop:g} s), the first at {pulses.onsets[outside][0]:g} s: are the times in s since the file's "
            f"first sample? Use pulses.crop(start, stop)."
        )


def lost_until(separation: dict[str, Any]) -> float:
    """Read until when evoked activity may be lost, s."""
    return float(separation.get("evoked_lost_until", -np.inf))  # "inf" and "-inf" are kept as text


def strictest_separation(recording: Recording) -> dict[str, Any]:
    """Parameters of the removal that may have lost most; empty if there was none."""
    steps = [dict(step.parameters) for step in recording.history if step.name == "separate"]
    return max(steps, key=lost_until, default={})


def check_lost(recording: Recording, start: float) -> None:
    """Refuse windows that start before the removal method keeps evoked activity."""
    separation = strictest_separation(recording)
    until = lost_until(separation)
    if until == np.inf:
        raise EvokedLostError(
            f"The part {separation.get('part')!r} holds no M-waves: cut them from the part 'clean' (or 'evoked')."
        )
    if start < until - 1e-9:
        raise EvokedLostError(
            f"The window starts {start * 1e3:.4g} ms after the pulse, but {separation.get('method')} may have removed "
            f"evoked activity until {until * 1e3:.4g} ms: start the window at {until:.4g} s or later, or use another "
            f"method."
        )


def next_pulse(pulses: Pulses) -> NDArray[np.float64]:
    """Time from each pulse to the next, s, infinite for the last."""
    return np.append(pulses.intervals, np.inf)


def check_intervals(pulses: Pulses, start: float, stop: float) -> None:
    """Refuse windows that are usually longer than the interval between pulses."""
    within = pulses.intervals[np.diff(pulses.train) == 0]
    usual = float(np.median(within)) if within.size else np.inf
    if stop > usual + 1e-9:
        raise ParameterError(
            f"The window {start * 1e3:.4g} ... {stop * 1e3:.4g} ms reaches beyond the next pulse: the interval between "
            f"pulses is {usual * 1e3:.4g} ms. Stop the window at {usual:.4g} s or earlier."
        )


def check_no_m_waves(recording: Recording) -> None:
    """Refuse parts that still hold M-waves, or that are no voluntary EMG."""
    separation = strictest_separation(recording)
    part, until = separation.get("part", "voluntary"), lost_until(separation)
    if part == "voluntary":
        return
    if part != "clean" or until < M_WAVE_END:
        raise PartError(
            f"The part {part!r} {'still holds the M-waves' if part == 'clean' else 'is no voluntary EMG'}: cut windows "
            f"of effort from the part 'voluntary', or blank until the M-wave has ended (at least {M_WAVE_END:g} s)."
        )
    warnings.warn(
        f"Windows are cut from the part 'clean', blanked until {until * 1e3:.4g} ms after the pulses: what is left of "
        f"the M-wave after that is measured as voluntary EMG.",
        EmgkitWarning,
        stacklevel=3,
    )
