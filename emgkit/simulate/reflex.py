"""Late responses to a stimulation pulse: the H-reflex with its collision, and F-waves."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit

from emgkit.simulate.evoked import REFRACTORY, EvokedParameters, Stimuli, Volleys, median_threshold
from emgkit.simulate.pool import REFERENCE_WIDTH, Pool
from emgkit.simulate.spikes import Spikes, annihilate

Array = NDArray[np.floating[Any]]

AFFERENT_CHRONAXIE = 665e-6  # s, of sensory axons, Mogyoros, Kiernan and Burke 1996 (Brain 119:439)
AFFERENT_SLOPE = 0.08  # of the afferents' recruitment over its half current; unverified
REFLEX_NOISE = 0.05  # relative SD of the reflex's size from pulse to pulse; unverified
DEPRESSION, DEPRESSION_TIME = 0.5, 3.0  # loss after each reflex and the time in which it returns, s; unverified
F_LATENCY = (0.028, 0.034)  # s, range over the units; unverified
F_JITTER = 0.3e-3  # s


def h_reflexes(
    pool: Pool,
    stimuli: Stimuli,
    thresholds: Array,
    hits: list[Array],
    conduction: float,
    parameters: EvokedParameters,
    *,
    rng: np.random.Generator,
) -> Spikes:
    """End-plate times of the reflex volleys that reach the muscle, s.

    The afferents have lower thresholds than the motor axons; the reflex recruits motor units in the order of their
    size, smallest first. A reflex spike that meets an antidromic volley on its axon is lost, so that the reflex falls
    as the M-wave grows; it is depressed for seconds after every reflex, so that it fades in trains.
    """
    if not parameters.h_reflex:
        return Spikes(np.zeros(0), np.zeros(0, dtype=np.int64))
    half = parameters.h_current * median_threshold(pool, thresholds) * _afferent_width_factor(stimuli.width)
    drive = expit((stimuli.current / half - 1) / AFFERENT_SLOPE) * parameters.h_reflex
    drive = drive * _available(stimuli.onsets, drive) * (1 + REFLEX_NOISE * rng.standard_normal(drive.size))
    share = np.cumsum(pool.innervation) / pool.innervation.sum()
    pulse, unit = np.nonzero(share[np.newaxis, :] <= drive[:, np.newaxis])
    at_site = stimuli.onsets[pulse] + parameters.h_latency - float(np.mean(pool.latency))
    sent = Spikes(at_site, unit)
    reaching, _ = annihilate(sent, hits, conduction)
    return Spikes(reaching.times + pool.latency[reaching.unit], reaching.unit)


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
    hits: list[Array],
    parameters: EvokedParameters,
    *,
    rng: np.random.Generator,
) -> Spikes:
    """End-plate times of the F-waves that reach the muscle, s.

    Some of the motoneurons that the antidromic volley reached backfire; in fast trains they meet the volley of the
    next pulse.
    """
    back = rng.uniform(size=volleys.unit.size) < parameters.f_waves
    unit, pulse = volleys.unit[back], volleys.pulse[back]
    own = rng.uniform(*F_LATENCY, size=len(pool))
    times = stimuli.onsets[pulse] + own[unit] + F_JITTER * rng.standard_normal(unit.size)
    alone = [
        not _hit_between(hits[one], begin, passing)
        for one, begin, passing in zip(unit, stimuli.onsets[pulse], times - pool.latency[unit], strict=True)
    ]
    return Spikes(times[alone], unit[alone])


def _hit_between(hits: Array, after: float, before: float) -> bool:
    return bool(np.searchsorted(hits, before) > np.searchsorted(hits, after, side="right"))
