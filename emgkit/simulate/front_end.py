"""The amplifier and converter of the simulated recording: two filters, a range and a resolution."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range, positive
from emgkit.errors import SamplingRateError

Array = NDArray[np.floating[Any]]

FINE = 20_000.0  # Hz, rate of the stored waveforms that the filters are applied to
ORDER = 4


@dataclass(frozen=True)
class FrontEnd:
    """An EMG amplifier and its converter.

    Parameters
    ----------
    fs : float
        Sampling rate, Hz.
    high_pass : float
        Corner of the first-order high-pass, Hz.
    low_pass : float
        Corner of the fourth-order Bessel low-pass, Hz; it hardly rings.
    full_scale : float
        Range of the converter is ± this, V; what is larger is clipped.
    bits : int
        Resolution of the converter.
    """

    fs: float = 2000.0
    high_pass: float = 5.0
    low_pass: float = 850.0
    full_scale: float = 0.1
    bits: int = 24

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("fs", self.fs, 500.0, FINE / 2, "Hz")
        in_range("high_pass", self.high_pass, 0.01, 100.0, "Hz")
        positive("full_scale", self.full_scale, "V")
        in_range("bits", self.bits, 8, 32)
        if not self.high_pass < self.low_pass < self.fs / 2:
            raise SamplingRateError(
                f"low_pass must lie between high_pass ({self.high_pass:g} Hz) and half of fs ({self.fs / 2:g} Hz), "
                f"got {self.low_pass:g} Hz."
            )

    def filter(self, wave: Array, fs: float = FINE) -> Array:
        """Filter waveforms on a fine grid of ``fs`` Hz along the last axis."""
        from scipy.signal import sosfilt

        return np.asarray(sosfilt(self._sections(fs), wave, axis=-1))

    def power_gain(self, frequencies: Array) -> Array:
        """Squared magnitude of the filters' response at frequencies, Hz."""
        from scipy.signal import sosfreqz

        return np.abs(sosfreqz(self._sections(FINE), frequencies, fs=FINE)[1]) ** 2

    def _sections(self, fs: float) -> Array:
        from scipy.signal import bessel, butter

        low = bessel(ORDER, self.low_pass, "lowpass", norm="mag", fs=fs, output="sos")
        return np.concatenate([butter(1, self.high_pass, "highpass", fs=fs, output="sos"), low])

    def convert(self, analog: Array) -> Array:
        """Clip at the range and round to the converter's steps."""
        step = 2 * self.full_scale / (2.0**self.bits - 1)
        return np.round(np.clip(analog, -self.full_scale, self.full_scale) / step) * step
