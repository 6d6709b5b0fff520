"""How long a data record of a BDF file must be, so that every channel has whole samples in it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np

from emgkit.errors import OutputError

__all__ = ["Records", "plan_records"]

# s; a second is what other programs write, and what their readers are used to
_USUAL = 1.0
_LONGEST = 60.0
_EVEN = (0.1, 10.0)
# the header gives the duration 8 characters
_WIDTH = 8
# rates that are typed with few digits (1925.926 Hz for 52 samples in 27 ms) may be off by so much of a sample in all
_DRIFT = 0.05
# durations that are tried for them, per s
_STEPS = 100_000


@dataclass(frozen=True)
class Records:
    """Division of a recording into data records.

    Parameters
    ----------
    duration : float
        Length of one record, s; its shortest text has at most 8 characters.
    count : int
        Number of records.
    per_record : tuple of int
        Samples per record of every channel.
    """

    duration: float
    count: int
    per_record: tuple[int, ...]

    @property
    def rates(self) -> tuple[float, ...]:
        """Sampling rates as a reader will find them, Hz."""
        exact = Fraction(repr(self.duration))
        return tuple(float(samples / exact) for samples in self.per_record)


def plan_records(rates: Sequence[float], sizes: Sequence[int]) -> Records:
    """Divide channels of several rates into records of equal length.

    A division without rest between 0.1 and 10 s is taken if there is one; else the last record is not full. Rates
    that the format cannot hold exactly are replaced by the nearest ones it can, if that moves no sample by more than
    a twentieth of a sample.

    Parameters
    ----------
    rates : sequence of float
        Sampling rate of every channel, Hz.
    sizes : sequence of int
        Number of samples of every channel.

    Raises
    ------
    OutputError
        If no duration of up to a minute, in 8 characters, holds whole samples of all rates.
    """
    exact = [Fraction(rate).limit_denominator(1_000_000) for rate in rates]
    total = max(size / rate for size, rate in zip(sizes, exact, strict=True))
    duration = _record_duration(exact, total) or _nearest_duration(rates, sizes)
    if duration is None:
        listed = ", ".join(f"{rate:.10g}" for rate in sorted(set(rates)))
        raise OutputError(
            f"BDF cannot hold channels of {listed} Hz together: no record of up to {_LONGEST:g} s, written in {_WIDTH} "
            "characters, has whole samples of all. Leave some traces out, or resample."
        )
    per_record = tuple(round(rate * duration) for rate in exact)
    count = max(math.ceil(size / samples) for size, samples in zip(sizes, per_record, strict=True))
    return Records(float(duration), count, per_record)


def _record_duration(rates: Sequence[Fraction], total: Fraction) -> Fraction | None:
    # shortest time with whole samples of all channels: the least common multiple of the sample periods
    period = Fraction(math.lcm(*(rate.denominator for rate in rates)), math.gcd(*(rate.numerator for rate in rates)))
    counts = range(max(math.ceil(total / Fraction(_EVEN[1])), 1), max(int(total / Fraction(_EVEN[0])), 1) + 1)
    even = [total / count for count in counts if (total / count / period).denominator == 1]
    fitting = [length for length in even if _can_be_written(length)]
    if fitting:
        return min(fitting, key=lambda length: abs(math.log(length / _USUAL)))
    base = next((multiple * period for multiple in _multiples(period) if _can_be_written(multiple * period)), None)
    if base is None:
        return None
    near = round(_USUAL / base) * base
    return near if near and _can_be_written(near) else base


def _nearest_duration(rates: Sequence[float], sizes: Sequence[int]) -> Fraction | None:
    steps = np.arange(round(_EVEN[0] * _STEPS), round(_EVEN[1] * _STEPS) + 1)
    drift = np.zeros(steps.size)
    for rate, size in sorted(set(zip(rates, sizes, strict=True))):
        samples = rate * steps / _STEPS
        drift = np.maximum(drift, np.abs(np.rint(samples) / samples - 1) * size)
    # a quarter of the least drift more is no matter, a record near the usual length is
    good = np.flatnonzero(drift <= max(1.25 * float(drift.min()), 1e-9))
    best = good[np.argmin(np.abs(np.log(steps[good] / _STEPS / _USUAL)))]
    return Fraction(int(steps[best]), _STEPS) if drift[best] <= _DRIFT else None


def _multiples(period: Fraction) -> range:
    return range(1, int(_LONGEST / period) + 1)


def _can_be_written(duration: Fraction) -> bool:
    # a decimal number has no other prime factors than 2 and 5 below the line; this is quick to rule out
    if (10**_WIDTH) % duration.denominator:
        return False
    text = repr(float(duration)).removesuffix(".0")
    return len(text) <= _WIDTH and "e" not in text and Fraction(text) == duration
