"""`Comparison`: two relative changes beside each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emgkit import _text
from emgkit.errors import ShapeError
from emgkit.tables.change import Change
from emgkit.tables.per_channel import PerChannel, add_columns, frame, freeze_per_channel, interval_text

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Comparison"]


@dataclass(frozen=True, eq=False, repr=False)
class Comparison(PerChannel):
    """Two relative changes beside each other, each from its own fresh value, per channel.

    Parameters
    ----------
    a, b : Change
        The two changes, over the same channels.
    difference : array_like, shape (channels,)
        Change of ``a`` minus change of ``b``, percentage points.
    difference_interval : array_like, shape (channels, 2)
        In percentage points.
    level : float
        Confidence level of the interval.
    """

    a: Change
    b: Change
    difference: NDArray[np.float64]
    difference_interval: NDArray[np.float64]
    level: float

    def __post_init__(self) -> None:
        """Check and copy."""
        if self.a.channel_names != self.b.channel_names:
            raise ShapeError(f"Both changes need the same channels: {self.a.channel_names}, {self.b.channel_names}.")
        freeze_per_channel(self, len(self.a.channel_names), ("difference",), ("difference_interval",))

    @property
    def channel_names(self) -> tuple[str, ...]:
        """Names of the channels."""
        return self.a.channel_names

    def to_dataframe(self) -> pd.DataFrame:
        """Give a table with one row per channel: both changes (%) and their difference (percentage points)."""
        columns: dict[str, Any] = {"channel": list(self.channel_names)}
        for side, change in (("a", self.a), ("b", self.b)):
            columns |= {f"{side}_feature": change.feature, f"{side}_kind": change.kind}
            add_columns(columns, f"{side}_change", change.change)
            add_columns(columns, f"{side}_change_interval", change.change_interval)
        add_columns(columns, "difference", self.difference)
        add_columns(columns, "difference_interval", self.difference_interval)
        columns["level"] = self.level
        return frame(columns, {name: _comparison_unit(name) for name in columns})

    def __repr__(self) -> str:
        title = (
            f"Comparison: {self.a.feature} ({self.a.kind}) with {self.b.feature} ({self.b.kind}), "
            f"change from fresh to fatigued, {100 * self.level:g} % intervals"
        )
        header = [
            "channel",
            f"{self.a.feature} (%)",
            "interval",
            f"{self.b.feature} (%)",
            "interval",
            "difference (points)",
            "interval",
        ]
        return _text.table_text(title, header, [self._row(row) for row in range(len(self.channel_names))])

    def _row(self, row: int) -> list[str]:
        cells = [self.channel_names[row]]
        pairs = (
            (self.a.change, self.a.change_interval),
            (self.b.change, self.b.change_interval),
            (self.difference, self.difference_interval),
        )
        for values, intervals in pairs:
            cells += [_text.number_text(values[row]), interval_text(intervals[row])]
        return cells


def _comparison_unit(column: str) -> str:
    if column == "level":
        return "1"
    return "%" if "change" in column or "difference" in column else ""
