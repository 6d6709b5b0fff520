"""Align artifacts to a small part of a sample: one waveform in continuous time, one clock, one shift per pulse."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.fit import Fit
from emgkit.detect.together import brought_together
from emgkit.detect.waveform import Span, gap

__all__ = ["Alignment", "align", "differences"]

Array = NDArray[np.float64]

FAST = 1500.0  # Hz, above which second differences are used: below, they take from the artifact as well
SEARCHES, STEPS, QUICK = 3, 8, 1
AGAIN = (1, 3)  # steps before which every shift is searched for once more
CONVERGED = 1e-7  # s
REGULAR = 0.3  # of a sample, SD of the shifts in irregular trains before they are known
HARMONICS = 3  # of the place between two samples
SPREAD = 0.5  # of the places between samples, as a resultant length
FEW_PLACES, MANY = 0.2, 40  # of a sample without a pulse, and pulses: a rate that is locked to the sampling rate
AFFORDABLE = 3e-6  # s: cost up to which shifts that depend on the place between samples are given up


@dataclass(frozen=True, eq=False)
class Alignment:
    """Times of the pulses of one stimulator.

    Parameters
    ----------
    times : ndarray, shape (pulses,)
        s from the first sample; which place of the waveform they mark is arbitrary but common to all.
    errors : ndarray, shape (pulses,)
        Standard errors, s.
    expected : ndarray, shape (pulses,)
        Where the clock expects the pulses, s.
    jitter : float
        SD of the shifts about the clock, s, without what noise adds.
    fit : Fit
        Waveforms and sizes.
    """

    times: Array
    errors: Array
    expected: Array
    jitter: float
    fit: Fit


def differences(signal: Array, fs: float) -> Array:
    """Second differences from sample to sample, or first ones below 1500 Hz: what is smooth, an M-wave, gets small."""
    order = 2 if fs >= FAST else 1
    return np.diff(signal, n=order, prepend=signal[:, :order], axis=1)


def align(
    bends: Array, rough: Array, train: NDArray[np.int64], beats: Array | None, fs: float, quick: bool = False
) -> Alignment:
    """Find the times of pulses whose sample is known.

    The artifacts sample one waveform at many phases, but a waveform and shifts that depend periodically on the place
    between two samples cannot be told apart from another waveform without them: only a clock, or a waveform that is
    smooth at the scale of a sample, can. So the clock, the shifts (with a prior whose SD is learnt) and the waveforms
    are fitted together; where the jitter is small, or the rate is locked to the sampling rate so that there are few
    places, shifts that go with the place between samples are taken to be the waveform's.

    Parameters
    ----------
    bends : ndarray, shape (channels, samples)
        The signal's `differences`.
    rough : ndarray, shape (pulses,)
        s from the first sample, right to about half a sample.
    train : ndarray of int, shape (pulses,)
        Trains with starts of their own.
    beats : ndarray or None, shape (pulses,)
        Number of the beat within the train; None for irregular pulses.
    fs : float
        Hz.
    quick : bool
        Stop early: right to some 10 µs.
    """
    if beats is not None:
        rough = brought_together(bends, rough, train, beats, fs)
    clock = _Clock(rough, train, beats, fs)
    expected = clock.line(rough, np.ones(rough.size))
    fit = Fit(bends, expected, train, Span.about(fs, expected, clock.interval))
    if beats is None:
        fit.jitter = REGULAR / fs
    for number in range(SEARCHES):
        times = fit.search(expected)
        expected = clock.line(times, fit.trust)
        if clock.regular:
            spread = 1.5 * float(np.median(np.abs(times - expected)))
            fit.jitter = max(spread, 2e-6)
            times = _freed(fit, times, expected, clock.locked or (number == SEARCHES - 1 and spread < 2e-5))
        fit.move(times)
        fit.refit()
    variance = np.full(rough.size, fit.jitter**2)
    for number in range(QUICK if quick else STEPS):
        if number in AGAIN:
            times = fit.search(expected)
            fit.move(_freed(fit, times, expected, clock.frees(fit)))
            fit.refit(1)
        before = fit.times
        expected, times, variance = fit.improve(expected, clock.rate, learn=clock.regular)
        if clock.frees(fit):
            free = _freed(fit, times, expected, True)
            left = np.sum((free - expected) ** 2) / max(float(np.sum((times - expected) ** 2)), 1e-30)
            fit.jitter, times = max(fit.jitter * float(np.sqrt(left)), 1e-7), free
        step = times - before
        step = step - np.average(step, weights=1 / variance)
        expected = clock.starts(expected, before + step, 1 / (fit.jitter**2 + variance))
        fit.move(before + np.clip(step, -0.3 / fs, 0.3 / fs))
        fit.refit()
        if np.sqrt(np.mean(step**2)) < CONVERGED and number > max(AGAIN):
            break
    return Alignment(fit.times, np.sqrt(variance), expected, fit.jitter, fit)


class _Clock:
    """Straight lines with a common interval through the trains, or none."""

    def __init__(self, rough: Array, train: NDArray[np.int64], beats: Array | None, fs: float) -> None:
        self.regular = beats is not None
        self.locked = self.regular and _locked(rough * fs)
        _, self.train = np.unique(train, return_inverse=True)
        self.beats = np.zeros(rough.size) if beats is None else beats - self._means(beats, np.ones(rough.size))
        self.rate = self.beats / max(float(np.ptp(self.beats)), 1.0)
        gaps = np.diff(rough)
        self.interval = float(np.quantile(gaps, 0.05)) if gaps.size else np.inf

    def frees(self, fit: Fit) -> bool:
        """Whether shifts that go with the place between two samples are taken to be the waveform's."""
        return self.regular and (self.locked or _affordable(fit))

    def _means(self, values: Array, weight: Array) -> Array:
        total = np.bincount(self.train, weights=weight)
        return np.asarray((np.bincount(self.train, weights=weight * values) / np.maximum(total, 1e-300))[self.train])

    def line(self, times: Array, weight: Array) -> Array:
        if not self.regular:
            return times
        beats = self.beats - self._means(self.beats, weight)
        centre = self._means(times, weight)
        period = float((weight * beats) @ (times - centre) / max(float((weight * beats) @ beats), 1e-300))
        return np.asarray(centre + period * beats)

    def starts(self, expected: Array, times: Array, weight: Array) -> Array:
        """Move every train's line to the mean of its pulses."""
        return np.asarray(expected + self._means(times - expected, weight)) if self.regular else times


