"""Find mains in short stretches apart: by least squares, since the gaps would spread every line over the spectrum.

Stretches between slow pulses come as regularly as the pulses, so that 60 Hz seen through them has lines 5 Hz to either
side and on, at 50 Hz among them, nearly as large as itself. All orders of one fundamental are fitted together, beside a
constant per stretch, and the fundamental that leaves least is taken; whether an order is there is asked of how the
stretches scatter about the fit, whatever the spectrum of the EMG (White 1980, Econometrica 48:817, by stretches).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.interference import BESIDE, DEVIATION, HIGHEST, MOST_LINES, NOMINAL, Mains

__all__ = ["find_in_pieces"]

Array = NDArray[np.float64]
Complex = NDArray[np.complex128]
Counts = NDArray[np.int64]
Runs = Counts  # first and last + 1 sample of every stretch, (stretches, 2)

LONGEST = 0.04  # s: two cycles; longer stretches are cut, so that noise in one says little of the next
SHORTEST = 0.01  # s
SPAN = 30.0  # s: mains keeps its phase so long; of more, the part with most samples is looked at
SOUGHT = 6  # orders that tell the fundamental
STEP = 0.25  # cycles over the span, at the highest of them, between the fundamentals that are tried
FINER = 20  # times the step is divided, about the best of them
ALONE = 30.0  # times the power that noise gives an order by chance, from which it speaks for mains
FEWEST = 8  # stretches per order


def find_in_pieces(signal: Array, known: NDArray[np.bool_], fs: float) -> Mains:
    """Find the fundamental and the orders that are there.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        V, of samples without artifact and response.
    known : ndarray of bool, shape (channels, samples)
        Samples that count.
    fs : float
        Sampling rate, Hz.
    """
    runs = _runs(np.asarray(known.all(axis=0)), fs)
    most = min(MOST_LINES, len(runs) // FEWEST)
    if not most:
        return Mains(float("nan"), ())
    signal = signal - signal.mean(axis=1, keepdims=True)
    signal /= np.maximum(signal.std(axis=1, keepdims=True), 1e-300)
    weight = _weight(signal, runs)
    best = max((_fundamental(signal, weight, runs, fs, nominal, most) for nominal in NOMINAL), key=lambda pair: pair[1])
    orders = _orders(best[0], fs, most)
    chance = _Pieces.of(signal, weight, runs, fs, best[0], orders).chance()
    if not (chance >= ALONE).any():
        return Mains(float("nan"), ())
    return Mains(best[0], tuple(int(one) for one in orders[chance >= BESIDE]))


def _runs(known: NDArray[np.bool_], fs: float) -> Runs:
    """Give stretches of at most `LONGEST`, in the part of `SPAN` that has most of them."""
    edges = np.flatnonzero(np.diff(known, prepend=False, append=False)).reshape(-1, 2)
    cuts = [np.linspace(low, high, -(-(high - low) // max(int(LONGEST * fs), 2)) + 1) for low, high in edges]
    ends = [np.round(one).astype(np.int64) for one in cuts]
    runs = np.concatenate([np.zeros((0, 2), np.int64), *(np.column_stack([one[:-1], one[1:]]) for one in ends)])
    runs = runs[runs[:, 1] - runs[:, 0] >= SHORTEST * fs]
    last = np.searchsorted(runs[:, 1], runs[:, 0] + SPAN * fs, side="right")
    total = np.concatenate([[0], np.cumsum(runs[:, 1] - runs[:, 0])])
    start = int(np.argmax(total[last] - total[:-1])) if len(runs) else 0
    return np.asarray(runs[start : last[start]] if len(runs) else runs)


def _weight(signal: Array, runs: Runs) -> Array:
    """One over the power in every stretch, of the quietest tenth at most."""
    power = np.array([signal[:, low:high].var(axis=1).mean() for low, high in runs])
    return np.asarray(1 / np.maximum(power, max(float(np.quantile(power, 0.1)), 1e-300)))


def _orders(frequency: float, fs: float, most: int) -> Counts:
    return np.arange(1, max(min(most, int(HIGHEST * fs / frequency)), 1) + 1)


def _fundamental(signal: Array, weight: Array, runs: Runs, fs: float, nominal: float, most: int) -> tuple[float, float]:
    """Give the fundamental near a nominal one that leaves least, and the logarithm of how much more noise would."""
    orders = _orders(nominal, fs, min(most, SOUGHT))
    pieces = _Pieces.of(signal, weight, runs, fs, nominal, orders)
    step = STEP * fs / (orders[-1] * max(int(runs[-1, 1] - runs[0, 0]), 1))
    trials = np.arange(-DEVIATION, DEVIATION + step, step)
    trials = trials[np.argmax(pieces.explained(trials))] + step * np.linspace(-1, 1, 2 * FINER + 1)
    scores = pieces.explained(trials)
    best = int(np.argmax(scores))
    return nominal + float(trials[best]), float(scores[best])


@dataclass(frozen=True, eq=False)
class _Pieces:
    """What every stretch says of the orders of a fundamental, of their exponentials and the conjugates of these.

    Parameters
    ----------
    frequency : float
        Hz.
    centres : (stretches,) s
    orders : (2 × orders,) the orders, and once more negative
    normal : (stretches, 2 × orders, 2 × orders)
    right : (stretches, 2 × orders, channels)
    power : (channels,) of the signals, weighted
    count : int
        Samples.
    """

    frequency: float
    centres: Array
    orders: Counts
    normal: Complex
    right: Complex
    power: Array
    count: int

    @classmethod
    def of(cls, signal: Array, weight: Array, runs: Runs, fs: float, frequency: float, orders: Counts) -> _Pieces:
        """Look at every stretch."""
        both = np.concatenate([orders, -orders])
        centres = (runs.sum(axis=1) - 1) / 2 / fs
        normal = np.empty((len(runs), both.size, both.size), dtype=complex)
        right = np.empty((len(runs), both.size, len(signal)), dtype=complex)
        power = np.zeros(len(signal))
        for number, ((low, high), centre, own) in enumerate(zip(runs, centres, weight, strict=True)):
            turns = frequency * (np.arange(low, high) / fs - centre)
            basis = np.exp(2j * np.pi * np.outer(turns, both))
            basis -= basis.mean(axis=0)
            piece = signal[:, low:high] - signal[:, low:high].mean(axis=1, keepdims=True)
            normal[number], right[number] = own * (basis.conj().T @ basis), own * (basis.conj().T @ piece.T)
            power += own * (piece**2).sum(axis=1)
        return cls(frequency, centres, both, normal, right, power, int((runs[:, 1] - runs[:, 0]).sum()))

    def explained(self, offs: Array) -> Array:
        """Give the logarithm of the likelihood of fundamentals that are higher by ``offs``, Hz, over that of noise."""
        turn = np.exp(2j * np.pi * np.outer(self.frequency + offs, self.centres))
        lags = self.orders - self.orders[:, np.newaxis]
        normal = np.empty((offs.size, *lags.shape), dtype=complex)
        right = np.empty((offs.size, *self.right.shape[1:]), dtype=complex)
        power = np.ones_like(turn)
        for lag in range(int(lags.max()) + 1):
            for sign, own in ((1, power), (-1, power.conj())):
                rows, columns = np.nonzero(lags == sign * lag)
                normal[:, rows, columns] = own @ self.normal[:, rows, columns]
                for row in np.flatnonzero(self.orders == -sign * lag):
                    right[:, row] = own @ self.right[:, row]
            power = power * turn
        share = (right.conj() * _solved(normal, right)).sum(axis=1).real / np.maximum(self.power, 1e-300)
        return np.asarray(-0.5 * self.count * np.log1p(-np.clip(share, 0.0, 1 - 1e-12)).sum(axis=1))

    def chance(self) -> Array:
        """Power of every order over that which noise would give it by chance, in the channel where that is most."""
        turn = np.exp(2j * np.pi * self.frequency * np.outer(self.centres, self.orders))
        normal = self.normal * turn[:, :, np.newaxis].conj() * turn[:, np.newaxis]
        right = self.right * turn[:, :, np.newaxis].conj()
        whole = normal.sum(axis=0)
        found = _solved(whole, right.sum(axis=0))
        left = right - normal @ found
        spread = np.einsum("mac,mbc->cab", left, left.conj())
        spread *= len(left) / max(len(left) - self.orders.size, 1)
        inverse = _solved(whole, np.eye(self.orders.size, dtype=complex))
        variance = np.einsum("ab,cbd,ad->ca", inverse, spread, inverse.conj()).real
        power = np.abs(found.T) ** 2 / np.maximum(variance, 1e-300)
        return np.asarray(power[:, : self.orders.size // 2].max(axis=0))


def _solved(normal: Complex, right: Complex) -> Complex:
    size = normal.shape[-1]
    ridge = 1e-9 * np.trace(normal, axis1=-2, axis2=-1).real / size + 1e-300
    return np.asarray(np.linalg.solve(normal + ridge[..., np.newaxis, np.newaxis] * np.eye(size), right))
