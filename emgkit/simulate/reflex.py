"""Late responses to a stimulation pulse: the H-reflex with its collision, and F-waves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, ndtr

from emgkit.simulate.evoked import CERTAIN, REFRACTORY, EvokedParameters, Stimuli, Volleys, median_threshold
from emgkit.simulate.pool import REFERENCE_WIDTH, Pool
from emgkit.simulate.spikes import Spikes, annihilate

Array = NDArray[np.floating[Any]]

AFFERENT_CHRONAXIE = 665e-6  # s, of sensory axons, Mogyoros, Kiernan and Burke 1996 (Brain 119:439)
AFFERENT_SLOPE = 0.08  # of the afferents' recruitment over its half current; unverified
REFLEX_NOISE = 0.05  # relative SD of the reflex's size from pulse to pulse; unverified
DEPRESSION, DEPRESSION_TIME = 0.5, 3.0  # loss after each reflex and the time in which it returns, s; unverified
F_LATENCY = (0.028, 0.034)  # s, range over the units; unverified
F_JITTER = 0.3e-3  # s, SD of one unit's F-waves; unverified
# a mean over a Gaussian jitter as that over two places, SD, with their weights (Gauss and Hermite); numerical
JITTER_NODES = ((-1.0, 0.5), (1.0, 0.5))


@dataclass(frozen=True, eq=False)
class Late:
    """Late responses: those that came, and those that were to be expected.

    Parameters
    ----------
    spikes : Spikes
        End-plate times of the volleys that reached the muscle, s.
    times, unit, chance : (events,)
        When which unit may have been excited, and how probable that was.
    """

    spikes: Spikes
    times: Array
    unit: NDArray[np.int64]
    chance: Array

    def __add__(self, other: Late) -> Late:
        def both(mine: NDArray[Any], its: NDArray[Any]) -> Any:
            return np.concatenate([mine, its])

        return Late(
            Spikes(both(self.spikes.times, other.spikes.times), both(self.spikes.unit, other.spikes.unit)),
            both(self.times, other.times),
            both(self.unit, other.unit),
            both(self.chance, other.chance),
        )


def none() -> Late:
    """No late responses."""
    nobody = np.zeros(0, dtype=np.int64)
    return Late(Spikes(np.zeros(0), nobody), np.zeros(0), nobody, np.zeros(0))


def h_reflexes(
    pool: Pool,
    stimuli: Stimuli,
    thresholds: Array,
    volleys: Volleys,
    conduction: float,
    parameters: EvokedParameters,
    *,
    rng: np.random.Generator,
) -> Late:
    """Reflex volleys.

    The afferents have lower thresholds than the motor axons; the reflex recruits motor units in the order of their
    size, smallest first. A reflex spike that meets an antidromic volley on its axon is lost, so that the reflex falls
    as the M-wave grows; it is depressed for seconds after every reflex, so that it fades in trains.
    """
    if not parameters.h_reflex:
        return none()
    half = parameters.h_current * median_threshold(pool, thresholds) * _afferent_width_factor(stimuli.width)
    mean = expit((stimuli.current / half - 1) / AFFERENT_SLOPE) * parameters.h_reflex
    mean = mean * _available(stimuli.onsets, mean)
    drive = mean * (1 + REFLEX_NOISE * rng.standard_normal(mean.size))
    share = np.cumsum(pool.innervation) / pool.innervation.sum()
    pulse, unit = np.nonzero(share[np.newaxis, :] <= drive[:, np.newaxis])
    at_site = stimuli.onsets + parameters.h_latency - float(np.mean(pool.latency))
    reaching, _ = annihilate(Spikes(at_site[pulse], unit), volleys.hits(stimuli.onsets), conduction)
    spikes = Spikes(reaching.times + pool.latency[reaching.unit], reaching.unit)
    chance = ndtr((1 - share / np.maximum(mean[:, np.newaxis], 1e-12)) / REFLEX_NOISE)
    chance *= _unhit(volleys.chance, stimuli.onsets, at_site - 2 * conduction, at_site)
    return Late(spikes, *_listed(at_site[:, np.newaxis] + pool.latency, chance))


def _listed(times: Array, chance: Array) -> tuple[Array, NDArray[np.int64], Array]:
    pulse, unit = np.nonzero(chance > CERTAIN)
    return times[pulse, unit], unit, chance[pulse, unit]


def _unhit(chance: Array, onsets: Array, after: Array, until: Array) -> Array:
    """Probability that no pulse after one time until another excites a unit, (times, units)."""
    first, last = (np.searchsorted(onsets, edge, side="right") for edge in (after, until))
    return np.array([np.prod(1 - chance[a:b], axis=0) for a, b in zip(first, last, strict=True)]).reshape(chance.shape)


def _afferent_width_factor(width: Array) -> Array:
    """Afferents' thresholds at pulse widths in s over those at 200 µs: long pulses favour them."""
    return (1 + AFFERENT_CHRONAXIE / width) / (1 + AFFERENT_CHRONAXIE / REFERENCE_WIDTH)


def _available(onsets: Array, drive: Array) -> Array:
    """How much of the reflex every pulse finds: none while the motoneurons are refractory from the one before."""
    ready, level, before, last = np.ones(onsets.size), 1.0, -np.inf, -np.inf
    for number, onset in enumerate(onsets):
        level = 1 - (1 - level) * np.exp(-(onset - before) / DEPRESSION_TIME) if number else 1.0
        before = onset
        if onset - last < REFRACTORY:
            ready[number] = 0.0
            continue
        ready[number] = level
        if drive[number] > 1e-3:
            level *= 1 - DEPRESSION
            last = onset
    return ready


def f_waves(
    pool: Pool,
    stimuli: Stimuli,
    volleys: Volleys,
    parameters: EvokedParameters,
    *,
    rng: np.random.Generator,
) -> Late:
    """F-waves.

    Some of the motoneurons that the antidromic volley reached backfire; in fast trains they meet the volley of the
    next pulse.
    """
    if not parameters.f_waves:
        return none()
    back = rng.uniform(size=volleys.unit.size) < parameters.f_waves
    unit, pulse = volleys.unit[back], volleys.pulse[back]
    own = rng.uniform(*F_LATENCY, size=len(pool))
    times = stimuli.onsets[pulse] + own[unit] + F_JITTER * rng.standard_normal(unit.size)
    hits = volleys.hits(stimuli.onsets)
    alone = [
        not _hit_between(hits[one], begin, passing)
        for one, begin, passing in zip(unit, stimuli.onsets[pulse], times - pool.latency[unit], strict=True)
    ]
    came = Late(Spikes(times[alone], unit[alone]), *(np.zeros(0), np.zeros(0, dtype=np.int64), np.zeros(0)))
    for place, weight in JITTER_NODES:
        came = came + _expected_f_waves(pool, stimuli, volleys, parameters, own + place * F_JITTER, weight)
    return came


def _expected_f_waves(
    pool: Pool, stimuli: Stimuli, volleys: Volleys, parameters: EvokedParameters, own: Array, weight: float
) -> Late:
    times = stimuli.onsets[:, np.newaxis] + own
    chance = volleys.chance * parameters.f_waves * weight
    for number in range(len(pool)):
        passing = times[:, number] - pool.latency[number]
        column = volleys.chance[:, number : number + 1]
        chance[:, number] *= _unhit(column, stimuli.onsets, stimuli.onsets, passing)[:, 0]
    return Late(none().spikes, *_listed(times, chance))


def _hit_between(hits: Array, after: float, before: float) -> bool:
    return bool(np.searchsorted(hits, before) > np.searchsorted(hits, after, side="right"))
