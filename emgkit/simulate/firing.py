"""Statistics of second order of motor units that fire freely, and of those whose axons the pulses of a train excite.

All densities are two-sided and have the unit of a rate, Hz.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

from emgkit.simulate.spikes import INTERVAL_SPREAD

Array = NDArray[np.floating[Any]]

FORGOTTEN = 12.0  # mean intervals after which the rate does not depend on a spike any more; numerical
FINEST = 4000.0  # Hz, grid of the time after a pulse; numerical
TABLE_STEP = 1e-3  # mean intervals; numerical


def free_density(rates: Array, frequencies: Array) -> Array:
    """Spectral density of renewal processes with Gaussian intervals, (rates, frequencies)."""
    turn = 2 * np.pi * frequencies / np.where(rates > 0, rates, 1.0)[:, np.newaxis]
    phi = np.exp(-1j * turn - (turn * INTERVAL_SPREAD) ** 2 / 2)
    away = np.where(np.abs(1 - phi) < 1e-9, 1e-9, 1 - phi)
    return np.asarray(rates[:, np.newaxis] * np.real((1 + phi) / away))


def rate_after(times: Array, rate: float) -> Array:
    """Mean rate at times after a spike or a reset, s, of a unit that fires at a rate, Hz."""
    table = _renewal()
    return rate * np.interp(times * rate, TABLE_STEP * np.arange(table.size), table, left=0.0, right=1.0)


@cache
def _renewal() -> Array:
    """Mean rate after a spike, over that of the process, every thousandth of a mean interval."""
    time = TABLE_STEP * np.arange(round(FORGOTTEN / TABLE_STEP))
    total = np.zeros(time.size)
    for number in range(1, 3 * round(FORGOTTEN)):
        spread = INTERVAL_SPREAD * np.sqrt(number)
        total += np.exp(-(((time - number) / spread) ** 2) / 2) / (spread * np.sqrt(2 * np.pi))
    return total


def locked_density(
    rate: float, chance: float, period: float, conduction: float, frequencies: Array
) -> tuple[Array, Array]:
    """Compute what passes of the spikes of a unit whose axon pulses excite.

    Every excitation takes the spikes that would pass within twice the conduction time, and resets the interval one
    conduction time later. The rate that passes has therefore a mean course over the period, which all units share in
    time: lines at the multiples of the pulses' rate. What varies about it is independent between units.

    Parameters
    ----------
    rate : float
        Of the unit by itself, Hz.
    chance : float
        That a pulse excites it, above 0 ... 1; independent from pulse to pulse.
    period : float
        Of the pulses, s.
    conduction : float
        Time between spinal cord and the site of stimulation, s.
    frequencies : ndarray
        Hz.

    Returns
    -------
    ndarray, shape (frequencies,)
        Spectral density of what varies, Hz.
    ndarray of complex, shape (lines,)
        Fourier coefficients of the mean course over the period from the pulse on, Hz: the mean rate, then one for every
        multiple of the pulses' rate.
    """
    steps = max(round(period * FINEST), 2)
    step = period / steps
    blocks = int(np.ceil((FORGOTTEN / rate + 2 * conduction) / period)) + 1
    mean = _mean_course(rate, chance, conduction, (blocks, steps), step)
    # unexcited for so long after a pulse: what came before is not forgotten
    unexcited = (1 - chance) ** np.repeat(np.arange(blocks), steps).astype(float)
    lags = (blocks - 1) * steps
    same = rate_after(step * np.arange(lags), rate) * _lagged(mean[:steps], unexcited, lags)
    covariance = same - _lagged(mean[:steps], unexcited * mean, lags)
    covariance[0] /= 2
    size = next_fast_len(4 * lags, real=True)
    density = 2 * step * rfft(covariance, size).real
    grid = np.arange(density.size) / (size * step)
    course = np.fft.rfft(mean[:steps]) / steps
    turn = np.pi * np.arange(course.size) / steps  # the grid holds the middles of its steps
    return mean[:steps].mean() + np.interp(frequencies, grid, density), course * np.exp(-1j * turn)


def _mean_course(rate: float, chance: float, conduction: float, shape: tuple[int, int], step: float) -> Array:
    """Mean rate that passes at times after a pulse if none after it excites, over all excitations up to this pulse."""
    time = step * (np.arange(shape[0] * shape[1]) + 0.5)
    passes = np.clip((time - 2 * conduction) / step + 0.5, 0.0, 1.0)
    fresh = (passes * rate_after(time - conduction, rate)).reshape(shape)
    course, later = np.empty(shape), np.full(shape[1], rate)
    for row in range(shape[0] - 1, -1, -1):
        later = chance * fresh[row] + (1 - chance) * later
        course[row] = later
    return course.ravel()


def _lagged(early: Array, late: Array, lags: int) -> Array:
    """Mean over a period of the products of two courses at lags from 0 on."""
    size = next_fast_len(late.size + early.size, real=True)
    return np.asarray(irfft(rfft(late, size) * np.conj(rfft(early, size)), size)[:lags] / early.size)
