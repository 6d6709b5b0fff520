"""`Change`: a feature fresh and fatigued."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emgkit import _text
from emgkit._checks import assign
from emgkit._checks import names as check_names
from emgkit.tables.per_channel import PerChannel, freeze_per_channel, interval_text, shaped

if TYPE_CHECKING:
    pass

__all__ = ["Change"]


@dataclass(frozen=True, eq=False, repr=False)
class Change(PerChannel):
    """A feature fresh and fatigued, and the change in per cent of fresh, per channel.

    Parameters
    ----------
    feature, unit, kind : str
        Which feature, in which unit, of which kind of segments.
    channel_names : sequence of str
        Names of the channels.
    fresh, fatigued : array_like, shape (channels,)
        Mean over the first and the last part of the segments, in unit.
    fresh_interval, fatigued_interval : array_like, shape (channels, 2)
        In unit.
    change : array_like, shape (channels,)
        100 · (fatigued − fresh) / fresh, %.
    change_interval : array_like, shape (channels, 2)
        In %.
    level : float
        Confidence level of the intervals.
    n_fresh, n_fatigued : array_like of int, shape (channels,)
        Values used.
    reasons : sequence of str, optional
        Per channel why there is no change, "" if there is one.
    """

    feature: str
    unit: str
    kind: str
    channel_names: tuple[str, ...]
    fresh: NDArray[np.float64]
    fresh_interval: NDArray[np.float64]
    fatigued: NDArray[np.float64]
    fatigued_interval: NDArray[np.float64]
    change: NDArray[np.float64]
    change_interval: NDArray[np.float64]
    level: float
    n_fresh: NDArray[np.int64]
    n_fatigued: NDArray[np.int64]
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check and copy."""
        channels = check_names("channel_names", self.channel_names, len(tuple(self.channel_names)))
        pairs = ("fresh_interval", "fatigued_interval", "change_interval")
        freeze_per_channel(self, len(channels), ("fresh", "fatigued", "change"), pairs)
        counts = {
            name: shaped(name, getattr(self, name), (len(channels),), np.int64) for name in ("n_fresh", "n_fatigued")
        }
        assign(self, channel_names=channels, reasons=tuple(self.reasons) or ("",) * len(channels), **counts)

    def _column_units(self, columns: Mapping[str, Any]) -> dict[str, str]:
        units = super()._column_units(columns) | {"level": "1", "n_fresh": "1", "n_fatigued": "1"}
        for name in ("fresh", "fatigued"):
            units |= dict.fromkeys((name, f"{name}_interval_low", f"{name}_interval_high"), self.unit)
        return units | dict.fromkeys(("change", "change_interval_low", "change_interval_high"), "%")

    def __repr__(self) -> str:
        title = f"Change of {self.feature} ({self.kind}), fresh → fatigued, {100 * self.level:g} % intervals"
        scale, unit = _text.scaled_unit(float(np.nanmax(np.abs([*self.fresh, *self.fatigued, 0.0]))), self.unit)
        header = [
            "channel",
            f"fresh ({unit})",
            "interval",
            f"fatigued ({unit})",
            "interval",
            "change (%)",
            "interval",
            "n",
            "missing",
        ]
        rows = [self._row(row, scale) for row in range(len(self.channel_names))]
        return _text.table_text(title, header, rows)

    def _row(self, row: int, scale: float) -> list[str]:
        return [
            self.channel_names[row],
            _text.number_text(self.fresh[row] / scale),
            interval_text(self.fresh_interval[row], scale),
            _text.number_text(self.fatigued[row] / scale),
            interval_text(self.fatigued_interval[row], scale),
            _text.number_text(self.change[row]),
            interval_text(self.change_interval[row]),
            f"{self.n_fresh[row]}, {self.n_fatigued[row]}",
            self.reasons[row],
        ]
