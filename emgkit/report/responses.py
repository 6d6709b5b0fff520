"""True responses of a simulated recording, cut at the true pulse times: for figures, where every pulse counts once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate import Simulation, Truth

__all__ = ["Responses", "responses_of"]

Array = NDArray[np.floating[Any]]

GRID = 10_000.0  # Hz
LENGTH = 0.060  # s
WHOLE = 0.025  # s, an M-wave whose end meets the next one sooner is not whole
SILENT = 2e-3  # s after a pulse, before anything answers
EVERY = 400  # responses to a stimulator, hardly more
ZERO_PADDED = 1 << 13


@dataclass(frozen=True, eq=False)
class Responses:
    """Responses to pulses, each from its pulse to 60 ms later or to what the next pulse evokes.

    Parameters
    ----------
    times : (samples,) s after the pulse
    direct : (pulses, samples) V, M-waves; NaN from the next response on
    late : (pulses, samples) V, H-reflex and F-waves
    measured : (pulses, samples) V, as recorded, artifact and all
    onsets, current : (pulses,) s, A
    stimulator : (pulses,)
    whole : (pulses,) whether the M-wave has 25 ms before the next one
    strongest : (pulses,) whether the current is the largest of its stimulator
    """

    times: Array
    direct: Array
    late: Array
    measured: Array
    onsets: Array
    current: Array
    stimulator: NDArray[np.int64]
    whole: NDArray[np.bool_]
    strongest: NDArray[np.bool_]

    def __len__(self) -> int:
        return int(self.onsets.size)

    def sizes(self) -> Array:
        """Peak-to-peak sizes of the M-waves, V."""
        return np.asarray(np.nanmax(self.direct, axis=1) - np.nanmin(self.direct, axis=1))

    def late_sizes(self) -> Array:
        """Peak-to-peak sizes of what comes later, V."""
        return np.asarray(np.ptp(self.late, axis=1))

    def median_frequencies(self) -> Array:
        """Median frequencies of the energy spectra, Hz; NaN where the response is not whole."""
        frequencies, energy = spectrum(self.direct[:, self.times < WHOLE])
        total = np.cumsum(energy, axis=1)
        found = [float(np.interp(0.5 * row[-1], row, frequencies)) if row[-1] > 0 else np.nan for row in total]
        return np.where(self.whole, found, np.nan)


def spectrum(waves: Array) -> tuple[Array, Array]:
    """Frequencies, Hz, and energy spectra of responses, (pulses, frequencies)."""
    energy = np.abs(np.fft.rfft(np.nan_to_num(waves), ZERO_PADDED, axis=-1)) ** 2
    return np.fft.rfftfreq(ZERO_PADDED, 1 / GRID), energy


def responses_of(simulation: Simulation, channel: int) -> Responses:
    """Cut the responses of one channel; where a stimulator gave very many, evenly spread ones."""
    truth, recording = simulation.truth, simulation.recording
    order = np.argsort(truth.onsets, kind="stable")
    onsets = truth.onsets[order]
    gaps = np.diff(onsets, append=onsets[-1] + 1.0)
    fits = onsets + LENGTH < recording.duration
    taken = np.sort(np.concatenate([_thinned(fits & (truth.stimulator[order] == one)) for one in _stimulators(truth)]))
    pulses = order[taken]
    times = np.arange(int(LENGTH * GRID)) / GRID
    grid = truth.onsets[pulses, np.newaxis] + times
    late = _at(truth.reflex[channel], recording.fs, grid)
    direct = _at(truth.evoked[channel], recording.fs, grid) - late
    current, stimulator = truth.current[pulses], truth.stimulator[pulses]
    largest = np.array([truth.current[truth.stimulator == one].max() for one in stimulator])
    return Responses(
        times,
        np.where(times < gaps[taken, np.newaxis] + SILENT, direct, np.nan),
        late,
        _at(recording.signal[channel], recording.fs, grid),
        truth.onsets[pulses],
        current,
        np.asarray(stimulator, dtype=np.int64),
        gaps[taken] + SILENT >= WHOLE,
        current > 0.98 * largest,
    )


def _stimulators(truth: Truth) -> NDArray[np.int64]:
    return np.unique(truth.stimulator)


def _thinned(chosen: NDArray[np.bool_]) -> NDArray[np.int64]:
    places = np.flatnonzero(chosen)
    return places[:: max(places.size // EVERY, 1)]


def _at(signal: Array, fs: float, times: Array) -> Array:
    from scipy.interpolate import CubicSpline

    return np.asarray(CubicSpline(np.arange(signal.size) / fs, signal)(times))
