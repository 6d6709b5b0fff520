"""The stimulation artifact at the electrodes, rendered from closed forms.

The current pulse is a sum of steps. Through an electrode with resistance and RC elements every step becomes a sum of
exponentials, so that the voltage is known at any time and nothing is rendered at the rate of the EMG.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range, number, positive
from emgkit.errors import ParameterError

Array = NDArray[np.floating[Any]]

SHAPES = ("biphasic", "asymmetrical", "monophasic")
ASYMMETRY = 10.0  # the second phase of a charge-balanced asymmetrical pulse is so much longer and lower


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
    """

    shape: str = "biphasic"
    width: float = 300e-6
    gap: float = 50e-6
    imbalance: float = 0.0

    def __post_init__(self) -> None:
        """Check the ranges."""
        if self.shape not in SHAPES:
            raise ParameterError(f"shape={self.shape!r}; there are: {', '.join(SHAPES)}.")
        in_range("width", self.width, 10e-6, 5e-3, "s")
        in_range("gap", self.gap, 0.0, 5e-3, "s")
        in_range("imbalance", self.imbalance, -0.5, 0.5)

    @property
    def duration(self) -> float:
        """From the leading edge to the end of the last phase, s."""
        return float(self.steps()[0][-1])

    def steps(self) -> tuple[Array, Array]:
        """Give times, s, and heights of the steps of the current, relative to the first phase."""
        first = [(0.0, 1.0), (self.width, -1.0)]
        if self.shape == "monophasic":
            return _columns(first)
        stretch = ASYMMETRY if self.shape == "asymmetrical" else 1.0
        height = (1 - self.imbalance) / stretch
        begin = self.width + self.gap
        return _columns([*first, (begin, -height), (begin + stretch * self.width, height)])


def _columns(pairs: list[tuple[float, float]]) -> tuple[Array, Array]:
    table = np.array(pairs)
    return table[:, 0], table[:, 1]


@dataclass(frozen=True)
class Electrode:
    """How the current reaches the EMG electrodes: a resistance and RC elements that leave tails.

    Parameters
    ----------
    transfer : float
        Voltage between the EMG electrodes per stimulation current, V/A.
    taus : tuple of float
        Time constants of the tails, s.
    shares : tuple of float
        Share of each tail: its step response over that of the resistance.
    """

    transfer: float = 2.0
    taus: tuple[float, ...] = (0.8e-3, 8e-3)
    shares: tuple[float, ...] = (0.25, 0.8)

    def __post_init__(self) -> None:
        """Check the ranges."""
        number("transfer", self.transfer)
        if len(self.taus) != len(self.shares):
            raise ParameterError(f"taus and shares must be equally many, got {len(self.taus)} and {len(self.shares)}.")
        for tau in self.taus:
            positive("taus", tau, "s")


def voltage(time: Array, pulse: PulseShape, electrode: Electrode) -> Array:
    """Voltage between the EMG electrodes per A of stimulation current, V/A, at times since the leading edge, s."""
    total = np.zeros_like(time)
    for begin, height in zip(*pulse.steps(), strict=True):
        since = np.maximum(time - begin, 0.0)
        answer = (time >= begin).astype(float)
        for tau, share in zip(electrode.taus, electrode.shares, strict=True):
            answer += share * -np.expm1(-since / tau)
        total += height * answer
    return electrode.transfer * total
