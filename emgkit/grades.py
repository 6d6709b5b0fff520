"""How well a separation went: units of its numbers, and grades for each use of its parts."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import numpy as np

from emgkit import _text

__all__ = ["QUALITY_UNITS", "quality_text"]

QUALITY_UNITS: Mapping[str, str] = MappingProxyType(
    {
        "artifact_end": "s",
        "artifact_gain_spread": "relative",
        "blanked_fraction": "relative",
        "blanked_until": "s",
        "effective_pulses": "pulses",
        "fill_error": "relative",
        "fill_rms": "relative",
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
