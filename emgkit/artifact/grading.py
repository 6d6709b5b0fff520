"""Grades of a separation for each use, from evidence that needs no truth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from emgkit.artifact.m_wave_evidence import MWaveEvidence
from emgkit.artifact.voluntary_evidence import VoluntaryEvidence
from emgkit.grades import GRADES, USES, Grade

__all__ = ["graded"]

# The constants were chosen on simulated recordings (seeds 0 to 160 ordinary, 1000 to 1130 difficult) and are held to
# the truth on others, see tests/benchmark/test_grades.py
SAFE = 0.7  # of the limit, up to which an expected error counts as good
CARE = 4.0  # times the limit, up to which it is "with care"
SLOW = 0.01  # share of the power below 15 Hz that EMG has itself
HELD = 3.0  # standard errors, from which too little power after the pulses is a loss
FREQUENCY = 0.5  # relative shift of the median frequency per share of foreign power
FEW_EFFECTIVE, TOO_FEW_EFFECTIVE = 10.0, 3.0
LOST, MOSTLY_LOST = 0.02, 0.3
DIVIDED = 1.25  # error of an amplitude per what dividing by the gain of a projection adds to it: what was left of the
# responses fills what was taken of the EMG (6 to 11 % too large at a gain of 0.9, 16 to 31 at 0.83)
NOISE_SIZE, NOISE_SPECTRUM = 2.5, 1.5  # error per standard error of a sample over Vpp
HEAD_SIZE, HEAD_SPECTRUM = 0.35, 0.6  # error per distance of the first samples from the level before, over Vpp
TOLD_SPECTRUM = 0.7  # error per stated error over the RMS of the M-wave, as over tails (RMS of 69 channels)
CUT = 0.2  # distance of the last samples, over Vpp, from which a response is cut
SEEN = 10.0  # standard errors that an M-wave must have
FEW_AVERAGED = 3  # pulses in a fifth
ALARMING = "its mean frequency lies far above its median, as artifact or noise that is left makes it."
OVERLAPPING = "artifact and response overlap, as the method says itself."
ELSEWHERE = "nothing is locked to the pulses given, and artifacts are elsewhere: they are left."
KEPT = "M-waves stay in it, and no phases are without them, so that nothing tells how much of it they are."
BLAMES = {
    "early": "artifact is left in the first 3 ms after the pulses",
    "response": "the response varies from pulse to pulse in a way that is left",
    "misses": "single pulses were not taken away",
    "lines": "mains is left",
    "noise": "noise is not small beside the EMG",
    "slow": "movement or heart is in it",
    "left": "artifacts that belong to no pulse given are left",
    "held": "power is missing right after the pulses",
}


def graded(
    voluntary: VoluntaryEvidence,
    m_wave: MWaveEvidence | None,
    effective: float,
    evidence: float,
    *,
    keeps: bool,
    alarm: bool = False,
    overlap: bool = False,
    followed: float = 0.0,
    gain: float = 1.0,
    left: float = 0.0,
    elsewhere: bool = False,
    clipped: str = "",
) -> dict[str, Grade]:
    """Grade one channel for every use.

    Parameters
    ----------
    voluntary : VoluntaryEvidence
        Of the voluntary part.
    m_wave : MWaveEvidence or None
        Of the evoked part; None where the method keeps none.
    effective : float
        Pulses that the method effectively averages; infinite where it averages none.
    evidence : float
        z score of the response; NaN where the method states none.
    keeps : bool
        Whether the part that is graded as voluntary still holds the M-waves.
    alarm : bool
        Whether the mean frequency of the voluntary part lies far above its median.
    overlap : bool
        Whether the method says that artifact and response overlap and it cannot tell them apart well.
    followed : float
        Share of the voluntary EMG's power that goes with responses which are followed from pulse to pulse.
    gain : float
        Of the method on clean EMG, as it states it.
    left : float
        Share of the power of all samples that artifacts have which belong to no pulse.
    elsewhere : bool
        Whether nothing is locked to the pulses given and artifacts are elsewhere.
    clipped : str
        Why the M-wave's peak is not there whole; empty where it is.
    """
    if elsewhere:
        return {use: Grade(use, "reject", ELSEWHERE, float("inf")) for use in USES}
    grades = {**_m_wave(m_wave, evidence), **_voluntary(voluntary, effective, (followed, gain), left, keeps=keeps)}
    doubts = {"voluntary_spectrum": ALARMING} if alarm else {}
    if overlap:
        doubts |= dict.fromkeys(("m_wave_size", "m_wave_spectrum"), OVERLAPPING)
    for use, reason in doubts.items():
        if grades[use].grade == "good":
            grades[use] = Grade(use, "with care", reason, grades[use].error)
    for use in ("m_wave_size", "m_wave_spectrum") if clipped and m_wave is not None else ():
        rejected = grades[use].grade == "reject"
        grades[use] = Grade(use, "reject" if rejected else "with care", clipped, float("inf" if rejected else "nan"))
    return grades


def _grade(use: str, error: float, reason: str, cap: str = "good") -> Grade:
    limit = USES[use].limit
    by_error = 0 if error <= SAFE * limit else 1 if error <= CARE * limit else 2
    return Grade(use, GRADES[max(by_error, GRADES.index(cap))], reason, float(error))


def _shares(seen: VoluntaryEvidence, left: float) -> dict[str, float]:
    """Foreign shares of the power."""
    held = -seen.early if seen.early < -HELD * seen.chance else 0.0
    return {
        "early": max(seen.early, 0.0),
        "response": max(seen.response, 0.0),
        "misses": seen.misses,
        "left": left,
        "lines": seen.lines,
        "noise": seen.noise,
        "slow": max(seen.slow - SLOW, 0.0),
        "held": held,
    }


def _voluntary(
    seen: VoluntaryEvidence, effective: float, taken: tuple[float, float], left: float, *, keeps: bool
) -> dict[str, Grade]:
    uses = ("voluntary_amplitude", "voluntary_spectrum")
    if not np.isfinite(seen.power) or seen.power == 0:
        return {use: Grade(use, "reject", "nothing is left to measure.", float("inf")) for use in uses}
    if keeps and not seen.compared:
        return {use: Grade(use, "reject", KEPT, float("inf")) for use in uses}
    shares = _shares(seen, left)
    foreign = sum(shares.values())
    followed, gain = taken
    kept = max((1 - 1 / max(effective, 1.0)) * (1 - followed), 0.0)  # of the power, alike at all frequencies
    chosen = max(kept - gain**2, 0.0)  # what goes beyond that goes in some directions only, which colours the rest
    loss = max(1 - float(np.sqrt(kept)), DIVIDED * (float(np.sqrt(kept / max(kept - chosen, 1e-3))) - 1))
    amplitude = max(0.5 * foreign / max(1 - foreign, 1e-3) + 0.25 * seen.chance, loss)
    spectrum = max(FREQUENCY * (foreign + 0.5 * seen.chance), 0.5 * (1 - float(np.sqrt(kept))) + FREQUENCY * chosen)
    cap, why = _cap(seen, effective)
    grades = {}
    for use, error in zip(uses, (amplitude, spectrum), strict=True):
        plain = _grade(use, error, "")
        capped = GRADES.index(cap) > GRADES.index(plain.grade)
        reason = why if capped else _blame(shares, seen.chance, loss, keeps=keeps)
        grades[use] = _grade(use, error, f"{reason}; the error is about {_percent(error)}.", cap)
    return grades


def _cap(seen: VoluntaryEvidence, effective: float) -> tuple[str, str]:
    """Say what forbids the best grades whatever the expected error is."""
    if seen.lost > MOSTLY_LOST:
        return "reject", f"{_percent(seen.lost)} of the samples are lost"
    if effective < TOO_FEW_EFFECTIVE:
        return "reject", f"only {effective:.1f} pulses are effectively averaged, so that EMG itself is taken away"
    if effective < FEW_EFFECTIVE:
        return "with care", f"only {effective:.1f} pulses are effectively averaged, so that EMG itself is taken away"
    if not seen.compared:
        return "with care", "responses fill the intervals, so that nothing tells what is left of them"
    if seen.lost > LOST:
        return "with care", f"{_percent(seen.lost)} of the samples are lost"
    return "good", ""


def _blame(shares: Mapping[str, float], chance: float, loss: float, *, keeps: bool) -> str:
    foreign = sum(shares.values())
    if 0.5 * foreign < loss and loss > 0.01:
        return "what is averaged over few pulses, or fitted to single pulses or to effort, takes some EMG away"
    if chance > foreign:
        return f"foreign power is {_percent(foreign)}, within chance ({_percent(chance)})"
    worst = max(shares, key=lambda name: shares[name])
    text = "M-waves stay in it" if keeps and worst in ("response", "early") and foreign > 0.2 else BLAMES[worst]
    if foreign < 0.1:
        return f"foreign power is {_percent(foreign)} in all, most of it because {text}"
    return f"{text} ({_percent(shares[worst])} of the power)"


def _m_wave(seen: MWaveEvidence | None, evidence: float) -> dict[str, Grade]:
    uses = ("m_wave_size", "m_wave_spectrum")
    if seen is None:
        reason = "this method does not keep the M-wave."
        return {use: Grade(use, "reject", reason, float("inf")) for use in uses}
    if not seen.whole or not np.isfinite(seen.noise):
        reason = _missing(seen)
        return {use: Grade(use, "reject", reason, float("inf")) for use in uses}
    if seen.noise > 1 / SEEN or evidence < SEEN / 2:
        return {use: Grade(use, "reject", "no M-wave stands out of the noise.", float("inf")) for use in uses}
    return {use: _of_size(use, seen) for use in uses}


def _missing(seen: MWaveEvidence) -> str:
    if seen.length < 3:
        return "the next pulse comes before the M-wave is over."
    return "samples under the M-wave are lost." if seen.pulses else "no response lies within the recording."


def _of_size(use: str, seen: MWaveEvidence) -> Grade:
    of_size = use == "m_wave_size"
    by_noise, by_head = (NOISE_SIZE, HEAD_SIZE) if of_size else (NOISE_SPECTRUM, HEAD_SPECTRUM)
    noise, head = by_noise * seen.noise, by_head * seen.head
    told = seen.told if of_size else TOLD_SPECTRUM * seen.told_rms
    error = float(np.sqrt(noise**2 + head**2 + seen.mixed**2 + told**2))
    cap = "good"
    reason = f"voluntary EMG and noise remain in the mean of {seen.pulses} pulses"
    if told > max(noise, head, seen.mixed):
        known = seen.told if of_size else seen.told_rms
        reason = f"the method tells artifact and M-wave apart to {_percent(known)} of the M-wave's size"
    elif seen.mixed > max(noise, head):
        reason = (
            f"what was taken for artifact holds {_percent(seen.mixed)} of the response, as it is or turned over: they "
            "were mistaken for each other"
        )
    elif head > noise:
        reason = (
            f"artifact and M-wave overlap: it starts {_percent(seen.head)} of its size from the level before the pulse"
        )
    if seen.end > CUT:
        cap, reason = "with care", "the response is cut by the end of the window"
    elif seen.pulses < FEW_AVERAGED:
        cap, reason = "with care", f"only {seen.pulses} pulses are averaged"
    return _grade(use, error, f"{reason}; the error is about {_percent(error)}.", cap)


def _percent(share: float) -> str:
    return f"{100 * share:.2g} %" if share < 1 else "100 % or more"
