"""How near an output comes to the evoked response: pure functions of arrays."""

from __future__ import annotations

from functools import cache
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from emgkit.benchmark.scene import EARLY, EDGE, RESPONSE, Scene
from emgkit.benchmark.scored import Scored, Undefined, gather

__all__ = ["evoked_scores", "m_wave_values", "mean_waves", "nrmse"]

Array = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

Values: TypeAlias = dict[str, Array]
Pairs: TypeAlias = tuple[tuple[Values, Values], tuple[Values, Values]]  # true and seen, each fresh and fatigued

FIFTHS = 5
Z90 = 1.6449
ONSET = 0.2  # of the largest deflection: where the latency is read
PADDED = 1 << 13
FINE = 8  # times the sampling rate, on which peaks and latency are read


def evoked_scores(scene: Scene, output: Array, error: Array | None = None) -> Scored:
    """Score what a method gives as evoked response.

    Parameters
    ----------
    scene : Scene
        Truth and masks.
    output : ndarray, shape (channels, samples)
        V: the evoked part, or evoked and voluntary EMG together, of which the pulses are averaged.
    error : ndarray, shape (channels, samples), optional
        Standard error that the method states, V.

    Returns
    -------
    Scored
        Units in `SCORES`.
    """
    given = np.where(np.isfinite(output), output, 0.0)
    if not scene.evoked.any():
        return gather({"m_nrmse": _no_response})

    @cache
    def ends() -> Pairs:
        return scene.known("ends", lambda: _ends(scene, scene.evoked)), _ends(scene, given)

    return gather(
        {
            "m_nrmse": lambda: nrmse(scene, given),
            "m_vpp_error": lambda: _worst(ends(), "vpp"),
            "m_area_error": lambda: _worst(ends(), "area"),
            "m_mdf_error": lambda: _worst(ends(), "mdf"),
            "m_latency_error": lambda: _worst(ends(), "latency"),
            "m_vpp_trend_error": lambda: _trend(ends(), "vpp"),
            "m_mdf_trend_error": lambda: _trend(ends(), "mdf"),
            "coverage": lambda: _coverage(scene, given, scene.evoked, error),
            "coverage_mean": lambda: _coverage(scene, given, scene.evoked - scene.evoked_random, error),
        }
    )


def _no_response() -> float:
    raise Undefined("there is no evoked response")


def mean_waves(x: Array, scene: Scene, pulses: slice | NDArray[np.int64] = slice(None)) -> Array:
    """Mean of the 3 to 25 ms after some pulses, V, (channels, samples of a frame); NaN where no pulse shows any.

    What lies under the first 3 ms of another pulse, or under samples that are not sound, is left out.
    """
    low, high = int(np.ceil(EARLY * scene.fs)), int(np.floor(RESPONSE * scene.fs))
    first = np.ceil(scene.onsets[pulses] * scene.fs - 1e-6).astype(np.int64)
    first = first[first + high <= x.shape[1]]
    index = first[:, np.newaxis] + np.arange(low, high)
    ok = (scene.sound & (scene.since >= EARLY - EDGE))[:, index]
    count = ok.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(ok, x[:, index], 0.0).sum(axis=1) / count)


def nrmse(scene: Scene, given: Array) -> float:
    """RMS error of the mean M-wave 3 to 25 ms after the pulse over its RMS, %, median over channels."""
    true, seen = scene.known("mean waves", lambda: mean_waves(scene.evoked, scene)), mean_waves(given, scene)
    there = np.isfinite(true)
    if not there.any():
        raise Undefined("no samples 3 to 25 ms after a pulse")
    rows = [
        np.sqrt(np.mean((b[ok] - a[ok]) ** 2) / np.mean(a[ok] ** 2)) for a, b, ok in zip(true, seen, there, strict=True)
    ]
    return float(100 * np.median(rows))


def m_wave_values(wave: Array, fs: float) -> dict[str, Array]:
    """Size, area, median frequency and latency of M-waves.

    Parameters
    ----------
    wave : ndarray, shape (channels, samples)
        V, without gaps.
    fs : float
        Hz.

    Returns
    -------
    dict of str to ndarray, shape (channels,)
        "vpp" V, "area" V·s (rectified), "mdf" Hz (energy spectrum), "latency" s from the first sample: where the
        waveform first reaches a fifth of its largest deflection.
    """
    from scipy.signal import resample

    padded = np.pad(wave, ((0, 0), (64, 64)), mode="edge")
    fine = resample(padded, padded.shape[1] * FINE, axis=1)[:, 64 * FINE : (64 + wave.shape[1] - 1) * FINE + 1]
    energy = np.abs(np.fft.rfft(wave, PADDED)) ** 2
    grid, below = np.fft.rfftfreq(PADDED, 1 / fs), np.cumsum(energy, axis=1)
    largest = np.abs(fine).max(axis=1, keepdims=True)
    return {
        "vpp": np.ptp(fine, axis=1),
        "area": np.abs(fine).sum(axis=1) / (FINE * fs),
        "mdf": np.array([np.interp(0.5 * row[-1], row, grid) for row in below]),
        "latency": (np.abs(fine) >= ONSET * largest).argmax(axis=1) / (FINE * fs),
    }


def _ends(scene: Scene, x: Array) -> tuple[Values, Values]:
    """Values of the first and of the last fifth of the pulses."""
    share = max(scene.onsets.size // FIFTHS, 1)
    values = []
    for pulses in (slice(0, share), slice(-share, None)):
        wave = mean_waves(x, scene, pulses)
        if not np.isfinite(wave).all():
            raise Undefined("parts of the response lie under other pulses or are lost")
        values.append(m_wave_values(wave, scene.fs))
    return values[0], values[1]


def _worst(ends: Pairs, name: str) -> float:
    errors = []
    for true, seen in zip(*ends, strict=True):
        difference = seen[name] - true[name]
        errors.append(1e3 * difference if name == "latency" else 100 * difference / true[name])
    return max((float(np.median(error)) for error in errors), key=abs)


def _trend(ends: Pairs, name: str) -> float:
    changes = []
    for fresh, late in ends:
        if (fresh[name] <= 0).any():
            raise Undefined("nothing is left of the response")
        changes.append(100 * (late[name] / fresh[name] - 1))
    return float(np.median(changes[1] - changes[0]))


def _coverage(scene: Scene, given: Array, true: Array, error: Array | None) -> float:
    if error is None:
        raise Undefined("the method states no standard error")
    mask = scene.phase(EARLY, RESPONSE) & (error > 0)
    if mask.sum() < 50:
        raise Undefined("no samples to score")
    return float(100 * np.mean(np.abs(given - true)[mask] <= Z90 * error[mask]))
