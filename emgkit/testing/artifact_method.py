"""The contract of a method of artifact removal: laws that hold for every method on every recording."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.base import windows_mask
from emgkit.artifact.separate import separate
from emgkit.errors import ContractError, EmgkitError
from emgkit.parts import PART_NAMES, Parts
from emgkit.recording import Recording
from emgkit.testing.stimulated import KINDS, Case, make_case

__all__ = ["check_artifact_method"]

Array = NDArray[np.float64]

ROUNDING = 1e-12  # of the largest sample: what sums may differ by
EQUAL = 1e-6  # of the largest sample: what the same recording in other units or order may differ by
LOCKED = ("artifact", "evoked", "locked")
SHIFT = 37  # samples
ROOM = 0.2  # s of zeros on both sides of a recording that is shifted


def check_artifact_method(
    method: Any,
    *,
    rates: Iterable[float] = (1000.0, 2000.0, 5000.0),
    kinds: Iterable[str] = KINDS,
    seeds: Iterable[int] = (0,),
    shift_tolerance: float = EQUAL,
) -> None:
    """Hold a method of artifact removal to the laws that every method keeps.

    The parts add up to the signal; scaling, polarity, the order of the channels and a shift by whole samples pass
    through; nothing locked is taken farther from a pulse than the declared reach; the same input gives the same bits;
    pulses at the first and last sample work; missing and constant channels are refused or marked; the input is never
    modified. A method may refuse a recording with one clear line (an `EmgkitError`), but not every train.

    Parameters
    ----------
    method : object
        The method with its parameters, such as ``ek.Blanking()``. If it has an attribute ``fewest_channels``, the
        recordings have as many channels.
    rates : iterable of float
        Sampling rates, Hz.
    kinds : iterable of str
        Of "train", "two_trains", "two_stimulators", "doublets", "single", "edges".
    seeds : iterable of int
        Of the recordings.
    shift_tolerance : float, default 1e-6
        What a shift by whole samples may change, as a part of the largest sample. A method that follows the
        recording in stretches counted from its beginning needs more than rounding.

    Raises
    ------
    ContractError
        With the method, the recording, the law that is broken and by how much.

    Examples
    --------
    >>> import emgkit as ek
    >>> from emgkit.testing import check_artifact_method
    >>> check_artifact_method(ek.Blanking(fill=ek.Line()), rates=[2000.0])
    """
    _check_statement(method)
    channels = max(2, int(getattr(method, "fewest_channels", 2)))
    served = set()
    for kind, fs, seed in product(kinds, rates, seeds):
        run = _run(method, make_case(kind, fs, channels, seed))
        if run is not None:
            served.add(kind)
            for law in LAWS:
                law(run)
            _shifts(run, shift_tolerance)
    if not served & {"train", "two_trains", "edges"}:
        raise ContractError(f"{method.name} refuses every train of pulses.")


def _check_statement(method: Any) -> None:
    for attribute in ("name", "gives", "separate"):
        if not hasattr(method, attribute):
            raise ContractError(f"{type(method).__name__} has no {attribute!r}: it needs name, gives and separate().")
    unknown = set(method.gives) - set(PART_NAMES)
    if unknown:
        raise ContractError(f"{method.name} gives {sorted(unknown)}, which are no parts; there are {PART_NAMES}.")


@dataclass(frozen=True, eq=False)
class _Run:
    """One method on one recording, with what it gave."""

    method: Any
    case: Case
    parts: Parts

    def again(self, case: Case) -> Parts:
        """Take another recording apart with the same method."""
        parts: Parts = self.method.separate(case.signal.copy(), case.fs, case.pulses)
        return parts

    def part(self, name: str) -> Array:
        return self.parts.render(name, self.case.signal)

    def require(self, holds: bool, law: str) -> None:
        if not holds:
            raise ContractError(f"{self.method.name} ({self.case}): {law}.")

    def require_moved(self, moved: Case, expected: Callable[[Array], Array], law: str, most: float = EQUAL) -> None:
        """Compare every part of a changed recording with the changed parts of this one."""
        got = self.again(moved)
        size = float(np.abs(moved.signal).max())
        for name in self.parts.names:
            far = float(np.abs(got.render(name, moved.signal) - expected(self.part(name))).max()) / size
            self.require(far <= most, f"{law} does not pass through: {name} differs by {far:.2g} of the largest sample")


def _run(method: Any, case: Case) -> _Run | None:
    """Take a recording apart; None if the method refuses it."""
    given, onsets = case.signal.copy(), case.pulses.onsets.copy()
    try:
        run = _Run(method, case, method.separate(given, case.fs, case.pulses))
    except EmgkitError:
        return None
    same = np.array_equal(given, case.signal) and np.array_equal(onsets, case.pulses.onsets)
    run.require(same, "the input was modified")
    return run


def _adds_up(run: _Run) -> None:
    given = run.parts.names
    run.require(set(given) == set(run.method.gives), f"it gives {given}, not {run.method.gives} as stated")
    rendered = {name: run.part(name) for name in given}
    for name, part in rendered.items():
        run.require(part.shape == run.case.signal.shape, f"{name} has shape {part.shape}")
        run.require(bool(np.isfinite(part).all()), f"{name} is not finite")
    total = sum(rendered[name] for name in (*run.parts.components, run.parts.residual))
    _require_near(run, total - run.case.signal, "the parts do not add up to the signal")
    if {"evoked", "voluntary", "clean"} <= set(given):
        both = rendered["evoked"] + rendered["voluntary"]
        _require_near(run, both - rendered["clean"], "evoked and voluntary do not add up to clean")


def _require_near(run: _Run, difference: Array, law: str) -> None:
    far = float(np.abs(difference).max())
    run.require(far <= ROUNDING * float(np.abs(run.case.signal).max()), f"{law}, by {far:.2g} V")


def _same_bits(run: _Run) -> None:
    again = run.again(run.case)
    for name in run.parts.names:
        same = again.render(name, run.case.signal).tobytes() == run.part(name).tobytes()
        run.require(same, f"a second run gives other bits of {name}")


def _untouched_outside(run: _Run) -> None:
    case, (first, last) = run.case, run.parts.reach
    run.require(bool(np.isfinite([first, last]).all()), f"the reach {first:g} ... {last:g} s is not finite")
    near = windows_mask(case.pulses.onsets, case.fs, case.signal.shape[1], -first, last)
    for name in set(run.parts.components) & set(LOCKED):
        far = float(np.abs(run.part(name)[:, ~near]).max(initial=0.0))
        run.require(far == 0.0, f"{name} holds {far:.2g} V outside the declared reach {first:g} ... {last:g} s")
    lost = run.parts.lost is not None and bool(run.parts.lost[:, ~near].any())
    run.require(not lost, f"samples outside the declared reach {first:g} ... {last:g} s are marked as lost")


def _scales(run: _Run) -> None:
    for factor, law in ((-1.0, "opposite polarity"), (3.7, "another unit")):
        moved = replace(run.case, signal=factor * run.case.signal)
        run.require_moved(moved, lambda part, by=factor: by * part, law)  # type: ignore[misc]


def _permutes(run: _Run) -> None:
    moved = replace(run.case, signal=np.ascontiguousarray(run.case.signal[::-1]))
    run.require_moved(moved, lambda part: part[::-1], "another order of the channels")


def _shifts(run: _Run, most: float) -> None:
    """Move the recording between zeros, so that the same samples stand in both."""
    room = round(ROOM * run.case.fs)
    early = _run(run.method, _between_zeros(run.case, room, room + SHIFT))
    run.require(early is not None, "it refuses the same recording with zeros around it")
    late = _between_zeros(run.case, room + SHIFT, room)
    if early is not None:
        early.require_moved(late, lambda part: np.roll(part, SHIFT, axis=1), f"a shift by {SHIFT} samples", most)


def _between_zeros(case: Case, before: int, after: int) -> Case:
    signal = np.pad(case.signal, ((0, 0), (before, after)))
    return replace(case, signal=signal, pulses=case.pulses.shift(before / case.fs))


def _missing_samples(run: _Run) -> None:
    """Let single samples be missing, and what lies about one pulse."""
    rng = np.random.default_rng(0)
    signal = run.case.signal.copy()
    gone = rng.choice(signal.shape[1], signal.shape[1] // 200, replace=False)
    signal[0, gone] = np.nan
    middle = int(run.case.pulses.onsets[len(run.case.pulses) // 2] * run.case.fs)
    signal[1, max(middle - 10, 0) : middle + 40] = np.nan
    try:
        parts = run.again(replace(run.case, signal=signal))
    except EmgkitError:
        return
    for name in parts.components:
        finite = np.isfinite(parts.render(name, signal)).all()
        run.require(bool(finite), f"missing samples make {name} not finite: what was never measured holds nothing")


def _dead_channels(run: _Run) -> None:
    for what, value in (("missing", np.nan), ("constant", 1e-3)):
        signal = run.case.signal.copy()
        signal[1] = value
        try:
            parts = separate(Recording(signal, run.case.fs), run.case.pulses, run.method)
            marked = not any(parts.part(name).valid[1].any() for name in parts.names)
        except EmgkitError:
            continue
        run.require(marked, f"a {what} channel is neither refused nor marked")


LAWS = (_adds_up, _same_bits, _untouched_outside, _scales, _permutes, _missing_samples, _dead_channels)
