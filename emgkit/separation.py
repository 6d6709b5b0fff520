"""`Separation`: one recording taken apart into artifact, evoked, voluntary and interference."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from emgkit import _text
from emgkit._checks import FrozenMapping, FrozenValue, Owned, adopt, assign, freeze, nearest
from emgkit.emg_gain import EmgGain
from emgkit.errors import PartError
from emgkit.grades import Grade, Judgement, grades_text, quality_text
from emgkit.parts import PART_NAMES, RESIDUALS, Parts, frozen_quality
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.step import Step

__all__ = ["Separation"]

_KEEPS_EVOKED = ("clean", "evoked")
_HOLDS_EVERYTHING_LOCKED = ("locked",)

Array: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, eq=False, repr=False)
class Separation(FrozenValue):
    """A recording taken apart; the parts add up to the recording within rounding.

    Every part is a `Recording` with the times, marks and traces of the original, and is rendered when it
    is asked for. `clean` = evoked + voluntary: the M-wave stays.

    Parameters
    ----------
    recording : Recording
        What was taken apart, saturation marked.
    pulses : Pulses
        The pulses that were used.
    method : object
        The method with its parameters.
    parts : Parts
        What the method gave.
    why : str
        Why this method.
    history : tuple of Step
        History of the recording.
    givers : mapping of str to tuple of str, optional
        For every part, the names of the methods that can give it, for the error message.
    judge : callable, optional
        Measures the quality of a separation from its parts alone, whatever the method; called when it is asked for.
    """

    recording: Recording
    pulses: Pulses
    method: Any
    parts: Parts
    why: str = ""
    history: tuple[Step, ...] = ()
    givers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    judge: Callable[[Separation], Judgement] | None = None

    def __post_init__(self) -> None:
        """Copy the mapping."""
        assign(self, givers=FrozenMapping(self.givers), history=tuple(self.history))

    @property
    def names(self) -> tuple[str, ...]:
        """Parts that this separation can give."""
        return self.parts.names

    @cached_property
    def _judged(self) -> Judgement:
        return Judgement({}, {}) if self.judge is None else self.judge(self)

    @cached_property
    def quality(self) -> Mapping[str, Any]:
        """Numbers and grades that tell how well it went: the method's own, and what the parts alone show.

        Units in `emgkit.grades.QUALITY_UNITS`. Known when first asked for, because parts are rendered for it.
        """
        names, judged = self.recording.channel_names, self._judged
        grades = {f"grade_{use}": grades_text(grades, names) for use, grades in judged.grades.items()}
        numbers = {name: frozen_quality(value) for name, value in judged.numbers.items()}
        return FrozenMapping({**self.parts.quality, **numbers, **grades})

    @property
    def grades(self) -> Mapping[str, tuple[Grade, ...]]:
        """How far each channel can be trusted for each use: "good", "with care" or "reject", with the reason."""
        return FrozenMapping(self._judged.grades)

    @property
    def messages(self) -> tuple[str, ...]:
        """What the user should know."""
        dead = np.flatnonzero(_dead(self.recording))
        said = [f"{self.recording.channel_names[row]} holds no signal: all of it is marked as lost." for row in dead]
        return (*self.parts.messages, *said)

    @property
    def evoked_lost_until(self) -> float:
        """Time after a pulse, s, up to which evoked activity may be missing from `clean` and `evoked`."""
        return self.parts.evoked_lost_until

    def part(self, name: str) -> Recording:
        """Give one part as a recording.

        Parameters
        ----------
        name : str
            One of `names`.

        Raises
        ------
        PartError
            If the method cannot tell this part; the message names methods that can.
        """
        self._require(name, self.names)
        rendered = np.ascontiguousarray(self.parts.render(name, self.recording.signal))
        lost = np.zeros(1, dtype=bool) if self.parts.lost is None else self.parts.lost
        valid = self.recording.valid & ~lost & ~_dead(self.recording)[:, np.newaxis]
        made = self.recording.with_signal(Owned(rendered), valid=Owned(valid), step=self._step(name))
        shared = self.parts.shared_errors if name in _KEEPS_EVOKED else ()
        gains = self._emg_gains() if name in RESIDUALS else ()
        if not shared and not gains:
            return made
        errors = (*made.shared_errors, *(one.later(self.recording.start) for one in shared))
        kept = {"signal": adopt(made.signal), "valid": adopt(made.valid), "emg_gains": (*made.emg_gains, *gains)}
        return replace(made, **kept, shared_errors=errors)

    def _emg_gains(self) -> tuple[EmgGain, ...]:
        """Say what the method states of its gain on voluntary EMG, if it changes any."""
        stated = np.asarray(self.parts.quality.get("gain_on_clean", 1.0), dtype=float)
        gain = np.broadcast_to(np.where(np.isfinite(stated) & (stated > 0), stated, 1.0), (self.recording.n_channels,))
        if (gain == 1).all() or not len(self.pulses):
            return ()
        return (EmgGain(self.pulses.onsets, self.parts.reach, gain),)

    def standard_error(self, name: str) -> Array:
        """Give the standard error of a part, V, shape (channels, samples).

        Raises
        ------
        PartError
            If the method states none for this part.
        """
        if name not in self.parts.standard_errors:
            raise PartError(f"{self._method_name} states no standard error of {name!r}.")
        return freeze(self.parts.standard_error(name))

    @property
    def artifact(self) -> Recording:
        """The stimulation artifact."""
        return self.part("artifact")

    @property
    def evoked(self) -> Recording:
        """The evoked response: M-waves and what else is locked to the pulses."""
        return self.part("evoked")

    @property
    def locked(self) -> Recording:
        """Everything locked to the pulses: artifact and evoked response together."""
        return self.part("locked")

    @property
    def voluntary(self) -> Recording:
        """What is neither locked to the pulses nor interference: voluntary EMG and noise."""
        return self.part("voluntary")

    @property
    def interference(self) -> Recording:
        """Mains and its harmonics."""
        return self.part("interference")

    @property
    def clean(self) -> Recording:
        """The recording without artifact and interference: evoked + voluntary."""
        return self.part("clean")

    @property
    def _method_name(self) -> str:
        return str(getattr(self.method, "name", type(self.method).__name__))

    def _require(self, name: str, given: tuple[str, ...]) -> None:
        if name in given:
            return
        if name not in PART_NAMES:
            raise PartError(f"There is no part {name!r}: {nearest(name, given)}.")
        others = self.givers.get(name, ())
        advice = f"; methods that can: {', '.join(others)}" if others else ""
        raise PartError(f"{self._method_name} cannot tell {name!r} apart, it gives {', '.join(given)}{advice}.")

    def _step(self, name: str) -> Step:
        stated = fields(self.method) if is_dataclass(self.method) else ()
        parameters = {item.name: getattr(self.method, item.name) for item in stated}
        until = _lost_until(name, self.evoked_lost_until)
        return Step("separate", {"method": self._method_name, **parameters, "part": name, "evoked_lost_until": until})

    def __repr__(self) -> str:
        title = f"Separation by {self._method_name}: {', '.join(self.names)}"
        numbers = [(name, value) for name, value in self.quality.items() if not name.startswith("grade_")]
        rows = [[name, quality_text(name, value)] for name, value in numbers]
        notes = [f"{use.replace('_', ' ')}: {self.quality['grade_' + use]}" for use in self.grades]
        notes += [f"why: {self.why}"] * bool(self.why)
        notes += [f"evoked activity may be lost until {self.evoked_lost_until * 1e3:.3g} ms after a pulse"]
        return _text.table_text(title, ["quality", "value"], rows, [*notes, *self.messages])


def _dead(recording: Recording) -> NDArray[np.bool_]:
    """Channels without two different measured samples, shape (channels,)."""
    return np.array([_is_dead(row, ok) for row, ok in zip(recording.signal, recording.valid, strict=True)])


def _is_dead(row: Array, valid: NDArray[np.bool_]) -> bool:
    for count in (1000, row.size):  # the first samples tell for nearly all channels
        known = row[:count][valid[:count]]
        if known.size and known.min() < known.max():
            return False
    return True


def _lost_until(part: str, until: float) -> float:
    if part in _HOLDS_EVERYTHING_LOCKED:
        return float("-inf")
    return until if part in _KEEPS_EVOKED else float("inf")
