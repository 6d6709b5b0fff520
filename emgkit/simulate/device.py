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

MUSCLE_RATE = 5000.0  # Hz, at which muscle potentials are rendered for the first stage
CLIPPED, BLANKED, LOST = np.uint8(1), np.uint8(3), np.uint8(4)
BLANKED_BEFORE = 0.5e-3  # s


@dataclass(frozen=True, eq=False)
class Device:
    """A recording device in a session.

    Parameters
    ----------
    session : Session
        Its front end.
    onsets : (pulses,) s
    leaks : artifact of every stimulator
    inputs : gives what the muscles put into the inputs, (channels, samples), at a rate
    """

    session: Session
    onsets: Array
    leaks: list[Leak]
    inputs: Callable[[float, int], Array]


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
        added, codes = _overloaded(device, linear.shape)
        signal += added
        condition = codes
    if front_end.blanking:
        _blank(signal, condition, device)
    condition[np.abs(signal) >= front_end.full_scale] = CLIPPED
    signal = front_end.convert(signal)
    if front_end.packet_loss:
        _lose(signal, condition, device, rng)
    return Seen(signal, condition)


def _overloaded(device: Device, shape: tuple[int, int]) -> tuple[Array, NDArray[np.uint8]]:
    front_end, (channels, count) = device.session.front_end, shape
    rate, ratio = analog_rate(front_end)
    muscles = device.inputs(MUSCLE_RATE, int(np.ceil(count / front_end.fs * MUSCLE_RATE)) + 2)
    added, codes = np.zeros(shape), np.zeros(shape, dtype=np.uint8)
    for channel in range(channels):
        emg = muscles[channel]

        def entering(begin: int, end: int, channel: int = channel, emg: Array = emg) -> Array:
            samples = (end - begin) * ratio
            time = begin / front_end.fs + np.arange(samples) / rate
            total = np.interp(time * MUSCLE_RATE, np.arange(emg.size), emg)
            for leak in device.leaks:
                total += leak.entering(channel, begin / front_end.fs, rate, samples)
                total += np.repeat(leak.shift[channel, begin:end], ratio)
            return total

        added[channel], codes[channel] = overload(entering, count, front_end)
    return added, codes


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
