"""What an overloaded first stage adds to a recording: computed block by block at 100 kHz or more, before any filter."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.front_end import ANALOG, FrontEnd

Array = NDArray[np.floating[Any]]
Codes = NDArray[np.uint8]

INPUT_POLE = 20_000.0  # Hz, of the radio-frequency filter before the first stage; unverified
BLOCK = 0.5  # s, computed at once; numerical
NOTICEABLE = 5e-6  # V, what an overload leaves at the input or behind the filters is marked above; by definition
FINE_CLIPPED, FINE_RECOVERING, TRAILING = np.uint8(1), np.uint8(2), np.uint8(5)


def analog_rate(front_end: FrontEnd) -> tuple[float, int]:
    """Rate at which the first stage is computed, Hz, and its ratio to the output rate."""
    ratio = int(np.ceil(ANALOG / front_end.fs))
    return front_end.fs * ratio, ratio


class FirstStage:
    """A stage with a rail, a recovery and a slew limit, fed block after block.

    The overload charges a store with the time constant of the recovery; what is stored stays at the output until it
    has leaked away.
    """

    def __init__(self, front_end: FrontEnd) -> None:
        self._front_end = front_end
        self._rate, self._ratio = analog_rate(front_end)
        self._stored, self._last = 0.0, 0.0
        self._sections, self._high = front_end.low_sections(self._rate), front_end.modes
        self._low_state = np.zeros((self._sections.shape[0], 2, 2))
        self._high_state: Array | None = None

    def passed(self, entering: Array) -> tuple[Array, Array, Codes]:
        """Give the next block as it leaves the filters with and without the stage's limits, at the output rate.

        Returns
        -------
        ndarray, ndarray, both shape (samples,)
            V with and without limits.
        ndarray of uint8, shape (samples,)
            1 where clipped, 2 where recovering.
        """
        from scipy.signal import sosfilt

        leaving, codes = self._through(entering)
        both, self._low_state = sosfilt(self._sections, np.stack([leaving, entering]), zi=self._low_state)
        if self._high is not None:
            both, self._high_state = self._high.through(both, self._rate, self._high_state)
        rows = codes.reshape(-1, self._ratio)
        marks = np.where((rows == FINE_CLIPPED).any(axis=1), FINE_CLIPPED, rows.max(axis=1))
        return both[0, :: self._ratio], both[1, :: self._ratio], marks

    def _through(self, entering: Array) -> tuple[Array, Codes]:
        codes, leaving = np.zeros(entering.size, dtype=np.uint8), entering
        rail = self._front_end.rail
        if rail is not None:
            held = np.clip(entering, -rail, rail)
            stored = self._store(entering - held)
            leaving = np.clip(held + stored, -rail, rail)
            codes[np.abs(stored) > NOTICEABLE] = FINE_RECOVERING
            codes[np.abs(leaving) >= rail] = FINE_CLIPPED
        if self._front_end.slew is not None:
            limited = limit_slope(leaving, self._front_end.slew / self._rate, self._last)
            codes[limited != leaving] = FINE_CLIPPED
            self._last, leaving = float(limited[-1]), limited
        return leaving, codes

    def _store(self, excess: Array) -> Array:
        from scipy.signal import lfilter

        if self._front_end.rail_recovery == 0:
            return np.zeros_like(excess)
        share = 1 / (self._front_end.rail_recovery * self._rate)
        out, _ = lfilter([share], [1, share - 1], excess, zi=[(1 - share) * self._stored])
        self._stored = float(out[-1])
        return np.asarray(out)


def limit_slope(line: Array, largest: float, before: float) -> Array:
    """Follow a line with steps of at most ``largest`` per sample, starting at ``before``; only steep places cost."""
    steps = np.diff(line, prepend=before)
    steep = np.flatnonzero(np.abs(steps) > largest)
    out, done = line.copy(), -1
    for place in steep:
        if place <= done:
            continue
        position, value = int(place), float(out[place - 1]) if place else before
        while position < line.size:
            value += float(np.clip(line[position] - value, -largest, largest))
            out[position] = value
            position += 1
            if value == line[position - 1]:
                break
        done = position - 1
    return out


def overload(entering: Callable[[int, int], Array], count: int, front_end: FrontEnd) -> tuple[Array, Array, Codes]:
    """Compute what passes an overloaded first stage in one channel.

    Parameters
    ----------
    entering : callable
        Gives the signal at the input from one output sample to another at the rate of `analog_rate`, V.
    count : int
        Output samples.
    front_end : FrontEnd
        The amplifier.

    Returns
    -------
    ndarray, ndarray, ndarray of uint8, all shape (samples,)
        V behind the filters, with the limits of the stage and without; 1 where clipped, 2 where recovering, 5 where
        the stage has recovered and the filters still show the overload.
    """
    stage, block = FirstStage(front_end), max(round(BLOCK * front_end.fs), 1)
    pieces = [stage.passed(entering(begin, min(begin + block, count))) for begin in range(0, count, block)]
    limited, free, codes = (np.concatenate(rows) for rows in zip(*pieces, strict=True))
    codes[(codes == 0) & (np.abs(limited - free) > NOTICEABLE)] = TRAILING
    return limited, free, _as_long_as_the_filter(codes, front_end)


def _as_long_as_the_filter(codes: Codes, front_end: FrontEnd) -> Codes:
    """Mark the samples that the anti-alias filter smears a clipped one into."""
    reach = int(np.ceil(front_end.fs / front_end.corner))
    clipped = np.convolve(codes == FINE_CLIPPED, np.ones(reach + 1))[: codes.size] > 0.5
    return np.where(clipped, FINE_CLIPPED, codes).astype(np.uint8)
