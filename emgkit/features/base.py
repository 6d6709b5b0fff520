"""What a feature is, and what it gives back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import FrozenValue, assign, freeze
from emgkit.errors import ShapeError
from emgkit.segments import Segments

__all__ = ["Array", "Feature", "Measured", "Reasons", "first_reason", "missing_reason"]

Array = NDArray[np.float64]
Reasons = NDArray[np.str_]


@runtime_checkable
class Feature(Protocol):
    """One quantity that can be measured on segments; a frozen dataclass whose fields are its parameters."""

    name: ClassVar[str]
    unit: ClassVar[str]
    kinds: ClassVar[tuple[str, ...]]

    def measure(self, segments: Segments) -> Measured:
        """Measure all segments and channels at once."""
        ...


@dataclass(frozen=True, eq=False)
class Measured(FrozenValue):
    """What a feature gives: values, their standard errors, and why a value is missing.

    Parameters
    ----------
    values : array_like, shape (segments, channels)
        In the feature's unit. A value with a reason becomes NaN here.
    standard_errors : array_like, shape (segments, channels)
        In the feature's unit; NaN where the value is missing or no standard error can be stated.
    reasons : array_like of str, shape (segments, channels)
        A code of `emgkit.REASONS`, or "" where there is a value.
    shared_errors : array_like, shape (segments, channels), optional
        The part of the standard errors that all segments have alike; 0 unless given.

    Raises
    ------
    ShapeError
        If the three differ in shape, or a value is not finite and has no reason.
    """

    values: Array
    standard_errors: Array
    reasons: Reasons
    shared_errors: Array = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        """Let no number stand beside a reason, and no NaN without one."""
        values, errors = np.asarray(self.values, float), np.asarray(self.standard_errors, float)
        reasons = freeze(np.asarray(self.reasons, dtype=np.str_), np.str_)
        if not values.ndim == 2 or values.shape != errors.shape or values.shape != reasons.shape:
            raise ShapeError(
                f"Values, standard errors and reasons must all have shape (segments, channels), "
                f"got {values.shape}, {errors.shape}, {reasons.shape}."
            )
        shared = np.zeros(values.shape) if self.shared_errors is None else np.asarray(self.shared_errors, float)
        if shared.shape != values.shape:
            raise ShapeError(f"Shared errors must have shape {values.shape}, got {shared.shape}.")
        missing = reasons != ""
        if np.any(~np.isfinite(values) & ~missing):
            raise ShapeError("A value that is not finite needs a reason.")
        assign(
            self,
            values=freeze(np.where(missing, np.nan, values)),
            standard_errors=freeze(np.where(missing | ~np.isfinite(errors), np.nan, errors)),
            reasons=reasons,
            shared_errors=freeze(np.where(missing | ~np.isfinite(shared), 0.0, shared)),
        )


def first_reason(shape: tuple[int, ...], *rules: tuple[Any, Reasons | str]) -> Reasons:
    """Give each value the first reason that applies, "" if none does."""
    reasons = np.full(shape, "", dtype="<U16")
    for applies, code in rules:
        reasons = np.where((reasons == "") & applies, code, reasons)
    return reasons


def missing_reason(segments: Segments, needed: NDArray[np.bool_]) -> Reasons:
    """Say why samples that a feature needs are not valid; "" where all are.

    In this order: before the start or after the end of the recording, ``edge``; after the next pulse,
    ``overlap``; not finite, ``lost``; invented by a method that blanks, ``blanked``; at the rail, ``clipped``.

    Parameters
    ----------
    segments : Segments
        The history tells what was done: the cut, the marking of saturation, the removal of the artifact.
    needed : array of bool, shape (samples,)
        Samples that the feature uses.

    Returns
    -------
    array of str, shape (segments, channels)
        Codes.
    """
    bad = ~segments.valid & needed
    beyond = bad & _beyond_recording(segments)[:, np.newaxis]
    next_pulse = bad & _after_next(segments)[:, np.newaxis]
    absent = bad & ~np.isfinite(segments.signal)
    rest = _invented_by(segments) or ("clipped" if _is_clipped(segments) else "lost")
    return first_reason(
        bad.shape[:2],
        (beyond.any(axis=-1), "edge"),
        (next_pulse.any(axis=-1), "overlap"),
        (absent.any(axis=-1), "lost"),
        (bad.any(axis=-1), rest),
    )


def _is_clipped(segments: Segments) -> bool:
    """Whether rails were looked for, and samples lie on them or on those of a first stage, unless others were held."""
    steps = {step.name: step.parameters for step in segments.history}
    on_rails = "mark_overload" in steps or any(steps.get("mark_saturation", {}).get("saturated_samples", {}).values())
    held = any(steps.get("mark_held", {}).get("held_samples", {}).values())
    return "mark_saturation" in steps and (on_rails or not held)


def _beyond_recording(segments: Segments) -> NDArray[np.bool_]:
    cuts = [step.parameters for step in segments.history if step.name == "cut_m_waves"]
    times = segments.times + segments.starts[:, np.newaxis]
    if not cuts:
        return np.zeros(times.shape, dtype=bool)
    start, stop = (float(cuts[-1][name]) for name in ("recording_start", "recording_stop"))
    half = 0.5 / segments.fs
    return (times < start - half) | (times > stop - half)


def _after_next(segments: Segments) -> NDArray[np.bool_]:
    if segments.kind != "evoked" or len(segments) < 2:
        return np.zeros((len(segments), segments.n_samples), dtype=bool)
    gaps = np.append(np.diff(segments.starts), np.inf)
    gaps[gaps <= 0] = np.inf  # triggered sweeps have no common clock
    return segments.times >= gaps[:, np.newaxis] - 1e-6 / segments.fs


def _invented_by(segments: Segments) -> str:
    removals = [step.parameters for step in segments.history if step.name == "separate"]
    return "blanked" if removals and removals[-1].get("method") == "blanking" else ""
