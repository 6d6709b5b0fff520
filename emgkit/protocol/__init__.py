"""`Protocol`: what is done with a recording, in words that stand in a TOML file.

Every section has the keys of its verb: ``[read]`` those of `read_recording` (or `read_sweeps`), ``[pulses]`` those
of `detect_pulses`, ``[separate]`` a method and its fields, ``[evoked]`` and ``[voluntary]`` those of `cut_m_waves` and
`cut_windows` with the features, ``[trend]``, ``[change]`` and ``[compare]`` those of the verbs of these names.
"""

from __future__ import annotations

import hashlib
import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from emgkit.errors import MissingFileError
from emgkit.protocol import sections
from emgkit.protocol.objects import describe_object
from emgkit.protocol.sections import Finding, Measuring, Reading
from emgkit.protocol.where import Where
from emgkit.recording import Mark
from emgkit.step import describe

__all__ = ["Protocol"]

SECTIONS = ("read", "marks", "pulses", "separate", "evoked", "voluntary", "trend", "change", "compare")
_OF_SWEEPS = ("read", "evoked")


@dataclass(frozen=True, eq=False)
class Protocol:
    """What is done with a recording: how it is read, taken apart, cut and measured. No data.

    Made by `from_toml` or `from_dict`, which check everything; the fields are the checked sections.

    Parameters
    ----------
    read : Reading
        How files are read.
    marks : tuple of Mark
        Stretches that the protocol marks; they take the place of marks of the same label in the file.
    pulses : Finding
        Whether there are pulses, and how they are found.
    method : object
        Method of artifact removal, or "auto".
    evoked, voluntary : Measuring or None
        How responses and voluntary windows are cut and measured; None where they are not.
    trend, change : mapping
        Arguments of `trend` and `change`, which are made for every feature.
    compare : tuple of mapping
        Arguments of `compare`, one for every comparison.
    """

    read: Reading
    marks: tuple[Mark, ...]
    pulses: Finding
    method: Any
    evoked: Measuring | None
    voluntary: Measuring | None
    trend: Mapping[str, Any]
    change: Mapping[str, Any]
    compare: tuple[Mapping[str, Any], ...]

    @classmethod
    def from_toml(cls, path: str | Path, *, read: Mapping[str, Any] | None = None) -> Protocol:
        """Read a protocol file.

        Parameters
        ----------
        path : str or Path
            The file.
        read : mapping, optional
            Goes before the keys of its section ``[read]``.

        Raises
        ------
        MissingFileError
            If there is no such file.
        ProtocolError
            If it is no TOML, or something in it does not fit; file, key, what came and what is allowed are named.
        """
        file = Path(path)
        where = Where(file.name)
        try:
            content = tomllib.loads(file.read_bytes().decode("utf-8"))
        except (FileNotFoundError, NotADirectoryError):
            raise MissingFileError(f"There is no protocol file {file}.") from None
        except OSError as error:
            raise where.error(f"cannot be read: {error.strerror}.") from None
        except UnicodeDecodeError as error:
            raise where.error(f"is no text in UTF-8 (byte {error.start}): is it a protocol file?") from None
        except tomllib.TOMLDecodeError as error:
            raise where.error(f"is no valid TOML: {error}.") from None
        return cls.from_dict(_with_reading(content, read or {}, where), file.name)

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], file: str = "protocol") -> Protocol:
        """Check a protocol that is given as a dictionary of sections.

        Parameters
        ----------
        content : mapping
            The sections, as they stand in a TOML file.
        file : str, default "protocol"
            How to call it in messages.

        Raises
        ------
        ProtocolError
            If something in it does not fit.
        """
        where = Where(file)
        for name in content:
            if name not in SECTIONS:
                raise where.unknown_key(str(name), SECTIONS)
        made = _sections(content, where)
        _check_together(made, where)
        _check_sweeps(made, content, where)
        return made

    def resolved(self) -> dict[str, Any]:
        """Write everything out, defaults too, as plain numbers, text, lists and tables; `from_dict` takes it back."""
        measured = {
            name: {**section.cut, "part": section.part, "features": _described(section.features)}
            for name, section in (("evoked", self.evoked), ("voluntary", self.voluntary))
            if section is not None
        }
        stated = {
            "read": self.read.arguments,
            "marks": [{"label": mark.label, "start": mark.start, "stop": mark.stop} for mark in self.marks],
            "pulses": _pulses_table(self.pulses),
            "separate": _method_table(self.method),
            **measured,
            "trend": self.trend,
            "change": self.change,
            "compare": self.compare,
        }
        kept = _OF_SWEEPS if self.read.sweeps else SECTIONS
        return {name: _plain(describe(stated[name])) for name in kept if name in stated}

    @property
    def text(self) -> str:
        """The whole protocol as canonical JSON: keys sorted, no blanks."""
        return json.dumps(self.resolved(), sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    @property
    def sha256(self) -> str:
        """Fingerprint of `text`: equal for protocols that do the same."""
        return hashlib.sha256(self.text.encode()).hexdigest()


def _with_reading(content: dict[str, Any], read: Mapping[str, Any], where: Where) -> dict[str, Any]:
    stated = where.inside("read").table(content.get("read", {}))
    return {**content, "read": {**stated, **read}}


def _sections(content: Mapping[str, Any], where: Where) -> Protocol:
    from emgkit.study.change import change
    from emgkit.study.trend import trend

    def table(name: str) -> Mapping[str, Any]:
        return where.inside(name).table(content.get(name, {}))

    kinds = {"evoked": Measuring.evoked, "voluntary": Measuring.voluntary}
    measured = {
        name: check(table(name), where.inside(name)) if name in content else None for name, check in kinds.items()
    }
    return Protocol(
        read=Reading.from_table(table("read"), where.inside("read")),
        marks=sections.marks(content.get("marks", ()), where.inside("marks")),
        pulses=Finding.from_table(table("pulses"), where.inside("pulses")),
        method=sections.method(table("separate"), where.inside("separate")),
        trend=sections.study(trend, table("trend"), where.inside("trend")),
        change=sections.study(change, table("change"), where.inside("change")),
        compare=sections.compare_sections(content.get("compare", ()), measured, where.inside("compare")),
        **measured,
    )


def _check_together(protocol: Protocol, where: Where) -> None:
    """Refuse a protocol that contradicts itself."""
    if protocol.evoked is None and protocol.voluntary is None:
        raise where.error("nothing is to be measured: an [evoked] or a [voluntary] section is needed.")
    if protocol.evoked and protocol.pulses.presence == "none":
        message = "there are no responses without pulses: remove [evoked], or let pulses be 'optional'."
        raise where.error(message, "[pulses] presence")
    if protocol.method != "auto" and protocol.pulses.presence != "none":
        _check_parts(protocol, where)


def _check_sweeps(protocol: Protocol, content: Mapping[str, Any], where: Where) -> None:
    unused = [name for name in content if name not in _OF_SWEEPS]
    if protocol.read.sweeps and unused:
        raise where.error(
            f"sweeps ([read] layout) are responses already cut: only {', '.join(_OF_SWEEPS)} apply.", f"[{unused[0]}]"
        )


def _check_parts(protocol: Protocol, where: Where) -> None:
    given = {*protocol.method.gives, *(("clean",) if {"evoked", "voluntary"} <= set(protocol.method.gives) else ())}
    for name, section in (("evoked", protocol.evoked), ("voluntary", protocol.voluntary)):
        if section is not None and section.part not in given:
            raise where.inside(name).error(
                f"{protocol.method.name} cannot tell {section.part!r} apart, it gives {', '.join(sorted(given))}; "
                "choose another part here or another [separate] method.",
                "part",
            )


def _pulses_table(pulses: Finding) -> dict[str, Any]:
    if pulses.onsets is not None:
        return {"presence": pulses.presence, "onsets": pulses.onsets}
    return {"presence": pulses.presence, **({} if pulses.presence == "none" else pulses.detect)}


def _method_table(method: Any) -> dict[str, Any]:
    if method == "auto":
        return {"method": "auto"}
    described = describe_object(method, "emgkit.artifact")
    return {"method": described.pop("name"), **described}


def _described(features: tuple[Any, ...]) -> list[dict[str, Any]]:
    return [describe_object(feature, "emgkit.features") for feature in features]


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
