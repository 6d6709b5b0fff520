"""Cases whose target is voluntary EMG: artifact, evoked response and interference are to be removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from emgkit.benchmark.case import Case, Goal, at_least, at_most
from emgkit.benchmark.sessions import (
    NO_FATIGUE,
    SPAN,
    SUBMAXIMAL,
    WEAK,
    drawn,
    intervals_between,
    with_reflex,
    with_variation,
    with_voluntary_level,
)
from emgkit.simulate import Effort, FatigueParameters, Session, Simulation, Stimulator

__all__ = ["VOLUNTARY_CASES"]

Rng = np.random.Generator
Plan = Callable[[Rng], Session]

RAMPS = {"modulation": 0.3, "modulation_period": 7.0, "current": 0.100}  # the lowest current still reaches all
FATIGUE = FatigueParameters()
SLOW = {"modulation": 0.25, "modulation_period": 9.0, "current": 0.034}
NEAR = at_most("behind_reference", 1.0)
BESIDE = at_most("behind_reference", 2.0)
AT_BOUND = at_most("behind_bound", 1.0)


def _plan(**changes: Any) -> Plan:
    return lambda rng: drawn(rng, **changes)


def _case(name: str, what: str, *goals: Goal, plan: Plan | None = None, **more: Any) -> Case:
    return Case(name, what, "voluntary", plan or _plan(), goals=goals, **more)


def _snr(value: float, early: float | None = None) -> tuple[Goal, ...]:
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


def _steady(rng: Rng, **changes: Any) -> Session:
    """Hold one effort through the whole recording."""
    return drawn(rng, **changes).override("case", {"efforts_of": (Effort(effort=0.3, contractions=((0.3, 19.7),)),)})


def _weak(simulation: Simulation) -> Simulation:
    return with_variation(with_voluntary_level(simulation, 15e-6), 0.004)


def _tier(spread: float) -> Callable[[Simulation], Simulation]:
    return lambda simulation: with_variation(simulation, spread)


_PERIODIC = (
    _case("periodic_exact", "Strictly periodic 30 Hz, times exact.", *_snr(19.0)),
    _case("periodic_estimated", "The same, times found in the artifact.", *_snr(17.0), times="artifact"),
    _case("periodic_trigger", "The same, times from a trigger sampled at 10 kHz.", *_snr(17.0), times="trigger"),
    _case("jitter15_exact", "Pulses jitter by 15 µs, times exact.", *_snr(18.0, 8.0), plan=_plan(jitter=15e-6)),
    _case(
        "jitter15_estimated",
        "Pulses jitter by 15 µs, times found in the artifact.",
        *_snr(15.0, 3.0),
        plan=_plan(jitter=15e-6),
        times="artifact",
    ),
    _case(
        "ramps30_fatigue",
        "Artifact swings by ± 30 %, M-wave fatigues.",
        *_snr(15.0),
        plan=_plan(**RAMPS, fatigue=FATIGUE),
    ),
    _case(
        "jitter100_exact",
        "Ramps, fatigue and 100 µs of jitter, times exact.",
        *_snr(14.0),
        plan=_plan(**RAMPS, fatigue=FATIGUE, jitter=100e-6),
    ),
    _case(
        "jitter100_estimated",
        "Ramps, fatigue and 100 µs of jitter, times found in the artifact.",
        *_snr(12.0),
        plan=_plan(**RAMPS, fatigue=FATIGUE, jitter=100e-6),
        times="artifact",
    ),
)

_DIFFICULT = (
    _case(
        "clipping_first_stage",
        "The first stage clips 4 % of the samples before the high-pass and recovers with 20 ms.",
        *_snr(10.0),
        plan=_plan(rate=20.0, transfer=0.1, rail=1.5e-3, rail_recovery=0.020),
    ),
    _case("rate80_overlap", "80 Hz: the M-waves overlap.", *_snr(12.0), plan=_plan(rate=80.0)),
    _case("variable_frequency", "Intervals drawn from 20 to 55 ms.", *_snr(12.0), plan=_variable),
    _case("two_stimulators", "Two stimulators at 30 and 20 Hz at two sites.", *_snr(13.0), plan=_two),
    _case(
        "variation_04",
        "Supramaximal, 0.4 % variation of the M-wave.",
        AT_BOUND,
        plan=_plan(varied=True, fatigue=NO_FATIGUE),
        change=_tier(0.004),
    ),
    _case(
        "variation_23",
        "Half of the units recruited, 2.3 % variation of the M-wave.",
        AT_BOUND,
        plan=_plan(varied=True, fatigue=NO_FATIGUE, current=SUBMAXIMAL, m_max=0.007),
        change=_tier(0.023),
    ),
    _case(
        "variation_50",
        "A third of the units recruited, 5 % variation of the M-wave.",
        AT_BOUND,
        plan=_plan(varied=True, fatigue=NO_FATIGUE, current=WEAK, m_max=0.007),
        change=_tier(0.05),
    ),
    _case(
        "weak_voluntary",
        "15 µV RMS of voluntary EMG under M-waves of 2 to 3 mV with 0.4 % variation.",
        *_snr(6.0),
        plan=_plan(varied=True, fatigue=NO_FATIGUE),
        change=_weak,
    ),
    _case(
        "mains_40uV",
        "40 µV of mains under the train.",
        at_most("mdf_error", 3.0, magnitude=True),
        plan=_plan(mains_amplitude=40e-6),
        reference="periodic_exact",
    ),
    _case(
        "mains_locked",
        "40 µV of mains, stimulation at its half: no harmonic can be told from the line.",
        at_least("mains_said", 1.0),
        plan=_plan(mains_amplitude=40e-6, rate=25.0, mains=50.0, clock_error=0.0),
    ),
    _case(
        "mains_60_under_30",
        "40 µV of 60 Hz mains next to the second harmonic of 30 Hz stimulation.",
        at_least("mains_said", 1.0),
        plan=_plan(mains_amplitude=40e-6, mains=60.0),
    ),
)

_TIMING = (
    _case(
        "schedule_500ppm",
        "Nominal times rounded to samples, clock off by 500 ppm.",
        NEAR,
        plan=_plan(clock_error=500.0),
        times="schedule",
        reference="periodic_exact",
    ),
    _case(
        "schedule_5000ppm",
        "Nominal times rounded to samples, clock off by 5000 ppm.",
        NEAR,
        plan=_plan(clock_error=5000.0),
        times="schedule",
        reference="periodic_exact",
    ),
    _case(
        "missing_extra",
        "4 % of the pulses do not come and 2 % more come, times found in the artifact.",
        BESIDE,
        plan=_plan(missing=0.04, extra=0.02),
        times="artifact",
        reference="periodic_estimated",
    ),
    _case(
        "faulty_trigger",
        "4 % of the triggers are lost and 2 % are false.",
        BESIDE,
        times="faulty",
        reference="periodic_exact",
    ),
    _case(
        "intermittent",
        "Trains of 4 s with ramps, 1.5 s apart, and a doublet before each.",
        plan=_plan(varied=True, on=4.0, off=1.5, ramp_up=0.3, ramp_down=0.3, doublet=0.006),
    ),
)

_DEVICE = (
    _case(
        "packet_loss",
        "2 % of the packets of 13 ms are lost.",
        BESIDE,
        plan=_plan(packet_loss=0.02),
        reference="periodic_exact",
    ),
    _case(
        "dc_coupled",
        "A DC-coupled amplifier.",
        BESIDE,
        plan=_plan(high_pass=None),
        reference="periodic_exact",
    ),
    _case(
        "dc_shift",
        "A DC-coupled amplifier whose offset moves by 5 mV during the train.",
        BESIDE,
        plan=_plan(high_pass=None, dc_shift=5e-3),
        reference="periodic_exact",
    ),
    _case(
        "hardware_blanking",
        "The amplifier holds its output from 0.5 ms before to 2.5 ms after every pulse.",
        BESIDE,
        plan=_plan(blanking=2.5e-3),
        reference="periodic_exact",
    ),
    _case(
        "second_order",
        "A second-order high-pass at 20 Hz and 2148.148 Hz sampling.",
        plan=_plan(high_pass=20.0, high_pass_order=2, fs=2148.148),
    ),
    _case("rate_1000", "1000 Hz sampling.", plan=_plan(fs=1000.0)),
    _case("rate_1926", "1925.926 Hz sampling.", plan=_plan(fs=1925.926)),
    _case(
        "rate40",
        "40 Hz at a current below that of all units: the reference of the H-reflex.",
        plan=_plan(rate=40.0, current=SUBMAXIMAL),
    ),
    _case(
        "h_reflex_40hz",
        "The same with a late response of a quarter of the M-wave that lands on the next one.",
        BESIDE,
        plan=_plan(rate=40.0, current=SUBMAXIMAL),
        change=with_reflex,
        reference="rate40",
    ),
)

_LIFELIKE = (
    _case("typical", "Variation, drift, gain noise and fatigue of an ordinary recording.", plan=_plan(varied=True)),
    _case(
        "gain_noise_1pct",
        "The artifact's size varies by 1 % from pulse to pulse.",
        plan=_plan(varied=True, gain_noise=0.01),
    ),
    _case(
        "rate80_lifelike",
        "80 Hz with variation and fatigue.",
        plan=_plan(varied=True, rate=80.0),
    ),
    _case(
        "ecg_movement",
        "Heart, movement artifact and mains of 10 µV besides.",
        plan=_plan(varied=True, ecg=80e-6, movement=50e-6, mains_amplitude=10e-6),
    ),
    _case(
        "rest",
        "Stimulation at rest: what comes out is false EMG.",
        at_most("rest_ratio", 1.3),
        plan=_plan(varied=True, effort=0.0),
    ),
    _case(
        "constant_effort_fatigue",
        "Constant effort while thresholds rise, so that fewer and fewer units answer, and fibres fatigue.",
        at_most("leak_slope", 0.2, magnitude=True),
        plan=lambda rng: _steady(rng, varied=True, current=1.2 * SUBMAXIMAL, threshold_rise=0.5, threshold_time=15.0),
    ),
    _case(
        "constant_effort_current",
        "Constant effort while the current, known, swings by ± 25 %.",
        at_most("leak_slope", 0.2, magnitude=True),
        plan=lambda rng: _steady(rng, varied=True, **SLOW),
        current_known=True,
    ),
    _case(
        "sham",
        "Pulses are given and the stimulator is off: nothing may be taken away.",
        *_snr(20.0),
        at_most("gain_error", 1.0, magnitude=True),
        plan=_plan(levels=(0.0,)),
    ),
    _case("few_pulses", "Six pulses at 2 Hz.", plan=_plan(rate=2.0, stimulation=(8.0, 11.0))),
    _case("single_pulses", "A pulse every second.", plan=_plan(rate=1.0)),
)

VOLUNTARY_CASES: tuple[Case, ...] = (*_PERIODIC, *_DIFFICULT, *_TIMING, *_DEVICE, *_LIFELIKE)
