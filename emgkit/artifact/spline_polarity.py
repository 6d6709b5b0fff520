"""Polarity of every pulse: a stimulator that reverses its current turns the artifact over, and not the M-wave."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.base import since_and_until
from emgkit.artifact.spline_basis import bend_operator, make_design, phase_knots
from emgkit.artifact.spline_mean import fit_mean
from emgkit.artifact.spline_sizes import EARLY, LATE
from emgkit.pulses import Pulses

__all__ = ["find_polarity", "repeat_of", "said_of", "stated_polarity"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

UPRIGHT = 0.5  # of the usual artifact, that those of either polarity may have in common
EXPLAINED = 0.7  # share of the edges of a pulse's artifact that the usual one explains, from which its sign is told
NEARLY_ALL, BETTER = 0.9, 0.2  # share of all edges; what others leave of what one that never turns over leaves
MOSTLY = 0.8  # of the pulses with an artifact must be told: else what differs is none of polarity
SMALL = 0.3  # of the usual size, below which an artifact tells nothing
COMMON = 0.2  # share of the less usual polarity, from which what does not turn over can be told beside it
FEWEST = 3  # pulses of either polarity
PASSES = 8
HALF = 0.003  # s about a pulse that are compared, and at least so many samples:
LEAST_HALF = 8
CROWDED = 0.005  # s: another stimulator's pulse so near may be what turns an artifact over
REPEATS = (2, 4)  # pulses after which a protocol repeats itself: + - and + + - -
ALIKE = 0.9
RARE = 0.4  # twice the share of the less usual polarity, below which what tells nothing is none of it


def stated_polarity(pulses: Pulses) -> Array | None:
    """Give the sign of the current of every pulse, (pulses,); None where it is not known or the same for all."""
    if pulses.current is None or not np.isfinite(pulses.current).all():
        return None
    sign = np.where(pulses.current < 0, -1.0, 1.0)
    return sign if (sign < 0).any() and (sign > 0).any() else None


def find_polarity(signal: Array, fs: float, pulses: Pulses) -> Array | None:
    """Find the polarity of every pulse by its artifact, where artifacts tell it, else by the sign of the current.

    Artifacts are compared with the usual one, as a function of the continuous time since the pulse, by their edges.
    Where one that never turns over explains them, there is no polarity.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V; 0 where a sample is missing.
    fs : float
        Hz.
    pulses : Pulses
        Of all stimulators, s from the first sample.

    Returns
    -------
    ndarray, shape (pulses,), or None
        1 and −1, where 1 is the more usual one unless the current is signed; None if no stimulator reverses its pulses.
    """
    out, stated = np.ones(len(pulses)), stated_polarity(pulses)
    for number in np.unique(pulses.stimulator):
        mine = pulses.stimulator == number
        other = np.sort(pulses.onsets[~mine])
        own = np.array(pulses.onsets[mine])
        alone = _nearest(own, other) > CROWDED
        said = None if stated is None or np.unique(stated[mine]).size < 2 else stated[mine]
        told = _told_by_artifacts(signal, fs, own, alone, said)
        if told is not None:
            usual = said if said is not None else np.ones(own.size)
            out[mine] = told if told @ usual >= 0 else -told
        elif said is not None:
            out[mine] = said
    return out if (out < 0).any() and (out > 0).any() else None


def repeat_of(polarity: Array | None) -> int:
    """Give the pulses after which polarity repeats itself; 1 where it does not change or keeps to no order."""
    if polarity is None:
        return 1
    for step in REPEATS:
        if polarity.size > step and (polarity[step:] == polarity[:-step]).mean() > ALIKE:
            return step if abs(polarity.mean()) < 1 - ALIKE else 1
    return 1


def said_of(polarity: Array | None) -> list[str]:
    """Say that pulses turn over."""
    if polarity is None:
        return []
    fewer = int(min((polarity < 0).sum(), (polarity > 0).sum()))
    return [
        f"{fewer} of {polarity.size} pulses are of the other polarity: what turns over with them counts as artifact, "
        "what does not as response."
    ]


def _nearest(own: Array, other: Array) -> Array:
    """Distance to the nearest of other pulses, s."""
    return np.asarray(np.minimum(*since_and_until(own, other)))


def _told_by_artifacts(signal: Array, fs: float, onsets: Array, alone: Mask, stated: Array | None) -> Array | None:
    if alone.sum() < 2 * FEWEST:
        return None
    edges = _Edges(signal, fs, onsets, alone)
    steady = edges.follow(np.ones(onsets.size), beside=False)
    one_for_all = steady.tells and steady.fewer < FEWEST
    if one_for_all and steady.explained > NEARLY_ALL:
        return None
    whole, beside = (
        edges.leading_signs(signal, fs, onsets, beside=one) if stated is None else stated for one in (False, True)
    )
    tried = [steady, edges.follow(whole, beside=False), edges.follow(beside, beside=True)]
    best = max((one for one in tried if one.turns), key=lambda one: one.explained, default=None)
    if best is None or (one_for_all and 1 - best.explained > BETTER * (1 - steady.explained)):
        return None
    return best.completed


@dataclass(frozen=True, eq=False)
class _Compared:
    """How artifacts compare with a usual one that turns over with the pulses' signs, beside what does not.

    Parameters
    ----------
    signs : (pulses,)
    size : (pulses,) over the usual one
    share : (pulses,) of what the usual one should explain, that it explains
    explained : float
        Share of all edges.
    seen : (pulses,) whether there is an artifact
    beside : float or None
        Size along the usual artifact of what does not turn over: beyond −1 ... 1 nothing turns over. None where there
        is no such part.
    """

    signs: Array
    size: Array
    share: Array
    explained: float
    seen: Mask
    beside: float | None

    @property
    def clear(self) -> Mask:
        """Mark the pulses whose artifact the usual one explains."""
        return self.seen & (self.share > EXPLAINED)

    @property
    def tells(self) -> bool:
        """Whether the usual artifact explains nearly every one that there is."""
        return bool(self.clear.sum() > MOSTLY * self.seen.sum())

    @property
    def fewer(self) -> int:
        """Clear pulses of the less usual polarity."""
        return int(min((self.signs[self.clear] > 0).sum(), (self.signs[self.clear] < 0).sum()))

    @property
    def turns(self) -> bool:
        """Whether artifacts turn over: else they have two sizes, or responses do."""
        if self.beside is None:
            return self.tells and self.fewer >= FEWEST
        return self.tells and self.fewer > COMMON * self.clear.sum() and abs(self.beside) < UPRIGHT

    @property
    def completed(self) -> Array:
        """Signs; pulses that tell nothing have the more usual one where the other is rare."""
        mean = float(self.signs[self.clear].mean())
        return np.where(self.clear, self.signs, np.sign(mean)) if abs(mean) > 1 - RARE else self.signs


class _Edges:
    """The edges of all artifacts."""

    def __init__(self, signal: Array, fs: float, onsets: Array, alone: Mask) -> None:
        knots = phase_knots(-EARLY, LATE, fs)
        self.design, self.alone = make_design(onsets, fs, signal.shape[1], knots), alone
        design = self.design
        seen = signal[:, design.samples]
        level = np.stack([np.bincount(design.pulse, row, minlength=design.pulses) for row in seen])
        seen = seen - (level / np.maximum(np.bincount(design.pulse, minlength=design.pulses), 1))[:, design.pulse]
        size = np.sqrt((seen**2).mean(axis=1, keepdims=True))
        self.scale = np.where(size > 0, size, 1.0)[:, 0]
        seen = seen / self.scale[:, np.newaxis]
        self.gram, self.bend = design.gram(), bend_operator(knots)
        self.projected = [design.project_rows(row) for row in seen]
        self.first = np.flatnonzero(design.pulse[1:] == design.pulse[:-1])
        self.seen = np.diff(seen)[:, self.first]

    def _total(self, values: Array) -> Array:
        pulse = self.design.pulse[self.first]
        return np.bincount(pulse, values.sum(axis=0), minlength=self.design.pulses).astype(float)

    def _steps(self, signs: Array) -> Array:
        """Give the steps of the mean of artifacts that are turned over by signs; 0 leaves a pulse out."""
        weight = (self.alone & (signs != 0)).astype(float)
        means = [fit_mean(self.gram, one * signs[:, np.newaxis], weight, self.bend) for one in self.projected]
        waves = np.stack([self.design.evaluate_mean(mean) for mean in means])
        return np.asarray(np.diff(waves)[:, self.first])

    def _compared(self, signs: Array, *, beside: bool) -> _Compared:
        if beside:
            above, below = (self._steps(np.maximum(side * signs, 0.0)) for side in (1, -1))
            odd, even = 0.5 * (above - below), 0.5 * (above + below)
        else:
            odd, even = self._steps(signs), np.zeros(1)
        rest = self.seen - even
        match, power, change = self._total(odd * rest), self._total(odd**2), self._total(rest**2)
        size = match / np.maximum(power, 1e-300)
        seen = self.alone & (change > 0)
        usual = float(np.median(np.abs(size[seen]))) if seen.any() else 0.0
        left = np.maximum(change - size * match, 0.0)[self.alone].sum()
        return _Compared(
            signs,
            size,
            size * match / np.maximum(change, 1e-300),
            1 - float(left / max(float(self._total(self.seen**2)[self.alone].sum()), 1e-300)),
            seen & (np.abs(size) > SMALL * usual),
            float((even * odd).sum() / max(float((odd**2).sum()), 1e-300)) if beside else None,
        )

    def follow(self, signs: Array, *, beside: bool) -> _Compared:
        """Change signs until they agree with the artifacts, which may have a part beside that does not turn over."""
        for _ in range(PASSES):
            found = self._compared(signs, beside=beside)
            agreed = np.where(found.size < 0, -1.0, 1.0)
            if (agreed == signs).all():
                return found
            signs = agreed
        return self._compared(signs, beside=beside)

    def leading_signs(self, signal: Array, fs: float, onsets: Array, *, beside: bool) -> Array:
        """Signs of the scores on the leading direction, beside one artifact that never turns over if there may be."""
        knots = phase_knots(HALF, HALF, fs)
        design = make_design(onsets, fs, signal.shape[1], knots)
        gram, bend, weight = design.gram(), bend_operator(knots), self.alone.astype(float)
        pieces = []
        for row, scale in zip(signal, self.scale, strict=True):
            rest = row / scale
            if beside:
                mean = fit_mean(gram, design.project(rest), weight, bend)
                rest[design.samples] -= design.evaluate_mean(mean)
            pieces.append(_aligned(rest, fs, onsets))
        together = np.concatenate(pieces, axis=1)
        own = together[self.alone]
        _, vectors = np.linalg.eigh(own.T @ own)
        return np.where(together @ vectors[:, -1] < 0, -1.0, 1.0)


def _aligned(row: Array, fs: float, onsets: Array) -> Array:
    """Cut the samples about every pulse, moved to one place between the samples, (pulses, samples)."""
    half = max(round(HALF * fs), LEAST_HALF)
    centre = np.round(onsets * fs).astype(np.int64)
    index = np.clip(centre[:, np.newaxis] + np.arange(-half, half), 0, row.size - 1)
    taper = np.hanning(2 * half + 2)[1:-1]
    turn = np.exp(2j * np.pi * np.fft.rfftfreq(2 * half) * (onsets * fs - centre)[:, np.newaxis])
    pieces = row[index]
    pieces = (pieces - pieces.mean(axis=1, keepdims=True)) * taper
    near = slice(half + int(np.floor(EARLY * fs)), half + int(np.ceil(LATE * fs)) + 1)
    return np.diff(np.fft.irfft(np.fft.rfft(pieces) * turn, 2 * half)[:, near])
