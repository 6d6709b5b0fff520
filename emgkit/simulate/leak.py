"""The stimulation artifact of a session in every channel: rendered from closed forms at the true pulse times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.first_stage import INPUT_POLE
from emgkit.simulate.front_end import FINE, FrontEnd
from emgkit.simulate.high_pass import HighPass
from emgkit.simulate.schedule import Schedule
from emgkit.simulate.stimulator import Stimulator
from emgkit.simulate.stimulus import mean_voltage
from emgkit.simulate.templates import Templates

Array = NDArray[np.floating[Any]]

FINEST = 10 * FINE  # Hz; numerical
LONGEST_TAU = 2.0  # s, of a tail; numerical
SLOWER = 2.5  # times the time constants: the tail of the second waveform; unverified
SETTLED = 0.05  # s, after which the tails are smooth enough for the rate FINE; numerical
MECHANICAL = (12.0, 0.04, 0.006)  # Hz, decay s, delay s of the movement of the electrodes after a pulse; unverified
MOVED = 0.5  # s, after which that movement is over; numerical
TAPER = 0.2  # of a tail's length, over which it ends smoothly; numerical
SHIFT_TIME = 1.0  # s, in which the offset of a train builds up; unverified


@dataclass(frozen=True, eq=False)
class Leak:
    """Artifact of one stimulator: waveforms and how large each is at every pulse in every channel.

    Parameters
    ----------
    near, far : Templates
        Voltage per A: the first 50 ms on a fine grid, and all that follows on a coarser one; waveforms are the
        "units" (electrode, slower tail, movement), behind the filter of the input and the filters of the amplifier.
    left : (waveforms,)
        What of the high-pass is left when they end: it decays from there.
    high_pass : HighPass or None
    analog : Templates
        The same before any filter but that of the input, undivided and without what the filters leave.
    sizes : (waveforms, channels, pulses)
    onsets : (pulses,) s
    shift : (channels, samples), offset of the trains at the input, V
    shifted : the same behind the filters
    """

    near: Templates
    far: Templates | None
    left: Array
    high_pass: HighPass | None
    analog: Templates
    sizes: Array
    onsets: Array
    shift: Array
    shifted: Array

    def render(self, fs: float, count: int) -> Array:
        """Render behind the filters, V, (channels, samples)."""
        out = _render(self.near, self.onsets, self.sizes, fs, count)
        if self.far is not None:
            out += _render(self.far, self.onsets + SETTLED, self.sizes, fs, count)
        if self.high_pass is not None:
            ends = self.near.duration if self.far is None else SETTLED + self.far.duration
            level = np.einsum("w,wcp->cp", self.left, self.sizes)
            out += self.high_pass.tail(self.onsets + ends, level, fs, count)
        return out + self.shifted

    def entering(self, channel: int, begin: float, fs: float, count: int) -> Array:
        """Render what one channel's input sees from ``begin`` s on, before any filter, V, (samples,)."""
        late = self.onsets > begin - self.analog.duration
        near = late & (self.onsets < begin + count / fs)
        sizes = self.sizes[:, channel : channel + 1, near]
        return _render(self.analog, self.onsets[near] - begin, sizes, fs, count)[0]


def _render(table: Templates, onsets: Array, sizes: Array, fs: float, count: int) -> Array:
    waveforms, channels, pulses = sizes.shape
    out = np.zeros((channels, count))
    ones, index = np.ones(pulses), np.zeros(pulses, dtype=np.int64)
    for number in range(waveforms):
        if not sizes[number].any():
            continue
        one = Templates(table.values[number : number + 1], table.fs)
        for channel in range(channels):
            out[channel] += one.render(onsets, index, ones, sizes[number, channel], fs, count)[0]
    return out


def make_leak(
    stimulator: Stimulator,
    schedule: Schedule,
    channels: int,
    count: int,
    front_end: FrontEnd,
    *,
    rng: np.random.Generator,
) -> Leak:
    """Prepare the artifact of one stimulator in ``channels`` channels and ``count`` samples."""
    shift = _shift(stimulator, schedule, channels, count, front_end.fs)
    return Leak(
        *_waveforms(stimulator, front_end),
        sizes=_sizes(stimulator, schedule, channels, count / front_end.fs, rng),
        onsets=schedule.onsets,
        shift=shift,
        shifted=front_end.high(shift),
    )


