"""`Case`: a simulated recording with the times a method is given, and the goals that it is held to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import nearest
from emgkit.detect.detect_pulses import detect_pulses
from emgkit.errors import ParameterError
from emgkit.pulses import Pulses
from emgkit.simulate import Session, Simulation, simulate

__all__ = ["GROUPS", "TIMES", "Case", "Goal", "at_least", "at_most"]

GROUPS = ("voluntary", "evoked")
TIMES = ("exact", "artifact", "schedule", "trigger", "faulty")
LOST_TRIGGERS, FALSE_TRIGGERS = 0.04, 0.02  # of the pulses, where triggers are faulty
CLEARANCE = 2e-3  # s between a false trigger and any pulse

Array = NDArray[np.floating[Any]]
Plan = Callable[[np.random.Generator], Session]
Change = Callable[[Simulation], Simulation]


@dataclass(frozen=True)
class Goal:
    """A bound on the median of one score over the seeds.

    Parameters
    ----------
    score : str
        A name of `emgkit.benchmark.scores.SCORES`.
    value : float
        The bound, in the score's unit.
    sense : {"at least", "at most", "magnitude at most"}
        On which side of it the median must lie.
    """

    score: str
    value: float
    sense: str = "at least"

    def met(self, value: float) -> bool:
        """Tell whether a value meets the goal; NaN does not."""
        if self.sense == "at least":
            return value >= self.value
        return (abs(value) if self.sense.startswith("magnitude") else value) <= self.value


def at_least(score: str, value: float) -> Goal:
    """Make a goal from below."""
    return Goal(score, value, "at least")


def at_most(score: str, value: float, *, magnitude: bool = False) -> Goal:
    """Make a goal from above, of the value itself or of its magnitude."""
    return Goal(score, value, "magnitude at most" if magnitude else "at most")


@dataclass(frozen=True)
class Case:
    """One line of the benchmark: what is recorded, which pulse times are known, and what is asked of the result.

    Parameters
    ----------
    name : str
        Short name.
    what : str
        One sentence.
    group : {"voluntary", "evoked"}
        Whether the voluntary EMG is wanted (artifact and evoked response removed) or the M-wave (artifact removed).
    plan : callable
        From a random generator to the `Session`: what varies from seed to seed is drawn here.
    times : {"exact", "artifact", "schedule", "trigger", "faulty"}
        Which pulse times a method gets: the true ones; those that `detect_pulses` finds in the artifact; the nominal
        ones, rounded to samples; those of the trigger trace; or the true ones with some lost and some false.
    goals : tuple of Goal
        What is asked for, over the seeds.
    reference : str
        Name of the case without the difficulty, whose score this one is compared with; "" for none.
    current_known : bool
        Whether the pulses come with their current and width.
    change : callable, optional
        Applied to the simulation: sets a level or a variation to a stated size.

    Raises
    ------
    ParameterError
        If group or times are unknown.
    """

    name: str
    what: str
    group: str
    plan: Plan = field(repr=False)
    times: str = "exact"
    goals: tuple[Goal, ...] = ()
    reference: str = ""
    current_known: bool = False
    change: Change | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        """Check the names."""
        for name, value, allowed in (("group", self.group, GROUPS), ("times", self.times, TIMES)):
            if value not in allowed:
                raise ParameterError(f"{name}={value!r}: {nearest(value, allowed)}.")

    def make(self, rng: np.random.Generator) -> Simulation:
        """Simulate it. Cases draw in the same order, so that one seed means the same muscles in all of them."""
        planning, playing = rng.spawn(2)
        made = simulate(self.plan(planning), rng=playing, features=False)
        return made if self.change is None else self.change(made)

    def pulses(self, simulation: Simulation) -> Pulses:
        """Give the pulses as this case has them known.

        Raises
        ------
        NoPulsesError
            If they are to be found and are not.
        """
        found = _GIVEN[self.times](simulation)
        return found if self.current_known else replace(found, current=None, width=None)

    @property
    def goal(self) -> float:
        """The goal of the output SNR on usable samples, dB; NaN where there is none."""
        asked = [goal.value for goal in self.goals if goal.score == "snr_usable"]
        return asked[0] if asked else float("nan")


def _exact(simulation: Simulation) -> Pulses:
    return simulation.pulses


def _from_artifact(simulation: Simulation) -> Pulses:
    return detect_pulses(simulation.recording)


def _planned(simulation: Simulation) -> Pulses:
    recording = simulation.recording
    index = np.unique(np.round(simulation.truth.planned * recording.fs))
    inside = index[(index >= 0) & (index < recording.n_samples)]
    return Pulses(inside / recording.fs, time_source="schedule")


def _from_trigger(simulation: Simulation) -> Pulses:
    names = [name for name in simulation.recording.aux if name.startswith("TRIG")]
    found = [detect_pulses(simulation.recording, channel=name) for name in names]
    onsets = np.concatenate([one.onsets for one in found])
    order = np.argsort(onsets, kind="stable")
    which = np.repeat(np.arange(len(found)), [len(one) for one in found])[order]
    if len(found) == 1:
        return found[0]
    onsets, first = np.unique(onsets[order], return_index=True)
    return Pulses(onsets, stimulator=which[first], time_source="trigger")


def _faulty(simulation: Simulation) -> Pulses:
    """Lose some of the true pulses and add false ones, always the same for the same simulation."""
    true = simulation.pulses
    rng = np.random.default_rng(int(1e9 * true.onsets[0]))
    kept = true.select(rng.uniform(size=len(true)) >= LOST_TRIGGERS).onsets
    false = rng.uniform(true.onsets[0], true.onsets[-1], round(FALSE_TRIGGERS * len(true)))
    near = np.abs(true.onsets[:, np.newaxis] - false).min(axis=0) < CLEARANCE
    return Pulses(np.unique(np.concatenate([kept, false[~near]])), time_source="trigger")


_GIVEN: dict[str, Callable[[Simulation], Pulses]] = {
    "exact": _exact,
    "artifact": _from_artifact,
    "schedule": _planned,
    "trigger": _from_trigger,
    "faulty": _faulty,
}
