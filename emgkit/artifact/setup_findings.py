"""The questions of `check_setup`, one function each: what is seen, how bad it is, and what to change."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.clipped_response import said_of_clipped_responses
from emgkit.artifact.overload import said_of_overload
from emgkit.artifact.setup_finding import GRADES, Finding
from emgkit.artifact.setup_look import EARLIEST, SetupLook
from emgkit.artifact.setup_timing import timing

__all__ = ["FINDINGS", "GRADES", "Finding"]

Array = NDArray[np.float64]
OFTEN, BLANKED = 0.2, 0.5  # of the pulses
TAIL, LARGE_TAIL = 0.2, 1.0  # of the response
NEAR_LINE, HARMONICS = 0.25, 10  # Hz; PhaseSpline cannot tell nearer lines apart
WEAK, DEAF = 10e-6, 30e-6  # V RMS; unverified: below 10 µV is light effort, 30 µV a fifth of the maximum
ENOUGH = 60  # pulses
RATE, LOWEST_RATE = 2000.0, 1000.0  # Hz


def _rails(look: SetupLook) -> Finding:
    last = _last(look, look.share_after_pulse(look.rails) >= OFTEN)
    total = 100 * look.rails.mean(axis=1)
    names = look.recording.channel_names
    seen = f"{said_of_overload(names, look.overload)} {said_of_clipped_responses(names, look.clipped)}".strip()
    if look.rails.any():
        until = f", until {1e3 * np.nanmax(last):.1f} ms after the pulse" if np.isfinite(last).any() else ""
        seen = f"{_names(look, total > 0)}: up to {total.max():.2g} % of the samples are clipped{until}. {seen}".strip()
    elif not seen:
        return Finding("rails", "good", "No sample lies at a limit of amplifier or converter.")
    latest = max([0.0, *(one.until for one in look.overload), *(one.until for one in look.clipped)])
    grade = "bad" if np.nanmax(np.append(last, latest)) > EARLIEST else "care"
    advice = (
        "Lower the gain or widen the input range; move the recording electrodes away from the stimulating ones and "
        "across the line between them; put the reference between both. What comes 5 to 50 ms after clipping may be "
        "the amplifier's recovery."
    )
    return Finding("rails", grade, seen, advice)


def _blanking(look: SetupLook) -> Finding:
    held = (look.share_after_pulse(look.held) >= BLANKED) & (
        look.times < look.interval / 2
    )  # later it is the next one's
    last = _last(look, held)
    if look.pulses.time_source == "artifact":  # the pulse was hidden: what is found is the end of the blanking
        last = np.where(held.any(axis=1), (held.sum(axis=1) - 1) / look.recording.fs, np.nan)
    if not np.isfinite(last).any():
        return Finding("blanking", "good", "The amplifier is not blanked during the pulses.")
    until = float(np.nanmax(last)) + 1 / look.recording.fs
    seen = f"{_names(look, np.isfinite(last))}: the amplifier is blanked until {1e3 * until:.1f} ms after the pulse."
    if until > EARLIEST:
        return Finding("blanking", "bad", seen, "Blank for 2 ms at most: M-waves begin 2 to 5 ms after the pulse.")
    return Finding("blanking", "good", seen)


def _losses(look: SetupLook) -> Finding:
    if (dead := np.ptp(np.nan_to_num(look.recording.signal), axis=1) == 0).any():
        return Finding("losses", "bad", f"{_names(look, dead)}: no signal at all.", "Check electrodes and cables.")
    blanked = look.share_after_pulse(look.held) >= BLANKED
    at_pulse = np.zeros(look.held.shape, dtype=bool)
    for channel, times in enumerate(blanked):
        at_pulse[channel, look.places[:, times].ravel()] = True
    share = 100 * ((look.held & ~at_pulse) | ~np.isfinite(look.recording.signal)).mean(axis=1)
    if share.max() < 0.01:
        return Finding("losses", "good", "No samples are missing.")
    seen = f"{_names(look, share >= 0.01)}: up to {share.max():.2g} % of the samples are missing."
    advice = "Bring the receiver nearer to the electrodes, and keep other radio devices away."
    return Finding("losses", "bad" if share.max() > 5 else "care", seen, advice)


def _tail(look: SetupLook) -> Finding:
    place = int(np.argmin(np.abs(look.times - EARLIEST)))
    there = look.size > 0
    if not there.any():
        advice = "For M-waves raise the current, or move the stimulating electrode over the nerve or motor point."
        return Finding("tail", "care", "No evoked response stands out after the pulses.", advice)
    if not np.isfinite(look.over):
        seen = "Responses run into the next pulse: how far the artifact's tail reaches under them cannot be seen."
        return Finding("tail", "care", seen, "Record single pulses.")
    level = np.abs(look.mean[:, place])
    ratio = np.where(there & (level > 5 * look.error), level / np.where(there, look.size, 1.0), 0.0)
    worst = float(ratio.max())
    if worst < TAIL:
        seen = f"{1e3 * EARLIEST:.0f} ms after the pulse the artifact is below {100 * TAIL:.0f} % of the response."
        return Finding("tail", "good", seen)
    seen = (
        f"{_names(look, ratio >= TAIL)}: {1e3 * EARLIEST:.0f} ms after the pulse, when M-waves begin, the signal is "
        f"still at {100 * worst:.0f} % of the response: the artifact's tail runs under the M-wave."
    )
    advice = (
        "Use biphasic pulses; prepare the skin and use larger stimulating electrodes; move the recording electrodes "
        "away from them; ground the limb between both; lower the amplifier's high-pass to 5 Hz or less."
    )
    return Finding("tail", "bad" if worst >= LARGE_TAIL else "care", seen, advice)


def _overlap(look: SetupLook) -> Finding:
    if np.isfinite(look.over):
        seen = (
            f"Responses are over {1e3 * look.over:.0f} ms after the pulse."
            if look.over > 0
            else "No responses overlap."
        )
        return Finding("overlap", "good", seen)
    seen = f"At {1 / look.interval:.3g} Hz the next pulse comes before the response to the last one is over."
    advice = "Lower the rate below 30 Hz, or record single pulses beside the trains: they show the whole response."
    return Finding("overlap", "care", seen, advice)


def _mains(look: SetupLook) -> Finding:
    if look.interval > 1.0 or len(look.pulses) < 10:
        return Finding("mains", "good", "Single pulses: mains cannot pass for a response.")
    rate = look.pulses.clock.rate if look.pulses.clock is not None else 1 / look.interval
    locked = [(line, order) for line in look.mains for order in _orders(rate, line)]
    if not locked:
        wanted = " or ".join(f"{line:g}" for line in look.mains)
        return Finding("mains", "good", f"No harmonic of {rate:.3f} Hz lies on {wanted} Hz mains.")
    lines = sorted({line for line, _ in locked})
    listed = ", ".join(f"harmonic {min(n for line, n in locked if line == one)} on {one:g} Hz mains" for one in lines)
    seen = f"{rate:.3f} Hz stimulation: {listed} or its harmonics."
    advice = (
        f"Where mains is {' or '.join(f'{line:g}' for line in lines)} Hz, it passes for an evoked response: "
        f"stimulate at {_free_rate(rate, lines):.1f} Hz instead."
    )
    return Finding("mains", "care", seen, advice)


def _orders(rate: float, line: float, near: float = NEAR_LINE) -> list[int]:
    """Harmonics of the stimulation that lie on one of the first five of the mains."""
    orders = np.arange(1, HARMONICS + 1)
    off = np.abs(orders[:, np.newaxis] * rate - line * np.arange(1, 6))
    return [int(order) for order in orders[(off < near).any(axis=1)]]


def _free_rate(rate: float, lines: Iterable[float]) -> float:
    """Nearest rate in steps of 0.1 Hz none of whose harmonics lies on the mains."""
    steps = np.round(0.1 * np.arange(1, 60), 1)
    for step in np.stack([-steps, steps], axis=1).ravel():
        other = round(rate, 1) + float(step)
        if other > 0.5 and not any(_orders(other, line, 2 * NEAR_LINE) for line in lines):
            return other
    return rate


def _pulses(look: SetupLook) -> Finding:
    count = len(look.pulses)
    if count >= ENOUGH:
        return Finding(
            "pulses", "good", f"{count} pulses: averaging allows an SNR of {10 * np.log10(count):.0f} dB at most."
        )
    seen = f"Only {count} pulses: averaging allows an SNR of {10 * np.log10(count):.0f} dB at most."
    return Finding(
        "pulses", "care", seen, f"Record at least {ENOUGH} pulses for a verdict: about a minute of the protocol."
    )


def _level(look: SetupLook) -> Finding:
    smallest = look.smallest
    if not np.isfinite(smallest).any():
        return Finding(
            "level", "care", "The recording is too short to tell which effort could be seen.", "Record a minute."
        )
    worst, floor = float(np.nanmax(smallest)), float(np.nanmax(look.floor))
    channel = look.recording.channel_names[int(np.nanargmax(smallest))]
    seen = (
        f"{channel}: under stimulation {1e6 * floor:.1f} µV RMS remain at rest; voluntary EMG of {1e6 * worst:.1f} µV "
        "RMS and more can be seen within a second."
    )
    if worst < WEAK:
        return Finding("level", "good", seen)
    if look.is_effort[int(np.nanargmax(smallest))]:
        advice = (
            "What remains has the spectrum of EMG. If the person was not at rest, repeat the test at rest; if they "
            "were, it is the response's variation from pulse to pulse: stimulate so that the M-wave is at its plateau."
        )
        return Finding("level", "care", seen.replace("at rest", "in the stillest seconds"), advice)
    advice = (
        "Keep the person at rest during part of this test. If they were: prepare the skin, shorten the leads, bring "
        "the recording electrodes over the muscle belly, and raise the gain as far as nothing clips."
    )
    return Finding("level", "bad" if worst > DEAF else "care", seen, advice)


def _sampling(look: SetupLook) -> Finding:
    fs = look.recording.fs
    if fs >= RATE - 100:
        return Finding("sampling", "good", f"{fs:g} Hz sampling.")
    seen = f"{fs:g} Hz sampling: the artifact is as short as a sample, and M-wave peaks fall between samples."
    return Finding("sampling", "bad" if fs < LOWEST_RATE - 50 else "care", seen, f"Sample at {RATE:g} Hz or more.")


def _last(look: SetupLook, marked: NDArray[np.bool_]) -> Array:
    """Last time after the pulse that is marked, s, (channels,); NaN for none."""
    after = marked & (look.times >= -0.0005)
    last = marked.shape[1] - 1 - np.argmax(after[:, ::-1], axis=1)
    return np.where(after.any(axis=1), look.times[last], np.nan)


def _names(look: SetupLook, which: NDArray[np.bool_]) -> str:
    names = [name for name, chosen in zip(look.recording.channel_names, which, strict=True) if chosen]
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


FINDINGS: tuple[Callable[[SetupLook], Finding], ...] = (
    _rails,
    _blanking,
    _losses,
    _tail,
    _overlap,
    _mains,
    timing,
    _pulses,
    _level,
    _sampling,
)
