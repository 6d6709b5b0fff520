"""What `check_setup` looks at: the mean after a pulse, what is left between pulses, and the limits of the device."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.artifacts_left import ListedPulses
from emgkit.artifact.base import living_channels
from emgkit.artifact.clipped_response import ClippedResponse, find_clipped_responses
from emgkit.artifact.held import held_samples, mark_held
from emgkit.artifact.overload import Overload, find_overload
from emgkit.artifact.pulses_twice import without_twins
from emgkit.artifact.saturation import mark_saturation, saturated
from emgkit.artifact.separate import separate
from emgkit.detect.refine_pulses import refine_pulses
from emgkit.detect.sharp import bridged
from emgkit.detect.trigger_channels import without_triggers
from emgkit.errors import EmgkitError, EmgkitWarning
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.separation import Separation

__all__ = ["EARLIEST", "SetupLook", "look_at"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

EARLIEST = 0.003  # s after the pulse: M-waves begin 2 to 5 ms after it
RESPONSE = (0.005, 0.030)  # s after the pulse, in which an M-wave has its peaks
BEFORE = 0.003  # s before the pulse, whose level counts as zero
BLANKED = 0.5  # of the pulses, whose artifact is held
LONGEST = 0.060  # s after the pulse that are looked at
OVER, PAUSE = 0.05, 0.004  # of the size of the response: below that it is over; s that must be still at the end
CLEAR = 8.0  # standard errors from which a mean response is there
WINDOW = 1.0  # s, in which voluntary EMG is measured
BANDWIDTH = 113.0  # Hz, equivalent, of EMG
STILLEST = 0.1  # of the windows: there the person is taken to be at rest
LOW, HIGH, FALLS = (55.0, 145.0), (350.0, 450.0), 10.0  # Hz: EMG has so many times the density in the first band
SURE = 3.0  # standard deviations of the RMS of a window by which effort must stand out


@dataclass(frozen=True, eq=False)
class SetupLook:
    """A recording with its pulses, and what is seen of them.

    Parameters
    ----------
    recording : Recording
        With rails and held samples marked.
    given : Pulses
        As given, at least two.
    refined : Pulses or None
        The same as the artifact has them; None where it does not tell.
    mains : tuple of float
        Frequencies that mains may have, Hz.
    twins : tuple of str
        What was said of pulses that were given twice.
    """

    recording: Recording
    given: Pulses
    refined: Pulses | None
    mains: tuple[float, ...]
    twins: tuple[str, ...] = ()

    @property
    def pulses(self) -> Pulses:
        """The best times that are known: a schedule says only which pulses to expect."""
        return self.refined if self.refined is not None and self.given.time_source == "schedule" else self.given

    @cached_property
    def is_stimulated(self) -> bool:
        """Whether artifact or response is locked to the pulses in any channel."""
        living = self.recording.signal[living_channels(self.recording.signal)]
        onsets = np.array(self.pulses.onsets) - self.recording.start
        return bool(len(living)) and ListedPulses(bridged(living), self.recording.fs, onsets).locked

    @cached_property
    def interval(self) -> float:
        """Usual time between pulses, s."""
        return float(np.median(self.pulses.intervals)) if len(self.pulses) > 1 else np.inf

    @cached_property
    def times(self) -> Array:
        """Times after the pulse that are looked at, s; up to the next pulse."""
        stop = min(LONGEST, self.interval - 0.001)
        return np.arange(-round(BEFORE * self.recording.fs), max(int(stop * self.recording.fs), 2)) / self.recording.fs

    @cached_property
    def parts(self) -> Separation | None:
        """The recording taken apart, if that works and gives voluntary EMG."""
        try:
            parts = separate(self.recording, self.pulses)
        except EmgkitError:
            return None
        return parts if "voluntary" in parts.names else None

    @cached_property
    def places(self) -> NDArray[np.int64]:
        """Samples of the times after every pulse that has them all, (pulses, times)."""
        fs, count = self.recording.fs, self.recording.n_samples
        at = np.round((self.pulses.onsets - self.recording.start) * fs).astype(np.int64)
        steps = np.round(self.times * fs).astype(np.int64)
        whole = at[(at + steps[0] >= 0) & (at + steps[-1] < count)]
        return np.asarray(whole[:, np.newaxis] + steps)

    @cached_property
    def pieces(self) -> Array:
        """The signal after every pulse, V, less its level before; (channels, pulses, times)."""
        signal = self.recording.signal
        if self.parts is not None and "interference" in self.parts.names:
            signal = signal - self.parts.interference.signal  # mains near a harmonic would pass for a response
        cut = signal[:, self.places]
        level = np.median(cut[:, :, self.times < -0.001], axis=2, keepdims=True)
        return np.asarray(np.nan_to_num(cut - level))

    @cached_property
    def mean(self) -> Array:
        """Median over the pulses, V, (channels, times)."""
        return np.asarray(np.median(self.pieces, axis=1))

    @cached_property
    def error(self) -> Array:
        """Standard error of it, V, (channels,)."""
        spread = np.median(np.abs(self.pieces - self.mean[:, np.newaxis]), axis=1) / 0.6745
        return np.asarray(1.25 * np.median(spread, axis=1) / np.sqrt(max(self.places.shape[0], 1)))

    def after(self, start: float, stop: float) -> Mask:
        """Tell which of the times lie in a span after the pulse."""
        return (self.times >= start) & (self.times < stop)

    @cached_property
    def size(self) -> Array:
        """Peak to peak of the mean response, V, (channels,); 0 where none stands out."""
        inside = self.after(*RESPONSE)
        if inside.sum() < 3:
            return np.zeros(self.recording.n_channels)
        size = np.ptp(self.mean[:, inside], axis=1)
        return np.where(size > CLEAR * self.error, size, 0.0)

    @cached_property
    def over(self) -> float:
        """Time after the pulse when the last response is over, s; NaN if the next pulse comes before."""
        there, limit = self.size > 0, np.maximum(OVER * self.size, 4 * self.error)
        if not there.any():
            return 0.0
        quiet = self.mean[:, -3:].mean(axis=1, keepdims=True)  # what a high-pass leaves at the end is no response
        out = there[:, np.newaxis] & (np.abs(self.mean - quiet) > limit[:, np.newaxis])
        moving = np.ptp(self.mean[:, -max(round(PAUSE * self.recording.fs), 2) :], axis=1) > limit
        last = float(self.times[np.flatnonzero(out.any(axis=0))[-1]])
        crowded = self.interval < self.times[-1] + 2 * PAUSE
        return np.nan if crowded and ((there & moving).any() or last > self.interval - PAUSE) else last

    @cached_property
    def rails(self) -> Mask:
        """Samples at a limit of amplifier or converter, (channels, samples)."""
        rows = self.recording.signal
        return np.stack([saturated(row, np.isfinite(row)) for row in rows])

    @cached_property
    def overload(self) -> tuple[Overload, ...]:
        """Where EMG does not pass after the pulses, though no rail is seen; given times, if exact, show it best."""
        return find_overload(self.recording, self.given) or find_overload(self.recording, self.pulses)

    @cached_property
    def clipped(self) -> tuple[ClippedResponse, ...]:
        """Where M-waves reach the rail of the first stage, though no flat top is seen."""
        return find_clipped_responses(self.recording, self.given) or find_clipped_responses(self.recording, self.pulses)

    @cached_property
    def held(self) -> Mask:
        """Samples that were repeated instead of measured, (channels, samples)."""
        return held_samples(self.recording)

    def share_after_pulse(self, marked: Mask) -> Array:
        """Share of the pulses after which the sample at each time is marked, (channels, times)."""
        return np.asarray(marked[:, self.places].mean(axis=1))

    @cached_property
    def windows(self) -> Array:
        """What is left under stimulation without artifact and response, V, (channels, windows, samples)."""
        rest = self.recording if self.parts is None else self.parts.voluntary
        fs, first, last = rest.fs, self.pulses.onsets[0] - rest.start, self.pulses.onsets[-1] - rest.start
        signal = np.where(rest.valid, rest.signal, np.nan)[:, int(first * fs) : int(last * fs)]
        size = min(round(WINDOW * fs), max(signal.shape[1], 1))
        count = signal.shape[1] // size
        return signal[:, : count * size].reshape(len(signal), count, size)

    @cached_property
    def floor(self) -> Array:
        """RMS of the stillest windows, V, (channels,); NaN if there is none."""
        known = np.isfinite(self.windows)
        if not known.any():
            return np.full(len(known), np.nan)
        power = (np.nan_to_num(self.windows) ** 2).sum(axis=2) / np.maximum(known.sum(axis=2), 1)
        return np.asarray(np.quantile(np.sqrt(power), STILLEST, axis=1))

    @cached_property
    def is_effort(self) -> Mask:
        """Whether the stillest windows have the spectrum of EMG, which falls, rather than of noise, (channels,)."""
        from scipy.signal import periodogram

        windows, fs = np.nan_to_num(self.windows), self.recording.fs
        if windows.shape[1] < 1 or fs <= 2 * HIGH[1]:
            return np.zeros(len(windows), dtype=bool)
        still = np.argsort((windows**2).sum(axis=2), axis=1)[:, : max(int(STILLEST * windows.shape[1]), 1)]
        frequencies, density = periodogram(np.take_along_axis(windows, still[:, :, np.newaxis], axis=1), fs, "hann")
        bands = [(frequencies >= band[0]) & (frequencies < band[1]) for band in (LOW, HIGH)]
        if not all(band.any() for band in bands):  # too short a recording
            return np.zeros(len(windows), dtype=bool)
        low, high = (np.median(density[:, :, band], axis=(1, 2)) for band in bands)
        return np.asarray(low > FALLS * high)

    @cached_property
    def smallest(self) -> Array:
        """Smallest voluntary EMG that stands out of that in one window, V RMS, (channels,).

        The RMS of a window of T seconds has a relative SD of 1/(2√(B·T)) with the bandwidth B of EMG; effort must
        raise it by three of them.
        """
        rise = 1 + SURE / (2 * np.sqrt(BANDWIDTH * WINDOW))
        return np.asarray(self.floor * np.sqrt(rise**2 - 1))


def look_at(recording: Recording, pulses: Pulses, mains: tuple[float, ...]) -> SetupLook:
    """Leave triggers out, mark rails and held samples, and find the given pulses in the artifact."""
    marked = mark_held(mark_saturation(without_triggers(recording)))
    pulses, twins = without_twins(pulses)
    at = np.round((pulses.onsets - recording.start) * recording.fs).astype(np.int64)
    blanked = held_samples(marked)[:, np.clip(at, 0, recording.n_samples - 1)].mean() > BLANKED
    return SetupLook(marked, pulses, None if blanked else _refined(marked, pulses), mains, twins)


def _refined(recording: Recording, pulses: Pulses) -> Pulses | None:
    if pulses.time_source == "artifact":
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", EmgkitWarning)  # the findings say it
        try:
            found = refine_pulses(recording, pulses)
        except EmgkitError:
            return None
    inside = (found.onsets >= recording.start) & (found.onsets < recording.stop)
    return found if inside.all() and len(found) > 1 else None
