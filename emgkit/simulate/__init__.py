"""Simulated recordings whose truth is known."""

from emgkit.simulate.effort import Effort
from emgkit.simulate.evoked import EvokedParameters
from emgkit.simulate.fatigue import FatigueParameters
from emgkit.simulate.front_end import FrontEnd
from emgkit.simulate.held_force import endurance, hold
from emgkit.simulate.montage import Montage
from emgkit.simulate.pool import PoolParameters
from emgkit.simulate.scenarios import (
    SCENARIOS,
    acl_session,
    foot_drop,
    hybrid_fes,
    intermittent_nmes,
    nmes_fatigue,
    recovery,
    recruitment,
    scenario,
    tiny,
)
from emgkit.simulate.session import Session
from emgkit.simulate.simulation import simulate
from emgkit.simulate.stimulator import Stimulator
from emgkit.simulate.stimulus import Contact, Electrode, PulseShape
from emgkit.simulate.surroundings import Surroundings
from emgkit.simulate.truth import CONDITIONS, TRUTH_PARTS, Simulation, Spiking, Truth

__all__ = [
    "CONDITIONS",
    "SCENARIOS",
    "TRUTH_PARTS",
    "Contact",
    "Effort",
    "Electrode",
    "EvokedParameters",
    "FatigueParameters",
    "FrontEnd",
    "Montage",
    "PoolParameters",
    "PulseShape",
    "Session",
    "Simulation",
    "Spiking",
    "Stimulator",
    "Surroundings",
    "Truth",
    "acl_session",
    "endurance",
    "foot_drop",
    "hold",
    "hybrid_fes",
    "intermittent_nmes",
    "nmes_fatigue",
    "recovery",
    "recruitment",
    "scenario",
    "simulate",
    "tiny",
]
