"""All cases of the benchmark by name."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from emgkit._checks import nearest
from emgkit.benchmark.case import Case, Goal
from emgkit.benchmark.evoked_cases import EVOKED_CASES
from emgkit.benchmark.lifelike_cases import LIFELIKE_CASES
from emgkit.benchmark.voluntary_cases import VOLUNTARY_CASES
from emgkit.errors import UnknownNameError

__all__ = ["CASES", "QUICK", "Case", "Goal", "case"]

CASES: Mapping[str, Case] = MappingProxyType(
    {one.name: one for one in (*VOLUNTARY_CASES, *LIFELIKE_CASES, *EVOKED_CASES)}
)


def case(name: str) -> Case:
    """Give the case of a name.

    Raises
    ------
    UnknownNameError
        If there is none; the message names the nearest.
    """
    if name not in CASES:
        raise UnknownNameError(f"There is no benchmark case {name!r}: {nearest(name, CASES)}.")
    return CASES[name]


QUICK = (
    "periodic_exact",
    "periodic_estimated",
    "jitter100_exact",
    "rate80_overlap",
    "variation_23",
    "weak_voluntary",
    "schedule_500ppm",
    "typical",
    "rest",
    "sham",
    "tail_exponential",
    "tail_power",
)
