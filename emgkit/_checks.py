"""Checks and containers that the values share: arrays that cannot be changed, numbers in range."""

from __future__ import annotations

import difflib
import math
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from emgkit.errors import ParameterError, ShapeError

Value = TypeVar("Value")
DAMAGED_FLOAT = (bool, np.bool_, str, bytes)


@dataclass(frozen=True, eq=False)
class Owned:
    """An array that was made for its receiver and that nobody else will write to: adopted, not copied."""

    array: NDArray[Any]


def adopt(array: NDArray[Any]) -> Any:
    """Hand an array over to the value that is being made: `Owned`, for the type checker anything."""
    return Owned(array)


def freeze(values: Any, dtype: Any = np.float64) -> NDArray[Any]:
    """Give a read-only array that shares no memory with what came (except when it is `Owned`).

    The result is a view of a read-only array, so that ``setflags(write=True)`` is refused too.
    """
    base = _adopt(values.array, dtype) if isinstance(values, Owned) else _copy(values, dtype)
    base.setflags(write=False)
    return base.view()


def _adopt(array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    base = np.asarray(array, dtype=dtype, order="C")
    if base.flags.owndata or is_frozen(base):
        return base
    return base.copy()


def is_frozen(array: NDArray[Any]) -> bool:
    """Tell whether neither the array nor the memory below it can be written to."""
    return not array.flags.writeable and isinstance(array.base, np.ndarray) and not array.base.flags.writeable


def _copy(values: Any, dtype: Any) -> NDArray[Any]:
    try:
        with np.errstate(all="ignore"):
            array = masked_as_missing(values) if np.dtype(dtype).kind == "f" else np.asarray(values)
    except ValueError as error:
        raise ShapeError(f"A regular array of numbers is needed, got {_describe(values)} ({error}).") from None
    if np.issubdtype(np.dtype(dtype), np.floating) and array.dtype.kind not in "fiub":
        raise ParameterError(f"Real numbers are needed, got {_describe(values)} with dtype {array.dtype}.")
    return np.array(array, dtype=dtype, order="C", copy=True)


def _describe(values: Any) -> str:
    return f"{type(values).__name__} of length {len(values)}" if hasattr(values, "__len__") else repr(values)


def masked_as_missing(values: Any) -> NDArray[Any]:
    """Make an array of what came; samples that a masked array masks become NaN, else they would count as measured."""
    rows = values if isinstance(values, (list, tuple)) else [values]
    if not any(isinstance(row, np.ma.MaskedArray) for row in rows):
        return np.asarray(values)
    masked = np.ma.array(values)
    if not np.ma.is_masked(masked) or masked.dtype.kind not in "fiub":
        return np.asarray(masked.data)
    return np.where(np.ma.getmaskarray(masked), np.nan, np.asarray(masked.data, dtype=np.float64))


def freeze_optional(values: Any, dtype: Any = np.float64) -> NDArray[Any] | None:
    """Freeze an array, or let None pass."""
    return None if values is None else freeze(values, dtype)


class FrozenMapping(Mapping[str, Value]):
    """A dictionary that cannot be changed, keeps its order, and survives pickling unchanged."""

    __slots__ = ("_items",)

    def __init__(self, items: Mapping[str, Value] | Iterable[tuple[str, Value]] = ()) -> None:
        object.__setattr__(self, "_items", dict(items))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} cannot be changed")

    def __getitem__(self, key: str) -> Value:
        items: dict[str, Value] = self._items  # type: ignore[attr-defined]
        return items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)  # type: ignore[attr-defined]

    def __len__(self) -> int:
        return len(self._items)  # type: ignore[attr-defined]

    def __repr__(self) -> str:
        return repr(self._items)  # type: ignore[attr-defined]

    def __getstate__(self) -> dict[str, Value]:
        return dict(self.items())

    def __setstate__(self, state: dict[str, Value]) -> None:
        object.__setattr__(self, "_items", {key: refreeze(value) for key, value in state.items()})


def refreeze(value: Any) -> Any:
    """Make an array that came out of a pickle read-only again; other things pass."""
    if isinstance(value, np.ndarray):
        return freeze(Owned(value), value.dtype)
    return value


