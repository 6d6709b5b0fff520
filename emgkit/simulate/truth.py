"""`Simulation` and `Truth`: a recording whose parts and process values are known."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenMapping, FrozenValue, assign, freeze, nearest
from emgkit.errors import ParameterError, UnknownNameError
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.simulate.shapes import check_truth

__all__ = ["CONDITIONS", "TRUTH_PARTS", "Simulation", "Spiking", "Truth"]

Array = NDArray[np.floating[Any]]

TRUTH_PARTS = ("artifact", "evoked", "voluntary", "interference", "noise")
SUB_PARTS = ("evoked_random", "reflex", "distortion")
CONDITIONS = ("measured", "clipped", "recovering", "blanked", "lost", "trailing")
TRAILING = CONDITIONS.index("trailing")
VECTORS = (
    "onsets",
    "velocity_times",
    "velocity",
    "weighted_velocity",
    "active",
    "feature_times",
    "planned",
    "current",
    "drive",
)
WHO = ("unit", "muscle", "intended_unit", "intended_muscle", "reflex_unit", "reflex_muscle")
SHARE = 0.2  # fresh and fatigued are the first and the last fifth; by definition


@dataclass(frozen=True, eq=False, repr=False)
class Spiking(FrozenValue):
    """Who fired when, in all muscles.

    Parameters
    ----------
    times : array_like, shape (spikes,)
        Voluntary spikes that reached the muscle, s at the site of stimulation.
    unit, muscle : array_like of int, shape (spikes,)
        Motor unit within its pool, and the pool.
    intended_times, intended_unit, intended_muscle : array_like, shape (intended,)
        Voluntary spikes that left the spinal cord, whether or not they met an antidromic volley.
    reflex_times, reflex_unit, reflex_muscle : array_like, shape (late,)
        H-reflex and F-waves that reached the muscle: when their end-plates were excited, s.
    recruited : array_like of bool, shape (muscles, pulses, units)
        Units that every pulse excited.
    threshold : array_like, shape (muscles, units)
        A at 200 µs; units out of reach have 1000 A.
    unit_velocity : array_like, shape (muscles, units)
        Conduction velocity at rest, m/s.
    fibre_velocity : array_like, shape (muscles, units, grid)
        Conduction velocity at the times of `Truth.velocity_times`, m/s.
    latency : array_like, shape (muscles, units)
        From stimulus to end-plate, s.
    """

    times: Array
    unit: Array
    muscle: Array
    intended_times: Array
    intended_unit: Array
    intended_muscle: Array
    reflex_times: Array
    reflex_unit: Array
    reflex_muscle: Array
    recruited: NDArray[np.bool_]
    threshold: Array
    unit_velocity: Array
    fibre_velocity: Array
    latency: Array

    def __post_init__(self) -> None:
        """Copy."""
        for item in fields(self):
            kind = bool if item.name == "recruited" else np.int64 if item.name in WHO else np.float64
            assign(self, **{item.name: freeze(getattr(self, item.name), kind)})

    def __repr__(self) -> str:
        muscles, pulses, units = self.recruited.shape
        return f"Spiking: {muscles} muscles × {units} units, {self.times.size} voluntary spikes, {pulses} pulses"


@dataclass(frozen=True, eq=False, repr=False)
class Truth(FrozenValue):
    """What is inside a simulated recording.

    Parameters
    ----------
    artifact, evoked, voluntary, interference, noise : array_like, shape (channels, samples)
        Parts, V, behind the filters and before anything that is not linear: they add up to `signal`.
    onsets : array_like, shape (pulses,)
        True leading edges, s.
    velocity_times : array_like, shape (grid,)
        Times at which the following are given, s.
    velocity : array_like, shape (channels, grid)
        Mean conduction velocity of the stimulated units, m/s.
    weighted_velocity : array_like, shape (channels, grid)
        The same, each unit by the size of its action potential in the channel, m/s.
    active : array_like, shape (channels, grid)
        Share of the muscle fibres that the pulses around excite and that are not blocked, 0 ... 1.
    feature_times : array_like, shape (grid,)
        Times at which the process values are given, s.
    features : mapping of str to array_like, shape (grid, channels)
        Value of the process behind each feature, SI units: evoked features of the expected response without noise
        and jitter; voluntary features of the spectrum of voluntary EMG and noise together, at the strongest effort
        (the mean of the power over a drive that fluctuates), which is what a separation can give. They are no sample
        values: an interval of a measured mean holds them with its confidence level. An evoked response is that to the
        pulse's own stimulator in a train of pulses like it at its interval, and to the plateau in ramps; where pulses
        evoke different ones, values stand at every pulse. Its features are NaN where responses mix in the window of 2
        to 30 ms: pulses of which all in their train come closer to others than 28.5 ms, of any stimulator, or this one
        does and has a current of its own; H-reflex and F-waves that are expected to reach there more than 1 % of the
        M-wave and 0.1 % of the largest one. Voluntary features are NaN with ``synchrony``, in trains with
        ``entrainment``, and in trains whose pulses come at uneven intervals (doublets, trains of two stimulators, more
        than 5 % missing, or any where more than three quarters of those that fire are within reach and nothing passes
        between the others) with gaps in which spikes of excited units pass.
    evoked_random : array_like, shape (channels, samples)
        The part of ``evoked`` that varies from pulse to pulse by chance, V: what no average can predict. It is
        ``evoked`` minus what every pulse was to be expected to evoke, H-reflex and F-waves included.
    reflex : array_like, shape (channels, samples)
        The part of ``evoked`` that is H-reflex and F-waves, V.
    distortion : array_like, shape (channels, samples)
        What overload, blanking, lost packets and the converter add to `signal`, V: the recording minus the parts.
    condition : array_like of int, shape (channels, samples)
        What became of every sample, an index into `CONDITIONS`; "trailing" is in the tail that the high-pass makes
        of an overload of the first stage.
    planned : array_like, shape (planned,)
        When the pulses were due by the rate that was set, s: without clock error, jitter, missing and extra pulses.
    current : array_like, shape (pulses,)
        A.
    stimulator : array_like of int, shape (pulses,)
        Which stimulator fired.
    drive : array_like, shape (muscles, milliseconds)
        Voluntary drive, 0 ... 1.
    spiking : Spiking or None
        Spikes and recruited units.
    """

    artifact: Array
    evoked: Array
    voluntary: Array
    interference: Array
    noise: Array
    onsets: Array
    velocity_times: Array
    velocity: Array
    weighted_velocity: Array
    active: Array
    feature_times: Array
    features: Mapping[str, Array]
    evoked_random: Array
    reflex: Array
    distortion: Array
    condition: NDArray[np.uint8]
    planned: Array
    current: Array
    stimulator: NDArray[np.int64]
    drive: Array
    spiking: Spiking | None = field(default=None)

    def __post_init__(self) -> None:
        """Check and copy."""
        parts = {name: freeze(getattr(self, name)) for name in (*TRUTH_PARTS, *SUB_PARTS)}
        parts["condition"] = freeze(self.condition, np.uint8)
        assign(self, **parts, **{name: freeze(getattr(self, name)) for name in VECTORS})
        assign(self, stimulator=freeze(self.stimulator, np.int64))
        assign(self, features=FrozenMapping({name: freeze(values) for name, values in self.features.items()}))
        check_truth(self, tuple(parts)[:-1], len(CONDITIONS))

    @property
    def signal(self) -> Array:
        """Sum of the parts, V, (channels, samples): the recording of a device without limits."""
        total = self.artifact.copy()
        for name in TRUTH_PARTS[1:]:
            total += getattr(self, name)
        return total

    @property
    def recorded(self) -> Array:
        """What the device stored, V, (channels, samples): the parts and what its limits made of them."""
        return self.signal + self.distortion

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Samples that the first stage, blanking and lost packets have changed by at most 5 µV, (channels, samples).

        An overload of the first stage is followed by a tail that fades with the time constant of the high-pass; while
        it is larger than 5 µV (a sixth of a weak voluntary EMG), samples count as "trailing" and are not usable.
        """
        return self.condition == 0

    @property
    def sound(self) -> NDArray[np.bool_]:
        """Samples that are neither clipped, recovering, blanked nor lost, (channels, samples).

        Here the recording is parts and what the filters make of an overload before: more than `usable`, and a method
        may be asked to take that tail away.
        """
        return self.usable | (self.condition == TRAILING)

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

        Fresh and fatigued are the means of the process values over the first and the last fifth of the segments; the
        change is NaN where the fresh value is 0, as that of a response that does not come.

        Raises
        ------
        UnknownNameError
            If the truth of this feature is not known.
        ParameterError
            If there are no times.
        """
        if np.size(times) == 0:
            raise ParameterError("times must hold the middle of at least one segment, got none.")
        values = self.at(feature, np.sort(times))
        count = max(round(SHARE * len(values)), 1)
        fresh, fatigued = values[:count].mean(axis=0), values[-count:].mean(axis=0)
        return fresh, fatigued, 100 * (fatigued - fresh) / np.where(fresh == 0, np.nan, fresh)

    def __repr__(self) -> str:
        channels, samples = self.artifact.shape
        known = ", ".join(self.features) or "no features"
        return f"Truth: {channels} channels × {samples} samples, {self.onsets.size} pulses, {known}"


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
