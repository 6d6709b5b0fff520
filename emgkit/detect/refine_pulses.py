"""The verb `refine_pulses`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from emgkit.detect.alignment import align, differences
from emgkit.detect.artifact_times import best_channels
from emgkit.detect.clock import NONE, fit_clock, fit_lines
from emgkit.detect.doubts import misplaced
from emgkit.detect.edge import leading_edge
from emgkit.detect.from_artifact import pulses_from_artifact
from emgkit.detect.growth import hollow
from emgkit.detect.match import Template
from emgkit.detect.polarity import upright
from emgkit.detect.rounding import found_step, unrounded
from emgkit.detect.schedule import CLOCK, Matched, beats_off, match_schedule, match_trigger
from emgkit.detect.sharp import bridged, sharp_channels
from emgkit.detect.trigger_channels import without_triggers
from emgkit.errors import EmgkitWarning, TimingError
from emgkit.pulses import Pulses
from emgkit.recording import Recording

__all__ = ["refine_pulses"]

Array = NDArray[np.float64]

FEWEST, SHARE = 3, 0.3  # pulses, and of the given ones, that must be found
JITTERS = 5e-4  # s, SD of the delay from which a trigger is not to be trusted
LOOSE = 2e-4  # s, scatter about the given times from which they are no clock for the pulses
COARSE = 1e-4  # s, step of rounded triggers from which the pulses' own clock is better


def refine_pulses(recording: Recording, pulses: Pulses) -> Pulses:
    """Find where in the recording the pulses of a schedule or of a trigger really are.

    A schedule may be rounded, begin early or late by up to 0.3 s or three pulses, and run on a clock that is off by up
    to 1.2 %: every train is stretched and shifted to the artifacts. A trigger may precede or follow its pulse by up to
    0.1 s, by a delay that is fixed or that jitters. The times themselves come from the artifact, as in
    `detect_pulses`; the schedule tells which pulses to expect, also where the artifact is too small to see.

    Where the rate divides the sampling rate, all pulses lie at one place between the samples, which nothing tells: all
    onsets are then early or late alike, by 0.2 to 0.25 ms at 2000 Hz in the median of simulated recordings and by 0.6
    ms in single ones (1.4 ms once at 100 Hz). Their intervals are right.

    Parameters
    ----------
    recording : Recording
        As measured, before any filter.
    pulses : Pulses
        From a schedule or a trigger; trains, currents and widths are kept.

    Returns
    -------
    Pulses
        Times from the artifact. ``delay`` is the median time from the given pulse to the real one and
        ``delay_jitter`` the SD of a trigger's delay, without the rounding of regular triggers, s. Scheduled pulses
        that are not there are the clock's ``missing`` ones; pulses that were not given are added.

    Raises
    ------
    NoPulsesError
        If there is no artifact.
    TimingError
        If the given pulses are not where the artifacts are, or a schedule is off by so much that it fits beside its own
        beats: three pulses or more are not there at one end, and as many that it lacks come at the other.

    Warns
    -----
    EmgkitWarning
        If the delay of a trigger jitters by more than 0.5 ms; if the artifact is blanked by the amplifier, so that the
        pulses came earlier; if what comes before all pulses is so sharp that M-waves may have been taken for it; if
        the stimulus seems to begin at other times in other channels, by more than 0.3 ms.

    Examples
    --------
    >>> import numpy as np
    >>> import emgkit as ek
    >>> made = ek.simulate.tiny(rng=np.random.default_rng(1), clock_error=500.0)
    >>> planned = ek.Pulses(np.round(made.truth.planned * 2000) / 2000)
    >>> bool(np.abs(ek.refine_pulses(made.recording, planned).onsets - made.pulses.onsets).max() < 1e-4)
    True
    """
    recording = without_triggers(recording)
    with threadpool_limits(limits=1, user_api="blas"):
        signal = bridged(recording.signal)
        signal = upright(signal[sharp_channels(signal, recording.fs)], recording.fs)
        refined = _refined(signal, recording, pulses.shift(-recording.start))
        doubt = misplaced(recording.signal, recording.fs, refined)
    if doubt:
        warnings.warn(f"{doubt}.", EmgkitWarning, stacklevel=2)
    return refined.shift(recording.start)


@dataclass(frozen=True, eq=False)
class _Given:
    """What was given: pulses within the recording, their times without rounding, and the step of the rounding, s."""

    pulses: Pulses
    times: Array
    step: float

    @property
    def is_trigger(self) -> bool:
        return self.pulses.time_source == "trigger"


@dataclass(frozen=True, eq=False)
class _Placed:
    """Given pulses in the recording: their edges, s, which of them are there, and surely not, and the jitter."""

    onsets: Array
    errors: Array
    there: NDArray[np.bool_]
    empty: NDArray[np.bool_]
    jitter: float | None


def _refined(signal: Array, recording: Recording, pulses: Pulses) -> Pulses:
    given = _given(recording, pulses)
    lines = fit_lines(given.times, given.pulses.train)
    rate = 1 / lines.period if lines is not None and lines.model != NONE else None
    found = pulses_from_artifact(signal, recording.fs, rate, None)
    meant = [_matched(given, found, int(one)) for one in np.unique(found.stimulator)]
    matched = max(meant, key=lambda one: one.count)
    if matched.count < max(FEWEST, SHARE * len(given.pulses)):
        raise TimingError(
            f"{matched.count} of {len(given.pulses)} given pulses lie at an artifact, of which {len(found)} were "
            f"found: are they in seconds of this recording?"
        )
    placed = _placed(signal, recording.fs, given, found, matched)
    _check_beats(given, placed, np.delete(found.onsets, matched.which[matched.which >= 0]))
    return _combined(given, placed, found, matched)


def _check_beats(given: _Given, placed: _Placed, more: Array) -> None:
    """Refuse a schedule that fits the train beside its own beats: currents would belong to other pulses."""
    off = 0 if given.is_trigger else beats_off(placed.onsets, ~placed.empty, more)
    if off:
        by = float(np.median(placed.onsets - given.times)) - off * float(np.median(np.diff(placed.onsets)))
        raise TimingError(
            f"The schedule is off by more than 0.3 s: {abs(off)} artifacts come {'before' if off > 0 else 'after'} it, "
            f"and at the other end as many of its pulses are not there. Move it by about {by:+.2g} s (Pulses.shift)."
        )


def _given(recording: Recording, pulses: Pulses) -> _Given:
    inside = pulses.select((pulses.onsets >= 0) & (pulses.onsets < recording.duration))
    if len(inside) < FEWEST:
        raise TimingError(f"{len(inside)} of {len(pulses)} given pulses lie within the recording: {FEWEST} are needed.")
    step = found_step(inside.onsets, [recording.fs, *(trace.fs for trace in recording.aux.values())])
    times, _ = unrounded(inside.onsets, inside.train, step)
    return _Given(inside, times, step)


def _matched(given: _Given, found: Pulses, stimulator: int) -> Matched:
    """Match with the pulses of one stimulator; indices count all found pulses."""
    own = np.flatnonzero(found.stimulator == stimulator)
    if given.is_trigger:
        matched = match_trigger(given.times, found.onsets[own])
    else:
        mine, theirs = fit_lines(given.times, given.pulses.train), fit_lines(found.onsets[own], found.train[own])
        ratio = None
        if mine is not None and theirs is not None and NONE not in (mine.model, theirs.model):
            ratio = theirs.period / mine.period
        near = ratio is not None and abs(ratio - 1) <= CLOCK
        matched = match_schedule(given.times, given.pulses.train, found.onsets[own], ratio if near else None)
    return Matched(matched.expected, np.where(matched.which >= 0, own[np.maximum(matched.which, 0)], -1))


def _placed(signal: Array, fs: float, given: _Given, found: Pulses, matched: Matched) -> _Placed:
    paired, which = matched.which >= 0, np.maximum(matched.which, 0)
    spread = _spread((found.onsets[which] - matched.expected)[paired])
    own = found.clock is not None and found.clock.model != NONE
    if spread <= LOOSE and not (given.is_trigger and own and given.step > COARSE):
        return _on_given_clock(signal, fs, given, matched, np.delete(found.onsets, which[paired]))
    errors = np.full(found.onsets.size, spread) if found.errors is None else found.errors
    return _Placed(
        np.where(paired, found.onsets[which], matched.expected),
        np.where(paired, errors[which], spread),
        paired | given.is_trigger,
        ~paired,
        found.clock.jitter if own and found.clock is not None else None,
    )


def _on_given_clock(signal: Array, fs: float, given: _Given, matched: Matched, others: Array) -> _Placed:
    """Align with the given times as the clock, whatever their intervals; take out what is not there."""
    train = np.zeros(given.times.size, dtype=np.int64) if given.is_trigger else given.pulses.train
    beats = given.times / float(np.median(np.diff(given.times)))
    chosen = signal[best_channels(signal, matched.expected, fs)]
    bends = differences(chosen, fs)
    first = align(bends, matched.expected, train, beats, fs, quick=True)
    match = Template(first.fit).match(bends, first.times)
    there, paired = ~hollow(match), matched.which >= 0
    empty = ~paired & hollow(match, paired)
    if there.sum() < FEWEST:
        there = matched.which >= 0
    last = align(bends, matched.expected[there], train[there], beats[there], fs)
    onsets, errors = matched.expected.copy(), np.full(there.size, last.jitter)
    onsets[there], errors[there] = last.times + leading_edge(chosen, last.fit, others), last.errors
    return _Placed(onsets, errors, there | given.is_trigger, empty, last.jitter)


def _combined(given: _Given, placed: _Placed, found: Pulses, matched: Matched) -> Pulses:
    """Keep what is there, add what was found besides, and state delay and clock."""
    paired = matched.which >= 0
    delay = (placed.onsets - given.pulses.onsets)[paired]
    spread = _spread((placed.onsets - given.times)[paired]) if given.is_trigger else float("nan")
    result = _merged(given.pulses, placed, found.select(np.setdiff1d(np.arange(len(found)), matched.which)))
    first = result.stimulator == 0
    lines = fit_lines(given.times, given.pulses.train)
    nominal = 1 / lines.period if lines is not None and lines.model != NONE and not given.is_trigger else None
    clock = fit_clock(
        result.onsets[first],
        result.train[first],
        nominal,
        jitter=placed.jitter,
        errors=None if result.errors is None else result.errors[first],
    )
    if spread > JITTERS:
        warnings.warn(
            f"The delay from trigger to pulse is {np.median(delay) * 1e3:.3g} ms and jitters by {spread * 1e3:.2g} ms: "
            f"only the times from the artifact are to be used.",
            EmgkitWarning,
            stacklevel=4,
        )
    return replace(result, clock=clock, delay=float(np.median(delay)), delay_jitter=spread)


def _merged(given: Pulses, placed: _Placed, more: Pulses) -> Pulses:
    """Put both in the order of time; pulses that were not given have no current and belong to the train they are in."""
    kept = given.select(placed.there)
    onsets = np.concatenate([placed.onsets[placed.there], more.onsets])
    errors = np.full(len(more), np.nan) if more.errors is None else more.errors
    errors = np.concatenate([placed.errors[placed.there], errors])
    place = np.clip(np.searchsorted(kept.onsets, more.onsets) - 1, 0, len(kept) - 1)
    train = np.concatenate([kept.train, kept.train[place]])
    order = np.argsort(onsets, kind="stable")
    unknown = np.full(len(more), np.nan)
    return Pulses(
        onsets[order],
        train=train[order],
        stimulator=np.concatenate([np.zeros(len(kept), dtype=np.int64), more.stimulator])[order],
        errors=errors[order],
        time_source="artifact",
        current=None if kept.current is None else np.concatenate([kept.current, unknown])[order],
        width=None if kept.width is None else np.concatenate([kept.width, unknown])[order],
    )


def _spread(values: Array) -> float:
    """Robust SD."""
    return 1.4826 * float(np.median(np.abs(values - np.median(values))))
