"""The closed list of reasons why a value is missing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from emgkit._checks import FrozenMapping

if TYPE_CHECKING:
    pass

__all__ = ["REASONS"]

REASONS: Mapping[str, str] = FrozenMapping(
    {
        "clipped": "The amplifier or the converter was at its limit within the window.",
        "blanked": "Samples that the feature needs were blanked.",
        "lost": "Samples that the feature needs are missing.",
        "edge": "The window reaches beyond the recording.",
        "overlap": "The next pulse falls into the window.",
        "low_snr": "The response is too small against the noise for this feature.",
        "no_response": "No response stands out of the noise.",
        "pinned": "The extremum lies at the border of the window, so it may be outside.",
        "too_short": "The window is too short for this feature.",
        "truncated": "The response has not ended within the window.",
        "outside": "The value would lie outside its band.",
        "zero_power": "There is no signal power in the band.",
        "prev_h": "A late response to the previous pulse falls into the window.",
        "multi_peak": "More than one peak could be meant.",
        "too_few": "There are too few valid values.",
    }
)
