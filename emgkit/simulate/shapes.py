"""Checks of a truth: shapes that fit together, times that are finite and in order."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from emgkit.errors import ShapeError

if TYPE_CHECKING:
    from emgkit.simulate.truth import Spiking, Truth


def check_truth(truth: Truth, parts: tuple[str, ...], conditions: int) -> None:
    """Check the arrays of a truth.

    Raises
    ------
    ShapeError
        If one has not the shape that the others ask for, is not finite, or is not in the order of time.
    """
    if truth.artifact.ndim != 2:
        raise ShapeError(f"artifact must have the shape (channels, samples), got {truth.artifact.shape}.")
    channels, samples = truth.artifact.shape
    for name in (*parts, "condition"):
        _shape(name, getattr(truth, name), channels, samples)
    if truth.condition.size and truth.condition.max() >= conditions:
        raise ShapeError(f"condition must hold codes below {conditions}, got {truth.condition.max()}.")
    _shape("drive", truth.drive, "muscles", "milliseconds")
    for name in ("onsets", "planned", "velocity_times", "feature_times"):
        _times(name, getattr(truth, name))
    for name in ("current", "stimulator"):
        _shape(name, getattr(truth, name), truth.onsets.size)
    for name in ("velocity", "weighted_velocity", "active"):
        _shape(name, getattr(truth, name), channels, truth.velocity_times.size, finite=False)
    for name, values in truth.features.items():
        _shape(f"features[{name!r}]", values, truth.feature_times.size, channels, finite=False)
    if truth.spiking is not None:
        check_spiking(truth.spiking, truth.onsets.size, truth.velocity_times.size)


def check_spiking(spiking: Spiking, pulses: int, grid: int) -> None:
    """Check the arrays of who fired when, for so many pulses and times of velocities."""
    _shape("recruited", spiking.recruited, "muscles", pulses, "units")
    muscles, _, units = spiking.recruited.shape
    for name in ("threshold", "unit_velocity", "latency"):
        _shape(name, getattr(spiking, name), muscles, units)
    _shape("fibre_velocity", spiking.fibre_velocity, muscles, units, grid)
    for kind in ("", "intended_", "reflex_"):
        times = getattr(spiking, f"{kind}times")
        _shape(f"{kind}times", times, "spikes")
        for who, below in (("unit", units), ("muscle", muscles)):
            values = getattr(spiking, f"{kind}{who}")
            _shape(f"{kind}{who}", values, times.size)
            if values.size and not 0 <= values.min() <= values.max() < below:
                raise ShapeError(f"{kind}{who} must lie within 0 ... {below - 1}.")


def _shape(name: str, values: Any, *shape: int | str, finite: bool = True) -> None:
    wanted = [got if isinstance(want, str) else want for want, got in zip(shape, values.shape, strict=False)]
    if values.ndim != len(shape) or tuple(wanted) != values.shape:
        raise ShapeError(f"{name} must have the shape ({', '.join(map(str, shape))}), got {values.shape}.")
    if finite and not np.isfinite(values).all():
        raise ShapeError(f"{name} must be finite.")


def _times(name: str, values: Any) -> None:
    _shape(name, values, "times")
    if (np.diff(values) < 0).any():
        raise ShapeError(f"{name} must be in the order of time.")
