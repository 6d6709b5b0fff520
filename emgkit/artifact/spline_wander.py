"""What is locked to fast steady pulses and wanders: each of its harmonics by a complex number every quarter second.

Pulses within 20 ms of each other have the last response under their artifact, so that no size or shift of the artifact
alone is looked for. A stimulator's output, an amplifier's gain and two clocks move all that is locked, slowly and by
less than a thousandth: courses whose shapes are free drown that in their noise, because broadband noise of all phases
weighs on each of them. A harmonic has only the noise about its own line, which is told by how it changes from one
quarter second to the next, and grows with the power of all that is left; its course is that of `shrink`.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline

from emgkit.artifact.spline_basis import DEGREE, PhaseDesign, places_of
from emgkit.artifact.spline_locked import Response
from emgkit.artifact.spline_scores import shrink

__all__ = ["with_wander"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

BLOCK, FEWEST = 0.25, 20  # s, in which a harmonic holds still, and how many of them
MOST = 8  # harmonics; those beyond half of the sampling rate fold to lines of their own, where splines bring noise
MEDIAN = 0.455  # of a squared normal number of unit variance
LEAST = 1e-6  # of the usual: numerical


def with_wander(
    made: Response, design: PhaseDesign, rest: Array, known: Mask, interval: float
) -> tuple[Response, Array]:
    """Add to a response what of it wanders, and take that away from the rest.

    Parameters
    ----------
    made : Response
        To steady pulses.
    design : PhaseDesign
        Of all their samples.
    rest : ndarray, shape (channels, samples)
        What the response leaves, V.
    known : ndarray of bool, shape (channels, samples)
        Samples that count.
    interval : float
        Between the pulses, s.
    """
    size = max(round(BLOCK / interval), 1)
    orders = np.arange(1, MOST + 1)
    if design.pulses < FEWEST * size:
        return made, rest
    waves = _harmonics(design.knots, orders / interval)
    left, wander = rest.copy(), []
    for row, valid in zip(left, known, strict=True):
        scores = _scores(design, waves, row[design.samples], valid[design.samples].astype(np.float64), size)
        wander.append(scores @ waves if scores.any() else None)
        if scores.any():
            row[design.samples] -= design.evaluate(scores @ waves)
    return replace(made, wander=wander), left


def _harmonics(knots: Array, rates: Array) -> Array:
    """Coefficients of cosines and sines, (2 * rates, size)."""
    places = np.clip(places_of(knots), knots[0], np.nextafter(knots[-1], -np.inf))
    turn = 2 * np.pi * np.outer(rates, places)
    values = np.concatenate([np.cos(turn), np.sin(turn)])
    return np.asarray(np.linalg.solve(BSpline.design_matrix(places, knots, DEGREE).toarray(), values.T).T)


def _scores(design: PhaseDesign, waves: Array, seen: Array, weight: Array, size: int) -> Array:
    """How much of each wave every pulse has, V, (pulses, waves): regressed in blocks of some pulses, and shrunk."""
    count, parts = design.pulses, len(waves)
    block = np.minimum(np.arange(count) // size, count // size - 1)
    row, blocks = block[design.pulse], int(block[-1]) + 1
    columns = [design.evaluate_mean(one) for one in waves]
    number = np.maximum(np.bincount(row, weight, minlength=blocks), 1.0)
    level = (np.bincount(row, weight * seen, minlength=blocks) / number)[row]
    normal, right = np.empty((blocks, parts, parts)), np.empty((blocks, parts))
    for one in range(parts):
        right[:, one] = np.bincount(row, weight * columns[one] * (seen - level), minlength=blocks)
        for other in range(one + 1):
            product = np.bincount(row, weight * columns[one] * columns[other], minlength=blocks)
            normal[:, one, other] = normal[:, other, one] = product
    normal += LEAST * float(np.median(normal[:, 0, 0])) * np.eye(parts)
    errors = np.linalg.inv(normal)
    found = np.einsum("bij,bj->bi", errors, right)
    centres = np.bincount(block, np.arange(count)) / np.bincount(block)
    power = np.bincount(row, weight * (seen - level) ** 2, minlength=blocks) / number
    out = np.zeros((count, parts))
    for one in range(parts):
        usual = np.maximum(power * errors[:, one, one], 1e-300)  # as if what is left were white
        steps = np.diff(found[:, one]) ** 2 / (usual[1:] + usual[:-1])
        noise = np.asarray(float(np.median(steps)) / MEDIAN * usual, dtype=np.float64)
        out[:, one] = np.interp(np.arange(count), centres, shrink(found[:, one], noise).values)
    return out
