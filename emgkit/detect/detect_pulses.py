"""The verb `detect_pulses`."""

from __future__ import annotations

import warnings
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from emgkit._checks import in_range, nearest, positive
from emgkit.detect.artifact_times import artifact_times
from emgkit.detect.clock import NONE, audit, count_beats, fit_clock, fit_lines
from emgkit.detect.doubts import doubts
from emgkit.detect.from_artifact import pulses_from_artifact
from emgkit.detect.plausible import warn_if_no_emg
from emgkit.detect.rounding import unrounded
from emgkit.detect.sharp import bridged
from emgkit.detect.trains import Train
from emgkit.detect.trigger import Trigger, read_trigger
from emgkit.detect.trigger_channels import without_triggers
from emgkit.errors import ChannelError, EmgkitWarning, NoPulsesError
from emgkit.pulses import Pulses, find_trains
from emgkit.recording import Recording

__all__ = ["audit", "detect_pulses"]

Array = NDArray[np.float64]

NARROW = 4.0  # samples: an analog pulse that is shorter is aligned like an artifact
OTHER_RATE = 0.02  # relative: clocks are off by a hundredth at most
LIKELY = 3  # pulses in a channel that may be a trigger


def detect_pulses(
    recording: Recording,
    channel: str | None = None,
    *,
    rate: float | None = None,
    threshold: float | None = None,
    edge: str = "leading",
    latency: float = 0.0,
) -> Pulses:
    """Find when the stimulator fired, finer than the samples.

    Parameters
    ----------
    recording : Recording
        As measured, before any filter.
    channel : str, optional
        Name of a trigger: an auxiliary trace or a channel of the signal. None finds the pulses from the artifact.
    rate : float, optional
        Nominal pulse rate, Hz: the clock's error in ppm is stated against it, and it helps to find the beat. A steady
        train of which no single pulse stands out, as behind slow filters, is looked for about it, or else at all rates
        below half of the sampling rate that mains does not have.
    threshold : float, optional
        For a trigger: the level of the edge, in its unit. For the artifact: its smallest peak-to-peak size, V.
    edge : {"leading", "trailing", "both"}
        Which edges of a trigger are pulses; both for a level that changes with every pulse.
    latency : float, default 0.0
        Time by which a trigger comes after the leading edge of the stimulus, s; negative if it comes before.

    Returns
    -------
    Pulses
        Leading edges in s since the file's first sample, with trains, stimulators, standard errors, ``time_source``
        and clock.

    Raises
    ------
    NoPulsesError
        If there are none; the message says what was seen.
    ChannelError
        If there is no such channel; the nearest name, and channels that look like triggers, are offered.
    ParameterError
        If ``edge`` or ``latency`` is out of range.

    Warns
    -----
    EmgkitWarning
        If the pulses keep another rate than ``rate``, by more than 2 %, which is not used then; if the artifact is
        blanked by the amplifier, so that the pulses came earlier than found; if pulses of several stimulators hide each
        other; if no pulse stands out and a steady train was placed by its lines, so that missing
        and jittering pulses were not seen; if events as sharp as the artifact are not among the pulses; if what comes
        before all pulses is so sharp that M-waves may have been taken for the artifact; if the stimulus seems to begin
        at other times in other channels, by more than 0.3 ms; if a channel is too large or too small for EMG, as when
        µV are given for V or scaled twice.

    Notes
    -----
    A trigger's edge is where the line between its samples crosses the threshold. An edge within one sample, as of a
    two-valued trigger, is known to half a sample only: half a sample is taken off on average (``offset``), and a
    regular clock tells the rest. Analog pulses of a few samples are aligned like artifacts.

    From the artifact, waveform, clock and shifts are fitted together over all channels: regular pulses agree with
    each other to a few microseconds. The edge is where the artifact leaves the baseline, or the course of a response
    that runs on under it, right to some 0.1 ms and the same for all pulses; behind steep filters, as Butterworth ones
    of orders 5 to 8, it is mostly 0.1 to 0.5 ms late. Where the rate is locked to the sampling rate, all pulses lie at
    one place between two samples, and it is right to half a sample; trains that start at other places are brought to
    one smooth artifact (`brought_together`) and agree. Pulses of several stimulators are told apart by
    their clocks. Irregular pulses are known to a part of a sample only: nothing but a clock tells a shift between two
    samples from another waveform.
    """
    nominal = None if rate is None else positive("rate", rate, "Hz")
    limit = None if threshold is None else float(threshold)
    in_range("latency", latency, -0.1, 0.1, "s")
    with threadpool_limits(limits=1, user_api="blas"):
        if channel is None:
            recording = without_triggers(recording)
            warn_if_no_emg(recording.signal, recording.fs, recording.channel_names)
            found = pulses_from_artifact(recording.signal, recording.fs, nominal, limit)
            if nominal is not None and _keeps_other(found, nominal):
                found = pulses_from_artifact(recording.signal, recording.fs, None, limit)
                rate_found = "no rate" if found.clock is None else f"{found.clock.rate:.4g} Hz"
                said = f"The pulses keep {rate_found}, not the {nominal:g} Hz given (rate), which was not used."
                warnings.warn(said, EmgkitWarning, stacklevel=2)
            for doubt in doubts(recording.signal, recording.fs, found):
                warnings.warn(f"{doubt}.", EmgkitWarning, stacklevel=2)
            return found.shift(recording.start)
        values, fs, start = _channel(recording, channel)
        try:
            read = read_trigger(values, fs, limit, channel, edge)
        except NoPulsesError as error:
            raise NoPulsesError(f"{str(error).rstrip('.')}{_likely(recording, channel)}.") from None
        onsets, errors = _finer(values, fs, read)
    pulses = Pulses(onsets + start - latency, errors=errors, time_source="trigger", offset=read.offset - float(latency))
    clock = fit_clock(pulses.onsets, pulses.train, nominal, errors=pulses.errors)
    return replace(pulses, clock=clock)


