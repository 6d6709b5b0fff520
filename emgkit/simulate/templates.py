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
Growth = tuple[Array, Array]  # how far the potential inside the fibre has grown, and its late after-potential

PART = 500  # of them whose waves are computed at once: their memory stays in the cache; numerical
CHUNK = 2000  # events of 45 ms at 2 kHz that are summed at once; numerical


@dataclass(frozen=True, eq=False)
class Templates(FrozenValue):
    """Action potentials of motor units.

    Parameters
    ----------
    values : array_like, shape (units, channels, samples)
        V; the first sample is the moment when the end-plate is excited.
    fs : float
        Rate of the fine grid, Hz.
    growth : tuple of two array_like of the same shape, each optional
        What fully grown action potentials, and those with a whole late after-potential, have more, V.
    """

    values: Array
    fs: float
    growth: tuple[Array | None, Array | None] = (None, None)

    def __post_init__(self) -> None:
        """Copy."""
        grown, late = (None if more is None else freeze(more) for more in self.growth)
        assign(self, values=freeze(self.values), growth=(grown, late))

    def times(self, factor: float) -> Templates:
        """Give the same potentials at another size."""
        grown, late = (None if more is None else more * factor for more in self.growth)
        return Templates(self.values * factor, self.fs, (grown, late))

    @property
    def duration(self) -> float:
        """Length of a template, s."""
        return (self.values.shape[-1] - 1) / self.fs

    def render(
        self,
        times: Array,
        unit: Indices,
        stretch: Array,
        scale: Array,
        fs: float,
        count: int,
        growth: Growth | None = None,
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
        growth : tuple of two ndarray, shape (events,), optional
            How far the action potentials have grown and how much of the late after-potential they have, 0 ... 1.

        Returns
        -------
        ndarray, shape (channels, samples)
            V.
        """
        out = np.zeros((self.values.shape[1], count))
        order = np.argsort(stretch, kind="stable")  # events of one chunk have about the same length
        more = [(table, share) for table, share in zip(self.growth, growth or (), strict=False) if table is not None]
        tables = [_neighbours(table) for table in (self.values, *(table for table, _ in more))]
        each = max(int(CHUNK * 0.045 / max(self.duration, 1e-9) * 2000.0 / fs), 1)
        for start in range(0, times.size, each):
            chunk = order[start : start + each]
            places, waves = [], []
            for part in np.split(chunk, range(PART, chunk.size, PART)):
                own = [share[part] for _, share in more]
                at = times[part], unit[part], stretch[part], scale[part]
                place, wave = self._waves(tables, *at, own, fs, out.shape)
                places.append(place)
                waves.append(wave)
            index = np.concatenate(places)
            for channel, parts in enumerate(zip(*waves, strict=True)):
                out[channel] += np.bincount(index, np.concatenate(parts), minlength=count)
        return out

    def _waves(
        self,
        tables: list[tuple[Array, Array]],
        times: Array,
        unit: Indices,
        stretch: Array,
        scale: Array,
        more: list[Array],
        fs: float,
        shape: tuple[int, ...],
    ) -> tuple[Indices, list[Array]]:
        """Give the samples that events reach, and what they add there per channel; 0 where they are over."""
        channels, samples = shape
        length = self.values.shape[2]
        width = int(np.ceil(self.duration / stretch.min() * fs)) + 1
        index = np.ceil(times * fs)[:, np.newaxis] + np.arange(width, dtype=np.float64)
        place = index / fs
        place -= times[:, np.newaxis]
        place *= (stretch * self.fs)[:, np.newaxis]
        below = np.trunc(place)
        above = np.subtract(place, below, out=place)
        above *= scale[:, np.newaxis]
        under = scale[:, np.newaxis] - above
        np.minimum(below, length - 1, out=below)  # where the neighbours are zeros
        if index[:, 0].min() < 0 or index[:, -1].max() >= samples:
            below[(index < 0) | (index >= samples)] = length - 1
            np.clip(index, 0, samples - 1, out=index)
        below += (unit * (channels * length))[:, np.newaxis]
        at = below.astype(np.int64)
        found = []
        for _ in range(channels):
            wave = _between(tables[0], at, under, above)
            for table, part in zip(tables[1:], more, strict=True):
                wave += part[:, np.newaxis] * _between(table, at, under, above)
            found.append(wave.reshape(-1))
            at += length
        return index.astype(np.int64).reshape(-1), found


def _neighbours(table: Array) -> tuple[Array, Array]:
    """Give the samples of all templates in a row, and those that follow them; zeros in place of the last."""
    low, high = table.copy(), np.zeros(table.shape)
    low[..., -1] = 0.0
    high[..., :-1] = table[..., 1:]
    return low.reshape(-1), high.reshape(-1)


def _between(table: tuple[Array, Array], at: Indices, under: Array, above: Array) -> Array:
    low, high = (one.take(at) for one in table)
    low *= under
    high *= above
    low += high
    return np.asarray(low)
