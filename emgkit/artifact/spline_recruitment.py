"""How much of the full response every pulse evokes, where the size of the stimulus changes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import PhaseDesign
from emgkit.artifact.spline_time import Segment

__all__ = ["recruitment_levels"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LATER = 0.004  # s after the pulse: what is earlier is the artifact's
STEP, COARSE = 0.15, 0.5  # in the logarithm of the size, over which levels are alike at one time, and at any time
SPAN = 6.0  # s, over which a level at one size may change
AT_ANY_TIME = 3.0  # how much more, as a standard deviation, levels vary with the size than they change over time
LEAST_SIZE = 0.05  # of the largest: less evokes nothing
CORRELATED = 5.0  # samples of EMG that are alike: errors of levels are so much larger than of white noise
TELLING = 0.3  # of the usual power of the response, which a pulse's samples must have to tell its level
FEWEST = 4  # late samples of a pulse
LEAST_NOISE = 1e-6  # of the power that is seen
UNTOLD = 1e6  # error variance of levels that nothing tells
MOST_UNTOLD = 0.5  # of the pulses
PASSES, STEPS = 2, 3
SPREADS = np.append(0.0, 10.0 ** np.arange(-2.0, 4.1, 0.5))  # prior variances over the error's
FULL, LARGEST = 0.9, 1.5  # quantile that counts as the full response; over it


def recruitment_levels(
    designs: tuple[PhaseDesign, PhaseDesign],
    target: Array,
    means: Array,
    known: Mask,
    sizes: Array,
    onsets: Array,
    segments: list[Segment],
) -> Array:
    """Level of the response of every pulse over that of the full response, (pulses,).

    The mean response is regressed on every pulse, over all channels; levels are the posterior means of a curve over
    size and time (piecewise linear, its variance of the highest marginal likelihood): pulses of one size repeat, and
    their responses change slowly.

    Parameters
    ----------
    designs : tuple of PhaseDesign
        Each pulse's own samples, and those of later pulses into which it runs.
    target : ndarray, shape (channels, samples)
        V.
    means : ndarray, shape (channels, size)
        Coefficients of the mean response, V.
    known : ndarray of bool, shape (channels, samples)
        Samples that count.
    sizes, onsets : ndarray, shape (pulses,)
        Size of the stimulus, in any unit, and time, s.
    segments : list of Segment
        Pulses that are looked at together.
    """
    own, overlap = designs
    levels = np.clip(sizes / np.median(sizes), 0.0, 1.0)
    for _ in range(PASSES):
        rest = target
        if overlap.samples.size:
            rest = target.copy()
            for row, mean in zip(rest, means, strict=True):
                np.subtract.at(row, overlap.samples, overlap.evaluate(levels[:, np.newaxis] * mean))
        found, variance = _regressed(own, rest, means, known)
        if (variance == UNTOLD).mean() > MOST_UNTOLD:
            return np.ones(onsets.size)
        centre = float(np.median(found))
        levels = np.full(onsets.size, centre)
        for one in segments:
            pulses = one.pulses
            curves = _curves(sizes[pulses], onsets[pulses], float(sizes.max()))
            levels[pulses] += one.share * _followed(found[pulses] - centre, variance[pulses], curves)
        levels = np.clip(levels / max(float(np.quantile(levels, FULL)), 1e-3), 0.0, LARGEST)
    return levels


def _regressed(design: PhaseDesign, rest: Array, means: Array, known: Mask) -> tuple[Array, Array]:
    """Coefficient of the mean response in every pulse, and its error variance."""
    late = design.phase > LATER
    rows = design.rows_of(late)
    match, power = np.zeros(design.pulses), np.zeros(design.pulses)
    for row, mean, valid in zip(rest, means, known, strict=True):
        weight = valid[rows.samples].astype(float)
        wave = rows.evaluate(np.broadcast_to(mean, (design.pulses, design.size)).copy())
        wave, seen = (_without_level(x, weight, rows) for x in (wave, row[rows.samples]))
        mixed, squares, total, number = (
            np.bincount(rows.pulse, weight * x, minlength=design.pulses)
            for x in (wave * seen, wave**2, seen**2, np.ones(wave.size))
        )
        seldom = (number < FEWEST) | (squares <= 0)
        if seldom.all():  # pulses so close that no sample is late, or a channel without a response
            continue
        left = (total - mixed**2 / np.where(seldom, 1.0, squares))[~seldom] / number[~seldom]
        noise = max(float(np.median(left)), LEAST_NOISE * float(np.median(total[~seldom] / number[~seldom])))
        if noise > 0:
            match, power = match + mixed / noise, power + squares / noise
    told = power > TELLING * float(np.median(power))
    power = np.where(told, power, 1.0)
    return np.where(told, match / power, 0.0), np.where(told, CORRELATED / power, UNTOLD)


def _without_level(values: Array, weight: Array, rows: PhaseDesign) -> Array:
    total = np.bincount(rows.pulse, weight * values, minlength=rows.pulses)
    number = np.bincount(rows.pulse, weight, minlength=rows.pulses)
    return np.asarray(values - (total / np.maximum(number, 1.0))[rows.pulse])


def _curves(sizes: Array, onsets: Array, largest: float) -> Array:
    """Hats over size and time, and coarser ones over size alone, (pulses, hats)."""
    place = np.log(np.maximum(sizes / largest, LEAST_SIZE))
    both = _hats(place / STEP)[:, :, np.newaxis] * _hats((onsets - onsets[0]) / SPAN)[:, np.newaxis, :]
    return np.concatenate([both.reshape(sizes.size, -1), AT_ANY_TIME * _hats(place / COARSE)], axis=1)


def _hats(place: Array) -> Array:
    low = np.floor(place.min())
    number = int(np.ceil(place.max()) - low) + 1
    return np.asarray(np.maximum(1 - np.abs(place[:, np.newaxis] - low - np.arange(number)), 0.0))


def _followed(values: Array, variance: Array, curves: Array) -> Array:
    """Posterior mean of a combination of curves, with the prior variance of the highest marginal likelihood."""
    beyond, course = 0.0, np.zeros_like(values)
    for _ in range(STEPS):
        noise = variance + beyond
        weighted = curves / noise[:, np.newaxis]
        precision, vectors = np.linalg.eigh(weighted.T @ curves)
        right = vectors.T @ (weighted.T @ values)
        priors = SPREADS * float(np.median(noise))
        grown = 1 + np.multiply.outer(priors, np.maximum(precision, 0.0))
        likelihood = 0.5 * ((priors[:, np.newaxis] * right**2 - grown * np.log(grown)) / grown).sum(axis=1)
        best = int(np.argmax(likelihood))
        course = curves @ (vectors @ (priors[best] * right / grown[best]))
        beyond = max(float(np.median((values - course) ** 2) / 0.455 - np.median(variance)), 0.0)
    return np.asarray(course)
