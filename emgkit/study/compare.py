"""Set two relative changes beside each other: voluntary and evoked, before and after, one muscle and another."""

from __future__ import annotations

from typing import Any

import numpy as np

from emgkit.errors import ParameterError, ShapeError
from emgkit.study.change import change
from emgkit.study.series import Array
from emgkit.tables import Change, Comparison, FeatureTable

__all__ = ["compare"]


def compare(
    table_a: FeatureTable,
    table_b: FeatureTable,
    feature_a: str,
    feature_b: str | None = None,
    *,
    share: float = 0.2,
    level: float = 0.95,
) -> Comparison:
    """Compare how much two features changed, each in per cent of its own fresh value.

    The median frequency of voluntary EMG and that of an M-wave are two estimators of two things: their absolute values
    must not be compared, their relative changes may.

    Parameters
    ----------
    table_a, table_b : FeatureTable
        Measured features of the same channels.
    feature_a : str
        Feature of ``table_a``.
    feature_b : str, optional
        Feature of ``table_b``; the same name unless given.
    share, level
        See `change`.

    Returns
    -------
    Comparison
        Both changes and their difference, a − b, in percentage points.

    Raises
    ------
    ParameterError
        If the two are one quantity measured in two ways: other parameters, or another latency method.
    ShapeError
        If the tables have different channels.

    Notes
    -----
    Interval of the difference from the two intervals (Zou and Donner 2008, MOVER): right for independent errors, too
    wide if both come from the same segments.
    """
    other = feature_a if feature_b is None else feature_b
    table_a.require(feature_a)
    table_b.require(other)
    if table_a.channel_names != table_b.channel_names:
        raise ShapeError(
            f"Both tables need the same channels: {', '.join(table_a.channel_names)} and "
            f"{', '.join(table_b.channel_names)}; pick them before measuring."
        )
    _check_one_method(_feature(table_a, feature_a), _feature(table_b, other))
    first = change(table_a, feature_a, share=share, level=level)
    second = change(table_b, other, share=share, level=level)
    return Comparison(first, second, first.change - second.change, _difference(first, second), first.level)


def _feature(table: FeatureTable, name: str) -> Any:
    return next((feature for feature in table.features if feature.name == name), None)


def _check_one_method(a: Any, b: Any) -> None:
    if a is None or b is None or a == b:
        return
    if a.name == b.name:
        raise ParameterError(
            f"{a.name!r} was measured with different parameters: {a} and {b}. Measure both with the same."
        )
    if a.name.startswith("latency") and b.name.startswith("latency"):
        raise ParameterError(
            f"{a.name!r} and {b.name!r} are two methods for one quantity and differ by a bias: use one of "
            f"them on both sides."
        )


def _difference(a: Change, b: Change) -> Array:
    below = np.hypot(a.change - a.change_interval[:, 0], b.change_interval[:, 1] - b.change)
    above = np.hypot(a.change_interval[:, 1] - a.change, b.change - b.change_interval[:, 0])
    middle = a.change - b.change
    return np.column_stack([middle - below, middle + above])
