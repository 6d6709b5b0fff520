"""What EMG that is locked to nothing puts into frames and scores."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import toeplitz

__all__ = ["noise_of_scores", "unlocked", "without_lines"]

Array = NDArray[np.float64]

ORDER = 40  # of the model of unlocked EMG, and at most half of a frame
LEAST_VARIANCE = 1e-9  # of the largest, of a direction; numerical
DRAWN, MOST_DRAWS = 3000, 8  # unlocked frames for a covariance, and draws of all frames
NOISE_FACTOR = 2.0  # by which EMG of large units is expected to put more into scores than stationary EMG
NOISE_SHARES = np.geomspace(1, 16, 9)
TELLING = 4.0  # ratio of the powers at high and low effort from which noise and response are told apart


def without_lines(values: Array) -> Array:
    """Take a straight line from every frame, (frames, samples)."""
    place = np.linspace(-1, 1, values.shape[1])
    slope = (values @ place) / (place @ place)
    return np.asarray(values - values.mean(axis=1, keepdims=True) - slope[:, np.newaxis] * place)


def unlocked(values: Array) -> Iterator[Array]:
    """Draw frames that are locked to nothing, some times: a stationary process with their spectrum and energies.

    Frames that were rolled would break what is coherent over more than half a frame, as EMG behind steep filters is.
    """
    variances, waves = np.linalg.eigh(toeplitz(_autocovariance(values)))
    root = waves * np.sqrt(np.maximum(variances, LEAST_VARIANCE * variances[-1]))
    energy = (without_lines(values) ** 2).sum(axis=1, keepdims=True)
    for seed in range(min(-(-DRAWN // len(values)), MOST_DRAWS)):
        drawn = np.random.default_rng(seed).standard_normal(values.shape) @ root.T
        own = (without_lines(drawn) ** 2).sum(axis=1, keepdims=True)
        yield np.asarray(drawn * np.sqrt(energy / np.maximum(own, 1e-300)))


def _autocovariance(values: Array) -> Array:
    """Autocovariance over the length of a frame, V², by an autoregressive model of all frames (Burg's recursion)."""
    width = values.shape[1]
    forward, backward = values[:, 1:], values[:, :-1]
    model, lags = np.ones(1), [float((values**2).mean())]
    for _ in range(min(ORDER, width // 2)):
        power = (forward**2).sum() + (backward**2).sum()
        if not power > 0:
            break
        reflected = -2 * (forward * backward).sum() / power
        model = np.append(model, 0.0) + reflected * np.append(model, 0.0)[::-1]
        lags.append(float(-model[1:] @ lags[::-1]))
        forward, backward = forward + reflected * backward, backward + reflected * forward
        forward, backward = forward[:, 1:], backward[:, :-1]
    while len(lags) < width:
        lags.append(float(-model[1:] @ lags[: -model.size : -1]))
    return np.array(lags)


def noise_of_scores(scores: Array, power: Array) -> Array:
    """Noise variance of scores: the part of their squares that grows with the power of the voluntary EMG.

    What is there at any effort is the response's. Where the effort hardly changes the two cannot be told apart, and
    the noise is what stationary EMG gives. Scores of few pulses are larger during effort by chance, too, so that a
    share far from one must be earned.
    """
    low, high = np.quantile(power, [0.1, 0.9])
    if high < TELLING * low:
        return power
    noise = NOISE_SHARES[:, np.newaxis] * power
    fixed = np.zeros((NOISE_SHARES.size, 1))
    for _ in range(8):
        weight = 1 / (fixed + noise) ** 2
        excess = (weight * (scores**2 - noise)).sum(axis=1) / weight.sum(axis=1)
        fixed = np.maximum(excess, 0.0)[:, np.newaxis]
    total = fixed + noise
    likelihood = -0.5 * (np.log(total) + scores**2 / total).sum(axis=1)
    prior = -0.5 * (np.log(NOISE_SHARES) / np.log(NOISE_FACTOR)) ** 2
    return np.asarray(noise[np.argmax(likelihood + prior)])
