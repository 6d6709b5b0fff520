"""Cases whose target is voluntary EMG: artifact, evoked response and interference are to be removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from emgkit.benchmark.case import Case, Goal, at_least, at_most
from emgkit.benchmark.sessions import (
    FATIGUE,
    NO_FATIGUE,
    SPAN,
    SUBMAXIMAL,
    WEAK,
    drawn,
    intervals_between,
    with_variation,
    with_voluntary_level,
)
from emgkit.simulate import Session, Simulation, Stimulator

__all__ = ["BESIDE", "MARKED", "VOLUNTARY_CASES", "plan_of", "snr_goals", "voluntary"]

Rng = np.random.Generator
Plan = Callable[[Rng], Session]

RAMPS = {"modulation": 0.3, "modulation_period": 7.0, "current": 0.100}  # the lowest current still reaches all
NEAR = at_most("behind_reference", 1.0)
BESIDE = at_most("behind_reference", 2.0)
MARKED = at_least("marked", 90.0)  # "marked" in the bars; the share is ours
AT_BOUND = at_most("behind_bound", 1.0)


def plan_of(**changes: Any) -> Plan:
    """Make a plan that draws the usual session with some fields changed."""
    return lambda rng: drawn(rng, **changes)


def voluntary(name: str, what: str, *goals: Goal, plan: Plan | None = None, **more: Any) -> Case:
    """Make a case whose target is voluntary EMG."""
    return Case(name, what, "voluntary", plan or plan_of(), goals=goals, **more)


def snr_goals(value: float, early: float | None = None) -> tuple[Goal, ...]:
    """Ask for an output SNR, dB, and for one within 1 to 3 ms after the pulse."""
    asked = (at_least("snr_usable", value),)
    return asked if early is None else (*asked, at_least("snr_1_3", early))


def _variable(rng: Rng) -> Session:
    return drawn(rng, intervals=intervals_between(rng, 0.020, 0.055))


def _two(rng: Rng) -> Session:
    first = drawn(rng)
    other = Stimulator(
        rate=20.0,
        current=first.stimulators[0].current,
        stimulation=SPAN,
        jitter=0.0,
        clock_error=float(rng.uniform(-100, 100)),
        site=1,
        contact=first.stimulators[0].contact,
    )
    return first.override("case", {"stimulators": (first.stimulators[0], other)})


def _weak(simulation: Simulation) -> Simulation:
    return with_variation(with_voluntary_level(simulation, 15e-6), 0.004)


def _tier(spread: float) -> Callable[[Simulation], Simulation]:
    return lambda simulation: with_variation(simulation, spread)


_PERIODIC = (
    voluntary("periodic_exact", "Strictly periodic 30 Hz, times exact.", *snr_goals(19.0)),
    voluntary("periodic_estimated", "The same, times found in the artifact.", *snr_goals(17.0), times="artifact"),
    voluntary(
        "periodic_trigger", "The same, times from a trigger sampled at 10 kHz.", *snr_goals(17.0), times="trigger"
    ),
    voluntary(
        "jitter15_exact",
        "Pulses jitter by 15 µs, a tail under the M-wave, times exact.",
        *snr_goals(18.0, 8.0),
        plan=plan_of(tailed=True, jitter=15e-6),
    ),
    voluntary(
        "jitter15_estimated",
        "Pulses jitter by 15 µs, a tail under the M-wave, times found in the artifact.",
        *snr_goals(15.0, 3.0),
        plan=plan_of(tailed=True, jitter=15e-6),
        times="artifact",
    ),
    voluntary(
        "ramps30_fatigue",
        "Artifact swings by ± 30 %, with a tail under the M-wave, which fatigues.",
        *snr_goals(15.0),
        plan=plan_of(**RAMPS, tailed=True, fatigue=FATIGUE),
    ),
    voluntary(
        "jitter100_exact",
        "Ramps, fatigue and 100 µs of jitter, times exact.",
        *snr_goals(14.0),
        plan=plan_of(**RAMPS, fatigue=FATIGUE, jitter=100e-6),
    ),
    voluntary(
        "jitter100_estimated",
        "Ramps, fatigue and 100 µs of jitter, times found in the artifact.",
        *snr_goals(12.0),
        plan=plan_of(**RAMPS, fatigue=FATIGUE, jitter=100e-6),
        times="artifact",
    ),
)

_DIFFICULT = (
    voluntary(
        "clipping_first_stage",
        "The first stage clips 4 % of the samples before the high-pass and recovers with 20 ms.",
        *snr_goals(10.0),
        MARKED,
        plan=plan_of(rate=20.0, transfer=0.1, rail=1.5e-3, rail_recovery=0.020),
    ),
    voluntary("rate80_overlap", "80 Hz: the M-waves overlap.", *snr_goals(12.0), plan=plan_of(rate=80.0)),
    voluntary("variable_frequency", "Intervals drawn from 20 to 55 ms.", *snr_goals(12.0), plan=_variable),
    voluntary("two_stimulators", "Two stimulators at 30 and 20 Hz at two sites.", *snr_goals(13.0), plan=_two),
    voluntary(
        "variation_04",
        "Supramaximal, 0.4 % variation of the M-wave.",
        AT_BOUND,
        plan=plan_of(varied=True, fatigue=NO_FATIGUE),
        change=_tier(0.004),
    ),
    voluntary(
        "variation_23",
        "Half of the units recruited, 2.3 % variation of the M-wave.",
        AT_BOUND,
        plan=plan_of(varied=True, fatigue=NO_FATIGUE, current=SUBMAXIMAL, m_max=0.007),
        change=_tier(0.023),
    ),
    voluntary(
        "variation_50",
        "A third of the units recruited, 5 % variation of the M-wave.",
        AT_BOUND,
        plan=plan_of(varied=True, fatigue=NO_FATIGUE, current=WEAK, m_max=0.007),
        change=_tier(0.05),
    ),
    voluntary(
        "weak_voluntary",
        "15 µV RMS of voluntary EMG under M-waves of 2 to 3 mV with 0.4 % variation.",
        *snr_goals(6.0),
        plan=plan_of(varied=True, fatigue=NO_FATIGUE),
        change=_weak,
    ),
    voluntary(
        "mains_40uV",
        "40 µV of mains under the train.",
        at_most("mdf_error", 3.0, magnitude=True),
        plan=plan_of(mains_amplitude=40e-6),
        reference="periodic_exact",
    ),
    voluntary(
        "mains_locked",
        "40 µV of mains, stimulation at its half: no harmonic can be told from the line.",
        at_least("mains_said", 1.0),
        plan=plan_of(mains_amplitude=40e-6, rate=25.0, mains=50.0, clock_error=0.0),
    ),
    voluntary(
        "mains_60_under_30",
        "40 µV of 60 Hz mains next to the second harmonic of 30 Hz stimulation.",
        at_least("mains_said", 1.0),
        plan=plan_of(mains_amplitude=40e-6, mains=60.0),
    ),
)

_TIMING = (
    voluntary(
        "schedule_500ppm",
        "Nominal times rounded to samples, clock off by 500 ppm.",
        NEAR,
        plan=plan_of(clock_error=500.0),
        times="schedule",
        reference="periodic_exact",
    ),
    voluntary(
        "schedule_5000ppm",
        "Nominal times rounded to samples, clock off by 5000 ppm.",
        NEAR,
        plan=plan_of(clock_error=5000.0),
        times="schedule",
        reference="periodic_exact",
    ),
    voluntary(
        "missing_extra",
        "4 % of the pulses do not come and 2 % more come, times found in the artifact.",
        BESIDE,
        plan=plan_of(missing=0.04, extra=0.02),
        times="artifact",
        reference="periodic_estimated",
    ),
    voluntary(
        "faulty_trigger",
        "4 % of the triggers are lost and 2 % are false.",
        BESIDE,
        times="faulty",
        reference="periodic_exact",
    ),
    voluntary(
        "intermittent",
        "Trains of 4 s with ramps, 1.5 s apart, and a doublet before each.",
        plan=plan_of(varied=True, on=4.0, off=1.5, ramp_up=0.3, ramp_down=0.3, doublet=0.006),
    ),
)

VOLUNTARY_CASES: tuple[Case, ...] = (*_PERIODIC, *_DIFFICULT, *_TIMING)
