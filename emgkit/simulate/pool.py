"""A pool of motor units: sizes, thresholds, firing rates, velocities, territories.

Sizes, recruitment and rates follow Fuglevand, Winter and Patla (1993, J Neurophysiol 70:2470); the thresholds of
electrical stimulation are log-normal and correlate with size by one parameter, because which axon fires first under
skin electrodes depends on where it lies more than on its diameter (Bickel, Gregory and Dean 2011, Eur J Appl Physiol
111:2399). Constants without a citation are plausible values and unverified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue, in_range
from emgkit.simulate.fibre import Fibres
from emgkit.simulate.kinds import check_kinds
from emgkit.simulate.ranges import whole

Array = NDArray[np.floating[Any]]

RECRUITMENT_RANGE = 30.0  # thresholds of the last unit over the first, Fuglevand et al. 1993
TWITCH_RANGE = 100.0  # twitch forces of the last unit over the first, Fuglevand et al. 1993
SLOWEST_TWITCH, TWITCH_TIMES = 0.09, 3.0  # s, of the first unit, and over the last, Fuglevand et al. 1993
FIBRES_OF_MUSCLE = 71000.0  # all units together; unverified
MINIMUM_RATE, PEAK_RATE_FIRST, PEAK_RATE_DROP = 8.0, 35.0, 10.0  # Hz, Fuglevand et al. 1993
CHRONAXIE, CHRONAXIE_SPREAD = 459e-6, 126e-6  # s, Mogyoros, Kiernan and Burke 1996 (Brain 119:439)
THRESHOLD_SPREAD = 0.0165  # relative SD of one axon's threshold, Sleutjes et al. 2021 (Clin Neurophysiol 132:323)
BEYOND_REACH = 1e3  # A, threshold of axons out of reach; by definition
LENGTH, LENGTH_SPREAD = 60.0, 3.0  # mm, half-fibres; unverified
SHORTEST_CHRONAXIE = 100e-6  # s; unverified
SHORTEST_LATENCY = 1.5e-3  # s; unverified
LATENCY_SPREAD, LATENCY_SLOPE = 0.25, 0.3  # ms, SD, and by how much less per m/s of a faster unit; unverified
USUAL_LATENCY, USUAL_VELOCITY = 3.0e-3, 4.0  # s, m/s, of the pool that these two are of; by definition
SLOWEST = 0.5  # conduction velocity of the slowest unit over the mean; unverified
ACROSS, DEPTH, BELOW_FAT = 15.0, 20.0, 0.5  # mm, where the middles of the territories lie; unverified
SMALLEST_TERRITORY, TERRITORY_RANGE = 3.0, 4.0  # mm, smallest radius, and how much more the largest; unverified
FIBRE_SPREAD = 0.01  # relative SD of conduction velocity within a unit; unverified
END_PLATE_SPREAD = 2.0  # mm, SD along the fibres; unverified
PARTIAL_LENGTH = (0.5, 0.7)  # of a whole half-fibre; unverified
REFERENCE_WIDTH = 200e-6  # s, at which thresholds are stated; by definition


@dataclass(frozen=True)
class PoolParameters:
    """What a pool is made from. Defaults without a citation are plausible and unverified.

    Parameters
    ----------
    units : int
        Number of motor units.
    fibres_per_unit : int
        Representative fibres per unit; each stands for many.
    velocity : float
        Mean conduction velocity of the muscle fibres, m/s.
    velocity_spread : float
        SD between units, m/s.
    size_correlation : float
        Correlation of electrical threshold with unit size, −1 ... 1; positive: large units first.
    threshold : float
        Median threshold at 200 µs, A.
    threshold_sigma : float
        SD of the logarithm of the thresholds.
    fat : float
        Skin and fat between electrode and muscle, m.
    reach : float
        Share of the units whose axons the stimulating current reaches at all, 0 ... 1: a pad over one branch of the
        nerve leaves the units of the others to the will. Which ones does not depend on their size.
    velocity_size : float
        Correlation of conduction velocity with unit size, 0 ... 1.
    partial : float
        Share of the fibres that end about half-way between end-plate and tendon, 0 ... 1.
    latency : float
        Mean time from the stimulus to the end-plates, s; the spread of the units about it is in proportion to it.
    """

    units: int = 120
    fibres_per_unit: int = 8
    velocity: float = 4.0
    velocity_spread: float = 0.35
    size_correlation: float = 0.3
    threshold: float = 0.030
    threshold_sigma: float = 0.30
    fat: float = 0.0045
    reach: float = 1.0
    velocity_size: float = 0.9
    partial: float = 0.0
    latency: float = 3.0e-3

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        whole("units", self.units, 1, 2000)
        whole("fibres_per_unit", self.fibres_per_unit, 1, 200)
        in_range("velocity", self.velocity, 1.0, 10.0, "m/s")
        in_range("velocity_spread", self.velocity_spread, 0.0, 1.0, "m/s")
        in_range("size_correlation", self.size_correlation, -1.0, 1.0)
        in_range("threshold", self.threshold, 1e-5, 1.0, "A")
        in_range("threshold_sigma", self.threshold_sigma, 0.0, 1.0)
        in_range("fat", self.fat, 0.0, 0.03, "m")
        for name in ("reach", "velocity_size", "partial"):
            in_range(name, getattr(self, name), 0.0, 1.0)
        in_range("latency", self.latency, 1.5e-3, 6e-3, "s")


@dataclass(frozen=True, eq=False)
class Pool(FrozenValue):
    """Motor units in the order of size, smallest first; every array has one value per unit.

    Parameters
    ----------
    drive_threshold : (units,) excitatory drive at which the unit starts to fire
    peak_rate : (units,) Hz
    twitch : (units,) relative twitch force
    twitch_time : (units,) s, contraction time
    innervation : (units,) number of muscle fibres
    velocity : (units,) m/s
    threshold : (units,) A at 200 µs
    chronaxie : (units,) s
    latency : (units,) s from the stimulus to the end-plate
    """

    drive_threshold: Array
    peak_rate: Array
    twitch: Array
    twitch_time: Array
    innervation: Array
    velocity: Array
    threshold: Array
    chronaxie: Array
    latency: Array

    def __len__(self) -> int:
        return int(self.velocity.size)

    @property
    def full_drive(self) -> float:
        """Drive at which the last unit fires at its peak rate."""
        return float(self.drive_threshold[-1] + self.peak_rate[-1] - MINIMUM_RATE)

    def rates(self, drive: Array) -> Array:
        """Compute the firing rate of every unit, Hz, shape (units, samples), at a drive of 0 ... 1 of full drive."""
        above = drive * self.full_drive - self.drive_threshold[:, np.newaxis]
        rates = np.minimum(MINIMUM_RATE + above, self.peak_rate[:, np.newaxis])
        return np.where(above >= 0, rates, 0.0)

    def rate(self, unit: int, drive: Array) -> Array:
        """Compute the firing rate of one unit, Hz, shape (samples,): long drives need not be kept for all at once."""
        above = drive * self.full_drive - self.drive_threshold[unit]
        rates = np.minimum(MINIMUM_RATE + above, self.peak_rate[unit])
        return np.where(above >= 0, rates, 0.0)

    def width_factor(self, width: Array) -> Array:
        """Thresholds at pulse widths in s over those at 200 µs, (widths, units), by Weiss's law.

        Charge at threshold is linear in width.
        """
        return (1 + self.chronaxie / width[:, np.newaxis]) / (1 + self.chronaxie / REFERENCE_WIDTH)


def make_pool(parameters: PoolParameters, *, rng: np.random.Generator) -> Pool:
    """Draw a pool."""
    count = parameters.units
    rank = np.arange(1, count + 1) / count
    size = np.exp(np.log(TWITCH_RANGE) * rank)
    score = _normal_scores(count)
    drive_threshold = np.exp(np.log(RECRUITMENT_RANGE) * rank)
    mixed = parameters.size_correlation * score
    mixed = mixed + np.sqrt(1 - parameters.size_correlation**2) * rng.standard_normal(count)
    share = parameters.velocity_size
    wave = share * score + np.sqrt(1 - share**2) * rng.standard_normal(count)
    velocity = np.maximum(parameters.velocity + parameters.velocity_spread * wave, SLOWEST * parameters.velocity)
    out_of_reach = rng.permutation(count) >= round(parameters.reach * count)
    threshold = parameters.threshold * np.exp(-parameters.threshold_sigma * mixed)
    return Pool(
        drive_threshold=drive_threshold,
        peak_rate=PEAK_RATE_FIRST - PEAK_RATE_DROP * drive_threshold / drive_threshold[-1],
        twitch=size,
        twitch_time=SLOWEST_TWITCH * size ** (-np.log(TWITCH_TIMES) / np.log(TWITCH_RANGE)),
        innervation=FIBRES_OF_MUSCLE * size / size.sum(),
        velocity=velocity,
        threshold=np.where(out_of_reach, BEYOND_REACH, threshold),
        chronaxie=np.maximum(CHRONAXIE + CHRONAXIE_SPREAD * rng.standard_normal(count), SHORTEST_CHRONAXIE),
        latency=_latencies(parameters, velocity, rng),
    )


def _latencies(parameters: PoolParameters, velocity: Array, rng: np.random.Generator) -> Array:
    """Latency of every unit, s: larger axons lead faster, as their fibres do, and all differ more the longer the way.

    Fibres slower by a factor under a latency longer by it have all latencies longer by it: uniform slowing is exact.
    """
    faster = (velocity - parameters.velocity) * (USUAL_VELOCITY / parameters.velocity)
    spread = 1e-3 * (LATENCY_SPREAD * rng.standard_normal(faster.size) - LATENCY_SLOPE * faster)
    return np.maximum(SHORTEST_LATENCY, parameters.latency + spread * (parameters.latency / USUAL_LATENCY))


def _normal_scores(count: int) -> Array:
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(count) + 0.5) / count))


def place_fibres(pool: Pool, parameters: PoolParameters, lateral: Array, *, rng: np.random.Generator) -> Fibres:
    """Place the representative fibres of every unit under electrodes at ``lateral`` mm; units × fibres in a row."""
    count, each = len(pool), parameters.fibres_per_unit
    centre = rng.uniform(-ACROSS, ACROSS, count)
    fat = 1e3 * parameters.fat
    depth = fat + BELOW_FAT + rng.uniform(0.0, DEPTH, count)
    root = np.sqrt(pool.innervation)
    radius = SMALLEST_TERRITORY + TERRITORY_RANGE * (root - root.min()) / max(float(np.ptp(root)), 1e-12)
    spread, angle = (
        radius[:, np.newaxis] * np.sqrt(rng.uniform(size=(count, each))),
        rng.uniform(0, 2 * np.pi, (count, each)),
    )
    across = (centre[:, np.newaxis] + spread * np.cos(angle)).ravel()
    below = np.maximum(depth[:, np.newaxis] + spread * np.sin(angle), fat + BELOW_FAT).ravel()
    velocity = np.repeat(pool.velocity, each) * (1 + FIBRE_SPREAD * rng.standard_normal(count * each))
    return Fibres(
        velocity=velocity,
        end_plate=rng.normal(0.0, END_PLATE_SPREAD, count * each),
        lengths=_lengths(count * each, parameters.partial, rng),
        distance=np.hypot(across[:, np.newaxis] - lateral, below[:, np.newaxis]),
    )


def _lengths(count: int, partial: float, rng: np.random.Generator) -> Array:
    """From the end-plate to either end, mm: to the tendon, or half-way for fibres of partial length."""
    lengths = LENGTH + LENGTH_SPREAD * rng.standard_normal((count, 2))
    short = rng.uniform(size=(count, 1)) < partial
    return np.where(short, lengths * rng.uniform(*PARTIAL_LENGTH, size=(count, 2)), lengths)
