"""`Blanking`: replace the artifact by a fill and say that the samples are lost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range
from emgkit.artifact.base import pulse_samples, windows_mask
from emgkit.artifact.fill import AR, Fill
from emgkit.errors import TimingError
from emgkit.parts import Parts
from emgkit.pulses import Pulses

__all__ = ["Blanking", "artifact_end", "blanked_samples", "filled_parts"]

Array = NDArray[np.float64]

LATEST_END = 0.010  # s: what still moves fast so long after the pulse is not the spike any more
FLOOR_FACTOR = 3.0  # slope over its floor at which the artifact counts as gone


@dataclass(frozen=True)
class Blanking:
    """Blank a short time about every pulse; the M-wave and the voluntary EMG outside it stay as they were measured.

    Parameters
    ----------
    before : float, default 0.0005
        Blanked before the pulse, s: filters spread the artifact to both sides.
    after : float or None, default None
        Blanked after the pulse, s. None finds the end from the recording itself, see `artifact_end`.
    fill : AR or Line
        What stands in the place of the blanked samples. They are marked as lost in any case.

    Notes
    -----
    Blanking takes no artifact away that lasts longer than the blanked time: a slow tail stays in ``clean``.
    It tells ``artifact`` and ``clean``, never evoked from voluntary.
    """

    name: ClassVar[str] = "blanking"
    gives: ClassVar[tuple[str, ...]] = ("artifact", "clean")
    before: float = 0.0005
    after: float | None = None
    fill: Fill = field(default_factory=AR)

    def __post_init__(self) -> None:
        """Check the ranges."""
        in_range("before", self.before, 0.0, 0.1, "s")
        if self.after is not None:
            in_range("after", self.after, 0.0, 0.5, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        after = artifact_end(signal, fs, pulses) if self.after is None else self.after
        gaps = blanked_samples(signal, fs, pulses, self.before, after)
        return filled_parts(signal, gaps, self.fill, (-self.before, after))


def blanked_samples(signal: Array, fs: float, pulses: Pulses, before: float, after: float) -> NDArray[np.bool_]:
    """Mark the samples about the pulses, shape (samples,).

    Raises
    ------
    TimingError
        If nothing is left between the pulses.
    """
    within = np.diff(pulses.train) == 0
    shortest = float(pulses.intervals[within].min()) if within.any() else np.inf
    if before + after >= shortest:
        raise TimingError(
            f"Blanking {(before + after) * 1e3:.3g} ms about pulses that are {shortest * 1e3:.3g} ms apart "
            f"leaves nothing: give a shorter after= or use phase_spline."
        )
    return windows_mask(pulses.onsets, fs, signal.shape[1], before, after)


def filled_parts(signal: Array, gaps: NDArray[np.bool_], fill: Fill, reach: tuple[float, float]) -> Parts:
    """Take what was in the gaps for artifact and the fill for clean."""
    clean = np.stack([_filled(row, gaps, fill) for row in signal])
    return Parts(
        components={"artifact": np.where(gaps & np.isfinite(signal), signal - clean, 0.0)},
        residual="clean",
        lost=np.broadcast_to(gaps, signal.shape),
        evoked_lost_until=reach[1],
        reach=reach,
        quality={"blanked_until": reach[1], "blanked_fraction": float(gaps.mean()), "gain_on_clean": 1.0},
    )


def _filled(row: Array, gaps: NDArray[np.bool_], fill: Fill) -> Array:
    missing = gaps | ~np.isfinite(row)
    return np.where(gaps, fill.fill(np.where(missing, 0.0, row), missing), row)


def artifact_end(signal: Array, fs: float, pulses: Pulses) -> float:
    """Find the time after the pulse at which the artifact is over, s.

    For every sample after the pulse the median over the pulses of the absolute slope is taken, in the channel with
    the largest artifact. The artifact ends where it first falls to three times its floor (the quietest quarter of
    the interval), or else where it passes its first minimum, since what rises again is the response; one sample is
    added. It is never later than 10 ms or half the pulse interval.
    """
    rate = pulses.rate
    longest = LATEST_END if not np.isfinite(rate) else min(LATEST_END, 0.5 / rate)
    span = max(int(np.floor((1 / rate if np.isfinite(rate) else 3 * LATEST_END) * fs)) - 1, 1)
    index = pulse_samples(pulses, fs)[:, np.newaxis] + np.arange(span + 1)
    index = index[(index[:, 0] >= 0) & (index[:, -1] < signal.shape[1])]
    if not index.size:
        return longest
    slopes = np.stack([_median_slope(row[index]) for row in signal])
    slope = slopes[np.argmax(slopes.max(axis=1))]
    last = max(int(longest * fs), 1)
    peak = int(np.argmax(slope[:last]))
    floor = float(np.sort(slope)[: max(slope.size // 4, 1)].mean())
    return min((_first_quiet(slope[: last + 1], peak, FLOOR_FACTOR * floor) + 1) / fs, longest)


def _median_slope(pieces: Array) -> Array:
    slopes = np.abs(np.diff(pieces, axis=1))
    known = np.isfinite(slopes).any(axis=0)
    out = np.zeros(slopes.shape[1])
    out[known] = np.nanmedian(slopes[:, known], axis=0)
    return out


def _first_quiet(slope: Array, peak: int, level: float) -> int:
    for place in range(peak + 1, slope.size):
        rises_again = place + 1 < slope.size and slope[place + 1] > slope[place] and slope[place] < 0.05 * slope[peak]
        if slope[place] <= level or rises_again:
            return place
    return slope.size - 1
