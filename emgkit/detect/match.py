"""How much of a known artifact is there at given times."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.fit import Fit
from emgkit.detect.waveform import Span, table

__all__ = ["Match", "Template", "rendered"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Match:
    """What a template finds at given times.

    Parameters
    ----------
    times : ndarray, shape (pulses,)
        s, moved to where the template fits best if it was allowed to move.
    amplitude, error : ndarray, shape (pulses,)
        Multiples of the template's typical size, and their standard errors from the local misfit.
    likeness : ndarray, shape (pulses,)
        Share of the energy that the template explains, 0 ... 1.
    """

    times: Array
    amplitude: Array
    error: Array
    likeness: Array


class Template:
    """The waveforms of a fit, with their typical sizes in the channels.

    Parameters
    ----------
    fit : Fit
        Of the pulses that the template is made of.
    """

    def __init__(self, fit: Fit) -> None:
        self.span: Span = fit.span
        self._tables, self._step = table(fit.coefficients, fit.span)
        self._gain = np.median(fit.size, axis=1)
        self.weight = fit.weight / fit.noise[:, np.newaxis]

    def waves(self, since: Array) -> Array:
        """Typical waveforms at times since the edge, s: shape (channels, *since.shape); carried on outside the span."""
        place = (self.span.inside(since) - self.span.low) / self._step
        left = np.minimum(place.astype(np.int64), self._tables.shape[1] - 2)
        part = place - left
        gain = self._gain.reshape(-1, *(1,) * since.ndim)
        return np.asarray(gain * (self._tables[:, left] * (1 - part) + self._tables[:, left + 1] * part))

    def match(self, bends: Array, times: Array, reach: float = 0.0, step: float = 5e-5, sized: float = np.inf) -> Match:
        """Measure the template in differences of the signal, (channels, samples), at times that may move by reach.

        ``sized`` is the expected SD of the logarithm of the sizes: part of a waveform is like another part of it, but
        of another size.
        """
        shifts = np.arange(-np.ceil(reach / step), np.ceil(reach / step) + 1) * step
        index = self.span.samples(times, bends.shape[1])
        samples = bends[:, index]
        energy = self._sum(samples**2)
        best = [np.full(times.size, fill) for fill in (0.0, 0.0, 1.0, -1.0, -1.0)]
        for shift in shifts:
            waves = self.waves(index / self.span.fs - (times + shift)[:, np.newaxis])
            power = np.maximum(self._sum(waves**2), 1e-300)
            amplitude = self._sum(waves * samples) / power
            likeness = np.sign(amplitude) * amplitude**2 * power / np.maximum(energy, 1e-300)
            off = np.log(np.maximum(np.abs(amplitude), 1e-300)) / sized
            score = likeness * np.exp(-0.5 * off**2)
            better = score > best[4]
            for row, value in enumerate((shift, amplitude, power, likeness, score)):
                best[row] = np.where(better, value, best[row])
        moved, amplitude, power, likeness, _ = best
        places = samples.shape[0] * samples.shape[2]
        misfit = np.maximum(energy * (1 - np.abs(likeness)), 0) / max(places - 2, 1)
        return Match(times + moved, amplitude, np.sqrt(np.maximum(misfit, 1e-12) / power), np.clip(likeness, 0, 1))

    def _sum(self, values: Array) -> Array:
        return np.asarray(np.einsum("ckm,cm->k", values, self.weight))


def rendered(fit: Fit, count: int) -> Array:
    """Differences of the fitted artifact, shape (channels, count)."""
    model = fit.model
    index = fit.index.ravel()
    return np.stack([np.bincount(index, weights=channel.ravel(), minlength=count) for channel in model])
