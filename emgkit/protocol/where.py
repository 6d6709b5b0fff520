"""Where in a protocol something stands, for error messages of one line."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from emgkit._checks import nearest
from emgkit.errors import ProtocolError

__all__ = ["Where"]

_LONGEST = 60


@dataclass(frozen=True)
class Where:
    """A place in a protocol: the file, the section, and what stands inside it.

    Parameters
    ----------
    file : str
        Name of the protocol file, or "protocol" for one that is no file.
    section : str, default ""
        Name of the section, for example ``"evoked"``.
    """

    file: str
    section: str = ""

    def inside(self, section: str) -> Where:
        """Give the place of a section, or of a part of a section."""
        return Where(self.file, f"{self.section}.{section}" if self.section else section)

    def error(self, message: str, key: str = "") -> ProtocolError:
        """Make the error: file, section, key, and what is wrong."""
        section = f"[{self.section}]" if self.section else ""
        place = " ".join(part for part in (section, key) if part)
        return ProtocolError(f"{self.file}: {place}: {message}" if place else f"{self.file}: {message}")

    def unknown_key(self, key: str, allowed: Iterable[str]) -> ProtocolError:
        """Make the error for a key that does not exist: the nearest one is offered."""
        return self.error(f"unknown key; {nearest(key, allowed)}.", key)

    def wrong_value(self, key: str, value: Any, needed: str) -> ProtocolError:
        """Make the error for a value that does not fit: what came, what is needed."""
        return self.error(f"got {shown(value)}, {needed}.", key)

    def table(self, content: Any) -> Mapping[str, Any]:
        """Check that the content of this place is a table (a section with keys)."""
        if not isinstance(content, Mapping):
            raise self.error(f"a section with keys is needed, got {shown(content)}.")
        return content


def shown(value: Any) -> str:
    """Write a value as it may stand in a message: not too long."""
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"
