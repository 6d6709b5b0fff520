"""The results file as a list: groups, columns, units. Writer, validator and documentation follow it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["GROUPS", "SCHEMA", "SCHEMA_VERSION", "Column", "Group", "feature_columns"]

SCHEMA, SCHEMA_VERSION = "emgkit-results", "1.0"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Parameters
    ----------
    kind : str
        "float" (float64), "count" (int32), "text" (UTF-8), "code" (int8 with flag_meanings).
    unit : str
        Unit; "" for text and codes; "feature" for that of the row's feature, which the column ``unit`` states.
    meaning : str
        One phrase.
    optional : bool
        May be missing.
    """

    kind: str
    unit: str
    meaning: str
    optional: bool = False


@dataclass(frozen=True)
class Group:
    """One table of the file, and the attributes of its group.

    Parameters
    ----------
    columns : mapping of str to Column
        In the order of the file.
    attributes : tuple of str
        Attributes that must be there.
    """

    columns: Mapping[str, Column]
    attributes: tuple[str, ...] = ()


def _text(meaning: str) -> Column:
    return Column("text", "", meaning)


def _value(unit: str, meaning: str, *, optional: bool = False) -> Column:
    return Column("float", unit, meaning, optional)


def _count(meaning: str) -> Column:
    return Column("count", "1", meaning)


_QUESTION = {
    "question": _count("number of the answer; rows of one answer differ by channel"),
    "channel": _text("name of the channel"),
}
_OF = {
    "feature": _text("name of the feature"),
    "unit": _text("unit of the feature"),
    "kind": _text("evoked or voluntary"),
}


def _change(prefix: str = "") -> dict[str, Column]:
    columns = {**_OF}
    for name, meaning in (("fresh", "mean over the first part"), ("fatigued", "mean over the last part")):
        columns[name] = _value("feature", meaning)
        columns |= {f"{name}_low": _value("feature", "lower end"), f"{name}_high": _value("feature", "upper end")}
    columns["change"] = _value("%", "100 (fatigued - fresh) / fresh")
    columns |= {"change_low": _value("%", "lower end"), "change_high": _value("%", "upper end")}
    columns["level"] = _value("1", "confidence level")
    columns |= {"n_fresh": _count("values in the first part"), "n_fatigued": _count("values in the last part")}
    columns["reason"] = _text("why there is no change; empty if there is one")
    return {f"{prefix}{name}": column for name, column in columns.items()}


GROUPS: Mapping[str, Group] = {
    "recording/channels": Group(
        {
            "name": _text("name of the channel"),
            "saturated_fraction": _value("1", "share of samples at the limit of amplifier or converter"),
            "valid_fraction": _value("1", "share of valid samples"),
        }
    ),
    "recording/marks": Group(
        {"label": _text("what was going on"), "start": _value("s", "start"), "stop": _value("s", "end, not included")}
    ),
    "stimulation/pulses": Group(
        {
            "onset": _value("s", "leading edge, since the file's first sample"),
            "train": _count("number of the train"),
            "stimulator": _count("number of the stimulator"),
            "current": _value("A", "stimulation current", optional=True),
            "width": _value("s", "pulse width", optional=True),
        },
        ("time_source", "offset"),
    ),
    "separation/quality": Group(
        {
            "name": _text("name of the number"),
            "place": _count("channel, or 0 for one number of all channels"),
            "value": _value("SI", "the number, in SI units"),
            "text": _text("the value where it is words"),
        }
    ),
    "trends": Group(
        {
            **_QUESTION,
            **_OF,
            "method": _text("ols or theil_sen"),
            "slope": _value("feature/s", "slope"),
            "slope_low": _value("feature/s", "lower end"),
            "slope_high": _value("feature/s", "upper end"),
            "intercept": _value("feature", "value of the line at t_start"),
            "normalised_slope": _value("%/s", "slope over intercept"),
            "normalised_slope_low": _value("%/s", "lower end"),
            "normalised_slope_high": _value("%/s", "upper end"),
            "level": _value("1", "confidence level"),
            "n": _count("values used"),
            "t_start": _value("s", "first time used"),
            "t_stop": _value("s", "last time used"),
            "reason": _text("why there is no trend; empty if there is one"),
        }
    ),
    "changes": Group({**_QUESTION, **_change()}),
    "comparisons": Group(
        {
            **_QUESTION,
            **_change("a_"),
            **_change("b_"),
            "difference": _value("%", "change of a minus change of b, percentage points"),
            "difference_low": _value("%", "lower end"),
            "difference_high": _value("%", "upper end"),
            "level": _value("1", "confidence level"),
        }
    ),
}

FEATURE_ROWS: Mapping[str, Column] = {
    "segment": _count("number of the segment"),
    "start": _value("s", "pulse, or start of the window, since the file's first sample"),
    "train": _count("number of the train"),
    "channel": _text("name of the channel"),
    "intensity": _value("source", "stimulation intensity in the unit of the source", optional=True),
    "valid_fraction": _value("1", "share of valid samples"),
}


def feature_columns(units: Mapping[str, str]) -> dict[str, Column]:
    """Columns of a table of features: every feature has its value, its standard error and its reason."""
    columns = dict(FEATURE_ROWS)
    for name, unit in units.items():
        columns[name] = _value(unit, name)
        columns[f"{name}_se"] = _value(unit, f"standard error of {name}; NaN where no closed form exists")
        alike = f"part of the standard error of {name} that all segments have alike, where there is any"
        columns[f"{name}_se_shared"] = _value(unit, alike, optional=True)
        columns[f"{name}_reason"] = Column("code", "", f"why {name} is NaN; 0 where it is a number")
    return columns
