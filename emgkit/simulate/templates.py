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

CHUNK = 2000  # events of 45 ms at 2 kHz rendered at once: their memory stays in the cache; numerical


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
        shares = growth or ()
        more = [(table, share) for table, share in zip(self.growth, shares, strict=False) if table is not None]
        each = max(int(CHUNK * 0.045 / max(self.duration, 1e-9) * 2000.0 / fs), 1)
        for start in range(0, times.size, each):
            part = order[start : start + each]
            own = [(table, share[part]) for table, share in more]
            self._add(out, times[part], unit[part], stretch[part], scale[part], own, fs)
        return out

    def _add(
        self, out: Array, times: Array, unit: Indices, stretch: Array, scale: Array, more: list[Growth], fs: float
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
        grown = [(table, np.broadcast_to(part[:, np.newaxis], inside.shape)[inside]) for table, part in more]
        for channel in range(len(out)):
            at = low + channel * self.values.shape[2]
            wave = _between(self.values, at, under, above)
            for table, part in grown:
                wave += part * _between(table, at, under, above)
            out[channel] += np.bincount(index, wave, minlength=out.shape[1])


def _between(table: Array, at: Indices, under: Array, above: Array) -> Array:
    flat = table.reshape(-1)
    return np.asarray(flat.take(at) * under + flat.take(at + 1) * above)
