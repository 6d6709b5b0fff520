"""The high-pass as the exponentials that it adds: exact at any rate and for any corner, with a tail in closed form.

A Butterworth high-pass is its input and one or two decaying exponentials of it. What a waveform leaves behind the
filter after its end is these exponentials alone, so that a corner of 0.01 Hz, which remembers for minutes, needs no
kernel of minutes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SILENCE = 256  # samples after a wave, in which only the exponential is left; numerical


@dataclass(frozen=True)
class HighPass:
    """A high-pass of the first or second order in the form 1 + Σ w/(s − p).

    Parameters
    ----------
    pole : complex
        1/s; of a conjugate pair one.
    weight : complex
        Its residue, 1/s; that of a pair counts twice.
    """

    pole: complex
    weight: complex

    @classmethod
    def of(cls, order: int, corner: float) -> HighPass:
        """Make the Butterworth high-pass with a corner in Hz."""
        omega = 2 * np.pi * corner
        if order == 1:
            return cls(complex(-omega), complex(-omega))
        pole = omega * complex(-1, 1) / np.sqrt(2)
        return cls(pole, 2 * pole**2 / (pole - pole.conjugate()))

    def through(self, wave: Array, fs: float, state: Array | None = None) -> tuple[Array, Array]:
        """Filter waves along the last axis at a rate that is high against the corner, Hz.

        Returns
        -------
        ndarray, shape of ``wave``
            Behind the filter.
        ndarray, shape of ``wave`` without its last axis + (2,)
            The exponential at the last sample, and that sample: the state for what follows.
        """
        from scipy.signal import lfilter

        before = np.zeros((*wave.shape[:-1], 2), dtype=self._kind) if state is None else state
        decay, half = self._number(np.exp(self.pole / fs)), 0.5 / fs
        start = decay * (before[..., :1] + half * before[..., 1:])
        moved, _ = lfilter([half, half * decay], [1.0, -decay], wave, axis=-1, zi=start)
        after = np.stack([moved[..., -1], wave[..., -1]], axis=-1)
        return wave + np.real(self._number(self.weight) * moved), after

    def of_samples(self, wave: Array, fs: float) -> Array:
        """Filter waves that begin at rest, sampled without loss at a rate in Hz, along the last axis.

        The exponential is a quotient of spectra; what it takes around the end of the circle to the beginning goes.
        """
        from scipy.fft import fft, fftfreq, ifft, irfft, next_fast_len, rfft, rfftfreq

        if not wave.any():
            return wave
        count, real = wave.shape[-1], self._kind is float
        size = next_fast_len(count + SILENCE, real=real)
        turn = 2j * np.pi * (rfftfreq if real else fftfreq)(size, 1 / fs) - self.pole
        moved = irfft(rfft(wave, size) / turn, size) if real else ifft(fft(wave, size) / turn)
        around = np.exp(self._number(self.pole) * np.arange(1, count + 1) / fs)
        return np.asarray(wave + np.real(self._number(self.weight) * (moved[..., :count] - moved[..., -1:] * around)))

    def tail(self, begins: Array, level: Array, fs: float, count: int) -> Array:
        """Sum what waveforms leave after their ends, (channels, samples).

        Parameters
        ----------
        begins : ndarray, shape (events,)
            When they ended, s from the first sample.
        level : ndarray, shape (channels, events)
            The exponential at that moment.
        """
        from scipy.signal import lfilter

        first = np.ceil(begins * fs).astype(np.int64)
        inside = (first >= 0) & (first < count)
        first, since = first[inside], (first / fs - begins)[inside]
        started = level[:, inside] * np.exp(self.pole * since)
        sums = np.zeros((len(level), count), dtype=complex)
        for row, values in zip(sums, started, strict=True):
            np.add.at(row, first, values)
        decay = self._number(np.exp(self.pole / fs))
        return np.asarray(np.real(self.weight * lfilter([1.0], [1.0, -decay], sums, axis=-1)))

    def response(self, frequencies: Array) -> Array:
        """Complex response at frequencies, Hz."""
        s = 2j * np.pi * frequencies
        if self._kind is float:
            return np.asarray(1 + self.weight / (s - self.pole))
        other, weight = np.conj(self.pole), np.conj(self.weight)
        return np.asarray(1 + 0.5 * (self.weight / (s - self.pole) + weight / (s - other)))

    @property
    def _kind(self) -> type:
        return float if self.pole.imag == 0 else complex

    def _number(self, value: complex) -> Any:
        return complex(value).real if self._kind is float else complex(value)
