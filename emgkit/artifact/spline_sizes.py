"""Sizes of the artifact and of the response at every pulse, over those of the mean."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.artifact.spline_basis import PhaseDesign

__all__ = [
    "EARLY",
    "LARGEST_SIZE",
    "LATE",
    "RAMPED",
    "Fitted",
    "artifact_sizes",
    "edge_sizes",
    "is_fast",
    "is_ramped",
    "resized",
    "steady",
]

Array = NDArray[np.float64]
Counts = NDArray[np.int64]

EARLY, LATE = -0.0006, 0.0024  # s about a pulse, in which its artifact stands
LARGEST_SIZE = 3.0  # over the mean size of the artifact
RAMPED = 0.03  # relative SD of the size of the artifact
FAST = 0.085  # the same of what smooth courses do not follow, from which what a mean leaves is that of sizes
SLOW_PULSES = 15  # over which a size must change for smooth courses to follow it
CLEAR = 30.0  # power of the artifact's edges over what the fit leaves there, from which any of this is decided
LEAST_POWER = 0.01  # of the usual power of the edges, from which a pulse's own can be judged
FAR_OVER = 25.0  # times what fits usually miss of an artifact, from which something is wrong


@dataclass(frozen=True, eq=False)
class Fitted(FrozenValue):
    """A first fit of one stimulator's responses.

    Parameters
    ----------
    design : PhaseDesign
        Samples of every pulse.
    rest : (channels, samples) V, what the fit leaves
    waves : (channels, rows) V, the response as fitted
    mean : (channels, size) V, coefficients of the mean response
    turning : (channels, size) V, coefficients of what turns over with the polarity
    polarity : (pulses,) or None
        1 or −1 where the pulses turn over.
    """

    design: PhaseDesign
    rest: Array
    waves: Array
    mean: Array
    turning: Array
    polarity: Array | None = None

    @property
    def polarities(self) -> tuple[float, ...]:
        """Polarities that a pulse may have; 0 where none turns over."""
        return (0.0,) if self.polarity is None else (1.0, -1.0)

    def polarity_of(self, pulse: int) -> float:
        """Give the polarity of a pulse; 0 where none turns over."""
        return 0.0 if self.polarity is None else float(self.polarity[pulse])

    def mean_of(self, channel: int) -> Array:
        """Coefficients of the mean response at every pulse, V, (pulses, size)."""
        mean = np.broadcast_to(self.mean[channel], (self.design.pulses, self.design.size))
        return mean if self.polarity is None else mean + np.outer(self.polarity, self.turning[channel])


def artifact_sizes(fitted: Fitted) -> Array | None:
    """Size of every pulse's artifact over the mean's, (pulses,); None where artifacts do not stand out.

    Sizes that differ much make edges that do not stand out of what a mean leaves; smooth courses follow slow ones
    nearly as well.
    """
    fitted = steady(fitted)
    sizes, _, steepest = edge_sizes(fitted, varied=True)
    if steepest <= 0 or not is_fast(sizes):
        sizes, _, steepest = edge_sizes(fitted)
    return sizes if steepest > 0 else None


def edge_sizes(fitted: Fitted, *, varied: bool = False) -> tuple[Array, Array, float]:
    """Size of every pulse's artifact by its edges, the share of them that the fit misses, and the usual steepest, V².

    The share is NaN where the samples of a pulse miss the edges, so that it cannot be judged; its size is that of its
    neighbours. The last is the power of the steepest change; 0 where edges do not stand out.
    """
    design = fitted.design
    near = (design.phase[:-1] >= EARLY) & (design.phase[1:] <= LATE) & (design.pulse[1:] == design.pulse[:-1])
    first = np.flatnonzero(near)
    if not first.size:
        return np.ones(design.pulses), np.zeros(design.pulses), 0.0
    pulse = design.pulse[first]
    rows = np.asarray(len(fitted.rest) * np.bincount(pulse, minlength=design.pulses), dtype=np.int64)
    wave = fitted.waves[:, first + 1] - fitted.waves[:, first]
    left = fitted.rest[:, design.samples[first + 1]] - fitted.rest[:, design.samples[first]]
    power, match, noise = (
        np.asarray(np.bincount(pulse, values.sum(axis=0), minlength=design.pulses), dtype=np.float64)
        for values in (wave**2, wave * (left + wave), left**2)
    )
    beside = float(np.median(_beside_sizes(power, match, noise, rows) if varied else noise))
    if np.median(power) < CLEAR * beside:
        return np.ones(design.pulses), np.zeros(design.pulses), 0.0
    steepest = np.zeros(design.pulses)
    np.maximum.at(steepest, pulse, (wave**2).sum(axis=0))
    told = power > max(CLEAR * beside, LEAST_POWER * float(np.median(power)))
    if not told.any():
        return np.ones(design.pulses), np.zeros(design.pulses), 0.0
    places = np.arange(design.pulses)
    sizes = np.interp(places, places[told], match[told] / power[told])
    left = np.maximum(noise - (sizes - 1) ** 2 * power, 0.0)  # when every artifact has the size that fits best
    missed = np.where(left > FAR_OVER * np.median(left), left / np.maximum(sizes**2 * power, 1e-300), 0.0)
    return sizes, np.where(told, missed, np.nan), float(np.median(steepest))


def _beside_sizes(power: Array, match: Array, noise: Array, number: Counts) -> Array:
    """Power of what is left of every pulse's edges when each has the size that fits it best, V², (pulses,)."""
    seen = (power > 0) & (number > 1)
    left = noise - np.where(seen, (match - power) ** 2 / np.where(seen, power, 1.0), 0.0)
    return np.where(seen, np.maximum(left, 0.0) * number / np.maximum(number - 1, 1), noise)


def steady(fitted: Fitted) -> Fitted:
    """Give the fit with the mean artifact at every pulse: courses of single pulses would explain what is wrong."""
    design = fitted.design
    near = (design.phase >= EARLY) & (design.phase <= LATE)
    waves, rest = fitted.waves.copy(), fitted.rest.copy()
    rows = design.rows_of(near)
    for channel in range(len(fitted.mean)):
        steady = rows.evaluate(fitted.mean_of(channel))
        rest[channel, rows.samples] += waves[channel, near] - steady
        waves[channel, near] = steady
    return replace(fitted, rest=rest, waves=waves)


def resized(fitted: Fitted, sizes: Array) -> Fitted:
    """Give the fit with every artifact of its own size: ramps are steeper than smooth courses."""
    design = fitted.design
    near = (design.phase >= EARLY) & (design.phase <= LATE)
    waves, rest = fitted.waves.copy(), fitted.rest.copy()
    change = waves[:, near] * (sizes[design.pulse[near]] - 1)
    waves[:, near] += change
    rest[:, design.samples[near]] -= change
    return replace(fitted, rest=rest, waves=waves)


def is_ramped(sizes: Array) -> bool:
    """Tell whether artifacts change their size more than stimulators do by chance."""
    return float(np.std(np.clip(sizes, 0.0, LARGEST_SIZE))) > RAMPED


def is_fast(sizes: Array) -> bool:
    """Tell whether artifacts change their size faster than smooth courses follow."""
    from scipy.ndimage import uniform_filter1d

    fast = sizes - uniform_filter1d(sizes, SLOW_PULSES, mode="nearest")
    return float(np.std(np.clip(fast, -LARGEST_SIZE, LARGEST_SIZE))) > FAST
