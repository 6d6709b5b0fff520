"""What the person does: bursts of voluntary effort, or any profile of drive."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import assign, in_range
from emgkit.errors import ParameterError
from emgkit.recording import Mark
from emgkit.simulate.kinds import check_kinds
from emgkit.simulate.ranges import one_of, pairs, row, spans, whole

Array = NDArray[np.floating[Any]]
Span = tuple[float, float]

AT_WORK = 0.01  # drive above which a profile counts as a contraction; by definition
LONGEST = 3600.0  # s; by definition
QUIET = 0.5  # s between a contraction and what is marked as rest; by definition


@dataclass(frozen=True)
class Effort:
    """Voluntary effort. Times in s, drives 0 ... 1 of full drive.

    Parameters
    ----------
    effort : float
        Drive of a contraction.
    bursts : int
        Number of contractions, spread evenly over the stimulation.
    burst_length : float
        Length of one.
    contractions : tuple of (float, float) or None
        Start and stop of every contraction, instead of ``bursts`` and ``burst_length``.
    efforts : tuple of float
        Drive of each contraction relative to ``effort``, used one after the other and again from the start.
    rise : float
        Time over which the drive rises before and falls after a contraction.
    profile : tuple of (float, float) or None
        Times and drives, joined by lines, instead of contractions and their effort: steps, ramps, anything. The first
        drive holds before its time, the last one after it.
    quantity : {"drive", "force"}
        What ``effort`` and ``profile`` are a share of: full drive, or the force at full drive without fatigue.
    common_drive : float
        Relative SD of a fluctuation below 1 Hz that all units share.
    synchrony : float
        Share of the spikes that join a common event nearby within some ms: short-term synchrony. The process values
        of voluntary EMG are not known with it (NaN): units are not independent.
    entrainment : float
        Relative swing of the drive in step with the stimulation pulses, as by reflexes; 0 ... 1. The process values
        of voluntary EMG in trains are not known with it (NaN).
    """

    REPLACED: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "profile": ("effort", "bursts", "burst_length", "contractions", "efforts", "rise"),
        "contractions": ("bursts", "burst_length"),
    }

    effort: float = 0.45
    bursts: int = 6
    burst_length: float = 4.0
    contractions: tuple[Span, ...] | None = None
    efforts: tuple[float, ...] = (1.0,)
    rise: float = 0.25
    profile: tuple[Span, ...] | None = None
    quantity: str = "drive"
    common_drive: float = 0.0
    synchrony: float = 0.0
    entrainment: float = 0.0

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        in_range("effort", self.effort, 0.0, 1.0)
        whole("bursts", self.bursts, 0, 10_000)
        in_range("burst_length", self.burst_length, 1e-3, LONGEST, "s")
        in_range("rise", self.rise, 1e-3, 60.0, "s")
        one_of("quantity", self.quantity, ("drive", "force"))
        in_range("common_drive", self.common_drive, 0.0, 0.5)
        for name in ("synchrony", "entrainment"):
            in_range(name, getattr(self, name), 0.0, 1.0)
        assign(self, efforts=row("efforts", self.efforts, 0.0, 1e3, fewest=1))
        if not all(0 <= self.effort * level <= 1 for level in self.efforts):
            raise ParameterError(f"efforts times effort must lie within 0 ... 1, got {self.efforts!r}.")
        if self.contractions is not None:
            assign(self, contractions=spans("contractions", self.contractions, LONGEST))
        if self.profile is not None:
            if self.contractions is not None:
                raise ParameterError("profile stands instead of contractions: give one of them, the other as None.")
            self._check_profile(self.profile)

    def _check_profile(self, profile: tuple[Span, ...]) -> None:
        checked = pairs("profile", profile, (0.0, LONGEST), (0.0, 1.0))
        if not checked or any(later[0] <= before[0] for before, later in itertools.pairwise(checked)):
            raise ParameterError(f"profile must hold pairs of rising times, s, and drives of 0 ... 1, got {profile!r}.")
        assign(self, profile=checked)

    @property
    def works(self) -> bool:
        """Whether there is any voluntary effort."""
        if self.profile is not None:
            return any(drive > 0 for _, drive in self.profile)
        there = self.bursts > 0 if self.contractions is None else bool(self.contractions)
        return there and self.effort > 0 and any(self.efforts)

    def spans(self, within: Span, duration: float) -> list[Span]:
        """Contractions; bursts are spread over ``within``, the first and the last lie at its ends."""
        if self.profile is not None:
            return _runs(self._profile(duration) > AT_WORK)
        if self.contractions is not None:
            if any(high > duration for _, high in self.contractions):
                raise ParameterError(f"contractions must lie within 0 ... {duration:g} s, got {self.contractions!r}.")
            return list(self.contractions)
        if self.bursts == 0 or self.effort == 0:
            return []
        start, stop = within
        if self.bursts * self.burst_length > stop - start:
            raise ParameterError(
                f"bursts must lie within 0 ... {int((stop - start) / self.burst_length)} where each takes "
                f"burst_length={self.burst_length:g} s of the {stop - start:.3g} s of stimulation, got {self.bursts}: "
                f"or give a burst_length of at most {(stop - start) / self.bursts:.3g} s, or a longer duration "
                f"(where trains or stimulation are given, longer ones)."
            )
        room = stop - start - self.burst_length - QUIET
        begins = start + 0.25 + np.linspace(0.0, max(room, 0.0), self.bursts)
        return [(float(begin), float(begin + self.burst_length)) for begin in begins]

    def drive(self, within: Span, duration: float) -> Array:
        """Drive on a grid of 1 kHz, 0 ... 1; the flanks of contractions lie outside their marks."""
        if self.profile is not None:
            return self._profile(duration)
        grid = np.arange(int(duration * 1000)) / 1000
        out = np.zeros(grid.size)
        for number, (begin, end) in enumerate(self.spans(within, duration)):
            rise = np.clip((grid - begin + self.rise) / self.rise, 0, 1)
            fall = np.clip((end + self.rise - grid) / self.rise, 0, 1)
            level = self.effort * self.efforts[number % len(self.efforts)]
            out = np.maximum(out, level * np.minimum(rise, fall))
        return out

    def _profile(self, duration: float) -> Array:
        times, drives = np.array(self.profile, dtype=float).reshape(-1, 2).T
        return np.interp(np.arange(int(duration * 1000)) / 1000, times, drives)


def rests(spans: list[Span], within: Span) -> list[Mark]:
    """Give marks "rest" for the pauses of at least 1 s between contractions."""
    ends = [within[0], *(end + QUIET for _, end in spans)]
    begins = [*(begin - QUIET for begin, _ in spans), within[1]]
    return [Mark("rest", low, high) for low, high in zip(ends, begins, strict=True) if high - low >= 1.0]


def joined(spans: list[Span]) -> list[Span]:
    """Sort spans and join those that overlap."""
    out: list[Span] = []
    for low, high in sorted(spans):
        if out and low < out[-1][1]:
            out[-1] = (out[-1][0], max(high, out[-1][1]))
        else:
            out.append((low, high))
    return out


def _runs(mask: NDArray[np.bool_]) -> list[Span]:
    steps = np.diff(np.concatenate([[0], mask.astype(np.int8), [0]]))
    low, high = np.flatnonzero(steps == 1), np.flatnonzero(steps == -1)
    return [(float(a / 1000), float(b / 1000)) for a, b in zip(low, high, strict=True)]
