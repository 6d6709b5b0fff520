"""The sections of a protocol, each checked against the verb that it is for."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from emgkit import plugins
from emgkit._checks import FrozenMapping, nearest
from emgkit.protocol.arguments import arguments_of, check_arguments
from emgkit.protocol.objects import build, build_named
from emgkit.protocol.rehearsal import rehearse, tiny_recording, tiny_table
from emgkit.protocol.where import Where
from emgkit.recording import Mark

__all__ = ["PRESENCE", "Finding", "Measuring", "Reading", "arguments", "compare_sections", "marks", "method", "study"]

PRESENCE = ("required", "optional", "none")
_EVOKED_PARTS = ("clean", "evoked")
_VOLUNTARY_PARTS = ("voluntary", "clean")
Arguments = Mapping[str, Any]


@dataclass(frozen=True, eq=False)
class Reading:
    """``[read]``: how the files are read.

    Parameters
    ----------
    arguments : mapping
        Arguments of `read_recording` and options of the reader; of `read_sweeps` where ``layout`` is given.
    sweeps : bool
        Whether the files hold triggered sweeps.
    """

    arguments: Arguments
    sweeps: bool

    @classmethod
    def from_table(cls, table: Arguments, where: Where) -> Reading:
        """Check the section."""
        if "layout" in table:
            from emgkit.io.sweeps import read_sweeps

            return cls(arguments(read_sweeps, table, where, given=("path",)), sweeps=True)
        return cls(_recording_arguments(table, where), sweeps=False)


def _recording_arguments(table: Arguments, where: Where) -> Arguments:
    from emgkit.io.base import Request
    from emgkit.io.read_recording import read_recording

    own = [name for name in arguments_of(read_recording) if name != "path"]
    stated = {key: value for key, value in table.items() if key in own}
    checked = check_arguments(read_recording, stated, where, given=("path",))
    rehearse(where, Request, **{key: value for key, value in checked.items() if key != "format"})
    rest = {key: value for key, value in table.items() if key not in own}
    return FrozenMapping({**checked, **_reader_options(rest, _readers(checked.get("format"), where), own, where)})


def _readers(name: str | None, where: Where) -> list[Any]:
    names = plugins.names("emgkit.readers") if name is None else (name,)
    try:
        return [plugins.load("emgkit.readers", item) for item in names]
    except LookupError as error:
        raise where.error(str(error), "format") from None


def _reader_options(rest: Arguments, readers: Sequence[Any], own: Sequence[str], where: Where) -> dict[str, Any]:
    options = {item.name: reader for reader in reversed(readers) for item in fields(reader)}
    for key in rest:
        if key not in options:
            raise where.unknown_key(key, [*own, *sorted(options)])
    return {key: check_arguments(options[key], {key: value}, where)[key] for key, value in rest.items()}


def arguments(verb: Callable[..., Any], table: Arguments, where: Where, *, given: tuple[str, ...]) -> Arguments:
    """Check a section whose keys are the arguments of a verb, and fill in the verb's defaults."""
    stated = check_arguments(verb, table, where, given=given)
    free = {name: default for name, (_, default) in arguments_of(verb).items() if name not in given}
    defaults = {name: default for name, default in free.items() if default is not inspect.Parameter.empty}
    return FrozenMapping({**defaults, **stated})


def marks(listed: Any, where: Where) -> tuple[Mark, ...]:
    """Check ``[[marks]]``: label, start and stop (s) of every marked stretch."""
    rows = [listed] if isinstance(listed, Mapping) else listed
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise where.error("a list of tables is needed: [[marks]] with label, start and stop in s.")
    return tuple(build(Mark, where.table(row), where) for row in rows)


@dataclass(frozen=True, eq=False)
class Finding:
    """``[pulses]``: whether there must be pulses, and how they are found.

    Parameters
    ----------
    presence : {"required", "optional", "none"}
        Fail without pulses, do without them, or do not look for any.
    onsets : tuple of float or None
        The leading edges, s since the file's first sample, where the protocol states them.
    detect : mapping
        Arguments of `detect_pulses`.
    """

    presence: str
    onsets: tuple[float, ...] | None
    detect: Arguments

    @classmethod
    def from_table(cls, table: Arguments, where: Where) -> Finding:
        """Check the section."""
        from emgkit.detect.detect_pulses import detect_pulses

        rest = {key: value for key, value in table.items() if key not in ("presence", "onsets")}
        presence = table.get("presence", "required")
        if presence not in PRESENCE:
            raise where.error(f"got {presence!r}; {nearest(str(presence), PRESENCE)}.", "presence")
        _refuse_unknown(rest, detect_pulses, ("recording",), ("presence", "onsets"), where)
        detect = arguments(detect_pulses, rest, where, given=("recording",))
        rehearse(where, detect_pulses, tiny_recording()[0], **{**detect, "channel": None})
        onsets = check_arguments(_schedule, {"onsets": table.get("onsets")}, where)["onsets"]
        if onsets is not None and (rest or presence != "required"):
            raise where.error("with times stated here nothing is searched for: give no other key.", "onsets")
        return cls(presence, onsets, detect)


def _schedule(onsets: tuple[float, ...] | None = None) -> tuple[float, ...] | None:
    return onsets


