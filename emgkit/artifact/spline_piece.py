"""One channel of one segment of pulses: what is seen of it, and the fits to it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emgkit.artifact.spline_basis import PhaseDesign
from emgkit.artifact.spline_solve import CourseFit, fit_courses, fit_plainly

__all__ = ["LEAST_POWER", "SPIKE", "Piece", "pulse_power"]

Array = NDArray[np.float64]

SPIKE = 0.003  # s after the pulse, in which the power is not looked at
LEAST_POWER = 1e-8  # of the mean square of the signal
NEIGHBOURS = 9  # pulses over which the power of the voluntary EMG is averaged


@dataclass(frozen=True, eq=False)
class Piece:
    """A piece of a recording.

    Parameters
    ----------
    design : PhaseDesign
        Of the segment's pulses.
    seen : (rows,) V
    valid : (rows,) 1 where a sample was measured, else 0
    gram : (pulses, 4, size), from `PhaseDesign.gram`
    smooth : (pulses, courses), courses that the response may follow
    turning : (courses,) bool, or None
        Which of them turn over with the polarity of the pulses.
    settled : PhaseDesign or None
        The design that roughness is learned with, see `settled_places`; None for the same.
    alike : bool
        Whether all is fitted with that design.
    """

    design: PhaseDesign
    seen: Array
    valid: Array
    gram: Array
    smooth: Array
    turning: NDArray[np.bool_] | None = None
    settled: PhaseDesign | None = None
    alike: bool = False

    @cached_property
    def projected(self) -> Array:
        """Inner products with every pulse's splines, (pulses, size)."""
        return self.design.project_rows(self.seen * self.valid)

    @property
    def silent(self) -> bool:
        """Whether there is no signal in it."""
        return not (self.seen * self.valid).any()

    def nothing(self) -> CourseFit:
        """Give the fit to no signal."""
        shape = (self.smooth.shape[1], self.design.size)
        size = self.design.size
        return CourseFit(np.zeros(shape), np.zeros(shape), np.zeros(shape), np.zeros(size - 2), np.zeros(shape))

    def fit_roughly(self, few: int, bend: Array) -> CourseFit:
        """Fit the first few courses, without learning."""
        fit = self.nothing()
        fit.coefficients[:few] = fit_plainly(
            self.gram, self.projected, self.smooth[:, :few], bend, 1 if self.turning is None else 2
        )
        return fit

    def plain_power(self, few: int, bend: Array) -> Array:
        """Power about every pulse that a plain fit of the first few courses leaves, V²."""
        courses = self.smooth[:, :few]
        left = self.seen - self.design.evaluate(
            courses @ fit_plainly(self.gram, self.projected, courses, bend, 1 if self.turning is None else 2)
        )
        return pulse_power(self.design, left, self.valid, SPIKE, LEAST_POWER * float((self.seen**2).mean()))

    def fit(self, nulls: Array, weight: Array, bend: Array, start: CourseFit | None) -> CourseFit:
        """Fit all courses and learn their priors, see `fit_courses`."""
        fitted, learned = (self.gram, self.projected), None
        if self.settled is not None:
            learned = (self.settled.gram(self.valid), self.settled.project_rows(self.seen * self.valid))
        if learned is not None and self.alike:
            fitted, learned = learned, None
        return fit_courses(*fitted, self.smooth, nulls, weight, bend, start, self.turning, learned)

    def power_left(self, fit: CourseFit, least: float) -> Array:
        """Power about every pulse that a fit leaves, at least so much, V²."""
        left = self.seen - self.design.evaluate(self.smooth @ fit.coefficients)
        return pulse_power(self.design, left, self.valid, SPIKE, least)


def pulse_power(design: PhaseDesign, rest: Array, valid: Array, start: float, least: float = 0.0) -> Array:
    """Variance of the residual about every pulse, from ``start`` s after it on, averaged over neighbours, V²."""
    late = valid * (design.phase > start)
    squares = np.bincount(design.pulse, late * rest**2, minlength=design.pulses)
    number = np.bincount(design.pulse, late, minlength=design.pulses)
    bell = np.hanning(NEIGHBOURS + 2)[1:-1]
    reach = NEIGHBOURS // 2
    total, seen = (
        np.convolve(np.pad(one, reach, mode="reflect" if design.pulses > reach else "edge"), bell, "valid")
        for one in (squares, number)
    )
    return np.asarray(np.maximum(total / np.maximum(seen, 1e-12), least + 1e-30))
