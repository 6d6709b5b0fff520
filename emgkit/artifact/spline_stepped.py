"""Responses that change from one pulse to the next and stay so, as where a joint moves or an electrode slips.

Smooth courses cannot follow that. The place is found in what they leave, and a course of its own begins there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import gamma

from emgkit.artifact.line_courses import Lines
from emgkit.artifact.spline_found import Agreed
from emgkit.artifact.spline_turns import Turns

__all__ = ["Step", "find_step", "follow_steps"]

Array = NDArray[np.float64]

WIDTHS = 6, 12, 24  # pulses before and after the step, that are compared: what drifts is not sure over few of them,
SURE = 1e-4, 1e-6, 1e-6  # and units that keep step with the stimulator for a while not over many; chance of noise
FEWEST = 60  # pulses
MOST = 4  # steps
COMPARED = 500  # pulses, about, that tell how many directions noise has


@dataclass(frozen=True)
class Step:
    """The first pulse after a step, and the chances that noise alone gave so clear a one over every width."""

    pulse: int
    chances: tuple[float, ...]

    @property
    def is_sure(self) -> bool:
        """Whether noise gives no such step."""
        return all(chance <= least for chance, least in zip(self.chances, SURE, strict=True))


def find_step(pieces: Array) -> Step | None:
    """Find the clearest step.

    Pieces of noise that are scaled to one have random directions, whatever the noise's spectrum and strength: the sum
    of 2 n of them with any signs has a mean square of 2 n, and is gamma distributed with the effective number of
    directions (Box 1954, Ann Math Stat 25:290, for its quadratic form).

    Parameters
    ----------
    pieces : ndarray, shape (channels, pulses, samples)
        What follows every pulse.

    Returns
    -------
    Step or None
        None where there are too few pulses.
    """
    count = pieces.shape[1]
    if count < FEWEST:
        return None
    scaled = pieces - pieces.mean(axis=(1, 2), keepdims=True)
    scaled = scaled / np.maximum(np.linalg.norm(scaled, axis=2, keepdims=True) * np.sqrt(len(scaled)), 1e-300)
    scaled = np.concatenate(list(scaled), axis=1)
    degrees = _degrees(scaled[:: -(-count // COMPARED)])
    total = np.concatenate([np.zeros_like(scaled[:1]), np.cumsum(scaled, axis=0)])
    middle = np.arange(WIDTHS[-1], count - WIDTHS[-1] + 1)
    powers = []
    for width in WIDTHS:
        contrast = total[middle + width] - 2 * total[middle] + total[middle - width]
        power = (contrast**2).sum(axis=1) / (2 * width)
        powers.append(power / max(float(np.median(power)), 1.0))
    place = int(np.argmax(powers[1]))
    chances = (middle.size * float(gamma.sf(power[place], degrees / 2, scale=2 / degrees)) for power in powers)
    return Step(int(middle[place]), tuple(chances))


def _degrees(scaled: Array) -> float:
    """Effective number of directions: how many equal ones would be as much alike as two of the pieces are."""
    alike = scaled @ scaled.T
    squares = float((alike**2).sum() - (np.diag(alike) ** 2).sum())
    return len(scaled) * (len(scaled) - 1) / max(squares, 1e-300)


def follow_steps(turns: Turns, agreed: Agreed, lines: Lines, has_evoked: NDArray[np.bool_]) -> Lines:
    """Let responses change at steps, and give the lines beside them, see `follow_alternation`."""
    fitter = agreed.alone
    if fitter is None or not has_evoked.any():
        return lines
    low, high = (round(one * turns.fs) for one in agreed.compared)
    found: list[int] = []
    for _ in range(MOST):
        rest = turns.rest([fitter], agreed.mains, agreed.orders, lines)[has_evoked]
        first = np.round(fitter.onsets * turns.fs).astype(np.int64)
        index = np.clip(first[:, np.newaxis] + np.arange(low, max(high, low + 2)), 0, rest.shape[1] - 1)
        step = find_step(rest[:, index])
        if step is None or not step.is_sure or step.pulse in found:
            break
        found.append(step.pulse)
        fitter.follow_courses([(np.arange(fitter.onsets.size) >= step.pulse).astype(float)])
        guess = fitter.render(len(turns.signal))
        lines = turns.fit([fitter], agreed.mains, agreed.orders, shifts=False, guess=guess)
    return lines
