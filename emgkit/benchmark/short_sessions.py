"""Short recordings with random conditions, on which grades are held against the truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from emgkit.benchmark.case import Case
from emgkit.benchmark.sessions import CURRENT, SUBMAXIMAL, WEAK, drawn, tail_transfer, with_reflex
from emgkit.simulate import Effort, Electrode, PulseShape, Session, Stimulator

__all__ = ["short_case"]

Rng = np.random.Generator

SHORTEST, LONGEST = 6.0, 10.0  # s
TAILED = Electrode(1.0, (0.5e-3, 6e-3), (0.25, 4.0))
PULSE = PulseShape("asymmetrical", width=200e-6, gap=0.0)
RATES = (1.0, 2.0, 5.0, 10.0, 20.0, 25.0, 30.0, 30.0, 30.0, 35.0, 40.0, 50.0, 80.0)  # Hz
SAMPLING = (1000.0, 1925.926, 2000.0, 2000.0, 2148.148, 4000.0)  # Hz

# what may be wrong with a recording: how often, and the fields of the session that it changes
TROUBLES: tuple[tuple[float, dict[str, Any]], ...] = (
    (0.15, {"jitter": 15e-6}),
    (0.10, {"jitter": 100e-6}),
    (0.15, {"modulation": 0.3, "modulation_period": 5.0, "current": 0.100}),
    (0.10, {"gain_noise": 0.01}),
    (0.15, {"high_pass": 20.0, "high_pass_order": 2}),
    (0.08, {"high_pass": None}),
    (0.04, {"high_pass": None, "dc_shift": 5e-3}),
    (0.08, {"transfer": 0.1, "rail": 1.5e-3, "rail_recovery": 0.020}),
    (0.05, {"full_scale": 1.2e-3}),
    (0.06, {"packet_loss": 0.02}),
    (0.06, {"blanking": 2.5e-3}),
    (0.06, {"ecg": 80e-6, "movement": 50e-6}),
    (0.10, {"mains_amplitude": 10e-6}),
    (0.08, {"mains_amplitude": 40e-6}),
    (0.05, {"missing": 0.04, "extra": 0.02}),
)
TIMES = ("exact", "exact", "artifact", "schedule")


def short_case(rng: Rng, *, benign: bool = False) -> Case:
    """Draw a recording of 6 to 10 s with two channels, and the pulse times that a method gets.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of the conditions.
    benign : bool
        An ordinary recording: 15 to 40 Hz or single pulses at 5 Hz, an artifact that is over before the M-wave, usual
        variation, noise of 2 µV, effort between the pulses. Otherwise rate, sampling, effort, noise and tails vary
        widely, and anything in `TROUBLES` may come on top.
    """
    changes = _ordinary(rng) if benign else _troubled(rng)
    times = "exact" if benign else TIMES[rng.integers(len(TIMES))]
    reflex = bool(not benign and rng.uniform() < 0.08)
    two = bool(not benign and rng.uniform() < 0.05)
    times = "exact" if two else times  # a schedule does not say which stimulator fired
    plan = _planned(changes, two=two)
    limited = any(name in changes for name in ("rail", "full_scale", "packet_loss", "blanking"))
    change = with_reflex if reflex and not limited else None
    return Case("short", "A short recording with random conditions.", "voluntary", plan, times=times, change=change)


def _planned(changes: dict[str, Any], *, two: bool) -> Any:
    def plan(rng: Rng) -> Session:
        tail = changes.get("tail", 0.0)
        session = drawn(rng, **{name: value for name, value in changes.items() if name != "tail"})
        if tail:
            current = float(changes.get("current", CURRENT))
            session = session.override(
                "case", {"transfer": tail_transfer(tail * session.m_max, PULSE, TAILED, current)}
            )
        if two:
            first = session.stimulators[0]
            other = Stimulator(rate=17.0, stimulation=first.stimulation, site=1, contact=first.contact)
            session = session.override("case", {"stimulators": (first, other)})
        return session

    return plan


def _ordinary(rng: Rng) -> dict[str, Any]:
    rate = float(rng.choice([5.0, rng.uniform(15, 40), rng.uniform(15, 40), rng.uniform(15, 40)]))
    return {**_span(rng, float(np.exp(rng.uniform(np.log(0.15), np.log(0.6))))), "varied": True, "rate": rate}


def _troubled(rng: Rng) -> dict[str, Any]:
    level = 0.0 if rng.uniform() < 0.08 else float(np.exp(rng.uniform(np.log(0.02), np.log(0.6))))
    changes = {
        **_span(rng, level),
        "varied": bool(rng.uniform() < 0.8),
        "rate": float(RATES[rng.integers(len(RATES))] * rng.uniform(0.97, 1.03)),
        "fs": float(SAMPLING[rng.integers(len(SAMPLING))]),
        "current": float(rng.choice([CURRENT, CURRENT, SUBMAXIMAL, WEAK])),
        "noise": float(np.exp(rng.uniform(np.log(1e-6), np.log(8e-6)))),
        "clock_error": float(rng.uniform(-1000, 1000)),
    }
    if rng.uniform() < 0.4:
        share = float(np.exp(rng.uniform(np.log(0.01), np.log(0.6))))
        changes |= {"pulse": PULSE, "taus": TAILED.taus, "shares": TAILED.shares, "tail": share}
    for chance, trouble in TROUBLES:
        if rng.uniform() < chance:
            changes |= trouble
    if changes.get("high_pass", 10.0) is None:  # a high-pass that is not there has no order
        changes.pop("high_pass_order", None)
    return changes


def _span(rng: Rng, level: float) -> dict[str, Any]:
    """Duration, stimulation and two contractions with rest around them."""
    duration = float(rng.uniform(SHORTEST, LONGEST))
    edges = np.array([0.12, 0.5, 0.65, 0.97]) * duration + rng.uniform(-0.04, 0.02, 4) * duration
    spans = ((float(edges[0]), float(edges[1])), (float(edges[2]), float(edges[3])))
    effort = Effort(effort=level, contractions=spans, efforts=(1.0, 0.7), common_drive=0.05)
    return {"duration": duration, "stimulation": (0.5, duration - 0.2), "efforts_of": (effort,)}
