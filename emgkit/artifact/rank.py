"""How many components to take: a fixed number, or those that stand out of the EMG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import whole

__all__ = ["FixedRank", "Rank", "SingularValueThreshold", "hard_threshold"]

Array = NDArray[np.float64]

FLOOR = 1e-2  # of the strongest direction's EMG: how far weak directions are known


class Rank(Protocol):
    """A rule for the number of components."""

    name: ClassVar[str]

    def count(self, residue: Array, covariance: Array) -> int:
        """Give the number of components of what templates left.

        Parameters
        ----------
        residue : ndarray, shape (frames, samples)
            What the template of the neighbours leaves of each frame, V.
        covariance : ndarray, shape (samples, samples)
            Of the EMG within a frame, V².
        """
        ...


@dataclass(frozen=True)
class FixedRank:
    """Take the same number of components everywhere.

    Parameters
    ----------
    components : int, default 4
    """

    name: ClassVar[str] = "fixed_rank"
    components: int = 4

    def __post_init__(self) -> None:
        """Check the range."""
        whole("components", self.components, 0, 50)

    def count(self, residue: Array, covariance: Array) -> int:  # noqa: ARG002
        """Give the number, see `Rank`."""
        return self.components


@dataclass(frozen=True)
class SingularValueThreshold:
    """Take the components whose singular values stand out of noise.

    Parameters
    ----------
    most : int, default 6
        Components at most.

    Notes
    -----
    Gavish and Donoho 2014, IEEE Trans Inf Theory 60:5040, the optimal hard threshold for a known noise level. Differs
    from it in: their noise is white, EMG is not, so that the frames are whitened by the EMG's own covariance first, as
    far as that is known.
    """

    name: ClassVar[str] = "singular_value_threshold"
    most: int = 6

    def __post_init__(self) -> None:
        """Check the range."""
        whole("most", self.most, 0, 50)

    def count(self, residue: Array, covariance: Array) -> int:
        """Give the number, see `Rank`."""
        sizes, directions = np.linalg.eigh(covariance)
        strongest = float(sizes[-1])
        if strongest <= 0:
            return 0
        white = residue @ (directions / np.sqrt(np.maximum(sizes, 0.0) + FLOOR * strongest))
        found = np.linalg.svd(white, compute_uv=False)
        return min(int(np.count_nonzero(found > hard_threshold(white.shape))), self.most)


def hard_threshold(shape: tuple[int, ...]) -> float:
    """Singular value from which a component is kept in noise of unit variance."""
    few, many = min(shape), max(shape)
    ratio = few / many
    root = np.sqrt(ratio**2 + 14 * ratio + 1)
    return float(np.sqrt((2 * (ratio + 1) + 8 * ratio / (ratio + 1 + root)) * many))
