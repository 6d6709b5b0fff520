"""`TailFit`: the tail of the artifact is fitted and taken away, so that the M-wave on it stays; for few pulses."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline, PPoly
from threadpoolctl import threadpool_limits

from emgkit._checks import in_range, whole
from emgkit.artifact.base import living_channels
from emgkit.artifact.fill import AR, Fill
from emgkit.artifact.spline_polarity import find_polarity
from emgkit.artifact.tail_amplifier import amplifiers_of_noise
from emgkit.artifact.tail_found import WITH_AREA, rows_with_area
from emgkit.artifact.tail_group import FrontEndKnowledge, TailGroup, fit_group
from emgkit.artifact.tail_sweeps import alike, free_of_pulses
from emgkit.errors import ParameterError, TimingError
from emgkit.parts import Parts
from emgkit.pulses import Pulses
from emgkit.shared_error import SharedError

__all__ = ["TailFit", "could_fit_tails"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

CLOSEST = 0.010  # s between pulses
OTHERS = 0.030  # s between pulses of different stimulators
ROUNDED = 1e-6  # s: what the rounding of times may take from an interval, or from a sample's time
QUIET_AFTER = 0.15  # s after a pulse, from which a recording speaks for the noise
FADE = 0.2  # of the reach: over its last part tail and response are let go
TOGETHER = 1.3  # of the sweep: a pulse that follows so soon takes over, and nothing is let go


@dataclass(frozen=True)
class TailFit:
    """Fit the artifact's tail under the M-wave, for few pulses or a single one.

    The mean response to the pulses of one current is taken apart by `split_tail` into a tail (exponentials behind the
    amplifier's high-pass) and an evoked response that begins and ends, and rarely has net area. The first
    milliseconds, in which the filters still ring from the pulse itself, are lost and filled.

    Parameters
    ----------
    before : float, default 0.0015
        The artifact may begin so long before the pulse, s.
    high_pass : float or None, default None
        Corner of the amplifier's high-pass, Hz, 0 if it is DC-coupled. None finds it from noise and tails.
    high_pass_order : int or None, default None
        1 or 2; None finds it.
    neighbours : int, default 30
        Pulses averaged about each; the mean of all decides how they are split.
    stretch : float, default 1.0
        How many times shorter the responses are than those of human muscles through the skin: about 4 in a mouse.
    fill : AR or Line
        What stands in the place of the lost samples.

    Notes
    -----
    Artifact and M-wave are told apart by what is known of both: Golub and Pereyra (1973) separate the linear from the
    nonlinear unknowns; here the nonlinear ones (time constants, onset, duration) are averaged by their probability
    instead of being chosen, so that the standard errors hold where several sets fit alike. Where nothing tells them
    apart, the messages say ``overlap`` and only the interval may be used. M-waves between belly and tendon have net
    area: both kinds are tried and weighed by their evidence (see `split_tail`).

    Pulses closer than 10 ms, and those of several stimulators that overlap, are refused: `PhaseSpline` solves them
    jointly. Pulses of one stimulator whose current is not known count as alike, but those whose artifact turns over.
    """

    name: ClassVar[str] = "tail_fit"
    gives: ClassVar[tuple[str, ...]] = ("artifact", "evoked", "voluntary", "clean")
    before: float = 0.0015
    high_pass: float | None = None
    high_pass_order: int | None = None
    neighbours: int = 30
    stretch: float = 1.0
    fill: Fill = field(default_factory=AR)

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("before", self.before, 0.0, 0.01, "s")
        if self.high_pass is not None:
            in_range("high_pass", self.high_pass, 0.0, 100.0, "Hz")
        if self.high_pass_order is not None:
            whole("high_pass_order", self.high_pass_order, 1, 2)
        in_range("stretch", self.stretch, 0.2, 20.0)
        whole("neighbours", self.neighbours, 1, 100_000)

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        crowds = _crowds(pulses, self.stretch)
        if crowds:
            raise TimingError(f"{crowds}: use phase_spline.")
        with threadpool_limits(limits=1, user_api="blas"):  # small matrices; and sums depend on the number of threads
            living = living_channels(signal)
            if living.size == len(signal):
                return self._separate(signal, fs, pulses, living)
            if not living.size:
                raise ParameterError("tail_fit needs a channel with samples that are not all the same.")
            return _with_dead(self._separate(signal[living], fs, pulses, living), living, len(signal))

    def _separate(self, signal: Array, fs: float, pulses: Pulses, numbers: NDArray[np.int64]) -> Parts:
        free = free_of_pulses(signal, fs, pulses, QUIET_AFTER)
        filled = np.where(np.isfinite(signal), signal, 0.0)
        known = FrontEndKnowledge(self.high_pass, self.high_pass_order, amplifiers_of_noise(filled, free, fs))
        groups = [
            fit_group(signal, fs, pulses.onsets, chosen, free, known, self.neighbours, self.before, self.stretch)
            for chosen in alike(_with_polarity(filled, fs, pulses))
        ]
        parts = _Rendered(self, signal, fs, pulses, groups)
        splits = [group.split for group in groups]
        worst = np.max([_shares(group) for group in groups], axis=0)
        return Parts(
            components={"artifact": parts.artifact, "evoked": parts.evoked},
            residual="voluntary",
            lost=parts.lost,
            evoked_lost_until=max(float(split.clear.max()) for split in splits),
            reach=(-self.before, max(float(split.times[-1]) for split in splits)),
            standard_errors={"evoked": parts.error},
            shared_errors=tuple(
                SharedError(pulses.onsets[one.pulses], one.times, one.split.evoked_error) for one in groups
            ),
            quality={
                "high_pass": str(splits[0].high_pass),
                "onset": np.stack([split.onset for split in splits]).mean(axis=0),
                "evoked_error_share": worst,
                "overlap": np.stack([split.overlap for split in splits]).any(axis=0).astype(float),
            },
            messages=_messages(groups, numbers),
        )


def _with_polarity(signal: Array, fs: float, pulses: Pulses) -> Pulses:
    """Give pulses whose current is not known one that has their polarity, where artifacts turn over."""
    polarity = find_polarity(signal, fs, pulses) if pulses.current is None else None
    return pulses if polarity is None else replace(pulses, current=polarity)


def could_fit_tails(pulses: Pulses, stretch: float = 1.0) -> bool:
    """Tell whether the pulses lie far enough apart for `TailFit`."""
    return not _crowds(pulses, stretch)


def _crowds(pulses: Pulses, stretch: float) -> str:
    """Say what is too close, if anything."""
    intervals, others = pulses.intervals, np.diff(pulses.stimulator) != 0
    shortest = float(intervals.min(initial=np.inf))
    if shortest < CLOSEST / stretch - ROUNDED:
        return f"tail_fit needs {CLOSEST / stretch * 1e3:g} ms between pulses, got {shortest * 1e3:.3g} ms"
    if float(intervals[others].min(initial=np.inf)) < OTHERS / stretch - ROUNDED:
        return "tail_fit cannot tell stimulators apart whose pulses overlap"
    return ""


def _shares(group: TailGroup) -> Array:
    size = np.sqrt((group.split.evoked**2).mean(axis=1))
    return np.asarray(np.sqrt((group.split.evoked_error**2).mean(axis=1)) / np.maximum(size, 1e-300))


def _with_dead(parts: Parts, living: NDArray[np.int64], channels: int) -> Parts:
    """Give parts of all channels: nothing was taken from those that hold no signal, all of them is lost."""

    def placed(rows: Any, empty: Any) -> Any:
        out = np.full((channels, *np.shape(rows)[1:]), empty)
        out[living] = rows
        return out

    return replace(
        parts,
        components={name: placed(rows, 0.0) for name, rows in parts.components.items()},
        lost=placed(parts.lost, True),
        standard_errors={name: placed(rows, 0.0) for name, rows in parts.standard_errors.items()},
        shared_errors=tuple(replace(one, error=placed(one.error, 0.0)) for one in parts.shared_errors),
        quality={name: placed(one, np.nan) if np.ndim(one) else one for name, one in parts.quality.items()},
    )


def _messages(groups: list[TailGroup], numbers: NDArray[np.int64]) -> tuple[str, ...]:
    said = []
    for group in groups:
        with_area = rows_with_area(group.split)
        overlap = np.flatnonzero(group.split.overlap)
        said += [(channel, WITH_AREA, group) for channel in with_area]
        said += [(channel, group.split.reason[channel], group) for channel in overlap]
    return tuple(f"Channel {numbers[channel] + 1}, {group.pulses.size} pulses: {one}" for channel, one, group in said)


class _Rendered:
    """The parts at the samples of the recording."""

    def __init__(self, method: TailFit, signal: Array, fs: float, pulses: Pulses, groups: list[TailGroup]) -> None:
        self.artifact, self.evoked, self.error = (np.zeros_like(signal) for _ in range(3))
        self.lost: Mask = np.zeros(signal.shape, dtype=bool)
        following = np.append(pulses.onsets[1:], np.inf)
        for group in groups:
            curves = np.concatenate([group.tail, group.evoked, np.broadcast_to(group.error, group.tail.shape)], axis=1)
            splines = CubicSpline(group.split.times, curves, axis=2)
            for place, pulse in enumerate(group.pulses):
                one = PPoly.construct_fast(splines.c[:, :, place], splines.x)
                self._add(method.before, fs, float(pulses.onsets[pulse]), float(following[pulse]), group, one)
        known = np.isfinite(signal)
        for channel, row in enumerate(signal):
            rest = np.where(known[channel], row, 0.0) - self.artifact[channel] - self.evoked[channel]
            gaps, missing = self.lost[channel], ~known[channel]
            filled = method.fill.fill(np.where(missing, 0.0, rest), gaps | missing)
            self.artifact[channel] = np.where(gaps & ~missing, rest - filled, self.artifact[channel])
        self.artifact[~known], self.evoked[~known] = 0.0, 0.0

    def _add(self, before: float, fs: float, onset: float, following: float, group: TailGroup, curves: PPoly) -> None:
        times, count = group.split.times, self.lost.shape[1]
        end = min(onset + float(times[-1]), following - before)
        low = max(int(np.ceil((onset - before) * fs - 1e-9)), 0)
        high = min(int(np.floor(end * fs + 1e-9)) + 1, count)
        phase = np.arange(low, high) / fs - onset
        inside = np.clip(phase, times[0], times[-1])
        fade = np.ones_like(phase)
        if following - onset > TOGETHER * float(times[-1]):
            ending = np.clip((times[-1] - phase) / (FADE * times[-1]), 0.0, 1.0)
            fade = 0.5 - 0.5 * np.cos(np.pi * ending)
        clear = group.split.clear[:, np.newaxis]
        ringing = phase < clear
        after = phase >= -ROUNDED  # a pulse that lies on a sample is there
        part = slice(low, high)
        self.lost[:, part] = ringing
        tail, evoked, error = curves(inside).T.reshape(3, len(self.lost), -1)
        self.artifact[:, part] = np.where(ringing, 0.0, fade * tail)
        self.evoked[:, part] = after * fade * evoked
        self.error[:, part] = after * error
