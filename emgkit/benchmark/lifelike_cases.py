"""Further cases whose target is voluntary EMG: devices with limits, and ordinary recordings."""

from __future__ import annotations

from typing import Any

import numpy as np

from emgkit.benchmark.case import Case, at_most
from emgkit.benchmark.sessions import SUBMAXIMAL, drawn, with_reflex
from emgkit.benchmark.voluntary_cases import BESIDE, MARKED, plan_of, snr_goals, voluntary
from emgkit.simulate import Effort, Session

__all__ = ["LIFELIKE_CASES"]

SLOW = {"modulation": 0.25, "modulation_period": 9.0, "current": 0.034}


def _steady(rng: np.random.Generator, **changes: Any) -> Session:
    """Hold one effort through the whole recording."""
    return drawn(rng, **changes).override("case", {"efforts_of": (Effort(effort=0.3, contractions=((0.3, 19.7),)),)})


_DEVICE = (
    voluntary(
        "packet_loss",
        "2 % of the packets of 13 ms are lost.",
        BESIDE,
        MARKED,
        plan=plan_of(packet_loss=0.02),
        reference="periodic_exact",
    ),
    voluntary(
        "dc_coupled",
        "A DC-coupled amplifier.",
        BESIDE,
        plan=plan_of(high_pass=None),
        reference="periodic_exact",
    ),
    voluntary(
        "dc_shift",
        "A DC-coupled amplifier whose offset moves by 5 mV during the train.",
        BESIDE,
        plan=plan_of(high_pass=None, dc_shift=5e-3),
        reference="periodic_exact",
    ),
    voluntary(
        "hardware_blanking",
        "The amplifier holds its output from 0.5 ms before to 2.5 ms after every pulse.",
        BESIDE,
        MARKED,
        plan=plan_of(blanking=2.5e-3),
        reference="periodic_exact",
    ),
    voluntary(
        "second_order",
        "A second-order high-pass at 20 Hz and 2148.148 Hz sampling.",
        plan=plan_of(high_pass=20.0, high_pass_order=2, fs=2148.148),
    ),
    voluntary("rate_1000", "1000 Hz sampling.", plan=plan_of(fs=1000.0)),
    voluntary("rate_1926", "1925.926 Hz sampling.", plan=plan_of(fs=1925.926)),
    voluntary(
        "rate40",
        "40 Hz at a current below that of all units: the reference of the H-reflex.",
        plan=plan_of(rate=40.0, current=SUBMAXIMAL),
    ),
    voluntary(
        "h_reflex_40hz",
        "The same with a late response of a quarter of the M-wave that lands on the next one.",
        BESIDE,
        plan=plan_of(rate=40.0, current=SUBMAXIMAL),
        change=with_reflex,
        reference="rate40",
    ),
)

_LIFELIKE = (
    voluntary(
        "typical",
        "Variation, drift, gain noise, fatigue and artifact tail of an ordinary recording.",
        plan=plan_of(varied=True, tailed=True),
    ),
    voluntary(
        "gain_noise_1pct",
        "The same, and the artifact's size varies by 1 % from pulse to pulse.",
        plan=plan_of(varied=True, tailed=True, gain_noise=0.01),
    ),
    voluntary(
        "rate80_lifelike",
        "80 Hz with variation and fatigue.",
        plan=plan_of(varied=True, rate=80.0),
    ),
    voluntary(
        "ecg_movement",
        "Heart, movement artifact and mains of 10 µV besides.",
        plan=plan_of(varied=True, ecg=80e-6, movement=50e-6, mains_amplitude=10e-6),
    ),
    voluntary(
        "rest",
        "Stimulation at rest: what comes out is false EMG.",
        at_most("rest_ratio", 1.3),
        plan=plan_of(varied=True, effort=0.0),
    ),
    voluntary(
        "steady_fatigue",
        "Constant effort while thresholds rise, so that fewer and fewer units answer, and fibres fatigue.",
        at_most("leak_slope", 0.2, magnitude=True),
        plan=lambda rng: _steady(rng, varied=True, current=1.2 * SUBMAXIMAL, threshold_rise=0.5, threshold_time=15.0),
    ),
    voluntary(
        "steady_current",
        "Constant effort while the current, known, swings by ± 25 %.",
        at_most("leak_slope", 0.2, magnitude=True),
        plan=lambda rng: _steady(rng, varied=True, **SLOW),
        current_known=True,
    ),
    voluntary(
        "sham",
        "Pulses are given and the stimulator is off: nothing may be taken away.",
        *snr_goals(20.0),
        at_most("gain_error", 1.0, magnitude=True),
        plan=plan_of(levels=(0.0,)),
    ),
    voluntary("few_pulses", "Six pulses at 2 Hz.", plan=plan_of(rate=2.0, stimulation=(8.0, 11.0))),
    voluntary("single_pulses", "A pulse every second.", plan=plan_of(rate=1.0)),
)

LIFELIKE_CASES: tuple[Case, ...] = (*_DEVICE, *_LIFELIKE)
