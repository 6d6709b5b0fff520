"""Motor-unit action potentials as stored templates, and their sum at sub-sample times.

Uniform slowing by ``s`` is exactly a stretch of time, u(t; s·v) = u(s·t; v), so that fatigue needs no new templates:
they are read at other times. Templates lie on a fine grid and are interpolated linearly between its points.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue, assign, freeze

Array = NDArray[np.floating[Any]]
Indices = NDArray[np.int64]

CHUNK = 20_000  # events rendered at once: keeps the working memory near 100 MB


@dataclass(frozen=True, eq=False)
class Templates(FrozenValue):
    """Action potentials of motor units.

    Parameters
    ----------
    values : array_like, shape (units, channels, samples)
        V; the first sample is the moment when the end-plate is excited.
    fs : float
        Rate of the fine grid, Hz.
    """

    values: Array
    fs: float

    def __post_init__(self) -> None:
        """Copy."""
        assign(self, values=freeze(self.values))

    @property
    def duration(self) -> float:
        """Length of a template, s."""
        return (self.values.shape[-1] - 1) / self.fs

    def spectrum(self, unit: int, frequencies: Array) -> Array:
        """Fourier transform of one unit's potential at frequencies in Hz, V·s, shape (channels, frequencies)."""
        size = 1 << int(np.ceil(np.log2(4 * self.values.shape[-1])))
        grid = np.fft.rfftfreq(size, 1 / self.fs)
        whole = np.abs(np.fft.rfft(self.values[unit], size)) / self.fs
        return np.stack([np.interp(frequencies, grid, row) for row in whole])

    def render(self, times: Array, unit: Indices, stretch: Array, scale: Array, fs: float, count: int) -> Array:
        """Sum the potentials of events.

        Parameters
        ----------
        times : ndarray, shape (events,)
            When the end-plates are excited, s from the first sample of the output.
        unit : ndarray of int, shape (events,)
            Which unit.
        stretch : ndarray, shape (events,)
            Conduction velocity over that of the template; 0.8 is slower and longer.
        scale : ndarray, shape (events,)
            Amplitude over that of the template.
        fs : float
            Sampling rate of the output, Hz.
        count : int
            Samples of the output.

        Returns
        -------
        ndarray, shape (channels, samples)
            V.
        """
        out = np.zeros((self.values.shape[1], count))
        order = np.argsort(stretch, kind="stable")  # events of one chunk have about the same length
        for start in range(0, times.size, CHUNK):
            part = order[start : start + CHUNK]
            self._add(out, times[part], unit[part], stretch[part], scale[part], fs)
        return out

    def _add(self, out: Array, times: Array, unit: Indices, stretch: Array, scale: Array, fs: float) -> None:
        first = np.ceil(times * fs).astype(np.int64)
        width = int(np.ceil(self.duration / stretch.min() * fs)) + 1
        index = first[:, np.newaxis] + np.arange(width)
        place = (index / fs - times[:, np.newaxis]) * (stretch * self.fs)[:, np.newaxis]
        below = place.astype(np.int64)
        inside = (index >= 0) & (index < out.shape[1]) & (below < self.values.shape[-1] - 1)
        rows = np.broadcast_to(unit[:, np.newaxis], index.shape)[inside]
        index, below, share = index[inside], below[inside], (place - below)[inside]
        factor = np.broadcast_to(scale[:, np.newaxis], place.shape)[inside]
        for channel in range(len(out)):
            table = self.values[:, channel]
            wave = table[rows, below] * (1 - share) + table[rows, below + 1] * share
            out[channel] += np.bincount(index, wave * factor, minlength=out.shape[1])
