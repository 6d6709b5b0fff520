"""How near an output comes to voluntary EMG and noise: pure functions of arrays."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.benchmark.scene import EARLY, RESPONSE, Scene
from emgkit.benchmark.scored import Scored, Undefined, gather

__all__ = ["leak", "locked_power", "median_frequency", "snr", "voluntary_scores"]

Array = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

BAND = (20.0, 450.0)  # Hz
FEWEST = 50  # samples, below which a mask says nothing
RARE = 0.02  # of all samples, below which a phase is not there
WINDOW = 1.0  # s, of spectra and of the leak's windows
ENVELOPE = 0.1  # s
Z90 = 1.6449
M_WINDOW = (2e-3, 30e-3)  # s after the pulse, for the size of the M-wave


def snr(target: Array, output: Array, mask: Mask) -> float:
    """Output SNR in dB: power of the target over that of the error on the mask, mean over the channels that have any.

    Parameters
    ----------
    target, output : ndarray, shape (channels, samples)
        V.
    mask : ndarray of bool, shape (channels, samples)
        Samples that count.

    Raises
    ------
    Undefined
        If no channel has 50 samples and a target.
    """
    wanted = np.where(mask, target, 0.0)
    wrong = np.where(mask, output - target, 0.0)
    power, error = (wanted**2).sum(axis=1), (wrong**2).sum(axis=1)
    there = (mask.sum(axis=1) >= FEWEST) & (power > 0)
    if not there.any():
        raise Undefined("no samples to score")
    floor = 1e-20 * power[there]  # an exact output is 200 dB, not infinite
    return float(np.mean(10 * np.log10(power[there] / np.maximum(error[there], floor))))


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
        Samples that the method does not call lost. They change "snr_valid" and "lost" only: every other score has the
        same mask for every method.
    effective_pulses : float, optional
        Pulses that the method effectively averages, as it states them.
    published_gain : float, optional
        Gain on clean EMG as the method states it; 1 unless given.

    Returns
    -------
    Scored
        Units in `SCORES`.
    """
    given, target = np.where(np.isfinite(output), output, 0.0), scene.target
    kept = np.isfinite(output) if valid is None else valid & np.isfinite(output)
    bound = _bound(scene)
    usable = snr(target, given, scene.usable) if (scene.usable.sum(axis=1) >= FEWEST).any() else np.nan
    return gather(
        {
            "snr_all": lambda: snr(target, given, scene.all),
            "snr_usable": lambda: snr(target, given, scene.usable),
            "snr_valid": lambda: snr(target, given, scene.usable & kept),
            "snr_0_3": lambda: snr(target, given, scene.phase(0.0, EARLY)),
            "snr_1_3": lambda: snr(target, given, scene.phase(1e-3, EARLY)),
            "snr_3_25": lambda: snr(target, given, scene.phase(EARLY, RESPONSE)),
            "snr_25": lambda: snr(target, given, _enough(scene.phase(RESPONSE, np.inf), scene)),
            "snr_band": lambda: snr(_in_band(target, scene.fs), _in_band(given, scene.fs), scene.usable),
            "snr_bursts": lambda: snr(target, given, scene.usable & scene.working),
            "r": lambda: correlation(target, given, scene.usable),
            "arv_error": lambda: _ratio(np.abs(given), np.abs(target), scene.bursts, 1.0),
            "rms_error": lambda: _ratio(given**2, target**2, scene.bursts, 0.5),
            "mdf_error": lambda: _mdf_error(given, target, scene.bursts, scene.fs),
            "envelope_r": lambda: _envelope_r(given, target, scene),
            "false_emg": lambda: 1e6 * _rms(given - target, scene.rest),
            "rest_ratio": lambda: _rest_ratio(scene, given),
            "residue": lambda: _residue(scene, given),
            "residue_rms": lambda: 1e6 * _residue_rms(scene, given),
            "leak_slope": lambda: 100 * leak(scene, given)[0],
            "leak_slope_half": lambda: 100 * leak(scene, given)[1],
            "gain": lambda: _gain(target, given, scene.usable),
            "gain_error": lambda: 100 * (_gain(target, given, scene.usable) / (published_gain or 1.0) - 1),
            "lost": lambda: 100 * float((scene.usable & ~kept).sum() / max(scene.usable.sum(), 1)),
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
    if not scene.evoked_random.any() or not scene.usable.any():
        return np.nan
    return snr(scene.target, scene.target + scene.evoked_random, scene.usable)


def _finite(value: float, reason: str) -> float:
    if not np.isfinite(value):
        raise Undefined(reason)
    return value


def _ceiling(effective: float | None) -> float:
    if effective is None or not effective > 0:
        raise Undefined("the method states no effective pulses")
    return float(10 * np.log10(effective))


def correlation(one: Array, other: Array, mask: Mask) -> float:
    """Pearson's correlation on a mask, mean over channels."""
    values = []
    for a, b, ok in zip(one, other, mask, strict=True):
        if ok.sum() >= FEWEST and a[ok].std() > 0:
            values.append(float(np.corrcoef(a[ok], b[ok])[0, 1]) if b[ok].std() > 0 else 0.0)
    if not values:
        raise Undefined("no samples to score")
    return float(np.mean(values))


def _rms(x: Array, mask: Mask) -> float:
    if mask.sum() < FEWEST:
        raise Undefined("no samples to score")
    return float(np.sqrt(np.mean(x[mask] ** 2)))


def _mean_over(x: Array, mask: Mask) -> Array:
    if (mask.sum(axis=1) < FEWEST).any():
        raise Undefined("no samples to score")
    return np.asarray(np.where(mask, x, 0.0).sum(axis=1) / mask.sum(axis=1))


def _ratio(given: Array, wanted: Array, mask: Mask, power: float) -> float:
    return float(np.mean(100 * ((_mean_over(given, mask) / _mean_over(wanted, mask)) ** power - 1)))


def _gain(target: Array, given: Array, mask: Mask) -> float:
    return float(np.mean(_mean_over(given * target, mask) / _mean_over(target**2, mask)))


def _in_band(x: Array, fs: float) -> Array:
    from scipy.signal import butter, sosfiltfilt

    sections = butter(4, (BAND[0], min(BAND[1], 0.45 * fs)), "bandpass", fs=fs, output="sos")
    return np.asarray(sosfiltfilt(sections, x, axis=-1))


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


def _mdf_error(given: Array, target: Array, mask: Mask, fs: float) -> float:
    _mean_over(target, mask)
    return float(np.mean(100 * (median_frequency(given, mask, fs) / median_frequency(target, mask, fs) - 1)))


def _envelope_r(given: Array, target: Array, scene: Scene) -> float:
    from scipy.ndimage import uniform_filter1d

    if not scene.working.any() or not scene.resting.any():
        raise Undefined("effort does not change")
    size = round(ENVELOPE * scene.fs)
    rows = [
        np.sqrt(np.maximum(uniform_filter1d(np.where(scene.usable, x**2, 0.0), size, axis=-1), 0.0))
        for x in (given, target)
    ]
    step = max(size // 2, 1)
    return correlation(rows[0][:, ::step], rows[1][:, ::step], scene.all[:, ::step])


def _rest_ratio(scene: Scene, given: Array) -> float:
    floor = np.sqrt(_rms(scene.noise, scene.rest) ** 2 + _rms(scene.evoked_random, scene.rest) ** 2)
    return _rms(given, scene.rest) / float(floor)


def locked_power(x: Array, first: NDArray[np.int64], length: int) -> float:
    """Power that is locked to pulses, V²: mean product of the mean of the odd and that of the even pulses.

    Parameters
    ----------
    x : ndarray, shape (channels, samples)
        V.
    first : ndarray of int, shape (pulses,)
        First sample of every frame.
    length : int
        Samples of a frame.
    """
    frames = x[:, first[:, np.newaxis] + np.arange(length)]
    odd, even = frames[:, 1::2].mean(axis=1), frames[:, ::2].mean(axis=1)
    return float(np.mean((odd - odd.mean(axis=1, keepdims=True)) * (even - even.mean(axis=1, keepdims=True))))


def _frames(scene: Scene) -> tuple[NDArray[np.int64], int]:
    if scene.onsets.size < 20:
        raise Undefined("fewer than 20 pulses")
    length = int(min(float(np.quantile(np.diff(scene.onsets), 0.05)), 0.1) * scene.fs)
    first = np.ceil(scene.onsets * scene.fs - 1e-6).astype(np.int64)
    return first[(first >= 0) & (first + length <= scene.recorded.shape[1])], length


def _residue(scene: Scene, given: Array) -> float:
    before = locked_power(scene.recorded, *_frames(scene))
    if before <= 0:
        raise Undefined("nothing is locked to the pulses")
    return float(10 * np.log10(max(locked_power(given, *_frames(scene)) / before, 1e-9)))


def _residue_rms(scene: Scene, given: Array) -> float:
    return float(np.sqrt(max(locked_power(given, *_frames(scene)), 0.0)))


def leak(scene: Scene, given: Array) -> tuple[float, float]:
    """Leak slope, V RMS per V of M-wave: slope over 1 s windows of the output's RMS, minus the target's, on Vpp.

    The target's own RMS is taken off, because with the M-wave the antidromic block changes true voluntary EMG too.

    Returns
    -------
    slope, half : float
        Mean over channels, and half of its 90 % interval from the scatter around the line (windows independent).
    """
    size, excess = _windows(scene, given)
    slopes, errors = [], []
    for x, y in zip(size, excess, strict=True):
        spread = x - x.mean()
        slope = float(spread @ y / (spread @ spread))
        left = y - y.mean() - slope * spread
        slopes.append(slope)
        errors.append(float(left @ left / max(x.size - 2, 1) / (spread @ spread)))
    return float(np.mean(slopes)), float(Z90 * np.sqrt(np.sum(errors)) / len(errors))


def _windows(scene: Scene, given: Array) -> tuple[Array, Array]:
    low, high = (round(edge * scene.fs) for edge in M_WINDOW)
    first = np.ceil(scene.onsets * scene.fs).astype(np.int64)
    first = first[first + high <= scene.recorded.shape[1]]
    if first.size < 20:
        raise Undefined("fewer than 20 pulses")
    vpp = np.ptp(scene.evoked[:, first[:, np.newaxis] + np.arange(low, high)], axis=2)
    count = round(WINDOW * scene.fs)
    rows = []
    for begin in range(int(first[0]), int(first[-1]) - count, count):
        inside, part = (first >= begin) & (first < begin + count), slice(begin, begin + count)
        ok = scene.usable[:, part]
        if inside.sum() < 3 or (ok.sum(axis=1) < FEWEST).any():
            continue
        levels = [np.sqrt(_mean_over(x[:, part] ** 2, ok)) for x in (given, scene.target)]
        rows.append((vpp[:, inside].mean(axis=1), levels[0] - levels[1]))
    if len(rows) < 6:
        raise Undefined("fewer than six windows of 1 s")
    size, excess = (np.stack(column, axis=1) for column in zip(*rows, strict=True))
    if (size.std(axis=1) < 0.01 * np.maximum(size.mean(axis=1), 1e-9)).any():
        raise Undefined("the M-wave does not change")
    return size, excess
