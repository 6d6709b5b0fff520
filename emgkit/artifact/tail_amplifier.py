"""The amplifier's high-pass, from the spectrum of what it passed: noise and voluntary EMG below 40 Hz."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.tail_prior import HighPass

__all__ = ["CANDIDATES", "amplifiers_of_noise", "slow_or_not"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

CORNERS = (0.5, 1.0, 2.0, 5.0, 8.0, 10.0, 15.0, 20.0, 25.0, 30.0)  # Hz, that amplifiers of EMG have; unverified
CANDIDATES = (HighPass(0.0), *(HighPass(corner, order) for corner in CORNERS for order in (1, 2)))
LOWEST, HIGHEST = 0.5, 45.0  # Hz
LONGEST_PIECE, SHORTEST_PIECE = 4.0, 0.4  # s
LEAST_PIECES = 2
CALM = 0.5  # share of the pieces that is looked at: voluntary EMG hides the noise
BELIEF = 0.5  # share of the log likelihood that counts: real noise is not as smooth as the model
TURNS = 60
SLOW = 2.0  # Hz: amplifiers of a lower corner pass the drift of electrodes
DOUBT = 0.05  # probability that the spectrum tells nothing


def amplifiers_of_noise(rest: Array, usable: Mask, fs: float) -> dict[HighPass, float]:
    """Give every amplifier its probability by the spectrum of a recording without what is locked to the pulses.

    Parameters
    ----------
    rest : ndarray, shape (channels, samples)
        Recording, or what is left of it when artifact and response are taken away, V.
    usable : ndarray of bool, shape (samples,)
        Samples that no artifact spoils.
    fs : float
        Hz.

    Returns
    -------
    dict of HighPass to float
        Of all `CANDIDATES`; equal probabilities when less than a second can be used.

    Notes
    -----
    What enters an amplifier (1/f noise, white noise, EMG, whose power falls at least with the square of the frequency
    below its band) passes the high-pass, and the converter adds white noise behind it. The four powers are fitted to
    the periodograms by maximum (Whittle) likelihood for every candidate.
    """
    frequencies, powers, count = _periodograms(rest, usable, fs)
    if count < LEAST_PIECES:
        return dict.fromkeys(CANDIDATES, 1 / len(CANDIDATES))
    scores = np.array([sum(_likelihood(frequencies, row, one) for row in powers) for one in CANDIDATES])
    scores = BELIEF * 0.5 * count * scores  # half of the pieces overlap
    shares = np.exp(scores - scores.max())
    shares = (1 - DOUBT) * shares / shares.sum() + DOUBT / len(CANDIDATES)
    return dict(zip(CANDIDATES, shares.tolist(), strict=True))


def slow_or_not(rest: Array, usable: Mask, fs: float) -> dict[HighPass, float]:
    """Give every amplifier its probability by whether it passes slow drift, and by nothing else.

    Between pulses, what a fit has left of responses and voluntary EMG is not as smooth as the model of the noise, which
    is believed only in whether the power still rises at 0.5 Hz.

    Parameters
    ----------
    rest : ndarray, shape (channels, samples)
        What is left of a recording when artifact and response are taken away, with its drift, V.
    usable : ndarray of bool, shape (samples,)
        Samples that were measured.
    fs : float
        Hz.
    """
    found = amplifiers_of_noise(rest, usable, fs)
    slow = [one for one in CANDIDATES if one.corner <= SLOW]
    share = sum(found[one] for one in slow)
    each = share / len(slow), (1 - share) / (len(CANDIDATES) - len(slow))
    return {one: each[0] if one in slow else each[1] for one in CANDIDATES}


def _pieces(usable: Mask, fs: float) -> tuple[Sequence[int], int]:
    """Begin of half overlapping pieces that are usable throughout, and their length in samples."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], usable, [False]]).astype(np.int8)))
    runs = edges.reshape(-1, 2)
    lengths = runs[:, 1] - runs[:, 0]
    length = int(min(LONGEST_PIECE * fs, lengths.max(initial=0) // 1.5))
    if length < SHORTEST_PIECE * fs:
        length = int(min(lengths.max(initial=0), LONGEST_PIECE * fs))
    if length < SHORTEST_PIECE * fs:
        return [], 1
    return [begin for low, high in runs for begin in range(int(low), int(high) - length + 1, length // 2)], length


def _periodograms(rest: Array, usable: Mask, fs: float) -> tuple[Array, Array, int]:
    begins, length = _pieces(usable, fs)
    frequencies: Array = np.asarray(np.fft.rfftfreq(length, 1 / fs), dtype=np.float64)
    window = np.hanning(length)
    lowest = max(LOWEST, 1.9 * fs / length)  # the window smears the mean that was taken away into its neighbours
    within = (frequencies >= lowest) & (frequencies <= HIGHEST)
    if not len(begins):
        return frequencies[within], np.ones((0, int(within.sum()))), 0
    pieces = np.stack([rest[:, begin : begin + length] for begin in begins])
    spectra = np.abs(np.fft.rfft((pieces - pieces.mean(axis=2, keepdims=True)) * window, axis=2)) ** 2
    calm = np.argsort(spectra.sum(axis=(1, 2)))[: max(int(CALM * len(begins)), LEAST_PIECES)]
    return frequencies[within], spectra[calm][:, :, within].mean(axis=0), len(calm)


def _likelihood(frequencies: Array, power: Array, amplifier: HighPass) -> float:
    """Mean log likelihood of a mean periodogram, up to a constant."""
    power = power / max(float(np.median(power)), 1e-300)
    gain = amplifier.power_gain(frequencies)
    slow = frequencies / frequencies[-1]
    shapes = np.stack([gain / slow, gain, gain * slow**2, gain * slow**6, np.ones_like(gain)])
    shares = np.full(5, 0.2) / shapes.mean(axis=1)
    for _ in range(TURNS):
        model = shares @ shapes
        shares = shares * np.sqrt((shapes @ (power / model**2)) / (shapes @ (1 / model)))
    model = shares @ shapes
    return float(-np.sum(np.log(model) + power / model))
