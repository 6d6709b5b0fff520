"""Simulated recordings whose truth is known."""

from emgkit.simulate.nmes_fatigue import NMESFatigue, nmes_fatigue, tiny
from emgkit.simulate.truth import TRUTH_PARTS, Simulation, Truth

__all__ = ["TRUTH_PARTS", "NMESFatigue", "Simulation", "Truth", "nmes_fatigue", "tiny"]
