"""Quality without truth: what every separation is judged by, whatever the method."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.artifacts_left import left_share
from emgkit.artifact.grading import graded
from emgkit.artifact.m_wave_evidence import m_wave_evidence
from emgkit.artifact.residue import averaged_pulses, output_of, residue_of
from emgkit.artifact.voluntary_evidence import stimulated, voluntary_evidence
from emgkit.grades import USES, Grade, Judgement
from emgkit.recording import Recording
from emgkit.separation import Separation

__all__ = ["judge", "mean_minus_median"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BAND = (20.0, 450.0)  # Hz
ALARM = 0.4  # of the median, by which the mean frequency of EMG does not exceed it; unverified
SPECTRUM = 0.5  # s, length of the windows of spectra


def judge(
    separation: Separation,
    *,
    left: Array | None = None,
    elsewhere: bool = False,
    clipped: Mapping[int, str] = MappingProxyType({}),
) -> Judgement:
    """Judge a separation without knowing the truth.

    Parameters
    ----------
    separation : Separation
    left : ndarray, shape (artifacts,), optional
        Times of artifacts that belong to no pulse, s from the first sample.
    elsewhere : bool
        Whether nothing is locked to the pulses and artifacts are elsewhere.
    clipped : mapping of int to str
        For every channel whose M-waves reach the rail of the first stage, what is said of it.

    Returns
    -------
    Judgement
        Numbers per channel: ``locked_residue`` V and ``locked_residue_share``, what is still locked to the pulses in
        the voluntary part, cross-validated, and over its RMS; ``worst_harmonic`` Hz; ``lost_share`` of the samples
        during stimulation; ``mnf_minus_mdf`` Hz of the voluntary part: artifact that is left raises the mean frequency
        more than the median. And the grades of every channel for every use.
    """
    output, effective = output_of(separation), averaged_pulses(separation)
    residue = residue_of(output, separation.pulses, effective)
    during = stimulated(output, separation.pulses.onsets)
    spread, median = mean_minus_median(output.signal, output.valid & during, output.fs)
    numbers = {
        "locked_residue": residue.rms,
        "locked_residue_share": residue.share,
        "worst_harmonic": residue.worst,
        "lost_share": 1 - output.valid[:, during].mean(axis=1),
        "mnf_minus_mdf": spread,
    }
    rows = zip(output.signal, output.valid, strict=True)
    shares = np.array([0.0 if left is None else left_share(row, ok, during, output.fs, left) for row, ok in rows])
    alarm = spread > ALARM * median
    return Judgement(numbers, _grades(separation, output, effective, alarm, shares, clipped, elsewhere=elsewhere))


def _grades(
    separation: Separation,
    output: Recording,
    effective: Array,
    alarm: Mask,
    left: Array,
    clipped: Mapping[int, str],
    *,
    elsewhere: bool,
) -> Mapping[str, tuple[Grade, ...]]:
    voluntary = voluntary_evidence(output, separation.recording, separation.pulses)
    m_waves = m_wave_evidence(separation, output)
    stated = separation.parts.quality
    gain = stated.get("gain_divided_out", stated.get("gain_on_clean", 1.0))  # divided out, the rest is coloured still
    evidence, followed, gains = (
        np.broadcast_to(np.asarray(value, dtype=float), effective.shape)
        for value in (stated.get("response_evidence", np.nan), stated.get("followed_loss", 0.0), gain)
    )
    said = any("overlap" in message for message in separation.parts.messages)
    overlap = np.broadcast_to(np.asarray(stated.get("overlap", said)) > 0, effective.shape)
    channels = []
    for row, seen in enumerate(voluntary):
        channels.append(
            graded(
                seen,
                None if m_waves is None else m_waves[row],
                float(effective[row]),
                float(evidence[row]),
                keeps="voluntary" not in separation.names,
                alarm=bool(alarm[row]),
                overlap=bool(overlap[row]),
                followed=float(followed[row]),
                gain=float(gains[row]),
                left=float(left[row]),
                elsewhere=elsewhere,
                clipped=clipped.get(row, ""),
            )
        )
    return {use: tuple(one[use] for one in channels) for use in USES}


def mean_minus_median(signal: Array, valid: Mask, fs: float) -> tuple[Array, Array]:
    """Mean minus median frequency within 20 to 450 Hz, and the median, Hz, (channels,); NaN where nothing is valid."""
    spread, medians = np.full(len(signal), np.nan), np.full(len(signal), np.nan)
    for row, ok in enumerate(valid):
        frequencies, density = spectrum(np.where(ok, signal[row], 0.0), fs)
        if density.sum() > 0:
            below = np.cumsum(density)
            medians[row] = np.interp(0.5 * below[-1], below, frequencies)
            spread[row] = float(density @ frequencies / density.sum()) - medians[row]
    return spread, medians


def spectrum(row: Array, fs: float) -> tuple[Array, Array]:
    """Frequencies within the band, Hz, and power density, V²/Hz."""
    from scipy.signal import welch

    frequencies, density = welch(row, fs, nperseg=min(round(SPECTRUM * fs), row.size), detrend=False)
    inside = (frequencies >= BAND[0]) & (frequencies <= BAND[1])
    return frequencies[inside], density[inside]
