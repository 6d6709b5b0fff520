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

CHUNK = 2000  # events of 45 ms at 2 kHz rendered at once: their working memory stays in the cache


@dataclass(frozen=True, eq=False)
class Templates(FrozenValue):
    """Action potentials of motor units.

    Parameters
    ----------
    values : array_like, shape (units, channels, samples)
        V; the first sample is the moment when the end-plate is excited.
    fs : float
        Rate of the fine grid, Hz.
    growth : array_like of the same shape, optional
        What fully grown action potentials have more, V.
    """

    values: Array
    fs: float
    growth: Array | None = None

    def __post_init__(self) -> None:
        """Copy."""
        assign(self, values=freeze(self.values), growth=None if self.growth is None else freeze(self.growth))

    def times(self, factor: float) -> Templates:
        """Give the same potentials at another size."""
        return Templates(self.values * factor, self.fs, None if self.growth is None else self.growth * factor)

    def at_growth(self, growth: float) -> Array:
        """Give the potentials at one state of growth, 0 ... 1, V."""
        return self.values if self.growth is None else self.values + growth * self.growth

    @property
    def duration(self) -> float:
        """Length of a template, s."""
        return (self.values.shape[-1] - 1) / self.fs

    def spectra(self, frequencies: Array, growth: float = 0.0) -> Array:
        """Magnitude of the Fourier transforms on a grid in Hz, V·s, shape (units, channels, frequencies)."""
        values = self.at_growth(growth)
        size = 1 << int(np.ceil(np.log2(4 * values.shape[-1])))
        grid = np.fft.rfftfreq(size, 1 / self.fs)
        whole = np.abs(np.fft.rfft(values, size)) / self.fs
        return np.stack([[np.interp(frequencies, grid, row) for row in unit] for unit in whole])

    def render(
        self,
        times: Array,
        unit: Indices,
        stretch: Array,
        scale: Array,
        fs: float,
        count: int,
        growth: Array | None = None,
    ) -> Array:
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
        growth : ndarray, shape (events,), optional
            How far the action potentials have grown, 0 ... 1.

        Returns
        -------
        ndarray, shape (channels, samples)
            V.
        """
        out = np.zeros((self.values.shape[1], count))
        order = np.argsort(stretch, kind="stable")  # events of one chunk have about the same length
        if self.growth is None:
            growth = None
        each = max(int(CHUNK * 0.045 / max(self.duration, 1e-9) * 2000.0 / fs), 1)
        for start in range(0, times.size, each):
            part = order[start : start + each]
            own = None if growth is None else growth[part]
            self._add(out, times[part], unit[part], stretch[part], scale[part], own, fs)
        return out

    def _add(
        self, out: Array, times: Array, unit: Indices, stretch: Array, scale: Array, growth: Array | None, fs: float
    ) -> None:
        first = np.ceil(times * fs).astype(np.int64)
        width = int(np.ceil(self.duration / stretch.min() * fs)) + 1
        index = first[:, np.newaxis] + np.arange(width)
        place = (index / fs - times[:, np.newaxis]) * (stretch * self.fs)[:, np.newaxis]
        below = place.astype(np.int64)
        inside = (index >= 0) & (index < out.shape[1]) & (below < self.values.shape[-1] - 1)
        share = (place - below)[inside]
        low = (unit[:, np.newaxis] * (self.values.shape[1] * self.values.shape[2]) + below)[inside]
        index = index[inside]
        above = np.broadcast_to(scale[:, np.newaxis], inside.shape)[inside] * share
        under = np.broadcast_to(scale[:, np.newaxis], inside.shape)[inside] - above
        grown = None if growth is None else np.broadcast_to(growth[:, np.newaxis], inside.shape)[inside]
        for channel in range(len(out)):
            at = low + channel * self.values.shape[2]
            wave = _between(self.values, at, under, above)
            if grown is not None and self.growth is not None:
                wave += grown * _between(self.growth, at, under, above)
            out[channel] += np.bincount(index, wave, minlength=out.shape[1])


def _between(table: Array, at: Indices, under: Array, above: Array) -> Array:
    flat = table.reshape(-1)
    return np.asarray(flat.take(at) * under + flat.take(at + 1) * above)