def _waveforms(
    stimulator: Stimulator, front_end: FrontEnd
) -> tuple[Templates, Templates | None, Array, HighPass | None, Templates]:
    from scipy.signal import butter, sosfilt

    ratio, split = round(FINEST / FINE), round(SETTLED * FINEST)
    waves = _voltages(stimulator, front_end.low_settling, ratio)
    entering = sosfilt(butter(1, INPUT_POLE, fs=FINEST, output="sos"), waves, axis=-1)
    behind = sosfilt(front_end.low_sections(FINEST), entering, axis=-1)
    left, high = np.zeros(len(waves)), front_end.modes
    if high is not None:
        behind, after = high.through(behind, FINEST)
        left = after[:, 0]
    far = None
    if behind.shape[1] > 2 * split:
        far = Templates(behind[:, np.newaxis, split::ratio], FINE)
        behind = behind[:, : split + 1]
    return Templates(behind[:, np.newaxis], FINEST), far, left, high, Templates(entering[:, np.newaxis], FINEST)


def _voltages(stimulator: Stimulator, settling: float, ratio: int) -> Array:
    """Voltages per A at FINEST until they and the filters behind them are at rest, (waveforms, samples).

    Electrode, what a slower electrode has more, and movement. No tail is longer than `Electrode.memory`: it ends
    smoothly in its last fifth, so that there is no step where it is cut.
    """
    contact, pulse, electrode = stimulator.contact, stimulator.pulse, stimulator.contact.electrode
    slower = replace(electrode, taus=tuple(min(SLOWER * tau, LONGEST_TAU) for tau in electrode.taus))
    memory = max(electrode.memory, slower.memory if contact.second_rank else 0.0, MOVED if contact.mechanical else 0.0)
    count = int((pulse.duration + memory + settling) * FINEST)
    time = np.arange(count - count % ratio + ratio + 1) / FINEST
    main, other = (mean_voltage(time, 1 / FINEST, pulse, one) for one in (electrode, slower))
    through = np.clip((pulse.duration + memory - time) / (TAPER * memory), 0.0, 1.0)
    return np.stack([main, other - main, _movement(time)]) * (0.5 - 0.5 * np.cos(np.pi * through))


def _movement(time: Array) -> Array:
    frequency, decay, delay = MECHANICAL
    since = np.maximum(time - delay, 0.0)
    return np.asarray(np.sin(2 * np.pi * frequency * since) * np.exp(-since / decay))


def _sizes(
    stimulator: Stimulator, schedule: Schedule, channels: int, duration: float, rng: np.random.Generator
) -> Array:
    contact, onsets = stimulator.contact, schedule.onsets
    gains = np.resize(np.array(contact.gains, dtype=float), channels)
    mixing = np.eye(channels) + contact.crosstalk * rng.standard_normal((channels, channels))
    turn = 2 * np.pi * onsets / max(duration, 1e-9)
    slow = 1 + contact.gain_drift * np.sin(turn + 2 * np.pi * rng.uniform())
    fast = contact.gain_noise * rng.standard_normal(onsets.size)
    other = 1 + 3 * contact.gain_drift * np.sin(1.7 * turn + 2 * np.pi * rng.uniform())
    signed = schedule.current * np.resize(np.array(stimulator.polarities, dtype=float), onsets.size)
    electric = signed * (slow + fast)
    second = contact.second_rank * rng.standard_normal(channels) * np.abs(gains).mean()
    moved = contact.mechanical * rng.uniform(0.5, 1.0, channels)
    relative = schedule.current / stimulator.current
    return np.stack([np.outer(mixing @ gains, electric), np.outer(second, signed * other), np.outer(moved, relative)])


def _shift(stimulator: Stimulator, schedule: Schedule, channels: int, count: int, fs: float) -> Array:
    contact = stimulator.contact
    out = np.zeros((channels, count))
    if not contact.dc_shift:
        return out
    from scipy.signal import lfilter

    stimulated = np.zeros(count)
    for train in np.unique(schedule.train):
        own = schedule.onsets[schedule.train == train]
        stimulated[int(own[0] * fs) : int(own[-1] * fs) + 1] = 1.0
    share = 1 / (SHIFT_TIME * fs)
    rise = lfilter([share], [1, share - 1], stimulated)
    return out + contact.dc_shift * np.resize(np.array(contact.gains, dtype=float), channels)[:, np.newaxis] * rise
