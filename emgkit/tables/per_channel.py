"""What the tables share: checked shapes, one row per channel, data frames with units."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emgkit import _text
from emgkit._checks import FrozenValue, assign, freeze
from emgkit.errors import ShapeError

if TYPE_CHECKING:
    import pandas as pd


def frame(columns: Mapping[str, Any], units: Mapping[str, str]) -> pd.DataFrame:
    """Make a data frame that carries its units in ``attrs``."""
    import pandas as pd

    made = pd.DataFrame(dict(columns))
    made.attrs["units"] = dict(units)
    return made


def shaped(name: str, values: Any, shape: tuple[int, ...], dtype: Any = np.float64) -> NDArray[Any]:
    """Freeze an array and check its shape."""
    array = freeze(values, dtype)
    if array.shape != shape:
        raise ShapeError(f"{name} must have shape {shape}, got {array.shape}.")
    return array


class PerChannel(FrozenValue):
    """What trend and change share: one row per channel, arrays over the channels."""

    def to_dataframe(self) -> pd.DataFrame:
        """Give a table with one row per channel; intervals in two columns, ``_low`` and ``_high``."""
        columns: dict[str, Any] = {}
        for item in fields(self):  # type: ignore[arg-type]
            add_columns(columns, item.name, getattr(self, item.name))
        channels = columns.pop("channel_names")
        return frame({"channel": list(channels), **columns}, self._column_units(columns))

    def _column_units(self, columns: Mapping[str, Any]) -> dict[str, str]:
        return {"channel": "", **dict.fromkeys(columns, "")}


def add_columns(columns: dict[str, Any], name: str, value: Any) -> None:
    """Add one field to the columns: an array of pairs becomes two columns, ``_low`` and ``_high``."""
    if isinstance(value, np.ndarray) and value.ndim == 2:
        columns[f"{name}_low"], columns[f"{name}_high"] = value[:, 0], value[:, 1]
    elif not isinstance(value, Mapping):
        columns[name] = value


def freeze_per_channel(value: Any, count: int, plain: tuple[str, ...], pairs: tuple[str, ...]) -> None:
    """Check and freeze the per-channel arrays of a value that is being made."""
    for name in plain:
        assign(value, **{name: shaped(name, getattr(value, name), (count,))})
    for name in pairs:
        assign(value, **{name: shaped(name, getattr(value, name), (count, 2))})


def interval_text(pair: NDArray[np.float64], scale: float = 1.0, digits: int = 4) -> str:
    """Write an interval as ``low … high``."""
    return f"{_text.number_text(float(pair[0]) / scale, digits)} … {_text.number_text(float(pair[1]) / scale, digits)}"
