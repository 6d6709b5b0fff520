"""Potential of a single muscle fibre at the skin: an action potential that travels from the end-plate to the ends.

Dimitrov and Dimitrova's fast convolution in an anisotropic half-space: the derivative of the intracellular potential
is convolved with the potential of a travelling current dipole that starts at the end-plate and ends at both tendons,
so that the end-of-fibre waves come out by themselves (Dimitrov and Dimitrova 1998, Med Eng Phys 20:374).

Inside this module lengths are mm and times ms, so that velocities are m/s; the result is V.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft

Array = NDArray[np.floating[Any]]

AMPLITUDE = 96.0  # mV/mm³, Rosenfalck's form as it is commonly used (Farina et al. 2004, IEEE Trans Biomed Eng 51)
ANISOTROPY = 5.2  # axial over radial conductivity of muscle; unverified constant of the half-space model
SIGMA_INNER = 1.01  # S/m, conductivity of the myoplasm; unverified
SIGMA_RADIAL = 0.063  # S/m, conductivity of muscle across its fibres; unverified
RADIUS = 0.0275  # mm, of a muscle fibre; unverified
LATE_LENGTH = 8.0  # mm, decay of the late after-potential behind the action potential; unverified
PLAIN = ((1.0, 0.0),)  # extent in mm and after-potential of an action potential at rest; by definition
CHUNK = 16  # fibres at once: their memory stays in the cache; numerical
ELECTRODE_POINTS = (-4.0, 0.0, 4.0)  # mm along the fibre: a 10 mm disc as the mean of three points; numerical


@dataclass(frozen=True, eq=False)
class Fibres:
    """Fibres under electrodes.

    Parameters
    ----------
    velocity : (fibres,) m/s
    end_plate : (fibres,) mm, axial position
    lengths : (fibres, 2) mm, from the end-plate to either end
    distance : (fibres, electrodes) mm, from the fibre's axis to the electrode, across
    """

    velocity: Array
    end_plate: Array
    lengths: Array
    distance: Array


def membrane_slope(time: Array, velocity: Array, stretch: float = 1.0, late: float = 0.0) -> Array:
    """Compute the derivative of the intracellular potential by time, mV/ms, shape (fibres, samples).

    ``late`` is the height of a slow after-potential over that of the action potential.
    """
    travelled = np.maximum(velocity[:, np.newaxis] * time, 0.0)
    along = travelled / stretch
    fast = (3 * along**2 - along**3) * np.exp(-along) / stretch
    if not late:
        return velocity[:, np.newaxis] * AMPLITUDE * fast
    behind = travelled / LATE_LENGTH
    # the after-potential rises with the action potential and decays over centimetres
    slow = (3 * behind**2 - behind**3) * np.exp(-behind) / LATE_LENGTH
    return velocity[:, np.newaxis] * AMPLITUDE * (fast + late * slow)


def travelling_dipole(time: Array, fibres: Fibres, positions: Array, step: float) -> Array:
    """Potential of the dipoles that run to both ends, 1/mm², shape (fibres, electrodes, samples)."""
    total = np.zeros((fibres.velocity.size, positions.size, time.size))
    for start in range(0, len(total), CHUNK):
        part = slice(start, start + CHUNK)
        for side, direction in enumerate((1.0, -1.0)):
            own = fibres.velocity[part], fibres.end_plate[part], fibres.lengths[part, side], fibres.distance[part]
            found = _one_dipole(time, *own, positions, step, direction)
            total[part, :, : found.shape[2]] -= found
    return total


def _one_dipole(
    time: Array,
    velocity: Array,
    end_plate: Array,
    length: Array,
    distance: Array,
    positions: Array,
    step: float,
    direction: float,
) -> Array:
    """Potential of the dipoles that run to one end, less its sign, as long as the last of them travels."""
    # the last sample counts by the part of it that the dipole still travels, otherwise the end rings
    steps = length[:, np.newaxis] / (velocity[:, np.newaxis] * step)
    passed = time / step - 0.5
    until = int(np.searchsorted(passed, steps.max()))
    alive = np.clip(steps - passed[:until], 0.0, 1.0)
    run = velocity[:, np.newaxis] * time[:until]
    offset = (end_plate[:, np.newaxis] + direction * run)[:, np.newaxis, :] - positions[:, np.newaxis]
    squared = offset**2
    squared += ANISOTROPY * distance[:, :, np.newaxis] ** 2
    cubed = np.sqrt(squared)
    cubed *= squared
    offset *= direction
    offset /= cubed
    offset *= alive[:, np.newaxis, :]
    return np.asarray(offset)


def fibre_potentials(fibres: Fibres, positions: Array, fs: float, duration: float) -> Array:
    """Potential of each fibre at rest at each electrode, V, shape (fibres, electrodes, samples).

    Parameters as those of `shaped_potentials`.
    """
    return shaped_potentials(fibres, positions, fs, duration, PLAIN)[0]


def shaped_potentials(
    fibres: Fibres, positions: Array, fs: float, duration: float, shapes: Sequence[tuple[float, float]]
) -> list[Array]:
    """Potentials at the electrodes, V, (fibres, electrodes, samples), for every shape of the potential inside.

    Parameters
    ----------
    fibres : Fibres
        Velocities, places and lengths.
    positions : ndarray, shape (electrodes,)
        Axial position of the electrodes, mm.
    fs : float
        Sampling rate, Hz; 10 kHz or more.
    duration : float
        Length, s, from the moment when the end-plate is excited.
    shapes : sequence of (float, float)
        Spatial extent of the intracellular potential, mm, and height of a slow after-potential over that of the
        action potential.
    """
    count, step = round(duration * fs), 1e3 / fs
    middle = (np.arange(count) + 0.5) * step
    size = next_fast_len(2 * count, real=True)
    # convolution is linear: the dipoles under the points of an electrode are added up before it
    dipole = np.zeros((fibres.velocity.size, positions.size, count))
    for point in ELECTRODE_POINTS:
        dipole += travelling_dipole(middle, fibres, positions + point, step)
    spectrum = rfft(dipole, size)
    scale = 2 * SIGMA_INNER * RADIUS**2 / (4 * SIGMA_RADIAL) * step * 1e-3 / len(ELECTRODE_POINTS)
    potentials: list[Array] = []
    for shape in shapes:
        slope = rfft(membrane_slope(middle, fibres.velocity, *shape), size)[:, np.newaxis, :]
        total = np.zeros((fibres.velocity.size, positions.size, count))
        total[..., 1:] = scale * irfft(slope * spectrum, size)[..., : count - 1]  # two midpoints make a whole step
        potentials.append(total)
    return potentials
