"""What the sessions of the benchmark have in common, and the draws that make every seed another recording."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.simulate import (
    Contact,
    Effort,
    Electrode,
    EvokedParameters,
    FatigueParameters,
    FrontEnd,
    PoolParameters,
    PulseShape,
    Session,
    Simulation,
    Stimulator,
    Surroundings,
    Truth,
)
from emgkit.simulate.stimulus import voltage

__all__ = ["drawn", "intervals_between", "tail_transfer", "with_reflex", "with_variation", "with_voluntary_level"]

Array = NDArray[np.floating[Any]]
Rng = np.random.Generator

DURATION = 20.0  # s
REFLEX_SIZE, REFLEX_DELAY = 0.25, 0.030  # of the M-wave, and s after it
SPAN = (0.5, 19.5)  # s, of the stimulation
CURRENT = 0.080  # A, supramaximal
SUBMAXIMAL, WEAK = 0.030, 0.026  # A, about half and a third of the units within reach
FATIGUE = FatigueParameters(slowing=0.012, shared=1.0)  # faster than the default: harder to follow
NO_FATIGUE = FatigueParameters(slowing=0.0, weakening=0.0, threshold_rise=0.0, block=0.0)
NO_VARIATION = EvokedParameters(threshold_spread=0.0, latency_jitter=0.0, fluctuation=0.0, threshold_fluctuation=0.0)
# half of the axons are out of the current's reach, so that their voluntary spikes meet no antidromic volley; with
# 17 ms of conduction those of the others never pass at 30 Hz, and none are gated in phase
POOL = PoolParameters(units=100, fibres_per_unit=4, reach=0.5)


def drawn(rng: Rng, *, varied: bool = False, tailed: bool = False, **changes: Any) -> Session:
    """Draw a session: 20 s, two channels over two muscles, 2 kHz, 30 Hz stimulation and voluntary bursts.

    The M-wave is 2 to 3 mV, the artifact's peak 0.4 to 4 mV (about 10 to 100 times the voluntary EMG) and over 3 ms
    after the pulse, or with a tail of 20 µV to 1 mV there, the clock off by up to 100 ppm.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of what varies between seeds.
    varied : bool
        With the usual pulse-to-pulse variation, fatigue and gain noise; otherwise the response is strictly periodic.
    tailed : bool
        Whether the artifact has a tail that runs under the M-wave.
    **changes
        Fields of `Session` or its parts, by name.
    """
    effort, size, place, clock = _effort(rng), rng.uniform(3.5e-3, 5.5e-3), rng.uniform(), rng.uniform()
    steady = Contact(Electrode(), gains=(1.0, -0.6), gain_drift=0.0, gain_noise=0.0, second_rank=0.0)
    usual = replace(steady, gain_drift=0.02, gain_noise=0.002, second_rank=0.05)
    session = Session(
        duration=DURATION,
        m_max=float(size),
        efforts_of=(effort,),
        pool=POOL,
        evoked=EvokedParameters() if varied else NO_VARIATION,
        fatigue=FATIGUE if varied else NO_FATIGUE,
        surroundings=Surroundings(mains_amplitude=1e-6),
        front_end=FrontEnd(high_pass=10.0, full_scale=0.3),
        stimulators=(
            Stimulator(
                current=CURRENT,
                stimulation=SPAN,
                jitter=2e-6 if varied else 0.0,
                clock_error=float(200 * clock - 100),
                contact=usual if varied else steady,
            ),
        ),
    )
    # the artifact is as large at any current
    plain = (_tailed if tailed else _brief)(place, changes.get("current", CURRENT))
    return session.override("case", {**plain, **changes})


def _brief(place: float, current: float) -> dict[str, Any]:
    """Artifact of a balanced pulse, over 3 ms after it; ``place`` between 0 and 1 is that of its size in the range."""
    transfer = _within(PEAKS, place) * PEAK_TO_TRANSFER * CURRENT / current
    return {"transfer": transfer, "taus": (0.5e-3, 4e-3), "shares": (0.25, 0.3)}


def _tailed(place: float, current: float) -> dict[str, Any]:
    """Artifact of an asymmetrical pulse at the usual electrodes, whose tail runs under the M-wave."""
    electrode, pulse = Electrode(), PulseShape("asymmetrical", width=200e-6, gap=0.0)
    transfer = tail_transfer(_within(TAILS, place), pulse, electrode, current)
    return {"pulse": pulse, "transfer": transfer, "taus": electrode.taus, "shares": electrode.shares}


def _within(bounds: tuple[float, float], place: float) -> float:
    low, high = np.log(bounds)
    return float(np.exp(low + (high - low) * place))


PEAKS = (0.4e-3, 4e-3)  # V, of brief artifacts behind the filters
TAILS = (20e-6, 1e-3)  # V, of the others 3 ms after the pulse; unverified
PEAK_TO_TRANSFER = 35.0  # V/A of transfer per V of peak behind the filters, at the default current, pulse and tails


def _effort(rng: Rng) -> Effort:
    """Three or four contractions with pauses between them, 5 to 20 s long in total; never the same twice."""
    begin, spans, levels = 1.5 + rng.uniform(0, 1.0), [], []
    while begin < 17.0:
        end = min(begin + rng.uniform(2.0, 5.0), 19.0)
        spans.append((float(begin), float(end)))
        levels.append(float(rng.uniform(0.6, 1.0)))
        begin = end + rng.uniform(1.5, 2.5)
    return Effort(effort=0.35, contractions=tuple(spans), efforts=tuple(levels), common_drive=0.05)


def intervals_between(rng: Rng, low: float, high: float) -> tuple[float, ...]:
    """Draw the intervals of a train of varying frequency that fills the stimulation, s."""
    gaps = rng.uniform(low, high, int((SPAN[1] - SPAN[0]) / low))
    return tuple(float(gap) for gap in gaps[np.cumsum(gaps) < SPAN[1] - SPAN[0] - 0.05])


def tail_transfer(size: float, pulse: PulseShape, electrode: Electrode, current: float = CURRENT) -> float:
    """Give the transfer, V/A, with which the artifact's tail has a size, V, 3 ms after the pulse, before filters."""
    unit = replace(electrode, transfer=1.0)
    return float(size / (abs(voltage(np.array([3e-3]), pulse, unit)[0]) * current))


