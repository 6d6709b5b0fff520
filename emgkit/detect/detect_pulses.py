"""The verb `detect_pulses`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from emgkit._checks import nearest, positive
from emgkit.detect.clock import audit, fit_clock
from emgkit.detect.from_artifact import pulses_from_artifact
from emgkit.detect.trigger import trigger_edges
from emgkit.errors import ChannelError
from emgkit.pulses import Pulses
from emgkit.recording import Recording

__all__ = ["audit", "detect_pulses"]

Array = NDArray[np.float64]


def detect_pulses(
    recording: Recording,
    channel: str | None = None,
    *,
    rate: float | None = None,
    threshold: float | None = None,
) -> Pulses:
    """Find when the stimulator fired, finer than the samples.

    Parameters
    ----------
    recording : Recording
        As measured, before any filter.
    channel : str, optional
        Name of a trigger: an auxiliary trace or a channel of the signal. None finds the pulses from the artifact.
    rate : float, optional
        Nominal pulse rate, Hz: the clock's error in ppm is stated against it, and it helps to find the beat.
    threshold : float, optional
        For a trigger: the level of the edge, in its unit. For the artifact: its smallest peak-to-peak size, V.

    Returns
    -------
    Pulses
        Leading edges in s since the file's first sample, with trains, ``time_source`` and clock.

    Raises
    ------
    NoPulsesError
        If there are none; the message says what was seen.
    ChannelError
        If there is no such channel; the nearest name is offered.

    Notes
    -----
    A trigger's edge is where the line between its samples crosses the threshold; a two-valued trigger is known to
    half a sample only, and that half is taken off on average (``offset``). From the artifact, waveform, clock and
    shifts are fitted together over all channels: regular pulses agree with each other to a few microseconds. The edge
    is where the artifact leaves the baseline, right to some 50 µs and the same for all pulses.
    """
    nominal = None if rate is None else positive("rate", rate, "Hz")
    limit = None if threshold is None else float(threshold)
    if channel is None:
        with threadpool_limits(limits=1, user_api="blas"):
            return pulses_from_artifact(recording.signal, recording.fs, nominal, limit).shift(recording.start)
    onsets, offset = _from_trigger(recording, channel, limit)
    pulses = Pulses(onsets, time_source="trigger", offset=offset)
    return replace(pulses, clock=fit_clock(pulses.onsets, pulses.train, nominal))


def _from_trigger(recording: Recording, channel: str, threshold: float | None) -> tuple[Array, float]:
    if channel in recording.aux:
        trace = recording.aux[channel]
        times, offset = trigger_edges(trace.values, trace.fs, threshold, channel)
        return times + trace.start, offset
    if channel not in recording.channel_names:
        raise ChannelError(
            f"There is no channel {channel!r}: {nearest(channel, [*recording.aux, *recording.channel_names])}."
        )
    row = recording.signal[recording.channel_names.index(channel)]
    times, offset = trigger_edges(row, recording.fs, threshold, channel)
    return times + recording.start, offset
