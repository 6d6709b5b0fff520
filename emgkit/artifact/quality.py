"""Quality without truth: what every separation is judged by, whatever the method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.residue import averaged_pulses, output_of, residue_of
from emgkit.recording import Recording
from emgkit.separation import Separation

__all__ = ["judge", "mean_minus_median"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BAND = (20.0, 450.0)  # Hz
AFTER = 0.05  # s after the last pulse that still belong to the stimulation
SPECTRUM = 0.5  # s, length of the windows of spectra


def judge(separation: Separation) -> Mapping[str, Any]:
    """Measure the quality of a separation without knowing the truth.

    Returns
    -------
    mapping of str to ndarray, shape (channels,)
        ``locked_residue`` V and ``locked_residue_share``: what is still locked to the pulses in the voluntary part,
        cross-validated, and over its RMS; ``worst_harmonic`` Hz; ``lost_share`` of the samples during stimulation;
        ``mnf_minus_mdf`` Hz of the voluntary part: artifact that is left raises the mean frequency more than the
        median.
    """
    output = output_of(separation)
    residue = residue_of(output, separation.pulses, averaged_pulses(separation))
    during = stimulated(output, separation.pulses.onsets)
    return {
        "locked_residue": residue.rms,
        "locked_residue_share": residue.share,
        "worst_harmonic": residue.worst,
        "lost_share": 1 - output.valid[:, during].mean(axis=1),
        "mnf_minus_mdf": mean_minus_median(output.signal, output.valid & during, output.fs),
    }


def stimulated(recording: Recording, onsets: Array) -> Mask:
    """Mark the samples from the first pulse to 50 ms after the last, (samples,)."""
    times = recording.start + np.arange(recording.n_samples) / recording.fs
    return np.asarray((times >= onsets[0] - 1e-9) & (times < onsets[-1] + AFTER))


def mean_minus_median(signal: Array, valid: Mask, fs: float) -> Array:
    """Mean minus median frequency within 20 to 450 Hz, Hz, (channels,); NaN where nothing is valid."""
    found = np.full(len(signal), np.nan)
    for row, ok in enumerate(valid):
        frequencies, density = spectrum(np.where(ok, signal[row], 0.0), fs)
        if density.sum() > 0:
            below = np.cumsum(density)
            median = np.interp(0.5 * below[-1], below, frequencies)
            found[row] = float(density @ frequencies / density.sum() - median)
    return found


def spectrum(row: Array, fs: float) -> tuple[Array, Array]:
    """Frequencies within the band, Hz, and power density, V²/Hz."""
    from scipy.signal import welch

    frequencies, density = welch(row, fs, nperseg=min(round(SPECTRUM * fs), row.size), detrend=False)
    inside = (frequencies >= BAND[0]) & (frequencies <= BAND[1])
    return frequencies[inside], density[inside]
