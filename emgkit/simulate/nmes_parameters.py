"""Parameters of the scenario `nmes_fatigue`, and what follows from them alone."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range, number, positive
from emgkit.errors import ParameterError
from emgkit.recording import Mark
from emgkit.simulate.fatigue import FatigueParameters
from emgkit.simulate.front_end import FrontEnd
from emgkit.simulate.pool import PoolParameters
from emgkit.simulate.stimulus import Electrode, PulseShape

__all__ = ["NMESFatigue"]

Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class NMESFatigue:
    """Parameters of `nmes_fatigue`. Times in s, rates in Hz, currents in A, voltages in V.

    Parameters
    ----------
    duration : float
        Length of the recording, s.
    channel_names : tuple of str
        One muscle with a pool of its own per channel.
    rate : float
        Rate that was set on the stimulator, Hz.
    clock_error : float
        Deviation of the stimulator's clock, parts per million.
    jitter : float
        SD of the pulse times, s.
    stimulation : (float, float) or None
        From when to when there are pulses, s; None leaves 2 s at either end without (a tenth in short recordings).
    current : float
        Stimulation current, A; the median threshold is 30 mA at 200 µs, so that 80 mA excite all units within reach.
    bursts : int
        Number of voluntary contractions, spread evenly over the stimulation.
    burst_length : float
        Length of one, s.
    effort : float
        Drive during a burst, 0 ... 1 of full drive.
    conduction : float
        Conduction time between spinal cord and site of stimulation, s: decides what antidromic volleys annihilate.
        The default lets no voluntary spike of a unit that is stimulated at 30 Hz pass.
    m_max : float
        Peak-to-peak size of the response of all units, V.
    mains : float
        Mains frequency, Hz.
    mains_amplitude : float
        Amplitude of its fundamental, V.
    noise : float
        RMS of the white noise, V.
    gain_drift : float
        Relative slow drift of the artifact over the recording.
    gain_noise : float
        Relative SD of the artifact from pulse to pulse.
    pool, fatigue, pulse, electrode, front_end : objects
        Parameters of the parts.
    """

    duration: float = 60.0
    channel_names: tuple[str, ...] = ("VL", "VM")
    rate: float = 30.0
    clock_error: float = -60.0
    jitter: float = 2e-6
    stimulation: tuple[float, float] | None = None
    current: float = 0.080
    bursts: int = 6
    burst_length: float = 4.0
    effort: float = 0.45
    conduction: float = 0.017
    m_max: float = 0.008
    mains: float = 50.02
    mains_amplitude: float = 10e-6
    noise: float = 2e-6
    gain_drift: float = 0.03
    gain_noise: float = 0.002
    pool: PoolParameters = field(default_factory=lambda: PoolParameters(reach=0.6))
    fatigue: FatigueParameters = field(default_factory=FatigueParameters)
    pulse: PulseShape = field(default_factory=lambda: PulseShape(width=200e-6, gap=0.0))
    electrode: Electrode = field(default_factory=lambda: Electrode(0.2, (0.1e-3,), (0.1,)))
    front_end: FrontEnd = field(default_factory=FrontEnd)

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("duration", self.duration, 1.0, 3600.0, "s")
        in_range("rate", self.rate, 0.5, 150.0, "Hz")
        in_range("clock_error", self.clock_error, -20_000, 20_000, "ppm")
        in_range("jitter", self.jitter, 0.0, 1e-3, "s")
        in_range("effort", self.effort, 0.0, 1.0)
        in_range("conduction", self.conduction, 0.0, 0.05, "s")
        in_range("mains", self.mains, 45.0, 65.0, "Hz")
        for name in ("current", "m_max", "burst_length"):
            positive(name, getattr(self, name))
        for name in ("mains_amplitude", "noise", "gain_drift", "gain_noise"):
            in_range(name, getattr(self, name), 0.0, 1.0)
        if isinstance(self.bursts, bool) or not isinstance(self.bursts, int) or self.bursts < 0:
            raise ParameterError(f"bursts must be a whole number of at least 0, got {self.bursts!r}.")
        if self.pulse.duration * self.rate >= 1:
            raise ParameterError(
                f"A pulse of {self.pulse.duration * 1e3:.3g} ms is longer than the interval at rate={self.rate:g} Hz."
            )
        start, stop = self.span
        if not 0 <= start < stop <= self.duration:
            raise ParameterError(
                f"stimulation must lie within 0 ... {self.duration:g} s, got {start:g} ... {stop:g} s."
            )
        if self.bursts * self.burst_length > stop - start:
            raise ParameterError(f"{self.bursts} bursts of {self.burst_length:g} s do not fit into {stop - start:g} s.")

    @property
    def span(self) -> tuple[float, float]:
        """From when to when there are pulses, s."""
        if self.stimulation is None:
            pause = min(2.0, 0.1 * self.duration)
            return pause, self.duration - pause
        return number("stimulation start", self.stimulation[0]), number("stimulation stop", self.stimulation[1])

    def onsets(self, *, rng: np.random.Generator) -> Array:
        """Draw the leading edges, s."""
        start, stop = self.span
        period = 1 / (self.rate * (1 + self.clock_error * 1e-6))
        times = start + period * (rng.uniform() + np.arange(int((stop - start) / period) + 1))
        times = times[times < min(stop, self.duration - 1e-3)]
        return times + self.jitter * rng.standard_normal(times.size)

    def burst_spans(self) -> list[tuple[float, float]]:
        """Voluntary contractions, s; the first and last lie at the ends of the stimulation."""
        start, stop = self.span
        if self.bursts == 0:
            return []
        room = stop - start - self.burst_length - 0.5
        begins = start + 0.25 + np.linspace(0.0, max(room, 0.0), self.bursts)
        return [(float(begin), float(begin + self.burst_length)) for begin in begins]

    def drive(self) -> Array:
        """Drive on a grid of 1 kHz, 0 ... 1: steps with flanks of a quarter second outside the marks."""
        grid = np.arange(int(self.duration * 1000)) / 1000
        out = np.zeros(grid.size)
        for begin, end in self.burst_spans():
            rise = np.clip((grid - begin + 0.25) / 0.25, 0, 1)
            fall = np.clip((end + 0.25 - grid) / 0.25, 0, 1)
            out = np.maximum(out, np.minimum(rise, fall))
        return self.effort * out

    def marks(self) -> tuple[Mark, ...]:
        """Give marks "voluntary" for the bursts and "rest" for the pauses of at least 1 s between them."""
        spans = self.burst_spans()
        voluntary = [Mark("voluntary", *span) for span in spans]
        ends = [self.span[0], *(end + 0.5 for _, end in spans)]
        begins = [*(begin - 0.5 for begin, _ in spans), self.span[1]]
        rest = [Mark("rest", low, high) for low, high in zip(ends, begins, strict=True) if high - low >= 1.0]
        return tuple(voluntary + rest)
