"""`Parts`: what a method of artifact removal gives back, rendered on demand."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeAlias, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenMapping, FrozenValue, assign, freeze, freeze_optional, nearest
from emgkit.errors import ParameterError
from emgkit.shared_error import SharedError

__all__ = ["PART_NAMES", "Parts", "frozen_quality"]

PART_NAMES = ("artifact", "evoked", "locked", "voluntary", "interference", "clean")
RESIDUALS = ("voluntary", "clean")

Array: TypeAlias = NDArray[np.float64]
Rendered: TypeAlias = Array | Callable[[], Array]


@runtime_checkable
class TakesItself(Protocol):
    """A callable that renders a part, and can take it away from a signal without rendering all of it."""

    def __call__(self) -> Array:
        """Render the part, V, (channels, samples)."""
        ...

    def take_from(self, signal: Array) -> None:
        """Subtract the part from a signal, V, (channels, samples), in place."""
        ...


@dataclass(frozen=True, eq=False)
class Parts(FrozenValue):
    """What a method of artifact removal gives back: the parts that it can tell apart.

    Parameters
    ----------
    components : mapping of str to array or callable
        Parts that were modelled, V, each of shape (channels, samples), or a function that renders it.
        Names: "artifact", "evoked", "locked" (artifact + evoked), "interference".
    residual : {"voluntary", "clean"}
        What is left when all components are taken from the signal; so the parts add up exactly.
    lost : array_like of bool, shape (channels, samples), optional
        Samples whose value the method invented.
    evoked_lost_until : float
        Time after a pulse, s, up to which evoked activity may be missing from "clean" and "evoked".
    reach : (float, float)
        Time before and after a pulse, s, within which the method may change the signal.
    standard_errors : mapping of str to array or callable
        Standard error of a part, V, shape (channels, samples).
    quality : mapping
        Numbers that tell how well it went: float, (channels,) array, or text.
    messages : tuple of str
        What the user should know, one sentence each.
    shared_errors : tuple of SharedError
        By how much artifact and evoked response may be shared wrongly, alike after every pulse, on the signal's own
        clock: "clean" and "evoked" have this error, and nothing in them tells of it.
    """

    components: Mapping[str, Rendered]
    residual: str
    lost: NDArray[np.bool_] | None
    evoked_lost_until: float
    reach: tuple[float, float]
    standard_errors: Mapping[str, Rendered] = field(default_factory=dict)
    quality: Mapping[str, Any] = field(default_factory=dict)
    messages: tuple[str, ...] = ()
    shared_errors: tuple[SharedError, ...] = ()

    def __post_init__(self) -> None:
        """Check the names and copy."""
        unknown = [name for name in self.components if name not in PART_NAMES or name in RESIDUALS]
        if unknown:
            raise ParameterError(f"A method gave the component {unknown[0]!r}: {nearest(unknown[0], PART_NAMES)}.")
        if self.residual not in RESIDUALS:
            raise ParameterError(f"A method gave the residual {self.residual!r}: {nearest(self.residual, RESIDUALS)}.")
        assign(
            self,
            components=_frozen_parts(self.components),
            standard_errors=_frozen_parts(self.standard_errors),
            shared_errors=tuple(self.shared_errors),
            lost=freeze_optional(self.lost, bool),
            evoked_lost_until=float(self.evoked_lost_until),
            reach=(float(self.reach[0]), float(self.reach[1])),
            quality=FrozenMapping({name: frozen_quality(value) for name, value in self.quality.items()}),
            messages=tuple(str(message) for message in self.messages),
        )

    @property
    def names(self) -> tuple[str, ...]:
        """Parts that can be asked for, in the order of `PART_NAMES`."""
        given = {*self.components, self.residual}
        if {"evoked", "voluntary"} <= given:
            given.add("clean")
        return tuple(name for name in PART_NAMES if name in given)

    def standard_error(self, name: str) -> Array:
        """Compute the standard error of one part, V, shape (channels, samples)."""
        return _render(self.standard_errors[name])

    def render(self, name: str, signal: Array) -> Array:
        """Compute one part, V, shape (channels, samples)."""
        if name in self.components:
            return _render(self.components[name])
        taken = [part for part in self.components if not (name == "clean" and part == "evoked")]
        left = signal.copy()
        for part in taken:
            _take(left, self.components[part])
        return left


def _frozen_parts(parts: Mapping[str, Rendered]) -> FrozenMapping[Rendered]:
    return FrozenMapping({name: part if callable(part) else freeze(part) for name, part in parts.items()})


def frozen_quality(value: Any) -> Any:
    """Give a number that tells of quality as it is kept: text, a float, or a read-only array per channel."""
    return value if isinstance(value, str) else (float(value) if np.ndim(value) == 0 else freeze(value))


def _take(left: Array, part: Rendered) -> None:
    """Take a part away; one that knows how takes itself away piece by piece, so that no second array is needed."""
    if isinstance(part, TakesItself):
        part.take_from(left)
    else:
        left -= _render(part)


def _render(part: Rendered) -> Array:
    return part() if callable(part) else part
