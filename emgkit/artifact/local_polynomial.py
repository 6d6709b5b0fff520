"""`LocalPolynomial`: take the slow tail after every pulse away with a sliding cubic (after SALPA)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range
from emgkit.artifact.base import windows_mask
from emgkit.artifact.fill import Line
from emgkit.artifact.frames import LONGEST, first_samples
from emgkit.artifact.gain import emg_covariance
from emgkit.artifact.templates import complete, mean_of_others
from emgkit.errors import TimingError
from emgkit.parts import Parts
from emgkit.pulses import Pulses

__all__ = ["LocalPolynomial", "sliding_cubic"]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

DEGREE = 3
FEWEST = 8  # samples between blank and next pulse that a cubic is fitted to
ADVISED = 5000.0  # Hz
NEIGHBOURS = 40  # segments whose mean is taken away to see the EMG


@dataclass(frozen=True)
class LocalPolynomial:
    """Blank the spike and take away what a sliding cubic follows after it: slow tails, and slow EMG with them.

    Parameters
    ----------
    half_width : float, default 0.020
        Half of the sliding window, s. Tails slower than this are followed, and so is EMG below about 1/half_width Hz.
    blanked : float, default 0.001
        Time after the pulse, s, until which the spike is blanked and marked as lost.
    before : float, default 0.0005
        Blanked before the pulse, s.
    after : float or None, default None
        Time after the pulse, s, until which a tail is taken away. None reaches to the next pulse, at most 0.1 s.

    Notes
    -----
    SALPA (Wagenaar and Potter 2002, J Neurosci Methods 120:113): a cubic is fitted to the samples within ``half_width``
    of every sample and taken away there; close to the spike the first whole window serves, so that no fit crosses it.
    Differs from it in: the pulses are known, so that no state machine waits for the signal to leave the rail; missing
    samples have no weight; both sides of a window end at the spikes; where no pulse follows the cubic fades out.

    A tail remover for more than 5 kHz. M-waves are as slow as tails: they are taken away in large part, and
    ``evoked_lost_until`` says so. ``gain_on_clean`` is what is left of the EMG's RMS, from its autocovariance.
    """

    name: ClassVar[str] = "local_polynomial"
    gives: ClassVar[tuple[str, ...]] = ("artifact", "clean")
    half_width: float = 0.020
    blanked: float = 0.001
    before: float = 0.0005
    after: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("half_width", self.half_width, 0.001, 0.2, "s")
        in_range("blanked", self.blanked, 0.0, 0.05, "s")
        in_range("before", self.before, 0.0, 0.05, "s")
        if self.after is not None:
            in_range("after", self.after, 0.002, 1.0, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        after = self._end(pulses)
        low, high, ends = self._segments(pulses, fs, signal.shape[1], after)
        half = max(round(self.half_width * fs), 2)
        tails = np.zeros_like(signal)
        for count, open_end in sorted({*zip((high - low).tolist(), ends.tolist(), strict=True)}):
            alike = (high - low == count) & (ends == open_end)
            index = low[alike][:, np.newaxis] + np.arange(count)
            whole = sliding_cubic(np.ones(count, dtype=bool), half)
            for channel, row in enumerate(signal):
                tails[channel, index] = _fit(row[index], whole, half) * (_fade(count, half) if open_end else 1.0)
        spikes = windows_mask(pulses.onsets, fs, signal.shape[1], self.before, self.blanked)
        clean = np.stack([Line().fill(np.nan_to_num(row), spikes) for row in signal - tails])
        artifact = np.where(spikes, np.nan_to_num(signal) - clean, tails)
        gains = _gains(signal, low, high, half, 2 * ends.sum() > ends.size)
        advice = f"local_polynomial is meant for more than 5 kHz: at {fs:g} Hz M-waves and tails look alike."
        return Parts(
            components={"artifact": artifact},
            residual="clean",
            lost=np.broadcast_to(spikes, signal.shape),
            evoked_lost_until=after,
            reach=(-self.before, after),
            quality={"gain_on_clean": gains},
            messages=(advice,) if fs < ADVISED else (),
        )

    def _end(self, pulses: Pulses) -> float:
        if self.after is not None:
            return self.after
        shortest = float(pulses.intervals.min()) if len(pulses) > 1 else np.inf
        if self.before + self.blanked >= shortest:
            raise TimingError(
                f"Blanking {(self.before + self.blanked) * 1e3:.3g} ms about pulses that are {shortest * 1e3:.3g} ms "
                f"apart leaves nothing: give a shorter blanked=."
            )
        return LONGEST if len(pulses) < 2 else min(float(pulses.intervals.max()), LONGEST)

    def _segments(self, pulses: Pulses, fs: float, count: int, after: float) -> tuple[Indices, Indices, Mask]:
        """First and one past the last sample after every spike, and whether no pulse ends it."""
        low = np.floor((pulses.onsets + self.blanked) * fs + 1e-9).astype(np.int64) + 1
        high = np.floor((pulses.onsets + after) * fs + 1e-9).astype(np.int64) + 1
        following = np.append(first_samples(pulses.onsets, fs, self.before)[1:], np.iinfo(np.int64).max)
        ends = high < following
        high = np.minimum(np.minimum(high, following), count)
        long = high - low >= FEWEST
        return low[long], high[long], ends[long]


def sliding_cubic(known: Mask, half: int) -> Array:
    """Give the matrix that fits a cubic within ``half`` samples of each sample and takes its value there.

    Parameters
    ----------
    known : ndarray of bool, shape (samples,)
        Samples that have weight.
    half : int
        Half of the window, samples; near the ends the first or last whole window serves.

    Returns
    -------
    ndarray, shape (samples, samples)
    """
    count = known.size
    half = min(half, (count - 1) // 2)
    width = 2 * half + 1 if count > 2 * half + 1 else count
    place = np.linspace(-1, 1, width)[:, np.newaxis] ** np.arange(DEGREE + 1)
    fit = np.linalg.pinv(place)
    matrix = np.zeros((count, count))
    for row in range(count):
        first = min(max(row - half, 0), count - width)
        window = slice(first, first + width)
        use = fit if known[window].all() else np.linalg.pinv(place * known[window, np.newaxis]) * known[window]
        matrix[row, window] = place[row - first] @ use
    return matrix


def _fit(segments: Array, whole: Array, half: int) -> Array:
    """Follow the tails of segments of one length, by the matrix for whole ones, shape (segments, samples)."""
    missing = np.isnan(segments)
    tails = np.where(missing, 0.0, segments) @ whole.T
    for row in np.flatnonzero(missing.any(axis=1) & ~missing.all(axis=1)):
        tails[row] = sliding_cubic(~missing[row], half) @ np.where(missing[row], 0.0, segments[row])
    return tails


def _fade(count: int, half: int) -> Array:
    """One, falling to zero over the last half window."""
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * np.minimum((count - np.arange(count)) / min(half, count), 1.0)))


def _gains(signal: Array, low: Indices, high: Indices, half: int, open_end: bool) -> Array:
    """Gain on clean EMG where most segments are alike, shape (channels,); NaN for fewer than three."""
    gains = np.full(len(signal), np.nan)
    count = int(np.median(high - low)) if low.size else 0
    index = low[high - low >= count][:, np.newaxis] + np.arange(count)
    if len(index) < 3:
        return gains
    taken = sliding_cubic(np.ones(count, dtype=bool), half)
    left = np.eye(count) - (taken * _fade(count, half)[:, np.newaxis] if open_end else taken)
    for channel, row in enumerate(signal):
        pieces = complete(row[index])
        covariance = emg_covariance(pieces - mean_of_others(pieces, NEIGHBOURS)[0])
        total, kept = float(np.trace(covariance)), float(np.sum((left @ covariance) * left))
        gains[channel] = np.sqrt(max(kept, 0.0) / total) if total > 0 else 1.0
    return gains
