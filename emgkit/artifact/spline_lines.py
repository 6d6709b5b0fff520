"""Which lines are mains and which are response, where both lie too close to be told apart by frequency."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.base import windows_mask
from emgkit.artifact.interference import (
    DEVIATION,
    NOMINAL,
    RESOLVED,
    TOO_CLOSE,
    USUAL,
    Mains,
    near_harmonic,
    steady_orders,
)
from emgkit.artifact.line_courses import Lines, fit_lines
from emgkit.artifact.mains_in_pieces import find_in_pieces
from emgkit.pulses import Pulses

__all__ = [
    "colliding_orders",
    "hidden_frequencies",
    "hidden_power",
    "join_mains",
    "lines_of_mains",
    "mains_without_pulses",
    "near_responses",
    "said_of_hidden",
    "told_without_pulses",
]

Array = NDArray[np.float64]

CLEAR_OF_PULSES = 0.15  # s after a pulse from which nothing evoked is expected any more
SAME_FUNDAMENTAL = 0.1  # Hz: short stretches without pulses give the fundamental no better
LEAST_QUIET = 2.0  # s without pulses, from which the size of a line can be known
LEAST_SEEN = 0.2  # s, from which something is known of it: ten cycles
LEAST_FREE = 0.1  # of every second, from which lines are fitted without what responses may reach
STEADY_FOR = 30.0  # s, for which mains keeps its phase so well that a line may count as steady; unverified
SAME_SIZE = 4.0  # a line so many times larger than without pulses is mostly response: a stimulator lets mains in too


def colliding_orders(mains: Mains, rate: float, duration: float) -> tuple[int, ...]:
    """Harmonics of mains that are not told from a harmonic of the stimulation.

    They lie within a quarter of a hertz. In a short recording, duration in s, a line is steady, so that one and a half
    cycles by which they run out of step tell them apart.
    """
    if not mains.orders or not np.isfinite(rate):
        return ()
    lines = np.array(mains.orders) * mains.frequency
    distance = np.abs(lines - rate * np.maximum(np.round(lines / rate), 1))
    reach = min(TOO_CLOSE, RESOLVED / duration) if duration <= STEADY_FOR else TOO_CLOSE
    return tuple(order for order, near in zip(mains.orders, distance <= reach, strict=True) if near)


def mains_without_pulses(signal: Array, known: NDArray[np.bool_], fs: float, pulses: Pulses) -> Mains:
    """Find mains in the stretches without pulses, if there are two seconds of them."""
    quiet = _quiet(signal, known, fs, pulses)
    return find_in_pieces(signal, quiet, fs) if _enough(quiet, fs) else Mains(float("nan"), ())


def hidden_frequencies(
    signal: Array, known: NDArray[np.bool_], fs: float, pulses: Pulses, mains: Mains, rate: float
) -> list[float]:
    """Frequencies of mains that could not be looked for, because it would lie on the stimulation's harmonics, Hz."""
    if told_without_pulses(signal, known, fs, pulses):
        return []
    if not mains.orders:
        return [nominal for nominal in NOMINAL if near_harmonic(nominal, rate, TOO_CLOSE + DEVIATION)]
    unseen = Mains(mains.frequency, tuple(order for order in USUAL if order not in mains.orders))
    together = colliding_orders(unseen, rate, signal.shape[1] / fs)
    return [order * mains.frequency for order in together if order * mains.frequency < fs / 2]


def said_of_hidden(frequencies: list[float], rate: float) -> list[str]:
    """Say which mains could not be looked for."""
    return [
        f"Mains of {frequency:.4g} Hz, if there is any, lies on a harmonic of the {rate:.4g} Hz stimulation and "
        f"is in the response: record two seconds without pulses to tell them apart."
        for frequency in frequencies
    ]


def hidden_power(signal: Array, known: NDArray[np.bool_], fs: float, pulses: Pulses, frequencies: list[float]) -> Array:
    """Power of lines that may be in the response, by what little there is without pulses, V², (channels,).

    It is known too badly to take the lines away, and says how far they may change the response: the root mean square
    over all stretches, between which they run out of step. 0 where none is a fifth of a second long.
    """
    power = np.zeros(len(signal))
    for row, (wave, ok) in enumerate(zip(signal, _quiet(signal, known, fs, pulses), strict=True)):
        ends = np.flatnonzero(np.diff(ok, prepend=False, append=False)).reshape(-1, 2)
        long = [(low, high) for low, high in ends if high - low >= LEAST_SEEN * fs]
        each = [0.5 * _fitted(wave[low:high], fs, frequencies) for low, high in long]
        power[row] = np.average(each, weights=[high - low for low, high in long]) if long else 0.0
    return power


