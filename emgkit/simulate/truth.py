"""`Simulation` and `Truth`: a recording whose parts and process values are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenMapping, FrozenValue, assign, freeze, nearest
from emgkit.errors import ShapeError, UnknownNameError
from emgkit.pulses import Pulses
from emgkit.recording import Recording

__all__ = ["TRUTH_PARTS", "Simulation", "Truth"]

Array = NDArray[np.floating[Any]]

TRUTH_PARTS = ("artifact", "evoked", "voluntary", "interference", "noise")
SHARE = 0.2  # fresh and fatigued are the first and the last fifth


@dataclass(frozen=True, eq=False, repr=False)
class Truth(FrozenValue):
    """What is inside a simulated recording.

    Parameters
    ----------
    artifact, evoked, voluntary, interference, noise : array_like, shape (channels, samples)
        Parts, V, before clipping and rounding: they add up to the unclipped signal.
    onsets : array_like, shape (pulses,)
        True leading edges, s.
    velocity_times : array_like, shape (grid,)
        Times at which the following are given, s.
    velocity : array_like, shape (channels, grid)
        Mean conduction velocity of the stimulated units, m/s.
    feature_times : array_like, shape (grid,)
        Times at which the process values are given, s.
    features : mapping of str to array_like, shape (grid, channels)
        Value of the process behind each feature, SI units: evoked features of the expected response without noise
        and jitter; voluntary features of the spectrum of voluntary EMG and noise together, which is what a separation
        can give. They are no sample values: an interval of a measured mean holds them with its confidence level.
    """

    artifact: Array
    evoked: Array
    voluntary: Array
    interference: Array
    noise: Array
    onsets: Array
    velocity_times: Array
    velocity: Array
    feature_times: Array
    features: Mapping[str, Array]

    def __post_init__(self) -> None:
        """Check and copy."""
        parts = {name: freeze(getattr(self, name)) for name in TRUTH_PARTS}
        if len({part.shape for part in parts.values()}) != 1:
            raise ShapeError(f"The parts must have one shape, got {[part.shape for part in parts.values()]}.")
        others = ("onsets", "velocity_times", "velocity", "feature_times")
        assign(self, **parts, **{name: freeze(getattr(self, name)) for name in others})
        assign(self, features=FrozenMapping({name: freeze(values) for name, values in self.features.items()}))

    @property
    def signal(self) -> Array:
        """Sum of the parts, V, (channels, samples): the recording before clipping and rounding."""
        return np.sum([getattr(self, name) for name in TRUTH_PARTS], axis=0)

    def at(self, feature: str, times: Array) -> Array:
        """Give the process value of a feature at times in s, shape (times, channels).

        Raises
        ------
        UnknownNameError
            If the truth of this feature is not known.
        """
        if feature not in self.features:
            raise UnknownNameError(f"The truth of {feature!r} is not known: {nearest(feature, self.features)}.")
        table = self.features[feature]
        return np.stack([np.interp(times, self.feature_times, column) for column in table.T], axis=1)

    def change(self, feature: str, times: Array) -> tuple[Array, Array, Array]:
        """Give fresh, fatigued and change in % per channel for segments whose middles lie at ``times``, s.

        Fresh and fatigued are the means of the process values over the first and the last fifth of the segments.
        """
        values = self.at(feature, np.sort(times))
        count = max(round(SHARE * len(values)), 1)
        fresh, fatigued = values[:count].mean(axis=0), values[-count:].mean(axis=0)
        return fresh, fatigued, 100 * (fatigued - fresh) / fresh

    def __repr__(self) -> str:
        channels, samples = self.artifact.shape
        return f"Truth: {channels} channels × {samples} samples, {self.onsets.size} pulses, {', '.join(self.features)}"


@dataclass(frozen=True, eq=False, repr=False)
class Simulation(FrozenValue):
    """A simulated recording with its pulses and its truth.

    Parameters
    ----------
    recording : Recording
        As a device would have stored it.
    pulses : Pulses
        The true pulses.
    truth : Truth
        What is inside.
    """

    recording: Recording
    pulses: Pulses
    truth: Truth

    def __repr__(self) -> str:
        return f"Simulation\n{self.recording!r}\n{self.pulses!r}\n{self.truth!r}"
