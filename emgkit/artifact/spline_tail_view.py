"""One response as `split_tail` sees it, with what is around it in the recording."""

from __future__ import annotations

from copy import copy
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import BSpline, CubicSpline
from scipy.linalg import block_diag, toeplitz

from emgkit.artifact.base import windows_mask
from emgkit.artifact.spline_basis import DEGREE, places_of
from emgkit.artifact.spline_locked import Response
from emgkit.artifact.spline_share import TailShare
from emgkit.artifact.split_tail import split_rows
from emgkit.artifact.tail_amplifier import CANDIDATES, slow_or_not
from emgkit.artifact.tail_course import TailCourse
from emgkit.artifact.tail_found import TailSplit
from emgkit.artifact.tail_prior import TENDON, HighPass
from emgkit.artifact.tail_rows import FEWEST, TailRows, find_amplifiers
from emgkit.artifact.tail_sweeps import autocovariance, cut_sweeps, power_beside_slow
from emgkit.artifact.tail_together import FEWEST_ROWS, course_of, one_tail
from emgkit.errors import ParameterError

__all__ = ["SHORTEST", "SPOILED", "SURE", "View"]

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]
Indices = NDArray[np.int64]

AFTER_END = 0.3e-3  # s after the artifact's end, where a tail is looked for
LOOKED = 1.5e-3, 2.5e-3  # s after the pulse, before most responses begin
ABOUT = 0.5e-3  # s before and after that are looked at: what still rings on a tail crosses zero
SUSPECT, SURE = 0.01, 4.0  # a tail is there larger than that of the response, and than so many standard errors
LONGEST_AFTER, LEAST_AFTER = 0.2, 0.05  # s after the last pulse of a train that are looked at
SPOILED = 4e-3  # s after a pulse, in which the rest is not what noise is
STEADY_UNTIL = 0.1  # s, longest interval of a train
LEADERS = 3  # channels that tell the amplifier
LEAST_NOISE = 1e-3  # of the usual power
LESS_KNOWN = 4.0  # times the variance of the mean: of the response at the end of a train
WAVY = 2.0  # standard errors of the mean that slow tails leave, else it is no tail
MISFIT, MISFIT_ERRORS = 0.03, 4.0  # of the response, and of the noise: what the model may leave
NOISE_FROM = 60.0  # s, from which the noise of combinations of channels is known
LOOKED_AT, BEFORE_PULSE = 100, 0.5e-3  # pulses, and s before each, where the artifact alone is
SHORTEST = 0.016  # s, interval below which responses lie on each other


