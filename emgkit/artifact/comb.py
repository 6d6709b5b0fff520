"""`Comb`: subtract the signal of whole periods before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range, whole
from emgkit.artifact.base import windows_mask
from emgkit.artifact.blanking import Blanking
from emgkit.artifact.fill import Line
from emgkit.artifact.frames import LONGEST, level
from emgkit.artifact.gain import averaging_quality
from emgkit.errors import TimingError
from emgkit.parts import Parts
from emgkit.pulses import Pulses

__all__ = ["Comb", "delayed"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

HALF = 16  # samples on each side that a fractional delay interpolates from, under a Hann window
MOST_IRREGULAR = 0.05  # RMS deviation from the period over the period


@dataclass(frozen=True)
class Comb:
    """Subtract the mean of the signal some whole periods earlier and later: what has the period of the pulses is gone.

    Parameters
    ----------
    periods : int, default 10
        Periods on each side, or in the past if causal; fewer at the ends of a train.
    causal : bool, default False
        Only past periods. The first period of a train has none and is marked as lost.
    before : float, default 0.0015
        Start of the first period before its pulse, s.
    blanking : Blanking, optional
        Blank the artifact first; blanked samples are marked as lost. Saturated spikes need it; otherwise it costs more
        than it brings when the period is no whole number of samples, because the edges of the blank are then delayed by
        parts of a sample as well.

    Notes
    -----
    y(t) = x(t) - mean of x(t - iT) over the periods i, with the period T fitted to the pulses of each train, never
    rounded to samples: the signal is delayed by windowed-sinc interpolation. Blanking before the comb after Frigo et
    al. 2000, J Electromyogr Kinesiol 10:351. Differs from the textbook comb in: only time between the first pulse of a
    train and one period after its last is filtered, and periods without a pulse are neither filtered nor averaged.

    The RMS of clean EMG grows by √(1 + 1/n) with n periods (√2 with a single one). Artifact and evoked response go
    together, as ``locked``. The pulses must be periodic: jitter is not followed. What follows a pulse that is alone in
    its train is marked as lost.
    """

    name: ClassVar[str] = "comb"
    gives: ClassVar[tuple[str, ...]] = ("locked", "voluntary")
    periods: int = 10
    causal: bool = False
    before: float = 0.0015
    blanking: Blanking | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        whole("periods", self.periods, 1, 1000)
        in_range("before", self.before, 0.0, 0.1, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        blanked = None if self.blanking is None else self.blanking.separate(signal, fs, pulses)
        spikes = np.zeros_like(signal) if blanked is None else blanked.render("artifact", signal)
        lost = np.zeros(signal.shape, dtype=bool) if blanked is None else np.array(blanked.lost)
        busy = windows_mask(pulses.onsets, fs, signal.shape[1], self.before, LONGEST)
        locked, used = np.zeros_like(signal), np.zeros(signal.shape)
        single = _single(pulses)
        after = windows_mask(pulses.onsets[single], fs, signal.shape[1], self.before, LONGEST)
        lost |= after & ~windows_mask(pulses.onsets[~single], fs, signal.shape[1], self.before, LONGEST)
        until = LONGEST if single.any() else 0.0
        for train in np.unique(pulses.train[~single]):
            onsets = pulses.onsets[pulses.train == train]
            period = _period(onsets, int(train))
            near = windows_mask(onsets, fs, signal.shape[1], self.before, period - self.before - 1 / fs)
            if not near.any():
                raise TimingError(
                    f"A comb needs samples between the pulses, those of train {train} are {period * 1e3:.3g} ms apart: "
                    f"are some given twice?"
                )
            until = max(until, period - self.before)
            span = _span(near)
            for channel, row in enumerate(signal - spikes):
                mean, count = self._mean(row[span] - level(row, busy, fs), near[span], period * fs)
                locked[channel, near], used[channel, near] = mean[near[span]], count[near[span]]
                lost[channel] |= near & (used[channel] == 0)
        share = np.array([float((1 / row[row > 0]).mean()) if row.any() else np.inf for row in used])
        quality = averaging_quality(float(1 / share.mean()), np.sqrt(1 + share))
        reach = (-max(self.before, 0.0 if blanked is None else -blanked.reach[0]), until)
        said = (f"{single.sum()} of {single.size} pulses are alone in their train: what follows them is lost.",)
        return Parts(
            {"locked": locked + spikes},
            "voluntary",
            lost,
            np.inf,
            reach,
            quality=quality,
            messages=said if single.any() else (),
        )

    def _mean(self, row: Array, near: Mask, period: float) -> tuple[Array, Array]:
        """Mean of the row whole periods away, and over how many, both (samples,)."""
        missing = ~np.isfinite(row)
        filled = Line().fill(np.where(missing, 0.0, row), missing) if missing.any() else row
        usable = near & ~missing
        total, count = np.zeros(row.size), np.zeros(row.size)
        for away in range(1, min(self.periods, int(row.size / period)) + 1):
            for periods in (away,) if self.causal else (away, -away):
                moved, there = delayed(filled, periods * period), _moved_mask(usable, periods * period)
                total += np.where(there, moved, 0.0)
                count += there
        return total / np.maximum(count, 1), count


def _single(pulses: Pulses) -> Mask:
    """Mark pulses that are alone in their train: no period is known there; (pulses,)."""
    _, inverse, count = np.unique(pulses.train, return_inverse=True, return_counts=True)
    alone = count[inverse] < 2
    if alone.all():
        raise TimingError("A comb needs 2 pulses in a train, all trains have 1: use blanking.")
    return np.asarray(alone)


def _period(onsets: Array, train: int) -> float:
    """Period of a train, s, from the line through its pulses; missing pulses are allowed for."""
    usual = float(np.median(np.diff(onsets)))
    number = np.concatenate([[0], np.cumsum(np.maximum(np.round(np.diff(onsets) / usual), 1))])
    slope, start = np.polyfit(number, onsets, 1)
    deviation = float(np.std(onsets - start - slope * number))
    if deviation > MOST_IRREGULAR * slope:
        raise TimingError(
            f"A comb needs a constant period, the pulses of train {train} are off by {deviation * 1e3:.3g} ms of "
            f"{slope * 1e3:.4g} ms: use phase_spline or moving_template."
        )
    return float(slope)


def _span(near: Mask) -> slice:
    """Cover the samples of a train and those that a delay needs beside them."""
    marked = np.flatnonzero(near)
    return slice(max(int(marked[0]) - HALF - 1, 0), int(marked[-1]) + HALF + 2)


def delayed(row: Array, samples: float) -> Array:
    """Delay a signal by any number of samples (less than 0 advances it); 0 comes in at the ends, shape (samples,)."""
    whole_part = int(np.floor(samples))
    part = samples - whole_part
    place = np.arange(-HALF, HALF + 1) - part
    taps = np.sinc(place) * np.cos(0.5 * np.pi * place / (HALF + 1)) ** 2
    smooth = np.convolve(row, taps / taps.sum(), "same") if row.size >= taps.size else row * 0.0
    return _moved(smooth, whole_part)


def _moved_mask(mask: Mask, samples: float) -> Mask:
    return _moved(mask, int(np.floor(samples + 1e-9))) & _moved(mask, int(np.ceil(samples - 1e-9)))


def _moved(values: NDArray[Any], samples: int) -> NDArray[Any]:
    out = np.zeros_like(values)
    if abs(samples) >= values.size:
        return out
    if samples >= 0:
        out[samples:] = values[: values.size - samples]
    else:
        out[:samples] = values[-samples:]
    return out
