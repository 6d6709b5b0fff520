"""How near an output comes to voluntary EMG and noise: pure functions of arrays."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.benchmark.locked_scores import leak, residue, residue_power, residue_rms
from emgkit.benchmark.masked import FEWEST, correlation, mean_over, rms, snr
from emgkit.benchmark.scene import EARLY, RESPONSE, Scene
from emgkit.benchmark.scored import Scored, Undefined, gather

__all__ = ["median_frequency", "voluntary_scores"]

Array = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

BAND = (20.0, 450.0)  # Hz
SILENT = 1e-9  # V, below which nothing varies
RARE = 0.02  # of all samples, below which a phase is not there
WINDOW = 1.0  # s, of spectra
ENVELOPE = 0.1  # s


def voluntary_scores(
    scene: Scene,
    output: Array,
    valid: Mask | None = None,
    *,
    effective_pulses: float | None = None,
    published_gain: float | None = None,
) -> Scored:
    """Score what a method gives as voluntary EMG.

    Parameters
    ----------
    scene : Scene
        Truth and masks.
    output : ndarray, shape (channels, samples)
        V. What is not finite counts as zero.
    valid : ndarray of bool, shape (channels, samples), optional
        Samples that the method does not call lost. They change "snr_valid", "lost" and "marked" only: every other
        score has the same mask for every method.
    effective_pulses : float, optional
        Pulses that the method effectively averages, as it states them.
    published_gain : float, optional
        Gain on clean EMG as the method states it, which `ARV` and `RMS` divide out; 1 unless given.

    Returns
    -------
    Scored
        Units in `SCORES`.
    """
    given, target = np.where(np.isfinite(output), output, 0.0), scene.target
    kept = np.isfinite(output) if valid is None else valid & np.isfinite(output)
    bound = float(scene.known("bound", lambda: _bound(scene)))
    leaking = cache(lambda: leak(scene, given))
    ratio = cache(lambda: snr(target, given, scene.usable))
    usable = ratio() if (scene.usable.sum(axis=1) >= FEWEST).any() else np.nan
    kept_gain, locked = cache(lambda: _gain(scene, given)), cache(lambda: residue_power(scene, given))
    return gather(
        {
            "snr_all": lambda: snr(target, given, scene.all),
            "snr_usable": ratio,
            "snr_valid": lambda: snr(target, given, scene.usable & kept),
            "snr_0_3": lambda: snr(target, given, scene.phase(0.0, EARLY)),
            "snr_1_3": lambda: snr(target, given, scene.phase(1e-3, EARLY)),
            "snr_3_25": lambda: snr(target, given, scene.phase(EARLY, RESPONSE)),
            "snr_25": lambda: snr(target, given, _enough(scene.phase(RESPONSE, np.inf), scene)),
            "snr_band": lambda: snr(_target_in_band(scene), _in_band(given, scene.fs), scene.usable),
            "snr_bursts": lambda: snr(target, given, scene.usable & scene.working),
            "r": lambda: correlation(target, given, scene.usable),
            "arv_error": lambda: _ratio(scene, given / (published_gain or 1.0), np.abs, 1.0),
            "rms_error": lambda: _ratio(scene, given / (published_gain or 1.0), np.square, 0.5),
            "mdf_error": lambda: _mdf_error(given, scene),
            "envelope_r": lambda: _envelope_r(given, scene),
            "false_emg": lambda: 1e6 * rms(given - target, scene.rest),
            "rest_ratio": lambda: _rest_ratio(scene, given),
            "residue": lambda: residue(scene, locked()),
            "residue_rms": lambda: 1e6 * residue_rms(locked()),
            "leak_slope": lambda: 100 * leaking()[0],
            "leak_slope_half": lambda: 100 * leaking()[1],
            "leak_slope_bound": lambda: float(scene.known("leak bound", lambda: _leak_bound(scene))),
            "arv_error_bound": lambda: float(scene.known("arv bound", lambda: _arv_bound(scene))),
            "gain": kept_gain,
            "gain_error": lambda: 100 * (kept_gain() / (published_gain or 1.0) - 1),
            "lost": lambda: 100 * float((scene.usable & ~kept).sum() / max(scene.usable.sum(), 1)),
            "marked": lambda: _marked(scene, kept),
            "bound": lambda: _finite(bound, "nothing varies at random"),
            "behind_bound": lambda: _finite(bound - usable, "nothing varies at random"),
            "ceiling": lambda: _ceiling(effective_pulses),
        }
    )


def _enough(mask: Mask, scene: Scene) -> Mask:
    if mask.sum() < RARE * scene.all.sum():
        raise Undefined("the next pulse comes first")
    return mask


def _bound(scene: Scene) -> float:
    if np.abs(scene.evoked_random).max() < SILENT or not scene.usable.any():
        return np.nan
    return snr(scene.target, scene.target + scene.evoked_random, scene.usable)


def _varied(scene: Scene) -> Array:
    """Give the output from which all is removed but the random part of the evoked response, V."""
    if np.abs(scene.evoked_random).max() < SILENT:
        raise Undefined("nothing varies at random")
    return scene.target + scene.evoked_random


def _leak_bound(scene: Scene) -> float:
    return 100 * leak(scene, _varied(scene))[0]


def _arv_bound(scene: Scene) -> float:
    return _ratio(scene, _varied(scene), np.abs, 1.0)


def _finite(value: float, reason: str) -> float:
    if not np.isfinite(value):
        raise Undefined(reason)
    return value


def _marked(scene: Scene, kept: Mask) -> float:
    spoiled = scene.all & ~scene.sound
    if spoiled.sum() < FEWEST:
        raise Undefined("nothing was clipped, blanked or lost")
    return float(100 * (spoiled & ~kept).sum() / spoiled.sum())


def _ceiling(effective: float | None) -> float:
    if effective is None or not effective > 0:
        raise Undefined("the method states no effective pulses")
    return float(10 * np.log10(effective))


def _ratio(scene: Scene, given: Array, size: Callable[[Array], Array], power: float) -> float:
    wanted = scene.known(f"size {power}", lambda: mean_over(size(scene.target), scene.bursts))
    return float(np.mean(100 * ((mean_over(size(given), scene.bursts) / wanted) ** power - 1)))


def _gain(scene: Scene, given: Array) -> float:
    power = scene.known("power", lambda: mean_over(scene.target**2, scene.usable))
    return float(np.mean(mean_over(given * scene.target, scene.usable) / power))


@cache
def _band_pass(fs: float) -> Array:
    from scipy.signal import butter

    return np.asarray(butter(4, (BAND[0], min(BAND[1], 0.45 * fs)), "bandpass", fs=fs, output="sos"))


def _in_band(x: Array, fs: float) -> Array:
    from scipy.signal import sosfiltfilt

    return np.asarray(sosfiltfilt(_band_pass(fs), x, axis=-1))


def _target_in_band(scene: Scene) -> Array:
    found: Array = scene.known("target in band", lambda: _in_band(scene.target, scene.fs))
    return found


def median_frequency(x: Array, mask: Mask, fs: float) -> Array:
    """Median frequency within 20 to 450 Hz of masked signals, Hz, (channels,).

    Samples outside the mask are zero, in target and output alike, so that both see the same spectral window.
    """
    from scipy.signal import welch

    size = min(round(WINDOW * fs), x.shape[1])
    frequencies, density = welch(np.where(mask, x, 0.0), fs, nperseg=size, axis=-1, detrend=False)
    inside = (frequencies >= BAND[0]) & (frequencies <= BAND[1])
    below = np.cumsum(density[:, inside], axis=1)
    grid = frequencies[inside]
    return np.array([np.interp(0.5 * row[-1], row, grid) for row in below])


def _mdf_error(given: Array, scene: Scene) -> float:
    mask, fs = scene.bursts, scene.fs
    mean_over(scene.target, mask)
    true = scene.known("mdf", lambda: median_frequency(scene.target, mask, fs))
    return float(np.mean(100 * (median_frequency(given, mask, fs) / true - 1)))


def _envelope_r(given: Array, scene: Scene) -> float:
    if not scene.working.any() or not scene.resting.any():
        raise Undefined("effort does not change")
    step = max(round(ENVELOPE * scene.fs) // 2, 1)
    true = scene.known("envelope", lambda: _envelope(scene.target, scene, step))
    return correlation(_envelope(given, scene, step), true, scene.all[:, ::step])


def _envelope(x: Array, scene: Scene, step: int) -> Array:
    """RMS over short windows, usable samples only, at every so many samples."""
    from scipy.ndimage import uniform_filter1d

    smooth = uniform_filter1d(np.where(scene.usable, x**2, 0.0), round(ENVELOPE * scene.fs), axis=-1)
    return np.asarray(np.sqrt(np.maximum(smooth, 0.0))[:, ::step])


def _rest_ratio(scene: Scene, given: Array) -> float:
    floor = scene.known(
        "floor", lambda: np.sqrt(rms(scene.noise, scene.rest) ** 2 + rms(scene.evoked_random, scene.rest) ** 2)
    )
    return rms(given, scene.rest) / float(floor)
