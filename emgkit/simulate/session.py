"""`Session`: everything that a simulated recording is made from, and overrides by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import Any

from emgkit._checks import assign, in_range, nearest
from emgkit.errors import ParameterError, SamplingRateError, UnknownNameError
from emgkit.recording import Mark
from emgkit.simulate.effects import check_effects
from emgkit.simulate.effort import Effort
from emgkit.simulate.evoked import EvokedParameters
from emgkit.simulate.fatigue import FatigueParameters
from emgkit.simulate.front_end import FrontEnd
from emgkit.simulate.kinds import check_kinds
from emgkit.simulate.montage import Montage
from emgkit.simulate.pool import BELOW_FAT, LENGTH, PEAK_RATE_FIRST, PoolParameters
from emgkit.simulate.ranges import different, filled, row
from emgkit.simulate.stimulator import Stimulator
from emgkit.simulate.surroundings import Surroundings

__all__ = ["Session"]

LAST_END = 0.028  # s, when the mean action potential must reach the ends of its fibres; numerical
SHARPEST = 0.75  # sampling rate times depth over velocity: less holds the M-wave to 1 % no more; numerical
LARGEST = 0.02  # V, of an M-wave: more is no EMG to `read_recording`; by definition
FEWEST_PACKETS = 10  # in a recording of which packets get lost; by definition


@dataclass(frozen=True)
class Session:
    """What happens in a simulated recording. Defaults without a citation are plausible and unverified.

    Parameters
    ----------
    duration : float
        Length, s.
    channel_names : tuple of str
        One per channel; as many per muscle as the montage has electrode pairs. TRIG (TRIG2 ... of further
        stimulators), force and current are other traces of the recording.
    m_max : float
        Peak-to-peak size of the response of all units in a muscle's first channel, V; with ``sizes`` up to 20 mV, above
        which `read_recording` takes nothing for EMG.
    sizes : tuple of float
        ``m_max`` of each muscle, relative, used one after the other and again from the start.
    conduction : float
        Conduction time between spinal cord and site of stimulation, s: decides what antidromic volleys annihilate.
        At the default no voluntary spike of a unit that is stimulated at 30 Hz passes.
    stimulated : tuple of str or None
        Channels whose muscles the stimulators excite that name none themselves; None for all. The artifact is seen
        in all.
    stimulators : tuple of Stimulator
        At least one; more fire independently of each other.
    efforts_of : tuple of Effort
        Voluntary effort of each muscle, used one after the other and again from the start. Marks "voluntary" stand
        where any muscle contracts, "rest" where none does.
    pool, montage, evoked, fatigue, surroundings, front_end : objects
        Parameters of the parts.
    labels : tuple of Mark
        Further labelled intervals. A contraction of a further muscle that has one of its own, from start to stop, as
        "stance" in `foot_drop`, is not marked as "voluntary".
    """

    duration: float = 60.0
    channel_names: tuple[str, ...] = ("VL", "VM")
    m_max: float = 0.008
    sizes: tuple[float, ...] = (1.0,)
    conduction: float = 0.017
    stimulated: tuple[str, ...] | None = None
    stimulators: tuple[Stimulator, ...] = field(default_factory=lambda: (Stimulator(),))
    efforts_of: tuple[Effort, ...] = field(default_factory=lambda: (Effort(),))
    pool: PoolParameters = field(default_factory=PoolParameters)
    montage: Montage = field(default_factory=Montage)
    evoked: EvokedParameters = field(default_factory=EvokedParameters)
    fatigue: FatigueParameters = field(default_factory=FatigueParameters)
    surroundings: Surroundings = field(default_factory=Surroundings)
    front_end: FrontEnd = field(default_factory=FrontEnd)
    labels: tuple[Mark, ...] = ()

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        in_range("duration", self.duration, 1.0, 3600.0, "s")
        in_range("conduction", self.conduction, 0.0, 0.05, "s")
        in_range("m_max", self.m_max, 1e-6, LARGEST, "V")
        assign(self, sizes=row("sizes", self.sizes, 1e-3, 1e3, fewest=1))
        in_range("m_max times the largest of sizes", round(self.m_max * max(self.sizes), 12), 0.0, LARGEST, "V")
        filled("stimulators", self.stimulators)
        filled("efforts_of", self.efforts_of)
        self._check_channels()
        self._check_velocity()
        self._check_rate()
        for one in self.stimulators:
            highest = one.current * max(one.levels) * max(one.pulse_levels, default=1.0) * (1 + one.modulation)
            in_range("current times the largest of levels, pulse_levels and modulation", round(highest, 9), 0, 1.0, "A")
        if self.front_end.packet_loss and self.front_end.packet > self.duration / FEWEST_PACKETS:
            raise ParameterError(
                f"packet must be at most {self.duration / FEWEST_PACKETS:g} s, so that the recording has at least "
                f"{FEWEST_PACKETS} of them that may get lost, got {self.front_end.packet:g} s."
            )

    def _check_velocity(self) -> None:
        """Refuse M-waves that do not end within the window of their features: these would tell of its end."""
        fastest = max(PEAK_RATE_FIRST, *(one.rate for one in self.stimulators))
        kept = 1 - self.fatigue.most_lost(fastest, self.duration)
        least = 1e-3 * LENGTH / (LAST_END - self.pool.latency) / kept
        if self.pool.velocity < least * (1 - 1e-9):
            raise ParameterError(
                f"velocity must be at least {least:.3g} m/s, so that M-waves end within 30 ms where slowing and limit "
                f"leave {100 * kept:.3g} % of it, got {self.pool.velocity:g} m/s: raise it, or lower limit or slowing."
            )

    def _check_rate(self) -> None:
        """Refuse sampling rates that the action potentials of the nearest fibres are too sharp for."""
        depth = self.pool.fat + 1e-3 * BELOW_FAT
        least = SHARPEST * self.pool.velocity / depth
        if self.front_end.fs < least * (1 - 1e-9):
            raise SamplingRateError(
                f"fs must be at least {least:.4g} Hz, so that it holds the spectrum of fibres {depth * 1e3:.3g} mm "
                f"below the electrodes at {self.pool.velocity:g} m/s, got {self.front_end.fs:g} Hz: raise it or fat."
            )

    def _check_channels(self) -> None:
        filled("channel_names", self.channel_names)
        different("channel_names", self.channel_names)
        taken = {"force", "current", "TRIG", *(f"TRIG{number + 1}" for number in range(1, len(self.stimulators)))}
        if taken & set(self.channel_names):
            raise ParameterError(
                f"channel_names must differ from the names of the recording's other traces, "
                f"{', '.join(sorted(taken))}; got {self.channel_names}."
            )
        pairs = len(self.montage.lateral)
        if len(self.channel_names) % pairs:
            raise ParameterError(
                f"channel_names must hold {pairs} names per muscle, as many as the montage has electrode pairs, got "
                f"{len(self.channel_names)} names."
            )
        for name, named in (("stimulated", self.stimulated), *(("reaches", one.reaches) for one in self.stimulators)):
            unknown = set(named or ()) - set(self.channel_names)
            if unknown:
                raise ParameterError(f"{name} names {sorted(unknown)}, which are no channels: {self.channel_names}.")

    @property
    def muscles(self) -> int:
        """Number of muscles."""
        return len(self.channel_names) // len(self.montage.lateral)

    def channels_of(self, muscle: int) -> slice:
        """Which channels lie over a muscle."""
        pairs = len(self.montage.lateral)
        return slice(muscle * pairs, (muscle + 1) * pairs)

    def reached(self, muscle: int) -> tuple[bool, ...]:
        """Whether each stimulator excites a muscle."""
        own = set(self.channel_names[self.channels_of(muscle)])
        named = [self.stimulated if one.reaches is None else one.reaches for one in self.stimulators]
        return tuple(names is None or bool(own & set(names)) for names in named)

    def effort_of(self, muscle: int) -> Effort:
        """Voluntary effort of a muscle."""
        return self.efforts_of[muscle % len(self.efforts_of)]

    @property
    def span(self) -> tuple[float, float]:
        """From the first to the last train of the first stimulator, s."""
        spans = self.stimulators[0].spans(self.duration)
        return spans[0][0], spans[-1][1]

    def override(self, scenario: str, changes: Mapping[str, Any]) -> Session:
        """Change fields of the session or of its parts by name; of several stimulators or efforts, the first.

        Raises
        ------
        ParameterError
            If no part knows a name, a value is out of range, or a change has no effect because another parameter
            stands instead of this one or what it belongs to is not there.
        """
        known = set(names(self))
        for name in changes:
            if name not in known:
                raise ParameterError(f"{scenario} has no parameter {name!r}: {nearest(name, sorted(known))}.")
        made: Session = _changed(self, changes)
        check_effects(scenario, self, made, changes)
        return made


def names(part: Any) -> Iterator[str]:
    """Names of the fields of a parameter object and of the objects in it."""
    for item in fields(part):
        yield item.name
        child = _child(getattr(part, item.name))
        if child is not None:
            yield from names(child)


def _child(value: Any) -> Any:
    first = value[0] if isinstance(value, tuple) and value else value
    return first if is_dataclass(first) and not isinstance(first, (type, Mark)) else None


def _changed(part: Any, changes: Mapping[str, Any]) -> Any:
    own = {item.name for item in fields(part)}
    new = {name: value for name, value in changes.items() if name in own}
    for name in own:
        base = new.get(name, getattr(part, name))
        child = _child(base)
        inner = {key: value for key, value in changes.items() if key not in own} if child is not None else {}
        inner = {key: value for key, value in inner.items() if key in set(names(child))} if inner else {}
        if inner:
            changed = _changed(child, inner)
            new[name] = (changed, *base[1:]) if isinstance(base, tuple) else changed
    return replace(part, **new) if new else part


def fields_by_name(session: Session) -> dict[str, Any]:
    """Give every parameter of a session and its parts by name, with its value.

    Raises
    ------
    UnknownNameError
        If two parts use one name.
    """
    table: dict[str, Any] = {}

    def collect(part: Any) -> None:
        for item in fields(part):
            if item.name in table:
                raise UnknownNameError(f"The parameter name {item.name!r} is used twice.")
            table[item.name] = getattr(part, item.name)
            child = _child(table[item.name])
            if child is not None:
                collect(child)

    collect(session)
    return table
