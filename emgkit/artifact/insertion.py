"""Insertion test: add a known signal to the recording, separate again, and see how much of it comes back."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit import _text
from emgkit._checks import FrozenValue, Owned, assign, freeze, in_range
from emgkit.artifact.residue import output_of
from emgkit.artifact.separate import separate
from emgkit.artifact.voluntary_evidence import EARLY, stimulated
from emgkit.errors import SamplingRateError
from emgkit.recording import Recording
from emgkit.separation import Separation
from emgkit.step import Step

__all__ = ["Insertion", "insertion_test"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BAND = (20.0, 450.0)  # Hz
RESPONSE = 0.025  # s after a pulse, end of the M-wave
PADDED = 27  # samples at both ends, as usual for this filter; fewer in shorter recordings
PHASES = ("all", "early", "response", "later")


@dataclass(frozen=True, eq=False, repr=False)
class Insertion(FrozenValue):
    """How much of an inserted signal came back.

    Parameters
    ----------
    channel_names : tuple of str
        Channels.
    size : ndarray, shape (channels,)
        RMS of what was inserted, V.
    gain : ndarray, shape (channels, 4)
        Part of it that came back, by regression, on valid samples of the stimulation: all of them, up to 3 ms after a
        pulse, 3 to 25 ms, and later; NaN where there are none. 1 is all. The power that a method leaves of EMG is as
        large where it averages linearly: the square of ``gain_on_clean``.
    error : ndarray, shape (channels, 4)
        RMS of the difference between what came back and what was inserted, over what was inserted.
    """

    channel_names: tuple[str, ...]
    size: Array
    gain: Array
    error: Array

    def __post_init__(self) -> None:
        """Copy."""
        arrays = {name: freeze(getattr(self, name)) for name in ("size", "gain", "error")}
        assign(self, channel_names=tuple(self.channel_names), **arrays)

    def __repr__(self) -> str:
        header = ["channel", "inserted µV", *(f"gain {phase}" for phase in PHASES), *(f"error {one}" for one in PHASES)]
        rows = [
            [
                name,
                *(
                    _text.number_text(float(value), 3)
                    for value in (1e6 * self.size[row], *self.gain[row], *self.error[row])
                ),
            ]
            for row, name in enumerate(self.channel_names)
        ]
        title = "Insertion test (early: up to 3 ms after a pulse, response: 3 to 25 ms)"
        return _text.table_text(title, header, rows)


def insertion_test(separation: Separation, *, rng: np.random.Generator, size: float = 0.3) -> Insertion:
    """Add EMG-like noise to the recording, separate again by the same method, and measure how much comes back.

    What a method takes of voluntary EMG shows in no residue; here it does, on the very recording and without the truth.
    It costs one more separation.

    Parameters
    ----------
    separation : Separation
        What `separate` gave.
    rng : numpy.random.Generator
        Source of the noise: white within 20 to 450 Hz, another in every channel.
    size : float, default 0.3
        RMS of the noise over that of the voluntary part during stimulation; small, so that it changes no decision.

    Returns
    -------
    Insertion
        Gain and error per channel and phase.

    Raises
    ------
    ParameterError
        If size is not within 0.01 ... 10.
    SamplingRateError
        If the sampling rate is too low for noise from 20 Hz on.
    """
    in_range("size", size, 0.01, 10.0)
    recording, before = separation.recording, output_of(separation)
    during = stimulated(before, separation.pulses.onsets)
    inserted = _noise(rng, recording) * size * _levels(before, during)[:, np.newaxis]
    step = Step("insertion_test", {"size": size})
    again = recording.with_signal(Owned(recording.signal + inserted), valid=Owned(recording.valid.copy()), step=step)
    after = output_of(separate(again, separation.pulses, separation.method))
    back = after.signal - before.signal
    masks = _phases(before, separation.pulses.onsets, during)
    known = before.valid & after.valid & np.isfinite(back)
    pairs = [
        [_compared(back[row][ok & mask], inserted[row][ok & mask]) for mask in masks] for row, ok in enumerate(known)
    ]
    gain, error = np.moveaxis(np.array(pairs), -1, 0)
    return Insertion(recording.channel_names, inserted[:, during].std(axis=1), gain, error)


def _levels(output: Recording, during: Mask) -> Array:
    """RMS of the output during stimulation, V, (channels,)."""
    rows = zip(output.signal, output.valid & during, strict=True)
    return np.array([np.sqrt(np.mean(row[ok] ** 2)) if ok.any() else 0.0 for row, ok in rows])


def _noise(rng: np.random.Generator, recording: Recording) -> Array:
    """Noise within the band of EMG with an RMS of one, (channels, samples)."""
    from scipy.signal import butter, sosfiltfilt

    white = rng.standard_normal((recording.n_channels, recording.n_samples))
    band = (BAND[0], min(BAND[1], 0.45 * recording.fs))
    if band[1] <= band[0]:
        raise SamplingRateError(f"An insertion test needs more than {BAND[0] / 0.45:.3g} Hz, got {recording.fs:g} Hz.")
    reach = min(PADDED, recording.n_samples - 1)
    shaped = sosfiltfilt(butter(4, band, "bandpass", fs=recording.fs, output="sos"), white, axis=-1, padlen=reach)
    return np.asarray(shaped / shaped.std(axis=1, keepdims=True))


def _phases(output: Recording, onsets: Array, during: Mask) -> list[Mask]:
    times = output.start + np.arange(output.n_samples) / output.fs
    last = np.maximum(np.searchsorted(onsets, times + 1e-9, side="right") - 1, 0)
    since = times - onsets[last]
    return [
        during,
        during & (since < EARLY),
        during & (since >= EARLY) & (since < RESPONSE),
        during & (since >= RESPONSE),
    ]


def _compared(back: Array, inserted: Array) -> tuple[float, float]:
    power = float(inserted @ inserted)
    if power == 0:
        return float("nan"), float("nan")
    return float(back @ inserted) / power, float(np.sqrt(((back - inserted) ** 2).sum() / power))
