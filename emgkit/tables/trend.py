"""`Trend`: how a feature moves with time."""

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

__all__ = ["Trend"]


@dataclass(frozen=True, eq=False, repr=False)
class Trend(PerChannel):
    """How a feature moves with time: slope with its interval, per channel.

    Parameters
    ----------
    feature, unit, kind : str
        Which feature, in which unit, of which kind of segments.
    channel_names : sequence of str
        Names of the channels.
    method : {"ols", "theil_sen"}
        Least squares, or the median of pairwise slopes.
    slope : array_like, shape (channels,)
        In unit/s.
    slope_interval : array_like, shape (channels, 2)
        In unit/s.
    intercept : array_like, shape (channels,)
        Value of the line at ``t_start``, in unit.
    normalised_slope : array_like, shape (channels,)
        Slope over intercept, %/s.
    normalised_slope_interval : array_like, shape (channels, 2)
        In %/s.
    level : float
        Confidence level of the intervals.
    n : array_like of int, shape (channels,)
        Values used.
    t_start, t_stop : float
        First and last time that was used, s since the file's first sample.
    reasons : sequence of str, optional
        Per channel why there is no trend, "" if there is one.
    """

    feature: str
    unit: str
    kind: str
    channel_names: tuple[str, ...]
    method: str
    slope: NDArray[np.float64]
    slope_interval: NDArray[np.float64]
    intercept: NDArray[np.float64]
    normalised_slope: NDArray[np.float64]
    normalised_slope_interval: NDArray[np.float64]
    level: float
    n: NDArray[np.int64]
    t_start: float
    t_stop: float
    reasons: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check and copy."""
        channels = check_names("channel_names", self.channel_names, len(tuple(self.channel_names)))
        freeze_per_channel(
            self,
            len(channels),
            ("slope", "intercept", "normalised_slope"),
            ("slope_interval", "normalised_slope_interval"),
        )
        reasons = tuple(self.reasons) or ("",) * len(channels)
        assign(self, channel_names=channels, n=shaped("n", self.n, (len(channels),), np.int64), reasons=reasons)

    def _column_units(self, columns: Mapping[str, Any]) -> dict[str, str]:
        units = super()._column_units(columns) | {
            "intercept": self.unit,
            "t_start": "s",
            "t_stop": "s",
            "n": "1",
        }
        units |= dict.fromkeys(("slope", "slope_interval_low", "slope_interval_high"), f"{self.unit}/s")
        normalised = ("normalised_slope", "normalised_slope_interval_low", "normalised_slope_interval_high")
        return units | dict.fromkeys(normalised, "%/s") | {"level": "1"}

    def __repr__(self) -> str:
        title = (
            f"Trend of {self.feature} ({self.kind}, {self.method}), {self.t_start:.4g} … {self.t_stop:.4g} s, "
            f"{100 * self.level:g} % intervals"
        )
        header = [
            "channel",
            f"slope ({self.unit}/s)",
            "interval",
            "slope (%/s)",
            "interval",
            f"at start ({self.unit})",
            "n",
            "missing",
        ]
        rows = [self._row(row) for row in range(len(self.channel_names))]
        return _text.table_text(title, header, rows)

    def _row(self, row: int) -> list[str]:
        text = _text.number_text
        return [
            self.channel_names[row],
            text(self.slope[row]),
            interval_text(self.slope_interval[row]),
            text(self.normalised_slope[row]),
            interval_text(self.normalised_slope_interval[row]),
            text(self.intercept[row]),
            str(self.n[row]),
            self.reasons[row],
        ]