def _fitted(wave: Array, fs: float, frequencies: list[float]) -> float:
    """Sum of the squared amplitudes of lines beside a constant, V²."""
    turn = 2 * np.pi * np.outer(np.arange(wave.size) / fs, frequencies)
    basis = np.concatenate([np.cos(turn), np.sin(turn), np.ones((wave.size, 1))], axis=1)
    found = np.linalg.lstsq(basis, wave, rcond=None)[0][:-1]
    return float(found @ found)


def join_mains(beside: Mains, alone: Mains, rate: float, duration: float) -> Mains:
    """Take the lines between the harmonics of the stimulation, and those seen without pulses."""
    frequency = beside.frequency if beside.orders else alone.frequency
    same = bool(alone.orders) and abs(frequency - alone.frequency) <= SAME_FUNDAMENTAL
    orders = tuple(sorted({*beside.orders, *(alone.orders if same else ())}))
    return Mains(frequency, orders, steady_orders(frequency, orders, rate if duration <= STEADY_FOR else None))


def told_without_pulses(signal: Array, known: NDArray[np.bool_], fs: float, pulses: Pulses) -> bool:
    """Tell whether enough was recorded without pulses to know the size of a line."""
    return _enough(_quiet(signal, known, fs, pulses), fs)


def _enough(quiet: NDArray[np.bool_], fs: float) -> bool:
    return bool(quiet[0].sum() >= LEAST_QUIET * fs)


def near_responses(near: NDArray[np.bool_], fs: float, onsets: Array) -> NDArray[np.bool_]:
    """Give the samples that no line is fitted to, (samples,): those near pulses, and all that responses may reach.

    Between slow pulses enough is left to know a line by, and a response that is larger than it cannot pass for it.
    Between others the line is what responses and it are fitted to in turns.
    """
    reached = windows_mask(onsets, fs, near.size, 0.005, CLEAR_OF_PULSES)
    starts = np.arange(0, max(near.size - round(fs) + 1, 1), max(round(fs), 1))
    free = np.add.reduceat(~reached, starts) / np.diff(np.append(starts, near.size))
    return reached if free.min() >= LEAST_FREE else near


def _quiet(signal: Array, known: NDArray[np.bool_], fs: float, pulses: Pulses) -> NDArray[np.bool_]:
    return known & ~windows_mask(pulses.onsets, fs, signal.shape[1], 0.005, CLEAR_OF_PULSES)


def lines_of_mains(
    signal: Array,
    known: NDArray[np.bool_],
    fs: float,
    pulses: Pulses,
    mains: Mains,
    lines: Lines,
    together: tuple[int, ...],
    rate: float,
) -> tuple[tuple[int, ...], list[str]]:
    """Decide which of the colliding lines are mains: those that are as large in the stretches without pulses.

    Returns
    -------
    orders : tuple of int
        Lines to be fitted as interference.
    messages : list of str
        What was decided.
    """
    quiet = _quiet(signal, known, fs, pulses)
    free = tuple(order for order in mains.orders if order not in together)
    named = ", ".join(f"{order * mains.frequency:.1f} Hz" for order in together)
    if not _enough(quiet, fs):
        said = (
            f"Mains at {named} cannot be told from the response at {rate:.4g} Hz stimulation and stays in it: "
            f"the recording has no stretch without pulses to compare with."
        )
        return free, [said]
    alone = _sizes(fit_lines(signal, quiet, fs, mains, together).amplitudes)
    both = _sizes(_of_orders(lines.amplitudes, mains.orders, together))
    kept = tuple(order for order, one, other in zip(together, alone, both, strict=True) if 0 < other <= SAME_SIZE * one)
    said = (
        f"Mains at {named} lies on harmonics of the stimulation; {len(kept)} of {len(together)} lines are as large "
        f"without pulses and count as interference, the others as response."
    )
    return tuple(sorted(free + kept)), [said]


def _of_orders(lines: Array, orders: tuple[int, ...], wanted: tuple[int, ...]) -> Array:
    places = [orders.index(order) for order in wanted]
    return lines[..., places + [place + len(orders) for place in places]]


def _sizes(lines: Array) -> Array:
    """Upper quartile of every line's amplitude over windows that saw it, in the channel where it is largest, V."""
    count = lines.shape[-1] // 2
    size = np.hypot(lines[..., :count], lines[..., count:])
    seen = size.max(axis=(1, 2)) > 0
    return np.asarray(np.quantile(size[seen], 0.75, axis=0).max(axis=0)) if seen.any() else np.zeros(count)
