"""What the device makes of a signal: overload, blanking, converter, lost packets."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.first_stage import analog_rate, overload
from emgkit.simulate.leak import Leak
from emgkit.simulate.session import Session

Array = NDArray[np.floating[Any]]

INPUT_RATE = 5000.0  # Hz, what enters beside the artifact is rendered at least so finely there; numerical
Inputs = Callable[[int], Array]

CLIPPED, BLANKED, LOST = np.uint8(1), np.uint8(3), np.uint8(4)
BLANKED_BEFORE = 0.5e-3  # s, by which blanking hardware begins before the pulse; unverified


@dataclass(frozen=True, eq=False)
class Device:
    """A recording device in a session.

    Parameters
    ----------
    session : Session
        Its front end.
    onsets : (pulses,) s
    leaks : artifact of every stimulator
    inputs : gives what else enters the first stage, before any filter, V, (channels, samples): EMG, noise and
        interference, at so many times the output rate
    """

    session: Session
    onsets: Array
    leaks: list[Leak]
    inputs: Inputs


@dataclass(frozen=True, eq=False)
class Seen:
    """What the device stored: the signal, V, and what became of every sample, both (channels, samples)."""

    signal: Array
    condition: NDArray[np.uint8]


def recorded(device: Device, linear: Array, *, rng: np.random.Generator) -> Seen:
    """Record a signal that has passed the filters, V, (channels, samples)."""
    front_end = device.session.front_end
    condition = np.zeros(linear.shape, dtype=np.uint8)
    signal = linear.copy()
    if not front_end.linear:
        signal, condition = _overloaded(device, linear)
    if front_end.blanking:
        _blank(signal, condition, device)
    condition[np.abs(signal) >= front_end.full_scale] = CLIPPED
    signal = front_end.convert(signal)
    if front_end.packet_loss:
        _lose(signal, condition, device, rng)
    return Seen(signal, condition)


def _overloaded(device: Device, linear: Array) -> tuple[Array, NDArray[np.uint8]]:
    """Let a signal pass the first stage.

    What its limits change is added to the signal behind the filters. Where it is clipped, what left the stage is taken
    as it is: there the two ways to the output, which differ by their grids, must not leak past the rail.
    """
    front_end, (channels, count) = device.session.front_end, linear.shape
    rate, ratio = analog_rate(front_end)
    finer = max(int(np.ceil(INPUT_RATE / front_end.fs)), 2)
    inputs = device.inputs(finer)
    signal, codes = np.zeros(linear.shape), np.zeros(linear.shape, dtype=np.uint8)
    for channel in range(channels):
        other = inputs[channel]

        def entering(begin: int, end: int, channel: int = channel, other: Array = other) -> Array:
            samples = (end - begin) * ratio
            place = (begin + np.arange(samples) / ratio) * finer
            total = np.interp(place, np.arange(other.size), other)
            for leak in device.leaks:
                total += leak.entering(channel, begin / front_end.fs, rate, samples)
                total += np.repeat(leak.shift[channel, begin:end], ratio)
            return total

        limited, free, codes[channel] = overload(entering, count, front_end)
        clipped = codes[channel] == CLIPPED
        signal[channel] = np.where(clipped, limited, linear[channel] + (limited - free))
    return signal, codes


def _blank(signal: Array, condition: NDArray[np.uint8], device: Device) -> None:
    front_end, count = device.session.front_end, signal.shape[1]
    for onset in device.onsets:
        low = max(int(np.ceil((onset - BLANKED_BEFORE) * front_end.fs)), 0)
        high = min(int(np.ceil((onset + front_end.blanking) * front_end.fs)), count)
        if high <= low:
            continue
        held = signal[:, max(low - 1, 0)]
        decay = np.exp(-front_end.droop * np.arange(high - low) / front_end.fs)
        signal[:, low:high] = held[:, np.newaxis] * (decay if front_end.blanked_to == "held" else 0.0)
        condition[:, low:high] = BLANKED


def _lose(signal: Array, condition: NDArray[np.uint8], device: Device, rng: np.random.Generator) -> None:
    front_end, count = device.session.front_end, signal.shape[1]
    size = max(round(front_end.packet * front_end.fs), 1)
    lost = np.flatnonzero(rng.uniform(size=int(np.ceil(count / size))) < front_end.packet_loss)
    for packet in lost[lost > 0]:
        part = slice(packet * size, min((packet + 1) * size, count))
        signal[:, part] = signal[:, packet * size - 1, np.newaxis]
        condition[:, part] = LOST
