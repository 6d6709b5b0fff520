"""`MovingTemplate`: subtract the mean of the neighbouring responses, aligned to the sub-sample."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, rfft, rfftfreq

from emgkit._checks import in_range
from emgkit.errors import ParameterError, TimingError
from emgkit.pulses import Pulses
from emgkit.separation import Parts

__all__ = ["MovingTemplate"]

Array = NDArray[np.float64]


@dataclass(frozen=True)
class MovingTemplate:
    """Subtract from every response the mean of its neighbours, aligned to the sub-sample and without itself.

    Parameters
    ----------
    neighbours : int, default 40
        Responses averaged for each, half before and half after; fewer at the ends of a train.
    before : float, default 0.0015
        Start of the template before the pulse, s.
    after : float or None, default None
        End of the template after the pulse, s. None reaches to the next template.

    Notes
    -----
    Template subtraction takes everything that repeats: artifact and evoked response together, as ``locked``. What
    does not repeat stays in ``voluntary``, with the noise of the template added: its RMS grows by the factor
    √(1 + 1/neighbours). Leaving the response itself out keeps the template from eating voluntary EMG.
    """

    name: ClassVar[str] = "moving_template"
    gives: ClassVar[tuple[str, ...]] = ("locked", "voluntary")
    neighbours: int = 40
    before: float = 0.0015
    after: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        if isinstance(self.neighbours, bool) or not isinstance(self.neighbours, int) or self.neighbours < 2:
            raise ParameterError(f"neighbours must be a whole number of at least 2, got {self.neighbours!r}.")
        in_range("before", self.before, 0.0, 0.1, "s")
        if self.after is not None:
            in_range("after", self.after, 0.0005, 1.0, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        after = self._end(pulses)
        locked = np.zeros_like(signal)
        for train in np.unique(pulses.train):
            onsets = pulses.onsets[pulses.train == train]
            if onsets.size < 3:
                raise TimingError(
                    f"A template needs 3 pulses in a train, train {train} has {onsets.size}: use blanking."
                )
            for channel, row in enumerate(signal):
                self._add(locked[channel], row, onsets * fs, after, fs)
        gain = float(np.sqrt(1 + 1 / self.neighbours))
        return Parts({"locked": locked}, "voluntary", None, np.inf, (-self.before, after), quality={"noise_gain": gain})

    def _end(self, pulses: Pulses) -> float:
        if self.after is not None:
            return self.after
        within = pulses.intervals[np.diff(pulses.train) == 0]
        return float(np.quantile(within, 0.05)) - self.before if within.size else 0.03

    def _add(self, locked: Array, row: Array, places: Array, after: float, fs: float) -> None:
        first = np.ceil(places - self.before * fs).astype(np.int64)
        count = int(np.floor((self.before + after) * fs))
        pad = 8
        index = first[:, np.newaxis] + np.arange(-pad, count + pad)
        inside = (index[:, 0] >= 0) & (index[:, -1] < row.size)
        index, places = index[inside], places[inside]
        pieces = row[index]
        known = np.isfinite(pieces).all(axis=1)
        if np.count_nonzero(known) < 3:
            return
        part = index[known, 0] - places[known]  # the first sample's place relative to the pulse
        base = _detrended(pieces[known])
        aligned = _shift(base, part - part.mean())
        template = _shift(_others(aligned, min(self.neighbours, len(aligned) - 1)), part.mean() - part)
        target = index[known, pad:-pad]
        locked[target.ravel()] = template[:, pad:-pad].ravel()


def _detrended(pieces: Array) -> Array:
    """Take the median of each piece away: the level drifts and is not locked to the pulse."""
    return pieces - np.median(pieces, axis=1, keepdims=True)


def _shift(pieces: Array, samples: Array) -> Array:
    """Move each row to the right by parts of a sample, band-limited; rows are mirrored against wrap-around."""
    count = pieces.shape[1]
    mirrored = np.concatenate([pieces, pieces[:, ::-1]], axis=1)
    phase = np.exp(-2j * np.pi * rfftfreq(2 * count) * samples[:, np.newaxis])
    return np.asarray(irfft(rfft(mirrored) * phase, 2 * count)[:, :count])


def _others(aligned: Array, neighbours: int) -> Array:
    """Mean of the neighbours of each row without the row itself."""
    width = min(neighbours + 1, len(aligned))
    start = np.clip(np.arange(len(aligned)) - width // 2, 0, len(aligned) - width)
    total = np.concatenate([np.zeros((1, aligned.shape[1])), np.cumsum(aligned, axis=0)])
    return (total[start + width] - total[start] - aligned) / (width - 1)
