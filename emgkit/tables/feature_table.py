"""`FeatureTable`: features of all segments and channels, and why a value is missing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emgkit import _text
from emgkit._checks import FrozenMapping, FrozenValue, assign, freeze, nearest
from emgkit._checks import names as check_names
from emgkit.errors import ParameterError, ShapeError, UnknownNameError
from emgkit.segments import KINDS
from emgkit.step import Step
from emgkit.tables.per_channel import frame, shaped
from emgkit.tables.reasons import REASONS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["FeatureTable"]


@dataclass(frozen=True, eq=False, repr=False)
class FeatureTable(FrozenValue):
    """Features of all segments and channels, with standard errors and the reason of every missing value.

    Parameters
    ----------
    values : mapping of str to array_like, each shape (segments, channels)
        The numbers, in the units of ``units``; NaN where not measurable.
    standard_errors : mapping of str to array_like, each shape (segments, channels)
        Standard error of each value, same unit; NaN where no closed form exists.
    units : mapping of str to str
        Unit of each feature.
    reasons : mapping of str to array_like of str, each shape (segments, channels)
        A code of `REASONS` for every NaN, "" for every number.
    valid_fraction : array_like, shape (segments, channels)
        Share of valid samples, 0 ... 1.
    features : sequence of object
        The feature objects with their parameters.
    starts : array_like, shape (segments,)
        Time of each segment's event, s since the file's first sample.
    kind : {"evoked", "voluntary"}
        Of what.
    train : array_like of int, shape (segments,)
        Train of each segment.
    channel_names : sequence of str
        Names of the channels.
    intensity : array_like, shape (segments,), optional
        Stimulation intensity in the source's unit.
    history : iterable of Step
        What was done before.
    shared_errors : mapping of str to array_like, each shape (segments, channels), optional
        The part of the standard errors that all segments have alike, same unit; no mean makes it smaller; 0 unless
        given.
    """

    values: Mapping[str, NDArray[np.float64]]
    standard_errors: Mapping[str, NDArray[np.float64]]
    units: Mapping[str, str]
    reasons: Mapping[str, NDArray[np.str_]]
    valid_fraction: NDArray[np.float64]
    features: tuple[Any, ...]
    starts: NDArray[np.float64]
    kind: str
    train: NDArray[np.int64]
    channel_names: tuple[str, ...]
    intensity: NDArray[np.float64] | None = None
    history: tuple[Step, ...] = ()
    shared_errors: Mapping[str, NDArray[np.float64]] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Check that everything has the same shape, that every NaN has a reason, and copy."""
        if self.kind not in KINDS:
            raise ParameterError(f"kind={self.kind!r}: {nearest(str(self.kind), KINDS)}.")
        starts = freeze(self.starts)
        channels = check_names("channel_names", self.channel_names, len(tuple(self.channel_names)))
        shape = (starts.size, len(channels))
        values = _per_feature("values", self.values, self.values, shape)
        assign(
            self,
            values=values,
            standard_errors=_per_feature("standard_errors", self.standard_errors, values, shape),
            units=FrozenMapping({name: str(self.units[name]) for name in values}),
            reasons=_per_feature("reasons", self.reasons, values, shape, np.str_),
            valid_fraction=shaped("valid_fraction", self.valid_fraction, shape),
            features=tuple(self.features),
            starts=starts,
            train=shaped("train", self.train, shape[:1], np.int64),
            channel_names=channels,
            intensity=None if self.intensity is None else shaped("intensity", self.intensity, shape[:1]),
            history=tuple(self.history),
            shared_errors=_per_feature("shared_errors", self._shared(values), values, shape),
        )
        for name in values:
            _check_reasons(name, values[name], self.reasons[name])

    def _shared(self, values: Mapping[str, Any]) -> Mapping[str, Any]:
        return {name: np.zeros(rows.shape) for name, rows in values.items()} | dict(self.shared_errors or {})

    def __len__(self) -> int:
        return int(self.starts.size)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the features."""
        return tuple(self.values)

    def require(self, feature: str) -> str:
        """Give the name back if the feature is in the table.

        Raises
        ------
        UnknownNameError
            If it is not; the nearest name is offered.
        """
        if feature not in self.values:
            raise UnknownNameError(f"The table has no feature {feature!r}: {nearest(feature, self.names)}.")
        return feature

    def select(self, mask: Any) -> FeatureTable:
        """Keep some segments; ``mask`` is bool of shape (segments,), or indices, or a slice."""
        return replace(
            self,
            values={name: rows[mask] for name, rows in self.values.items()},
            standard_errors={name: rows[mask] for name, rows in self.standard_errors.items()},
            shared_errors={name: rows[mask] for name, rows in self.shared_errors.items()},
            reasons={name: rows[mask] for name, rows in self.reasons.items()},
            valid_fraction=self.valid_fraction[mask],
            starts=self.starts[mask],
            train=self.train[mask],
            intensity=None if self.intensity is None else self.intensity[mask],
        )

    def to_dataframe(self) -> pd.DataFrame:
        """Give a table with one row per segment and channel.

        Returns
        -------
        pandas.DataFrame
            Columns segment, start (s), train, channel, kind, intensity (if known), valid_fraction, then for
            each feature its value, ``_se`` and ``_reason``; units in ``attrs["units"]``.
        """
        count, channels = len(self), len(self.channel_names)
        columns: dict[str, Any] = {
            "segment": np.repeat(np.arange(count), channels),
            "start": np.repeat(self.starts, channels),
            "train": np.repeat(self.train, channels),
            "channel": list(self.channel_names) * count,
            "kind": [self.kind] * (count * channels),
        }
        units = {"segment": "1", "start": "s", "train": "1", "channel": "", "kind": ""}
        if self.intensity is not None:
            columns["intensity"], units["intensity"] = np.repeat(self.intensity, channels), "source"
        columns["valid_fraction"], units["valid_fraction"] = self.valid_fraction.ravel(), "1"
        for name in self.names:
            columns |= {name: self.values[name].ravel(), f"{name}_se": self.standard_errors[name].ravel()}
            if self.shared_errors[name].any():
                columns[f"{name}_se_shared"] = self.shared_errors[name].ravel()
                units[f"{name}_se_shared"] = self.units[name]
            columns[f"{name}_reason"] = self.reasons[name].ravel().astype(object)
            units |= {name: self.units[name], f"{name}_se": self.units[name], f"{name}_reason": ""}
        return frame(columns, units)

    def __repr__(self) -> str:
        span = f", {self.starts.min():.4g} … {self.starts.max():.4g} s" if len(self) else ""
        title = f"FeatureTable: {len(self)} {self.kind} segments × {len(self.channel_names)} channels{span}"
        rows = [
            _feature_row(name, channel, self.values[name][:, row], self.reasons[name][:, row], self.units[name])
            for name in self.names
            for row, channel in enumerate(self.channel_names)
        ]
        return _text.table_text(title, ["feature", "channel", "median", "quartiles", "n", "missing"], rows)


def _feature_row(name: str, channel: str, values: Any, reasons: Any, unit: str) -> list[str]:
    kept = values[np.isfinite(values)]
    missing = _missing_text(reasons[~np.isfinite(values)])
    if not kept.size:
        return [name, channel, "–", "–", "0", missing]
    low, middle, high = np.quantile(kept, [0.25, 0.5, 0.75])
    scale, shown = _text.scaled_unit(float(np.abs(kept).max()), unit)
    quartiles = f"{_text.number_text(low / scale)} … {_text.number_text(high / scale)}"
    return [name, channel, f"{_text.number_text(middle / scale)} {shown}", quartiles, str(kept.size), missing]


def _missing_text(reasons: Any) -> str:
    codes, counts = np.unique(reasons, return_counts=True)
    return ", ".join(f"{count} {code}" for code, count in zip(codes, counts, strict=True))


def _per_feature(
    what: str, given: Mapping[str, Any], wanted: Mapping[str, Any], shape: Any, dtype: Any = np.float64
) -> Any:
    if set(given) != set(wanted):
        raise ShapeError(f"{what} must have the features {', '.join(wanted)}, got {', '.join(given)}.")
    return FrozenMapping({str(name): shaped(f"{what}[{name!r}]", given[name], shape, dtype) for name in wanted})


def _check_reasons(name: str, values: Any, reasons: Any) -> None:
    unknown = sorted(set(np.unique(reasons).tolist()) - {"", *REASONS})
    if unknown:
        raise ParameterError(
            f"Feature {name!r} states the unknown reason {unknown[0]!r}: {nearest(unknown[0], REASONS)}."
        )
    if np.any((reasons == "") != np.isfinite(values)):
        raise ParameterError(f"Feature {name!r}: every NaN needs a reason, and no number may have one.")
