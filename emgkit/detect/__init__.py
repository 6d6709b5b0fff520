"""Timing: pulses from a trigger or from the artifact, and the stimulator's clock."""
