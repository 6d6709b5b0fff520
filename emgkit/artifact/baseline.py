"""The slow baseline of DC-coupled recordings: offset and drift that are no EMG."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue
from emgkit.pulses import Pulses

__all__ = ["Baseline", "corners_of", "find_baseline", "offset_of", "slow_drift"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BIN, SHORT_BIN = 0.25, 0.04  # s, over which a level is taken: for the fit of the response, and for the baseline
TOGETHER = 6  # short levels whose mean is compared: as long as the baseline can follow
MANIFEST = 1.5  # ratio of the variances of few levels, from which means are worse than medians by more than chance
STEP = 0.5  # s between the knots of the baseline
BESIDE = (0.15, 0.3)  # s from a corner: more knots
PAUSE = 1.0  # s without pulses, before and after which the baseline may have a corner
FAR = 5.0  # typical deflections: a baseline that goes farther is the amplifier's, one nearer may be the response's own
STIFF = 1e-6  # of the mean weight of a coefficient: decides what no level determines
CUBIC = 3


@dataclass(frozen=True, eq=False)
class Baseline(FrozenValue):
    """Cubic spline over the recording, with corners where trains begin and end.

    Parameters
    ----------
    knots : (knots,) s
    coefficients : (channels, size) V; zero for AC-coupled channels
    """

    knots: Array
    coefficients: Array

    @property
    def moves(self) -> Mask:
        """Which channels have a baseline, (channels,)."""
        return np.asarray(self.coefficients.any(axis=1))

    def refined(self, rest: Array, known: Mask, usable: Mask, fs: float) -> Baseline:
        """Add what a fit of the response left of it.

        Parameters
        ----------
        rest : ndarray, shape (channels, samples)
            What the fit left, V.
        known, usable : ndarray of bool, shape (channels, samples)
            Samples that were measured, and those of them that no artifact reaches.
        fs : float
            Hz.

        Notes
        -----
        Levels are means of all known samples: EMG has next to nothing at such low frequencies, and its mean tells less
        of it than its median, which follows the skewness of action potentials, and than means with gaps at the pulses.
        Where artifacts are left that make the means scatter more than medians beside the pulses, those are taken.
        """
        levels, centres = _levels(rest, usable, fs, SHORT_BIN, self.knots)
        more = np.zeros_like(self.coefficients)
        for channel in np.flatnonzero(self.moves):
            means, medians = _means(rest[channel], known[channel], fs, self.knots), levels[channel]
            row = medians if _scatter(means) > MANIFEST * _scatter(medians) else means
            more[channel] = _fitted(row, (centres + 0.5) / fs, self.knots)
        return Baseline(self.knots, self.coefficients + more)

    def render(self, fs: float, count: int) -> Array:
        """Render the baseline, V, (channels, samples)."""
        from scipy.interpolate import BSpline

        out, moves = np.zeros((len(self.coefficients), count)), self.moves
        if moves.any():
            out[moves] = BSpline(self.knots, self.coefficients[moves].T, CUBIC)(np.arange(count) / fs).T
        return out

    def said(self) -> list[str]:
        """Say how far the baseline goes, where there is one."""
        if not self.moves.any():
            return []
        far = float(np.abs(self.coefficients).max()) * 1e3
        return [f"A slow baseline of up to {far:.3g} mV was taken away with the interference."]


def offset_of(signal: Array, free: Mask, fs: float) -> Array:
    """Mean of the free samples, V, (channels, 1), where there is a second of them; else 0."""
    out = np.zeros((len(signal), 1))
    for channel, (row, ok) in enumerate(zip(signal, free, strict=True)):
        if ok.sum() >= fs:
            out[channel] = row[ok].mean()
    return out


def corners_of(pulses: Pulses) -> Array:
    """Give the times at which stimulation begins after a pause or ends before one, s."""
    onsets = np.array(pulses.onsets)
    pauses = np.flatnonzero(np.diff(onsets) > PAUSE)
    return np.unique(np.concatenate([onsets[:1], onsets[pauses], onsets[pauses + 1], onsets[-1:]]))


def slow_drift(signal: Array, known: Mask, fs: float) -> Array:
    """Follow the level in quarter seconds, V, (channels, samples): what moves slower than about 1 Hz."""
    from scipy.interpolate import CubicSpline

    levels, centres = _levels(signal, known, fs, BIN)
    levels = np.stack([_gapless(row, centres) for row in levels])
    times = np.clip(np.arange(signal.shape[1]), centres[0], centres[-1])
    if centres.size <= CUBIC:
        return np.stack([np.interp(times, centres, row) for row in levels])
    return np.asarray(CubicSpline(centres, levels, axis=1, bc_type="natural")(times))


def find_baseline(signal: Array, usable: Mask, fs: float, corners: Array) -> Baseline:
    """Fit the baseline to the levels of short pieces where the response is over.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        As measured, V; missing samples hold any finite value.
    usable : ndarray of bool, shape (channels, samples)
        Samples before the pulses, where the response is over, and stretches without pulses.
    fs : float
        Hz.
    corners : ndarray, shape (corners,)
        Times at which the baseline may bend sharply, s.

    Returns
    -------
    Baseline
        With coefficients of zero for channels whose baseline stays within `FAR` typical deflections.
    """
    duration = signal.shape[1] / fs
    knots, (steps, middles) = _knots(duration, corners), _levels(signal, usable, fs, STEP)
    found = np.zeros((len(signal), knots.size - CUBIC - 1))
    for channel, row in enumerate(signal):
        farthest = float(np.nanmax(np.abs(steps[channel]), initial=0.0))
        rough = np.interp(np.arange(row.size), middles, _gapless(steps[channel], middles))
        if farthest <= FAR * float(np.median(np.abs(row - rough))):
            continue
        levels, centres = _levels(row[np.newaxis], usable[[channel]], fs, SHORT_BIN, corners)
        found[channel] = _fitted(levels[0], (centres + 0.5) / fs, knots)
    return Baseline(knots, found)


def _knots(duration: float, corners: Array) -> Array:
    inner = np.arange(STEP, duration - 0.5 * STEP, STEP)
    sharp = corners[(corners > BESIDE[0]) & (corners < duration - BESIDE[0])]
    beside = np.concatenate([sharp + sign * step for sign in (-1, 1) for step in BESIDE])
    inner = inner[np.abs(inner[:, np.newaxis] - sharp).min(axis=1, initial=np.inf) > 1.5 * BESIDE[1]]
    beside = beside[(beside > 0.5 * BESIDE[0]) & (beside < duration - 0.5 * BESIDE[0])]
    every = np.sort(np.concatenate([inner, beside, np.repeat(sharp, CUBIC)]))
    return np.concatenate([np.zeros(CUBIC + 1), every, np.full(CUBIC + 1, duration)])


def _fitted(levels: Array, times: Array, knots: Array) -> Array:
    from scipy.interpolate import BSpline
    from scipy.sparse import csc_array, diags_array
    from scipy.sparse.linalg import spsolve

    size = knots.size - CUBIC - 1
    fine = np.isfinite(levels)
    if not fine.any():
        return np.zeros(size)
    design = BSpline.design_matrix(times[fine], knots, CUBIC)
    bends = diags_array([1.0, -2.0, 1.0], offsets=[0, 1, 2], shape=(size - 2, size))
    normal = design.T @ design + STIFF * (bends.T @ bends) + STIFF * 1e-3 * diags_array(np.ones(size))
    return np.asarray(spsolve(csc_array(normal), design.T @ levels[fine]))


def _levels(signal: Array, known: Mask, fs: float, width: float, corners: Array | None = None) -> tuple[Array, Array]:
    """Medians of the known samples of pieces of the recording, NaN where there are none, and the pieces' centres."""
    pieces = [np.arange(low, high) for low, high in pairwise(_edges(signal.shape[1], fs, width, corners))]
    centres = np.array([piece.mean() for piece in pieces])
    levels = np.full((signal.shape[0], centres.size), np.nan)
    for channel, row in enumerate(signal):
        for number, part in enumerate(pieces):
            cut = row[part][known[channel, part]]
            if cut.size:
                levels[channel, number] = np.median(cut)
    return levels, centres


