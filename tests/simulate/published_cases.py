"""Muscles, contractions and M-waves that the tests of published results share."""

from functools import lru_cache

import numpy as np

import emgkit as ek
from emgkit.simulate import FatigueParameters, FrontEnd, Montage, PoolParameters
from emgkit.simulate.fatigue import FibreState, follow
from emgkit.simulate.muscle import make_muscle, render_spikes
from emgkit.simulate.spikes import fire
from emgkit.simulate.twitch import maximal_force, steady_force

WIDE = FrontEnd(high_pass=None, fs=4000.0)
LIGHT = PoolParameters(units=60, fibres_per_unit=4)
DEFAULT, USUAL = FatigueParameters(), Montage()
# growth of the action potential by the sodium pump: from 82.2 to 96.8 mV in rat soleus after 5 min of tetani, 4 s every
# 5 s at 20 Hz (Hicks and McComas 1989, J Physiol 414:337)
PUMP = 0.18
M_WAVE = ("vpp", "area", "amp_phase1", "amp_phase2", "m_wave_mdf", "m_wave_mnf")


def muscle(seed, pool=LIGHT, fatigue=DEFAULT, montage=USUAL):
    """One muscle with an M-wave of 8 mV; of the fatigue only the shapes of the action potentials count."""
    return _made(seed, pool, fatigue.potentiation, fatigue.after_potential, montage)


@lru_cache(maxsize=32)
def _made(seed, pool, potentiation, after_potential, montage):
    shapes = FatigueParameters(potentiation=potentiation, after_potential=after_potential)
    return make_muscle(pool, montage, 8e-3, WIDE, shapes, rng=np.random.default_rng(seed))


def steady(units, velocity=1.0):
    """State of fibres that all conduct at the same relative velocity."""
    ones = np.ones((units, 3))
    return FibreState(np.broadcast_to(np.reshape(velocity, (-1, 1)), ones.shape), ones, 0 * ones, ones)


def m_waves(one, state, times, fs=4000.0, units=None):
    """Cut responses of all units (or of some) to single pulses at times, as segments."""
    unit = np.arange(len(one.pool)) if units is None else np.asarray(units)
    count = int(0.08 * fs)
    waves = []
    for time in np.atleast_1d(times):
        velocity, amplitude, growth = state.at(np.full(unit.size, float(time)), unit)
        waves.append(one.templates.render(one.pool.latency[unit], unit, velocity, amplitude, fs, count, growth))
    starts = np.atleast_1d(times).astype(float)
    # every response is a train of its own: there is no noise to be told from neighbours
    return ek.Segments(np.stack(waves), fs=fs, starts=starts, first=0.0, kind="evoked", train=np.arange(starts.size))


def measured(one, state, times, features=M_WAVE):
    """Measure M-waves at times: {feature: (times,)} of the first channel."""
    table = ek.measure(m_waves(one, state, times), list(features))
    return {name: table.values[name][:, 0] for name in features}


def intermittent(count, on=3.0, off=2.0, after=0.0):
    """Drive of intermittent maximal contractions on a grid of 1 kHz."""
    cycle = np.concatenate([np.ones(int(on * 1000)), np.zeros(int(off * 1000))])
    return np.concatenate([np.tile(cycle, count), np.zeros(int(after * 1000))])


@lru_cache(maxsize=64)
def maximal_contractions(seed, pool=LIGHT, count=48, after=0.0):
    """Spikes of contractions of 3 s, 2 s apart: they do not depend on what becomes of the fibres."""
    return fire(muscle(seed, pool).pool, intermittent(count, after=after), rng=np.random.default_rng(1000 + seed))


def state_after(one, spikes, duration, fatigue):
    """Follow the fibres through spikes."""
    return follow(one.pool, spikes.times, spikes.unit, duration, fatigue)


def voluntary_emg(one, spikes, state, duration, fs=2000.0):
    """Voluntary EMG, V, (channels, samples)."""
    return render_spikes(one.templates, spikes.times, spikes.unit, state, fs, int(duration * fs))


def windows(signal, length=1.0, fs=2000.0):
    """Cut a signal, (channels, samples), into windows."""
    size = int(length * fs)
    count = signal.shape[1] // size
    cut = signal[:, : count * size].reshape(len(signal), count, size).swapaxes(0, 1)
    return ek.Segments(cut, fs=fs, starts=length * np.arange(count), first=0.0, kind="voluntary")


def drive_for(pool, force):
    """Drive at which a fresh pool gives a force over that at full drive."""
    drives = np.linspace(0.0, 1.0, 401)
    forces = steady_force(pool, pool.rates(drives)).sum(axis=0) / maximal_force(pool)
    return float(np.interp(force, forces, drives))


def maximal_effort(one, state, times):
    """Force of full drive at times over that of the fresh muscle."""
    fresh = steady_force(one.pool, one.pool.rates(np.ones(1)))[:, 0]
    unit = np.arange(len(one.pool))
    return (
        np.array([(fresh * state.force_at(np.full(unit.size, float(time)), unit)).sum() for time in times])
        / fresh.sum()
    )


def velocity(one, state, times):
    """Mean conduction velocity at times over that at rest."""
    unit = np.arange(len(one.pool))
    rest = one.pool.velocity
    return (
        np.array([(rest * state.at(np.full(unit.size, float(time)), unit)[0]).mean() for time in times]) / rest.mean()
    )
