"""One simulated muscle: its pool, its templates under the electrodes, and its activity in a session."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.evoked import Volleys, excite
from emgkit.simulate.fatigue import FatigueParameters, FibreState, follow
from emgkit.simulate.fibre import fibre_potentials
from emgkit.simulate.front_end import FINE, FrontEnd
from emgkit.simulate.pool import Pool, PoolParameters, make_pool, place_fibres
from emgkit.simulate.spikes import Spikes, annihilate, fire
from emgkit.simulate.templates import Templates

Array = NDArray[np.floating[Any]]

TEMPLATE_LENGTH = 0.045  # s
ELECTRODES = (25.0, 45.0)  # mm from the innervation zone: a bipolar pair, 20 mm apart
FULL_RESPONSE = 1.0  # current over the highest threshold at which Mmax is taken


@dataclass(frozen=True, eq=False)
class Muscle:
    """A pool with its action potentials as the front end sees them.

    Parameters
    ----------
    pool : Pool
        Motor units.
    templates : Templates
        Filtered action potentials of one bipolar channel, V.
    """

    pool: Pool
    templates: Templates


def make_muscle(parameters: PoolParameters, m_max: float, front_end: FrontEnd, *, rng: np.random.Generator) -> Muscle:
    """Draw a muscle and scale it so that the response of all units has the peak-to-peak size ``m_max``, V."""
    pool = make_pool(parameters, rng=rng)
    fibres = place_fibres(pool, parameters, np.zeros(2), rng=rng)
    potentials = fibre_potentials(fibres, np.array(ELECTRODES), FINE, TEMPLATE_LENGTH)
    bipolar = (potentials[:, 0] - potentials[:, 1]).reshape(len(pool), parameters.fibres_per_unit, -1).mean(axis=1)
    waves = _without_offset(front_end.filter(bipolar * pool.innervation[:, np.newaxis]))
    raw = Templates(waves[:, np.newaxis], FINE)
    units = np.arange(len(pool))
    whole = raw.render(pool.latency, units, np.ones(len(pool)), np.ones(len(pool)), FINE, int(0.06 * FINE))
    return Muscle(pool, Templates(raw.values * (m_max / float(np.ptp(whole))), FINE))


def _without_offset(waves: Array) -> Array:
    """Put the end of the high-pass's slow tail, which the templates cut off, back into their second half.

    A high-pass leaves no net area; without this, voluntary EMG would have an offset.
    """
    count = waves.shape[1]
    bell = np.zeros(count)
    bell[count // 2 :] = np.hanning(count - count // 2)
    return waves - waves.sum(axis=1, keepdims=True) * (bell / bell.sum())


@dataclass(frozen=True, eq=False)
class Activity:
    """What a muscle did in a session.

    Parameters
    ----------
    volleys : Volleys
        What the pulses excited.
    spikes : Spikes
        Voluntary spikes that reach the muscle, at the site of stimulation.
    kept : (units,) share of the voluntary spikes that were not annihilated
    state : FibreState
        Velocity and amplitude over time.
    """

    volleys: Volleys
    spikes: Spikes
    kept: Array
    state: FibreState


def act(
    muscle: Muscle,
    onsets: Array,
    current: Array,
    width: float,
    drift: Array,
    drive: Array,
    conduction: float,
    fatigue: FatigueParameters,
    *,
    rng: np.random.Generator,
) -> Activity:
    """Stimulate a muscle while its owner follows a drive (on a grid of 1 kHz, 0 ... 1)."""
    pool = muscle.pool
    volleys = excite(pool, onsets, current, width, drift, rng=rng)
    intended = fire(pool, drive, rng=rng)
    hits = [onsets[volleys.fired[:, unit]] for unit in range(len(pool))]
    spikes, mask = annihilate(intended, hits, conduction)
    sent = np.maximum(np.bincount(intended.unit, minlength=len(pool)), 1)
    kept = np.bincount(intended.unit[mask], minlength=len(pool)) / sent
    times = np.concatenate([volleys.times, spikes.times + pool.latency[spikes.unit]])
    unit = np.concatenate([volleys.unit, spikes.unit])
    return Activity(volleys, spikes, kept, follow(pool, times, unit, drive.size / 1000.0, fatigue))


def render_evoked(muscle: Muscle, activity: Activity, fs: float, count: int) -> Array:
    """Render the evoked response, V, (channels, samples)."""
    volleys = activity.volleys
    velocity, amplitude = activity.state.at(volleys.times, volleys.unit)
    return muscle.templates.render(volleys.times, volleys.unit, velocity * volleys.velocity, amplitude, fs, count)


def render_voluntary(muscle: Muscle, activity: Activity, fs: float, count: int) -> Array:
    """Render the voluntary EMG that reaches the skin, V, (channels, samples)."""
    spikes = activity.spikes
    times = spikes.times + muscle.pool.latency[spikes.unit]
    velocity, amplitude = activity.state.at(times, spikes.unit)
    return muscle.templates.render(times, spikes.unit, velocity, amplitude, fs, count)
