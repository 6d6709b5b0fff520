"""What speaks for and against a voluntary part, from the part alone: power that should not be there, by its kind."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.phase_excess import excess_at_rest, sure_excess
from emgkit.artifact.unknown_pulses import unknown_share
from emgkit.pulses import Pulses
from emgkit.recording import Recording

__all__ = ["AFTER", "VoluntaryEvidence", "stimulated", "voluntary_evidence"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

AFTER = 0.05  # s after the last pulse that still belong to the stimulation
EARLY = 0.003  # s after a pulse, in which an artifact leaves most
SPIKED = 0.0015  # s before the next pulse: its artifact may begin
RESPONSE = 0.065  # s after a pulse: by then a late response is over where the next pulse comes late enough
REST = 0.75  # of the interval: later, a response counts as over
WINDOW = 0.3  # s, in which power is compared between phases
ALIKE = 0.25  # of the power of what was taken away during effort, from which a window has responses as they are there
EFFORT = 0.2  # of the power that a tenth of the windows exceed: from there on a window counts as effort
LIKE = 0.3  # of what was taken away: a single motor unit leaves less along it
LONE = 20.0  # times the power around, from which the slot of one interval is none of EMG's doing
FRAME = 0.1  # s, longest slot
ODD = 3.0  # times the power around, on average, from which pulses at unusual intervals leave something
IRREGULAR, RARE = 0.1, 0.3  # relative deviation of an interval that is unusual, and share of them that is not
OUTLIER = 6.0  # robust standard deviations, from which what one pulse left is none of EMG's doing
SLOW = 15.0  # Hz, below which there is movement and heart rather than EMG
SHORTEST = 0.018  # s after a pulse, before which no response is over
FEWEST, FEWEST_PULSES = 5, 8  # samples, and pulses among which one can stand out
NOTHING = (float("nan"),) * 8
NEIGHBOURS = 21  # pulses, among which a score is usual
HIGH, HIGHEST_LINE = 480.0, 310.0  # Hz, above which there is hardly any EMG, and of lines
LINE_WINDOW = 2.0  # s
LINE_WIDTH, LINE_AROUND = 1.0, 6.0  # Hz around a multiple of the mains frequency that are the line, and to compare with
LINE_EXCESS = 1.0  # times what is around, from which a line is one


@dataclass(frozen=True)
class VoluntaryEvidence:
    """Shares of the power of a channel's voluntary part during effort that are not voluntary EMG.

    Parameters
    ----------
    power : float
        Mean power of the part in windows with effort, V².
    early : float
        Excess within 3 ms after the pulses over the other phases.
    response : float
        Excess between 3 ms and the time at which a response is over, over what comes later, as windows without effort
        show it (unpredictable responses are as large there), or those with effort as far as that is sure.
    misses : float
        What single pulses leave whose response was not like that of the others: outliers of the projection on what was
        taken away.
    lines : float
        Narrow lines at multiples of 50 or 60 Hz.
    noise : float
        Noise of electrodes and amplifier: from the highest frequencies, or the quietest windows.
    slow : float
        Power below 15 Hz.
    chance : float
        Standard error of the sum.
    compared : bool
        Whether there are phases or windows in which no response is, to compare with.
    lost : float
        Lost share of the samples.
    """

    power: float
    early: float
    response: float
    misses: float
    lines: float
    noise: float
    slow: float
    chance: float
    compared: bool
    lost: float


def stimulated(recording: Recording, onsets: Array) -> Mask:
    """Mark the samples from the first pulse to 50 ms after the last, (samples,)."""
    times = recording.start + np.arange(recording.n_samples) / recording.fs
    return np.asarray((times >= onsets[0] - 1e-9) & (times < onsets[-1] + AFTER))


@dataclass(frozen=True, eq=False)
class _Phases:
    """Window and phase of every sample of the stimulation."""

    during: Mask
    early: Mask
    late: Mask
    window: NDArray[np.int64]
    slot: NDArray[np.int64]
    pulse: NDArray[np.int64]
    odd: Mask
    over: float
    windows: int
    pulses: int


def voluntary_evidence(output: Recording, recorded: Recording, pulses: Pulses) -> list[VoluntaryEvidence]:
    """Gather the evidence for every channel.

    Parameters
    ----------
    output : Recording
        The voluntary part.
    recorded : Recording
        What was taken apart.
    pulses : Pulses
        The pulses that were used.
    """
    phases, onsets = _phases(output, pulses.onsets), pulses.onsets - output.start
    rows = zip(output.signal, recorded.signal, output.valid, strict=True)
    return [_of_channel(row, whole - row, ok, output.fs, phases, onsets) for row, whole, ok in rows]


def _phases(output: Recording, onsets: Array) -> _Phases:
    times = output.start + np.arange(output.n_samples) / output.fs
    during = stimulated(output, onsets)
    pulse = np.maximum(np.searchsorted(onsets, times + 1e-9, side="right") - 1, 0)
    since = np.where(during, times - onsets[pulse], np.inf)
    ahead = np.append(onsets[1:], np.inf)[pulse] - times
    interval = float(np.median(np.diff(onsets))) if onsets.size > 1 else np.inf
    over = max(min(RESPONSE, REST * interval), EARLY)
    span = max(WINDOW, 3 * min(interval, 1.0))
    windows = max(int((onsets[-1] + AFTER - onsets[0]) / span), 1)
    window = np.clip(((times - onsets[0]) / span).astype(np.int64), 0, windows - 1)
    early, late = during & (since < EARLY), during & (since >= over) & (ahead > SPIKED)
    slot = np.where(during, (times - onsets[0]) / min(interval, FRAME), 0.0).astype(np.int64)
    return _Phases(during, early, late, window, slot, pulse, _odd(onsets, interval), over, windows, onsets.size)


def _odd(onsets: Array, interval: float) -> Mask:
    """Mark the pulses of a regular train that another one is nearer to, or farther from, than usual, (pulses,)."""
    away = np.abs(np.diff(onsets) - interval) > IRREGULAR * interval
    if away.mean() > RARE if away.size else True:
        return np.zeros(onsets.size, dtype=bool)
    return np.asarray(np.append(away, False) | np.append(False, away))


def _of_channel(row: Array, taken: Array, ok: Mask, fs: float, phases: _Phases, onsets: Array) -> VoluntaryEvidence:
    square = row**2
    all_, count = _powers(square, ok & phases.during, phases.window, phases.windows)
    working = (all_ >= EFFORT * np.nanquantile(all_, 0.9)) if np.isfinite(all_).any() else np.zeros(0, dtype=bool)
    if not working.any():
        return VoluntaryEvidence(*NOTHING, compared=False, lost=1.0)
    power = float(np.average(all_[working], weights=count[working]))
    inside = ok & phases.during & working[phases.window]
    early, chance = _early(square, inside, phases, power)
    late, _ = _powers(square, ok & phases.late, phases.window, phases.windows)
    slow, lines, floor = _spectrum(row, inside, fs)
    change, _ = _powers(np.diff(taken, prepend=taken[:1]) ** 2, ok & phases.during, phases.window, phases.windows)
    usual = np.average(change[working], weights=count[working])
    alike = change >= ALIKE * usual  # at the foot of a ramp nothing varies
    response, doubt = excess_at_rest(np.where(alike, all_, np.nan), late, power)
    response = max(response, sure_excess(all_[working], late[working], count[working], power))
    misses = _misses(row, taken, inside & ~phases.early, phases, power)
    misses = max(misses, _slots(square, taken, inside, phases, power), _irregular(square, inside, phases, power))
    misses = max(misses, unknown_share(row, inside, fs, onsets))
    quiet = float(np.nanquantile(late, 0.1)) if np.isfinite(late).any() else float(all_[np.isfinite(all_)].min())
    total = float(np.sqrt(chance**2 + doubt**2))
    compared = bool(phases.over >= SHORTEST and np.isfinite(late).sum() >= 2)
    lost = 1 - float(ok[phases.during].mean())
    noise = (quiet if floor > quiet else float(np.sqrt(floor * quiet))) / power  # quiet EMG may be in the quietest
    return VoluntaryEvidence(power, early, response, misses, lines, noise, slow, total, compared, lost)


def _powers(square: Array, mask: Mask, group: NDArray[np.int64], groups: int) -> tuple[Array, Array]:
    """Mean power per group and the samples in it; NaN below a few samples."""
    count = np.bincount(group[mask], minlength=groups)
    total = np.bincount(group[mask], square[mask], minlength=groups)
    return np.where(count >= FEWEST, total / np.maximum(count, 1), np.nan), count.astype(np.float64)


def _early(square: Array, inside: Mask, phases: _Phases, power: float) -> tuple[float, float]:
    """Excess within the first milliseconds, as a share of all power, and its standard error."""
    first, others = inside & phases.early, inside & ~phases.early
    if first.sum() < FEWEST or others.sum() < FEWEST:
        return 0.0, 0.0
    share = first.sum() / inside.sum()
    excess = float(square[first].mean() - square[others].mean()) / power
    pulses = max(np.unique(phases.pulse[first]).size, 1)
    return share * excess, share * float(np.sqrt(2 / pulses))


def _slots(square: Array, taken: Array, inside: Mask, phases: _Phases, power: float) -> float:
    """Power of the slots of one interval that stand out from those around: pulses that nobody knew of."""
    slot = phases.slot[inside]
    own, count = _powers(square, inside, phases.slot, int(slot.max()) + 1)
    known = np.isfinite(own)
    if known.sum() < FEWEST_PULSES:
        return 0.0
    from scipy.ndimage import median_filter

    usual = median_filter(own[known], size=NEIGHBOURS, mode="nearest")
    whole, _ = _powers(taken**2, inside, phases.slot, own.size)
    least = np.maximum(LONE * usual, LIKE * float(np.median(whole[known])))
    beyond = np.where(own[known] > least, own[known] - usual, 0.0)
    return float((beyond * count[known]).sum() / inside.sum()) / power


def _irregular(square: Array, inside: Mask, phases: _Phases, power: float) -> float:
    """Power that pulses at unusual intervals leave beyond that of their neighbours."""
    own, count = _powers(square, inside, phases.pulse, phases.pulses)
    known = np.isfinite(own)
    odd = phases.odd[known]
    if not odd.any() or known.sum() < FEWEST_PULSES:
        return 0.0
    from scipy.ndimage import median_filter

    usual = median_filter(own[known], size=NEIGHBOURS, mode="nearest")[odd]
    if float(np.mean(own[known][odd] / np.maximum(usual, 1e-300))) < ODD:
        return 0.0
    return float(np.maximum((own[known][odd] - usual) * count[known][odd], 0.0).sum() / inside.sum()) / power


def _misses(row: Array, taken: Array, inside: Mask, phases: _Phases, power: float) -> float:
    """Power left by pulses whose response was larger or smaller by far than what was taken away."""
    pulse = phases.pulse[inside]
    dot = np.bincount(pulse, row[inside] * taken[inside], minlength=phases.pulses)
    energy = np.bincount(pulse, taken[inside] ** 2, minlength=phases.pulses)
    known = energy > 1e-3 * energy.max() if energy.max() > 0 else np.zeros(phases.pulses, dtype=bool)
    if known.sum() < FEWEST_PULSES:
        return 0.0
    from scipy.ndimage import median_filter

    score = dot[known] / np.sqrt(energy[known])  # V·√samples, what the pulse left along what was taken
    usual = 1.4826 * median_filter(np.abs(score), size=NEIGHBOURS, mode="nearest")  # effort comes and goes
    like = np.abs(dot[known]) > LIKE * energy[known]
    left = np.where(like & (np.abs(score) > OUTLIER * usual), score**2, 0.0)
    return float(left.sum() / max(inside.sum(), 1)) / power


def _spectrum(row: Array, inside: Mask, fs: float) -> tuple[float, float, float]:
    """Shares of the power below 15 Hz and in mains lines, and the noise's power from the highest frequencies, V²."""
    from scipy.signal import welch

    size = min(round(LINE_WINDOW * fs), row.size)
    frequencies, density = welch(np.where(inside, row, 0.0), fs, nperseg=size, detrend=False)
    total = float(density.sum())
    if total == 0:
        return 0.0, 0.0, float("inf")
    slow = float(density[frequencies < SLOW].sum()) / total
    high = (frequencies > 0.32 * fs) & (frequencies < 0.42 * fs) & (frequencies > HIGH)
    level = float(np.median(density[high])) if high.any() else float("inf")
    lines = _lines(frequencies, density) if frequencies[1] <= LINE_AROUND else 0.0  # else too coarse to tell them
    return slow, lines / total, level * row.size / max(inside.sum(), 1) * 0.4 * fs


def _lines(frequencies: Array, density: Array) -> float:
    """Density summed over narrow lines at multiples of 50 or of 60 Hz, whichever holds more."""
    found = []
    for mains in (50.0, 60.0):
        total = 0.0
        for place in np.arange(mains, min(HIGHEST_LINE, frequencies[-1] - 10), mains):
            near = np.abs(frequencies - place) <= LINE_WIDTH
            around = (np.abs(frequencies - place) <= LINE_AROUND) & ~near
            usual = float(np.median(density[around])) / 0.7  # a median of chi-squared of two degrees of freedom
            excess = float(density[near].sum()) - near.sum() * usual
            total += excess if excess > LINE_EXCESS * near.sum() * usual else 0.0
        found.append(total)
    return max(found)
