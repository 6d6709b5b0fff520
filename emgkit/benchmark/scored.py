"""`Scored`: named numbers, and why some are missing; the list of all scores with unit and better side."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

__all__ = ["SCORES", "Score", "Scored", "gather", "missing"]


@dataclass(frozen=True)
class Score:
    """A score: its unit, and where its best value lies ("high", "low", or "zero")."""

    unit: str
    best: str
    what: str


@dataclass(frozen=True)
class Scored:
    """Values of scores, NaN where undefined, and the reasons for that."""

    values: Mapping[str, float]
    reasons: Mapping[str, str]

    def __or__(self, other: Scored) -> Scored:
        return Scored({**self.values, **other.values}, {**self.reasons, **other.reasons})


class Undefined(Exception):  # noqa: N818  no error: a score that does not apply
    """A score has no value here; the text says why."""


def gather(calls: Mapping[str, Callable[[], float]]) -> Scored:
    """Compute scores one by one; where one is undefined, keep its reason."""
    values, reasons = {}, {}
    for name, call in calls.items():
        try:
            values[name] = float(call())
        except Undefined as reason:
            values[name], reasons[name] = np.nan, str(reason)
    return Scored(values, reasons)


def missing(names: tuple[str, ...], reason: str) -> Scored:
    """Give scores that are all missing for one reason."""
    return Scored(dict.fromkeys(names, float("nan")), dict.fromkeys(names, reason))


SCORES: Mapping[str, Score] = MappingProxyType(
    {
        "snr_all": Score("dB", "high", "output SNR on all samples of the stimulation"),
        "snr_usable": Score("dB", "high", "output SNR outside 3 ms after a pulse and on sound samples"),
        "snr_valid": Score("dB", "high", "the same on those that the method calls valid"),
        "snr_0_3": Score("dB", "high", "output SNR 0 to 3 ms after a pulse"),
        "snr_1_3": Score("dB", "high", "output SNR 1 to 3 ms after a pulse"),
        "snr_3_25": Score("dB", "high", "output SNR 3 to 25 ms after a pulse"),
        "snr_25": Score("dB", "high", "output SNR later than 25 ms after a pulse"),
        "snr_band": Score("dB", "high", "output SNR of usable samples within 20 to 450 Hz"),
        "snr_bursts": Score("dB", "high", "output SNR of usable samples during effort"),
        "r": Score("1", "high", "correlation with the target on usable samples"),
        "arv_error": Score("%", "zero", "signed error of the average rectified value during effort"),
        "rms_error": Score("%", "zero", "signed error of the RMS during effort"),
        "mdf_error": Score("%", "zero", "signed error of the median frequency during effort"),
        "envelope_r": Score("1", "high", "correlation of the RMS envelopes"),
        "false_emg": Score("µV", "low", "RMS of what is in the output at rest and not in the target"),
        "rest_ratio": Score("1", "low", "RMS at rest over that of noise and unpredictable response"),
        "residue": Score("dB", "low", "pulse-locked power left, cross-validated, over that before"),
        "residue_rms": Score("µV", "low", "RMS of what is still locked to the pulses, cross-validated"),
        "leak_slope": Score("%", "zero", "RMS that leaks into the output per Vpp of M-wave"),
        "leak_slope_half": Score("%", "low", "half of its 90 % interval"),
        "leak_slope_bound": Score("%", "zero", "leak slope of removing all but the random part"),
        "arv_error_bound": Score("%", "zero", "arv_error of removing all but the random part"),
        "gain": Score("1", "high", "gain of the output on the target"),
        "gain_error": Score("%", "zero", "gain over the one that the method publishes, minus one"),
        "lost": Score("%", "low", "usable samples that the method calls lost"),
        "marked": Score("%", "high", "samples clipped, recovering, blanked or lost that the method calls lost"),
        "bound": Score("dB", "high", "predictability bound: SNR of removing all but the random part"),
        "behind_bound": Score("dB", "low", "predictability bound minus SNR on usable samples"),
        "ceiling": Score("dB", "high", "10·log10 of the pulses effectively averaged, as the method states them"),
        "behind_reference": Score("dB", "low", "SNR of the reference case minus this one, same seed"),
        "mains_said": Score("1", "high", "whether a message speaks of mains"),
        "m_nrmse": Score("%", "low", "RMS error of the mean M-wave 3 to 25 ms after the pulse, over its RMS"),
        "m_vpp_error": Score("%", "zero", "signed error of the peak-to-peak size, the worse of fresh and fatigued"),
        "m_area_error": Score("%", "zero", "the same of the area"),
        "m_mdf_error": Score("%", "zero", "the same of the median frequency"),
        "m_latency_error": Score("ms", "zero", "the same of the latency"),
        "m_vpp_trend_error": Score("points", "zero", "error of the change of Vpp from first to last fifth"),
        "m_mdf_trend_error": Score("points", "zero", "error of the change of MDF from first to last fifth"),
        "m_nrmse_unsaid": Score("%", "low", "m_nrmse; 0 where overlap is said and 85 % lie in the interval"),
        "overlap_said": Score("1", "high", "whether a message says that artifact and response overlap"),
        "coverage": Score("%", "high", "samples whose stated 90 % interval holds the M-wave"),
        "coverage_mean": Score("%", "high", "samples whose stated 90 % interval holds the expected M-wave"),
    }
)
