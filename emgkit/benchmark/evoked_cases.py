"""Cases whose target is the M-wave: the artifact is to be removed and the evoked response to stay."""

from __future__ import annotations

from typing import Any

import numpy as np

from emgkit.benchmark.case import Case, Goal, Plan, at_least, at_most
from emgkit.benchmark.sessions import SPAN, SUBMAXIMAL, drawn, tail_transfer
from emgkit.simulate import Effort, Electrode, Montage, PulseShape, Session, Stimulator

__all__ = ["EVOKED_CASES"]

Rng = np.random.Generator

ELECTRODE = {  # what leaves the tail: exponentials of 2 to 10 ms, or a power of time
    "exponential": Electrode(1.0, (0.5e-3, 6e-3), (0.25, 4.0)),
    "power": Electrode(1.0, (0.5e-3,), (0.25,), power_share=2.0, power_exponent=0.4),
}
PULSE = PulseShape("asymmetrical", width=200e-6, gap=0.0)
TAILS = (0.2, 1.0)  # of the M-wave's size, at 3 ms
REACHED = 0.55  # of the response of all units: what the current reaches in the sessions drawn

NRMSE = at_most("m_nrmse", 5.0)
WIDE = at_most("m_nrmse_unsaid", 10.0)  # or overlap is said, with an interval that holds the truth
SIZES = (
    at_most("m_vpp_error", 1.5, magnitude=True),
    at_most("m_area_error", 3.0, magnitude=True),
    at_most("m_mdf_error", 2.0, magnitude=True),
    at_most("m_latency_error", 0.2, magnitude=True),
)
TREND = (at_most("m_vpp_trend_error", 1.0, magnitude=True), at_most("m_mdf_trend_error", 1.0, magnitude=True))
COVER = (at_least("coverage", 85.0), at_most("coverage", 95.0))


def _tailed(rng: Rng, kind: str, **changes: Any) -> Session:
    """Draw a session with a tail of 0.2 to 1 times the M-wave, and without voluntary effort."""
    share, electrode = float(np.exp(rng.uniform(*np.log(TAILS)))), ELECTRODE[kind]
    tail = {
        "taus": electrode.taus,
        "shares": electrode.shares,
        "power_share": electrode.power_share,
        "power_exponent": electrode.power_exponent,
    }
    session = drawn(rng, **{"pulse": PULSE, "varied": True, "effort": 0.0, **tail, **changes})
    size = share * REACHED * session.m_max
    return session.override("case", {"transfer": tail_transfer(size, PULSE, electrode)})


def _tail(kind: str, **changes: Any) -> Plan:
    return lambda rng: _tailed(rng, kind, **changes)


def _two(rng: Rng) -> Session:
    first = _tailed(rng, "exponential")
    other = Stimulator(rate=20.0, stimulation=SPAN, site=1, pulse=PULSE, contact=first.stimulators[0].contact)
    return first.override("case", {"stimulators": (first.stimulators[0], other)})


def _array(rng: Rng) -> Session:
    across = tuple(float(place) for place in np.linspace(-0.03, 0.03, 64))
    names = tuple(f"E{number + 1}" for number in range(64))
    gains = tuple(float(gain) for gain in 1.0 - 0.4 * np.linspace(-1, 1, 64) + 0.05 * rng.standard_normal(64))
    return _tailed(
        rng,
        "exponential",
        montage=Montage(lateral=across),
        channel_names=names,
        gains=gains,
        duration=4.0,
        stimulation=(0.3, 3.7),
        efforts_of=(Effort(bursts=0),),
        units=50,
        fibres_per_unit=1,
    )


def _case(name: str, what: str, plan: Plan, *goals: Goal, **more: Any) -> Case:
    return Case(name, what, "evoked", plan, goals=goals, **more)


EVOKED_CASES: tuple[Case, ...] = (
    _case(
        "tail_exponential",
        "An exponential tail of 0.2 to 1 M-wave under the M-wave, first-order high-pass.",
        _tail("exponential"),
        NRMSE,
        *SIZES,
        *TREND,
        *COVER,
    ),
    _case(
        "tail_second_order",
        "The same behind a second-order high-pass at 20 Hz.",
        _tail("exponential", high_pass=20.0, high_pass_order=2),
        NRMSE,
        *SIZES,
        *TREND,
        *COVER,
    ),
    _case(
        "tail_power",
        "A power-law tail of a constant-phase electrode, first-order high-pass.",
        _tail("power"),
        NRMSE,
        *SIZES,
        *TREND,
        *COVER,
    ),
    _case(
        "tail_power_second_order",
        "The same behind a second-order high-pass at 20 Hz.",
        _tail("power", high_pass=20.0, high_pass_order=2),
        NRMSE,
        *SIZES,
        *TREND,
        *COVER,
    ),
    _case("tail_dc_coupled", "An exponential tail, DC-coupled.", _tail("exponential", high_pass=None), NRMSE, *SIZES),
    _case(
        "tail_current_series",
        "The current, known, swings by ± 25 % below the maximal one, so that artifact and M-wave part company.",
        _tail("exponential", current=1.2 * SUBMAXIMAL, modulation=0.25, modulation_period=6.0),
        NRMSE,
        *SIZES,
        current_known=True,
    ),
    _case(
        "tail_with_effort",
        "An exponential tail, M-wave and voluntary bursts together.",
        _tail("exponential", effort=0.35),
        NRMSE,
        *SIZES,
        *COVER,
    ),
    _case(
        "no_tail",
        "An artifact that is over before the M-wave begins.",
        lambda rng: drawn(rng, varied=True, effort=0.0),
        NRMSE,
        *SIZES,
        *TREND,
        *COVER,
    ),
    _case("evoked_80hz", "An exponential tail at 80 Hz.", _tail("exponential", rate=80.0), WIDE),
    _case("evoked_two_stimulators", "An exponential tail from two stimulators at 30 and 20 Hz.", _two, WIDE),
    _case("evoked_array", "An exponential tail under 64 channels across the muscle.", _array, WIDE),
    _case(
        "fatigue_trend",
        "Fast fatigue under a tail: slowing, block and potentiation of the M-wave.",
        _tail("exponential", slowing=0.02, potentiation=0.1, rate=35.0),
        *TREND,
    ),
    _case(
        "evoked_few", "Six pulses at 2 Hz under a tail.", _tail("exponential", rate=2.0, stimulation=(8.0, 11.0)), WIDE
    ),
)
