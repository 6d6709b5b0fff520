"""True errors of what a separation is used for, per channel: what grades are held against."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.benchmark.evoked_scores import m_wave_values
from emgkit.benchmark.scene import EFFORT
from emgkit.benchmark.voluntary_scores import median_frequency
from emgkit.separation import Separation
from emgkit.simulate import Simulation

__all__ = ["true_errors"]

Array = NDArray[np.floating[Any]]
Mask = NDArray[np.bool_]

AFTER = 0.05  # s after the last pulse that still belong to the stimulation
RESPONSE = 0.025  # s after a pulse, end of the M-wave
FIFTHS = 5
MARGIN = 0.001  # s before the next pulse that its artifact may begin


def true_errors(simulation: Simulation, separation: Separation) -> dict[str, Array]:
    """Compare what a user would measure with the truth.

    Returns
    -------
    dict of str to ndarray, shape (channels,)
        Relative errors, not negative, infinite where there is nothing to measure or nothing that can be measured:

        ``voluntary_amplitude``: RMS of the voluntary part over all valid samples during effort and stimulation, against
        voluntary EMG alone, so that noise counts as an error; ``voluntary_spectrum``: its MDF within 20 to 450 Hz;
        ``m_wave_size``: Vpp of the mean M-wave of the first or last fifth of the pulses, the worse, from where the
        method says that evoked activity is whole to 25 ms or the next pulse; ``m_wave_spectrum``: its MDF.
    """
    return {**_voluntary(simulation, separation), **_m_wave(simulation, separation)}


def _voluntary(simulation: Simulation, separation: Separation) -> dict[str, Array]:
    truth, fs = simulation.truth, simulation.recording.fs
    output = separation.part("voluntary" if "voluntary" in separation.names else "clean")
    times = np.arange(simulation.recording.n_samples) / fs
    drive = truth.drive.max(axis=0)[np.minimum((times * 1000).astype(int), truth.drive.shape[1] - 1)]
    onsets = simulation.pulses.onsets
    inside = (drive > EFFORT) & (times >= onsets[0]) & (times < onsets[-1] + AFTER)
    mask = output.valid & inside
    amplitude, spectrum = (np.full(len(mask), np.inf) for _ in range(2))
    for row, ok in enumerate(mask):
        true, seen = truth.voluntary[row][ok], output.signal[row][ok]
        if ok.sum() < 50 or not true.any():
            continue
        amplitude[row] = abs(np.sqrt(np.mean(seen**2) / np.mean(true**2)) - 1)
        pair = np.stack([truth.voluntary[row], output.signal[row]])
        wanted, found = median_frequency(pair, np.stack([ok, ok]), fs)
        spectrum[row] = abs(found / wanted - 1)
    return {"voluntary_amplitude": amplitude, "voluntary_spectrum": spectrum}


def _m_wave(simulation: Simulation, separation: Separation) -> dict[str, Array]:
    count, fs = simulation.recording.n_channels, simulation.recording.fs
    size, spectrum = (np.zeros(count) for _ in range(2))
    if "clean" not in separation.names:
        return {"m_wave_size": size + np.inf, "m_wave_spectrum": spectrum + np.inf}
    clean, truth = separation.clean, simulation.truth
    onsets = simulation.pulses.onsets[simulation.pulses.stimulator == simulation.pulses.stimulator[0]]
    until = min(RESPONSE, float(np.quantile(np.diff(simulation.pulses.onsets), 0.05)) - MARGIN)
    begin = max(separation.evoked_lost_until, 0.0)
    share = max(onsets.size // FIFTHS, 1)
    for part in (slice(0, share), slice(-share, None)):
        true = _mean(truth.evoked, np.ones_like(clean.valid), onsets[part], fs, (0.0, until))
        seen = _mean(clean.signal, clean.valid, onsets[part], fs, (begin, until))
        for row in range(count):
            errors = (np.inf, np.inf)
            if seen.shape[1] >= 3 and np.isfinite(seen[row]).all() and np.ptp(true[row]) > 0:
                wanted, found = (m_wave_values(wave[row : row + 1], fs) for wave in (true, seen))
                one, other = (abs(float(found[name][0] / wanted[name][0]) - 1) for name in ("vpp", "mdf"))
                errors = (one, other)
            size[row], spectrum[row] = max(size[row], errors[0]), max(spectrum[row], errors[1])
    return {"m_wave_size": size, "m_wave_spectrum": spectrum}


def _mean(x: Array, ok: Mask, onsets: Array, fs: float, window: tuple[float, float]) -> Array:
    """Mean over pulses within a window after each, V, (channels, samples); NaN where no sample is valid."""
    first = np.ceil((onsets + window[0]) * fs - 1e-6).astype(np.int64)
    length = int((window[1] - window[0]) * fs)
    if length < 1:
        return np.empty((len(x), 0))
    first = first[first + length <= x.shape[1]]
    index = first[:, np.newaxis] + np.arange(length)
    number = ok[:, index].sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(ok[:, index], x[:, index], 0.0).sum(axis=1) / number)
