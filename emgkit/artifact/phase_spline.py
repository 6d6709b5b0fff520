"""`PhaseSpline`: artifact, evoked response and mains fitted together, in the continuous time since the pulse."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from emgkit._checks import in_range
from emgkit.artifact.spline_found import Wanted
from emgkit.artifact.spline_groups import FoundInGroups, fit_groups
from emgkit.artifact.spline_model import LockedModel
from emgkit.artifact.spline_pulse_times import varying_current
from emgkit.errors import ParameterError, TimingError
from emgkit.parts import Parts
from emgkit.pulses import Pulses

__all__ = ["PhaseSpline"]

Array = NDArray[np.float64]

FEWEST = 5
WITHOUT_CURRENT = (
    "Responses that follow the current given cannot be told apart where pulses come close: the sizes of the artifacts "
    "were followed instead."
)
UNDETERMINED = (
    "The responses to these pulses lie on each other and cannot be told apart. Are they of several stimulators? Then "
    "give Pulses(..., stimulator=...); or use moving_template."
)


@dataclass(frozen=True)
class PhaseSpline:
    """Fit what is locked to the pulses as a smooth function of the continuous time since the pulse.

    Cubic B-splines, closest at the edges of the artifact, are fitted by penalised least squares to the samples of all
    pulses. Pulses fall between samples, so that together they sample the response finer than the recording's rate.
    The response changes over the pulses by smooth courses (polynomials in the pulse number, the beginning of a train,
    the current where it is known, steps that stand out of what those leave), each with a shape of its own whose
    smoothness and size are learned from the signal, so that a course that is not needed vanishes. Every pulse may come
    early or late and its artifact be larger or smaller, shared by all channels, as far as that exceeds its noise; and
    the response may vary from pulse to pulse within a few shapes. Several stimulators, responses that run into each
    other, and mains are fitted in turns until they agree (backfitting, which converges to the joint least squares).
    What is neither is voluntary EMG.

    Parameters
    ----------
    window : float, default 16.0
        Length of the segments in which the smooth courses are fitted, s; at least 150 pulses. They overlap.
    before : float, default 0.0015
        The artifact may begin so long before the pulse, s, by the ringing of filters.
    artifact_end : float or None, default None
        Time after the pulse at which the artifact is over and the evoked response begins, s. None finds it from the
        mean response, at most 6 ms, and looks for a tail of the artifact that runs on under the response.
    mains : bool, default True
        Find and fit mains lines.
    shifts : bool, default True
        Let the artifact of every pulse come earlier or later than stated and be larger or smaller, in all channels
        alike, as far as it exceeds the noise.
    shapes : bool, default True
        Let the response vary from pulse to pulse within a few shapes, where that exceeds what voluntary EMG does.

    Notes
    -----
    Whether there is a response at all is decided by evidence: every pulse is correlated with the mean of the others
    after all mains lines were taken away. A channel without evidence of artifact or response is left as it is. A mains
    line that lies within a quarter of a hertz of a harmonic of the stimulation cannot be told from the response; it
    counts as mains when stretches without pulses show a line of its size, or when there is no response; the messages
    say so.

    Long recordings of more than eight channels (more than a million samples) are fitted in groups: the four channels
    or more in which the pulses stand out most tell when the pulses came, how large their artifacts were, and which
    lines are mains; the others are told, and fitted a few at a time, so that the memory beyond the signal stays below
    its size.

    Offset and slow drift of a DC-coupled recording (larger than five typical deflections) go with the interference,
    and so does movement below 25 Hz where it has six times the power there that EMG and noise can have.

    In steady trains of more than 50 Hz every harmonic of what is locked may wander slowly by itself, as far as that
    exceeds the noise about its line; movement is taken away before responses are fitted, since nothing locked to such
    pulses is as slow.

    Where a tail runs on under the response, `split_tail` shares the mean response between the two, and every pulse's by
    the same linear filter; the amplifier's high-pass shows in what is left after the last pulse of a train. What
    nothing tells apart (several stimulators, intervals below 16 ms, a late response that lands on the next artifact, as
    what follows the last pulse of a train shows) is said to overlap: shared by time, with an interval that holds
    either.

    What changes with effort in the evoked part may be voluntary units that keep step with the pulses: it is within the
    standard error, and in ``followed_loss``.

    Doublets and their kin, groups of pulses at lags that hardly vary, count as one stimulus where the responses to one
    group run into the next (intervals below 0.1 s), where three pulses or more come within 7 ms of each other, or two
    within 4 ms: the responses to single pulses of a group add up to the same sum every time, so that no regression
    tells them apart. The time since the first pulse is set right at every later one, whose artifacts are told by that
    of the first; the evoked part is the response to the whole group, and is said to overlap. A later pulse may be
    missing now and then.

    Where the stimulator reverses its polarity, the artifact turns over and the response does not (every other pulse,
    pairs, blocks, or by chance): the sign of every pulse is told by its artifact, else by that of its current, the
    courses come twice, with and without it, and what turns over is the artifact's at any time after the pulse, so that
    a tail under the response needs no model. Where the M-waves of both polarities differ, `split_tail` tells the
    difference, which is small, from the tail; what it cannot tell goes with the artifact.

    A stimulator in step with the sampling clock (25 Hz at 2000 Hz) puts all pulses at one place between the samples, or
    at a few. How rough the response is between them is learned as if those pulses had no jitter, and where they lie
    within a hundredth of a sample (RMS) all is fitted so; in the first 3 ms after a pulse such recordings tell less.

    The idea of a regression in the phase of the stimulation is that of artifact templates with sub-sample resolution;
    the priors are learned by empirical Bayes (Efron and Morris 1973, J Am Stat Assoc 68:117), which is a deviation
    from the usual fixed ridge.
    """

    name: ClassVar[str] = "phase_spline"
    gives: ClassVar[tuple[str, ...]] = ("artifact", "evoked", "voluntary", "interference", "clean")
    window: float = 16.0
    before: float = 0.0015
    artifact_end: float | None = None
    mains: bool = True
    shifts: bool = True
    shapes: bool = True

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("window", self.window, 0.2, 600.0, "s")
        in_range("before", self.before, 0.0, 0.01, "s")
        for name in ("mains", "shifts", "shapes"):
            if not isinstance(getattr(self, name), bool):
                frequency = ": the frequency of mains is found" if name == "mains" else ""
                raise ParameterError(f"{name} must be True or False, got {getattr(self, name)!r}{frequency}.")
        if self.artifact_end is not None:
            in_range("artifact_end", self.artifact_end, 0.0, 0.05, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        if len(pulses) < FEWEST:
            raise TimingError(f"phase_spline needs {FEWEST} pulses, got {len(pulses)}: use blanking.")
        wanted = Wanted(self.mains, self.shifts, self.shapes, self.artifact_end)
        with threadpool_limits(limits=1, user_api="blas"):  # the matrices are small: threads wait for each other
            try:
                found, said = _fitted(signal, fs, pulses, self.before, self.window, wanted)
            except np.linalg.LinAlgError as failed:
                raise TimingError(UNDETERMINED) from failed
        return Parts(
            components={
                "artifact": found.part(LockedModel.artifact),
                "evoked": found.part(LockedModel.evoked),
                "interference": found.part(LockedModel.interference),
            },
            residual="voluntary",
            lost=None,
            evoked_lost_until=found.artifact_end,
            reach=(-self.before, found.until),
            standard_errors={"evoked": found.part(LockedModel.evoked_error)},
            shared_errors=found.shared_errors,
            quality=found.quality,
            messages=(*said, *found.messages),
        )


def _fitted(
    signal: Array, fs: float, pulses: Pulses, before: float, window: float, wanted: Wanted
) -> tuple[FoundInGroups, tuple[str, ...]]:
    """Fit with the current that is known, else with the sizes of the artifacts alone; give what is to be said of it.

    Where a doublet comes at the foot of a ramp, nothing but two responses that lie on each other tells what currents
    so small evoke.
    """
    try:
        return fit_groups(signal, fs, pulses, before, window, wanted), ()
    except (np.linalg.LinAlgError, TimingError):
        if pulses.current is None or varying_current(pulses) is None:
            raise
        steady = replace(pulses, current=np.sign(pulses.current))
    return fit_groups(signal, fs, steady, before, window, wanted), (WITHOUT_CURRENT,)
