"""`TemplatePCA`: a template and the ways in which responses differ from it (optimal basis sets)."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import in_range, whole
from emgkit.artifact.frames import Frames, by_sequence, by_stimulator, cut, sequences
from emgkit.artifact.gain import averaging_quality, emg_covariance, left_by_projection, orthonormal
from emgkit.artifact.rank import FixedRank, SingularValueThreshold
from emgkit.artifact.templates import PAD, complete, template_frames
from emgkit.parts import Parts
from emgkit.pulses import Pulses

__all__ = ["TemplatePCA"]

Array = NDArray[np.float64]

BLOCK = 8  # frames that share their components, which are learned from the frames around the block


@dataclass(frozen=True)
class TemplatePCA:
    """Regress every response on the template of its neighbours, its derivative, and how the neighbours differ.

    Parameters
    ----------
    neighbours : int, default 40
        Responses averaged for each template, and from which the components are learned.
    rank : SingularValueThreshold or FixedRank
        How many principal components are taken.
    before : float, default 0.0015
        Start of the frames before the pulse, s.
    after : float or None, default None
        End of the frames after the pulse, s. None reaches to the next frame, at most 0.1 s.

    Notes
    -----
    Optimal basis sets (Niazy et al. 2005, NeuroImage 28:720) for stimulated EMG. Differs from it in: a frame is left
    out of its own template, and frames are left out of the components that they are regressed on (eight at a time share
    theirs); the derivative is a regressor of its own; the rank is found by a singular-value threshold.

    Regression follows gain, shift and shape of every single response and takes the voluntary EMG in these
    directions along; ``gain_on_clean`` states how much, from the EMG's autocovariance. Artifact and evoked response go
    together, as ``locked``.
    """

    name: ClassVar[str] = "template_pca"
    gives: ClassVar[tuple[str, ...]] = ("locked", "voluntary")
    neighbours: int = 40
    rank: SingularValueThreshold | FixedRank = field(default_factory=SingularValueThreshold)
    before: float = 0.0015
    after: float | None = None

    def __post_init__(self) -> None:
        """Check the ranges."""
        whole("neighbours", self.neighbours, 4, 10000)
        in_range("before", self.before, 0.0, 0.1, "s")
        if self.after is not None:
            in_range("after", self.after, 0.001, 1.0, "s")

    def separate(self, signal: Array, fs: float, pulses: Pulses) -> Parts:
        """Take a signal apart, see `ArtifactMethod`."""
        ranks: list[int] = []

        def take(row: Array, frames: Frames) -> tuple[Array, float, float]:
            values, left, count, rank = self._regress(row, frames)
            ranks.append(rank)
            return values, left, count

        taken = by_stimulator(
            signal, pulses, lambda rest, own: by_sequence(rest, fs, sequences(own, fs, self.before, self.after), take)
        )
        quality = dict(averaging_quality(taken.effective, taken.gain)) | {"components": float(np.mean(ranks))}
        reach = (-self.before, taken.until)
        return Parts({"locked": taken.locked}, "voluntary", None, np.inf, reach, quality=quality)

    def _regress(self, row: Array, frames: Frames) -> tuple[Array, float, int, int]:
        pieces = complete(cut(row, frames, PAD))
        template, count = template_frames(pieces, frames.places, self.neighbours)
        residue = pieces[:, PAD:-PAD] - template
        rank = min(self.rank.count(residue, emg_covariance(residue)), count // 2)
        columns = [template[:, :, np.newaxis], np.gradient(template, axis=1)[:, :, np.newaxis]]
        bases = orthonormal(np.concatenate([*columns, _components(residue, rank, self.neighbours)], axis=2))
        sizes = np.einsum("klm,kl->km", bases, residue)
        locked = template + np.einsum("klm,km->kl", bases, sizes)
        return locked, left_by_projection(bases, pieces[:, PAD:-PAD], residue), count, rank


def _components(residue: Array, rank: int, neighbours: int) -> Array:
    """Principal components of the frames around each block of frames, shape (frames, samples, rank)."""
    frames, samples = residue.shape
    found = np.zeros((frames, samples, rank))
    for start in range(0, frames if rank else 0, BLOCK):
        stop = min(start + BLOCK, frames)
        low = max(min(start - neighbours // 2, frames - neighbours - (stop - start)), 0)
        around = np.r_[low:start, stop : min(low + neighbours + stop - start, frames)]
        right = np.linalg.svd(residue[around], full_matrices=False)[2][:rank]
        found[start:stop, :, : len(right)] = right.T
    return found
