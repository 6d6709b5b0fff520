"""Cut a recording into segments: one after every pulse, or windows of voluntary activity."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt, in_range, interval, nearest, positive
from emgkit.cut_guards import check_intervals, check_lost, check_no_m_waves, check_pulses, next_pulse
from emgkit.emg_gain import emg_gain_over
from emgkit.errors import ParameterError, TimingError, UnknownNameError
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.segments import Segments
from emgkit.shared_error import shared_error_at
from emgkit.step import Step

__all__ = ["cut_m_waves", "cut_windows"]

MOST_LOOKED_AT = 200  # segments, at whose places the shared error is read
TINY = 1e-6  # of a sample: times like 0.3 s are no exact multiples of 1/fs in binary


def cut_m_waves(
    recording: Recording,
    pulses: Pulses,
    window: tuple[float, float] = (0.002, 0.030),
    during: str | Sequence[tuple[float, float]] | None = None,
) -> Segments:
    """Cut the response to every pulse out of a recording.

    Segment i holds the samples whose times lie in the half-open window after pulse i. Each pulse is rounded to a sample
    once, on its own, and what the rounding leaves is kept in ``first``, so nothing adds up.

    Parameters
    ----------
    recording : Recording
        As a rule the part ``clean`` of a separation. A recording whose artifact was not removed is allowed too
        (triggered single pulses, late windows); then nothing guards the window's start.
    pulses : Pulses
        Times of the pulses, s since the file's first sample.
    window : (float, float), default (0.002, 0.030)
        Start and stop, s after the pulse.
    during : str or sequence of (float, float), optional
        Label of the marks, or intervals in s since the file's first sample, within which the whole window must lie;
        all pulses unless given. At rest M-waves are free of voluntary EMG.

    Returns
    -------
    Segments
        Kind "evoked", one per pulse. Samples outside the recording, and from the next pulse on where a single
        interval is shorter than the window, are not valid: features are missing as ``edge`` or ``overlap``.

    Raises
    ------
    EvokedLostError
        If the window starts before the removal method keeps evoked activity, or the part holds none at all.
    ParameterError
        If the window is longer than the usual (median) interval between pulses, or shorter than two samples.
    TimingError, NoPulsesError
        If pulses lie outside the recording, or there are none, or none during the marks.
    UnknownNameError
        If there is no mark of this label; the nearest is offered.

    Examples
    --------
    >>> import numpy as np
    >>> import emgkit as ek
    >>> recording = ek.Recording(np.zeros((1, 4000)), fs=2000)
    >>> ek.cut_m_waves(recording, ek.Pulses([0.1, 0.2, 0.3001])).first.round(4).tolist()
    [0.002, 0.002, 0.0024]
    """
    start, stop = interval("window", window)
    check_pulses(recording, pulses)
    check_lost(recording, start)
    check_intervals(pulses, start, stop)
    count = int(np.floor((stop - start) * recording.fs + TINY))
    if count < 2:
        raise ParameterError(f"The window {start:g} ... {stop:g} s holds {count} samples at {recording.fs:g} Hz.")
    begin = np.ceil((pulses.onsets + start - recording.start) * recording.fs - TINY).astype(np.int64)
    index = begin[:, np.newaxis] + np.arange(count)
    first = recording.start + begin / recording.fs - pulses.onsets
    times = first[:, np.newaxis] + (np.arange(count) + TINY) / recording.fs
    own = times < next_pulse(pulses)[:, np.newaxis]
    kept = _within(recording, pulses, stop, during)
    signal, valid = _gather(recording, index[kept], own[kept])
    whole = {"recording_start": recording.start, "recording_stop": recording.stop}
    parameters = {"window": (start, stop), "during": during, **whole}
    return Segments(
        adopt(signal),
        fs=recording.fs,
        starts=pulses.onsets[kept],
        first=first[kept],
        kind="evoked",
        channel_names=recording.channel_names,
        valid=adopt(valid),
        train=pulses.train[kept],
        intensity=None if pulses.current is None else pulses.current[kept],
        shared_error=_shared_error(recording, pulses.onsets[kept, np.newaxis] + times[kept]),
        history=(*recording.history, Step("cut_m_waves", parameters)),
    )


def _within(recording: Recording, pulses: Pulses, stop: float, during: Any) -> NDArray[np.bool_]:
    """Tell which pulses have their window wholly inside the stretches asked for."""
    if during is None:
        return np.ones(len(pulses), dtype=bool)
    onsets = pulses.onsets
    inside = [(onsets >= low) & (onsets + stop <= high) for low, high in _stretches(recording, during)]
    kept = np.any(inside, axis=0) if inside else np.zeros(len(pulses), dtype=bool)
    if not kept.any():
        raise TimingError(f"None of {len(pulses)} pulses has its window during {during!r}: check the marks' times.")
    return np.asarray(kept)


def _shared_error(recording: Recording, times: NDArray[np.float64]) -> NDArray[np.float64] | None:
    """Give what the separation does not know of segments at such times, V, (channels, samples): RMS over them."""
    if not recording.shared_errors or not len(times):
        return None
    some = times[np.unique(np.linspace(0, len(times) - 1, min(len(times), MOST_LOOKED_AT)).round().astype(int))]
    errors = shared_error_at(recording.shared_errors, some, recording.n_channels)
    return np.asarray(np.sqrt(np.mean(errors**2, axis=1)))


def _gather(
    recording: Recording, index: NDArray[np.int64], usable: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Take samples (segments, samples) of all channels; those outside the recording are NaN."""
    inside = (index >= 0) & (index < recording.n_samples)
    safe = np.where(inside, index, 0)
    signal = np.where(inside[:, np.newaxis], recording.signal[:, safe].swapaxes(0, 1), np.nan)
    valid = recording.valid[:, safe].swapaxes(0, 1) & (inside & usable)[:, np.newaxis]
    return signal, valid


