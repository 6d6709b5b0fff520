"""What is still locked to the pulses in an output: per channel and per harmonic of the stimulation, cross-validated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit import _text
from emgkit._checks import FrozenValue, assign, freeze
from emgkit.artifact.pulse_frames import HALVES, Frames, frames_of, locked_product
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.separation import Separation

__all__ = ["LockedResidue", "averaged_pulses", "locked_residue", "output_of", "residue_of"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

HIGHEST = 450.0  # Hz, of the harmonics that are looked at
SHOWN = 8  # harmonics in the printed form


@dataclass(frozen=True, eq=False, repr=False)
class LockedResidue(FrozenValue):
    """What is still locked to the pulses.

    Parameters
    ----------
    channel_names : tuple of str
        Channels.
    rms : ndarray, shape (channels,)
        RMS of the locked residue within the frames behind the pulses, V; 0 where the
        halves of the pulses share nothing.
    error : ndarray, shape (channels,)
        RMS that noise alone would show, V: one standard error.
    share : ndarray, shape (channels,)
        ``rms`` over the RMS of the output in the same frames.
    harmonics : ndarray, shape (harmonics,)
        Multiples of the stimulation rate, Hz; empty when the pulses have no single rate.
    at_harmonics : ndarray, shape (channels, harmonics)
        RMS at each of them, V.
    """

    channel_names: tuple[str, ...]
    rms: Array
    error: Array
    share: Array
    harmonics: Array
    at_harmonics: Array

    def __post_init__(self) -> None:
        """Copy."""
        arrays = {name: freeze(getattr(self, name)) for name in ("rms", "error", "share", "harmonics", "at_harmonics")}
        assign(self, channel_names=tuple(self.channel_names), **arrays)

    @property
    def worst(self) -> Array:
        """The harmonic with the largest residue, Hz, (channels,); NaN where there is none."""
        if not self.harmonics.size:
            return np.full(self.rms.size, np.nan)
        place = self.at_harmonics.argmax(axis=1)
        return np.where(self.at_harmonics.max(axis=1) > 0, self.harmonics[place], np.nan)

    def __repr__(self) -> str:
        size = self.at_harmonics.max(axis=0) if self.rms.size else np.zeros(self.harmonics.size)
        kept = np.sort(np.argsort(-size, kind="stable")[:SHOWN])
        header = ["channel", "RMS µV", "± µV", "share %", *(f"{self.harmonics[one]:.4g} Hz" for one in kept)]
        rows = [
            [
                name,
                *(_text.number_text(value, 3) for value in (1e6 * self.rms[row], 1e6 * self.error[row])),
                _text.number_text(100 * self.share[row], 3),
                *(_text.number_text(1e6 * self.at_harmonics[row, one], 3) for one in kept),
            ]
            for row, name in enumerate(self.channel_names)
        ]
        return _text.table_text("Residue locked to the pulses, cross-validated; harmonics in µV", header, rows)


def locked_residue(output: Separation | Recording, pulses: Pulses | None = None) -> LockedResidue:
    """Measure what is still locked to the pulses in an output, without knowing the truth.

    The mean response of the odd pulses is multiplied with that of the even ones, in runs of twenty pulses, so that a
    residue that changes slowly counts, and noise and voluntary EMG do not.

    Parameters
    ----------
    output : Separation or Recording
        Of a separation its voluntary part (``clean`` where it gives none) with the pulses that it used.
    pulses : Pulses, optional
        For a recording: the pulses.

    Returns
    -------
    LockedResidue
        Per channel and harmonic, V.

    Notes
    -----
    A method that averages n pulses leaves a trace of each pulse's own EMG in all the others, with the opposite sign:
    1/n of the power, or 1/20 where n is below the twenty pulses of a run. It is added again where the method states
    its effective pulses.
    """
    if isinstance(output, Separation):
        return residue_of(output_of(output), output.pulses, averaged_pulses(output))
    pulses = Pulses(np.empty(0)) if pulses is None else pulses
    return residue_of(output, pulses, np.full(output.n_channels, np.inf))


def output_of(separation: Separation) -> Recording:
    """Give the part in which voluntary EMG is: ``voluntary``, or ``clean`` where the method gives none."""
    return separation.part("voluntary" if "voluntary" in separation.names else "clean")


def averaged_pulses(separation: Separation) -> Array:
    """Pulses that the method effectively averages, per channel; infinite where it states none, (channels,)."""
    count = separation.recording.n_channels
    ceiling = separation.parts.quality.get("snr_ceiling")
    if ceiling is None:
        return np.full(count, np.inf)
    pulses = 10 ** (np.broadcast_to(np.asarray(ceiling, dtype=float), (count,)) / 10)
    return np.where(pulses > 1, pulses, np.inf)


def residue_of(output: Recording, pulses: Pulses, effective: Array) -> LockedResidue:
    """Measure the residue with known effective pulses, (channels,)."""
    every = frames_of(pulses.shift(-output.start), output.fs, output.n_samples) if len(pulses) else []
    places = [frames for frames in every if frames.first.size >= HALVES]
    grid = next((_harmonics(frames, output.fs) for frames in places if frames.regular), np.empty(0))
    values, lines = np.full((output.n_channels, 3), np.nan), np.zeros((output.n_channels, grid.size))
    for row in range(output.n_channels):
        signal = np.where(output.valid[row], output.signal[row], np.nan)
        found = [_in_frames(signal, frames, effective[row]) for frames in places]
        if found:
            values[row] = max(found, key=lambda one: one[0])
        for frames in [one for one in places if one.regular][:1]:
            lines[row] = _at_harmonics(signal, frames, grid, output.fs, effective[row])
    power, error, whole = values.T
    rms = np.sqrt(np.maximum(power, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(whole > 0, rms / np.sqrt(whole), np.where(np.isnan(whole), np.nan, 0.0))
    return LockedResidue(output.channel_names, rms, np.sqrt(error), share, grid, lines)


def _harmonics(frames: Frames, fs: float) -> Array:
    rate = 1 / frames.interval
    return np.asarray(rate * np.arange(1, int(min(HIGHEST, 0.45 * fs) / rate) + 1))


def _in_frames(signal: Array, frames: Frames, effective: float) -> tuple[float, float, float]:
    """Shared power, its standard error, and the power of the output, V²."""
    pieces = signal[frames.index]
    pieces = pieces - np.nanmean(pieces) if np.isfinite(pieces).any() else pieces
    found = np.array([(*locked_product(pieces[part], effective), part.stop - part.start) for part in frames.blocks()])
    found = found[np.isfinite(found).all(axis=1)]
    if not len(found):
        return float("nan"), float("nan"), float("nan")
    shared, whole, pulses = found.T
    weights = (pulses / np.maximum(whole, 1e-3 * whole.max() + 1e-300)) ** 2  # quiet runs show a residue best
    weights /= weights.sum()
    return (
        float(weights @ shared),
        _error(shared, weights, pulses, whole, frames.length),
        float(np.average(whole, weights=pulses)),
    )


def _error(shared: Array, weights: Array, pulses: Array, whole: Array, length: int) -> float:
    """Give the standard error of the shared power: scatter of the runs, or what band-limited noise would show."""
    independent = max(length / 4, 1)  # of the samples: EMG fills about a quarter of the band
    expected = float(np.sqrt((weights**2 * (2 * whole / pulses) ** 2 / independent).sum()))
    if shared.size < 4:
        return expected
    scatter = float(np.sqrt((weights**2 * (shared - weights @ shared) ** 2).sum()))
    return max(expected, scatter)


def _at_harmonics(signal: Array, frames: Frames, harmonics: Array, fs: float, effective: float) -> Array:
    """RMS of the shared part at each harmonic, V, (harmonics,)."""
    count = max(round(frames.interval * fs), 1)
    first = frames.first[frames.first + count <= signal.size]
    late = frames.late[frames.first + count <= signal.size]
    pieces = signal[first[:, np.newaxis] + np.arange(count)]
    filled = np.where(np.isfinite(pieces), pieces, 0.0)
    wave = np.exp(-2j * np.pi * np.outer(np.arange(count) / fs, harmonics)) * np.sqrt(2) / count
    lines = (filled @ wave) * np.exp(-2j * np.pi * np.outer(late, harmonics))
    blocks = Frames(first, late, count, frames.interval, True).blocks()
    total = np.zeros(harmonics.size)
    for part in blocks:
        odd, even = lines[part][1::2].mean(axis=0), lines[part][::2].mean(axis=0)
        power = (np.abs(lines[part]) ** 2).mean(axis=0)
        total += (
            (part.stop - part.start)
            / len(lines)
            * (np.real(odd * np.conj(even)) + power / max(effective, len(lines[part])))
        )
    return np.sqrt(np.maximum(total, 0.0))