class View:
    """One response as `split_tail` sees it: its mean on a grid of times since the pulse."""

    def __init__(
        self,
        response: Response,
        rest: Array,
        known: Mask,
        fs: float,
        every: Array,
        baseline: Array,
        *,
        ramped: bool,
        course: TailCourse | None = None,
    ) -> None:
        self.response, self.rest, self.known, self.fs, self.every = response, rest, known, fs, every
        self.baseline, self.ramped, self.course = baseline, ramped, course
        self.amplifiers: dict[HighPass, float] = {}
        self.knots, count = response.knots, response.onsets.size
        first, last = np.ceil(self.knots[0] * fs), np.floor(self.knots[-1] * fs)
        self.times = np.arange(first, last + 1) / fs
        self.basis = BSpline.design_matrix(np.clip(self.times, *self.knots[[0, -1]]), self.knots, DEGREE).toarray()
        self.interval = float(np.median(np.diff(response.onsets))) if response.periodic and count > 1 else None
        if self.interval is not None and self.interval > STEADY_UNTIL:
            self.interval = None
        self.mean = np.stack([response.coefficients(channel).mean(axis=0) for channel in range(len(rest))])
        near = windows_mask(every, fs, rest.shape[1], -self.knots[0], SPOILED)
        self._spoken = windows_mask(every, fs, rest.shape[1], 0.0, STEADY_UNTIL) & ~near & known.all(axis=0)
        self.single = np.nan_to_num(autocovariance(rest, self._spoken, self.times.size + round(LONGEST_AFTER * fs)))

    def suspects(self, artifact_end: float) -> Mask:
        """Mark channels that are not back at their level when the artifact's own deflection is over."""
        late = self.basis @ self.mean.T
        settled = self.times > self.times[-1] - 0.15 * (self.times[-1] - self.times[0])
        near = np.abs(self.times - np.clip(artifact_end + AFTER_END, *LOOKED)) <= max(ABOUT, 0.51 / self.fs)
        off = np.sqrt(((late[near] - late[settled].mean(axis=0)) ** 2).mean(axis=0))
        after = late[self.times > artifact_end + AFTER_END]
        size = np.ptp(after, axis=0) if len(after) else np.zeros(len(off))
        error = np.sqrt(self.single[:, 0] / self.response.onsets.size)
        return np.asarray((off > SUSPECT * size) & (off > SURE * error))

    def wavy(self) -> Mask:
        """Mark channels in which more than noise is left of the mean beside a few slow exponentials."""
        late = self.times > SPOILED
        power = power_beside_slow(self.times[late], self.mean @ self.basis[late].T)
        return np.asarray(power > WAVY**2 * self.single[:, 0] / self.response.onsets.size)

    def after_trains(self) -> tuple[Array, Array, Array]:
        """Give what follows the supports of the last responses of trains: s after the pulse, V, and variances, V²."""
        ends, reach = self._ends()
        after = round((reach - float(self.knots[-1])) * self.fs) if self.interval and ends.size else 0
        if after < FEWEST:
            return np.zeros(0), np.zeros((len(self.rest), 0)), np.zeros(len(self.rest))
        sweeps = cut_sweeps(self.rest, self.fs, self.response.onsets[ends], reach)
        left = np.nan_to_num(sweeps.values.mean(axis=0))[:, -after:]
        return sweeps.times[-after:], left, self.single[:, 0] * self._loud(np.arange(len(self.rest)), left) / ends.size

    def split(self, rows: Indices) -> TailSplit | None:
        """Split the mean response of some channels, which has no net area; None if samples are few."""
        try:
            problem = self._problem(rows)
            return split_rows(problem, find_amplifiers(*self._telling(rows, problem)))
        except ParameterError:
            return None

    def split_both(self, rows: Indices) -> tuple[TailSplit, TailSplit | None] | None:
        """Split the mean response of some channels as those of one tail if they see one, else without and with area."""
        try:
            problem = self._problem(rows)
            joint = self._by_others(rows, problem)
            if joint is not None:
                return joint, None
            telling, prior = self._telling(rows, problem)
            self.amplifiers = find_amplifiers(telling, prior)
            joint = self._together(rows, problem, self.amplifiers)
            if joint is not None:
                return joint, None
            along, tendon = split_rows(problem, self.amplifiers), problem.of_kind(TENDON)
            telling = tendon if telling is problem else telling.of_kind(TENDON)
            return along, split_rows(tendon, find_amplifiers(telling, prior))
        except ParameterError:
            return None

    def _problem(self, rows: Indices) -> TailRows:
        noise = self._noise(rows, self.times.size) / self.response.onsets.size
        return TailRows(self.times, self.mean[rows] @ self.basis.T, noise, self.interval, None)

    def without_signals(self) -> View:
        """Give what is known without what is as long as the recording."""
        other, none = copy(self), np.zeros((len(self.rest), 0))
        other.rest, other.baseline, other.known, other._spoken = none, none, none.astype(bool), none[0].astype(bool)
        return other

    def waves(self, rows: Indices) -> Array:
        """Mean responses at `times`, V, (rows, times)."""
        return np.asarray(self.mean[rows] @ self.basis.T)

    def errors(self, rows: Indices) -> Array:
        """Covariance of their noise, V², (rows, times, times)."""
        return self._noise(rows, self.times.size) / self.response.onsets.size

    def _by_others(self, rows: Indices, problem: TailRows) -> TailSplit | None:
        """Split by what other channels tell of the tail, if they do."""
        loads = None if self.course is None else self.course.loads(self.block(rows, self.course.start))
        return None if self.course is None or loads is None else self.course.split(problem, loads)

    def _together(self, rows: Indices, problem: TailRows, amplifiers: dict[HighPass, float]) -> TailSplit | None:
        if rows.size < FEWEST_ROWS:
            return None
        tail = one_tail(problem, self.block(rows, problem.start))
        if tail is None:
            return None
        first = max(round(float(self.response.onsets[0]) * self.fs), 0)
        part = slice(first, first + round(NOISE_FROM * self.fs))  # all of it would be as large as the channels
        left = autocovariance(tail.weights.T @ self.rest[rows, part], self._spoken[part], self.times.size)
        taper = np.linspace(1, 0, self.times.size) / self.response.onsets.size
        noise = np.stack([toeplitz(taper * row) for row in np.nan_to_num(left)])
        course = course_of(problem, tail, noise, amplifiers)
        found = course.split(problem, tail.loads)
        self.course = None if found is None else course
        return found

    def block(self, rows: Indices, until: float) -> Array:
        """Give what steps from sample to sample under the pulses themselves, V, (rows, steps of some pulses)."""
        chosen = np.linspace(0, self.response.onsets.size - 1, min(self.response.onsets.size, LOOKED_AT)).astype(int)
        onsets = self.response.onsets[chosen]
        first = np.ceil((onsets - BEFORE_PULSE) * self.fs)[:, np.newaxis]
        phase = (first + np.arange(max(int((until + BEFORE_PULSE) * self.fs), 2))) / self.fs - onsets[:, np.newaxis]
        places = np.clip(phase, *self.knots[[0, -1]])
        splines = BSpline.design_matrix(places.ravel(), self.knots, DEGREE).toarray().reshape(*phase.shape, -1)
        waves = [np.einsum("pfs,ps->pf", splines, self.response.coefficients(row)[chosen]) for row in rows]
        return np.asarray(np.diff(waves, axis=2).reshape(rows.size, -1))

    def _noise(self, rows: Indices, count: int) -> Array:
        taper = np.linspace(1, 0, count)
        return np.stack([toeplitz(taper * self.single[row, :count]) for row in rows])

    def _telling(self, rows: Indices, problem: TailRows) -> tuple[TailRows, dict[HighPass, float]]:
        """Give what tells the amplifier (what is left after trains, else the response), and what is known before."""
        leaders = rows[np.argsort(-np.abs(problem.values).max(axis=1))[:LEADERS]]
        prior = dict.fromkeys(CANDIDATES, 1.0)
        if not self.ramped:  # else what is left of the responses changes slowly, too
            drifting = self.rest[leaders] + self.baseline[leaders]
            prior = slow_or_not(drifting, np.asarray(self.known.all(axis=0)), self.fs)
        ends, reach = self._ends()
        if self.interval is None or not ends.size:
            return problem, prior
        inside = self.times < self.knots[-1] - 0.5 / self.fs
        times = np.append(
            self.times[inside], np.arange(inside.sum() + self.times[0] * self.fs, reach * self.fs) / self.fs
        )
        count, after = int(inside.sum()), times.size - int(inside.sum())
        sweeps = cut_sweeps(self.rest[leaders], self.fs, self.response.onsets[ends], reach).values
        with np.errstate(invalid="ignore"):
            left = np.nan_to_num(sweeps.mean(axis=0))[:, -after:]
        last = np.stack([self.response.coefficients(row)[ends].mean(axis=0) for row in leaders])
        noise = self._noise(leaders, times.size)
        less, loud = LESS_KNOWN / self.response.onsets.size, self._loud(leaders, left) / ends.size
        both = [
            block_diag(less * one[:count, :count], part * one[count:, count:])
            for one, part in zip(noise, loud, strict=True)
        ]
        values = np.concatenate([last @ self.basis[inside].T, left], axis=1)
        return TailRows(times, values, np.stack(both), self.interval, None), prior

    def _loud(self, rows: Indices, left: Array) -> Array:
        """Power of the noise after the last pulses over the usual one: effort may fall there, and responses end."""
        late = left[:, left.shape[1] // 2 :]  # where little is left of the decay
        usual = 2 * (self.single[rows, 0] - self.single[rows, 1]) / max(self._ends()[0].size, 1)
        return np.maximum((np.diff(late, axis=1) ** 2).mean(axis=1) / np.maximum(usual, 1e-300), LEAST_NOISE)

    def _ends(self) -> tuple[Indices, float]:
        """Pulses that a long pause follows, and for how long it can be looked at, s."""
        onsets, length = self.response.onsets, self.rest.shape[1] / self.fs
        place = np.searchsorted(self.every, onsets, side="right")
        pause = np.append(self.every, length)[place] - onsets + self.knots[0] - 1 / self.fs
        ends = np.flatnonzero(pause > self.knots[-1] + LEAST_AFTER)
        ends = ends[[bool(self._whole(float(onsets[end]), float(pause[end]))) for end in ends]] if ends.size else ends
        reach = min(LONGEST_AFTER, float(pause[ends].min())) if ends.size else 0.0
        return ends, np.floor(reach * self.fs) / self.fs

    def _whole(self, onset: float, pause: float) -> bool:
        low = round(onset * self.fs)
        return bool(self.known[:, low : low + round(min(pause, LONGEST_AFTER) * self.fs)].all())

    def shares(self, split: TailSplit, told: TailSplit, rows: Indices, doubted: Mask) -> list[TailShare | None]:
        """Give every channel its share: from coefficients of the locked response to those of the evoked one.

        Whether it is split is decided by the channel for itself; how well it is told is a matter of all channels.
        """
        shares: list[TailShare | None] = [None] * len(self.rest)
        for number, row in enumerate(rows):
            if doubted[number]:
                shares[int(row)] = self.told(split, told, number)
            elif self._crowded or self._lost(split, number):
                tail = np.sqrt(told.tail[number] ** 2 + told.tail_error[number] ** 2)
                shares[int(row)] = self.unknown(int(row), tail)
            elif split.no_tail[number] <= 0.5 and self.fits(split, number):
                shares[int(row)] = self.told(split, told, number)
        return shares

    def doubted(self, split: TailSplit, told: TailSplit) -> Mask:
        """Mark rows that are split although their tail is smaller than its error, by what is told of them."""
        lost = np.array([self._lost(split, number) for number in range(len(split.evoked))])
        return np.asarray(lost & ~told.overlap & (not self._crowded))

    @property
    def _crowded(self) -> bool:
        return (self.interval or 1.0) < SHORTEST

    def _lost(self, split: TailSplit, number: int) -> bool:
        """Tell whether sharing by time is no worse: it is wrong by the tail, the split by the error of the tail."""
        after = split.times > split.start
        return bool(np.mean(split.tail_error[number, after] ** 2) > np.mean(split.tail[number, after] ** 2))

    def told(self, split: TailSplit, told: TailSplit, number: int) -> TailShare:
        """Give the share of a channel of the split."""
        operator = self._to_coefficients @ split.weights[number] @ self.basis[split.used]
        return TailShare(operator, self.times, told.evoked_error[number])

    @cached_property
    def _to_coefficients(self) -> Array:
        """From values at the times of the grid to coefficients."""
        places = np.clip(places_of(self.knots), self.knots[0], self.knots[-1])
        between = CubicSpline(self.times, np.eye(self.times.size), axis=0)(
            np.clip(places, self.times[0], self.times[-1])
        )
        return np.asarray(np.linalg.solve(BSpline.design_matrix(places, self.knots, DEGREE).toarray(), between))

    def unknown(self, row: int, tail: Array | float = 0.0) -> TailShare:
        """Share by time, with an error as large as the tail that is then left in the response, V.

        That is as large as all that is locked to the pulses beside its level, or as large as the split says: tail and
        response of opposite signs hide each other.
        """
        late = self.times > min(SPOILED, 0.5 * float(self.times[-1]))  # pulses may follow each other within 5 ms
        wave = self.basis @ self.mean[row]
        return TailShare(None, self.times, np.maximum(float(np.std(wave[late])), tail) + np.zeros(self.times.size))

    def fits(self, split: TailSplit, row: int) -> bool:
        """Tell whether the model leaves next to nothing of the mean response: else it is none of this kind."""
        seen = split.used[self.times[split.used] > split.clear[row]]
        if seen.size < FEWEST:
            return False
        left = (split.artifact - split.tail)[row, seen]
        size = float(np.sqrt(np.mean(split.evoked[row, seen] ** 2)))
        noise = float(np.sqrt(self.single[:, 0].max() / self.response.onsets.size))
        return float(np.sqrt(np.mean(left**2))) <= max(MISFIT * size, MISFIT_ERRORS * noise)
