"""A train of which no single pulse stands out, placed by its lines in the spectrum: known rate, no trigger."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from emgkit.detect.artifact_times import Timed
from emgkit.errors import EmgkitWarning

__all__ = ["steady_train"]

Array = NDArray[np.float64]

NEAR = 0.02  # relative distance of the true rate from the nominal one
LINES = 3  # harmonics, folded ones too, that must all be lines
LINE = 100.0  # times the power about it, that makes a line: 20 dB
ABOUT = (4, 60)  # resolution cells beside a line that tell the power about it
FEWEST = 100  # periods
BLOCK = 256  # quarters of the resolution, whose median tells the power about a line
WINDOWS = 20  # in which phase and amplitude are followed
WHOLE = 0.5  # of the usual amplitude that every window must have: the train neither begins nor ends
TURNS = 3  # of the rate's refinement: the phases' slope is exact after the second
PHASES = 64  # bins of the mean period
REST = 0.1  # of the power of the steepest change of the mean period, below which it rests
MAINS, MAINS_NEAR = (50.0, 60.0), 0.1  # Hz: a train there cannot be told from mains
MAINS_WANDERS = 0.004  # relative distance from multiples of mains, within which no unknown rate is looked for
SLOWEST = 20.0  # Hz, of unknown rates: single pulses stand out, and below there is heart and movement


def steady_train(signal: Array, fs: float, rate: float | None) -> Timed | None:
    """Find a train that goes on through the whole recording, in recordings where pulses are smooth.

    Parameters
    ----------
    signal : ndarray, shape (channels, samples)
        Without gaps, V.
    fs : float
        Hz.
    rate : float or None
        Nominal rate, Hz; None searches for that whose first harmonics are the strongest lines.

    Returns
    -------
    Timed or None
        All pulses of a train, their jitter NaN; None where there is none, or it is not the same throughout.

    Notes
    -----
    Where an amplifier's filter is as slow as the pulses are fast, every sample holds artifact and none is sharp. The
    harmonics of the train, as folded by sampling, are lines at multiples of one frequency; the phases of the first
    ones over the recording tell the rate to a small part of one cycle. The leading edge is where the longest rest of
    the mean period ends. That single pulses are missing, extra or jitter cannot be seen, and is said.
    """
    count = signal.shape[1]
    scaled = signal - signal.mean(axis=1, keepdims=True)
    scaled = scaled / np.maximum(scaled.std(axis=1, keepdims=True), 1e-300)
    if rate is None:
        rate = _searched(scaled, fs)
    if count / fs * rate < FEWEST or _of_mains(rate):
        return None
    found = _by_lines(scaled, fs, rate)
    for _ in range(TURNS if found else 0):
        courses = _courses(scaled, fs, found)
        if (np.abs(courses).sum(axis=(0, 1)) < WHOLE * np.median(np.abs(courses).sum(axis=(0, 1)))).any():
            return None
        found += _slope(courses, count / fs)
    edge = _edge(scaled, fs, found) if found and not _of_mains(found) else None
    if edge is None:
        return None
    onsets = (np.arange(int(count / fs * found) + 1) + edge) / found
    onsets = onsets[onsets < (count - 1) / fs]
    warnings.warn(
        f"No pulse stands out by itself: a steady train of {found:.6g} Hz was placed by its lines in the spectrum. "
        "Single pulses that are missing, extra or jitter could not be seen.",
        EmgkitWarning,
        stacklevel=4,
    )
    error = np.full(onsets.size, 1 / (found * PHASES * np.sqrt(12)))
    return Timed(onsets, error, float("nan"), np.ones(onsets.size, dtype=bool))


def _of_mains(rate: float) -> bool:
    return any(abs(rate / line - round(rate / line)) * line < MAINS_NEAR for line in MAINS)


def _power(scaled: Array) -> tuple[Array, int]:
    """Power at frequencies a quarter of the resolution apart, and their number with the negative ones."""
    from scipy.fft import next_fast_len, rfft

    size = next_fast_len(4 * scaled.shape[1], real=True)
    return (np.abs(rfft(scaled * np.hanning(scaled.shape[1]), size, axis=1)) ** 2).sum(axis=0), size


def _searched(scaled: Array, fs: float) -> float:
    """Rate below half of the sampling rate whose first harmonics are the strongest lines, Hz; 0 for none.

    Every harmonic of a train is a candidate, too: its own harmonics are weaker ones of the train.
    """
    power, size = _power(scaled)
    if power.size < BLOCK:
        return 0.0
    blocks = power[: power.size // BLOCK * BLOCK].reshape(-1, BLOCK)
    about = np.interp(np.arange(power.size), (np.arange(len(blocks)) + 0.5) * BLOCK, np.median(blocks, axis=1))
    over = power / np.maximum(about, 1e-300)
    tried = np.flatnonzero(over > LINE)
    rates = tried * fs / size
    mains = np.min([np.abs(rates / line / np.maximum(np.round(rates / line), 1) - 1) for line in MAINS], axis=0)
    tried = tried[(rates > SLOWEST) & (rates < fs / 2) & (mains > MAINS_WANDERS)]
    orders = np.arange(1, LINES + 1)[:, np.newaxis]
    places = np.abs((orders * tried + size // 2) % size - size // 2)
    lines = np.max([over[np.clip(places + side, 0, power.size - 1)] for side in range(-LINES, LINES + 1)], axis=0)
    strength = np.where((lines > LINE).all(axis=0), np.log(np.maximum(lines, 1e-300)).sum(axis=0), 0.0)
    return float(tried[np.argmax(strength)] * fs / size) if strength.any() else 0.0


def _by_lines(scaled: Array, fs: float, rate: float) -> float:
    """Rate at which the first harmonics are lines, Hz, to a part of the resolution; 0 for none."""
    count = scaled.shape[1]
    power, size = _power(scaled)
    tried = rate + np.arange(-NEAR * rate, NEAR * rate, fs / size)
    orders = np.arange(1, LINES + 1)[:, np.newaxis]
    folded = np.abs((orders * tried + fs / 2) % fs - fs / 2)
    places = np.round(folded / fs * size).astype(np.int64)
    best = int(np.argmax(np.log(power[places] + 1e-300).sum(axis=0)))
    cell = size // count + 1
    for place in places[:, best]:
        beside = np.concatenate(
            [power[max(place + side * cell, 0) :][: (ABOUT[1] - ABOUT[0]) * cell] for side in (ABOUT[0], -ABOUT[1])]
        )
        if power[max(place - cell, 0) : place + cell + 1].max() < LINE * np.median(beside):
            return 0.0
    return float(tried[best])


def _courses(scaled: Array, fs: float, rate: float) -> NDArray[np.complex128]:
    """Amplitude and phase of the first harmonics over the recording, (harmonics, channels, windows)."""
    width = scaled.shape[1] // WINDOWS
    used = scaled[:, : WINDOWS * width]
    turn = np.exp(-2j * np.pi * rate / fs * np.arange(used.shape[1]))
    rows = [(used * turn**order).reshape(len(used), WINDOWS, width).mean(axis=2) for order in range(1, LINES + 1)]
    return np.stack(rows)


def _slope(courses: NDArray[np.complex128], duration: float) -> float:
    """How much the phases ask the rate to be higher, Hz: the mean turn from window to window, weighted by power."""
    turns = courses[..., 1:] * courses[..., :-1].conj()
    orders = np.arange(1, LINES + 1)
    weights = np.abs(turns).sum(axis=(1, 2))
    steps = np.angle(turns.sum(axis=(1, 2))) / orders
    return float((weights * orders**2) @ steps / (weights @ orders**2) / (2 * np.pi) / (duration / WINDOWS))


def _edge(scaled: Array, fs: float, rate: float) -> float | None:
    """Where in the period its longest rest ends, 0 ... 1; None where the samples leave phases unseen."""
    phase = (np.arange(scaled.shape[1]) * rate / fs) % 1.0
    place = np.minimum((phase * PHASES).astype(np.int64), PHASES - 1)
    seen = np.bincount(place, minlength=PHASES)
    if not seen.all():
        return None
    mean = np.stack([np.bincount(place, row, minlength=PHASES) for row in scaled]) / seen
    change = ((np.roll(mean, -1, axis=1) - mean) ** 2).sum(axis=0)
    moving = np.flatnonzero(change >= REST * change.max())
    rests = np.diff(moving, append=moving[0] + PHASES)
    begin = int(moving[(int(np.argmax(rests)) + 1) % moving.size])
    return (begin + 0.5) / PHASES
