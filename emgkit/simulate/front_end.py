"""The amplifier and converter of the simulated recording.

In the order in which a signal meets them: a first stage with a rail, a recovery and a slew limit, the high-pass and
the anti-alias filter, blanking hardware, the converter, and a link that loses packets. The order matters: a first
stage that saturates before the high-pass leaves a long non-linear tail under the M-wave, a converter that clips the
filtered signal does not.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range
from emgkit.errors import ParameterError, SamplingRateError
from emgkit.simulate.high_pass import HighPass
from emgkit.simulate.kinds import check_kinds
from emgkit.simulate.ranges import one_of, whole

Array = NDArray[np.floating[Any]]

FINE = 20_000.0  # Hz, rate of the stored waveforms that the anti-alias filter is applied to; numerical
LOWEST_RATE = 900.0  # Hz, twice the end of the band of voluntary mdf and mnf; by definition
NEAREST = 0.45  # of the sampling rate, that the corner of the anti-alias filter may reach; by definition
FASTEST_RECOVERY = 2e-5  # s: two samples of the rate that the first stage is computed at; numerical
ANALOG = 100_000.0  # Hz, the first stage is computed at least at this rate; numerical
SHAPES = ("bessel", "butterworth", "elliptic")
OPTIONAL = (
    ("rail", 1e-6, 100.0, "V"),
    ("slew", 1e-3, 1e8, "V/s"),
    ("high_pass", 0.01, 500.0, "Hz"),
    ("low_pass", 10.0, FINE / 2, "Hz"),
)
RIPPLE, STOP = 0.1, 60.0  # dB, of the elliptic filter; unverified


@dataclass(frozen=True)
class FrontEnd:
    """An EMG amplifier and its converter. The defaults are one of many devices, no model of a product.

    Parameters
    ----------
    fs : float
        Sampling rate, Hz; at least 900, and more for fibres near the electrodes (`Session` says how much).
    rail : float or None
        The first stage, before any filter, cannot leave ± this, V at its input; None for no limit.
    rail_recovery : float
        Time constant with which an overloaded first stage comes back, s. What is beyond the rail charges a store with
        its sign, so that the phases of a balanced pulse cancel and hardly anything is left: a long recovery needs a
        monophasic pulse, an ``imbalance``, or a tail beyond the rail.
    slew : float or None
        Steepest slope that the first stage follows, V/s; None for no limit.
    high_pass : float or None
        Corner of the high-pass, Hz; None for a DC-coupled amplifier.
    high_pass_order : int
        1 or 2.
    low_pass : float or None
        Corner of the anti-alias filter, Hz, at most 0.45 fs; None for 850 Hz or 0.425 fs, whichever is lower.
    anti_alias : {"bessel", "butterworth", "elliptic"}
        The first hardly rings, the last rings most.
    low_pass_order : int
        Order of the anti-alias filter.
    blanking : float
        Hardware that holds its output from 0.5 ms before each pulse until this long after it, s; 0 for none.
    blanked_to : {"held", "zero"}
        What that hardware gives meanwhile: the last value, or nothing.
    droop : float
        Rate at which the held value decays, 1/s.
    full_scale : float
        Range of the converter is ± this, V; what is larger is clipped.
    bits : int
        Resolution of the converter.
    packet_loss : float
        Share of the packets of a wireless link that get lost, each by chance, the first one never; the last sample
        before is repeated.
    packet_slip : bool
        Whether lost packets are left out instead, so that the EMG becomes shorter and the trigger slips against it.
    packet : float
        Length of a packet, s; at most a tenth of the recording.
    trigger_latency : float
        Time by which the trigger comes after the leading edge of the stimulus, s.
    """

    fs: float = 2000.0
    rail: float | None = None
    rail_recovery: float = 0.0
    slew: float | None = None
    high_pass: float | None = 5.0
    high_pass_order: int = 1
    low_pass: float | None = None
    anti_alias: str = "bessel"
    low_pass_order: int = 4
    blanking: float = 0.0
    blanked_to: str = "held"
    droop: float = 0.0
    full_scale: float = 0.1
    bits: int = 24
    packet_loss: float = 0.0
    packet_slip: bool = False
    packet: float = 0.013
    trigger_latency: float = 0.0

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        in_range("fs", self.fs, LOWEST_RATE, FINE / 2, "Hz")
        for name, low, high, unit in OPTIONAL:
            if getattr(self, name) is not None:
                in_range(name, getattr(self, name), low, high, unit)
        in_range("rail_recovery", self.rail_recovery, 0.0, 0.5, "s")
        if 0 < self.rail_recovery < FASTEST_RECOVERY:
            raise ParameterError(
                f"rail_recovery must be 0 or at least {FASTEST_RECOVERY:g} s, got {self.rail_recovery:g} s."
            )
        in_range("blanking", self.blanking, 0.0, 0.05, "s")
        in_range("droop", self.droop, 0.0, 1000.0, "1/s")
        in_range("full_scale", self.full_scale, 1e-4, 10.0, "V")
        in_range("packet", self.packet, 1e-3, 1.0, "s")
        whole("bits", self.bits, 8, 32)
        in_range("packet_loss", self.packet_loss, 0.0, 0.5)
        in_range("trigger_latency", self.trigger_latency, -0.01, 0.05, "s")
        whole("high_pass_order", self.high_pass_order, 1, 2)
        whole("low_pass_order", self.low_pass_order, 1, 8)
        one_of("anti_alias", self.anti_alias, SHAPES)
        one_of("blanked_to", self.blanked_to, ("held", "zero"))
        if not (self.high_pass or 0.0) < self.corner <= NEAREST * self.fs:
            raise SamplingRateError(
                f"low_pass must lie between high_pass ({self.high_pass or 0:g} Hz) and {NEAREST:g} fs "
                f"({NEAREST * self.fs:g} Hz), got {self.corner:g} Hz: with a higher fs the spectrum of EMG fits."
            )

    @property
    def corner(self) -> float:
        """Corner of the anti-alias filter, Hz."""
        return min(850.0, 0.425 * self.fs) if self.low_pass is None else self.low_pass

    @property
    def linear(self) -> bool:
        """Whether the first stage neither clips nor limits slopes."""
        return self.rail is None and self.slew is None

    def low(self, wave: Array, fs: float = FINE) -> Array:
        """Apply the anti-alias filter to waveforms on a fine grid of ``fs`` Hz, along the last axis."""
        from scipy.signal import sosfilt

        return np.asarray(sosfilt(self.low_sections(fs), wave, axis=-1))

    def high(self, wave: Array, fs: float | None = None) -> Array:
        """Apply the high-pass to what left the anti-alias filter, at the output rate or ``fs`` Hz, along the last axis.

        Its design is the analog one at either rate.
        """
        return wave if self.modes is None else self.modes.of_samples(wave, fs or self.fs)

    @property
    def modes(self) -> HighPass | None:
        """The high-pass by its exponentials; None for a DC-coupled amplifier."""
        return None if self.high_pass is None else HighPass.of(self.high_pass_order, self.high_pass)

    @property
    def low_settling(self) -> float:
        """Time after which the anti-alias filter has forgotten a pulse (to a millionth), s."""
        from scipy.signal import sos2zpk

        poles = sos2zpk(self.low_sections(FINE))[1]
        return 14 / (FINE * -float(np.log(np.abs(poles).max())))

    def power_gain(self, frequencies: Array) -> Array:
        """Squared magnitude of the filters' response at frequencies, Hz."""
        from scipy.signal import sosfreqz

        return np.asarray(np.abs(sosfreqz(self.low_sections(FINE), frequencies, fs=FINE)[1]) ** 2) * self.high_power(
            frequencies
        )

    def high_power(self, frequencies: Array) -> Array:
        """Squared magnitude of the high-pass at frequencies, Hz."""
        return np.ones(frequencies.size) if self.modes is None else np.abs(self.modes.response(frequencies)) ** 2

    def response(self, frequencies: Array) -> Array:
        """Complex response of the filters at frequencies, Hz, as the first stage is followed by them."""
        from scipy.signal import sosfreqz

        low = sosfreqz(self.low_sections(ANALOG), frequencies, fs=ANALOG)[1]
        return np.asarray(low if self.modes is None else low * self.modes.response(frequencies))

    @property
    def low_delay(self) -> float:
        """Time by which the anti-alias filter delays slow signals, s."""
        from scipy.signal import sosfreqz

        return -float(np.angle(sosfreqz(self.low_sections(ANALOG), [1.0], fs=ANALOG)[1][0])) / (2 * np.pi)

    def low_sections(self, fs: float) -> Array:
        """Give the second-order sections of the anti-alias filter at a rate, Hz."""
        return _low_sections(self.anti_alias, self.low_pass_order, self.corner, fs).copy()

    def convert(self, analog: Array) -> Array:
        """Clip at the range and round to the converter's steps."""
        step, largest = 2 * self.full_scale / (2.0**self.bits - 1), 2.0 ** (self.bits - 1) - 1
        return np.clip(np.round(analog / step), -largest, largest) * step


@cache
def _low_sections(shape: str, order: int, corner: float, fs: float) -> Array:
    from scipy.signal import bessel, butter, ellip

    if shape == "bessel":
        return np.asarray(bessel(order, corner, norm="mag", fs=fs, output="sos"))
    if shape == "butterworth":
        return np.asarray(butter(order, corner, fs=fs, output="sos"))
    return np.asarray(ellip(order, RIPPLE, STOP, corner, fs=fs, output="sos"))