def _refuse_unknown(
    table: Arguments, verb: Callable[..., Any], given: Iterable[str], own: Iterable[str], where: Where
) -> None:
    """Refuse an unknown key and offer the section's own keys beside those of the verb."""
    allowed = [*own, *(name for name in arguments_of(verb) if name not in given)]
    for key in table:
        if key not in allowed:
            raise where.unknown_key(key, allowed)


def method(table: Arguments, where: Where) -> Any:
    """Check ``[separate]``: "auto", or the method with its fields."""
    rest = {key: value for key, value in table.items() if key != "method"}
    stated = table.get("method", "auto")
    if stated != "auto":
        return build_named("emgkit.artifact", {"name": stated, **rest} if isinstance(stated, str) else stated, where)
    if rest:
        raise where.error("method = 'auto' chooses its parameters itself; name a method to set them.", next(iter(rest)))
    return "auto"


@dataclass(frozen=True, eq=False)
class Measuring:
    """``[evoked]`` or ``[voluntary]``: how is cut, from which part, and what is measured.

    Parameters
    ----------
    cut : mapping
        Arguments of `cut_m_waves` or of `cut_windows`.
    part : str
        Part of the separation that is cut.
    features : tuple
        The feature objects.
    """

    cut: Arguments
    part: str
    features: tuple[Any, ...]

    @classmethod
    def evoked(cls, table: Arguments, where: Where) -> Measuring:
        """Check ``[evoked]``."""
        from emgkit.cut import cut_m_waves

        made = cls._from_table(table, where, cut_m_waves, ("recording", "pulses"), _EVOKED_PARTS, "evoked")
        rehearse(where, cut_m_waves, *tiny_recording(), **made.cut)
        return made

    @classmethod
    def voluntary(cls, table: Arguments, where: Where) -> Measuring:
        """Check ``[voluntary]``."""
        from emgkit.cut import cut_windows

        made = cls._from_table(table, where, cut_windows, ("recording",), _VOLUNTARY_PARTS, "voluntary")
        rehearse(where, cut_windows, tiny_recording()[0], **made.cut)
        return made

    @classmethod
    def _from_table(
        cls,
        table: Arguments,
        where: Where,
        verb: Callable[..., Any],
        given: tuple[str, ...],
        parts: tuple[str, ...],
        kind: str,
    ) -> Measuring:
        rest = {key: value for key, value in table.items() if key not in ("part", "features")}
        _refuse_unknown(rest, verb, given, ("features", "part"), where)
        part = table.get("part", parts[0])
        if part not in parts:
            raise where.error(f"got {part!r}; {nearest(str(part), parts)}.", "part")
        return cls(arguments(verb, rest, where, given=given), part, _features(table.get("features"), kind, where))


def _features(listed: Any, kind: str, where: Where) -> tuple[Any, ...]:
    if not isinstance(listed, Sequence) or isinstance(listed, str) or not listed:
        raise where.error(f"a list of at least one feature is needed; {_offer('', kind)}.", "features")
    made = tuple(build_named("emgkit.features", item, _inside_features(where, item)) for item in listed)
    for feature in made:
        if kind not in feature.kinds:
            raise where.error(f"{feature.name} is not for {kind} segments; {_offer(feature.name, kind)}.", "features")
    names = [feature.name for feature in made]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise where.error(f"{', '.join(twice)} is asked for twice; results have one column per name.", "features")
    return made


def _inside_features(where: Where, item: Any) -> Where:
    return where.inside(f"features.{item['name']}" if isinstance(item, Mapping) and "name" in item else "features")


def _offer(name: str, kind: str) -> str:
    group = "emgkit.features"
    fitting = [item for item in plugins.names(group) if kind in plugins.load(group, item).kinds]
    return nearest(name, fitting)


def study(verb: Callable[..., Any], table: Arguments, where: Where) -> Arguments:
    """Check ``[trend]`` or ``[change]``, which are made for every feature."""
    checked = arguments(verb, table, where, given=("table", "feature"))
    rehearse(where, verb, tiny_table("tiny"), "tiny", **checked)
    return checked


def compare_sections(listed: Any, sides: Mapping[str, Measuring | None], where: Where) -> tuple[Arguments, ...]:
    """Check ``[compare]`` or several ``[[compare]]``: ``feature_a`` is voluntary, ``feature_b`` evoked."""
    from emgkit.study.compare import compare

    rows = [listed] if isinstance(listed, Mapping) else listed
    if not isinstance(rows, Sequence) or isinstance(rows, str):
        raise where.error("a section with keys is needed.")
    given = ("table_a", "table_b")
    checked = tuple(arguments(compare, where.table(row), where, given=given) for row in rows)
    for row in checked:
        _check_sides(row, sides, where)
        tables = [tiny_table(row["feature_a"]), tiny_table(row["feature_b"] or row["feature_a"])]
        rehearse(where, compare, *tables, **row)
    return checked


def _check_sides(row: Arguments, sides: Mapping[str, Measuring | None], where: Where) -> None:
    for key, kind in (("feature_a", "voluntary"), ("feature_b", "evoked")):
        section = sides[kind]
        name = row.get(key) or row["feature_a"]
        measured = [feature.name for feature in section.features] if section else []
        if name not in measured:
            raise where.error(f"{name!r} is not among the features of [{kind}]; {nearest(str(name), measured)}.", key)
