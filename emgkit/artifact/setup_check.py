"""The verb `check_setup`: whether a set-up can work, from about a minute of test recording."""

from __future__ import annotations

from dataclasses import dataclass

from emgkit import _text
from emgkit._checks import in_range
from emgkit.artifact.setup_findings import FINDINGS, GRADES, Finding
from emgkit.artifact.setup_look import look_at
from emgkit.errors import NoPulsesError, TimingError
from emgkit.pulses import Pulses
from emgkit.recording import Recording

__all__ = ["SetupCheck", "check_setup"]

VERDICTS = {
    "good": "This set-up can work.",
    "care": "This set-up can work, with care.",
    "bad": "This set-up will not give what is wanted before something is changed.",
}
SUBTHRESHOLD = "Ten pulses or more at currents below the motor threshold: they show the artifact without an M-wave."
POLARITY = "The same train with the polarity of the pulses reversed: the artifact turns over, the M-wave does not."
SINGLE = "Single pulses, a second apart: they show the whole response, which runs into the next one in the train."
REST = "The train at rest, without effort: what then remains is the false EMG of this set-up."
SHAM = "A minute without stimulation but with the trigger running (sham): nothing may be taken away there."


@dataclass(frozen=True)
class SetupCheck:
    """Whether a set-up can work.

    Parameters
    ----------
    findings : tuple of Finding
        One for every question.
    recordings : tuple of str
        What to record besides, so that artifact, M-wave and voluntary EMG can be told apart.
    smallest : tuple of float
        Smallest voluntary EMG that could be seen within a second, V RMS, per channel; NaN if that is not known.
    """

    findings: tuple[Finding, ...]
    recordings: tuple[str, ...]
    smallest: tuple[float, ...]

    @property
    def grade(self) -> str:
        """The worst grade of all findings: good, care or bad."""
        return max((finding.grade for finding in self.findings), key=GRADES.index)

    @property
    def verdict(self) -> str:
        """The same in a sentence."""
        return VERDICTS[self.grade]

    def __getitem__(self, name: str) -> Finding:
        """Give the finding about one question."""
        return {finding.name: finding for finding in self.findings}[name]

    def __str__(self) -> str:
        rows = [[one.name, one.grade, one.seen] for one in self.findings]
        notes = [f"{one.name}: {one.advice}" for one in self.findings if one.advice]
        return "\n".join([_text.table_text(self.verdict, ["question", "grade", "seen"], rows, notes), *self.recordings])


def check_setup(recording: Recording, pulses: Pulses, *, mains: float | None = None) -> SetupCheck:
    """Tell from about a minute of test recording whether this set-up can work, and what to change.

    Ten questions: clipping, blanking of the amplifier, lost samples, the artifact's tail under the M-wave, responses
    that run into the next, stimulation locked to the mains, pulse times, number of pulses, the smallest voluntary EMG
    that could be seen, and the sampling rate. The person should be at rest for part of the recording. Channels that
    hold a trigger are left out.

    Parameters
    ----------
    recording : Recording
        As measured, before any filter.
    pulses : Pulses
        From `detect_pulses`, or of the schedule.
    mains : float, optional
        Frequency of the mains, Hz. None looks at 50 and 60 Hz.

    Returns
    -------
    SetupCheck
        Findings, each graded good, care or bad, with advice; and recordings that would help.

    Raises
    ------
    NoPulsesError, TimingError
        If there are fewer than two pulses, or pulses outside the recording.

    Examples
    --------
    >>> import numpy as np
    >>> import emgkit as ek
    >>> made = ek.simulate.tiny(rng=np.random.default_rng(1))
    >>> ek.check_setup(made.recording, made.pulses)["rails"].grade
    'good'
    """
    if len(pulses) < 2:
        raise NoPulsesError(f"A set-up is checked by its pulses, got {len(pulses)}: give a recording with some.")
    if pulses.onsets[0] < recording.start or pulses.onsets[-1] >= recording.stop:
        raise TimingError("Pulses lie outside the recording: check their time origin.")
    lines = (50.0, 60.0) if mains is None else (in_range("mains", mains, 10.0, 500.0, "Hz"),)
    look = look_at(recording, pulses, lines)
    findings = tuple(ask(look) for ask in FINDINGS)
    smallest = tuple(float(value) for value in look.smallest)
    return SetupCheck(findings, _recordings(pulses, {one.name: one.grade for one in findings}), smallest)


def _recordings(pulses: Pulses, grades: dict[str, str]) -> tuple[str, ...]:
    """Name recordings that would make the parts separable, the most useful first."""
    varied = pulses.current is not None and len(set(pulses.current.tolist())) > 2
    wanted = [REST, SHAM]
    if grades["overlap"] != "good":
        wanted.insert(0, SINGLE)
    if grades["tail"] != "good":
        wanted.insert(0, POLARITY)
    return tuple(wanted if varied else [SUBTHRESHOLD, *wanted])
