"""`Scene`: a simulation as the scores see it: what is wanted, and the masks that are the same for every method."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate import Simulation

__all__ = ["Scene", "scene_of"]

Array = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

EARLY = 3e-3  # s after a pulse that count as lost to the artifact
RESPONSE = 25e-3  # s after a pulse, the end of the M-wave
AFTER = 0.05  # s after the last pulse that are still scored
EFFORT = 0.02  # drive above which there is effort
SETTLED = 0.15  # s around effort that count neither as effort nor as rest
EDGE = 1e-9  # s


@dataclass(frozen=True, eq=False)
class Scene:
    """What is wanted and where it is scored.

    Parameters
    ----------
    fs : float
        Hz.
    onsets : ndarray, shape (pulses,)
        True leading edges, s from the first sample.
    stimulator : ndarray of int, shape (pulses,)
        Which stimulator fired.
    recorded : ndarray, shape (channels, samples)
        The recording, V.
    voluntary, noise, evoked, evoked_random : ndarray, shape (channels, samples)
        Parts of the truth, V.
    sound : ndarray of bool, shape (channels, samples)
        Samples that the device neither clipped, blanked nor lost and that are not recovering from overload.
    drive : ndarray, shape (samples,)
        The strongest voluntary drive, 0 ... 1.

    Notes
    -----
    The target is voluntary EMG *and* the noise of electrodes and amplifier: both are random, and nothing can split
    them. Scores count from the first pulse to 50 ms after the last one: elsewhere there is nothing to remove.
    """

    fs: float
    onsets: Array
    stimulator: NDArray[np.int64]
    recorded: Array
    voluntary: Array
    noise: Array
    evoked: Array
    evoked_random: Array
    sound: Mask
    drive: Array
    _known: dict[str, Any] = field(default_factory=dict, init=False, repr=False)

    def known(self, name: str, make: Callable[[], Any]) -> Any:
        """Compute what depends on the truth alone once, for all the methods that are scored."""
        if name not in self._known:
            self._known[name] = make()
        return self._known[name]

    @cached_property
    def target(self) -> Array:
        """Voluntary EMG and noise, V, (channels, samples)."""
        return self.voluntary + self.noise

    @cached_property
    def since(self) -> Array:
        """Time since the pulse before, s, (samples,); infinite before the first."""
        times = np.arange(self.recorded.shape[1]) / self.fs
        last = np.searchsorted(self.onsets, times + EDGE, side="right") - 1
        return np.where(last >= 0, times - self.onsets[np.maximum(last, 0)], np.inf)

    @cached_property
    def during(self) -> Mask:
        """Samples from the first pulse to 50 ms after the last one, (samples,)."""
        times = np.arange(self.recorded.shape[1]) / self.fs
        if not self.onsets.size:
            return np.ones(times.size, dtype=bool)
        return np.asarray((times >= self.onsets[0] - EDGE) & (times < self.onsets[-1] + AFTER))

    def phase(self, start: float, stop: float) -> Mask:
        """Sound samples so long after a pulse, s, (channels, samples)."""

        def make() -> Mask:
            return self.sound & self.during & (self.since >= start - EDGE) & (self.since < stop - EDGE)

        found: Mask = self.known(f"phase {start} {stop}", make)
        return found

    @cached_property
    def all(self) -> Mask:
        """Every sample of the stimulation, whatever became of it, (channels, samples)."""
        return np.broadcast_to(self.during, self.recorded.shape).copy()

    @cached_property
    def usable(self) -> Mask:
        """Sound samples outside the first 3 ms after a pulse, (channels, samples)."""
        return self.phase(EARLY, np.inf)

    @cached_property
    def working(self) -> Mask:
        """Samples with voluntary effort, (samples,)."""
        return self.drive > EFFORT

    @cached_property
    def resting(self) -> Mask:
        """Samples without voluntary effort anywhere near, (samples,)."""
        reach = round(SETTLED * self.fs)
        near = np.convolve(self.drive > 0, np.ones(2 * reach + 1), mode="same") > 0.5
        return ~near

    @cached_property
    def bursts(self) -> Mask:
        """Usable samples with effort; all usable ones when there is no effort anywhere, (channels, samples)."""
        return self.usable & self.working if self.working.any() else self.usable

    @cached_property
    def rest(self) -> Mask:
        """Usable samples at rest, (channels, samples)."""
        return self.usable & self.resting


def scene_of(simulation: Simulation) -> Scene:
    """Take from a simulation what the scores need."""
    recording, truth = simulation.recording, simulation.truth
    count = recording.n_samples
    place = np.minimum((np.arange(count) / recording.fs * 1000).astype(int), truth.drive.shape[1] - 1)
    return Scene(
        fs=recording.fs,
        onsets=simulation.pulses.onsets - recording.start,
        stimulator=simulation.pulses.stimulator,
        recorded=recording.signal,
        voluntary=truth.voluntary,
        noise=truth.noise,
        evoked=truth.evoked,
        evoked_random=truth.evoked_random,
        sound=truth.sound,
        drive=truth.drive.max(axis=0)[place],
    )
