"""One simulated muscle: its pool, its templates under the electrodes, and its activity in a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq

from emgkit.simulate.evoked import EvokedParameters, Stimuli, Volleys, excite, expected, site_thresholds
from emgkit.simulate.fatigue import FatigueParameters, FibreState, follow
from emgkit.simulate.fibre import PLAIN, Fibres, shaped_potentials
from emgkit.simulate.front_end import FINE, FrontEnd
from emgkit.simulate.montage import Montage
from emgkit.simulate.pool import Pool, PoolParameters, make_pool, place_fibres
from emgkit.simulate.reflex import Late, f_waves, h_reflexes
from emgkit.simulate.spikes import GRID as DRIVE_GRID
from emgkit.simulate.spikes import Spikes, annihilate, fire, synchronised
from emgkit.simulate.templates import Templates

Array = NDArray[np.floating[Any]]

TEMPLATE_LENGTH = 0.045  # s, after which action potentials at the usual velocities are over; numerical
SURE = 6.0  # SDs of the jitter that are counted; numerical
TRAVELLED = 90.0  # mm, after which the slowest is: the longest fibre, and the action potential behind it; numerical


@dataclass(frozen=True, eq=False)
class Muscle:
    """A pool with its action potentials.

    Parameters
    ----------
    pool : Pool
        Motor units.
    templates : Templates
        Action potentials behind the anti-alias filter, V, one channel per electrode pair.
    raw : Templates
        The same before any filter.
    """

    pool: Pool
    templates: Templates
    raw: Templates


def make_muscle(
    parameters: PoolParameters,
    montage: Montage,
    m_max: float,
    front_end: FrontEnd,
    fatigue: FatigueParameters,
    *,
    rng: np.random.Generator,
) -> Muscle:
    """Draw a muscle; the response of all units in the first channel has the peak-to-peak size ``m_max``, V."""
    pool = make_pool(parameters, rng=rng)
    fibres = place_fibres(pool, parameters, 1e3 * np.repeat(montage.lateral, 2), rng=rng)
    shapes = (*PLAIN, (1 + fatigue.potentiation, 0.0), (1.0, fatigue.after_potential))
    waves = _bipolar(pool, fibres, montage, list(dict.fromkeys(shapes)))
    base = waves[PLAIN[0]]
    grown, late = (None if one in PLAIN else waves[one] - base for one in shapes[1:])
    raw = Templates(base, FINE, (grown, late))
    filtered = [None if more is None else front_end.low(more) for more in raw.growth]
    low = Templates(front_end.low(base), FINE, (filtered[0], filtered[1]))
    units, ones = np.arange(len(pool)), np.ones(len(pool))
    count = int((low.duration + 0.015) * FINE)  # the latencies take less than the rest
    whole = front_end.high(low.render(pool.latency, units, ones, ones, FINE, count), FINE)
    factor = m_max / float(np.ptp(whole[0]))
    return Muscle(pool, low.times(factor), raw.times(factor))


def _bipolar(
    pool: Pool, fibres: Fibres, montage: Montage, shapes: list[tuple[float, float]]
) -> dict[tuple[float, float], Array]:
    """Potentials of the units, V, (units, pairs, samples), for every shape of the action potential."""
    length = max(TEMPLATE_LENGTH, 1e-3 * TRAVELLED / float(fibres.velocity.min()))
    single = shaped_potentials(fibres, montage.axial().ravel(), FINE, length, shapes)
    count = pool.innervation[:, np.newaxis, np.newaxis]
    waves = {}
    for shape, potentials in zip(shapes, single, strict=True):
        pairs = potentials[:, 0::2] - potentials[:, 1::2]
        waves[shape] = np.asarray(pairs.reshape(len(pool), -1, *pairs.shape[1:]).mean(axis=1) * count)
    return waves


@dataclass(frozen=True, eq=False)
class Activity:
    """What a muscle did in a session.

    Parameters
    ----------
    stimuli : Stimuli
        Pulses as the muscle feels them.
    volleys : Volleys
        What the pulses excited directly.
    average : Volleys
        What they excite on average.
    late : Late
        H-reflex and F-waves: those that came, and those to be expected.
    intended : Spikes
        Voluntary spikes that left the spinal cord, at the site of stimulation.
    spikes : Spikes
        Those that passed it.
    state : FibreState
        Velocity, amplitude and force over time.
    thresholds : (sites, units) A at 200 µs, under the electrodes of every site
    """

    stimuli: Stimuli
    volleys: Volleys
    average: Volleys
    late: Late
    intended: Spikes
    spikes: Spikes
    state: FibreState
    thresholds: Array


def act(
    muscle: Muscle,
    stimuli: Stimuli,
    stimulators: int,
    drive: Array,
    conduction: float,
    evoked: EvokedParameters,
    fatigue: FatigueParameters,
    synchrony: float = 0.0,
    *,
    rng: np.random.Generator,
) -> Activity:
    """Stimulate a muscle while its owner follows a drive (on a grid of 1 kHz, 0 ... 1)."""
    pool = muscle.pool
    nerve, will, late = rng.spawn(3)
    thresholds = site_thresholds(pool, stimulators, rng=nerve)
    volleys = excite(pool, stimuli, thresholds, evoked, rng=nerve)
    hits = volleys.hits(stimuli.onsets)
    reflexes = h_reflexes(pool, stimuli, thresholds[0], volleys, conduction, evoked, rng=late)
    reflexes = reflexes + f_waves(pool, stimuli, volleys, evoked, rng=late)
    late_spikes = reflexes.spikes
    intended = fire(pool, drive, [times + conduction for times in hits], rng=will)
    intended = synchronised(intended, synchrony, rng=will.spawn(1)[0])
    spikes, _ = annihilate(intended, hits, conduction)
    times = np.concatenate([volleys.times, late_spikes.times, spikes.times + pool.latency[spikes.unit]])
    unit = np.concatenate([volleys.unit, late_spikes.unit, spikes.unit])
    state = follow(pool, times, unit, drive.size / DRIVE_GRID, fatigue)
    average = expected(volleys, pool, stimuli)
    return Activity(stimuli, volleys, average, reflexes, intended, spikes, state, thresholds)


def render_volleys(templates: Templates, volleys: Volleys, state: FibreState, fs: float, count: int) -> Array:
    """Render direct responses, V, (channels, samples)."""
    velocity, amplitude, growth = state.at(volleys.times, volleys.unit)
    velocity, amplitude = velocity * volleys.velocity, amplitude * volleys.scale
    return templates.render(volleys.times, volleys.unit, velocity, amplitude, fs, count, growth)


def render_average(templates: Templates, done: Activity, jitter: float, fs: float, count: int) -> Array:
    """Render the direct responses that are to be expected, V, (channels, samples).

    The mean over a Gaussian jitter of the latency, SD in s, is a convolution with its density.
    """
    direct = render_volleys(templates, done.average, done.state, fs, count)
    if not jitter:
        return direct
    size = next_fast_len(count + int(SURE * jitter * fs) + 1, real=True)
    turn = 2 * np.pi * rfftfreq(size, 1 / fs) * jitter
    return np.asarray(irfft(rfft(direct, size) * np.exp(-(turn**2) / 2), size)[:, :count])


def render_expected(templates: Templates, late: Late, state: FibreState, fs: float, count: int) -> Array:
    """Render the late responses that are to be expected, V, (channels, samples)."""
    velocity, amplitude, growth = state.at(late.times, late.unit)
    return templates.render(late.times, late.unit, velocity, amplitude * late.chance, fs, count, growth)


def render_spikes(
    templates: Templates, times: Array, unit: NDArray[np.int64], state: FibreState, fs: float, count: int
) -> Array:
    """Render action potentials at end-plate times, V, (channels, samples)."""
    velocity, amplitude, growth = state.at(times, unit)
    return templates.render(times, unit, velocity, amplitude, fs, count, growth)