def _locked(places: Array) -> bool:
    """Whether all pulses of a train lie at a few places between two samples."""
    return places.size >= MANY and gap(places) >= FEW_PLACES


def _affordable(fit: Fit) -> bool:
    return fit.jitter * np.sqrt(4 * HARMONICS / fit.times.size) < AFFORDABLE


def _freed(fit: Fit, times: Array, expected: Array, wanted: bool) -> Array:
    """Take from the shifts what goes with the place between two samples: the waveform explains it as well."""
    if not wanted:
        return times
    phase = 2 * np.pi * np.mod(expected * fit.span.fs, 1)
    spread = abs(np.mean(np.exp(1j * phase))) < SPREAD and not _locked(expected * fit.span.fs)
    if spread:  # else the jitter itself would be the place between samples
        phase = 2 * np.pi * np.mod(times * fit.span.fs, 1)
    slow = (times - times.mean()) / max(float(np.ptp(times)) / 2, 1e-12)
    waves = [wave(order * phase) for order in range(1, HARMONICS + 1) for wave in (np.cos, np.sin)]
    columns = np.stack([np.ones_like(slow), slow, *waves, *(wave * slow for wave in waves)], axis=1)
    root = np.sqrt(fit.trust)
    left, sizes, _ = np.linalg.svd(columns * root[:, np.newaxis], full_matrices=False)
    left = left[:, sizes > 0.03 * sizes[0]]
    shift = (times - expected) * root
    return np.asarray(expected + (shift - left @ (left.T @ shift)) / np.maximum(root, 1e-3))