def _keeps_other(found: Pulses, nominal: float) -> bool:
    """Whether the pulses keep another rate than the nominal one, farther from it than clocks are."""
    clock = found.clock
    return clock is not None and clock.model != NONE and abs(clock.rate / nominal - 1) > OTHER_RATE


def _channel(recording: Recording, channel: str) -> tuple[Array, float, float]:
    if channel in recording.aux:
        trace = recording.aux[channel]
        return trace.values, trace.fs, trace.start
    if channel not in recording.channel_names:
        names = [*recording.aux, *recording.channel_names]
        raise ChannelError(f"There is no channel {channel!r}: {nearest(channel, names)}{_likely(recording, channel)}.")
    return recording.signal[recording.channel_names.index(channel)], recording.fs, recording.start


def _likely(recording: Recording, besides: str) -> str:
    """Name the channels that look like triggers."""
    found = []
    for name in [*recording.aux, *recording.channel_names]:
        if name == besides:
            continue
        values, fs, _ = _channel(recording, name)
        try:
            if read_trigger(values, fs).times.size >= LIKELY and _rests(values):
                found.append(name)
        except NoPulsesError:
            continue
    return f"; channels that look like triggers: {', '.join(found)}" if found else ""


def _rests(values: Array) -> bool:
    """Whether a channel is at one of two levels nearly always."""
    known = values[np.isfinite(values)]
    low, high = np.quantile(known, [0.02, 0.98])
    low, high = (float(known.min()), float(known.max())) if low == high else (low, high)
    share = (known - low) / max(high - low, 1e-300)
    return bool(np.mean((np.abs(share) < 0.1) | (np.abs(share - 1) < 0.1)) > 0.9)


def _finer(values: Array, fs: float, found: Trigger) -> tuple[Array, Array | None]:
    """Use what the clock, or the shape of analog pulses, knows beyond the threshold."""
    train = find_trains(found.times)
    if found.step:
        times, errors = unrounded(found.times, train, found.step)
        return times, np.full(times.size, found.step / np.sqrt(12)) if errors is None else errors
    fitted = fit_lines(found.times, train)
    if found.width * fs >= NARROW or fitted is None or fitted.model == NONE or not fitted.on_beat.all():
        return found.times, None
    one = artifact_times(bridged(values[np.newaxis]), [Train(found.times, train, count_beats(found.times, train))], fs)
    return (one[0].onsets, one[0].errors) if one[0].onsets.size == found.times.size else (found.times, None)
