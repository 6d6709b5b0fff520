"""The scenario `nmes_fatigue`: continuous stimulation that fatigues a muscle, with voluntary bursts now and then."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import adopt, in_range, nearest, number, positive
from emgkit.errors import ParameterError
from emgkit.pulses import Pulses
from emgkit.recording import Mark, Recording
from emgkit.simulate import process
from emgkit.simulate.fatigue import FatigueParameters
from emgkit.simulate.front_end import FINE, FrontEnd
from emgkit.simulate.muscle import Activity, Muscle, act, make_muscle, render_evoked, render_voluntary
from emgkit.simulate.noise import draw_mains, draw_noise, noise_spectrum
from emgkit.simulate.pool import PoolParameters
from emgkit.simulate.stimulus import Electrode, PulseShape, voltage
from emgkit.simulate.templates import Templates
from emgkit.simulate.traces import force_trace, trigger_trace
from emgkit.simulate.truth import Simulation, Truth

__all__ = ["NMESFatigue", "nmes_fatigue", "tiny"]

Array = NDArray[np.floating[Any]]

ARTIFACT_LENGTH = 0.06  # s
FEATURE_STEPS = 25  # times at which process values are computed; between them they are smooth
FREQUENCY_STEP = 1.0  # Hz, of the spectra behind the process values
DRIFT_SHARE, DRIFT_TIME = 0.1, 300.0  # thresholds rise by so much with this time constant, s; unverified


@dataclass(frozen=True)
class NMESFatigue:
    """Parameters of `nmes_fatigue`. Times in s, rates in Hz, currents in A, voltages in V.

    Parameters
    ----------
    duration : float
        Length of the recording, s.
    channel_names : tuple of str
        One muscle with a pool of its own per channel.
    rate : float
        Rate that was set on the stimulator, Hz.
    clock_error : float
        Deviation of the stimulator's clock, parts per million.
    jitter : float
        SD of the pulse times, s.
    stimulation : (float, float) or None
        From when to when there are pulses, s; None leaves 2 s at either end without (a tenth in short recordings).
    current : float
        Stimulation current, A; the median threshold is 30 mA at 200 µs, so that 80 mA excite all units within reach.
    bursts : int
        Number of voluntary contractions, spread evenly over the stimulation.
    burst_length : float
        Length of one, s.
    effort : float
        Drive during a burst, 0 ... 1 of full drive.
    conduction : float
        Conduction time between spinal cord and site of stimulation, s: decides what antidromic volleys annihilate.
        The default lets no voluntary spike of a unit that is stimulated at 30 Hz pass.
    m_max : float
        Peak-to-peak size of the response of all units, V.
    mains : float
        Mains frequency, Hz.
    mains_amplitude : float
        Amplitude of its fundamental, V.
    noise : float
        RMS of the white noise, V.
    gain_drift : float
        Relative slow drift of the artifact over the recording.
    gain_noise : float
        Relative SD of the artifact from pulse to pulse.
    pool, fatigue, pulse, electrode, front_end : objects
        Parameters of the parts.
    """

    duration: float = 60.0
    channel_names: tuple[str, ...] = ("VL", "VM")
    rate: float = 30.0
    clock_error: float = -60.0
    jitter: float = 2e-6
    stimulation: tuple[float, float] | None = None
    current: float = 0.080
    bursts: int = 6
    burst_length: float = 4.0
    effort: float = 0.45
    conduction: float = 0.017
    m_max: float = 0.008
    mains: float = 50.02
    mains_amplitude: float = 10e-6
    noise: float = 2e-6
    gain_drift: float = 0.03
    gain_noise: float = 0.002
    pool: PoolParameters = field(default_factory=lambda: PoolParameters(reach=0.6))
    fatigue: FatigueParameters = field(default_factory=FatigueParameters)
    pulse: PulseShape = field(default_factory=lambda: PulseShape(width=200e-6, gap=0.0))
    electrode: Electrode = field(default_factory=lambda: Electrode(0.2, (0.1e-3,), (0.1,)))
    front_end: FrontEnd = field(default_factory=FrontEnd)

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("duration", self.duration, 1.0, 3600.0, "s")
        in_range("rate", self.rate, 0.5, 150.0, "Hz")
        in_range("clock_error", self.clock_error, -20_000, 20_000, "ppm")
        in_range("jitter", self.jitter, 0.0, 1e-3, "s")
        in_range("effort", self.effort, 0.0, 1.0)
        in_range("conduction", self.conduction, 0.0, 0.05, "s")
        in_range("mains", self.mains, 45.0, 65.0, "Hz")
        for name in ("current", "m_max", "burst_length"):
            positive(name, getattr(self, name))
        for name in ("mains_amplitude", "noise", "gain_drift", "gain_noise"):
            in_range(name, getattr(self, name), 0.0, 1.0)
        if isinstance(self.bursts, bool) or not isinstance(self.bursts, int) or self.bursts < 0:
            raise ParameterError(f"bursts must be a whole number of at least 0, got {self.bursts!r}.")
        if self.pulse.duration * self.rate >= 1:
            raise ParameterError(
                f"A pulse of {self.pulse.duration * 1e3:.3g} ms is longer than the interval at rate={self.rate:g} Hz."
            )
        start, stop = self.span
        if not 0 <= start < stop <= self.duration:
            raise ParameterError(
                f"stimulation must lie within 0 ... {self.duration:g} s, got {start:g} ... {stop:g} s."
            )
        if self.bursts * self.burst_length > stop - start:
            raise ParameterError(f"{self.bursts} bursts of {self.burst_length:g} s do not fit into {stop - start:g} s.")

    @property
    def span(self) -> tuple[float, float]:
        """From when to when there are pulses, s."""
        if self.stimulation is None:
            pause = min(2.0, 0.1 * self.duration)
            return pause, self.duration - pause
        return number("stimulation start", self.stimulation[0]), number("stimulation stop", self.stimulation[1])

    def onsets(self, *, rng: np.random.Generator) -> Array:
        """Draw the leading edges, s."""
        start, stop = self.span
        period = 1 / (self.rate * (1 + self.clock_error * 1e-6))
        times = start + period * (rng.uniform() + np.arange(int((stop - start) / period) + 1))
        times = times[times < min(stop, self.duration - 1e-3)]
        return times + self.jitter * rng.standard_normal(times.size)

    def burst_spans(self) -> list[tuple[float, float]]:
        """Voluntary contractions, s; the first and last lie at the ends of the stimulation."""
        start, stop = self.span
        if self.bursts == 0:
            return []
        room = stop - start - self.burst_length - 0.5
        begins = start + 0.25 + np.linspace(0.0, max(room, 0.0), self.bursts)
        return [(float(begin), float(begin + self.burst_length)) for begin in begins]

    def drive(self) -> Array:
        """Drive on a grid of 1 kHz, 0 ... 1: steps with flanks of a quarter second outside the marks."""
        grid = np.arange(int(self.duration * 1000)) / 1000
        out = np.zeros(grid.size)
        for begin, end in self.burst_spans():
            rise = np.clip((grid - begin + 0.25) / 0.25, 0, 1)
            fall = np.clip((end + 0.25 - grid) / 0.25, 0, 1)
            out = np.maximum(out, np.minimum(rise, fall))
        return self.effort * out

    def marks(self) -> tuple[Mark, ...]:
        """Give marks "voluntary" for the bursts and "rest" for the pauses of at least 1 s between them."""
        spans = self.burst_spans()
        voluntary = [Mark("voluntary", *span) for span in spans]
        ends = [self.span[0], *(end + 0.5 for _, end in spans)]
        begins = [*(begin - 0.5 for begin, _ in spans), self.span[1]]
        rest = [Mark("rest", low, high) for low, high in zip(ends, begins, strict=True) if high - low >= 1.0]
        return tuple(voluntary + rest)


def nmes_fatigue(*, rng: np.random.Generator, **overrides: Any) -> Simulation:
    """Simulate a muscle that fatigues under continuous stimulation, with voluntary bursts from time to time.

    Motor units lie in an anisotropic half-space. The current reaches part of their axons; the conduction velocity of
    the fibres falls with their activity. All units are driven voluntarily in bursts, and spikes that meet an
    antidromic volley are lost, so that voluntary EMG comes from the units out of reach. Added are the stimulation
    artifact, mains and noise. The front end's filters are applied to the stored action potentials, so that slowing
    by s stretches what is recorded exactly by 1/s.

    Parameters
    ----------
    rng : numpy.random.Generator
        Source of all chance; the same state gives the same recording.
    **overrides
        Fields of `NMESFatigue`.

    Returns
    -------
    Simulation
        Recording with the traces TRIG (10 kHz) and force (100 Hz), true pulses, and truth.

    Raises
    ------
    ParameterError
        If a parameter is unknown or out of range.

    Examples
    --------
    >>> import numpy as np
    >>> from emgkit.simulate import nmes_fatigue
    >>> made = nmes_fatigue(rng=np.random.default_rng(1), duration=5.0, bursts=1)
    >>> made.recording.channel_names
    ('VL', 'VM')
    """
    known = [item.name for item in fields(NMESFatigue)]
    for name in overrides:
        if name not in known:
            raise ParameterError(f"nmes_fatigue has no parameter {name!r}: {nearest(name, known)}.")
    return _simulate(NMESFatigue(**overrides), rng)


def tiny(*, rng: np.random.Generator, **overrides: Any) -> Simulation:
    """Simulate 3 s of `nmes_fatigue` with one channel and 30 motor units: for quick tests and examples."""
    small = {
        "duration": 3.0,
        "channel_names": ("VL",),
        "bursts": 1,
        "burst_length": 1.0,
        "pool": PoolParameters(units=30, fibres_per_unit=4, reach=0.6),
    }
    return nmes_fatigue(rng=rng, **(small | overrides))


def _simulate(made: NMESFatigue, rng: np.random.Generator) -> Simulation:
    front_end, fs = made.front_end, made.front_end.fs
    count = round(made.duration * fs)
    onsets = made.onsets(rng=rng)
    muscles = [make_muscle(made.pool, made.m_max, front_end, rng=rng) for _ in made.channel_names]
    drift = 1 + DRIFT_SHARE * -np.expm1(-onsets / DRIFT_TIME)
    current = np.full(onsets.size, made.current)
    drive = made.drive()
    acts = [
        act(muscle, onsets, current, made.pulse.width, drift, drive, made.conduction, made.fatigue, rng=rng)
        for muscle in muscles
    ]
    shape = (len(muscles), count)
    pairs = list(zip(muscles, acts, strict=True))
    parts = {
        "artifact": _artifact(made, onsets, count, rng),
        "evoked": np.concatenate([render_evoked(muscle, activity, fs, count) for muscle, activity in pairs]),
        "voluntary": np.concatenate([render_voluntary(muscle, activity, fs, count) for muscle, activity in pairs]),
        "interference": draw_mains(shape, made.mains, made.mains_amplitude, fs, rng=rng),
        "noise": draw_noise(shape, made.noise, front_end, rng=rng),
    }
    times, features = _process_values(made, pairs)
    truth = Truth(
        **parts,
        onsets=onsets,
        velocity_times=times,
        velocity=np.stack([_mean_velocity(muscle, activity, times) for muscle, activity in pairs]),
        feature_times=times,
        features=features,
    )
    recording = Recording(
        adopt(front_end.convert(truth.signal)),
        fs,
        made.channel_names,
        aux={"TRIG": trigger_trace(onsets, made.duration), "force": force_trace(pairs, made.duration)},
        marks=made.marks(),
        source="simulated",
    )
    widths = np.full(onsets.size, made.pulse.width)
    pulses = Pulses(np.asarray(onsets, dtype=np.float64), current=current, width=widths)
    return Simulation(recording, pulses, truth)


def _artifact(made: NMESFatigue, onsets: Array, count: int, rng: np.random.Generator) -> Array:
    """Artifact of all channels, V: one waveform from closed forms, filtered on a grid of 200 kHz."""
    fine = 10 * FINE
    grid = np.arange(int(ARTIFACT_LENGTH * fine)) / fine
    wave = made.front_end.filter(voltage(grid, made.pulse, made.electrode) * made.current, fine)
    gains = np.array([1.0, -0.6, 0.8, -0.4])[np.arange(len(made.channel_names)) % 4]
    table = Templates((gains[:, np.newaxis] * wave)[np.newaxis], fine)
    slow = 1 + made.gain_drift * np.sin(2 * np.pi * (onsets / made.duration + rng.uniform()))
    scale = slow * (1 + made.gain_noise * rng.standard_normal(onsets.size))
    index = np.zeros(onsets.size, dtype=np.int64)
    return table.render(onsets, index, np.ones(onsets.size), scale, made.front_end.fs, count)


def _mean_velocity(muscle: Muscle, activity: Activity, times: Array) -> Array:
    fired = np.flatnonzero(activity.volleys.fired.mean(axis=0) > 0.5)
    if not fired.size:
        fired = np.arange(len(muscle.pool))
    states = [activity.state.at(np.full(fired.size, time), fired)[0] for time in times]
    return np.array([float(np.mean(state * muscle.pool.velocity[fired])) for state in states])


def _process_values(made: NMESFatigue, pairs: list[tuple[Muscle, Activity]]) -> tuple[Array, dict[str, Array]]:
    times = np.linspace(0.0, made.duration, FEATURE_STEPS)
    frequencies = np.arange(FREQUENCY_STEP, made.front_end.fs / 2, FREQUENCY_STEP)
    noise = noise_spectrum(frequencies, made.noise, made.front_end)
    rows = []
    for muscle, activity in pairs:
        rates = muscle.pool.rates(np.array([made.effort]))[:, 0]
        values = [_values_at(made, muscle, activity, float(time), rates, frequencies, noise) for time in times]
        rows.append({name: np.array([value[name] for value in values]) for name in values[0]})
    return times, {name: np.concatenate([row[name] for row in rows], axis=1) for name in rows[0]}


def _values_at(
    made: NMESFatigue, muscle: Muscle, activity: Activity, time: float, rates: Array, frequencies: Array, noise: Array
) -> dict[str, Array]:
    drift = 1 - DRIFT_SHARE * np.expm1(-time / DRIFT_TIME)
    response = process.expected_response(
        muscle.pool, muscle.templates, activity.state, time, made.current, made.pulse.width, drift, 1 / made.rate
    )
    spectrum = process.voluntary_spectrum(muscle.templates, rates, activity.kept, activity.state, time, frequencies)
    return process.evoked_values(response, FINE) | process.voluntary_values(spectrum + noise, frequencies)