def with_voluntary_level(simulation: Simulation, level: float) -> Simulation:
    """Scale voluntary EMG to an RMS during effort, V, in every channel. Only for a device without limits."""
    truth, fs = simulation.truth, simulation.recording.fs
    at = np.minimum((np.arange(truth.voluntary.shape[1]) / fs * 1000).astype(int), truth.drive.shape[1] - 1)
    working = truth.drive.max(axis=0)[at] > 0.05
    now = np.sqrt(np.mean(truth.voluntary[:, working] ** 2, axis=1, keepdims=True))
    return _changed(simulation, voluntary=truth.voluntary * level / np.maximum(now, 1e-12))


def with_variation(simulation: Simulation, spread: float) -> Simulation:
    """Scale the evoked response's random part so that CV(Vpp) is as stated. Only for a device without limits.

    The waveforms of the variation are those of the pool (units that fire at some pulses and not at others, jitter,
    shared fluctuation); only its size is set, because it differs tenfold from pool to pool at the same current.
    """
    truth = simulation.truth
    average = truth.evoked - truth.evoked_random
    now = _vpp_spread(average, truth.evoked_random, simulation.pulses, simulation.recording.fs)
    random = truth.evoked_random * (spread / np.maximum(now, 1e-9))[:, np.newaxis]
    return _changed(simulation, evoked=average + random, evoked_random=random)


def with_reflex(simulation: Simulation) -> Simulation:
    """Add a response a quarter the size of the M-wave 30 ms after it. Only for a device without limits.

    An H-reflex is depressed within the first pulses of a train; F-waves and reflexes that are not, are what this
    stands for.
    """
    late, fs = simulation.truth.evoked - simulation.truth.evoked_random, simulation.recording.fs
    shift = round(REFLEX_DELAY * fs)
    reflex = np.zeros_like(late)
    reflex[:, shift:] = REFLEX_SIZE * late[:, :-shift]
    return _changed(simulation, evoked=simulation.truth.evoked + reflex, reflex=simulation.truth.reflex + reflex)


def _vpp_spread(average: Array, random: Array, pulses: Pulses, fs: float) -> Array:
    """CV(Vpp) of the random part around the mean response, (channels,)."""
    first = np.ceil(pulses.onsets[1:-1] * fs).astype(int)[:, np.newaxis] + np.arange(int(0.003 * fs), int(0.028 * fs))
    waves = average[:, first].mean(axis=1, keepdims=True) + random[:, first]
    sizes = np.ptp(waves, axis=2)
    return np.asarray(sizes.std(axis=1) / sizes.mean(axis=1))


def _changed(simulation: Simulation, **parts: Array) -> Simulation:
    old = simulation.truth
    values = {name: getattr(old, name) for name in Truth.__dataclass_fields__}
    truth = Truth(**{**values, **parts})
    was = simulation.recording
    recording = Recording(
        was.signal + truth.signal - old.signal,
        was.fs,
        was.channel_names,
        aux=was.aux,
        marks=was.marks,
        source=was.source,
    )
    return Simulation(recording, simulation.pulses, truth)
