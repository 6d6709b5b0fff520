"""Lost packets that nobody fills: the EMG becomes shorter than the traces beside it, and the trigger slips."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt
from emgkit.pulses import Pulses
from emgkit.recording import Mark
from emgkit.simulate.truth import CONDITIONS, SUB_PARTS, TRUTH_PARTS, Simulation, Spiking

Array = NDArray[np.floating[Any]]
Clock = Callable[[Array], NDArray[np.float64]]

LOST = CONDITIONS.index("lost")
STANDSTILL = 1e-6  # how fast the clock of the file runs in a lost packet; numerical
SIGNALS = (*TRUTH_PARTS, *SUB_PARTS)


def slipped(made: Simulation) -> Simulation:
    """Leave the lost packets out of the EMG and its parts.

    True times become those of the EMG file; what lies in a lost packet moves to where the file goes on. The traces
    (trigger, force, current), the drive and the planned pulses keep real time, so that a trigger comes late by the
    length of all packets lost before.
    """
    kept = made.truth.condition[0] != LOST
    if kept.all():
        return made
    clock = _clock(kept, made.recording.fs)
    recording, truth, pulses = made.recording, made.truth, made.pulses
    onsets = clock(truth.onsets)
    return Simulation(
        replace(
            recording,
            signal=adopt(recording.signal[:, kept].copy()),
            valid=recording.valid[:, kept],
            marks=tuple(_moved(mark, clock) for mark in recording.marks),
        ),
        Pulses(onsets, train=pulses.train, stimulator=pulses.stimulator, current=pulses.current, width=pulses.width),
        replace(
            truth,
            **{name: adopt(getattr(truth, name)[:, kept].copy()) for name in SIGNALS},
            condition=truth.condition[:, kept],
            onsets=onsets,
            velocity_times=clock(truth.velocity_times),
            feature_times=clock(truth.feature_times),
            spiking=None if truth.spiking is None else _spikes(truth.spiking, clock),
        ),
    )


def _clock(kept: NDArray[np.bool_], fs: float) -> Clock:
    """From real time to that of a file that holds the samples that were ``kept``."""
    edges = np.arange(kept.size + 1) / fs
    # what lies in a lost packet keeps its order
    passed = np.concatenate([[0.0], np.cumsum(np.where(kept, 1.0, STANDSTILL))]) / fs
    return lambda times: np.asarray(np.interp(times, edges, passed), dtype=np.float64)


def _moved(mark: Mark, clock: Clock) -> Mark:
    start, stop = clock(np.array([mark.start, mark.stop]))
    return replace(mark, start=float(start), stop=float(stop))


def _spikes(spiking: Spiking, clock: Clock) -> Spiking:
    return replace(
        spiking,
        times=clock(spiking.times),
        intended_times=clock(spiking.intended_times),
        reflex_times=clock(spiking.reflex_times),
    )
