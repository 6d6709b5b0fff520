"""What speaks for and against the evoked part, from the parts alone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.base import first_samples
from emgkit.recording import Recording
from emgkit.separation import Separation

__all__ = ["MWaveEvidence", "m_wave_evidence"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

RESPONSE = 0.025  # s after a pulse, end of the M-wave
MARGIN = 0.001  # s before the next pulse that its artifact may begin
FIFTHS = 5
HEAD = 0.0005  # s, in which the level is read from which the response starts
NOT_YET = 0.0025  # s after a pulse, before which no M-wave begins; unverified
MOSTLY = 0.5  # of the pulses must show a sample that counts as known
BEND = 0.001  # s, lag of the second differences by which artifact and response are compared: tails hardly bend
LIKE = 0.5  # correlation of their bends, from which the artifact holds what is like the response; unverified


@dataclass(frozen=True)
class MWaveEvidence:
    """Mean M-wave of the first and of the last fifth of the pulses, the worse of both.

    Parameters
    ----------
    size : float
        Vpp, V.
    noise : float
        Standard error of a sample of the mean over the size.
    head : float
        Distance of the first samples from the level before the pulse, over the size: a tail of the artifact, or an
        M-wave that began before it was let go.
    end : float
        The same of the last samples before the next pulse or 25 ms: a response that is cut.
    mixed : float
        Share of the response that what was taken for artifact holds, as it is or turned over: artifacts are not like
        responses, so that so much was mistaken for each other.
    told : float
        Standard error of the size by what the method states of the evoked part, over the size; 0 where it states none.
    told_rms : float
        RMS of what it states over that of the mean M-wave; 0 where it states none.
    whole : bool
        Whether every sample of the window is known in at least half of the pulses.
    pulses : int
        Pulses that are averaged.
    length : int
        Samples in the window.
    window : (float, float)
        s after the pulse.
    """

    size: float
    noise: float
    head: float
    end: float
    mixed: float
    told: float
    told_rms: float
    whole: bool
    pulses: int
    length: int
    window: tuple[float, float]


def m_wave_evidence(separation: Separation, output: Recording) -> list[MWaveEvidence] | None:
    """Gather the evidence for every channel; None where the method keeps no M-wave."""
    if "clean" not in separation.names:
        return None
    clean, pulses = separation.clean, separation.pulses
    onsets = pulses.onsets - clean.start
    until = min(RESPONSE, float(np.quantile(np.diff(onsets), 0.05)) - MARGIN) if onsets.size > 1 else RESPONSE
    window = (max(separation.evoked_lost_until, 0.0), until)
    own = onsets[pulses.stimulator == pulses.stimulator[0]]
    share = max(own.size // FIFTHS, 1)
    rest = output if "voluntary" in separation.names else None
    errors = separation.standard_error("evoked") if "evoked" in separation.parts.standard_errors else None
    found = []
    for channel in range(clean.n_channels):
        parts = (own[:share], own[own.size - share :])
        taken = separation.recording.signal[channel] - clean.signal[channel]
        stated = None if errors is None else errors[channel]
        both = [_of_part(clean, rest, channel, part, window, taken, stated) for part in parts]
        found.append(_worse(both))
    return found


def _worse(both: list[MWaveEvidence]) -> MWaveEvidence:
    one, other = both
    return MWaveEvidence(
        min(one.size, other.size),
        max(one.noise, other.noise),
        max(one.head, other.head),
        max(one.end, other.end),
        max(one.mixed, other.mixed),
        max(one.told, other.told),
        max(one.told_rms, other.told_rms),
        one.whole and other.whole,
        min(one.pulses, other.pulses),
        one.length,
        one.window,
    )


def _of_part(
    clean: Recording,
    rest: Recording | None,
    channel: int,
    onsets: Array,
    window: tuple[float, float],
    taken: Array,
    stated: Array | None,
) -> MWaveEvidence:
    fs, nothing = clean.fs, float("nan")
    length = int((window[1] - window[0]) * fs)
    first = first_samples(onsets + window[0], fs)
    first = first[(first >= 0) & (first + length <= clean.n_samples)]
    if length < 3 or not first.size:
        return MWaveEvidence(0.0, *(nothing,) * 6, False, int(first.size), length, window)
    index = first[:, np.newaxis] + np.arange(length)
    mean, whole = _mean(clean.signal[channel][index], clean.valid[channel][index])
    if not whole:
        return MWaveEvidence(0.0, *(nothing,) * 6, False, int(first.size), length, window)
    size, few = float(np.ptp(mean)), max(int(HEAD * fs), 1)
    level = _level(clean, channel, onsets)
    known = clean.valid[channel][index]
    frames = _before(clean, channel, onsets) - level if rest is None else rest.signal[channel][index][known]
    noise = float(np.sqrt(np.mean(frames**2) / first.size)) if frames.size else nothing
    safe = size if size > 0 else nothing
    told = np.zeros(length) if stated is None else stated[index].mean(axis=0)
    return MWaveEvidence(
        size,
        noise / safe,
        _head(mean - level, few, window[0]) / safe,
        abs(float(mean[-few:].mean()) - level) / safe,
        _mixed(np.nan_to_num(taken[index]).mean(axis=0), mean, round(BEND * fs)),
        _error_of_size(told, mean) / safe,
        float(np.sqrt(np.mean(told**2))) / (float(mean.std()) or nothing),
        True,
        int(first.size),
        length,
        window,
    )


def _mixed(artifact: Array, response: Array, lag: int) -> float:
    """Share of the mean response that is in the mean artifact, either way round; 0 where they are not alike."""
    lag = max(lag, 1)
    if response.size <= 2 * lag:
        return 0.0
    one, other = (2 * x[lag:-lag] - x[: -2 * lag] - x[2 * lag :] for x in (artifact, response))
    both, power = float(one @ other), float(other @ other)
    like = abs(both) > LIKE * np.sqrt(float(one @ one) * power)
    return abs(both) / power if like and power > 0 else 0.0


def _error_of_size(errors: Array, mean: Array) -> float:
    """Give the standard error of the size by those of its largest and its smallest sample, V."""
    return float(np.hypot(errors[mean.argmax()], errors[mean.argmin()]))


def _head(wave: Array, few: int, begin: float) -> float:
    """Distance from the level at the beginning, V; the larger of two in a row while no M-wave can have begun."""
    first = abs(float(wave[:few].mean()))
    if begin + 2 * HEAD > NOT_YET or wave.size < 2 * few:
        return first
    return max(first, abs(float(wave[few : 2 * few].mean())))


def _mean(pieces: Array, ok: Mask) -> tuple[Array, bool]:
    number = ok.sum(axis=0)
    return np.where(ok, pieces, 0.0).sum(axis=0) / np.maximum(number, 1), bool((number >= MOSTLY * len(ok)).all())


def _before(clean: Recording, channel: int, onsets: Array) -> Array:
    """Signal from 12 to 1.5 ms before the pulses, where no response is in most recordings, V, (pulses, samples).

    Pulses before which a sample was not measured tell nothing.
    """
    first = np.ceil((onsets - 0.012) * clean.fs).astype(np.int64)
    before = clean.signal[channel][first[first >= 0, np.newaxis] + np.arange(max(int(0.0105 * clean.fs), 1))]
    return np.asarray(before[np.isfinite(before).all(axis=1)])


def _level(clean: Recording, channel: int, onsets: Array) -> float:
    """Level 1.5 to 3 ms before the pulses, V."""
    last = _before(clean, channel, onsets)[:, -max(int(0.0015 * clean.fs), 1) :]
    return float(np.median(last.mean(axis=1))) if last.size else 0.0
