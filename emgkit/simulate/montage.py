"""Where the recording electrodes lie on the muscle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emgkit._checks import assign, in_range
from emgkit.errors import ParameterError
from emgkit.simulate.kinds import check_kinds
from emgkit.simulate.ranges import row

Array = NDArray[np.floating[Any]]

END_PLATE_ZONE = 0.010  # m; nearer electrodes record next to nothing, because both sides cancel; by definition
FIBRE_REACH = 0.055  # m, from the end-plate to where the shorter fibres end; unverified


@dataclass(frozen=True)
class Montage:
    """Bipolar electrode pairs along the fibres. The default places are plausible and unverified.

    Parameters
    ----------
    near : float
        From the innervation zone to the nearer electrode of the first pair, m.
    spacing : float
        Between the electrodes of a pair, m.
    lateral : tuple of float
        Places of the pairs across the fibres, m: one pair (channel) per entry, all over the same muscle.
    shift : float
        Each further pair lies so much farther from the innervation zone, m.
    """

    near: float = 0.025
    spacing: float = 0.020
    lateral: tuple[float, ...] = (0.0,)
    shift: float = 0.0

    def __post_init__(self) -> None:
        """Check kinds and ranges."""
        check_kinds(self)
        in_range("near", self.near, 0.0, 0.1, "m")
        in_range("spacing", self.spacing, 0.005, 0.04, "m")
        in_range("shift", self.shift, -0.02, 0.02, "m")
        assign(self, lateral=row("lateral", self.lateral, -0.05, 0.05, "m", fewest=1))
        first = self.axial().min() * 1e-3
        last = self.axial().max() * 1e-3
        if first < END_PLATE_ZONE or last > FIBRE_REACH:
            raise ParameterError(
                f"near, spacing and shift put electrodes {first * 1e3:.3g} ... {last * 1e3:.3g} mm from the "
                f"innervation zone: they must lie outside the end-plate zone and over the fibres, "
                f"{END_PLATE_ZONE * 1e3:g} ... {FIBRE_REACH * 1e3:g} mm."
            )

    def axial(self) -> Array:
        """Axial places of the electrodes, mm from the innervation zone, shape (pairs, 2)."""
        begin = self.near + self.shift * np.arange(len(self.lateral))
        return 1e3 * np.stack([begin, begin + self.spacing], axis=1)
