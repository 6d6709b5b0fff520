"""`PhaseSpline`: artifact, evoked response and mains fitted together, in the continuous time since the pulse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range
from emgkit.artifact.base import windows_mask
from emgkit.artifact.baseline import baseline_levels, slow_drift
from emgkit.artifact.interference import Mains, find_mains, fit_lines, render_lines
from emgkit.artifact.spline_basis import fit_windows, make_design, phase_knots, window_groups
from emgkit.artifact.spline_evidence import end_of_artifact, locked_evidence
from emgkit.artifact.spline_lines import (
    colliding_orders,
    hidden_mains,
    join_mains,
    lines_of_mains,
    mains_without_pulses,
)
from emgkit.artifact.spline_model import LockedModel
from emgkit.errors import TimingError
from emgkit.pulses import Pulses
from emgkit.separation import Parts

__all__ = ["PhaseSpline"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FEWEST = 5
LONGEST = 0.1  # s: support of the response unless the next pulse comes sooner
ROUNDS = 3
EVIDENCE = 5.0  # z score from which a response is taken as there
SPIKE = 0.003  # s after the pulse that no line is fitted to
SHORT_SUPPORT = 0.004  # s: support when there is an artifact and no response
OVER = 0.8  # of the interval: from then on the response is taken to be over
GRID = 25e-6  # s, on which the mean response is looked at


@dataclass(frozen=True)
class PhaseSpline:
    """Fit what is locked to the pulses as a smooth function of the continuous time since the pulse.

    Cubic B-splines, close together near the pulse and wider apart later, are fitted by least squares to the samples
    of all pulses in sliding windows. Pulses fall between samples, so that together they sample the response finer
    than the recording's rate. Mains and its harmonics are fitted in turns with the splines until both agree
    (backfitting, which converges to the joint least squares). The response is split in time at the end of the
    artifact. What is neither is voluntary EMG.

    Parameters
    ----------
    window : float, default 4.0
        Length of the sliding windows, s; at least 20 pulses. Longer windows take less voluntary EMG away
        (about 1/effective pulses of it), shorter ones follow faster fatigue.
    before : float, default 0.0015
        The artifact may begin so long before the pulse, s, by the ringing of filters.
    artifact_end : float or None, default None
        Time after the pulse at which the artifact is over and the evoked response begins, s. None finds it from the
        mean response, at most 6 ms.
    mains : bool, default True
        Find and fit mains lines.

    Notes
    -----
    Whether there is a response at all is decided by evidence: every pulse is correlated with the mean of the others
    after all mains lines were taken away. Without evidence only the artifact's few milliseconds are modelled, and
    without an artifact nothing is. A mains line that lies within a quarter of a hertz of a harmonic of the stimulation
    cannot be told from the response; it counts as mains when stretches without pulses show a line of its size, or when
    there is no response; the messages say so.

    Offset and slow drift of a DC-coupled recording (larger than five typical deflections) go with the interference.

    The support of a response ends where the next one begins, so that longer responses are not untangled.
    """

    name: ClassVar[str] = "phase_spline"
    gives: ClassVar[tuple[str, ...]] = ("artifact", "evoked", "voluntary", "interference", "clean")
    window: float = 4.0
    before: float = 0.0015
    artifact_end: float | None = None
    mains: bool = True

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("window", self.window, 0.2, 600.0, "s")
        in_range("before", self.before, 0.0, 0.01, "s")
        if self.artifact_end is not None:
            in_range("artifact_end", self.artifact_end, 0.0, 0.05, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        if len(pulses) < FEWEST:
            raise TimingError(f"phase_spline needs {FEWEST} pulses, got {len(pulses)}: use blanking.")
        fit = _Fit(self, signal, fs, pulses)
        model, evidence, messages = fit.run()
        if fit.levels.any():
            far = float(np.abs(fit.levels).max()) * 1e3
            messages.append(f"A slow baseline of up to {far:.3g} mV was taken away with the interference.")
        until = model.artifact_end if model.fit is not None else 0.0
        effective = float(np.median(model.fit.effective)) if model.fit is not None else 0.0
        return Parts(
            components={"artifact": model.artifact, "evoked": model.evoked, "interference": model.interference},
            residual="voluntary",
            lost=None,
            evoked_lost_until=until,
            reach=(-self.before, float(model.knots[-1])),
            standard_errors={"evoked": model.evoked_error},
            quality={
                "artifact_end": until,
                "effective_pulses": effective,
                "response_evidence": evidence,
                "mains_frequency": model.mains.frequency,
                "mains_lines": float(len(model.orders)),
                "residual_rms": model.noise,
            },
            messages=tuple(messages),
        )


class _Fit:
    """One fit: holds the call's arrays, so that the method itself stays a parameter object."""

    def __init__(self, method: PhaseSpline, signal: Array, fs: float, pulses: Pulses) -> None:
        self.method, self.fs, self.pulses = method, fs, pulses
        self.known: Mask = np.isfinite(signal)
        filled = np.where(self.known, signal, 0.0)
        level = np.array([np.median(row[ok]) if ok.any() else 0.0 for row, ok in zip(signal, self.known, strict=True)])
        self.signal = np.where(self.known, filled - level[:, np.newaxis], 0.0)
        self.near = windows_mask(pulses.onsets, fs, signal.shape[1], method.before, SPIKE)
        self.until = self._interval() - method.before
        busy = windows_mask(pulses.onsets, fs, signal.shape[1], method.before, OVER * self.until)
        self.levels = baseline_levels(filled, self.known & ~busy, fs)
        self.signal = self.signal - slow_drift(self.signal, self.known & ~self.near, fs)

    def _interval(self) -> float:
        within = self.pulses.intervals[np.diff(self.pulses.train) == 0]
        return min(float(np.quantile(within, 0.05)), LONGEST) if within.size else LONGEST

    def run(self) -> tuple[LockedModel, Array, list[str]]:
        """Fit and decide."""
        mains = self._find_mains()
        lines = self._lines(mains, mains.orders, self.signal)
        quiet = self.signal - render_lines(lines, self.fs, self.signal.shape[1], mains, mains.orders)
        artifact = locked_evidence(quiet, self.fs, self.pulses.onsets, -self.method.before, SPIKE)
        guess = self._model(self.signal, self.until, mains, (), lines[..., :0])
        end = self._end(guess)
        response = locked_evidence(quiet, self.fs, self.pulses.onsets, end + 0.0005, self.until)
        has_evoked = response >= EVIDENCE
        messages: list[str] = []
        if not has_evoked.any() and not (artifact >= EVIDENCE).any():
            messages.append("Nothing is locked to these pulses: neither an artifact nor a response was taken away.")
            return self._nothing(mains, lines, quiet), response, messages
        if has_evoked.any():
            mains = self._find_mains_beside(guess)
            lines = self._lines(mains, mains.orders, self.signal)
        orders, said = self._orders_of_mains(mains, lines, has_evoked)
        if has_evoked.any() and not mains.orders and self.method.mains:
            said = said + hidden_mains(self.signal, self.known, self.fs, self.pulses)
        until = self.until if has_evoked.any() else min(SHORT_SUPPORT, self.until)
        if not has_evoked.any():
            messages.append("No evoked response stands out: only the artifact and the interference were taken away.")
        model = self._backfit(until, mains, orders)
        return replace(model, artifact_end=end, has_evoked=has_evoked), response, messages + said

    def _find_mains(self) -> Mains:
        if not self.method.mains:
            return Mains(float("nan"), ())
        return find_mains(self.signal, self.known & ~self.near, self.fs)

    def _find_mains_beside(self, guess: LockedModel) -> Mains:
        """Find mains once more without the response, whose harmonics pass for lines."""
        if not self.method.mains:
            return Mains(float("nan"), ())
        rest = self.signal - guess.artifact() - guess.evoked()
        beside = find_mains(rest, self.known & ~self.near, self.fs, self.pulses.rate)
        return join_mains(beside, mains_without_pulses(self.signal, self.known, self.fs, self.pulses))

    def _lines(self, mains: Mains, orders: tuple[int, ...], signal: Array) -> Array:
        if not orders:
            return np.zeros((1, signal.shape[0], 0))
        return fit_lines(signal, self.known & ~self.near, self.fs, mains, orders)

    def _orders_of_mains(self, mains: Mains, lines: Array, has_evoked: Mask) -> tuple[tuple[int, ...], list[str]]:
        together = colliding_orders(mains, self.pulses.rate)
        if not together or not has_evoked.any():
            return mains.orders, []
        return lines_of_mains(self.signal, self.known, self.fs, self.pulses, mains, lines, together)

    def _model(self, signal: Array, until: float, mains: Mains, orders: tuple[int, ...], lines: Array) -> LockedModel:
        onsets, count = self.pulses.onsets, signal.shape[1]
        knots = phase_knots(self.method.before, until, self.fs)
        design = make_design(onsets, self.fs, count, knots)
        rate = self.pulses.rate if np.isfinite(self.pulses.rate) else 1.0
        width = max(round(self.method.window * rate), 20)
        windows = window_groups(self.pulses.train, width)
        fit = fit_windows(signal[:, design.samples], self.known[:, design.samples], design, onsets, windows)
        return LockedModel(
            onsets=onsets,
            group=_pulse_groups(fit.group, windows, onsets.size),
            fit=fit,
            knots=knots,
            artifact_end=SPIKE if until > SPIKE else until,
            has_evoked=np.ones(signal.shape[0], dtype=bool),
            lines=lines,
            mains=mains,
            orders=orders,
            levels=self.levels,
            noise=np.zeros(signal.shape[0]),
            fs=self.fs,
            shape=(signal.shape[0], count),
        )

    def _backfit(self, until: float, mains: Mains, orders: tuple[int, ...]) -> LockedModel:
        lines = self._lines(mains, orders, self.signal)
        model = self._model(self._without(lines, mains, orders), until, mains, orders, lines)
        for _ in range(ROUNDS if orders else 0):
            locked = model.artifact() + model.evoked()
            lines = self._lines(mains, orders, self.signal - locked)
            model = self._model(self._without(lines, mains, orders), until, mains, orders, lines)
        rest = self._without(lines, mains, orders) - model.artifact() - model.evoked()
        return replace(model, noise=_rms(rest, self.known))

    def _without(self, lines: Array, mains: Mains, orders: tuple[int, ...]) -> Array:
        return self.signal - render_lines(lines, self.fs, self.signal.shape[1], mains, orders)

    def _nothing(self, mains: Mains, lines: Array, rest: Array) -> LockedModel:
        model = self._model(rest, min(SHORT_SUPPORT, self.until), mains, mains.orders, lines)
        none = np.zeros(rest.shape[0], dtype=bool)
        return replace(model, fit=None, has_evoked=none, artifact_end=0.0, noise=_rms(rest, self.known))

    def _end(self, model: LockedModel) -> float:
        if self.method.artifact_end is not None:
            return min(self.method.artifact_end, self.until)
        times = np.arange(-self.method.before, min(0.012, self.until - GRID), GRID)
        responses = model.mean_response(times)
        return end_of_artifact(times, responses, self._error_of_mean(times), self.fs)

    def _error_of_mean(self, times: Array) -> Array:
        """Give the standard error of the mean response, from how the halves of the pulses differ, V per channel."""
        halves = []
        for start in (0, 1):
            part = self.pulses.select(slice(start, None, 2))
            index = np.round(part.onsets[:, np.newaxis] * self.fs + times[-1] * self.fs / 2).astype(np.int64)
            index = index[(index[:, 0] >= 0) & (index[:, 0] < self.signal.shape[1])]
            halves.append(self.signal[:, index[:, 0]])
        count = min(half.shape[1] for half in halves)
        return np.asarray((halves[0][:, :count] - halves[1][:, :count]).std(axis=1) / np.sqrt(4 * max(count, 1)))


def _pulse_groups(
    groups: NDArray[np.int64], windows: list[tuple[NDArray[np.int64], Array]], count: int
) -> NDArray[np.int64]:
    out = np.zeros(count, dtype=np.int64)
    for number, (pulses, _) in zip(groups, windows, strict=True):
        out[pulses] = number
    return out


def _rms(rest: Array, known: Mask) -> Array:
    total = (np.where(known, rest, 0.0) ** 2).sum(axis=1)
    return np.asarray(np.sqrt(total / np.maximum(known.sum(axis=1), 1)))