class FrozenValue:
    """Base of the values: their arrays are read-only again after pickling and copying."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        for key, value in state.items():
            object.__setattr__(self, key, refreeze(value))


def assign(value: object, **attributes: Any) -> None:
    """Set fields of a frozen dataclass while it is being made."""
    for name, attribute in attributes.items():
        object.__setattr__(value, name, attribute)


def nearest(name: str, allowed: Iterable[str]) -> str:
    """Say which allowed name is meant, and which there are: the end of an error message."""
    known = [str(item) for item in allowed]
    if not known:
        return "there are none"
    lower = {item.lower(): item for item in reversed(known)}
    close = difflib.get_close_matches(str(name).lower(), list(lower), n=1, cutoff=0.5)
    listed = ", ".join(known[:20]) + (f" and {len(known) - 20} more" if len(known) > 20 else "")
    return f"did you mean {lower[close[0]]!r}? There are: {listed}" if close else f"there are: {listed}"


def number(name: str, value: Any) -> float:
    """Check that a parameter is one finite number and give it as a float."""
    if isinstance(value, DAMAGED_FLOAT) or np.ndim(value) != 0:
        raise ParameterError(f"{name} must be one number, got {value!r}.")
    try:
        converted = float(value)
    except (TypeError, ValueError):
        raise ParameterError(f"{name} must be one number, got {value!r}.") from None
    except OverflowError:
        raise ParameterError(f"{name} must be finite, got a whole number beyond all that a computer counts.") from None
    if not math.isfinite(converted):
        raise ParameterError(f"{name} must be finite, got {value!r}.")
    return converted


def positive(name: str, value: Any, unit: str = "") -> float:
    """Check that a parameter is a finite number above zero and give it as a float."""
    converted = number(name, value)
    if converted <= 0:
        raise ParameterError(f"{name} must be above 0{_with_unit(unit)}, got {value!r}.")
    return converted


def in_range(name: str, value: Any, low: float, high: float, unit: str = "") -> float:
    """Check that a parameter lies within ``low ... high``, both included, and give it as a float."""
    converted = number(name, value)
    if not low <= converted <= high:
        raise ParameterError(f"{name} must lie within {low:g} ... {high:g}{_with_unit(unit)}, got {value!r}.")
    return converted


def whole(name: str, value: Any, low: int, high: int) -> int:
    """Check that a parameter is a whole number within ``low ... high``, both included."""
    if isinstance(value, bool) or not isinstance(value, int | np.integer) or not low <= value <= high:
        raise ParameterError(f"{name} must be a whole number within {low} ... {high}, got {value!r}.")
    return int(value)


def interval(name: str, value: Any, unit: str = "s") -> tuple[float, float]:
    """Check that a parameter is a pair (start, stop) with start before stop."""
    if isinstance(value, str) or np.ndim(value) != 1 or len(value) != 2:
        raise ParameterError(f"{name} must be a pair (start, stop) in {unit}, got {value!r}.")
    start, stop = number(f"{name} start", value[0]), number(f"{name} stop", value[1])
    if not start < stop:
        raise ParameterError(f"{name} must start before it stops, got {start:g} ... {stop:g}{_with_unit(unit)}.")
    return start, stop


def _with_unit(unit: str) -> str:
    return f" {unit}" if unit else ""


def names(what: str, given: Iterable[Any], count: int) -> tuple[str, ...]:
    """Check that there are ``count`` different, non-empty names."""
    if isinstance(given, str):
        raise ParameterError(f"{what} must be a list of names, got the single string {given!r}.")
    listed = tuple(sys.intern(item) if type(item) is str else str(item) for item in given)
    if len(listed) != count:
        raise ShapeError(f"{what} has {len(listed)} names for {count} channels.")
    if any(not item.strip() for item in listed):
        raise ParameterError(f"{what} holds an empty name: {listed!r}.")
    twice = sorted({item for item in listed if listed.count(item) > 1})
    if twice:
        raise ParameterError(f"{what} must differ from each other, twice there: {', '.join(twice)}.")
    return listed
