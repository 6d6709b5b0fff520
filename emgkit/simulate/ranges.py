"""Checks of the simulator's parameters beyond their kinds: ranges of whole numbers, of rows, of spans of time."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from emgkit._checks import in_range
from emgkit.errors import ParameterError


def whole(name: str, value: Any, low: int, high: int) -> int:
    """Check that a parameter is a whole number within ``low ... high``."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ParameterError(f"{name} must be a whole number {low} ... {high}, got {value!r}.")
    return value


def of_kind(name: str, value: Any, kind: type) -> None:
    """Check that a parameter is a value of a class."""
    if not isinstance(value, kind):
        raise ParameterError(f"{name} must be a {kind.__name__}, got {value!r}.")


def one_of(name: str, value: Any, allowed: Iterable[str]) -> str:
    """Check that a parameter is one of some words."""
    words = tuple(allowed)
    if not isinstance(value, str) or value not in words:
        raise ParameterError(f"{name}={value!r}; there are: {', '.join(words)}.")
    return value


def row(name: str, values: Any, low: float, high: float, unit: str = "", fewest: int = 0) -> tuple[float, ...]:
    """Check that a parameter is a row of at least ``fewest`` numbers within ``low ... high``."""
    filled(name, values, fewest)
    return tuple(in_range(f"each of {name}", value, low, high, unit) for value in values)


def spans(name: str, values: Any, longest: float) -> tuple[tuple[float, float], ...]:
    """Check that a parameter is a row of (start, stop) in s, each after the one before, within 0 ... ``longest``."""
    checked = pairs(name, values, (0.0, longest), (0.0, longest))
    times = [time for pair in checked for time in pair]
    if any(start >= stop for start, stop in checked) or any(a > b for a, b in itertools.pairwise(times)):
        raise ParameterError(f"{name} must hold starts before their stops, one after the other, got {values!r}.")
    return checked


def pairs(
    name: str, values: Any, first: tuple[float, float], second: tuple[float, float]
) -> tuple[tuple[float, float], ...]:
    """Check that a parameter is a row of pairs of numbers, each within its range."""
    return tuple((in_range(f"each of {name}", a, *first), in_range(f"each of {name}", b, *second)) for a, b in values)


def filled(name: str, values: Any, fewest: int = 1) -> None:
    """Check that a parameter holds at least ``fewest`` entries."""
    if len(values) < fewest:
        raise ParameterError(f"{name} must hold at least {fewest} entries, got {values!r}.")


def different(name: str, values: tuple[str, ...]) -> None:
    """Check that a parameter holds different names."""
    if len(set(values)) != len(values) or not all(word.strip() for word in values):
        raise ParameterError(f"{name} must hold different names, none of them empty, got {values!r}.")
