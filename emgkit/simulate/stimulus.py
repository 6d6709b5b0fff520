"""The stimulation pulse and its voltage between the EMG electrodes, from closed forms.

The current pulse is a sum of steps. Through an electrode with a resistance, RC elements and a constant-phase element
every step becomes a sum of exponentials and a power of time, so that the voltage is known at any time and nothing is
rendered at the rate of the EMG.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import assign, in_range
from emgkit.errors import ParameterError
from emgkit.simulate.kinds import check_kinds
from emgkit.simulate.ranges import one_of, row, whole

Array = NDArray[np.floating[Any]]

SHAPES = ("biphasic", "asymmetrical", "monophasic")
ASYMMETRY = 10.0  # the second phase of a charge-balanced asymmetrical pulse is so much longer and lower; unverified
POWER_TIME = 1e-3  # s, at which the step response of the constant-phase element has its stated share; by definition


@dataclass(frozen=True)
class PulseShape:
    """Shape of the current pulse.

    Parameters
    ----------
    shape : {"biphasic", "asymmetrical", "monophasic"}
        Symmetrical, charge-balanced with a long low second phase, or one phase only.
    width : float
        Width of the first phase, s.
    gap : float
        Pause between the phases, s.
    imbalance : float
        Charge of the second phase that is missing, relative, −0.5 ... 0.5.
    cycles : int
        How often the phases follow each other in one pulse, ``gap`` apart: 25 cycles of a biphasic pulse of 200 µs
        without gap are a burst of 2.5 kHz. It is taken to excite as its first phase alone (unverified).
    """

    shape: str = "biphasic"
    width: float = 300e-6
    gap: float = 50e-6
    imbalance: float = 0.0
    cycles: int = 1

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        whole("cycles", self.cycles, 1, 200)
        one_of("shape", self.shape, SHAPES)
        in_range("width", self.width, 10e-6, 5e-3, "s")
        in_range("gap", self.gap, 0.0, 5e-3, "s")
        in_range("imbalance", self.imbalance, -0.5, 0.5)

    @property
    def duration(self) -> float:
        """From the leading edge to the end of the last phase, s."""
        return float(self.steps()[0][-1])

    def steps(self) -> tuple[Array, Array]:
        """Give times, s, and heights of the steps of the current, relative to the first phase."""
        once = np.array(self._phases())
        later = (once[-1, 0] + self.gap) * np.arange(self.cycles)
        return (later[:, np.newaxis] + once[:, 0]).ravel(), np.tile(once[:, 1], self.cycles)

    def _phases(self) -> list[tuple[float, float]]:
        first = [(0.0, 1.0), (self.width, -1.0)]
        if self.shape == "monophasic":
            return first
        stretch = ASYMMETRY if self.shape == "asymmetrical" else 1.0
        height = (1 - self.imbalance) / stretch
        begin = self.width + self.gap
        return [*first, (begin, -height), (begin + stretch * self.width, height)]


@dataclass(frozen=True)
class Electrode:
    """How the current reaches the EMG electrodes: a resistance and elements that leave tails.

    All defaults are plausible and unverified.

    Parameters
    ----------
    transfer : float
        Voltage between the EMG electrodes per stimulation current, V/A.
    taus : tuple of float
        Time constants of the exponential tails, s; 50 to 200 ms for polarisation.
    shares : tuple of float
        Share of each tail: its step response over that of the resistance.
    power_share : float
        Step response of the constant-phase element after 1 ms over that of the resistance; 0 for none. Its tail is
        a power of time and outlasts every exponential.
    power_exponent : float
        Exponent of its step response, between 0 (a resistance) and 1 (a capacitor).
    """

    transfer: float = 2.0
    taus: tuple[float, ...] = (0.8e-3, 8e-3)
    shares: tuple[float, ...] = (0.25, 0.8)
    power_share: float = 0.0
    power_exponent: float = 0.5

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        in_range("transfer", self.transfer, -1e3, 1e3, "V/A")
        assign(self, taus=row("taus", self.taus, 1e-6, 2.0, "s"), shares=row("shares", self.shares, -100.0, 100.0))
        if len(self.taus) != len(self.shares):
            raise ParameterError(f"taus and shares must be equally many, got {len(self.taus)} and {len(self.shares)}.")
        in_range("power_share", self.power_share, 0.0, 10.0)
        in_range("power_exponent", self.power_exponent, 0.05, 0.95)

    @property
    def memory(self) -> float:
        """Time after which what a pulse left has gone, s."""
        longest = max(self.taus, default=0.0)
        return min(max(0.02, 10 * longest, 0.6 if self.power_share else 0.0), 2.0)


def voltage(time: Array, pulse: PulseShape, electrode: Electrode) -> Array:
    """Voltage between the EMG electrodes per A of stimulation current, V/A, at times since the leading edge, s."""
    total = np.zeros_like(time)
    for begin, height in zip(*pulse.steps(), strict=True):
        since = np.maximum(time - begin, 0.0)
        answer = (time >= begin).astype(float)
        for tau, share in zip(electrode.taus, electrode.shares, strict=True):
            answer += share * -np.expm1(-since / tau)
        if electrode.power_share:
            answer += electrode.power_share * (since / POWER_TIME) ** electrode.power_exponent
        total += height * answer
    return electrode.transfer * total


def mean_voltage(time: Array, step: float, pulse: PulseShape, electrode: Electrode) -> Array:
    """Mean of `voltage` over the cells of a grid, ``time`` ± ``step`` / 2, V/A.

    Sampled at points, a pulse's edges move to the grid and balanced phases keep a charge, which leaves a tail.
    """
    half, total = 0.5 * step, np.zeros_like(time)
    for begin, height in zip(*pulse.steps(), strict=True):
        inside = np.clip(time - begin + half, 0.0, step)  # s of the cell after the step
        since = np.maximum(time - begin - half, 0.0)  # s from the step to the beginning of those
        answer = inside.copy()
        for tau, share in zip(electrode.taus, electrode.shares, strict=True):
            answer += share * (inside + tau * np.exp(-since / tau) * np.expm1(-inside / tau))
        if electrode.power_share:
            power = electrode.power_exponent + 1
            whole = (since + inside) ** power - since**power
            answer += electrode.power_share * whole / power / POWER_TIME**electrode.power_exponent
        total += height * answer
    return electrode.transfer * total / step


@dataclass(frozen=True)
class Contact:
    """What the stimulation leaves in the channels of the recording.

    All defaults are plausible and unverified.

    Parameters
    ----------
    electrode : Electrode
        From current to voltage.
    gains : tuple of float
        Size of the artifact per channel, repeated when there are more channels.
    second_rank : float
        A second waveform, what a tail 2.5 times as slow has more, with a random size per channel (SD, relative to the
        mean of the gains) and a drift of its own. With the default electrode 0.05 puts 1 % of the tail (4 to 25 ms
        after the pulse) and 0.2 % of the whole artifact into a second rank.
    crosstalk : float
        Random mixing of the artifact between channels, relative.
    gain_drift : float
        Relative slow drift of the artifact over the recording, 0.01 ... 0.05 is usual.
    gain_noise : float
        Relative SD of the artifact from pulse to pulse, 0.001 ... 0.003 is usual.
    mechanical : float
        Size of a damped movement of the electrodes after every pulse at full ``current``, V: a sine of 12 Hz of this
        amplitude that begins after 6 ms and decays with 40 ms, so that its peak is 0.63 of it. In a channel it is
        0.5 ... 1 times as large, by chance, and the high-pass weakens it.
    dc_shift : float
        Offset that builds up during a train within about a second and decays after it, V.
    """

    electrode: Electrode = field(default_factory=Electrode)
    gains: tuple[float, ...] = (1.0, -0.6, 0.8, -0.4)
    second_rank: float = 0.0
    crosstalk: float = 0.0
    gain_drift: float = 0.03
    gain_noise: float = 0.002
    mechanical: float = 0.0
    dc_shift: float = 0.0

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        assign(self, gains=row("gains", self.gains, -1e3, 1e3, fewest=1))
        for name in ("second_rank", "crosstalk", "gain_drift", "gain_noise"):
            in_range(name, getattr(self, name), 0.0, 1.0)
        in_range("mechanical", self.mechanical, 0.0, 0.1, "V")
        in_range("dc_shift", self.dc_shift, -0.1, 0.1, "V")
