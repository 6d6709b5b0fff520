"""What was measured beside what is true, for recordings whose truth is known."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from emgkit.simulate import Truth
    from emgkit.tables import Change, Comparison, FeatureTable

__all__ = ["Claim", "claims_of_changes", "claims_of_comparisons", "held", "middles_of"]


@dataclass(frozen=True)
class Claim:
    """One printed number with its interval, and the truth.

    Parameters
    ----------
    channel : str
        Name of the channel.
    quantity : str
        Name of the feature, or of the two features whose changes are compared.
    aspect : str
        "fresh", "fatigued", "change" or "difference".
    unit : str
        Unit of the following.
    value, low, high : float
        What was measured, and its interval.
    truth : float
        What is true.
    """

    channel: str
    quantity: str
    aspect: str
    unit: str
    value: float
    low: float
    high: float
    truth: float

    @property
    def holds(self) -> bool:
        """Whether the truth lies in the interval."""
        return self.low <= self.truth <= self.high


def claims_of_changes(
    changes: Iterable[Change], middles: Mapping[str, NDArray[np.float64]], truth: Truth
) -> list[Claim]:
    """List fresh, fatigued and change of every feature whose truth is known.

    Parameters
    ----------
    changes : iterable of Change
        What was measured.
    middles : mapping of str to ndarray, shape (segments,)
        Middles of the segments of each kind, s.
    truth : Truth
        The truth.
    """
    known = [change for change in changes if change.feature in truth.features]
    true = [truth.change(change.feature, middles[change.kind]) for change in known]
    return [claim for change, values in zip(known, true, strict=True) for claim in _of_change(change, values)]


def _of_change(change: Change, truth: tuple[Any, Any, Any]) -> Iterator[Claim]:
    units = {"fresh": change.unit, "fatigued": change.unit, "change": "%"}
    for row, channel in enumerate(change.channel_names):
        for (aspect, unit), true in zip(units.items(), truth, strict=True):
            low, high = getattr(change, f"{aspect}_interval")[row]
            value = getattr(change, aspect)[row]
            if math.isnan(true[row]):
                continue
            yield Claim(channel, change.feature, aspect, unit, *map(float, (value, low, high, true[row])))


def claims_of_comparisons(
    comparisons: Iterable[Comparison], middles: Mapping[str, NDArray[np.float64]], truth: Truth
) -> list[Claim]:
    """List the differences between relative changes, in percentage points, whose truth is known."""
    known = [item for item in comparisons if {item.a.feature, item.b.feature} <= set(truth.features)]
    return [claim for item in known for claim in _of_comparison(item, middles, truth)]


def _of_comparison(item: Comparison, middles: Mapping[str, NDArray[np.float64]], truth: Truth) -> Iterator[Claim]:
    sides = [truth.change(side.feature, middles[side.kind])[2] for side in (item.a, item.b)]
    quantity = f"{item.a.feature} - {item.b.feature}"
    for row, channel in enumerate(item.channel_names):
        if math.isnan(sides[0][row] - sides[1][row]):
            continue
        low, high = item.difference_interval[row]
        numbers = (item.difference[row], low, high, sides[0][row] - sides[1][row])
        yield Claim(channel, quantity, "difference", "points", *map(float, numbers))


def held(claims: Iterable[Claim]) -> tuple[int, int]:
    """Count the intervals that hold the truth, and all."""
    listed = list(claims)
    return sum(claim.holds for claim in listed), len(listed)


def middles_of(tables: Mapping[str, FeatureTable], length: float) -> dict[str, NDArray[np.float64]]:
    """Give the times that the segments stand for, s: the pulse of a response, the middle of a voluntary window."""
    return {kind: table.starts + (length / 2 if kind == "voluntary" else 0.0) for kind, table in tables.items()}
