"""Voluntary EMG of known effort for the tests of `PhaseSpline`, and its power about pulses."""

import numpy as np
from scipy.signal import butter, sosfilt

import emgkit as ek
from emgkit.artifact.spline_piece import pulse_power

FS = 2000.0
COUNT = 32_000
BEGIN, END = 1.0, 15.5
LOUD = (4.0, 7.0), (10.0, 13.0)


def emg(count, seed, effort):
    """Noise of 20 to 200 Hz whose size follows an effort."""
    noise = sosfilt(
        butter(2, [20, 200], "bandpass", fs=FS, output="sos"), np.random.default_rng(seed).normal(size=count)
    )
    return effort * noise / noise.std()


def power_of(design, row):
    return pulse_power(design, row[design.samples], np.ones(design.samples.size), 0.025)


def effort_of(count):
    return np.where(np.arange(count) % 8000 < 4000, 40e-6, 3e-6)


def bursts():
    """Effort of two bursts."""
    times = np.arange(COUNT) / FS
    loud = np.zeros(COUNT)
    for low, high in LOUD:
        loud += np.clip((times - low) / 0.2, 0, 1) * np.clip((high - times) / 0.2, 0, 1)
    return 4e-6 + 50e-6 * loud


def train_of(seed, rate, sizes, mains=0.0, late=None):
    """Make a channel of artifact, M-wave and voluntary EMG, its pulses, and the EMG.

    ``sizes`` and ``late`` give the size of every M-wave, and how much later it is, s, from the onsets.
    """
    onsets = BEGIN + np.arange(round((END - BEGIN) * rate)) / rate
    fine, signal = 8, emg(COUNT, seed, bursts())
    size, delay = sizes(onsets), np.zeros(onsets.size) if late is None else late(onsets)
    parts = np.zeros((2, COUNT))
    for number, onset in enumerate(onsets):
        first = int((onset - 0.002) * FS)
        since = np.arange(first * fine, (first + 100) * fine) / (FS * fine) - onset
        edge = np.exp(-0.5 * ((since - 0.4e-3) / 0.25e-3) ** 2)
        place = (since - 0.0085 - delay[number]) / 0.0022
        wave = 1.6e-3 * size[number] * -place * np.exp(-0.5 * place**2)
        parts[:, first : first + 100] += np.stack([5e-3 * edge, np.where(since > 0, wave, 0.0)])[:, ::fine]
    lines = mains * np.sin(2 * np.pi * 50 * np.arange(COUNT) / FS)
    return parts.sum(axis=0) + signal + lines, ek.Pulses(onsets), signal


def errors_of(recorded, pulses, voluntary):
    """Relative error of the voluntary RMS during effort, foreign power over that of the EMG, and what is stated."""
    parts = ek.separate(ek.Recording(recorded, FS), pulses, ek.PhaseSpline())
    loud = bursts() > 50e-6
    found = parts.voluntary.signal[0]
    foreign = np.mean((found - voluntary)[loud] ** 2) / np.mean(voluntary[loud] ** 2)
    grade = parts.grades["voluntary_amplitude"][0]
    return np.sqrt(np.mean(found[loud] ** 2) / np.mean(voluntary[loud] ** 2)) - 1, foreign, grade
