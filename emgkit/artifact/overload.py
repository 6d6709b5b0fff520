"""Find a first stage that is at its limit after every pulse, where a high-pass behind it leaves no flat top."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt
from emgkit.artifact.base import first_samples
from emgkit.artifact.passing import BEFORE, PassingFrames, gain_after_pulse, passing_frames, power_after_pulse
from emgkit.pulses import Pulses
from emgkit.recording import Recording
from emgkit.step import Step

__all__ = [
    "Overload",
    "find_overload",
    "listed",
    "mark_overload",
    "marked_samples",
    "said_of_overload",
]

Array = NDArray[np.float64]
Indices = NDArray[np.int64]
Mask = NDArray[np.bool_]

STEP_NAME = "mark_overload"
SURE, LIKELY = 7.0, 3.0  # standard errors by which EMG is missing: in one bin or all together, and in each of them
PASSES, WHOLE = 0.75, 0.85  # of its amplitude: below the first EMG is missing, above the second it is all there
AT_PULSE = 0.001  # s after the pulse by which it must be missing, or two bins: nothing in the muscle is as fast
UNEVEN = 3.0  # power of what varies, most over that just before the pulse: up to 3 for EMG, 3 to 190 for responses
LATE = 2.0  # power of what varies just before the pulse, over the usual: up to 1.3 for EMG, more where it came earlier
COMPARED, EARLIER = 4, 4  # bins before the pulse with which those after it are compared
QUIET = 1 / 3  # of the pulses, those with the least EMG: silent muscles leave their noise
STEADY = 0.005  # s, over which that power is averaged
SLOWEST = 1800.0  # Hz, of sampling: in two longer bins EMG that comes in step with the pulses can change as much
BEYOND = 0.5  # of the amplitude, that passes in excess: what the pulses add is then by chance like the EMG before them
SMEAR = 1  # samples around, into which filters smear what is missing
NAMED = 6  # channels that a message names


@dataclass(frozen=True)
class Overload:
    """That EMG does not pass after the pulses of a stimulator in a channel.

    Parameters
    ----------
    channel, stimulator : int
        Where, and after whose pulses.
    begin, stop : int
        Samples that are marked, from the first one at or after the pulse.
    until : float
        Time after the pulse until which EMG is missing, s.
    passes : float
        Share of the amplitude that passes where it is least, 0 ... 1.
    """

    channel: int
    stimulator: int
    begin: int
    stop: int
    until: float
    passes: float


def find_overload(recording: Recording, pulses: Pulses) -> tuple[Overload, ...]:
    """Find where EMG does not pass the amplifier after each pulse.

    Parameters
    ----------
    recording : Recording
        Rails and held samples marked: they are none of this.
    pulses : Pulses
        Within it.

    Returns
    -------
    tuple of Overload
        One for every channel and stimulator; empty where everything passes or nothing can be told.

    Notes
    -----
    A first stage at its rail passes nothing, and what it gives meanwhile looks like any artifact once it has gone
    through a high-pass. The EMG that is missing shows it: EMG before a pulse predicts that of the next milliseconds
    (`gain_after_pulse`), and after the pulse it does not come. A muscle that falls silent does so after its M-wave
    has begun; the stage is at its rail from the pulse on. EMG must be missing by seven standard errors and a quarter
    of its amplitude within 1 ms after the pulse, of what the same comparison finds 4 bins (1.6 to 4 ms) earlier.

    Nothing is told where pulses follow each other within some 25 ms, or where responses to the pulses before vary more
    than the EMG: what varies before the pulse must not have been larger earlier, nor just before the pulse, where times
    that are given late let the artifact begin. Nor is it at rest, where nothing can be predicted, nor below 1800 Hz of
    sampling, nor where more than all seems to pass.

    Where it is missing for all of the bins that can be predicted (2.4 to 6 ms), it is followed by its power, also in
    the third of the pulses with the least EMG: a muscle at rest leaves the noise of the electrodes, an amplifier
    that recovers does not.
    """
    origin, found = pulses.onsets - recording.start, list[Overload]()
    if recording.fs < SLOWEST:
        return ()
    for stimulator in np.unique(pulses.stimulator):
        onsets = origin[pulses.stimulator == stimulator]
        for channel, (row, valid) in enumerate(zip(recording.signal, recording.valid, strict=True)):
            frames = passing_frames(row, valid, recording.fs, onsets, origin)
            missing = None if frames is None else _missing(frames, recording.fs)
            if frames is not None and missing is not None:
                last, passes = missing
                stop, until = last * frames.size + SMEAR, last * frames.size / recording.fs
                found.append(Overload(channel, int(stimulator), -SMEAR, stop, until, passes))
    return tuple(found)


def mark_overload(recording: Recording, pulses: Pulses, found: Sequence[Overload]) -> Recording:
    """Mark the samples at which EMG did not pass.

    Parameters
    ----------
    recording : Recording
        As it was given to `find_overload`.
    pulses : Pulses
        The same.
    found : sequence of Overload
        What it gave.

    Returns
    -------
    Recording
        The same signal; `valid` is False there. The same object where nothing was found.
    """
    if not found:
        return recording
    first = first_samples(pulses.onsets - recording.start, recording.fs)
    places = [first[pulses.stimulator == one.stimulator, np.newaxis] + np.arange(one.begin, one.stop) for one in found]
    return marked_samples(recording, zip([one.channel for one in found], places, strict=True))


def marked_samples(recording: Recording, places: Iterable[tuple[int, Indices]]) -> Recording:
    """Mark samples of channels at which a first stage was at its limit; those beyond the recording are left out."""
    marked = np.zeros(recording.signal.shape, dtype=bool)
    for channel, samples in places:
        marked[channel, samples[(samples >= 0) & (samples < recording.n_samples)]] = True
    counts = dict(zip(recording.channel_names, marked.sum(axis=1).tolist(), strict=True))
    step = Step(STEP_NAME, {"overloaded_samples": counts})
    return recording.with_signal(adopt(recording.signal), valid=adopt(recording.valid & ~marked), step=step)


def listed(where: Sequence[str]) -> str:
    """Name a few channels, and how many more there are."""
    more = f" and {len(where) - NAMED} more" if len(where) > NAMED else ""
    return f"{', '.join(where[:NAMED])}{more}"


def said_of_overload(names: Sequence[str], found: Sequence[Overload]) -> str:
    """Say where EMG does not pass and until when, for all channels in one sentence; "" where nothing was found."""
    latest = {one.channel: max(other.until for other in found if other.channel == one.channel) for one in found}
    where = [f"{names[channel]} (until {1e3 * until:.1f} ms)" for channel, until in latest.items()]
    if not where:
        return ""
    return (
        f"EMG does not pass whole after each pulse in {listed(where)}: the amplifier's first stage is "
        "at its limit or comes back from it, ahead of a high-pass, which leaves no flat top."
    )


def _missing(frames: PassingFrames, fs: float) -> tuple[int, float] | None:
    """Bins after the pulse until which EMG is missing, and the least share that passes; None where it is not."""
    each = (frames.values[:, : frames.start] ** 2).mean(axis=0)
    power = np.convolve(each, np.ones(3) / 3, "valid")
    if power.max() > UNEVEN * power[-BEFORE:].mean() or each[-2:].max() > LATE * np.median(each):
        return None
    before, _ = gain_after_pulse(frames, EARLIER, COMPARED)
    gain, covariance = gain_after_pulse(frames)
    usual = np.minimum.accumulate(np.minimum(before, 1.0))[np.minimum(np.arange(gain.size), COMPARED - 1)]
    loss, error = usual - gain, np.sqrt(np.diag(covariance))
    if ((gain > usual + BEYOND) & (loss < -LIKELY * error)).any():
        return None
    low = (gain < WHOLE * usual) & (loss > LIKELY * error)
    begin = int(np.argmax(low))
    at_pulse = max(2, int(np.ceil(AT_PULSE * fs / frames.size)))
    if not low[begin] or begin >= at_pulse or usual[begin] < WHOLE:
        return None
    stop = begin + int(np.argmin(np.append(low[begin:], False)))
    run = slice(begin, stop)
    together = loss[run].sum() / np.sqrt(covariance[run, run].sum())
    if max(together, (loss / error)[run].max()) < SURE or not (gain < PASSES * usual)[begin:at_pulse].any():
        return None
    least = float(np.clip(gain[run].min(), 0.0, 1.0))
    return (stop if stop < gain.size else _returned(frames, stop, fs)), least


def _returned(frames: PassingFrames, begin: int, fs: float) -> int:
    """First bin from ``begin`` on from which the power has come back."""
    low = np.ones(frames.values.shape[1] - frames.start - begin, dtype=bool)
    for share in (1.0, QUIET):
        ratio, error = power_after_pulse(frames, begin, share, 1 + 2 * round(STEADY * fs / frames.size / 2))
        low &= ratio + error < WHOLE**2
    return begin + int(np.argmin(np.append(low, False)))
