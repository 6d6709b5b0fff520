"""The question of `check_setup` about the times of the pulses: whether the recording shows them, and when."""

from __future__ import annotations

import numpy as np

from emgkit.artifact.setup_finding import Finding, worst_of
from emgkit.artifact.setup_look import SetupLook
from emgkit.pulses import Pulses

__all__ = ["timing"]

JITTER, LARGE_JITTER = 100e-6, 1e-3  # s
MISSED = 0.05  # of the pulses
LATE = 0.001  # s between trigger and artifact: the onset itself is right to less
UNSEEN = (
    "Nothing is locked to these pulses: is the stimulator on, and do its electrodes hold? If it is, the times may be "
    "those of another recording or clock: let detect_pulses find the artifacts. Only a sham test must look so."
)


def timing(look: SetupLook) -> Finding:
    """Say whether the recording shows the stimuli, when they come, and how regularly."""
    pulses, step = look.given, look.recording.fs
    words = f"{len(pulses)} pulses from the {pulses.time_source}: {_clock_words(pulses)}"
    if pulses.time_source == "artifact":
        advice = "Record the stimulator's trigger: it also shows pulses whose artifact is small."
        return worst_of(_by_clock(pulses, words + "."), Finding("timing", "good", words + ".", advice))
    places, found = (pulses.onsets - look.recording.start) * step, [_by_clock(pulses, "")]
    if pulses.time_source == "schedule" and (np.abs(places - np.round(places)) < 1e-3).all():
        words += "; times are rounded to samples"
        found.append(Finding("timing", "care", "", "Call refine_pulses: it finds the real times in the artifact."))
    if look.refined is not None:
        said, more = _by_delay(look.refined)
        words, found = words + said, [*found, more]
    elif not look.is_stimulated:
        words += "; no stimulus is seen in any channel"
        found.append(Finding("timing", "bad", "", UNSEEN))
    found += [Finding("timing", "care", "", said) for said in look.twins]
    worst = worst_of(*found)
    return Finding("timing", worst.grade, words + ".", worst.advice)


def _clock_words(pulses: Pulses) -> str:
    clock = pulses.clock
    if clock is None:
        return f"about {1 / float(np.median(pulses.intervals)):.3g} Hz"
    words = f"{clock.rate:.3f} Hz, jitter {1e6 * clock.jitter:.0f} µs"
    return f"{words}, {clock.missing.size} missing, {clock.extra.size} extra"


def _by_clock(pulses: Pulses, seen: str) -> Finding:
    clock = pulses.clock
    wrong = 0 if clock is None else clock.missing.size + clock.extra.size
    if not wrong:
        return Finding("timing", "good", seen)
    advice = (
        "Pulses are missing or too many: check threshold and cable of the trigger, and whether the stimulator skips."
    )
    return Finding("timing", "bad" if wrong > MISSED * len(pulses) else "care", seen, advice)


def _by_delay(refined: Pulses) -> tuple[str, Finding]:
    """Say by how much the artifact comes after the given pulses, and how steadily."""
    if not np.isfinite(refined.delay):
        return "", Finding("timing", "good", "")
    words, jitter = f"; the artifact comes {1e3 * abs(refined.delay):.2f} ms ", refined.delay_jitter
    words += "after them" if refined.delay >= 0 else "before them"
    found = [Finding("timing", "good", "")]
    if abs(refined.delay) > LATE:
        advice = (
            "They are not the leading edges of the stimuli: give the delay (latency= of detect_pulses), or align to "
            "the artifact (refine_pulses)."
        )
        found.append(Finding("timing", "care", "", advice))
    if np.isfinite(jitter):
        words += f", give or take {1e6 * jitter:.0f} µs"
        grade = "good" if jitter <= JITTER else "care" if jitter <= LARGE_JITTER else "bad"
        advice = (
            "The delay jitters: align to the artifact (refine_pulses), or take the trigger from the stimulator itself."
        )
        found.append(Finding("timing", grade, "", "" if grade == "good" else advice))
    return words, worst_of(*found[::-1])
