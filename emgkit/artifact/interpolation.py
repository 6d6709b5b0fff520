"""`Interpolation`: bridge a short time about every pulse, and say how far the bridge is from the EMG."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range
from emgkit.artifact.base import windows_mask
from emgkit.artifact.blanking import artifact_end, blanked_samples, filled_parts
from emgkit.artifact.fill import PCHIP, Fill
from emgkit.artifact.frames import LONGEST
from emgkit.parts import Parts
from emgkit.pulses import Pulses

__all__ = ["Interpolation"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

FEWEST = 20  # trial samples from which the error is stated
MOST = 0.75  # of the interval that gaps and trial gaps may take


@dataclass(frozen=True)
class Interpolation:
    """Bridge a short time about every pulse by interpolation; everything else stays as it was measured.

    Parameters
    ----------
    before : float, default 0.0005
        Bridged before the pulse, s.
    after : float or None, default None
        Bridged after the pulse, s. None finds the end of the artifact from the recording, see
        `emgkit.artifact.blanking.artifact_end`.
    fill : PCHIP, Line, AR or ARInnovation
        The bridge.

    Notes
    -----
    For programs that need a signal without gaps. The bridged samples are marked as lost all the same, and no number is
    computed from them. How good the bridge is can be told where the truth is known: the same fill is tried on gaps of
    the same length midway between the pulses. ``fill_error`` is its RMS error there over the RMS of the EMG (above 1
    the fill is worse than none), ``fill_rms`` the RMS of the fill over that of the EMG; NaN where trial gaps and gaps
    would leave less than a quarter of the interval.

    As in the interpolation of other programs (TESA, MNE) a tail that outlasts the window stays; differs from them in:
    the window's end is found from the recording, and the loss is kept track of.
    """

    name: ClassVar[str] = "interpolation"
    gives: ClassVar[tuple[str, ...]] = ("artifact", "clean")
    before: float = 0.0005
    after: float | None = None
    fill: Fill = field(default_factory=PCHIP)

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("before", self.before, 0.0, 0.1, "s")
        if self.after is not None:
            in_range("after", self.after, 0.0, 0.5, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        after = artifact_end(signal, fs, pulses) if self.after is None else self.after
        gaps = blanked_samples(signal, fs, pulses, self.before, after)
        parts = filled_parts(signal, gaps, self.fill, (-self.before, after))
        trial = self._trial_gaps(gaps, fs, pulses, after)
        tried = np.array([self._try(row, gaps, trial) for row in signal])
        return replace(parts, quality={**parts.quality, "fill_error": tried[:, 0], "fill_rms": tried[:, 1]})

    def _trial_gaps(self, gaps: Mask, fs: float, pulses: Pulses, after: float) -> Mask:
        """Mark gaps of the same length midway between the pulses, or after single ones."""
        interval = 1 / pulses.rate if np.isfinite(pulses.rate) else LONGEST
        if 2 * (self.before + after) > MOST * interval:
            return np.zeros_like(gaps)
        away = 0.5 * interval
        trial = windows_mask(pulses.onsets + away, fs, gaps.size, self.before, after)
        beside = np.convolve(gaps, np.ones(3), "same") > 0
        return trial & ~beside

    def _try(self, row: Array, gaps: Mask, trial: Mask) -> tuple[float, float]:
        missing = gaps | ~np.isfinite(row)
        tested = trial & ~missing
        truth = row[tested]
        size = float(truth.std()) if truth.size >= FEWEST else 0.0
        if size == 0.0:
            return float("nan"), float("nan")
        filled = self.fill.fill(np.where(missing | trial, 0.0, row), missing | trial)[tested]
        return float(np.sqrt(np.mean((filled - truth) ** 2))) / size, float(filled.std()) / size
