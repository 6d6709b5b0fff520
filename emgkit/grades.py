"""How well a separation went: units of its numbers, and grades for each use of its parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np

from emgkit import _text

__all__ = ["GRADES", "QUALITY_UNITS", "USES", "Grade", "Judgement", "Use", "grades_text", "quality_text"]

GRADES = ("good", "with care", "reject")
FEW_NAMES = 4  # channels that are named


@dataclass(frozen=True)
class Use:
    """What a separation is used for.

    Parameters
    ----------
    what : str
        The quantity whose error is meant.
    limit : float
        Relative error that "good" promises.
    """

    what: str
    limit: float


USES: Mapping[str, Use] = MappingProxyType(
    {
        "m_wave_size": Use("Vpp of the mean M-wave of the first and of the last fifth of the pulses", 0.05),
        "m_wave_spectrum": Use("median frequency of that M-wave", 0.05),
        "voluntary_amplitude": Use("RMS of voluntary EMG during effort, noise counted as an error", 0.05),
        "voluntary_spectrum": Use("median frequency of voluntary EMG during effort, 20 to 450 Hz", 0.05),
    }
)


@dataclass(frozen=True)
class Grade:
    """How far one channel of a separation can be trusted for one use.

    Parameters
    ----------
    use : str
        One of `USES`.
    grade : {"good", "with care", "reject"}
        "good" promises an error below the limit of the use.
    reason : str
        Why, one sentence.
    error : float
        Relative error that is expected; infinite where there is nothing to measure, NaN where it cannot be told.
    """

    use: str
    grade: str
    reason: str
    error: float

    @property
    def limit(self) -> float:
        """Relative error that "good" promises."""
        return USES[self.use].limit

    def __str__(self) -> str:
        return f"{self.grade}: {self.reason}"


@dataclass(frozen=True)
class Judgement:
    """What the parts of a separation alone tell about it.

    Parameters
    ----------
    numbers : mapping of str to ndarray, shape (channels,)
        Units in `QUALITY_UNITS`.
    grades : mapping of str to tuple of Grade
        For each of `USES` one grade per channel.
    """

    numbers: Mapping[str, Any]
    grades: Mapping[str, tuple[Grade, ...]]


QUALITY_UNITS: Mapping[str, str] = MappingProxyType(
    {
        "artifact_end": "s",
        "artifact_gain_spread": "relative",
        "blanked_fraction": "relative",
        "blanked_until": "s",
        "effective_pulses": "pulses",
        "fill_error": "relative",
        "fill_rms": "relative",
        "followed_loss": "relative",
        "gain_divided_out": "relative",
        "gain_on_clean": "relative",
        "jitter": "s",
        "locked_residue": "V",
        "locked_residue_share": "of RMS",
        "locked_share": "relative",
        "lost_share": "relative",
        "mains_frequency": "Hz",
        "mnf_minus_mdf": "Hz",
        "response_evidence": "z",
        "snr_ceiling": "dB",
        "worst_harmonic": "Hz",
    }
)


def quality_text(name: str, value: Any) -> str:
    """Write a number of quality with its unit, one per channel where they differ."""
    if isinstance(value, str):
        return value
    items = np.atleast_1d(value)
    unit = QUALITY_UNITS.get(name, "")
    finite = np.abs(items[np.isfinite(items)])
    divisor, shown = _text.scaled_unit(float(finite.max()) if finite.size else 0.0, unit)
    text = ", ".join(_text.number_text(float(item) / divisor) for item in items)
    return f"{text} {shown}".rstrip() if finite.size else text


def grades_text(grades: Sequence[Grade], channel_names: Sequence[str]) -> str:
    """Write the grades of all channels for one use, best first, with the reason of the worst channel of each grade."""
    said = []
    for grade in GRADES:
        own = [(name, one) for name, one in zip(channel_names, grades, strict=True) if one.grade == grade]
        if not own:
            continue
        worst = max((one for _, one in own), key=lambda one: np.nan_to_num(one.error, nan=np.inf))
        few = ", ".join(name for name, _ in own) if len(own) <= FEW_NAMES else f"{len(own)} channels"
        where = "" if len(own) == len(channel_names) else f" in {few}"
        said.append(f"{grade}{where}: {worst.reason}")
    return " ".join(said)