def cut_windows(
    recording: Recording,
    during: str | Sequence[tuple[float, float]] | None = None,
    length: float = 1.0,
    overlap: float = 0.0,
) -> Segments:
    """Cut windows of equal length out of stretches of voluntary activity.

    Parameters
    ----------
    recording : Recording
        As a rule the part ``voluntary`` of a separation, or a recording without stimulation.
    during : str or sequence of (float, float), optional
        Label of the marks, or intervals in s since the file's first sample, within which whole windows are cut; the
        whole recording unless given. Marks that overlap count as one stretch.
    length : float, default 1.0
        Length of a window, s.
    overlap : float, default 0.0
        Share of a window that the next one shares, 0 ... below 1. Overlapping windows are correlated: for display only.

    Returns
    -------
    Segments
        Kind "voluntary"; ``train`` numbers the stretches. Windows lie wholly inside their stretch.

    Raises
    ------
    UnknownNameError
        If there is no mark of this label; the nearest is offered.
    PartError
        If this part of a separation still holds M-waves, or is no EMG of effort at all: an amplitude or a spectrum of
        it would be that of the stimulation.
    TimingError
        If no stretch holds a whole window.

    Warns
    -----
    EmgkitWarning
        If M-waves were blanked rather than separated: then whatever outlasts the blank is measured as voluntary.

    Examples
    --------
    >>> import numpy as np
    >>> import emgkit as ek
    >>> recording = ek.Recording(np.zeros((1, 8000)), fs=2000)
    >>> len(ek.cut_windows(recording, during=[(0.5, 3.6)], length=0.5))
    6
    """
    span, share = positive("length", length, "s"), in_range("overlap", overlap, 0, 0.99)
    check_no_m_waves(recording)
    count = round(span * recording.fs)
    if count < 2:
        raise ParameterError(f"A window of {span:g} s holds {count} samples at {recording.fs:g} Hz.")
    stretches = _stretches(recording, during)
    starts, stretch = _window_starts(stretches, span, span * (1 - share), recording)
    if not starts.size:
        longest = max((stop - start for start, stop in stretches), default=0.0)
        raise TimingError(
            f"No whole window of {span:g} s fits: the longest stretch within the recording lasts {longest:.4g} s. "
            f"Use shorter windows."
        )
    begin = np.ceil((starts - recording.start) * recording.fs - TINY).astype(np.int64)
    index = begin[:, np.newaxis] + np.arange(count)
    signal, valid = _gather(recording, index, np.ones(index.shape, dtype=bool))
    parameters = {"during": during, "length": span, "overlap": share}
    return Segments(
        adopt(signal),
        fs=recording.fs,
        starts=starts,
        first=recording.start + begin / recording.fs - starts,
        kind="voluntary",
        channel_names=recording.channel_names,
        valid=adopt(valid),
        train=stretch,
        emg_gain=emg_gain_over(recording.emg_gains, recording.start + index / recording.fs, valid),
        history=(*recording.history, Step("cut_windows", parameters)),
    )


def _stretches(recording: Recording, during: Any) -> list[tuple[float, float]]:
    """Intervals that were asked for, cut to the recording, overlapping ones joined."""
    if during is None:
        asked: Iterable[tuple[float, float]] = [(recording.start, recording.stop)]
    elif isinstance(during, str):
        labels = sorted({mark.label for mark in recording.marks})
        if during not in labels:
            raise UnknownNameError(f"There is no mark {during!r}: {nearest(during, labels)}.")
        asked = [(mark.start, mark.stop) for mark in recording.marks if mark.label == during]
    else:
        asked = [interval("during", pair) for pair in during]
    return _joined((max(start, recording.start), min(stop, recording.stop)) for start, stop in asked)


def _joined(pairs: Iterable[tuple[float, float]]) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for start, stop in sorted(pair for pair in pairs if pair[1] > pair[0]):
        if joined and start < joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], stop)
        else:
            joined.append((start, stop))
    return joined


def _window_starts(
    stretches: list[tuple[float, float]], span: float, step: float, recording: Recording
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Start of every whole window, s, and the stretch that it lies in."""
    slack = TINY / recording.fs
    counts = [int(np.floor((stop - start - span + slack) / step + TINY)) + 1 for start, stop in stretches]
    counts = [max(count, 0) for count in counts]
    starts = [start + step * np.arange(count) for (start, _), count in zip(stretches, counts, strict=True)]
    return np.concatenate([[], *starts]), np.repeat(np.arange(len(counts)), counts).astype(np.int64)
