"""The stimulation artifact of a session in every channel: rendered from closed forms at the true pulse times."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit.simulate.first_stage import INPUT_POLE
from emgkit.simulate.front_end import FINE, FrontEnd
from emgkit.simulate.stimulator import Schedule, Stimulator
from emgkit.simulate.stimulus import voltage
from emgkit.simulate.templates import Templates

Array = NDArray[np.floating[Any]]

FINEST = 10 * FINE  # Hz
LONGEST_TAU = 2.0  # s, of a tail
SETTLED = 0.05  # s, after which the tails are smooth enough for the rate FINE
MECHANICAL = (12.0, 0.04, 0.006)  # Hz, decay s, delay s of the movement of the electrodes after a pulse; unverified
SHIFT_TIME = 1.0  # s, in which the offset of a train builds up; unverified


@dataclass(frozen=True, eq=False)
class Leak:
    """Artifact of one stimulator: waveforms and how large each is at every pulse in every channel.

    Parameters
    ----------
    near, far : Templates
        Voltage per A: the first 50 ms on a fine grid, and all that follows on a coarser one; waveforms are the
        "units" (electrode, slower tail, movement), behind the filters.
    analog : Templates
        The same before any filter but that of the input, undivided.
    sizes : (waveforms, channels, pulses)
    onsets : (pulses,) s
    shift : (channels, samples), offset of the trains at the input, V
    shifted : the same behind the filters
    """

    near: Templates
    far: Templates | None
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
    analog, near, far = _waveforms(stimulator, front_end)
    shift = _shift(stimulator, schedule, channels, count, front_end.fs)
    return Leak(
        near,
        far,
        analog,
        _sizes(stimulator, schedule, channels, count / front_end.fs, rng),
        schedule.onsets,
        shift,
        front_end.high(shift),
    )


def _waveforms(stimulator: Stimulator, front_end: FrontEnd) -> tuple[Templates, Templates, Templates | None]:
    from scipy.signal import butter, sosfilt

    contact, electrode = stimulator.contact, stimulator.contact.electrode
    memory = max(electrode.memory, 0.25 if contact.mechanical else 0.0) + front_end.settling
    time = np.arange(int(memory * FINEST)) / FINEST
    slower = replace(electrode, taus=tuple(min(2.5 * tau, LONGEST_TAU) for tau in electrode.taus))
    main, other = voltage(time, stimulator.pulse, electrode), voltage(time, stimulator.pulse, slower)
    waves = np.stack([main, other - main, _movement(time)])
    entering = sosfilt(butter(1, INPUT_POLE, fs=FINEST, output="sos"), waves, axis=-1)
    behind = sosfilt(front_end.sections(FINEST), waves, axis=-1)
    ratio, split = round(FINEST / FINE), round(SETTLED * FINEST)
    far = None
    if behind.shape[1] > 2 * split:
        far = Templates(behind[:, np.newaxis, split::ratio], FINE)
        behind = behind[:, : split + 1]
    return Templates(entering[:, np.newaxis], FINEST), Templates(behind[:, np.newaxis], FINEST), far


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
    electric = schedule.current * (slow + fast)
    second = contact.second_rank * rng.standard_normal(channels) * np.abs(gains).mean()
    moved = contact.mechanical * rng.uniform(0.5, 1.0, channels)
    relative = schedule.current / stimulator.current
    return np.stack(
        [np.outer(mixing @ gains, electric), np.outer(second, schedule.current * other), np.outer(moved, relative)]
    )


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
