"""The verbs `separate` and `remove_artifact`."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from emgkit import plugins
from emgkit.artifact.auto import choose, choose_instead
from emgkit.artifact.base import ArtifactMethod, living_channels
from emgkit.artifact.clipped_response import (
    clipped_reasons,
    find_clipped_responses,
    mark_clipped_responses,
    said_of_clipped_responses,
)
from emgkit.artifact.held import held_samples, mark_held
from emgkit.artifact.overload import find_overload, mark_overload, said_of_overload
from emgkit.artifact.phase_spline import PhaseSpline
from emgkit.artifact.pulses_beside import look_beside, said_of_left
from emgkit.artifact.pulses_repaired import LOOKED_AT, repaired
from emgkit.artifact.pulses_twice import without_twins
from emgkit.artifact.quality import judge
from emgkit.artifact.residue import output_of
from emgkit.artifact.saturation import mark_saturation
from emgkit.artifact.scale import warn_if_too_large
from emgkit.artifact.spline_polarity import find_polarity
from emgkit.artifact.tail_fit import TailFit
from emgkit.artifact.unlabelled import said_of_stimulators
from emgkit.detect.plausible import warn_if_no_emg
from emgkit.detect.trigger_channels import trigger_rows
from emgkit.errors import EmgkitError, NoPulsesError, ParameterError, ShapeError, TimingError
from emgkit.parts import PART_NAMES, Parts
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.separation import Separation

__all__ = ["remove_artifact", "separate"]

LESS_GAIN = "Use a lower gain or a wider input range."
MORE_ROOM = f"{LESS_GAIN[:-1]}, or move the recording electrodes away from the stimulating ones."
BLANKED = 0.5  # of the pulses at which an output is held, from which hardware blanks it at every pulse


def separate(recording: Recording, pulses: Pulses, method: str | ArtifactMethod = "auto") -> Separation:
    """Take a recording apart into artifact, evoked response, voluntary EMG and interference.

    Saturated samples, and those that were held instead of measured, are marked first and are never valid in any part;
    nor are those after each pulse at which EMG does not pass because a first stage is at its limit (`find_overload`),
    nor those at the M-wave's peak where it is (`find_clipped_responses`).

    A channel of the signal that holds a trigger, with two values only or pulses above 0.5 V and nothing else, is no
    EMG: it is left out, all its samples are missing in every part.

    Pulses that come within 0.15 ms of another of their stimulator count as one with it.

    Where the train goes on before the first pulse given or after the last one, or pulses are lost between,
    `PhaseSpline` is given those, too, at the times that their artifacts tell, unless the pulses' current changes. Other
    artifacts that belong to no pulse (trains apart, another stimulator) stay in the voluntary part; the messages say
    so, and its grades know.

    Parameters
    ----------
    recording : Recording
        EMG under stimulation, as measured.
    pulses : Pulses
        Leading edges of the stimuli, s since the file's first sample. For `PhaseSpline`, a schedule that was rounded to
        samples, and pulses that come 1 to 50 ms after or before their artifacts, are put right by `refine_pulses`
        first, or of several stimulators each by its own clock and artifacts, up to 12 ms.
    method : str or object, default "auto"
        ``"auto"``, the name of a method (``emgkit list methods``), ``"module:Class"``, or a method object such as
        ``ek.PhaseSpline()`` or ``ek.Blanking(fill=ek.Line())``.

    Returns
    -------
    Separation
        Its parts add up to the recording.

    Raises
    ------
    ParameterError
        If the pulses are no `Pulses`, but an array of their times.
    NoPulsesError
        If there are no pulses.
    TimingError
        If pulses lie outside the recording, or the method cannot work with so few.
    UnknownNameError
        If there is no such method; the nearest name is offered.

    Warns
    -----
    EmgkitWarning
        If a channel is too large or too small for EMG, as when µV are given for V or scaled twice; or if its responses
        or its voluntary EMG are larger than any over the skin, as when it is 100 times too large.
    """
    _check_times(recording, pulses)
    pulses, twins = without_twins(pulses)
    recording, triggers = _without_triggers(recording)
    warned = warn_if_no_emg(recording.signal, recording.fs, recording.channel_names)
    marked = mark_held(mark_saturation(recording))
    chosen, why = _method(pulses, method)
    pulses, said = repaired(recording, pulses, chosen)
    beside = look_beside(marked.signal, marked.fs, pulses.shift(-marked.start), put_in=chosen.name == "phase_spline")
    pulses = beside.pulses.shift(marked.start) if beside.said else pulses
    labels = said_of_stimulators(marked.signal, marked.fs, pulses.shift(-marked.start))
    with threadpool_limits(limits=1, user_api="blas"):  # the same bytes, however many threads there are
        try:
            parts = chosen.separate(_measured(marked, pulses), marked.fs, pulses.shift(-marked.start))
        except EmgkitError as refusal:
            if method != "auto" or not isinstance(chosen, (TailFit, PhaseSpline)):
                if labels:
                    raise TimingError(labels[0]) from refusal
                raise
            labels = said_of_stimulators(marked.signal, marked.fs, pulses.shift(-marked.start), refused=True)
            chosen, why = choose_instead(pulses, chosen, str(refusal))
            parts = chosen.separate(_measured(marked, pulses), marked.fs, pulses.shift(-marked.start))
    _check_parts(parts, chosen, marked)
    overload, clipped = find_overload(marked, pulses), find_clipped_responses(marked, pulses)
    said_more = (
        *_overloaded(said_of_overload(marked.channel_names, overload), MORE_ROOM),
        *_overloaded(said_of_clipped_responses(marked.channel_names, clipped), LESS_GAIN),
        *_unknown_current(pulses, chosen),
        *_unknown_polarity(marked, pulses, chosen),
        *labels,
        *beside.said,
        *twins,
        *triggers,
    )
    marked = mark_clipped_responses(mark_overload(marked, pulses, overload), clipped)
    parts = replace(parts, messages=(*parts.messages, *said_more))
    own_judge = partial(judge, clipped=clipped_reasons(clipped))
    if beside.left.size:
        own_judge = partial(own_judge, left=beside.left, elsewhere=beside.elsewhere)
    made = Separation(marked, pulses, chosen, parts, why + said, marked.history, _givers(), own_judge)
    if not warned:
        warn_if_too_large(made)
    if not beside.left.size:
        return made
    more = said_of_left(beside, marked.signal, output_of(made).signal, marked.fs)
    return replace(made, parts=replace(parts, messages=(*parts.messages, *more)))


def remove_artifact(recording: Recording, pulses: Pulses, method: str | ArtifactMethod = "auto") -> Recording:
    """Take artifact and interference away; M-waves and voluntary EMG stay.

    Parameters
    ----------
    recording : Recording
        EMG under stimulation, as measured.
    pulses : Pulses
        Leading edges of the stimuli, s since the file's first sample.
    method : str or object, default "auto"
        As in `separate`.

    Returns
    -------
    Recording
        The part ``clean`` = evoked + voluntary.

    Raises
    ------
    PartError
        If the method cannot give ``clean``; the message names the methods that can.
    """
    return separate(recording, pulses, method).clean


def _without_triggers(recording: Recording) -> tuple[Recording, tuple[str, ...]]:
    """Make all samples of triggers missing, and say so."""
    found = trigger_rows(recording.signal, recording.fs)
    if not found.any():
        return recording, ()
    names = ", ".join(name for name, one in zip(recording.channel_names, found, strict=True) if one)
    signal = np.where(found[:, np.newaxis], np.nan, recording.signal)
    said = f"{names}: this is a trigger, no EMG, and was left out. Give it as an auxiliary trace."
    return recording.with_signal(signal, valid=recording.valid & ~found[:, np.newaxis]), (said,)


def _unknown_current(pulses: Pulses, method: ArtifactMethod) -> tuple[str, ...]:
    """Say that a current that is known of some pulses only was of no use."""
    missing = 0 if pulses.current is None else int(np.isnan(pulses.current).sum())
    if not 0 < missing < len(pulses) or method.name != "phase_spline":
        return ()
    return (f"The current of {missing} of {len(pulses)} pulses is not known, so that none of it was used.",)


def _unknown_polarity(recording: Recording, pulses: Pulses, method: ArtifactMethod) -> tuple[str, ...]:
    """Say that a method that takes away what pulses have in common knows nothing of their polarity."""
    if "locked" not in method.gives:
        return ()
    living = living_channels(recording.signal)[:LOOKED_AT]
    if not living.size:
        return ()
    polarity = find_polarity(np.nan_to_num(recording.signal[living]), recording.fs, pulses.shift(-recording.start))
    if polarity is None:
        return ()
    fewer = int(min((polarity < 0).sum(), (polarity > 0).sum()))
    return (
        f"{fewer} of {len(pulses)} pulses are of the other polarity, of which {method.name} knows nothing: artifacts "
        "stay in the voluntary EMG. Use phase_spline.",
    )


def _overloaded(said: str, advice: str) -> tuple[str, ...]:
    """Say what to do about a first stage that clips."""
    return (f"{said} These samples are marked as lost. {advice}",) if said else ()


def _measured(recording: Recording, pulses: Pulses) -> NDArray[np.float64]:
    """Give the signal with what was held instead of measured missing: methods know how to do without.

    What hardware holds at every pulse stays as it is, so that it becomes part of the artifact: with nothing known of
    a stretch after any pulse, a response is joined across it by guess, which costs up to 12 dB beyond it.
    """
    held = held_samples(recording)
    if not held.any():
        return recording.signal
    at = np.minimum(np.ceil((pulses.onsets - recording.start) * recording.fs), recording.n_samples - 1).astype(int)
    lost = held & (held[:, at].mean(axis=1, keepdims=True) < BLANKED)
    return np.where(lost, np.nan, recording.signal)


def _check_times(recording: Recording, pulses: Pulses) -> None:
    if not isinstance(pulses, Pulses):
        raise ParameterError(f"pulses must be ek.Pulses(onsets), onsets in s, got {type(pulses).__name__}.")
    if not len(pulses):
        raise NoPulsesError("There are no pulses to separate by: detect or give them, or measure without separation.")
    outside = (pulses.onsets < recording.start) | (pulses.onsets >= recording.stop)
    if outside.any():
        first = pulses.onsets[outside][0]
        raise TimingError(
            f"{int(outside.sum())} of {len(pulses)} pulses lie outside the recording ({recording.start:g} ... "
            f"{recording.stop:g} s), the first at {first:g} s: crop the pulses, or check their time origin."
        )


def _method(pulses: Pulses, method: str | ArtifactMethod) -> tuple[ArtifactMethod, str]:
    if isinstance(method, str):
        if method == "auto":
            return choose(pulses)
        method = plugins.load("emgkit.artifact", method)()
    if isinstance(method, type) or not isinstance(method, ArtifactMethod):
        raise ParameterError(f"method must be a name or a method object such as ek.PhaseSpline(), got {method!r}.")
    return method, "asked for"


def _check_parts(parts: Any, method: ArtifactMethod, recording: Recording) -> None:
    if not isinstance(parts, Parts):
        raise ParameterError(f"Method {method.name} must give Parts, got {type(parts).__name__}.")
    arrays: dict[str, Any] = {name: part for name, part in parts.components.items() if isinstance(part, np.ndarray)}
    if parts.lost is not None:
        arrays["lost"] = parts.lost
    for name, array in arrays.items():
        if array.shape != recording.signal.shape:
            raise ShapeError(
                f"Method {method.name} gave {name!r} of shape {array.shape}, not {recording.signal.shape}."
            )
        if array.dtype != bool and not np.isfinite(array).all():
            raise ParameterError(f"Method {method.name} gave {name!r} with samples that are not finite.")


def _givers() -> dict[str, tuple[str, ...]]:
    known = plugins.names("emgkit.artifact")
    gives = {name: plugins.load("emgkit.artifact", name).gives for name in known}
    return {part: tuple(name for name in known if part in gives[name]) for part in PART_NAMES}
