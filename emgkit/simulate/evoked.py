"""Which motor units a stimulation pulse excites, and when their end-plates follow: M-wave, H-reflex and F-waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from emgkit._checks import in_range
from emgkit.errors import ParameterError
from emgkit.simulate.kinds import check_kinds
from emgkit.simulate.pool import BEYOND_REACH, THRESHOLD_SPREAD, Pool

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]

REFRACTORY = 3e-3  # s, a pulse sooner than this after the last excitation fails; unverified
SUPERNORMAL_UNTIL = 15e-3  # s, until then the velocity is raised; unverified
SUPERNORMAL = 0.05  # relative rise of the velocity; unverified
FLUCTUATION_BAND = (0.5, 12.0)  # Hz, of the part of the variation that all units share; unverified
CERTAIN = 1e-5  # chances nearer to 0 or 1 than this count as such; numerical


@dataclass(frozen=True)
class EvokedParameters:
    """How the evoked response varies from pulse to pulse, and what comes after the M-wave.

    Defaults without a citation are plausible and unverified.

    Parameters
    ----------
    threshold_spread : float
        Relative SD of one axon's threshold from pulse to pulse (0.0165: Sleutjes et al. 2021).
    latency_jitter : float
        SD of a unit's latency from pulse to pulse, s.
    misses : float
        Chance that an axon that is excited does not follow.
    fluctuation : float
        Relative SD of a variation of the size between 0.5 and 12 Hz that all units share, as by movement under the
        recording electrodes.
    threshold_fluctuation : float
        The same of the thresholds, as by movement of the axons under the stimulating electrodes: it moves submaximal
        responses and leaves maximal ones alone.
    h_reflex : float
        Share of the muscle that the largest H-reflex recruits, 0 ... 1; 0 for none.
    h_latency : float
        Latency of the H-reflex, s.
    h_current : float
        Current at which half of the reflex is reached, over the median motor threshold, both at 200 µs.
    f_waves : float
        Chance that an excited motoneuron backfires, about 0.02; 0 for none.
    """

    threshold_spread: float = THRESHOLD_SPREAD
    latency_jitter: float = 20e-6
    misses: float = 0.0
    fluctuation: float = 0.004
    threshold_fluctuation: float = 0.011
    h_reflex: float = 0.0
    h_latency: float = 0.030
    h_current: float = 0.7
    f_waves: float = 0.0

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        in_range("threshold_spread", self.threshold_spread, 0.0, 0.2)
        in_range("threshold_fluctuation", self.threshold_fluctuation, 0.0, 0.2)
        in_range("latency_jitter", self.latency_jitter, 0.0, 1e-3, "s")
        for name in ("misses", "fluctuation", "h_reflex", "f_waves"):
            in_range(name, getattr(self, name), 0.0, 1.0)
        in_range("h_latency", self.h_latency, 0.015, 0.06, "s")
        in_range("h_current", self.h_current, 0.1, 3.0)


@dataclass(frozen=True, eq=False)
class Stimuli:
    """Pulses as the axons see them; one value per pulse.

    Parameters
    ----------
    onsets : s, sorted
    current : A
    width : s
    stimulator : int
    rise : thresholds over those at the beginning
    steady : bool, outside the ramps of a train
    """

    onsets: Array
    current: Array
    width: Array
    stimulator: Indices
    rise: Array
    steady: NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Volleys:
    """What the pulses excited; every array but the last two has one value per excitation.

    Parameters
    ----------
    times : (events,) s, when the end-plate is excited
    unit : (events,) int
    pulse : (events,) int
    velocity : (events,) velocity over that at rest, from the recovery of the membrane
    scale : (events,) amplitude over that at rest
    chance : (pulses, units) chance of excitation
    fired : (pulses, units) bool
    """

    times: Array
    unit: Indices
    pulse: Indices
    velocity: Array
    scale: Array
    chance: Array
    fired: NDArray[np.bool_]

    def hits(self, onsets: Array) -> list[Array]:
        """Give, of pulses at ``onsets``, those that excited each unit's axon, s."""
        return [onsets[column] for column in self.fired.T]


def site_thresholds(pool: Pool, stimulators: int, *, rng: np.random.Generator) -> Array:
    """Thresholds at 200 µs under every stimulator, A, (stimulators, units): another site reaches others first."""
    others = [rng.permutation(pool.threshold) for _ in range(stimulators - 1)]
    return np.stack([pool.threshold, *others])


