"""The scenario `nmes_fatigue`: continuous stimulation that fatigues a muscle, with voluntary bursts now and then."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt, nearest
from emgkit.errors import ParameterError
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.simulate import process
from emgkit.simulate.front_end import FINE
from emgkit.simulate.muscle import Activity, Muscle, act, make_muscle, render_evoked, render_voluntary
from emgkit.simulate.nmes_parameters import NMESFatigue
from emgkit.simulate.noise import draw_mains, draw_noise, noise_spectrum
from emgkit.simulate.pool import PoolParameters
from emgkit.simulate.stimulus import voltage
from emgkit.simulate.templates import Templates
from emgkit.simulate.traces import force_trace, trigger_trace
from emgkit.simulate.truth import Simulation, Truth

__all__ = ["NMESFatigue", "nmes_fatigue", "tiny"]

Array = NDArray[np.floating[Any]]

ARTIFACT_LENGTH = 0.06  # s
FEATURE_STEPS = 25  # times at which process values are computed; between them they are smooth
FREQUENCY_STEP = 1.0  # Hz, of the spectra behind the process values
DRIFT_SHARE, DRIFT_TIME = 0.1, 300.0  # thresholds rise by so much with this time constant, s; unverified


def nmes_fatigue(*, rng: np.random.Generator, **overrides: Any) -> Simulation:
    """Simulate a muscle that fatigues under continuous stimulation, with voluntary bursts from time to time.

    Motor units lie in an anisotropic half-space. The current reaches part of their axons; the conduction velocity of
    the fibres falls with their activity. All units are driven voluntarily in bursts, and spikes that meet an
    antidromic volley are lost, so that voluntary EMG comes from the units out of reach. Added are the stimulation
    artifact, mains and noise. The front end's filters are applied to the stored action potentials, so that slowing
    by s stretches what is recorded exactly by 1/s.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all chance; the same state gives the same recording.
    **overrides
        Fields of `NMESFatigue`.

    Returns
    -------
    Simulation
        Recording with the traces TRIG (10 kHz) and force (100 Hz), true pulses, and truth.

    Raises
    ------
    ParameterError
        If a parameter is unknown or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from emgkit.simulate import nmes_fatigue
    >>> made = nmes_fatigue(rng=np.random.default_rng(1), duration=5.0, bursts=1)
    >>> made.recording.channel_names
    ('VL', 'VM')
    """
    known = [item.name for item in fields(NMESFatigue)]
    for name in overrides:
        if name not in known:
            raise ParameterError(f"nmes_fatigue has no parameter {name!r}: {nearest(name, known)}.")
    return _simulate(NMESFatigue(**overrides), rng)


def tiny(*, rng: np.random.Generator, **overrides: Any) -> Simulation:
    """Simulate 3 s of `nmes_fatigue` with one channel and 30 motor units: for quick tests and examples."""
    small = {
        "duration": 3.0,
        "channel_names": ("VL",),
        "bursts": 1,
        "burst_length": 1.0,
        "pool": PoolParameters(units=30, fibres_per_unit=4, reach=0.6),
    }
    return nmes_fatigue(rng=rng, **(small | overrides))


def _simulate(made: NMESFatigue, rng: np.random.Generator) -> Simulation:
    front_end, fs = made.front_end, made.front_end.fs
    count = round(made.duration * fs)
    onsets = made.onsets(rng=rng)
    muscles = [make_muscle(made.pool, made.m_max, front_end, rng=rng) for _ in made.channel_names]
    drift = 1 + DRIFT_SHARE * -np.expm1(-onsets / DRIFT_TIME)
    current = np.full(onsets.size, made.current)
    drive = made.drive()
    acts = [
        act(muscle, onsets, current, made.pulse.width, drift, drive, made.conduction, made.fatigue, rng=rng)
        for muscle in muscles
    ]
    shape = (len(muscles), count)
    pairs = list(zip(muscles, acts, strict=True))
    parts = {
        "artifact": _artifact(made, onsets, count, rng),
        "evoked": np.concatenate([render_evoked(muscle, activity, fs, count) for muscle, activity in pairs]),
        "voluntary": np.concatenate([render_voluntary(muscle, activity, fs, count) for muscle, activity in pairs]),
        "interference": draw_mains(shape, made.mains, made.mains_amplitude, fs, rng=rng),
        "noise": draw_noise(shape, made.noise, front_end, rng=rng),
    }
    times, features = _process_values(made, pairs)
    truth = Truth(
        **parts,
        onsets=onsets,
        velocity_times=times,
        velocity=np.stack([_mean_velocity(muscle, activity, times) for muscle, activity in pairs]),
        feature_times=times,
        features=features,
    )
    recording = Recording(
        adopt(front_end.convert(truth.signal)),
        fs,
        made.channel_names,
        aux={"TRIG": trigger_trace(onsets, made.duration), "force": force_trace(pairs, made.duration)},
        marks=made.marks(),
        source="simulated",
    )
    widths = np.full(onsets.size, made.pulse.width)
    pulses = Pulses(np.asarray(onsets, dtype=np.float64), current=current, width=widths)
    return Simulation(recording, pulses, truth)


def _artifact(made: NMESFatigue, onsets: Array, count: int, rng: np.random.Generator) -> Array:
    """Artifact of all channels, V: one waveform from closed forms, filtered on a grid of 200 kHz."""
    fine = 10 * FINE
    grid = np.arange(int(ARTIFACT_LENGTH * fine)) / fine
    wave = made.front_end.filter(voltage(grid, made.pulse, made.electrode) * made.current, fine)
    gains = np.array([1.0, -0.6, 0.8, -0.4])[np.arange(len(made.channel_names)) % 4]
    table = Templates((gains[:, np.newaxis] * wave)[np.newaxis], fine)
    slow = 1 + made.gain_drift * np.sin(2 * np.pi * (onsets / made.duration + rng.uniform()))
    scale = slow * (1 + made.gain_noise * rng.standard_normal(onsets.size))
    index = np.zeros(onsets.size, dtype=np.int64)
    return table.render(onsets, index, np.ones(onsets.size), scale, made.front_end.fs, count)


def _mean_velocity(muscle: Muscle, activity: Activity, times: Array) -> Array:
    fired = np.flatnonzero(activity.volleys.fired.mean(axis=0) > 0.5)
    if not fired.size:
        fired = np.arange(len(muscle.pool))
    states = [activity.state.at(np.full(fired.size, time), fired)[0] for time in times]
    return np.array([float(np.mean(state * muscle.pool.velocity[fired])) for state in states])


def _process_values(made: NMESFatigue, pairs: list[tuple[Muscle, Activity]]) -> tuple[Array, dict[str, Array]]:
    times = np.linspace(0.0, made.duration, FEATURE_STEPS)
    frequencies = np.arange(FREQUENCY_STEP, made.front_end.fs / 2, FREQUENCY_STEP)
    noise = noise_spectrum(frequencies, made.noise, made.front_end)
    rows = []
    for muscle, activity in pairs:
        rates = muscle.pool.rates(np.array([made.effort]))[:, 0]
        values = [_values_at(made, muscle, activity, float(time), rates, frequencies, noise) for time in times]
        rows.append({name: np.array([value[name] for value in values]) for name in values[0]})
    return times, {name: np.concatenate([row[name] for row in rows], axis=1) for name in rows[0]}


def _values_at(
    made: NMESFatigue, muscle: Muscle, activity: Activity, time: float, rates: Array, frequencies: Array, noise: Array
) -> dict[str, Array]:
    drift = 1 - DRIFT_SHARE * np.expm1(-time / DRIFT_TIME)
    response = process.expected_response(
        muscle.pool, muscle.templates, activity.state, time, made.current, made.pulse.width, drift, 1 / made.rate
    )
    spectrum = process.voluntary_spectrum(muscle.templates, rates, activity.kept, activity.state, time, frequencies)
    return process.evoked_values(response, FINE) | process.voluntary_values(spectrum + noise, frequencies)
