"""When a stimulator fires and with what current: trains, ramps, levels, clock errors, missing and extra pulses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import assign, in_range, interval
from emgkit.errors import ParameterError
from emgkit.simulate.kinds import check_kinds
from emgkit.simulate.ranges import different, row, spans, whole
from emgkit.simulate.stimulus import Contact, PulseShape

Array = NDArray[np.floating[Any]]

Span = tuple[float, float]

LONGEST = 3600.0  # s; by definition
SURE = 6.0  # SDs of the jitter by which pulses must stay apart; numerical


@dataclass(frozen=True)
class Stimulator:
    """One stimulator. Times in s, rates in Hz, currents in A.

    What is set on a device is free; the defaults of its errors (``clock_error``, ``jitter``) are plausible and
    unverified.

    Parameters
    ----------
    rate : float
        Rate that was set, Hz.
    current : float
        Current of the plateau, A; the median threshold of the default pool is 30 mA at 200 µs.
    stimulation : (float, float) or None
        From when to when there are pulses; None leaves 2 s at either end without (a tenth in short recordings).
    on, off : float or None
        Length of the trains and of the pauses between them; None for one train over the whole span.
    trains : tuple of (float, float) or None
        Start and stop of every train, instead of ``stimulation``, ``on`` and ``off``.
    levels : tuple of float
        Relative current of every train, used one after the other and again from the start.
    pulse_levels : tuple of float
        Relative currents of which every pulse gets one at random; none for equal pulses.
    polarities : tuple of float
        Polarity of the pulses, 1 or -1, used one after the other and again from the start: (1, -1) alternates. The
        artifact turns over with it; both are taken to excite alike (unverified: cathodes excite at lower currents).
    ramp_up, ramp_down : float
        Time over which the current of a train rises from and falls to zero.
    modulation, modulation_period : float
        The current swings by so much, relative, with this period.
    intervals : tuple of float
        Intervals of one train, instead of ``rate`` and ``phase``: for variable-frequency trains. Five intervals
        are six pulses; what does not fit into the train does not come.
    phase : float or None
        Where in the period the first pulse of every train comes, 0 ... 1, so that stimulators of one rate can take
        turns; None for anywhere.
    doublet : float
        Interval of an additional pulse after the first one of every train, within the train and not onto another of
        its pulses; 0 for none.
    clock_error : float
        Deviation of the stimulator's clock, parts per million.
    jitter : float
        SD of the pulse times; pulses must stay apart with six times as much.
    site : int
        Where its electrodes lie: another site reaches the motor units in another order. Stimulators may share a site:
        where the first phases of their pulses overlap, their currents add.
    reaches : tuple of str or None
        Channels whose muscles it excites; None for those that the session names. The artifact is seen in all.
    missing, extra : float
        Share of the pulses that were planned and did not come, and that came and were not planned. An extra pulse
        that would begin before another has ended does not come.
    pulse : PulseShape
        Shape of the pulse.
    contact : Contact
        What the pulses leave in the recording.
    """

    REPLACED: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "intervals": ("rate", "phase"),
    }

    rate: float = 30.0
    current: float = 0.080
    stimulation: Span | None = None
    on: float | None = None
    off: float | None = None
    trains: tuple[Span, ...] | None = None
    levels: tuple[float, ...] = (1.0,)
    pulse_levels: tuple[float, ...] = ()
    polarities: tuple[float, ...] = (1.0,)
    ramp_up: float = 0.0
    ramp_down: float = 0.0
    modulation: float = 0.0
    modulation_period: float = 10.0
    intervals: tuple[float, ...] = ()
    phase: float | None = None
    doublet: float = 0.0
    clock_error: float = -60.0
    jitter: float = 2e-6
    site: int = 0
    reaches: tuple[str, ...] | None = None
    missing: float = 0.0
    extra: float = 0.0
    pulse: PulseShape = field(default_factory=lambda: PulseShape(width=200e-6, gap=0.0))
    contact: Contact = field(default_factory=Contact)

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        in_range("rate", self.rate, 0.05, 150.0, "Hz")
        in_range("current", self.current, 1e-6, 1.0, "A")
        in_range("clock_error", self.clock_error, -20_000, 20_000, "ppm")
        in_range("jitter", self.jitter, 0.0, 1e-3, "s")
        in_range("modulation", self.modulation, 0.0, 1.0)
        in_range("modulation_period", self.modulation_period, 0.01, LONGEST, "s")
        for name in ("ramp_up", "ramp_down"):
            in_range(name, getattr(self, name), 0.0, 60.0, "s")
        for name in ("missing", "extra"):
            in_range(name, getattr(self, name), 0.0, 0.5)
        if (self.on is None) != (self.off is None):
            raise ParameterError("on and off belong together: give both or none.")
        if self.on is not None and self.off is not None:
            in_range("on", self.on, 0.01, LONGEST, "s")
            in_range("off", self.off, 0.0, LONGEST, "s")
        whole("site", self.site, 0, 15)
        different("reaches", self.reaches or ())
        in_range("doublet", self.doublet, 0.0, 1.0, "s")
        assign(self, levels=row("levels", self.levels, 0.0, 100.0, fewest=1))
        assign(self, pulse_levels=row("pulse_levels", self.pulse_levels, 0.0, 100.0))
        assign(self, polarities=row("polarities", self.polarities, -1.0, 1.0, fewest=1))
        if any(abs(one) != 1 for one in self.polarities):
            raise ParameterError(f"each of polarities must be 1 or -1, got {self.polarities!r}.")
        if self.phase is not None:
            in_range("phase", self.phase, 0.0, 1.0)
        assign(self, intervals=row("intervals", self.intervals, 0.0, LONGEST, "s"))
        self._check_spans()
        shortest = min((*self.intervals, *((self.doublet,) if self.doublet else ()), 1 / self.rate))
        shortest /= 1 + 1e-6 * max(self.clock_error, 0.0)
        if self.pulse.duration >= shortest:
            raise ParameterError(
                f"A pulse of {self.pulse.duration * 1e3:.3g} ms is longer than the interval of "
                f"{shortest * 1e3:.3g} ms that rate={self.rate:g} Hz, intervals, doublet and clock_error leave: "
                "shorten width, gap."
            )
        most = (shortest - self.pulse.duration) / (SURE * np.sqrt(2))
        if self.jitter > most:
            raise ParameterError(
                f"jitter must be below {most:.3g} s, so that pulses of {self.pulse.duration * 1e3:.3g} ms stay apart "
                f"at intervals of {shortest * 1e3:.3g} ms, got {self.jitter:g} s."
            )

    def _check_spans(self) -> None:
        if self.stimulation is not None:
            assign(self, stimulation=interval("stimulation", self.stimulation))
        if self.trains is not None:
            if self.stimulation is not None or self.on is not None:
                raise ParameterError(
                    "trains stand instead of stimulation, on and off: give one or the other, what it replaces as None."
                )
            assign(self, trains=spans("trains", self.trains, LONGEST))
            if not self.trains:
                raise ParameterError("trains must hold at least one start and stop, got none.")

    def spans(self, duration: float) -> tuple[Span, ...]:
        """Start and stop of the trains in a recording of ``duration`` s."""
        if self.trains is not None:
            name, found = "trains", self.trains
        else:
            name, found = "stimulation", self._repeated(*self._whole(duration))
        if not found:
            raise ParameterError(f"on={self.on:g} s does not fit into the stimulation in {duration:g} s.")
        for low, high in found:
            if not 0 <= low < high <= duration:
                raise ParameterError(f"{name} must lie within 0 ... {duration:g} s, got {low:g} ... {high:g} s.")
        return found

    def _whole(self, duration: float) -> Span:
        if self.stimulation is not None:
            return float(self.stimulation[0]), float(self.stimulation[1])
        pause = min(2.0, 0.1 * duration)
        return pause, duration - pause

    def _repeated(self, start: float, stop: float) -> tuple[Span, ...]:
        if self.on is None or self.off is None:
            return ((start, stop),)
        count = int((stop - start + self.off + 1e-9) / (self.on + self.off))
        return tuple(
            (begin, begin + self.on) for begin in (start + number * (self.on + self.off) for number in range(count))
        )

    def level(self, number: int) -> float:
        """Relative current of a train."""
        return self.levels[number % len(self.levels)]

    def shape_at(self, times: Array, span: Span) -> Array:
        """Relative current at times within a train: ramps and modulation."""
        swing = 1 + self.modulation * np.sin(2 * np.pi * times / self.modulation_period)
        return self.ramp_at(times, span) * swing

    def ramp_at(self, times: Array, span: Span) -> Array:
        """How far the ramps of a train have risen at times within it, 0 ... 1."""
        ramp = np.ones(times.size)
        if self.ramp_up:
            ramp = np.minimum(ramp, (times - span[0]) / self.ramp_up)
        if self.ramp_down:
            ramp = np.minimum(ramp, (span[1] - times) / self.ramp_down)
        return np.clip(ramp, 0.0, None)