def excite(
    pool: Pool, stimuli: Stimuli, thresholds: Array, parameters: EvokedParameters, *, rng: np.random.Generator
) -> Volleys:
    """Excite a pool by pulses.

    Parameters
    ----------
    pool : Pool
        The units.
    stimuli : Stimuli
        The pulses.
    thresholds : ndarray, shape (stimulators, units)
        A at 200 µs.
    parameters : EvokedParameters
        Spread of the thresholds, jitter, misses and the shared variation.
    rng : numpy.random.Generator
        Source of chance.
    """
    shape = (stimuli.onsets.size, len(pool))
    limit = thresholds[stimuli.stimulator] * pool.width_factor(stimuli.width) * stimuli.rise[:, np.newaxis]
    above = stimuli.current[:, np.newaxis] / limit - 1
    moved = parameters.threshold_fluctuation * _fluctuation(stimuli.onsets, rng.spawn(1)[0])
    now = _chance(above - moved[:, np.newaxis], parameters.threshold_spread, parameters.misses)
    fired, since, able = _refractory(rng.uniform(size=shape) < now, stimuli.onsets)
    pulse, unit = np.nonzero(fired)
    jitter = parameters.latency_jitter * rng.standard_normal(pulse.size)
    shared = 1 + parameters.fluctuation * _fluctuation(stimuli.onsets, rng)
    return Volleys(
        stimuli.onsets[pulse] + pool.latency[unit] + jitter,
        unit,
        pulse,
        np.where(since[pulse, unit] < SUPERNORMAL_UNTIL, 1 + SUPERNORMAL, 1.0),
        shared[pulse],
        chance_above(above, parameters) * able,
        fired,
    )


def chance_above(above: Array, parameters: EvokedParameters) -> Array:
    """Chance of excitation by a current that is so much above threshold, relative, over all that varies."""
    spread = float(np.hypot(parameters.threshold_spread, parameters.threshold_fluctuation))
    return _chance(above, spread, parameters.misses)


def _chance(above: Array, spread: float, misses: float) -> Array:
    chance = ndtr(above / max(spread, 1e-9)) * (1 - misses)
    return np.where(chance < CERTAIN, 0.0, np.where(chance > 1 - CERTAIN, 1.0, chance))


def expected(volleys: Volleys, pool: Pool, stimuli: Stimuli) -> Volleys:
    """Give what the same pulses excite on average: every unit by its chance, without jitter and shared variation."""
    pulse, unit = np.nonzero(volleys.chance)
    velocity = np.ones(volleys.chance.shape)
    velocity[volleys.pulse, volleys.unit] = volleys.velocity
    return Volleys(
        stimuli.onsets[pulse] + pool.latency[unit],
        unit,
        pulse,
        velocity[pulse, unit],
        volleys.chance[pulse, unit],
        volleys.chance,
        volleys.fired,
    )


def _refractory(reached: NDArray[np.bool_], onsets: Array) -> tuple[NDArray[np.bool_], Array, NDArray[np.bool_]]:
    fired, able = reached.copy(), np.ones_like(reached)
    since = np.full(reached.shape, np.inf)
    last = np.full(reached.shape[1], -np.inf)
    for row, onset in enumerate(onsets):
        since[row] = onset - last
        able[row] = since[row] >= REFRACTORY
        fired[row] &= able[row]
        last = np.where(fired[row], onset, last)
    return fired, since, able


def _fluctuation(onsets: Array, rng: np.random.Generator) -> Array:
    from scipy.signal import butter, sosfilt

    if not onsets.size:
        return np.zeros(0)
    rate, lead = 100.0, 500
    count = int(onsets[-1] * rate) + 2
    noise = rng.standard_normal(count + lead)
    slow = sosfilt(butter(2, FLUCTUATION_BAND, "bandpass", fs=rate, output="sos"), noise)[lead:]
    gain = np.sqrt((FLUCTUATION_BAND[1] - FLUCTUATION_BAND[0]) / (rate / 2))
    return np.interp(onsets * rate, np.arange(count), slow / gain)


def median_threshold(pool: Pool, thresholds: Array) -> float:
    """Median threshold of the units within reach at 200 µs, A.

    Raises
    ------
    ParameterError
        If no unit is within reach.
    """
    reached = thresholds[thresholds < BEYOND_REACH]
    if not reached.size:
        raise ParameterError(f"No motor unit of {len(pool)} is within reach of the current: raise reach.")
    return float(np.median(reached))