def _edges(count: int, fs: float, width: float, corners: Array | None) -> NDArray[np.int64]:
    """First samples of pieces of about a width, s, that no corner divides, and the end."""
    edges = np.round(np.linspace(0, count, max(int(count / (width * fs)), 1) + 1)).astype(np.int64)
    if corners is None:
        return edges
    sharp = np.round(corners * fs).astype(np.int64)
    return np.unique(np.concatenate([edges, sharp[(sharp > 0) & (sharp < count)]]))


def _means(row: Array, known: Mask, fs: float, corners: Array) -> Array:
    """Means of the known samples of a channel's short pieces, V, NaN where there are none."""
    begins = _edges(row.size, fs, SHORT_BIN, corners)[:-1]
    number = np.add.reduceat(known, begins, dtype=np.int64)
    total = np.add.reduceat(np.where(known, row, 0.0), begins)
    return np.where(number > 0, total / np.maximum(number, 1), np.nan)


def _scatter(levels: Array) -> float:
    """How much levels scatter about a straight course where the baseline looks: as means of a few, V²."""
    rows = levels[: levels.size // TOGETHER * TOGETHER].reshape(-1, TOGETHER)
    found = np.isfinite(rows).all(axis=1)
    bends = np.diff(rows[found].mean(axis=1), 2)
    return float(np.mean(bends**2)) if bends.size else 0.0


def _gapless(levels: Array, centres: Array) -> Array:
    fine = np.isfinite(levels)
    return np.interp(centres, centres[fine], levels[fine]) if fine.any() else np.zeros(centres.size)
